"""What a comparison adds up over samples: of each model, and of each pair of them."""

from __future__ import annotations

from dataclasses import replace
from operator import add
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.groups import Scattered, Together
from nllcli.commands.compare.sketch import Sketch
from nllcli.commands.compare.units import Units
from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, ExactSums, exact_sum, exact_sums
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import Rows, Tally
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.compare.pictured import Paired


@dataclass(frozen=True)
class Counts(Part):
    """Samples on which the model's loss is lower, higher and the same, and of which the answers are right.

    The latter are None where no class can be predicted. Where ``n_zero`` is the same, it is 0.
    """

    n_better: int = 0
    n_worse: int = 0
    n_equal: int = 0
    n_both_correct: int | None = None
    n_only_baseline_correct: int | None = None
    n_only_model_correct: int | None = None
    n_neither_correct: int | None = None
    n_zero: int = 0

    @classmethod
    def of(
        cls,
        baseline: NDArray[np.float64],
        model: NDArray[np.float64],
        right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    ) -> Self:
        """Those of the losses (n,) and the ``right`` answers (n,) of both; a NaN is counted nowhere."""
        better, worse = (int(np.count_nonzero(mask)) for mask in (model < baseline, model > baseline))
        equal, zero = len(model) - better - worse, 0
        if equal:
            same = model == baseline
            equal, zero = int(np.count_nonzero(same)), int(np.count_nonzero(same & (model == 0.0)))
        if right is None:
            return cls(better, worse, equal, n_zero=zero)
        both = int(np.count_nonzero(right[0] & right[1]))
        old, new = (int(np.count_nonzero(mask)) - both for mask in right)
        return cls(better, worse, equal, both, old, new, len(model) - both - old - new, zero)


@dataclass(frozen=True)
class DivergenceSums(Part):
    """Sums of the divergence of the model from the baseline, and of the differences of the targets' probabilities.

    ``infinite`` are the samples where it is infinite, its ``worst`` the largest of all. ``p_difference`` and
    ``p_squares``, a count of 2**-2148, are None where targets are not classes.
    """

    total: ExactSum = ExactSum()
    spread: Spread = Spread()
    quantiles: Sketch = Sketch()
    infinite: Rows = Rows()
    n_same_top: int = 0
    p_difference: ExactSum | None = None
    p_squares: int | None = None

    @classmethod
    def of(
        cls,
        divergence: NDArray[np.float64],
        same_top: NDArray[np.bool_],
        p_difference: NDArray[np.float64] | None,
        samples: NDArray[np.int64],
    ) -> Self:
        """Those of the samples of these numbers: (n,) each."""
        infinite = np.flatnonzero(np.isposinf(divergence))
        first = tuple(samples[infinite[:5]].tolist())
        worst = float(np.fmax.reduce(divergence, initial=0.0))
        return cls(
            exact_sum(divergence),
            Spread.of(divergence, None),
            Sketch.of(divergence),
            Rows(len(infinite), first, worst),
            int(np.count_nonzero(same_top)),
            None if p_difference is None else exact_sum(p_difference),
            None if p_difference is None else Spread.of(p_difference, None).aa,
        )


@dataclass(frozen=True)
class ClassSums(Part):
    """By class (C,): counted samples, the losses of both without weights, and their differences with their squares."""

    n: NDArray[np.int64]
    baseline: ExactSums
    model: ExactSums
    differences: ExactSums
    squares: ExactSums

    @classmethod
    def of(
        cls,
        classes: NDArray[np.int64],
        baseline: NDArray[np.float64],
        model: NDArray[np.float64],
        n_classes: int,
    ) -> Self:
        """Those of losses (n,) of samples of ``classes`` (n,)."""
        differences = model - baseline

        def by_class(values: NDArray[np.float64]) -> ExactSums:
            return exact_sums(values, classes, n_classes)

        high = differences * differences
        low = _lost(differences, high)
        counts = np.bincount(classes, minlength=n_classes)
        squares = by_class(high) + by_class(low)
        return cls(counts, by_class(baseline), by_class(model), by_class(differences), squares)


def _lost(x: NDArray[np.float64], square: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rounding has taken off ``x * x`` (Dekker, Numer. Math. 18, 1971); 0 where that is not finite."""
    scaled = 134217729.0 * x
    upper = scaled - (scaled - x)
    lower = x - upper
    lost = ((upper * upper - square) + 2.0 * upper * lower) + lower * lower
    return np.where(np.isfinite(lost), lost, 0.0)


@dataclass(frozen=True)
class PairSums(Part):
    """The sums over the samples of two models: ``spread`` has the moments of their differences with the weights.

    ``units`` are those of samples, or of groups of them; ``largest`` the samples that differ most; ``heaviest`` those
    of the largest weights, with their differences, where there are weights. ``pictured`` is what pictures are made of,
    where these are wanted.
    """

    difference: ExactSum = ExactSum()
    spread: Spread = Spread()
    counts: Counts = Counts()
    units: Units | Together | Scattered = Units()
    largest: Extremes = Extremes()
    heaviest: Extremes = Extremes()
    divergence: DivergenceSums | None = None
    classes: ClassSums | None = None
    pictured: Paired | None = None

    def shifted(self, by: int) -> Self:
        """The sums of the same samples, their numbers so much higher."""
        divergence, pictured = self.divergence, self.pictured
        if divergence is not None:
            divergence = replace(divergence, infinite=divergence.infinite.shifted(by))
        largest, heaviest = self.largest.shifted(by), self.heaviest.shifted(by)
        pictured = None if pictured is None else pictured.shifted(by)
        return replace(self, largest=largest, heaviest=heaviest, divergence=divergence, pictured=pictured)


@dataclass(frozen=True)
class Sums(Part):
    """The sums of each model, and of each pair."""

    models: tuple[Tally, ...] = ()
    pairs: tuple[PairSums, ...] = ()

    def __add__(self, other: Sums) -> Sums:
        if not (self.models and other.models):
            return self if self.models else other
        return Sums(tuple(map(add, self.models, other.models)), tuple(map(add, self.pairs, other.pairs)))

    def shifted(self, by: int) -> Sums:
        """The sums of the same samples, their numbers so much higher."""
        return Sums(tuple(each.shifted(by) for each in self.models), tuple(each.shifted(by) for each in self.pairs))

    @property
    def named_samples(self) -> tuple[int, ...]:
        """The samples that lists and warnings of pairs name."""
        found: list[int] = []
        for pair in self.pairs:
            for extremes in (pair.largest, pair.heaviest):
                found += [item.number for item in (*extremes.smallest, *extremes.largest)]
            found += pair.divergence.infinite.first if pair.divergence is not None else ()
            found += pair.pictured.widest.numbers if pair.pictured is not None else ()
        return tuple(found)
