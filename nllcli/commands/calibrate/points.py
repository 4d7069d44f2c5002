"""Samples in the order of what is claimed of them and cut into parts of equally many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More parts than these tell nothing new, and trying all numbers of them up to n takes n**2.
MOST_SWEPT = 4096


@dataclass(frozen=True)
class Mass:
    """A part of the samples, those that claim from ``low`` to ``high``.

    ``gap`` is accuracy - confidence, and ``variance`` that of the number of right answers if the claims hold.
    """

    low: float
    high: float
    count: int
    weight: float
    confidence: float
    accuracy: float
    gap: float
    variance: float


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class Points:
    """Samples by their claim, (m,) each for m different claims, in rising order.

    Samples of a point claim from ``low`` to ``high``. ``counts`` is how many there are, ``weights`` the sum of their
    weights, ``claims`` and ``outcomes`` are sums of weighted claims and outcomes, and ``variances`` those of p (1 - p).
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]
    claims: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    variances: NDArray[np.float64]

    @classmethod
    def of(cls, samples: NDArray[np.float64]) -> Self:
        """Those of surprisals, outcomes and, where there are some, weights: ``samples`` (2 or 3, n), in any order."""
        surprisals, outcomes, *weights = samples[:, np.lexsort(samples[::-1])[::-1]]
        starts = np.flatnonzero(np.concatenate((np.ones(1, bool), surprisals[1:] != surprisals[:-1]))[: len(outcomes)])
        counts = np.diff(starts, append=len(outcomes))
        p, q = np.exp(-surprisals[starts]), -np.expm1(-surprisals[starts])
        weight_sums = np.add.reduceat(weights[0], starts) if weights else counts.astype(np.float64)
        weighted = weights[0] * outcomes if weights else outcomes
        outcome_sums = np.add.reduceat(weighted, starts)
        return cls(p, p, counts, weight_sums, weight_sums * p, outcome_sums, counts * (p * q))

    def equal_mass(self, n_bins: int) -> tuple[Mass, ...]:
        """As equal parts as ``numpy.array_split`` makes; what claims the same as the last of a part joins that part."""
        ends = _ends(np.cumsum(self.counts), n_bins)
        starts = np.concatenate(([0], ends[:-1]))
        sums = (self.counts, self.weights, self.claims, self.outcomes, self.variances)
        count, weight, claims, outcomes, variance = (np.add.reduceat(each, starts) for each in sums)
        columns = (
            self.low[starts],
            self.high[ends - 1],
            count,
            weight,
            claims / weight,
            outcomes / weight,
            (outcomes - claims) / weight,
            variance,
        )
        return tuple(Mass(*row) for row in zip(*(each.tolist() for each in columns), strict=True))

    def sweep(self) -> tuple[float, int]:
        """The ECE by the most parts of equally many samples whose accuracies rise, and how many parts those are.

        From 2 parts upwards, up to the first whose accuracies do not rise, or to ``MOST_SWEPT``. Roelofs et al.,
        "Mitigating bias in calibration error estimation", AISTATS 2022.
        """
        counts, outcomes = np.cumsum(self.counts), np.cumsum(self.outcomes)
        n = int(counts[-1])
        ends = _ends(counts, 1)
        for n_bins in range(2, min(n, MOST_SWEPT) + 1):
            tried = _ends(counts, n_bins)
            accuracies = np.diff(outcomes[tried - 1], prepend=0.0) / np.diff(counts[tried - 1], prepend=0)
            if (accuracies[1:] < accuracies[:-1]).any():
                break
            ends = tried
        gaps = np.add.reduceat(self.outcomes - self.claims, np.concatenate(([0], ends[:-1])))
        return math.fsum(np.abs(gaps).tolist()) / n, len(ends)


def _ends(counts: NDArray[np.int64], n_bins: int) -> NDArray[np.int64]:
    """Behind which points the parts end, of samples that are ``counts`` (m,) up to and with each point."""
    number, n = np.arange(1, n_bins + 1), int(counts[-1])
    return np.unique(np.searchsorted(counts, number * (n // n_bins) + np.minimum(number, n % n_bins))) + 1
