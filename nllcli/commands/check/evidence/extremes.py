"""The largest and the least value of every row, where the largest is, and classes of one value: a tile at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import CLASS_FIRST_BELOW, multiples, tiles
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Bytes of a tile, of which every byte is read a few times: enough to outweigh the calls, and few enough for a core's
# own cache.
_TILE_BYTES = 1 << 19


@dataclass(frozen=True)
class Extremes:
    """Of rows: the maximum ``high`` and the minimum ``low`` (n,), NaN where a row has one, and ``top`` (n,).

    That is the first class of the maximum, or of NaN.
    """

    high: NDArray[Any]
    low: NDArray[Any]
    top: NDArray[np.int64]


def read_extremes(x: NDArray[Any]) -> Extremes:
    """Those of ``x`` (n, C), in C order if the classes are many."""
    n, n_classes = x.shape
    found = Extremes(np.empty(n, x.dtype), np.empty(n, x.dtype), np.empty(n, np.int64))
    read = _by_class if n_classes < CLASS_FIRST_BELOW else _by_row
    for part in _tiles(x):
        read(x[part], Extremes(found.high[part], found.low[part], found.top[part]))
    return found


def _tiles(x: NDArray[Any]) -> Iterator[slice]:
    return tiles(len(x), x.shape[1], x.dtype.type, most=_TILE_BYTES)


def _by_class(x: NDArray[Any], out: Extremes) -> None:
    """Of long columns: 3 times as fast as reductions of short rows (10 classes)."""
    n_classes = x.shape[1]
    columns = np.ascontiguousarray(x.T)
    np.maximum.reduce(columns, axis=0, out=out.high)
    np.minimum.reduce(columns, axis=0, out=out.low)
    # Of the classes that hold the maximum, the first has the largest distance from the end.
    places = np.equal(columns, out.high).view(np.uint8)
    places *= np.arange(n_classes, 0, -1, dtype=np.uint8)[:, None]
    from_the_end = np.maximum.reduce(places, axis=0, initial=1)
    np.subtract(n_classes, from_the_end, out=out.top, dtype=np.int64)
    without = np.flatnonzero(np.isnan(out.high))
    out.top[without] = x[without].argmax(axis=1)


def _by_row(x: NDArray[Any], out: Extremes) -> None:
    x.argmax(axis=1, out=out.top)
    out.high[:] = x[multiples(len(x), 1), out.top]
    np.minimum.reduce(x, axis=1, out=out.low)


def count_tops(x: NDArray[Any], tops: NDArray[Any]) -> NDArray[np.int64]:
    """How many classes of each row of ``x`` (n, C) have its maximum, ``tops`` (n,); none where that is NaN."""
    n_there = np.empty(len(x), np.int64)
    for part in _tiles(x):
        if x.shape[1] < CLASS_FIRST_BELOW:
            same = np.ascontiguousarray(x[part].T) == tops[part]
            np.add.reduce(same, axis=0, dtype=np.uint8, out=n_there[part])
        else:
            n_there[part] = np.count_nonzero(x[part] == tops[part, None], axis=1)
    return n_there


def count_rows_at_top(x: NDArray[Any], tops: NDArray[Any]) -> NDArray[np.int64]:
    """In how many rows of ``x`` (n, C) each class has the maximum, ``tops`` (n,)."""
    counts = np.zeros(x.shape[1], np.int64)
    for part in _tiles(x):
        if x.shape[1] < CLASS_FIRST_BELOW:
            counts += [np.count_nonzero(column == tops[part]) for column in x[part].T]
        else:
            counts += np.count_nonzero(x[part] == tops[part, None], axis=0)
    return counts


def hold_alone(x: NDArray[Any], values: NDArray[Any], asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the classes ``asked`` for (C,) have their one of ``values`` (C,) in every row of ``x`` (n, C)."""
    same = asked.copy()
    for part in _tiles(x):
        found = np.flatnonzero(same)
        if x.shape[1] < CLASS_FIRST_BELOW:
            same[found] = [bool((x[part, c] == values[c]).all()) for c in found]
        else:
            cells = x[part] if len(found) == x.shape[1] else x[part][:, found]
            same[found] = np.logical_and.reduce(cells == values[found], axis=0)
    return same
