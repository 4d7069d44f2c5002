"""Exact sums as text: hexadecimal floats of any length, which other languages read and round by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.exact import UNIT_BITS, ExactSum, ExactSums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_CHARACTERS = 2000  # twice what a sum of squares of float64 can need
_HEXADECIMAL = re.compile(r"(-?)0x([0-9a-f]+)(?:\.([0-9a-f]+))?p([+-][0-9]{1,4})")
_MOST_COUNTED = 1 << 62
_SPECIALS = ("inf", "-inf", "nan")


def to_hex(units: int, unit_bits: int = UNIT_BITS) -> str:
    """Write ``units * 2**-unit_bits`` without rounding, such as "0x1.28p+17"; ``float.fromhex`` rounds it once."""
    if not units:
        return "0x0p+0"
    n, sign = (-units, "-") if units < 0 else (units, "")
    exponent = n.bit_length() - 1
    digits = f"{n << -exponent % 4:x}".rstrip("0")  # shifted so that the first digit is 1
    point = "." if len(digits) > 1 else ""
    return f"{sign}0x1{point}{digits[1:]}p{exponent - unit_bits:+d}"


def from_hex(text: str, unit_bits: int = UNIT_BITS) -> int:
    """Read what ``to_hex`` writes; raises ValueError for anything else, and for parts of a unit."""
    found = _HEXADECIMAL.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        raise _not_a_sum(text)
    sign, whole, fraction, exponent = found.groups("")
    n, shift = int(whole + fraction, 16), int(exponent) - 4 * len(fraction) + unit_bits
    if shift >= 0:
        units = n << shift
    else:
        units = n >> -shift
        if units << -shift != n:
            raise _not_a_sum(text)
    return -units if sign else units


def _not_a_sum(data: Any) -> ValueError:
    return ValueError(f"not a sum: {str(data)[:40]}")


def sum_to_data(total: ExactSum) -> Any:
    """A sum as JSON has it: a hexadecimal float, with the numbers of infinities and NaN where there are some."""
    finite = to_hex(total.units)
    if total.is_finite:
        return finite
    counts = (total.n_positive_inf, total.n_negative_inf, total.n_nan)
    return {"finite": finite} | {name: n for name, n in zip(_SPECIALS, counts, strict=True) if n}


def sum_from_data(data: Any) -> ExactSum:
    """Read what ``sum_to_data`` gives; raises ValueError for anything else."""
    if isinstance(data, str):
        return ExactSum(from_hex(data))
    if not isinstance(data, dict) or not isinstance(data.get("finite"), str):
        raise _not_a_sum(data)
    counts = [data.get(name, 0) for name in _SPECIALS]
    if not all(type(n) is int and 0 <= n < _MOST_COUNTED for n in counts):
        raise _not_a_sum(data)
    return ExactSum(from_hex(data["finite"]), *counts)


def sums_to_data(sums: ExactSums, groups: Sequence[int]) -> list[Any]:
    """The sums of some groups, each as ``sum_to_data`` gives it."""
    if sums.special is None:
        units = sums.units
        return [to_hex(0 if units is None else units[group]) for group in groups]
    return [sum_to_data(sums[group]) for group in groups]


def sums_from_data(column: Sequence[Any], groups: NDArray[np.int64], n_groups: int) -> ExactSums:
    """The sums of ``n_groups`` groups, of which ``groups`` (n,) have those in ``column``, and the others 0.

    Raises ValueError for what is not a sum.
    """
    units = np.full(n_groups, 0, object)
    try:
        units[groups] = [from_hex(each) for each in column]
        return ExactSums(units)
    except TypeError:  # not all are text: some count infinities
        found = [sum_from_data(each) for each in column]
    units[groups] = [each.units for each in found]
    special = np.zeros((len(_SPECIALS), n_groups), np.int64)
    special[:, groups] = np.transpose([(each.n_positive_inf, each.n_negative_inf, each.n_nan) for each in found])
    return ExactSums(units, special)
