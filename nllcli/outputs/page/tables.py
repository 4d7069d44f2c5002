"""Tables of a page: numbers with all their digits, drawings in cells, long ones shortened, each in a box of its own."""

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.small import small
from nllcli.outputs.drawing.tree import Child, h
from nllcli.outputs.numbers import writer
from nllcli.outputs.page.numbers import number
from nllcli.outputs.shortened import FIRST_ROWS, is_long, label_of_worst, shortened
from nllcli.report import DRAWN, Column, Quantity, Table

_FEW = 5  # columns, which stand close together however wide the page is


def table_of(table: Table, label: str) -> list[Element]:
    """A table called ``label`` where it is not seen, and under it how to read it."""
    whole = table.without(lambda column: column.kind == "objects")
    more = _left_out(whole) if is_long(whole) else ""
    shown = shortened(whole) if more else whole
    columns = [(column, shown.cells(i)[:]) for i, column in enumerate(shown.columns)]
    are_words = [_are_words(column, values) for column, values in columns]
    cells = [_cells(column, values) for column, values in columns]
    rows = [_row(row, are_words) for row in zip(*cells, strict=True)]
    if more and table.worst is not None:
        rows.insert(FIRST_ROWS, h("tr", h("td", more, colspan=str(len(columns)), class_="more")))
    header = h("tr", *(_heading(column, words) for (column, _), words in zip(columns, are_words, strict=True)))
    body = h("table", h("caption", label, class_="hidden"), h("thead", header), h("tbody", *rows))
    look = "scroll" if len(columns) > _FEW else "scroll narrow"
    box = h("div", body, class_=look, tabindex="0", role="group", aria_label=label)
    notes = [more if table.worst is None else "", *(column.legend for column in whole.columns), table.note]
    return [box, *(h("p", note, class_="note") for note in notes if note)]


def _left_out(table: Table) -> str:
    """How many rows are not there, and where they are."""
    more = f"{len(table.rows) - FIRST_ROWS:,} more rows, which {table.elsewhere} have all"
    worst = label_of_worst(table)
    return f"{more}; the worst of these by {worst}:" if worst else f"{more}."


def _are_words(column: Column, values: Sequence[Any]) -> bool:
    """Tell whether a column starts where its label does: numbers end there."""
    return column.kind in DRAWN or (column.kind == "text" and {*map(type, values)} != {int})


def _heading(column: Column, words: bool) -> Element:
    text = f"{column.label}, {column.unit}" if column.unit else column.label
    return _named(text, "col", None if words else "number", text)


def _row(cells: Sequence[Child], are_words: Sequence[bool]) -> Element:
    """The cells of a row, of which the first one names it."""
    looks = [None if words else "number" for words in are_words]
    name, *others = cells
    written = "".join(name.itertext()) if isinstance(name, Element) else ""
    named = _named(written, "row", looks[0], name)
    return h("tr", named, *(h("td", cell, class_=look) for cell, look in zip(others, looks[1:], strict=True)))


def _named(text: str, scope: str, look: str | None, cell: Child) -> Element:
    """A cell that names others, if it has a name."""
    return h("th", cell, scope=scope, class_=look) if text else h("td", cell, class_=look)


def _cells(column: Column, values: Sequence[Any]) -> list[Child]:
    if column.kind in DRAWN:
        return [small(column, value) for value in values]
    written = writer(column.kind, values)(values)
    plain = [value.value if isinstance(value, Quantity) else value for value in values]
    return [number(value, text) for value, text in zip(plain, written, strict=True)]
