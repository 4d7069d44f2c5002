"""Sums without rounding: order, block boundaries and the number of threads cannot change them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Every finite float64 is a whole number of these units of 2**-1074.
_UNIT_BITS = 1074
_UNIT = 1 << _UNIT_BITS
_LARGEST_SPLIT_EXPONENT = 960


@dataclass(frozen=True)
class ExactSum:
    """The exact sum of float64 values: an integer count of 2**-1074, with infinities and NaN counted apart."""

    units: int = 0
    n_positive_inf: int = 0
    n_negative_inf: int = 0
    n_nan: int = 0

    def __add__(self, other: ExactSum) -> ExactSum:
        return ExactSum(
            self.units + other.units,
            self.n_positive_inf + other.n_positive_inf,
            self.n_negative_inf + other.n_negative_inf,
            self.n_nan + other.n_nan,
        )

    def __float__(self) -> float:
        """The sum, rounded once."""
        return self.divided_by(ExactSum(_UNIT))

    def divided_by(self, other: ExactSum) -> float:
        """The quotient of two exact sums, rounded once (Python divides integers correctly rounded)."""
        special = self._special()
        divisor = other._special()
        if special is not None or divisor is not None or other.units == 0:
            return _ieee_divide(self._plain() if special is None else special, other._plain())
        try:
            return self.units / other.units
        except OverflowError:
            return math.inf if (self.units > 0) == (other.units > 0) else -math.inf

    def _special(self) -> float | None:
        if self.n_nan or (self.n_positive_inf and self.n_negative_inf):
            return math.nan
        if self.n_positive_inf:
            return math.inf
        return -math.inf if self.n_negative_inf else None

    def _plain(self) -> float:
        special = self._special()
        if special is not None:
            return special
        try:
            return self.units / _UNIT
        except OverflowError:
            return math.inf if self.units > 0 else -math.inf


def exact_sum(values: NDArray[np.float64]) -> ExactSum:
    """Sum float64 ``values`` (n,) without rounding.

    Each round splits off the leading bits of all values on one common grid, coarse enough that their float64 sum is
    exact in any order, and goes on with the remainders until they are 0: "ExtractVector" of Rump, Ogita and Oishi,
    "Accurate floating-point summation part I", SIAM J. Sci. Comput. 31 (2008).
    """
    if values.size == 0:
        return ExactSum()
    top = max(float(values.max()), -float(values.min()))
    if not math.isfinite(top):
        return _sum_with_specials(values)
    units = 0
    headroom = values.size.bit_length() + 1
    exponent = math.frexp(top)[1] + headroom
    if exponent > _LARGEST_SPLIT_EXPONENT:
        return ExactSum(sum(_units(float(v)) for v in values))
    while top != 0.0:
        sigma = math.ldexp(1.0, exponent)
        high = values + sigma
        high -= sigma
        units += _units(float(high.sum()))
        values = values - high
        if not values.any():
            break
        exponent += headroom - 53  # what is left of each value is at most half a unit in the last place of sigma
    return ExactSum(units)


def exact_count(n: int) -> ExactSum:
    """The whole number ``n`` as an exact sum."""
    return ExactSum(n << _UNIT_BITS)


def _sum_with_specials(values: NDArray[np.float64]) -> ExactSum:
    finite = exact_sum(values[np.isfinite(values)])
    return ExactSum(
        finite.units,
        int(np.count_nonzero(np.isposinf(values))),
        int(np.count_nonzero(np.isneginf(values))),
        int(np.count_nonzero(np.isnan(values))),
    )


def _units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (_UNIT // denominator)


def _ieee_divide(a: float, b: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(a) / np.float64(b))
