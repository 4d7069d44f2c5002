"""The foot of a page: what made it, under which settings, and all of it for programs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from nllcli.outputs import json_text
from nllcli.outputs.drawing.tree import Lines, h
from nllcli.report import Nested, Report, Table

MOST = 1000  # rows or numbers of a list
_MOST_LETTERS = 200_000
_CLOSING = (
    "Numbers in sentences and tables carry all their digits in the value of their element. "
    "The page is one file; it runs no script and asks the network for nothing."
)


def foot(report: Report) -> Element:
    """What made the page."""
    kept, cut = _cut(report)
    parts: list[Element] = []
    if report.typed:
        parts += [h("p", "Made by:"), h("pre", h("code", report.typed), class_="wrapped", tabindex="0")]
    if report.signature:
        parts.append(h("p", "Signature: every setting that changes a number. Numbers of another are not comparable."))
        first, *others = report.signature.split("|")
        settings = [part for other in others for part in ("|", h("wbr"), other)]
        parts.append(h("pre", h("code", first, *settings), class_="wrapped", tabindex="0"))
    parts.append(_document("".join(json_text.render(kept)), cut))
    parts.append(h("p", _CLOSING, class_="note"))
    return h("footer", h("h2", "Where these numbers come from", id="source"), *parts)


def _document(text: str, cut: Sequence[str]) -> Element:
    """The JSON of the report, unless that would be most of the page."""
    if len(text) > _MOST_LETTERS:
        return h("p", "The numbers as JSON are longer than this page: the json format has them.", class_="note")
    said = f"Cut to {MOST:,} rows or numbers here: {', '.join(cut)}." if cut else ""
    document = h("pre", h("code", Lines(text)), tabindex="0", class_="json")
    note = h("p", said, class_="note") if said else None
    return h("details", h("summary", "Every number as JSON"), note, document)


def _cut(report: Report) -> tuple[Report, list[str]]:
    """A report whose lists are no longer than a page can hold, and the names of those that were."""
    tables = tuple(_shorter(table) for table in report.tables)
    pictures = tuple(replace(picture, table=_shorter(picture.table)) for picture in report.pictures)
    extra = {name: _shorter_list(value) for name, value in report.extra.items()}
    cut = [table.key for table in report.tables if len(table.rows) > MOST]
    cut += [picture.key for picture in report.pictures if len(picture.table.rows) > MOST]
    cut += [name for name, value in report.extra.items() if extra[name] is not value]
    return replace(report, tables=tables, pictures=pictures, extra=extra), cut


def _shorter(table: Table) -> Table:
    return replace(table, rows=table.rows[:MOST]) if len(table.rows) > MOST else table


def _shorter_list(value: Any) -> Any:
    """At most so many numbers of a list, or of lists in lists."""
    if isinstance(value, Nested) and len(value) * value.size > MOST:
        n = MOST // value.size
        return Nested(value.cells[: n * value.size], (n, *value.shape[1:]))
    return value[:MOST] if isinstance(value, list | tuple) and len(value) > MOST else value
