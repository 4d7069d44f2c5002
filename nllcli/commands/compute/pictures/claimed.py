"""How often a sure answer is wrong: claimed and found errors, on axes that show the certain ones apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.answers import FEWEST, Group, cumulated, groups_of
from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Words
from nllcli.numerics.wilson import wilson
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

# Edges of groups: the error that answers called sure claim at most, the first edge below which there are enough.
_SURE = (0.01, 1 / 15, 1 / 3, 1.0)
_LEAST = 1e-12  # claims of less are drawn there


def picture(result: LossResult) -> Picture | None:
    """Bröcker and Smith's probability paper (Weather Forecast. 22, 2007) for errors: logarithmic both ways."""
    groups = groups_of(result)
    if sum(group.n for group in groups) < FEWEST:
        return None
    merged = _merged(groups)
    low = min(max(_LEAST, group.claimed / group.n) for group in merged)
    floor = min(low, *(0.5 / group.n for group in merged))
    axis = {"scale": "log", "kind": "probability"}
    x = Axis(low / 2, 1.0, "claimed: 1 − largest probability", **axis)  # type: ignore[arg-type]  # of literals
    y = Axis(floor, 1.0, "wrong among them", **axis)  # type: ignore[arg-type]
    marks = (
        Line("plain", ((max(low / 2, floor), max(low / 2, floor)), (1.0, 1.0)), dashed=True),
        Words((low / 2) ** 0.8, floor**0.05, "too certain", strong=True),
        Words((low / 2) ** 0.2, floor**0.9, "too modest", strong=True),
        Dots("samples", tuple(_dot(group, floor) for group in merged)),
    )
    return Picture(
        "claimed",
        "How often is a sure answer wrong?",
        _answer(groups),
        _table(merged),
        (Panel(x, y, marks),),
        reading="The reliability diagram once more, with the certain answers spread out: they cost most when they are "
        "wrong. The line through a dot: 95 % interval (Wilson); hollow: none is wrong.",
    )


def _answer(groups: list[Group]) -> Sentence:
    every = cumulated(groups)
    sure = next(
        group for most in _SURE if (group := _up_to(every, most)) is not None and (group.n >= FEWEST or most == 1.0)
    )
    which = "answers that it is at least " if sure.high < 1.0 else "answers, all "
    expected = sure.claimed
    return (
        "Of the ",
        Fact("n_sure", sure.n, "count"),
        f" {which}",
        Fact("certain_from", 1.0 - sure.high, "share"),
        " certain of, ",
        Fact("n_wrong_claimed", expected),
        " would be wrong by its own claims; ",
        Strong((Fact("n_wrong", sure.n_wrong, "count"), " is" if sure.n_wrong == 1 else " are")),
        ".",
    )


def _up_to(every: list[Group], most: float) -> Group | None:
    found = [group for group in every if group.high <= most * (1 + 1e-9)]
    return found[-1]._replace(high=most) if found else None


def _merged(groups: list[Group]) -> list[Group]:
    """Neighbours together: of few answers, and those of claims too small for so many answers to tell them apart."""
    found: list[Group] = []
    least = 10.0 ** math.floor(math.log10(0.1 / sum(group.n for group in groups)))
    for group in groups:
        last = found[-1] if found else None
        if last is not None and (group.high <= 1.01 * least or last.n < 2 * FEWEST):
            sums = (last.n + group.n, last.claimed + group.claimed, last.n_wrong + group.n_wrong)
            found[-1] = Group(last.low, group.high, *sums)
        else:
            found.append(group)
    return found


def _dot(group: Group, floor: float) -> Dot:
    low, high = wilson(group.n_wrong, group.n)
    told = f"{group.n_wrong:,} of {group.n:,} wrong, {group.claimed:.3g} claimed"
    share = group.n_wrong / group.n
    x = max(_LEAST, group.claimed / group.n)
    return Dot(x, max(share, floor), max(low, floor), high, hollow=not group.n_wrong, title=told)


def _table(groups: list[Group]) -> Table:
    columns: Columns = [
        (Column("low", "claimed from", "probability"), [group.low for group in groups]),
        (Column("high", "to", "probability"), [group.high for group in groups]),
        (Column("count", "answers", "count"), [group.n for group in groups]),
        (Column("n_wrong_claimed", "wrong, claimed"), [group.claimed for group in groups]),
        (Column("n_wrong", "wrong", "count"), [group.n_wrong for group in groups]),
        (Column("error", "wrong among them", "share"), [group.n_wrong / group.n for group in groups]),
    ]
    return Table.of("claimed", "", columns)
