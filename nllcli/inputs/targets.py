"""Targets, read as they are needed: one class index a sample, whatever they were written as."""

from __future__ import annotations

from dataclasses import field, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.dataset import nothing
from nllcli.errors import DataError, Notice, Remedy, SampleError, UsageError, counted, setting
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray, RawArray, Values, widened
from nllcli.inputs.integers import integers, is_index
from nllcli.inputs.mismatch import Misfit, check_shape
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.formats import Input, ReadOptions
    from nllcli.inputs.tables.columns import Preview

# How far probabilities of one sample may be from a sum of 1.
_NEAR_1 = 1e-3
_MOST_LOOKED_AT = 1 << 22


@dataclass(frozen=True)
class Targets:
    """Targets as opened: an array that is still to be read or values in memory, or soft targets; and their shape.

    Values in memory are cut short where ``shape`` shows that there are too many anyway. ``one_more`` makes the remedy
    where there is one too many.
    """

    array: FileArray | Values | None = None
    soft: BlockSource | None = None
    shape: tuple[int | None, ...] | None = None
    notes: tuple[Notice, ...] = ()
    one_more: Callable[[], Remedy | None] = nothing


def floats_as_indices(name: str, what: str) -> Notice:
    """The note on targets such as 2.0."""
    return Notice("targets-as-floats", f"{name}: whole numbers in {what} are taken as class indices")


@dataclass
class Indices:
    """Targets of any number type, converted to int64 as they are read: a VectorSource.

    NaN becomes ``absent``, unless that is None.
    """

    inner: VectorSource
    absent: int | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def n(self) -> int:
        return self.inner.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        values = self.inner.read(start, n)
        if self.absent is None or values.dtype.kind != "f":
            return as_indices(values, start)
        gone = np.isnan(values)
        return np.where(gone, self.absent, as_indices(np.where(gone, 0, values), start))

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
    if values.dtype.kind == "b":
        return values.view(np.uint8).astype(np.int64)
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
    message = f"target {values[i]!s} is not a class index"
    gone = [Remedy({"missing": "ignore"}, "samples without a target are left out")] if values[i] != values[i] else ()
    return SampleError(message, culprit="targets", samples=(start + i,), remedies=gone)


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
    if source.dtype.kind == "b":
        raise _not_classes(source.name)
    return source


def check_order(logits: BlockSource, name: str) -> None:
    """Raise UsageError where targets are numbers, and of the classes only the names are known, not their order."""
    as_given = getattr(logits, "as_given", ())
    if as_given:
        from nllcli.inputs.labels import without_order

        raise without_order(logits.class_names or (), as_given, name)


def one_hot_note(name: str) -> Notice:
    """The note on targets of which each row is one-hot."""
    return Notice("one-hot-targets", f"{name}: each row has a single 1, whose class is the target")


def booleans_as_classes(name: str, layout: Layout, *, binary: bool) -> Notice:
    """The note on booleans that are classes 0 and 1; raises DataError where there are more classes."""
    if not binary and layout.n_classes != 2:
        raise _not_classes(name)
    return Notice("targets-as-booleans", f"{name}: booleans are taken as classes: False is class 0, True is class 1")


def _not_classes(name: str) -> DataError:
    hint = f"a mask of what counts? {setting('sample_weights')} takes it; as classes 0 and 1, save it as integers"
    return DataError("holds booleans (bool), not numbers", where=name, hint=hint)


def check_one_row(values: NDArray[Any], shape: shapes.Shape, name: str) -> None:
    """Raise UsageError if floating-point targets of one dimension may be labels of logits of ``shape``.

    Only fractions that sum to 1 are the class probabilities of one sample without a doubt.
    """
    with np.errstate(invalid="ignore"):
        wide = values.astype(np.float64)
        if integers(wide) is not None or not (wide >= 0).all() or abs(wide.sum() - 1.0) > _NEAR_1:
            raise shapes.one_row_or_many(shape, name)


def check_soft_axis(first: NDArray[Any], name: str) -> None:
    """Raise UsageError if class probabilities, those of the ``first`` item, sum to 1 along the last axis alone.

    Nothing else shows that axis 1, which is taken where no one says, does not have the classes.
    """
    with np.errstate(invalid="ignore"):
        along = [(np.abs(first.sum(axis=axis, dtype=np.float64) - 1.0) <= _NEAR_1).all() for axis in (0, -1)]
    if along == [False, True]:
        last = first.ndim
        raise UsageError(
            f"the class probabilities sum to 1 along axis {last}, not along axis 1",
            where=name,
            remedies=[Remedy({"class_axis": last}, f"the classes are on axis {last}")],
        )


def _first_item(source: RawArray) -> NDArray[Any] | None:
    """The first item along the first axis of a large array; None where that is too large to look at."""
    shape = [n or 0 for n in source.shape]
    if source.fortran:
        return widened(source.read_all())[0] if source.n <= _MOST_LOOKED_AT else None
    n = prod(shape[1:])
    return widened(source.read(0, n)).reshape(shape[1:]) if n <= _MOST_LOOKED_AT else None


def open_targets(
    opened: Input, preview: Preview | None, reading: ReadOptions, logits: BlockSource, options: InputOptions
) -> Targets:
    """The targets of an open file, of which ``preview`` is the beginning if it is a table."""
    if preview is not None and opened.is_text and preview.n_columns == 1 and opened.member is None:
        from nllcli.inputs.target_columns import text_targets

        return text_targets(opened, reading, logits)
    if preview is not None and opened.format != "jsonl":
        from nllcli.inputs.target_columns import targets_among

        reading = targets_among(preview, replace(reading, member=opened.member), logits)
    source = opened.read(reading)
    if not isinstance(source, FileArray):
        from nllcli.inputs.target_columns import table_targets

        return table_targets(source, preview, logits, options)
    if source.dtype.kind in "US":
        from nllcli.inputs.target_columns import named_targets

        return named_targets(source, reading)
    check_order(logits, source.name)
    return _array_targets(source, logits, options)


def _array_targets(source: FileArray, logits: BlockSource, options: InputOptions) -> Targets:
    """Targets in an array of numbers: one number a class, or one a sample."""
    kind, shape = source.dtype.kind, source.shape
    if shapes.are_one_a_class(logits.shape, shape, kind, class_axis=options.class_axis, binary=options.binary):
        from nllcli.inputs.numbered import column_of_each_class, not_by_number

        columns = column_of_each_class(logits.class_names, options.targets_are, source.name)
        if kind in "iub":
            return _one_hot(source, logits, options, columns)
        if columns is not None:
            raise not_by_number(source.name)
        undecided = options.class_axis is None and not options.binary
        return Targets(soft=_looked_at(source, logits.shape) if undecided else source, shape=shape)
    if kind == "b":
        return Targets(source, shape=shape)
    if kind != "f":
        return Targets(check_indices(source), shape=shape)
    if options.binary and shapes.same_shape(shapes.squeezed(shape), shapes.squeezed(logits.shape)):
        source = source.at_any_place()
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            if integers(source.read_all().astype(np.float64)) is None:
                return Targets(soft=source, shape=shape)
    return Targets(source, shape=shape, notes=(floats_as_indices(source.name, str(source.dtype)),))


def _looked_at(source: FileArray, shape: shapes.Shape) -> FileArray:
    """Class probabilities of logits of ``shape``, as far as their numbers have to show what their shape does not."""
    if len(shape) == 2:
        return source
    array = source.at_any_place()
    if len(shape) == 1:
        check_one_row(widened(array.read_all()), shape, array.name)
    elif array.shape == shape and 0 not in shape:
        first = _first_item(array)
        if first is not None:
            check_soft_axis(first, array.name)
    return array


def _one_hot(source: FileArray, logits: BlockSource, options: InputOptions, columns: list[int] | None) -> Targets:
    """The classes of integers in the shape of the logits, which of two axes are one-hot rows or nothing."""
    from nllcli.inputs.conversions import conversions
    from nllcli.inputs.target_columns import one_hot_targets

    settings: dict[str, Any] = {"binary": True, **({} if options.class_axis is None else {"class_axis": None})}
    every = Remedy(settings, "every logit is a question of its own, with the answer 0 or 1")
    if len(source.shape) == len(logits.shape) == 2 and shapes.in_rows(options.class_axis):
        try:
            return one_hot_targets(source, columns)
        except DataError as error:
            error.remedies = (every,)
            raise
    changes = [("{x}.astype(float)", "soft", "one-hot rows: the probability of each class")]
    remedies = [*conversions(options.targets, changes), every]
    raise shapes.one_hot_refusal(source.name, len(source.shape), remedies, booleans=source.dtype.kind == "b")


def fit_targets(given: Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> VectorSource | None:
    """The class indices as the logits' file has the samples; raises DataError where their shape does not fit."""
    if given.shape is not None and (given.soft is None or options.binary):
        source = given.array or given.soft
        assert source is not None
        misfit = Misfit(layout, given.shape, options.logits, options.targets, given.one_more, options.binary)
        check_shape(misfit, source.name, logits.name, logits.shape)
    if given.array is None:
        if options.shift:
            raise shift_without_file()
        return None
    absent = options.ignore_index if options.missing == "ignore" else None
    vector = _in_file_order(given.array, layout, options.shift, absent)
    if options.shift:
        length = (layout.sample_shape or (1,))[-1] or vector.n
        check_shift(options.shift, length, vector.name)
        return Shifted(vector, options.shift, length or 1, options.ignore_index)
    return vector


def _in_file_order(given: FileArray | Values, layout: Layout, shift: int, absent: int | None) -> VectorSource:
    """The targets in the order in which the logits' file has the samples."""
    if isinstance(given, Values):
        return given
    array = given.at_any_place()  # what is compressed is inflated only now that its shape fits
    in_order = len(array.shape) <= 1 or array.fortran == layout.fortran
    if in_order and not (shift and array.fortran):
        return Indices(array, absent=absent)
    if shift and layout.fortran:
        raise shift_out_of_order(array.name)
    return Indices(Values(array.name, layout.to_file_order(array.read_all())), absent=absent)
