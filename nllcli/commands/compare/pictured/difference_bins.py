"""How the differences of two losses are spread: in bins at decimal numbers to either side of 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, ExactSums, exact_sums
from nllcli.numerics.pictured.edges import COARSE_BINS
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bins of either side, from the differences of least size to those of the largest.
N_SIDE = COARSE_BINS.n_bins
_ZERO = N_SIDE
_N_GROUPS = 2 * N_SIDE + 1


@dataclass(frozen=True)
class DifferenceBins(Part):
    """Of differences of losses without weights, model less baseline, how many are in each bin, and their sums.

    Sizes are in the bins of ``edges.COARSE``, those below 0 from the largest to the least, then what is 0, then those
    above 0. The sums are of the same samples' terms of the difference, which are weighted. Infinite differences are
    counted apart by their sign, and where there is no difference the sample is nowhere.
    """

    counts: NDArray[np.int64] | None = None
    sums: ExactSums = ExactSums()
    n_infinite_below: int = 0
    n_infinite_above: int = 0

    @classmethod
    def of(cls, baseline: NDArray[np.float64], model: NDArray[np.float64], terms: NDArray[np.float64]) -> Self:
        """Those of losses (n,) whose differences, times the weights, are the ``terms`` (n,)."""
        differences = model - baseline
        finite, below, above = np.isfinite(differences), 0, 0
        if not finite.all():
            below, above = (int(np.count_nonzero(differences == way)) for way in (-np.inf, np.inf))
            differences, terms = differences[finite], terms[finite]
        places = COARSE_BINS.place(np.abs(differences))
        groups = _ZERO + np.sign(differences).astype(np.int64) * (places + 1)
        return cls(np.bincount(groups, minlength=_N_GROUPS), exact_sums(terms, groups, _N_GROUPS), below, above)

    def side(self, way: int) -> tuple[list[int], list[ExactSum]]:
        """The counts and the sums of the bins below 0 (-1) or above it (1), from the least size to the largest."""
        groups = [_ZERO + way * (place + 1) for place in range(N_SIDE)]
        counts = [0] * N_SIDE if self.counts is None else self.counts[groups].tolist()
        return counts, [self.sums[group] for group in groups]

    @property
    def n_zero(self) -> int:
        """How many samples have the same finite loss twice."""
        return 0 if self.counts is None else int(self.counts[_ZERO])

    @property
    def total(self) -> ExactSum:
        """The sum of all bins."""
        return self.sums.total()
