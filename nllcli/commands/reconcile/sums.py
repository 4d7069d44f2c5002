"""One pass over the samples for many conventions: per-class sums from which each of them follows at the end.

The loss of a sample is linear in the class weights, so the sums S_c of the losses of class c give the loss under any
weights w as ``sum of w_c S_c``; smoothing adds A_c, the sum of class c's surprisal over all counted samples.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.batch_means import BatchMeans, BatchSums, batch_sums
from nllcli.commands.reconcile.conventions import (
    SOFTMAX_TWICE,
    Convention,
    EpsilonAdded,
    Term,
    Weighting,
    plain_term,
    round_to,
)
from nllcli.numerics.kernels.convert import to_float
from nllcli.numerics.losses import LOSSES, nll
from nllcli.numerics.surprisal import Surprisal, surprisal
from nllcli.numerics.surprisal.given import Clipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch


@dataclass(frozen=True)
class SumKey:
    """A per-class sum S of ``term``; times the sample weights where ``sample_weights``."""

    term: Term
    sample_weights: bool


@dataclass(frozen=True)
class EverywhereKey:
    """A sum A of every class's surprisal under ``term``, without the samples of ``ignore_index``."""

    term: Term
    sample_weights: bool
    ignore_index: int


@dataclass(frozen=True)
class BatchKey:
    """Batch means of one convention, for all batch sizes."""

    term: Term
    own_weight_smoothing: bool
    sample_weights: bool
    ignore_index: int
    weighting: Weighting


def sum_key(convention: Convention) -> SumKey:
    term = plain_term(convention.term) if convention.spread_apart else convention.term
    return SumKey(term, convention.sample_weights)


def everywhere_key(convention: Convention) -> EverywhereKey:
    return EverywhereKey(plain_term(convention.term), convention.sample_weights, convention.ignore_index)


def batch_key(convention: Convention) -> BatchKey:
    return BatchKey(
        convention.term,
        convention.own_weight_smoothing,
        convention.sample_weights,
        convention.ignore_index,
        convention.weighting,
    )


@dataclass(frozen=True)
class Plan:
    """What one pass collects: the keys of each kind, and ``weights`` (n_classes,) for the batch means that have any."""

    n_classes: int
    binary: bool
    single: bool
    sums: tuple[SumKey, ...]
    everywhere: tuple[EverywhereKey, ...]
    batches: tuple[BatchKey, ...]
    batch_sizes: tuple[int, ...]
    weights: Mapping[BatchKey, NDArray[np.float64] | None]

    @classmethod
    def of(
        cls,
        conventions: Iterable[Convention],
        weights_of: Any,
        *,
        n_classes: int,
        binary: bool,
        single: bool,
        batch_sizes: Sequence[int],
    ) -> Plan:
        """The plan that ``conventions`` need; ``weights_of(convention)`` gives the weights (n_classes,) or None."""
        sums: dict[SumKey, None] = {}
        everywhere: dict[EverywhereKey, None] = {}
        batches: dict[BatchKey, NDArray[np.float64] | None] = {}
        for convention in conventions:
            if convention.batch:
                key = batch_key(convention)
                if key not in batches:
                    batches[key] = weights_of(convention)
                continue
            sums[sum_key(convention)] = None
            if convention.spread_apart:
                everywhere[everywhere_key(convention)] = None
        return cls(
            n_classes, binary, single, tuple(sums), tuple(everywhere), tuple(batches), tuple(batch_sizes), batches
        )

    def by_reading(self) -> dict[_HowRead, _Wanted]:
        """The keys by what they ask of the file, so that each reading is worked out once a block."""
        groups: dict[_HowRead, _Wanted] = defaultdict(_Wanted)
        for key in self.sums:
            groups[_how_read(key.term)].sums.append(key)
        for everywhere in self.everywhere:
            groups[_how_read(everywhere.term)].everywhere.append(everywhere)
        for batch in self.batches:
            groups[_how_read(batch.term)].batches.append(batch)
        return groups


@dataclass
class _Wanted:
    """The keys that share one reading of the file."""

    sums: list[SumKey] = field(default_factory=list)
    everywhere: list[EverywhereKey] = field(default_factory=list)
    batches: list[BatchKey] = field(default_factory=list)


_HowRead = tuple[str, float, str | None]


def _how_read(term: Term) -> _HowRead:
    return term.reading, term.temperature, term.input_rounding


@dataclass(frozen=True)
class _Targets:
    """The targets of a block under one shift: class ``y`` (n,), 0 where ``counted`` (n,) is false.

    ``classes`` are those that occur (or all), ``place`` the counted samples' places among them.
    """

    raw: NDArray[np.int64]
    y: NDArray[np.int64]
    counted: NDArray[np.bool_]
    classes: NDArray[np.int64] | slice
    place: NDArray[np.int64]
    n_places: int

    @property
    def all_counted(self) -> bool:
        return len(self.place) == len(self.raw)

    @classmethod
    def of(cls, raw: NDArray[np.int64], n_classes: int) -> _Targets:
        counted = raw.view(np.uint64) < n_classes
        y = np.where(counted, raw, 0)
        if n_classes <= len(raw):
            return cls(raw, y, counted, slice(None), raw[counted], n_classes)
        classes, place = np.unique(raw[counted], return_inverse=True)
        return cls(raw, y, counted, classes, place, len(classes))

    def per_class(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        counted = values if self.all_counted else values[self.counted]
        sums = np.bincount(self.place, weights=counted, minlength=self.n_places)
        return sums.astype(np.float64, copy=False)


@dataclass(frozen=True)
class BlockSums:
    """What one block adds; ``classes`` says, per shift, which classes the per-class sums belong to."""

    n: int
    classes: dict[int, NDArray[np.int64] | slice]
    counts: dict[int, NDArray[np.float64]]
    sample_weights: dict[int, NDArray[np.float64]]
    sums: dict[SumKey, NDArray[np.float64]]
    everywhere: dict[EverywhereKey, NDArray[np.float64]]
    batches: dict[BatchKey, BatchSums]


def collect(block: Block, targets: Mapping[int, NDArray[np.int64]], plan: Plan, scratch: Scratch) -> BlockSums:
    """Work out one block; ``targets`` (n,) by shift, where whatever is no class is not counted."""
    x = to_float(block.logits, scratch)
    shifted = {shift: _Targets.of(raw, plan.n_classes) for shift, raw in targets.items()}
    weights = block.sample_weights
    out = BlockSums(
        len(x),
        {shift: t.classes for shift, t in shifted.items()},
        {shift: t.per_class(np.ones(len(x))) for shift, t in shifted.items()},
        {} if weights is None else {shift: t.per_class(weights) for shift, t in shifted.items()},
        {},
        {},
        {},
    )
    with np.errstate(all="ignore"):
        for reading, wanted in plan.by_reading().items():
            worked = _Reading(x, reading, plan, scratch)
            for key in wanted.sums:
                t = shifted[key.term.shift]
                out.sums[key] = t.per_class(_times(worked.losses(key.term, t.y), weights, key.sample_weights))
            for everywhere in wanted.everywhere:
                t = shifted[everywhere.term.shift]
                out.everywhere[everywhere] = _everywhere(everywhere, worked, t, weights)
            for batch in wanted.batches:
                t = shifted[batch.term.shift]
                out.batches[batch] = _batches(batch, worked, t, weights, plan, block.start)
    return out


def _times(
    values: NDArray[np.float64], sample_weights: NDArray[np.float64] | None, wanted: bool
) -> NDArray[np.float64]:
    return values * sample_weights if wanted and sample_weights is not None else values


def _everywhere(
    key: EverywhereKey, worked: _Reading, targets: _Targets, sample_weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    counted = targets.counted & (targets.raw != key.ignore_index)
    values = worked.scores(key.term).all()[counted]
    if key.sample_weights and sample_weights is not None:
        values = values * sample_weights[counted, None]
    return np.add.reduce(values, axis=0)


def _batches(
    key: BatchKey,
    worked: _Reading,
    targets: _Targets,
    sample_weights: NDArray[np.float64] | None,
    plan: Plan,
    start: int,
) -> BatchSums:
    class_weights = plan.weights[key]
    own = np.ones(len(targets.y)) if class_weights is None else class_weights[targets.y]
    if key.term.smoothing and class_weights is not None and not key.own_weight_smoothing:
        terms = worked.readable(
            nll.value(worked.scores(key.term), targets.y, class_weights, key.term.smoothing), key.term
        )
    else:
        terms = worked.losses(key.term, targets.y) * own
    counted = targets.counted & (targets.raw != key.ignore_index)
    terms = np.where(counted, _times(terms, sample_weights, key.sample_weights), 0.0)
    weights = np.where(counted, _times(own, sample_weights, key.sample_weights), 0.0)
    return batch_sums(terms, weights, start=start, sizes=plan.batch_sizes)


class _Reading:
    """A block read in one way."""

    def __init__(self, x: NDArray[Any], reading: tuple[str, float, str | None], plan: Plan, scratch: Scratch) -> None:
        name, temperature, rounding = reading
        if rounding is not None:
            x = round_to(x, rounding)
        self._outside = _outside(x, name)
        self._binary = plan.binary
        self._scores = _Remembered(_surprisal(x, name, temperature, plan, scratch))

    def scores(self, term: Term) -> Surprisal:
        if term.clip is not None:
            return Clipped(self._scores, term.clip)
        return self._scores if term.added is None else EpsilonAdded(self._scores, term.added)

    def readable(self, losses: NDArray[np.float64], term: Term) -> NDArray[np.float64]:
        """The ``losses`` (n,) with NaN where numbers cannot be read so, as ``nll compute`` refuses them."""
        if self._outside is None:
            return losses
        if term.reading == "log-probs" and (
            term.clip is not None or not (self._binary or LOSSES[term.loss].asks_every_class)
        ):
            return losses  # no 1 - p that would be negative
        return np.where(self._outside, np.nan, losses)

    def losses(self, term: Term, targets: NDArray[np.int64]) -> NDArray[np.float64]:
        """The samples' losses (n,); NaN where the numbers cannot be read as probabilities."""
        values = self.readable(LOSSES[term.loss].value(self.scores(term), targets, None, term.smoothing), term)
        return values if term.loss_rounding is None else round_to(values, term.loss_rounding)


def _outside(x: NDArray[Any], reading: str) -> NDArray[np.bool_] | None:
    """Samples (n,) of which a number is no probability, or no logarithm of one."""
    if reading not in ("probs", "log-probs"):
        return None
    outside: NDArray[np.bool_] = x > 0 if reading == "log-probs" else (x < 0) | (x > 1)
    return np.logical_or.reduce(outside, axis=1)


class _Remembered:
    """Surprisals that keep what ``at`` gave: many terms differ only in what they make of it."""

    def __init__(self, inner: Surprisal) -> None:
        self._inner = inner
        self._kept: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.n_classes = inner.n_classes
        self.all, self.complement, self.top = inner.all, inner.complement, inner.top
        self.is_top, self.probs, self.unusable = inner.is_top, inner.probs, inner.unusable

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """A copy, by the identity of ``classes``, which is kept alive with it."""
        if id(classes) not in self._kept:
            self._kept[id(classes)] = classes, self._inner.at(classes)
        return self._kept[id(classes)][1].copy()


def _surprisal(x: NDArray[Any], reading: str, temperature: float, plan: Plan, scratch: Scratch) -> Surprisal:
    source = "logits" if reading == SOFTMAX_TWICE else reading
    once = surprisal(
        x,
        source=source,
        binary=plan.binary,
        temperature=temperature,
        single=plan.single,
        scratch=scratch.sub("once"),
    )
    if reading != SOFTMAX_TWICE:
        return once
    return surprisal(once.probs(), single=plan.single, scratch=scratch.sub("twice"))


@dataclass
class ConventionSums:
    """The sums over all blocks, added in file order; (n_classes,) float64 each, by key."""

    plan: Plan
    n_samples: int = 0
    counts: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    sample_weights: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    sums: dict[SumKey, NDArray[np.float64]] = field(default_factory=dict)
    everywhere: dict[EverywhereKey, NDArray[np.float64]] = field(default_factory=dict)
    batches: dict[BatchKey, BatchMeans] = field(default_factory=dict)

    def add(self, block: BlockSums) -> None:
        self.n_samples += block.n
        for shift, classes in block.classes.items():
            self._of(self.counts, shift)[classes] += block.counts[shift]
            if block.sample_weights:
                self._of(self.sample_weights, shift)[classes] += block.sample_weights[shift]
        with np.errstate(all="ignore"):
            for key, sums in block.sums.items():
                self._of(self.sums, key)[block.classes[key.term.shift]] += sums
            for everywhere_key_, sums in block.everywhere.items():
                self._of(self.everywhere, everywhere_key_)[:] += sums
        for batch_key_, run in block.batches.items():
            if batch_key_ not in self.batches:
                self.batches[batch_key_] = BatchMeans(self.plan.batch_sizes)
            self.batches[batch_key_].add(run)

    def _of(self, sums: dict[Any, NDArray[np.float64]], key: Any) -> NDArray[np.float64]:
        if key not in sums:
            sums[key] = np.zeros(self.plan.n_classes)
        return sums[key]
