"""Parquet and Arrow files: tables of columns, or one column of lists, read batch by batch through pyarrow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.bytes.files import on_disk
from nllcli.inputs.bytes.libraries import SeekableFile, refusing
from nllcli.inputs.labels import LabelReader, label_reader, truth_of
from nllcli.inputs.tables import arrow_conversions as conversions
from nllcli.inputs.tables import arrow_wide as wide
from nllcli.inputs.tables.arrow_columns import Table, preview
from nllcli.inputs.tables.arrow_table import ArrowTable, column_texts
from nllcli.inputs.tables.arrow_values import NUMBERS, content, dtype_of, innermost, is_as_is, lengths, values_of
from nllcli.inputs.tables.columns import candidates
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nllcli.inputs.bytes.files import ByteStream, InputFile
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.arrow_table import Batches
    from nllcli.inputs.tables.columns import Columns, Preview

_COLUMN_BUFFER = 1 << 16
_SEEN_LABELS = 1000
_END = b"\xff\xff\xff\xff\0\0\0\0"


@dataclass(frozen=True)
class _Opened:
    """A file whose schema is read; ``python`` makes a table of it, and ``first`` gives its first batch alone."""

    name: str
    file: InputFile
    schema: Any
    batches: Batches
    python: str
    n_rows: int | None = None
    first: Batches | None = None

    def preview(self) -> Preview:
        """What the first rows hold."""
        with refusing(self.name):
            return preview(self.name, self.schema, self.first or self.batches)


def open_parquet(stream: ByteStream, options: ReadOptions) -> ArrowTable:
    """A Parquet file, one row group after the other."""
    return _table(_parquet(stream), options)


def open_ipc(stream: ByteStream, options: ReadOptions) -> ArrowTable:
    """An Arrow file, which Feather is too, or an Arrow stream, one of its batches after the other."""
    return _table(_ipc(stream, options), options)


def preview_parquet(stream: ByteStream, options: ReadOptions) -> Preview:  # noqa: ARG001 - as those of other formats
    """The beginning of a Parquet file."""
    return _parquet(stream).preview()


def preview_ipc(stream: ByteStream, options: ReadOptions) -> Preview:
    """The beginning of an Arrow file or stream."""
    return _ipc(stream, options).preview()


def _parquet(stream: ByteStream) -> _Opened:
    pyarrow = _import(stream.name)
    from pyarrow import parquet

    file = on_disk(stream)

    def opened(metadata: Any = None) -> Any:
        return parquet.ParquetFile(
            pyarrow.PythonFile(SeekableFile(file, stream.name), mode="r"),
            metadata=metadata,
            page_checksum_verification=True,
            pre_buffer=file.remote,  # in few requests; the compressed row group is then in memory as a whole
            buffer_size=_COLUMN_BUFFER,
        )

    with refusing(stream.name):
        whole = opened()
        schema, metadata = whole.schema_arrow, whole.metadata

    def batches(n: int, columns: list[str], start: int) -> Iterator[Any]:
        groups = [i for i in range(metadata.num_row_groups) if metadata.row_group(i).num_rows]
        while groups and start >= metadata.row_group(groups[0]).num_rows:
            start -= metadata.row_group(groups.pop(0)).num_rows
        file, runs = opened(metadata), wide.runs_of(metadata, columns, _COLUMN_BUFFER)

        def read(groups: list[int], columns: list[str]) -> Iterator[Any]:
            # Threads of pyarrow gain nothing on batches of a few rows, and where memory is short they can't be started.
            found = file.iter_batches(batch_size=n, row_groups=groups, columns=columns, use_threads=False)
            return (batch.select(columns) for batch in found)

        if len(runs) == 1:
            return _from_row(start, read(groups, columns))
        joined = (wide.waiting_rows(stream.name, n, partial(read, [group]), runs) for group in groups)
        return _from_row(start, chain.from_iterable(joined))

    def first(n: int, columns: list[str], _: int) -> Iterator[Any]:
        file = opened(metadata)
        runs = wide.runs_of(metadata, columns, _COLUMN_BUFFER)
        return wide.first_batch(lambda run: file.iter_batches(n, columns=run, use_threads=False), runs)

    return _Opened(stream.name, file, schema, batches, conversions.PARQUET, metadata.num_rows, first)


def _ipc(stream: ByteStream, options: ReadOptions) -> _Opened:
    pyarrow = _import(stream.name)
    if stream.peek(4) == b"FEA1":
        conversion = conversions.Conversion(stream.name, options.member, conversions.FEATHER_1, keeps_columns=True)
        raise _convertible("is Feather of version 1", conversion, ("", "2", "f.write_feather(t, {to})"), ".feather")
    is_stream = not stream.peek(6).startswith(b"ARROW1")
    file = on_disk(stream)

    def source() -> Any:
        return pyarrow.PythonFile(SeekableFile(file, stream.name), mode="r")

    if is_stream:
        return _opened_streams(stream.name, file, source, options)
    return _opened_file(stream.name, file, source)


def _opened_file(name: str, file: InputFile, source: Callable[[], Any]) -> _Opened:
    from pyarrow import ipc

    def reader() -> Any:
        return ipc.open_file(source(), options=ipc.IpcReadOptions(use_threads=False))

    def batches(_: int, columns: list[str], start: int) -> Iterator[Any]:
        opened = reader()
        found = (opened.get_batch(i) for i in range(opened.num_record_batches))
        return _from_row(start, _valid(found, columns))

    with refusing(name):
        return _Opened(name, file, reader().schema, batches, conversions.IPC_FILE)


def _opened_streams(name: str, file: InputFile, source: Callable[[], Any], options: ReadOptions) -> _Opened:
    """One stream, or several of the same columns, one after the other in one file, as cat joins them."""
    from pyarrow import ipc

    def readers() -> Iterator[Any]:
        at = source()
        while at.tell() < file.size():
            yield ipc.open_stream(at, options=ipc.IpcReadOptions(use_threads=False))

    def read(columns: list[str]) -> Iterator[Any]:
        for reader in readers():
            if reader.schema != schema:
                raise DataError("holds streams of different columns, one after the other", where=name)
            yield from _valid(reader, columns)

    def batches(_: int, columns: list[str], start: int) -> Iterator[Any]:
        return _from_row(start, read(columns))

    with refusing(name):
        schema = next(readers()).schema
    if file.read_at(len(_END), file.size() - len(_END), name) != _END:
        message = "has no mark at the end of the stream, so that rows may be missing too"
        conversion = conversions.Conversion(name, options.member, conversions.IPC_STREAM, keeps_columns=True)
        raise _convertible(
            message, conversion, ("there are no more rows", "whole", "q.write_table(t, {to})"), ".parquet"
        )
    return _Opened(name, file, schema, batches, conversions.IPC_STREAM)


def _valid(batches: Iterable[Any], columns: list[str]) -> Iterator[Any]:
    """The ``columns`` of batches whose lengths and offsets are possible: pyarrow aborts the program at others."""
    for batch in batches:
        chosen = batch.select(columns)
        chosen.validate(full=True)
        yield chosen


def _from_row(start: int, batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        if start < batch.num_rows:
            yield batch.slice(start)
        start = max(0, start - batch.num_rows)


def _import(name: str) -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise UsageError("Parquet and Arrow need pyarrow", where=name, hint="pip install pyarrow") from error
    return pyarrow


def _convertible(message: str, conversion: conversions.Conversion, way: tuple[str, str, str], ending: str) -> DataError:
    remedies = conversion.remedies(way, ending=ending)
    hint = None if remedies else conversions.SAVE_IT
    return DataError(message, where=conversion.name, hint=hint, remedies=remedies)


def _table(opened: _Opened, options: ReadOptions) -> ArrowTable:
    """The file as a source of blocks, once it is known what its columns are."""
    name, schema = opened.name, opened.schema
    with refusing(name):
        names, types = list(schema.names), list(schema.types)
        if len(set(names)) < len(names):
            raise DataError("has several columns of one name", where=name)
        first_rows = opened.preview()
        chosen = Table(schema, first_rows, options, opened.python).choose()
        columns = [names[i] for i in chosen.classes]
        n_classes = _length_of_lists(opened, columns[0]) if chosen.lists else len(columns)
        reader = None if chosen.target is None else _label_reader(opened, chosen, n_classes, options)
    items = [innermost(types[i])[1] for i in chosen.classes]
    booleans = np.bool_ if options.holds == "sample weights" else np.float64
    return ArrowTable(
        name,
        opened.file,
        opened.n_rows,
        opened.batches,
        columns,
        n_classes,
        np.result_type(*(dtype_of(kind, booleans=booleans) for kind in items)) if items else np.dtype(np.float64),
        chosen.lists,
        None if chosen.target is None else names[chosen.target],
        reader,
        chosen.names,
        as_is=all(is_as_is(kind) for kind in items),
        key_column=None if chosen.key is None else names[chosen.key],
        missing=options.missing,
        opening_notes=chosen.notes,
        candidates=candidates(first_rows, chosen),
    )


def _length_of_lists(opened: _Opened, column: str) -> int:
    """How many numbers the first list has."""
    n_rows = 0
    for batch in opened.batches(1, [column], 0):
        n_rows += batch.num_rows
        found = lengths(values_of(batch.column(0))).drop_null()
        if len(found):
            if not found[0].as_py():
                raise DataError("the first list is empty", where=opened.name)
            return found[0].as_py()
    raise DataError("has no lists but missing ones" if n_rows else "has no rows", where=opened.name)


def _label_reader(opened: _Opened, chosen: Columns, n_classes: int, options: ReadOptions) -> LabelReader:
    """What reads the column of the targets."""
    assert chosen.target is not None
    label, kind = opened.schema.names[chosen.target], opened.schema.field(chosen.target).type
    holds = content(kind)
    if holds not in (*NUMBERS, "booleans", "text", "bytes"):
        raise _no_labels(opened.name, label, kind, options)
    own = chosen.names if chosen.names is not None and len(chosen.names) > 1 else None
    everything = partial(column_texts, opened.name, opened.batches, label)
    seen = list(islice((text for text in everything() if text is not None), _SEEN_LABELS))
    reading = replace(options, n_classes=n_classes or options.n_classes)
    reader = label_reader(seen, options.classes or own, f"column {label}", opened.name, reading)
    reader.everything = everything
    if holds == "booleans":
        reader.truth = truth_of(reader.classes, reader.what, opened.name, reading.n_classes)
    return reader


def _no_labels(name: str, label: str, kind: Any, options: ReadOptions) -> DataError:
    """The refusal of a column of targets that holds neither numbers nor names; lists may be probabilities."""
    n_levels, inner = innermost(kind)
    remedies = []
    if options.holds == "logits" and n_levels == 1 and content(inner) in ("floats", "decimals"):
        settings = {"targets": f"{name}:{label}", "target_column": None}
        remedies = [Remedy(settings, f"{label!r} has a probability a class")]
    return DataError(f"column {label!r} holds {kind}, neither class indices nor names", where=name, remedies=remedies)
