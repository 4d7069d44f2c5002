"""Short lists given as an option's value: numbers or names, written out, in a file, or on standard input."""

from __future__ import annotations

import csv
import errno
import json
import re
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, FaultError, UsageError, setting
from nllcli.inputs.arrays.raw import FileArray, widened
from nllcli.inputs.formats import Input, ReadOptions, open_input
from nllcli.inputs.tables.cells import is_number, shown, split, texts_of
from nllcli.inputs.tables.json_paths import names_by_index
from nllcli.inputs.tables.json_values import parse_json, unique_names
from nllcli.inputs.tables.lines import in_memory, kept_lines, whole_lines
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream

    # Cells of text, where one of them is, and the names of their classes.
    _Cells = tuple[Sequence[str], Callable[[int], str], tuple[str, ...] | None]

_MOST_BYTES = 1 << 24
_MOST_NUMBERS = 1 << 20  # in text, where each takes some microseconds and hundreds of bytes
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_WHOLE = "a whole number below 2^63 as a float64"  # counts are computed with as float64
_NUMBERS = re.compile(r"([+-]?\d{1,9})\.\.([+-]?\d{1,9})", re.ASCII)
_FORMS = "write numbers between commas, blanks or line ends, or lines of name,number"
# A first row is a header only by one of these words: a first count written "NA" must not be skipped in silence.
_HEADERS = {"n", "count", "counts", "number", "n_samples", "support", "frequency", "weight", "weights", "value"}
_AS_WRITTEN = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=unique_names)


@dataclass(frozen=True)
class Vector:
    """Numbers in order, int64 or float64, with their names where a file gave them."""

    values: NDArray[Any]
    names: tuple[str, ...] | None = None

    def in_order_of(self, classes: Sequence[str] | None, *, what: str) -> NDArray[Any]:
        """The values, those with names in the order of the ``classes`` (None: they have numbers alone).

        Names may be the classes' numbers too. ``what`` names the setting in messages.
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
                hint=f"{setting('classes')} names them in the order of the logits",
            )
        raise DataError(f"names the classes {own}; they are {', '.join(classes[:10])}", where=what)


def read_vector(text: str, *, what: str, integers: bool = False) -> Vector:
    """Read numbers written out (``10,50,100``), or from the file that ``text`` names (``-``: standard input).

    The file is an array of one dimension (.npy, or a member of .npz or .safetensors), or text: numbers between commas,
    blanks and line ends, lines of name,number, or what nll weights writes. ``what`` names the setting in messages.
    """
    given = _pieces(text)
    odd = next((cell for cell in given if not is_number(cell)), None)
    if odd is None:
        try:
            return _vector((given, lambda _: what, None), integers)
        except DataError as error:
            raise UsageError(error.message, where=what) from None
    opened = _open(text, what, "numbers such as 10,50,100" + (f" ({shown(odd)} is not one)" if given[1:] else ""))
    noun, name = "count" if integers else "weight", opened.stream.name
    if opened.is_text:
        return _vector(_text_cells(_text(opened.stream, noun, b"\n,\t "), name, noun), integers)
    if opened.format == "jsonl":
        return _vector(_json_cells(_text(opened.stream, noun, b"\n,"), name, noun), integers)
    return Vector(_array_values(opened, noun))


def read_names(text: str, *, what: str) -> tuple[str, ...]:
    """Read names written out (``cat,dog``, with a comma), numbers (``1..5``), or from a file.

    A file (``-``: standard input) has one name a line, perhaps with its index; or it is JSON: a list of names, or an
    object that has a class index for each name or a name for each index, perhaps under "id2label" or "label2id"; or it
    is YAML that has them under "names".
    """
    if "," in text:
        return _names(next(csv.reader([text], skipinitialspace=True)), UsageError, what)
    numbers = _NUMBERS.fullmatch(text)
    if numbers is not None and int(numbers[1]) <= int(numbers[2]) < int(numbers[1]) + _MOST_NUMBERS:
        return tuple(map(str, range(int(numbers[1]), int(numbers[2]) + 1)))
    opened = _open(text, what, "names such as cat,dog,horse")
    name = opened.stream.name
    if opened.format == "jsonl":
        return _names_in_json(parse_json(_text(opened.stream, "name"), name), name)
    if not opened.is_text:
        raise DataError(f"is {opened.format.upper()}; names are text, one a line", where=name)
    rows = _text(opened.stream, "name").rstrip().split(b"\n")
    lines = texts_of(rows, lambda i: f"{name}, line {i + 1}")
    if lines == [""]:
        raise DataError("is empty", where=name)
    from nllcli.inputs.class_files import names_of_lines

    return _names(names_of_lines(lines, name), DataError, name)


def _names_in_json(value: Any, name: str) -> tuple[str, ...]:
    """The names of a list, or of an object with the index of each name or the name of each index, in order."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("id2label", "label2id") if isinstance(value.get(key), dict)), value)
    if isinstance(value, list) and value and all(isinstance(each, str | int) for each in value):
        return _names([str(each) for each in value], DataError, name)
    names = names_by_index(value) if isinstance(value, dict) else None
    if names is not None:
        return _names(names, DataError, name)
    what = "neither a list of names nor an object that numbers them from 0"
    raise DataError(f"is JSON, but {what}", where=name)


def _open(text: str, what: str, expected: str) -> Input:
    """Open the file that an option's value names, or say what the value should have been."""
    if not text.strip():
        raise UsageError(f"is empty; expected {expected}, or a file", where=what)
    try:
        return open_input(text)
    except FaultError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _MISSING:
            short = text if len(text) <= 40 else text[:40] + "..."
            raise UsageError(f"{short!r} is neither {expected} nor a file that exists", where=what) from None
        raise


def _text(stream: ByteStream, noun: str, separators: bytes = b"") -> bytes:
    """All lines of a text; raises DataError where it is too long, or has too many of one of the separators."""
    data = stream.read_up_to(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise _too_long(f"is longer than {_MOST_BYTES >> 20} MiB", stream.name, noun)
    text = b"".join(whole_lines(in_memory(data, stream.name)))
    if any(text.count(separator) > _MOST_NUMBERS for separator in separators):
        raise _too_long(f"has more than {_MOST_NUMBERS} numbers", stream.name, noun)
    return text


def _too_long(what: str, name: str, noun: str) -> DataError:
    hint = "are these targets? counts are one number a class" if noun == "count" else None
    return DataError(f"{what}: is this one value a class?", where=name, hint=hint)


def _text_cells(text: bytes, name: str, noun: str) -> _Cells:
    """The cells of all lines, or those in a column of a table whose first column has the names."""
    kept, numbers = kept_lines(text, name)
    if not kept:
        raise DataError("is empty", where=name)

    def where(i: int) -> str:
        return f"{name}, line {numbers.of(i)}"

    lines = texts_of(kept, where)
    delimiter = "\t" if any("\t" in line for line in lines) else ","
    rows = [[cell.strip() for cell in split(line, delimiter, where(i))] for i, line in enumerate(lines)]
    column, header = _column(rows, name, noun)
    if column is not None:
        names = _names([row[0] for row in rows[header:]], DataError, name)
        return [row[column] for row in rows[header:]], lambda i: f"{where(i + header)}, column {column + 1}", names
    pieces = [_pieces(line) for line in lines[header:]]

    def place(at: int) -> str:
        i = 0
        while at >= len(pieces[i]):
            at, i = at - len(pieces[i]), i + 1
        return where(i + header) + (f", value {at + 1}" if len(pieces[i]) > 1 else "")

    return [piece for line in pieces for piece in line], place, None


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


def _json_cells(text: bytes, name: str, noun: str) -> _Cells:
    """The cells of a list of numbers, of an object with a number a class, or of what nll weights -f json writes."""
    value = parse_json(text.rstrip(), name, _AS_WRITTEN)
    rows = value.get("classes") if isinstance(value, dict) else None
    cells, names = value, None
    if isinstance(rows, list) and all(isinstance(row, dict) and {"class", noun} <= row.keys() for row in rows):
        names = _names([str(row["class"]) for row in rows], DataError, name)
        cells = [str(row[noun]) for row in rows]
    if isinstance(value, dict) and rows is None:
        names, cells = _names(list(value), DataError, name), list(value.values())
    if not (isinstance(cells, list) and cells and all(isinstance(cell, str) for cell in cells)):
        what = f"not a list of numbers, an object with a {noun} for each class, or what nll weights writes"
        raise DataError(f"is JSON, but {what}", where=name)
    return cells, lambda i: f"{name}, index {i}", names


def _array_values(opened: Input, noun: str) -> NDArray[Any]:
    source, name = opened.read(ReadOptions(holds="list")), opened.stream.name
    if not isinstance(source, FileArray):
        what = "numbers are read from text, or from an array such as .npy"
        raise DataError(f"is {opened.format.upper()}; {what}", where=name)
    if len(source.shape) != 1:
        raise DataError(f"has the shape {source.shape}; expected one dimension", where=name)
    if source.n_bytes > _MOST_BYTES:
        raise _too_long(f"is longer than {_MOST_BYTES >> 20} MiB", name, noun)
    values = widened(source.at_any_place().read_all())
    if not values.size:
        raise DataError("is empty", where=name)
    wrong, expected = ~np.isfinite(values), "a finite number"
    if noun == "count" and not wrong.any():
        wide = values.astype(np.float64)
        wrong, expected = (wide != np.floor(wide)) | (np.abs(wide) >= 2.0**63), _WHOLE
    if wrong.any():
        i = int(wrong.argmax())
        raise DataError(f"{values[i]} is not {expected}", where=f"{name}, index {i}")
    return values.astype(np.int64 if noun == "count" else np.float64)


def _pieces(line: str) -> list[str]:
    """Split at commas and blanks; what is missing between two commas is an empty piece."""
    return [piece for field in line.split(",") for piece in field.split() or [""]]


def _names(cells: Sequence[str], error: type[DataError | UsageError], where: str) -> tuple[str, ...]:
    """Names without blanks around them; raises the ``error`` where one is empty."""
    stripped = tuple(cell.strip() for cell in cells)
    if "" in stripped:
        raise error(f"name {stripped.index('') + 1} is empty", where=where)
    return stripped


def _vector(found: _Cells, integers: bool) -> Vector:
    cells, where, names = found
    values = [_number(cell, integers, where, i) for i, cell in enumerate(cells)]
    return Vector(np.array(values, np.int64 if integers else np.float64), names)


def _number(cell: str, integers: bool, where: Callable[[int], str], i: int) -> float | int:
    """A finite number, whole where it has to be."""
    if not is_number(cell):
        raise DataError(
            f"{shown(cell)} is not a number" if cell else "a number is missing", where=where(i), hint=_FORMS
        )
    value = float(cell)
    if not isfinite(value):
        raise DataError(f"{shown(cell)} is not a finite number", where=where(i))
    if not integers:
        return value
    exact = Decimal(cell)
    if exact != exact.to_integral_value() or abs(value) >= 2**63:
        raise DataError(f"{shown(cell)} is not {_WHOLE}", where=where(i))
    return int(exact)
