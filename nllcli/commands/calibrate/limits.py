"""Whether there is a temperature of least loss at all: decided by sums over the samples, not by a search."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from nllcli.numerics.exact import exact_sums
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.exact import ExactSum, ExactSums
    from nllcli.numerics.kernels.moments import Survey

_ROUNDING = 2.0**-48
# Probabilities of 16 bits add up to 1 within this.
_NEAR_1 = 2e-2


class Limit(NamedTuple):
    """Where the loss is least, as ``Temperature.status`` tells, and what it approaches there, None where it is reached.

    A slope at infinity that is within 2**-48 of its terms is taken for the 0 that rounding has left.
    """

    status: str
    loss: float | None


@dataclass(frozen=True)
class LimitSums:
    """What the losses of samples do at both ends of the temperatures, of ``n`` samples a fit can use.

    ``n_varied`` have logits that differ and a target that weighs something, ``n_beaten`` a target below the largest
    logit, and ``n_like_probs`` logits that add up to 1. ``at_zero`` is the sum of the losses that the temperature
    approaches at 0 if none is beaten, ``at_infinity`` that of all classes alike; ``slope`` that of the derivatives by
    1/T at infinity, ``size`` that of their absolute terms.
    """

    n: int
    n_varied: int
    n_beaten: int
    n_like_probs: int
    weight_sum: ExactSum
    at_zero: ExactSum
    at_infinity: ExactSum
    slope: ExactSum
    size: ExactSum

    def limit(self) -> Limit:
        """Where the loss is least."""
        if not self.n:
            return Limit("empty", None)
        if not self.n_varied:
            return Limit("flat", None)
        if not self.n_beaten:
            return Limit("zero", self.at_zero.divided_by(self.weight_sum))
        if self.slope.is_finite and float(self.slope) >= -_ROUNDING * float(self.size):
            return Limit("infinite", self.at_infinity.divided_by(self.weight_sum))
        return Limit("fitted", None)


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class LimitSumsByFold:
    """The ``counts`` (4, K) and the ``sums``, of K each, of ``LimitSums`` by fold, of samples counted from 0 on."""

    counts: NDArray[np.int64]
    sums: tuple[ExactSums, ...]

    @classmethod
    def of(
        cls,
        found: Survey,
        gaps: NDArray[np.float64],
        mass: NDArray[np.float64] | float,
        weights: NDArray[np.float64] | None,
        folds: NDArray[np.int64],
        n_folds: int,
    ) -> Self:
        """Those of samples (n,) whose targets lie ``gaps`` (n,) below the largest logit, with the ``mass`` of these.

        Samples that a fit cannot use are in no fold, -1.
        """
        there = np.flatnonzero(folds >= 0)
        places, own = folds[there], gaps[there]
        w = np.ones(len(there)) if weights is None else weights[there]
        gap_sums, n_alive = found.gap_sum[there], found.n_alive[there]
        factors = w * (mass if isinstance(mass, float) else mass[there])
        means, own = factors * (gap_sums / n_alive), w * own
        largest = found.maximum[there]
        like_probs = (np.abs(gap_sums + n_alive * largest - 1.0) < _NEAR_1) & (largest < 1.0 + _NEAR_1)
        masks = (slice(None), (gap_sums < 0) & (factors > 0.0), own < 0, like_probs)
        twice = np.concatenate([places, places])
        return cls(
            np.stack([np.bincount(places[mask], minlength=n_folds) for mask in masks]),
            (
                exact_sums(w, places, n_folds),
                exact_sums(factors * np.log(found.n_tied[there]), places, n_folds),
                exact_sums(factors * np.log(n_alive), places, n_folds),
                exact_sums(np.concatenate([means, -own]), twice, n_folds),
                exact_sums(-np.concatenate([means, own]), twice, n_folds),
            ),
        )

    def __add__(self, other: LimitSumsByFold) -> LimitSumsByFold:
        return LimitSumsByFold(self.counts + other.counts, tuple(map(add, self.sums, other.sums)))

    def shifted(self, by: int) -> LimitSumsByFold:
        """The same of samples whose numbers are so much higher."""
        turned = np.roll(np.arange(self.n_folds), by)
        return LimitSumsByFold(self.counts[:, turned], tuple(each.of_groups(turned) for each in self.sums))

    @property
    def n_folds(self) -> int:
        return self.counts.shape[1]

    def without(self, fold: int | None = None) -> LimitSums:
        """Those of all samples, or of the other folds."""
        others = np.array([k for k in range(self.n_folds) if k != fold], np.intp)
        n, n_varied, n_beaten, n_like_probs = self.counts[:, others].sum(axis=1).tolist()
        return LimitSums(n, n_varied, n_beaten, n_like_probs, *(each.of_groups(others).total() for each in self.sums))
