"""Drawings of one picture as an SVG element, for a page or as a file of its own."""

from collections.abc import Callable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element

from nllcli.drawing import Drawing, Heat, Panel, Passage
from nllcli.outputs.drawing.canvas import Canvas
from nllcli.outputs.drawing.heat import draw_heat
from nllcli.outputs.drawing.letters import FONTS, SIZE
from nllcli.outputs.drawing.palette import fill
from nllcli.outputs.drawing.panels import draw_panels
from nllcli.outputs.drawing.passage import draw_passage
from nllcli.outputs.drawing.tree import h, place


def svg(width: float, draw: Callable[[Canvas], None], **attributes: str | None) -> Element:
    """The element that holds what is drawn on so much width."""
    canvas = Canvas(width)
    draw(canvas)
    return framed(canvas, FONTS, *canvas.elements(), **attributes)


def framed(canvas: Canvas, fonts: str, *children: Element, **attributes: str | None) -> Element:
    """The element of a drawing as large as the canvas."""
    look = fill("ink") | {"class_": f"f-ink {attributes.pop('class_', None) or ''}".strip()}
    return h(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        width=canvas.width,
        height=canvas.height,
        viewBox=f"0 0 {place(canvas.width)} {place(canvas.height)}",
        font_family=fonts,
        font_size=SIZE,
        **look,
        **attributes,
    )


def draw_all(canvas: Canvas, drawings: Sequence[Drawing]) -> None:
    """Draw one below the other; panels that follow each other share their left side."""
    for kind, some in groupby(drawings, type):
        together = list(some)
        canvas.height += 10 if canvas.height else 0
        if kind is Panel:
            draw_panels(canvas, [each for each in together if isinstance(each, Panel)])
        for each in together:
            if isinstance(each, Heat):
                draw_heat(canvas, each)
            elif isinstance(each, Passage):
                draw_passage(canvas, each)
