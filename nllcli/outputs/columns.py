"""The columns of a table: what each shows, and how they share the room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nllcli.outputs.bars import bar
from nllcli.outputs.numbers import aligned, texts
from nllcli.outputs.printable import printable
from nllcli.report import Column, Table, Value

NOTHING = "–"
_LEAST_NAME = 8  # a column of names is not folded below this
_LEAST_BAR, _BAR = 6, 24


@dataclass(frozen=True)
class Lane:
    """One column as text: ``right`` says where its cells stand in ``width``."""

    label: str
    unit: str
    cells: Sequence[str]
    right: bool
    width: int


def lanes(table: Table, room: int | None, measure: Callable[[str], int], gap: int) -> list[Lane]:
    """Lay out the columns, ``gap`` apart, in ``room`` (None: no limit).

    Bars shrink and headers fold first, then names; then optional columns go, the last one first; digits never.
    """
    drafts = [_draft(column, [row[i] for row in table.rows], measure) for i, column in enumerate(table.columns)]
    optional = [draft for draft in drafts if draft.column.optional]
    while room is not None and optional and sum(draft.least + gap for draft in drafts) - gap > room:
        drafts.remove(optional.pop())
    left = None if room is None else room - gap * (len(drafts) - 1)
    widths = _share([(draft.least, draft.natural) for draft in drafts], left)
    return [draft.lane(width) for draft, width in zip(drafts, widths, strict=True)]


@dataclass(frozen=True, eq=False)
class _Draft:
    """A column before its width is known; ``cells`` of bars are drawn once it is."""

    column: Column
    values: Sequence[Value]
    cells: Sequence[str]
    least: int
    natural: int

    def lane(self, width: int) -> Lane:
        column = self.column
        cells = self.cells
        if column.kind == "bar":
            cells = [bar(value, width) if isinstance(value, float) else "" for value in self.values]
        return Lane(printable(column.label), printable(column.unit), cells, _is_right(column, self.values), width)


def _draft(column: Column, values: Sequence[Value], measure: Callable[[str], int]) -> _Draft:
    cells = _cells(column, values)
    least, natural = (_LEAST_BAR, _BAR) if column.kind == "bar" else _bounds(column, cells, measure)
    return _Draft(column, values, cells, least, natural)


def _bounds(column: Column, cells: Sequence[str], measure: Callable[[str], int]) -> tuple[int, int]:
    """Return the least and the natural width of a column."""
    content = max(map(measure, cells), default=0)
    header = f"{printable(column.label)}\n{printable(column.unit)}"
    words = breakable(header).split()
    least = min(content, _LEAST_NAME) if column.kind == "text" else content
    return (
        max([least, *map(measure, words)]),
        max(content, *map(measure, header.splitlines())),
    )


def breakable(header: str) -> str:
    """A header with a space wherever a line may end: behind a hyphen too."""
    return header.replace("-", "- ")


def _cells(column: Column, values: Sequence[Value]) -> list[str]:
    """Return what is shown: safe to print, an en dash for nothing, numbers point under point."""
    written = zip(values, texts(column.kind, values), strict=True)
    shown = [NOTHING if value is None else printable(text) for value, text in written]
    return shown if column.kind == "text" else aligned(shown)


def _is_right(column: Column, values: Sequence[Value]) -> bool:
    """Numbers stand to the right, and so do names that are all numbers."""
    if column.kind == "bar":
        return False
    return column.kind != "text" or (bool(values) and all(isinstance(value, int) for value in values))


def _share(bounds: Sequence[tuple[int, int]], room: int | None) -> list[int]:
    """Narrow the columns that have most to give until all fit, none below its least width."""
    widths = [natural for _, natural in bounds]
    while room is not None and sum(widths) > room:
        slack = [width - least for width, (least, _) in zip(widths, bounds, strict=True)]
        if max(slack) <= 0:
            break
        widths[slack.index(max(slack))] -= 1
    return widths
