"""CSV and similar text as a BlockSource."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted
from nllcli.inputs.bytes.compressed import can_be_edited, decompressed
from nllcli.inputs.bytes.files import open_stream
from nllcli.inputs.bytes.urls import is_remote
from nllcli.inputs.labels import label_reader
from nllcli.inputs.tables import cells, notation
from nllcli.inputs.tables.columns import candidates, choose, list_of
from nllcli.inputs.tables.cutting import cut_columns, texts, unquoted
from nllcli.inputs.tables.dialect import Dialect, comma_refusal, is_word, point_refusal, sniff
from nllcli.inputs.tables.json_arrays import cut_arrays
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.lines import clean_lines, whole_lines, without_first_lines
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.columns import Preview
    from nllcli.inputs.tables.lines import Lines


_MOST_BEHIND = 20  # lines behind the samples
_TRUTH = {"false": "0", "true": "1"}


@dataclass(kw_only=True)
class TextTable(LineSource):
    """A table of numbers in text, one sample a line; with ``label_column`` the blocks bring their targets.

    ``columns`` are the places of the logits among the cells of a line, or the one whose cells are ``lists`` of
    ``n_classes`` numbers; under ``booleans`` they are words for false and true. ``key_column`` is the place of the key.
    Samples whose logits are ``missing`` are an error, left out, or ("told") an error that cannot be answered so. Unless
    it ``has_gaps``, a blank line between samples is an error.
    """

    dialect: Dialect
    columns: list[int]
    label_column: int | None = None
    key_column: int | None = None
    lists: bool = False
    booleans: bool = False
    n_classes: int = 0
    missing: str = "error"
    candidates: tuple[str, ...] = ()
    has_gaps: bool = True
    _left_out: list[int] = field(default_factory=list, init=False)  # how many, a block each

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, self.n_classes if self.lists else len(self.columns))

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the lines read so far."""
        n, comments = sum(self._left_out), self.numbers.n_comments
        left_out = (Notice("missing-ignored", f"{self.name}: {counted(n, 'sample')} without logits left out"),)
        told = f"{self.name}: {counted(comments, 'line')} that begin{'s' * (comments == 1)} with # left out"
        return (*super().notes, *left_out * bool(n), *(Notice("comments", told),) * bool(comments))

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        line = super().place(sample, layout)
        if class_index is None:
            return line
        return f"{line}, column {self.columns[0 if self.lists else class_index] + 1}"

    def texts(self) -> Iterator[str]:
        """The label of every row, as it is written."""
        row = 0
        for n, body in self._lines():
            yield from self._labels(body, row)
            row += n

    def _labels(self, body: bytes, start: int) -> list[str]:
        assert self.label_column is not None
        cut = cut_columns(body, self.dialect.n_columns, self.dialect.delimiter, [self.label_column])
        return texts(cut[0]) if cut else [row[self.label_column].strip() for row in self._rows(start, body)]

    def _lines(self) -> Iterator[Lines]:
        pieces = clean_lines(
            self.stream,
            self.numbers,
            delimiter=self.dialect.delimiter,
            is_row=self._is_row,
            has_gaps=self.has_gaps,
        )
        return without_first_lines(pieces, self.dialect.n_skipped) if self.dialect.n_skipped else pieces

    def _is_row(self, line: bytes) -> bool:
        """Whether a line that begins with # has the cells of a row."""
        n_columns, text = self.dialect.n_columns, line.decode("utf-8", errors="replace")
        return n_columns > 1 and len(cells.split(text, self.dialect.delimiter, self.name)) == n_columns

    def _line(self, sample: int) -> int:
        return super()._line(sample + self.dialect.n_skipped)

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        return self._parse_plain(start, n, body) or self._parse_selected(start, body)

    def _parse_plain(self, start: int, n: int, body: bytes) -> Block | None:
        """A block of plain numbers and words; None where cells have to be read one by one."""
        if self.lists or self.booleans:
            return None
        columns, text, words = self._cut(body) if self._is_mixed or b'"' in body else (self._all, body, {})
        table = None if text is None else self._table(text, n, len(columns), self.dialect.delimiter)
        if text is None or table is None:
            return None
        targets, reader = None, self.label_reader
        if reader is not None and self.label_column is not None:
            where = partial(self._where_label, start)
            if reader.numeric:
                at = columns.index(self.label_column)
                marked = partial(cells.fractions, text, at, len(columns), self.dialect.delimiter)
                targets = reader.of_cells(table[:, at], marked if cells.is_fraction(text) else None, where)
            elif self._are_labels(words[self.label_column]):
                targets = reader.read(words[self.label_column], where)
            if targets is None:
                return None
        logits = table if self.columns == columns else table[:, np.searchsorted(columns, self.columns)]
        return Block(start, logits, targets, keys=None if self.key_column is None else words[self.key_column])

    def _where_label(self, start: int, i: int) -> str:
        assert self.label_reader is not None
        return f"{self._where(start + i)}, {self.label_reader.what}"

    @cached_property
    def _all(self) -> list[int]:
        return [*range(self.dialect.n_columns)]

    @cached_property
    def _of_words(self) -> list[int]:
        """The columns of labels that are names, and of keys."""
        names = self.label_reader is not None and not self.label_reader.numeric
        return [c for c in (self.label_column if names else None, self.key_column) if c is not None]

    @cached_property
    def _of_numbers(self) -> list[int]:
        """The columns of logits, and of labels that are numbers, in ascending order."""
        label = () if self.label_column is None or self.label_column in self._of_words else (self.label_column,)
        return sorted({*self.columns, *label})

    @cached_property
    def _is_mixed(self) -> bool:
        """Whether there are words among the numbers, as the first rows show it."""
        others = {*self._all} - {*self._of_numbers}
        rows = self.dialect.preview.rows
        return bool(self._of_words) or not all(cells.is_number(str(row[c])) for row in rows for c in others)

    def _cut(self, body: bytes) -> tuple[list[int], bytes | None, dict[int, list[str]]]:
        """The columns of numbers, their text (None where cells have to be read one by one), and the words of others."""
        columns, words, dialect = self._of_numbers, self._of_words, self.dialect
        cut = cut_columns(body, dialect.n_columns, dialect.delimiter, columns, *([c] for c in words))
        if cut is None:
            return columns, None, {}
        return columns, unquoted(cut[0]), {c: texts(column) for c, column in zip(words, cut[1:], strict=True)}

    def _are_labels(self, labels: list[str]) -> bool:
        """Whether the lines have logits, or else none may be blank or the header again, as their labels show it."""
        header = self.dialect.header
        again = None if header is None or self.label_column is None else header[self.label_column].strip()
        return bool(self.columns) or not ("" in labels or again in labels)

    def _table(self, body: bytes, n: int, n_columns: int, delimiter: str) -> NDArray[np.float64] | None:
        if self.dialect.decimal == "comma":
            if delimiter == "," or b"." in body:
                return None
            body = body.replace(b",", b".")
        return cells.parse_plain(body, n, n_columns, delimiter) if n_columns else np.empty((n, 0))

    def _parse_selected(self, start: int, body: bytes) -> Block:
        """A block of which only the columns of the logits are numbers."""
        rows = self._rows(start, body)
        keys = None if self.key_column is None else [row[self.key_column].strip() for row in rows]
        logits, left_out = self._logits(start, rows)
        targets, reader = None, self.label_reader
        if reader is not None and self.label_column is not None:
            labels = [row[self.label_column] for row in rows]
            targets = reader.read(labels, partial(self._where_label, start))
        return Block(start, logits, targets, keys=keys, left_out=left_out)

    def _rows(self, start: int, body: bytes) -> list[list[str]]:
        """The cells of all lines; raises DataError at the first line that has another number of them."""
        n_columns, delimiter = self.dialect.n_columns, self.dialect.delimiter

        def where(i: int) -> str:
            return self._where(start + i)

        lines = cells.texts_of(body[:-1].split(b"\n"), where)
        if b'"' in body or delimiter == " ":
            rows = cells.split_all(lines, delimiter, where)
        else:
            rows = [line.split(delimiter) for line in lines]
        for i, row in enumerate(rows):
            if len(row) != n_columns:
                if (remedy := self._end_of_rows(start + i, row)) is not None:
                    raise cells.ragged(row, n_columns, where(i), [remedy])
                is_comment = lines[i].lstrip().startswith("#")
                raise self._comment(where(i)) if is_comment else cells.ragged(row, n_columns, where(i))
        return rows

    def _logits(self, start: int, rows: list[list[str]]) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        """The logits of rows of cells, and which rows have none."""
        if self.lists:
            return self._listed(start, [row[self.columns[0]] for row in rows]), None
        chosen = [[row[c] for c in self.columns] for row in rows]
        if self.booleans:
            chosen = [[_TRUTH.get(cell.strip().lower(), cell) for cell in row] for row in chosen]
        if self.dialect.decimal == "comma":
            chosen = [self._with_points(row, start + i) for i, row in enumerate(chosen)]
        left_out = np.zeros(len(rows), np.bool_)
        if self.missing == "ignore":
            left_out[:] = [any(map(cells.is_no_number, row)) for row in chosen]
        kept = np.flatnonzero(~left_out).tolist()
        text = "".join("\t".join(chosen[i]) + "\n" for i in kept)
        table = cells.parse_plain(text.encode(), len(kept), len(self.columns), "\t") if self.columns and kept else None
        out = np.zeros((len(rows), len(self.columns)))
        if table is not None:
            out[kept] = table
        else:
            for i in kept:
                self._check_row(rows[i], start + i)
                out[i] = [self._number(cell, c, start + i) for cell, c in zip(chosen[i], self.columns, strict=True)]
        if not left_out.any():
            return out, None
        self._left_out.append(int(left_out.sum()))
        return out, left_out

    def _with_points(self, row: list[str], sample: int) -> list[str]:
        """Cells with a decimal comma, with a point instead; raises UsageError for a point that may part thousands."""
        for cell, column in zip(row, self.columns, strict=True):
            if cells.may_be_thousands(cell):
                where = f"{self._where(sample)}, column {column + 1}"
                raise point_refusal(cell, where, self.name, self.dialect.delimiter)
        return list(map(cells.with_point, row))

    def _check_row(self, row: list[str], sample: int) -> None:
        """Raise DataError for a row that is blank, the header again, or not a sample and behind the last one."""
        where = self._where(sample)
        if len(row) > 1 and not any(map(str.strip, row)):
            edits = f'/^[{self.dialect.delimiter}"[:space:]]*$/d'
            ignored = Remedy({"missing": "ignore"}, "it is a sample without logits, which is left out")
            remedies = [*notation.edited(self.name, edits, "it is not a sample"), ignored]
            raise DataError("all cells are empty", where=where, remedies=remedies)
        if self.dialect.header is not None and tuple(row) == self.dialect.header:
            line = self._line(sample)
            again = notation.fed(self.name, ("awk", f"NR == {line} {{h = $0}} NR < {line} || $0 != h"))
            raise DataError("is the header again", where=where, remedies=again)
        if not all(map(cells.is_number, (row[c] for c in self.columns))):
            end = self._end_of_rows(sample, row)
            if end is not None:
                raise DataError("is not a sample", where=where, remedies=[end])

    def _end_of_rows(self, sample: int, row: list[str]) -> Remedy | None:
        """The remedy that leaves out what comes behind the samples, such as a total; None where samples follow."""
        if not is_word(row[0]) or not row[0].strip() or not can_be_edited(self.name):
            return None
        line, delimiter, wanted = self._line(sample), self.dialect.delimiter, len(self.columns)
        before = notation.fed(self.name, ("head", "-n", str(line - 1)), f"from line {line} on there are no samples")[0]
        if is_remote(self.name):  # what follows is looked at in a copy
            return before
        pieces = whole_lines(decompressed(open_stream(self.name)))
        lines = (text for piece in pieces for text in piece[:-1].split(b"\n"))
        for n, text in enumerate(islice(lines, line - 1, None)):
            found = cells.split(text.decode("utf-8", errors="replace"), delimiter, self.name)
            if n + 1 >= min(_MOST_BEHIND, sample) or sum(map(cells.is_number, found)) >= min(wanted, 2):
                return None
        return before

    def _listed(self, start: int, lists: list[str]) -> NDArray[np.float64]:
        """The logits of cells that list them."""
        cut = cut_arrays("".join(cell + "\n" for cell in lists).encode(), self.n_classes)
        if cut is not None and cut[1] == b"[]\n" * len(lists):
            return cut[0]
        return np.array([self._list(cell, start + i) for i, cell in enumerate(lists)])

    def _list(self, cell: str, sample: int) -> list[float]:
        found, where = list_of(cell), f"{self._where(sample)}, column {self.columns[0] + 1}"
        if found is None:
            raise DataError(f"{cells.shown(cell)} is not a list of numbers", where=where)
        if len(found) != self.n_classes:
            raise DataError(f"has {len(found)} numbers, the first list has {self.n_classes}", where=where)
        return found

    def _number(self, cell: str, column: int, sample: int) -> float:
        where = f"{self._where(sample)}, column {column + 1}"
        if cell.lstrip().startswith("#") and column == 0:
            raise self._comment(where)
        if cells.is_decimal_comma(cell):
            raise comma_refusal(cell, where)
        if cells.is_no_number(cell):
            what = "the cell is empty" if not cell.strip() else f"{cells.shown(cell)} is not a number"
            remedy = Remedy({"missing": "ignore"}, "samples without logits are left out")
            raise DataError(what, where=where, remedies=[remedy] if self.missing == "error" else ())
        return cells.number(cell, where)

    def _comment(self, where: str) -> DataError:
        remedies = notation.edited(self.name, "/^[[:blank:]]*#/d", "it is a comment")
        return DataError("begins with #: a comment?", where=where, remedies=remedies)


def open_csv(stream: ByteStream, options: ReadOptions) -> LineSource:
    """A table whose delimiter is found in its first lines, or labels with their scores."""
    from nllcli.inputs.tables.pairs_text import open_pairs

    return open_pairs(stream, options) or open_table(stream, _dialect(stream, options), options)


def open_tsv(stream: ByteStream, options: ReadOptions) -> TextTable:
    """A table with tabs between its cells."""
    return open_table(stream, _dialect(stream, options, "\t"), options)


def preview_csv(stream: ByteStream, options: ReadOptions) -> Preview:
    """The beginning of a table whose delimiter is found there."""
    return _dialect(stream, options).preview


def preview_tsv(stream: ByteStream, options: ReadOptions) -> Preview:
    """The beginning of a table with tabs between its cells."""
    return _dialect(stream, options, "\t").preview


def _dialect(stream: ByteStream, options: ReadOptions, delimiter: str | None = None) -> Dialect:
    header = (options.header or "auto") if options.holds == "logits" else None
    return sniff(stream, header=header, delimiter=delimiter, decimal=options.decimal)


def open_table(stream: ByteStream, dialect: Dialect, options: ReadOptions) -> TextTable:
    """A table of logits, with or without a header; its targets are in the target column (name, or number from 1)."""
    preview = dialect.preview
    chosen = choose(preview, options)
    first = list_of(preview.cells(chosen.classes[0])[0]) if chosen.lists else None
    reader = None
    if chosen.target is not None:
        what = f"column {chosen.target + 1}"
        seen = [row[chosen.target] for row in preview.rows]
        reader = label_reader(seen, options.classes or chosen.names or None, what, stream.name, options)
    words = [str(row[c]).strip().lower() for row in preview.rows for c in chosen.classes]
    table = TextTable(
        stream=stream,
        class_names=chosen.names,
        label_reader=reader,
        opening_notes=chosen.notes,
        dialect=dialect,
        columns=list(chosen.classes),
        label_column=chosen.target,
        key_column=chosen.key,
        lists=chosen.lists,
        booleans=bool(words) and _TRUTH.keys() >= set(words),
        n_classes=len(first or ()),
        missing=options.missing,
        candidates=candidates(preview, chosen),
    )
    table.reads_ahead_for_names(table.shape[1] if options.holds == "logits" else options.n_classes)
    return table


def check_percentages(source: BlockSource) -> None:
    """Raise UsageError for a table of probabilities whose first rows sum to 100."""
    if not isinstance(source, TextTable) or source.lists or source.booleans:
        return
    dialect = source.dialect
    if not notation.are_percentages(dialect.preview.rows, source.columns):
        return
    plain = dialect.decimal == "point" and not any('"' in line for line in dialect.lines)
    raise UsageError(
        "has percentages, which sum to 100 in each of the first rows",
        where=source.name,
        hint="probabilities sum to 1",
        remedies=notation.hundredths(source.name, source.columns, dialect.delimiter, dialect.first_line)
        if plain
        else (),
    )
