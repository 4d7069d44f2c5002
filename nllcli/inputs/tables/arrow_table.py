"""The columns of a Parquet or Feather file as a BlockSource."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, FaultError, Notice, counted
from nllcli.inputs.bytes.libraries import refusing
from nllcli.inputs.integers import are_rounded, rounded_integers
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.lines import regrouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import OpenFile

    # Record batches of about ``n_rows`` rows of ``columns``, from row ``start`` on: batches(n_rows, columns, start).
    Batches = Callable[[int, list[str], int], Iterator[Any]]


@dataclass
class ArrowTable:
    """A table of which ``columns`` are the classes, or the one of lists is the samples; a BlockSource."""

    name: str
    file: OpenFile
    n_rows: int | None
    batches: Batches
    columns: list[str]
    n_classes: int
    dtype: np.dtype[Any]
    lists: bool
    label_column: str | None
    label_reader: LabelReader | None
    opening_notes: tuple[Notice, ...] = ()
    fortran: bool = False
    n_bytes: int | None = field(default=None, init=False)
    _rounded: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._version = self.file.version()

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (self.n_rows, self.n_classes)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the rows read so far."""
        rounded = (rounded_integers(self.name),) if self._rounded else ()
        labels = () if self.label_reader is None else self.label_reader.notes(self.name)
        return (*self.opening_notes, *rounded, *labels)

    @property
    def labels(self) -> bool:
        return self.label_column is not None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return None if self.lists else tuple(self.columns)

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        start = first * block_samples
        wanted = self.columns if self.label_column is None else [*self.columns, self.label_column]
        with refusing(self.name):
            batches = ((batch.num_rows, batch) for batch in self.batches(block_samples, wanted, start))
            for n, parts in regrouped(batches, block_samples, lambda batch, n: (batch.slice(0, n), batch.slice(n))):
                yield Chunk(start, n, partial(self._load, start, n, parts))
                start += n
        if self.file.version() != self._version:
            raise FaultError("changed while it was read", where=self.name)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a row
        return f"row {sample}"

    def _load(self, start: int, n: int, parts: list[Any], _: Scratch) -> Block:
        logits = np.empty((n, self.n_classes), self.dtype)
        labels: list[NDArray[np.int64]] = []
        at = 0
        for batch in parts:
            rows = slice(at, at + batch.num_rows)
            with refusing(self.name):
                if self.lists:
                    logits[rows] = self._noted(self._list_rows(batch.column(0), start + at))
                else:
                    for j in range(self.n_classes):
                        values = self._numbers(batch.column(j), f"column {self.columns[j]}", start + at)
                        logits[rows, j] = self._noted(values)
                if self.label_column is not None:
                    labels.append(self._targets(batch.column(batch.num_columns - 1), start + at))
            at += batch.num_rows
        return Block(start, logits, np.concatenate(labels) if labels else None)

    def _noted(self, values: NDArray[Any]) -> NDArray[Any]:
        """The logits of a column; that they lose digits is noted before their type becomes that of all columns."""
        if are_rounded(values):
            self._rounded = True
        return values

    def _numbers(self, column: Any, what: str, start: int, in_row: int = 1) -> NDArray[Any]:
        """The values of a column, ``in_row`` of them a row; raises DataError where one is missing."""
        if column.null_count:
            row = start + int(column.is_null().to_numpy(zero_copy_only=False).argmax()) // in_row
            raise DataError("the cell is empty", where=f"{self.name}, row {row}, {what}")
        if hasattr(column, "dictionary_decode"):
            column = column.dictionary_decode()
        return column.to_numpy(zero_copy_only=False)

    def _list_rows(self, column: Any, start: int) -> NDArray[Any]:
        if column.null_count:
            self._numbers(column, f"column {self.columns[0]}", start)
        from pyarrow import compute

        lengths = compute.list_value_length(column).to_numpy(zero_copy_only=False)
        odd = np.flatnonzero(lengths != self.n_classes)
        if odd.size:
            message = f"its list has {counted(lengths[odd[0]], 'value')}, the first row's has {self.n_classes}"
            raise DataError(message, where=f"{self.name}, row {start + odd[0]}")
        flat = self._numbers(column.flatten(), "in its list", start, self.n_classes)
        return flat.reshape(len(column), self.n_classes)

    def _targets(self, column: Any, start: int) -> NDArray[np.int64]:
        reader = self.label_reader
        assert reader is not None

        def where(i: int) -> str:
            return f"{self.name}, row {start + i}"

        values = self._numbers(column, reader.what, start)
        if values.dtype.kind == "f":
            return reader.of_numbers(values.astype(np.float64), where)
        return reader.read([str(value) for value in values.tolist()], where)
