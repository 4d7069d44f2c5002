"""Evidence that a column is not a class: a key, whole numbers beside fractions, predictions, confidences, targets."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nllcli.commands.check.evidence.extremes import count_rows_at_top, count_tops
from nllcli.numerics.surprisal import once
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Record = TypeVar("Record", "Whole", "Choice", "Largest", "Cut")

# What was added to the classes stands before or behind them; of few columns all are looked at.
_MOST_COLUMNS, _EACH_END = 64, 8
# Enough of a block to drop nearly every column of which the rest need not be read.
_PEEKED_CELLS, _MOST_PEEKED, _LEAST_PEEKED = 1 << 12, 16, 2
# Of these sizes on, every number of 8 or 11 significant bits (bfloat16, float16) is whole.
_COARSE_BFLOAT16, _COARSE_HALF = 128.0, 1024.0
# A larger share of whole columns are counts, votes or rounded numbers.
_MOST_WHOLE = 0.75
# Saturated outputs have two values.
_FEW = 3


@dataclass(frozen=True)
class Whole:
    """A column of whole numbers; of them ``n_telling`` are not whole merely because they are large.

    ``counts_up`` and ``counts_down`` say that each is one more, or one less, than the one before; ``rises`` and
    ``falls`` that it is more, or less; ``differ`` that no block has one twice. ``few`` holds up to three of them.
    """

    n: int
    n_telling: int
    first: float
    last: float
    counts_up: bool
    counts_down: bool
    rises: bool
    falls: bool
    differ: bool
    few: frozenset[float]

    def __add__(self, other: Whole) -> Whole:
        step = other.first - self.last
        return Whole(
            self.n + other.n,
            self.n_telling + other.n_telling,
            self.first,
            other.last,
            self.counts_up and other.counts_up and step == 1.0,
            self.counts_down and other.counts_down and step == -1.0,
            self.rises and other.rises and step > 0.0,
            self.falls and other.falls and step < 0.0,
            self.differ and other.differ and step != 0.0,
            frozenset(sorted(self.few | other.few)[:_FEW]),
        )

    @classmethod
    def of(cls, values: NDArray[Any], dtype: np.dtype[Any]) -> Whole | None:
        """The evidence in ``values`` (n,), one at least, read from a file of ``dtype``; None if any is a fraction."""
        values = np.ascontiguousarray(values)
        if not (np.isfinite(values).all() and (values == np.floor(values)).all()):
            return None
        steps = np.diff(values)
        rises, falls = bool((steps > 0.0).all()), bool((steps < 0.0).all())
        return cls(
            len(values),
            int(np.count_nonzero(_telling(np.abs(values).astype(np.float64), dtype))),
            float(values[0]),
            float(values[-1]),
            bool((steps == 1.0).all()),
            bool((steps == -1.0).all()),
            rises,
            falls,
            rises or falls or (bool(steps.all()) and len(np.unique(values)) == len(values)),
            _least(values),
        )


def _least(values: NDArray[Any]) -> frozenset[float]:
    """Up to three different ones of ``values`` (n,), the smallest."""
    found: list[float] = []
    while values.size and len(found) < _FEW:
        found.append(float(values.min()))
        values = values[values > found[-1]]
    return frozenset(found)


def _telling(sizes: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[np.bool_]:
    """Which of the whole numbers of these ``sizes`` (n,) could have been fractions, in whatever they were computed."""
    n_bits = np.finfo(dtype).nmant if dtype.kind == "f" else np.finfo(np.float64).nmant
    not_bfloat16 = sizes.astype(np.float32).view(np.uint32) & 0xFFFF != 0
    not_half = sizes.astype(np.float16) != sizes
    fine = sizes < 2.0**n_bits
    return (sizes < _COARSE_BFLOAT16) | (not_bfloat16 & (sizes < _COARSE_HALF)) | (not_bfloat16 & not_half & fine)


@dataclass(frozen=True)
class Choice:
    """A column that is, in every row, the place of the largest of the others: from 0 or 1 on, as ``bases`` says.

    ``counts`` (C - 1,) are those of the places in the rows where one column alone is the largest.
    """

    bases: frozenset[int]
    counts: NDArray[np.int64]

    def __add__(self, other: Choice) -> Choice:
        return Choice(self.bases & other.bases, self.counts + other.counts)

    @classmethod
    def of(cls, rows: TopRows, c: int) -> Choice | None:
        """The evidence in a column of whole numbers of ``rows``; None if it is not such a place."""
        values, n_others = rows.x[:, c], rows.x.shape[1] - 1
        if values.min() < 0 or values.max() > n_others:
            return None
        top, n_there = rows.of_others(c)
        counts, bases = np.zeros(n_others, np.int64), set()
        for base in (0, 1):
            places = values.astype(np.int64) - base
            if places.min() < 0 or places.max() >= n_others or not _are_at(rows.x, c, places, top):
                continue
            bases.add(base)
            # Where one column alone is the largest, it is the one at this place.
            counts = np.bincount(places[n_there == 1], minlength=n_others)
        return cls(frozenset(bases), counts) if bases else None


def _are_at(x: NDArray[Any], c: int, places: NDArray[np.int64], top: NDArray[Any]) -> bool:
    """Whether the columns of ``x`` (n, C) other than ``c`` have their maxima ``top`` (n,) at these ``places`` (n,)."""
    return bool((x[np.arange(len(x)), places + (places >= c)] == top).all())


class TopRows:
    """Rows of numbers ``x`` (n, C), two classes at least, with their maxima ``tops`` (n,)."""

    def __init__(self, x: NDArray[Any], tops: NDArray[Any]) -> None:
        self.x, self.tops = x, tops

    @once
    def n_there(self) -> NDArray[np.int64]:
        """How many columns have the maximum of the row, (n,)."""
        return count_tops(self.x, self.tops)

    @once
    def counts(self) -> NDArray[np.int64]:
        """In how many rows each column has the maximum, (C,)."""
        return count_rows_at_top(self.x, self.tops)

    def of_others(self, c: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The maxima (n,) of the columns other than ``c``, and how many of these have them."""
        has_top = self.x[:, c] == self.tops
        tops, n_there = self.tops.copy(), self.n_there - has_top
        alone = np.flatnonzero(has_top & (n_there == 0))
        others = np.delete(self.x[alone], c, axis=1)
        tops[alone] = others.max(axis=1)
        n_there[alone] = count_tops(others, tops[alone])
        return tops, n_there


@dataclass(frozen=True)
class Largest:
    """A column that is, in all of ``n`` rows, the largest of the others; equal to each ``counts`` (C - 1,) times."""

    n: int
    counts: NDArray[np.int64]

    def __add__(self, other: Largest) -> Largest:
        return Largest(self.n + other.n, self.counts + other.counts)

    @classmethod
    def of(cls, rows: TopRows, c: int) -> Largest | None:
        """The evidence in a column of ``rows``; None if it is not the largest of the others."""
        if not ((rows.x[:, c] == rows.tops) & (rows.n_there > 1)).all():
            return None
        return cls(len(rows.x), np.delete(rows.counts, c))


@dataclass(frozen=True)
class Cut:
    """A column of ``n_zeros`` zeros and ``n_ones`` ones beside one other, which is up to ``below`` at the zeros.

    At the ones it is ``above`` or more.
    """

    n_zeros: int
    n_ones: int
    below: float
    above: float

    def __add__(self, other: Cut) -> Cut:
        return Cut(
            self.n_zeros + other.n_zeros,
            self.n_ones + other.n_ones,
            max(self.below, other.below),
            min(self.above, other.above),
        )

    @classmethod
    def of(cls, values: NDArray[Any], others: NDArray[Any]) -> Cut:
        """The evidence in ``values`` (n,), each 0 or 1, beside ``others`` (n,)."""
        ones = values == 1.0
        below, above = others[~ones], others[ones]
        return cls(len(below), len(above), float(below.max(initial=-np.inf)), float(above.min(initial=np.inf)))


@dataclass(frozen=True)
class Columns:
    """The columns that have been something else than a class in all of ``n_rows`` rows, by their number.

    Of the first cells of blocks, ``n_cells`` are finite and ``n_whole`` whole, for each column of ``looked_at``.
    ``copies`` are columns equal to the targets (0), or to one more than these (1).
    """

    n_rows: int = 0
    n_cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n_whole: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    wholes: Mapping[int, Whole] = field(default_factory=dict)
    choices: Mapping[int, Choice] = field(default_factory=dict)
    largest: Mapping[int, Largest] = field(default_factory=dict)
    cuts: Mapping[int, Cut] = field(default_factory=dict)
    copies: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def __add__(self, other: Columns) -> Columns:
        if not self.n_rows or not other.n_rows:
            return self if self.n_rows else other
        copies = {c: self.copies[c] & other.copies[c] for c in self.copies.keys() & other.copies.keys()}
        return Columns(
            self.n_rows + other.n_rows,
            self.n_cells + other.n_cells,
            self.n_whole + other.n_whole,
            _in_both(self.wholes, other.wholes),
            {c: choice for c, choice in _in_both(self.choices, other.choices).items() if choice.bases},
            _in_both(self.largest, other.largest),
            _in_both(self.cuts, other.cuts),
            {c: bases for c, bases in copies.items() if bases},
        )


def _in_both(a: Mapping[int, Record], b: Mapping[int, Record]) -> dict[int, Record]:
    return {c: a[c] + b[c] for c in sorted(a.keys() & b.keys())}


def looked_at(n_classes: int) -> NDArray[np.int64]:
    """The columns that may be something else than a class."""
    if n_classes <= _MOST_COLUMNS:
        return np.arange(n_classes)
    return np.concatenate([np.arange(_EACH_END), np.arange(n_classes - _EACH_END, n_classes)])


def read_columns(x: NDArray[Any], targets: NDArray[Any] | None, tops: NDArray[Any], dtype: np.dtype[Any]) -> Columns:
    """The evidence in ``x`` (n, C), read from a file of ``dtype``; ``tops`` (n,) are the maxima of its rows."""
    n, n_classes = x.shape
    if not n or n_classes < 2:
        return Columns()
    looked = looked_at(n_classes)
    n_peeked = min(max(_PEEKED_CELLS // n_classes, _LEAST_PEEKED), _MOST_PEEKED)
    peeked, rows = TopRows(x[:n_peeked], tops[:n_peeked]), TopRows(x, tops)
    cells = peeked.x[:, looked]
    finite = np.isfinite(cells)
    whole = finite & (cells == np.floor(cells))
    candidates = looked[whole.all(axis=0)].tolist()
    if len(candidates) > _MOST_WHOLE * len(looked):  # whole numbers say nothing here
        candidates = [c for c in candidates if _says_more(peeked, c, targets)]
    wholes = _found(candidates, lambda c: Whole.of(x[:, c], dtype))
    choices = _found(wholes, lambda c: Choice.of(peeked, c) and Choice.of(rows, c))
    may_be_largest = looked[(cells == peeked.tops[:, None]).all(axis=0)]
    return Columns(
        n,
        np.count_nonzero(finite, axis=0),
        np.count_nonzero(whole, axis=0),
        wholes,
        choices,
        _found(may_be_largest.tolist(), lambda c: Largest.of(peeked, c) and Largest.of(rows, c)),
        {c: Cut.of(x[:, c], x[:, 1 - c]) for c in wholes if n_classes == 2 and wholes[c].few <= {0.0, 1.0}},
        {} if targets is None or targets.ndim == 2 else _copies(x, targets, wholes),
    )


def _says_more(rows: TopRows, c: int, targets: NDArray[Any] | None) -> bool:
    """Whether a column of whole numbers beside others of ``rows`` may count, predict, or be the targets."""
    x = rows.x
    steps = np.diff(x[:, c])
    copies = {} if targets is None or targets.ndim == 2 else _copies(x, targets[: len(x)], [c])
    return bool((steps == 1.0).all() or (steps == -1.0).all() or copies) or Choice.of(rows, c) is not None


def _found(columns: Iterable[int], read: Callable[[int], Record | None]) -> dict[int, Record]:
    records = ((c, read(c)) for c in columns)
    return {c: record for c, record in records if record is not None}


def _copies(x: NDArray[Any], targets: NDArray[Any], columns: Iterable[int]) -> dict[int, frozenset[int]]:
    found = {c: frozenset(base for base in (0, 1) if (x[:, c] == targets + base).all()) for c in columns}
    return {c: bases for c, bases in found.items() if bases}
