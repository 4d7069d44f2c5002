"""Short lists given as an option's value: numbers or names, written out, in a file, or on standard input."""

import csv
import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.files import ByteStream
from nllcli.inputs.opening import Input, at_any_place, open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.raw import FileArray

# Narrower than float(), which reads 1_000; a nan is taken for a number here so that it can be refused as one.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
# A first row is a header only by one of these words: a first count written "NA" must not be skipped in silence.
_HEADERS = {"n", "count", "counts", "number", "n_samples", "support", "frequency", "weight", "weights", "value"}
_MOST_BYTES = 1 << 24
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Vector:
    """Numbers in order, int64 or float64, with their names where a file of two columns gave them."""

    values: NDArray[Any]
    names: tuple[str, ...] | None = None


def read_vector(text: str, *, what: str, integers: bool = False) -> Vector:
    """Read numbers written out (``10,50,100``), or from the file that ``text`` names (``-``: standard input).

    The file is an array of one dimension (.npy, or a member of .npz or .safetensors), or text: numbers between commas,
    blanks and line ends, or lines of name,number. ``what`` is the option, for error messages.
    """
    pieces = _pieces(text)
    if all(map(_NUMBER.fullmatch, pieces)):
        with _blaming(UsageError, what):
            return Vector(_array([_number(piece, integers) for piece in pieces], integers))
    odd = next(piece for piece in pieces if not _NUMBER.fullmatch(piece))
    opened = _open(text, what, "numbers such as 10,50,100" + (f" ({_short(odd)} is not one)" if pieces[1:] else ""))
    with _blaming(DataError, opened.stream.name):
        if opened.is_text:
            return _parse_text(_lines(opened.stream), integers)
        return _parse_array(opened, integers)


def read_names(text: str, *, what: str) -> tuple[str, ...]:
    """Read names written out (``cat,dog``: a comma tells), or from a file of one a line (``-``: standard input)."""
    if "," in text:
        with _blaming(UsageError, what):
            return _check_names(text.split(","))
    opened = _open(text, what, "names such as cat,dog,horse")
    with _blaming(DataError, opened.stream.name):
        if not opened.is_text:
            raise _Flaw(f"is {opened.format.upper()}; names are text, one a line")
        lines = _lines(opened.stream)
        return _check_names(lines[0].split(",") if len(lines) == 1 else lines)


# --- where the text is ----------------------------------------------------------------------------------------------


class _Flaw(Exception):
    """What is wrong with a value, before it is known whether the command line or a file holds it."""

    def __init__(self, message: str, *, place: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint


@contextmanager
def _blaming(error: type[DataError | UsageError], where: str) -> Iterator[None]:
    try:
        yield
    except _Flaw as flaw:
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
            raise UsageError(f"{_short(text)} is neither {expected} nor a file that exists", where=what) from None
        raise


def _lines(stream: ByteStream) -> list[str]:
    data = stream.read_up_to(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise _too_long()
    try:
        lines = _LINE_END.split(data.decode("utf-8-sig").rstrip())
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise _Flaw(f"is neither UTF-8 text (byte 0x{byte:02x} at offset {error.start}) nor a .npy file") from None
    if lines == [""]:
        raise _Flaw("is empty")
    return lines


# --- what it says ---------------------------------------------------------------------------------------------------


def _parse_text(lines: list[str], integers: bool) -> Vector:
    """Read numbers, or rows of two cells; blank lines and # comments are skipped, as in every text input."""
    kept = {i: line for i, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")}
    rows = _rows(kept)
    if len(rows) > 1 and all(len(row) == 2 for row in rows.values()):
        return _parse_pairs(rows, integers)
    numbers = []
    for i, line in kept.items():
        pieces = _pieces(line)
        for j, piece in enumerate(pieces, 1):
            numbers.append(_number(piece, integers, f"line {i}, value {j}" if len(pieces) > 1 else f"line {i}"))
    return Vector(_array(numbers, integers))


def _rows(lines: dict[int, str]) -> dict[int, list[str]]:
    """Split each line into cells, at tabs if there are any."""
    delimiter = "\t" if any("\t" in line for line in lines.values()) else ","
    rows = {}
    for i, line in lines.items():
        try:
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
        except csv.Error as error:
            raise _Flaw(str(error), place=f"line {i}") from None
        rows[i] = [cell.strip() for cell in cells]
    return rows


def _parse_pairs(rows: dict[int, list[str]], integers: bool) -> Vector:
    """Read rows of name,number, with or without a header."""
    first = next(iter(rows))
    if rows[first][1].casefold() in _HEADERS:
        del rows[first]
    elif all(_NUMBER.fullmatch(name) for name, _ in rows.values()):
        raise _Flaw(
            "has two columns of numbers: is the first one the class?",
            hint="with a first line class,count it is; or write one number a line",
        )
    numbers = [_number(number, integers, f"line {i}") for i, (_, number) in rows.items()]
    return Vector(_array(numbers, integers), _check_names([name for name, _ in rows.values()]))


def _parse_array(opened: Input, integers: bool) -> Vector:
    source = opened.read(ReadOptions())
    if not isinstance(source, FileArray):
        raise _Flaw(f"is {opened.format.upper()}; numbers are read from text, or from an array such as .npy")
    if len(source.shape) != 1:
        raise _Flaw(f"has the shape {source.shape}; expected one dimension")
    if source.n_bytes > _MOST_BYTES:
        raise _too_long()
    values = at_any_place(source).read_all()
    _check_values(values, integers)
    return Vector(_array(values, integers))


def _too_long() -> _Flaw:
    return _Flaw(f"is longer than {_MOST_BYTES >> 20} MiB: is this one value a class?")


def _pieces(line: str) -> list[str]:
    """Split at commas and blanks; what is missing between two commas is an empty piece."""
    return [piece for field in line.split(",") for piece in field.split() or [""]]


def _number(piece: str, integers: bool, place: str = "") -> float | int:
    if not _NUMBER.fullmatch(piece):
        hint = "numbers stand between commas, blanks or line ends, or in lines of name,number"
        raise _Flaw(f"{_short(piece)} is not a number" if piece else "a number is missing", place=place, hint=hint)
    value = float(piece)
    if not isfinite(value):
        raise _Flaw(f"{_short(piece)} is not a finite number", place=place)
    if not integers:
        return value
    exact = Decimal(piece)
    if exact != exact.to_integral_value() or abs(exact) >= 2**63:
        raise _Flaw(f"{_short(piece)} is not a whole number below 2^63", place=place)
    return int(exact)


def _check_names(names: Sequence[str]) -> tuple[str, ...]:
    stripped = tuple(name.strip() for name in names)
    if "" in stripped:
        raise _Flaw(f"name {stripped.index('') + 1} is empty")
    return stripped


def _check_values(values: NDArray[Any], integers: bool) -> None:
    if not values.size:
        raise _Flaw("is empty")
    wrong, expected = ~np.isfinite(values), "a finite number"
    if integers and not wrong.any():
        wrong, expected = _not_whole(values), "a whole number below 2^63"
    if wrong.any():
        first = int(wrong.argmax())
        raise _Flaw(f"{values[first]} is not {expected}", place=f"index {first}")


def _not_whole(values: NDArray[Any]) -> NDArray[np.bool]:
    if values.dtype.kind != "f":
        return np.asarray(values > 2**63 - 1)
    wide = values.astype(np.float64)
    return np.asarray((wide != np.floor(wide)) | (np.abs(wide) >= 2.0**63))


def _array(numbers: Any, integers: bool) -> NDArray[Any]:
    return np.asarray(numbers, np.int64 if integers else np.float64)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
