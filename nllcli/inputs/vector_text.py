"""Numbers and their classes' names in text: between commas, in rows of cells, or in JSON."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nllcli.errors import DataError, UsageError

# Narrower than float(), which reads 1_000; a nan is taken for a number here so that it can be refused as one.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
WHOLE = "a whole number below 2^63 as a float64"  # as which counts are computed with
# A first row is a header only by one of these words: a first count written "NA" must not be skipped in silence.
_HEADERS = {"n", "count", "counts", "number", "n_samples", "support", "frequency", "weight", "weights", "value"}


@dataclass(frozen=True)
class Vector:
    """Numbers in order, int64 or float64, with their names where a file of two columns gave them."""

    values: NDArray[Any]
    names: tuple[str, ...] | None = None

    def in_order_of(self, classes: Sequence[str] | None, *, what: str) -> NDArray[Any]:
        """The values, those with names in the order of the ``classes`` (None: they have numbers alone).

        Names may be the classes' numbers too. ``what`` is the option, for error messages.
        """
        if self.names is None or (classes is not None and self.names == tuple(classes)):
            return self.values
        place = {name: i for i, name in enumerate(self.names)}
        numbers = tuple(str(c) for c in range(len(place)))
        for known in (classes or (), numbers):
            if len(known) == len(self.names) and place.keys() == set(known):
                return self.values[[place[name] for name in known]]
        own = ", ".join(self.names[:10])
        if classes is None:
            raise UsageError(
                f"names the classes {own}, and those of the logits have no names",
                where=what,
                hint="--classes names them in the order of the logits",
            )
        raise DataError(f"names the classes {own}; they are {', '.join(classes[:10])}", where=what)


class Flaw(Exception):
    """What is wrong with a value, before it is known whether the command line or a file holds it."""

    def __init__(self, message: str, *, place: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint


def parse_text(lines: list[str], integers: bool) -> Vector:
    """Read numbers, or rows of cells; blank lines and # comments are skipped, as in every text input."""
    kept = {i: line for i, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")}
    rows = _rows(kept)
    widths = {len(row) for row in rows.values()}
    first, *others = rows
    if others and widths == {2}:
        return _parse_pairs(rows, integers)
    if others and len(widths) == 1 and rows[first][0].casefold() == "class":
        return _parse_table(rows, integers)
    if others and rows[first][0].casefold() in _HEADERS and len(rows[first]) == 1:
        del kept[first]
    numbers = []
    for i, line in kept.items():
        pieces = pieces_of(line)
        for j, piece in enumerate(pieces, 1):
            numbers.append(number(piece, integers, f"line {i}, value {j}" if len(pieces) > 1 else f"line {i}"))
    return Vector(array_of(numbers, integers))


def _rows(lines: dict[int, str]) -> dict[int, list[str]]:
    """Split each line into cells, at tabs if there are any."""
    delimiter = "\t" if any("\t" in line for line in lines.values()) else ","
    rows = {}
    for i, line in lines.items():
        try:
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
        except csv.Error as error:
            raise Flaw(str(error), place=f"line {i}") from None
        rows[i] = [cell.strip() for cell in cells]
    return rows


def _parse_pairs(rows: dict[int, list[str]], integers: bool) -> Vector:
    """Read rows of name,number, with or without a header."""
    first = next(iter(rows))
    if rows[first][1].casefold() in _HEADERS:
        del rows[first]
    elif all(NUMBER.fullmatch(name) for name, _ in rows.values()):
        raise Flaw(
            "has two columns of numbers: is the first one the class?",
            hint="with a first line class,count it is; or write one number a line",
        )
    numbers = [number(cell, integers, f"line {i}") for i, (_, cell) in rows.items()]
    return Vector(array_of(numbers, integers), check_names([name for name, _ in rows.values()]))


def _parse_table(rows: dict[int, list[str]], integers: bool) -> Vector:
    """Read rows of class, and among others the column of what is wanted, such as nll weights -f csv writes."""
    first, *others = rows
    header = rows[first]
    if _noun(integers) not in header:
        raise Flaw(f"has no column {_noun(integers)!r}", place=f"line {first}", hint=f"it has {', '.join(header)[:80]}")
    at = header.index(_noun(integers))
    numbers = [number(rows[i][at], integers, f"line {i}, column {at + 1}") for i in others]
    return Vector(array_of(numbers, integers), check_names([rows[i][0] for i in others]))


def parse_json(text: str, integers: bool) -> Vector:
    """Read a list of numbers, or what nll weights -f json writes: an object whose classes are a list of objects."""
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Flaw(f"is no JSON: {str(error)[:120]}") from None
    rows = value.get("classes") if isinstance(value, dict) else None
    key = _noun(integers)
    match rows or value:
        case [*cells] if cells and all(isinstance(cell, str) for cell in cells):
            return Vector(_numbers_of(cells, integers))
        case [*cells] if rows and all(isinstance(cell, dict) and {"class", key} <= cell.keys() for cell in cells):
            numbers = _numbers_of([str(cell[key]) for cell in cells], integers)
            return Vector(numbers, check_names([str(cell["class"]) for cell in cells]))
    raise Flaw(f"is JSON, but neither a list of numbers nor the classes and their {key} that nll weights writes")


def _numbers_of(cells: Sequence[str], integers: bool) -> NDArray[Any]:
    return array_of([number(cell, integers, f"index {i}") for i, cell in enumerate(cells)], integers)


def _noun(integers: bool) -> str:
    return "count" if integers else "weight"


def pieces_of(line: str) -> list[str]:
    """Split at commas and blanks; what is missing between two commas is an empty piece."""
    return [piece for field in line.split(",") for piece in field.split() or [""]]


def number(piece: str, integers: bool, place: str = "") -> float | int:
    """A finite number, whole where it has to be; what else stands there is refused by its ``place``."""
    if not NUMBER.fullmatch(piece):
        hint = "numbers stand between commas, blanks or line ends, or in lines of name,number"
        raise Flaw(f"{short(piece)} is not a number" if piece else "a number is missing", place=place, hint=hint)
    value = float(piece)
    if not isfinite(value):
        raise Flaw(f"{short(piece)} is not a finite number", place=place)
    if not integers:
        return value
    exact = Decimal(piece)
    if exact != exact.to_integral_value() or abs(value) >= 2**63:
        raise Flaw(f"{short(piece)} is not {WHOLE}", place=place)
    return int(exact)


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    stripped = tuple(name.strip() for name in names)
    if "" in stripped:
        raise Flaw(f"name {stripped.index('') + 1} is empty")
    return stripped


def array_of(numbers: Any, integers: bool) -> NDArray[Any]:
    return np.asarray(numbers, np.int64 if integers else np.float64)


def short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
