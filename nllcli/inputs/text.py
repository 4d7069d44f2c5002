"""CSV and its kin as a BlockSource: lines are cut in order by one thread and parsed by any."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, UsageError
from nllcli.inputs import cells
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.lines import LineNumbers, clean_lines
from nllcli.model import Block, Chunk, Layout, Notice, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.files import ByteStream


@dataclass(frozen=True)
class Dialect:
    """What the first lines tell: the delimiter, the header's cells (None without one), the first row's cells."""

    delimiter: str
    header: tuple[str, ...] | None
    first_row: tuple[str, ...]

    @property
    def n_columns(self) -> int:
        return len(self.first_row)


@dataclass
class TextTable:
    """A table of numbers in text, one sample a line; with ``label_column`` the blocks bring their targets.

    ``columns`` are the places of the logits among the cells of a line.
    """

    name: str
    stream: ByteStream
    dialect: Dialect
    columns: list[int]
    class_names: tuple[str, ...] | None
    label_column: int | None = None
    label_reader: LabelReader | None = None
    notes: tuple[Notice, ...] = ()
    fortran: bool = False
    dtype: np.dtype[Any] = np.dtype(np.float64)
    numbers: LineNumbers = field(default_factory=LineNumbers)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, len(self.columns))

    @property
    def labels(self) -> bool:
        return self.label_column is not None

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:  # noqa: ARG002
        pieces = clean_lines(self.stream.read, self.numbers, self.name)
        start = 0
        for n, body in _cut(without_first_line(pieces) if self.dialect.header else pieces, block_samples):
            yield Chunk(start, n, partial(self._parse, start, n, body))
            start += n

    def place(self, sample: int, layout: Layout) -> str:  # noqa: ARG002 - a table's samples are its lines
        return f"line {self._line(sample)}"

    def read_all(self) -> NDArray[np.float64]:
        """All rows, (n, n_columns)."""
        scratch = Scratch()
        layout = Layout(self.shape, 1)
        blocks = [chunk.load(scratch).logits for chunk in self.chunks(layout, 1 << 15)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.columns)))

    def _line(self, sample: int) -> int:
        return self.numbers.of(sample + (self.dialect.header is not None))

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        everything = list(range(self.dialect.n_columns))
        if self.label_reader is None or self.label_reader.numeric:
            table = cells.parse_plain(body, n, self.dialect.n_columns, self.dialect.delimiter)
            if table is not None:
                labels = None if self.label_column is None else table[:, self.label_column]
                logits = table if self.columns == everything else table[:, self.columns]
                return Block(start, logits, self._targets_of_numbers(labels, start))

        def where(i: int) -> str:
            return f"{self.name}, line {self._line(start + i)}"

        logits, rows = cells.parse_carefully(body, self.columns, self.dialect.n_columns, self.dialect.delimiter, where)
        if self.label_reader is None or self.label_column is None:
            return Block(start, logits)
        return Block(start, logits, self.label_reader.read([row[self.label_column] for row in rows], where))

    def _targets_of_numbers(self, labels: NDArray[np.float64] | None, start: int) -> NDArray[np.int64] | None:
        if labels is None or self.label_reader is None:
            return None
        return self.label_reader.of_numbers(labels, lambda i: f"{self.name}, line {self._line(start + i)}")


def open_text(
    stream: ByteStream, *, target_column: str | None = None, classes: tuple[str, ...] | None = None
) -> TextTable:
    """A table of logits, with or without a header, its targets in ``target_column`` (name, or number from 1) if any."""
    dialect = sniff(stream)
    columns = list(range(dialect.n_columns))
    notes: tuple[Notice, ...] = ()
    if dialect.header and not dialect.header[0].strip() and len(dialect.header) > 1:
        columns.remove(0)
        notes = (
            Notice("index-column", f"{stream.name}: the first column has no name; taken as an index and left out"),
        )
    label_column = None if target_column is None else find_column(target_column, dialect, stream.name)
    if label_column in columns:
        columns.remove(label_column)
    names = tuple(dialect.header[c].strip() for c in columns) if dialect.header else None
    reader = None
    if label_column is not None:
        reader = LabelReader(classes or names, cells.is_number(dialect.first_row[label_column]))
    return TextTable(stream.name, stream, dialect, columns, names, label_column, reader, notes)


def find_column(wanted: str, dialect: Dialect, name: str) -> int:
    """The place of a column given by its name, or else by its number, counted from 1."""
    header = [cell.strip() for cell in dialect.header or ()]
    if wanted in header:
        return header.index(wanted)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= dialect.n_columns:
        return int(wanted) - 1
    known = ", ".join(header) if header else f"the numbers 1 to {dialect.n_columns} (there is no header)"
    raise UsageError(f"there is no column {cells.shown(wanted)}", where=name, hint=f"columns: {known}")


def sniff(stream: ByteStream) -> Dialect:
    """Tell delimiter and header from the first lines, without consuming them."""
    lines = _first_lines(stream)
    if not lines:
        raise DataError("is empty", where=stream.name)
    delimiter = _delimiter(lines)
    first = tuple(cells.split(lines[0], delimiter))
    if all(cells.is_number(cell) for cell in first):
        return Dialect(delimiter, None, first)
    if len(lines) > 1 and not any(cells.is_number(cell) for cell in first):
        return Dialect(delimiter, first, _as_wide(tuple(cells.split(lines[1], delimiter)), first, stream.name))
    if any(not cell.strip() or cells.is_number(cell) for cell in first[1:]) and not _header_like(
        first, lines, delimiter
    ):
        return Dialect(delimiter, None, first)
    second = tuple(cells.split(lines[1], delimiter)) if len(lines) > 1 else first
    return Dialect(delimiter, first, _as_wide(second, first, stream.name))


def _as_wide(row: tuple[str, ...], header: tuple[str, ...], name: str) -> tuple[str, ...]:
    if len(row) != len(header):
        raise DataError(f"the header has {len(header)} cells, the first row has {len(row)}", where=name)
    return row


def _header_like(first: tuple[str, ...], lines: list[str], delimiter: str) -> bool:
    """Names of columns may be numbers (pandas writes 0, 1, 2 after an empty first cell)."""
    return len(lines) > 1 and not first[0].strip() and len(cells.split(lines[1], delimiter)) == len(first)


def _first_lines(stream: ByteStream, n: int = 3) -> list[str]:
    size = 1 << 16
    while True:
        ahead = stream.peek(size)
        at_end = len(ahead) < size
        data = ahead if at_end else ahead[: ahead.rfind(b"\n") + 1]
        pieces = clean_lines(_from_memory(data), LineNumbers(), stream.name)
        found = [line for piece in pieces for line in piece[:-1].split(b"\n")][:n]
        if at_end or len(found) >= n or size >= 1 << 26:
            break
        size *= 4
    try:
        return [line.decode("utf-8") for line in found]
    except UnicodeDecodeError as error:
        raise DataError("is not UTF-8 text, and no other format that can be read", where=stream.name) from error


def _from_memory(data: bytes) -> Callable[[int], bytes]:
    """What reads ``data`` in one piece."""
    pieces = iter([data])
    return lambda _: next(pieces, b"")


def _delimiter(lines: list[str]) -> str:
    """The candidate that splits every line into the same number of cells, most cells first; a comma for one column."""
    best, most = ",", 1
    for candidate in ("\t", ";", ","):
        counts = {len(cells.split(line, candidate)) for line in lines}
        if len(counts) == 1 and max(counts) > most:
            best, most = candidate, max(counts)
    if most == 1:
        present = [d for d in ("\t", ";", ",") if any(d in line for line in lines)]
        return present[0] if present else ","
    return best


def without_first_line(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"\n")
    rest = first[first.index(b"\n") + 1 :]
    if rest:
        yield rest
    yield from pieces


def _cut(pieces: Iterator[bytes], n_lines: int) -> Iterator[tuple[int, bytes]]:
    """Regroup pieces of whole lines into bodies of exactly ``n_lines`` lines (fewer in the last)."""
    held: list[bytes] = []
    count = 0
    for piece in pieces:
        rest = piece
        n = rest.count(b"\n")
        while count + n >= n_lines:
            end = _end_of_line(rest, n_lines - count)
            yield n_lines, b"".join([*held, rest[:end]])
            rest = rest[end:]
            n -= n_lines - count
            held, count = [], 0
        if rest:
            held.append(rest)
            count += n
    if count:
        yield count, b"".join(held)


def _end_of_line(piece: bytes, n: int) -> int:
    """Where the ``n``-th line of ``piece`` ends."""
    return int(np.flatnonzero(np.frombuffer(piece, np.uint8) == 10)[n - 1]) + 1
