"""How the losses are spread: how many there are in bins at decimal numbers, and what each bin adds to the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSums, exact_sums
from nllcli.numerics.pictured.edges import COARSE_BINS, COARSE_OF_FINE, FINE_BINS, FIRST_FINE
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LossBins(Part):
    """Of losses without weights, how many are in each fine bin, ``counts``; and ``sums`` by coarse bin.

    Bins are those of ``edges.FINE`` and ``edges.COARSE``: the first holds all that is below 1e-20, 0 and what is
    negative too, and the last what is 1e4 or more. The sums are of the same samples' loss terms, which are weighted.
    Infinite losses are counted apart, and NaN is nowhere.
    """

    counts: NDArray[np.int64] | None = None
    sums: ExactSums = ExactSums()
    n_infinite: int = 0

    @classmethod
    def of(cls, losses: NDArray[np.float64], terms: NDArray[np.float64]) -> Self:
        """Those of ``losses`` (n,) whose loss ``terms`` (n,) are the same times their weights."""
        n_infinite, finite = 0, np.isfinite(losses)
        if not finite.all():
            n_infinite = int(np.count_nonzero(np.isinf(losses)))
            losses, terms = losses[finite], terms[finite]
        bins = FINE_BINS.place(losses)
        sums = exact_sums(terms, COARSE_OF_FINE.take(bins), COARSE_BINS.n_bins)
        return cls(np.bincount(bins, minlength=FINE_BINS.n_bins), sums, n_infinite)

    @property
    def n(self) -> int:
        """How many samples are in a bin."""
        return 0 if self.counts is None else int(self.counts.sum())

    def coarse_counts(self) -> NDArray[np.int64]:
        """How many samples are in each coarse bin."""
        counts = np.zeros(FINE_BINS.n_bins, np.int64) if self.counts is None else self.counts
        return np.add.reduceat(counts, FIRST_FINE)
