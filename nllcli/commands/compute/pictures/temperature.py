"""Whether the loss would be lower at another temperature: it is computed at some of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.commands.compute.pictures.wording import has_negative_weights
from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Rule
from nllcli.numerics.losses import LOSSES
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

_FEWEST = 10  # samples
_MOST_TIMES = 4.0  # what loses more than this many times the least is not drawn


class _Loss(NamedTuple):
    temperature: float
    loss: float


def picture(result: LossResult) -> Picture | None:
    """The loss at each of the temperatures, to the last bit what nll compute has there."""
    losses = _losses(result)
    if not losses or result.n_counted < _FEWEST:
        return None
    own = _Loss(float(result.tally.subject.settings["temperature"]), result.loss)
    best = min(losses, key=lambda each: each.loss)
    drawn = [each for each in losses if each.loss <= max(_MOST_TIMES * best.loss, 1.2 * own.loss)]
    unit = "nats"
    y = Axis(0.0, max(each.loss for each in drawn), "mean loss, nats" if result.reduction == "mean" else "loss, nats")
    x = Axis(
        drawn[0].temperature,
        drawn[-1].temperature,
        "temperature that divides the logits",
        "log",
        ticks=tuple((t, f"{t:g}") for t in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)),
    )
    dots = [Dot(*each, title=f"{each.loss:.6g} {unit} at {each.temperature:g}") for each in drawn]
    ends = [Dot(*own, hollow=True, label=f"as it is {own.loss:.4g}")]
    if best.loss < own.loss:
        ends.append(Dot(*best, label=f"{best.loss:.4g} at {best.temperature:g}"))
    marks = (
        Rule(own.temperature),
        Line("loss", tuple(drawn)),
        Dots("loss", tuple(dots)),
        Dots("loss", tuple(ends)),
    )
    return Picture(
        "temperature",
        "Would a temperature help?",
        _answer(own, best, at_end=best in (losses[0], losses[-1])),
        _table(losses),
        (Panel(x, y, marks),),
        brief=_table(losses, bars=True),
        reading="Computed at each dot. nll calibrate finds the best temperature, how sure it is, and what it gains on "
        "samples that had no part in it: do not judge it by those that chose it.",
    )


def _losses(result: LossResult) -> list[_Loss]:
    """The finite losses at the temperatures, where all samples are in them."""
    curve, sums = collected_of(result).curve, result.tally.sums
    if curve is None or curve.n != sums.n_counted or result.reduction == "none" or not sums.n_counted:
        return []
    if not LOSSES[result.loss_name].needs_targets or has_negative_weights(result):  # which an end suits best
        return []
    reduced = [
        total.divided_by(sums.weight_sum) if result.reduction == "mean" else float(total) for total in curve.sums
    ]
    pairs = zip(curve.temperatures, reduced, strict=True)
    return [_Loss(temperature, loss) for temperature, loss in pairs if math.isfinite(loss)]


def _answer(own: _Loss, best: _Loss, *, at_end: bool) -> Sentence:
    if best.loss >= own.loss or best.temperature == own.temperature:
        least = Strong((Fact("loss", own.loss, unit="nats"),))
        return "Hardly: of the temperatures drawn, none loses less than ", least, "."
    return (
        "At a temperature of ",
        Strong((Fact("temperature", best.temperature, "round"),)),
        ", the best of those drawn, the loss would be ",
        Fact("loss", best.loss, unit="nats"),
        " instead of ",
        Fact("loss_as_it_is", own.loss),
        ", ",
        Fact("less", 1.0 - best.loss / own.loss, "share"),
        " less, with not one answer changed",
        f"; one {'above' if best.temperature > 1.0 else 'below'} it may lose less still." if at_end else ".",
    )


def _table(losses: list[_Loss], *, bars: bool = False) -> Table:
    least = min(each.loss for each in losses)
    columns: Columns = [
        (
            Column("temperature", "temperature", "text" if bars else "number"),
            [f"{each.temperature:g}" if bars else each.temperature for each in losses],
        ),
        (Column("loss", "loss", "number", "nats"), [each.loss for each in losses]),
    ]
    if bars:
        scale = [min(1.0, each.loss / (_MOST_TIMES * least)) if least > 0 else 0.0 for each in losses]
        columns.append((Column("bar", "", "bar", tone="loss"), scale))
    return Table.of("temperature", "", columns)
