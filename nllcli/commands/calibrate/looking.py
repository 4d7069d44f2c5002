"""One block of samples -> everything that a pass over them adds up."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.calibrate.cumulants import Slopes, derivatives, mass_of, target_gaps
from nllcli.commands.calibrate.kept import Kept, Rows, hashes_of
from nllcli.commands.calibrate.limits import EndsByFold
from nllcli.commands.calibrate.measures import Measures
from nllcli.data.blocks import Part
from nllcli.numerics.evaluate import Wanted, score, sums_of
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.kernels.moments import moments, survey
from nllcli.numerics.spread import Spread
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nllcli.commands.calibrate.kept import Keep
    from nllcli.commands.calibrate.measures import Asked
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.surprisal import Reduction


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
    ends: EndsByFold | None = None
    kept: Kept | None = None
    slopes: Slopes | None = None
    gains: Gains | None = None

    def __add__(self, other: Sums) -> Sums:
        if not (self.tallies and other.tallies):
            return self if self.tallies else other
        alike = [
            a if b is None else b if a is None else a + b
            for a, b in ((getattr(self, name), getattr(other, name)) for name in ("ends", "kept", "slopes", "gains"))
        ]
        tallies = tuple(map(add, self.tallies, other.tallies))
        return Sums(tallies, tuple(map(add, self.measures, other.measures)), *alike)

    def shifted(self, by: int) -> Sums:
        """The sums of the same samples, their numbers so much higher."""
        return replace(
            self,
            tallies=tuple(each.shifted(by) for each in self.tallies),
            ends=None if self.ends is None else self.ends.shifted(by),
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
class Look:
    """The work of a pass on a block: it is scored at each of the ``temperatures``, and what is ``measured`` at
    each of them is added up, if anything is.

    ``keep`` asks, at the first of them, for what says whether there is a temperature of least loss, and for samples to
    start a fit with; ``fits`` for the derivatives of the loss there. Samples lie in turn in ``n_folds`` folds,
    whose own temperatures are ``of_folds``, where the gain of samples they had no part in is asked for.
    """

    options: LossOptions
    temperatures: tuple[float, ...]
    measured: tuple[Asked, ...] = ()
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
        numbers = np.arange(first.n_samples) + (block.start + block.before)
        sums = Sums(
            tuple(sums_of(each, Wanted(spread=True), scratch) for each in scored),
            tuple(map(Measures.of, scored, self.measured)),
        )
        if self.keep is not None or self.fits:
            logits = _logits_of(first, moments if self.fits else survey, scratch.sub("logits"))
            sums = self._of_fit(sums, first, logits, numbers if self.fits else numbers - block.before, scratch)
        if self.of_folds:
            sums = replace(sums, gains=self._gains(block, first, numbers % self.n_folds, scratch))
        elif len(scored) > 1:
            sums = replace(sums, gains=_gains_of(first, first.weighted, scored[1].weighted))
        return sums

    def _scored(self, block: Block, temperature: float, scratch: Scratch, reduction: Reduction | None) -> Scored:
        options = replace(self.options, temperature=temperature)
        return score(block, options, scratch, read=True, reduce=reduction)

    def _of_fit(
        self, sums: Sums, scored: Scored, logits: FromLogits, numbers: NDArray[np.int64], scratch: Scratch
    ) -> Sums:
        """What a fit needs of the samples that have a weight, and a target that is possible at all."""
        targets, found = scored.scoring.targets, logits.reduced
        gaps = target_gaps(logits.raw, found.maximum, targets.values, scratch)
        mass, weights = mass_of(targets.values), scored.weights
        fits = targets.masked(np.isfinite(gaps))
        if weights is not None:
            fits = fits & (weights != 0)
        folds, own = numbers % self.n_folds, None if weights is None else weights[fits]
        if self.fits:
            values = derivatives(found, gaps, mass, self.temperatures[0])
            return replace(sums, slopes=Slopes.of(values[:, fits], own, folds[fits], self.n_folds))
        assert self.keep is not None
        hashes = hashes_of(scored.weighted, found.gap_sum)
        rows = Rows(logits.raw, targets.values, weights, numbers, hashes)
        ends = EndsByFold.of(found, gaps, mass, weights, np.where(fits, folds, -1), self.n_folds)
        return replace(sums, ends=ends, kept=Kept.of(self.keep, rows, fits))

    def _gains(self, block: Block, scored: Scored, folds: NDArray[np.int64], scratch: Scratch) -> Gains:
        """What the temperature of its fold takes off the loss of each sample."""
        before = self._scored(block, 1.0, scratch.sub("before"), None).weighted
        after = np.empty_like(before)
        for k, temperature in enumerate(self.of_folds):
            rows = np.flatnonzero(folds == k)
            if rows.size:
                part = _some(block, rows)
                after[rows] = self._scored(part, temperature, scratch.sub("fold"), None).weighted
        return _gains_of(scored, before, after)


def _gains_of(scored: Scored, before: NDArray[np.float64], after: NDArray[np.float64]) -> Gains:
    """The sums over the losses (n,) of the samples that count."""
    only = scored.scoring.targets.only
    return Gains.of(only(before), only(after), None if scored.weights is None else only(scored.weights))


def _logits_of(scored: Scored, reduction: Any, scratch: Scratch) -> FromLogits:
    """The logits of a block, or the logarithms of the probabilities that are given for them."""
    scores: Any = scored.scoring.scores
    if isinstance(scores, FromLogits):
        return scores
    return FromLogits(scores.log_probs(), reduce=reduction, scratch=scratch)


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
