"""The columns of a table: what each shows, and how they share the room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nllcli.model import Column, Table, Value
from nllcli.outputs.numbers import aligned, texts
from nllcli.outputs.printable import printable

NOTHING = "–"
_LEAST_NAME = 8  # a column of names is not folded below this


@dataclass(frozen=True)
class Lane:
    """One column as text: ``right`` says where its cells stand in ``width``."""

    label: str
    unit: str
    cells: Sequence[str]
    right: bool
    width: int


def lanes(table: Table, room: int | None, measure: Callable[[str], int]) -> list[Lane]:
    """Lay out the columns in ``room`` (None: no limit): headers fold first, then names, digits never."""
    values = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    cells = [_cells(column, part) for column, part in zip(table.columns, values, strict=True)]
    bounds = [_bounds(column, part, measure) for column, part in zip(table.columns, cells, strict=True)]
    return [
        Lane(printable(column.label), printable(column.unit), part, _is_right(column, raw), width)
        for column, part, raw, width in zip(table.columns, cells, values, _share(bounds, room), strict=True)
    ]


def _bounds(column: Column, cells: Sequence[str], measure: Callable[[str], int]) -> tuple[int, int]:
    """Return the least and the natural width of a column."""
    content = max(map(measure, cells), default=0)
    header = f"{printable(column.label)}\n{printable(column.unit)}"
    least = min(content, _LEAST_NAME) if column.kind == "text" else content
    return (
        max(least, *map(measure, header.split())) if header.split() else least,
        max(content, *map(measure, header.splitlines())),
    )


def _cells(column: Column, values: Sequence[Value]) -> list[str]:
    """Return what is shown: safe to print, an en dash for nothing, numbers point under point."""
    written = zip(values, texts(column.kind, values), strict=True)
    shown = [NOTHING if value is None else printable(text) for value, text in written]
    return shown if column.kind == "text" else aligned(shown)


def _is_right(column: Column, values: Sequence[Value]) -> bool:
    """Numbers stand to the right, and so do names that are all numbers."""
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
