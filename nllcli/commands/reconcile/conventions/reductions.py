"""How the samples' losses become one number: what their sum is divided by; a divisor is one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.departure import OFTEN, RARELY, SOMETIMES, Departure
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nllcli.commands.reconcile.departure import Known
    from nllcli.commands.reconcile.values import Reduced


# The mean over every pair of a sample's logits and a sample's target.
PAIRS = "pairs"


@dataclass(frozen=True)
class Divisor:
    """What the sum of the losses is divided by, given a convention's own number ``at``; and where that is tried."""

    text: str
    of: Callable[[Reduced, int], float]
    applies: Callable[[Known], bool] = lambda _: True
    met: int = SOMETIMES
    scale_free: bool = False


def _has_weights(known: Known) -> bool:
    return known.base.sample_weights or known.base.weighting.name != "none"


def _has_rows(known: Known) -> bool:
    return len(known.dataset.layout.sample_shape) > 1


DIVISORS = {
    "mean": Divisor("mean over the sum of the targets' weights", lambda s, _: s.weight_sum, met=OFTEN, scale_free=True),
    "sum": Divisor("sum", lambda *_: 1.0, met=OFTEN),
    "counted": Divisor("sum / number of counted samples", lambda s, _: s.n_counted, met=OFTEN),
    "samples": Divisor("sum / number of all samples, ignored ones too", lambda s, _: float(s.n_samples), met=OFTEN),
    "items": Divisor(
        "sum / length of the first axis (the batch size)", lambda s, _: float(s.n_items), _has_rows, OFTEN
    ),
    "elements": Divisor("sum / (samples x classes)", lambda s, _: s.n_counted * s.n_classes),
    "paired": Divisor(
        "sum / number of all positions that have a target under the shift, ignored ones too: B (T - 1)",
        lambda s, _: float(s.n_paired),
        lambda known: known.found.has_shifts,
    ),
    "nonzero": Divisor(
        "sum / number of samples whose weight is not zero (older Keras, SUM_BY_NONZERO_WEIGHTS)",
        lambda s, _: s.n_nonzero,
        _has_weights,
    ),
    "axis": Divisor(
        "means over the other axes, summed over axis {at} of the targets",
        lambda s, at: s.n_samples / s.axes[at],
        _has_rows,
    ),
    # What the user suspects.
    "given": Divisor("sum / {at}", lambda _, at: float(at), lambda _: False),
}


def departures(known: Known) -> Iterator[Departure]:
    for name, divisor in DIVISORS.items():
        if not divisor.applies(known):
            continue
        for at in range(len(known.dataset.layout.sample_shape) if name == "axis" else 1):
            changes = {"reduction": name, "n": 0, "at": at}
            yield Departure("reduction", divisor.text.format(at=at), changes, divisor.met)
    if known.dataset.binary and not known.found.is_soft:
        text = "the mean over all pairs of a logit and a target: (N, 1) against (N,) broadcast to N x N"
        yield Departure("part", text, {"reduction": PAIRS}, RARELY)
