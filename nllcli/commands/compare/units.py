"""The units that a comparison counts, samples or whole groups of them: their moments, and what resampling needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.compare.extremes import Extremes
from nllcli.data.blocks import Part
from nllcli.numerics.exact import UNIT_BITS, ExactSum, exact_sum, exact_sums
from nllcli.numerics.spread import Spread
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Of so many bins the standard error of a bootstrap is right to 1.6 %, and no test takes long.
MOST_BINS = 4096
_LONG_RUN = 64  # units from which on the sum of each bin is taken by itself


@dataclass(frozen=True)
class Bins(Part):
    """Exact sums over runs of ``2**level`` neighbouring units each, from bin number ``first`` on.

    ``differences`` and ``weights`` count 2**-1074, ``n_units`` are the units of each run. Runs are long enough that
    there are at most 2 * MOST_BINS.
    """

    level: int = 0
    first: int = 0
    differences: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    n_units: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        units: NDArray[np.int64],
        differences: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        level: int,
    ) -> Self:
        """The sums of finite ``differences`` and ``weights`` (m,), 1 each for None, of units in ascending order."""
        if not units.size:
            return cls(level)
        level = _fitting(level, int(units[0]), int(units[-1]))
        bins = units >> level
        first, n = int(bins[0]), int(bins[-1] - bins[0]) + 1
        places = bins - first
        counts = np.bincount(places, minlength=n)
        n_units = tuple(counts.tolist())
        sums = _binned(differences, places, counts)
        whole = tuple(count << UNIT_BITS for count in n_units) if weights is None else _binned(weights, places, counts)
        return cls(level, first, sums, whole, n_units)

    def __add__(self, other: Bins) -> Bins:
        if not (self.differences and other.differences):
            return self if self.differences else other
        both = (self, other)
        start = min(each.first << each.level for each in both)
        stop = max((each.first + len(each.differences)) << each.level for each in both)
        level = _fitting(max(self.level, other.level), start, stop - 1)
        left, right = self.coarser(level), other.coarser(level)
        first = min(left.first, right.first)
        n = max(each.first + len(each.differences) for each in (left, right)) - first
        columns = zip(left.columns, right.columns, strict=True)
        return Bins(level, first, *(_joined(first, n, left.first, own, right.first, theirs) for own, theirs in columns))

    @property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """What there is of each run."""
        return self.differences, self.weights, self.n_units

    def coarser(self, level: int) -> Bins:
        """The same sums over longer runs."""
        bins = self
        while bins.level < level:
            bins = Bins(bins.level + 1, bins.first // 2, *map(bins._pairs, bins.columns))
        return bins

    def _pairs(self, sums: tuple[int, ...]) -> tuple[int, ...]:
        padded = (*(0,) * (self.first % 2), *sums)
        padded = (*padded, *(0,) * (len(padded) % 2))
        return tuple(a + b for a, b in zip(padded[::2], padded[1::2], strict=True))


def level_for(n_units: int | None) -> int:
    """How long runs of so many units are at least: the power of 2; 0 where it is not known."""
    level = 0
    while n_units is not None and -(-n_units >> level) > MOST_BINS:
        level += 1
    return level


def _fitting(level: int, first: int, last: int) -> int:
    """The least level from ``level`` on by which units up to ``last`` are in at most 2 * MOST_BINS runs."""
    while (last >> level) - (first >> level) >= 2 * MOST_BINS:
        level += 1
    return level


def _binned(values: NDArray[np.float64], places: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[int, ...]:
    if len(values) < _LONG_RUN * len(counts):
        sums = exact_sums(values, places, len(counts))
        return tuple(sums[i].units for i in range(len(counts)))
    ends = np.cumsum(counts).tolist()
    return tuple(exact_sum(values[start:end]).units for start, end in zip([0, *ends[:-1]], ends, strict=True))


def _joined(first: int, n: int, left: int, sums: tuple[int, ...], right: int, more: tuple[int, ...]) -> tuple[int, ...]:
    """Both runs of sums, which begin at ``left`` and ``right``, as one of ``n`` from ``first`` on."""
    if left + len(sums) <= right + 1 and left == first:  # the usual case: they follow each other
        gap = right - left - len(sums)
        if gap >= 0:
            return (*sums, *(0,) * gap, *more)
        return (*sums[:-1], sums[-1] + more[0], *more[1:])
    total = [0] * n
    for start, values in ((left, sums), (right, more)):
        for i, value in enumerate(values, start - first):
            total[i] += value
    return tuple(total)


@dataclass(frozen=True)
class Units(Part):
    """Sums over units: their differences in all and their weights, the moments of both, and what resampling needs.

    Of groups, ``extremes`` are those of the largest differences, with their weights, ``heaviest`` those of the largest
    weights, with their differences, and ``answers`` the moments of (right answers of the model less those of the
    baseline, samples).
    """

    total: ExactSum = ExactSum()
    weight_sum: ExactSum = ExactSum()
    spread: Spread = Spread()
    bins: Bins = Bins()
    extremes: Extremes = Extremes()
    heaviest: Extremes = Extremes()
    answers: Spread | None = None


def floats(sums: Sequence[int]) -> NDArray[np.float64]:
    """Exact sums, each rounded once."""
    return np.array([float(ExactSum(each)) for each in sums], np.float64)
