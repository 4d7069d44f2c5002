"""Labels of groups that are written out: in text, in a column of a table, in an array of strings."""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.dataset import nothing
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, Remedy, UsageError
from nllcli.inputs.bytes.files import STANDARD_INPUT
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.groups.integers import whole_numbers
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.cells import is_missing, is_number, shown
from nllcli.inputs.tables.columns import find_column, is_numeric, kind_of
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.target_columns import TextColumn
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.arrays.raw import RawArray
    from nllcli.inputs.formats import Input
    from nllcli.inputs.tables.columns import Preview

_PIECE_SAMPLES = 1 << 15
_MISSING = -1
_MOST_OFFERED = 8


@dataclass(frozen=True)
class TextLabels:
    """Labels by their places among those that are ``distinct``, (n,) int32 in file order of the logits, as ``Labels``.

    ``row`` says where one is in the words of its file; None where the samples' own places are those. ``one_more`` makes
    the remedy where there is one too many.
    """

    name: str
    places: NDArray[np.int32]
    distinct: Sequence[str]
    row: Callable[[int], str] | None = None
    notes: tuple[Notice, ...] = ()
    one_more: Callable[[], Remedy | None] = nothing
    counts_on: bool = False

    @property
    def n(self) -> int:
        return len(self.places)

    @property
    def n_runs(self) -> int:
        return int(np.count_nonzero(self.places[1:] != self.places[:-1])) + (self.n > 0)

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        return self.places[start : start + n].astype(np.int64)

    def place(self, sample: int, layout: Layout) -> str:
        return layout.place(sample) if self.row is None else self.row(sample)


@dataclass
class GroupReader(LabelReader):
    """Reads labels of any text as their ``places`` among those that are distinct, a missing one as ``_MISSING``."""

    classes: tuple[str, ...] | None = ()
    numeric: bool = False
    what: str = ""
    ignore_index: int = _MISSING
    missing: str = "ignore"
    places: dict[str, int] = field(default_factory=dict, init=False)

    def notes(self, name: str) -> tuple[Notice, ...]:
        told = f"{name}: whole numbers in {self.what} are taken as labels of groups"
        return (Notice("groups-as-floats", told),) * self.fractions

    def read(self, labels: Sequence[str | None], where: Callable[[int], str]) -> NDArray[Any]:
        words = ["" if label is None else label.strip() for label in labels]
        places = self.places
        for word in dict.fromkeys(words):
            if word not in places:
                if word and is_missing(word):
                    message, hint = f"label {shown(word)} is a word for a missing one", "a group needs another name"
                    raise DataError(message, where=where(words.index(word)), hint=hint)
                places[word] = len(places) if word else _MISSING
        return np.fromiter(map(places.__getitem__, words), np.int32, len(words))

    def take_distinct(self) -> list[str]:
        """The labels that were read, of which the reader keeps none."""
        distinct = list(self.places)
        self.places.clear()
        return distinct

    def is_missing(self, label: str | None) -> bool:
        return label is None

    def renumbered(self, values: NDArray[np.int64], where: Callable[[int], str]) -> NDArray[np.int64]:
        distinct, places = np.unique(values, return_inverse=True)
        found: NDArray[np.int64] = self.read(list(map(str, distinct.tolist())), where)[places]
        return found

    def of_numbers(self, values: NDArray[np.float64], where: Callable[[int], str]) -> NDArray[np.int64]:
        self.fractions = True
        return self.renumbered(whole_numbers(values, where), where)

    def of_booleans(self, values: NDArray[np.bool_]) -> NDArray[np.int64]:
        return self.renumbered(values.astype(np.int64), str)


def with_places(labels: TextLabels, places: NDArray[np.int32]) -> TextLabels:
    """The same labels for other samples, which need not have all of them."""
    kept = np.unique(places)
    distinct = [labels.distinct[place] for place in kept.tolist()]
    return replace(labels, places=np.searchsorted(kept, places).astype(np.int32), distinct=distinct, row=None)


def read_column(
    opened: Input,
    preview: Preview | None,
    key: str | None = None,
    take_keys: Callable[[Block], None] = lambda _: None,
) -> TextLabels:
    """The labels in a table of one column, or in the one that is named; ``take_keys`` is given every block."""
    reader = GroupReader()
    source = _table(opened, preview, key, reader)
    if not source.labels:
        raise DataError("has several values a sample; a group has one label", where=source.name)
    layout = Layout(source.shape, 1)
    parts = [np.empty(0, np.int32)]
    for chunk in source.chunks(layout, _PIECE_SAMPLES):
        block = chunk.load(Scratch())
        assert block.targets is not None
        _check_empty(block.targets, partial(_where, source, layout, block.start))
        parts.append(block.targets.astype(np.int32, copy=False))
        take_keys(block)
    places = np.concatenate(parts)
    row, one_more = partial(source.place, layout=layout), getattr(source, "one_more", nothing)
    return TextLabels(source.name, places, reader.take_distinct(), row, source.notes, one_more)


def _where(source: BlockSource, layout: Layout, start: int, i: int) -> str:
    return f"{source.name}, {source.place(start + i, layout)}"


def _table(opened: Input, preview: Preview | None, key: str | None, reader: GroupReader) -> BlockSource:
    options = ReadOptions(
        holds="targets",
        member=opened.member,
        key=key,
        missing=reader.missing,
        ignore_index=reader.ignore_index,
        reader=reader,
    )
    if preview is None:
        return opened.read(options)
    if opened.is_text and opened.member is None and key is None and _are_lines(preview):
        return _lines(opened, reader)
    return opened.read(replace(options, target_column=opened.member or _only_column(preview, key)))


def _are_lines(preview: Preview) -> bool:
    """Whether the lines of a text are labels: blanks part the words of a label, unless these are all numbers."""
    return preview.n_columns == 1 or (preview.delimiter == " " and not _are_numbers(preview.rows))


def _are_numbers(rows: Sequence[Sequence[str]]) -> bool:
    return all(is_number(cell) for row in rows for cell in row)


def _lines(opened: Input, reader: GroupReader) -> TextColumn:
    """Text of a label a line; a first line is a header where numbers alone follow it."""
    dialect, notes = sniff(opened.stream), []
    if dialect.header is not None:
        if _are_numbers(dialect.rows):
            told = f"{dialect.name}: the first line, {shown(dialect.header[0].strip())}, is a header"
            notes.append(Notice("groups-header", told))
        else:
            dialect = replace(dialect, header=None)
    return TextColumn(
        stream=opened.stream,
        label_reader=reader,
        opening_notes=tuple(notes),
        dialect=dialect,
        columns=[],
        label_column=0,
    )


def _only_column(preview: Preview, key: str | None) -> str:
    """The one column beside an index and the key; raises UsageError that asks which it is."""
    without = {*preview.index, *(() if key is None else [find_column(key, preview)])}
    columns = [c for c in range(preview.n_columns) if c not in without]
    if len(columns) == 1:
        return preview.heading(columns[0])
    likely = [] if preview.name == STANDARD_INPUT else [c for c in columns if _may_be_labels(preview, c)]
    likely.sort(key=lambda c: _differ(preview.cells(c)))  # a key comes last
    named = [(f"{preview.name}:{preview.heading(c)}", preview.heading(c)) for c in likely[:_MOST_OFFERED]]
    remedies = [Remedy({"groups": path}, f"{heading} has the groups") for path, heading in named]
    message = f"has {len(columns)} columns; which of them has the groups?"
    raise UsageError(message, where=preview.name, remedies=remedies)


def _may_be_labels(preview: Preview, column: int) -> bool:
    """Whether a column has neither fractions nor lists."""
    if kind_of(preview, column) in ("list", "missing"):
        return False
    return not any(is_numeric(cell) and float(cell) % 1 for cell in preview.cells(column))


def _differ(cells: Sequence[object]) -> bool:
    return len(set(map(str, cells))) == len(cells)


def read_strings(array: RawArray, layout: Layout) -> TextLabels:
    """The labels in an array of strings or UTF-8, brought into the order of the ``layout``."""
    reader, parts = GroupReader(), [np.empty(0, np.int32)]
    for start in range(0, array.n, _PIECE_SAMPLES):
        values = array.read(start, min(_PIECE_SAMPLES, array.n - start))
        try:
            words = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
        except ValueError as error:
            raise DataError(f"its text is damaged: {str(error)[:120]}", where=array.name) from error
        found = reader.read(words.tolist(), lambda i, at=start: f"{array.name}, index {at + i}")  # type: ignore[misc]
        _check_empty(found, lambda i, at=start: f"{array.name}, index {at + i}")  # type: ignore[misc]
        parts.append(found)
    shape = [n or 0 for n in array.shape]
    places = np.concatenate(parts).reshape(shape, order="F" if array.fortran else "C")
    return TextLabels(array.name, layout.to_file_order(places), reader.take_distinct())


def _check_empty(places: NDArray[Any], where: Callable[[int], str]) -> None:
    """Raise DataError at the first label that is missing."""
    empty = np.flatnonzero(places == _MISSING)
    if empty.size:
        raise DataError("the label is empty", where=where(int(empty[0])))
