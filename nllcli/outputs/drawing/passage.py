"""A passage as a drawing of its own: text of letters that are all as wide, each piece on its colour."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from nllcli.drawing import Passage, Piece
from nllcli.outputs.drawing.canvas import Canvas, Spot
from nllcli.outputs.drawing.letters import LINE, SIZE, columns_of, shortened, width_of
from nllcli.outputs.drawing.marks import titled
from nllcli.outputs.drawing.palette import fill
from nllcli.outputs.drawing.shades import strength, text_colour
from nllcli.outputs.drawing.tree import h
from nllcli.outputs.formats import printable

_FONTS = "ui-monospace, 'Liberation Mono', 'DejaVu Sans Mono', Consolas, monospace"
_LETTER = 0.61 * SIZE
_ROW = 21.0
TONE = "loss"


def draw_passage(canvas: Canvas, passage: Passage) -> None:
    """Draw running text below what is there, above it what its colours mean."""
    if passage.label:
        canvas.write(shortened(passage.label, canvas.width), Spot(0, canvas.height + 12, "start"))
        canvas.height += LINE + 4
    x = 0.0
    for text, depth in passage.key:
        width = width_of(text) + 12
        canvas.add(_ground(x, canvas.height, width, depth))
        canvas.write(text, Spot(x + 6, canvas.height + 14, "start"), colour=text_colour(depth))
        x += width + 2
    canvas.height += _ROW + 8 if passage.key else 0
    column, n_columns = 0, int(canvas.width // _LETTER)
    for piece in passage.pieces:
        for text, ends in _lines(piece, n_columns):
            if column and column + columns_of(text) > n_columns:
                column, canvas.height = 0, canvas.height + _ROW
            _write(canvas, piece, text, column * _LETTER)
            column += columns_of(text)
            if ends:
                column, canvas.height = 0, canvas.height + _ROW
    canvas.height += _ROW + 6


def _lines(piece: Piece, most: int) -> Iterator[tuple[str, bool]]:
    """The text of a piece in runs that fit a line, each with whether the text goes on in the next one."""
    lines = piece.text.split("\n")
    for i, line in enumerate(lines):
        run = ""
        for letter in printable(line):
            if columns_of(run + letter) > most:
                yield run, False
                run = ""
            run += letter
        if run:
            yield run, False
        if i < len(lines) - 1:
            yield "", True


def _ground(x: float, y: float, width: float, depth: float) -> Element:
    return h("rect", x=x, y=y, width=width, height=_ROW - 1, fill_opacity=f"{strength(depth):.2f}", **fill(TONE))


def _write(canvas: Canvas, piece: Piece, text: str, x: float) -> None:
    width = columns_of(text) * _LETTER
    canvas.add(titled(_ground(x, canvas.height, width, piece.depth), piece.title))
    if text.strip():
        look = fill(text_colour(piece.depth)) | {"textLength": width, "lengthAdjust": "spacingAndGlyphs"}
        canvas.add(h("text", text, x=x, y=canvas.height + 14, font_family=_FONTS, **look))
