"""Targets, read as they are needed: one class index a sample, whatever they were written as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, SampleError, UsageError, setting
from nllcli.inputs.arrays.raw import FileArray, Values
from nllcli.inputs.integers import integers, is_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout


@dataclass(frozen=True)
class Targets:
    """Targets as opened: an array that is still to be read or values in memory, or soft targets; and their shape."""

    array: FileArray | Values | None
    soft: BlockSource | None
    shape: tuple[int | None, ...] | None
    notes: tuple[Notice, ...] = ()
    one_more: str | None = None


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


def check_shift(k: int, length: int, name: str) -> None:
    """Raise UsageError for a shift that leaves no place of a sequence of ``length`` with a target."""
    if 0 < length <= abs(k):
        places = "1 position" if length == 1 else f"{length} positions"
        raise UsageError(f"{setting('shift', k)} leaves nothing to score: a sequence has {places}", where=name)


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
