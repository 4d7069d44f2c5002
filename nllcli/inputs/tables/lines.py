"""Text as clean lines: byte order mark, line ends, blank lines and comments dealt with, line numbers kept."""

from __future__ import annotations

import io
import re
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from nllcli.errors import DataError, Remedy, setting
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.tables import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

Rows = TypeVar("Rows")

_PIECE_BYTES = 1 << 20
LONGEST_LINE = 1 << 25
_BLANKS = b" \t"
_MOST_QUOTED_LINES = 1000
# A quote that begins a cell: what follows, up to the next one, may go over several lines.
_OPENS = rb'(?:^|[,;|\t])[ \t]*"(?:[^"]|"")*$'


class Lines(NamedTuple):
    """``n`` whole lines, each ended by a newline."""

    n: int
    text: bytes


class LineNumbers:
    """Which line of the file each kept line was.

    A run of kept lines that follow each other at the same distance takes one entry, so that text in which every other
    line is blank needs no more room than text without blank lines.
    """

    def __init__(self) -> None:
        # Of each run its first kept line, that one's line in the file, and the distance, one after the other in one
        # array: workers read it while the cutting thread appends.
        self._runs = array("q", (0, 1, 1))
        self.n_comments = 0  # those after the first kept line

    def resume(self, n_kept: int, line: int, n_lines: int = 1) -> None:
        """``n_lines`` lines of the file from ``line`` (counted from 1) on are the kept ones from ``n_kept`` on."""
        first, first_line, distance = self._runs[-3:]
        if n_lines == 1 and n_kept == first + 1:
            self._runs[-1] = line - first_line
        elif line - first_line != distance * (n_kept - first) or (n_lines > 1 and distance > 1):
            self._runs.extend((n_kept, line, 1))

    def of(self, kept: int) -> int:
        """The line of the file, counted from 1, of a kept line, counted from 0."""
        runs = self._runs
        i = 3 * bisect_right(range(len(runs) // 3), kept, key=lambda i: runs[3 * i]) - 3
        return runs[i + 1] + (kept - runs[i]) * runs[i + 2]


def clean_lines(
    stream: ByteStream,
    numbers: LineNumbers,
    *,
    table: bool = True,
    delimiter: str | None = None,
    is_row: Callable[[bytes], bool] | None = None,
    has_gaps: bool = True,
) -> Iterator[Lines]:
    """Yield pieces of whole lines, without blank lines and, in a ``table``, ``#`` comments.

    Unless it ``has_gaps``, a blank line between others is an error: it could be a sample without a number.

    After the first kept line, ``is_row`` says which lines that begin with # are rows all the same. Lines between the
    quotes of one cell become one. ``numbers`` is filled on the way. Raises DataError for UTF-16 and, where the
    ``delimiter`` of a table is known, for lines that ``check_line`` refuses, and FaultError where the file has changed
    since it was opened.
    """
    n_kept, line, gap = 0, 1, 0
    quoted = _Quoted()
    for piece in whole_lines(stream):
        ends = _is_end(piece)
        n_lines = n_clean = int(np.count_nonzero(ends))
        marked = table and (b"\0" in piece or quoted.is_open or _any_leaves_open(piece, ends))
        if marked or _any_may_go(piece, ends):
            kept = []
            lines = enumerate(piece[:-1].split(b"\n"), line)
            for number, text in quoted.joined(lines) if table else lines:
                begun = text.lstrip(_BLANKS)
                if not begun:
                    gap = gap or (0 if has_gaps or not n_kept else number)
                    continue
                if table and begun.startswith(b"#") and not (n_kept and is_row is not None and is_row(text)):
                    numbers.n_comments += n_kept > 0
                    continue
                if delimiter is not None:
                    check_line(text, delimiter, f"{stream.name}, line {number}")
                if gap:
                    raise _gap(f"{stream.name}, line {gap}")
                numbers.resume(n_kept, number)
                kept.append(text)
                n_kept += 1
            piece = b"".join(text + b"\n" for text in kept)  # noqa: PLW2901 - the cleaned piece takes its place
            n_clean = len(kept)
        else:
            if gap:
                raise _gap(f"{stream.name}, line {gap}")
            numbers.resume(n_kept, line, n_lines)
            n_kept += n_lines
        line += n_lines
        if piece:
            yield Lines(n_clean, piece)
    for number, text in quoted.rest():
        if delimiter is not None:
            check_line(text, delimiter, f"{stream.name}, line {number}")
        numbers.resume(n_kept, number)
        n_kept += 1
        yield Lines(1, text + b"\n")


def _gap(where: str) -> DataError:
    how = f"take it out, or write NA there: {setting('missing', 'ignore')} leaves such samples out"
    return DataError("is blank, which may be a sample without a number or nothing", where=where, hint=how)


class _Quoted:
    """Puts the lines of a cell between quotes together, each newline a blank: its text is compared, never shown."""

    def __init__(self) -> None:
        self._held: list[tuple[int, bytes]] = []

    @property
    def is_open(self) -> bool:
        """Whether a quote is open at the end of the lines so far."""
        return bool(self._held)

    def joined(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The numbered lines, those of one cell as one of the number of the first."""
        for number, text in lines:
            odd = text.count(b'"') % 2
            if not self._held and not (odd and re.search(_OPENS, text)):
                yield number, text
                continue
            self._held.append((number, text))
            if len(self._held) > 1 and odd:
                yield self._held[0][0], b" ".join(part for _, part in self._held)
                self._held = []
            elif len(self._held) > _MOST_QUOTED_LINES:
                yield from self.rest()

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """The lines after a quote that is never closed, as they are."""
        held, self._held = self._held, []
        yield from held


def kept_lines(
    data: bytes, name: str, is_row: Callable[[bytes], bool] | None = None
) -> tuple[list[bytes], LineNumbers]:
    """The clean lines of text in memory, and which line of the file each was."""
    numbers = LineNumbers()
    pieces = clean_lines(in_memory(data, name), numbers, is_row=is_row)
    return [line for piece in pieces for line in piece.text[:-1].split(b"\n")], numbers


def in_memory(data: bytes, name: str) -> ByteStream:
    """Bytes already read from the file ``name``, as a stream."""
    return ByteStream(name, io.BytesIO(data).read)


def check_line(text: bytes, delimiter: str, where: str) -> None:
    """Raise DataError about a cell with a NUL byte, or with a quote that is not closed in its line."""
    if b"\0" in text:
        raise DataError("has a NUL byte: is this text?", where=_in_column(text.index(b"\0"), text, delimiter, where))
    if text.count(b'"') % 2:
        at = _in_column(text.rindex(b'"'), text, delimiter, where)
        raise DataError("a quote is opened and not closed in this line", where=at)


def _in_column(at: int, text: bytes, delimiter: str, where: str) -> str:
    """``where``, with the column of the cell in which byte ``at`` of a line is."""
    before = text[:at].decode("utf-8", errors="replace")
    return f"{where}, column {len(cells.split(before + '?', delimiter, where))}"


def whole_lines(stream: ByteStream) -> Iterator[bytes]:
    """Pieces that end with a newline, "\\r\\n" and "\\r" made "\\n"; the last line gets one if it has none."""
    stream.check_not_begun()
    rest, held = [b""], b""
    first = True
    while True:
        piece = stream.read(_PIECE_BYTES)
        if first:
            piece = _without_mark(piece, stream.name)
            first = False
        at_end = not piece
        piece = held + piece
        if b"\r" in piece:
            held = b"\r" if piece.endswith(b"\r") and not at_end else b""  # perhaps the first half of "\r\n"
            piece = piece[: len(piece) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            held = b""
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join([*rest, piece[:cut]])
            rest = []
        rest.append(piece[cut:])
        if at_end:
            stream.check_unchanged()
            last = b"".join(rest)
            if last:
                yield last + b"\n"
            return
        if sum(map(len, rest)) > LONGEST_LINE:
            raise too_long(stream.name)


def too_long(name: str) -> DataError:
    return DataError(f"has a line longer than {LONGEST_LINE} bytes: is this text?", where=name)


def _without_mark(piece: bytes, name: str) -> bytes:
    for encoding, place in (("utf-16-be", 0), ("utf-16-le", 1)):
        if piece[place:4:2] == b"\0\0" and len(piece[:4].replace(b"\0", b"")) == 2:
            raise DataError("is UTF-16, not UTF-8", where=name, remedies=[Remedy({"encoding": encoding})])
    return piece.removeprefix(b"\xef\xbb\xbf")


def without_first_lines(pieces: Iterator[Lines], n: int) -> Iterator[Lines]:
    """The pieces without their first ``n`` lines."""
    for count, text in pieces:
        if n >= count:
            n -= count
        elif n:
            yield Lines(count - n, _split(text, n)[1])
            n = 0
        else:
            yield Lines(count, text)


def cut_lines(pieces: Iterator[Lines], n_lines: int) -> Iterator[Lines]:
    """Regroup pieces into bodies of exactly ``n_lines`` lines (fewer in the last)."""
    return (Lines(n, b"".join(parts)) for n, parts in regrouped(pieces, n_lines, _split))


def _split(text: bytes, n: int) -> tuple[bytes, bytes]:
    """The first ``n`` lines of a text, and the others."""
    end = int(np.flatnonzero(_is_end(text))[n - 1]) + 1
    return text[:end], text[end:]


def regrouped(
    pieces: Iterable[tuple[int, Rows]], n_rows: int, split: Callable[[Rows, int], tuple[Rows, Rows]]
) -> Iterator[tuple[int, list[Rows]]]:
    """Regroup pieces, each with its number of rows, into runs of exactly ``n_rows`` rows (fewer in the last).

    A run is the list of its parts; ``split`` takes so many rows off the beginning of a piece.
    """
    held: list[Rows] = []
    count = 0
    for n_piece, piece in pieces:
        n, rest = n_piece, piece
        while count + n >= n_rows:
            first, rest = split(rest, n_rows - count)
            yield n_rows, [*held, first]
            n -= n_rows - count
            held, count = [], 0
        if n:
            held.append(rest)
            count += n
    if count:
        yield count, held


def _any_may_go(piece: bytes, ends: NDArray[np.bool_]) -> bool:
    """Whether a line is blank, or begins with # behind its blanks; regular expressions would hold the lock."""
    characters = np.frombuffer(piece, np.uint8)
    blank = (characters == ord(" ")) | (characters == ord("\t"))
    if blank[0] or (ends[:-1] & blank[1:]).any():
        characters = characters[~blank]
        ends = characters == ord("\n")
    going = np.equal(characters, ord("\n")) | (characters == ord("#"))
    return bool(going[0] or (ends[:-1] & going[1:]).any())


def _any_leaves_open(piece: bytes, ends: NDArray[np.bool_]) -> bool:
    """Whether a line may have a quote that is not closed in it: an odd number of quotes."""
    if b'"' not in piece:
        return False
    quotes = np.equal(np.frombuffer(piece, np.uint8), ord('"'))
    return bool((np.bitwise_xor.accumulate(quotes.view(np.uint8)) & ends).any())


def _is_end(piece: bytes) -> NDArray[np.bool_]:
    """Which bytes end a line; several times as fast as bytes.count where lines are short."""
    return np.equal(np.frombuffer(piece, np.uint8), 10)
