"""The temperature of least loss: in three passes over the samples, or in two where all of them fit into memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.calibrate.first_slope import first_slope
from nllcli.commands.calibrate.kept import Keep, limit_sums_of, losses_of, scale_of, slopes_of, tiles_of
from nllcli.commands.calibrate.limits import Limit
from nllcli.commands.calibrate.pass_work import CLOSE, Gains, PassWork
from nllcli.commands.calibrate.root import solve, step
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.commands.calibrate.cumulants import Slopes
    from nllcli.commands.calibrate.kept import Rows
    from nllcli.commands.calibrate.limits import LimitSumsByFold
    from nllcli.commands.calibrate.measures import MeasureOptions
    from nllcli.commands.calibrate.pass_work import Sums
    from nllcli.commands.calibrate.passes import Passes
    from nllcli.numerics.tally import Tally

# A start is found with a part of the samples that are kept, where these are many.
_PART, _LEAST_PART = 16, 1 << 8
# From within the first of these, the series of the derivatives reaches the root; what is measured within the second of
# the temperature is measured at it.
_NEAR, _AT = 0.1, 1e-12
_MOST_PASSES = 100
_MOST_POLISHED = 3


@dataclass(frozen=True)
class Fit:
    """What a fit finds: ``first`` are the sums at T = 1, ``last`` those at the ``temperature``, None without one.

    ``relative_error`` is its standard error as a share of it, NaN of fewer than two samples. ``of_folds`` are the
    temperatures fitted without each fold, None where there is none, and ``gains`` what these take off the losses of the
    samples that lie in it, None where a fold has none.
    """

    limit: Limit
    first: Sums
    last: Sums | None = None
    temperature: float | None = None
    relative_error: float = math.nan
    of_folds: tuple[float | None, ...] = ()
    gains: Gains | None = None


def fit(passes: Passes, before: MeasureOptions | None, after: MeasureOptions | None, n_folds: int) -> Fit:
    """Fit a temperature to all samples, and to all but those of each of ``n_folds`` folds.

    ``before`` and ``after`` say what is measured at T = 1 and at the temperature.
    """
    dataset = passes.dataset
    keep = Keep.of(dataset.layout.n_samples, dataset.n_classes * _item_bytes(passes))
    work = PassWork(passes.options, (1.0,), () if before is None else (before,), keep=keep, n_folds=max(1, n_folds))
    first = passes.run(work)
    limits, kept, first = first.limits, first.kept, replace(first, kept=None)
    if limits is None or kept is None:  # there are no samples
        return Fit(Limit("empty", None), first)
    found = Fit(limits.without().limit(), first)
    if found.limit.status != "fitted":
        return found
    fitting = Fitting(passes, () if after is None else (after,), limits, n_folds)
    if kept.is_complete:
        return fitting.in_memory(found, kept.rows())
    start = start_of(kept.rows())
    del kept  # which may be large
    return fitting.by_passes(found, start)


def _item_bytes(passes: Passes) -> int:
    """How many bytes a class of a row takes in memory: its logit, or the log of its probability, and its share."""
    dataset = passes.dataset
    logit = dataset.logits.dtype.itemsize if passes.options.source == "logits" else 8
    return logit + (0 if dataset.soft_targets is None else 8)


@dataclass(frozen=True)
class Fitting:
    """A fit to samples that have a temperature of least loss, at which things are ``measured``."""

    passes: Passes
    measured: tuple[MeasureOptions, ...]
    limits: LimitSumsByFold
    n_folds: int

    def in_memory(self, found: Fit, rows: Rows) -> Fit:
        """Fit to the rows of all samples, and measure them in one pass."""
        temperature = to_the_last_digit(rows, start_of(rows))
        of_folds = tuple(self._without(rows, fold, temperature) for fold in range(self.n_folds))
        last = None
        if self.measured:
            last = self.passes.run(PassWork(self.passes.options, (temperature,), self.measured))
        return replace(
            found,
            last=last,
            temperature=temperature,
            relative_error=slopes_of(rows, temperature, 1).relative_error(),
            of_folds=of_folds,
            gains=self._gains(rows, of_folds, found.first.tallies[0]),
        )

    def _without(self, rows: Rows, fold: int, start: float) -> float | None:
        """The temperature that is fitted to all other folds."""
        return solved(rows[rows.numbers % self.n_folds != fold], start) if self._has_least(fold) else None

    def _has_least(self, fold: int) -> bool:
        """Whether there is a temperature of least loss without a fold."""
        return self.limits.without(fold).limit().status == "fitted"

    def _gains(self, rows: Rows, of_folds: tuple[float | None, ...], tally: Tally) -> Gains | None:
        """What its fold's temperature takes off the loss of each sample, if all losses are finite."""
        if not of_folds or None in of_folds or not tally.loss_sum.is_finite:
            return None
        after = np.empty(len(rows))
        for fold, temperature in enumerate(of_folds):
            own = rows.numbers % self.n_folds == fold
            after[own] = losses_of(rows[own], temperature or math.nan)
        if rows.weights is not None:
            after = after * rows.weights
        gains = Gains.of(rows.losses, after, rows.weights)
        return replace(gains, spread=replace(gains.spread, n=tally.n_counted))  # those that weigh nothing, too

    def by_passes(self, found: Fit, start: float) -> Fit:
        """Fit to all samples from a temperature near to theirs, in two passes, or more where it is not."""
        at, slopes, temperature = self._near(None, start)
        of_folds = tuple(self._of_fold(fold, slopes, at) for fold in range(self.n_folds))
        change = math.inf
        for _ in range(_MOST_PASSES):
            sums, before = self.passes.run(self._last_work(temperature, of_folds)), abs(change)
            at, slopes = temperature, _slopes(sums)
            change = step(slopes.without())
            temperature = at / (1.0 + change)
            if abs(change) <= _AT or abs(change) > before / 2:
                break
        return replace(
            found,
            last=sums,
            temperature=temperature,
            relative_error=slopes.relative_error(),
            of_folds=tuple(_refined(each, slopes, at, fold) for fold, each in enumerate(of_folds)),
            gains=sums.gains,
        )

    def _near(self, fold: int | None, start: float, within: float = _NEAR) -> tuple[float, Slopes, float]:
        """Where the last pass was, what it added up, and the temperature without a fold to which its series leads."""
        passed: list[tuple[float, Slopes]] = []

        def series_at(temperature: float) -> list[float]:
            work = PassWork(self.passes.options, (temperature,), fits=True, n_folds=max(1, self.n_folds))
            passed.append((temperature, _slopes(self.passes.run(work))))
            return passed[-1][1].without(fold)

        found = solve(series_at, start, within=within)
        return *passed[-1], found

    def _of_fold(self, fold: int, slopes: Slopes, at: float) -> float | None:
        """The temperature without a fold: by the series of all samples, or by passes where it lies too far for that."""
        if not self._has_least(fold):
            return None
        change = step(slopes.without(fold))
        near = at / (1.0 + change)
        return near if abs(change) <= CLOSE else self._near(fold, near, CLOSE)[2]

    def _last_work(self, temperature: float, of_folds: tuple[float | None, ...]) -> PassWork:
        """The work of the last pass, which measures and, if all folds have a temperature, tells what they gain."""
        there = tuple(each for each in of_folds if each is not None)
        return PassWork(
            self.passes.options,
            (temperature,),
            self.measured,
            fits=True,
            n_folds=max(1, self.n_folds),
            of_folds=there if len(there) == len(of_folds) else (),
        )


def _refined(found: float | None, slopes: Slopes, at: float, fold: int) -> float | None:
    """The temperature without a fold, by the series at one that is nearer, if it is near."""
    if found is None:
        return None
    change = step(slopes.without(fold))
    return at / (1.0 + change) if abs(change) <= CLOSE else found


def _slopes(sums: Sums) -> Slopes:
    assert sums.slopes is not None
    return sums.slopes


def start_of(rows: Rows) -> float:
    """The temperature of least loss of the rows, or the size of their logits where they have none."""
    start = scale_of(rows)
    for n in (len(rows) // _PART, len(rows)):
        if n >= min(len(rows), _LEAST_PART) and limit_sums_of(part := rows.least(n)).limit().status == "fitted":
            start = solved(part, start)
    return start


def solved(rows: Rows, start: float) -> float:
    """The temperature of least loss of rows that have one."""
    return solve(lambda temperature: slopes_of(rows, temperature, 1).without(), start)


def to_the_last_digit(rows: Rows, near: float) -> float:
    """The temperature of least loss of rows, given it but for what rounding has left."""
    for _ in range(_MOST_POLISHED if rows.targets.ndim == 1 else 0):
        _, *others = slopes_of(rows, near, 1).without()
        following = near / (1.0 + step([first_slope(tiles_of(rows), near), *others]))
        if following == near:
            break
        near = following
    return near
