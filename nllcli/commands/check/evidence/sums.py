"""The small values that evidence is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_DISTINCT = 16


def distance_from_1(p: NDArray[Any]) -> NDArray[np.float64]:
    """How far the sum of each row of ``p`` (n, C) is from 1, (n,)."""
    distances: NDArray[np.float64] = np.abs(p.sum(axis=1, dtype=np.float64) - 1.0)
    return distances


@dataclass(frozen=True)
class Moments(Part):
    """``n`` values, their sum and the sum of their squares."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        return cls(len(values), float(np.add.reduce(values)), float(np.add.reduce(np.square(values))))

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else math.nan

    def standard_error(self) -> float:
        """Of the mean: the standard deviation (n - 1) over sqrt(n); 0 for fewer than two values."""
        if self.n < 2:
            return 0.0
        variance = (self.squares - self.total * self.mean) / (self.n - 1)
        return math.sqrt(max(variance, 0.0) / self.n)


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest of some values."""

    low: int
    high: int

    def __add__(self, other: Extent) -> Extent:
        return Extent(min(self.low, other.low), max(self.high, other.high))

    @classmethod
    def of(cls, values: NDArray[np.int64]) -> Extent | None:
        return cls(int(values.min()), int(values.max())) if values.size else None


@dataclass(frozen=True)
class Peak:
    """The largest value seen, and how often it was seen."""

    value: float
    n: int

    def __add__(self, other: Peak) -> Peak:
        if self.value == other.value:
            return Peak(self.value, self.n + other.n)
        return max(self, other, key=lambda peak: peak.value)

    @classmethod
    def of(cls, values: NDArray[Any]) -> Peak | None:
        if not values.size:
            return None
        top = values.max()
        return cls(float(top), int(np.count_nonzero(values == top)))


@dataclass(frozen=True)
class FewValues:
    """How often each of the first few distinct values was seen; ``n_more`` occurrences were of further ones."""

    counts: tuple[tuple[int, int], ...] = ()
    n_more: int = 0

    def __add__(self, other: FewValues) -> FewValues:
        counts = dict(self.counts)
        n_more = self.n_more + other.n_more
        for value, n in other.counts:
            if value in counts or len(counts) < _N_DISTINCT:
                counts[value] = counts.get(value, 0) + n
            else:
                n_more += n
        return FewValues(tuple(counts.items()), n_more)

    @classmethod
    def of(cls, values: NDArray[np.int64]) -> FewValues:
        distinct, n = np.unique(values, return_counts=True)
        counts = tuple(zip(distinct.tolist(), n.tolist(), strict=True))
        return cls(counts[:_N_DISTINCT], sum(n for _, n in counts[_N_DISTINCT:]))


@dataclass(frozen=True)
class Constant:
    """The first sample's values (C,), and which classes (C,) have had that value alone."""

    first: NDArray[np.float64]
    same: NDArray[np.bool_]

    def __add__(self, other: Constant) -> Constant:
        return Constant(self.first, self.same & other.same & (self.first == other.first))

    @classmethod
    def of(cls, x: NDArray[Any]) -> Constant | None:
        """Over the samples of ``x`` (n, C); only classes whose first and last value agree are read whole."""
        if not len(x):
            return None
        same = x[0] == x[-1]
        for c in np.flatnonzero(same):
            same[c] = bool((x[:, c] == x[0, c]).all())
        return cls(x[0].astype(np.float64), same)
