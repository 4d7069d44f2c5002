"""How many samples lose how much, counted from the hardest."""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nllcli.commands.compute.pictures.wording import has_negative_weights
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.pictured.edges import COARSE, FINE, FIRST_FINE
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.numerics.pictured import Collected


class Bounds(NamedTuple):
    """What a number is known to lie between, the same twice where it is known."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Spread:
    """The samples of finite loss by ``COARSE`` bins: ``counts``, and the ``sums`` of their terms of the loss.

    Bin i holds the losses from edge i - 1 to below edge i. ``n`` counts them all, ``total`` is the sum of all.
    ``hardest`` are the largest losses, one by one, where every sample weighs alike.
    """

    counts: tuple[int, ...]
    sums: tuple[ExactSum, ...]
    fine_counts: tuple[int, ...]
    n_infinite: int
    hardest: tuple[float, ...]
    is_weighted: bool
    has_negative_weights: bool

    @classmethod
    def of(cls, result: LossResult) -> Spread:
        """The losses of a result whose pictures are collected."""
        collected = collected_of(result)
        bins = collected.losses
        counts = tuple(bins.coarse_counts().tolist())
        hardest = () if result.is_weighted else tuple(each.loss for each in result.tally.hardest)
        return cls(
            counts,
            tuple(bins.sums[i] for i in range(len(counts))),
            tuple([] if bins.counts is None else bins.counts.tolist()),
            bins.n_infinite,
            tuple(loss for loss in hardest if math.isfinite(loss)),
            result.is_weighted,
            has_negative_weights(result),
        )

    @cached_property
    def n(self) -> int:
        return sum(self.counts)

    @cached_property
    def total(self) -> ExactSum:
        return _sum(self.sums)

    @property
    def has_shares(self) -> bool:
        """Whether parts of the total say something."""
        return bool(self.total.units) and not self.n_infinite and not self.has_negative_weights

    @cached_property
    def from_hardest(self) -> tuple[tuple[int, float], ...]:
        """How many samples lose at least as much as each edge, and their share of the total, the hardest first."""
        found, n, total = [], 0, ExactSum()
        for count, each in zip(reversed(self.counts), reversed(self.sums), strict=True):
            n, total = n + count, total + each
            if count:
                found.append((n, total.divided_by(self.total)))
        return tuple(found)

    def at_least(self, loss: float) -> tuple[int, float]:
        """How many samples lose at least as much as a ``COARSE`` edge, and their share of the total."""
        first = COARSE.tolist().index(loss) + 1
        return sum(self.counts[first:]), _sum(self.sums[first:]).divided_by(self.total)

    def median(self) -> float | None:
        """The least of the ``FINE`` edges below which half of the samples are; None where there is none."""
        n, every = 0, self.n + self.n_infinite
        for i, count in enumerate(self.fine_counts[:-1]):
            n += count
            if 2 * n >= every:
                return float(FINE[i])
        return None

    def share_of(self, m: int) -> Bounds:
        """The share of the total that the ``m`` hardest samples bring, where every sample weighs alike."""
        if m <= len(self.hardest):
            share = exact_sum(np.array(self.hardest[:m])).divided_by(self.total)
            return Bounds(share, share)
        n, share = 0, 0.0
        for i, count in reversed(list(enumerate(self.counts))):
            if n + count >= m:
                part = self._of_bin(i).share_of(m - n)
                return Bounds(share + part.low, share + part.high)
            n, share = n + count, share + self._of_bin(i).share
        return Bounds(1.0, 1.0)

    def least_with(self, share: float) -> tuple[int, int]:
        """How many of the hardest samples it takes for a share of the total: at least and at most."""
        for m in range(1, len(self.hardest) + 1):
            if self.share_of(m).low >= share:
                return m, m
        n, before = 0, 0.0
        for i, count in reversed(list(enumerate(self.counts))):
            own = self._of_bin(i)
            if count and before + own.share >= share:
                low, high = (1, count) if self.is_weighted else own.least_with(share - before)
                return max(len(self.hardest) + 1, n + low), n + high
            n, before = n + count, before + own.share
        return self.n, self.n

    def _of_bin(self, i: int) -> _Bin:
        """A coarse bin, cut into fine ones, whose edges are known as shares of the total."""
        first = int(FIRST_FINE[i])
        last = int(FIRST_FINE[i + 1]) if i + 1 < len(FIRST_FINE) else len(self.fine_counts)
        total, edges = min(float(self.total), float(np.finfo(np.float64).max)), [0.0, *FINE.tolist(), math.inf]
        parts = [(self.fine_counts[k], edges[k] / total, edges[k + 1] / total) for k in range(first, last)]
        return _Bin(self.counts[i], self.sums[i].divided_by(self.total), tuple(parts[::-1]))


class _Bin(NamedTuple):
    """``n`` samples that bring a ``share``: in each of its ``parts``, the hardest first, so many from one share to
    another."""

    n: int
    share: float
    parts: tuple[tuple[int, float, float], ...]

    def share_of(self, m: int) -> Bounds:
        """What the ``m`` hardest bring: as much as others of their number, and as their parts allow."""
        if m == self.n:
            return Bounds(self.share, self.share)
        low = high = rest = 0.0
        left = m
        for count, least, most in self.parts:
            taken = min(count, left)
            left -= taken
            low, rest = low + taken * least, rest + (count - taken) * least
            high += taken * most if taken else 0.0
        return Bounds(max(low, self.share * m / self.n), min(high, self.share - rest))

    def least_with(self, share: float) -> tuple[int, int]:
        """How many of the hardest it takes for a share: at least and at most."""
        every = range(1, self.n + 1)
        low = bisect_left(every, share, key=lambda m: self.share_of(m).high)
        high = bisect_left(every, share, key=lambda m: self.share_of(m).low)
        return min(low + 1, self.n), min(high + 1, self.n)


def _sum(sums: tuple[ExactSum, ...]) -> ExactSum:
    total = ExactSum()
    for each in sums:
        total += each
    return total


def collected_of(result: LossResult) -> Collected:
    """What a pass has collected for the pictures of a result."""
    collected = result.tally.sums.pictures
    assert collected is not None
    return collected
