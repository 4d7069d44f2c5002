"""A table as lines: what fits a screen, or in full for a pipe, which may take a million rows."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import NamedTuple

from nllcli.outputs.formats import printable
from nllcli.outputs.numbers import aligned, drawn, texts
from nllcli.report import Column, Table, Value

STRONG, FAINT, CYAN = "1", "2", "36"  # bold, dim and cyan, as terminals number them
INDENT, GAP = "  ", "  "
NOTHING = "–"
LEFT_OUT = "…"  # columns in the middle and the end of a name
_NAME = 16  # columns are left out before a name, or a word of a label, gets fewer cells
_LEAST_BAR, _BAR = 6, 24


def table_lines(table: Table, width: int | None, paint: Callable[[str, str], str]) -> list[str]:
    """Return labels, rule and one line a row for a screen of ``width``, or for a pipe (None).

    ``paint(text, style)`` gives a text its colour.
    """
    lanes: Sequence[_Lane] = [_lane(column, [row[i] for row in table.rows]) for i, column in enumerate(table.columns)]
    if width is None:
        widths = [lane.widths[-1] for lane in lanes]
        labels = [[lane.heading[0]] for lane in lanes]
    else:
        lanes = _fitted(lanes, width - len(INDENT))
        widths = _shared(lanes, width - len(INDENT))
        labels = [wrap(lane.heading[0], max(1, width)) or [""] for lane, width in zip(lanes, widths, strict=True)]
    height = max(len(label) + bool(lane.column.unit) for lane, label in zip(lanes, labels, strict=True))
    columns = [_column(*parts, height, paint) for parts in zip(lanes, widths, labels, strict=True)]
    lines = list(map(GAP.join, zip(*columns, strict=True)))
    rule = paint("─" * (sum(widths) + len(GAP) * (len(widths) - 1)), FAINT)
    return [(INDENT + line).rstrip() for line in (*lines[:height], rule, *lines[height:])]


def cell_len(text: str) -> int:
    """Return how many columns of a screen ``text`` takes; rich is asked where that is not one a character."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as measure

    return measure(text)


def filled(column: Sequence[str], *, least: int = 0, right: bool = False) -> list[str]:
    """Bring all texts to the width of the widest, or to ``least``."""
    widths = [cell_len(text) for text in column]
    width = max([least, *widths])
    blanks = [" " * (width - size) for size in widths]
    return list(map("".join, zip(blanks, column, strict=True) if right else zip(column, blanks, strict=True)))


class _Lane(NamedTuple):
    """One column as text, and its width with names cropped, with the label folded and bars short, and in full."""

    column: Column
    values: Sequence[Value]
    heading: list[str]
    cells: list[str]
    is_right: bool
    widths: list[int]


def _lane(column: Column, values: Sequence[Value]) -> _Lane:
    """Write what is safe to print: an en dash for nothing, numbers point under point."""
    written = zip(values, texts(column.kind, values), strict=True)
    cells = [NOTHING if value is None else printable(text) for value, text in written]
    is_right = column.kind not in ("text", "bar") or {*map(type, values)} == {int}
    cells = aligned(cells) if is_right else cells
    content = max(map(cell_len, cells), default=0)
    cropped = content if is_right else min(content, _NAME)
    heading = [printable(column.label), printable(column.unit)]
    words = [min(cell_len(word), _NAME) for text in heading for word in wrap(text, 1, break_long_words=False)]
    least, short, full = (_LEAST_BAR, _LEAST_BAR, _BAR) if column.kind == "bar" else (cropped, content, content)
    widths = [max([least, *words]), max([short, *words]), max([full, *map(cell_len, heading)])]
    return _Lane(column, values, heading, cells, is_right, widths)


def _column(lane: _Lane, width: int, label: Sequence[str], height: int, paint: Callable[[str, str], str]) -> list[str]:
    """Return the heading and the cells of one column, all of ``width``: names cropped, bars as long as it allows."""
    heading = []
    for i, line in enumerate([*label, lane.heading[1], *[""] * height][:height]):
        text = _cropped(line, width)
        blanks, painted = " " * (width - cell_len(text)), paint(text, STRONG if i < len(label) else FAINT)
        heading.append(blanks + painted if lane.is_right else painted + blanks)
    if lane.column.kind == "bar":
        return [*heading, *(paint(bar, CYAN) for bar in filled(drawn(lane.values, width), least=width))]
    cells = [_cropped(cell, width) for cell in lane.cells] if width < lane.widths[-1] else lane.cells
    return [*heading, *filled(cells, least=width, right=lane.is_right)]


def _cropped(text: str, width: int) -> str:
    """Return ``text`` with a mark in place of what does not fit ``width``."""
    if cell_len(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + LEFT_OUT


def _fitted(lanes: Sequence[_Lane], room: int) -> Sequence[_Lane]:
    """Leave out optional columns, the last one first, then those in the middle, until the others fit."""
    shown = list(lanes)
    for i in range(len(lanes) - 1, 0, -1):
        if lanes[i].column.optional and not _fit([lane.widths[1] for lane in shown], room):
            del shown[i]
    if len(shown) == 1 or _fit([lane.widths[0] for lane in shown], room):
        return shown
    mark = _lane(Column("left_out", LEFT_OUT, "text"), [LEFT_OUT] * len(shown[0].values))
    kept = min(len(shown) - 1, max(1, room))
    ends = [[*shown[: (n + 1) // 2], mark, *shown[len(shown) - n // 2 :]] for n in range(kept, 0, -1)]
    return next((some for some in ends if _fit([lane.widths[0] for lane in some], room)), ends[-1])


def _shared(lanes: Sequence[_Lane], room: int) -> list[int]:
    """Fold labels and shorten bars, then crop names, those with most to give first, until all columns fit."""
    widths = [lane.widths[-1] for lane in lanes]
    for i in (1, 0):
        while not _fit(widths, room):
            slack = [width - lane.widths[i] for width, lane in zip(widths, lanes, strict=True)]
            if max(slack) <= 0:
                break
            widths[slack.index(max(slack))] -= 1
    return widths


def _fit(widths: Sequence[int], room: int) -> bool:
    return sum(widths) + len(GAP) * (len(widths) - 1) <= room
