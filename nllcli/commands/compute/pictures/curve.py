"""What a probability costs: the curve of -log p, with the few samples on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.wording import is_surprisal
from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Rule
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.drawing import Mark
    from nllcli.report import Sentence

_N_POINTS = 60
_MOST_SAMPLES = 20


def picture(result: LossResult) -> Picture | None:
    """Of samples whose loss is -log p of one class, and which weigh alike."""
    found, options = result.samples, result.tally.subject
    plain = is_surprisal(result) and not result.is_weighted and options.clip is None
    if found is None or found.targets is None or not plain:
        return None
    pairs = zip(found.targets[:], found.losses[:], strict=True)
    points = [(target, math.exp(-loss), loss) for target, loss in pairs if target != "ignored" and math.isfinite(loss)]
    if not 0 < len(points) <= _MOST_SAMPLES:
        return None
    most = 1.2 * max(1.0, *(loss for _, _, loss in points))
    losses = [most * (1.0 - i / _N_POINTS) ** 2 for i in range(_N_POINTS + 1)]
    marks: tuple[Mark, ...] = (
        Line("plain", tuple((math.exp(-loss), loss) for loss in losses)),
        *_mean(result),
        Dots("loss", tuple(Dot(p, loss, label=f"{name} {loss:.4g}") for name, p, loss in points)),
    )
    columns: Columns = [
        (Column("target", "is", "text"), [name for name, _, _ in points]),
        (Column("p", "p", "probability"), [p for _, p, _ in points]),
        (Column("loss", "-log p", "number", "nats"), [loss for _, _, loss in points]),
    ]
    return Picture(
        "curve",
        "What does a probability cost?",
        _answer(points),
        Table.of("curve", "", columns),
        (Panel(Axis(0.0, 1.0, "p: probability given to the right class"), Axis(0.0, most, "loss, nats"), marks),),
    )


def _mean(result: LossResult) -> tuple[Rule, ...]:
    """A line at the mean, where that is the loss."""
    if result.reduction != "mean":
        return ()
    return (Rule(result.loss, f"mean {result.loss:.4f}", level=True, tone="loss"),)


def _answer(points: list[tuple[str, float, float]]) -> Sentence:
    name, p, loss = max(points, key=lambda point: point[2])
    return (
        "The loss of a sample is -log of the probability that its own class was given. ",
        Name(name),
        " was given ",
        Fact("p", p, "probability"),
        " and loses ",
        Strong((Fact("loss", loss, unit="nats"),)),
        ".",
    )
