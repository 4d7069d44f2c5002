"""The losses as bars: of samples above, and of what they bring to the loss below, on one axis."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.loss_rows import range_of
from nllcli.commands.compute.pictures.wording import is_surprisal, noun_of, share_of_loss
from nllcli.drawing import Axis, Bar, Bars, Panel, Rule
from nllcli.numerics.exact import exact_count
from nllcli.numerics.pictured.edges import COARSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compute.pictures.loss_rows import Row
    from nllcli.commands.compute.pictures.spread import Spread
    from nllcli.commands.compute.result import LossResult
    from nllcli.drawing import Mark

# Probabilities of the right class that are marked above a loss, and the powers of ten that others are short of 1.
_MARKED = (0.999, 0.99, 0.9, 0.5, 0.1, 0.01, 0.001)
_SHORT_OF_1 = range(4, 21)
_NARROW = 20.0
_HEADROOM = 1.2  # above the highest bar, for words


def panels_of(result: LossResult, spread: Spread, rows: Sequence[Row]) -> tuple[Panel, ...]:
    """Two panels, or the upper one where there are no shares; none where nothing is to be told apart."""
    if not rows or not rows[-1].low:
        return ()
    ends = [_ends_of(rows, i) for i in range(len(rows))]
    low, high = ends[0][0], ends[-1][1]
    if len(rows) < 3:
        low, high = low / (high / low), high * (high / low)
    ticks = tuple((edge, f"{edge:g}") for edge in COARSE.tolist() if low <= edge <= high)
    narrow = high < _NARROW * low  # where there may be no round number
    x = Axis(low, high, "loss, nats, on a logarithmic axis", "log", ticks=ticks if narrow else None)
    count = Axis(0.0, _HEADROOM * max(row.count for row in rows), noun_of(result), kind="count")
    counts = tuple(Bar(*end, row.count, _told(result, row)) for end, row in zip(ends, rows, strict=True))
    marks: tuple[Mark, ...] = (Bars("samples", counts), *_rules(result, spread, low, high))
    above = _probabilities(low, high) if is_surprisal(result) else None
    if not spread.has_shares:
        return (Panel(x, count, marks, above=above),)
    values = [max(0.0, row.share or 0.0) for row in rows]
    share = Axis(0.0, _HEADROOM * max(values), share_of_loss(result), kind="share")
    shares = tuple(Bar(*end, value, _told(result, row)) for end, row, value in zip(ends, rows, values, strict=True))
    mean = () if spread.is_weighted else _rule(spread.total.divided_by(exact_count(spread.n)), "mean", low, high)
    below = Panel(x, share, (Bars("loss", shares), *mean), height=0.6)
    return Panel(replace(x, label=""), count, marks, above=above), below


def _probabilities(low: float, high: float) -> Axis | None:
    """The probability of which a loss is -log, where some round ones are between these."""
    ticks = [(10.0**-k, f"1 − 10^-{k}") for k in _SHORT_OF_1] + [(-math.log(p), f"{p:g}") for p in _MARKED]
    shown = tuple(tick for tick in ticks if low <= tick[0] <= high)
    return Axis(low, high, "probability given to the right class", "log", ticks=shown) if shown else None


def _ends_of(rows: Sequence[Row], i: int) -> tuple[float, float]:
    """Where a bar stands: one of losses down to 0, or without end, is as wide as its neighbours on the axis."""
    row = rows[i]
    ratio = next((each.high / each.low for each in rows if each.low and math.isfinite(each.high)), 10.0)
    return row.low or row.high / ratio, row.high if math.isfinite(row.high) else row.low * ratio


def _rules(result: LossResult, spread: Spread, low: float, high: float) -> Iterator[Mark]:
    median = spread.median()
    if median is not None and spread.n > 2:
        yield from _rule(median, "half below", low, high)
    if result.uniform_loss:
        yield from _rule(result.uniform_loss, "guessing", low, high)


def _rule(at: float, label: str, low: float, high: float) -> tuple[Rule, ...]:
    return (Rule(at, f"{label} {at:.4g}"),) if low <= at <= high else ()


def _told(result: LossResult, row: Row) -> str:
    share = "" if row.share is None else f", {100 * row.share:.3g} % of the loss"
    noun = noun_of(result) if row.count != 1 else noun_of(result)[:-1]
    return f"{range_of(row)} nats: {row.count:,} {noun}{share}"
