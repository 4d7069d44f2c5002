"""The classes of another model in the order in which the first one has them: by their names, or by their places."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import DataError, Notice, Remedy, first_few
from nllcli.inputs import names
from nllcli.inputs.changed import Changed
from nllcli.inputs.joined import Shards, joined
from nllcli.inputs.keys import KeyedLogits
from nllcli.inputs.shards import JoinedLogits
from nllcli.inputs.tables.columns import as_pattern
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.layout import Layout

_PIECE_SAMPLES = 1 << 16
_MOST_NAMED = 5

# For each class of the first model its place in the other one.
Order = tuple[int, ...]


@dataclass
class Reordered(Changed):
    """Logits whose columns, and whose targets where they bring some, are put into another order."""

    order: Order
    names: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        return self.logits.place(sample, layout, None if class_index is None else self.order[class_index])

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:  # noqa: ARG002 - the same for all
        block = chunk.load(scratch)
        targets = None if block.targets is None else renumbered(block.targets, np.argsort(self.order))
        return replace(block, held=block.logits[:, list(self.order)], targets=targets)


def renumbered(targets: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Targets by the new ``places`` of their classes; what is the number of none stays as it is."""
    is_class = (targets >= 0) & (targets < len(places))
    return np.where(is_class, places[np.where(is_class, targets, 0)], targets)


def order_of_numbers(dataset: Dataset) -> Order | None:
    """The order into which the classes of a table were put whose own targets are numbers; else None."""
    table = _reordered_of(dataset)
    if table is None:
        return None
    inner = table.logits.sources[0] if isinstance(table.logits, JoinedLogits) else table.logits
    reader = getattr(inner, "label_reader", None)
    return table.order if reader is not None and reader.numeric else None


def _reordered_of(dataset: Dataset) -> Reordered | None:
    """The logits of a model, or those of its first file, where their columns were put into another order."""
    logits = dataset.parts[0].logits
    table = getattr(logits, "table", logits)  # of rows that are matched by key
    return table if isinstance(table, Reordered) else None


def _own_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of the classes in the order in which the file has them."""
    table = _reordered_of(dataset)
    return (dataset.class_names if table is None else table.logits.class_names) or ()


def bound_by_name(first: Dataset, other: Dataset) -> Dataset:
    """The other model with its classes in the order of the first one, where both name theirs.

    Raises DataError where they name different ones, and where it is in doubt whose order the targets number.
    """
    own, known = other.class_names, first.class_names
    if own is None or known is None or own == known:
        return other
    order = names.match(known, own)
    if order is None or len(own) != len(known):
        raise _other_classes(first, other)
    if names.are_places(order):
        return other
    if _are_in_doubt(first, other, order):
        raise other_order(first, other)
    told = f"{other.logits.name}: its classes are put into the order of {first.logits.name}, by their names"
    changed = _reordered(other, order, known)
    return replace(changed, opening_notes=(*changed.opening_notes, Notice("classes-reordered", told)))


def _reordered(dataset: Dataset, order: Order, known: tuple[str, ...]) -> Dataset:
    if isinstance(dataset, Shards):
        shards = [_reordered(shard, order, known) for shard in dataset.shards]
        return joined(dataset.names, shards, dataset.pairing, dataset.left_out, partial=dataset.may_be_partial)
    logits = Reordered(dataset.logits, order, known)
    return replace(dataset, logits=logits, class_names=logits.class_names)


def _other_classes(first: Dataset, other: Dataset) -> DataError:
    """The refusal of a class that only one of two models has."""
    own, known = other.class_names or (), first.class_names or ()
    extra = [name for name in own if names.match([name], known) is None]
    lacking = [name for name in known if names.match([name], own) is None]
    what = f"has a class {(extra or own)[0]!a}, which {first.logits.name} does not have"
    if lacking and not extra:
        what = f"has no class {lacking[0]!a}, which {first.logits.name} has"
    return DataError(what, where=other.logits.name, finding="classes-differ")


def other_order(first: Dataset, other: Dataset) -> DataError:
    """The refusal of classes in two orders, of which targets that are numbers may number either."""
    own, known = _own_names(other), _own_names(first)
    message = f"has its classes in another order than {first.logits.name}, {first_few(own, _MOST_NAMED)}"
    message += ", and the targets are numbers"
    remedies = [
        Remedy({"columns": tuple(map(as_pattern, order))}, f"the targets number the classes as {name} has them")
        for order, name in ((known, first.logits.name), (own, other.logits.name))
    ]
    same = set(own) == set(known)
    return DataError(
        message,
        where=other.logits.name,
        hint=None if same else "save both with the columns in the order that the targets number",
        remedies=remedies if same else (),
        finding="classes-reordered",
    )


def _are_in_doubt(first: Dataset, other: Dataset, order: Order) -> bool:
    """Whether the targets of both, read out of one file, are not the same classes by name."""
    if first.soft_targets is not None:
        return first.soft_targets.class_names is None
    places = np.array(order)
    return any(
        (renumbered(mine, places) != theirs).any()
        for mine, theirs in zip(_targets_in(first), _targets_in(other), strict=False)
    )


def _targets_in(dataset: Dataset) -> Iterator[NDArray[np.int64]]:
    """The targets out of a file of their own, piece by piece, or by their keys."""
    vector = dataset.targets
    if vector is not None:
        for start in range(0, vector.n, _PIECE_SAMPLES):
            yield vector.read(start, min(_PIECE_SAMPLES, vector.n - start))
    logits = dataset.logits
    if isinstance(logits, KeyedLogits):
        yield logits.targets.values
