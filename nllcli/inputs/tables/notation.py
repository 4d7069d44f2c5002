"""Ways to write numbers and tables that no program reads as they are, and the edit that makes them plain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nllcli.errors import Remedy, UsageError
from nllcli.inputs.bytes.compressed import can_be_edited, is_gzip, opener_of
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.inputs.tables.cells import is_missing, is_number, shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Way(NamedTuple):
    """Cells, or a line, that match ``pattern`` are ``what``, and ``edits`` of sed make them numbers."""

    pattern: str
    what: str
    edits: str


_WAYS = (
    _Way(r"(?a)\s*[+-]?\d*[.,]?\d+ ?%\s*", "a percentage", r"s/([0-9.,]+) ?%/\1e-2/g"),
    _Way(r"(?a)\s*[+-]?[$€£¥] ?[+-]?[\d.,]+\s*", "an amount of money", r"s/([$]|€|£|¥) ?//g"),
    _Way(
        r"(?i)\s*[\u2212\u2013]\s?[\d.,]+(e[+-]?\d+)?\s*",
        "written with a dash for a minus",
        r"s/(−|–) ?([0-9.])/-\2/g",
    ),
    _Way(
        r"(?ai)\s*[+-]?[\d.]+d[+-]?\d+\s*",
        "written as Fortran does",
        r"s/([0-9.])[dD]([+-]?[0-9])/\1e\2/g",
    ),
    _Way(
        r"(?a)\s*[+-]?\d{1,3}(,\d{3})+\.\d*\s*",
        "written with commas between thousands",
        r":a; s/([0-9]),([0-9]{3}(,[0-9]{3})*[.])/\1\2/; ta",
    ),
)
# Lines, in which is a mark by which most others are passed over.
_LINES = (
    ("<", _Way(r"\s*<\w+>(?:\s+<\w+>)+\s*", "has a line of the types of the columns", r"/^ *<[a-z0-9]+> /d")),
    (
        "dtype: ",
        _Way(
            r"(?:Name: .*, )?(?:Length: \d+, )?dtype: \S+\s*",
            "is a printed Series",
            r"/^(Name: .*)?dtype: /d; s/^ *[0-9]+ +//",
        ),
    ),
    ("[", _Way(r"\s*\[\d+\] +\S.*", "is a vector as R prints it", r"s/^ *\[[0-9]+\]//; /^Levels:/d; s/ +/\n/g")),
)


_R_VECTOR = r"s/^ *c\(//; s/\)[[:space:]]*$//; s/([0-9])L(,|$)/\1\2/g; s/, */\n/g; s/\"//g"
_ONE_A_LINE = r"s/[]['(),; \t\"]+/\n/g"
_SUM_TOLERANCE = 0.5
_SUFFIXES = (".csv", ".tsv", ".txt")
_OBJECT = r"(?s)\[?\{['\"].*\}\]?"


def edited(name: str, edits: str, meaning: str = "") -> list[Remedy]:
    """The remedy that reads a file after edits of sed."""
    return fed(name, ("sed", "-E", edits), meaning)


def without_lines(name: str, n: int, meaning: str) -> list[Remedy]:
    """The remedy that leaves the first lines of a file out."""
    return edited(name, leaving_out(n), meaning)


def leaving_out(n: int) -> str:
    """The edit of sed that leaves the first lines out."""
    return "1d" if n == 1 else f"1,{n}d"


def fed(name: str, words: tuple[str, ...], meaning: str = "") -> list[Remedy]:
    """The remedy that reads what a command makes of a file: a file of its own, about which more can be asked.

    There is none where the command cannot read the file.
    """
    if not can_be_edited(name):
        return []
    from shlex import join, quote

    path = Path(name.removesuffix(".gz"))
    to = not_there_yet(str(path.with_name(f"{path.stem}.plain{path.suffix if path.suffix in _SUFFIXES else '.csv'}")))
    command = f"gzip -dc {quote(name)} | {join(words)}" if is_gzip(name) else join((*words, name))
    return [Remedy(shell=f"{command} > {quote(to)}", files={name: to}, meaning=meaning)]


def check_lines(lines: Sequence[str], name: str) -> None:
    """Raise UsageError where one of the first lines is what a program prints for people."""
    for mark, way in _LINES:
        if any(mark in line and re.fullmatch(way.pattern, line) for line in lines):
            raise UsageError(way.what, where=name, remedies=edited(name, way.edits))
    if lines[0].lstrip().startswith("c(") and lines[-1].rstrip().endswith((")", ",")):
        raise UsageError("is a vector as R writes it", where=name, remedies=edited(name, _R_VECTOR))
    first = [cell.strip() for cell in re.split(r"[,;\t|]", lines[0])]
    if len(lines) > 1 and len(first) > 1 and all(re.fullmatch(r"'[^']+'", cell) for cell in first):
        raise UsageError("has its cells between single quotes", where=name, remedies=edited(name, "s/'/\"/g"))


def check_not_in_line(lines: Sequence[str], name: str) -> None:
    """Raise UsageError for targets side by side, in one line or as NumPy and Python print them."""
    text = [line.strip() for line in lines if line.strip()]
    in_brackets = text[0].startswith("[") and text[-1].endswith("]")
    if len(text) == 1 or in_brackets:
        raise UsageError("has its targets side by side", where=name, remedies=edited(name, _ONE_A_LINE))


def check_objects(header: Sequence[str] | None, row: Sequence[str], delimiter: str, name: str) -> None:
    """Raise UsageError where a cell of a table is an object with a number a class, or a list of labels and scores."""
    for j, cell in enumerate(row):
        if header is None or not ("{" in cell and re.fullmatch(_OBJECT, cell.strip())) or not can_be_edited(name):
            continue
        key, to = header[j].strip(), not_there_yet(f"{name}.wide.csv")
        parsed = f"ast.literal_eval(d[{key!r}])"
        if cell.strip().startswith("["):
            parsed = f"{{e['label']: e['score'] for e in {parsed}}}"
        source = (
            f"import ast, csv; r = [{{**{{k: v for k, v in d.items() if k != {key!r}}}, **{parsed}}} for d in "
            f"csv.DictReader({opener_of(name)}({name!r}, 'rt', newline='', encoding='utf-8-sig'), "
            f"delimiter={delimiter!r})]; "
            f"w = csv.DictWriter(open({to!r}, 'w', newline='', encoding='utf-8'), list(r[0])); "
            "w.writeheader(); w.writerows(r)"
        )
        message = f"column {shown(key)} holds an object with a number for each class"
        raise UsageError(message, where=name, remedies=[Remedy(python=source, files={name: to})])


def check_numbers(rows: Sequence[Sequence[str]], name: str, places: Sequence[str]) -> None:
    """Raise UsageError where the cells of a column are numbers only for people, such as 51.8%.

    ``places`` say where each row is.
    """
    for j, column in enumerate(zip(*rows, strict=False)):
        odd = {i: cell for i, cell in enumerate(column) if not (is_number(cell) or is_missing(cell))}
        way = next(
            (way for way in _WAYS if odd and all(re.fullmatch(way.pattern, cell) for cell in odd.values())), None
        )
        if way is not None:
            i, cell = next(iter(odd.items()))
            where = f"{places[i]}, column {j + 1}"
            raise UsageError(f"{shown(cell.strip())} is {way.what}", where=where, remedies=edited(name, way.edits))


def are_percentages(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether the numbers in these columns sum to 100 in each row."""
    shares = [[float(row[c]) for c in columns] for row in rows if all(is_number(row[c]) for c in columns)]
    return bool(shares) and all(min(row) >= 0 and abs(sum(row) - 100) < _SUM_TOLERANCE for row in shares)


def hundredths(name: str, columns: Sequence[int], delimiter: str, line: int) -> list[Remedy]:
    """The remedy that divides the numbers in these columns by 100, from this line on."""
    places = " ".join(str(c + 1) for c in columns)
    loop = f'for (i = split("{places}", k, " "); i; i--) $k[i] = sprintf("%.17g", $k[i] / 100)'
    program = f'NR >= {line} {{sub(/\\r$/, ""); if (NF) {loop}}} 1'
    return fed(name, ("awk", "-F", delimiter, "-v", f"OFS={delimiter}", program), "each is divided by 100")
