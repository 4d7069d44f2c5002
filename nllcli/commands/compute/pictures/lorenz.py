"""How few samples make the loss: the share of it that the hardest bring."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.spread import Spread
from nllcli.commands.compute.pictures.wording import between, noun_of, samples, share_of_loss
from nllcli.drawing import Axis, Dot, Dots, Line, Panel
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

_FEWEST = 10
_MOST_POINTS, _MOST_FIRST = 64, 16
_RATIO = 1.25  # of neighbouring points that are drawn
_NEARLY_ALL = 0.9995


def picture(result: LossResult) -> Picture | None:
    """The curve of Lorenz (1905), counted from the hardest; on a logarithmic axis, which shows the first of many."""
    spread = Spread.of(result)
    if spread.n < _FEWEST or not spread.has_shares:
        return None
    points = _points(spread)
    m = _one_in_a_hundred(spread)
    first = spread.share_of(m)
    half = spread.least_with(0.5)
    n = spread.n
    curve = Line("loss", tuple((k / n, share) for k, share in _straight(points)), fills=True)
    dots = Dots(
        "loss",
        (
            Dot(m / n, first.low, label=f"hardest {m:,}: {100 * first.low:.1f} %"),
            Dot(
                half[0] / n,
                spread.share_of(half[0]).low,
                hollow=True,
                label=f"half: {half[0]:,}" if half[0] != m else "",
            ),
        ),
    )
    x = Axis(1 / n, 1.0, f"share of the {noun_of(result)}, hardest first", "log", kind="share")
    return Picture(
        "lorenz",
        f"How few {noun_of(result)} make the loss?",
        _answer(result, spread, m, half),
        _table(result, points, n),
        (Panel(x, Axis(0.0, 1.0, share_of_loss(result), kind="share"), (curve, dots)),),
        brief=_table(result, _some(points, n), n),
        more=(
            Fact("hardest_n", m),
            Fact("hardest_share_low", first.low),
            Fact("hardest_share_high", first.high),
            Fact("half_n_low", half[0]),
            Fact("half_n_high", half[1]),
        ),
    )


def _one_in_a_hundred(spread: Spread) -> int:
    """One in a hundred of the samples, one at least; of weighted ones as many as an edge of a bin allows."""
    m = max(1, round(spread.n / 100))
    if not spread.is_weighted:
        return m
    return min((k for k, _ in spread.from_hardest), key=lambda k: abs(k - m))


def _answer(result: LossResult, spread: Spread, m: int, half: tuple[int, int]) -> Sentence:
    share = spread.share_of(m)
    which = ("The hardest ", *samples(result, m, "hardest_n")) if m > 1 else (f"The hardest {noun_of(result)[:-1]}",)
    bring = "bring " if m > 1 else "brings "
    of = ", one in a hundred," if spread.n == 100 * m else f" of {spread.n:,}"
    few = between("half_n", *half, "count")
    return (
        *which,
        f"{of} ",
        Strong((bring, *between("hardest_share", *share, "share"))),
        " of the loss; half of it comes from ",
        *few,
        f" {noun_of(result) if half[1] > 1 else noun_of(result)[:-1]}.",
    )


def _points(spread: Spread) -> list[tuple[int, float]]:
    """Points (samples, share of the loss) of the curve: the hardest one by one, then by bins."""
    first = [(m, spread.share_of(m).low) for m in range(1, len(spread.hardest) + 1)]
    rest = [(n, share) for n, share in spread.from_hardest if n > len(first)]
    return [*_thinned(first, _MOST_FIRST), *_thinned(rest[:-1], _MOST_POINTS - _MOST_FIRST), *rest[-1:]]


def _thinned(points: list[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """Up to ``most`` of the points, with the first one."""
    return points[:: max(1, -(-len(points) // most))]


def _straight(points: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """Points between those that are known, which lie on straight lines of samples: these are bent on the axis."""
    found: list[tuple[float, float]] = [*points[:1]]
    for (m, share), (k, other) in pairwise(points):
        n_between = math.ceil(math.log(k / m, _RATIO))
        for i in range(1, n_between):
            part = (m * _RATIO**i - m) / (k - m)
            found.append((m * _RATIO**i, share + part * (other - share)))
        found.append((k, other))
    return found


def _some(points: list[tuple[int, float]], n: int) -> list[tuple[int, float]]:
    """A few of the points, about evenly on the logarithmic axis."""
    found: list[tuple[int, float]] = []
    for m, share in points:
        if m == n or ((not found or m >= 2 * found[-1][0]) and share < _NEARLY_ALL):
            found.append((m, share))
    return found


def _table(result: LossResult, points: list[tuple[int, float]], n: int) -> Table:
    columns: Columns = [
        (Column("hardest", "hardest", "count"), [m for m, _ in points]),
        (Column("share_of_samples", f"share of {noun_of(result)}", "share"), [m / n for m, _ in points]),
        (Column("share_of_loss", share_of_loss(result), "share"), [share for _, share in points]),
        (Column("bar", "", "bar", tone="loss"), [min(1.0, max(0.0, share)) for _, share in points]),
    ]
    return Table.of("lorenz", "", columns)
