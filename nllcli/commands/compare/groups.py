"""Sums over groups of samples, each as a unit: group by group where they lie together, else of all groups at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from nllcli.commands.compare.digits import Digits
from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.units import Bins, Units
from nllcli.data.blocks import Part
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.spread import Spread
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The units that are looked at for their share of the squares, either way.
N_EXTREMES = 5
# Samples that wait for sums of all groups: as many as there are groups, within these bounds.
_FEWEST_WAITING, _MOST_WAITING = 1 << 16, 1 << 20
_AT_ONCE = 1 << 14  # groups whose sums are rounded at a time


class Samples(NamedTuple):
    """The group of each sample (n,), the difference and the weight, None for 1, and what its answers differ by."""

    groups: NDArray[np.int64]
    differences: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    answers: NDArray[np.int64]


class GroupSums:
    """The sums of ``n`` groups, which grow in place: ``differences``, ``weights`` (None: 1 a sample), and counts.

    ``answers`` (n,) are the right answers of the model less those of the baseline, ``n_samples`` (n,) those counted.
    """

    def __init__(self, n: int, *, weighted: bool) -> None:
        self.n = n
        self.differences = Digits(n)
        self.weights = Digits(n) if weighted else None
        self.answers, self.n_samples = np.zeros((2, n), np.int64)

    def add(self, samples: Samples) -> None:
        """Add samples, at most 2**21 of them."""
        self.differences.add(samples.differences, samples.groups)
        if self.weights is not None and samples.weights is not None:
            self.weights.add(samples.weights, samples.groups)
        self.answers += np.bincount(samples.groups, samples.answers, self.n).astype(np.int64)
        self.n_samples += np.bincount(samples.groups, minlength=self.n)

    def absorb(self, other: GroupSums) -> None:
        """Add the sums of the same groups."""
        self.differences.absorb(other.differences)
        if self.weights is not None and other.weights is not None:
            self.weights.absorb(other.weights)
        self.answers += other.answers
        self.n_samples += other.n_samples

    def units(self, kind: Kind, places: NDArray[np.intp], numbers: NDArray[np.int64]) -> Units:
        """The sums over the groups at some places, which have these ``numbers``; nothing more comes of them."""
        if not places.size:
            return Units()
        weights = None if self.weights is None else self.weights.taken(places).floats()
        differences = self.differences.taken(places).floats()
        return units_of_groups(kind, numbers, differences, weights, self.answers[places], self.n_samples[places])


@dataclass(frozen=True)
class Kind:
    """How ``n_groups`` are summed up: in runs of ``2**level`` for resampling, and whether they have answers."""

    n_groups: int
    level: int
    has_answers: bool


def units_of_groups(
    kind: Kind,
    numbers: NDArray[np.int64],
    differences: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    answers: NDArray[np.int64],
    n_samples: NDArray[np.int64],
) -> Units:
    """The sums over groups of these ``numbers`` (k,), in ascending order, each by its own sums (k,)."""
    n = n_samples.astype(np.float64)
    weights = n if weights is None else weights
    return Units(
        exact_sum(differences),
        exact_sum(weights),
        Spread.of(differences, weights),
        Bins.of(numbers, differences, weights, kind.level),
        Extremes.of(N_EXTREMES, differences, numbers, weights),
        Extremes.of(N_EXTREMES, weights, numbers, differences),
        Spread.of(answers.astype(np.float64), n) if kind.has_answers else None,
    )


@dataclass(frozen=True)
class OneGroup:
    """The sums of the group of a ``number``, of which more samples may come."""

    number: int
    sums: GroupSums

    @classmethod
    def of(cls, number: int, samples: Samples) -> Self:
        sums = GroupSums(1, weighted=samples.weights is not None)
        sums.add(samples._replace(groups=np.zeros(len(samples.groups), np.int64)))
        return cls(number, sums)

    def __add__(self, other: OneGroup) -> OneGroup:
        total = GroupSums(1, weighted=self.sums.weights is not None)
        total.absorb(self.sums)
        total.absorb(other.sums)
        return OneGroup(self.number, total)

    def units(self, kind: Kind) -> Units:
        return self.sums.units(kind, np.zeros(1, np.intp), np.array([self.number]))


@dataclass(frozen=True)
class Together(Part):
    """Groups whose samples lie together: the ``open`` first and last, and the sums over those between, ``closed``."""

    kind: Kind
    open: tuple[OneGroup, ...] = ()
    closed: Units = Units()

    @classmethod
    def of(cls, kind: Kind, samples: Samples) -> Self:
        """Those of the samples of a block."""
        if not samples.groups.size:
            return cls(kind)
        numbers, places = np.unique(samples.groups, return_inverse=True)
        sums = GroupSums(len(numbers), weighted=samples.weights is not None)
        sums.add(samples._replace(groups=places))
        ends = list(dict.fromkeys(places[[0, -1]].tolist()))
        inside = np.delete(np.arange(len(numbers)), ends)
        outside = tuple(OneGroup.of(int(numbers[end]), _only(samples, places == end)) for end in ends)
        return cls(kind, outside, sums.units(kind, inside, numbers[inside]))

    def __add__(self, other: Together) -> Together:
        groups = [*self.open, *other.open]
        at = len(self.open)
        if self.open and other.open and groups[at - 1].number == groups[at].number:
            groups[at - 1 : at + 1] = [groups[at - 1] + groups[at]]
        closed = self.closed + other.closed
        for each in groups[1:-1]:
            closed += each.units(self.kind)
        return Together(self.kind, tuple(groups if len(groups) < 2 else (groups[0], groups[-1])), closed)

    def total(self) -> Units:
        """The sums over all groups, once there are no more samples."""
        total = self.closed
        for each in self.open:
            total += each.units(self.kind)
        return total


def _only(samples: Samples, mask: NDArray[np.bool_]) -> Samples:
    weights = None if samples.weights is None else samples.weights[mask]
    return Samples(samples.groups[mask], samples.differences[mask], weights, samples.answers[mask])


@dataclass(frozen=True)
class Scattered(Part):
    """Groups whose samples lie anywhere: the ``sums`` of all groups, and samples that are not in these yet.

    ``+`` hands on the sums of its left side, which is used up: two of them at once would take twice the memory.
    """

    kind: Kind
    waiting: tuple[Samples, ...] = ()
    sums: GroupSums | None = None

    @classmethod
    def of(cls, kind: Kind, samples: Samples) -> Self:
        """Those of the samples of a block."""
        return cls(kind, (samples,))

    def __add__(self, other: Scattered) -> Scattered:
        sums = other.sums if self.sums is None else self.sums
        if self.sums is not None and other.sums is not None:
            self.sums.absorb(other.sums)
        total = Scattered(self.kind, (*self.waiting, *other.waiting), sums)
        n = sum(len(samples.groups) for samples in total.waiting)
        most = min(max(self.kind.n_groups, _FEWEST_WAITING), _MOST_WAITING)
        return total if n <= most else Scattered(self.kind, (), total.added_up())

    def added_up(self) -> GroupSums | None:
        """The sums of all samples; None where there are none. It is used up."""
        if not self.waiting:
            return self.sums
        groups, differences, weights, answers = zip(*self.waiting, strict=True)
        own = None if weights[0] is None else np.concatenate(weights)
        sums = self.sums or GroupSums(self.kind.n_groups, weighted=own is not None)
        sums.add(Samples(np.concatenate(groups), np.concatenate(differences), own, np.concatenate(answers)))
        return sums

    def total(self) -> Units:
        """The sums over all groups, some of them at a time; it is used up."""
        sums, total = self.added_up(), Units()
        if sums is not None:
            counted = np.flatnonzero(sums.n_samples)
            for start in range(0, len(counted), _AT_ONCE):
                places = counted[start : start + _AT_ONCE]
                total += sums.units(self.kind, places, places)
        return total
