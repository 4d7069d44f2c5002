"""Parquet and Feather: tables of columns, or one column of lists, read batch by batch through pyarrow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, FaultError, Notice, UsageError
from nllcli.inputs.arrays.raw import are_rounded, rounded_integers
from nllcli.inputs.bytes.files import on_disk
from nllcli.inputs.bytes.libraries import SeekableFile, refusing
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.headings import notes_on
from nllcli.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream, OpenFile
    from nllcli.inputs.options import ReadOptions

_COLUMN_BUFFER = 1 << 16


@dataclass
class ArrowTable:
    """A table of which ``columns`` are the classes, or the one of lists is the samples; a BlockSource.

    ``batches`` yields record batches of about so many rows of the named columns, from a row on.
    """

    name: str
    file: OpenFile
    n_rows: int | None
    batches: Callable[[int, list[str], int], Iterator[Any]]
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
        """What was worth knowing of the rows read so far."""
        rounded = (rounded_integers(self.name),) if self._rounded else ()
        labels = () if self.label_reader is None else self.label_reader.notes(self.name, f"column {self.label_column}")
        return (*self.opening_notes, *rounded, *labels)

    @property
    def labels(self) -> bool:
        return self.label_column is not None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return None if self.lists else tuple(self.columns)

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        start = first * block_samples
        for n, parts in self._cut(block_samples, start):
            yield Chunk(start, n, partial(self._load, start, n, parts))
            start += n
        if self.file.version() != self._version:
            raise FaultError("changed while it was read", where=self.name)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a row
        return f"row {sample}"

    def _cut(self, n_rows: int, start: int) -> Iterator[tuple[int, list[Any]]]:
        """Regroup record batches, from row ``start`` on, into runs of exactly ``n_rows`` rows (fewer in the last)."""
        held: deque[Any] = deque()
        count = 0
        wanted = [*self.columns, *([self.label_column] if self.label_column else [])]
        with refusing(self.name):
            for batch in self.batches(n_rows, wanted, start):
                rest = batch
                while count + rest.num_rows >= n_rows:
                    need = n_rows - count
                    yield n_rows, [*held, rest.slice(0, need)]
                    rest = rest.slice(need)
                    held.clear()
                    count = 0
                if rest.num_rows:
                    held.append(rest)
                    count += rest.num_rows
        if count:
            yield count, list(held)

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
        """The logits of a column, remembered where they lose digits: beside other types they do so right here."""
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
        lengths = _lengths(column)
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

        values = self._numbers(column, f"column {self.label_column}", start)
        if values.dtype.kind == "f":
            return reader.of_numbers(values.astype(np.float64), where)
        return reader.read([str(value) for value in values.tolist()], where)


def open_parquet(stream: ByteStream, options: ReadOptions) -> ArrowTable:
    """A Parquet file, one row group after the other."""
    pyarrow = _import(stream.name)
    from pyarrow import parquet

    file = on_disk(stream)
    with refusing(stream.name):
        opened = parquet.ParquetFile(
            pyarrow.PythonFile(SeekableFile(file, stream.name), mode="r"),
            page_checksum_verification=True,
            pre_buffer=False,  # else the compressed row group is in memory as a whole
            buffer_size=_COLUMN_BUFFER,
        )
        schema, n_rows = opened.schema_arrow, opened.metadata.num_rows

    def batches(n: int, columns: list[str], start: int) -> Iterator[Any]:
        groups = list(range(opened.num_row_groups))
        while groups and start >= opened.metadata.row_group(groups[0]).num_rows:
            start -= opened.metadata.row_group(groups.pop(0)).num_rows
        # Its own threads gain nothing on batches of a few rows, and where memory is short they cannot be started.
        found = opened.iter_batches(batch_size=n, row_groups=groups, columns=columns, use_threads=False)
        return _from_row(start, (batch.select(columns) for batch in found))

    with refusing(stream.name):
        return _table(stream.name, file, schema, n_rows, batches, options)


def open_feather(stream: ByteStream, options: ReadOptions) -> ArrowTable:
    """A Feather file (an Arrow file), one of its batches after the other."""
    pyarrow = _import(stream.name)
    if stream.peek(4) == b"FEA1":
        raise DataError("is Feather of version 1", where=stream.name, hint="pyarrow.feather writes version 2")
    from pyarrow import ipc

    file = on_disk(stream)
    with refusing(stream.name):
        source = pyarrow.PythonFile(SeekableFile(file, stream.name), mode="r")
        opened = ipc.open_file(source, options=ipc.IpcReadOptions(use_threads=False))

    def batches(_: int, columns: list[str], start: int) -> Iterator[Any]:
        found = (opened.get_batch(i).select(columns) for i in range(opened.num_record_batches))
        return _from_row(start, found)

    with refusing(stream.name):
        return _table(stream.name, file, opened.schema, None, batches, options)


def _from_row(start: int, batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        if start < batch.num_rows:
            yield batch.slice(start)
        start = max(0, start - batch.num_rows)


def _import(name: str) -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise UsageError("Parquet and Feather need pyarrow", where=name, hint="pip install pyarrow") from error
    return pyarrow


def _table(
    name: str,
    file: OpenFile,
    schema: Any,
    n_rows: int | None,
    batches: Callable[[int, list[str], int], Iterator[Any]],
    options: ReadOptions,
) -> ArrowTable:
    columns, label, notes = _choose_columns(list(schema.names), options, name)
    types = [schema.field(column).type for column in columns]
    if options.of_targets and len(columns) == 1 and not _is_list(types[0]):
        columns, label, types = [], columns[0], []
    reader = None if label is None else _label_reader(label, schema.field(label).type, columns, options, name)
    lists = len(types) == 1 and _is_list(types[0])
    n_classes, dtype = len(columns), np.dtype(np.float64)
    if lists:
        n_classes, types = _length_of_lists(batches(1, columns, 0), name), [types[0].value_type]
    for column, kind in zip(columns, types, strict=True):
        if not (_is_numeric(kind) or (options.of_weights and _is_boolean(kind))):
            hint = None if options.of_targets else _remedy(columns, column, kind, label, name)
            raise DataError(f"column {column!r} holds {kind}, not numbers", where=name, hint=hint)
    if len(types) > 1 and options.of_logits:
        notes += tuple(notes_on(name, columns, [_is_integer(kind) for kind in types]))
    if types:
        dtype = np.result_type(*[_plain(kind).to_pandas_dtype() for kind in set(types)])
    return ArrowTable(name, file, n_rows, batches, columns, n_classes, dtype, lists, label, reader, notes)


def _label_reader(label: str, kind: Any, columns: list[str], options: ReadOptions, name: str) -> LabelReader:
    if not (_is_numeric(kind) or _is_text(kind)):
        raise DataError(f"column {label!r} holds {kind}, neither class indices nor names", where=name)
    return LabelReader(options.classes or tuple(columns), _is_numeric(kind))


def _remedy(columns: list[str], odd: str, kind: Any, label: str | None, name: str) -> str | None:
    """The hint on a column of logits that is no numbers: it may be the targets, or lists beside which they stand."""
    others = [column for column in columns if column != odd]
    if _is_list(kind) and others:
        beside = f"; with --target-column {others[0]} beside it" if len(others) == 1 and label is None else ""
        return f"{name}:{odd} takes it alone{beside}"
    return f"--target-column {odd} takes it as the targets" if label is None and _is_text(kind) else None


def _choose_columns(
    names: list[str], options: ReadOptions, name: str
) -> tuple[list[str], str | None, tuple[Notice, ...]]:
    """The columns of the logits, that of the targets, and what to tell of the others."""
    if len(set(names)) < len(names):
        raise DataError("has several columns of one name", where=name)
    for wanted in (options.target_column, options.member):
        if wanted is not None and wanted not in names:
            listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
            raise UsageError(f"there is no column {wanted!r}", where=name, hint=f"columns: {listed}")
    label = options.target_column
    columns = [options.member] if options.member is not None else [column for column in names if column != label]
    notes: tuple[Notice, ...] = ()
    if len(columns) > 1 and columns[-1] == "__index_level_0__":
        columns.pop()
        notes = (Notice("index-column", f"{name}: the data frame's index is left out"),)
    if not columns:
        raise DataError("has no columns of numbers", where=name)
    return columns, label, notes


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    return _is_integer(kind) or types.is_floating(_plain(kind))


def _is_integer(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(_plain(kind)))


def _is_boolean(kind: Any) -> bool:
    from pyarrow import types

    return types.is_boolean(kind)


def _is_text(kind: Any) -> bool:
    return str(_plain(kind)) in ("string", "large_string", "string_view")  # the last has no test in older versions


def _plain(kind: Any) -> Any:
    """The type of a column's values, which may be written once each and numbered (a pandas category)."""
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def _length_of_lists(batches: Iterator[Any], name: str) -> int:
    """How many numbers the first row's list has."""
    with refusing(name):
        for batch in batches:
            if batch.num_rows:
                first = batch.column(0)[0]
                if first.is_valid and len(first):
                    return len(first)
                raise DataError("the first row's list is empty", where=name)
    raise DataError("has no rows", where=name)


def _lengths(column: Any) -> NDArray[np.int64]:
    """How many values each row's list has."""
    from pyarrow import compute

    return compute.list_value_length(column).to_numpy(zero_copy_only=False)
