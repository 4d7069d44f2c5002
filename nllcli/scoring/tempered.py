"""The loss at other temperatures, which several commands draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.drawing import Axis
from nllcli.numerics.losses import LOSSES

if TYPE_CHECKING:
    from nllcli.numerics.tally import Tally

FEWEST = 10  # samples
MOST_TIMES = 4.0  # what loses more than this many times the least is not drawn
_TICKS = tuple((t, f"{t:g}") for t in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0))


class AtTemperature(NamedTuple):
    """A loss, and the temperature at which it is."""

    temperature: float
    loss: float


def losses_at(sums: Tally, *, loss: str, reduction: str) -> list[AtTemperature]:
    """The finite losses at the temperatures for which a pass has collected them, where all samples are in them.

    None of a ``loss`` that looks at no target, which the coldest suits best, and where nothing is reduced or counted.
    """
    curve = None if sums.pictures is None else sums.pictures.curve
    if curve is None or curve.n != sums.n_counted or reduction == "none" or not sums.n_counted:
        return []
    if not LOSSES[loss].needs_targets:
        return []
    reduced = [total.divided_by(sums.weight_sum) if reduction == "mean" else float(total) for total in curve.sums]
    pairs = zip(curve.temperatures, reduced, strict=True)
    return [AtTemperature(*pair) for pair in pairs if math.isfinite(pair[1])]


def temperature_axis(low: float, high: float) -> Axis:
    """The axis of temperatures between two."""
    return Axis(low, high, "temperature that divides the logits", "log", ticks=_TICKS)


def loss_label(reduction: str) -> str:
    """What the axis of the losses is called."""
    return "mean loss, nats" if reduction == "mean" else "loss, nats"
