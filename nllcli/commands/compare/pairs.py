"""One block of samples, scored by every model -> the sums of each, and of the differences of each pair."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.groups import N_EXTREMES, Kind, Samples, Scattered, Together
from nllcli.commands.compare.sums import ClassSums, Counts, DivergenceSums, PairSums, Sums
from nllcli.commands.compare.units import Bins, Units
from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.errors import SampleError
from nllcli.numerics.divergence import divergence
from nllcli.numerics.evaluate import Scored, Wanted, score, sums_of
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.numerics.spread import Spread
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions
    from nllcli.numerics.pictured import PicturesWanted


@dataclass(frozen=True)
class Outcome:
    """What comes of a block: its sums, and the differences (n,) of the first pair, where they are kept."""

    start: int
    sums: Sums
    differences: NDArray[np.float64] | None = None

    def __add__(self, other: Outcome) -> Outcome:
        """The sums of both."""
        return Outcome(self.start, self.sums + other.sums)

    def shifted(self, by: int) -> Outcome:
        """The same of samples whose numbers are so much higher."""
        return replace(self, start=self.start + by, sums=self.sums.shifted(by))

    @property
    def named_samples(self) -> tuple[int, ...]:
        """The samples that findings and lists name."""
        found = [sample for tally in self.sums.models for rows in tally.findings.values() for sample in rows.first]
        return (*found, *self.sums.named_samples)


@dataclass(frozen=True)
class Comparing:
    """The work on a block: ``pairs`` are the places of baseline and model among the models, scored by ``options`` each.

    ``diverging`` says of each pair whether the divergence is wanted, ``by_class`` whether there are sums of classes.
    ``n_largest`` is how many samples are listed. Units are summed up in runs of ``2**level``; they are samples, or
    where there are some ``n_groups``, which perhaps ``lie_together``. ``fingerprint`` asks for what tells the samples
    apart, and ``pictures`` are made of what is collected then.
    """

    options: tuple[LossOptions, ...]
    pairs: tuple[tuple[int, int], ...]
    diverging: tuple[bool, ...]
    by_class: tuple[bool, ...]
    n_largest: int
    level: int
    n_groups: int = 0
    lie_together: bool = False
    keeps_all: bool = False
    fingerprint: bool = False
    pictures: PicturesWanted | None = None

    @property
    def makes_arrays(self) -> bool:
        """Whether numbers of every class come of a block."""
        return False

    def gather(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The sum of all, or all where the differences are kept."""
        found = list(outcomes)
        return found if self.keeps_all or not found else [reduce(add, found)]

    @np.errstate(all="ignore")  # numbers that are not finite are counted apart
    def __call__(self, block: Block, scratch: Scratch) -> Outcome:
        read = {place for pair, wanted in zip(self.pairs, self.diverging, strict=True) if wanted for place in pair}
        if self.pictures is not None:
            read.update(range(len(self.options)))
        scored = [
            _scored(k, each, self.options[k], scratch.sub(f"scores {k}"), read=k in read)
            for k, each in enumerate((block, *block.others))
        ]
        # The samples that differ are shown, not those that are hardest.
        own = None if self.pictures is None else replace(self.pictures, hardest=0)
        wanted = Wanted(spread=True, fingerprint=self.fingerprint, pictures=own)
        models = tuple(sums_of(each, wanted, scratch) for each in scored)
        pairs = [
            self._pair(block, scored[a], scored[b], scratch, diverging=diverging, by_class=by_class)
            for (a, b), diverging, by_class in zip(self.pairs, self.diverging, self.by_class, strict=True)
        ]
        kept = None
        if self.keeps_all:
            a, b = self.pairs[0]
            kept = scored[b].weighted - scored[a].weighted
        return Outcome(block.start, Sums(models, tuple(pairs)), kept)

    def _pair(
        self, block: Block, baseline: Scored, model: Scored, scratch: Scratch, *, diverging: bool, by_class: bool
    ) -> PairSums:
        only, own = baseline.only, baseline.scoring.targets
        a, b = only(baseline.weighted), only(model.weighted)
        weights = None if baseline.weights is None else only(baseline.weights)
        differences = b - a
        samples = only(np.arange(len(baseline.weighted)))
        right = _answers(baseline, model)
        old, new = (only(each.weighted if each.plain is None else each.plain) for each in (baseline, model))
        spread = Spread.of(differences, None if baseline.scoring.options.reduction == "sum" else weights)
        if self.n_groups:
            total = exact_sum(differences)
            units: Units | Together | Scattered = self._groups(block, samples, differences, weights, right)
        else:
            weight_sum = exact_count(len(differences)) if weights is None else exact_sum(weights)
            bins = self._bins(block, samples, differences, weights)
            total = ExactSum(sum(bins.differences)) if np.isfinite(differences).all() else exact_sum(differences)
            units = Units(total, weight_sum, spread, bins)
        heaviest = Extremes()
        if weights is not None and not self.n_groups:
            heaviest = Extremes.of(N_EXTREMES, weights, samples + block.start, differences)
        pictured = None
        if self.pictures is not None:
            from nllcli.commands.compare.pictured.collecting import paired_of

            pictured = paired_of((baseline, model), (old, new), differences, self.pictures, scratch)
        return PairSums(
            total,
            spread,
            Counts.of(old, new, right),
            units,
            self._largest(block, samples, differences, weights, (baseline, model)),
            heaviest,
            _divergence(baseline, model, samples + block.start) if diverging else None,
            ClassSums.of(own.only(own.values), old, new, baseline.scoring.scores.n_classes) if by_class else None,
            pictured,
        )

    def _bins(
        self,
        block: Block,
        samples: NDArray[np.int64],
        differences: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
    ) -> Bins:
        """What resampling needs of samples, of which those that are not finite numbers are left out."""
        finite = np.isfinite(differences)
        if not finite.all():
            samples, differences = samples[finite], differences[finite]
            weights = None if weights is None else weights[finite]
        return Bins.of(samples + (block.start + block.before), differences, weights, self.level)

    def _groups(
        self,
        block: Block,
        samples: NDArray[np.int64],
        differences: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    ) -> Together | Scattered:
        assert block.groups is not None
        answers = np.zeros(len(samples), np.int64) if right is None else right[1].astype(np.int64) - right[0]
        # Where one is not finite there is no error to tell, but its answer counts.
        finite = np.where(np.isfinite(differences), differences, 0.0)
        kind = Kind(self.n_groups, self.level, right is not None)
        return (Together if self.lie_together else Scattered).of(
            kind, Samples(block.groups[samples], finite, weights, answers)
        )

    def _largest(
        self,
        block: Block,
        samples: NDArray[np.int64],
        differences: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        scored: tuple[Scored, Scored],
    ) -> Extremes:
        """The samples that differ most, with the weight, both losses, the target and the key of each."""
        baseline, model = (each.only(each.weighted) for each in scored)
        targets: Sequence[Any] | NDArray[Any] = np.full(len(samples), -1)
        named = next((each for each in scored if each.scoring.options.source not in (TOKENS, LOSSES_GIVEN)), None)
        if named is not None and named.scoring.targets.are_classes:
            targets = named.only(named.scoring.targets.values)
        keys = targets if block.keys is None else [block.keys[i] for i in samples]
        own = np.broadcast_to(1.0, len(samples)) if weights is None else weights
        return Extremes.of(self.n_largest, differences, samples + block.start, own, baseline, model, targets, keys)


def _scored(model: int, block: Block, options: LossOptions, scratch: Scratch, *, read: bool) -> Scored:
    """The losses of a model; what is wrong with its samples names it by its place."""
    try:
        return score(block, options, scratch, read=read)
    except SampleError as error:
        error.model = model
        raise


def _answers(baseline: Scored, model: Scored) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Which of the counted samples each predicts right; None where one of them predicts no class."""
    if baseline.right is None or model.right is None:
        return None
    return baseline.only(baseline.right), baseline.only(model.right)


def _divergence(baseline: Scored, model: Scored, samples: NDArray[np.int64]) -> DivergenceSums:
    only = baseline.only
    a, b = baseline.scoring, model.scoring
    found = divergence(a, b)
    differences = None
    if a.targets.are_classes:
        p, q = (np.exp(-each.scores.at(each.targets.values)) for each in (a, b))
        differences = only(q - p)
    return DivergenceSums.of(only(found.kl), only(found.same_top), differences, samples)
