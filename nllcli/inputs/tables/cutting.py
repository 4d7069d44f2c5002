"""Columns cut out of text by whole-array operations of NumPy, which leave the interpreter's lock to other threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.inputs.tables.cells import single_blanks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_PIECE_BYTES = 1 << 18


def cut_columns(body: bytes, n_columns: int, delimiter: str, *groups: Sequence[int]) -> list[bytes] | None:
    """The cells of each group of columns, in ascending order, a line a row; None where cells have to be read singly.

    That is where a line has another number of cells, quotes do more than to surround a cell, or text is not UTF-8.
    """
    if not _is_utf8(body):
        return None
    if delimiter == " ":
        body = single_blanks(body)
    found: list[list[bytes]] = [[] for _ in groups]
    for piece in pieces_of(body):
        characters = np.frombuffer(piece, np.uint8)
        ends = _ends(characters, piece, n_columns, delimiter)
        if ends is None:
            return None
        for texts, group in zip(found, groups, strict=True):
            texts.append(_cut(characters, ends, group))
    return [b"".join(texts) for texts in found]


def unquoted(text: bytes) -> bytes | None:
    """Cells of numbers without their quotes; None where there are quotes within quotes, or nothing."""
    if b'""' in text:
        return None
    return text.translate(None, b'"')


def texts(column: bytes) -> list[str]:
    """The cells of one column as text, without quotes and blanks around them."""
    found = column[:-1].decode("utf-8").split("\n")
    if b'"' in column:
        found = [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in found]
    return list(map(str.strip, found))


def _is_utf8(body: bytes) -> bool:
    try:
        return body.isascii() or bool(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def pieces_of(body: bytes) -> Iterator[bytes]:
    """Pieces of whole lines, few enough to stay near the processor."""
    begin = 0
    while begin < len(body):
        end = body.rfind(b"\n", begin, begin + _PIECE_BYTES) + 1 or body.index(b"\n", begin) + 1
        yield body[begin:end]
        begin = end


def _ends(characters: NDArray[np.uint8], piece: bytes, n_columns: int, delimiter: str) -> NDArray[np.intp] | None:
    """Where each cell ends, (n_rows, n_columns); None where a line has another number of cells."""
    newline = characters == ord("\n")
    end = newline | (characters == ord(delimiter))
    if b'"' in piece:
        within = _quoted(characters, end)
        if within is None or delimiter == " ":
            return None
        end &= ~within
    ends = np.flatnonzero(end)
    if len(ends) != n_columns * np.count_nonzero(newline) or not newline[ends[n_columns - 1 :: n_columns]].all():
        return None
    return ends.reshape(-1, n_columns)


def _quoted(characters: NDArray[np.uint8], end: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Which characters are between quotes; None unless these surround whole cells, two standing for one within."""
    quotes = characters == ord('"')
    places = np.flatnonzero(quotes)
    opening, closing = places[::2], places[1::2]
    if len(opening) != len(closing):
        return None
    begins, ends = np.ones(len(opening), np.bool_), np.ones(len(closing), np.bool_)
    begins[1:] = ends[:-1] = opening[1:] != closing[:-1] + 1
    before, behind = opening[begins] - 1, closing[ends] + 1
    if not (end[before[before >= 0]].all() and end[behind].all()):
        return None
    return np.bitwise_xor.accumulate(quotes.view(np.uint8)).view(np.bool_)


def _cut(characters: NDArray[np.uint8], ends: NDArray[np.intp], columns: Sequence[int]) -> bytes:
    """The cells of some columns, a line a row."""
    n_rows, n_columns = ends.shape
    if len(columns) == n_columns:
        return characters.tobytes()
    wanted = np.zeros(n_columns, np.bool_)
    wanted[columns] = True
    lengths = np.diff(ends.ravel(), prepend=-1)
    text = characters.copy()
    text[ends[:, columns[-1:]]] = ord("\n")
    return text[np.repeat(np.tile(wanted, n_rows), lengths)].tobytes()
