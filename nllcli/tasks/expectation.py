"""The number that somebody else got, as typed: how exactly it is meant, and what matches it."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from nllcli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Programs add up in other orders: the last digits of a float64, and of a single-precision mean, are their own.
_DOUBLE_NOISE = 1e-12
_SINGLE_NOISE = 1e-6
_SINGLE_DIGITS = 8  # a number with at least so many, and itself a float32, was computed as one
_WINDOW = 0.1


@dataclass(frozen=True)
class Expectation:
    """A number and how far from it still counts as equal; ``why`` says where that tolerance comes from."""

    text: str
    value: float
    tolerance: float
    why: str

    def matches(self, value: float) -> bool:
        return abs(value - self.value) <= self.tolerance

    def shown(self, value: float) -> str:
        """``value`` with two digits more than the tolerance settles, so that a difference shows."""
        if not self.tolerance:
            return repr(value)
        decimals = max(0, 1 - math.floor(math.log10(self.tolerance)))
        return f"{value:.{min(decimals, 17)}f}" if abs(value) < 1e12 else f"{value:.6g}"

    def coverage(self, values: Iterable[float]) -> float:
        """The share of the numbers within a tenth of this one (or ten tolerances) that one of ``values`` matches."""
        half = max(_WINDOW * abs(self.value), 10 * self.tolerance)
        low, high = self.value - half, self.value + half
        if not high > low:
            return 0.0
        covered, reached = 0.0, low
        for value in sorted(values):
            start, end = max(value - self.tolerance, reached), min(value + self.tolerance, high)
            if end > start:
                covered += end - start
                reached = end
        return covered / (high - low)


def expectation(text: str, tolerance: float | None) -> Expectation:
    """Read a number as typed; without a ``tolerance`` its digits say how exactly it is meant."""
    try:
        exact = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"--expect {text!r} is not a number", hint="the number as printed, such as 1.0598") from None
    if not exact.is_finite():
        raise UsageError(f"--expect {text!r} is not a finite number")
    value = float(exact)
    if tolerance is not None:
        if not 0.0 <= tolerance < math.inf:
            raise UsageError(f"--tolerance {tolerance} is not a number from 0 on")
        return Expectation(text, value, tolerance, "as given")
    exponent = exact.as_tuple().exponent
    half_unit = 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0
    digits = len(exact.as_tuple().digits)
    if digits >= _SINGLE_DIGITS and _is_single(value) and half_unit < _SINGLE_NOISE * abs(value):
        return Expectation(text, value, _SINGLE_NOISE * abs(value), "what single precision, as this number is, loses")
    if half_unit < _DOUBLE_NOISE * abs(value):
        return Expectation(text, value, _DOUBLE_NOISE * abs(value), "what double precision loses in a long sum")
    # A little more than half a unit: 0.00005 itself is no binary number.
    return Expectation(text, value, half_unit * (1 + 1e-9), "half a unit of the last digit typed")


def _is_single(value: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False
