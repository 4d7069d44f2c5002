"""Which floating-point numbers are exact integers, and which integers float64 may not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT = 2**53  # float64 holds all integers up to it


def integers(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Floating-point values that are all whole and below 2**53, as int64; else None."""
    if not is_index(values).all():
        return None
    return values.astype(np.int64)


def is_index(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which floating-point values are whole numbers that no rounding can have changed."""
    with np.errstate(invalid="ignore"):  # of a signalling NaN
        return np.asarray((np.abs(values) < _EXACT) & (values == np.floor(values)))


def are_rounded(values: NDArray[Any]) -> bool:
    """Whether any of the values is an integer that float64 may not hold."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return False
    return bool((values > _EXACT).any() or (values < -_EXACT).any())


def rounded_integers(name: str) -> Notice:
    """The note on integers that float64 may not hold."""
    return Notice("rounded-integers", f"{name}: integers beyond 2^53 lose their last digits in the computation")
