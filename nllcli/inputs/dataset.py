"""Paths -> a Dataset: opens every input, and decides what belongs to which sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.dataset import BlockSource, Dataset, VectorSource
from nllcli.data.layout import Layout
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, FaultError, Notice, UsageError
from nllcli.inputs import labels, shapes, targets
from nllcli.inputs.arrays.raw import FileArray, RawVector, Values, widened
from nllcli.inputs.bytes.files import Version, name_of, only_one_standard_input, read_only_here, version_of
from nllcli.inputs.opening import all_blocks, at_any_place, open_input
from nllcli.inputs.options import ReadOptions
from nllcli.inputs.pairing import columns_as_samples, in_order_of
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.jsonl import JsonLines
from nllcli.inputs.tables.text import open_table
from nllcli.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream

_TABLES = ("csv", "tsv", "parquet", "feather")
JSON_TARGET = "in lines of JSON the key \"target\" has it: jq -c '{logits, target: .label}' renames another"


def open_dataset(options: InputOptions) -> Dataset:
    """Open everything that ``options`` names and check that it fits together, as far as the headers tell.

    The dataset pickles as its ``options``, where all of them are regular files.
    """
    paths = [path for path in (options.logits, options.targets, options.sample_weights) if path is not None]
    versions = {path: version_of(path) for path in paths}
    return _opened(options).pickled_by(partial(_recipe, options, versions))


def _recipe(options: InputOptions, versions: dict[str, Version | None]) -> tuple[Any, ...]:
    for path, version in versions.items():
        if version is None:
            raise read_only_here(name_of(path))
    return _reopened, (options, versions)


def _reopened(options: InputOptions, versions: dict[str, Version | None]) -> Dataset:
    """The dataset opened anew; raises FaultError where a file is no longer of the version it was."""
    for path, version in versions.items():
        if version_of(path) not in (version, None):  # of one that is gone, opening it says so
            raise FaultError("changed while it was read", where=path)
    return open_dataset(options)


def _opened(options: InputOptions) -> Dataset:
    only_one_standard_input(
        {"LOGITS": options.logits, "TARGETS": options.targets, "--sample-weights": options.sample_weights}
    )
    if options.targets is not None and options.target_column is not None:
        raise UsageError("TARGETS and --target-column both name the targets", hint="give one of them")
    logits = _open_logits(options)
    classes = tuple(options.classes) if options.classes else None
    given: _Targets = (
        _Targets(None, None, None)
        if options.targets is None
        else _open_targets(options.targets, options, classes or logits.class_names, logits)
    )
    layout = shapes.layout_of(
        logits.shape,
        given.shape,
        class_axis=options.class_axis,
        binary=options.binary,
        fortran=logits.fortran,
        name=logits.name,
    )
    names = _class_names(classes, logits, layout, options)
    vector = _fit_targets(given, layout, logits, options)
    return Dataset(
        logits,
        layout,
        targets=vector,
        soft_targets=None if given.soft is None else in_order_of(layout, given.soft),
        sample_weights=None
        if options.sample_weights is None
        else _sample_weights(options.sample_weights, layout, logits),
        class_names=names,
        opening_notes=(*given.notes, *_doubts(options, classes, logits)),
        binary=options.binary,
        one_more=given.one_more,
    )


def _doubts(options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> Iterator[Notice]:
    """What may have been meant otherwise than it is taken."""
    if options.shift and options.sample_weights is not None:
        yield Notice(
            "shifted-weights",
            f"{options.sample_weights}: the weight at t goes with the logits at t, not with their target at "
            f"t + {options.shift}",
        )
    if classes != logits.class_names and sorted(classes or ()) == sorted(logits.class_names or ()):
        yield Notice("classes-reordered", f"{logits.name}: --classes has the names of the header in another order")
    if isinstance(logits, FileArray) and (logits.dtype.kind, logits.dtype.itemsize) == ("u", 2):
        yield Notice(
            "bfloat16-bits",
            f"{logits.name}: unsigned integers are taken as numbers; --input-dtype bfloat16 takes them as its bits",
        )


@dataclass(frozen=True)
class _Targets:
    """Targets as opened: an array that is still to be read or values in memory, or soft targets; and their shape."""

    array: FileArray | Values | None
    soft: BlockSource | None
    shape: tuple[int | None, ...] | None
    notes: tuple[Notice, ...] = ()
    one_more: str | None = None


def _open_logits(options: InputOptions) -> BlockSource:
    opened = open_input(options.logits, options.input_format)
    if options.target_column is not None and opened.format not in _TABLES:
        raise UsageError(
            "--target-column needs LOGITS with columns, such as CSV",
            where=opened.stream.name,
            hint=JSON_TARGET if opened.format == "jsonl" else None,
        )
    source = opened.read(
        ReadOptions(
            input_dtype=options.input_dtype,
            target_column=options.target_column,
            classes=tuple(options.classes) if options.classes else None,
            header=options.header,
        )
    )
    if not isinstance(source, FileArray) and options.class_axis in (0, -2):
        return columns_as_samples(source)
    return source


def _open_targets(path: str, options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> _Targets:
    opened = open_input(path)
    if opened.is_text:
        return _text_targets(opened.stream, classes, logits)
    source = opened.read(ReadOptions(input_dtype=options.input_dtype, classes=classes, of_targets=True))
    if not isinstance(source, FileArray):
        return _table_targets(source, logits)
    if source.dtype.kind in "US":
        return _of_labels(targets.read_names(source, classes), path)
    if _same_shape(source.shape, logits.shape) and _one_a_class(logits, source.dtype.kind, options):
        if source.dtype.kind in "iu":
            raise shapes.one_hot(path, len(source.shape))
        return _Targets(None, source, None)
    shape, notes = source.shape, []
    if len(shape) == 2 and shape[1] == 1 and len(logits.shape) == 2:
        shape = shape[:1]
        notes.append(
            Notice("targets-squeezed", f"{path}: shape {shapes.shown(source.shape)} is taken as {shapes.shown(shape)}")
        )
    if source.dtype.kind == "f":
        notes.append(labels.floats_as_indices(path, str(source.dtype)))
    return _Targets(targets.check_indices(source), None, shape, tuple(notes))


def _one_a_class(logits: BlockSource, kind: str, options: InputOptions) -> bool:
    """Whether targets of the logits' own shape are one number a class, not one a sample."""
    if options.binary:
        return kind == "f"
    return logits.shape != (1,) and logits.shape[1:] != (1,)


def _text_targets(stream: ByteStream, classes: tuple[str, ...] | None, logits: BlockSource) -> _Targets:
    dialect = sniff(stream, remedy=targets.REMEDY)
    n_columns = dialect.n_columns - dialect.has_index
    if n_columns > 1 and _same_shape((None, n_columns), logits.shape):
        table = open_table(stream, dialect, ReadOptions(of_targets=True))
        return _Targets(None, replace(table, probabilities=True), None)
    return _of_labels(targets.read_text_targets(stream, dialect, classes, _most_samples(logits)), stream.name)


def _of_labels(found: targets.Labels, name: str) -> _Targets:
    return _Targets(Values(name, found.values, found.row), None, (found.n,), found.notes, found.one_more)


def _most_samples(logits: BlockSource) -> int | None:
    """More samples than this the logits do not have in a row, whichever axis is that of the classes."""
    known = [n for n in logits.shape if n is not None]
    return max(known, default=1) if len(known) == len(logits.shape) else None


def _table_targets(source: BlockSource, logits: BlockSource) -> _Targets:
    """Targets in lines of JSON or columns: one a sample, or one probability a class."""
    if source.labels:
        return _of_labels(targets.read_labels(source, _most_samples(logits)), source.name)
    if not _same_shape(source.shape, logits.shape):
        raise DataError(
            f"has {counted(source.shape[1] or 0, 'value')} a sample, for logits of shape {shapes.shown(logits.shape)}",
            where=source.name,
        )
    if isinstance(source, JsonLines):
        return _Targets(None, replace(source, probabilities=True), None)
    if source.dtype.kind in "iu":
        raise shapes.one_hot(source.name)
    return _Targets(None, source, None)


def _fit_targets(given: _Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
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


def _sample_weights(path: str, layout: Layout, logits: BlockSource) -> VectorSource:
    opened, reading = open_input(path), ReadOptions(of_weights=True)
    if opened.is_text:
        dialect = sniff(opened.stream, remedy=targets.REMEDY)
        source: BlockSource = open_table(opened.stream, dialect, reading)
    else:
        source = opened.read(reading)
    known = None not in layout.sample_shape
    if not isinstance(source, FileArray):
        values, n = _only_column(source, layout.n_samples)
        if known:
            shapes.check_targets(layout, (n,), path, logits.name, "sample weights")
        return Values(path, values, partial(source.place, layout=Layout(source.shape, 1)))
    if known:
        shapes.check_targets(layout, source.shape, path, logits.name, "sample weights")
    array = at_any_place(source)
    if array.fortran == layout.fortran:
        return _FloatVector(array, array.n_values)
    return Values(path, layout.to_file_order(widened(array.read_all())).astype(np.float64))


def _only_column(source: BlockSource, most: int | None) -> tuple[NDArray[np.float64], int]:
    """The numbers of a table of one column, and how many it has; those far beyond ``most`` are only counted."""
    if source.shape[1] != 1:
        raise DataError(
            f"has {source.shape[1]} columns; sample weights have one", where=source.name, hint="one number a line"
        )
    blocks, n = all_blocks(source, most)
    parts = [block.logits.ravel() for block in blocks]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0), n


class _FloatVector(RawVector):
    """A vector on disk, read as float64."""

    def read(self, start: int, n: int) -> Any:
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            return widened(super().read(start, n)).astype(np.float64)


def _class_names(
    classes: tuple[str, ...] | None, logits: BlockSource, layout: Layout, options: InputOptions
) -> tuple[str, ...] | None:
    n_classes = 2 if options.binary else layout.n_classes
    if classes is not None and len(classes) != n_classes:
        raise UsageError(f"--classes names {len(classes)} classes, {logits.name} has {n_classes}")
    return classes or (None if options.binary else logits.class_names)


def _same_shape(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))
