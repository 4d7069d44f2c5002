"""Paths -> a Dataset: opens every input, and decides what belongs to which sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, UsageError
from nllcli.inputs import npy, shapes, targets
from nllcli.inputs.files import ByteStream, only_one_standard_input, open_stream
from nllcli.inputs.formats import FORMATS, detect
from nllcli.inputs.raw import RawArray, RawVector, Values
from nllcli.inputs.text import TextTable
from nllcli.inputs.vectors import read_vector
from nllcli.model import DEFAULT_IGNORE_INDEX, BlockSource, Dataset, Layout, Notice, VectorSource

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class InputOptions:
    """How the inputs are to be read; the names are those of the command line.

    ``ignore_index`` of None is the default, -100, not asked for.
    """

    logits: str
    targets: str | None = None
    target_column: str | None = None
    classes: Sequence[str] | None = None
    class_axis: int | None = None
    sample_weights: str | None = None
    ignore_index: int | None = None
    shift: int = 0
    binary: bool = False
    input_format: str | None = None
    input_dtype: str | None = None


def open_dataset(options: InputOptions) -> Dataset:
    """Open everything that ``options`` names and check that it fits together, as far as the headers tell."""
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
        soft_targets=given.soft,
        sample_weights=None if options.sample_weights is None else _sample_weights(options.sample_weights),
        class_names=names,
        notes=(*logits.notes, *given.notes),
    )


@dataclass(frozen=True)
class _Targets:
    """Targets as opened: an array on disk or values in memory, or soft targets; and the shape they have."""

    array: RawArray | Values | None
    soft: BlockSource | None
    shape: tuple[int | None, ...] | None
    notes: tuple[Notice, ...] = ()


def _open_logits(options: InputOptions) -> BlockSource:
    stream = open_stream(options.logits)
    format_name = options.input_format or detect(stream)
    reader = FORMATS.load(format_name)
    if format_name in ("csv", "tsv"):
        table: TextTable = reader(
            stream,
            target_column=options.target_column,
            classes=tuple(options.classes) if options.classes else None,
        )
        return table
    if options.target_column is not None:
        raise UsageError("--target-column needs LOGITS in CSV", where=stream.name)
    array: BlockSource = reader(stream, input_dtype=options.input_dtype)
    return array


def _open_targets(path: str, options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> _Targets:
    stream = open_stream(path)
    if detect(stream) != "npy":
        return _text_targets(stream, classes)
    array = npy.open_npy(stream, input_dtype=options.input_dtype)
    if _same_shape(array.shape, logits.shape) and logits.shape[1:] != (1,):
        if array.dtype.kind in "iu":
            raise DataError(
                f"holds integers in the shape of the logits, {shapes.shown(logits.shape)}",
                where=path,
                hint="one-hot targets? save them as floating point; they are then class probabilities",
            )
        return _Targets(None, array, None)
    shape, notes = array.shape, []
    if len(shape) == 2 and shape[1] == 1 and len(logits.shape) == 2:
        shape = shape[:1]
        notes.append(
            Notice("targets-squeezed", f"{path}: shape {shapes.shown(array.shape)} is taken as {shapes.shown(shape)}")
        )
    if array.dtype.kind == "f":
        notes.append(Notice("targets-as-floats", f"{path}: whole numbers in {array.dtype} are taken as class indices"))
    return _Targets(array, None, shape, tuple(notes))


def _text_targets(stream: ByteStream, classes: tuple[str, ...] | None) -> _Targets:
    values, notes = targets.read_text_targets(stream, classes)
    return _Targets(Values(stream.name, values), None, (len(values),), notes)


def _fit_targets(given: _Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
    if given.array is None or given.shape is None:
        if options.shift:
            raise UsageError("--shift needs TARGETS as a file of class indices")
        return None
    if None not in layout.sample_shape:  # else the lengths are compared at the end of the stream
        shapes.check_targets(layout, given.shape, given.array.name, logits.name)
    vector = _in_file_order(given.array, layout, shifted=options.shift != 0)
    if options.shift:
        length = given.shape[-1] if given.shape else 1
        ignored = DEFAULT_IGNORE_INDEX if options.ignore_index is None else options.ignore_index
        return targets.Shifted(vector, options.shift, length or 1, ignored)
    return vector


def _in_file_order(array: RawArray | Values, layout: Layout, *, shifted: bool) -> VectorSource:
    """The targets in the order in which the logits' file has the samples."""
    if isinstance(array, Values):
        return array
    in_order = len(array.shape) <= 1 or array.fortran == layout.fortran
    if in_order and not (shifted and array.fortran):
        return targets.RawTargets(array, int(np.prod([n or 0 for n in array.shape])))
    if shifted and layout.fortran:
        raise UsageError("--shift needs logits in C order", where=array.name, hint="numpy.ascontiguousarray makes it")
    values = array.read_all().ravel(order="F" if layout.fortran else "C")
    return Values(array.name, targets.as_indices(values))


def _sample_weights(path: str) -> VectorSource:
    stream = open_stream(path)
    if stream.peek(6) == npy.MAGIC:
        array = npy.open_npy(stream)
        if len(array.shape) == 1:
            return _FloatVector(array, array.shape[0] or 0)
    vector = read_vector(path, what="--sample-weights")
    return Values(path, np.asarray(vector.values, np.float64))


class _FloatVector(RawVector):
    """A vector on disk, read as float64."""

    def read(self, start: int, n: int) -> Any:
        return super().read(start, n).astype(np.float64)


def _class_names(
    classes: tuple[str, ...] | None, logits: BlockSource, layout: Layout, options: InputOptions
) -> tuple[str, ...] | None:
    n_classes = 2 if options.binary else layout.n_classes
    if classes is not None and len(classes) != n_classes:
        raise UsageError(f"--classes names {len(classes)} classes, {logits.name} has {n_classes}")
    return classes or (None if options.binary else logits.class_names)


def _same_shape(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))
