"""Cells of text -> numbers: a fast way for clean blocks, a careful one that says what is wrong and where."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf(inity)?|nan)\s*", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*", re.ASCII)
_PLAIN = b"0123456789+-.eEinfINF \n"


def is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def shown(value: str) -> str:
    """A value from a file as a message shows it: cut to 40 characters, escaped."""
    return ascii(value if len(value) <= 40 else value[:37] + "...")


def parse_plain(body: bytes, n_rows: int, n_columns: int, delimiter: str) -> NDArray[np.float64] | None:
    """Lines of numbers alone -> (n_rows, n_columns); None where a careful look is due."""
    mark = delimiter.encode()
    if body.translate(None, _PLAIN + mark):
        return None
    text = np.frombuffer(body, np.uint8)
    marks = text[(text == mark[0]) | (text == 10)]
    if marks.size != n_rows * n_columns:
        return None
    ends = marks.reshape(n_rows, n_columns)
    if (ends[:, :-1] == 10).any() or (ends[:, -1] != 10).any():
        return None
    try:
        values = np.fromstring(body.translate(bytes.maketrans(mark + b"\n", b",,")), sep=",")
    except ValueError:
        return None
    # An empty last cell goes unnoticed by the count of values; a number too large shows as infinity.
    if values.size != n_rows * n_columns or body.endswith(mark + b"\n"):
        return None
    if np.isinf(values).any() and not (b"i" in body or b"I" in body):
        return None
    return values.reshape(n_rows, n_columns)


def parse_carefully(
    body: bytes, columns: Sequence[int], n_columns: int, delimiter: str, where: Callable[[int], str]
) -> tuple[NDArray[np.float64], list[list[str]]]:
    """The numbers (n_rows, len(columns)) of the named columns, and every row's cells.

    Raises DataError for the first cell that is no number or row that has another number of cells; ``where`` names the
    file and line of a row.
    """
    rows = _rows(body, delimiter, where)
    out = np.empty((len(rows), len(columns)))
    for i, cells in enumerate(rows):
        if len(cells) != n_columns:
            raise _ragged(cells, n_columns, where(i))
        for j, c in enumerate(columns):
            out[i, j] = number(cells[c], f"{where(i)}, column {c + 1}")
    return out, rows


def number(cell: str, where: str) -> float:
    """One cell's value; raises DataError where it is no decimal number, or too large for float64."""
    if not is_number(cell):
        hint = None
        if not cell.strip():
            raise DataError("the cell is empty", where=where)
        if _DECIMAL_COMMA.fullmatch(cell):
            hint = "a decimal comma? write numbers with a point"
        raise DataError(f"{shown(cell)} is not a number", where=where, hint=hint)
    value = float(cell)
    if value in (float("inf"), float("-inf")) and "i" not in cell.lower():
        raise DataError(f"{shown(cell.strip())} is too large for a float64", where=where)
    return value


def _rows(body: bytes, delimiter: str, where: Callable[[int], str]) -> list[list[str]]:
    rows = []
    for i, line in enumerate(body[:-1].split(b"\n")):
        try:
            rows.append(split(line.decode("utf-8"), delimiter))
        except UnicodeDecodeError as error:
            raise DataError(f"byte {line[error.start]:#04x} is no UTF-8", where=where(i)) from error
        except csv.Error as error:
            raise DataError(f"cannot be read as a table: {error}", where=where(i)) from error
    return rows


def _ragged(cells: list[str], n_columns: int, where: str) -> DataError:
    if len(cells) == n_columns + 1 and not cells[-1].strip():
        return DataError(f"ends with a delimiter: {n_columns} cells expected", where=where)
    hint = None
    if len(cells) == 2 * n_columns and all(c.strip().isdigit() for c in cells[1::2]):
        hint = "decimal commas? write numbers with a point"
    return DataError(f"has {len(cells)} cells, the first row has {n_columns}", where=where, hint=hint)


def integers(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Floating-point values that are all whole and below 2**53, as int64; else None."""
    if not np.isfinite(values).all() or (np.abs(values) > 2**53).any() or (values != np.floor(values)).any():
        return None
    return values.astype(np.int64)
