"""Whether the difference is one of temperatures: both losses at some of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compare.pictures.wording import key_of, paired_of
from nllcli.drawing import Axis, Dot, Dots, Line, Panel
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table
from nllcli.scoring.tempered import FEWEST, MOST_TIMES, AtTemperature, loss_label, losses_at, temperature_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.result import Comparison
    from nllcli.drawing import Mark, Tone
    from nllcli.report import Sentence


class _Curve(NamedTuple):
    """The losses of a model at the temperatures, its own, and the least of those."""

    name: str
    tone: Tone
    losses: list[AtTemperature]
    own: AtTemperature

    @property
    def best(self) -> AtTemperature:
        return min((self.own, *self.losses), key=lambda each: each.loss)


def picture(result: Comparison) -> Picture | None:
    """Both curves on one axis."""
    tones: tuple[Tone, Tone] = ("first", "second")
    curves = [_curve(result, place, tone) for place, tone in enumerate(tones)]
    if paired_of(result) is None or result.n_counted < FEWEST:
        return None
    found = [curve for curve in curves if curve is not None]
    if len(found) < 2 or not any(curve.own.loss for curve in found):
        return None
    return Picture(
        "temperatures",
        "Is it only their temperature?",
        _answer(*found),
        _table(*found),
        (_panel(result, found),),
        key_of=key_of(result),
        reading="Hollow: as it is. Temperatures are better chosen on other samples than those that judge them: "
        "nll calibrate does.",
    )


def _curve(result: Comparison, place: int, tone: Tone) -> _Curve | None:
    """That of a model; None where its losses at other temperatures are not known, or not finite."""
    if place >= len(result.models) or len(result.models) > 2:
        return None
    sums, model = result.compared.sums.models[place], result.compared.subject.models[place]
    own = AtTemperature(model.temperature, result.models[place].loss)
    losses = losses_at(sums, loss=result.compared.subject.loss, reduction=result.reduction)
    return _Curve(model.name, tone, losses, own) if losses and math.isfinite(own.loss) else None


def _answer(first: _Curve, second: _Curve) -> Sentence:
    was, would = (second.own.loss - first.own.loss, second.best.loss - first.best.loss)
    lower = second if would < 0 else first
    verb = "would lose less" if was * would <= 0 else "would still lose less"
    verdict: Sentence = (Strong((Name(lower.name), f" {verb}")), ", by ", Fact("less", abs(would), unit="nats"), ".")
    if would == 0:
        verdict = (Strong(("both would lose the same",)), ".")
    return (
        "With a temperature each, the best of those drawn, ",
        *_at_best(first, "baseline"),
        ", and ",
        *_at_best(second, "model"),
        ": ",
        *verdict,
    )


def _at_best(curve: _Curve, key: str) -> Sentence:
    return (
        Name(curve.name),
        " would lose ",
        Fact(f"{key}_loss", curve.best.loss, unit="nats"),
        " (at ",
        Fact(f"{key}_temperature", curve.best.temperature, "round"),
        ")",
    )


def _panel(result: Comparison, curves: Sequence[_Curve]) -> Panel:
    most = max(MOST_TIMES * max(curve.best.loss for curve in curves), *(1.2 * curve.own.loss for curve in curves))
    marks: list[Mark] = []
    for curve in curves:
        drawn = [each for each in curve.losses if each.loss <= most]
        points = tuple(sorted({*drawn, curve.own}))
        marks.append(Line(curve.tone, points, dashed=curve.tone == "second", label=curve.name))
        told = [Dot(*each, title=f"{curve.name}: {each.loss:.6g} nats at {each.temperature:g}") for each in drawn]
        marks.append(Dots(curve.tone, tuple(told)))
        marks.append(Dots(curve.tone, (Dot(*curve.own, hollow=True, title=f"{curve.name} as it is"),)))
    drawn_losses = [each for curve in curves for each in (*curve.losses, curve.own) if each.loss <= most]
    low, high = (end(each.temperature for each in drawn_losses) for end in (min, max))
    lowest, highest = (end(each.loss for each in drawn_losses) for end in (min, max))
    y = Axis(min(0.0, lowest), highest, loss_label(result.reduction))
    return Panel(temperature_axis(low, high), y, tuple(marks))


def _table(first: _Curve, second: _Curve) -> Table:
    known = [dict(curve.losses) for curve in (first, second)]
    temperatures = sorted({temperature for losses in known for temperature in losses})
    columns: Columns = [
        (Column("temperature", "temperature"), temperatures),
        (Column("baseline_loss", first.name, "number", "nats"), [known[0].get(each) for each in temperatures]),
        (Column("model_loss", second.name, "number", "nats"), [known[1].get(each) for each in temperatures]),
    ]
    return Table.of("temperatures", "", columns)
