"""Whether the loss would be lower at another temperature: it is computed at some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.wording import has_negative_weights
from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Rule
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table
from nllcli.scoring.tempered import FEWEST, MOST_TIMES, AtTemperature, loss_label, losses_at, temperature_axis

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence


def picture(result: LossResult) -> Picture | None:
    """The loss at each of the temperatures, to the last bit what nll compute has there."""
    losses = losses_at(result.tally.sums, loss=result.loss_name, reduction=result.reduction)
    if not losses or result.n_counted < FEWEST or has_negative_weights(result):  # which an end suits best
        return None
    own = AtTemperature(float(result.tally.subject.settings["temperature"]), result.loss)
    best = min(losses, key=lambda each: each.loss)
    drawn = [each for each in losses if each.loss <= max(MOST_TIMES * best.loss, 1.2 * own.loss)]
    y = Axis(0.0, max(each.loss for each in drawn), loss_label(result.reduction))
    x = temperature_axis(drawn[0].temperature, drawn[-1].temperature)
    dots = [Dot(*each, title=f"{each.loss:.6g} nats at {each.temperature:g}") for each in drawn]
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


def _answer(own: AtTemperature, best: AtTemperature, *, at_end: bool) -> Sentence:
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


def _table(losses: list[AtTemperature], *, bars: bool = False) -> Table:
    least = min(each.loss for each in losses)
    columns: Columns = [
        (
            Column("temperature", "temperature", "text" if bars else "number"),
            [f"{each.temperature:g}" if bars else each.temperature for each in losses],
        ),
        (Column("loss", "loss", "number", "nats"), [each.loss for each in losses]),
    ]
    if bars:
        scale = [min(1.0, each.loss / (MOST_TIMES * least)) if least > 0 else 0.0 for each in losses]
        columns.append((Column("bar", "", "bar", tone="loss"), scale))
    return Table.of("temperature", "", columns)
