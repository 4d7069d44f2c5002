"""The number that somebody else got, as typed: how exactly it is meant, and what matches it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import UsageError, setting
from nllcli.inputs.tables.cells import is_number
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

# Other programs sum in another order, so the last digits differ by about the precision of the type.
_DOUBLE_NOISE = 1e-12
_NOISE = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 1e-6}
# Bits of the fraction, and the exponents of math.frexp between which numbers have all of them; the shortest type first.
_TYPES = {"bfloat16": (8, -125, 128), "float16": (11, -13, 16), "float32": (24, -125, 128)}
_FEW_ULPS = 8  # two orders of summing even a short list differ by this much
_MANY_DIGITS = 8  # a number of this many digits or more that a shorter type holds exactly was computed in that type
_WINDOW = 0.1


@dataclass(frozen=True)
class Expectation:
    """A number and how far from it still counts as equal; ``why`` says where that tolerance comes from.

    ``by_digits`` says that the digits typed give it; they may be more than the number is worth, as ``among`` finds.
    """

    text: str
    value: float
    tolerance: float
    why: str
    by_digits: bool = False

    def matches(self, value: float) -> bool:
        return abs(value - self.value) <= self.tolerance

    def among(self, values: Collection[float]) -> Expectation:
        """This expectation; with the tolerance of single precision where only that makes one of ``values`` match.

        The mean of batch losses, or the exponential of a loss, is a float64 with the noise of the float32 it came from.
        """
        looser = self.widest(values)
        return looser if any(map(looser.matches, values)) else self

    def widest(self, values: Collection[float]) -> Expectation:
        """This expectation, or the one with the tolerance of single precision that is tried where nothing matches."""
        single = _NOISE["float32"] * abs(self.value)
        if not self.by_digits or single <= self.tolerance or any(map(self.matches, values)):
            return self
        return replace(self, tolerance=single, why="what float32 leaves open: nothing matches all digits")

    def shown(self, value: float) -> str:
        """``value`` with two digits more than the tolerance settles, so that a difference shows."""
        if self.tolerance <= _least(self.value):
            return repr(value)
        decimals = max(0, 1 - math.floor(math.log10(self.tolerance)))
        return f"{value:.{min(decimals, 17)}f}" if abs(value) < 1e12 else f"{value:.6g}"

    def coverage(self, values: Sequence[float], *, once: Sequence[NDArray[np.float64]] = ()) -> float:
        """The share of the numbers within a tenth of this one (or ten tolerances) that one of ``values`` matches.

        So does one of the values of each of ``once``, in ascending order, where no other of them does.
        """
        half = max(_WINDOW * abs(self.value), 10 * self.tolerance)
        low, high = self.value - half, self.value + half
        if not 0.0 < high - low < math.inf:
            return 0.0
        at, step = [low, high], self.tolerance
        kinds = [np.array(values), *once]
        near = [kind[(kind > low - step) & (kind < high + step)] for kind in kinds]
        edges = np.unique(
            np.clip(np.concatenate([at, *(kind + side for kind in near for side in (-step, step))]), low, high)
        )
        middle = (edges[1:] + edges[:-1]) / 2
        matched = np.zeros(len(middle), np.bool_)
        for kind, is_one in zip(near, (False, *(True for _ in once)), strict=True):
            n = np.searchsorted(kind, middle + step, side="right") - np.searchsorted(kind, middle - step, side="left")
            matched |= n == 1 if is_one else n > 0
        return float(np.diff(edges)[matched].sum() / (high - low))


def expectation(text: str, tolerance: float | None) -> Expectation:
    """Read a number as typed; without a ``tolerance`` its digits say how exactly it is meant."""
    if not is_number(text):
        raise UsageError(f"{setting('expect')} {text!r} is not a number", hint="the number as printed, such as 1.0598")
    value = float(text)
    exponent, n_digits = _written(text) if math.isfinite(value) else (0, 0)
    half_unit = float(f"0.5e{exponent}")
    if not (math.isfinite(value) and math.isfinite(half_unit)):
        raise UsageError(f"{setting('expect')} {text!r} is not a finite number")
    if tolerance is not None:
        if not 0.0 <= tolerance < math.inf:
            raise UsageError(f"{setting('tolerance', tolerance)} is not a finite number of at least 0")
        why = "as given"
        if tolerance < _least(value):
            tolerance, why = _least(value), "the last bits of a float64, which depend on the order of summing"
        return Expectation(text, value, tolerance, why)
    name = _type_of(value) if n_digits >= _MANY_DIGITS else None
    if name is not None and half_unit < _NOISE[name] * abs(value):
        return Expectation(text, value, _NOISE[name] * abs(value), f"what {name}, the type of this number, leaves open")
    noise = _DOUBLE_NOISE * abs(value)
    if half_unit < noise:
        return Expectation(text, value, noise, "what float64 leaves open in a long sum", by_digits=True)
    # A little more than half a unit: 0.00005 itself is not a binary number.
    return Expectation(text, value, half_unit * (1 + 1e-9), "half a unit of the last digit typed", by_digits=True)


def _least(value: float) -> float:
    """The least tolerance: by this much a float64 of this size differs when it is summed in another order."""
    return _FEW_ULPS * math.ulp(value)


def _written(text: str) -> tuple[int, int]:
    """The exponent of the last digit of a number, and how many digits it has without the zeros in front."""
    digits, _, exponent = text.strip().lower().partition("e")
    whole, _, decimals = digits.lstrip("+-").partition(".")
    return int(exponent or 0) - len(decimals), len((whole + decimals).lstrip("0"))


def _type_of(value: float) -> str | None:
    """The shortest type that holds ``value`` exactly; None for float64."""
    fraction, exponent = math.frexp(value)
    for name, (bits, lowest, highest) in _TYPES.items():
        if lowest <= exponent <= highest and (fraction * 2.0**bits).is_integer():
            return name
    return None
