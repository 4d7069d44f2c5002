"""Arrays already in memory, as a Dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.dataset import Dataset
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, SampleError
from nllcli.inputs import shapes, targets
from nllcli.inputs.arrays.npy import number_dtype
from nllcli.inputs.arrays.raw import Values
from nllcli.inputs.integers import are_rounded, rounded_integers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray


@dataclass
class MemoryArray:
    """A BlockSource over ``values``, contiguous in file order: of ``shape`` reversed where ``fortran``."""

    name: str
    values: NDArray[Any]
    shape: tuple[int | None, ...]
    fortran: bool = False
    class_names: tuple[str, ...] | None = None
    labels: bool = False
    _rounded: bool = field(default=False, init=False)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the blocks read so far."""
        return (rounded_integers(self.name),) if self._rounded else ()

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def n_bytes(self) -> int:
        return self.values.nbytes

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        slices = self.values.reshape(layout.outer or 0, layout.n_classes, layout.inner)
        for start, n in islice(layout.runs(block_samples), first, None):
            n_bytes = n * layout.n_classes * self.dtype.itemsize
            yield Chunk(start, n, partial(self._load, slices, start, n), n_bytes)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - no columns
        return layout.place(sample)

    def _load(self, slices: NDArray[Any], start: int, n: int, _: Scratch) -> Block:
        logits = _rows(slices, start, n)
        if are_rounded(logits):
            self._rounded = True
        return Block(start, logits)


def _rows(slices: NDArray[Any], start: int, n: int) -> NDArray[Any]:
    """Samples ``start`` to ``start + n`` of (outer, n_classes, inner), as (n, n_classes)."""
    _, n_classes, inner = slices.shape
    outer, within = divmod(start, inner)
    if n % inner:
        return slices[outer, :, within : within + n].T
    taken = slices[outer : outer + n // inner]
    if len(taken) == 1:
        return taken[0].T
    return taken.transpose(0, 2, 1).reshape(n, n_classes)


def memory_array(name: str, given: ArrayLike) -> MemoryArray:
    """Wrap an array; only one that is contiguous in neither order is copied."""
    array = np.asarray(given)
    number_dtype(array.dtype, name)
    fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    return MemoryArray(name, array.T if fortran else np.ascontiguousarray(array), array.shape, fortran)


def dataset_of(
    logits: ArrayLike,
    given_targets: ArrayLike | None,
    *,
    sample_weights: ArrayLike | None = None,
    class_axis: int | None = None,
    binary: bool = False,
) -> Dataset:
    """A Dataset of arrays: targets are class indices, or class probabilities in the shape of the logits."""
    scores = memory_array("logits", logits)
    labels = None if given_targets is None else np.asarray(given_targets)
    in_shape_of_logits = labels is not None and labels.shape == scores.shape
    kind = "" if labels is None else labels.dtype.kind
    soft = in_shape_of_logits and kind == "f"
    if in_shape_of_logits and kind in ("i", "u") and shapes.are_one_a_class(scores.shape, kind, binary):
        raise shapes.one_hot("targets", len(scores.shape))
    layout = shapes.layout_of(
        scores.shape,
        None if labels is None or soft else labels.shape,
        class_axis=class_axis,
        binary=binary,
        fortran=scores.fortran,
        name="logits",
    )
    weights = None
    if sample_weights is not None:
        values = np.asarray(sample_weights, np.float64)
        shapes.check_targets(layout, values.shape, "sample_weights", "logits", "sample weights")
        weights = Values("sample_weights", layout.to_file_order(values))
    if labels is None:
        return Dataset(scores, layout, sample_weights=weights, binary=binary)
    if soft:
        probabilities = np.asarray(labels.T if scores.fortran else labels, order="C")
        source = MemoryArray("targets", probabilities, scores.shape, scores.fortran)
        return Dataset(scores, layout, soft_targets=source, sample_weights=weights, binary=binary)
    shapes.check_targets(layout, labels.shape, "targets", "logits")
    if kind not in "iuf":
        raise DataError(f"holds {labels.dtype}, not class indices", where="targets")
    try:
        indices = targets.as_indices(layout.to_file_order(labels))
    except SampleError as error:
        raise DataError(error.message, where=f"targets, {layout.place(error.samples[0])}") from error
    return Dataset(scores, layout, targets=Values("targets", indices), sample_weights=weights, binary=binary)
