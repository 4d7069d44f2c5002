"""Whether there is a temperature of least loss at all: decided by sums over the samples, not by a search."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.kernels.moments import Survey

# A slope that small against its terms is what is left of 0 by their rounding.
_ROUNDING = 2.0**-48
# Probabilities of 16 bits add up to 1 within this.
_NEAR_1 = 2e-2


class Limit(NamedTuple):
    """Where the loss is least, one of STATUSES, and what it approaches there, None where that is at a temperature."""

    status: str
    loss: float | None


@dataclass(frozen=True)
class Ends(Part):
    """What the losses of samples do at both ends of the temperatures, of ``n`` samples a fit can use.

    ``n_varied`` have logits that differ, ``n_beaten`` a target below the largest logit, and ``n_like_probs`` logits that
    add up to 1. ``at_zero`` is the sum of the
    losses that the temperature approaches at 0 if none is beaten, ``at_infinity`` that of all classes alike; ``slope``
    that of the derivatives by 1/T at infinity, ``size`` that of their absolute terms.
    """

    n: int = 0
    n_varied: int = 0
    n_beaten: int = 0
    n_like_probs: int = 0
    weight_sum: ExactSum = ExactSum()
    at_zero: ExactSum = ExactSum()
    at_infinity: ExactSum = ExactSum()
    slope: ExactSum = ExactSum()
    size: ExactSum = ExactSum()

    @classmethod
    def of(
        cls,
        found: Survey,
        gaps: NDArray[np.float64],
        mass: NDArray[np.float64] | float,
        weights: NDArray[np.float64] | None,
        where: NDArray[np.bool_],
    ) -> Self:
        """Those of the samples ``where`` (n,), whose targets lie ``gaps`` (n,) below the largest logit."""
        n = int(np.count_nonzero(where))
        if not n:
            return cls()
        factors = np.broadcast_to(mass, len(where))[where] * (1.0 if weights is None else weights[where])
        own = gaps[where] * (1.0 if weights is None else weights[where])
        means = factors * (found.gap_sum[where] / found.n_alive[where])
        return cls(
            n,
            int(np.count_nonzero(found.gap_sum[where] < 0)),
            int(np.count_nonzero(gaps[where] < 0)),
            int(np.count_nonzero(np.abs((found.gap_sum + found.n_alive * found.maximum)[where] - 1.0) < _NEAR_1)),
            exact_count(n) if weights is None else exact_sum(weights[where]),
            exact_sum(factors * np.log(found.n_tied[where])),
            exact_sum(factors * np.log(found.n_alive[where])),
            exact_sum(np.concatenate([means, -own])),
            exact_sum(-np.concatenate([means, own])),
        )

    def limit(self) -> Limit:
        """Where the loss is least."""
        if not self.n_varied:
            return Limit("flat", None)
        if not self.n_beaten:
            return Limit("zero", self.at_zero.divided_by(self.weight_sum))
        if float(self.slope) >= -_ROUNDING * float(self.size):
            return Limit("infinite", self.at_infinity.divided_by(self.weight_sum))
        return Limit("fitted", None)


@dataclass(frozen=True)
class EndsByFold:
    """The same by fold, of samples that are counted from 0 on."""

    folds: tuple[Ends, ...] = ()

    @classmethod
    def of(
        cls,
        found: Survey,
        gaps: NDArray[np.float64],
        mass: NDArray[np.float64] | float,
        weights: NDArray[np.float64] | None,
        where: NDArray[np.bool_],
        folds: NDArray[np.int64],
        n_folds: int,
    ) -> Self:
        """Those of the samples ``where`` (n,) that lie in these ``folds`` (n,)."""
        return cls(tuple(Ends.of(found, gaps, mass, weights, where & (folds == k)) for k in range(n_folds)))

    def __add__(self, other: EndsByFold) -> EndsByFold:
        if not (self.folds and other.folds):
            return self if self.folds else other
        return EndsByFold(tuple(map(add, self.folds, other.folds)))

    def shifted(self, by: int) -> EndsByFold:
        """The same of samples whose numbers are so much higher."""
        n = len(self.folds)
        return EndsByFold(tuple(self.folds[(k - by) % n] for k in range(n)))

    def without(self, fold: int | None = None) -> Ends:
        """Those of all samples, or of the other folds."""
        return reduce(add, (ends for k, ends in enumerate(self.folds) if k != fold), Ends())
