"""The head of a report as a piece of a page that has a style of its own, such as a notebook."""

from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.palette import COLOURS
from nllcli.outputs.drawing.strip import draw_strip
from nllcli.outputs.drawing.svg import draw_all, svg
from nllcli.outputs.drawing.tree import h, html
from nllcli.outputs.numbers import metric_texts, metric_unit
from nllcli.outputs.page.numbers import number, sentence
from nllcli.report import Metric, Picture, Report

_WIDTH = 500.0
_GROUND = f"background:{COLOURS['paper'][0]};color:{COLOURS['ink'][0]};padding:12px;max-width:{_WIDTH + 24:g}px"
_LARGE = "font-size:200%;font-weight:bold;margin:0"
_NAME = "text-align:left"
_NUMBER = "text-align:right;font-variant-numeric:tabular-nums"


def fragment(report: Report) -> str:
    """Return the number of ``report`` on its line, the others in a table, and the first picture that is drawn.

    Colours are attributes, light ones on a ground of their own: no style sheet is asked for, and none is changed.
    """
    shown = [metric for metric in report.metrics if not metric.hidden]
    written = list(zip(shown, metric_texts(shown), strict=True))
    first = [_headline(*each) for each in written if each[0].headline]
    rows = [_row(*each) for each in written if not each[0].headline]
    strip = report.strip
    line = None if strip is None else svg(_WIDTH, lambda canvas: draw_strip(canvas, strip))
    drawn = next((_picture(each) for each in report.pictures if each.drawings), None)
    warnings = [h("li", notice.message) for notice in report.warnings]
    listed = h("ul", *warnings) if warnings else None
    title = h("p", h("bdi", report.title), style="margin:0")
    return html(h("div", title, *first, line, listed, h("table", h("tbody", *rows)), drawn, style=_GROUND))


def _headline(metric: Metric, text: str) -> Element:
    return h("p", number(metric.value, text), f" {metric_unit(metric)}".rstrip(), style=_LARGE)


def _row(metric: Metric, text: str) -> Element:
    note = ", ".join(part for part in (metric_unit(metric), metric.note) if part)
    return h(
        "tr", h("th", metric.label, style=_NAME), h("td", number(metric.value, text), style=_NUMBER), h("td", note)
    )


def _picture(picture: Picture) -> Element:
    answer = h("p", *sentence(picture.answer))
    drawing = svg(_WIDTH, lambda canvas: draw_all(canvas, picture.drawings), role="img", aria_label=picture.question)
    return h("div", h("p", h("b", picture.question)), answer, drawing)
