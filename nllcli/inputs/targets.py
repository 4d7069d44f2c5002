"""Targets, read as they are needed: one class index a sample, whatever they were written as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, Remedy, SampleError, UsageError, counted, setting
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.integers import integers, is_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.formats import Input, ReadOptions
    from nllcli.inputs.tables.columns import Preview


@dataclass(frozen=True)
class Targets:
    """Targets as opened: an array that is still to be read or values in memory, or soft targets; and their shape.

    Values in memory are cut short where ``shape`` shows that there are too many anyway. ``one_more`` is the remedy
    where there is one too many.
    """

    array: FileArray | Values | None = None
    soft: BlockSource | None = None
    shape: tuple[int | None, ...] | None = None
    notes: tuple[Notice, ...] = ()
    one_more: Remedy | None = None


def floats_as_indices(name: str, what: str) -> Notice:
    """The note on targets such as 2.0."""
    return Notice("targets-as-floats", f"{name}: whole numbers in {what} are taken as class indices")


@dataclass
class Indices:
    """Targets of any number type, converted to int64 as they are read: a VectorSource."""

    inner: VectorSource

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def n(self) -> int:
        return self.inner.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        return as_indices(self.inner.read(start, n), start)

    def place(self, sample: int, layout: Layout) -> str:
        return self.inner.place(sample, layout)


@dataclass
class Shifted(Indices):
    """Targets moved ``k`` places back along rows of ``length``, so that position t meets the target of t + k.

    Places without a target get ``fill``.
    """

    k: int
    length: int
    fill: int

    @property
    def scored(self) -> slice:
        """The places of a row that have a target."""
        return slice(max(0, -self.k), self.length - max(0, self.k))

    def has_target(self, samples: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether samples (n,), by their number in the file, have a target."""
        place = samples % self.length
        return (place >= self.scored.start) & (place < self.scored.stop)

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        at = np.arange(start, start + n)
        has_target = self.has_target(at)
        low, high = max(0, start + self.k), min(self.n, start + n + self.k)
        out = np.full(n, self.fill, np.int64)
        if low < high:
            try:
                out[has_target] = super().read(low, high - low)[at[has_target] + self.k - low]
            except SampleError as error:
                error.samples = tuple(sample - self.k for sample in error.samples)
                raise
        return out

    def place(self, sample: int, layout: Layout) -> str:
        return super().place(sample + self.k, layout)


def shift_without_file() -> UsageError:
    """The refusal to shift targets that are not a file of class indices."""
    return UsageError(f"{setting('shift')} needs {setting('targets')} as a file of class indices")


def shift_out_of_order(where: str | None = None) -> UsageError:
    """The refusal to shift the targets of logits in Fortran order."""
    message = f"{setting('shift')} needs logits in C order"
    return UsageError(message, where=where, hint="numpy.ascontiguousarray makes it")


def check_shift(k: int, length: int, name: str) -> None:
    """Raise UsageError for a shift that leaves no place of a sequence of ``length`` with a target."""
    if 0 < length <= abs(k):
        message = f"{setting('shift', k)} leaves nothing to score: a sequence has {counted(length, 'position')}"
        raise UsageError(message, where=name)


def as_indices(values: NDArray[Any], start: int = 0) -> NDArray[np.int64]:
    """Integers of any width, or whole floating-point numbers, as int64; raises SampleError for anything else."""
    if values.dtype == np.int64:
        return values
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            wide = values.astype(np.float64)
        whole = integers(wide)
        if whole is not None:
            return whole
        raise _not_an_index(values, ~is_index(wide), start)
    if values.dtype.kind == "u" and values.dtype.itemsize == 8 and (values > np.iinfo(np.int64).max).any():
        raise _not_an_index(values, values > np.iinfo(np.int64).max, start)
    return values.astype(np.int64)


def _not_an_index(values: NDArray[Any], wrong: NDArray[np.bool_], start: int) -> SampleError:
    i = int(np.flatnonzero(wrong)[0])
    return SampleError(f"target {values[i]!s} is not a class index", culprit="targets", samples=(start + i,))


def check_indices(source: FileArray) -> FileArray:
    """The array, if its numbers can be class indices."""
    if source.dtype.kind in "US":
        raise DataError(
            f"holds text ({source.dtype}), not class indices",
            where=source.name,
            hint="as lines of text, names can be counted: numpy.savetxt(file, names, '%s')",
        )
    if source.dtype.kind == "V":
        raise DataError("holds bfloat16, which is too coarse for class indices", where=source.name)
    return source


def check_order(logits: BlockSource, name: str) -> None:
    """Raise UsageError where targets are numbers, and of the classes only the names are known, not their order."""
    as_given = getattr(logits, "as_given", ())
    if as_given:
        from nllcli.inputs.labels import without_order

        raise without_order(logits.class_names or (), as_given, name)


def open_targets(opened: Input, preview: Preview | None, reading: ReadOptions, logits: BlockSource) -> Targets:
    """The targets of an open file, of which ``preview`` is the beginning if it is a table."""
    if preview is not None and opened.is_text and preview.n_columns == 1 and opened.member is None:
        from nllcli.inputs.target_columns import text_targets

        return text_targets(opened.stream, reading, logits)
    if preview is not None and opened.format != "jsonl":
        from nllcli.inputs.target_columns import targets_among

        reading = targets_among(preview, replace(reading, member=opened.member), logits)
    source = opened.read(reading)
    if not isinstance(source, FileArray):
        from nllcli.inputs.target_columns import table_targets

        return table_targets(source, preview, logits)
    path, kind = source.name, source.dtype.kind
    if kind in "US":
        from nllcli.inputs.target_columns import named_targets

        return named_targets(source, reading)
    check_order(logits, path)
    if shapes.same_shape(source.shape, logits.shape) and shapes.are_one_a_class(logits.shape, kind, reading.binary):
        if kind in "iu":
            if len(source.shape) != 2:
                raise shapes.one_hot(path, len(source.shape))
            from nllcli.inputs.target_columns import one_hot_targets

            return one_hot_targets(source)
        return Targets(soft=source)
    shape, notes = source.shape, []
    if len(shape) == 2 and shape[1] == 1 and len(logits.shape) == 2:
        shape = shape[:1]
        notes.append(
            Notice("targets-squeezed", f"{path}: shape {shapes.shown(source.shape)} is taken as {shapes.shown(shape)}")
        )
    if kind == "f":
        notes.append(floats_as_indices(path, str(source.dtype)))
    return Targets(check_indices(source), shape=shape, notes=tuple(notes))


def fit_targets(given: Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
    """The class indices as the logits' file has the samples; raises DataError where their shape does not fit."""
    if given.array is None or given.shape is None:
        if options.shift:
            raise shift_without_file()
        return None
    shapes.check_targets(layout, given.shape, given.array.name, logits.name, one_more=given.one_more)
    vector = _in_file_order(given.array, layout, options.shift)
    if options.shift:
        length = given.shape[-1] if given.shape else 1
        check_shift(options.shift, length or 0, vector.name)
        return Shifted(vector, options.shift, length or 1, options.ignore_index)
    return vector


def _in_file_order(given: FileArray | Values, layout: Layout, shift: int) -> VectorSource:
    """The targets in the order in which the logits' file has the samples."""
    if isinstance(given, Values):
        return given
    array = given.at_any_place()  # what is compressed is inflated only now that its shape fits
    in_order = len(array.shape) <= 1 or array.fortran == layout.fortran
    if in_order and not (shift and array.fortran):
        return Indices(array)
    if shift and layout.fortran:
        raise shift_out_of_order(array.name)
    return Indices(Values(array.name, layout.to_file_order(array.read_all())))
