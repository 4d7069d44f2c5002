"""The blocks of several models with the same samples as one: whose targets count, and which samples do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, UsageError
from nllcli.inputs.models.classes import order_of_numbers, other_order, renumbered
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.dataset import Dataset


@dataclass(frozen=True)
class Agreement:
    """What the blocks of all ``models`` have to have in common; the one of number ``leader`` has the targets."""

    models: Sequence[Dataset]
    leader: int

    def where(self, number: int, start: int, i: int = 0) -> str:
        """The file and the place of sample ``start + i`` of a model."""
        model = self.models[number]
        place = model.place(start + i)
        return place if getattr(model.logits, "names_files", False) else f"{model.logits.name}, {place}"

    def check_labels(self, block: Block, number: int, other: Block) -> None:
        """Raise DataError where the targets that two tables bring with them differ."""
        first, model = self.models[self.leader], self.models[number]
        if block.targets is None or other.targets is None or not (first.logits.labels and model.logits.labels):
            return
        gone = [each.left_out for each in (block, other) if each.left_out is not None]
        there = ~np.logical_or.reduce(gone) if gone else np.ones(len(block.targets), np.bool_)
        differing = np.flatnonzero((block.targets != other.targets) & there)
        if not differing.size:
            return
        order = order_of_numbers(model)
        if order is not None and (renumbered(other.targets, np.array(order)) == block.targets)[there].all():
            raise other_order(first, model)
        i, names = int(differing[0]), first.class_names
        values = [int(targets[i]) for targets in (other.targets, block.targets)]
        shown = [ascii(names[y]) if names and 0 <= y < len(names) else str(y) for y in values]
        message = f"has the target {shown[0]}, but {self.where(self.leader, block.start, i)} has {shown[1]}"
        raise DataError(message, where=self.where(number, block.start, i), finding="targets-differ")


def together(blocks: Sequence[Block], agreement: Agreement) -> Block:
    """The first of the blocks with the others, all with the same targets and weights.

    What has no logits in one of them, or does not count, is ignored in all. Of one class there is nothing else to
    tell; its targets are None where all samples count.
    """
    first, lead, models = blocks[0], blocks[agreement.leader], agreement.models
    for i, model in enumerate(models):
        if i != agreement.leader and model.n_classes > 1:
            agreement.check_labels(lead, i, blocks[i])
    gone = _ignored(blocks, agreement)
    if gone is not None and (lead.targets is None or lead.targets.ndim > 1):
        raise UsageError("samples without logits are left out by their class index", where=models[0].logits.name)
    shared: dict[str, Any] = {"sample_weights": first.sample_weights, "groups": first.groups, "keys": first.keys}
    found = [
        replace(block, targets=_targets(lead.targets, gone, model), **shared)
        for block, model in zip(blocks, models, strict=True)
    ]
    return replace(found[0], others=tuple(found[1:]))


def _targets(targets: NDArray[Any] | None, gone: NDArray[np.bool_] | None, model: Dataset) -> NDArray[Any] | None:
    """The targets of a model: those that all have, or of a single class which samples count."""
    if model.n_classes == 1:
        return None if gone is None else np.where(gone, model.ignore_index, 0)
    if gone is None or targets is None:
        return targets
    return np.where(gone, model.ignore_index, targets)


def _ignored(blocks: Sequence[Block], agreement: Agreement) -> NDArray[np.bool_] | None:
    """Which samples do not count in one of the models; None where none is left out, and no model has a single class."""
    masks = [block.left_out for block in blocks if block.left_out is not None]
    single = [model.n_classes == 1 for model in agreement.models]
    if not (masks or any(single)):
        return None
    for i, (block, model) in enumerate(zip(blocks, agreement.models, strict=True)):
        if (single[i] or i == agreement.leader) and block.targets is not None and block.targets.ndim == 1:
            masks.append(block.targets == model.ignore_index)
    gone: NDArray[np.bool_] = np.logical_or.reduce(masks) if masks else np.zeros(0, np.bool_)
    return gone if gone.any() else None
