"""How the loss changes along sequences: its sums by the position of a sample in its sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSums, exact_sums
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BUCKETS = 4096


@dataclass(frozen=True)
class Positions(Part):
    """Sums over the samples of each bucket, ``width`` neighbouring positions: a power of 2, 1 unless these are many.

    ``n`` counts the samples, and the sums are of their losses without weights and of the squares of these, rounded to
    float64.
    """

    width: int = 1
    n: NDArray[np.int64] | None = None
    loss_sum: ExactSums = ExactSums()
    squares: ExactSums = ExactSums()

    @classmethod
    def of(cls, losses: NDArray[np.float64], positions: NDArray[np.int64], length: int) -> Self:
        """Those of ``losses`` (n,) at these ``positions`` (n,), counted from 0, in sequences of one ``length``."""
        width = 1 << max(0, (-(-length // MOST_BUCKETS) - 1).bit_length())
        buckets, n_buckets = positions // width, -(-length // width)
        n = np.bincount(buckets, minlength=n_buckets)
        sums = (exact_sums(values, buckets, n_buckets) for values in (losses, losses * losses))
        return cls(width, n, *sums)

    def __add__(self, other: Positions) -> Positions:
        if self.n is None or other.n is None:
            return other if self.n is None else self
        width = max(self.width, other.width)
        ours, theirs = self._in_buckets_of(width), other._in_buckets_of(width)
        assert ours.n is not None
        assert theirs.n is not None
        n_buckets = max(len(ours.n), len(theirs.n))
        n = np.zeros(n_buckets, np.int64)
        for each in (ours.n, theirs.n):
            n[: len(each)] += each
        loss_sum = ours.loss_sum.padded(n_buckets) + theirs.loss_sum.padded(n_buckets)
        return Positions(width, n, loss_sum, ours.squares.padded(n_buckets) + theirs.squares.padded(n_buckets))

    def _in_buckets_of(self, width: int) -> Positions:
        """The same in buckets of at least this width, a power of 2."""
        if self.n is None or width <= self.width:
            return self
        starts = np.arange(0, len(self.n), width // self.width)
        n = np.add.reduceat(self.n, starts)
        return Positions(width, n, self.loss_sum.united(starts), self.squares.united(starts))
