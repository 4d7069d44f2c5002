"""Probabilities that rounding has put a little above 1, or their logarithms above 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.settings import LOSSES_GIVEN
from nllcli.numerics.kernels import machine_epsilon

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How far rounding carries p above 1, in units of the dtype's machine epsilon: exp(x - log sum exp x) and quotients by
# a sum that was rounded come to a few of them.
_ROUNDINGS = 4
_SINGLE_EPSILON = 2.0**-23


def within_bounds(x: NDArray[Any], dtype: np.dtype[Any], source: str) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """(Log-)probabilities ``x`` (n, C) with those a rounding above their bound at it, and the rows (n,) that have any.

    The bound is 1 for the ``source`` "probs", 0 for "log-probs"; losses have none. ``dtype`` is that of the file. None
    where ``x`` is returned as it is, which its maximum alone decides for nearly all blocks.
    """
    bound = 1.0 if source == "probs" else 0.0
    if source == LOSSES_GIVEN or not x.size or x.max() <= bound:
        return x, None
    with np.errstate(invalid="ignore"):
        rounded = _are_rounded(x, dtype, bound)
    rows: NDArray[np.bool_] = np.logical_or.reduce(rounded, axis=1)
    if not rows.any():
        return x, None
    return np.where(rounded, x.dtype.type(bound), x), rows


def _are_rounded(x: NDArray[Any], dtype: np.dtype[Any], bound: float) -> NDArray[np.bool_]:
    """Which values are above the bound by a few roundings of ``dtype``, or of float32 where that wrote them."""
    above = np.greater(x, bound)
    rounded: NDArray[np.bool_] = above & (x <= bound + _ROUNDINGS * machine_epsilon(dtype))
    if x.dtype == np.float64:
        near = above & ~rounded & (x.astype(np.float32) <= bound + _ROUNDINGS * _SINGLE_EPSILON)
        rounded[near] = [_is_single(value) for value in x[near].tolist()]
    return rounded


def _is_single(value: float) -> bool:
    """Whether a float64 has no more digits than a float32: its bits, or the nine digits in which text has it."""
    return value == float(np.float32(value)) or value == float(f"{value:.9g}")
