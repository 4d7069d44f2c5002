"""Class probabilities, sample weights and columns, in the order in which the logits' file has the samples."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import UsageError, setting
from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.inputs.arrays.raw import FileArray, RawArray
from nllcli.inputs.bytes.files import Spool
from nllcli.inputs.tables.text import TextTable
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource
    from nllcli.errors import Notice

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
