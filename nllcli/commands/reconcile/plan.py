"""What one pass collects for many conventions, and how a block adds to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention, Term, round_to
from nllcli.commands.reconcile.sums import BatchMeans, ConventionSums, PerClass
from nllcli.numerics.evaluate import Wanted, evaluate, numbers
from nllcli.numerics.kernels import to_float
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import Surprisal, surprisal
from nllcli.numerics.surprisal.given import Clipped
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
    """What one pass collects for ``conventions``, by reading of the file: each is worked out once a block.

    ``options`` are those of the user's own number, which the pass adds up too.
    """

    def __init__(
        self, conventions: Collection[Convention], weights: WeightTable, shifts: Shifts, options: LossOptions
    ) -> None:
        self._shifts, self._options = shifts, options
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
            shift: _Samples(targets, block, n_classes, self._batch_sizes)
            for shift, targets in self._shifts.read(block).items()
        }
        out = ConventionSums(own, {shift: under.weight_sums() for shift, under in samples.items()})
        raw, _ = numbers(block, self._options.source, scratch)
        x = to_float(raw, scratch)
        for how, wanted in self._wanted.items():
            read = _Reading(x, how, self._options, scratch)
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

    def __init__(self, targets: NDArray[np.int64], block: Block, n_classes: int, batch_sizes: tuple[int, ...]) -> None:
        self._targets = targets
        self._start, self._weights, self._sizes = block.start, block.sample_weights, batch_sizes
        self._is_class = is_class(targets, n_classes)
        self._y = np.where(self._is_class, targets, 0)
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

    def loss_sums(self, key: Convention, read: _Reading) -> NDArray[np.float64]:
        return self._per_class(self._weigh(key, read.losses(key.term, self._y)))

    def every_class(self, key: Convention, read: _Reading) -> NDArray[np.float64]:
        counted = self._counted(key)
        surprisals = read.surprisal(key.term).all()[counted]
        if key.sample_weights and self._weights is not None:
            surprisals = surprisals * self._weights[counted, None]
        return np.add.reduce(surprisals, axis=0)

    def batch_means(self, key: Convention, class_weights: NDArray[np.float64] | None, read: _Reading) -> BatchMeans:
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


class _Reading:
    """A block of numbers ``x`` (n, C), or (n, 1) where binary, read as the term ``how`` says."""

    def __init__(self, x: NDArray[Any], how: Term, options: LossOptions, scratch: Scratch) -> None:
        if how.input_rounding is not None:
            x = round_to(x, how.input_rounding)
        single = options.precision == "fast"
        self._binary = options.binary
        self._outside = _outside(x, how.reading)
        once = surprisal(
            x,
            source="logits" if how.reading == SOFTMAX_TWICE else how.reading,
            binary=options.binary,
            temperature=how.temperature,
            single=single,
            scratch=scratch.sub("once"),
        )
        if how.reading == SOFTMAX_TWICE:
            once = surprisal(once.probs(), single=single, scratch=scratch.sub("twice"))
        self._surprisal = _Remembered(once)

    def surprisal(self, term: Term) -> Surprisal:
        if term.clip is not None:
            return Clipped(self._surprisal, term.clip)
        return self._surprisal if term.added is None else _EpsilonAdded(self._surprisal, term.added)

    def losses(
        self, term: Term, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The losses (n,); NaN where the numbers are not probabilities, which ``nll compute`` refuses."""
        values = LOSSES[term.loss].value(self.surprisal(term), targets, class_weights, term.smoothing)
        if self._outside is not None and self._refuses_outside(term):
            values = np.where(self._outside, np.nan, values)
        return values if term.loss_rounding is None else round_to(values, term.loss_rounding)

    def _refuses_outside(self, term: Term) -> bool:
        """A log-probability above 0 is refused only where 1 - p is needed, and p is not clipped."""
        needs_rest = self._binary or LOSSES[term.loss].asks_every_class
        return term.reading == "probs" or (needs_rest and term.clip is None)


def _outside(x: NDArray[Any], reading: str) -> NDArray[np.bool_] | None:
    """Samples (n,) of which a number is not a probability, or not the logarithm of one."""
    if reading not in ("probs", "log-probs"):
        return None
    outside: NDArray[np.bool_] = x > 0 if reading == "log-probs" else (x < 0) | (x > 1)
    return np.logical_or.reduce(outside, axis=1)


class _Remembered:
    """Surprisals that keep the results of ``at``, which many terms share."""

    def __init__(self, inner: Surprisal) -> None:
        self._at = inner.at
        self._kept: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.n_classes = inner.n_classes
        self.all, self.complement, self.top = inner.all, inner.complement, inner.top
        self.is_top, self.probs, self.unusable = inner.is_top, inner.probs, inner.unusable

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """By the identity of ``classes``, which is kept alive with the result."""
        if id(classes) not in self._kept:
            self._kept[id(classes)] = classes, self._at(classes)
        return self._kept[id(classes)][1]


class _EpsilonAdded(Clipped):
    """Surprisals ``-log(p + eps)``, as people write them to keep the logarithm finite."""

    def __init__(self, inner: Surprisal, eps: float) -> None:
        super().__init__(inner, eps)
        self._eps = eps

    def _clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        added: NDArray[np.float64] = 0.0 - np.log(np.exp(-values) + self._eps)
        return added
