"""Sample weights: one a sample, in the order of the logits or by the keys that both files have."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nllcli.data.layout import Layout
from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.arrays.raw import FileArray, RawArray, Values, widened
from nllcli.inputs.bytes.files import STANDARD_INPUT, name_of
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.mismatch import Misfit, check_shape
from nllcli.inputs.tables.columns import are_numbers, choose
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import open_table
from nllcli.inputs.target_columns import read_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.errors import Notice
    from nllcli.inputs.formats import Input
    from nllcli.inputs.matching import Keys
    from nllcli.inputs.tables.columns import Preview


class Weights(NamedTuple):
    """An open file of sample weights; ``preview`` is its beginning, where it is a table of several columns."""

    name: str
    opened: Input
    preview: Preview | None


class Bound(NamedTuple):
    """Weights in the order of the ``logits``, which check on the way that the keys of both are in one order."""

    logits: BlockSource
    values: Values
    notes: tuple[Notice, ...] = ()


def peek(path: str) -> Weights:
    """Open a file of sample weights, and read what its beginning shows."""
    opened = open_input(path)
    preview = opened.preview(ReadOptions(holds="sample weights", member=opened.member))
    return Weights(name_of(path), opened, preview if preview is not None and preview.n_columns > 1 else None)


def in_order(weights: Weights, layout: Layout, logits: BlockSource) -> VectorSource:
    """Weights in the order of the logits; raises DataError where their shape does not fit the logits."""
    source = _read(weights.opened, None)
    name = weights.name
    if not isinstance(source, FileArray):
        column, n = read_column(source, layout.n_samples)
        check_shape(
            Misfit(layout, (n,), binary=layout.n_classes == 1), name, logits.name, logits.shape, "sample weights"
        )
        return replace(column, name=name, values=column.values.astype(np.float64))
    check_shape(
        Misfit(layout, source.shape, binary=layout.n_classes == 1), name, logits.name, logits.shape, "sample weights"
    )
    array = source.at_any_place()
    if array.fortran == layout.fortran:
        return _Floats(array.name, array.shape, array.dtype, array.fortran, file=array.file, offset=array.offset)
    return Values(name, layout.to_file_order(widened(array.read_all())).astype(np.float64))


def by_keys(
    weights: Weights,
    keys: Keys,
    logits: BlockSource,
    again: Callable[[], BlockSource],
    missing: str,
    *,
    can_be_asked: bool,
) -> Bound:
    """Weights whose rows belong to those of the logits by their keys, for which the logits are read ``again``.

    Where rows are only taken in order, ``can_be_asked`` says that the setting for keys is a way out.
    """
    from nllcli.inputs.keys import KeyedValues, KeysInOrder, check_read_again, gather, matched
    from nllcli.inputs.matching import loose_note

    source = _read(weights.opened, keys.theirs)
    values, digests = gather(source, lambda block: block.logits.ravel().astype(np.float64), loose=keys.loose)
    place = partial(source.place, layout=Layout(source.shape, 1))
    if not keys.matched:
        ordered = KeysInOrder(logits, digests, source.name, keys.names if can_be_asked else "", keys.loose)
        return Bound(ordered, Values(weights.name, values, place), loose_note(source.name, keys))
    check_read_again(logits.name, "sample_weights")
    found = KeyedValues(
        *(source.name, values, digests, place, missing, 0.0, keys.loose, keys.own_once, keys.their_once, "weight"),
        without="counted with weight 0",
    )
    values = matched(found, again())
    notes = (*loose_note(source.name, keys), *found.notes)
    return Bound(logits, Values(weights.name, values), notes)


def _read(opened: Input, key: str | None) -> BlockSource:
    reading = _among(opened, ReadOptions(holds="sample weights", member=opened.member, key=key, missing="told"))
    source = open_table(opened.stream, sniff(opened.stream), reading) if opened.is_text else opened.read(reading)
    if not isinstance(source, FileArray) and source.shape[1] != 1:
        message = f"has {source.shape[1]} columns; sample weights have one"
        raise DataError(message, where=source.name, hint="one number a line")
    return source


def _among(opened: Input, options: ReadOptions) -> ReadOptions:
    """The options; raises UsageError where a table has several columns, and none is named."""
    preview = opened.preview(options)
    if preview is None or options.member is not None or opened.format == "jsonl":  # which looks at names itself
        return options
    columns = choose(preview, options).classes
    if len(columns) < 2:
        return options
    named = preview.name != STANDARD_INPUT
    likely = [preview.heading(c) for c in columns if named and are_numbers(preview, c)]
    remedies = [Remedy({"sample_weights": f"{preview.name}:{name}"}, f"{name} has the weights") for name in likely[:8]]
    raise UsageError(f"has {len(columns)} columns; sample weights have one", where=preview.name, remedies=remedies)


class _Floats(RawArray):
    """Sample weights of any number type, converted to float64 as they are read."""

    def read(self, start: int, n: int) -> Any:
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            return widened(super().read(start, n)).astype(np.float64)
