"""What the first lines of a text file show: the delimiter, whether the first one has names, and which are doubtful."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from nllcli.errors import DataError, Notice, UsageError, first_few, setting
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.lines import LONGEST_LINE, check_line, kept_lines, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.inputs.bytes.files import ByteStream

_DELIMITERS = ("\t", ";", ",", " ")
_FIRST_LINES = 3
_NUMBER_BEGINS = re.compile(r"[+-]?\.?\d")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?"}
_TARGETS = frozenset(("label", "labels", "target", "targets", "y_true"))
_ROW_NUMBERS = frozenset(("id", "idx", "index", "row", "row_id", "sample", "sample_id"))


@dataclass(frozen=True)
class Dialect:
    """What the first lines show: delimiter, the header's cells (None without one), the first row's cells and place."""

    delimiter: str
    header: tuple[str, ...] | None
    first_row: tuple[str, ...]
    first_place: str

    @property
    def n_columns(self) -> int:
        return len(self.first_row)

    @property
    def has_index(self) -> bool:
        """A first column without a name is the row numbers of a data frame."""
        header = self.header or ()
        return len(header) > 1 and header[0].strip() in ("", "Unnamed: 0")

    @property
    def first_line(self) -> int:
        """The line of the first row, counted from 1."""
        return int(self.first_place.rpartition(" ")[2])


def sniff(stream: ByteStream, *, header: str | None = None, delimiter: str | None = None) -> Dialect:
    """Find delimiter and header in the first lines, without consuming them.

    ``header`` is what that option says, "auto", "yes" or "no", and None for a file that it is not about.
    """
    lines, places = _first_lines(stream)
    if not lines:
        raise DataError("is empty", where=stream.name)
    delimiter = delimiter or _delimiter(lines)
    rows = []
    for line, place in zip(lines, places, strict=True):
        check_line(line.encode(), delimiter, place)
        rows.append(tuple(cells.split(line, delimiter, place)))
    if header in ("auto", None):
        doubt = _doubt(rows)
        if doubt is not None:
            remedy = f"say which: {setting('header', 'yes')} or {setting('header', 'no')}"
            hint = remedy if header else "fix the first line, or leave it out"
            raise UsageError(doubt, where=places[0], hint=hint)
    if header == "no" or (header != "yes" and not _names_columns(rows)):
        return Dialect(delimiter, None, rows[0], places[0])
    first = min(1, len(rows) - 1)
    if len(rows[first]) != len(rows[0]):
        raise cells.ragged(rows[first], len(rows[0]), places[first])
    return Dialect(delimiter, rows[0], rows[first], places[first])


def _doubt(rows: list[tuple[str, ...]]) -> str | None:
    """Why the first row is ambiguous (names or numbers), or None."""
    if len(rows) == 1:
        return None
    first = rows[0]
    if len(first) > 1 and are_counted(first) and any(_is_fraction(cell) for cell in rows[1]):
        return f"is 0 to {len(first) - 1}: the numbers of the columns, or a row?"
    if _names_columns(rows):
        for j, (cell, below) in enumerate(zip(first, rows[1], strict=False)):
            if cells.is_number(below) and (j or cell.strip()) and _is_damaged(cell):
                return f"column {j + 1} begins with {cells.shown(cell.strip())}: a name, or a damaged number?"
    return None


def _names_columns(rows: list[tuple[str, ...]]) -> bool:
    """Whether the first row is a header: all names, or the column numbers of a data frame."""
    first = rows[0]
    numeric = [cell.strip() for cell in first if cells.is_number(cell)]
    if len(rows) == 1:
        return not numeric
    if not numeric:
        return not _in_place_of_numbers(first)
    if len(numeric) == len(first):
        return False
    index = not first[0].strip() and all(cell.isdecimal() for cell in numeric)
    return len(first) == len(rows[1]) and (index or are_counted(numeric))


def is_word(cell: str) -> bool:
    """Whether a cell holds neither a number nor what may be written in place of one."""
    return not (cells.is_number(cell) or cells.is_decimal_comma(cell) or _is_damaged(cell))


def are_counted(row: Sequence[str]) -> bool:
    """Whether the cells are the numbers of their columns, from 0."""
    return [cell.strip() for cell in row] == [str(i) for i in range(len(row))]


def notes_on(name: str, headings: Sequence[str], whole: Sequence[bool], *, takes_targets: bool) -> Iterator[Notice]:
    """Warnings about ``headings`` that do not look like names of classes.

    ``whole`` says which columns hold whole numbers, ``takes_targets`` that one of them could be taken as the targets.
    """
    for heading, is_whole in zip(headings, whole, strict=True):
        taken = f"{name}: column {heading!r} is taken as a class"
        if is_whole and heading.lower() in _TARGETS:
            remedy = f"; {setting('target_column', quote(heading))} takes it as the targets"
            yield Notice(
                "doubtful-class", taken + (remedy if takes_targets else ", though its name is that of targets")
            )
        elif is_whole and heading.lower() in _ROW_NUMBERS:
            yield Notice("doubtful-class", f"{taken}, though its name is that of a row number")
    if all(map(str.isdecimal, headings)) and not are_counted(headings):
        told = f"the classes are named {first_few(headings, 3)}; targets are their places, from 0"
        yield Notice("numbered-names", f"{name}: {told}")
    for heading, count in Counter(headings).items():
        if count > 1:
            yield Notice("repeated-name", f"{name}: {count} classes are named {heading!r}")


def _is_damaged(cell: str) -> bool:
    """A word for a missing value, or what begins like a number but is not one, such as 1_000 or 5.O."""
    text = cell.strip()
    return not cells.is_number(text) and (text.lower() in _MISSING or _NUMBER_BEGINS.match(text) is not None)


def _in_place_of_numbers(row: tuple[str, ...]) -> bool:
    """Whether all cells are like 1_000, 1,5 or NA, which are not names."""
    texts = [cell.strip() for cell in row]
    return all(text.lower() in _MISSING for text in texts) or all(
        any(c.isdigit() for c in text) and not any(c.isalpha() for c in text) for text in texts
    )


def _is_fraction(cell: str) -> bool:
    return cells.is_number(cell) and not cell.strip().lstrip("+-").isdecimal()


def _first_lines(stream: ByteStream) -> tuple[list[str], list[str]]:
    """The first clean lines, not consumed, and where each is."""
    size = 1 << 16
    while True:
        ahead = stream.peek(size)
        at_end = len(ahead) < size
        data = ahead if at_end else ahead[: max(ahead.rfind(b"\n"), ahead.rfind(b"\r")) + 1]
        found, numbers = kept_lines(data, stream.name)
        if at_end or len(found) >= _FIRST_LINES or (found and size > LONGEST_LINE):
            break
        if size > LONGEST_LINE:
            raise too_long(stream.name)
        size *= 4
    try:
        lines = [line.decode("utf-8") for line in found[:_FIRST_LINES]]
    except UnicodeDecodeError as error:
        raise DataError("is not UTF-8 text, and no other format that can be read", where=stream.name) from error
    return lines, [f"{stream.name}, line {numbers.of(i)}" for i in range(len(lines))]


def _delimiter(lines: list[str]) -> str:
    """The candidate that makes most of the last line's cells numbers, and as many cells in every line.

    A blank, which prose has too, is one where it makes a whole line numbers.
    """
    best, best_score = ",", (-1.0, False, 0)
    for candidate in _DELIMITERS:
        try:
            rows = [cells.split(line, candidate, "") for line in lines]
        except DataError:
            continue  # the chosen one will say what is wrong
        is_one = (
            any(len(row) > 1 and _numeric_share(row) == 1 for row in rows) if candidate == " " else len(rows[-1]) > 1
        )
        if is_one:
            score = (_numeric_share(rows[-1]), len(set(map(len, rows))) == 1, len(rows[-1]))
            best, best_score = max((best, best_score), (candidate, score), key=lambda found: found[1])
    return best


def _numeric_share(row: Sequence[str]) -> float:
    return sum(cells.is_number(cell) or cells.is_decimal_comma(cell) for cell in row) / len(row)
