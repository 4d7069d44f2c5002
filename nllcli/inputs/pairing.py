"""Class probabilities, sample weights and columns, in the order in which the logits' file has the samples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Remedy, UsageError, setting
from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.inputs.arrays.raw import FileArray, RawArray, Values, widened
from nllcli.inputs.bytes.files import Spool
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.mismatch import Misfit, check_shape
from nllcli.inputs.tables.columns import are_numbers, choose
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import TextTable, open_table
from nllcli.inputs.target_columns import read_column

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.errors import Notice
    from nllcli.inputs.formats import Input

_PIECE_SAMPLES = 1 << 13


def in_order_of(layout: Layout, soft: BlockSource) -> BlockSource:
    """Class probabilities, with their samples in the order in which the logits' file has them."""
    if not isinstance(soft, FileArray) and len(layout.shape) == 2 and layout.class_axis == 0:
        soft = columns_as_samples(soft)
    if soft.fortran == layout.fortran or len(soft.shape) == 2 or not isinstance(soft, FileArray):
        return soft
    values = soft.at_any_place().read_all()
    ordered = np.asarray(values.T if layout.fortran else values, order="C")
    return MemoryArray(soft.name, soft.shape, soft.dtype, layout.fortran, values=ordered)


@dataclass
class _Transposed(RawArray):
    """The numbers of a table, put on disk: each of its columns is a sample."""

    table: BlockSource = field(kw_only=True)

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.table.notes

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        if class_index is None or not isinstance(self.table, TextTable):
            return super().place(sample, layout, class_index)
        return self.table.place(class_index, layout, sample)


def columns_as_samples(table: BlockSource) -> RawArray:
    """A table whose samples are its columns: put on disk first, since it is read by lines."""
    if table.labels:
        message = f"targets in a column need one sample a row; {setting('class_axis', 0)} has one a column"
        raise UsageError(message, where=table.name)
    assert table.shape[1] is not None
    layout, scratch, spool, n = Layout(table.shape, 1), Scratch(), Spool(table.name), 0
    for chunk in table.chunks(layout, max(1, _PIECE_SAMPLES // table.shape[1])):
        spool.write(np.ascontiguousarray(chunk.load(scratch).logits).reshape(-1).view(np.uint8).data)
        n += chunk.n
    return _Transposed(table.name, (n, table.shape[1]), table.dtype, file=spool.file, offset=0, table=table)


def open_sample_weights(path: str, layout: Layout, logits: BlockSource) -> VectorSource:
    """Open a file of sample weights; raises DataError where their shape does not fit the logits."""
    opened = open_input(path)
    reading = _among(opened, ReadOptions(holds="sample weights", member=opened.member))
    source = open_table(opened.stream, sniff(opened.stream), reading) if opened.is_text else opened.read(reading)
    if not isinstance(source, FileArray):
        if source.shape[1] != 1:
            message = f"has {source.shape[1]} columns; sample weights have one"
            raise DataError(message, where=source.name, hint="one number a line")
        column, n = read_column(source, layout.n_samples)
        check_shape(
            Misfit(layout, (n,), binary=layout.n_classes == 1), path, logits.name, logits.shape, "sample weights"
        )
        return replace(column, name=path, values=column.values.astype(np.float64))
    check_shape(
        Misfit(layout, source.shape, binary=layout.n_classes == 1), path, logits.name, logits.shape, "sample weights"
    )
    array = source.at_any_place()
    if array.fortran == layout.fortran:
        return _Floats(array.name, array.shape, array.dtype, array.fortran, file=array.file, offset=array.offset)
    return Values(path, layout.to_file_order(widened(array.read_all())).astype(np.float64))


def _among(opened: Input, options: ReadOptions) -> ReadOptions:
    """The options; raises UsageError where a table has several columns, and none is named."""
    preview = opened.preview(options)
    if preview is None or options.member is not None or opened.format == "jsonl":  # which looks at names itself
        return options
    columns = choose(preview, options).classes
    if len(columns) < 2:
        return options
    likely = [preview.heading(c) for c in columns if are_numbers(preview, c)]
    remedies = [
        Remedy(files={preview.name: f"{preview.name}:{name}"}, meaning=f"{name} has the weights") for name in likely[:8]
    ]
    raise UsageError(f"has {len(columns)} columns; sample weights have one", where=preview.name, remedies=remedies)


class _Floats(RawArray):
    """Sample weights of any number type, converted to float64 as they are read."""

    def read(self, start: int, n: int) -> Any:
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            return widened(super().read(start, n)).astype(np.float64)
