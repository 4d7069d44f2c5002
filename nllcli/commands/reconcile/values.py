"""Per-class sums -> the number that each convention gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import Convention, Weighting, in_unit, round_to
from nllcli.commands.reconcile.sums import ConventionSums, batch_key, everywhere_key, sum_key
from nllcli.numerics.weightings import class_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class WeightTable:
    """The weights (n_classes,) of every weighting, worked out once each.

    ``counts`` (n_classes,) by shift are those of the targets; ``given_counts`` and ``given`` are the user's own.
    """

    def __init__(
        self,
        counts: Mapping[int, NDArray[np.int64]],
        *,
        given: NDArray[np.float64] | None,
        given_counts: NDArray[np.int64] | None,
    ) -> None:
        self._counts = counts
        self._given = given
        self._given_counts = given_counts
        self._made: dict[tuple[Weighting, int, int], NDArray[np.float64] | None] = {}

    def of(self, convention: Convention) -> NDArray[np.float64] | None:
        """The class weights of a convention; None where it has none.

        The counts are those of the samples that it counts; a class without any weighs 0.
        """
        weighting = convention.weighting
        if weighting.name == "none":
            return None
        if weighting.name == "given":
            return self._given
        key = (weighting, convention.term.shift, convention.ignore_index)
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def has(self, convention: Convention) -> bool:
        """Whether the weights exist: there are none from counts that are all 0."""
        return convention.weighting.name == "none" or self.of(convention) is not None

    def empty_classes(self, convention: Convention) -> bool:
        """Whether a class has no samples to count."""
        return not self._counted(convention.weighting, convention.term.shift, convention.ignore_index).all()

    def _counted(self, weighting: Weighting, shift: int, ignore_index: int) -> NDArray[np.int64]:
        if weighting.counts == "given":
            assert self._given_counts is not None
            return self._given_counts
        return without(self._counts[shift], ignore_index)

    def _make(self, weighting: Weighting, shift: int, ignore_index: int) -> NDArray[np.float64] | None:
        counts = self._counted(weighting, shift, ignore_index)
        if not counts.any():
            return None
        scheme, beta = weighting.name, weighting.beta
        return class_weights(counts, scheme=scheme, normalize=weighting.normalize, beta=beta, zero_count="zero")


def without(values: NDArray[Any], ignore_index: int) -> NDArray[Any]:
    """Per-class ``values`` (n_classes,) with 0 for the ignored class, where that is one."""
    if not 0 <= ignore_index < len(values):
        return values
    values = values.copy()
    values[ignore_index] = 0
    return values


class Values:
    """The numbers that follow from the sums of one pass; ``n_items`` is the length of the first axis."""

    def __init__(self, sums: ConventionSums, weights: WeightTable, *, n_items: int) -> None:
        self._sums = sums
        self._weights = weights
        self._n_items = n_items
        self._totals: dict[object, float] = {}

    def of(self, convention: Convention) -> float:
        """The number; NaN where the convention has none for these samples."""
        if convention.batch:
            value = self._of_batches(convention)
        else:
            total = self._total(convention)
            divisor = self.divisor(convention)
            value = total / divisor if divisor else math.nan
        value = in_unit(value, convention.unit)
        if convention.result_rounding is not None:
            value = float(round_to(np.array([value]), convention.result_rounding)[0])
        return -value if convention.negative else value

    def divisor(self, convention: Convention) -> float:
        """What the sum of the losses is divided by."""
        if convention.reduction == "sum":
            return 1.0
        if convention.reduction == "samples":
            return self._sums.n_samples
        if convention.reduction == "items":
            return self._n_items
        counted = without(self._sums.counts[convention.term.shift], convention.ignore_index)
        if convention.reduction == "mean":
            per_class = self._sample_weights(convention) if convention.sample_weights else counted
            return self._cached(
                (
                    "weights",
                    convention.weighting,
                    convention.term.shift,
                    convention.ignore_index,
                    convention.sample_weights,
                ),
                convention,
                per_class,
            )
        n = float(counted.sum())
        return n * self._sums.plan.n_classes if convention.reduction == "elements" else n

    def _sample_weights(self, convention: Convention) -> NDArray[np.float64]:
        return self._sums.sample_weights[convention.term.shift]

    def _total(self, convention: Convention) -> float:
        key = sum_key(convention)
        sums = self._sums.sums[key]
        own = self._cached((key, convention.weighting, convention.ignore_index), convention, sums)
        if not convention.spread_apart:
            return own
        smoothing = convention.term.smoothing
        everywhere_key_ = everywhere_key(convention)
        everywhere = self._cached(
            (everywhere_key_, convention.weighting), convention, self._sums.everywhere[everywhere_key_], masked=False
        )
        return (1.0 - smoothing) * own + smoothing / len(sums) * everywhere

    def _cached(self, key: object, convention: Convention, sums: NDArray[np.float64], *, masked: bool = True) -> float:
        """``sum of w_c sums_c`` over the classes that count, where a weight of 0 silences an infinite sum."""
        if key not in self._totals:
            values = without(sums, convention.ignore_index) if masked else sums
            weights = self._weights.of(convention)
            if weights is None:
                self._totals[key] = float(values.sum())
            else:
                there = weights != 0.0
                self._totals[key] = float((weights[there] * values[there]).sum())
        return self._totals[key]

    def _of_batches(self, convention: Convention) -> float:
        means = self._sums.batches[batch_key(convention)]
        return means.value(convention.reduction, convention.batch, self._sums.n_samples)
