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
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.model import Scratch

    Kernel = Callable[[NDArray[Any], float | None, type, Scratch], "Normaliser"]

# Below this many classes a loop over classes on long columns beats reductions over short rows. The choice rests on
# the number of classes alone, so that every memory order of one file gives the same bits.
CLASS_FIRST_BELOW = 72

# exp turns an absolute error of its argument into a relative one: half a unit in the last place of a difference of 64
# is 4e-15, of 700 it is 6e-14. Below this power the rounding of the difference is taken into account.
TINY_POWER = math.exp(-64.0)

# Exponentials of the logits as they are save the subtraction of the maximum; they serve while the largest logit lies
# within ``limit`` and the others add up to at least ``floor`` of its power, far from overflow and underflow.
_PLAIN_RANGE: dict[type, tuple[float, float]] = {np.float64: (256.0, TINY_POWER), np.float32: (40.0, math.exp(-40.0))}

# Elements transposed at a time: the source stays in the first-level cache while its columns are picked out.
_TRANSPOSED_ELEMENTS = 1 << 15


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
        if temperature == 1.0:
            found = kernel(x, None, dtype, scratch)
            _shift_where_needed(found, x, kernel, dtype, scratch)
        else:
            found = kernel(x, temperature, dtype, scratch)
        if not single:
            _refine(found, x, temperature)
    return found


def _shift_where_needed(found: Normaliser, x: NDArray[Any], kernel: Kernel, dtype: type, scratch: Scratch) -> None:
    """Reduce the rows whose exponentials were too large or too small for ``dtype`` once more, shifted.

    Each row is judged by itself, so that its neighbours in a block cannot change a bit of it.
    """
    limit, floor = _PLAIN_RANGE[dtype]
    rows = np.flatnonzero(~((np.abs(found.maximum) <= limit) & (found.rest >= floor)))
    if rows.size:
        found.rest[rows] = kernel(x[rows], 1.0, dtype, scratch.sub("shifted")).rest


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
    """``x`` (n, C) in the memory order that the kernel for C classes wants: unbroken columns, or rows end to end."""
    if x.shape[1] < CLASS_FIRST_BELOW:
        if x.strides[0] == x.itemsize:
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


def _by_class(x: NDArray[Any], temperature: float | None, dtype: type, scratch: Scratch) -> Normaliser:
    """Add up what the maximum is not, class by class.

    Keeping ``low = min(high, x_c)`` and ``high = max(high, x_c)`` side by side, the lows of all steps are the row
    without one occurrence of its maximum.
    """
    columns = contiguous(x, scratch).T
    n_classes, n = columns.shape
    shift = None if temperature is None else np.maximum.reduce(columns, axis=0)
    high = scratch.array("high", (n,), columns.dtype)
    low = scratch.array("low", (n,), columns.dtype)
    second = scratch.array("second", (n,), columns.dtype)
    power = scratch.array("power", (n,), dtype)
    rest = np.zeros(n)
    second.fill(-np.inf)
    np.copyto(high, columns[0])
    for c in range(1, n_classes):
        np.minimum(high, columns[c], out=low)
        np.maximum(high, columns[c], out=high)
        np.maximum(second, low, out=second)
        _powers(low, shift, temperature, power)
        np.add(rest, power, out=rest)
    maximum = high.astype(np.float64)
    if temperature is None:
        rest /= np.exp(maximum)
    return Normaliser(maximum, rest, tied=second == high)


def _by_row(x: NDArray[Any], temperature: float | None, dtype: type, scratch: Scratch) -> Normaliser:
    """Whole rows at a time: find the maximum, exponentiate, strike the maximum out, add up."""
    rows = contiguous(x, scratch)
    each = np.arange(len(rows))
    top = rows.argmax(axis=1)
    largest = rows[each, top]
    power = scratch.array("powers", rows.shape, dtype)
    _powers(rows, None if temperature is None else largest[:, None], temperature, power)
    power[each, top] = 0
    rest = np.add.reduce(power, axis=1, dtype=np.float64)
    maximum = largest.astype(np.float64)
    if temperature is None:
        rest /= np.exp(maximum)
    return Normaliser(maximum, rest, top=top)


def _powers(x: NDArray[Any], shift: NDArray[Any] | None, temperature: float | None, out: NDArray[Any]) -> None:
    """``exp((x - shift) / temperature)`` in the dtype of ``out``; None leaves a step away."""
    if x.dtype == out.dtype and shift is None:
        np.exp(x, out=out)
        return
    if x.itemsize <= out.itemsize:
        np.copyto(out, x)  # a cast of its own is faster than one within the ufunc
        if shift is not None:
            np.subtract(out, shift.astype(out.dtype), out=out)
    else:
        np.subtract(x, 0.0 if shift is None else shift, out=out, casting="same_kind")
    if temperature not in (None, 1.0):
        np.divide(out, temperature, out=out)
    np.exp(out, out=out)


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
