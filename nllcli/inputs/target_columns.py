"""Targets in text, in a column of a table, or as names: read into memory."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted
from nllcli.inputs import names as class_names
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.bytes.files import can_be_read_again
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.integers import integers
from nllcli.inputs.labels import LabelReader, label_reader
from nllcli.inputs.numbered import column_of_each_class, not_by_number
from nllcli.inputs.one_hot import one_hot_indices
from nllcli.inputs.shapes import LOGITS_FIRST, in_rows, one_hot_refusal, same_shape, shown, squeezed
from nllcli.inputs.tables import cells, doubts, notation
from nllcli.inputs.tables.columns import are_numbers, choose, find_column, is_numeric, kind_of
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import TextTable, open_table
from nllcli.inputs.targets import Targets, check_order, one_hot_note
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import Input
    from nllcli.inputs.tables.columns import Preview
    from nllcli.inputs.tables.dialect import Dialect

_PIECE_SAMPLES = 1 << 15
_ONE_HOT = frozenset(("0", "1", "true", "false"))


@dataclass(kw_only=True)
class TextColumn(TextTable):
    """Targets in a text file of one column, integers or names."""

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        """The pieces of the file as they are read: counting off their lines would take a tenth of the time."""
        start = 0
        for n, body in self._lines():
            yield Chunk(start, n, partial(self._parse, start, n, body), len(body))
            start += n

    def one_more(self) -> Remedy | None:
        """The remedy that leaves the first line out, which may be a header where it looks like all the others."""
        if self.dialect.header is not None:
            return None
        return next(iter(notation.without_lines(self.name, self._line(0), "the first line is a header")), None)

    def _is_row(self, line: bytes) -> bool:
        """Whether a line that begins with # is the name of a class."""
        reader = self.label_reader
        known = map(class_names.normal, (reader.classes or ()) if reader is not None else ())
        return class_names.normal(line.decode("utf-8", errors="replace")) in known

    def _parse_plain(self, start: int, n: int, body: bytes) -> Block | None:
        return None if self._of_words else super()._parse_plain(start, n, body)  # tabs alone end a name

    def _parse_selected(self, start: int, body: bytes) -> Block:
        assert self.label_reader is not None
        found = self.label_reader.read(self._labels(body, start), lambda i: self._where(start + i))
        return Block(start, np.empty((len(found), 0)), found)

    def _labels(self, body: bytes, start: int) -> list[str]:
        def where(i: int) -> str:
            return self._where(start + i)

        lines = cells.texts_of(body[:-1].split(b"\n"), where)
        if b"\t" not in body and b'"' not in body:
            return list(map(str.strip, lines))
        rows = cells.split_all(lines, "\t", where)
        for i, row in enumerate(rows):
            if any(map(str.strip, row[1:])):
                message = f"has {len(row)} cells between tabs; targets have one a line"
                remedies = notation.fed(self.name, ("cut", "-f", "1"), "the first are the targets")
                raise DataError(message, where=where(i), remedies=remedies)
        return [row[0].strip() if row else "" for row in rows]


def open_column(stream: ByteStream, dialect: Dialect, options: ReadOptions) -> TextTable:
    """The one column of targets in a text file, without its header and the index of a pandas Series."""
    if dialect.lines[0].lstrip().startswith("["):
        notation.check_not_in_line(dialect.lines, stream.name)
    if dialect.n_columns > 1 or options.member is not None:
        return open_table(stream, dialect, replace(targets_among(dialect.preview, options), member=None))
    classes = options.classes
    seen = [row[0] for row in dialect.rows]
    reader = label_reader(seen, classes, "text", stream.name, options)
    notes = []
    if dialect.header is not None:
        header = dialect.header[0].strip()
        if _is_header(header, reader, seen):
            notes.append(Notice("targets-header", f"{stream.name}: the first line, {cells.shown(header)}, is a header"))
        else:  # every line is a class name
            dialect = replace(dialect, header=None, rows=(dialect.header, *dialect.rows))
            reader = label_reader([header, *seen], classes, "text", stream.name, options)
    column = TextColumn(
        stream=stream, label_reader=reader, opening_notes=tuple(notes), dialect=dialect, columns=[], label_column=0
    )
    column.reads_ahead_for_names(options.n_classes)
    return column


def _is_header(first: str, reader: LabelReader, seen: Sequence[str]) -> bool:
    """Whether a first line is a header: it is none of the classes, and what follows is, or is no name.

    Of classes without names it is one where what follows has as many names as there are classes.
    """
    if reader.numeric or reader.booleans:
        return class_names.truth(first) is None
    second, n_classes = seen[0], 2 if reader.n_classes == 1 else reader.n_classes
    if reader.classes is None:
        return first not in seen and len(set(seen)) == n_classes
    known = {*map(class_names.folded, reader.classes), *map(class_names.folded, class_names.bare(reader.classes))}
    bare = (class_names.normal(label).removeprefix(reader.prefix) for label in (first, second))
    named = (class_names.folded(name) in known for name in bare)
    return list(named) == [False, True]


def targets_among(preview: Preview, options: ReadOptions, logits: BlockSource | None = None) -> ReadOptions:
    """The options with the column of the targets named, in a table of several, or the columns of class probabilities.

    Raises UsageError that asks where either is in doubt.
    """
    named = options.member or options.target_column
    if named is not None:
        column = find_column(named, preview)
        if kind_of(preview, column) == "list":
            return replace(options, columns=(column,), target_column=None, member=None)
        return replace(options, target_column=named, member=None)
    chosen = choose(preview, options)
    if chosen.lists:
        return options
    columns = chosen.classes
    soft = None if logits is None else _one_a_class(preview, columns, options.classes, logits)
    if soft is not None:
        return replace(options, columns=soft)
    if len(columns) == 1:
        return replace(options, target_column=preview.heading(columns[0]))
    if logits is not None and logits.shape[1:] in ((), (1,)) and not options.binary:
        message = f"has {len(columns)} columns; targets have one"
        remedy = Remedy(files={preview.name: logits.name, logits.name: preview.name}, meaning=LOGITS_FIRST)
        raise UsageError(message, where=preview.name, remedies=[remedy])
    raise _which_column(preview, columns, options)


def _one_a_class(
    preview: Preview, columns: tuple[int, ...], classes: tuple[str, ...] | None, logits: BlockSource
) -> tuple[int, ...] | None:
    """The columns with one number a class, in the order of the classes; None where there are none."""
    n_classes = logits.shape[-1]
    if len(logits.shape) != 2 or n_classes is None or n_classes < 2 or len(columns) < n_classes:
        return None
    headings = [preview.heading(c) if preview.has_heading(c) else "" for c in columns]
    if classes is None or not all(headings):
        return columns if len(columns) == n_classes and _may_be_probabilities(preview, columns) else None
    place = class_names.match(classes, headings)
    if place is not None:
        return tuple(columns[i] for i in place)
    if len(columns) != n_classes or not _may_be_probabilities(preview, columns):
        return None
    own, theirs = (", ".join(names[:5]) + (", ..." if len(names) > 5 else "") for names in (headings, classes))
    raise UsageError(
        f"names the classes {own}; those of the logits are {theirs}",
        where=preview.name,
        remedies=notation.without_lines(preview.name, 1, "the columns are in the order of the classes"),
    )


def _may_be_probabilities(preview: Preview, columns: tuple[int, ...]) -> bool:
    """Whether columns hold numbers, which are 0 and 1 alone where all are whole."""
    if not all(are_numbers(preview, c) for c in columns):
        return False
    numbers = {float(cell) for c in columns for cell in preview.cells(c) if is_numeric(cell)}
    return numbers <= {0, 1} or not all(number.is_integer() for number in numbers)


def _which_column(preview: Preview, columns: tuple[int, ...], options: ReadOptions) -> UsageError:
    """The question which column of a table has the targets; and whether its rows are matched by a key."""
    if preview.lines:
        notation.check_not_in_line(preview.lines, preview.name)
    likely = [c for c in columns if doubts.may_be_targets(preview, c, options.classes or ())]
    key = None
    if options.partner is not None and options.key is None:
        shared = ((c, doubts.shared_key(preview, c, options.partner)) for c in columns if c not in likely)
        key = next(((c, other) for c, other in shared if other is not None), None)
    rest = [c for c in columns if key is None or c != key[0]]
    if not options.binary:
        rest = [c for c in rest if not any(is_numeric(cell) and float(cell) % 1 for cell in preview.cells(c))]
    remedies = []
    for c in likely or rest[:8]:
        name, meaning = preview.heading(c), f"{preview.heading(c)} has the targets"
        if key is None:
            remedies.append(Remedy(files={preview.name: f"{preview.name}:{name}"}, meaning=meaning))
            continue
        own = preview.heading(key[0])
        by_key = {"id": own if own == key[1] else f"{key[1]}={own}"}
        remedies.append(Remedy({**by_key, **({} if rest == [c] else {"target_column": name})}, meaning))
    message = f"has {len(columns)} columns; which of them has the targets?"
    return UsageError(message, where=preview.name, remedies=remedies)


def text_targets(opened: Input, options: ReadOptions, logits: BlockSource) -> Targets:
    """Targets in a text file of one column: integers, or names of classes; a first line that is neither is a header."""
    table = open_column(opened.stream, sniff(opened.stream), options)
    if table.label_reader is not None and can_be_read_again(opened.use.path):
        table.label_reader.everything = partial(_all_labels, opened, options)
    found = _labels(table, logits)
    return replace(found, one_more=table.one_more) if isinstance(table, TextColumn) else found


def _all_labels(opened: Input, options: ReadOptions) -> Iterator[str]:
    """The labels of a file that is read anew."""
    stream = opened.again().stream
    yield from open_column(stream, sniff(stream), options).texts()


def one_hot_targets(source: BlockSource, columns: list[int] | None) -> Targets:
    """The class indices of rows of zeros with a single 1, where each class has its column (None: in their order)."""
    layout = Layout(source.shape, 1)
    blocks = (chunk.load(Scratch()) for chunk in source.chunks(layout, _PIECE_SAMPLES))
    found = np.concatenate([one_hot_rows(source, block, layout) for block in blocks])
    found = found if columns is None else np.argsort(columns)[found]
    return Targets(
        Values(source.name, found, partial(source.place, layout=layout)),
        shape=(len(found),),
        notes=(one_hot_note(source.name),),
    )


def table_targets(source: BlockSource, preview: Preview | None, logits: BlockSource, options: InputOptions) -> Targets:
    """Targets in a table of several columns or in lines of JSON: one a sample, or one probability a class."""
    if source.labels:
        return _labels(source, logits)
    if not same_shape(source.shape, logits.shape):
        raise DataError(
            f"has {counted(source.shape[1] or 0, 'value')} a sample, for logits of shape {shown(logits.shape)}",
            where=source.name,
        )
    columns = None
    if source.class_names is None:
        check_order(logits, source.name)
        columns = column_of_each_class(logits.class_names, options.targets_are, source.name)
    from nllcli.inputs.tables.jsonl import JsonLines

    if isinstance(source, JsonLines):
        one_hot = source.is_one_hot
    else:
        one_hot = source.dtype.kind in "iu" or (
            isinstance(source, TextTable) and preview is not None and _is_one_hot(source, preview)
        )
    if one_hot and in_rows(options.class_axis):
        return one_hot_targets(source, columns)
    if columns is not None:
        raise not_by_number(source.name)
    if isinstance(source, JsonLines | TextTable):
        return Targets(soft=replace(source, probabilities=True))
    if source.dtype.kind in "iu":
        raise one_hot_refusal(source.name)
    return Targets(soft=source)


def _is_one_hot(table: TextTable, preview: Preview) -> bool:
    """Whether each of the first rows is a single 1 among zeros, written as integers or as words for true and false."""
    seen = [[row[c].strip().lower() for c in table.columns] for row in preview.rows]
    return all(set(row) <= _ONE_HOT and sum(cell in ("1", "true") for cell in row) == 1 for row in seen)


def read_keyed(source: BlockSource, *, loose: bool = False) -> tuple[Values, NDArray[np.bytes_]]:
    """The class indices that a table brings with it, and the digests of the keys of its rows."""
    from nllcli.inputs.keys import gather

    layout = Layout(source.shape, 1)

    def targets_of(block: Block) -> NDArray[np.int64]:
        try:
            return one_hot_rows(source, block, layout) if block.targets is None else block.targets
        except DataError as error:
            error.hint = "rows that are matched by their keys have one class each, not probabilities"
            raise

    targets, keys = gather(source, targets_of, loose=loose)
    return Values(source.name, targets, partial(source.place, layout=layout)), keys


def one_hot_rows(source: BlockSource, block: Block, layout: Layout) -> NDArray[np.int64]:
    """The class indices of a block of rows with a single 1."""
    return one_hot_indices(block.logits, lambda i: f"{source.name}, {source.place(block.start + i, layout)}")


def named_targets(source: FileArray, options: ReadOptions) -> Targets:
    """Targets in an array of names, str or UTF-8, of one dimension."""
    if len(squeezed(source.shape)) > 1 or not source.shape:
        raise DataError(f"names of classes have one dimension, not the shape {shown(source.shape)}", where=source.name)
    values = source.at_any_place().read_all().ravel()
    try:
        names = (np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values).tolist()
    except ValueError as error:
        raise DataError(f"its text is damaged: {str(error)[:120]}", where=source.name) from error
    reader = label_reader(names[:1000], options.classes, "names", source.name, options)
    reader.everything = lambda: names
    found = reader.read(names, lambda i: f"{source.name}, row {i}")
    place = lambda i: f"row {i}"  # noqa: E731
    return Targets(Values(source.name, found, place), shape=source.shape, notes=reader.notes(source.name))


def _labels(source: BlockSource, logits: BlockSource) -> Targets:
    """The class indices that a table brings with it; those far beyond what the logits can have are only counted."""
    known = [n for n in logits.shape if n is not None]
    most = max(known, default=1) if len(known) == len(logits.shape) else None  # whichever axis has the samples
    values, n = read_column(source, most, labels=True)
    if values.values.dtype.kind != "f":
        return Targets(values, shape=(n,), notes=source.notes)
    whole = integers(values.values)
    if whole is not None:
        return Targets(replace(values, values=whole), shape=(n,), notes=source.notes)
    from nllcli.inputs.probability_column import ProbabilityColumn

    soft = ProbabilityColumn(source.name, (n,), values.values.dtype, values=values.values, column=values)
    return Targets(soft=soft, shape=(n,))


def read_column(source: BlockSource, most: int | None, *, labels: bool = False) -> tuple[Values, int]:
    """The only column of a table, or the ``labels`` that it brings with it, and how many rows it has.

    Where these are more than ``most``, the blocks beyond are only counted.
    """
    parts: list[Any] = []
    n, layout = 0, Layout(source.shape, 1)
    for chunk in source.chunks(layout, _PIECE_SAMPLES):
        if most is None or n <= most:
            block = chunk.load(Scratch())
            values = block.targets if labels else block.logits.ravel()
            assert values is not None
            parts.append(values)
        n += chunk.n
    column = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Values(source.name, column, partial(source.place, layout=layout)), n
