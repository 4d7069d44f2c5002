"""Quantiles of many values from 0 on: exact of few, within 0.05 % of more, and the same however they are cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MOST_VALUES = 1 << 16
# A bin has the values of one exponent, from 2**-64 to before 2**64, and the same first bits of the fraction.
_FRACTION_BITS = 10
_LEAST_EXPONENT, _MOST_EXPONENT = -64, 64
_BIAS = 1023
_SHIFT = 52 - _FRACTION_BITS
_FIRST = (_LEAST_EXPONENT + _BIAS) << _FRACTION_BITS
_N_BINS = (_MOST_EXPONENT - _LEAST_EXPONENT) << _FRACTION_BITS
N_COUNTS = _N_BINS + 2


@dataclass(frozen=True)
class Sketch(Part):
    """Values (n,) float64 from 0 on, as they are up to ``MOST_VALUES``; of more, the ``counts`` of those in each bin.

    The first bin has those below 2**-64, the last those from 2**64 on. NaN is left out.
    """

    values: tuple[NDArray[np.float64], ...] = ()
    counts: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Sketch:
        """The sketch of ``values`` (n,)."""
        known = values[~np.isnan(values)]
        return _fitting(cls((known,)))

    def __add__(self, other: Sketch) -> Sketch:
        counts = [each.counts for each in (self, other) if each.counts is not None]
        total = counts[0] + counts[1] if len(counts) == 2 else next(iter(counts), None)
        return _fitting(Sketch((*self.values, *other.values), total))

    def quantiles(self, shares: Sequence[float]) -> list[float] | None:
        """The quantiles for ``shares`` of 1, between neighbours in proportion (NumPy's "linear"); None of no values."""
        if self.counts is None:
            values = np.sort(np.concatenate(self.values)) if self.values else np.empty(0)
            return _interpolated(len(values), shares, lambda rank: float(values[rank])) if values.size else None
        ends = np.cumsum(in_bins(self))
        return _interpolated(int(ends[-1]), shares, lambda rank: _middle(int(np.searchsorted(ends, rank, "right"))))


def _interpolated(n: int, shares: Sequence[float], value_at: Callable[[int], float]) -> list[float]:
    found = []
    for share in shares:
        place = share * (n - 1)
        rank = math.floor(place)
        low, high = value_at(rank), value_at(min(rank + 1, n - 1))
        part = place - rank
        found.append(low if part == 0 or low == high else low + part * (high - low))
    return found


def _fitting(sketch: Sketch) -> Sketch:
    """The sketch, its values counted where they are too many to keep."""
    return sketch if sum(map(len, sketch.values)) <= MOST_VALUES else Sketch(counts=in_bins(sketch))


def in_bins(sketch: Sketch) -> NDArray[np.int64]:
    """How many of all values are in each bin."""
    counts = np.zeros(N_COUNTS, np.int64) if sketch.counts is None else sketch.counts
    if not sketch.values:
        return counts
    sizes = np.abs(np.concatenate(sketch.values))  # of -0.0, which has a bit that no other value from 0 on has
    exponents = (sizes.view(np.uint64) >> np.uint64(_SHIFT)).astype(np.int64)
    return counts + np.bincount(np.clip(exponents - _FIRST + 1, 0, _N_BINS + 1), minlength=N_COUNTS)


def bin_of(value: float) -> int:
    """The bin of a value from 0 on."""
    return int(np.argmax(in_bins(Sketch((np.array([value]),)))))


def _middle(bin: int) -> float:
    """The middle of the values of a bin, 0 for the first and inf for the last."""
    if bin == 0:
        return 0.0
    if bin > _N_BINS:
        return math.inf
    bits = np.array((bin - 1 + _FIRST) << _SHIFT | 1 << (_SHIFT - 1), np.uint64)
    return float(bits.view(np.float64))
