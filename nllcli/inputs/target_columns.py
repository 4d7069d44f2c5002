"""Targets in text, in a column of a table, or as names: read at once."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, counted
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.formats import ReadOptions, all_blocks
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.shapes import LOGITS_FIRST, one_hot, same_shape, shown
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.jsonl import JsonLines
from nllcli.inputs.tables.lines import LineNumbers, Lines, clean_lines, without_first_line
from nllcli.inputs.tables.text import open_table
from nllcli.inputs.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.tables.dialect import Dialect
    from nllcli.inputs.tables.text import TextTable


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


@dataclass(frozen=True)
class TextColumn:
    """A text file of one column: its pieces of lines and what the first two lines show."""

    name: str
    pieces: Iterator[Lines]
    numbers: LineNumbers
    header: str | None
    numeric: bool

    def place(self, row: int) -> str:
        return f"line {self.numbers.of(row + (self.header is not None))}"

    def where(self, row: int) -> str:
        return f"{self.name}, {self.place(row)}"

    def one_more(self) -> str | None:
        """The hint that the first line may be a header, where it looks like all the others."""
        if self.header is not None:
            return None
        without = f"tail -n +{self.numbers.of(0) + 1} {shlex.quote(self.name)} | nll ... -"
        return f"is the first line a header? {without} leaves it out"

    @property
    def notes(self) -> tuple[Notice, ...]:
        if self.header is None:
            return ()
        return (Notice("targets-header", f"{self.name}: the first line, {cells.shown(self.header)}, is a header"),)

    def labels(self) -> Iterator[str]:
        """Every row's cell."""
        row = 0
        for n, piece in self.pieces:
            yield from self._cells(piece, row)
            row += n

    def indices(self, reader: LabelReader, most: int | None = None) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Pieces ``(first row, number of rows, their class indices)``; of rows far beyond ``most`` no indices."""
        row = 0
        for n, piece in self.pieces:
            yield row, n, self._piece(reader, piece, n, row) if most is None or row <= most else _joined([])
            row += n

    def _piece(self, reader: LabelReader, piece: bytes, n: int, row: int) -> NDArray[np.int64]:
        plain = cells.parse_plain(piece, n, 1, ",") if reader.numeric else None
        whole = None if plain is None else cells.plain_integers(piece, plain, 0, ",")
        return reader.read(self._cells(piece, row), lambda i: self.where(row + i)) if whole is None else whole

    def _cells(self, piece: bytes, row: int) -> list[str]:
        lines = enumerate(piece[:-1].split(b"\n"), row)
        return [_only_cell(cells.text_of(line, self.where(i)), self.where(i)) for i, line in lines]


def _only_cell(line: str, where: str) -> str:
    return next(iter(cells.split(line, "\t", where)), "").strip()


def open_column(stream: ByteStream, dialect: Dialect, classes: Sequence[str] | None) -> TextColumn:
    """The one column of a text file, after its header if it has one."""
    if dialect.n_columns != 1:
        raise DataError(
            f"has {dialect.n_columns} columns; targets have one",
            where=stream.name,
            hint=f"{LOGITS_FIRST}; cut takes one column out",
        )
    second = dialect.first_row[0].strip()
    header = dialect.header[0].strip() if dialect.header else None
    if (
        header is not None
        and not cells.is_number(second)
        and (not classes or header in classes or second not in classes)
    ):
        header = None  # no header: every line is a class name
    numbers = LineNumbers()
    pieces = clean_lines(stream, numbers, delimiter=dialect.delimiter)
    if header is not None:
        pieces = without_first_line(pieces)
    return TextColumn(stream.name, pieces, numbers, header, cells.is_number(second))


def open_series(stream: ByteStream, dialect: Dialect, classes: tuple[str, ...] | None) -> TextTable | None:
    """The column that comes with the index of a pandas Series; None for another table."""
    if not dialect.has_index or dialect.n_columns != 2:
        return None
    return open_table(stream, dialect, ReadOptions(target_column="2", classes=classes))


def text_targets(stream: ByteStream, classes: tuple[str, ...] | None, logits: BlockSource) -> Targets:
    """Targets in text: one probability a class, or one target a line, integers or names of ``classes``.

    A first line that is neither is a header; the index of a pandas Series is left out.
    """
    dialect = sniff(stream)
    n_columns = dialect.n_columns - dialect.has_index
    if n_columns > 1 and same_shape((None, n_columns), logits.shape):
        table = open_table(stream, dialect, ReadOptions(holds="targets"))
        return Targets(soft=replace(table, probabilities=True))
    most = _most_samples(logits)
    series = open_series(stream, dialect, classes)
    if series is not None:
        return _labels(series, most)
    column = open_column(stream, dialect, classes)
    reader = LabelReader(classes, column.numeric, "text")
    found = list(column.indices(reader, most))
    values = Values(stream.name, _joined([values for _, _, values in found]), column.place)
    notes = (*column.notes, *reader.notes(stream.name))
    return Targets(values, shape=(sum(n for _, n, _ in found),), notes=notes, one_more=column.one_more())


def table_targets(source: BlockSource, logits: BlockSource) -> Targets:
    """Targets in lines of JSON or columns: one a sample, or one probability a class."""
    if source.labels:
        return _labels(source, _most_samples(logits))
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


def _labels(source: BlockSource, most: int | None) -> Targets:
    """The class indices that a table brings with it; those far beyond ``most`` are only counted."""
    blocks, n = all_blocks(source, most)
    values = _joined([block.targets for block in blocks if block.targets is not None])
    place = partial(source.place, layout=Layout(source.shape, 1))
    return Targets(Values(source.name, values, place), shape=(n,), notes=source.notes)


def _most_samples(logits: BlockSource) -> int | None:
    """The most samples along one axis that the logits can have, whichever is that of the classes; None if not known."""
    known = [n for n in logits.shape if n is not None]
    return max(known, default=1) if len(known) == len(logits.shape) else None
