"""The kernel of the loss: for every sample the odds against its target.

``odds = sum over j != y of exp(x_j) / exp(x_y)``, so that ``-log p_y = log1p(odds)``. Leaving the target out of the
sum keeps every digit where the model is confident: a sum over all classes would round them away. The exponentials
are those of the logits as they are: nothing is subtracted, so nothing is rounded before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.layout import CLASS_FIRST_BELOW, multiples, pick, tiles, to_columns
from nllcli.numerics.normaliser import working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.model import Scratch

# Between these a power, or a sum of them, is far enough from overflow and underflow for their quotient, and for what
# each class adds to a sum, to keep all digits.
_RANGE: dict[type, tuple[float, float]] = {np.float64: (1e-150, 1e150), np.float32: (1e-25, 1e30)}


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
    dtype = working_dtype(x, single=single)
    with np.errstate(all="ignore"):
        others, own, right = kernel(x, targets, dtype, scratch)
        low, high = _RANGE[dtype]
        outside = np.empty(0, np.intp)
        if not (_within(others, low, high) and _within(own, low, high)):
            within = (others >= low) & (others <= high) & (own >= low) & (own <= high)
            outside = np.flatnonzero(~within)
        return Odds(np.divide(others, own, out=others), right, outside)


def _within(values: NDArray[Any], low: float, high: float) -> bool:
    return not values.size or bool(values.min() >= low and values.max() <= high)


_Sums = tuple["NDArray[np.float64]", "NDArray[Any]", "NDArray[np.bool_]"]


def _by_class(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> _Sums:
    """Sums over long columns: the target's logit changes places with that of the last class and is left out."""
    n, n_classes = x.shape
    if n == 1:  # sums over columns of one number each would be taken in another order
        others, own, right = _by_class(np.repeat(x, 2, axis=0), np.repeat(targets, 2), dtype, scratch)
        return others[:1], own[:1], right[:1]
    powers = scratch.array("powers", (n_classes, n), dtype)
    to_columns(x, powers)
    place = scratch.array("place", (n,), np.intp)
    np.multiply(targets, n, out=place)
    np.add(place, multiples(n, 1), out=place)
    flat = powers.reshape(-1)
    own = flat.take(place)
    flat[place] = powers[-1]
    powers[-1] = own
    best = np.maximum.reduce(powers[:-1], axis=0, initial=-np.inf)
    right = own > best
    tied = own == best
    if tied.any():
        rows = np.flatnonzero(tied)
        right[rows] = x[rows].argmax(axis=1) == targets[rows]
    np.exp(powers, out=powers)
    return np.add.reduce(powers[:-1], axis=0, dtype=np.float64), powers[-1], right


def _by_row(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> _Sums:
    """Whole rows, a tile at a time: exponentiate, strike the target out, add up."""
    n, n_classes = x.shape
    top, others = np.empty(n, np.intp), np.empty(n)
    for part in tiles(n, n_classes, dtype):
        tile, hit = x[part], targets[part]
        tile.argmax(axis=1, out=top[part])
        powers = scratch.array("powers", tile.shape, dtype)
        if tile.dtype == dtype:
            np.exp(tile, out=powers)
        else:
            np.copyto(powers, tile)  # a cast of its own is faster than one within the ufunc
            np.exp(powers, out=powers)
        powers[multiples(len(tile), 1), hit] = 0
        if dtype is np.float32:  # pairwise sums take twice as long, and their last digits are lost in these powers
            np.einsum("ij->i", powers, dtype=np.float64, out=others[part])
        else:
            np.add.reduce(powers, axis=1, out=others[part])
    return others, np.exp(pick(x, targets), dtype=np.float64), top == targets
