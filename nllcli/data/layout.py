"""The order of an array of logits in its file, and of its samples."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from nllcli.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Samples by number, one or an array of them.
Samples = TypeVar("Samples", int, "NDArray[np.int64]")


@dataclass(frozen=True)
class Layout:
    """The order of an array of logits in its file: ``(outer, n_classes, inner)``, with samples counted in file order.

    ``shape`` is the array's own shape (a first entry of None: known only at the end of the stream), perhaps without
    axes of length 1; ``class_axis`` is never negative, and ``fortran`` says that the first axis is the fastest in the
    file. ``own_axis`` is the class axis in the array's own shape, where ``shape`` is another.
    """

    shape: tuple[int | None, ...]
    class_axis: int
    fortran: bool = False
    own_axis: int | None = None

    @property
    def array_axis(self) -> int:
        """The class axis in the array's own shape."""
        return self.class_axis if self.own_axis is None else self.own_axis

    @property
    def _file_shape(self) -> tuple[int | None, ...]:
        return self.shape[::-1] if self.fortran else self.shape

    @property
    def _file_axis(self) -> int:
        return len(self.shape) - 1 - self.class_axis if self.fortran else self.class_axis

    @property
    def n_classes(self) -> int:
        count = self.shape[self.class_axis]
        assert count is not None
        return count

    @property
    def sample_shape(self) -> tuple[int | None, ...]:
        """The shape of the targets."""
        return self.shape[: self.class_axis] + self.shape[self.class_axis + 1 :]

    @property
    def n_samples(self) -> int | None:
        known = [n for n in self.sample_shape if n is not None]
        return prod(known) if len(known) == len(self.sample_shape) else None

    @property
    def inner(self) -> int:
        """How many samples follow each other for one class; 1 where the class axis is the fastest."""
        after = self._file_shape[self._file_axis + 1 :]
        return prod(n for n in after if n is not None)

    @property
    def outer(self) -> int | None:
        before = self._file_shape[: self._file_axis]
        return None if None in before else prod(n for n in before if n is not None)

    def runs(self, block_samples: int) -> Iterator[tuple[int, int]]:
        """Cut the samples into runs ``(start, n)`` of about ``block_samples``, whatever the number of threads.

        A run is a rectangle of the file: whole outer slices, or a part of one.
        """
        inner, outer = self.inner, self.outer
        assert outer is not None
        if inner <= block_samples:
            step = inner * (block_samples // inner) if inner else 1
            total = outer * inner
            yield from ((start, min(step, total - start)) for start in range(0, total, step))
        else:
            for first in range(0, outer * inner, inner):
                yield from ((first + i, min(block_samples, inner - i)) for i in range(0, inner, block_samples))

    def place(self, sample: int) -> str:
        """Where a sample, counted in file order, is: "row 3", or its index in the targets' shape."""
        position = self.position(sample)
        return f"row {sample}" if position is None else f"position {position}"

    def position(self, sample: int) -> tuple[int, ...] | None:
        """The index of a sample, counted in file order, in the targets' shape; None where one number says it."""
        if len(self.sample_shape) <= 1:
            return None
        index = _index(sample, self.sample_shape[:: 1 if self.fortran else -1])
        return tuple(index if self.fortran else index[::-1])

    @property
    def in_target_order(self) -> bool:
        """Whether the file has the samples in the order of the targets, the last axis fastest."""
        return not self.fortran or len(self.sample_shape) <= 1

    @property
    def sequence_length(self) -> int | None:
        """How many samples a sequence has, where the file has samples (sequence, position) one sequence after another.

        None where there are no sequences of one known length.
        """
        return self.sample_shape[1] if len(self.sample_shape) == 2 and self.in_target_order else None

    def number(self, sample: Samples) -> Samples:
        """The number, in the order of the targets, of a sample counted in file order."""
        return sample if self.in_target_order else _reversed(sample, self.sample_shape)

    def file_number(self, number: Samples) -> Samples:
        """The number, in file order, of a sample counted in the order of the targets."""
        return number if self.in_target_order else _reversed(number, self.sample_shape[::-1])

    def to_target_shape(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (n,) in file order, one a sample, in the shape of the targets."""
        shape = [len(values) if n is None else n for n in self.sample_shape]
        return values.reshape(shape, order="F" if self.fortran else "C")

    def to_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values in the shape of the targets as (n,) in file order."""
        return values.ravel(order="F" if self.fortran else "C")


def _index(sample: Samples, lengths: tuple[int | None, ...]) -> list[Samples]:
    """The index of sample number ``sample`` along axes of these lengths, the first of them the fastest."""
    index = []
    for length in lengths:
        assert length is not None
        sample, i = divmod(sample, length)
        index.append(i)
    return index


def _reversed(sample: Samples, lengths: tuple[int | None, ...]) -> Samples:
    """The number with the last of the axes the fastest, of a sample counted with the first of them the fastest."""
    index = _index(sample, lengths)
    number = index[0]
    for i, length in zip(index[1:], lengths[1:], strict=True):
        assert length is not None
        number = number * length + i
    return number
