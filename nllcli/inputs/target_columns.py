"""Targets in text, in a column of a table, or as names: read into memory."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, counted
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.shapes import LOGITS_FIRST, one_hot, same_shape, shown
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.jsonl import JsonLines
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.pairs_text import begins_marked, open_marked
from nllcli.inputs.tables.text import TextTable, open_table
from nllcli.inputs.targets import Targets, check_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.tables.dialect import Dialect

_PIECE_SAMPLES = 1 << 15


@dataclass(kw_only=True)
class TextColumn(TextTable):
    """Targets in a text file of one column, integers or names."""

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        """The pieces of the file as they are read: counting off their lines would take a tenth of the time."""
        start = 0
        for n, body in self._lines():
            yield Chunk(start, n, partial(self._parse, start, n, body), len(body))
            start += n

    def names(self) -> Iterator[str] | None:
        """Every row's name; None where the rows have integers."""
        return None if cells.is_number(self.dialect.first_row[0]) else self._texts()

    def _texts(self) -> Iterator[str]:
        row = 0
        for n, body in self._lines():
            yield from self._cells(body, row)
            row += n

    def one_more(self) -> str | None:
        """The hint that the first line may be a header, where it looks like all the others."""
        if self.dialect.header is not None:
            return None
        without = f"tail -n +{self._line(0) + 1} {shlex.quote(self.name)} | nll ... -"
        return f"is the first line a header? {without} leaves it out"

    def _parse_carefully(self, start: int, body: bytes) -> Block:
        assert self.label_reader is not None
        found = self.label_reader.read(self._cells(body, start), lambda i: self._where(start + i))
        return Block(start, np.empty((len(found), 0)), found)

    def _cells(self, body: bytes, start: int) -> list[str]:
        found = []
        for i, line in enumerate(body[:-1].split(b"\n"), start):
            where = self._where(i)
            row = cells.split(cells.text_of(line, where), "\t", where)
            if any(cell.strip() for cell in row[1:]):
                message = f"has {len(row)} cells between tabs; targets have one a line"
                raise DataError(message, where=where, hint="cut -f 1 takes the first of each line")
            found.append(row[0].strip() if row else "")
        return found


def open_column(stream: ByteStream, dialect: Dialect, classes: tuple[str, ...] | None) -> TextTable:
    """The one column of targets in a text file, without its header and the index of a pandas Series."""
    if dialect.has_index and dialect.n_columns == 2:
        return open_table(stream, dialect, ReadOptions(target_column="2", classes=classes))
    if dialect.n_columns != 1:
        raise DataError(
            f"has {dialect.n_columns} columns; targets have one",
            where=stream.name,
            hint=f"{LOGITS_FIRST}; cut takes one column out",
        )
    second = dialect.first_row[0].strip()
    numeric, notes = cells.is_number(second), []
    if dialect.header is not None:
        header = dialect.header[0].strip()
        if numeric or (classes and header not in classes and second in classes):
            notes.append(Notice("targets-header", f"{stream.name}: the first line, {cells.shown(header)}, is a header"))
        else:  # every line is a class name
            dialect = replace(dialect, header=None)
    reader = LabelReader(classes, numeric, "text")
    return TextColumn(
        stream=stream, label_reader=reader, opening_notes=tuple(notes), dialect=dialect, columns=[], label_column=0
    )


def text_targets(stream: ByteStream, classes: tuple[str, ...] | None, logits: BlockSource) -> Targets:
    """Targets in text: one probability a class, or one target a line, integers or names of ``classes``.

    A first line that is neither is a header; the index of a pandas Series is left out.
    """
    if begins_marked(stream):
        return _labels(open_marked(stream, classes), logits)
    dialect = sniff(stream)
    n_columns = dialect.n_columns - dialect.has_index
    if n_columns > 1 and same_shape((None, n_columns), logits.shape):
        check_order(logits, stream.name)
        table = open_table(stream, dialect, ReadOptions(holds="targets"))
        return Targets(soft=replace(table, probabilities=True))
    column = open_column(stream, dialect, classes)
    if column.label_reader is not None and column.label_reader.numeric:
        check_order(logits, stream.name)
    found = _labels(column, logits)
    return replace(found, one_more=column.one_more()) if isinstance(column, TextColumn) else found


def table_targets(source: BlockSource, logits: BlockSource) -> Targets:
    """Targets in lines of JSON or columns: one a sample, or one probability a class."""
    names = source.class_names is not None
    if not (names or (isinstance(source, LineSource) and source.label_reader and not source.label_reader.numeric)):
        check_order(logits, source.name)
    if source.labels:
        return _labels(source, logits)
    if not same_shape(source.shape, logits.shape):
        raise DataError(
            f"has {counted(source.shape[1] or 0, 'value')} a sample, for logits of shape {shown(logits.shape)}",
            where=source.name,
        )
    if isinstance(source, JsonLines):
        return Targets(soft=replace(source, probabilities=True))
    if source.dtype.kind in "iu":
        raise one_hot(source.name)
    return Targets(soft=source)


def named_targets(source: FileArray, classes: tuple[str, ...] | None) -> Targets:
    """Targets in an array of names, str or UTF-8, of one dimension."""
    if len(source.shape) != 1:
        raise DataError(f"names of classes have one dimension, not the shape {shown(source.shape)}", where=source.name)
    values = source.at_any_place().read_all()
    try:
        names = (np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values).tolist()
    except ValueError as error:
        raise DataError(f"its text is damaged: {str(error)[:120]}", where=source.name) from error
    found = LabelReader(classes, numeric=False, what="names").read(names, lambda i: f"{source.name}, row {i}")
    return Targets(Values(source.name, found, lambda i: f"row {i}"), shape=(len(found),))


def _labels(source: BlockSource, logits: BlockSource) -> Targets:
    """The class indices that a table brings with it; those far beyond what the logits can have are only counted."""
    known = [n for n in logits.shape if n is not None]
    most = max(known, default=1) if len(known) == len(logits.shape) else None  # whichever axis has the samples
    values, n = read_column(source, most, labels=True)
    return Targets(values, shape=(n,), notes=source.notes)


def read_column(source: BlockSource, most: int | None, *, labels: bool = False) -> tuple[Values, int]:
    """The only column of a table, or the ``labels`` that it brings with it, and how many rows it has.

    Where these are more than ``most``, the blocks beyond are only counted.
    """
    parts: list[NDArray[Any]] = []
    n, layout = 0, Layout(source.shape, 1)
    for chunk in source.chunks(layout, _PIECE_SAMPLES):
        if most is None or n <= most:
            block = chunk.load(Scratch())
            values = block.targets if labels else block.logits.ravel()
            assert values is not None
            parts.append(values)
        n += chunk.n
    column = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Values(source.name, column, partial(source.place, layout=layout)), n
