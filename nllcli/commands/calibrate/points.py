"""Samples in the order of what is claimed of them and cut into parts of equally many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.numerics.calibration.bins import Bin
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Surprisals no further apart than this share of them are one claim: they differ by rounding alone.
_ROUNDING_SHARE = 2.0**-48
# More parts than these tell nothing new, and trying all numbers of them up to n takes n**2.
MOST_SWEPT = 4096


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
    def of(cls, samples: NDArray[np.float64], rounding: float = 0.0) -> Self:
        """Those of surprisals, outcomes and, where there are some, weights: ``samples`` (2 or 3, n), in any order.

        Surprisals may be off by ``rounding``, and by a small share of their size.
        """
        surprisals, outcomes, *weights = samples[:, _order(samples)]
        starts = _starts(surprisals, rounding)
        counts = np.diff(starts, append=len(outcomes))
        p, q = np.exp(-surprisals[starts]), -np.expm1(-surprisals[starts])
        weight_sums = np.add.reduceat(weights[0], starts) if weights else counts.astype(np.float64)
        weighted = weights[0] * outcomes if weights else outcomes
        outcome_sums = np.add.reduceat(weighted, starts)
        return cls(p, p, counts, weight_sums, weight_sums * p, outcome_sums, counts * (p * q))

    def equal_mass(self, n_bins: int) -> tuple[Bin, ...]:
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
        return tuple(Bin(*row) for row in zip(*(each.tolist() for each in columns), strict=True))

    def sweep(self) -> tuple[float, int]:
        """The ECE by the most parts of equally many samples whose accuracies rise, and how many parts those are.

        From 2 parts upwards, up to the first whose accuracies do not rise, or to ``MOST_SWEPT``. Roelofs et al.,
        "Mitigating bias in calibration error estimation", AISTATS 2022.
        """
        counts = np.cumsum(self.counts)
        n = int(counts[-1])
        # Whole units have exact sums; n of them fit int64.
        unit = 2.0 ** (max(n.bit_length(), 21) - 62)
        outcomes = np.cumsum(np.rint(self.outcomes / unit).astype(np.int64))

        def least_step(ends: NDArray[np.int64]) -> float:
            sums, sizes = (np.diff(each[ends - 1], prepend=0) for each in (outcomes, counts))
            return float(np.diff(sums * unit / sizes).min(initial=0.0))

        ends = _ends(counts, 1)
        most = min(n, MOST_SWEPT)
        # Where the accuracies of all points rise, so do those of any parts.
        first = most if least_step(np.arange(1, len(counts) + 1)) >= 0 else 2
        for n_bins in range(first, most + 1):
            tried = _ends(counts, n_bins)
            # Whole outcomes of fewer than 2**21 samples cannot fall by so little: what does is the rounding of shares.
            if least_step(tried) < -2 * unit:
                break
            ends = tried
        gaps = np.add.reduceat(self.outcomes - self.claims, np.concatenate(([0], ends[:-1])))
        return math.fsum(np.abs(gaps).tolist()) / n, len(ends)


def _order(samples: NDArray[np.float64]) -> NDArray[np.intp]:
    """In which order surprisals, which are the first row, fall; whatever the order of samples, sums are the same.

    Whole numbers have the same sum in any order, and to sort by one row takes a sixth of the time.
    """
    are_whole = len(samples) == 2 and np.array_equal(samples[1], samples[1] != 0)
    return (np.argsort(samples[0]) if are_whole else np.lexsort(samples[::-1]))[::-1]


@np.errstate(invalid="ignore")  # of two infinite ones
def _starts(surprisals: NDArray[np.float64], rounding: float) -> NDArray[np.intp]:
    """Where, in falling order, another claim begins."""
    higher, lower = surprisals[:-1], surprisals[1:]
    are_one = (higher == lower) | (higher - lower <= rounding + _ROUNDING_SHARE * lower)
    return np.flatnonzero(np.concatenate((np.ones(1, bool), ~are_one))[: len(surprisals)])


def _ends(counts: NDArray[np.int64], n_bins: int) -> NDArray[np.int64]:
    """Behind which points the parts end, of samples that are ``counts`` (m,) up to and with each point."""
    number, n = np.arange(1, n_bins + 1), int(counts[-1])
    return np.unique(np.searchsorted(counts, number * (n // n_bins) + np.minimum(number, n % n_bins))) + 1
