"""How the losses are spread: how many samples lose how much, and what they bring to the loss."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.spread import Spread
from nllcli.commands.compute.pictures.wording import is_surprisal, noun_of, samples, share_of_loss
from nllcli.drawing import Axis, Bar, Bars, Panel, Rule
from nllcli.numerics.exact import exact_count
from nllcli.numerics.pictured.edges import COARSE
from nllcli.records import dataclass
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compute.result import LossResult
    from nllcli.drawing import Mark
    from nllcli.report import Sentence

_A_DECADE = 10  # coarse bins
_MOST_BARS = 80
_MOST_ROWS = 10
# The losses that may divide those that matter from the others, in the order in which they are tried.
_DIVIDES = (1.0, 10.0, 0.1, 100.0, 0.01, 1000.0, *(10.0**-k for k in range(3, 21)))
# Probabilities of the right class that are marked above a loss.
_MARKED = (0.999, 0.99, 0.9, 0.5, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class _Row:
    """The samples that lose from ``low`` to below ``high`` nats, and their share of the loss."""

    low: float
    high: float
    count: int
    share: float | None


def picture(result: LossResult) -> Picture | None:
    """Both panels on one axis: bars of samples above, bars of their loss below."""
    spread = Spread.of(result)
    if not spread.n + spread.n_infinite:
        return None
    rows = _rows(spread, _step(spread))
    return Picture(
        "losses",
        "How are the losses spread?",
        _answer(result, spread),
        _table(result, rows),
        _panels(result, spread, rows),
        brief=_table(result, _brief(spread), bars=True),
        key_of=(("samples", noun_of(result)), ("loss", share_of_loss(result))),
        reading=f"Above: how many {noun_of(result)} lose how much. Below: what they bring to the loss."
        if spread.has_shares
        else "",
        wide=True,
        more=(Fact("n_infinite", spread.n_infinite, "count"),),
    )


def _answer(result: LossResult, spread: Spread) -> Sentence:
    if spread.n_infinite == spread.n + spread.n_infinite:
        return ("Every one of them loses infinitely much: its class had probability 0.",)
    if len([count for count in spread.fine_counts if count]) == 1 and not spread.n_infinite:
        return _all_alike(result, spread)
    told = [_median(result, spread), _infinite(result, spread), _large(result, spread)]
    first, *others = [each for each in told if each]
    return *first, *(part for each in others for part in (" ", *each))


def _all_alike(result: LossResult, spread: Spread) -> Sentence:
    if not spread.total.units:
        return ("They are not: every one is 0.",)
    if spread.n == 1:
        return ("There is one: ", Strong((Fact("loss", result.loss, unit="nats"),)), ".")
    mean = spread.total.divided_by(exact_count(spread.n)) if not spread.is_weighted else result.loss_unweighted
    return (f"Hardly: all {noun_of(result)} lose about ", Strong((Fact("mean", mean, unit="nats"),)), ".")


def _median(result: LossResult, spread: Spread) -> Sentence:
    median, most = spread.median(), float(COARSE[-1])
    if median is None:
        return (f"Half of the {noun_of(result)} lose more than ", Fact("median_above", most, "round", "nats"), ".")
    return (f"Half of the {noun_of(result)} lose less than ", Fact("median_below", median, "round", "nats"), ".")


def _infinite(result: LossResult, spread: Spread) -> Sentence:
    if not spread.n_infinite:
        return ()
    lose = "loses" if spread.n_infinite == 1 else "lose"
    which = Strong((*samples(result, spread.n_infinite, "n_infinite"), f" {lose} infinitely much"))
    return which, ": the class had probability 0."


def _large(result: LossResult, spread: Spread) -> Sentence:
    """The samples above a round loss that bring half of it and more."""
    loss = _divide(spread) if spread.has_shares else None
    if loss is None:
        return ()
    n, share = spread.at_least(loss)
    p = ""
    if is_surprisal(result) and loss >= 0.01:
        what = ("class" if result.tally.subject.has_classes else "token") if n > 1 else "class"
        p = f", a probability of {'their' if n > 1 else 'its'} {what} up to {math.exp(-loss):.2g},"
    lose, bring = ("loses", "brings") if n == 1 else ("lose", "bring")
    return (
        "The ",
        *samples(result, n, "n_large"),
        " (",
        Fact("share_of_samples", n / (spread.n + spread.n_infinite), "share"),
        f") that {lose} ",
        Fact("large", loss, "round", "nats"),
        f" or more{p} ",
        Strong((f"{bring} ", Fact("share_of_loss", share, "share"))),
        " of the loss.",
    )


def _divide(spread: Spread) -> float | None:
    """A round loss above which fewer than half of the samples bring half; or else one above which nearly half are."""
    for loss in _DIVIDES:
        n, share = spread.at_least(loss)
        if share >= 0.5 and 2 * n <= spread.n:
            return loss
    edge = next((edge for edge in COARSE.tolist() if 2 * spread.at_least(edge)[0] <= spread.n), None)
    return edge if edge is not None and spread.at_least(edge)[0] else None


def _step(spread: Spread) -> int:
    """How many coarse bins are one bar: few where there are few samples."""
    present = [i for i, count in enumerate(spread.counts) if count]
    width = present[-1] - present[0] + 1 if present else 1
    most = min(_MOST_BARS, max(10, math.isqrt(4 * spread.n)))
    return next((step for step in (1, 2, 5) if width / step <= most), _A_DECADE)


def _rows(spread: Spread, step: int) -> list[_Row]:
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


def _row(spread: Spread, start: int, stop: int, low: float, high: float) -> _Row:
    share = None
    if spread.has_shares:
        share = math.fsum(each.divided_by(spread.total) for each in spread.sums[start:stop])
    return _Row(low, high, sum(spread.counts[start:stop]), share)


def _brief(spread: Spread) -> list[_Row]:
    """A row a decade, the lowest of them joined where they are many."""
    rows = _rows(spread, _A_DECADE)
    first, rest = rows[: -_MOST_ROWS + 1], rows[-_MOST_ROWS + 1 :]
    if len(first) < 2:
        return rows
    share = None if first[0].share is None else math.fsum(row.share or 0.0 for row in first)
    return [_Row(0.0, first[-1].high, sum(row.count for row in first), share), *rest]


def _table(result: LossResult, rows: Sequence[_Row], *, bars: bool = False) -> Table:
    n, most = sum(row.count for row in rows) or 1, max((row.count for row in rows), default=1) or 1
    largest = max((row.share or 0.0 for row in rows), default=0.0) or 1.0
    columns: Columns = [
        (Column("loss", "loss", "text", "nats"), [_range(row) for row in rows]),
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


def _ends(rows: Sequence[_Row]) -> Columns:
    return [
        (Column("low", "from", "number", "nats"), [row.low for row in rows]),
        (Column("high", "to below", "number", "nats"), [row.high for row in rows]),
    ]


def _range(row: _Row) -> str:
    if not row.low:
        return f"below {_short(row.high)}"
    return f"{_short(row.low)} to {_short(row.high)}" if math.isfinite(row.high) else f"from {_short(row.low)}"


def _short(edge: float) -> str:
    return f"{edge:g}".replace("e-0", "e-")


def _panels(result: LossResult, spread: Spread, rows: Sequence[_Row]) -> tuple[Panel, ...]:
    if not rows:
        return ()
    bars = [(*_ends_on_axis(rows, i), row) for i, row in enumerate(rows)]
    low, high = bars[0][0], bars[-1][1]
    x = Axis(low, high, "loss, nats, each step ten times the last", "log")
    above = None
    if is_surprisal(result):
        ticks = tuple((-math.log(p), f"{p:g}") for p in _MARKED if low <= -math.log(p) <= high)
        far = tuple((10.0**-k, f"1 − 10^-{k}") for k in range(4, 21) if low <= 10.0**-k <= high)
        above = Axis(low, high, "probability given to the right class", "log", ticks=(*far, *ticks)) if ticks else None
    count = Axis(0.0, float(max(row.count for row in rows)), noun_of(result), kind="count")
    drawn = Bars("samples", tuple(Bar(a, b, row.count, _told(result, row)) for a, b, row in bars))
    marks: tuple[Mark, ...] = (drawn, *_rules(result, spread, low, high))
    first = Panel(replace(x, label="") if spread.has_shares else x, count, marks, above=above)
    if not spread.has_shares:
        return (first,)
    share = Axis(0.0, max(row.share or 0.0 for row in rows), share_of_loss(result), kind="share")
    lost = Bars("loss", tuple(Bar(a, b, max(0.0, row.share or 0.0), _told(result, row)) for a, b, row in bars))
    mean = _rule(spread.total.divided_by(exact_count(spread.n)), "mean", low, high) if not spread.is_weighted else ()
    return first, Panel(x, share, (lost, *mean), height=0.6)


def _ends_on_axis(rows: Sequence[_Row], i: int) -> tuple[float, float]:
    """Where a bar stands: one of losses down to 0, or without end, is as wide as its neighbours on the axis."""
    row = rows[i]
    ratio = next((each.high / each.low for each in rows if each.low and math.isfinite(each.high)), 10.0)
    return row.low or row.high / ratio, row.high if math.isfinite(row.high) else row.low * ratio


def _rules(result: LossResult, spread: Spread, low: float, high: float) -> Iterator[Mark]:
    median = spread.median()
    if median is not None:
        yield from _rule(median, "half below", low, high)
    if result.uniform_loss:
        yield from _rule(result.uniform_loss, "guessing", low, high)


def _rule(at: float, label: str, low: float, high: float) -> tuple[Rule, ...]:
    return (Rule(at, f"{label} {at:.4g}"),) if low <= at <= high else ()


def _told(result: LossResult, row: _Row) -> str:
    share = "" if row.share is None else f", {100 * row.share:.3g} % of the loss"
    return f"{_range(row)} nats: {row.count:,} {noun_of(result)}{share}"
