"""Tables and calculations of a page, under their titles."""

from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.tree import Child, h
from nllcli.outputs.numbers import working_texts
from nllcli.outputs.page.numbers import number
from nllcli.outputs.page.tables import table_of
from nllcli.report import Calculation, Section, Step, Table


def part_of_table(table: Table) -> Element:
    """A table of its own."""
    heading = h("h2", table.title, id=f"table-{table.key}") if table.title else None
    return h("section", heading, *table_of(table, table.title or table.key), class_="part")


def part_of_section(section: Section, place: str) -> Element:
    """A section: what is in it, and its note."""
    found: list[Element] = [h("h2", section.title, id=place)] if section.title else []
    level = "h3" if section.title else "h2"
    for part in section.parts:
        found += [h(level, part.title)] if part.title else []
        if isinstance(part, Table):
            found += table_of(part, part.title or section.title or part.key)
        else:
            found.append(_calculation(part))
    if section.note:
        found.append(h("p", section.note, class_="note"))
    return h("section", *found, class_="part")


def _calculation(calculation: Calculation) -> Element:
    return h("dl", *(part for step in calculation.steps for part in _step(step)), class_="steps")


def _step(step: Step) -> tuple[Element, Element]:
    """What is worked out, and how."""
    parts = zip(step.working, working_texts(step), strict=True)
    shown: list[Child] = [text if isinstance(part, str) else number(part, text) for part, text in parts]
    return h("dt", step.label), h("dd", h("code", *shown) if step.verbatim else h("span", *shown))
