"""What the samples themselves made worth a warning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.errors import Notice, setting
from nllcli.scoring.places import places

if TYPE_CHECKING:
    from nllcli.numerics.tally import Tally
    from nllcli.scoring.settled import Settled


def tally_notices(tally: Tally, settled: Settled) -> list[Notice]:
    """What the samples themselves made suspicious."""
    options, dataset = settled.options, settled.dataset
    found = []
    if not tally.n_samples:
        found.append(Notice("no-samples", "there are no samples: the mean is NaN, the sum 0"))
    elif not tally.n_counted:
        every = f"every target that {setting('shift', settled.shift)} reaches" if settled.shift else "every target"
        found.append(
            Notice("nothing-counted", f"{every} is {options.ignore_index}, the ignored index: the mean is NaN")
        )
    elif tally.weight_sum.units == 0:
        found.append(
            Notice("zero-weight-sum", "the weights of the counted samples add up to 0: the mean is not defined")
        )
    for code, rows in tally.findings.items():
        found.append(
            Notice(
                code,
                FINDINGS[code].format(n=rows.n, total=tally.n_samples, worst=rows.worst, places=places(rows, dataset)),
            )
        )
    if options.clip is not None:
        found.append(
            Notice(
                "clipped",
                f"p is clipped to [{options.clip:g}, 1 - {options.clip:g}]: "
                f"no surprisal exceeds {-math.log(options.clip):.4f} nats",
            )
        )
    return found


FINDINGS = {
    "infinite-loss": "infinite loss in {n} of {total} samples, a class that the loss asks for having probability 0: "
    "{places}",
    "negative-sample-weights": "negative sample weights in {n} of {total} samples: {places}",
    "nonfinite-logits": "NaN, +inf or only -inf in {n} of {total} samples, which count as NaN: {places}",
    "not-normalised": "probabilities that do not sum to 1 (off by up to {worst:.3g}), used as they are, "
    "in {n} of {total} samples: {places}",
    "soft-targets-not-normalised": "soft targets that do not sum to 1 (off by up to {worst:.3g}), used as they are, "
    "in {n} of {total} samples: {places}",
}
