"""What one pass collects for many conventions, and how a block adds to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.asked import Asked, EveryClass, Weighed
from nllcli.commands.reconcile.convention import Convention, Term
from nllcli.commands.reconcile.conventions.batches import PARTS
from nllcli.commands.reconcile.conventions.reductions import PAIRS
from nllcli.commands.reconcile.conventions.samples import entropy, smoothed_entropy
from nllcli.commands.reconcile.reading import Reading, read_tiles
from nllcli.commands.reconcile.sums import ConventionSums, PerClass
from nllcli.numerics.evaluate import Wanted, evaluate, numbers
from nllcli.numerics.kernels import to_float
from nllcli.numerics.targets import is_class
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.pairs import Pairs
    from nllcli.commands.reconcile.sums import Pieces
    from nllcli.commands.reconcile.survey import Items, WeightTable
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions


@dataclass
class _Wanted:
    """The sums that share one reading of the file, each under what decides it; those over runs, with their weights."""

    losses: dict[Convention, None] = field(default_factory=dict)
    every_class: dict[Convention, None] = field(default_factory=dict)
    runs: dict[Convention, NDArray[np.float64] | None] = field(default_factory=dict)


class Plan:
    """What one pass collects for ``conventions``, by reading of the file; those read it together, a tile at a time.

    ``options`` are those of the user's own number, which the pass adds up too; ``made`` (n_samples, C) is what the
    readings of a whole file make of its numbers.
    """

    def __init__(
        self,
        conventions: Collection[Convention],
        weights: WeightTable,
        pairs: Pairs,
        items: Items,
        options: LossOptions,
        made: Mapping[str, NDArray[np.float64]],
    ) -> None:
        self._pairs, self._options, self._weighing, self._made = pairs, options, weights.classes, made
        self._run = items.length * items.step
        self._wanted: defaultdict[Term, _Wanted] = defaultdict(_Wanted)
        for convention in conventions:
            wanted = self._wanted[convention.term.of_reading]
            if convention.reduction in PARTS:
                wanted.runs[convention.of_samples] = weights.of(convention)
                continue
            wanted.losses[convention.of_losses] = None
            if convention.smooths_each_class or convention.reduction == PAIRS:
                wanted.every_class[convention.of_every_class] = None

    @np.errstate(all="ignore")
    def collect(self, block: Block, scratch: Scratch) -> ConventionSums:
        """What one block adds."""
        own = evaluate(block, self._options, Wanted(), scratch.sub("own")).tally
        n_classes = 2 if self._options.binary else block.logits.shape[1]
        samples = {
            pairing: _Samples(targets, block, n_classes, self._run, self._weighing)
            for pairing, targets in self._pairs.read(block).items()
        }
        out = ConventionSums(own, {pairing: under.weight_sums() for pairing, under in samples.items()})
        raw, _ = numbers(block, self._options.source, scratch)
        x = to_float(raw, scratch)
        kept = []
        for how, wanted in self._wanted.items():
            made = self._made.get(how.reading)
            made = None if made is None else made[block.start : block.start + len(x)]
            kept.append(_Kept(Reading(x, how, self._options, made), wanted, samples))
        read_tiles(x, [one.read for one in kept], self._options, scratch)
        for one in kept:
            one.add_to(out)
        return out


class _Kept:
    """What one reading of a block is asked for, and what of it is kept; ``samples`` are those under each pairing."""

    def __init__(self, read: Reading, wanted: _Wanted, samples: Mapping[Any, _Samples]) -> None:
        self.read, self._wanted, self._samples = read, wanted, samples
        self._losses = {key: samples[key.term.pairing].asked(key) for key in wanted.losses}
        self._runs = {key: samples[key.term.pairing].asked(key, weights) for key, weights in wanted.runs.items()}
        asked = (*self._losses.values(), *self._runs.values())
        read.ask(asked, {key: samples[key.term.pairing].every_class(key) for key in wanted.every_class})

    def add_to(self, out: ConventionSums) -> None:
        """Put the sums in, once the block is read."""
        for key, asked in self._losses.items():
            under, sums = self._samples[key.term.pairing], out.per_class[key.term.pairing].sums
            sums[key] = under.loss_sums(key, self.read.losses(asked))
        out.every_class.update(self.read.every_class)
        for key, asked in self._runs.items():
            under, weights = self._samples[key.term.pairing], self._wanted.runs[key]
            out.run_losses[key] = under.run_losses(key, weights, self.read.losses(asked))
            if key.of_weights not in out.run_weights:
                out.run_weights[key.of_weights] = under.run_weights(key, weights)


class _Samples:
    """The samples of a block with their ``targets``, (n,) or (n, C), under one pairing, cut into runs of ``run``.

    Class weights are those of ``weighing`` (k,), of every class where that is None.
    """

    def __init__(
        self, targets: NDArray[Any], block: Block, n_classes: int, run: int, weighing: NDArray[np.int64] | None
    ) -> None:
        self._soft = targets if targets.ndim > 1 else None
        self._targets = targets if self._soft is None else np.zeros(len(targets), np.int64)
        self._start, self._weights, self._run, self._n_classes = block.start, block.sample_weights, run, n_classes
        self._is_class = is_class(self._targets, n_classes)
        self._y = np.where(self._is_class, self._targets, 0)
        self._weighing = weighing
        self._weight_places = self._y if weighing is None else np.searchsorted(weighing, self._y)
        with_others = np.where(self._is_class, self._targets, n_classes)
        if n_classes <= len(targets):
            self._classes, self._places = np.arange(n_classes + 1), with_others
        else:
            self._classes, self._places = np.unique(with_others, return_inverse=True)

    def weight_sums(self) -> PerClass:
        weights = {"ones": np.ones(len(self._y))}
        if self._weights is not None:
            weights |= {"weights": self._weights, "nonzero": (self._weights != 0.0).astype(np.float64)}
        return PerClass(self._classes, {key: self._per_class(values) for key, values in weights.items()})

    def asked(self, key: Convention, class_weights: NDArray[np.float64] | None = None) -> Asked:
        """The losses that a convention's sums take; with weights only where each class's term has its own."""
        targets = self._y if self._soft is None else self._soft
        entropies = self._entropies(key.term.smoothing) if key.term.less_entropy else 0.0
        if class_weights is None or not key.smooths_each_class:
            return Asked(key.term, targets, entropies=entropies)
        return Asked(key.term, targets, Weighed(class_weights, self._weighing), entropies)

    def _entropies(self, smoothing: float) -> NDArray[np.float64] | float:
        """Those of the smoothed targets."""
        if self._soft is None:
            return smoothed_entropy(smoothing, self._n_classes)
        entropies: NDArray[np.float64] = entropy((1.0 - smoothing) * self._soft + smoothing / self._n_classes)
        return entropies

    def loss_sums(self, key: Convention, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._per_class(self._weigh(key, losses))

    def every_class(self, key: Convention) -> EveryClass:
        weights = self._weights if key.sample_weights else None
        return EveryClass(key.term, self._counted(key), weights, self._weighing)

    def run_losses(
        self, key: Convention, class_weights: NDArray[np.float64] | None, losses: NDArray[np.float64]
    ) -> Pieces:
        if class_weights is not None and not key.smooths_each_class:
            losses = losses * class_weights[self._weight_places]
        return self._runs(np.where(self._counted(key), self._weigh(key, losses), 0.0))

    def run_weights(self, key: Convention, class_weights: NDArray[np.float64] | None) -> Pieces:
        own = np.ones(len(self._y)) if class_weights is None else class_weights[self._weight_places]
        return self._runs(np.where(self._counted(key), self._weigh(key, own), 0.0))

    def _runs(self, values: NDArray[np.float64]) -> Pieces:
        """The sums over the runs of the block, with the number of the first."""
        first, run = self._start // self._run, self._run
        if run == 1:
            return ((first, values),)
        starts = np.arange(first * run, self._start + len(values), run) - self._start
        return ((first, np.add.reduceat(values, np.maximum(starts, 0))),)

    def _weigh(self, key: Convention, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``values`` (n,) times the sample weights, where the convention has them."""
        return values * self._weights if key.sample_weights and self._weights is not None else values

    def _counted(self, key: Convention) -> NDArray[np.bool_]:
        return self._is_class & (self._targets != key.ignore_index)

    def _per_class(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self._places, weights=values, minlength=len(self._classes)).astype(np.float64, copy=False)
