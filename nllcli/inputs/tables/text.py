"""CSV and similar text as a BlockSource."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nllcli.data.blocks import Block, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, UsageError, first_few, setting
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.dialect import Dialect, is_word, notes_on, sniff
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.lines import clean_lines, without_first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.lines import Lines


@dataclass(kw_only=True)
class TextTable(LineSource):
    """A table of numbers in text, one sample a line; with ``label_column`` the blocks bring their targets.

    ``columns`` are the places of the logits among the cells of a line.
    """

    dialect: Dialect
    columns: list[int]
    label_column: int | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, len(self.columns))

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        line = super().place(sample, layout)
        return line if class_index is None else f"{line}, column {self.columns[class_index] + 1}"

    def _lines(self) -> Iterator[Lines]:
        pieces = clean_lines(self.stream, self.numbers, delimiter=self.dialect.delimiter)
        return without_first_line(pieces) if self.dialect.header else pieces

    def _line(self, sample: int) -> int:
        return super()._line(sample + (self.dialect.header is not None))

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        return self._parse_plain(start, n, body) or self._parse_carefully(start, body)

    def _parse_plain(self, start: int, n: int, body: bytes) -> Block | None:
        """A block of numbers alone; None where cells have to be read one by one."""
        n_columns, delimiter = self.dialect.n_columns, self.dialect.delimiter
        if self.label_reader is not None and not self.label_reader.numeric:
            return None
        table = cells.parse_plain(body, n, n_columns, delimiter)
        if table is None:
            return None
        targets = None
        if self.label_column is not None:
            targets = cells.plain_integers(body, table, self.label_column, delimiter)
            if targets is None:
                return None
        return Block(start, table if len(self.columns) == n_columns else table[:, self.columns], targets)

    def _parse_carefully(self, start: int, body: bytes) -> Block:
        def where(i: int) -> str:
            return self._where(start + i)

        n_columns, delimiter = self.dialect.n_columns, self.dialect.delimiter
        logits, rows = cells.parse_carefully(body, self.columns, n_columns, delimiter, where)
        reader, column = self.label_reader, self.label_column
        if reader is None or column is None:
            return Block(start, logits)
        labels = [row[column] for row in rows]
        return Block(start, logits, reader.read(labels, lambda i: f"{where(i)}, {reader.what}"))


def open_csv(stream: ByteStream, options: ReadOptions) -> LineSource:
    """A table whose delimiter is found in its first lines, or labels with their scores."""
    from nllcli.inputs.tables.pairs_text import open_pairs

    pairs = open_pairs(stream, options)
    if pairs is not None:
        return pairs
    return open_table(stream, sniff(stream, header=options.header), options)


def open_tsv(stream: ByteStream, options: ReadOptions) -> TextTable:
    """A table with tabs between its cells."""
    return open_table(stream, sniff(stream, header=options.header, delimiter="\t"), options)


def open_table(stream: ByteStream, dialect: Dialect, options: ReadOptions) -> TextTable:
    """A table of logits, with or without a header; its targets are in the target column (name, or number from 1)."""
    columns = list(range(dialect.n_columns))
    notes = []
    if dialect.has_index:
        columns.remove(0)
        notes.append(
            Notice("index-column", f"{stream.name}: the first column has no name; taken as an index and left out")
        )
    label_column = None if options.target_column is None else find_column(options.target_column, dialect, stream.name)
    if label_column in columns:
        columns.remove(label_column)
    _refuse_words(columns, dialect, options)
    names = tuple(dialect.header[c].strip() for c in columns) if dialect.header else None
    if names and len(names) > 1 and options.holds == "logits":
        whole = [dialect.first_row[c].strip().isdecimal() for c in columns]
        notes.extend(notes_on(stream.name, names, whole, takes_targets=options.takes_targets))
    reader = None
    if label_column is not None:
        numeric = cells.is_number(dialect.first_row[label_column])
        reader = LabelReader(options.classes or names, numeric, f"column {label_column + 1}")
    return TextTable(
        stream=stream,
        class_names=names,
        label_reader=reader,
        opening_notes=tuple(notes),
        dialect=dialect,
        columns=columns,
        label_column=label_column,
    )


def _refuse_words(columns: list[int], dialect: Dialect, options: ReadOptions) -> None:
    """Raise DataError for a column that begins with a word, and say how it can be taken or left out."""
    odd = next((c for c in columns if is_word(dialect.first_row[c])), None)
    if odd is None or len(columns) == 1 or dialect.first_row == dialect.header:
        return
    hint = f"{_cut(odd, dialect)} leaves the column out"
    if options.target_column is None and options.takes_targets:
        column = shlex.quote(dialect.header[odd].strip()) if dialect.header else str(odd + 1)
        hint = f"{setting('target_column', column)} takes the column as the targets; {hint}"
    where = f"{dialect.first_place}, column {odd + 1}"
    raise DataError(f"{cells.shown(dialect.first_row[odd])} is not a number", where=where, hint=hint)


def _cut(column: int, dialect: Dialect) -> str:
    """The command that leaves a column of a table out."""
    fields = [f"-{column}"] * (column > 0) + [f"{column + 2}-"] * (column + 1 < dialect.n_columns)
    delimiter = "" if dialect.delimiter == "\t" else f"-d {shlex.quote(dialect.delimiter)} "
    return f"cut {delimiter}-f {','.join(fields)}"


def find_column(wanted: str, dialect: Dialect, name: str) -> int:
    """The place of a column given by its name, or else by its number, counted from 1."""
    header = [cell.strip() for cell in dialect.header or ()]
    if header.count(wanted) > 1:
        raise UsageError(f"has {header.count(wanted)} columns {cells.shown(wanted)}", where=name, hint="use its number")
    if wanted in header:
        return header.index(wanted)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= dialect.n_columns:
        return int(wanted) - 1
    names = first_few([cells.shown(cell)[1:-1] for cell in header], 20)
    known = names if header else f"the numbers 1 to {dialect.n_columns} (there is no header)"
    raise UsageError(f"there is no column {cells.shown(wanted)}", where=name, hint=f"columns: {known}")
