"""How blocks (n, C) lie in memory, and what reads them at full speed with one result for every memory order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch

# Below this many classes a loop over classes on long columns beats reductions over short rows. The choice rests on
# the number of classes alone, so that every memory order of one file gives the same bits.
CLASS_FIRST_BELOW = 72

# Elements transposed at a time: the source stays in the caches while its columns are picked out one after another.
_TRANSPOSED_ELEMENTS = 1 << 17

# Bytes that the powers take at a time: long enough for NumPy's calls, short enough for the caches.
_TILE_BYTES = 1 << 21


def contiguous(x: NDArray[Any], scratch: Scratch) -> NDArray[Any]:
    """``x`` (n, C) in a memory order that the kernel for C classes reads at full speed: rows end to end if many."""
    if x.shape[1] < CLASS_FIRST_BELOW or x.flags.c_contiguous:
        return x
    out = scratch.array("rows", x.shape, x.dtype)
    step = max(1, _TRANSPOSED_ELEMENTS // x.shape[1])
    for first in range(0, len(x), step):
        np.copyto(out[first : first + step], x[first : first + step])
    return out


def sum_columns(columns: NDArray[Any], out: NDArray[np.float64]) -> None:
    """Fill ``out`` (..., n) with the sums of ``columns`` (..., C, n) over the classes, in their order in any case."""
    if out.shape[-1] == 1:  # NumPy would take a single column in another order
        out[:] = np.add.reduce(np.repeat(columns, 2, axis=-1), axis=-2, dtype=np.float64)[..., :1]
    else:
        np.add.reduce(columns, axis=-2, dtype=np.float64, out=out)


def tiles(n: int, n_classes: int, dtype: type, *, most: int = _TILE_BYTES, step: int = 1) -> Iterator[slice]:
    """Cut ``n`` samples evenly into runs whose ``n_classes`` powers of ``dtype`` take up to about ``most`` bytes.

    Each run is a multiple of ``step`` samples, but for what is left at the end.
    """
    steps = n // step
    n_tiles = min(steps, -(-n * n_classes * np.dtype(dtype).itemsize // most))
    yield from (slice(i * steps // n_tiles * step, (i + 1) * steps // n_tiles * step) for i in range(n_tiles))
    if n % step:
        yield slice(steps * step, n)


def pick(x: NDArray[Any], classes: NDArray[np.int64]) -> NDArray[Any]:
    """``x[i, classes[i]]`` for every i; a flat take is about three times as fast as indexing with two arrays."""
    n, n_classes = x.shape
    if x.flags.c_contiguous:
        taken: NDArray[Any] = x.reshape(-1).take(multiples(n, n_classes) + classes)
    elif x.strides[0] == x.itemsize and x.strides[1] > 0:
        column = x.strides[1] // x.itemsize  # from class to class, within one stretch of memory
        stretch = as_strided(x, ((n_classes - 1) * column + n,), (x.itemsize,), writeable=False)
        taken = stretch.take(classes * column + multiples(n, 1))
    else:
        taken = x[multiples(n, 1), classes]
    return taken


@lru_cache(maxsize=8)
def multiples(n: int, step: int) -> NDArray[np.intp]:
    """0, step, ... (n - 1) step: where rows begin; nearly all blocks of a file share these."""
    starts = np.arange(0, n * step, step)
    starts.flags.writeable = False
    return starts


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
