"""The kernel: for every sample the largest logit and the sum of the other exponentials.

With M the largest logit, T the temperature and ``rest`` the sum of exp((x_j - M) / T) over every class but the one
that holds M, ``logsumexp(x / T) = M / T + log1p(rest)``. Leaving the maximum out of the sum keeps every digit where
the model is confident: ``1 + rest`` would round them away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.model import Scratch

# Below this many classes a loop over classes on long columns beats reductions over short rows. The choice rests on
# the number of classes alone, so that every memory order of one file gives the same bits.
CLASS_FIRST_BELOW = 72

# exp turns an absolute error of its argument into a relative one: half a unit in the last place of a difference of 64
# is 4e-15, of 700 it is 6e-14. Below this power the rounding of the difference is taken into account.
TINY_POWER = math.exp(-64.0)

# Elements transposed at a time: the source stays in the first-level cache while its columns are picked out.
_TRANSPOSED_ELEMENTS = 1 << 14


@dataclass(frozen=True)
class Normaliser:
    """``maximum`` (n,) and ``rest`` (n,), float64; see the module's docstring.

    Each kernel also leaves what it learnt about the place of the maximum: ``top`` (n,), its first class, or else
    ``tied`` (n,), whether more than one class holds it.
    """

    maximum: NDArray[np.float64]
    rest: NDArray[np.float64]
    top: NDArray[np.int64] | None = None
    tied: NDArray[np.bool_] | None = None


def normalise(x: NDArray[Any], *, temperature: float = 1.0, single: bool = False, scratch: Scratch) -> Normaliser:
    """Reduce logits ``x`` (n, C), native float32 or float64 in any memory order, over the classes.

    ``single`` computes the exponentials in float32; sums are float64 in any case. NaN and +inf in a row make its
    ``maximum`` NaN or +inf; a row of -inf alone makes it -inf.
    """
    dtype = np.float32 if single else np.float64
    kernel = _by_class if x.shape[1] < CLASS_FIRST_BELOW else _by_row
    with np.errstate(all="ignore"):
        found = kernel(x, temperature, dtype, scratch)
        if not single:
            _refine(found, x, temperature)
    return found


def _refine(found: Normaliser, x: NDArray[Any], temperature: float) -> None:
    """Work out once more, with care, the sums that are so small that the rounding of the logits' gaps shows."""
    tiny = found.rest < TINY_POWER
    if not tiny.any():
        return
    rows = np.flatnonzero(tiny & (found.rest > 0))
    powers = careful_powers(x[rows], found.maximum[rows, None], temperature)
    powers[np.arange(len(rows)), x[rows].argmax(axis=1)] = 0
    found.rest[rows] = sum_classes(powers)


def careful_powers(x: NDArray[Any], maximum: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """``exp((x - maximum) / T)`` with the rounding errors of difference and quotient made good.

    Both are computed exactly, as an unevaluated sum of two float64: Knuth's two-sum and Dekker's product, in Ogita,
    Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005).
    """
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        gap = maximum - x
        back = gap - maximum
        error = (maximum - (gap - back)) - (x + back)
        if temperature != 1.0:
            quotient = gap / temperature
            error = (_product_error(quotient, temperature, gap) + error) / temperature
            gap = quotient
        powers: NDArray[np.float64] = np.exp(-gap)
        error[~np.isfinite(error)] = 0.0  # of an infinite gap
        powers -= powers * error
    return powers


def _product_error(a: NDArray[np.float64], b: float, near: NDArray[np.float64]) -> NDArray[np.float64]:
    """``near - a * b``, for ``near`` within a few units in the last place of the product."""
    product = a * b
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return (near - product) - error


def _upper_half(a: Any) -> Any:
    """The leading 26 bits of ``a`` (Veltkamp)."""
    scaled = 134217729.0 * a
    return scaled - (scaled - a)


def contiguous(x: NDArray[Any], scratch: Scratch) -> NDArray[Any]:
    """``x`` (n, C) in the memory order that the kernel for C classes wants."""
    if x.shape[1] < CLASS_FIRST_BELOW:
        if x.T.flags.c_contiguous:
            return x
        out = scratch.array("columns", x.shape[::-1], x.dtype).T
    else:
        if x.flags.c_contiguous:
            return x
        out = scratch.array("rows", x.shape, x.dtype)
    step = max(1, _TRANSPOSED_ELEMENTS // x.shape[1])
    for first in range(0, len(x), step):
        np.copyto(out[first : first + step], x[first : first + step])
    return out


def _by_class(x: NDArray[Any], temperature: float, dtype: type, scratch: Scratch) -> Normaliser:
    """One pass over the classes for the maximum, one that adds up what the maximum is not.

    Keeping ``low = min(high, x_c)`` and ``high = max(high, x_c)`` side by side, the lows of all steps are the row
    without one occurrence of its maximum.
    """
    columns = contiguous(x, scratch).T
    n_classes, n = columns.shape
    maximum = scratch.array("maximum", (n,), columns.dtype)
    np.copyto(maximum, columns[0])
    for c in range(1, n_classes):
        np.maximum(maximum, columns[c], out=maximum)
    top = maximum.astype(np.float64)
    shift = maximum if dtype == columns.dtype else top

    high = scratch.array("high", (n,), columns.dtype)
    low = scratch.array("low", (n,), columns.dtype)
    second = scratch.array("second", (n,), columns.dtype)
    power = scratch.array("power", (n,), dtype)
    rest = np.zeros(n)
    np.copyto(high, columns[0])
    second.fill(-np.inf)
    for c in range(1, n_classes):
        np.minimum(high, columns[c], out=low)
        np.maximum(high, columns[c], out=high)
        np.maximum(second, low, out=second)
        np.subtract(low, shift, out=power, casting="same_kind")
        if temperature != 1.0:
            np.divide(power, temperature, out=power)
        np.exp(power, out=power)
        np.add(rest, power, out=rest)
    return Normaliser(top, rest, tied=second == maximum)


def _by_row(x: NDArray[Any], temperature: float, dtype: type, scratch: Scratch) -> Normaliser:
    """Whole rows at a time: find the maximum, subtract, exponentiate, strike the maximum out, add up."""
    rows = contiguous(x, scratch)
    n, _ = rows.shape
    each = np.arange(n)
    top = rows.argmax(axis=1)
    maximum = rows[each, top]
    power = scratch.array("powers", rows.shape, dtype)
    if dtype == np.float32:
        np.subtract(rows, maximum[:, None], out=power, casting="same_kind")
    else:
        np.copyto(power, rows)
        np.subtract(power, maximum.astype(np.float64)[:, None], out=power)
    if temperature != 1.0:
        np.divide(power, temperature, out=power)
    np.exp(power, out=power)
    power[each, top] = 0
    rest = np.add.reduce(power, axis=1, dtype=np.float64)
    return Normaliser(maximum.astype(np.float64), rest, top=top)


def sum_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum (n, C) over the classes in an order that rests on C alone, so that no memory order changes a bit."""
    n, n_classes = values.shape
    with np.errstate(invalid="ignore"):  # infinities of both signs, by negative weights: NaN it is
        if n_classes >= CLASS_FIRST_BELOW:
            total: NDArray[np.float64] = np.add.reduce(np.ascontiguousarray(values), axis=1)
            return total
        total = np.zeros(n)
        for c in range(n_classes):
            total += values[:, c]
    return total
