"""The head of a page: what it is about, the number, what it means, and what else there is."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.strip import draw_strip
from nllcli.outputs.drawing.svg import svg
from nllcli.outputs.drawing.tree import Child, h
from nllcli.outputs.numbers import metric_texts, metric_unit, texts
from nllcli.outputs.page.numbers import number
from nllcli.report import Metric, Report, Strip

_SCHEMES = ("Auto", "Light", "Dark")
_OF_LOSSES = ("nats", "bits")
_STRIP = {"l": 560.0, "s": 320.0}  # its widths, by the class that a style sheet shows


def top(report: Report) -> Element:
    """What wrote the page, and the switch of its colours."""
    choices = [
        h("label", h("input", type="radio", name="scheme", id=f"scheme-{word.lower()}", checked=is_first), word)
        for word, is_first in zip(_SCHEMES, ("", None, None), strict=True)
    ]
    switch = h("fieldset", h("legend", "Colours", class_="hidden"), *choices, class_="switch")
    return h("div", h("p", h("b", "nll"), f" {report.command}"), switch, class_="top")


def head(report: Report) -> list[Element]:
    """The title, the number on a line, the other numbers, and the warnings."""
    shown = [metric for metric in report.metrics if not metric.hidden]
    written = list(zip(shown, metric_texts(shown), strict=True))
    headline = next((i for i, metric in enumerate(shown) if metric.headline and metric.value is not None), None)
    first = [] if headline is None else [_headline(*written.pop(headline))]
    second = [] if report.strip is None else [_strip(report.strip)]
    found = [_title(report.title)]
    if first or second:
        found.append(h("div", *first, *second, class_="headline"))
    if written:
        found.append(h("dl", *(_tile(metric, text) for metric, text in written), class_="tiles"))
    if report.warnings:
        listed = [h("li", notice.message) for notice in report.warnings]
        found.append(h("section", h("h2", "Warnings"), h("ul", *listed), class_="warnings"))
    return found


def contents(entries: Sequence[tuple[str, str]]) -> Element | None:
    """The list of what the page has, each by its place and its heading; None where that is little."""
    if len(entries) < 2:
        return None
    listed = [h("li", h("a", heading, href=f"#{place}")) for place, heading in entries]
    return h("nav", h("ul", *listed), aria_label="On this page", class_="contents")


def _title(title: str) -> Element:
    """The title, what it is of set large."""
    kind, of, name = title.partition(" of ")
    if not of:
        return h("h1", h("span", h("bdi", title), class_="name"))
    return h("h1", h("span", kind + of.rstrip(), class_="kind"), " ", h("span", h("bdi", name), class_="name"))


def _headline(metric: Metric, text: str) -> Element:
    unit = metric_unit(metric)
    look = "value words" if isinstance(metric.value, str) else "value lost" if unit in _OF_LOSSES else "value"
    value = h("p", number(metric.value, text), h("span", f" {unit}", class_="unit") if unit else None, class_=look)
    note = metric.note and f"{metric.label}, {metric.note}"
    return h("div", value, h("p", note or metric.label, class_="note"))


def _tile(metric: Metric, text: str) -> Element:
    under: list[Child] = [part for part in (metric_unit(metric), metric.note) if part]
    if len(under) == 2:
        under.insert(1, ", ")
    note = h("dd", *under, class_="note") if under else None
    return h("div", h("dt", metric.label), h("dd", number(metric.value, text)), note)


def _strip(strip: Strip) -> Element:
    """The number on its line, for a page that is wide and for one that is not."""
    says = _said(strip)
    drawn = [
        svg(
            width,
            lambda canvas: draw_strip(canvas, strip),
            class_=look,
            role="img",
            aria_label=says,
            display=None if look == "l" else "none",
        )
        for look, width in _STRIP.items()
    ]
    return h("div", *drawn, class_="strip")


def _said(strip: Strip) -> str:
    value, low, high = texts("number", [strip.value, strip.low, strip.high])
    says = f"{value} on a line from {low} ({strip.low_label}) to {high} ({strip.high_label})"
    if strip.interval is not None:
        start, end = texts("number", [*strip.interval])
        says += f", interval {start} to {end}"
    return f"{says}: {strip.says}" if strip.says else says
