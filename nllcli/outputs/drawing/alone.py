"""A picture as a drawing of its own: question, answer, what the colours mean, and the drawings."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.canvas import Canvas, Spot
from nllcli.outputs.drawing.letters import CONVERTED_FONTS, FONTS, SIZE, shortened, width_of, wrapped
from nllcli.outputs.drawing.marks import swatch
from nllcli.outputs.drawing.palette import by_scheme, fill, without_classes
from nllcli.outputs.drawing.svg import draw_all, framed
from nllcli.outputs.drawing.tree import h, put
from nllcli.outputs.sentences import emphasised, sentence_text
from nllcli.report import Picture

_WIDE, _WIDTH = 1040.0, 640.0
_QUESTION, _ANSWER = 20.0, 15.0  # sizes of letters
_MARGIN = 24.0
_MOST = 90 * 8.0  # pixels of a line of text


def alone(picture: Picture, *, follows_scheme: bool) -> Element:
    """The drawing, whose colours follow the reader's scheme, or which is plainly light, for what knows none."""
    canvas = Canvas(_WIDE if picture.wide else _WIDTH)
    _write_lines(canvas, wrapped(picture.question, canvas.width, _QUESTION), _QUESTION, strong=True)
    _write_answer(canvas, [word for text, strong in emphasised(picture.answer) for word in _words(text, strong)])
    _draw_key(canvas, picture)
    canvas.height += 12
    draw_all(canvas, picture.drawings)
    if picture.reading:
        canvas.height += 8
        _write_lines(canvas, wrapped(picture.reading, min(_MOST, canvas.width)), SIZE, strong=False)
    ground = h("rect", width=canvas.width + 2 * _MARGIN, height=canvas.height + 2 * _MARGIN, **fill("paper"))
    inner = h("g", *canvas.elements(), transform=f"translate({_MARGIN:.0f} {_MARGIN:.0f})")
    canvas.width, canvas.height = canvas.width + 2 * _MARGIN, canvas.height + 2 * _MARGIN
    told = [h("title", picture.question), h("desc", sentence_text(picture.answer))]
    style = [h("style", by_scheme())] if follows_scheme else []
    fonts = FONTS if follows_scheme else CONVERTED_FONTS
    found = framed(canvas, fonts, *told, *style, ground, inner, role="img")
    if not follows_scheme:
        for element in found.iter():
            without_classes(element.attrib)
    return found


def _write_lines(canvas: Canvas, lines: Sequence[str], size: float, *, strong: bool) -> None:
    for line in lines:
        spot = Spot(0, canvas.height + size, "start")
        canvas.write(line, spot, size=size, strong=strong, colour="ink" if strong else "muted")
        canvas.height += size * 1.4


def _words(text: str, strong: bool) -> list[tuple[str, bool]]:
    """The words of a piece of a sentence, each with the blank before it, and whether it is strong."""
    parts = text.split(" ")
    return [(part if i == 0 else f" {part}", strong) for i, part in enumerate(parts) if part or i]


def _write_answer(canvas: Canvas, words: Sequence[tuple[str, bool]]) -> None:
    """Write a sentence line by line, some of its words bold."""
    lines: list[list[tuple[str, bool]]] = [[]]
    width = 0.0
    for word, strong in words:
        size = width_of(word, _ANSWER, strong=strong)
        if lines[-1] and word.startswith(" ") and width + size > min(_MOST, canvas.width):
            lines.append([])
            width = 0.0
        lines[-1].append((word if lines[-1] else word.lstrip(), strong))
        width += size
    for line in lines:
        canvas.height += _ANSWER * 1.45
        text = h("text", x=0.0, y=canvas.height, font_size=_ANSWER, **fill("ink"))
        for word, strong in line:
            put(text, h("tspan", word, font_weight="bold") if strong else word)
        canvas.add(text)


def _draw_key(canvas: Canvas, picture: Picture) -> None:
    """What the colours stand for, side by side."""
    if not picture.key_of:
        return
    canvas.height += 14
    x = 0.0
    for tone, name in picture.key_of:
        mark, width = swatch(tone)
        text = shortened(name, canvas.width - width - 6)
        if x and x + width + 6 + width_of(text) > canvas.width:
            x, canvas.height = 0.0, canvas.height + 18
        canvas.add(h("g", *mark, transform=f"translate({x:.1f} {canvas.height:.1f})"))
        canvas.write(text, Spot(x + width + 6, canvas.height + 10.5, "start"))
        x += width + 6 + width_of(text) + 20
    canvas.height += 14
