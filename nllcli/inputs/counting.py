"""How often each class occurs among the targets of a file, read piece by piece."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, SampleError
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.arrays.streamed import StreamedArray
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.opening import open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import open_table
from nllcli.inputs.targets import REMEDY, as_indices, check_indices, has_own_index, open_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.tables.dialect import Dialect
    from nllcli.inputs.targets import TextColumn

    # Class indices that follow each other, and where the i-th of them is.
    _Piece = tuple[NDArray[np.int64], Callable[[int], str]]

_PIECE_SAMPLES = 1 << 18


def count_targets(path: str, class_names: Sequence[str] | None = None) -> tuple[list[int], tuple[str, ...] | None]:
    """How often each class occurs among the targets of a file, and the classes' names where they are known.

    Names without ``class_names`` are counted in alphabetical order.
    """
    classes = None if class_names is None else tuple(class_names)
    opened = open_input(path)
    if not opened.is_text:
        source = opened.read(ReadOptions(of_targets=True, classes=classes))
        pieces = _of_array(source) if isinstance(source, RawArray | StreamedArray) else _of_table(source)
        return _count(pieces, classes, path)
    dialect = sniff(opened.stream, remedy=REMEDY)
    if classes is None and dialect.n_columns == 1 and not cells.is_number(dialect.first_row[0]):
        return _count_names(opened.stream, dialect)
    return _count(_of_text(opened.stream, dialect, classes), classes, path)


def _count_names(stream: ByteStream, dialect: Dialect) -> tuple[list[int], tuple[str, ...]]:
    counter = Counter(open_column(stream, dialect, None).labels())
    stream.check_unchanged()
    names = tuple(sorted(counter))
    return [counter[name] for name in names], names


def _of_array(source: RawArray | StreamedArray) -> Iterator[_Piece]:
    """The values in file order, whatever the shape."""
    check_indices(source)
    for chunk in source.chunks(Layout((source.n_values, 1), 1), _PIECE_SAMPLES):
        values = chunk.load(Scratch()).logits[:, 0]
        try:
            yield as_indices(values, chunk.start), partial(_place, source, chunk.start)
        except SampleError as error:
            raise DataError(error.message, where=_place(source, 0, error.samples[0])) from error


def _place(source: RawArray | StreamedArray, start: int, i: int) -> str:
    layout = Layout((*source.shape, 1), len(source.shape), fortran=source.fortran)
    return f"{source.name}, {layout.place(start + i)}"


def _of_table(source: BlockSource) -> Iterator[_Piece]:
    layout = Layout(source.shape, 1)
    for chunk in source.chunks(layout, _PIECE_SAMPLES):
        targets = chunk.load(Scratch()).targets
        if targets is not None:
            yield targets, partial(_row, source, layout, chunk.start)


def _row(source: BlockSource, layout: Layout, start: int, i: int) -> str:
    return f"{source.name}, {source.place(start + i, layout)}"


def _of_text(stream: ByteStream, dialect: Dialect, classes: tuple[str, ...] | None) -> Iterator[_Piece]:
    if has_own_index(dialect):
        yield from _of_table(open_table(stream, dialect, ReadOptions(target_column="2", classes=classes)))
        return
    column = open_column(stream, dialect, classes)
    row = 0
    for n, values in column.indices(LabelReader(classes, column.numeric)):
        yield values, partial(_line, column, row)
        row += n
    stream.check_unchanged()


def _line(column: TextColumn, row: int, i: int) -> str:
    return column.where(row + i)


def _count(
    pieces: Iterator[_Piece], classes: tuple[str, ...] | None, path: str
) -> tuple[list[int], tuple[str, ...] | None]:
    counts = np.zeros(0 if classes is None else len(classes), np.int64)
    for values, place in pieces:
        _check(values, classes, place)
        found = np.bincount(values, minlength=len(counts))
        found[: len(counts)] += counts
        counts = found
    if not counts.any():
        raise DataError("has no targets to count", where=path)
    return counts.tolist(), classes


def _check(values: NDArray[Any], classes: tuple[str, ...] | None, place: Callable[[int], str]) -> None:
    """Raise DataError at the first value that is no class."""
    n_classes = MOST_CLASSES if classes is None else len(classes)
    outside = np.flatnonzero((values < 0) | (values >= n_classes))
    if not outside.size:
        return
    first = int(outside[0])
    value = int(values[first])
    if classes is None and value >= 0:
        raise DataError(f"target {value} would make {value + 1} classes", where=place(first))
    upper = " and up" if classes is None else f"..{n_classes - 1}"
    raise DataError(f"target {value} is outside 0{upper}", where=place(first))
