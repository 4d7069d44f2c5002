"""How many samples lose how much, a row a bin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.wording import noun_of, share_of_loss
from nllcli.numerics.pictured.edges import COARSE
from nllcli.outputs.numbers import edge_text
from nllcli.records import dataclass
from nllcli.report import Column, Columns, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compute.pictures.spread import Spread
    from nllcli.commands.compute.result import LossResult

_A_DECADE = 10  # coarse bins
_MOST_BARS = 80
_MOST_ROWS = 10


@dataclass(frozen=True)
class Row:
    """The samples that lose from ``low`` to below ``high`` nats, and their share of the loss."""

    low: float
    high: float
    count: int
    share: float | None


def step_of(spread: Spread) -> int:
    """How many coarse bins are one bar: few where there are few samples."""
    present = [i for i, count in enumerate(spread.counts) if count]
    width = present[-1] - present[0] + 1 if present else 1
    most = min(_MOST_BARS, max(10, math.isqrt(4 * spread.n)))
    return next((step for step in (1, 2, 5) if width / step <= most), _A_DECADE)


def rows_of(spread: Spread, step: int) -> list[Row]:
    """Bins of ``step`` coarse ones each, from the first to the last that hold something."""
    n_edges = len(COARSE)
    places = [0, *range(1, n_edges, step), n_edges]
    found = []
    for start, stop in zip(places, [*places[1:], n_edges + 1], strict=True):
        low = float(COARSE[start - 1]) if start else 0.0
        high = float(COARSE[stop - 1]) if stop <= n_edges else math.inf
        found.append(_row(spread, start, stop, low, high))
    present = [i for i, row in enumerate(found) if row.count]
    return found[present[0] : present[-1] + 1] if present else []


def _row(spread: Spread, start: int, stop: int, low: float, high: float) -> Row:
    share = None
    if spread.has_shares:
        share = math.fsum(each.divided_by(spread.total) for each in spread.sums[start:stop])
    return Row(low, high, sum(spread.counts[start:stop]), share)


def brief_of(spread: Spread) -> list[Row]:
    """A row a decade, the lowest of them joined where they are many."""
    rows = rows_of(spread, _A_DECADE)
    first, rest = rows[: -_MOST_ROWS + 1], rows[-_MOST_ROWS + 1 :]
    if len(first) < 2:
        return rows
    share = None if first[0].share is None else math.fsum(row.share or 0.0 for row in first)
    return [Row(0.0, first[-1].high, sum(row.count for row in first), share), *rest]


def table_of(result: LossResult, rows: Sequence[Row], *, bars: bool = False) -> Table:
    n, most = sum(row.count for row in rows) or 1, max((row.count for row in rows), default=1) or 1
    largest = max((row.share or 0.0 for row in rows), default=0.0) or 1.0
    columns: Columns = [
        (Column("loss", "loss", "text", "nats"), [range_of(row) for row in rows]),
        *([] if bars else _ends(rows)),
        (Column("count", noun_of(result), "count"), [row.count for row in rows]),
    ]
    if bars:
        columns.append((Column("count_bar", "", "bar", tone="samples"), [row.count / most for row in rows]))
    else:
        columns.append(
            (Column("share_of_samples", f"share of {noun_of(result)}", "share"), [row.count / n for row in rows])
        )
    if rows and rows[0].share is not None:
        columns.append((Column("share_of_loss", share_of_loss(result), "share"), [row.share for row in rows]))
        if bars:
            bar = [max(0.0, row.share or 0.0) / largest for row in rows]
            columns.append((Column("share_bar", "", "bar", tone="loss"), bar))
    return Table.of("losses", "", columns)


def _ends(rows: Sequence[Row]) -> Columns:
    return [
        (Column("low", "from", "number", "nats"), [row.low for row in rows]),
        (Column("high", "to below", "number", "nats"), [row.high for row in rows]),
    ]


def range_of(row: Row) -> str:
    if not row.low:
        return f"below {edge_text(row.high)}"
    return f"{edge_text(row.low)} to {edge_text(row.high)}" if math.isfinite(row.high) else f"from {edge_text(row.low)}"
