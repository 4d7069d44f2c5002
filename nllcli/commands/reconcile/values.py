"""The numbers of the conventions that follow from the sums of one pass."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.conventions.batches import PARTS, Runs
from nllcli.commands.reconcile.conventions.reductions import DIVISORS, PAIRS
from nllcli.commands.reconcile.conventions.units import finished
from nllcli.commands.reconcile.sums import joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.sums import ConventionSums
    from nllcli.commands.reconcile.survey import Survey, WeightTable
    from nllcli.data.dataset import Dataset


_RUNS_KEPT = 4


class Values:
    """The numbers that follow from the sums of one pass over the dataset."""

    dataset: Dataset
    found: Survey
    loss_sum: Callable[[Convention], float]
    weight_sum: Callable[[Convention], float]

    def __init__(self, sums: ConventionSums, weights: WeightTable, dataset: Dataset, found: Survey) -> None:
        self.sums, self.weights = sums, weights
        self.dataset, self.found = dataset, found
        n_classes = dataset.n_classes
        classes = np.arange(n_classes) if weights.classes is None else weights.classes
        classes = np.append(classes, n_classes)  # the last is for targets that are not a class
        self.per_class = {pairing: part.among(classes) for pairing, part in sums.per_class.items()}
        self.loss_sum, self.weight_sum = cache(self._loss_sum), cache(self._weight_sum)
        # The conventions come by what decides the samples: what a few of them share need not be kept for all.
        self.runs = lru_cache(_RUNS_KEPT)(self._runs)

    @np.errstate(all="ignore")
    def of(self, convention: Convention) -> float:
        """The number; NaN where the convention has none for these samples."""
        return finished(convention, self._reduced(convention))

    def _reduced(self, convention: Convention) -> float:
        if convention.reduction in PARTS:
            runs = self.runs(convention.of_samples)
            return PARTS[convention.reduction].value(runs, convention.n, convention.at)
        if convention.reduction == PAIRS:
            return self._of_pairs(convention)
        divisor = self.divisor(convention)
        return self.loss_sum(convention.of_samples) / divisor if divisor else math.nan

    def divisor(self, convention: Convention) -> float:
        """What the sum of the losses is divided by."""
        return float(DIVISORS[convention.reduction].of(self, convention))

    def _runs(self, convention: Convention) -> Runs:
        items, step = self.found.items, self.found.items.step
        n_runs = -(-items.n // step)
        losses = joined(self.sums.run_losses[convention], n_runs)
        return Runs(losses, joined(self.sums.run_weights[convention.of_weights], n_runs), items.n, step)

    def _of_pairs(self, convention: Convention) -> float:
        """The mean over all pairs of a sample and a target."""
        counts = self.counted(convention, "ones")
        every_class = self.sums.every_class[convention.of_every_class]
        return float((counts * every_class).sum()) / float(counts.sum()) ** 2

    def _weight_sum(self, convention: Convention) -> float:
        return self._weighed(convention, self.counted(convention, "weights" if convention.sample_weights else "ones"))

    def _loss_sum(self, convention: Convention) -> float:
        own = self._weighed(convention, self.counted(convention, convention.of_losses))
        if not convention.smooths_each_class:
            return own
        smoothing = convention.term.smoothing
        every_class = self._weighed(convention, self.sums.every_class[convention.of_every_class])
        return (1.0 - smoothing) * own + smoothing / self.dataset.n_classes * every_class

    def counted(self, convention: Convention, key: Convention | str) -> NDArray[np.float64]:
        """The sums (k,) under ``key``, 0 for the ignored class."""
        sums = self.per_class[convention.term.pairing][key][:-1]
        without: NDArray[np.float64] = self.weights.without(sums, convention.ignore_index)
        return without

    def _weighed(self, convention: Convention, sums: NDArray[np.float64]) -> float:
        """``sum of w_c sums_c`` over the classes, where a weight of 0 takes out an infinite sum."""
        weights = self.weights.of(convention)
        if weights is None:
            return float(sums.sum())
        there = weights != 0.0
        return float((weights[there] * sums[there]).sum())

    # What a sum may be divided by.

    def n_counted(self, convention: Convention) -> float:
        return float(self.counted(convention, "ones").sum())

    def n_nonzero(self, convention: Convention) -> float:
        """The number of samples whose weight is not 0."""
        counts = self.counted(convention, "nonzero" if convention.sample_weights else "ones")
        weights = self.weights.of(convention)
        return float(counts.sum() if weights is None else counts[weights != 0.0].sum())

    def n_paired(self, convention: Convention) -> int:
        """The number of samples that have a target under the pairing, be it ignored or not."""
        return self.found.paired[convention.term.pairing]

    @property
    def axes(self) -> tuple[int, ...]:
        """The lengths of the axes of the targets."""
        return tuple(n or self.found.n_samples for n in self.dataset.layout.sample_shape)
