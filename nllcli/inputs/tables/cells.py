"""Cells of text -> numbers: a fast way for clean blocks, a careful one that says what is wrong and where."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import DataError, Remedy, counted
from nllcli.inputs.tables import decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf(inity)?|nan)\s*", re.ASCII | re.IGNORECASE)
# What stands in place of a number or a name that is not known.
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "<na>", "nil", "missing", "-", "?", "."))
_LIST = r"(?s)(?:np\.)?(?:array|tensor)?\(?\s*[\[(]([^\[\]()]*)[\])]\s*(?:,[^)]*)?\)?"
_SCALAR = r"(?:np|numpy|torch)\.\w+\(([^()]*)\)"
_BARE_LIST = r"(?i)\s*[+-]?\d+\.\d*(?:e[+-]?\d+)?(?:\s*[;|\s]\s*[+-]?\d+\.\d*(?:e[+-]?\d+)?)+\s*"
_BETWEEN = str.maketrans(",;|", "   ")
_DECIMAL_COMMA = r"(?a)\s*[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+),\d+\s*"
_THOUSANDS = r"(?a)\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+\s*"
_INFINITY = rb"(?i)inf"


def is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def is_missing(cell: object) -> bool:
    """Whether a cell holds nothing, or a word for it; a float may be NaN."""
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return cell is None or cell != cell  # noqa: PLR0124 - NaN alone differs from itself


def is_no_number(cell: str) -> bool:
    """Whether a cell has nothing, or a word for it that is not a number, in place of one."""
    return cell.strip().lower() in MISSING and not is_number(cell)


def listed_numbers(cell: str) -> list[float] | None:
    """The numbers of a cell that lists them as Python, NumPy or PyTorch print it; None where it is another text."""
    words = listed_words(cell)
    return None if words is None else list(map(float, words))


def listed_words(cell: str) -> list[str] | None:
    """The numbers of a cell that lists them, as they are written."""
    if "(" in cell:
        cell = re.sub(_SCALAR, r"\1", cell)
    found = re.fullmatch(_LIST, cell.strip()) if "[" in cell or "(" in cell else None
    if found is None and not (cell.count(".") > 1 and re.fullmatch(_BARE_LIST, cell)):
        return None
    words = (cell if found is None else found[1]).translate(_BETWEEN).split()
    return words if words and all(map(is_number, words)) else None


def is_decimal_comma(cell: str) -> bool:
    return "," in cell and re.fullmatch(_DECIMAL_COMMA, cell) is not None


def split(line: str, delimiter: str, where: str) -> list[str]:
    """The cells of one line; a blank as delimiter means any number of them, and one after another means nothing."""
    if delimiter == " ":
        if '"' not in line:
            return re.split("[ \t]+", line.strip(" \t"))
        line = line.replace("\t", " ").strip()
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    except csv.Error as error:
        raise DataError(f"cannot be read as a table: {error}", where=where) from error


def split_all(lines: Sequence[str], delimiter: str, where: Callable[[int], str]) -> list[list[str]]:
    """The cells of lines, as ``split`` has those of each."""
    if delimiter != " ":
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            rows = []
        if len(rows) == len(lines):  # else a quote that is not closed in its line has joined it to the next
            return rows
    return [split(line, delimiter, where(i)) for i, line in enumerate(lines)]


def with_point(cell: str) -> str:
    """A number written with a decimal comma, with a point instead and none before it; anything else as it is."""
    return cell.replace(".", "").replace(",", ".") if is_decimal_comma(cell) else cell


def may_be_thousands(cell: str) -> bool:
    """Whether the points of a number, which has no comma, may part thousands."""
    return re.fullmatch(_THOUSANDS, cell) is not None


def shown(value: str) -> str:
    """A value from a file as a message shows it: cut to 40 characters, escaped."""
    return ascii(value if len(value) <= 40 else value[:37] + "...")


def parse_plain(body: bytes, n_rows: int, n_columns: int, delimiter: str) -> NDArray[np.float64] | None:
    """Lines of numbers alone -> (n_rows, n_columns); None where cells have to be read one by one."""
    if delimiter == " ":
        body = single_blanks(body)
    values = decimals.parse(body, n_rows, n_columns, delimiter)
    if values is not None or not body.isascii():
        return values
    try:
        values = np.loadtxt(io.BytesIO(body), delimiter=delimiter, comments=None, ndmin=2)
    except ValueError:
        return None
    if values.shape != (n_rows, n_columns):
        return None
    # A number too large for float64 is read as an infinity, which its text does not say.
    n_infinite = int(np.isinf(values).sum())
    if n_infinite and n_infinite != len(re.findall(_INFINITY, body)):
        return None
    return values


def single_blanks(body: bytes) -> bytes:
    """Exactly one blank between cells, none at the ends of lines."""
    if not (b"\t" in body or b"  " in body or b"\n " in body or b" \n" in body or body.startswith(b" ")):
        return body
    characters = np.frombuffer(body, np.uint8)
    for step in (1, -1):  # first what comes before another blank or a newline goes, then what comes behind a newline
        blank = (characters == ord(" ")) | (characters == ord("\t"))
        beside = np.roll(characters == ord("\n"), -step)  # the last character is a newline, too
        beside |= np.roll(blank, -step)
        characters = characters[~(blank & beside)]
    return characters.tobytes().replace(b"\t", b" ")


def text_of(line: bytes, where: str) -> str:
    """A line as text; raises DataError where it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {line[error.start]:#04x} is not UTF-8", where=where) from error


def texts_of(lines: Sequence[bytes], where: Callable[[int], str]) -> list[str]:
    """Lines as text; raises DataError at the first that is not UTF-8."""
    try:
        return b"\n".join(lines).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return [text_of(line, where(i)) for i, line in enumerate(lines)]


def number(cell: str, where: str) -> float:
    """One cell's value; raises DataError where it is not a decimal number, or too large for float64."""
    if not is_number(cell):
        raise DataError(f"{shown(cell)} is not a number", where=where)
    value = float(cell)
    if value in (float("inf"), float("-inf")) and "i" not in cell.lower():
        raise DataError(f"{shown(cell.strip())} is too large for a float64", where=where)
    return value


def ragged(cells: Sequence[str], n_columns: int, where: str, remedies: Sequence[Remedy] = ()) -> DataError:
    """The refusal of a row that has another number of cells than the first."""
    if len(cells) == n_columns + 1 and not cells[-1].strip():
        message = f"ends with a delimiter: {n_columns} cells expected"
        return DataError(message, where=f"{where}, column {len(cells)}", remedies=remedies)
    hint = None
    if len(cells) == 2 * n_columns and all(c.strip().isdecimal() for c in cells[1::2]):
        hint = "decimal commas? write numbers with a point, or semicolons between the cells"
    return DataError(
        f"has {counted(len(cells), 'cell')}, the first row has {n_columns}", where=where, hint=hint, remedies=remedies
    )


def fractions(body: bytes, column: int, n_columns: int, delimiter: str) -> NDArray[np.bool_]:
    """Which cells of a column of numbers, (n_rows,), are written with a point or an exponent."""
    characters = np.frombuffer(single_blanks(body) if delimiter == " " else body, np.uint8)
    ends = np.flatnonzero((characters == ord(delimiter)) | (characters == ord("\n")))
    marks = np.flatnonzero((characters == ord(".")) | (characters == ord("e")) | (characters == ord("E")))
    last = ends[column::n_columns]
    first = ends[column - 1 :: n_columns] if column else np.concatenate([[0], ends[n_columns - 1 : -1 : n_columns]])
    return np.searchsorted(marks, first) < np.searchsorted(marks, last)


def is_fraction(text: bytes) -> bool:
    """Whether numbers are written with a point or an exponent."""
    return b"." in text or b"e" in text or b"E" in text
