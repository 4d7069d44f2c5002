"""The diagram of claimed and found errors, which several commands show, on axes that show the certain answers apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Words
from nllcli.numerics.wilson import wilson
from nllcli.report import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.drawing import Mark, Tone
    from nllcli.report import Columns
    from nllcli.scoring.answers import Group

_LEAST = 1e-12  # claims of less are drawn there


def panel_of(every: Sequence[tuple[Tone, Sequence[Group]]]) -> Panel:
    """Bröcker and Smith's probability paper (Weather Forecast. 22, 2007) for errors: logarithmic both ways.

    The groups of each are drawn in its tone.
    """
    groups = [group for _, own in every for group in own]
    low = min(max(_LEAST, group.claimed / group.n) for group in groups)
    floor = min(low, *(0.5 / group.n for group in groups))
    axis = {"scale": "log", "kind": "probability"}
    x = Axis(low / 2, 1.0, "claimed: 1 − largest probability", **axis)  # type: ignore[arg-type]  # of literals
    y = Axis(floor, 1.0, "wrong among them", **axis)  # type: ignore[arg-type]
    marks: tuple[Mark, ...] = (
        Line("plain", ((max(low / 2, floor), max(low / 2, floor)), (1.0, 1.0)), dashed=True),
        Words((low / 2) ** 0.8, floor**0.05, "too certain", strong=True),
        Words((low / 2) ** 0.2, floor**0.9, "too modest", strong=True),
        *(Dots(tone, tuple(_dot(group, floor) for group in own)) for tone, own in every),
    )
    return Panel(x, y, marks)


def _dot(group: Group, floor: float) -> Dot:
    low, high = wilson(group.n_wrong, group.n)
    told = f"{group.n_wrong:,} of {group.n:,} wrong, {group.claimed:.3g} claimed"
    share = group.n_wrong / group.n
    x = max(_LEAST, group.claimed / group.n)
    return Dot(x, max(share, floor), max(low, floor), high, hollow=not group.n_wrong, title=told)


def columns_of(groups: Sequence[Group]) -> Columns:
    """The numbers of the diagram."""
    return [
        (Column("low", "claimed from", "probability"), [group.low for group in groups]),
        (Column("high", "to", "probability"), [group.high for group in groups]),
        (Column("count", "answers", "count"), [group.n for group in groups]),
        (Column("n_wrong_claimed", "wrong, claimed"), [group.claimed for group in groups]),
        (Column("n_wrong", "wrong", "count"), [group.n_wrong for group in groups]),
        (Column("error", "wrong among them", "share"), [group.n_wrong / group.n for group in groups]),
    ]
