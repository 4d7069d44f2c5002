"""A report as a page for a browser: one file, without script, that asks the network for nothing."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.tree import Lines, h, html
from nllcli.outputs.page.foot import foot
from nllcli.outputs.page.head import contents, head, top
from nllcli.outputs.page.pictures import picture_of
from nllcli.outputs.page.sections import part_of_section, part_of_table
from nllcli.outputs.page.style import sheet
from nllcli.report import Report

# What the page may load and run: nothing. A browser that reads this holds it to that.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(report: Report) -> Iterator[str]:
    """Return ``report`` as an HTML page."""
    parts = [part_of_table(table) for table in report.tables if not table.hidden]
    parts += [part_of_section(section, f"section-{i}") for i, section in enumerate(report.sections, 1)]
    entries = [(picture.key, picture.question) for picture in report.pictures]
    entries += [entry for _, some in parts for entry in some]
    header = h("header", top(report), *head(report), contents(entries))
    pictures = h("div", *map(picture_of, report.pictures), class_="pictures") if report.pictures else None
    main = h("main", pictures, *(part for part, _ in parts), id="content")
    skip = h("a", "Skip to the content", href="#content", class_="skip")
    page = h("html", _head(report), h("body", skip, header, main, foot(report)), lang="en")
    yield f"<!DOCTYPE html>\n{html(page)}\n"


def _head(report: Report) -> Element:
    return h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", report.title),
        h("link", rel="icon", href="data:,"),
        h("style", Lines(sheet())),
    )
