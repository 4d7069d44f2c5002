"""How the samples' losses become one number: what their sum is divided by; a divisor is one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.departure import OFTEN, RARELY, SOMETIMES, Departure
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Known
    from nllcli.commands.reconcile.values import Values


# The mean over every pair of a sample's logits and a sample's target.
PAIRS = "pairs"


@dataclass(frozen=True)
class Divisor:
    """What the sum of the losses is divided by, given a convention; and where that is tried."""

    text: str
    of: Callable[[Values, Convention], float]
    applies: Callable[[Known], bool] = lambda _: True
    rarity: int = SOMETIMES
    scale_free: bool = False


def _has_weights(known: Known) -> bool:
    return known.base.sample_weights or known.base.weighting.name != "none"


def _has_rows(known: Known) -> bool:
    return len(known.dataset.layout.sample_shape) > 1


DIVISORS = {
    "mean": Divisor(
        "mean over the sum of the targets' weights",
        lambda s, c: s.weight_sum(c.of_weights),
        rarity=OFTEN,
        scale_free=True,
    ),
    "sum": Divisor("sum", lambda *_: 1.0, rarity=OFTEN),
    "counted": Divisor("sum / number of counted samples", lambda s, c: s.n_counted(c), rarity=OFTEN),
    "samples": Divisor("sum / number of all samples, ignored ones too", lambda s, _: s.found.n_samples, rarity=OFTEN),
    "items": Divisor("sum / length of the first axis (the batch size)", lambda s, _: s.axes[0], _has_rows, OFTEN),
    "elements": Divisor("sum / (samples x classes)", lambda s, c: s.n_counted(c) * s.dataset.n_classes),
    "paired": Divisor(
        "sum / number of all positions that have a target under the shift, ignored ones too: B (T - 1)",
        lambda s, c: s.n_paired(c),
        lambda known: known.found.has_shifts,
    ),
    "nonzero": Divisor(
        "sum / number of samples whose weight is not zero (older Keras, SUM_BY_NONZERO_WEIGHTS)",
        lambda s, c: s.n_nonzero(c),
        _has_weights,
    ),
    "axis": Divisor(
        "means over the other axes, summed over axis {at} of the targets",
        lambda s, c: s.found.n_samples / s.axes[c.at],
        _has_rows,
    ),
    # What the user suspects.
    "given": Divisor("sum / {at}", lambda _, c: c.at, lambda _: False),
}


def departures(known: Known) -> Iterator[Departure]:
    for name, divisor in DIVISORS.items():
        if not divisor.applies(known):
            continue
        for at in range(len(known.dataset.layout.sample_shape) if name == "axis" else 1):
            changes = {"reduction": name, "n": 0, "at": at}
            yield Departure("reduction", divisor.text.format(at=at), changes, divisor.rarity)
    if known.dataset.binary and not known.found.is_soft:
        text = "the mean over all pairs of a logit and a target: (N, 1) against (N,) broadcast to N x N"
        yield Departure("part", text, {"reduction": PAIRS, "n": 0, "at": 0}, RARELY)
