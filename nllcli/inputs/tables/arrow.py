"""Parquet and Feather: tables of columns, or one column of lists, read batch by batch through pyarrow."""

from __future__ import annotations

from operator import attrgetter
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, UsageError, first_few, setting
from nllcli.inputs.bytes.files import on_disk
from nllcli.inputs.bytes.libraries import SeekableFile, refusing
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.arrow_table import ArrowTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.bytes.files import ByteStream, OpenFile
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.arrow_table import Batches

_COLUMN_BUFFER = 1 << 16
_NUMBERS = ("integers", "floats")


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
        # Threads of pyarrow gain nothing on batches of a few rows, and where memory is short they cannot be started.
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
    name: str, file: OpenFile, schema: Any, n_rows: int | None, batches: Batches, options: ReadOptions
) -> ArrowTable:
    columns, label, notes = _choose_columns(list(schema.names), options, name)
    types = [schema.field(column).type for column in columns]
    if options.holds == "targets" and len(columns) == 1 and _content(types[0]) != "lists":
        columns, label, types = [], columns[0], []
    reader = None if label is None else _label_reader(label, schema.field(label).type, columns, options, name)
    lists = len(types) == 1 and _content(types[0]) == "lists"
    n_classes, dtype = len(columns), np.dtype(np.float64)
    if lists:
        n_classes, types = _length_of_lists(batches(1, columns, 0), name), [types[0].value_type]
    readable = (*_NUMBERS, "booleans") if options.holds == "sample weights" else _NUMBERS
    for column, kind in zip(columns, types, strict=True):
        if _content(kind) not in readable:
            hint = _remedy(columns, column, kind, options, name)
            raise DataError(f"column {column!r} holds {kind}, not numbers", where=name, hint=hint)
    if types:
        dtype = np.result_type(*[_plain(kind).to_pandas_dtype() for kind in set(types)])
    return ArrowTable(name, file, n_rows, batches, columns, n_classes, dtype, lists, label, reader, notes)


def _label_reader(label: str, kind: Any, columns: list[str], options: ReadOptions, name: str) -> LabelReader:
    content = _content(kind)
    if content not in (*_NUMBERS, "text"):
        raise DataError(f"column {label!r} holds {kind}, neither class indices nor names", where=name)
    return LabelReader(options.classes or tuple(columns), content in _NUMBERS, f"column {label}")


def _remedy(columns: list[str], odd: str, kind: Any, options: ReadOptions, name: str) -> str | None:
    """The hint on a column that does not hold numbers: it may hold the targets, or lists of logits."""
    if options.holds == "targets":
        return None
    content, others = _content(kind), [column for column in columns if column != odd]
    takes_targets = not options.has_targets and options.target_column is None
    if content == "lists" and others:
        rest = f"; {_as_targets(others[0])} takes the targets" if len(others) == 1 and takes_targets else ""
        return f"{name}:{odd} takes it alone{rest}"
    return f"{_as_targets(odd)} takes it as the targets" if content == "text" and takes_targets else None


def _as_targets(column: str) -> str:
    return setting("target_column", quote(column))


def _choose_columns(
    names: list[str], options: ReadOptions, name: str
) -> tuple[list[str], str | None, tuple[Notice, ...]]:
    """The columns of the logits, that of the targets, and notes on the others."""
    if len(set(names)) < len(names):
        raise DataError("has several columns of one name", where=name)
    for wanted in (options.target_column, options.member):
        if wanted is not None and wanted not in names:
            raise UsageError(f"there is no column {wanted!r}", where=name, hint=f"columns: {first_few(names, 20)}")
    label = options.target_column
    columns = [options.member] if options.member is not None else [column for column in names if column != label]
    notes: tuple[Notice, ...] = ()
    if len(columns) > 1 and columns[-1] == "__index_level_0__":
        columns.pop()
        notes = (Notice("index-column", f"{name}: the data frame's index is left out"),)
    if not columns:
        raise DataError("has no columns of numbers", where=name)
    return columns, label, notes


def _content(kind: Any) -> str:
    """What a column of a type holds: lists, integers, floats, booleans or text, or anything else."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "lists"
    if types.is_boolean(kind):
        return "booleans"
    plain = _plain(kind)
    if types.is_integer(plain):
        return "integers"
    if types.is_floating(plain):
        return "floats"
    # The last has no test in older versions.
    return "text" if str(plain) in ("string", "large_string", "string_view") else "anything else"


def _plain(kind: Any) -> Any:
    """The type of a column's values, which may be written once each and numbered (a pandas category)."""
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def _length_of_lists(batches: Iterator[Any], name: str) -> int:
    """How many numbers the first row's list has."""
    with refusing(name):
        batch = next(filter(attrgetter("num_rows"), batches), None)
        if batch is None:
            raise DataError("has no rows", where=name)
        first = batch.column(0)[0]
        if first.is_valid and len(first):
            return len(first)
        raise DataError("the first row's list is empty", where=name)
