"""One pass over the samples for many conventions: sums from which the number of each of them follows at the end.

The loss of a sample is linear in the class weights, so the sums S_c of the losses of class c give the loss under any
weights w as ``sum of w_c S_c``; smoothing adds A_c, the sum of class c's surprisal over all counted samples.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.batch_means import BatchMeans
from nllcli.commands.reconcile.conventions import Convention, Term
from nllcli.commands.reconcile.reading import BlockReading
from nllcli.data.blocks import Part
from nllcli.numerics.kernels import to_float
from nllcli.numerics.tally import Tally
from nllcli.numerics.targets import is_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.values import WeightTable
    from nllcli.data.blocks import Block, Scratch


@dataclass
class _Wanted:
    """The sums that share one reading of the file, each under what decides it; batch means with their class weights."""

    losses: dict[Convention, None] = field(default_factory=dict)
    every_class: dict[Convention, None] = field(default_factory=dict)
    batches: dict[Convention, NDArray[np.float64] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What one pass collects, by what is asked of the file: each reading of it is worked out once a block."""

    n_classes: int
    binary: bool
    single: bool
    batch_sizes: tuple[int, ...]
    wanted: dict[Term, _Wanted] = field(default_factory=lambda: defaultdict(_Wanted))

    def add(self, conventions: Iterable[Convention], weights: WeightTable) -> None:
        """Collect what ``conventions`` need too."""
        for convention in conventions:
            wanted = self.wanted[convention.term.of_reading]
            if convention.batch:
                wanted.batches[convention.of_samples] = weights.of(convention)
            else:
                wanted.losses[convention.of_losses] = None
                if convention.smooths_each_class:
                    wanted.every_class[convention.of_every_class] = None


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

    ``own`` is what ``nll compute`` adds up, ``per_class`` holds the sums under each shift, and ``every_class``
    (n_classes,) adds the surprisal of every class over all counted samples.
    """

    own: Tally = Tally()
    per_class: dict[int, PerClass] = field(default_factory=dict)
    every_class: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)
    batches: dict[Convention, BatchMeans] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def __add__(self, other: ConventionSums) -> ConventionSums:
        return super().__add__(other)


@np.errstate(all="ignore")
def collect(
    block: Block, own: Tally, shifted: Mapping[int, NDArray[np.int64]], plan: Plan, scratch: Scratch
) -> ConventionSums:
    """What one block adds; ``shifted`` are its targets (n,) by shift, where whatever is not a class is not counted."""
    samples = {shift: _Samples(targets, block, plan) for shift, targets in shifted.items()}
    out = ConventionSums(own, {shift: under.weight_sums() for shift, under in samples.items()})
    x = to_float(block.logits, scratch)
    for how, wanted in plan.wanted.items():
        read = BlockReading(x, how, binary=plan.binary, single=plan.single, scratch=scratch)
        for key in wanted.losses:
            shift = key.term.shift
            out.per_class[shift].sums[key] = samples[shift].loss_sums(key, read)
        for key in wanted.every_class:
            out.every_class[key] = samples[key.term.shift].every_class(key, read)
        for key, class_weights in wanted.batches.items():
            out.batches[key] = samples[key.term.shift].batch_means(key, class_weights, read)
    return out


class _Samples:
    """The samples of a block with their ``targets`` (n,) under one shift."""

    def __init__(self, targets: NDArray[np.int64], block: Block, plan: Plan) -> None:
        self._targets = targets
        self._start, self._weights, self._sizes = block.start, block.sample_weights, plan.batch_sizes
        self._is_class = is_class(targets, plan.n_classes)
        self._y = np.where(self._is_class, targets, 0)
        with_others = np.where(self._is_class, targets, plan.n_classes)
        if plan.n_classes <= len(targets):
            self._classes, self._places = np.arange(plan.n_classes + 1), with_others
        else:
            self._classes, self._places = np.unique(with_others, return_inverse=True)

    def weight_sums(self) -> PerClass:
        weights = {False: np.ones(len(self._y)), True: self._weights}
        return PerClass(
            self._classes, {key: self._per_class(values) for key, values in weights.items() if values is not None}
        )

    def loss_sums(self, key: Convention, read: BlockReading) -> NDArray[np.float64]:
        return self._per_class(self._weigh(key, read.losses(key.term, self._y)))

    def every_class(self, key: Convention, read: BlockReading) -> NDArray[np.float64]:
        counted = self._counted(key)
        surprisals = read.surprisal(key.term).all()[counted]
        if key.sample_weights and self._weights is not None:
            surprisals = surprisals * self._weights[counted, None]
        return np.add.reduce(surprisals, axis=0)

    def batch_means(self, key: Convention, class_weights: NDArray[np.float64] | None, read: BlockReading) -> BatchMeans:
        own = np.ones(len(self._y)) if class_weights is None else class_weights[self._y]
        if key.smooths_each_class:
            losses = read.losses(key.term, self._y, class_weights)
        else:
            losses = read.losses(key.term, self._y) * own
        counted = self._counted(key)
        terms, weights = (np.where(counted, self._weigh(key, values), 0.0) for values in (losses, own))
        return BatchMeans.of(terms, weights, start=self._start, sizes=self._sizes)

    def _weigh(self, key: Convention, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``values`` (n,) times the sample weights, where the convention has them."""
        return values * self._weights if key.sample_weights and self._weights is not None else values

    def _counted(self, key: Convention) -> NDArray[np.bool_]:
        return self._is_class & (self._targets != key.ignore_index)

    def _per_class(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self._places, weights=values, minlength=len(self._classes)).astype(np.float64, copy=False)
