"""Sums without rounding: order, block boundaries and the number of threads cannot change them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Every finite float64 is a whole number of these units of 2**-1074.
_UNIT_BITS = 1074
_UNIT = 1 << _UNIT_BITS
_LARGEST_SPLIT_EXPONENT = 960

# The sums of groups keep digits of 32 bits, digit k in units of 2**(32 k - 1074), so that the digits of any two sums
# stand on one grid. A round takes from at most 2**19 values, each below 2**-21 of sigma, what is left is below 2**-21
# of the sigma of the digit underneath, and every sum of parts is a float64 integer below 2**53.
_DIGIT_BITS = 32
_HEADROOM = 21
_MOST_AT_ONCE = 1 << 19
_LARGEST_VALUE = 2.0**900
_LOWERED_DIGITS = 16


@dataclass(frozen=True)
class ExactSum(Part):
    """The exact sum of float64 values: an integer count of 2**-1074, with infinities and NaN counted apart."""

    units: int = 0
    n_positive_inf: int = 0
    n_negative_inf: int = 0
    n_nan: int = 0

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

    @property
    def is_finite(self) -> bool:
        """Whether every value was a finite number."""
        return not (self.n_nan or self.n_positive_inf or self.n_negative_inf)

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
    least, most = float(values.min()), float(values.max())
    if not (math.isfinite(least) and math.isfinite(most)):
        return _sum_with_specials(values)
    headroom = values.size.bit_length() + 1
    exponent = math.frexp(max(most, -least))[1] + headroom
    if exponent > _LARGEST_SPLIT_EXPONENT:
        return ExactSum(sum(_units(float(v)) for v in values))
    # Where all are positive, the last bit of the least is the last of all.
    last_bit = math.frexp(least)[1] - 53 if least > 0 else None
    units, rest = 0, values
    while last_bit is None or exponent - last_bit > 53:  # up to there, sums of what is left are exact as they are
        sigma = math.ldexp(1.0, exponent)
        high = rest + sigma
        np.subtract(high, sigma, out=high)
        units += _units(_plain_sum(high))
        rest = np.subtract(rest, high, out=high)
        if last_bit is None and not rest.any():
            return ExactSum(units)
        exponent += headroom - 53  # what is left of each value is at most half a unit in the last place of sigma
    return ExactSum(units + _units(_plain_sum(rest)))


def _plain_sum(values: NDArray[np.float64]) -> float:
    """The sum of ``values`` (n,) that is exact in any order, so the fastest one will do: twice as fast as pairwise."""
    return float(np.einsum("i->", values))


@dataclass(frozen=True)
class ExactSums:
    """The exact sums of n groups of float64 values: base-2**32 digits (n,) int64 with signs, lowest first.

    ``digits`` holds those that occur, by place; ``special`` (n,) float64 is the sum of what is not finite, else 0.
    """

    digits: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    special: NDArray[np.float64] | None = None

    def __add__(self, other: ExactSums) -> ExactSums:
        digits = dict(self.digits)
        for place, digit in other.digits.items():
            digits[place] = digits[place] + digit if place in digits else digit
        special = self.special if other.special is None else other.special
        if self.special is not None and other.special is not None:
            with np.errstate(invalid="ignore"):  # infinities of both signs: NaN it is
                special = self.special + other.special
        return ExactSums(digits, special)

    def __getitem__(self, group: int) -> ExactSum:
        special = 0.0 if self.special is None else float(self.special[group])
        return ExactSum(
            sum(int(digit[group]) << (_DIGIT_BITS * place) for place, digit in self.digits.items()),
            int(special == math.inf),
            int(special == -math.inf),
            int(math.isnan(special)),
        )


def exact_sums(values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int) -> ExactSums:
    """Sum float64 ``values`` (n,) without rounding, group by group: ``groups`` (n,) are indices below ``n_groups``.

    As in ``exact_sum``, the leading bits of all values are split off on a common grid and added up, until nothing is
    left; here the grids are the same for every call, so that the sums of blocks add up digit by digit.
    """
    total = ExactSums()
    for first in range(0, len(values), _MOST_AT_ONCE):
        part = slice(first, first + _MOST_AT_ONCE)
        total += _group_sums(values[part], groups[part], n_groups)
    return total


def _group_sums(values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int) -> ExactSums:
    top = max(float(values.max()), -float(values.min()))
    if not math.isfinite(top):
        finite = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            special = np.bincount(groups, np.where(finite, 0.0, values), n_groups).astype(np.float64, copy=False)
        return _group_sums(np.where(finite, values, 0.0), groups, n_groups) + ExactSums(special=special)
    if top > _LARGEST_VALUE:
        large = np.abs(values) > _LARGEST_VALUE
        lowered = np.where(large, np.ldexp(values, -_DIGIT_BITS * _LOWERED_DIGITS), 0.0)
        sums = _group_sums(lowered, groups, n_groups)
        raised = {place + _LOWERED_DIGITS: digit for place, digit in sums.digits.items()}
        return _group_sums(np.where(large, 0.0, values), groups, n_groups) + ExactSums(raised)
    sums = ExactSums()
    place = max(0, math.ceil((math.frexp(top)[1] + _HEADROOM + _UNIT_BITS - 52) / _DIGIT_BITS))
    while top != 0.0:
        unit = _DIGIT_BITS * place - _UNIT_BITS
        sigma = math.ldexp(1.5, unit + 52)  # whose neighbours are one unit apart on either side
        high = values + sigma
        high -= sigma
        counted = np.ldexp(np.bincount(groups, high, n_groups), -unit).astype(np.int64)
        # A digit of its own size a block, so that 2**30 blocks add up within int64.
        sums += ExactSums({place: counted & ((1 << _DIGIT_BITS) - 1), place + 1: counted >> _DIGIT_BITS})
        values = values - high
        if not values.any():
            break
        place -= 1
    return sums


def exact_count(n: int) -> ExactSum:
    """The whole number ``n`` as an exact sum."""
    return ExactSum(n << _UNIT_BITS)


def exact_multiple(value: float, n: int) -> ExactSum:
    """``n`` times the finite ``value`` as an exact sum."""
    return ExactSum(_units(value) * n)


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
