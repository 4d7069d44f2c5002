"""The word for groups -> their source, in the order of the logits or by the keys that both files have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nllcli.data.layout import Layout
from nllcli.errors import DataError
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.formats import PREVIEWS, ReadOptions, open_input
from nllcli.inputs.groups.axes import RowLabels, along, has_rows
from nllcli.inputs.groups.integers import integer_labels
from nllcli.inputs.groups.numbering import numbered
from nllcli.inputs.groups.texts import read_column, read_strings, with_places
from nllcli.inputs.mismatch import Misfit, check_shape
from nllcli.inputs.shards import Run
from nllcli.inputs.words import axis_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.dataset import BlockSource, GroupSource
    from nllcli.errors import Notice
    from nllcli.inputs.formats import Input
    from nllcli.inputs.groups.numbering import Labels
    from nllcli.inputs.matching import Keys
    from nllcli.inputs.shapes import Shape
    from nllcli.inputs.tables.columns import Preview


class Labelled(NamedTuple):
    """An open file of labels; ``preview`` is its beginning, where it is a table."""

    name: str
    opened: Input
    preview: Preview | None

    @property
    def table(self) -> Preview | None:
        """The beginning of a table of several columns."""
        return None if self.preview is None or self.preview.n_columns < 2 else self.preview


class Bound(NamedTuple):
    """Groups in the order of the ``logits``, which check on the way that the keys of both are in one order."""

    logits: BlockSource
    groups: GroupSource
    notes: tuple[Notice, ...]


def peek(word: str) -> Labelled | None:
    """Open a file of labels, and read what its beginning shows; None for an axis."""
    if axis_of(word) is not None:
        return None
    opened = open_input(word)
    return Labelled(name_of(word), opened, opened.preview(ReadOptions(holds="targets", member=opened.member)))


def in_order(
    word: str, labelled: Labelled | None, layout: Layout, logits: BlockSource
) -> tuple[GroupSource, tuple[Notice, ...]]:
    """The groups that a word stands for, in the order of the logits; raises DataError where their shape does not fit.

    ``labelled`` is its open file.
    """
    axis = axis_of(word)
    if labelled is None:
        assert axis is not None
        labels: Labels = along(axis, layout, logits.name)
    elif labelled.opened.format in PREVIEWS:
        labels = _of_column(labelled, layout, logits)
    else:
        labels = _of_array(labelled.opened, layout, logits)
    return numbered([labels])[0], labels.notes


def by_keys(
    labelled: Labelled,
    keys: Keys,
    logits: BlockSource,
    again: Callable[[], BlockSource],
    missing: str,
    *,
    can_be_asked: bool,
) -> Bound:
    """Groups whose rows belong to those of the logits by their keys, for which the logits are read ``again``.

    Where rows are only taken in order, ``can_be_asked`` says that the setting for keys is a way out.
    """
    from nllcli.inputs.keys import KeyedValues, KeysInOrder, check_read_again, digests, matched
    from nllcli.inputs.matching import loose_note

    found: list[NDArray[np.bytes_]] = []

    def take_keys(block: Block) -> None:
        assert block.keys is not None
        found.append(digests(block.keys, loose=keys.loose))

    column = read_column(labelled.opened, labelled.preview, keys.theirs, take_keys)
    own, notes = np.concatenate(found), (*column.notes, *loose_note(column.name, keys))
    if not keys.matched:
        logits = KeysInOrder(logits, own, column.name, keys.names if can_be_asked else "", keys.loose)
    else:
        check_read_again(logits.name, "groups")
        assert column.row is not None
        values = KeyedValues(
            *(column.name, column.places, own, column.row, missing, -1, keys.loose, keys.own_once, keys.their_once),
            noun="group",
            required=True,
        )
        column = with_places(column, matched(values, again()))
        notes = (*notes, *values.notes)
    return Bound(logits, numbered([replace(column, name=labelled.name)])[0], notes)


def part_of(groups: GroupSource, first: int, n: int, layout: Layout) -> GroupSource:
    """The groups of ``n`` samples from number ``first`` on of the whole, as those of a file of its own."""
    return numbered([integer_labels(Run(groups, first, n, layout), layout)])[0]


def _of_column(labelled: Labelled, layout: Layout, logits: BlockSource) -> Labels:
    column = replace(read_column(labelled.opened, labelled.preview), name=labelled.name)
    try:
        return RowLabels(column, layout) if _are_by_row(column.name, (column.n,), layout, logits) else column
    except DataError as error:
        header = column.one_more() if column.n - 1 == layout.n_samples else None
        error.remedies = () if header is None else (header,)
        raise


def _of_array(opened: Input, layout: Layout, logits: BlockSource) -> Labels:
    source = opened.read(ReadOptions(holds="targets"))
    assert isinstance(source, FileArray)
    if source.dtype.kind == "V":
        raise DataError("holds bfloat16, which is too coarse for labels", where=source.name)
    by_row = _are_by_row(source.name, source.shape, layout, logits)
    array, order = source.at_any_place(), Layout((*source.shape, 1), len(source.shape)) if by_row else layout
    if array.dtype.kind in "US":
        labels: Labels = read_strings(array, order)
    elif by_row or array.fortran != layout.in_target_order:  # the file has them in the order of the logits' own
        labels = integer_labels(array, order)
    else:
        labels = integer_labels(Values(array.name, layout.to_file_order(array.read_all())), layout)
    return RowLabels(labels, layout) if by_row else labels


def _are_by_row(name: str, shape: Shape, layout: Layout, logits: BlockSource) -> bool:
    """Whether labels are one for all samples of a row, not one a sample; raises DataError where they are neither."""
    by_row = has_rows(layout, shape)
    if not by_row:
        check_shape(Misfit(layout, shape, binary=layout.n_classes == 1), name, logits.name, logits.shape, "groups")
    return by_row
