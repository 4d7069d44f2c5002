"""A report as a person reads it: the number first, what it means beside it, the tables underneath."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import nlargest
from itertools import zip_longest
from math import inf, isnan

from rich.cells import cell_len

from nllcli.outputs import bars
from nllcli.outputs.columns import NOTHING, Lane, breakable, lanes
from nllcli.outputs.numbers import aligned, metric_text, metric_unit, working_text
from nllcli.outputs.printable import printable
from nllcli.report import Calculation, Metric, Report, Section, Step, Table, Value

_PLAIN, _STRONG, _FAINT, _HEADLINE = "", "bold", "dim", "bold cyan"
_INDENT, _GAP = "  ", "  "
_MOST_ROWS, _FIRST_ROWS, _WORST_ROWS = 200, 100, 20  # of a table on a screen
_LEAST_ROOM = 24  # running text with less room than this beside something goes underneath it
_ASCII = {**str.maketrans({"–": "-", "—": "-", "−": "-", "─": "-", "×": "x", "·": ".", "…": "..."}), **bars.ASCII}


def render(report: Report, *, width: int | None = None, colour: bool = False, unicode: bool = True) -> str:
    """Return ``report`` for a screen ``width`` columns wide (None: as wide as the content)."""
    page = _Page(width, colour)
    shown = [metric for metric in report.metrics if not metric.hidden]
    sections = [
        page.running(report.title, style=_STRONG),
        _metrics(page, [metric for metric in shown if metric.headline]),
        _metrics(page, [metric for metric in shown if not metric.headline]),
        *(list(_table(page, table)) for table in report.tables if not table.hidden),
        *(lines for section in report.sections for lines in _section(page, section)),
        [page.paint(printable(report.signature), _FAINT)],  # in one piece, so that it can be copied
    ]
    text = "\n\n".join("\n".join(lines) for lines in sections if any(lines)) + "\n"
    return text if unicode else text.translate(_ASCII)


class _Page:
    """A width, with or without colour."""

    def __init__(self, width: int | None, colour: bool) -> None:
        self._width = width
        self._colour = colour

    def paint(self, text: str, style: str) -> str:
        if not (self._colour and text and style):
            return text
        from rich.color import ColorSystem
        from rich.style import Style

        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)

    @property
    def is_screen(self) -> bool:
        return self._width is not None

    def room(self, indent: str) -> int | None:
        return None if self._width is None else self._width - cell_len(indent)

    def running(self, text: str, *, indent: str = "", style: str = _FAINT) -> list[str]:
        """Fold running text into the page."""
        return [indent + self.paint(line, style) for line in self.folded(printable(text), self.room(indent))]

    def folded(self, text: str, room: int | None) -> list[str]:
        """Fold at spaces, and within a word only where it is longer than the room."""
        if room is None or cell_len(text) <= room:
            return [text]
        from rich.console import Console
        from rich.text import Text

        lines = Text(text).wrap(Console(color_system=None), max(1, room), overflow="fold")
        return [line.plain.rstrip() for line in lines]

    def cell(self, text: str, width: int, style: str, *, right: bool = False) -> str:
        """Pad ``text`` to ``width``; the padding itself is never painted."""
        padding = " " * (width - cell_len(text))
        return padding + self.paint(text, style) if right else self.paint(text, style) + padding


def _metrics(page: _Page, metrics: Sequence[Metric]) -> list[str]:
    """Align label, value, unit and note in one grid."""
    labels = [printable(metric.label) for metric in metrics]
    values = _values(metrics)
    units = [printable(metric_unit(metric)) for metric in metrics]
    widths = [max(map(cell_len, column), default=0) for column in (labels, values, units)]
    start = " " * (len(_INDENT) + sum(widths) + 1 + 2 * len(_GAP))
    lines = []
    for metric, *texts in zip(metrics, labels, values, units, strict=True):
        styles = (_STRONG, _HEADLINE, _HEADLINE) if metric.headline else (_PLAIN, _PLAIN, _FAINT)
        label, value, unit = (page.cell(*cell) for cell in zip(texts, widths, styles, strict=True))
        lines += _with_note(page, f"{_INDENT}{label}{_GAP}{value} {unit}", start, metric.note)
    return lines


def _values(metrics: Sequence[Metric]) -> list[str]:
    """Write numbers point under point; words stand where the numbers start."""
    shown = [NOTHING if metric.value is None else printable(metric_text(metric)) for metric in metrics]
    is_word = [isinstance(metric.value, str) for metric in metrics]
    numbers = iter(aligned([text for text, word in zip(shown, is_word, strict=True) if not word]))
    return [text if word else next(numbers) for text, word in zip(shown, is_word, strict=True)]


def _with_note(page: _Page, line: str, indent: str, note: str) -> list[str]:
    """Put the note beside the number, or underneath where the page is narrow."""
    if not note:
        return [line.rstrip()]
    room = page.room(indent)
    if room is not None and room < min(_LEAST_ROOM, cell_len(note)):
        return [line.rstrip(), *page.running(note, indent=2 * _INDENT)]
    first, *others = page.running(note, indent=indent)
    return [line + _GAP + first.removeprefix(indent), *others]


def _section(page: _Page, section: Section) -> Iterator[list[str]]:
    """The title, then each part, then the note, as blocks of lines."""
    yield page.running(section.title, style=_HEADLINE)
    for part in section.parts:
        yield list(_table(page, part)) if isinstance(part, Table) else _calculation(page, part)
    yield page.running(section.note) if section.note else []


def _calculation(page: _Page, calculation: Calculation) -> list[str]:
    """Align what is worked out and how; where the page is narrow, how goes underneath."""
    labels = [printable(step.label) for step in calculation.steps]
    width = max(map(cell_len, labels), default=0)
    start = " " * (len(_INDENT) + width + len(_GAP))
    room = page.room(start)
    workings = [printable(working_text(step)) for step in calculation.steps]
    needed = [_room_needed(step, working) for step, working in zip(calculation.steps, workings, strict=True)]
    beside = room is None or room >= max(needed, default=0)
    lines = page.running(calculation.title, style=_STRONG) if calculation.title else []
    for step, label, working in zip(calculation.steps, labels, workings, strict=True):
        indent = start if beside else 2 * _INDENT
        folded = [indent + working] if step.verbatim else page.running(working, indent=indent, style=_PLAIN)
        if beside:
            folded[0] = _INDENT + page.cell(label, width, _FAINT) + folded[0][len(_INDENT) + width :]
            lines += folded
        else:
            lines += [*page.running(label, indent=_INDENT), *folded]
    return lines


def _room_needed(step: Step, working: str) -> int:
    """The least room beside its label that a working is put into."""
    return cell_len(working) if step.verbatim else min(_LEAST_ROOM, cell_len(working))


def _table(page: _Page, table: Table) -> Iterator[str]:
    """Title, header, rule, rows and note."""
    n_left_out = 0
    if page.is_screen and len(table.rows) > _MOST_ROWS:
        table, n_left_out = _shortened(table), len(table.rows) - _FIRST_ROWS
    columns = lanes(table, page.room(_INDENT), cell_len, len(_GAP))
    gaps = len(_GAP) * (len(columns) - 1)
    if table.title:
        yield from page.running(table.title, style=_STRONG)
    yield from _row(page, columns, [_header(page, lane) for lane in columns])
    yield _INDENT + page.paint("─" * (sum(lane.width for lane in columns) + gaps), _FAINT)
    for i, cells in enumerate(zip(*(lane.cells for lane in columns), strict=True)):
        if n_left_out and i == _FIRST_ROWS:
            yield from _left_out(page, table, n_left_out)
        folded = [page.folded(cell, lane.width) for cell, lane in zip(cells, columns, strict=True)]
        yield from _row(page, columns, [[(text, _PLAIN) for text in cell] for cell in folded])
    if n_left_out and table.worst is None:
        yield from _left_out(page, table, n_left_out)
    if table.note:
        yield ""
        yield from page.running(table.note, indent=_INDENT)


def _shortened(table: Table) -> Table:
    """The first rows, and the worst of the others."""
    first, others = table.rows[:_FIRST_ROWS], table.rows[_FIRST_ROWS:]
    if table.worst is None:
        return replace(table, rows=first)
    at = [column.key for column in table.columns].index(table.worst)
    return replace(table, rows=[*first, *nlargest(_WORST_ROWS, others, key=lambda row: _rank(row[at]))])


def _rank(value: Value) -> float:
    """A NaN is worse than any number, and nothing is better."""
    if not isinstance(value, float | int):
        return -inf
    return inf if isnan(value) else value


def _left_out(page: _Page, table: Table, n: int) -> list[str]:
    labels = {column.key: column.label for column in table.columns}
    worst = f"; the worst of these by {labels[table.worst]}:" if table.worst else ""
    return page.running(f"… {n:,} more rows, which a pipe and -o FILE have all{worst}", indent=_INDENT)


def _header(page: _Page, lane: Lane) -> list[tuple[str, str]]:
    """The label, and the unit directly under it."""
    whole = lane.label if cell_len(lane.label) <= lane.width else breakable(lane.label)
    label = [(text, _STRONG) for text in page.folded(whole, lane.width)]
    return label + [(text, _FAINT) for text in page.folded(lane.unit, lane.width) if text]


def _row(page: _Page, columns: Sequence[Lane], cells: Sequence[Sequence[tuple[str, str]]]) -> Iterator[str]:
    """Write one row, over several lines where a cell had to be folded."""
    for line in zip_longest(*cells, fillvalue=("", _PLAIN)):
        padded = [
            page.cell(text, lane.width, style, right=lane.right)
            for lane, (text, style) in zip(columns, line, strict=True)
        ]
        yield (_INDENT + _GAP.join(padded)).rstrip()
