"""The targets under each pairing, from a file of them or from the blocks that bring them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.convention import Pairing
from nllcli.commands.reconcile.conventions.pairings import CHANGES, NO_TARGET, names_of, tried
from nllcli.engine import map_blocks
from nllcli.inputs.arrays.raw import Values
from nllcli.inputs.targets import Indices, Shifted, check_shift, shift_out_of_order, shift_without_file
from nllcli.numerics.targets import is_class
from nllcli.records import dataclass
from nllcli.scoring.passes import chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset, VectorSource

SOFT = Pairing(change="soft")
LARGEST = Pairing(change="largest")


@dataclass(frozen=True)
class Pairs:
    """The pairings to try, the user's own first; ``raw`` are the targets, None where the blocks bring them.

    A row has ``length`` targets; ``classes`` (C,) are by change those that each class becomes; ``soft`` says that the
    blocks bring class probabilities, of which ``raw`` are the largest.
    """

    raw: VectorSource | None
    length: int
    tried: tuple[Pairing, ...]
    classes: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    soft: bool = False

    @classmethod
    def of(cls, dataset: Dataset, own: int, ignore_index: int) -> Pairs:
        """Raises UsageError where the user's own shift is not possible."""
        raw, layout = dataset.targets, dataset.layout
        if own and raw is None:
            raise shift_without_file()
        if own and not layout.in_target_order:
            raise shift_out_of_order()
        length, in_file = 1, raw is not None and layout.in_target_order
        if raw is not None and in_file:
            length = (layout.sample_shape or (1,))[-1] or raw.n
            check_shift(own, length, raw.name)
        padding = [ignore_index] if 0 <= ignore_index < dataset.n_classes else [0]
        if raw is not None and length > 1:
            last = int(raw.read(length - 1, 1)[0])
            padding += [last] * (0 <= last < dataset.n_classes)
        every = tuple(tried(dataset, Pairing(own), list(dict.fromkeys(padding)), length, in_file=in_file))
        changes = {pairing.change: CHANGES[pairing.change].of_classes for pairing in every if pairing.change}
        classes = {name: of_classes(names_of(dataset)) for name, of_classes in changes.items() if of_classes}
        return cls(raw, length, every, classes)

    @classmethod
    def of_soft(cls, name: str, largest: NDArray[np.int64]) -> Pairs:
        """Class probabilities as they are, and the ``largest`` (n,) alone."""
        return cls(Values(name, largest), 1, (SOFT, LARGEST), soft=True)

    @property
    def in_blocks(self) -> bool:
        """Whether the targets are known from the blocks alone."""
        return self.raw is None

    def under(self, pairing: Pairing, fill: int = NO_TARGET) -> VectorSource | None:
        """The targets under one pairing, ``fill`` where there is none; None where the blocks bring them."""
        source = self.raw
        if source is None or pairing.change in ("soft", "largest"):
            return source
        change = CHANGES.get(pairing.change)
        is_before = change is not None and change.before
        if is_before:
            source = _Changed(source, self, pairing)
        if pairing.shift:
            source = Shifted(source, pairing.shift, source.n if pairing.flat else self.length, fill)
        return source if change is None or is_before else _Changed(source, self, pairing)

    def changed(self, pairing: Pairing, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """What becomes of targets, of whole rows (n, length) where the change is one of rows."""
        change = CHANGES.get(pairing.change)
        if change is None:
            return targets
        if change.of_rows is not None:
            return change.of_rows(targets, pairing.index)
        classes = self.classes[pairing.change]
        known = is_class(targets, len(classes))
        return np.where(known, classes[np.where(known, targets, 0)], targets)

    def read(self, block: Block) -> dict[Pairing, NDArray[Any]]:
        """The targets (n,) of a block under each pairing, or (n, C) of class probabilities."""
        found = {}
        for pairing in self.tried:
            source = None if pairing.change == "soft" else self.under(pairing)
            if source is not None:
                found[pairing] = source.read(block.start, len(block.logits))
            else:
                assert block.targets is not None
                found[pairing] = _two_columns(block.targets) if self.soft else self.changed(pairing, block.targets)
        return found


def _two_columns(targets: NDArray[Any]) -> NDArray[Any]:
    """Class probabilities (n, C), of one column (n, 1) those of both classes."""
    return np.hstack([1.0 - targets, targets]) if targets.shape[1] == 1 else targets


def largest_of(dataset: Dataset) -> tuple[NDArray[np.int64], bool]:
    """The class (n_samples,) of the largest target probability, and whether each row is a 1 among zeros."""

    def of_block(block: Block, _: Scratch) -> tuple[NDArray[np.int64], bool]:
        assert block.targets is not None
        rows = _two_columns(block.targets)
        is_one_hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
        return rows.argmax(axis=1).astype(np.int64), bool(is_one_hot)

    found = list(map_blocks(of_block, chunks(dataset)))
    classes = np.concatenate([np.zeros(0, np.int64), *(classes for classes, _ in found)])
    return classes, all(one_hot for _, one_hot in found)


@dataclass
class _Changed(Indices):
    """Targets after a change."""

    pairs: Pairs
    pairing: Pairing

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        change, length = self.pairs.changed, self.pairs.length
        if CHANGES[self.pairing.change].of_rows is None:
            return change(self.pairing, super().read(start, n))
        first, stop = start // length * length, -(-(start + n) // length) * length
        rows = super().read(first, min(stop, self.n) - first).reshape(-1, length)
        return change(self.pairing, rows).ravel()[start - first :][:n]
