"""Numbers that lie uncompressed at a known place in a file, read where they are needed.

Positioned reads into each worker's own buffer, not memory maps: a map's pages count as the process's memory, and a
file that shrinks under a map kills the process where a short read is an error one can tell.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import FaultError
from nllcli.model import Block, Chunk, Layout, Notice, Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass
class RawArray:
    """An array of ``shape`` and ``dtype`` at byte ``offset`` of the open file ``fd``; a BlockSource.

    The two bytes of a bfloat16 have the dtype ``V2``. Raises FaultError where the file shrinks or changes meanwhile.
    """

    name: str
    fd: int
    offset: int
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    fortran: bool = False
    class_names: tuple[str, ...] | None = None
    labels: bool = False
    notes: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        self._version = self._stat()

    @property
    def n_bytes(self) -> int:
        return prod(n or 0 for n in self.shape) * self.dtype.itemsize

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        for start, n in layout.runs(block_samples):
            yield Chunk(start, n, partial(self._load, layout, start, n), n * layout.n_classes * self.dtype.itemsize)
        self._check_unchanged()

    def place(self, sample: int, layout: Layout) -> str:
        return layout.place(sample)

    def read_all(self) -> NDArray[Any]:
        """The whole array, in its own shape."""
        dims = tuple(n or 0 for n in self.shape)
        values = np.empty(dims, self.dtype, order="F" if self.fortran else "C")
        self.read_into(values.T if self.fortran else values, 0)
        self._check_unchanged()
        return values

    def read_into(self, out: NDArray[Any], first: int) -> None:
        """Fill the C-contiguous ``out`` with the elements from number ``first`` on, in file order."""
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        position = self.offset + first * self.dtype.itemsize
        while view.nbytes:
            try:
                n = os.preadv(self.fd, [view], position)
            except OSError as error:
                raise FaultError(f"cannot be read: {error.strerror}", where=self.name) from error
            if n == 0:
                raise FaultError("became shorter while it was read", where=self.name)
            view, position = view[n:], position + n

    def _load(self, layout: Layout, start: int, n: int, scratch: Scratch) -> Block:
        return Block(start, self._read(layout, start, n, scratch))

    def _read(self, layout: Layout, start: int, n: int, scratch: Scratch) -> NDArray[Any]:
        """Samples ``start`` to ``start + n`` as (n, n_classes)."""
        inner, n_classes = layout.inner, layout.n_classes
        outer, within = divmod(start, inner)
        if n % inner == 0:
            slices = scratch.array("file", (n // inner, n_classes, inner), self.dtype)
            self.read_into(slices, start * n_classes)
            return slices[0].T if len(slices) == 1 else slices.transpose(0, 2, 1).reshape(n, n_classes)
        columns = scratch.array("file", (n_classes, n), self.dtype)
        for c in range(n_classes):
            self.read_into(columns[c], (outer * n_classes + c) * inner + within)
        return columns.T

    def _stat(self) -> tuple[int, int]:
        status = os.fstat(self.fd)
        return status.st_size, status.st_mtime_ns

    def _check_unchanged(self) -> None:
        if self._stat() != self._version:
            raise FaultError("changed while it was read", where=self.name)


@dataclass
class RawVector:
    """A one-dimensional view of a RawArray in file order: a VectorSource."""

    array: RawArray
    n: int

    @property
    def name(self) -> str:
        return self.array.name

    def read(self, start: int, n: int) -> NDArray[Any]:
        values = np.empty(n, self.array.dtype)
        self.array.read_into(values, start)
        return values


@dataclass
class Values:
    """Values already in memory, in file order: a VectorSource."""

    name: str
    values: NDArray[Any]

    @property
    def n(self) -> int:
        return len(self.values)

    def read(self, start: int, n: int) -> NDArray[Any]:
        return self.values[start : start + n]
