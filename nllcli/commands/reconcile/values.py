"""The sums of one pass -> the number that each convention gives."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.weightings import class_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.conventions import Convention
    from nllcli.commands.reconcile.sums import ConventionSums


@dataclass(frozen=True)
class WeightTable:
    """The class weights (n_classes,) of every convention, worked out once each.

    ``target_counts`` (n_classes,) by shift are those of the targets; ``given_counts`` and ``given`` the user's own.
    """

    target_counts: Mapping[int, NDArray[np.int64]]
    given_counts: NDArray[np.int64] | None = None
    given: NDArray[np.float64] | None = None
    _made: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)

    def of(self, convention: Convention) -> NDArray[np.float64] | None:
        """The class weights of a convention; None where it has none. A class without counted samples weighs 0."""
        weighting = convention.weighting
        if weighting.name in ("none", "given"):
            return self.given if weighting.name == "given" else None
        key = convention.of_weights
        if key not in self._made:
            self._made[key] = class_weights(
                self.counts(convention),
                scheme=weighting.name,
                normalize=weighting.normalize,
                beta=weighting.beta,
                zero_count="zero",
            )
        return self._made[key]

    def exist(self, convention: Convention) -> bool:
        """Whether the weights exist: there are none from counts that are all 0."""
        return convention.weighting.name in ("none", "given") or bool(self.counts(convention).any())

    def counts(self, convention: Convention) -> NDArray[np.int64]:
        """The counts (n_classes,) that the scheme takes."""
        if convention.weighting.counts == "given":
            assert self.given_counts is not None
            return self.given_counts
        return without(self.target_counts[convention.term.shift], convention.ignore_index)


def without(values: NDArray[Any], ignore_index: int) -> NDArray[Any]:
    """Per-class ``values`` (n_classes,) with 0 for the ignored class, where that is one."""
    if not 0 <= ignore_index < len(values):
        return values
    values = values.copy()
    values[ignore_index] = 0
    return values


class Values:
    """The numbers that follow from the sums of one pass; ``n_items`` is the length of the first axis."""

    def __init__(self, sums: ConventionSums, weights: WeightTable, *, n_classes: int, n_items: int) -> None:
        self._sums = sums
        self.weights = weights
        self._n_classes = n_classes
        self._n_items = n_items
        classes = np.arange(n_classes + 1)  # the last is for targets that are not a class
        self._per_class = {shift: part.among(classes) for shift, part in sums.per_class.items()}
        self._loss_sum, self._weight_sum = cache(self._add_losses), cache(self._add_weights)

    def of(self, convention: Convention) -> float:
        """The number; NaN where the convention has none for these samples."""
        if convention.batch:
            means = self._sums.batches[convention.of_samples]
            return convention.finished(means.value(convention.reduction, convention.batch))
        divisor = self.divisor(convention)
        return convention.finished(self._loss_sum(convention.of_samples) / divisor if divisor else math.nan)

    def divisor(self, convention: Convention) -> float:
        """What the sum of the losses is divided by."""
        match convention.reduction:
            case "sum":
                return 1.0
            case "samples":
                return self._sums.own.n_samples
            case "items":
                return self._n_items
            case "mean":
                return self._weight_sum(convention.of_weights)
        n_counted = float(self._counted(convention, key=False).sum())
        return n_counted * self._n_classes if convention.reduction == "elements" else n_counted

    def _add_weights(self, convention: Convention) -> float:
        return self._add(convention, self._counted(convention, key=convention.sample_weights))

    def _add_losses(self, convention: Convention) -> float:
        own = self._add(convention, self._counted(convention, key=convention.of_losses))
        if not convention.smooths_each_class:
            return own
        smoothing = convention.term.smoothing
        every_class = self._add(convention, self._sums.every_class[convention.of_every_class])
        return (1.0 - smoothing) * own + smoothing / self._n_classes * every_class

    def _counted(self, convention: Convention, *, key: Convention | bool) -> NDArray[np.float64]:
        """The sums (n_classes,) under ``key``, 0 for the ignored class."""
        return without(self._per_class[convention.term.shift][key][:-1], convention.ignore_index)

    def _add(self, convention: Convention, sums: NDArray[np.float64]) -> float:
        """``sum of w_c sums_c`` over the classes, where a weight of 0 silences an infinite sum."""
        weights = self.weights.of(convention)
        if weights is None:
            return float(sums.sum())
        there = weights != 0.0
        return float((weights[there] * sums[there]).sum())
