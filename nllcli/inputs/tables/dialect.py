"""What the first lines of a text file show: the delimiter, and whether the first one names the columns."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.errors import DataError, NoRows, Remedy, UsageError, setting
from nllcli.inputs.names import truth
from nllcli.inputs.tables import cells, notation, weka
from nllcli.inputs.tables.columns import Preview
from nllcli.inputs.tables.lines import LONGEST_LINE, check_line, kept_lines, too_long
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.bytes.files import ByteStream

_DELIMITERS = ("\t", ";", ",", "|", " ")
_MOST_ROWS = 50
_MOST_CELLS = 4096
_FEWEST_ROWS = 4
_MOST_HEADERS = 4
_RAW_BYTES = 1 << 13
_NUMBER_BEGINS = re.compile(r"[+-]?\.?\d")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{2}")
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SEPARATOR_LINE = r'(?i)"?sep=(.)"?'
_NOT_TEXT = rb"[\0-\x08\x0e-\x1f\x81\x8d\x8f\x90\x9d]"  # control characters, and what windows-1252 lacks
_COMMA, _POINT = "comma", "point"


@dataclass(frozen=True)
class Dialect:
    """What the first lines show.

    ``header`` are the cells of the line that names the columns (None without one), ``rows`` those of the first rows,
    ``first_place`` where the first of them is, and ``n_before`` how many lines come before the header or the rows.
    ``lines`` are the first ones as they are.
    """

    name: str
    delimiter: str
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    first_place: str
    n_before: int = 0
    decimal: str = _POINT
    lines: tuple[str, ...] = ()

    @property
    def first_row(self) -> tuple[str, ...]:
        return self.rows[0]

    @property
    def n_columns(self) -> int:
        return len(self.first_row)

    @property
    def n_skipped(self) -> int:
        """How many lines come before the first row."""
        return self.n_before + (self.header is not None)

    @property
    def has_index(self) -> bool:
        """A first column without a name is the row numbers of a data frame."""
        header = self.header or ()
        return len(header) > 1 and header[0].strip() in ("", "Unnamed: 0")

    @property
    def first_line(self) -> int:
        """The line of the first row, counted from 1."""
        return int(self.first_place.rpartition(" ")[2])

    @property
    def preview(self) -> Preview:
        """The first rows as a table of any kind shows them."""
        rows = self.rows
        if self.decimal == _COMMA:
            rows = tuple(tuple(cells.with_point(cell) for cell in row) for row in rows)
        index = frozenset([0] if self.has_index else ())
        return Preview(self.name, self.header, rows, index, lines=self.lines, delimiter=self.delimiter)


def sniff(
    stream: ByteStream, *, header: str | None = None, delimiter: str | None = None, decimal: str = _POINT
) -> Dialect:
    """Find delimiter and header in the first lines, without consuming them.

    ``header`` is what that option says, "auto", "yes" or "no", and None for a file that it is not about.
    """
    lines, places = _first_lines(stream)
    if not lines:
        raise NoRows("is empty", where=stream.name)
    notation.check_lines(lines, stream.name)
    weka.check(lines, places, stream.name)
    raw = stream.peek(_RAW_BYTES)[:_RAW_BYTES].decode("utf-8", errors="replace").splitlines()[:_MOST_ROWS]
    n_before = 0
    told = re.fullmatch(_SEPARATOR_LINE, lines[0]) if "=" in lines[0] else None
    if told is not None and len(lines) > 1:
        delimiter, n_before = told[1], 1
        lines, places = lines[1:], places[1:]
    delimiter = delimiter or _delimiter(lines)
    rows: list[tuple[str, ...]] = []
    kept = []
    for line, place in zip(lines, places, strict=True):
        check_line(line.encode(), delimiter, place)
        row = tuple(cells.split(line, delimiter, place))
        if rows and row[0].lstrip().startswith("#") and len(row) != len(rows[-1]):
            continue  # a comment
        rows.append(row)
        kept.append(place)
        if len(rows) > _FEWEST_ROWS and sum(map(len, rows)) > _MOST_CELLS:
            break
    places = kept
    names = _names(rows, header, places[0])
    first = 0 if names is None else min(1, len(rows) - 1)
    body = rows[first:]
    if names is not None and len(names) != len(body[0]):
        raise _uneven(rows, places, stream.name, delimiter)
    _check_two_headers(names, body, stream.name, places, delimiter)
    notation.check_objects(names, body[0], delimiter, stream.name)
    notation.check_numbers(body, stream.name, places[first:])
    _check_decimals(body, decimal, places[first])
    even = tuple(row for row in body if len(row) == len(body[0]))
    return Dialect(stream.name, delimiter, names, even, places[first], n_before, decimal, tuple(raw))


def _names(rows: list[tuple[str, ...]], header: str | None, place: str) -> tuple[str, ...] | None:
    """The names of the columns, where the first row has them; raises UsageError where that is in doubt."""
    if header == "no":
        return None
    first, below = rows[0], rows[1:]
    if _is_one_short(first, below):
        return ("", *first)
    if header == "yes":
        return first
    doubt = _doubt(first, below)
    if doubt is not None:
        remedies = [
            Remedy({"header": "yes"}, "the first line names the columns"),
            Remedy({"header": "no"}, "the first line is a sample"),
        ]
        hint = None if header else "fix the first line, or leave it out"
        raise UsageError(doubt, where=place, hint=hint, remedies=remedies if header else ())
    return first if _names_columns(first, below) else None


def _is_one_short(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names all columns but the first, which has the names of the rows: as R writes tables."""
    if len(below) < 2 or any(len(row) != len(first) + 1 for row in below):
        return False
    if all(not row[-1].strip() for row in below):
        return False  # the rows end with a delimiter
    names = [row[0].strip() for row in below]
    are_names = len(set(names)) == len(names) and not any(map(is_fraction, names))
    return are_names and (all(map(is_word, first)) or are_counted(first))


def _doubt(first: Sequence[str], below: Sequence[Sequence[str]]) -> str | None:
    """Why the first row is ambiguous (names or numbers), or None."""
    if not below:
        return None
    if _may_number_columns(first, below):
        return f"is {', '.join(first[:4])}{', ...' if len(first) > 4 else ''}: the names of the columns, or a row?"
    if _names_columns(first, below) and not all(map(_WORD.search, first)):
        for j, (cell, under) in enumerate(zip(first, below[0], strict=False)):
            if cells.is_number(under) and (j or cell.strip()) and is_damaged(cell):
                return f"column {j + 1} begins with {cells.shown(cell.strip())}: a name, or a damaged number?"
    return None


def _may_number_columns(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first row consists of different integers above fractions.

    They are in order, as numbers or as text, or three and more are the places of all columns in another order.
    """
    texts = [cell.strip() for cell in first]
    if len(texts) < 2 or not all(map(_INTEGER.fullmatch, texts)) or len(set(texts)) < len(texts):
        return False
    in_order = sorted(texts, key=int)
    ordered = in_order == texts or sorted(texts) == texts or (len(texts) > 2 and are_counted(in_order))
    under = [cell for row in below for cell in row if cells.is_number(cell)]
    fractions = [cell for cell in under if is_fraction(cell)]
    if are_counted(texts):
        return any(map(is_fraction, below[0]))
    return ordered and len(fractions) * 10 > len(under) * 9


def _names_columns(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is a header: all names, or names and the numbers of columns."""
    numeric = [cell.strip() for cell in first if cells.is_number(cell)]
    if len(first) > 1 and _is_numbered_alike(first, below):
        return False
    if not below:
        return not numeric
    if not numeric:
        truths = [truth(cell) is not None for cell in (*first, *below[0])]
        return not (_in_place_of_numbers(first) or all(truths))
    if len(numeric) == len(first) or len(first) != len(below[0]):
        return False
    if not all(map(_INTEGER.fullmatch, numeric)) or len(set(numeric)) < len(numeric):
        return False
    if (not first[0].strip() and all(map(str.isdecimal, numeric))) or are_counted(numeric):
        return not _counts_on(first, below)
    # A word above numbers names its column, and so does an integer above fractions.
    columns = list(zip(first, *below, strict=False))
    word_above = any(is_word(top) and all(map(cells.is_number, under)) for top, *under in columns)
    return word_above and all(any(map(is_fraction, under)) for top, *under in columns if cells.is_number(top))


def _counts_on(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the rows below count on in the first column, as the row numbers of a printed series do."""
    return [row[0].strip() for row in (first, *below)] == [str(i) for i in range(len(below) + 1)]


def _is_numbered_alike(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a text of the first row differs from all those below it only in its numbers: img_3 above img_7."""
    words = (column for column in zip(first, *below, strict=False) if len(column) > 2 and is_word(column[0].strip()))
    for column in words:
        texts = [cell.strip() for cell in column]
        if len({_DIGITS.sub("0", text) for text in texts}) == 1 and len(set(texts)) == len(texts):
            return True
    return False


def is_word(cell: str) -> bool:
    """Whether a cell holds neither a number nor what may be written in place of one."""
    return not (cells.is_number(cell) or cells.is_decimal_comma(cell) or is_damaged(cell))


def are_counted(row: Sequence[str]) -> bool:
    """Whether the cells are the numbers of their columns, from 0."""
    return [cell.strip() for cell in row] == [str(i) for i in range(len(row))]


def is_damaged(cell: str) -> bool:
    """A word for a missing value, or what begins like a number but is not one, such as 1_000 or 5.O."""
    text = cell.strip()
    return not cells.is_number(text) and (cells.is_missing(text) or _NUMBER_BEGINS.match(text) is not None)


def is_fraction(cell: str) -> bool:
    """Whether a cell is a number that is not written as an integer."""
    return cells.is_number(cell) and not cell.strip().lstrip("+-").isdecimal()


def _in_place_of_numbers(row: Sequence[str]) -> bool:
    """Whether all cells are like 1_000, 1,5 or NA, which are not names."""
    texts = [cell.strip() for cell in row]
    return all(map(cells.is_missing, texts)) or all(
        any(c.isdigit() for c in text) and not any(c.isalpha() for c in text) for text in texts
    )


def _uneven(rows: list[tuple[str, ...]], places: list[str], name: str, delimiter: str) -> DataError:
    """The refusal of lines of different lengths; lines before a table, such as a title, can be left out."""
    widths = [len(row) for row in rows]
    if set(widths[1:]) == {widths[0] + 1} and not any(row[-1].strip() for row in rows[1:]) and delimiter != " ":
        end = f"s/[{delimiter}][[:space:]]*$//"
        return cells.ragged(rows[1], widths[0], places[1], notation.edited(name, end))
    begin = next(i for i, width in enumerate(widths) if width > 1)
    same = len(set(widths[begin:])) == 1 and len(widths) > begin + 1
    number = int(places[begin].rpartition(" ")[2]) - 1
    remedies = notation.without_lines(name, number, "they are a title") if begin > 0 and same else []
    return cells.ragged(rows[1], widths[0], places[1], remedies)


def _check_two_headers(
    names: Sequence[str] | None, body: list[tuple[str, ...]], name: str, places: Sequence[str], delimiter: str
) -> None:
    """Raise UsageError where more lines without numbers follow the header and numbers follow those."""
    n = next((i for i, row in enumerate(body[:_MOST_HEADERS]) if any(map(cells.is_number, row))), 0)
    if names is None or len(names) == 1 or n == 0 or len({len(row) for row in body[: n + 1]}) > 1:
        return
    columns = list(zip(*body[n:], strict=False))
    numeric = [j for j, column in enumerate(columns) if all(cells.is_number(x) or cells.is_missing(x) for x in column)]
    if not numeric or any(is_damaged(row[j]) for row in body[:n] for j in numeric):
        return
    lines = [int(place.rpartition(" ")[2]) for place in places[: n + 1]]
    called = ("the first line", "the second line") if n == 1 else [f"line {line}" for line in lines]
    ways = {
        "; ".join(f"{other}d" for other in lines if other != line): f"{text} names the columns"
        for line, text in zip(lines, called, strict=True)
    }
    remedies = [remedy for edits, meaning in reversed(ways.items()) for remedy in notation.edited(name, edits, meaning)]
    if n == 1 and not all(map(str.strip, body[0])):
        fill = f"NR == {lines[0]} {{split($0, a, FS); next}} NR == {lines[1]} "
        fill += "{for (i = 1; i <= NF; i++) if ($i ~ /^[[:space:]]*$/) $i = a[i]} 1"
        words = ("awk", "-F", delimiter, "-v", f"OFS={delimiter}", fill)
        remedies = [*notation.fed(name, words, "the second line names the columns, else the first"), *remedies]
    raise UsageError(
        "is a second line of names" if n == 1 else f"is the first of {n} more lines of names",
        where=places[1],
        remedies=remedies,
    )


def _check_decimals(body: list[tuple[str, ...]], decimal: str, place: str) -> None:
    """Raise UsageError where a cell has a comma in its number, which is a decimal comma or parts thousands."""
    if decimal == _COMMA:
        return
    for j, cell in enumerate(body[0]):
        if cells.is_decimal_comma(cell):
            column = [row[j] for row in body if j < len(row)]
            raise comma_refusal(cell, f"{place}, column {j + 1}", certain=any(map(_is_decimal, column)))


def comma_refusal(cell: str, where: str, *, certain: bool = False) -> UsageError:
    """The refusal of a number with a comma in it; ``certain`` says that it cannot part thousands."""
    meaning = "" if certain else "the comma is a decimal comma, and does not part thousands"
    message = f"{cells.shown(cell.strip())} is written with a comma"
    return UsageError(message, where=where, remedies=[Remedy({"decimal": _COMMA}, meaning)])


def point_refusal(cell: str, where: str, name: str, delimiter: str) -> UsageError:
    """The refusal of a number with a point where others have a decimal comma."""
    thousands = ":a; s/(^|[^0-9.])([1-9][0-9]{0,2}([.][0-9]{3})*)[.](([0-9]{3})+)([^0-9.]|$)/\\1\\2\\4\\6/; ta"
    remedies = notation.edited(name, thousands, "the point parts thousands")
    if delimiter != ",":
        points = notation.edited(name, "s/([0-9]),([0-9])/\\1.\\2/g", "the point is a decimal point")
        remedies += [replace(remedy, settings={"decimal": None}) for remedy in points]
    message = f"{cells.shown(cell.strip())} is written with a point, under {setting('decimal', _COMMA)}"
    return UsageError(message, where=where, remedies=remedies)


def _is_decimal(cell: str) -> bool:
    """Whether the comma of a number cannot part thousands: these are groups of three digits after one to three."""
    whole, _, rest = cell.strip().lstrip("+-").partition(",")
    return cells.is_decimal_comma(cell) and (len(rest) != 3 or len(whole) > 3 or whole.startswith("0"))


def not_utf8(where: str, data: bytes) -> DataError:
    """The refusal of what is not UTF-8: text in another encoding, unless it has characters that no text has."""
    remedies = []
    if not re.search(_NOT_TEXT, data):
        remedies = [Remedy({"encoding": "windows-1252"}, "text from Windows; another encoding is named the same way")]
    return DataError("is not UTF-8 text, and no other format that can be read", where=where, remedies=remedies)


def _first_lines(stream: ByteStream) -> tuple[list[str], list[str]]:
    """The first clean lines, not consumed, and where each is."""
    size = 1 << 16
    while True:
        ahead = stream.peek(size)
        at_end = len(ahead) < size
        data = ahead if at_end else ahead[: max(ahead.rfind(b"\n"), ahead.rfind(b"\r")) + 1]
        found, numbers = kept_lines(data, stream.name, lambda _: True)
        if at_end or len(found) >= _FEWEST_ROWS or (found and size > LONGEST_LINE):
            break
        if size > LONGEST_LINE:
            raise too_long(stream.name)
        size *= 4
    lines = []
    for i, line in enumerate(found[: _MOST_ROWS + 1]):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise not_utf8(f"{stream.name}, line {numbers.of(i)}", b"\n".join(found)) from error
    return lines, [f"{stream.name}, line {numbers.of(i)}" for i in range(len(lines))]


def _delimiter(lines: list[str]) -> str:
    """The candidate that makes most of the last line's cells numbers, and as many cells in every line.

    A blank, which prose has too, is one where every line has as many cells, most of them numbers or between quotes.
    """
    best, best_score = ",", (False, -1.0, False, 0)
    for candidate in _DELIMITERS:
        try:
            rows = [cells.split(line, candidate, "") for line in lines[:_FEWEST_ROWS]]
        except DataError:
            continue  # the chosen one will say what is wrong
        if candidate == " " and best == "\t" and best_score[2] and 0.5 < best_score[1] < 1:
            continue  # blanks within the cells
        if _parts_by_blanks(rows, lines) if candidate == " " else len(rows[-1]) > 1:
            even = len(set(map(len, rows))) == 1
            lists = (
                even
                and (candidate != "\t" or "[" in lines[-1])
                and any(cells.listed_numbers(cell) is not None for cell in rows[-1])
            )
            score = (lists, _numeric_share(rows[-1]), even, len(rows[-1]))
            best, best_score = max((best, best_score), (candidate, score), key=lambda found: found[1])
    return best


def _parts_by_blanks(rows: list[list[str]], lines: list[str]) -> bool:
    """Whether blanks part the cells of a table, not the words of names."""
    if any(len(row) > 1 and _numeric_share(row) == 1 for row in rows):
        return True
    widths = set(map(len, rows[1:] or rows))
    if len(widths) > 1 or widths == {1}:
        return False
    quoted = all(line.count('"') >= 2 * len(row) - 2 for line, row in zip(lines[1:], rows[1:], strict=False))
    wide = len(rows[0]) > 2 and len(rows[0]) == len(rows[-1])
    return len(rows) > 1 + (not wide) and (quoted or all(_numeric_share(row) >= 0.5 for row in rows[1:]))


def _numeric_share(row: Sequence[str]) -> float:
    return sum(map(_is_numeric, row)) / len(row)


def _is_numeric(cell: str) -> bool:
    return cells.is_number(cell) or cells.is_decimal_comma(cell) or cells.listed_numbers(cell) is not None
