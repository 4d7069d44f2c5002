"""Text as programs print it for people: arrays in brackets, and tables drawn with lines. Both become plain tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nllcli.errors import DataError, UsageError
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.tables.cells import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_BYTES = 1 << 26
# A number, white space and a number: no JSON value; or the name of a type that prints its arrays so.
_ARRAY = rb"\s*(?:(?:\w+\.)?(?:tensor|array|Array)\(\s*\[|\[[\[\s]*[-+]?(?:\d|\.\d|nan|inf)[^\s,\]]*\s+[-+\d.ni])"
_WRAPPING = r"(?:\w+\.)?(?:tensor|array|Array)\(|,\s*(?:dtype|device|grad_fn|requires_grad)=[^)]*|\)"
_BORDER = rb"[\s|+:=-]*(?:--|==)[\s|+:=-]*"
_FOOTER = rb"(?:\(\d+ rows?\)|\d+ rows? in set\b.*|shape: \(\d+, \d+\))\s*"
_LATEX = rb"(?m)^[^\n&%]*&[^\n]*\\\\[ \t]*\r?$"
_TYPES = r"\|?(?:\s*(?:[fiu]\d{1,2}|str|bool|cat|enum|date|list\[\w+\])\s*(?:\||$))+"
_UPRIGHT, _LEVEL = "│┃┆┇┊┋║", "─━┄┅┈┉═╌╍"
_BARS = str.maketrans(
    {chr(code): "+" for code in range(0x2500, 0x2580)} | dict.fromkeys(_UPRIGHT, "|") | dict.fromkeys(_LEVEL, "-")
)
_FIRST_LINES = 3
_HINT = "numpy.save writes it whole"


def is_printed_array(head: bytes) -> bool:
    """Whether a text begins as NumPy or PyTorch print an array."""
    return b"[" in head and re.match(_ARRAY, head) is not None


def is_drawn(head: bytes) -> bool:
    """Whether a text begins as a table between lines of dashes, as databases and Markdown have it."""
    lines = [_with_bars(line) for line in head.splitlines()[: 2 * _FIRST_LINES] if line.strip()][:_FIRST_LINES]
    return any((b"|" in line or b"+" in line) and re.fullmatch(_BORDER, line) for line in lines)


def is_latex(head: bytes) -> bool:
    """Whether a text has rows as LaTeX writes them."""
    return b"&" in head and re.search(_LATEX, head) is not None


def latex_lines(stream: ByteStream) -> ByteStream:
    """The rows of a LaTeX table, cells between bars; its other lines are left empty."""
    return _stream(stream.name, _mapped(stream, _latex_row))


def _latex_row(line: bytes) -> bytes:
    row, end, _ = line.partition(b"\\\\")
    return row.replace(b"&", b"|").strip() + b"\n" if end and b"&" in row else b"\n"


def _with_bars(line: bytes) -> bytes:
    """A line whose characters for drawing are bars and dashes."""
    if line.isascii():
        return line
    return line.decode("utf-8", errors="surrogateescape").translate(_BARS).encode("utf-8", errors="surrogateescape")


def array_lines(stream: ByteStream, *, one_a_line: bool) -> ByteStream:
    """The numbers of a printed array, a row a line.

    Under ``one_a_line`` arrays of one dimension, printed one after the other, become a column: they are batches.
    """
    data = stream.read_up_to(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DataError(f"is a printed array of more than {_MOST_BYTES >> 20} MiB", where=stream.name, hint=_HINT)
    text = data.decode("utf-8", errors="replace")
    if "..." in text or "\u2026" in text:
        raise DataError("is a printed array, with its middle left out (...)", where=stream.name, hint=_HINT)
    body = re.sub(_WRAPPING, "", text)
    opening = re.match(r"[\[\s]*", body)
    depth = opening[0].count("[") if opening else 0
    rows = [row.replace(",", " ").split() for row in re.split(r"[\[\]]", body)]
    rows = [row for row in rows if row]
    odd = next((word for row in rows for word in row if not is_number(word)), None)
    if odd is not None:
        raise DataError(f"{odd[:40]!r} in a printed array is not a number", where=stream.name, hint=_HINT)
    if depth > 2:
        raise UsageError(f"is a printed array of {depth} dimensions", where=stream.name, hint=_HINT)
    if depth == 1 and one_a_line and (len(rows) == 1 or _are_classes(rows)):
        rows = [[word] for row in rows for word in row]
    return _stream(stream.name, iter([("\n".join(map(" ".join, rows)) + "\n").encode()]))


def _are_classes(rows: list[list[str]]) -> bool:
    """Whether the numbers of several arrays are one a sample: whole, and not one a class, a single 1 among zeros."""
    numbers = [sorted(map(float, row)) for row in rows]
    one_hot = [*[0.0] * (len(rows[0]) - 1), 1.0]
    return all(value.is_integer() for row in numbers for value in row) and any(row != one_hot for row in numbers)


def drawn_lines(stream: ByteStream) -> ByteStream:
    """The lines of a drawn table, cells between bars; its lines of dashes and its footer are left empty."""
    return _stream(stream.name, _mapped(stream, _undrawn_line))


def _mapped(stream: ByteStream, change: Callable[[bytes], bytes]) -> Iterator[bytes]:
    from nllcli.inputs.tables.lines import whole_lines

    for piece in whole_lines(stream):
        yield b"".join(map(change, piece[:-1].split(b"\n")))


def _undrawn_line(line: bytes) -> bytes:
    text = _with_bars(line).strip()
    if re.fullmatch(_BORDER, text) or re.fullmatch(_FOOTER, text):
        return b"\n"
    if not line.isascii() and re.fullmatch(_TYPES, text.decode("utf-8", errors="replace")):
        return b"\n"
    if text.startswith(b"|"):
        text = text.removeprefix(b"|").removesuffix(b"|")
    return text + b"\n"


def _stream(name: str, pieces: Iterator[bytes]) -> ByteStream:
    held = b""

    def pull(n: int) -> bytes:
        nonlocal held
        while not held:
            piece = next(pieces, None)
            if piece is None:
                return b""
            held = piece
        taken, held = held[:n], held[n:]
        return taken

    return ByteStream(name, pull)
