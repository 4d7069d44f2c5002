"""Evidence of rows that occur more than once, in memory that does not grow with the file."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import CLASS_FIRST_BELOW
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIMIT = 1 << 16
_N_SAMPLED = 256
_SAMPLED_CLASSES = 8
_MOST_BITS = 63
# Classes that have a multiplier each; those of more are hashed in runs of as many, and the runs by powers of one.
_HASHED_CLASSES = 1 << 15
_OF_RUNS = np.uint64(0x9E3779B97F4A7C15)
_HASHED_NUMBERS = 1 << 16
# Counts and small whole numbers have few different values, as have logarithms of them.
_LEAST_DIFFERENT, _MOST_TIMES = 10, 10
# What is kept of a row: the hashes of its logits and of these with its target, its maximum, and whether two share it.
_KEPT = np.dtype([("logits", "u8"), ("both", "u8"), ("row", "i8"), ("top", "f8"), ("tied", "?")])


@dataclass(frozen=True)
class Duplicates:
    """``n`` of ``n_rows`` rows equal an earlier one, target and all; ``pairs`` are the first, as (row, earlier row).

    ``n_logits`` equal an earlier one in their logits, copies of ``n_repeated`` different rows. ``by_chance`` is how
    many pairs would be equal if the columns were independent.
    """

    n: int
    n_rows: int
    pairs: tuple[tuple[int, int], ...]
    by_chance: float
    n_logits: int
    n_repeated: int


@dataclass(frozen=True)
class Maxima:
    """Of ``n`` different rows, those whose maximum two classes share, and those whose maximum is one given number."""

    n: int
    n_tied: int
    n_there: int


@dataclass(frozen=True)
class Repeats:
    """Hashes of rows; where there are too many, only those of some hashes of the logits.

    All rows are kept up to 65,536; beyond, those whose hash begins with ``n_bits`` zeros. Equal rows are kept or
    dropped together, so the share of duplicates stays that of the whole file (Flajolet, "On adaptive sampling",
    Computing 43, 1990). ``sampled`` (at most 256, at most 8) holds the first classes of the first rows.
    """

    n_rows: int = 0
    n_bits: int = 0
    kept: NDArray[np.void] = field(default_factory=lambda: np.empty(0, _KEPT))
    sampled: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def __add__(self, other: Repeats) -> Repeats:
        if not self.n_rows or not other.n_rows:
            return self if self.n_rows else other
        sampled = self.sampled
        if len(sampled) < _N_SAMPLED:
            sampled = np.concatenate([sampled, other.sampled])[:_N_SAMPLED]
        ours, theirs = self.kept["logits"].copy(), other.kept["logits"].copy()
        n_bits = _bits_to_fit(np.concatenate([ours, theirs]), max(self.n_bits, other.n_bits))
        kept = np.concatenate([_thinned(self.kept, ours, n_bits), _thinned(other.kept, theirs, n_bits)])
        kept = kept[:_LIMIT]  # more begin with all these zeros only where they are copies of one row: that of zeros
        return Repeats(self.n_rows + other.n_rows, n_bits, kept, sampled)

    def duplicates(self) -> Duplicates:
        kept = self.kept[np.argsort(self.kept["both"], kind="stable")]
        again = np.flatnonzero(kept["both"][1:] == kept["both"][:-1])
        later = again[np.argsort(kept["row"][again + 1])][:5]
        _, times = np.unique(kept["logits"], return_counts=True)
        return Duplicates(
            len(again) << self.n_bits,
            self.n_rows,
            tuple((int(kept["row"][i + 1]), int(kept["row"][i])) for i in later),
            _equal_by_chance(self.sampled, self.n_rows),
            int((times - 1).sum()) << self.n_bits,
            int(np.count_nonzero(times > 1)) << self.n_bits,
        )

    def maxima(self, value: float) -> Maxima:
        """How many different rows share their maximum, and how many have this one."""
        _, first = np.unique(self.kept["logits"], return_index=True)
        rows = self.kept[first]
        n_tied, n_there = int(np.count_nonzero(rows["tied"])), int(np.count_nonzero(rows["top"] == value))
        return Maxima(len(rows) << self.n_bits, n_tied << self.n_bits, n_there << self.n_bits)

    def are_continuous(self) -> bool:
        """Whether the sampled numbers between their least and their largest are many, each ten times at most."""
        if not self.n_rows:
            return False
        between = self.sampled[(self.sampled > self.sampled.min()) & (self.sampled < self.sampled.max())]
        n_different = len(np.unique(between))
        return n_different >= _LEAST_DIFFERENT and _MOST_TIMES * n_different >= len(between)


def read_repeats(
    x: NDArray[Any],
    targets: NDArray[Any] | None,
    start: int,
    used: NDArray[np.bool_],
    tops: NDArray[Any],
    tied: NDArray[np.bool_],
) -> Repeats:
    """Hash the ``used`` rows of ``x`` (n, C), with ``targets`` (n,) or (n, C); ``tops`` (n,) are their maxima.

    ``tied`` (n,) are rows in which two classes share it.
    """
    n_rows = int(np.count_nonzero(used))
    if not n_rows:
        return Repeats()
    logits = _hash_rows(x)
    hashes = _mixed(logits)
    n_bits = _bits_to_fit(hashes if n_rows == len(x) else hashes[used], 0)
    rows = np.flatnonzero(used & _begin_with_zeros(hashes, n_bits))
    kept = np.empty(len(rows), _KEPT)
    kept["logits"] = hashes[rows]
    kept["both"] = kept["logits"] if targets is None else _mixed(logits[rows] + _hash_targets(targets[rows]))
    kept["row"], kept["top"], kept["tied"] = rows + start, tops[rows], tied[rows]
    sampled = x[np.flatnonzero(used)[:_N_SAMPLED], :_SAMPLED_CLASSES].astype(np.float64)
    return Repeats(n_rows, n_bits, kept, sampled)


def _bits_to_fit(hashes: NDArray[np.uint64], n_bits: int) -> int:
    """How many zeros hashes have to begin with, ``n_bits`` or more, so that few enough of them do."""
    while n_bits < _MOST_BITS and np.count_nonzero(_begin_with_zeros(hashes, n_bits)) > _LIMIT:
        n_bits += 1
    return n_bits


def _begin_with_zeros(hashes: NDArray[np.uint64], n_bits: int) -> NDArray[np.bool_]:
    """Which of the ``hashes`` (n,) begin with ``n_bits`` zeros, 63 at most."""
    return hashes <= np.uint64((1 << (64 - n_bits)) - 1)


def _thinned(kept: NDArray[np.void], hashes: NDArray[np.uint64], n_bits: int) -> NDArray[np.void]:
    """The rows that are ``kept``, with these ``hashes``, whose hash begins with ``n_bits`` zeros."""
    there = _begin_with_zeros(hashes, n_bits)
    return kept if there.all() else kept[there]


def _hash_targets(targets: NDArray[Any]) -> NDArray[np.uint64]:
    """Of classes (n,), or of probabilities (n, C)."""
    hashes = _hash_rows(targets.astype(np.float64)) if targets.ndim == 2 else targets.view(np.uint64)
    return hashes * np.uint64(0x9E3779B97F4A7C15)


def _hash_rows(x: NDArray[Any]) -> NDArray[np.uint64]:
    """A multilinear hash of each row of ``x`` (n, C), float32 or float64, modulo 2**64.

    Folding the upper half of a float64 onto the lower keeps the trailing zeros of short numbers from cancelling the
    multiplier. Source: Lemire and Kaser, "Strongly universal string hashing is fast", Computer Journal 57 (2014). Of
    many classes it is a polynomial in the hashes of runs of them, by Horner's rule.
    """
    hashes = np.zeros(len(x), np.uint64)
    for first in range(0, x.shape[1], _HASHED_CLASSES):
        columns = x[:, first : first + _HASHED_CLASSES]
        multipliers = _multipliers(columns.shape[1])
        hashes *= _OF_RUNS
        if x.shape[1] < CLASS_FIRST_BELOW and not x.flags.c_contiguous:
            for column, multiplier in zip(columns.T, multipliers, strict=True):
                hashes += _words(column) * multiplier
            continue
        # A few thousand numbers at a time stay in the cache between the conversion and the product, which is 1.5 times
        # as fast as ``@`` (1000 classes).
        step = max(1, _HASHED_NUMBERS // columns.shape[1])
        for i in range(0, len(x), step):
            hashes[i : i + step] += np.einsum("ij,j->i", _words(columns[i : i + step]), multipliers)
    return hashes


@lru_cache(maxsize=8)
def _multipliers(n: int) -> NDArray[np.uint64]:
    """Random odd ones, (n,), which every block shares."""
    multipliers: NDArray[np.uint64] = np.random.default_rng(0).integers(0, 2**64, n, np.uint64) | np.uint64(1)
    multipliers.flags.writeable = False
    return multipliers


def _words(x: NDArray[Any]) -> NDArray[np.uint64]:
    if x.dtype.itemsize == 4:
        return x.view(np.uint32).astype(np.uint64)
    bits = x.view(np.uint64)
    return bits ^ (bits >> np.uint64(32))


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over the word: the leading ones decide what is kept (the finaliser of MurmurHash3)."""
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(multiplier)
    return hashes ^ (hashes >> np.uint64(33))


def _equal_by_chance(sampled: NDArray[np.float64], n_rows: int) -> float:
    """The expected pairs of equal rows among ``n_rows`` with independent columns, from how coarse the columns are.

    Coarseness is the share of equal pairs in a column of the distinct sampled rows, and at least one in all pairs
    looked at: numbers that were never equal may still be.
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
