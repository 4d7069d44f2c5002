"""The sums of one pass over the samples, from which the numbers of many conventions follow at the end.

The loss of a sample is linear in the class weights, so the sums S_c of the losses of class c give the loss under any
weights w as ``sum of w_c S_c``; smoothing adds A_c, the sum of class c's surprisal over all counted samples.
"""

from __future__ import annotations

import math
from dataclasses import field, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.reconcile.conventions import Convention
    from nllcli.commands.reconcile.survey import WeightTable


@dataclass(frozen=True)
class PerClass:
    """Sums over the samples of each of the ``classes`` (k,) that occur, (k,) each; n_classes for what is not a class.

    The sums of losses have what decides them for a key, those of the weights whether they are sample weights, or 1.
    """

    classes: NDArray[np.int64]
    sums: dict[Convention | bool, NDArray[np.float64]]

    def __add__(self, other: PerClass) -> PerClass:
        classes = np.union1d(self.classes, other.classes)
        ours, theirs = self.among(classes), other.among(classes)
        return PerClass(classes, {key: ours[key] + theirs[key] for key in ours})

    def among(self, classes: NDArray[np.int64]) -> dict[Convention | bool, NDArray[np.float64]]:
        """The sums of ``classes``, in ascending order, which include all that occur."""
        places = np.searchsorted(classes, self.classes)
        out = {}
        for key, sums in self.sums.items():
            out[key] = np.zeros(len(classes))
            out[key][places] = sums
        return out


@dataclass(frozen=True)
class ConventionSums(Part):
    """The sums of many samples, by what decides them.

    ``own`` is what ``nll compute`` adds up, ``per_class`` holds the sums under each shift, and ``every_class`` (k,)
    adds the surprisal of every class that may weigh anything over all counted samples.
    """

    own: Tally = Tally()
    per_class: dict[int, PerClass] = field(default_factory=dict)
    every_class: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)
    batches: dict[Convention, BatchMeans] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def __add__(self, other: ConventionSums) -> ConventionSums:
        return super().__add__(other)


@dataclass(frozen=True)
class _Cut:
    """The weights of a run cut into batches of one size, whose last samples are at the places ``ends``.

    ``weight_sums`` (m,) are those of the batches of the run that have a mean, which ``there`` (n_batches,) says; None
    where all do.
    """

    ends: slice
    weight_sums: NDArray[np.float64]
    there: NDArray[np.bool_] | None

    @classmethod
    def of(cls, running: NDArray[np.float64], ends: slice) -> _Cut:
        """Of weights that are added up one by one, (n,)."""
        weight_sums = np.diff(running[ends])
        there = weight_sums != 0.0
        return cls(ends, weight_sums, None) if there.all() else cls(ends, weight_sums[there], there)

    def sum_of_means(self, running: NDArray[np.float64]) -> float:
        """The sum of the batches' means of loss terms that are added up one by one, (n,)."""
        sums = np.diff(running[self.ends])
        return float(((sums if self.there is None else sums[self.there]) / self.weight_sums).sum())


@dataclass(frozen=True)
class Batches:
    """A run of samples that begins at ``start`` cut into batches of each of S ``sizes``.

    ``run`` is that of their weights with loss terms of 0.
    """

    start: int
    run: BatchMeans
    cuts: tuple[_Cut, ...]

    @classmethod
    def of(cls, weights: NDArray[np.float64], *, start: int, sizes: tuple[int, ...]) -> Batches:
        """Of ``weights`` (n,); a batch of B samples begins at every multiple of B."""
        n, running = len(weights), np.cumsum(weights)
        cuts = tuple(_Cut.of(running, slice(size - 1 - start % size, n, size)) for size in sizes)
        whole, head, inner, tail = np.zeros(2), *(np.zeros((2, len(sizes))) for _ in range(3))
        whole[1] = running[-1]
        head[1], tail[1] = _ends(running, cuts)
        inner[1] = [len(cut.weight_sums) for cut in cuts]
        ended = np.array([cut.ends.start < n for cut in cuts])
        return cls(start, BatchMeans(sizes, n, whole, head, inner, tail, ended), cuts)

    def means(self, terms: NDArray[np.float64]) -> BatchMeans:
        """The means of loss ``terms`` (n,) over each batch; batches whose weights add up to 0 have none."""
        running = np.cumsum(terms)
        weights = self.run
        whole, head, inner, tail = (sums.copy() for sums in (weights.whole, weights.head, weights.inner, weights.tail))
        whole[0] = running[-1]
        head[0], tail[0] = _ends(running, self.cuts)
        inner[0] = [cut.sum_of_means(running) for cut in self.cuts]
        run = replace(weights, whole=whole, head=head, inner=inner, tail=tail)
        if self.start:
            return run
        none = np.zeros_like(head)  # before the first sample there is nothing, and a batch of every size begins
        return BatchMeans(run.sizes, 0, np.zeros(2), none, none, none, np.ones_like(run.ended)) + run


def _ends(running: NDArray[np.float64], cuts: tuple[_Cut, ...]) -> tuple[list[float], list[float]]:
    """The sums up to the first end of a batch of each size, and those after the last one; the whole where none ends."""
    head, tail = [], []
    for cut in cuts:
        ends = running[cut.ends]
        head.append(ends[0] if len(ends) else 0.0)
        tail.append(running[-1] - ends[-1] if len(ends) else running[-1])
    return head, tail


@dataclass(frozen=True)
class BatchMeans:
    """A run of ``n`` samples cut into batches of each of S ``sizes``; ``+`` appends the run that follows it.

    Of loss terms and weights: ``whole`` (2,) holds the sums over the run, ``head`` (2, S) those up to the first end of
    a batch, ``tail`` (2, S) those after the last one, and ``inner`` (2, S) the sum and the number of the means of the
    batches in between. ``ended`` (S,): whether a batch ends in the run; where none does, all of it is ``tail``.
    """

    sizes: tuple[int, ...]
    n: int
    whole: NDArray[np.float64]
    head: NDArray[np.float64]
    inner: NDArray[np.float64]
    tail: NDArray[np.float64]
    ended: NDArray[np.bool_]

    @classmethod
    def of(
        cls, terms: NDArray[np.float64], weights: NDArray[np.float64], *, start: int, sizes: tuple[int, ...]
    ) -> BatchMeans:
        """The run of samples ``start``, ``start + 1``, ... with loss ``terms`` (n,) and ``weights`` (n,).

        A batch of B samples begins at every multiple of B; batches whose weights add up to 0 have no mean.
        """
        return Batches.of(weights, start=start, sizes=sizes).means(terms)

    def __add__(self, run: BatchMeans) -> BatchMeans:
        joined = self.tail + run.head  # the batch that reaches from one run into the other
        there = joined[1] != 0.0
        mean = np.where(there, joined[0] / np.where(there, joined[1], 1.0), 0.0)
        both = self.ended & run.ended
        return BatchMeans(
            self.sizes,
            self.n + run.n,
            self.whole + run.whole,
            np.where(self.ended, self.head, joined),
            self.inner + np.where(both, np.stack([mean, there]) + run.inner, run.inner),
            np.where(run.ended, run.tail, self.tail + run.tail),
            self.ended | run.ended,
        )

    def value(self, reduction: str, size: int) -> float:
        """The reduced number of a run that begins with the first sample; NaN where the run has no batch.

        "batch-means" is the mean over all batches that have a mean, "full-batch-means" leaves the last short one out,
        "batch-means-by-size" weighs each by its number of samples; "full-batches" is one mean over the samples of the
        whole batches.
        """
        s = self.sizes.index(size)
        total, n_means = (float(v) for v in self.inner[:, s])
        left = self.n % size
        terms, weights = (float(v) for v in self.tail[:, s])
        last = terms / weights if left and weights else 0.0
        if reduction == "full-batch-means":
            return _ratio(total, n_means)
        if reduction == "batch-means":
            return _ratio(total + last, n_means + bool(left and weights))
        if reduction == "batch-means-by-size":
            return _ratio(total * size + last * left, self.n)
        return _ratio(float(self.whole[0]) - terms, float(self.whole[1]) - weights)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


class Values:
    """The numbers that follow from the sums of one pass; ``n_items`` is the length of the first axis."""

    def __init__(self, sums: ConventionSums, weights: WeightTable, *, n_classes: int, n_items: int) -> None:
        self._sums = sums
        self.weights = weights
        self._n_classes = n_classes
        self._n_items = n_items
        classes = np.arange(n_classes) if weights.classes is None else weights.classes
        classes = np.append(classes, n_classes)  # the last is for targets that are not a class
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
        """The sums (k,) under ``key``, 0 for the ignored class."""
        sums: NDArray[np.float64] = self.weights.without(
            self._per_class[convention.term.shift][key][:-1], convention.ignore_index
        )
        return sums

    def _add(self, convention: Convention, sums: NDArray[np.float64]) -> float:
        """``sum of w_c sums_c`` over the classes, where a weight of 0 takes out an infinite sum."""
        weights = self.weights.of(convention)
        if weights is None:
            return float(sums.sum())
        there = weights != 0.0
        return float((weights[there] * sums[there]).sum())
