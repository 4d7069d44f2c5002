"""Claims counted in buckets of their surprisal, which tell 1 - 1e-9 from 1 - 1e-12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.calibrate.fixed import FixedSums
from nllcli.commands.calibrate.points import Points
from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A bucket has the surprisals of one exponent, from 2**-60 to before 2**10, and the same first bits of the fraction.
_FRACTION_BITS = 10
_LEAST_EXPONENT, _MOST_EXPONENT = -60, 10
_SHIFT = 52 - _FRACTION_BITS
_FIRST = (_LEAST_EXPONENT + 1023) << _FRACTION_BITS
N_BUCKETS = (_MOST_EXPONENT - _LEAST_EXPONENT) << _FRACTION_BITS


@dataclass(frozen=True, eq=False)
class Buckets(Part):
    """By bucket of the surprisal (N_BUCKETS,): how many samples, and the sums of their claims and outcomes."""

    n: NDArray[np.int64]
    claims: FixedSums
    outcomes: FixedSums

    @classmethod
    def of(cls, samples: NDArray[np.float64]) -> Self:
        """Those of surprisals and outcomes ``samples`` (2, n)."""
        surprisals, outcomes = samples
        sizes = np.clip(surprisals, 2.0**_LEAST_EXPONENT, np.nextafter(2.0**_MOST_EXPONENT, 0.0))
        buckets = (sizes.view(np.int64) >> _SHIFT) - _FIRST
        return cls(
            np.bincount(buckets, minlength=N_BUCKETS),
            FixedSums.of(np.exp(-surprisals), buckets, N_BUCKETS),
            FixedSums.of(outcomes, buckets, N_BUCKETS),
        )

    def points(self) -> Points:
        """The buckets that have samples, as if all of one claimed the same."""
        found = np.flatnonzero(self.n)[::-1]
        bits = found + _FIRST
        least, middle, most = (
            each.view(np.float64)
            for each in (bits << _SHIFT, (bits << _SHIFT) | (1 << (_SHIFT - 1)), (bits + 1) << _SHIFT)
        )
        claims, outcomes = (each.floats(N_BUCKETS)[found] for each in (self.claims, self.outcomes))
        low = np.where(found == N_BUCKETS - 1, 0.0, np.exp(-most))
        counts = self.n[found]
        weights = counts.astype(np.float64)
        variances = weights * (np.exp(-middle) * -np.expm1(-middle))
        return Points(low, np.exp(-least), counts, weights, claims, outcomes, variances)
