"""Claims in their order: bins of equal mass, the sweep, and isotonic regression; exact of few, near of more."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.calibrate.buckets import Buckets
from nllcli.commands.calibrate.corp import Corp, Scores, corp
from nllcli.commands.calibrate.pieces import Pieces, as_one, fewer, size_of
from nllcli.commands.calibrate.points import Points
from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.numerics.calibration.bins import Bin
    from nllcli.numerics.calibration.claims import Claims

MOST_SAMPLES = 1 << 20
# So many samples are counted at once: each time takes as long as some 10,000 samples, since all buckets are touched.
_BATCH = 1 << 16


@dataclass(frozen=True, eq=False)
class Ranked(Part):
    """Samples in the order of their surprisal: up to ``limit`` as they are, from then on counted in buckets.

    ``pieces`` are surprisals, outcomes and, where there are some, weights. Where there are weights, nothing is kept of
    more than ``limit`` samples. Samples of weight 0 are left out. Both sides of ``+`` have the same limit, or are
    without samples. Surprisals may be off by ``rounding``: see ``Claims``.
    """

    limit: int = MOST_SAMPLES
    n: int = 0
    is_weighted: bool = False
    pieces: Pieces = ()
    buckets: Buckets | None = None
    scores: Scores = Scores()
    rounding: float = 0.0

    @classmethod
    def of(cls, claims: Claims, limit: int = MOST_SAMPLES, *, scored: bool = True) -> Self:
        """Those of the claims of samples; ``scored`` asks for what ``corp`` needs."""
        weights = claims.weights
        if weights is not None and not weights.all():
            claims = claims.only(weights != 0)
        columns = (claims.surprisals, claims.outcomes, claims.weights)
        piece = np.stack([each for each in columns if each is not None])
        scores = Scores.of(claims) if scored else Scores()
        found = cls(limit, len(claims), weights is not None, (piece,), None, scores, claims.rounding)
        return found._fitting()

    def __add__(self, other: Ranked) -> Ranked:
        both = (self, other)
        buckets = [each.buckets for each in both if each.buckets is not None]
        return Ranked(
            min(self.limit, other.limit),
            self.n + other.n,
            self.is_weighted or other.is_weighted,
            self.pieces + other.pieces,
            reduce(add, buckets) if buckets else None,
            self.scores + other.scores,
            max(self.rounding, other.rounding),
        )._fitting()

    def _fitting(self) -> Self:
        """The same, its samples counted where they are too many to keep."""
        if self.n <= self.limit or (self.buckets is not None and size_of(self.pieces) < _BATCH):
            return replace(self, pieces=fewer(self.pieces))
        return replace(self, pieces=(), buckets=None if self.is_weighted else self._counted())

    def _counted(self) -> Buckets:
        """The samples in buckets, with those that wait."""
        waiting = Buckets.of(as_one(self.pieces, 2))
        return waiting if self.buckets is None else self.buckets + waiting

    @property
    def n_groups(self) -> int | None:
        """In how many groups samples are counted; None where they are kept, or are not known."""
        return None if self.n <= self.limit or self.points is None else len(self.points.counts)

    @cached_property
    def points(self) -> Points | None:
        """The samples in their order, None where they are none, or are weighted and too many."""
        if self.n == 0 or (self.is_weighted and self.n > self.limit):
            return None
        if self.n > self.limit:
            return self._counted().points()
        return Points.of(as_one(self.pieces, 3 if self.is_weighted else 2), self.rounding)

    def equal_mass(self, n_bins: int) -> tuple[Bin, ...] | None:
        """Bins of equally many samples, fewer where claims tie; None where they are weighted, and () of none."""
        if self.is_weighted:
            return None
        return () if self.points is None else self.points.equal_mass(n_bins)

    def sweep(self) -> tuple[float, int] | None:
        """The ECE of the most bins of equal mass whose accuracies rise, and their number; None of none or weighted."""
        return None if self.is_weighted or self.points is None else self.points.sweep()

    def corp(self) -> Corp | None:
        """The parts of both scores; None where samples are none, weighted and too many, or weigh less than 0."""
        if self.points is None or (self.is_weighted and min(piece[2].min(initial=0.0) for piece in self.pieces) < 0):
            return None
        return corp(self.scores, self.points)
