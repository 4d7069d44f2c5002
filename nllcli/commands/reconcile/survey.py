"""The targets under each pairing to try, counted before the pass, and the class weights that follow from the counts."""

from __future__ import annotations

import math
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.convention import Weighting
from nllcli.commands.reconcile.conventions.pairings import NO_TARGET
from nllcli.commands.reconcile.conventions.weights import FORMULAS, is_counted
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.by_class import ByClass, place_of
from nllcli.numerics.schemes import ABOUT
from nllcli.numerics.targets import is_class
from nllcli.numerics.weightings import class_weights
from nllcli.records import dataclass
from nllcli.scoring.passes import can_open_again, naming_places, raw_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention, Pairing
    from nllcli.commands.reconcile.pairs import Pairs
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

# Sums over runs of items are kept for many conventions at once, 8 bytes each; numbers of whole files are in memory.
_MOST_RUNS = 1 << 16
_MOST_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Items:
    """What parts of the samples consist of: ``n`` runs of ``length`` samples, added up ``step`` at a time."""

    n: int
    length: int = 1
    step: int = 1

    @classmethod
    def of(cls, dataset: Dataset, n_samples: int, sizes: Sequence[int]) -> Items:
        """Entries along the first axis, or samples, where there is one entry; for batches of the ``sizes``, if it can.

        The step is a power of 2 that makes the runs few enough, or a number up to twice that which divides the sizes.
        """
        shape = dataset.layout.sample_shape
        n_rows = shape[0] if len(shape) > 1 else None
        n, length = (n_rows, n_samples // n_rows) if n_rows and n_rows > 1 else (n_samples, 1)
        least = 1 << max(0, (n - 1).bit_length() - (_MOST_RUNS - 1).bit_length())
        divisor = math.gcd(*(size for size in sizes if size < n))
        step = next((k for k in range(least, 2 * least) if divisor % k == 0), least)
        return cls(n, length, step)


@dataclass(frozen=True)
class Survey:
    """What the targets are: ``counts`` and the number that are ``paired`` by pairing, and those ``outside``.

    ``fits`` says that the numbers of the whole file may be in memory, and be read a second time.
    """

    n_samples: int
    items: Items
    counts: dict[Pairing, ByClass]
    paired: dict[Pairing, int]
    outside: set[int]
    fits: bool = False
    is_soft: bool = False

    @property
    def has_shifts(self) -> bool:
        """Whether some pairing leaves samples without a target."""
        return any(n < self.n_samples for n in self.paired.values())


def survey(request: ScoreRequest, dataset: Dataset, pairs: Pairs, sizes: Sequence[int]) -> Survey:
    """Count the targets; where the blocks bring them, in a pass over inputs opened anew. ``sizes`` are of batches."""
    n_classes, n_samples = dataset.n_classes, 0
    counts = {pairing: ByClass.of(np.zeros(0, np.int64), n_classes) for pairing in pairs.tried}
    paired = dict.fromkeys(pairs.tried, 0)
    outside: set[int] = set()
    for start, under in _targets(request, dataset, pairs):
        for pairing, targets in under.items():
            within = is_class(targets, n_classes)
            counts[pairing] += ByClass.of(targets if within.all() else targets[within], n_classes)
            outside.update(set(np.unique(targets[~within]).tolist()) - {NO_TARGET})
            paired[pairing] += int((targets != NO_TARGET).sum())
            n_samples = start + len(targets)
    is_small = n_samples * n_classes <= _MOST_NUMBERS and dataset.layout.in_target_order
    fits = is_small and can_open_again(request.inputs)
    return Survey(n_samples, Items.of(dataset, n_samples, sizes), counts, paired, outside, fits, pairs.soft)


def _targets(
    request: ScoreRequest, dataset: Dataset, pairs: Pairs
) -> Iterator[tuple[int, dict[Pairing, NDArray[np.int64]]]]:
    """The targets under some or all pairings, piece by piece, each with its first sample."""
    if pairs.in_blocks:
        source = open_dataset(request.inputs)
        with naming_places(source):
            for start, raw in raw_targets(source):
                yield start, {pairing: pairs.changed(pairing, raw) for pairing in pairs.tried}
        return
    for pairing in pairs.tried:
        seen = replace(dataset, targets=pairs.under(pairing))
        with naming_places(seen):
            yield from ((start, {pairing: targets}) for start, targets in raw_targets(seen))


@dataclass(frozen=True)
class WeightTable:
    """The class weights (k,) of every convention, worked out once each.

    They are those of ``classes`` (k,), in ascending order, outside which nothing weighs anything or has a target; None
    is every class. ``target_counts`` (k,) by pairing are those of the targets; ``given_counts`` and ``given`` the
    user's, of every class, and ``own`` says where theirs come from.
    """

    target_counts: Mapping[Pairing, NDArray[np.int64]]
    given_counts: NDArray[np.int64] | None = None
    given: NDArray[np.float64] | None = None
    classes: NDArray[np.int64] | None = None
    own: Weighting = Weighting()
    _made: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def among(
        cls,
        counts: Mapping[Pairing, ByClass],
        given_counts: NDArray[np.int64] | None,
        given: NDArray[np.float64] | None,
        own: Weighting,
    ) -> WeightTable:
        """From the ``counts`` of the targets by pairing."""
        seen, n_classes = [one.classes for one in counts.values()], next(iter(counts.values())).n_classes
        is_given = given_counts is not None or given is not None
        classes = np.arange(n_classes) if is_given else np.unique(np.concatenate(seen))
        found = {pairing: one.among(classes) for pairing, one in counts.items()}
        return cls(found, given_counts, given, None if len(classes) == n_classes else classes, own)

    def of(self, convention: Convention) -> NDArray[np.float64] | None:
        """The class weights of a convention; None where it has none. A class without counted samples weighs 0."""
        weighting = convention.weighting
        if weighting.name in ("none", "given"):
            return self.given if weighting.name == "given" else None
        key = convention.of_weights
        if key not in self._made:
            self._made[key] = self._scheme(convention) if weighting.name in ABOUT else self._formula(convention)
        return self._made[key]

    def _scheme(self, convention: Convention) -> NDArray[np.float64]:
        weighting = convention.weighting
        return class_weights(
            self.counts(convention),
            scheme=weighting.name,
            normalize=weighting.normalize,
            beta=weighting.beta,
            zero_count="zero",
        )

    def _formula(self, convention: Convention) -> NDArray[np.float64]:
        """What people write, of the classes that have samples, or a weight of their own."""
        formula = FORMULAS[convention.weighting.name]
        values = self.of(replace(convention, weighting=self.own)) if formula.of_weights else self.counts(convention)
        assert values is not None
        weights = values.astype(np.float64)
        with np.errstate(all="ignore"):
            weights[values != 0] = formula.value(weights[values != 0])
        return weights

    def exist(self, convention: Convention) -> bool:
        """Whether the weights exist: there are none from counts that are all 0."""
        return not is_counted(convention.weighting) or bool(self.counts(convention).any())

    def counts(self, convention: Convention) -> NDArray[np.int64]:
        """The counts (k,) that the scheme takes."""
        if convention.weighting.counts == "given":
            assert self.given_counts is not None
            return self.given_counts
        return self.without(self.target_counts[convention.term.pairing], convention.ignore_index)

    def leave_out(self, convention: Convention) -> bool:
        """Whether some class has no counted samples, by the counts that the scheme takes."""
        return self.classes is not None or not self.counts(convention).all()

    def of_every_class(self, convention: Convention, n_classes: int) -> NDArray[np.float64] | None:
        """``of`` as an array (n_classes,)."""
        weights = self.of(convention)
        if weights is None or self.classes is None:
            return weights
        every = np.zeros(n_classes)
        every[self.classes] = weights
        return every

    def without(self, values: NDArray[Any], ignore_index: int) -> NDArray[Any]:
        """Per-class ``values`` (k,) with 0 for the ignored class, where that is one."""
        place = place_of(ignore_index, self.classes, len(values))
        if place is None:
            return values
        values = values.copy()
        values[place] = 0
        return values
