"""A table in full, for a pipe: read once to see how wide its columns are, and once more to write its rows."""

from collections.abc import Iterator, Sequence

from nllcli.outputs.formats import printable
from nllcli.outputs.grid import GAP, INDENT, cell_len, filled, safe
from nllcli.outputs.numbers import Point, are_finite, writer
from nllcli.outputs.pictures import PICTURES, drawn
from nllcli.report import Column, Table, Value, runs


def piped_lines(table: Table) -> Iterator[str]:
    """Yield labels, rule and one line a row; of the rows, a run of lines at a time."""
    lanes = [_Lane(column, table.cells(i)) for i, column in enumerate(table.columns)]
    n_heading = 1 + any(column.unit for column in table.columns)
    headings = [lane.filled(lane.heading[:n_heading]) for lane in lanes]
    lines = list(map(GAP.join, zip(*headings, strict=True)))
    yield from ((INDENT + line).rstrip() for line in [*lines, "─" * cell_len(lines[0])])
    for run in runs(len(table.rows)):
        columns = [lane.written(run) for lane in lanes]
        yield "\n".join((INDENT + line).rstrip() for line in map(GAP.join, zip(*columns, strict=True)))


class _Lane:
    """One column: its width, and where the points of its numbers stand, which are on its right."""

    def __init__(self, column: Column, cells: Sequence[Value]) -> None:
        self.heading = [printable(column.label), printable(column.unit)]
        self._cells = cells
        self._kind = column.kind
        picture = PICTURES.get(column.kind)
        self._is_picture = picture is not None
        self._write = writer(column.kind, cells)
        self._point = Point()
        kinds: set[type] = set()
        content = picture.most if picture else 0
        for run in runs(0 if picture else len(cells)):
            values, texts, plain = self._texts(run)
            kinds |= {*map(type, values)}
            content = max([content, *map(cell_len, texts)])
            self._point.take(texts, plain=plain)
        self._is_right = not (picture or column.kind == "text") or kinds == {int}
        content = self._point.before + self._point.after if self._is_right else content
        self._width = max([content, *map(cell_len, self.heading)])

    def _texts(self, run: slice) -> tuple[Sequence[Value], list[str], bool]:
        """Some cells, what is safe to print of them, and whether all of these are plain numbers."""
        values = self._cells[run]
        return values, safe(values, self._write(values)), are_finite(values)

    def filled(self, texts: Sequence[str]) -> list[str]:
        """Bring texts to the width of the column."""
        return filled(texts, least=self._width, right=self._is_right)

    def written(self, run: slice) -> list[str]:
        """Return some cells: pictures, and numbers point under point."""
        if self._is_picture:
            return self.filled(drawn(self._kind, self._cells[run], self._width))
        _, texts, plain = self._texts(run)
        return self.filled(self._point.align(texts, plain=plain) if self._is_right else texts)
