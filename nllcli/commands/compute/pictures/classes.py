"""Which classes bring the loss, and how sure their means are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.commands.compute.pictures.wording import MOST_CLASSES, has_negative_weights, share_of_loss
from nllcli.errors import setting
from nllcli.numerics.exact import exact_count
from nllcli.numerics.spread import error_of_mean
from nllcli.numerics.wilson import QUANTILE_95
from nllcli.report import Column, Columns, Fact, Interval, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence


class _Class(NamedTuple):
    """A class that has samples: its mean loss without weights, which is known to ``error``, and its share of all."""

    name: str
    n: int
    n_correct: int
    mean: float
    error: float | None
    share: float | None


def picture(result: LossResult) -> Picture | None:
    """A table with bars, the classes with the largest share first."""
    found = _classes(result)
    if not found:
        return None
    shown = found[:MOST_CLASSES]
    note = "The line across a bar: 95 % interval of the mean (± 1.96 standard errors)."
    if len(found) > len(shown):
        every = f"nll compute {setting('per_class')} {setting('format', 'csv')} has all"
        note = f"The {len(shown)} of {len(found):,} classes that bring most; {every}. {note}"
    return Picture(
        "classes",
        "Which classes cost most?",
        _answer(found, result.n_classes or 0),
        _table(result, shown),
        reading=note,
        wide=True,
    )


def _classes(result: LossResult) -> list[_Class]:
    """Those that have samples, those of the largest share first, or of the largest mean where there are no shares."""
    sums, squares = result.tally.sums.classes, collected_of(result).class_squares
    if sums is None or squares is None:
        return []
    total, names = result.tally.sums.loss_sum, result.class_names
    has_shares = total.is_finite and bool(total.units) and not has_negative_weights(result)
    found = []
    for c in np.flatnonzero(sums.n).tolist():
        n, loss_sum = int(sums.n[c]), sums.loss_sum[c]
        mean = loss_sum.divided_by(exact_count(n))
        share = sums.weighted_sum[c].divided_by(total) if has_shares else None
        error = error_of_mean(n, loss_sum, squares[c])
        found.append(_Class(names[c], n, int(sums.n_correct[c]), mean, error, share))
    there = [each for each in found if not math.isnan(each.mean)]
    return sorted(there, key=lambda each: -(each.mean if each.share is None else each.share))


def _answer(found: list[_Class], n_classes: int) -> Sentence:
    first = found[0]
    if first.share is None:
        if not first.mean:
            return ("None does: every class loses 0.",)
        n_infinite = sum(math.isinf(each.mean) for each in found)
        if n_infinite > 1:
            many = Strong((Fact("n_infinite", n_infinite, "count"), " classes lose infinitely much"))
            return many, " on average, ", Name(first.name), " among them."
        much = ("infinitely much",) if math.isinf(first.mean) else (Fact("mean_loss", first.mean, unit="nats"),)
        return "Class ", Name(first.name), " loses most on average: ", Strong(much), "."
    worst = ("Class ", Name(first.name), " brings ", Strong((Fact("share", first.share, "share"),)), " of the loss")
    if len(found) < 4 or _n_half(found) == 1:
        return (*worst, ".")
    return (*worst, ", and ", Fact("n_half", _n_half(found), "count"), f" of {n_classes:,} classes bring half of it.")


def _n_half(found: list[_Class]) -> int:
    """How many classes it takes for half of the loss."""
    total = 0.0
    for n, each in enumerate(found, 1):
        total += each.share or 0.0
        if total >= 0.5:
            return n
    return len(found)


def _table(result: LossResult, found: list[_Class]) -> Table:
    reach = [QUANTILE_95 * (each.error or 0.0) for each in found]
    ends = [each.mean + way for each, way in zip(found, reach, strict=True) if math.isfinite(each.mean)]
    most = max(ends, default=0.0) or 1.0
    intervals = [
        Interval(each.mean / most, max(0.0, each.mean - way) / most, (each.mean + way) / most)
        if math.isfinite(each.mean)
        else None
        for each, way in zip(found, reach, strict=True)
    ]
    columns: Columns = [
        (Column("class", "class", "text"), [each.name for each in found]),
        (Column("count", "samples", "count"), [each.n for each in found]),
        (Column("accuracy", "accuracy", "share"), [each.n_correct / each.n for each in found]),
        (Column("mean_loss", "mean loss", "number", "nats"), [each.mean for each in found]),
        (Column("interval", "", "interval", tone="loss", page_only=True), intervals),
    ]
    shares = [each.share for each in found if each.share is not None]
    if shares:
        largest = max(shares) or 1.0
        bars = [max(0.0, share) / largest for share in shares]
        columns += [
            (Column("share", share_of_loss(result), "share"), shares),
            (Column("bar", "", "bar", tone="loss"), bars),
        ]
    errors = [each.error for each in found]
    columns.append((Column("standard_error", "standard error", "number", "nats", optional=True), errors))
    return Table.of("classes", "", columns)
