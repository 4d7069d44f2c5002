"""Short lists given as an option's value: numbers or names, written out, in a file, or on standard input."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.arrays.raw import FileArray, widened
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.opening import Input, at_any_place, open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.vector_text import (
    NUMBER,
    WHOLE,
    Flaw,
    Vector,
    array_of,
    check_names,
    number,
    parse_json,
    parse_text,
    pieces_of,
    short,
)

_LINE_END = re.compile(r"\r\n|\r|\n")
_MOST_BYTES = 1 << 24
_MOST_NUMBERS = 1 << 20  # in text, where each takes some microseconds and hundreds of bytes
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def read_vector(text: str, *, what: str, integers: bool = False) -> Vector:
    """Read numbers written out (``10,50,100``), or from the file that ``text`` names (``-``: standard input).

    The file is an array of one dimension (.npy, or a member of .npz or .safetensors), or text: numbers between commas,
    blanks and line ends, lines of name,number, or what nll weights writes. ``what`` is the option, for error messages.
    """
    pieces = pieces_of(text)
    if all(map(NUMBER.fullmatch, pieces)):
        with _blaming(UsageError, what):
            return Vector(array_of([number(piece, integers) for piece in pieces], integers))
    odd = next(piece for piece in pieces if not NUMBER.fullmatch(piece))
    opened = _open(text, what, "numbers such as 10,50,100" + (f" ({short(odd)} is not one)" if pieces[1:] else ""))
    with _blaming(DataError, opened.stream.name):
        if opened.is_text:
            return parse_text(_lines(opened.stream, b"\n\r,\t ", integers), integers)
        if opened.format == "jsonl":
            return parse_json("\n".join(_lines(opened.stream, b"\n\r,", integers)), integers)
        return _parse_array(opened, integers)


def read_names(text: str, *, what: str) -> tuple[str, ...]:
    """Read names written out (``cat,dog``: a comma tells), or from a file of one a line (``-``: standard input)."""
    if "," in text:
        with _blaming(UsageError, what):
            return check_names(text.split(","))
    opened = _open(text, what, "names such as cat,dog,horse")
    with _blaming(DataError, opened.stream.name):
        if not opened.is_text:
            raise Flaw(f"is {opened.format.upper()}; names are text, one a line")
        lines = _lines(opened.stream)
        return check_names(lines[0].split(",") if len(lines) == 1 else lines)


# --- where the text is ----------------------------------------------------------------------------------------------


@contextmanager
def _blaming(error: type[DataError | UsageError], where: str) -> Iterator[None]:
    try:
        yield
    except Flaw as flaw:
        place = f"{where}, {flaw.place}" if flaw.place else where
        raise error(flaw.message, where=place, hint=flaw.hint) from None


def _open(text: str, what: str, expected: str) -> Input:
    """Open the file that an option's value names, or say what the value should have been."""
    if not text.strip():
        raise UsageError(f"is empty; expected {expected}, or a file", where=what)
    try:
        return open_input(text)
    except FaultError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _MISSING:
            raise UsageError(f"{short(text)} is neither {expected} nor a file that exists", where=what) from None
        raise


def _lines(stream: ByteStream, separators: bytes = b"", integers: bool = False) -> list[str]:
    """The lines of a text; raises Flaw where it is too long, or has too many of one of the ``separators``."""
    data = stream.read_up_to(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise _too_long(f"is longer than {_MOST_BYTES >> 20} MiB", integers)
    if any(data.count(separator) > _MOST_NUMBERS for separator in separators):
        raise _too_long(f"has more than {_MOST_NUMBERS} numbers", integers)
    try:
        lines = _LINE_END.split(data.decode("utf-8-sig").rstrip())
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise Flaw(f"is neither UTF-8 text (byte 0x{byte:02x} at offset {error.start}) nor a .npy file") from None
    if lines == [""]:
        raise Flaw("is empty")
    return lines


def _parse_array(opened: Input, integers: bool) -> Vector:
    source = opened.read(ReadOptions(of_classes=True))
    if not isinstance(source, FileArray):
        raise Flaw(f"is {opened.format.upper()}; numbers are read from text, or from an array such as .npy")
    if len(source.shape) != 1:
        raise Flaw(f"has the shape {source.shape}; expected one dimension")
    if source.n_bytes > _MOST_BYTES:
        raise _too_long(f"is longer than {_MOST_BYTES >> 20} MiB", integers)
    values = widened(at_any_place(source).read_all())
    _check_values(values, integers)
    return Vector(array_of(values, integers))


def _too_long(what: str, integers: bool) -> Flaw:
    hint = "targets? nll weights --targets counts them" if integers else None
    return Flaw(f"{what}: is this one value a class?", hint=hint)


def _check_values(values: NDArray[Any], integers: bool) -> None:
    if not values.size:
        raise Flaw("is empty")
    wrong, expected = ~np.isfinite(values), "a finite number"
    if integers and not wrong.any():
        wrong, expected = _not_whole(values), WHOLE
    if wrong.any():
        first = int(wrong.argmax())
        raise Flaw(f"{values[first]} is not {expected}", place=f"index {first}")


def _not_whole(values: NDArray[Any]) -> NDArray[np.bool]:
    wide = values.astype(np.float64)
    return np.asarray((wide != np.floor(wide)) | (np.abs(wide) >= 2.0**63))
