"""What one pass collects for many conventions, and how a block adds to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.asked import Asked, EveryClass, Weighed
from nllcli.commands.reconcile.conventions import Convention, Term
from nllcli.commands.reconcile.reading import Reading, read_tiles
from nllcli.commands.reconcile.sums import Batches, BatchMeans, ConventionSums, PerClass
from nllcli.numerics.evaluate import Wanted, evaluate, numbers
from nllcli.numerics.kernels import to_float
from nllcli.numerics.surprisal import once
from nllcli.numerics.targets import is_class
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.survey import Shifts, WeightTable
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions


@dataclass
class _Wanted:
    """The sums that share one reading of the file, each under what decides it; batch means with their class weights."""

    losses: dict[Convention, None] = field(default_factory=dict)
    every_class: dict[Convention, None] = field(default_factory=dict)
    batches: dict[Convention, NDArray[np.float64] | None] = field(default_factory=dict)


class Plan:
    """What one pass collects for ``conventions``, by reading of the file; those read it together, a tile at a time.

    ``options`` are those of the user's own number, which the pass adds up too.
    """

    def __init__(
        self, conventions: Collection[Convention], weights: WeightTable, shifts: Shifts, options: LossOptions
    ) -> None:
        self._shifts, self._options, self._weighing = shifts, options, weights.classes
        self._batch_sizes = tuple(sorted({convention.batch for convention in conventions if convention.batch}))
        self._wanted: defaultdict[Term, _Wanted] = defaultdict(_Wanted)
        for convention in conventions:
            wanted = self._wanted[convention.term.of_reading]
            if convention.batch:
                wanted.batches[convention.of_samples] = weights.of(convention)
            else:
                wanted.losses[convention.of_losses] = None
                if convention.smooths_each_class:
                    wanted.every_class[convention.of_every_class] = None

    @np.errstate(all="ignore")
    def collect(self, block: Block, scratch: Scratch) -> ConventionSums:
        """What one block adds."""
        own = evaluate(block, self._options, Wanted(), scratch.sub("own")).tally
        n_classes = 2 if self._options.binary else block.logits.shape[1]
        samples = {
            shift: _Samples(targets, block, n_classes, self._batch_sizes, self._weighing)
            for shift, targets in self._shifts.read(block).items()
        }
        out = ConventionSums(own, {shift: under.weight_sums() for shift, under in samples.items()})
        raw, _ = numbers(block, self._options.source, scratch)
        x = to_float(raw, scratch)
        kept = [_Kept(Reading(x, how, self._options), wanted, samples) for how, wanted in self._wanted.items()]
        read_tiles(x, [one.read for one in kept], self._options, scratch)
        for one in kept:
            one.add_to(out)
        return out


class _Kept:
    """What one reading of a block is asked for, and what of it is kept; ``samples`` are those under each shift."""

    def __init__(self, read: Reading, wanted: _Wanted, samples: dict[int, _Samples]) -> None:
        self.read, self._wanted, self._samples = read, wanted, samples
        self._losses: dict[Convention, Asked | None] = {}
        for key in wanted.losses:
            under = samples[key.term.shift]
            self._losses[key] = None if under.have_no_sum(read.refused(key.term)) else under.asked(key)
        self._batches = {key: samples[key.term.shift].asked(key, weights) for key, weights in wanted.batches.items()}
        asked = (one for one in (*self._losses.values(), *self._batches.values()) if one is not None)
        read.ask(asked, {key: samples[key.term.shift].every_class(key) for key in wanted.every_class})

    def add_to(self, out: ConventionSums) -> None:
        """Put the sums in, once the block is read."""
        for key, one in self._losses.items():
            under, sums = self._samples[key.term.shift], out.per_class[key.term.shift].sums
            sums[key] = under.without_sum if one is None else under.loss_sums(key, self.read.losses(one))
        out.every_class.update(self.read.every_class)
        for key, asked in self._batches.items():
            under = self._samples[key.term.shift]
            out.batches[key] = under.batch_means(key, self._wanted.batches[key], self.read.losses(asked))


class _Samples:
    """The samples of a block with their ``targets`` (n,) under one shift, and the classes that are ``weighing``.

    Class weights are those of ``weighing`` (k,), of every class where that is None.
    """

    def __init__(
        self,
        targets: NDArray[np.int64],
        block: Block,
        n_classes: int,
        batch_sizes: tuple[int, ...],
        weighing: NDArray[np.int64] | None,
    ) -> None:
        self._targets = targets
        self._start, self._weights, self._sizes = block.start, block.sample_weights, batch_sizes
        self._cut: dict[tuple[int, int, bool], tuple[NDArray[np.bool_], Batches]] = {}
        self._refused: dict[int, tuple[NDArray[np.bool_], bool]] = {}
        self._is_class = is_class(targets, n_classes)
        self._y = np.where(self._is_class, targets, 0)
        self._weighing = weighing
        self._weight_places = self._y if weighing is None else np.searchsorted(weighing, self._y)
        with_others = np.where(self._is_class, targets, n_classes)
        if n_classes <= len(targets):
            self._classes, self._places = np.arange(n_classes + 1), with_others
        else:
            self._classes, self._places = np.unique(with_others, return_inverse=True)

    def weight_sums(self) -> PerClass:
        weights = {False: np.ones(len(self._y)), True: self._weights}
        return PerClass(
            self._classes, {key: self._per_class(values) for key, values in weights.items() if values is not None}
        )

    def asked(self, key: Convention, class_weights: NDArray[np.float64] | None = None) -> Asked:
        """The losses that a convention's sums take; with weights only where each class's term has its own."""
        if class_weights is None or not key.smooths_each_class:
            return Asked(key.term, self._y)
        return Asked(key.term, self._y, Weighed(class_weights, self._weighing))

    def loss_sums(self, key: Convention, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._per_class(self._weigh(key, losses))

    def have_no_sum(self, refused: NDArray[np.bool_] | None) -> bool:
        """Whether each class that occurs has some of the ``refused`` samples (n,), so that its sum is NaN."""
        if refused is None:
            return False
        if id(refused) not in self._refused:
            hit = self._per_class(refused.astype(np.float64)) > 0.0
            self._refused[id(refused)] = refused, bool(hit[self._occurs].all())
        return self._refused[id(refused)][1]

    @once
    def _occurs(self) -> NDArray[np.bool_]:
        return self._per_class(np.ones(len(self._y))) > 0.0

    @once
    def without_sum(self) -> NDArray[np.float64]:
        """Sums of losses where those of each class that occurs have a NaN."""
        return np.where(self._occurs, np.nan, 0.0)

    def every_class(self, key: Convention) -> EveryClass:
        weights = self._weights if key.sample_weights else None
        return EveryClass(key.term, self._counted(key), weights, self._weighing)

    def batch_means(
        self, key: Convention, class_weights: NDArray[np.float64] | None, losses: NDArray[np.float64]
    ) -> BatchMeans:
        counted, batches = self._batches(key, class_weights)
        if class_weights is not None and not key.smooths_each_class:
            losses = losses * class_weights[self._weight_places]
        terms = self._weigh(key, losses)
        return batches.means(terms if counted.all() else np.where(counted, terms, 0.0))

    def _batches(self, key: Convention, class_weights: NDArray[np.float64] | None) -> tuple[NDArray[np.bool_], Batches]:
        """Which samples count, and their weights cut into batches, which many conventions share."""
        kind = (id(class_weights), key.ignore_index, key.sample_weights)
        if kind not in self._cut:
            counted = self._counted(key)
            own = np.ones(len(self._y)) if class_weights is None else class_weights[self._weight_places]
            weights = np.where(counted, self._weigh(key, own), 0.0)
            self._cut[kind] = counted, Batches.of(weights, start=self._start, sizes=self._sizes)
        return self._cut[kind]

    def _weigh(self, key: Convention, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``values`` (n,) times the sample weights, where the convention has them."""
        return values * self._weights if key.sample_weights and self._weights is not None else values

    def _counted(self, key: Convention) -> NDArray[np.bool_]:
        return self._is_class & (self._targets != key.ignore_index)

    def _per_class(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self._places, weights=values, minlength=len(self._classes)).astype(np.float64, copy=False)
