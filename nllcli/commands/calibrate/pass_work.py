"""One block of samples -> everything that a pass over them adds up."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.commands.calibrate.cumulants import Slopes, derivatives, mass_of, target_gaps
from nllcli.commands.calibrate.kept import Kept, Rows, hashes_of
from nllcli.commands.calibrate.limits import LimitSumsByFold
from nllcli.commands.calibrate.measures import Measures
from nllcli.data.blocks import Part
from nllcli.errors import SampleError
from nllcli.numerics.calibration.claims import USABLE_WEIGHTS, are_usable
from nllcli.numerics.evaluate import Wanted, score, sums_of
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.kernels import product
from nllcli.numerics.kernels.moments import moments, survey
from nllcli.numerics.losses.nll import soft_masses
from nllcli.numerics.spread import Spread
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.numerics.tally import Rows as Samples
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nllcli.commands.calibrate.kept import Keep
    from nllcli.commands.calibrate.measures import MeasureOptions
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.surprisal import Reduction


# So far from a temperature, as a share of it, a series of the losses has all but three digits or so.
CLOSE = 0.05


@dataclass(frozen=True)
class Gains(Part):
    """The sums of the losses of samples at temperatures that they had no part in, and of what those take off them."""

    loss: ExactSum = ExactSum()
    gain: ExactSum = ExactSum()
    spread: Spread = Spread()

    @classmethod
    def of(cls, before: NDArray[np.float64], after: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Gains:
        """Those of the losses (n,) of samples with weights, before and after."""
        gains = before - after
        return cls(exact_sum(after), exact_sum(gains), Spread.of(gains, weights))


@dataclass(frozen=True)
class Sums(Part):
    """What a pass adds up, each None where the pass does not ask for it.

    ``tallies`` and ``measures`` are those at each of its temperatures.
    """

    tallies: tuple[Tally, ...] = ()
    measures: tuple[Measures, ...] = ()
    limits: LimitSumsByFold | None = None
    kept: Kept | None = None
    slopes: Slopes | None = None
    gains: Gains | None = None

    def __add__(self, other: Sums) -> Sums:
        if not (self.tallies and other.tallies):
            return self if self.tallies else other
        alike = [
            a if b is None else b if a is None else a + b
            for a, b in ((getattr(self, name), getattr(other, name)) for name in ("limits", "kept", "slopes", "gains"))
        ]
        tallies = tuple(map(add, self.tallies, other.tallies))
        return Sums(tallies, tuple(map(add, self.measures, other.measures)), *alike)

    def shifted(self, by: int) -> Sums:
        """The sums of the same samples, their numbers so much higher."""
        return replace(
            self,
            tallies=tuple(each.shifted(by) for each in self.tallies),
            limits=None if self.limits is None else self.limits.shifted(by),
            kept=None if self.kept is None else self.kept.shifted(by),
        )

    @property
    def n_counted(self) -> int:
        """How many samples count."""
        return self.tallies[0].n_counted

    @property
    def named_samples(self) -> tuple[int, ...]:
        """The samples that findings name."""
        return tuple(i for tally in self.tallies for rows in tally.findings.values() for i in rows.first)


@dataclass(frozen=True)
class PassWork:
    """The work of a pass on a block: it is scored at each of the ``temperatures``, and what is ``measured`` at
    each of them is added up, if anything is.

    ``keep`` asks, at the first of them, for what says whether there is a temperature of least loss, and for samples to
    start a fit with; ``fits`` for the derivatives of the loss there. Samples lie in turn in ``n_folds`` folds,
    whose own temperatures are ``of_folds``, where the gain of samples they had no part in is asked for.
    """

    options: LossOptions
    temperatures: tuple[float, ...]
    measured: tuple[MeasureOptions, ...] = ()
    keep: Keep | None = None
    fits: bool = False
    n_folds: int = 1
    of_folds: tuple[float, ...] = ()

    @property
    def nothing(self) -> Sums:
        """The sums over no samples."""
        return Sums((Tally(),) * len(self.temperatures), (Measures(),) * len(self.measured))

    @property
    def keeps_all(self) -> bool:
        """Whether the results of all blocks are wanted one by one."""
        return False

    @property
    def makes_arrays(self) -> bool:
        """Whether numbers of every class come of a block."""
        return False

    def gather(self, found: Iterable[Sums]) -> list[Sums]:
        """The sum of all."""
        every = list(found)
        return [reduce(add, every)] if every else []

    @np.errstate(all="ignore")  # numbers that are not finite are counted apart
    def __call__(self, block: Block, scratch: Scratch) -> Sums:
        scored = [
            self._scored(block, temperature, scratch.sub(f"scores {i}"), moments if self.fits and i == 0 else survey)
            for i, temperature in enumerate(self.temperatures)
        ]
        first = scored[0]
        _check_weights(block, first)
        sums = Sums(
            tuple(sums_of(each, Wanted(), scratch) for each in scored),
            tuple(map(Measures.of, scored, self.measured)),
        )
        if self.keep is not None:
            return self._start(sums, block, first, scratch)
        if self.fits:
            return self._fit(sums, block, first, scratch)
        if len(scored) > 1:
            return replace(sums, gains=_gains_of(first, first.weighted, scored[1].weighted))
        return sums

    def _scored(self, block: Block, temperature: float, scratch: Scratch, reduction: Reduction | None) -> Scored:
        options = replace(self.options, temperature=temperature)
        return score(block, options, scratch, read=True, reduce=reduction)

    def _start(self, sums: Sums, block: Block, scored: Scored, scratch: Scratch) -> Sums:
        """The sums, with what a fit begins with."""
        assert self.keep is not None
        terms = Terms.of(scored, survey, scratch.sub("logits"))
        numbers = np.arange(scored.n_samples) + block.start
        folds = np.where(terms.fits, numbers % self.n_folds, -1)
        hashes = hashes_of(scored.weighted, terms.found.gap_sum)
        rows = Rows(terms.logits, terms.shares, scored.weighted, scored.weights, numbers, hashes)
        limits = LimitSumsByFold.of(terms.found, terms.gaps, terms.mass, scored.weights, folds, self.n_folds)
        return replace(sums, limits=limits, kept=Kept.of(self.keep, rows, terms.fits))

    def _fit(self, sums: Sums, block: Block, scored: Scored, scratch: Scratch) -> Sums:
        """The sums, with the derivatives of the loss, and what folds gain."""
        terms = Terms.of(scored, moments, scratch.sub("logits"))
        values = derivatives(terms.found, terms.gaps, terms.mass, self.temperatures[0])
        numbers = np.arange(scored.n_samples) + (block.start + block.before)
        weights = None if scored.weights is None else scored.weights[terms.fits]
        folds = (numbers % self.n_folds)[terms.fits]
        slopes = Slopes.of(values[:, terms.fits], weights, folds, self.n_folds)
        if not self.of_folds:
            return replace(sums, slopes=slopes)
        return replace(sums, slopes=slopes, gains=self._gains(block, scored, values, scratch))

    def _gains(self, block: Block, scored: Scored, values: NDArray[np.float64], scratch: Scratch) -> Gains:
        """What the temperature of its fold takes off the loss of each sample."""
        folds = (np.arange(scored.n_samples) + (block.start + block.before)) % self.n_folds
        moved = np.array([self.temperatures[0] / each - 1.0 for each in self.of_folds])[folds]
        change = np.zeros(len(moved))
        for order in range(len(values), 0, -1):
            change = (change + values[order - 1]) * moved / order
        own = 1.0 if scored.weights is None else scored.weights
        after = scored.weighted + product(own, change)
        for fold, temperature in enumerate(self.of_folds):
            far = np.flatnonzero((folds == fold) & (np.abs(moved) > CLOSE))
            if far.size:
                after[far] = self._scored(_some(block, far), temperature, scratch.sub("fold"), None).weighted
        before = self._scored(block, 1.0, scratch.sub("before"), None).weighted
        return _gains_of(scored, before, after)


def _gains_of(scored: Scored, before: NDArray[np.float64], after: NDArray[np.float64]) -> Gains:
    """The sums over the losses (n,) of the samples that count."""
    only = scored.scoring.targets.only
    return Gains.of(only(before), only(after), None if scored.weights is None else only(scored.weights))


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class Terms:
    """What the loss of samples is made of, where it changes with the temperature.

    ``logits`` (n, C) are as the kernels read them, and ``found`` is what they were reduced to. ``shares`` are the
    targets: classes (n,), or what each class weighs (n, C). ``gaps`` (n,) is how far these lie below the largest logit,
    ``mass`` what they weigh in all, and ``fits`` (n,) says which samples a fit can use: those that have a weight, and a
    target that is possible at all.
    """

    logits: NDArray[Any]
    found: Any
    shares: NDArray[Any]
    gaps: NDArray[np.float64]
    mass: NDArray[np.float64] | float
    fits: NDArray[np.bool_]

    @classmethod
    def of(cls, scored: Scored, reduction: Reduction, scratch: Scratch) -> Self:
        """Those of a scored block."""
        targets, scores = scored.scoring.targets, _logits_of(scored, reduction, scratch)
        shares, found = targets.values, scores.reduced
        if not targets.are_classes:
            shares = soft_masses(shares, scored.scoring.options.class_weights, 0.0)
        gaps = target_gaps(scores.raw, found.maximum, shares, scratch)
        fits = targets.masked(np.isfinite(gaps))
        if scored.weights is not None:
            fits = fits & (scored.weights != 0)
        return cls(scores.raw, found, shares, gaps, mass_of(shares), fits)


def _check_weights(block: Block, scored: Scored) -> None:
    """Raise SampleError for weights that calibration cannot use."""
    own = block.sample_weights
    if own is None:
        return
    wrong = scored.scoring.targets.masked(~are_usable(own))
    if wrong.any():
        raise SampleError(
            f"the weight is {float(own[wrong.argmax()]):g}: calibration needs weights {USABLE_WEIGHTS}",
            culprit="sample_weights",
            samples=Samples.where(wrong, block.start).first,
        )


def _some(block: Block, rows: NDArray[np.intp]) -> Block:
    """Some of the samples of a block."""
    targets, weights = block.targets, block.sample_weights
    return replace(
        block,
        held=block.logits[rows],
        targets=None if targets is None else targets[rows],
        sample_weights=None if weights is None else weights[rows],
        keys=None,
        left_out=None,
        groups=None,
    )


def _logits_of(scored: Scored, reduction: Reduction, scratch: Scratch) -> FromLogits:
    """The logits of a block, or the logarithms of the probabilities that are given for them."""
    scores: Any = scored.scoring.scores
    if isinstance(scores, FromLogits):
        return scores
    return FromLogits(scores.log_probs(), reduce=reduction, scratch=scratch)
