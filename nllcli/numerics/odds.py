"""The kernel of the loss: for every sample the odds against its target.

``odds = sum over j != y of exp(x_j) / exp(x_y)``, so that ``-log p_y = log1p(odds)``. Leaving the target out of the
sum keeps every digit where the model is confident: a sum over all classes would round them away. The exponentials
are those of the logits as they are: nothing is subtracted, so nothing is rounded before them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.layout import CLASS_FIRST_BELOW, copy_rows, multiples, pick, sum_columns, tiles
from nllcli.numerics.normaliser import working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.model import Scratch

# Logits within these bounds have powers far enough from overflow and underflow for sums and quotients of them, and
# for what each class adds, to keep all digits.
_LARGEST_LOGIT: dict[type, float] = {np.float64: 345.0, np.float32: 57.0}

# Bytes that the columns of few classes take at a time: each takes many calls, which cost most where threads meet.
_COLUMNS_BYTES = 6 << 20


@dataclass(frozen=True)
class Odds:
    """``against`` (n,) float64; ``right`` (n,): whether the target is the first class of the largest logit.

    Neither says anything of the rows in ``outside`` (m,), whose powers came near overflow or underflow.
    """

    against: NDArray[np.float64]
    right: NDArray[np.bool_]
    outside: NDArray[np.intp]


def odds_against(x: NDArray[Any], targets: NDArray[np.int64], *, single: bool, scratch: Scratch) -> Odds:
    """The odds against ``targets`` (n,) under logits ``x`` (n, C), native float32 or float64 in any memory order.

    ``single`` computes the exponentials of float32 logits in float32; sums are float64 in any case.
    """
    kernel = _by_class if x.shape[1] < CLASS_FIRST_BELOW else _by_row
    with np.errstate(all="ignore"):
        return kernel(x, targets, working_dtype(x, single=single), scratch)


def _outside(pair: NDArray[Any], low: float, high: float) -> NDArray[np.intp]:
    """The samples for which either of ``pair`` (2, n) is not within these bounds."""
    if pair.size and pair.min() >= low and pair.max() <= high:
        return np.empty(0, np.intp)
    return np.flatnonzero(~((pair >= low) & (pair <= high)).all(axis=0))


def _by_class(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> Odds:
    """Sums over long columns, a tile of samples at a time."""
    n, n_classes = x.shape
    own, best = pair = scratch.array("own and best", (2, n), dtype)
    against, outside = np.empty(n), [np.empty(0, np.intp)]
    for part in tiles(n, n_classes, dtype, most=_COLUMNS_BYTES):
        outside.append(part.start + _score_columns(x[part], targets[part], pair[:, part], against[part], scratch))
    right = own > best
    tied = own == best
    if tied.any():
        rows = np.flatnonzero(tied)
        right[rows] = x[rows].argmax(axis=1) == targets[rows]
    return Odds(against, right, np.concatenate(outside))


def _score_columns(
    x: NDArray[Any], targets: NDArray[np.int64], pair: NDArray[Any], against: NDArray[np.float64], scratch: Scratch
) -> NDArray[np.intp]:
    """Fill ``pair`` (2, n), the target's logit and the largest of the others, and the odds (n,); which are outside.

    The target's column changes places with that of the last class, so that the others lie side by side.
    """
    n, n_classes = x.shape
    own, best = pair
    powers = scratch.array("powers", (n_classes, n), pair.dtype)
    copy_rows(x, powers.T)
    place = scratch.array("place", (n,), np.intp)
    np.multiply(targets, n, out=place)
    np.add(place, multiples(n, 1), out=place)
    flat = powers.reshape(-1)
    flat.take(place, out=own, mode="clip")  # which writes in place; no place is outside
    flat[place] = powers[-1]
    powers[-1] = own
    np.maximum.reduce(powers[:-1], axis=0, out=best, initial=-np.inf)
    limit = _LARGEST_LOGIT[pair.dtype.type]
    outside = _outside(pair, -limit, limit)
    if len(outside) == n:
        return outside
    if outside.size:
        powers[:, outside] = 0.0  # exponentials that overflow take long
    np.exp(powers, out=powers)
    sum_columns(powers[:-1], against)
    against /= powers[-1]
    return outside


def _by_row(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> Odds:
    """Whole rows, a tile at a time: exponentiate, strike the target out, add up."""
    n, n_classes = x.shape
    largest = _LARGEST_LOGIT[dtype]
    wary = n and not abs(x[0].max()) <= largest  # as the first row, so perhaps most
    top, others = np.empty(n, np.intp), np.empty(n)
    for part in tiles(n, n_classes, dtype):
        tile, each = x[part], multiples(part.stop - part.start, 1)
        tile.argmax(axis=1, out=top[part])
        far = np.flatnonzero(~(np.abs(tile[each, top[part]]) <= largest)) if wary else None
        if far is not None and len(far) == len(tile):
            others[part] = np.nan
            continue
        powers = scratch.array("powers", tile.shape, dtype)
        if tile.dtype == dtype and far is None:
            np.exp(tile, out=powers)
        else:
            np.copyto(powers, tile)  # a cast of its own is faster than one within the ufunc
            if far is not None:
                powers[far] = 0.0  # exponentials that overflow take long
            np.exp(powers, out=powers)
        powers[each, targets[part]] = 0
        if dtype is np.float32:  # pairwise sums take twice as long, and their last digits are lost in these powers
            np.einsum("ij->i", powers, dtype=np.float64, out=others[part])
        else:
            np.add.reduce(powers, axis=1, out=others[part])
        if far is not None:
            others[part][far] = np.nan
    own = np.exp(pick(x, targets), dtype=np.float64)
    limit = math.exp(largest)
    return Odds(others / own, top == targets, _outside(np.stack([own, others]), 1 / limit, limit))
