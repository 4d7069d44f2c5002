"""Where a difference comes from: on how many samples which model loses less, by how much, and what that adds up to."""

from __future__ import annotations

import math
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compare.pictured.difference_bins import N_SIDE
from nllcli.commands.compare.pictures.wording import counted, key_of, noun_of, paired_of
from nllcli.drawing import Axis, Bar, Bars, Panel, Rule
from nllcli.numerics.exact import ExactSum, exact_count
from nllcli.numerics.pictured.edges import COARSE
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.pictured import Paired
    from nllcli.commands.compare.result import Comparison
    from nllcli.drawing import Tone
    from nllcli.report import Sentence

_A_DECADE = 10  # coarse bins
_MOST_DECADES, _MOST_BARS = 6, 80
_LAST = len(COARSE) - 1


class _Row(NamedTuple):
    """Samples whose difference is between ``low`` and ``high``, and what they add to the difference of the losses."""

    low: float
    high: float
    n: int
    adds: float | None


class _Scale(NamedTuple):
    """The edges, by their places, from which on differences are told apart by size, and the last; in ``step`` bins."""

    near: int
    far: int
    step: int


def picture(result: Comparison) -> Picture | None:
    """Both panels on one axis, logarithmic to either side: samples above, below what they add to the difference."""
    paired = paired_of(result)
    if paired is None or result.n_counted < 2:
        return None
    rows = _rows(result, paired, _scale(paired))
    bins, panels = paired.differences, _panels(result, rows)
    return Picture(
        "differences",
        "Where does the difference come from?",
        _answer(result, paired),
        _table(result, rows),
        panels,
        key_of=_key_of(result) if panels else (),
        reading=_reading(result) if panels else "",
        wide=True,
        more=(
            Fact("n_equal", result.comparisons[0].n_equal, "count"),
            Fact("n_infinite_below", bins.n_infinite_below, "count"),
            Fact("n_infinite_above", bins.n_infinite_above, "count"),
        ),
    )


def _answer(result: Comparison, paired: Paired) -> Sentence:
    pair, bins = result.comparisons[0], paired.differences
    if pair.n_equal == result.n_counted:
        return (Strong(("From nowhere",)), f": on each of the {noun_of(result)} both lose the same.")
    gains, gives = _total(bins.side(-1)[1]), _total(bins.side(1)[1])
    gained = Fact("gains", 0.0 - float(gains), unit="nats")
    given = Fact("gives_away", float(gives), unit="nats")
    equal = (", as much on ", Fact("n_equal", pair.n_equal, "count")) if pair.n_equal else ()
    more = abs(gains.units) > abs(gives.units)
    return (
        Name(pair.model),
        " loses less on ",
        *counted(result, "n_better", pair.n_better),
        ", more on ",
        Fact("n_worse", pair.n_worse, "count"),
        *equal,
        ". What it gains adds up to ",
        Strong((gained,)) if more else gained,
        ", what it gives away to ",
        given if more else Strong((given,)),
        ".",
        *_infinite(result, bins.n_infinite_below + bins.n_infinite_above),
    )


def _total(sums: Sequence[ExactSum]) -> ExactSum:
    return reduce(add, sums, ExactSum())


def _infinite(result: Comparison, n: int) -> Sentence:
    if not n:
        return ()
    loses = "loses" if n == 1 else "lose"
    which = Strong((*counted(result, "n_infinite", n), f" {loses} infinitely much"))
    return " ", which, " under one of them alone: that is in neither."


def _key_of(result: Comparison) -> tuple[tuple[Tone, str], ...]:
    return ("samples", noun_of(result)), *((tone, f"{name} is better") for tone, name in key_of(result))


def _reading(result: Comparison) -> str:
    pair, noun = result.comparisons[0], noun_of(result)
    weights = ", with their weights" if result.is_weighted else ""
    return (
        f"Above: how many {noun} differ by how much, {pair.model} minus {pair.baseline}; each step of the axis is ten "
        f"times the last. Below: what they add to the difference of the losses{weights}."
    )


def _scale(paired: Paired) -> _Scale:
    """Decades down from the largest difference, as far as there are smaller ones, and few bars of few samples."""
    counts = [below + above for below, above in zip(*(paired.differences.side(way)[0] for way in (-1, 1)), strict=True)]
    present = [place for place, count in enumerate(counts) if count] or [0]
    far = min(max(_A_DECADE, -(-present[-1] // _A_DECADE) * _A_DECADE), _LAST)
    least = max(0, present[0] - 1) // _A_DECADE * _A_DECADE
    near = min(max(least, far - _MOST_DECADES * _A_DECADE), far - _A_DECADE)
    most = min(_MOST_BARS, max(10, math.isqrt(4 * sum(counts))))
    step = next((step for step in (1, 2, 5) if 2 * (far - near) / step <= most), _A_DECADE)
    return _Scale(near, far, step)


def _rows(result: Comparison, paired: Paired, scale: _Scale) -> list[_Row]:
    """The bins of a drawing, from the lowest difference to the highest; those near 0 as one to either side of it."""
    spans = [(start + 1, start + 1 + scale.step) for start in range(scale.near, scale.far, scale.step)]
    spans = [(0, scale.near + 1), *spans, (scale.far + 1, N_SIDE)]
    below, above = ([_row(result, paired, way, *span) for span in spans if span[0] < span[1]] for way in (-1, 1))
    equal = [_Row(0.0, 0.0, paired.differences.n_zero, 0.0)]
    return [*reversed(below), *equal, *above]


def _row(result: Comparison, paired: Paired, way: int, start: int, stop: int) -> _Row:
    """The bins of one side from ``start`` to before ``stop``, as one."""
    counts, sums = paired.differences.side(way)
    low = float(COARSE[start - 1]) if start else 0.0
    high = float(COARSE[stop - 1]) if stop < N_SIDE else math.inf
    ends = (low, high) if way > 0 else (-high, -low)
    divisor = _divisor(result)
    adds = None if divisor is None else _total(sums[start:stop]).divided_by(divisor)
    return _Row(*ends, sum(counts[start:stop]), adds)


def _divisor(result: Comparison) -> ExactSum | None:
    """What sums are divided by in the difference of the losses; None where that has no value."""
    if result.reduction == "sum":
        return exact_count(1)
    weight_sum = result.compared.sums.models[0].weight_sum
    return weight_sum if weight_sum.units else None


def _table(result: Comparison, rows: Sequence[_Row]) -> Table:
    present = [row for row in rows if row.n]
    n = sum(row.n for row in present) or 1
    columns: Columns = [
        (Column("low", "from", "number", "nats"), [row.low for row in present]),
        (Column("high", "to", "number", "nats"), [row.high for row in present]),
        (Column("count", noun_of(result), "count"), [row.n for row in present]),
        (Column("share", f"share of {noun_of(result)}", "share"), [row.n / n for row in present]),
        (Column("adds", "adds to the difference", "number", "nats"), [row.adds for row in present]),
    ]
    return Table.of("differences", "", columns)


def _panels(result: Comparison, rows: Sequence[_Row]) -> tuple[Panel, ...]:
    noun = noun_of(result)
    if not any(row.n and row.high > row.low for row in rows):
        return ()
    near = next(row.high for row in rows if row.high > 0)
    far = max(row.high for row in rows if math.isfinite(row.high))
    if any(row.n and math.isinf(row.high - row.low) for row in rows):
        far *= 10.0
    x = Axis(-far, far, "difference of the losses, nats", "signed-log", near=near)
    count = Axis(0.0, float(_most_in_one(rows)), noun, kind="count")
    middle = [row for row in rows if max(abs(row.low), abs(row.high)) <= near]
    n_near = sum(row.n for row in middle)
    bars = [Bar(max(row.low, -far), min(row.high, far), row.n, _told(result, row)) for row in rows]
    bars = [bar for bar, row in zip(bars, rows, strict=True) if row not in middle and bar.height]
    bars.append(Bar(-near, near, n_near, f"within {near:g} nats: {n_near:,} {noun}"))
    first = Panel(Axis(-far, far, "", "signed-log", near=near), count, (Bars("samples", tuple(bars)), Rule(0.0)))
    if any(row.adds is None or not math.isfinite(row.adds) for row in rows):
        return (Panel(x, count, first.marks),)
    return first, _adding(result, rows, x)


def _most_in_one(rows: Sequence[_Row]) -> int:
    """The most samples that one bar stands for; those near 0 are one."""
    near = next(row.high for row in rows if row.high > 0)
    inside = sum(row.n for row in rows if max(abs(row.low), abs(row.high)) <= near)
    return max(inside, *(row.n for row in rows))


def _adding(result: Comparison, rows: Sequence[_Row], x: Axis) -> Panel:
    """What the samples of each bin add, upwards on the side of the model that it speaks for."""
    sides = {}
    for way in (-1, 1):
        own = [row for row in rows if row.n and (row.high <= 0 if way < 0 else row.low >= 0) and row.low < row.high]
        sides[way] = [
            Bar(max(row.low, x.low), min(row.high, x.high), way * (row.adds or 0.0), _told(result, row)) for row in own
        ]
    heights = [0.0, *(bar.height for side in sides.values() for bar in side)]
    of = "mean difference" if result.reduction == "mean" else "difference"
    y = Axis(min(0.0, *heights), max(heights), f"added to the {of}, nats")
    marks = (Bars("second", tuple(sides[-1])), Bars("first", tuple(sides[1])), Rule(0.0))
    return Panel(x, y, marks, height=0.7)


def _told(result: Comparison, row: _Row) -> str:
    adds = "" if row.adds is None else f", {row.adds:.3g} nats of the difference"
    return f"{row.low:g} to {row.high:g} nats: {row.n:,} {noun_of(result)}{adds}"
