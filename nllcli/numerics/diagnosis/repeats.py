"""Evidence of rows that occur more than once, in memory that does not grow with the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIMIT = 1 << 16
_N_SAMPLED = 256
_SAMPLED_CLASSES = 8


@dataclass(frozen=True)
class Duplicates:
    """``n`` of ``n_rows`` rows equal an earlier one; ``pairs`` are the first, as (row, earlier row).

    ``by_chance`` is how many pairs would be equal if the columns were independent.
    """

    n: int
    n_rows: int
    pairs: tuple[tuple[int, int], ...]
    by_chance: float


@dataclass(frozen=True)
class Repeats:
    """Hashes of rows with their targets, thinned out by the hashes themselves once there are too many.

    All rows are kept up to 65,536; beyond, those whose hash begins with ``n_bits`` zeros. Equal rows are kept or
    dropped together, so the share of duplicates stays that of the whole file (Flajolet, "On adaptive sampling",
    Computing 43, 1990). ``sampled`` (at most 256, at most 8) holds the first classes of the first rows.
    """

    n_rows: int = 0
    n_bits: int = 0
    hashes: NDArray[np.uint64] | None = None
    rows: NDArray[np.int64] | None = None
    sampled: NDArray[np.float64] | None = None

    def __add__(self, other: Repeats) -> Repeats:
        if self.hashes is None or self.rows is None or self.sampled is None:
            return other
        if other.hashes is None or other.rows is None or other.sampled is None:
            return self
        sampled = self.sampled
        if len(sampled) < _N_SAMPLED:
            sampled = np.concatenate([sampled, other.sampled])[:_N_SAMPLED]
        n_bits = max(self.n_bits, other.n_bits)
        hashes, rows = np.concatenate([self.hashes, other.hashes]), np.concatenate([self.rows, other.rows])
        return _thinned(Repeats(self.n_rows + other.n_rows, n_bits, hashes, rows, sampled), at_once=False)

    def duplicates(self) -> Duplicates:
        if self.hashes is None or self.rows is None or self.sampled is None:
            return Duplicates(0, 0, (), 0.0)
        order = np.argsort(self.hashes, kind="stable")
        hashes, rows = self.hashes[order], self.rows[order]
        again = np.flatnonzero(hashes[1:] == hashes[:-1])
        later = again[np.argsort(rows[again + 1])][:5]
        return Duplicates(
            len(again) << self.n_bits,
            self.n_rows,
            tuple((int(rows[i + 1]), int(rows[i])) for i in later),
            _equal_by_chance(self.sampled, self.n_rows),
        )


def read_repeats(x: NDArray[Any], targets: NDArray[np.int64] | None, start: int, used: NDArray[np.bool_]) -> Repeats:
    """Hash the ``used`` rows of ``x`` (n, C) together with their ``targets`` (n,)."""
    rows = np.flatnonzero(used)
    if not rows.size:
        return Repeats()
    hashes = _hash_rows(x)
    if targets is not None:
        hashes += targets.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    hashes = _mixed(hashes)
    sampled = x[rows[:_N_SAMPLED], :_SAMPLED_CLASSES].astype(np.float64)
    return _thinned(Repeats(len(rows), 0, hashes[rows], rows + start, sampled), at_once=True)


def _thinned(repeats: Repeats, *, at_once: bool) -> Repeats:
    """Drop hashes until they fit; a block that fits needs no look at its hashes."""
    assert repeats.hashes is not None
    assert repeats.rows is not None
    hashes, rows, n_bits = repeats.hashes, repeats.rows, repeats.n_bits
    if at_once and len(hashes) <= _LIMIT:
        return repeats
    while True:
        kept = hashes >> np.uint64(64 - n_bits) == 0 if n_bits else np.ones(len(hashes), np.bool_)
        if np.count_nonzero(kept) <= _LIMIT or n_bits == 63:
            return Repeats(repeats.n_rows, n_bits, hashes[kept], rows[kept], repeats.sampled)
        n_bits += 1


def _hash_rows(x: NDArray[Any]) -> NDArray[np.uint64]:
    """A multilinear hash of each row of ``x`` (n, C), float32 or float64, modulo 2**64.

    Folding the upper half of a float64 onto the lower keeps the trailing zeros of short numbers from cancelling the
    multiplier. Source: Lemire and Kaser, "Strongly universal string hashing is fast", Computer Journal 57 (2014).
    """
    multipliers = np.random.default_rng(0).integers(0, 2**64, x.shape[1], np.uint64) | np.uint64(1)
    hashes = np.zeros(len(x), np.uint64)
    if x.T.flags.c_contiguous:
        for c in range(x.shape[1]):
            hashes += _words(x[:, c]) * multipliers[c]
        return hashes
    # Some thousand numbers at a time stay in the cache between the conversion and the product.
    step = max(1, (1 << 15) // x.shape[1])
    for i in range(0, len(x), step):
        hashes[i : i + step] = _words(x[i : i + step]) @ multipliers
    return hashes


def _words(x: NDArray[Any]) -> NDArray[np.uint64]:
    if x.dtype.itemsize == 4:
        return x.view(np.uint32).astype(np.uint64)
    bits = x.view(np.uint64)
    return bits ^ (bits >> np.uint64(32))


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over the word, for the leading ones decide what is kept (the finaliser of MurmurHash3)."""
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(multiplier)
    return hashes ^ (hashes >> np.uint64(33))


def _equal_by_chance(sampled: NDArray[np.float64], n_rows: int) -> float:
    """Pairs of equal rows to expect of ``n_rows`` with independent columns, from how coarse the columns are.

    Coarseness is the share of equal pairs in a column of distinct sampled rows, no less than one in all pairs looked
    at: what was never seen equal may still be.
    """
    distinct = np.unique(sampled, axis=0)
    n, n_columns = distinct.shape
    floor = 2.0 / max(2, (n * n_columns) * (n * n_columns - 1))
    shares = [max(floor, _equal_share(distinct[:, c])) for c in range(n_columns)]
    return n_rows * (n_rows - 1) / 2.0 * float(np.prod(shares))


def _equal_share(values: NDArray[np.float64]) -> float:
    n = len(values)
    _, counts = np.unique(values, return_counts=True)
    return float((counts * (counts - 1)).sum()) / (n * (n - 1)) if n > 1 else 0.0
