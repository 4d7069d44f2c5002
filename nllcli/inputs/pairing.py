"""Sources made to fit the logits they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, UsageError
from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.inputs.arrays.raw import FileArray, RawArray
from nllcli.inputs.bytes.files import Spool
from nllcli.inputs.opening import at_any_place
from nllcli.inputs.shapes import ONE_LOGIT
from nllcli.inputs.tables.text import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.data.blocks import Chunk
    from nllcli.data.dataset import BlockSource
    from nllcli.errors import Notice
    from nllcli.inputs.tables.jsonl import JsonLines

_PIECE_SAMPLES = 1 << 13


@dataclass
class _Wrapped:
    """A source whose chunks are looked after on the way."""

    source: Any

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    @property
    def fortran(self) -> bool:
        return self.source.fortran

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.source.class_names

    @property
    def labels(self) -> bool:
        return self.source.labels

    @property
    def n_bytes(self) -> int | None:
        return self.source.n_bytes

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.source.notes

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        yield from self.source.chunks(layout, block_samples)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        return self.source.place(sample, layout, class_index)


@dataclass
class WrittenAsFloats(_Wrapped):
    """Class probabilities in text; the end of the text shows whether they were one-hot integers after all."""

    source: TextTable | JsonLines

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        yield from super().chunks(layout, block_samples)
        if not self.source.fractions:
            raise one_hot(self.name)


@dataclass
class _InOwnOrder(_Wrapped):
    """An array of two dimensions in another memory order than the logits: samples count alike in both."""

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        yield from super().chunks(replace(layout, fortran=self.fortran), block_samples)


def one_hot(name: str, n_dims: int = 2) -> DataError:
    """The refusal of integers in the shape of the logits, of so many dimensions."""
    hint = "one-hot targets? write them as floating point (0.0, 1.0); they are then class probabilities"
    return DataError(
        "holds integers in the shape of the logits",
        where=name,
        hint=f"{ONE_LOGIT}; {hint}" if n_dims == 1 else hint,
        finding="one-hot-integers",
    )


def in_order_of(layout: Layout, soft: BlockSource) -> BlockSource:
    """Class probabilities, with their samples in the order in which the logits' file has them."""
    if not isinstance(soft, FileArray) and len(layout.shape) == 2 and layout.class_axis == 0:
        soft = columns_as_samples(soft)
    if soft.fortran == layout.fortran or not isinstance(soft, FileArray):
        return soft
    if len(soft.shape) == 2:
        return _InOwnOrder(soft)
    values = at_any_place(soft).read_all()
    ordered = np.asarray(values.T if layout.fortran else values, order="C")
    return MemoryArray(soft.name, ordered, soft.shape, layout.fortran)


@dataclass
class _Turned(RawArray):
    """The numbers of a table, put on disk, of which each column is a sample."""

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
        raise UsageError("targets in a column go with one sample a row, not with --class-axis 0", where=table.name)
    assert table.shape[1] is not None
    layout, scratch, spool, n = Layout(table.shape, 1), Scratch(), Spool(table.name), 0
    for chunk in table.chunks(layout, max(1, _PIECE_SAMPLES // table.shape[1])):
        spool.write(np.ascontiguousarray(chunk.load(scratch).logits).reshape(-1).view(np.uint8).data)
        n += chunk.n
    return _Turned(table.name, (n, table.shape[1]), table.dtype, file=spool.file, offset=0, table=table)
