"""The targets under each shift to try, counted before the pass, and the class weights that follow from the counts."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.inputs.opening import open_dataset
from nllcli.inputs.targets import Shifted, check_shift, shift_out_of_order, shift_without_file
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
    """What the targets are: ``n_items`` along their first axis, ``counts`` (n_classes,) by shift, those ``outside``."""

    n_samples: int
    n_items: int
    counts: dict[int, NDArray[np.int64]]
    outside: set[int]


def survey(request: ScoreRequest, dataset: Dataset, shifts: Shifts) -> Survey:
    """Count the targets; where the blocks bring them, in a pass over inputs opened anew."""
    source = open_dataset(request.inputs) if shifts.raw is None else dataset
    n_classes, n_samples = dataset.n_classes, 0
    counts: dict[int, NDArray[np.int64]] = {}
    outside: set[int] = set()
    for shift in shifts.tried:
        counts[shift] = np.zeros(n_classes, np.int64)
        shifted = replace(source, targets=shifts.under(shift))
        with naming_places(shifted):
            for start, targets in raw_targets(shifted):
                within = is_class(targets, n_classes)
                if within.all():
                    counts[shift] += np.bincount(targets, minlength=n_classes)
                else:
                    counts[shift] += np.bincount(targets[within], minlength=n_classes)
                    outside.update(set(np.unique(targets[~within]).tolist()) - {_NO_TARGET})
                n_samples = start + len(targets)
    n_items = dataset.layout.sample_shape[0] if dataset.layout.sample_shape else 1
    return Survey(n_samples, n_items or n_samples, counts, outside)


@dataclass(frozen=True)
class WeightTable:
    """The class weights (n_classes,) of every convention, worked out once each.

    ``target_counts`` (n_classes,) by shift are those of the targets; ``given_counts`` and ``given`` the user's own.
    """

    target_counts: Mapping[int, NDArray[np.int64]]
    given_counts: NDArray[np.int64] | None = None
    given: NDArray[np.float64] | None = None
    _made: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)

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
        """The counts (n_classes,) that the scheme takes."""
        if convention.weighting.counts == "given":
            assert self.given_counts is not None
            return self.given_counts
        return without(self.target_counts[convention.term.shift], convention.ignore_index)


def without(values: NDArray[Any], ignore_index: int) -> NDArray[Any]:
    """Per-class ``values`` (n_classes,) with 0 for the ignored class, where that is one."""
    if not 0 <= ignore_index < len(values):
        return values
    values = values.copy()
    values[ignore_index] = 0
    return values
