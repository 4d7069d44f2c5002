"""The units of the samples that each run has compared: kept apart, so that runs add up in whatever order they come."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import accumulate, chain
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.compare.groups import Kind, Scattered, units_of_groups
from nllcli.commands.compare.units import Bins, Units, floats, level_for
from nllcli.inputs.groups.numbering import numbers_of
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.commands.compare.sums import PairSums, Sums
    from nllcli.numerics.exact import ExactSum


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class LabelledSums:
    """The exact sums of groups, by their ``numbers`` (k,): counts of 2**-1074; ``weights`` of None are 1 a sample.

    ``n`` (k,) are the samples counted; ``answers`` (k,) the right answers of the model less those of the baseline, None
    where no class is predicted.
    """

    numbers: NDArray[np.int64]
    n: NDArray[np.int64]
    answers: NDArray[np.int64] | None
    differences: tuple[int, ...]
    weights: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Job:
    """A run over the next ``n_inputs`` of the inputs: its ``n_units``, counted or not, and what is known of each pair.

    These are runs of samples; or sums over the groups that end with a file; or, where there are ``labels`` of groups by
    their numbers, the sums of each of them, of which other jobs may have samples too.
    """

    n_inputs: int
    n_units: int
    units: tuple[Bins | Units | LabelledSums, ...]
    labels: tuple[str, ...] | None = None

    @property
    def n_bins(self) -> int:
        """How many runs of units are kept."""
        return sum(len(each.differences) for each in map(_bins, self.units) if each is not None)

    def coarser(self, level: int) -> Job:
        """The same, in runs of at least ``2**level`` units."""
        return replace(self, units=tuple(_coarser(each, level) for each in self.units))


def job_of(sums: Sums, n_inputs: int, n_units: int, labels: tuple[str, ...] | None, *, grouped: bool) -> Job:
    """The units of all samples of a run, ``grouped`` ones or samples; those of its sums are used up."""
    units = (_units_of(pair, grouped=grouped, labelled=labels is not None) for pair in sums.pairs)
    return Job(n_inputs, n_units, tuple(units), labels).coarser(level_for(n_units))


def _units_of(pair: PairSums, *, grouped: bool, labelled: bool) -> Bins | Units | LabelledSums:
    units = pair.units
    if not grouped:
        assert isinstance(units, Units)
        return units.bins
    if labelled:
        return _labelled(units if isinstance(units, Scattered) else None)
    return units if isinstance(units, Units) else units.total()


def _labelled(units: Scattered | None) -> LabelledSums:
    """The sums of each group; of no samples there are none."""
    sums = None if units is None else units.added_up()
    if units is None or sums is None:
        none = np.zeros(0, np.int64)
        return LabelledSums(none, none, None, (), None)
    there = np.flatnonzero(sums.n_samples)
    return LabelledSums(
        there,
        sums.n_samples[there],
        sums.answers[there] if units.kind.has_answers else None,
        tuple(sums.differences.taken(there).units()),
        None if sums.weights is None else tuple(sums.weights.taken(there).units()),
    )


def _bins(units: Bins | Units | LabelledSums) -> Bins | None:
    if isinstance(units, LabelledSums):
        return None
    return units.bins if isinstance(units, Units) else units


def _coarser(units: Bins | Units | LabelledSums, level: int) -> Bins | Units | LabelledSums:
    if isinstance(units, Units):
        return replace(units, bins=units.bins.coarser(level))
    return units.coarser(level) if isinstance(units, Bins) else units


def starts_of(jobs: Sequence[Job]) -> list[int]:
    """The number of the first unit of each job, where groups are not those of other jobs too, and of the end."""
    return [0, *accumulate(job.n_units for job in jobs)]


def n_units_of(jobs: Sequence[Job]) -> int:
    """How many units there are in all, counted or not."""
    if jobs[0].labels is None:
        return sum(job.n_units for job in jobs)
    return _numbered(jobs)[1]


def _numbered(jobs: Sequence[Job]) -> tuple[list[NDArray[np.int64]], int]:
    """The numbers of the groups of each job among those of all, equal labels as one; and how many there are."""
    return numbers_of([job.labels or () for job in jobs])


def _one_after_another(jobs: Sequence[Job], place: int, pair: PairSums, weight_sum: ExactSum) -> Units:
    """The units of pair number ``place`` of all jobs, which follow each other."""
    found = [job.units[place] for job in jobs]
    level, starts = level_for(starts_of(jobs)[-1]), starts_of(jobs)
    bins = _runs([each for each in map(_bins, found) if each is not None], starts[:-1], level)
    closed = [each for each in found if isinstance(each, Units)]
    if not closed:
        return Units(pair.difference, weight_sum, pair.spread, bins)
    moved = [
        replace(each, bins=Bins(), extremes=each.extremes.shifted(start), heaviest=each.heaviest.shifted(start))
        for each, start in zip(closed, starts, strict=False)
    ]
    return replace(reduce(add, moved), bins=bins)


def _runs(every: Sequence[Bins], starts: Sequence[int], level: int) -> Bins:
    """The runs of all jobs, whose units begin at ``starts``: where no run begins, that of the job before is shorter."""
    coarse = [each.coarser(level) for each in every]
    if not any(start % (1 << level) for start in starts):
        moved = (replace(each, first=each.first + (start >> level)) for each, start in zip(coarse, starts, strict=True))
        return reduce(add, moved)
    columns = (tuple(chain(*column)) for column in zip(*(each.columns for each in coarse), strict=True))
    return Bins(level, 0, *columns)


def _by_label(found: Sequence[LabelledSums], places: Sequence[NDArray[np.int64]], n_groups: int) -> Units:
    """The sums over ``n_groups`` groups of the labelled ones of all jobs, which have these ``places`` among them."""
    differences, weights = np.full(n_groups, 0, object), np.full(n_groups, 0, object)
    n, answers = np.zeros((2, n_groups), np.int64)
    for own, sums in zip(places, found, strict=True):
        at = own[sums.numbers]
        n[at] += sums.n
        differences[at] += np.array(sums.differences, object)
        if sums.answers is not None:
            answers[at] += sums.answers
        if sums.weights is not None:
            weights[at] += np.array(sums.weights, object)
    there = np.flatnonzero(n)
    if not there.size:
        return Units()
    are_weighted = any(sums.weights is not None for sums in found)
    has_answers = all(sums.answers is not None for sums in found if len(sums.n))
    return units_of_groups(
        Kind(n_groups, level_for(n_groups), has_answers),
        there,
        floats(differences[there].tolist()),
        floats(weights[there].tolist()) if are_weighted else None,
        answers[there],
        n[there],
    )


def with_units(sums: Sums, pairs: Sequence[tuple[int, int]], jobs: Sequence[Job]) -> Sums:
    """The sums with the units of all jobs, of ``pairs`` of models."""
    if jobs[0].labels is not None:
        places, n_groups = _numbered(jobs)
        columns = zip(*(job.units for job in jobs), strict=True)
        labelled = ([each for each in column if isinstance(each, LabelledSums)] for column in columns)
        units = [_by_label(column, places, n_groups) for column in labelled]
    else:
        units = [
            _one_after_another(jobs, place, pair, sums.models[a].weight_sum)
            for place, (pair, (a, _)) in enumerate(zip(sums.pairs, pairs, strict=True))
        ]
    found = [replace(pair, units=own) for pair, own in zip(sums.pairs, units, strict=True)]
    return replace(sums, pairs=tuple(found))
