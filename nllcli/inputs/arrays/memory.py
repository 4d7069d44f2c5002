"""Arrays already in memory, as a Dataset."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.dataset import Dataset
from nllcli.data.layout import Layout
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, SampleError
from nllcli.inputs import shapes, targets
from nllcli.inputs.arrays import frames
from nllcli.inputs.arrays.npy import number_dtype
from nllcli.inputs.arrays.raw import NumberArray, Values
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.integers import integers
from nllcli.inputs.mismatch import Misfit, check_classes, check_shape
from nllcli.inputs.one_hot import one_hot_indices
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray


@dataclass
class MemoryArray(NumberArray):
    """A BlockSource over ``values``, contiguous in file order: of ``shape`` reversed where ``fortran``."""

    values: NDArray[Any] = field(kw_only=True)

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        slices = self.values.reshape(layout.outer or 0, layout.n_classes, layout.inner)
        for start, n in islice(layout.runs(block_samples), first, None):
            yield self._chunk(start, n, layout, partial(self._load, slices, start, n))

    def _load(self, slices: NDArray[Any], start: int, n: int, _: Scratch) -> Block:
        inner = slices.shape[2]
        outer, within = divmod(start, inner)
        if n % inner:
            return self._block(start, slices[outer : outer + 1, :, within : within + n])
        return self._block(start, slices[outer : outer + n // inner])


def memory_array(name: str, given: ArrayLike) -> MemoryArray:
    """Wrap an array; only one that is contiguous in neither order is copied."""
    array = np.asarray(given)
    if array.dtype.kind == "O":
        frames.check_numbers(given, array, name)
    number_dtype(array.dtype, name, ReadOptions())
    fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    values = array.T if fortran else np.ascontiguousarray(array)
    return MemoryArray(name, array.shape, array.dtype, fortran, values=values)


def dataset_of(
    logits: ArrayLike,
    given_targets: ArrayLike | None,
    *,
    sample_weights: ArrayLike | None = None,
    class_axis: int | None = None,
    binary: bool = False,
    targets_are: str | None = None,
    ignore_index: int = DEFAULT_IGNORE_INDEX,
) -> Dataset:
    """A Dataset of arrays or data frames: targets are class indices or names, or one probability a class."""
    scores = memory_array("logits", logits)
    names = None if binary else frames.headings(logits)
    labels, one_hot = None, False
    if given_targets is not None:
        frames.check_rows(logits, given_targets, "targets")
        reading = ReadOptions(holds="targets", targets_are=targets_are, ignore_index=ignore_index)
        labels = frames.bound(given_targets, names, reading)
        one_hot = not binary and shapes.in_rows(class_axis) and _may_be_one_hot(scores.shape, labels)
        labels = one_hot_indices(labels, lambda i: f"targets, row {i}") if one_hot else labels
    soft = labels is not None and _are_soft(scores.shape, labels, class_axis, binary=binary)
    layout = shapes.layout_of(
        scores.shape,
        None if labels is None else labels.shape,
        class_axis=class_axis,
        binary=binary,
        fortran=scores.fortran,
        name="logits",
        soft=soft,
    )
    if labels is not None and (binary or not soft):
        check_shape(Misfit(layout, labels.shape, binary=binary), "targets", "logits", scores.shape)
    if not binary:
        check_classes(layout, scores, None, class_axis=class_axis)
    weights = None
    if sample_weights is not None:
        frames.check_rows(logits, sample_weights, "sample_weights")
        values = np.asarray(sample_weights, np.float64)
        check_shape(
            Misfit(layout, values.shape, binary=binary), "sample_weights", "logits", scores.shape, "sample weights"
        )
        weights = Values("sample_weights", layout.to_file_order(values))
    if labels is None:
        return Dataset(scores, layout, sample_weights=weights, class_names=names, binary=binary)
    notes = (
        ()
        if soft and binary
        else shapes.squeezing_notes(layout, scores.shape, "logits", labels.shape, "targets", soft=soft)
    )
    if soft:
        probabilities = np.asarray(labels.T if scores.fortran else labels, order="C")
        source = MemoryArray("targets", labels.shape, labels.dtype, scores.fortran, values=probabilities)
        return Dataset(
            scores,
            layout,
            soft_targets=source,
            sample_weights=weights,
            class_names=names,
            opening_notes=tuple(notes),
            binary=binary,
        )
    if labels.dtype.kind not in "iufb":
        raise DataError(f"holds {labels.dtype}, not class indices", where="targets")
    if one_hot:
        notes = (*notes, targets.one_hot_note("targets"))
    if labels.dtype.kind == "b":
        notes = (*notes, targets.booleans_as_classes("targets", layout, binary=binary))
    try:
        indices = targets.as_indices(layout.to_file_order(labels))
    except SampleError as error:
        raise DataError(error.message, where=f"targets, {layout.place(error.samples[0])}") from error
    return Dataset(
        scores,
        layout,
        targets=Values("targets", indices),
        sample_weights=weights,
        class_names=names,
        opening_notes=tuple(notes),
        binary=binary,
    )


def _may_be_one_hot(shape: shapes.Shape, labels: NDArray[Any]) -> bool:
    """Whether targets are integers or truth values (n, n_classes)."""
    return labels.dtype.kind in "iub" and labels.ndim == 2 and labels.shape == shape and shape[1] != 1


def _are_soft(shape: shapes.Shape, labels: NDArray[Any], class_axis: int | None, *, binary: bool) -> bool:
    """Whether the targets are one probability a class of logits of ``shape``, or under ``binary`` that of class 1."""
    kind, like = labels.dtype.kind, shapes.squeezed(labels.shape)
    if shapes.are_one_a_class(shape, labels.shape, kind, class_axis=class_axis, binary=binary):
        if kind in "iub":
            raise shapes.one_hot_refusal("targets", labels.ndim, booleans=kind == "b")
        if kind == "f" and not binary and class_axis is None:
            if labels.ndim == 1:
                targets.check_one_row(labels, shape, "targets")
            elif labels.ndim > 2 and labels.shape == shape and labels.size:
                targets.check_soft_axis(labels[0], "targets")
        return kind == "f"
    if not binary or kind != "f" or not shapes.same_shape(like, shapes.squeezed(shape)):
        return False
    return integers(labels.astype(np.float64)) is None
