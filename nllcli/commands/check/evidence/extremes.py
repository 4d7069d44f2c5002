"""The largest and the least value of every row, and where the largest is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import CLASS_FIRST_BELOW, multiples, tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch

# Bytes of a tile, of which every byte is read a few times: enough to outweigh the calls, and few enough for a core's
# own cache.
TILE_BYTES = 1 << 19


@dataclass(frozen=True)
class Extremes:
    """Of rows: the maximum ``high`` and the minimum ``low`` (n,), NaN where a row has one; ``top`` (n,) is a class.

    That is the first one of the maximum, or any where the row has a NaN.
    """

    high: NDArray[Any]
    low: NDArray[Any]
    top: NDArray[np.int64]


def read_extremes(x: NDArray[Any], scratch: Scratch) -> Extremes:
    """Those of ``x`` (n, C), in C order if the classes are many."""
    n, n_classes = x.shape
    found = Extremes(np.empty(n, x.dtype), np.empty(n, x.dtype), np.empty(n, np.int64))
    read = _by_class if n_classes < CLASS_FIRST_BELOW else _by_row
    for part in tiles(n, n_classes, x.dtype.type, most=TILE_BYTES):
        tile = Extremes(found.high[part], found.low[part], found.top[part])
        read(x[part], tile, scratch)
    return found


def _by_class(x: NDArray[Any], out: Extremes, scratch: Scratch) -> None:
    """Of long columns: 6 times as fast as reductions of short rows (10 classes)."""
    n_classes = x.shape[1]
    columns = scratch.array("columns of extremes", x.shape[::-1], x.dtype)
    np.copyto(columns, x.T)
    np.maximum.reduce(columns, axis=0, out=out.high)
    np.minimum.reduce(columns, axis=0, out=out.low)
    # Of the classes that hold the maximum, the first has the largest distance from the end.
    places = np.equal(columns, out.high).view(np.uint8)
    places *= np.arange(n_classes, 0, -1, dtype=np.uint8)[:, None]
    from_the_end = np.maximum.reduce(places, axis=0, initial=1)
    np.subtract(n_classes, from_the_end, out=out.top, dtype=np.int64)


def _by_row(x: NDArray[Any], out: Extremes, _: Scratch) -> None:
    x.argmax(axis=1, out=out.top)
    out.high[:] = x[multiples(len(x), 1), out.top]
    np.minimum.reduce(x, axis=1, out=out.low)


def read_ties(x: NDArray[Any], high: NDArray[Any], scratch: Scratch) -> NDArray[np.bool_]:
    """Whether more than one class of a row of ``x`` (n, C) has its maximum, ``high`` (n,); false where that is NaN."""
    n, n_classes = x.shape
    tied = np.empty(n, np.bool_)
    for part in tiles(n, n_classes, x.dtype.type, most=TILE_BYTES):
        if n_classes < CLASS_FIRST_BELOW:
            columns = scratch.array("columns of extremes", x[part].shape[::-1], x.dtype)
            np.copyto(columns, x[part].T)
            n_there = np.add.reduce(columns == high[part], axis=0, dtype=np.uint8)
        else:
            n_there = np.count_nonzero(x[part] == high[part, None], axis=1)
        np.greater(n_there, 1, out=tied[part])
    return tied
