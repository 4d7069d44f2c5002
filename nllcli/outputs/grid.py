"""A table as lines that fit a screen, which rich draws."""

from collections.abc import Sequence
from io import StringIO
from textwrap import wrap
from typing import NamedTuple

from nllcli.outputs.formats import printable
from nllcli.outputs.numbers import aligned, texts
from nllcli.outputs.pictures import PICTURES, drawn
from nllcli.report import Column, Table, Value

INDENT, GAP = "  ", "  "
NOTHING = "–"
LEFT_OUT = "…"  # columns in the middle and, where rich crops it, the end of a name
_NAME = 16  # columns are left out before a name, or a word of a label, gets fewer cells
_LABEL_LINES = 3
_COLOURS = {"loss": "yellow"}
_MARK = Column("left_out", LEFT_OUT, "text")


def table_lines(table: Table, width: int, *, colour: bool) -> tuple[list[str], int]:
    """Return labels, rule and one line a row for a screen of ``width``.

    With them comes the number of columns that are left out where some in the middle are.
    """
    lanes = [_lane(column, table.cells(i)[:]) for i, column in enumerate(table.columns)]
    room = width - len(INDENT)
    fitted = _fitted(lanes, room)
    lines = _drawn(fitted, room, colour=colour)
    n_left_out = 1 + len(lanes) - len(fitted) if any(lane.column is _MARK for lane in fitted) else 0
    return [(INDENT + line).rstrip() for line in lines], n_left_out


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


def safe(values: Sequence[Value], written: Sequence[str]) -> list[str]:
    """Return what is safe to print of what the values are written as: an en dash for nothing."""
    return [NOTHING if value is None else printable(text) for value, text in zip(values, written, strict=True)]


class _Lane(NamedTuple):
    """One column as text, and its width with names cropped, with the label folded and pictures short, and in full."""

    column: Column
    values: Sequence[Value]
    heading: list[str]
    cells: list[str]
    is_right: bool
    widths: list[int]

    def shown(self, width: int) -> list[str]:
        """Return the cells of a column of ``width``: pictures as long as it allows, numbers on its right."""
        if self.column.kind in PICTURES:
            return drawn(self.column.kind, self.values, width)
        return [cell.rjust(width) for cell in self.cells] if self.is_right else self.cells


def _lane(column: Column, values: Sequence[Value]) -> _Lane:
    """Write what is safe to print: an en dash for nothing, numbers point under point."""
    cells = safe(values, texts(column.kind, values))
    picture = PICTURES.get(column.kind)
    is_right = not (picture or column.kind == "text") or {*map(type, values)} == {int}
    cells = aligned(cells) if is_right else cells
    content = max(map(cell_len, cells), default=0)
    cropped = content if is_right else min(content, _NAME)
    heading = [printable(column.label), printable(column.unit)]
    words = [min(cell_len(word), _NAME) for text in heading for word in wrap(text, 1, break_long_words=False)]
    least, short, full = (picture.least, picture.least, picture.most) if picture else (cropped, content, content)
    widths = [max([least, *words]), max([short, *words]), max([full, *map(cell_len, heading)])]
    return _Lane(column, values, heading, cells, is_right, widths)


def _drawn(lanes: Sequence[_Lane], room: int, *, colour: bool) -> list[str]:
    """Let rich draw columns that fit ``room``; it crops the names."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    widths = _shared(lanes, room)
    labels = [_folded(lane.heading[0], width) for lane, width in zip(lanes, widths, strict=True)]
    height = max(len(label) + bool(lane.column.unit) for lane, label in zip(lanes, labels, strict=True))
    grid = Grid(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="", border_style="dim")
    columns = []
    for lane, width, label in zip(lanes, widths, labels, strict=True):
        heading = [*(Text(line, "bold") for line in label), Text(lane.heading[1], "dim"), *[Text()] * height]
        at_top = Text("\n", justify="right" if lane.is_right else "default").join(heading[:height])
        grid.add_column(at_top, justify="default", width=width, no_wrap=True)
        columns.append(
            Text(
                "\n".join(lane.shown(width)),
                _COLOURS.get(lane.column.tone, "cyan") if lane.column.kind in PICTURES else "",
            )
        )
    if lanes[0].values:
        grid.add_row(*columns)  # whole ones: rich takes four times as long for a row each
    size = sum(widths) + len(GAP) * len(widths)
    console = Console(
        file=StringIO(), width=size, height=1, color_system="standard" if colour else None, no_color=False
    )
    with console.capture() as shown:
        console.print(grid)
    lines = shown.get().replace("\x1b[2m \x1b[0m", " ").splitlines()  # paint no blank between columns
    lines[height] = lines[height].replace("─", "", 1)  # and rule none after the last one
    return lines


def _folded(label: str, width: int) -> list[str]:
    """Fold a label at words; what takes more than a few lines is cropped."""
    lines = wrap(label, max(1, width)) or [""]
    if len(lines) > _LABEL_LINES:
        lines = [*lines[: _LABEL_LINES - 1], lines[_LABEL_LINES - 1][: width - 1] + LEFT_OUT]
    return lines


def _fitted(lanes: Sequence[_Lane], room: int) -> Sequence[_Lane]:
    """Leave out optional columns, the last one first, then those in the middle, until the others fit."""
    shown = list(lanes)
    for i in range(len(lanes) - 1, 0, -1):
        if lanes[i].column.optional and not _fit([lane.widths[1] for lane in shown], room):
            del shown[i]
    if len(shown) == 1 or _fit([lane.widths[0] for lane in shown], room):
        return shown
    mark = _lane(_MARK, [LEFT_OUT] * len(shown[0].values))
    kept = min(len(shown) - 1, max(1, room))
    ends = [[*shown[: (n + 1) // 2], mark, *shown[len(shown) - n // 2 :]] for n in range(kept, 0, -1)]
    return next((some for some in ends if _fit([lane.widths[0] for lane in some], room)), ends[-1])


def _shared(lanes: Sequence[_Lane], room: int) -> list[int]:
    """Fold labels and shorten pictures, then crop names, those with most to give first, until all columns fit."""
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
