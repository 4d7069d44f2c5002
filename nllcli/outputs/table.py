"""A report as a person reads it: the number first, what it means next to it, the tables underneath."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from nllcli.errors import counted
from nllcli.outputs.formats import printable
from nllcli.outputs.grid import GAP, INDENT, LEFT_OUT, NOTHING, cell_len, filled, table_lines
from nllcli.outputs.numbers import aligned, metric_texts, metric_unit, working_text
from nllcli.outputs.pictures import ASCII_PICTURES
from nllcli.outputs.piped import piped_lines
from nllcli.outputs.sentences import sentence_text
from nllcli.outputs.shortened import FIRST_ROWS, WORST_ROWS, is_long, label_of_worst, shortened
from nllcli.report import Calculation, Metric, Picture, Report, Section, Table, shown_signature

_PLAIN, _STRONG, _FAINT, _HEADLINE = "", "1", "2", "1;36"  # bold, dim, bold and cyan
_LEAST_ROOM = 24  # running text with less room than this next to something goes underneath it
_ASCII = str.maketrans({"–": "-", "—": "-", "−": "-", "─": "-", "×": "x", "·": ".", "…": "...", **ASCII_PICTURES})


def render(report: Report, *, width: int | None = None, colour: bool = False, unicode: bool = True) -> Iterator[str]:
    """Return ``report`` for a screen ``width`` columns wide (None: as wide as the content)."""
    page = _Page(width, colour, unicode)
    shown = [metric for metric in report.metrics if not metric.hidden]
    blocks: list[Iterable[str]] = [
        page.running(report.title, style=_STRONG),
        *_metrics(page, shown),
        *(_table(page, table) for table in report.tables if not table.hidden),
        *(lines for picture in report.pictures for lines in _picture(page, picture)),
        *(lines for section in report.sections for lines in _section(page, section)),
        _signature(page, shown_signature(report.signature)),
    ]
    pieces = _joined(blocks)
    return pieces if unicode else (piece.translate(_ASCII) for piece in pieces)


def _joined(blocks: Iterable[Iterable[str]]) -> Iterator[str]:
    """Join the lines of blocks that have some text, with an empty line between two blocks."""
    before = ""
    for lines in blocks:
        waiting, has_text = before, False
        for line in lines:
            waiting += line
            has_text = has_text or bool(line)
            if has_text:
                yield waiting
                waiting = ""
            waiting += "\n"
        if has_text:
            before = "\n\n"
    yield "\n"


class _Page(NamedTuple):
    """A screen ``width`` columns wide, or a pipe, which is as wide as the content (None)."""

    width: int | None
    colour: bool
    unicode: bool

    def paint(self, text: str, style: str) -> str:
        """Return ``text`` in ``style``, but never the blanks at its end."""
        body = text.rstrip()
        return f"\x1b[{style}m{body}\x1b[0m{text[len(body) :]}" if self.colour and body and style else text

    def running(self, text: str, *, indent: str = "", style: str = _FAINT, whole: bool = False) -> list[str]:
        """Fold ``text`` into the page at spaces, and within a word only where it is longer than a line."""
        lines = [printable(text)] if text else []
        if self.width is not None and not whole and len(indent) + cell_len("".join(lines)) > self.width:
            from rich.console import Console
            from rich.text import Text

            folded = Text(lines[0]).wrap(Console(), max(1, self.width - len(indent)), overflow="fold")
            lines = [line.plain.rstrip() for line in folded]
        return [indent + self.paint(line, style) for line in lines]


def _metrics(page: _Page, metrics: Sequence[Metric]) -> Iterator[list[str]]:
    """The number that the report is about, and then the others."""
    written = list(zip(metrics, metric_texts(metrics), strict=True))
    for headline in (True, False):
        yield _beside_notes(page, [each for each in written if each[0].headline == headline])


def _beside_notes(page: _Page, written: Sequence[tuple[Metric, str]]) -> list[str]:
    """Align label, value and unit; the note comes next to them."""
    metrics = [metric for metric, _ in written]
    labels = filled([printable(metric.label) for metric in metrics])
    units = filled([printable(metric_unit(metric)) for metric in metrics])
    rows = []
    for metric, label, value, unit in zip(metrics, labels, filled(_values(written)), units, strict=True):
        styles = (_STRONG, _HEADLINE, _HEADLINE) if metric.headline else (_PLAIN, _PLAIN, _FAINT)
        pieces = zip((label + GAP, value + " ", unit), styles, strict=True)
        rows.append((list(pieces), printable(metric.note), False))
    return _beside(page, rows, style=_FAINT)


def _signature(page: _Page, signature: str) -> list[str]:
    return _beside(page, [([("signature", _FAINT)], printable(signature), False)], style=_FAINT) if signature else []


def _values(written: Sequence[tuple[Metric, str]]) -> list[str]:
    """Write numbers point under point; words start where the numbers do."""
    shown = [NOTHING if metric.value is None else printable(text) for metric, text in written]
    is_word = [isinstance(metric.value, str) for metric, _ in written]
    numbers = iter(aligned([text for text, word in zip(shown, is_word, strict=True) if not word]))
    return [text if word else next(numbers) for text, word in zip(shown, is_word, strict=True)]


def _section(page: _Page, section: Section) -> Iterator[Iterable[str]]:
    """The title, then each part, then the note, as blocks of lines."""
    yield page.running(section.title, style=_HEADLINE)
    for part in section.parts:
        yield _table(page, part) if isinstance(part, Table) else _calculation(page, part)
    yield page.running(section.note)


def _picture(page: _Page, picture: Picture) -> Iterator[Iterable[str]]:
    """The question, the sentence that answers it, then the table of its numbers."""
    answer = page.running(sentence_text(picture.answer), indent=INDENT, style=_PLAIN)
    yield [*page.running(picture.question, style=_STRONG), *answer]
    yield _table(page, picture.brief or picture.table)


def _calculation(page: _Page, calculation: Calculation) -> list[str]:
    """Align what is worked out; how comes next to it."""
    labels = filled([printable(step.label) for step in calculation.steps])
    rows = [
        ([(label, _FAINT)], printable(working_text(step)), step.verbatim)
        for step, label in zip(calculation.steps, labels, strict=True)
    ]
    return [*page.running(calculation.title, style=_STRONG), *_beside(page, rows, style=_PLAIN)]


def _beside(page: _Page, rows: Sequence[tuple[list[tuple[str, str]], str, bool]], *, style: str) -> list[str]:
    """Put the text of each row next to its pieces, or all texts underneath where one has too little room.

    A piece comes with its style, a text with whether it stays in one piece.
    """
    lefts = [INDENT + "".join(piece for piece, _ in pieces) for pieces, _, _ in rows]
    start = " " * (max(map(cell_len, lefts), default=0) + len(GAP))
    needed = [cell_len(text) if whole else min(_LEAST_ROOM, cell_len(text)) for _, text, whole in rows]
    is_beside = page.width is None or len(start) + max(needed, default=0) <= page.width
    lines = []
    for left, (pieces, text, whole) in zip(lefts, rows, strict=True):
        right = page.running(text, indent=start if is_beside else 2 * INDENT, style=style, whole=whole)
        painted = INDENT + "".join(page.paint(*piece) for piece in pieces)
        if is_beside:
            lines += [painted + GAP + "".join(right[:1])[len(start) :], *right[1:]]
        else:
            lines += [*([painted] if len(pieces) > 1 else page.running(left.strip(), indent=INDENT)), *right]
    return [line.rstrip() for line in lines]


def _table(page: _Page, table: Table) -> Iterator[str]:
    """Title, labels, rule, rows, how to read the pictures, and note."""
    yield from page.running(table.title, style=_STRONG)
    table = table.of_text
    yield from piped_lines(table) if page.width is None else _fitting(page, page.width, table)
    for text in filter(None, [*(column.legend for column in table.columns), table.note]):
        yield from ["", *page.running(text, indent=INDENT)]


def _fitting(page: _Page, width: int, table: Table) -> list[str]:
    """What a screen has room for of the columns and rows, and how much more there is."""
    lines, n_left_out = table_lines(shortened(table) if is_long(table) else table, width, colour=page.colour)
    if not page.unicode:
        lines = [line.replace(LEFT_OUT, "~") for line in lines]  # as wide
    if is_long(table):
        worst = label_of_worst(table)
        more = f"… {len(table.rows) - FIRST_ROWS:,} more rows, which {table.elsewhere} have all"
        more += f"; the worst of these by {worst}:" if worst else ""
        at = len(lines) - (WORST_ROWS if worst else 0)
        lines[at:at] = page.running(more, indent=INDENT)
    if n_left_out:
        more = f"{counted(n_left_out, 'column')} left out: a wider screen, {table.elsewhere} have all"
        lines += ["", *page.running(more, indent=INDENT)]
    return lines
