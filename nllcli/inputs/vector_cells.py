"""Lists of numbers, as text or JSON -> the cells that hold them, and the names of their classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from nllcli.errors import DataError, UsageError
from nllcli.inputs.tables.cells import is_number, split, texts_of
from nllcli.inputs.tables.jsonl import parse_json, unique_names
from nllcli.inputs.tables.lines import kept_lines

# Cells of text, and where one of them is.
Cells = tuple[Sequence[str], Callable[[int], str]]
Names = tuple[str, ...]

# A first row is a header only by one of these words: a first count written "NA" must not be skipped in silence.
_HEADERS = {"n", "count", "counts", "number", "n_samples", "support", "frequency", "weight", "weights", "value"}
_AS_WRITTEN = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=unique_names)


def text_cells(text: bytes, name: str, noun: str) -> tuple[Cells, Names | None]:
    """Numbers between commas, blanks and line ends, or those in a column of a table and the names in its first."""
    kept, numbers = kept_lines(text, name)
    if not kept:
        raise DataError("is empty", where=name)

    def where(i: int) -> str:
        return f"{name}, line {numbers.of(i)}"

    lines = texts_of(kept, where)
    delimiter = "\t" if any("\t" in line for line in lines) else ","
    rows = [[cell.strip() for cell in split(line, delimiter, where(i))] for i, line in enumerate(lines)]
    column, header = _column(rows, name, noun)
    if column is None:
        return _free_cells(lines[header:], lambda i: where(i + header)), None
    names = names_of([row[0] for row in rows[header:]], DataError, name)
    return ([row[column] for row in rows[header:]], lambda i: f"{where(i + header)}, column {column + 1}"), names


def _free_cells(lines: list[str], where: Callable[[int], str]) -> Cells:
    placed = [(piece, i, j) for i, line in enumerate(lines) for j, piece in enumerate(pieces_of(line), 1)]

    def place(at: int) -> str:
        _, i, j = placed[at]
        return where(i) + (f", value {j}" if len(pieces_of(lines[i])) > 1 else "")

    return [piece for piece, _, _ in placed], place


def _column(rows: list[list[str]], name: str, noun: str) -> tuple[int | None, bool]:
    """Which column has the numbers, where the first one has names, and whether the first row is a header."""
    first, *others = rows
    width = len(first) if others and len(set(map(len, rows))) == 1 else 0
    if width == 2:
        header = first[1].casefold() in _HEADERS
        if not header and all(is_number(row[0]) for row in rows):
            hint = "with a first line class,count it is; or write one number a line"
            raise DataError("has two columns of numbers: is the first one the class?", where=name, hint=hint)
        return 1, header
    if width and first[0].casefold() == "class":
        if noun not in first:
            raise DataError(f"has no column {noun!r}", where=name, hint=f"it has {', '.join(first)[:80]}")
        return first.index(noun), True
    return None, bool(others) and len(first) == 1 and first[0].casefold() in _HEADERS


def json_cells(text: bytes, name: str, noun: str) -> tuple[Cells, Names | None]:
    """A list of numbers, or what nll weights -f json writes: an object whose classes are a list of objects."""
    value = parse_json(text.rstrip(), name, _AS_WRITTEN)
    rows = value.get("classes") if isinstance(value, dict) else None
    cells, names = value, None
    if isinstance(rows, list) and all(isinstance(row, dict) and {"class", noun} <= row.keys() for row in rows):
        names = names_of([str(row["class"]) for row in rows], DataError, name)
        cells = [str(row[noun]) for row in rows]
    if not (isinstance(cells, list) and cells and all(isinstance(cell, str) for cell in cells)):
        what = f"neither a list of numbers nor the classes and their {noun} that nll weights writes"
        raise DataError(f"is JSON, but {what}", where=name)
    return (cells, lambda i: f"{name}, index {i}"), names


def pieces_of(line: str) -> list[str]:
    """Split at commas and blanks; what is missing between two commas is an empty piece."""
    return [piece for field in line.split(",") for piece in field.split() or [""]]


def names_of(cells: Sequence[str], error: type[DataError | UsageError], where: str) -> Names:
    """Names without blanks around them; raises the ``error`` where one is empty."""
    stripped = tuple(cell.strip() for cell in cells)
    if "" in stripped:
        raise error(f"name {stripped.index('') + 1} is empty", where=where)
    return stripped
