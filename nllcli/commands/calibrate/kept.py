"""Samples that are kept in memory for the fit: all of few, of more those of the least hashes, whoever reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.commands.calibrate.cumulants import Slopes, derivatives, mass_of, target_gaps
from nllcli.commands.calibrate.limits import LimitSumsByFold
from nllcli.data.blocks import Scratch
from nllcli.numerics.fingerprint import hashes
from nllcli.numerics.kernels.moments import moments, survey
from nllcli.numerics.kernels.normaliser import normalise
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.calibrate.limits import LimitSums

# Rows of this many are enough for a start that is right to a percent or two.
_MOST_ROWS, _LEAST_ROWS = 1 << 14, 1 << 9
_BYTES, _MOST_BYTES = 1 << 25, 1 << 26
# Hashes are compared with a bound that lets through twice what is kept.
_MARGIN = 2
_ALL = 1 << 64
_LEAST_SCALE = 1e-300
_TILE_ELEMENTS = 1 << 18


@dataclass(frozen=True)
class Keep:
    """How many rows are kept at most, and the hash from which on none is."""

    n: int
    bound: int

    @classmethod
    def of(cls, n_samples: int | None, row_bytes: int) -> Self:
        """Of ``n_samples`` rows of so many bytes; None where it is not known yet."""
        most = min(_MOST_ROWS, max(_BYTES // row_bytes, min(_LEAST_ROWS, _MOST_BYTES // row_bytes), 1))
        if n_samples is None or n_samples <= _MARGIN * most:
            return cls(most, _ALL)
        return cls(most, _ALL * _MARGIN * most // n_samples)


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class Rows:
    """Logits (m, C), their targets, weights (m,) or None, the numbers (m,) of their samples, and their hashes (m,).

    ``losses`` (m,) are the weighted losses of what the file holds: of probabilities that do not sum to 1 they are not
    those of the logits at T = 1, whose softmax does.
    """

    logits: NDArray[Any]
    targets: NDArray[Any]
    losses: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    numbers: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, part: Any) -> Rows:
        weights = None if self.weights is None else self.weights[part]
        logits, targets, losses = self.logits[part], self.targets[part], self.losses[part]
        return Rows(logits, targets, losses, weights, self.numbers[part], self.hashes[part])

    def least(self, n: int) -> Rows:
        """The ``n`` rows of the least hashes, of equal ones the first."""
        return _least((self,), n)


@dataclass(frozen=True)
class Kept:
    """The rows of the least hashes among ``n`` samples that a fit can use, ``most`` of them, or some more."""

    n: int = 0
    most: int = 0
    parts: tuple[Rows, ...] = ()

    @classmethod
    def of(cls, keep: Keep, rows: Rows, where: NDArray[np.bool_]) -> Self:
        """Those among the ``rows`` of a block ``where`` (m,) a fit can use them; they are copied."""
        n = int(np.count_nonzero(where))
        if keep.bound < _ALL:
            where = where & (rows.hashes < np.uint64(keep.bound))
        return cls(n, keep.n, (rows[where].least(keep.n),))

    def __add__(self, other: Kept) -> Kept:
        most = max(self.most, other.most)
        parts = (*self.parts, *other.parts)
        if 2 * sum(map(len, parts)) > 3 * most:
            parts = (_least(parts, most),)
        return Kept(self.n + other.n, most, parts)

    def shifted(self, by: int) -> Kept:
        """The same of samples whose numbers are so much higher."""
        return replace(self, parts=tuple(replace(rows, numbers=rows.numbers + by) for rows in self.parts))

    @property
    def is_complete(self) -> bool:
        """Whether these are all samples that a fit can use."""
        return sum(map(len, self.parts)) == self.n <= self.most

    def rows(self) -> Rows:
        """The rows, in any order."""
        return _least(self.parts, self.most)


def _least(parts: Sequence[Rows], n: int) -> Rows:
    """The ``n`` rows of the least hashes of several parts, of equal ones the first."""
    numbers, hashes = (np.concatenate([getattr(rows, name) for rows in parts]) for name in ("numbers", "hashes"))
    if len(hashes) > n:
        is_kept = np.zeros(len(hashes), bool)
        is_kept[np.lexsort((numbers, hashes))[:n]] = True
        ends = np.cumsum([len(rows) for rows in parts])[:-1]
        parts = [rows[kept] for rows, kept in zip(parts, np.split(is_kept, ends), strict=True)]
    if len(parts) == 1:
        return parts[0]
    weights = [rows.weights for rows in parts if rows.weights is not None]
    return Rows(
        np.concatenate([rows.logits for rows in parts]),
        np.concatenate([rows.targets for rows in parts]),
        np.concatenate([rows.losses for rows in parts]),
        np.concatenate(weights) if weights else None,
        np.concatenate([rows.numbers for rows in parts]),
        np.concatenate([rows.hashes for rows in parts]),
    )


def hashes_of(losses: NDArray[np.float64], gap_sums: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A hash (n,) of what each sample holds, the same wherever it stands."""
    return hashes(losses, gap_sums, Scratch())


def limit_sums_of(rows: Rows) -> LimitSums:
    """What the losses of rows do at both ends of the temperatures."""
    found = survey(rows.logits, temperature=1.0, scratch=Scratch())
    gaps = target_gaps(rows.logits, found.maximum, rows.targets, Scratch())
    folds = np.zeros(len(rows), np.int64)
    return LimitSumsByFold.of(found, gaps, mass_of(rows.targets), rows.weights, folds, 1).without()


def tiles_of(rows: Rows) -> Iterator[Rows]:
    """The rows, some at a time."""
    step = max(1, _TILE_ELEMENTS // rows.logits.shape[1])
    yield from (rows[start : start + step] for start in range(0, len(rows), step))


def scale_of(rows: Rows) -> float:
    """How far the logits of a row lie below the largest, in the middle of the rows; 1 where that tells nothing."""
    found = survey(rows.logits, temperature=1.0, scratch=Scratch())
    gaps = -found.gap_sum / found.n_alive
    gaps = gaps[(gaps > _LEAST_SCALE) & (gaps < 1.0 / _LEAST_SCALE)]
    return float(np.median(gaps)) if gaps.size else 1.0


def losses_of(rows: Rows, temperature: float) -> NDArray[np.float64]:
    """The losses (m,) of rows at a temperature, without weights."""
    found = normalise(rows.logits, temperature=temperature, scratch=Scratch())
    gaps = target_gaps(rows.logits, found.maximum, rows.targets, Scratch())
    losses: NDArray[np.float64] = mass_of(rows.targets) * np.log1p(found.rest) - gaps / temperature
    return losses


def slopes_of(rows: Rows, temperature: float, n_folds: int) -> Slopes:
    """The derivatives of the losses of rows at a temperature, added up by fold."""
    scratch, total = Scratch(), Slopes()
    for tile in tiles_of(rows):
        found = moments(tile.logits, temperature=temperature, scratch=scratch)
        gaps = target_gaps(tile.logits, found.maximum, tile.targets, scratch)
        values = derivatives(found, gaps, mass_of(tile.targets), temperature)
        total += Slopes.of(values, tile.weights, tile.numbers % max(1, n_folds), max(1, n_folds))
    return total
