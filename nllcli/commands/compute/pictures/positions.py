"""How the loss changes along sequences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.drawing import Axis, Line, Panel, Ribbon, Rule
from nllcli.numerics.exact import exact_count
from nllcli.numerics.spread import error_of_mean
from nllcli.numerics.wilson import QUANTILE_95
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compute.result import LossResult
    from nllcli.numerics.pictured.positions import Positions
    from nllcli.report import Sentence

_MOST_POINTS = 64
_MOST_ROWS = 10
_COMPARED = 8  # the first and the last of so many parts


class _Run(NamedTuple):
    """Positions from ``first`` to before ``stop``, how many tokens they have, their mean loss and its error."""

    first: int
    stop: int
    n: int
    mean: float
    error: float | None


def picture(result: LossResult) -> Picture | None:
    """The mean loss by position, with its 95 % interval."""
    found = collected_of(result).positions
    if found is None or found.n is None or not found.n.any():
        return None
    runs = _runs(found, _MOST_POINTS, result.tally.subject.shift)
    if len(runs) < 2 or not all(math.isfinite(run.mean) for run in runs):
        return None
    middles = [(run.first + run.stop - 1) / 2 for run in runs]
    reach = [QUANTILE_95 * (run.error or 0.0) for run in runs]
    line = Line("loss", tuple((x, run.mean) for x, run in zip(middles, runs, strict=True)))
    rows = list(zip(middles, runs, reach, strict=True))
    ribbon = Ribbon("loss", tuple((x, max(0.0, run.mean - way), run.mean + way) for x, run, way in rows))
    mean = result.loss_unweighted if result.is_weighted else result.loss
    rule = () if result.reduction != "mean" else (Rule(mean, f"mean {mean:.4g}", level=True),)
    y = Axis(0.0, 1.05 * max(run.mean + way for _, run, way in rows), "mean loss, nats")
    return Picture(
        "positions",
        "Does the loss change along the way?",
        _answer(found, result.tally.subject.shift),
        _table(runs),
        (Panel(Axis(middles[0], middles[-1], "position that is predicted", kind="count"), y, (ribbon, line, *rule)),),
        brief=_table(_runs(found, _MOST_ROWS, result.tally.subject.shift), bars=True),
        reading="Around the line: 95 % interval, ± 1.96 standard errors, of tokens taken as independent.",
        wide=True,
    )


def _runs(found: Positions, most: int, shift: int) -> list[_Run]:
    """At most so many runs of neighbouring positions; those that have no tokens are left out."""
    assert found.n is not None
    first, stop = _ends(found)
    step = -(-(stop - first) // most)
    runs = (_run(found, start, min(start + step, stop), shift) for start in range(first, stop, step))
    return [run for run in runs if run is not None]


def _ends(found: Positions) -> tuple[int, int]:
    """The first of the buckets that have tokens, and the end of the last."""
    assert found.n is not None
    there = np.flatnonzero(found.n)
    return int(there[0]), int(there[-1]) + 1


def _run(found: Positions, start: int, stop: int, shift: int) -> _Run | None:
    """Some buckets as one."""
    assert found.n is not None
    n = int(found.n[start:stop].sum())
    if not n:
        return None
    buckets = np.arange(start, stop)
    total, squares = (sums.of_groups(buckets).total() for sums in (found.loss_sum, found.squares))
    places = start * found.width + shift, stop * found.width + shift
    return _Run(*places, n, total.divided_by(exact_count(n)), error_of_mean(n, total, squares))


def _answer(found: Positions, shift: int) -> Sentence:
    assert found.n is not None
    start, stop = _ends(found)
    some = max(1, (stop - start) // _COMPARED)
    first, last = _run(found, start, start + some, shift), _run(found, stop - some, stop, shift)
    assert first is not None
    assert last is not None
    which = (
        f"The first {first.stop - first.first} positions lose "
        if first.stop - first.first > 1
        else "The first position loses "
    )
    ends = f", the last {last.stop - last.first} " if last.stop - last.first > 1 else ", the last one "
    return (
        which,
        Fact("first_mean", first.mean, unit="nats"),
        " on average",
        ends,
        Strong((Fact("last_mean", last.mean, unit="nats"),)),
        f": {_verdict(first, last)}.",
    )


def _verdict(first: _Run, last: _Run) -> str:
    """What the difference says, if it is more than chance makes of it."""
    errors = [math.inf if run.error is None else run.error for run in (first, last)]
    reach = QUANTILE_95 * math.hypot(*errors)
    if first.mean - last.mean > reach:
        return "later ones lose less"
    return "later ones lose more" if last.mean - first.mean > reach else "that is no clear difference"


def _table(runs: Sequence[_Run], *, bars: bool = False) -> Table:
    most = max(run.mean for run in runs) or 1.0
    columns: Columns = [
        (Column("first", "position from", "count"), [run.first for run in runs]),
        (Column("last", "to", "count"), [run.stop - 1 for run in runs]),
        (Column("count", "tokens", "count"), [run.n for run in runs]),
        (Column("mean_loss", "mean loss", "number", "nats"), [run.mean for run in runs]),
        (Column("standard_error", "standard error", "number", "nats"), [run.error for run in runs]),
    ]
    if bars:
        columns.append((Column("bar", "", "bar", tone="loss"), [max(0.0, run.mean / most) for run in runs]))
    return Table.of("positions", "", columns)
