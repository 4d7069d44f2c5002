"""A heat map: named rows and columns, cells as strong as what they count."""

from nllcli.drawing import Cell, Heat
from nllcli.outputs.drawing.canvas import Canvas, Spot
from nllcli.outputs.drawing.letters import LINE, shortened, width_of
from nllcli.outputs.drawing.marks import titled
from nllcli.outputs.drawing.palette import fill
from nllcli.outputs.drawing.shades import strength, text_colour
from nllcli.outputs.drawing.tree import h

_NAMES = 0.26  # the most that the names of rows take of the width
_TURNED = 90.0  # the most that names of columns take of the height, where they have no room side by side
_TALLEST, _LOWEST = 30.0, 17.0  # cells; no lower than a line of text
_GAP = 1.0


def draw_heat(canvas: Canvas, heat: Heat) -> None:
    """Draw a heat map below what is there: what is, row by row, and what it was taken for."""
    row_label, *names = (shortened(text, canvas.width * _NAMES) for text in (heat.row_label, *heat.rows))
    left = 8 + max(map(width_of, (row_label, *names)))
    width = (canvas.width - left - 2) / max(1, len(heat.columns))
    height = min(_TALLEST, max(_LOWEST, width))
    column_label = shortened(heat.column_label, canvas.width - left)
    canvas.write(column_label, Spot(left + width * len(heat.columns) / 2, canvas.height + 12))
    canvas.height += LINE
    canvas.height += _write_columns(canvas, heat, left, width)
    canvas.write(row_label, Spot(left - 6, canvas.height - 5, "end"))
    top = canvas.height
    _draw_ground(canvas, heat, left, width, height)
    for i, name in enumerate(names):
        canvas.write(name, Spot(left - 6, top + height * (i + 0.5) + 4, "end"), colour="ink")
    for cell in heat.cells:
        _draw_cell(canvas, heat, cell, left + cell.column * width, top + cell.row * height, width, height)
    canvas.height = top + height * len(heat.rows) + 8


def _write_columns(canvas: Canvas, heat: Heat, left: float, width: float) -> float:
    """Write the names of the columns side by side, or else upwards; tell how much height they take."""
    middles = [left + width * (i + 0.5) for i in range(len(heat.columns))]
    if all(width_of(name) <= width - 3 for name in heat.columns):
        for name, x in zip(heat.columns, middles, strict=True):
            canvas.write(name, Spot(x, canvas.height + 12), colour="ink")
        return LINE + 3
    names = [shortened(name, _TURNED) for name in heat.columns]
    height = max(map(width_of, names)) + 8
    every = max(1, -int(-14 // width))  # names closer than a line of text would touch
    for name, x in list(zip(names, middles, strict=True))[::every]:
        canvas.write(name, Spot(x + 4, canvas.height + height - 4, "start"), colour="ink", turned=True)
    return height


def _draw_ground(canvas: Canvas, heat: Heat, left: float, width: float, height: float) -> None:
    """The field, and grey where a row meets the column of its own name."""
    top, n_rows, n_columns = canvas.height, len(heat.rows), len(heat.columns)
    canvas.add(h("rect", x=left, y=top, width=width * n_columns, height=height * n_rows, **fill("faint")))
    if heat.rows == heat.columns:
        group = h("g", **fill("grid"))
        for i in range(n_rows):
            size = {"width": width - _GAP, "height": height - _GAP}
            group.append(h("rect", x=left + i * width, y=top + i * height, **size))
        canvas.add(group)


def _draw_cell(canvas: Canvas, heat: Heat, cell: Cell, x: float, y: float, width: float, height: float) -> None:
    opacity = f"{strength(cell.depth):.2f}"
    size = {"width": width - _GAP, "height": height - _GAP}
    canvas.add(titled(h("rect", x=x, y=y, **size, fill_opacity=opacity, **fill(heat.tone)), cell.title))
    if cell.text and width_of(cell.text) <= width - 2:
        canvas.write(cell.text, Spot(x + width / 2, y + height / 2 + 4), colour=text_colour(cell.depth))
