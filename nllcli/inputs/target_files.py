"""Files of targets: what they hold, and how they fit the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import Notice, UsageError, setting
from nllcli.inputs import shapes, targets
from nllcli.inputs.arrays.raw import FileArray, RawVector, Values
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.opening import open_input
from nllcli.inputs.targets import Targets

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions


def open_targets(options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> Targets:
    """Open the file of targets, if there is one; names in it are those of the ``classes``."""
    path = options.targets
    if path is None:
        return Targets(None, None, None)
    opened = open_input(path)
    if opened.is_text:
        from nllcli.inputs.target_columns import text_targets

        return text_targets(opened.stream, classes, logits)
    source = opened.read(ReadOptions(input_dtype=options.input_dtype, classes=classes, of_targets=True))
    if not isinstance(source, FileArray):
        from nllcli.inputs.target_columns import table_targets

        return table_targets(source, logits)
    if source.dtype.kind in "US":
        from nllcli.inputs.target_columns import named_targets

        return named_targets(source, classes)
    if shapes.same_shape(source.shape, logits.shape) and _one_a_class(logits, source.dtype.kind, options):
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
        notes.append(targets.floats_as_indices(path, str(source.dtype)))
    return Targets(targets.check_indices(source), None, shape, tuple(notes))


def _one_a_class(logits: BlockSource, kind: str, options: InputOptions) -> bool:
    """Whether targets of the logits' own shape are one number a class, not one a sample."""
    if options.binary:
        return kind == "f"
    return logits.shape != (1,) and logits.shape[1:] != (1,)


def fit_targets(given: Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
    """The class indices as the logits' file has the samples; raises DataError where their shape does not fit."""
    if given.array is None or given.shape is None:
        if options.shift:
            raise UsageError(f"{setting('shift')} needs {setting('targets')} as a file of class indices")
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
    array = given.at_any_place()  # what is compressed is inflated only now that its shape fits
    in_order = len(array.shape) <= 1 or array.fortran == layout.fortran
    if in_order and not (shifted and array.fortran):
        return targets.Indices(RawVector(array, array.n_values))
    if shifted and layout.fortran:
        message = f"{setting('shift')} needs logits in C order"
        raise UsageError(message, where=array.name, hint="numpy.ascontiguousarray makes it")
    return targets.Indices(Values(array.name, layout.to_file_order(array.read_all())))
