"""Tables and calculations of a page, under their titles."""

from collections.abc import Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.tree import Child, h
from nllcli.outputs.numbers import working_texts
from nllcli.outputs.page.numbers import number
from nllcli.outputs.page.tables import table_of
from nllcli.report import Calculation, Section, Step, Table

Entry: TypeAlias = tuple[str, str]  # the place of a heading, and its text


def part_of_table(table: Table) -> tuple[Element, list[Entry]]:
    """A table of its own, and its heading."""
    entries = [(f"table-{table.key}", table.title)] if table.title else []
    return h("section", *_headings(entries), *table_of(table, table.title or table.key), class_="part"), entries


def part_of_section(section: Section, place: str) -> tuple[Element, list[Entry]]:
    """A section: what is in it, and its note; and its heading, or those of its parts where it has none."""
    entries = [(place, section.title)] if section.title else []
    found = _headings(entries)
    for i, part in enumerate(section.parts, 1):
        if part.title and section.title:
            found.append(h("h3", part.title))
        elif part.title:
            entries.append((f"{place}-{i}", part.title))
            found += _headings(entries[-1:])
        if isinstance(part, Table):
            found += table_of(part, part.title or section.title or part.key)
        else:
            found.append(_calculation(part))
    if section.note:
        found.append(h("p", section.note, class_="note"))
    return h("section", *found, class_="part"), entries


def _headings(entries: Sequence[Entry]) -> list[Element]:
    return [h("h2", heading, id=place) for place, heading in entries]


def _calculation(calculation: Calculation) -> Element:
    return h("dl", *(part for step in calculation.steps for part in _step(step)), class_="steps")


def _step(step: Step) -> tuple[Element, Element]:
    """What is worked out, and how."""
    parts = zip(step.working, working_texts(step), strict=True)
    shown: list[Child] = [text if isinstance(part, str) else number(part, text) for part, text in parts]
    return h("dt", step.label), h("dd", h("code", *shown) if step.verbatim else h("span", *shown))
