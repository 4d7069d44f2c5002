"""The pictures of a page: a question, its answer, the drawing made for several widths, and the numbers."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from nllcli.drawing import Drawing, Passage
from nllcli.outputs.drawing.marks import swatch
from nllcli.outputs.drawing.svg import draw_all, svg
from nllcli.outputs.drawing.tree import Lines, h
from nllcli.outputs.page.numbers import sentence
from nllcli.outputs.page.tables import table_of
from nllcli.report import Picture

# The widths of a drawing by the class that a style sheet shows: on a wide page, a narrow one, and a telephone.
WIDE, HALF = {"l": 1040.0, "m": 680.0, "s": 350.0}, {"l": 500.0, "s": 350.0}
DEPTHS = 10  # colours of a passage


def picture_of(picture: Picture) -> Element:
    """One picture as a part of the page."""
    is_wide = picture.wide or not picture.drawings
    parts: list[Element | None] = [
        h("h2", picture.question, id=picture.key),
        h("p", *sentence(picture.answer), class_="answer", id=f"{picture.key}-answer"),
        key(picture),
        h("div", *_drawings(picture), class_="drawing"),
        h("p", picture.reading, class_="note reading") if picture.reading else None,
        _numbers(picture) if picture.drawings else None,
    ]
    look = "picture wide" if is_wide else "picture"
    return h("article", *parts, class_=look, aria_labelledby=picture.key)


def key(picture: Picture) -> Element | None:
    """What the colours stand for, where there is more than one."""
    if not picture.key_of:
        return None
    return h("ul", *(h("li", _swatch(tone), " ", h("bdi", text)) for tone, text in picture.key_of), class_="key")


def _swatch(tone: str) -> Element:
    shapes, width = swatch(tone)
    return h("svg", *shapes, width=width, height=12.0, aria_hidden="true")


def _drawings(picture: Picture) -> list[Element]:
    """The drawings, or the table where it is the picture."""
    if not picture.drawings:
        return table_of(picture.table, picture.question)
    found = [_passage(each) for each in picture.drawings if isinstance(each, Passage)]
    drawn = [each for each in picture.drawings if not isinstance(each, Passage)]
    if drawn:
        found += [_drawing(picture, drawn, *size) for size in (WIDE if picture.wide else HALF).items()]
    return found


def _drawing(picture: Picture, drawings: Sequence[Drawing], look: str, width: float) -> Element:
    """The drawings for one width, hidden where there is no style sheet to choose one."""
    return svg(
        width,
        lambda canvas: draw_all(canvas, drawings),
        class_=look,
        role="img",
        aria_label=picture.question,
        aria_describedby=f"{picture.key}-answer",
        display=None if look == "l" else "none",
    )


def _numbers(picture: Picture) -> Element:
    """The table of the numbers, closed."""
    summary = h("summary", "Numbers", h("span", f": {picture.question}", class_="hidden"))
    return h("details", summary, *table_of(picture.table, f"Numbers: {picture.question}"))


def _passage(passage: Passage) -> Element:
    """Text that stays text, each piece on its colour."""
    shown = [h("span", text, class_=f"d{_level(depth)}") for text, depth in passage.key]
    text = h("p", class_="passage", dir="auto")
    for piece in passage.pieces:
        text.append(h("span", Lines(piece.text), class_=f"d{_level(piece.depth)}", title=piece.title or None))
    label = h("p", passage.label, class_="note") if passage.label else None
    return h("div", label, h("p", *shown, class_="depths") if shown else None, text)


def _level(depth: float) -> int:
    return round(min(max(depth, 0.0), 1.0) * DEPTHS)
