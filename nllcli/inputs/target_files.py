"""Files of targets: what they hold, and how they fit the logits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nllcli.errors import DataError, Notice, UsageError, counted
from nllcli.inputs import labels, shapes, target_columns, targets
from nllcli.inputs.arrays.raw import FileArray, RawVector, Values
from nllcli.inputs.opening import at_any_place, open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.jsonl import JsonLines
from nllcli.inputs.tables.text import open_table

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import ByteStream


@dataclass(frozen=True)
class Targets:
    """Targets as opened: an array that is still to be read or values in memory, or soft targets; and their shape."""

    array: FileArray | Values | None
    soft: BlockSource | None
    shape: tuple[int | None, ...] | None
    notes: tuple[Notice, ...] = ()
    one_more: str | None = None


def open_targets(options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> Targets:
    """Open the file of targets, if there is one; names in it are those of the ``classes``."""
    path = options.targets
    if path is None:
        return Targets(None, None, None)
    opened = open_input(path)
    if opened.is_text:
        return _text_targets(opened.stream, classes, logits)
    source = opened.read(ReadOptions(input_dtype=options.input_dtype, classes=classes, of_targets=True))
    if not isinstance(source, FileArray):
        return _table_targets(source, logits)
    if source.dtype.kind in "US":
        return _of_labels(target_columns.read_names(source, classes), path)
    if _same_shape(source.shape, logits.shape) and _one_a_class(logits, source.dtype.kind, options):
        if source.dtype.kind in "iu":
            raise shapes.one_hot(path, len(source.shape))
        return Targets(None, source, None)
    shape, notes = source.shape, []
    if len(shape) == 2 and shape[1] == 1 and len(logits.shape) == 2:
        shape = shape[:1]
        notes.append(
            Notice("targets-squeezed", f"{path}: shape {shapes.shown(source.shape)} is taken as {shapes.shown(shape)}")
        )
    if source.dtype.kind == "f":
        notes.append(labels.floats_as_indices(path, str(source.dtype)))
    return Targets(targets.check_indices(source), None, shape, tuple(notes))


def _one_a_class(logits: BlockSource, kind: str, options: InputOptions) -> bool:
    """Whether targets of the logits' own shape are one number a class, not one a sample."""
    if options.binary:
        return kind == "f"
    return logits.shape != (1,) and logits.shape[1:] != (1,)


def _text_targets(stream: ByteStream, classes: tuple[str, ...] | None, logits: BlockSource) -> Targets:
    dialect = sniff(stream, remedy=target_columns.REMEDY)
    n_columns = dialect.n_columns - dialect.has_index
    if n_columns > 1 and _same_shape((None, n_columns), logits.shape):
        table = open_table(stream, dialect, ReadOptions(of_targets=True))
        return Targets(None, replace(table, probabilities=True), None)
    return _of_labels(target_columns.read_text_targets(stream, dialect, classes, _most_samples(logits)), stream.name)


def _of_labels(found: target_columns.Labels, name: str) -> Targets:
    return Targets(Values(name, found.values, found.row), None, (found.n,), found.notes, found.one_more)


def _most_samples(logits: BlockSource) -> int | None:
    """The most samples along one axis that the logits can have, whichever is that of the classes; None if not known."""
    known = [n for n in logits.shape if n is not None]
    return max(known, default=1) if len(known) == len(logits.shape) else None


def _table_targets(source: BlockSource, logits: BlockSource) -> Targets:
    """Targets in lines of JSON or columns: one a sample, or one probability a class."""
    if source.labels:
        return _of_labels(target_columns.read_labels(source, _most_samples(logits)), source.name)
    if not _same_shape(source.shape, logits.shape):
        raise DataError(
            f"has {counted(source.shape[1] or 0, 'value')} a sample, for logits of shape {shapes.shown(logits.shape)}",
            where=source.name,
        )
    if isinstance(source, JsonLines):
        return Targets(None, replace(source, probabilities=True), None)
    if source.dtype.kind in "iu":
        raise shapes.one_hot(source.name)
    return Targets(None, source, None)


def fit_targets(given: Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
    """The class indices as the logits' file has the samples; raises DataError where their shape does not fit."""
    if given.array is None or given.shape is None:
        if options.shift:
            raise UsageError("--shift needs TARGETS as a file of class indices")
        return None
    if None not in layout.sample_shape:  # else the lengths are compared at the end of the stream
        shapes.check_targets(layout, given.shape, given.array.name, logits.name, one_more=given.one_more)
    vector = _in_file_order(given.array, layout, shifted=options.shift != 0)
    if options.shift:
        length = given.shape[-1] if given.shape else 1
        ignored = options.ignore_index
        targets.check_shift(options.shift, length or 0, vector.name)
        return targets.Shifted(vector, options.shift, length or 1, ignored)
    return vector


def _in_file_order(given: FileArray | Values, layout: Layout, *, shifted: bool) -> VectorSource:
    """The targets in the order in which the logits' file has the samples."""
    if isinstance(given, Values):
        return given
    array = at_any_place(given)  # what is compressed is inflated only now that its shape fits
    in_order = len(array.shape) <= 1 or array.fortran == layout.fortran
    if in_order and not (shifted and array.fortran):
        return targets.Indices(RawVector(array, array.n_values))
    if shifted and layout.fortran:
        raise UsageError("--shift needs logits in C order", where=array.name, hint="numpy.ascontiguousarray makes it")
    return targets.Indices(Values(array.name, layout.to_file_order(array.read_all())))


def _same_shape(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))
