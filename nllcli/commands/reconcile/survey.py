"""The targets under each shift to try, counted before the pass, and the class weights that follow from the counts."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.inputs.opening import open_dataset
from nllcli.inputs.targets import Shifted, check_shift, shift_out_of_order, shift_without_file
from nllcli.numerics.by_class import ByClass, place_of
from nllcli.numerics.targets import is_class
from nllcli.numerics.weightings import class_weights
from nllcli.records import dataclass
from nllcli.scoring.passes import naming_places, raw_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.conventions import Convention
    from nllcli.data.blocks import Block
    from nllcli.data.dataset import Dataset, VectorSource
    from nllcli.data.settings import ScoreRequest

_NO_TARGET = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Shifts:
    """The shifts to try, the user's own first; ``raw`` are the targets, None where the blocks bring them."""

    raw: VectorSource | None
    length: int
    tried: tuple[int, ...]

    @classmethod
    def of(cls, dataset: Dataset, own: int) -> Shifts:
        """Raises UsageError where the user's own shift is not possible."""
        raw, layout = dataset.targets, dataset.layout
        if own and raw is None:
            raise shift_without_file()
        if own and not layout.in_target_order:
            raise shift_out_of_order()
        if raw is None or not layout.in_target_order:
            return cls(raw, 1, (0,))
        length = (layout.sample_shape or (1,))[-1] or raw.n
        check_shift(own, length, raw.name)
        return cls(raw, length, (own, *(k for k in (0, 1, -1) if k != own and abs(k) < length)))

    def under(self, shift: int, fill: int = _NO_TARGET) -> VectorSource | None:
        """The targets under one shift, ``fill`` where there is none."""
        return Shifted(self.raw, shift, self.length, fill) if shift and self.raw is not None else self.raw

    def read(self, block: Block) -> dict[int, NDArray[np.int64]]:
        """The targets (n,) of a block under each shift."""
        found = {}
        for shift in self.tried:
            source = self.under(shift)
            targets = block.targets if source is None else source.read(block.start, len(block.logits))
            assert targets is not None
            found[shift] = targets
        return found


@dataclass(frozen=True)
class Survey:
    """What the targets are: ``n_items`` along their first axis, ``counts`` by shift, those ``outside``."""

    n_samples: int
    n_items: int
    counts: dict[int, ByClass]
    outside: set[int]


def survey(request: ScoreRequest, dataset: Dataset, shifts: Shifts) -> Survey:
    """Count the targets; where the blocks bring them, in a pass over inputs opened anew."""
    source = open_dataset(request.inputs) if shifts.raw is None else dataset
    n_classes, n_samples = dataset.n_classes, 0
    counts: dict[int, ByClass] = {}
    outside: set[int] = set()
    for shift in shifts.tried:
        counts[shift] = ByClass.of(np.zeros(0, np.int64), n_classes)
        shifted = replace(source, targets=shifts.under(shift))
        with naming_places(shifted):
            for start, targets in raw_targets(shifted):
                within = is_class(targets, n_classes)
                if within.all():
                    counts[shift] += ByClass.of(targets, n_classes)
                else:
                    counts[shift] += ByClass.of(targets[within], n_classes)
                    outside.update(set(np.unique(targets[~within]).tolist()) - {_NO_TARGET})
                n_samples = start + len(targets)
    n_items = dataset.layout.sample_shape[0] if dataset.layout.sample_shape else 1
    return Survey(n_samples, n_items or n_samples, counts, outside)


@dataclass(frozen=True)
class WeightTable:
    """The class weights (k,) of every convention, worked out once each.

    They are those of ``classes`` (k,), in ascending order, outside which nothing weighs anything or has a target; None
    is every class. ``target_counts`` (k,) by shift are those of the targets; ``given_counts`` and ``given`` the user's
    own, of every class.
    """

    target_counts: Mapping[int, NDArray[np.int64]]
    given_counts: NDArray[np.int64] | None = None
    given: NDArray[np.float64] | None = None
    classes: NDArray[np.int64] | None = None
    _made: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def among(
        cls, counts: Mapping[int, ByClass], given_counts: NDArray[np.int64] | None, given: NDArray[np.float64] | None
    ) -> WeightTable:
        """From the ``counts`` of the targets by shift."""
        seen, n_classes = [one.classes for one in counts.values()], next(iter(counts.values())).n_classes
        own = given_counts is not None or given is not None
        classes = np.arange(n_classes) if own else np.unique(np.concatenate(seen))
        found = {shift: one.among(classes) for shift, one in counts.items()}
        return cls(found, given_counts, given, None if len(classes) == n_classes else classes)

    def of(self, convention: Convention) -> NDArray[np.float64] | None:
        """The class weights of a convention; None where it has none. A class without counted samples weighs 0."""
        weighting = convention.weighting
        if weighting.name in ("none", "given"):
            return self.given if weighting.name == "given" else None
        key = convention.of_weights
        if key not in self._made:
            self._made[key] = class_weights(
                self.counts(convention),
                scheme=weighting.name,
                normalize=weighting.normalize,
                beta=weighting.beta,
                zero_count="zero",
            )
        return self._made[key]

    def exist(self, convention: Convention) -> bool:
        """Whether the weights exist: there are none from counts that are all 0."""
        return convention.weighting.name in ("none", "given") or bool(self.counts(convention).any())

    def counts(self, convention: Convention) -> NDArray[np.int64]:
        """The counts (k,) that the scheme takes."""
        if convention.weighting.counts == "given":
            assert self.given_counts is not None
            return self.given_counts
        return self.without(self.target_counts[convention.term.shift], convention.ignore_index)

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
