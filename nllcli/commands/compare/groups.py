"""Sums over groups of samples, each as a unit: group by group where they lie together, else of all groups at once."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.units import Bins, Units
from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.spread import Spread
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sums are digits of this many bits, so that 2**21 of them, and of those sums 2**10, are whole numbers in their types.
_DIGIT_BITS = 32
_MOST_ADDED = 1 << 30
_DIGITS = 53
# The units that are looked at for their share of the squares, either way.
N_EXTREMES = 5


@dataclass(frozen=True)
class ExactRows:
    """Exact sums of k groups: ``digits`` (k, m) int64, the j-th of which counts ``2**(32 * (place + j))``.

    ``n_added`` is the most values whose digits are in one sum: digits are carried before they overflow.
    """

    place: int
    digits: NDArray[np.int64]
    n_added: int = 1

    @classmethod
    def of(cls, values: NDArray[np.float64], rows: NDArray[np.int64], n_rows: int) -> Self:
        """The sums of finite ``values`` (n,), at most 2**21 of them, by ``rows`` (n,) below ``n_rows``."""
        sizes = np.abs(values[values != 0])
        if not sizes.size:
            return cls(0, np.zeros((n_rows, 1), np.int64))
        top = int(np.frexp(sizes.max())[1])
        least = max(int(np.frexp(sizes.min())[1]) - _DIGITS, -1074)
        place, end = least // _DIGIT_BITS, -(-top // _DIGIT_BITS)
        digits = np.empty((n_rows, end - place), np.int64)
        rest = values
        for j in reversed(range(end - place)):
            unit = _DIGIT_BITS * (place + j)
            digit = np.trunc(np.ldexp(rest, -unit))
            digits[:, j] = np.bincount(rows, digit, n_rows)
            rest = rest - np.ldexp(digit, unit)
        return cls(place, digits, len(values))

    def __add__(self, other: ExactRows) -> ExactRows:
        """The sums of the same groups together."""
        place = min(self.place, other.place)
        width = max(each.place + each.digits.shape[1] for each in (self, other)) - place
        total = np.zeros((len(self.digits), width), np.int64)
        for each in (self, other):
            start = each.place - place
            total[:, start : start + each.digits.shape[1]] += each.digits
        added = ExactRows(place, total, self.n_added + other.n_added)
        return added.carried() if added.n_added > _MOST_ADDED else added

    def carried(self) -> ExactRows:
        """The same sums, all digits but the last of each small again."""
        digits = np.concatenate([self.digits, np.zeros((len(self.digits), 1), np.int64)], axis=1)
        for j in range(digits.shape[1] - 1):
            digits[:, j + 1] += digits[:, j] >> _DIGIT_BITS
            digits[:, j] &= (1 << _DIGIT_BITS) - 1
        return ExactRows(self.place, digits)

    def placed(self, places: NDArray[np.int64], n_rows: int) -> ExactRows:
        """The sums at ``places`` (k,) among ``n_rows``, the others 0."""
        digits = np.zeros((n_rows, self.digits.shape[1]), np.int64)
        digits[places] = self.digits
        return ExactRows(self.place, digits, self.n_added)

    def taken(self, places: NDArray[np.intp]) -> ExactRows:
        """The sums at some places."""
        return ExactRows(self.place, self.digits[places], self.n_added)

    def floats(self) -> NDArray[np.float64]:
        """Each sum, rounded once: (k,)."""
        unit = _DIGIT_BITS * self.place
        return np.array([_rounded(row, unit) for row in self.digits.tolist()], np.float64)


def _rounded(digits: list[int], unit: int) -> float:
    whole = sum(digit << _DIGIT_BITS * j for j, digit in enumerate(digits))
    return float(ExactSum(whole << unit + 1074 if unit >= -1074 else whole >> -1074 - unit))


@dataclass(frozen=True)
class Rows:
    """The sums of groups, whose ``numbers`` (k,) ascend: ``differences``, ``weights`` (None: 1 a sample), and counts.

    ``answers`` (k,) are the right answers of the model less those of the baseline, ``n`` (k,) the samples counted.
    """

    numbers: NDArray[np.int64]
    differences: ExactRows
    weights: ExactRows | None
    answers: NDArray[np.int64]
    n: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        numbers: NDArray[np.int64],
        differences: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        answers: NDArray[np.int64],
    ) -> Self:
        """The sums of samples by the ``numbers`` (n,) of their groups."""
        groups, rows = np.unique(numbers, return_inverse=True)
        k = len(groups)
        return cls(
            groups,
            ExactRows.of(differences, rows, k),
            None if weights is None else ExactRows.of(weights, rows, k),
            np.bincount(rows, answers, k).astype(np.int64),
            np.bincount(rows, minlength=k),
        )

    def __add__(self, other: Rows) -> Rows:
        numbers = np.union1d(self.numbers, other.numbers)
        k, left, right = len(numbers), *(np.searchsorted(numbers, each.numbers) for each in (self, other))
        answers, n = np.zeros((2, k), np.int64)
        for places, each in ((left, self), (right, other)):
            answers[places] += each.answers
            n[places] += each.n
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = self.weights.placed(left, k) + other.weights.placed(right, k)
        differences = self.differences.placed(left, k) + other.differences.placed(right, k)
        return Rows(numbers, differences, weights, answers, n)

    def taken(self, places: NDArray[np.intp]) -> Rows:
        """The groups at some places."""
        weights = None if self.weights is None else self.weights.taken(places)
        return Rows(self.numbers[places], self.differences.taken(places), weights, self.answers[places], self.n[places])


@dataclass(frozen=True)
class Kind:
    """How groups are summed up: in runs of ``2**level`` for resampling, and whether there are answers to count."""

    level: int
    has_answers: bool


@dataclass(frozen=True)
class Together(Part):
    """Groups whose samples lie together: the ``open`` first and last, and the sums over those between, ``closed``."""

    kind: Kind
    open: tuple[Rows, ...] = ()
    closed: Units = Units()

    @classmethod
    def of(cls, kind: Kind, rows: Rows, numbers: NDArray[np.int64]) -> Self:
        """Those of a block, whose samples have the ``numbers`` (n,) of groups."""
        if not numbers.size:
            return cls(kind)
        first, last = np.searchsorted(rows.numbers, numbers[[0, -1]])
        ends = [first] if first == last else [first, last]
        inside = np.delete(np.arange(len(rows.numbers)), ends)
        return cls(kind, tuple(rows.taken(np.array([end])) for end in ends), _units(kind, rows.taken(inside)))

    def __add__(self, other: Together) -> Together:
        rows = [*self.open, *other.open]
        at = len(self.open)
        if self.open and other.open and self.open[-1].numbers[0] == other.open[0].numbers[0]:
            rows[at - 1 : at + 1] = [self.open[-1] + other.open[0]]
        closed = self.closed + other.closed
        for each in rows[1:-1]:
            closed += _units(self.kind, each)
        return Together(self.kind, tuple(rows if len(rows) < 2 else (rows[0], rows[-1])), closed)

    def total(self) -> Units:
        """The sums over all groups, once there are no more samples."""
        total = self.closed
        for each in self.open:
            total += _units(self.kind, each)
        return total


@dataclass(frozen=True)
class Scattered(Part):
    """Groups whose samples lie anywhere: ``runs`` of sums by group, each longer than all that follow it."""

    kind: Kind
    runs: tuple[Rows, ...] = ()

    @classmethod
    def of(cls, kind: Kind, rows: Rows, _: NDArray[np.int64]) -> Self:
        return cls(kind, (rows,))

    def __add__(self, other: Scattered) -> Scattered:
        runs = [*self.runs, *other.runs]
        while len(runs) > 1 and len(runs[-2].numbers) <= 2 * len(runs[-1].numbers):
            runs[-2:] = [runs[-2] + runs[-1]]
        return Scattered(self.kind, tuple(runs))

    def total(self) -> Units:
        """The sums over all groups."""
        return _units(self.kind, reduce(add, self.runs)) if self.runs else Units()


def _units(kind: Kind, rows: Rows) -> Units:
    """The sums over groups of which nothing more comes."""
    if not rows.numbers.size:
        return Units()
    n = rows.n.astype(np.float64)
    answers = Spread.of(rows.answers.astype(np.float64), n) if kind.has_answers else None
    weights = n if rows.weights is None else rows.weights.floats()
    differences = rows.differences.floats()
    return Units(
        exact_sum(differences),
        exact_sum(weights),
        Spread.of(differences, weights),
        Bins.of(rows.numbers, differences, weights, kind.level),
        Extremes.of(N_EXTREMES, differences, rows.numbers, weights),
        answers,
    )
