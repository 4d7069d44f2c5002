"""Which column of a table is which class, and which are none: the targets, a key, an index, predictions."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from nllcli.data.settings import TOKENS
from nllcli.errors import Notice, Remedy, UsageError, first_few, setting
from nllcli.inputs import names as class_names
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.tables import doubts, long
from nllcli.inputs.tables.cells import is_missing, is_number, listed_numbers, shown
from nllcli.inputs.tables.json_paths import are_labels, names_targets
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.formats import ReadOptions

_RANGE = r"(?a)(\d{1,9})(?:-(\d{1,9}))?"


@dataclass(frozen=True)
class Preview:
    """What the beginning of a table shows.

    ``headings`` are the names of the columns, None where the file gives none. The cells of the first ``rows`` are text
    where the file is, and else what they hold: numbers, text, lists of numbers, None where one is missing. ``index``
    are the columns that the file itself says are no data, such as the index of a data frame; ``lists`` are those that
    it says hold lists of numbers, which those of the first rows may not show; ``lines`` are the first
    ones of a text file as they are, and ``delimiter`` what is between its cells.
    """

    name: str
    headings: tuple[str, ...] | None
    rows: Sequence[Sequence[Any]]
    index: frozenset[int] = frozenset()
    lists: frozenset[int] = frozenset()
    lines: tuple[str, ...] = ()
    delimiter: str = ""

    @property
    def n_columns(self) -> int:
        return len(self.rows[0]) if self.rows else len(self.headings or ())

    def cells(self, column: int) -> list[Any]:
        """The first cells of a column that are not missing."""
        return [row[column] for row in self.rows if not is_missing(row[column])]

    @cached_property
    def own_headings(self) -> dict[int, str]:
        """The names of columns that no other column has."""
        stripped = [heading.strip() for heading in self.headings or ()]
        times = Counter(stripped)
        return {c: heading for c, heading in enumerate(stripped) if heading and times[heading] == 1}

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The first column of each of these names, in lower case."""
        return {heading.lower(): c for c, heading in reversed(self.own_headings.items())}

    def heading(self, column: int) -> str:
        """What a command names a column by: its heading, or else its number from 1."""
        return self.own_headings.get(column, str(column + 1))

    def has_heading(self, column: int) -> bool:
        """Whether the column has a name that no other column has."""
        return column in self.own_headings

    def described(self, column: int) -> str:
        """What a message calls a column."""
        return shown(self.heading(column)) if self.has_heading(column) else f"number {column + 1}"


class Columns(NamedTuple):
    """The columns of a table by what they are; ``classes`` in the order of the classes, ``names`` theirs if known.

    ``lists`` says that the one column of ``classes`` holds a list of all classes; ``others`` are those that are none
    of these.
    """

    classes: tuple[int, ...]
    names: tuple[str, ...] | None
    target: int | None = None
    key: int | None = None
    lists: bool = False
    notes: tuple[Notice, ...] = ()
    others: tuple[int, ...] = ()


def choose(preview: Preview, options: ReadOptions) -> Columns:
    """Tell the columns apart, as the options say or as what they hold leaves no doubt; raises UsageError that asks."""
    target = None if options.target_column is None else find_column(options.target_column, preview)
    key = None if options.key is None else find_column(options.key, preview)
    named = {column for column in (target, key) if column is not None}
    dropped = set() if options.drop is None else set(matching(options.drop, preview))
    rest = [c for c in range(preview.n_columns) if c not in named | dropped]
    wanted = options.columns or (None if options.member is None else as_pattern(options.member))
    if wanted is not None:
        classes = [c for c in matching(wanted, preview) if c not in named | dropped]
        lists = len(classes) == 1 and kind_of(preview, classes[0]) == "list"
        return _columns(preview, options, classes, target=target, key=key, lists=lists)
    if options.holds == "targets" and target is not None:
        return _columns(preview, options, (), target=target, key=key)
    rest = [c for c in rest if c not in preview.index] or rest
    lists_of_numbers = [c for c in rest if kind_of(preview, c) == "list"]
    if lists_of_numbers and options.holds in ("logits", "targets"):
        return _columns(
            preview, options, _one_list(preview, lists_of_numbers, rest), target=target, key=key, lists=True
        )
    if options.holds != "logits":
        return _columns(preview, options, rest, target=target, key=key)
    long.check(preview, [c for c in range(preview.n_columns) if c not in dropped])
    classes, left_out = _without_doubt(preview, options, rest, target)
    notes = tuple(_left_out(preview, left_out))
    return _columns(preview, options, classes, target=target, key=key, notes=notes)


def _columns(
    preview: Preview,
    options: ReadOptions,
    classes: Sequence[int],
    *,
    target: int | None,
    key: int | None,
    lists: bool = False,
    notes: tuple[Notice, ...] = (),
) -> Columns:
    used = {*classes, target, key}
    if preview.index - used:
        notes = (Notice("index-column", f"{preview.name}: the row names are taken as an index and left out"), *notes)
    names = None
    if preview.headings is not None and not lists and all(preview.headings[c].strip() for c in classes):
        names = tuple(preview.headings[c].strip() for c in classes)
        _check_order(preview, options, names)
    if options.holds == "logits":
        repeated = [
            f"{preview.name}: {n} classes are named {name!r}" for name, n in Counter(names or ()).items() if n > 1
        ]
        notes = (*notes, *(Notice("repeated-name", told) for told in repeated))
    others = tuple(c for c in range(preview.n_columns) if c not in used)
    return Columns(tuple(classes), names, target, key, lists, notes, others)


def candidates(preview: Preview, chosen: Columns) -> tuple[str, ...]:
    """The columns beside the classes that may have the targets: those with such a name, or else all of labels."""
    beside = {preview.heading(c): preview.cells(c) for c in chosen.others if preview.has_heading(c)}
    found = [name for name, cells in beside.items() if are_labels(cells)]
    return tuple([name for name in found if names_targets(name)] or found)


def _check_order(preview: Preview, options: ReadOptions, names: tuple[str, ...]) -> None:
    """Raise UsageError where the names given for the classes are those of the columns, in another order."""
    if options.classes is None or options.holds != "logits":
        return
    place = class_names.match(options.classes, names)
    if place is None:
        _check_shared(preview, options.classes, names)
        return
    if len(place) != len(names) or list(place) == sorted(place):
        return
    raise UsageError(
        f"{setting('classes')} gives the names of its columns in another order",
        where=preview.name,
        remedies=[
            Remedy(
                {"columns": tuple(as_pattern(names[i]) for i in place), "classes": None},
                f"the first class is {names[place[0]]}",
            ),
            Remedy({"classes": None}, f"the first class is {names[0]}, as the columns have it"),
        ],
        finding="classes-reordered",
    )


def _check_shared(preview: Preview, classes: Sequence[str], names: tuple[str, ...]) -> None:
    """Raise UsageError where a class has the name of the column of another class."""
    own = {class_names.normal(name): i for i, name in enumerate(names)}
    for i, name in enumerate(classes):
        column = own.get(class_names.normal(name), i)
        if column != i and not class_names.normal(name).isdecimal():
            raise UsageError(
                f"{setting('classes')} names class {i} {shown(name)}, which is the column of class {column}",
                where=preview.name,
                remedies=[Remedy({"classes": None}, f"the first class is {names[0]}, as the columns have it")],
                hint="name each class by what its column is called",
                finding="classes-reordered",
            )


def _one_list(preview: Preview, columns: list[int], rest: list[int]) -> list[int]:
    """The one column of lists that holds fractions, or the only one of all the ``rest``; raises UsageError that asks.

    Whole numbers may be tokens.
    """
    fractions = [c for c in columns if any(map(_has_fractions, preview.cells(c)))]
    found = fractions or columns
    if len(found) > 1:
        listed = first_few([preview.described(c) for c in found], 10)
        raise UsageError(
            f"has several columns of lists: {listed}",
            where=preview.name,
            remedies=[
                Remedy({"columns": (as_pattern(preview.heading(c)),)}, f"the logits are {preview.heading(c)}")
                for c in found
            ],
        )
    if not fractions and len(rest) > 1 and any(map(preview.cells, found)):
        heading = preview.heading(found[0])
        raise UsageError(
            f"column {preview.described(found[0])} holds lists of whole numbers: logits?",
            where=preview.name,
            remedies=[Remedy({"columns": (as_pattern(heading),)}, f"the logits are {heading}")],
            finding="doubtful-column",
        )
    return found


def _without_doubt(
    preview: Preview, options: ReadOptions, rest: list[int], target: int | None
) -> tuple[list[int], list[int]]:
    """The columns that are classes, and those of text beside classes with names; raises UsageError that asks."""
    kinds = {c: kind_of(preview, c) for c in rest}
    empty = [c for c in rest if kinds[c] == "missing" and len(preview.rows) > 1]
    text = [c for c in rest if kinds[c] == "text"]
    numeric = [c for c in rest if c not in text and c not in empty]
    if not numeric or (len(rest) == 1):
        return rest, []
    _check_one_set(preview, numeric)
    labels = options.labels if target is None else [str(cell) for cell in preview.cells(target)]
    found = doubts.doubtful(preview, numeric, labels)
    classes = [c for c in numeric if c not in found]
    if not found and not empty and (not text or _names_decide(preview, options, classes, target)):
        return classes, text
    reasons = found | dict.fromkeys(text, "holds no numbers") | dict.fromkeys(empty, "is empty")
    told = ", ".join(f"column {preview.described(c)} {reasons[c]}" for c in sorted(reasons))
    remedies = _remedies(preview, options, sorted(reasons), classes, all_may_be=not (text or empty))
    raise UsageError(
        f"{told}: a class?" if found else told,
        where=preview.name,
        remedies=remedies,
        hint=None if remedies else f"{setting('columns')} names the classes",
        finding="doubtful-column",
    )


def _check_one_set(preview: Preview, columns: Sequence[int]) -> None:
    """Raise UsageError where several sets of columns are probabilities, such as those of several models."""
    sets = doubts.sets_of_probabilities(preview, columns)
    if not sets:
        return
    named = [[preview.heading(c) for c in one] for one in sets]
    raise UsageError(
        f"has {len(sets)} sets of columns that sum to 1 each",
        where=preview.name,
        remedies=[
            Remedy({"columns": tuple(map(as_pattern, names))}, f"the classes are {first_few(names, 5)}")
            for names in named
        ],
        finding="doubtful-column",
    )


def _remedies(
    preview: Preview, options: ReadOptions, extra: list[int], classes: list[int], *, all_may_be: bool
) -> list[Remedy]:
    """What may be meant by ``extra`` columns, which do not look like classes; where none do, they are not left out."""
    every = [Remedy({"columns": "*"}, "all columns are classes")] if all_may_be else []
    if not classes:
        return [*_as_tokens(preview, extra), *every]
    found = []
    key = _shared_key(preview, options, extra)
    if key is not None:
        column, name = key
        rest = [c for c in extra if c != column]
        meaning = f"rows belong together by {preview.heading(column)}"
        found.append(Remedy({"id": name, **_leaving_out(preview, options, rest)}, meaning))
    if options.target_column is None and not options.has_targets:
        likely = [c for c in extra if doubts.may_be_targets(preview, c, preview.headings or ())]
        for c in likely:
            settings = _leaving_out(preview, options, [other for other in extra if other != c])
            found.append(
                Remedy({"target_column": preview.heading(c), **settings}, f"{preview.heading(c)} has the targets")
            )
    one = f"{preview.heading(extra[0])} is not a class" if len(extra) == 1 else "they are not classes"
    one += ", and rows belong together as they come" if key is not None else ""
    return [*found, Remedy(_leaving_out(preview, options, extra), one), *every]


def _as_tokens(preview: Preview, columns: list[int]) -> list[Remedy]:
    """The remedies that read one column as log-probabilities of tokens, which need no targets."""
    settings = {"source": TOKENS, "targets": None, "target_column": None}
    return [
        Remedy(settings, f"{name} has log-probabilities of tokens", {preview.name: f"{preview.name}:{name}"})
        for name in map(preview.heading, columns)
        if doubts.is_log_prob(name) and preview.name != name_of("-")
    ]


def _shared_key(preview: Preview, options: ReadOptions, extra: list[int]) -> tuple[int, str] | None:
    """The column that holds the same keys as one of the targets' table, and how the option names both."""
    if options.partner is None or options.key is not None:
        return None
    for c in extra:
        other = doubts.shared_key(preview, c, options.partner)
        if other is not None:
            own = preview.heading(c)
            return c, own if own == other else f"{own}={other}"
    return None


def _leaving_out(preview: Preview, options: ReadOptions, columns: Sequence[int]) -> dict[str, object]:
    """The setting that leaves these columns out, besides those that it leaves out already."""
    already = [] if options.drop is None else _split(options.drop)
    names = [as_pattern(name) for name in (*already, *map(preview.heading, columns))]
    return {"drop": tuple(names)} if names else {}


def _names_decide(preview: Preview, options: ReadOptions, classes: list[int], target: int | None) -> bool:
    """Whether the targets are names, and each of those seen is the heading of a column of numbers."""
    headings = [preview.heading(c) for c in classes if preview.has_heading(c)]
    seen = options.labels if target is None else [str(cell) for cell in preview.cells(target)]
    if not seen or not headings or all(map(is_number, seen)):
        return False
    known = {class_names.normal(h) for h in headings} | set(class_names.bare(headings))
    return all(class_names.normal(name) in known for name in seen)


def _left_out(preview: Preview, columns: list[int]) -> list[Notice]:
    if not columns:
        return []
    listed = first_few([preview.described(c) for c in columns], 5)
    noun = "the column" if len(columns) == 1 else "the columns"
    return [
        Notice("left-out", f"{preview.name}: {noun} {listed} of text {'is' if len(columns) == 1 else 'are'} left out")
    ]


def kind_of(preview: Preview, column: int) -> str:
    """What the first cells of a column hold: "number", "list", "text", or "missing"; a mixture counts as numbers.

    In a mixture the cells that are not numbers are damaged ones, which the reader names. Truth values count as text.
    """
    if column in preview.lists:
        return "list"
    cells = preview.cells(column)
    if not cells:
        return "missing"
    if all(list_of(cell) is not None for cell in cells):
        return "list"
    numeric = sum(map(is_numeric, cells))
    return "number" if numeric and 2 * numeric >= len(cells) else "text"


def is_numeric(cell: Any) -> bool:
    """Whether a cell is a number, or text that is one."""
    return is_number(cell) if isinstance(cell, str) else isinstance(cell, int | float) and not isinstance(cell, bool)


def are_numbers(preview: Preview, column: int) -> bool:
    """Whether the first cells of a column are numbers, or truth values, which stand for 0 and 1."""
    cells = [str(cell) for cell in preview.cells(column)]
    return kind_of(preview, column) == "number" or (
        bool(cells) and all(class_names.truth(cell) is not None for cell in cells)
    )


def list_of(cell: Any) -> list[Any] | None:
    """The numbers of a cell that is a list of them, None for one that is missing, or of text that is a list of them.

    None for anything else.
    """
    if isinstance(cell, str):
        return listed_numbers(cell)
    if isinstance(cell, list) and cell and all(x is None or isinstance(x, int | float) for x in cell):
        return cell
    return None


def _has_fractions(cell: Any) -> bool:
    """Whether a list of numbers is written with points, or as floating-point numbers: whole ones may be tokens."""
    return any(c in cell for c in ".eE") if isinstance(cell, str) else any(isinstance(x, float) for x in cell)


def find_column(wanted: str, preview: Preview) -> int:
    """The place of a column given by its name, or else by its number, counted from 1."""
    header = [cell.strip() for cell in preview.headings or ()]
    for known in (header, list(map(class_names.normal, header))):
        name = wanted if known is header else class_names.normal(wanted)
        if known.count(name) > 1:
            raise UsageError(
                f"has {known.count(name)} columns {shown(wanted)}", where=preview.name, hint="use its number"
            )
        if name in known:
            return known.index(name)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= preview.n_columns:
        return int(wanted) - 1
    names = first_few([shown(cell)[1:-1] for cell in header], 20)
    known_as = names if header else f"the numbers 1 to {preview.n_columns} (there is no header)"
    raise UsageError(
        f"there is no column {shown(wanted)}",
        where=preview.name,
        hint=f"columns: {known_as}",
        remedies=doubts.named_below(wanted, preview),
    )


def matching(patterns: str | tuple[int, ...], preview: Preview) -> list[int]:
    """The columns that patterns between commas name, in their order: names, globs, numbers from 1, or ranges of these.

    Where the names of columns are numbers, a number is a name.
    """
    if not isinstance(patterns, str):
        return list(patterns)
    found: dict[int, None] = {}
    headings = [heading.strip() for heading in preview.headings or ()]
    for pattern in _split(patterns):
        if pattern in headings:
            columns = [c for c, heading in enumerate(headings) if heading == pattern]
        elif numbered := re.fullmatch(_RANGE, pattern):
            columns = _in_range(numbered[1], numbered[2] or numbered[1], preview)
        else:
            columns = [c for c, heading in enumerate(headings) if fnmatchcase(heading, pattern)]
            if pattern == "*" and not headings:
                columns = list(range(preview.n_columns))
        if not columns:
            known = first_few([shown(heading)[1:-1] for heading in headings], 20) or f"1 to {preview.n_columns}"
            message = f"there is no column {shown(pattern)}"
            raise UsageError(message, where=preview.name, hint=f"columns: {known}")
        found |= dict.fromkeys(columns)
    return list(found)


def _in_range(first: str, last: str, preview: Preview) -> list[int]:
    """The columns between two of them: between those of these names where numbers are names, else by number from 1.

    A column without a name of its own has its number.
    """
    headings = [heading.strip() for heading in preview.headings or ()]
    start, end = int(first) - 1, int(last) - 1
    if any(map(str.isdecimal, headings)) and (first != last or preview.has_heading(start)):
        start, end = (headings.index(name) if name in headings else -1 for name in (first, last))
    return list(range(start, end + 1)) if 0 <= start <= end < preview.n_columns else []


def as_pattern(name: str) -> str:
    """A name as one of several between commas."""
    return '"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name


def _split(patterns: str) -> list[str]:
    cells = next(csv.reader(io.StringIO(patterns), skipinitialspace=True), [])
    return [cell.strip() for cell in cells if cell.strip()]
