"""The kernel: for every sample the largest logit and the sum of the other exponentials.

With M the largest logit, T the temperature and ``rest`` the sum of exp((x_j - M) / T) over every class but the one
that holds M, ``logsumexp(x / T) = M / T + log1p(rest)``. Leaving the maximum out of the sum keeps every digit where
the model is confident: ``1 + rest`` would round them away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.model import Scratch

    Kernel = Callable[[NDArray[Any], float | None, type, Scratch], "Normaliser"]
    Step = Callable[[], object]

# Below this many classes a loop over classes on long columns beats reductions over short rows. The choice rests on
# the number of classes alone, so that every memory order of one file gives the same bits.
CLASS_FIRST_BELOW = 72

# exp turns an absolute error of its argument into a relative one: half a unit in the last place of a difference of 64
# is 4e-15, of 700 it is 6e-14. Below this power the rounding of the difference is taken into account; in single
# precision, powers that come near underflow are.
TINY_POWER = math.exp(-64.0)
_TINY: dict[type, float] = {np.float64: TINY_POWER, np.float32: math.exp(-80.0)}

# Exponentials of the logits as they are save the subtraction of the maximum; they serve while the largest logit lies
# within ``limit`` and the others add up to at least ``floor`` of its power, far from overflow and underflow.
_PLAIN_RANGE: dict[type, tuple[float, float]] = {np.float64: (256.0, TINY_POWER), np.float32: (40.0, math.exp(-40.0))}

# Elements transposed at a time: the source stays in the first-level cache while its columns are picked out.
_TRANSPOSED_ELEMENTS = 1 << 15

# Work on a tile at a time: long enough for NumPy's calls, short enough for the caches. Elements of few classes, and
# bytes that the powers of many take.
_TILE_ELEMENTS = 3 << 16
_TILE_BYTES = 1 << 21


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
    limit, _ = _PLAIN_RANGE[dtype]
    with np.errstate(all="ignore"):
        if temperature != 1.0:
            found = kernel(x, temperature, dtype, scratch)
        elif len(x) and not np.abs(x[0].max()) <= limit:  # as for the first row, so for most
            found = kernel(x, 1.0, dtype, scratch)
            _leave_unshifted(found, x, kernel, dtype, scratch)
        else:
            found = kernel(x, None, dtype, scratch)
            if _is_plain(found, dtype):
                return found
            _shift(found, x, kernel, dtype, scratch)
        _refine(found, x, temperature, dtype)
    return found


def _is_plain(found: Normaliser, dtype: type) -> bool:
    """Whether the exponentials of every row were far from overflow and underflow, and no sum was tiny."""
    limit, floor = _PLAIN_RANGE[dtype]
    return bool(
        found.maximum.size
        and found.maximum.max() <= limit
        and found.maximum.min() >= -limit
        and found.rest.min() >= floor
    )


def _shift(found: Normaliser, x: NDArray[Any], kernel: Kernel, dtype: type, scratch: Scratch) -> None:
    """Reduce the rows whose exponentials were too large or too small for ``dtype`` once more, shifted.

    Each row is judged by itself, so that its neighbours in a block cannot change a bit of it.
    """
    limit, floor = _PLAIN_RANGE[dtype]
    rows = np.flatnonzero(~((np.abs(found.maximum) <= limit) & (found.rest >= floor)))
    found.rest[rows] = kernel(x[rows], 1.0, dtype, scratch.sub("again")).rest


def _leave_unshifted(found: Normaliser, x: NDArray[Any], kernel: Kernel, dtype: type, scratch: Scratch) -> None:
    """Give the rows that would have needed no shift the sum that they have without one."""
    limit, floor = _PLAIN_RANGE[dtype]
    rows = np.flatnonzero(np.abs(found.maximum) <= limit)
    if rows.size:
        rest = kernel(x[rows], None, dtype, scratch.sub("again")).rest
        found.rest[rows] = np.where(rest >= floor, rest, found.rest[rows])


def _refine(found: Normaliser, x: NDArray[Any], temperature: float, dtype: type) -> None:
    """Work out the tiny sums once more, with care."""
    tiny = found.rest < _TINY[dtype]
    if dtype is np.float64:
        tiny &= found.rest > 0  # what underflows here does so in the loss too
    rows = np.flatnonzero(tiny)
    if not rows.size:
        return
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
    """``x`` (n, C) in a memory order that the kernel for C classes reads at full speed: rows end to end if many."""
    if x.shape[1] < CLASS_FIRST_BELOW or x.flags.c_contiguous:
        return x
    out = scratch.array("rows", x.shape, x.dtype)
    step = max(1, _TRANSPOSED_ELEMENTS // x.shape[1])
    for first in range(0, len(x), step):
        np.copyto(out[first : first + step], x[first : first + step])
    return out


def _by_class(x: NDArray[Any], temperature: float | None, dtype: type, scratch: Scratch) -> Normaliser:
    """Columns of a tile of samples at a time: find the maxima, and add up the powers of all else."""
    n, n_classes = x.shape
    if n == 1:  # sums over columns of one number each would be taken in another order
        found = _by_class(np.repeat(x, 2, axis=0), temperature, dtype, scratch)
        assert found.tied is not None
        return Normaliser(found.maximum[:1], found.rest[:1], tied=found.tied[:1])
    columns: _Columns = scratch.prepared(_Columns, n, n_classes, x.dtype, dtype, temperature)
    columns.reduce(x)
    maximum = columns.largest.astype(np.float64)
    rest = columns.rest / (np.exp(maximum) if temperature is None else 1.0)
    return Normaliser(maximum, rest, tied=columns.second == columns.largest)


class _Columns:
    """Work arrays for ``n`` samples of few classes, and the steps over them, prepared once.

    What Python does between two of NumPy's calls it does under the interpreter's lock, where threads meet: the less,
    the better they scale. The classes meet in a knock-out tournament, whose losers are the row without one occurrence
    of its maximum.
    """

    def __init__(self, n: int, n_classes: int, x_dtype: np.dtype[Any], dtype: type, temperature: float | None) -> None:
        self.largest, self.second = np.empty((2, n), x_dtype)
        self.rest = np.empty(n)
        n_tiles = max(1, -(-n * n_classes // _TILE_ELEMENTS))
        size = -(-n // n_tiles)
        columns = np.empty((n_classes, size), x_dtype)
        losers = np.empty((n_classes - 1, size), x_dtype)
        powers: NDArray[Any] = np.empty(losers.shape, dtype)
        self._tiles: list[tuple[slice, NDArray[Any], list[Step]]] = []
        for i in range(n_tiles):
            tile = slice(i * n // n_tiles, (i + 1) * n // n_tiles)
            part = slice(tile.stop - tile.start)
            steps: list[Step] = [
                *_knock_out(columns[:, part], losers[:, part], self.largest[tile]),
                partial(np.maximum.reduce, losers[:, part], axis=0, out=self.second[tile], initial=-np.inf),
                *_power_steps(
                    losers[:, part], None if temperature is None else self.largest[tile], temperature, powers[:, part]
                ),
                partial(np.add.reduce, powers[:, part], axis=0, dtype=np.float64, out=self.rest[tile]),
            ]
            self._tiles.append((tile, columns[:, part], steps))

    def reduce(self, x: NDArray[Any]) -> None:
        """Fill ``largest``, ``second`` and ``rest``, (n,) each, from ``x`` (n, C)."""
        for tile, columns, steps in self._tiles:
            np.copyto(columns, x[tile].T)
            for step in steps:
                step()


def _knock_out(left: NDArray[Any], losers: NDArray[Any], largest: NDArray[Any]) -> Iterator[Step]:
    """Fill ``largest`` (n,) from ``left`` (C, n), which is used up, and ``losers`` (C - 1, n) with everything else."""
    if len(left) == 1:
        yield partial(np.copyto, largest, left[0])
    while len(left) > 1:
        half, odd = divmod(len(left), 2)
        a, b = left[:half], left[half + odd :]
        yield partial(np.minimum, a, b, out=losers[:half])
        yield partial(np.maximum, a, b, out=a if half + odd > 1 else largest[None])
        left, losers = left[: half + odd], losers[half:]


def _by_row(x: NDArray[Any], temperature: float | None, dtype: type, scratch: Scratch) -> Normaliser:
    """Whole rows, a tile at a time: find the maximum, exponentiate, strike the maximum out, add up."""
    rows = contiguous(x, scratch)
    n, n_classes = rows.shape
    top, largest, rest = np.empty(n, np.intp), np.empty(n, x.dtype), np.empty(n)
    size = max(1, _TILE_BYTES // (n_classes * np.dtype(dtype).itemsize))
    for first in range(0, n, size):
        part = slice(first, first + size)
        tile = rows[part]
        each = np.arange(len(tile))
        tile.argmax(axis=1, out=top[part])
        largest[part] = tile[each, top[part]]
        power = scratch.array("powers", tile.shape, dtype)
        for step in _power_steps(tile, None if temperature is None else largest[part, None], temperature, power):
            step()
        power[each, top[part]] = 0
        np.add.reduce(power, axis=1, dtype=np.float64, out=rest[part])
    maximum = largest.astype(np.float64)
    if temperature is None:
        rest /= np.exp(maximum)
    return Normaliser(maximum, rest, top=top)


def _power_steps(
    x: NDArray[Any], shift: NDArray[Any] | None, temperature: float | None, out: NDArray[Any]
) -> Iterator[Step]:
    """``exp((x - shift) / temperature)`` in the dtype of ``out``; None leaves a step away."""
    if x.dtype == out.dtype and shift is None:
        yield partial(np.exp, x, out=out)
        return
    if x.itemsize <= out.itemsize:
        yield partial(np.copyto, out, x)  # a cast of its own is faster than one within the ufunc
        if shift is not None:
            yield partial(np.subtract, out, shift, out=out, casting="same_kind")
    else:
        yield partial(np.subtract, x, 0.0 if shift is None else shift, out=out, casting="same_kind")
    if temperature not in (None, 1.0):
        yield partial(np.divide, out, temperature, out=out)
    yield partial(np.exp, out, out=out)


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
