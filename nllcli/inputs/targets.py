"""Targets from files: one class index a sample, whatever they were written as."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, SampleError
from nllcli.inputs import cells
from nllcli.inputs.dialect import sniff
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.lines import LineNumbers, clean_lines, without_first_line
from nllcli.inputs.opening import all_blocks, at_any_place, open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.raw import FileArray, RawArray
from nllcli.inputs.text import floats_as_indices
from nllcli.model import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.inputs.files import ByteStream
    from nllcli.model import BlockSource, VectorSource


@dataclass
class RawTargets:
    """Targets in an array on disk, converted to int64 as they are read."""

    array: RawArray
    n: int

    @property
    def name(self) -> str:
        return self.array.name

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        values = np.empty(n, self.array.dtype)
        self.array.read_into(values, start)
        return as_indices(values, start)


@dataclass
class Shifted:
    """Targets moved ``k`` places back along rows of ``length``, so that position t meets the target of t + k.

    Places without a target get ``fill``.
    """

    inner: VectorSource
    k: int
    length: int
    fill: int

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def n(self) -> int:
        return self.inner.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        at = np.arange(start, start + n)
        place = at % self.length + self.k
        has_target = (place >= 0) & (place < self.length)
        low, high = max(0, start + self.k), min(self.n, start + n + self.k)
        out = np.full(n, self.fill, np.int64)
        if low < high:
            out[has_target] = self.inner.read(low, high - low)[at[has_target] + self.k - low]
        return out


def as_indices(values: NDArray[Any], start: int = 0) -> NDArray[np.int64]:
    """Integers of any width, or whole floating-point numbers, as int64; raises SampleError for anything else."""
    if values.dtype == np.int64:
        return values
    if values.dtype.kind == "f":
        wide = values.astype(np.float64)
        whole = cells.integers(wide)
        if whole is not None:
            return whole
        raise _no_index(values, ~cells.is_index(wide), start)
    if values.dtype.kind == "u" and values.dtype.itemsize == 8 and (values > np.iinfo(np.int64).max).any():
        raise _no_index(values, values > np.iinfo(np.int64).max, start)
    return values.astype(np.int64)


def _no_index(values: NDArray[Any], wrong: NDArray[np.bool_], start: int) -> SampleError:
    i = int(np.flatnonzero(wrong)[0])
    return SampleError(f"target {values[i]!s} is no class index", culprit="targets", samples=(start + i,))


@dataclass(frozen=True)
class _Column:
    """A text file of one column: its pieces of lines and what the first two lines tell."""

    name: str
    pieces: Iterator[bytes]
    numbers: LineNumbers
    header: str | None
    numeric: bool

    def where(self, row: int) -> str:
        return f"{self.name}, line {self.numbers.of(row + (self.header is not None))}"

    @property
    def notes(self) -> tuple[Notice, ...]:
        if self.header is None:
            return ()
        return (Notice("targets-header", f"{self.name}: the first line, {cells.shown(self.header)}, is a header"),)

    def _label(self, line: str, where: str) -> str:
        return next(iter(cells.split(line, "\t", where)), "").strip()

    def cells(self) -> Iterator[tuple[int, bytes, list[str]]]:
        """Every piece as (first row, text, cells); the cells are cut only where the text is not plain numbers."""
        row = 0
        for piece in self.pieces:
            lines = [] if self.numeric else piece.decode("utf-8", "replace")[:-1].split("\n")
            yield row, piece, [self._label(line, self.where(row + i)) for i, line in enumerate(lines)]
            row += piece.count(b"\n")


def _open_column(stream: ByteStream, classes: Sequence[str] | None) -> _Column:
    dialect = sniff(stream)
    if dialect.n_columns != 1:
        raise DataError(f"has {dialect.n_columns} columns; targets have one", where=stream.name)
    second = dialect.first_row[0].strip()
    header = dialect.header[0].strip() if dialect.header else None
    if (
        header is not None
        and not cells.is_number(second)
        and (not classes or header in classes or second not in classes)
    ):
        header = None  # names all the way down
    numbers = LineNumbers()
    pieces = clean_lines(stream.read, numbers, stream.name)
    if header is not None:
        pieces = without_first_line(pieces)
    return _Column(stream.name, pieces, numbers, header, cells.is_number(second))


def read_text_targets(
    stream: ByteStream, classes: tuple[str, ...] | None
) -> tuple[NDArray[np.int64], tuple[Notice, ...]]:
    """One target a line, integers or names of ``classes``; a first line that is neither is a header."""
    column = _open_column(stream, classes)
    reader = LabelReader(classes, column.numeric)
    parts = []
    fractions = False
    for row, piece, labels in column.cells():
        where = _from_row(column, row)
        plain = cells.parse_plain(piece, piece.count(b"\n"), 1, ",") if column.numeric else None
        if plain is not None:
            fractions = fractions or b"." in piece
            parts.append(reader.of_numbers(plain[:, 0], where))
        else:
            parts.append(reader.read(labels or piece.decode("utf-8", "replace")[:-1].split("\n"), where))
    stream.check_unchanged()
    notes = column.notes + ((floats_as_indices(stream.name, "text"),) if fractions else ())
    return np.concatenate(parts) if parts else np.empty(0, np.int64), notes


def read_labels(source: BlockSource) -> NDArray[np.int64]:
    """The targets that a table brings with it."""
    parts = [block.targets for block in all_blocks(source) if block.targets is not None]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _from_row(column: _Column, row: int) -> Callable[[int], str]:
    return lambda i: column.where(row + i)


def count_targets(path: str, class_names: Sequence[str] | None = None) -> tuple[list[int], tuple[str, ...] | None]:
    """How often each class occurs among the targets of a file, and the classes' names where they are known.

    Names without ``class_names`` are counted in alphabetical order.
    """
    classes = None if class_names is None else tuple(class_names)
    opened = open_input(path)
    if not opened.is_text:
        source = opened.read(ReadOptions(of_targets=True, classes=classes))
        if isinstance(source, FileArray):
            return _count_indices(_flat_indices(at_any_place(source)), classes, path)
        return _count_indices(read_labels(source), classes, path)
    column = _open_column(opened.stream, classes)
    if column.numeric or classes is not None:
        reader = LabelReader(classes, column.numeric)
        lines = ((row, labels or piece.decode()[:-1].split("\n")) for row, piece, labels in column.cells())
        parts = [reader.read(labels, _from_row(column, row)) for row, labels in lines]
        return _count_indices(np.concatenate(parts), classes, path)
    counter = Counter(label for _, _, labels in column.cells() for label in labels)
    names = tuple(sorted(counter))
    return [counter[name] for name in names], names


def _flat_indices(array: RawArray) -> NDArray[np.int64]:
    try:
        return as_indices(array.read_all().reshape(-1))
    except SampleError as error:
        raise DataError(error.message, where=f"{array.name}, row {error.samples[0]}") from error


def _count_indices(
    values: NDArray[np.int64], classes: tuple[str, ...] | None, path: str
) -> tuple[list[int], tuple[str, ...] | None]:
    n_classes = len(classes) if classes is not None else None
    outside = values < 0 if n_classes is None else (values < 0) | (values >= n_classes)
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        upper = "" if n_classes is None else f"..{n_classes - 1}"
        raise DataError(f"target {values[i]} is outside 0{upper or ' and up'}", where=f"{path}, row {i}")
    if not values.size:
        raise DataError("has no targets to count", where=path)
    return np.bincount(values, minlength=n_classes or 0).tolist(), classes
