"""The kernel of the loss: the odds against the target of every sample.

``odds = sum over j != y of exp(x_j) / exp(x_y)``, so that ``-log p_y = log1p(odds)``. Leaving the target out of the
sum keeps every digit where the model is confident: a sum over all classes would round them off. The exponentials are
those of the logits themselves: nothing is subtracted, so nothing is rounded before them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import (
    CLASS_FIRST_BELOW,
    codes,
    is_bfloat16,
    is_half,
    multiples,
    sum_columns,
    tiles,
    to_float,
    working_dtype,
)
from nllcli.numerics.kernels.chosen import bits_of, code_of, native_for
from nllcli.records import dataclass

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from nllcli.data.blocks import Unread

# Logits within these bounds have powers so far from overflow and underflow that sums and quotients of them, and what
# each class adds, keep all digits.
_LARGEST_LOGIT: dict[type, float] = {np.float64: 345.0, np.float32: 57.0}

# Samples of a slab, which holds the powers of few classes, each a column: NumPy's buffer has this many elements, so
# one call transposes, converts and exponentiates a class at a time. 1.2 times as fast as slabs of 131,072 samples (10
# classes); any size from 1,024 to 16,384 is within 2 % of it.
_SLAB_SAMPLES = 8192

# Bytes of powers of few classes worked on at a time: each takes many calls, which wait for other threads' calls.
_SLABS_BYTES = 3 << 20

# Bytes of a file that the native kernel reads at a time: they stay in the second-level cache.
_ROOM_BYTES = 1 << 20

# What the native kernel finds of a sample, besides 0.
_RIGHT, _OUTSIDE = 1, 2

# Powers this many units in the last place apart may be in the wrong order by their rounding.
_NEAR = 16


@dataclass(frozen=True)
class Odds:
    """``against`` (n,) float64; ``right`` (n,): whether the target is the first class of the largest logit.

    Both are wrong for the rows ``outside`` (m,), whose powers came near overflow or underflow.
    """

    against: NDArray[np.float64]
    right: NDArray[np.bool_]
    outside: NDArray[np.intp]


def odds_against(x: NDArray[Any], targets: NDArray[np.int64], *, single: bool, scratch: Scratch) -> Odds:
    """The odds against ``targets`` (n,) under logits ``x`` (n, C) in any memory order.

    The logits are floats of 16 to 64 bits in either byte order, as they are in the file. ``single`` lets the
    exponentials be those of float32 where that holds the logits, which the native kernel does not need; sums are
    float64 in any case.
    """
    module = native_for(x.dtype)
    if module is not None:
        return _natively(module, x, targets)
    if not is_half(x.dtype):
        x = to_float(x, scratch)
    kernel = _by_class if x.shape[1] < CLASS_FIRST_BELOW else _by_row
    with np.errstate(all="ignore"):
        return kernel(x, targets, working_dtype(x, single=single), scratch)


def odds_in_file(x: Unread, targets: NDArray[np.int64], scratch: Scratch) -> Odds | None:
    """The odds against ``targets`` (n,) under logits that are still in a file, of which little is kept in memory.

    None where they have to be read as an array first: for NumPy's kernel, or to find out why they cannot be read.
    """
    module = native_for(x.dtype)
    if module is None:
        return None
    (n, n_classes), (kind, swapped) = x.shape, code_of(x.dtype)
    room = scratch.array("room", (max(_ROOM_BYTES, n_classes * x.dtype.itemsize),), np.uint8)
    against, found = np.empty(n), np.empty(n, np.uint8)
    n_outside = module.read_odds(
        x.descriptor,
        x.offset,
        n,
        n_classes,
        kind,
        swapped,
        room,
        _classes(targets),
        against,
        found,
    )
    if n_outside is None:
        return None
    x.check()
    return _odds_found(against, found, n_outside)


def _classes(targets: NDArray[Any]) -> NDArray[np.int64]:
    return np.require(targets, np.int64, ("C", "A"))


def _natively(module: ModuleType, x: NDArray[Any], targets: NDArray[np.int64]) -> Odds:
    against, found = np.empty(len(x)), np.empty(len(x), np.uint8)
    n_outside = module.odds(*bits_of(x), _classes(targets), against, found)
    return _odds_found(against, found, n_outside)


def _odds_found(against: NDArray[np.float64], found: NDArray[np.uint8], n_outside: int) -> Odds:
    """What the native kernel says: see ``native.pyi``."""
    if not n_outside:
        return Odds(against, found.view(np.bool_), np.empty(0, np.intp))
    return Odds(against, found == _RIGHT, np.flatnonzero(found == _OUTSIDE))


def _by_class(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> Odds:
    """Slabs of samples whose classes are long columns, a tile of them at a time: exponentiate, take out, add up."""
    n, n_classes = x.shape
    own, best = pair = scratch.array("own and best", (2, n), dtype)
    against = np.empty(n)
    in_rows = x.strides[0] > x.strides[1]
    for part in tiles(n, n_classes, dtype, most=_SLABS_BYTES, step=_SLAB_SAMPLES if in_rows else 1):
        n_part = part.stop - part.start
        m = min(n_part, _SLAB_SAMPLES) if in_rows else n_part
        powers = _powers(x[part].reshape(-1, m, n_classes).transpose(0, 2, 1), dtype, scratch)
        if powers is None:
            pair[:, part] = np.nan
            continue
        _take_out(powers, targets[part], own[part], scratch)
        np.maximum.reduce(powers, axis=1, out=best[part].reshape(-1, m))
        sum_columns(powers, against[part].reshape(-1, m))
    against /= own
    return Odds(against, _is_top(own, best, x, targets), _outside(pair, dtype))


def _take_out(powers: NDArray[Any], targets: NDArray[np.int64], own: NDArray[Any], scratch: Scratch) -> None:
    """Move the powers of the targets from ``powers`` (k, C, m), where 0 takes their place, to ``own`` (k * m,).

    Flat places are 1.5 times as fast as ``take_along_axis`` and ``put_along_axis`` (10 classes).
    """
    _, n_classes, m = powers.shape
    place = scratch.array("place", targets.shape, np.intp)
    np.multiply(targets, m, out=place)
    np.add(place, _first_class(len(own), n_classes, m), out=place)
    flat = powers.reshape(-1)
    flat.take(place, out=own, mode="clip")  # this mode writes into ``own``; no place is outside
    flat[place] = 0


@lru_cache(maxsize=8)
def _first_class(n: int, n_classes: int, m: int) -> NDArray[np.intp]:
    """The places of the first class of ``n`` samples in slabs (k, C, m): kept, since most tiles share them."""
    slab, sample = np.divmod(np.arange(n), m)
    places: NDArray[np.intp] = slab * (n_classes * m) + sample
    places.flags.writeable = False
    return places


def _by_row(x: NDArray[Any], targets: NDArray[np.int64], dtype: type, scratch: Scratch) -> Odds:
    """Whole rows, a tile at a time: exponentiate, take the target out, add up."""
    n, n_classes = x.shape
    half = is_half(x.dtype)
    own: NDArray[Any] = np.empty(n, dtype)
    best: NDArray[Any] = np.empty(n, dtype)
    top, others = np.empty(n, np.intp), np.empty(n)
    for part in tiles(n, n_classes, dtype):
        powers = _powers(x[part], dtype, scratch)
        if powers is None:
            others[part] = np.nan
            continue
        each = multiples(len(powers), 1)
        own[part] = powers[each, targets[part]]
        powers[each, targets[part]] = 0
        if half:  # not numbers that NumPy compares; all other logits it compares faster than their powers
            np.maximum.reduce(powers, axis=1, out=best[part])
        else:
            x[part].argmax(axis=1, out=top[part])
        if dtype is np.float32:  # 1.2 times as fast as pairwise sums, whose last digits such powers do not have
            np.einsum("ij->i", powers, dtype=np.float64, out=others[part])
        else:
            np.add.reduce(powers, axis=1, out=others[part])
    right = _is_top(own, best, x, targets) if half else top == targets
    return Odds(others / own, right, _outside(np.stack([own, others]), dtype))


def _powers(logits: NDArray[Any], dtype: type, scratch: Scratch) -> NDArray[Any] | None:
    """The exponentials of ``logits``, (n, C) or (k, C, m), in ``dtype``; rows out of range may be NaN.

    None where all rows are out of range: exponentials that overflow or underflow take long.
    """
    if is_half(logits.dtype):
        places = scratch.array("places", logits.shape, np.intp)
        np.copyto(places, codes(logits))
        return _table(is_bfloat16(logits.dtype), dtype).take(places)
    powers = scratch.array("powers", logits.shape, dtype)
    largest = _LARGEST_LOGIT[dtype]
    first = logits[0] if logits.ndim == 2 else logits[0, :, 0]
    suspect = not abs(first.max()) <= largest  # if the first row is out of range, perhaps most are
    contiguous = logits.strides[-1] == logits.itemsize
    # Without a copy, exp is 1.1 times as fast where there is nothing to convert and nothing to transpose, and up to
    # 1.05 times where it does both through its buffer.
    if not suspect and contiguous == (logits.dtype == dtype):
        return np.exp(logits, out=powers, dtype=dtype)
    np.copyto(powers, logits)
    if suspect:
        out_of_range = ~(np.abs(np.maximum.reduce(powers, axis=1, keepdims=True)) <= largest)
        if out_of_range.all():
            return None
        np.copyto(powers, np.nan, where=out_of_range)
    return np.exp(powers, out=powers)


@lru_cache(maxsize=4)
def _table(bfloat16: bool, dtype: type) -> NDArray[Any]:
    """The exponential of every float16, or bfloat16, by its bits: (65536,) of ``dtype``.

    Looking them up is 3 times as fast as computing them in float64, 1.8 times in float32.
    """
    every = np.arange(1 << 16, dtype=np.uint16).view("V2" if bfloat16 else np.float16)
    powers: NDArray[Any] = np.exp(to_float(every, Scratch()), dtype=dtype)
    powers.flags.writeable = False
    return powers


def _outside(pair: NDArray[Any], dtype: type) -> NDArray[np.intp]:
    """The samples for which either of ``pair`` (2, n) is not the power of a logit within bounds."""
    high = math.exp(_LARGEST_LOGIT[dtype])
    low = 1 / high
    if pair.size and pair.min() >= low and pair.max() <= high:
        return np.empty(0, np.intp)
    return np.flatnonzero(~((pair >= low) & (pair <= high)).all(axis=0))


def _is_top(own: NDArray[Any], best: NDArray[Any], x: NDArray[Any], targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the target is the first class of the largest logit, by its power and the largest of the others, (n,).

    Where these are within a few units in the last place, the logits decide: 14 times as fast as an argmax of all
    logits (10 classes).
    """
    integer = f"i{own.itemsize}"
    steps = own.view(integer) - best.view(integer)  # of positive floats, their bits count the floats from 0 on
    right = steps > 0
    np.abs(steps, out=steps)
    if steps.size and steps.min() <= _NEAR:
        rows = np.flatnonzero(steps <= _NEAR)
        right[rows] = to_float(x[rows], Scratch()).argmax(axis=1) == targets[rows]
    return right
