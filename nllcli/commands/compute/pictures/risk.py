"""What is gained where the least certain samples are left unanswered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Ribbon
from nllcli.numerics.wilson import wilson
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table
from nllcli.scoring.answers import FEWEST, cumulated, groups_of

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.drawing import Mark
    from nllcli.report import Sentence
    from nllcli.scoring.answers import Group

_MOST_BETWEEN = 0.15  # of the samples, between points that a line joins
_PASSED = 0.05  # of the samples, about so many are passed on in the sentence


def picture(result: LossResult) -> Picture | None:
    """The curve of risk and coverage (El-Yaniv and Wiener, J. Mach. Learn. Res. 11, 2010) at the edges of groups."""
    answered = cumulated(groups_of(collected_of(result).claims))
    if len(answered) < 2 or answered[-1].n < FEWEST:
        return None
    n = answered[-1].n
    chosen = _chosen(answered)
    points = [(group.n / n, group.n_wrong / group.n) for group in answered]
    known = [(group.n / n, group.n_wrong / group.n, *wilson(group.n_wrong, group.n)) for group in answered]
    ends = [Dot(*points[-1], hollow=True)]
    if chosen is not None:
        label = f"{100 * chosen.n / n:.1f} % answered: {100 * chosen.n_wrong / chosen.n:.1f} %"
        ends.append(Dot(chosen.n / n, chosen.n_wrong / chosen.n, label=label))
    most = max(0.01, *(error for share, error in points if share >= 0.25), 1.5 * points[-1][1])
    x = Axis(0.0, 1.0, "share answered, the most certain first", kind="share")
    y = Axis(0.0, min(1.0, most), "wrong among the answered", kind="share")
    return Picture(
        "risk",
        "What if it may abstain?",
        _answer(answered[-1], chosen),
        _table(answered),
        (Panel(x, y, (*_curve(known), Dots("samples", tuple(ends)))),),
        brief=_table(_some(answered)),
        reading="Around it: 95 % interval (Wilson).",
    )


def _curve(known: list[tuple[float, float, float, float]]) -> tuple[Mark, ...]:
    """The errors (share answered, error, low, high) as a line, or as dots where nothing is known between them."""
    shares = [0.0, *(share for share, *_ in known)]
    if max(after - before for before, after in pairwise(shares)) > _MOST_BETWEEN:
        return (Dots("samples", tuple(Dot(*each) for each in known)),)
    ribbon = Ribbon("samples", tuple((share, low, high) for share, _, low, high in known))
    return ribbon, Line("samples", tuple((share, error) for share, error, *_ in known))


def _chosen(answered: list[Group]) -> Group | None:
    """What is answered where about as many are passed on as the sentence says; None where no group ends near there."""
    n = answered[-1].n
    nearest = min(answered[:-1], key=lambda group: abs(group.n / n - (1.0 - _PASSED)))
    return nearest if nearest.n >= n / 2 else None


def _answer(every: Group, chosen: Group | None) -> Sentence:
    as_it_is = ("Left to its own, it errs in ", Fact("error", every.n_wrong / every.n, "share"), " of the samples.")
    if chosen is None:
        return as_it_is
    return (
        *as_it_is,
        " Were it to pass on the ",
        Fact("share_passed", 1.0 - chosen.n / every.n, "share"),
        " that it is least certain of, it would err in ",
        Strong((Fact("error_of_rest", chosen.n_wrong / chosen.n, "share"),)),
        " of the rest.",
    )


def _some(answered: list[Group]) -> list[Group]:
    """A few of them, about evenly by what is answered."""
    found: list[Group] = []
    n = answered[-1].n
    for group in answered:
        if not found or group.n - found[-1].n >= n / 10 or group.n == n:
            found.append(group)
    return found


def _table(answered: list[Group]) -> Table:
    n = answered[-1].n
    shares = [group.n_wrong / group.n for group in answered]
    most = max(shares) or 1.0
    columns: Columns = [
        (Column("claimed_up_to", "claims to err up to", "probability"), [group.high for group in answered]),
        (Column("answered", "answered", "count"), [group.n for group in answered]),
        (Column("share_answered", "share", "share"), [group.n / n for group in answered]),
        (Column("n_wrong", "wrong", "count"), [group.n_wrong for group in answered]),
        (Column("error", "wrong among them", "share"), shares),
        (Column("bar", "", "bar", tone="samples"), [share / most for share in shares]),
    ]
    return Table.of("risk", "", columns)
