"""Numbers that are uncompressed at a known place in a file, read where they are needed.

Positioned reads into each worker's own buffer, not memory maps: a map's pages count as the process's memory, and a
file that shrinks under a map kills the process, where a short read is an error that can be reported.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from functools import partial
from itertools import groupby, islice
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch, Unread
from nllcli.data.layout import Layout
from nllcli.errors import FaultError, Notice
from nllcli.inputs.bytes.files import OpenFile
from nllcli.inputs.integers import are_rounded, rounded_integers
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import InputFile

# Runs of one class shorter than this are read for several blocks at once, as slabs of about this many bytes.
_SHORT_RUN = 1 << 15
_SLAB_BYTES = 1 << 25
# Runs that are closer than this are read together with the gaps between them, which takes less time than a call for
# each run. As much as the second is read at once, which stays in cache.
_LONG_STEP = 1 << 14
_PIECE_BYTES = 1 << 20


def widened(values: NDArray[Any]) -> NDArray[Any]:
    """bfloat16 as the float32 of which it is the upper half; any other numbers as they are."""
    if values.dtype.kind != "V":
        return values
    return np.left_shift(values.view("<u2"), 16, dtype=np.uint32).view(np.float32)


@dataclass
class NumberArray:
    """What every array of numbers has in common; a BlockSource except for ``chunks``."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    fortran: bool = False
    class_names: tuple[str, ...] | None = field(default=None, init=False)
    labels: bool = field(default=False, init=False)
    remote: bool = field(default=False, init=False)
    _rounded: bool = field(default=False, init=False)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the blocks read so far."""
        return (rounded_integers(self.name),) if self._rounded else ()

    @property
    def n(self) -> int:
        """How many values there are."""
        return prod(n or 0 for n in self.shape)

    @property
    def n_bytes(self) -> int:
        return self.n * self.dtype.itemsize

    def _chunk(self, start: int, n: int, layout: Layout, load: Callable[[Scratch], Block]) -> Chunk:
        return Chunk(start, n, load, n * layout.n_classes * self.dtype.itemsize, self.remote)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - no columns
        return layout.place(sample)

    def _block(self, start: int, slices: NDArray[Any]) -> Block:
        """Whole slices (outer, n_classes, inner) of the file as a block of samples."""
        if are_rounded(slices):
            self._rounded = True  # by any thread; none resets it
        outer, n_classes, inner = slices.shape
        if outer == 1:
            return Block(start, slices[0].T)
        return Block(start, slices.transpose(0, 2, 1).reshape(outer * inner, n_classes))


@dataclass
class FileArray(NumberArray):
    """An array in a file; a BlockSource except for ``chunks``.

    The two bytes of a bfloat16 have the dtype ``V2``, or that of a record of one integer where they are swapped.
    """

    def at_any_place(self) -> RawArray:
        """The same array where any part of it can be read at any time."""
        raise NotImplementedError

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        """The chunks from block number ``first`` on, in file order."""
        raise NotImplementedError


@dataclass
class RawArray(FileArray):
    """An array at byte ``offset`` of an open file; raises FaultError where that shrinks or changes meanwhile.

    Of one value a sample, it is a VectorSource too.
    """

    file: InputFile = field(kw_only=True)
    offset: int = field(kw_only=True)
    is_seekable: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self._version, self.remote = self.file.version(), self.file.remote

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        if layout.inner > block_samples and block_samples * self.dtype.itemsize < _SHORT_RUN:
            yield from self._slabs(layout, block_samples, first)
        else:
            for start, n in islice(layout.runs(block_samples), first, None):
                yield self._chunk(start, n, layout, partial(self._load, layout, start, n))

    def at_any_place(self) -> RawArray:
        return self

    def read_all(self) -> NDArray[Any]:
        """The whole array, in its own shape."""
        return self.read(0, self.n).reshape([n or 0 for n in self.shape], order="F" if self.fortran else "C")

    def read(self, start: int, n: int) -> NDArray[Any]:
        """Values ``start`` to ``start + n``, in file order."""
        values = np.empty(n, self.dtype)
        self.read_into(values, start)
        return values

    def read_into(self, out: NDArray[Any], first: int) -> None:
        """Fill the C-contiguous ``out`` with the elements from number ``first`` on, in file order."""
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        self.file.read_into(view, self.offset + first * self.dtype.itemsize, self.name)
        self._check_unchanged()

    def _load(self, layout: Layout, start: int, n: int, scratch: Scratch) -> Block:
        inner, n_classes = layout.inner, layout.n_classes
        if inner == 1 and isinstance(self.file, OpenFile):
            return Block(start, self._unread(self.file.fd, start, (n, n_classes), scratch))
        if n % inner == 0:
            slices = scratch.array("file", (n // inner, n_classes, inner), self.dtype)
            self.read_into(slices, start * n_classes)
        else:
            slices = scratch.array("file", (1, n_classes, n), self.dtype)
            self._read_columns(layout, start, slices[0])
        return self._block(start, slices)

    def _unread(self, descriptor: int, start: int, shape: tuple[int, int], scratch: Scratch) -> Unread:
        first = start * shape[1]

        def read() -> NDArray[Any]:
            rows = scratch.array("file", shape, self.dtype)
            self.read_into(rows, first)
            return self._block(start, rows[..., None]).logits

        offset = self.offset + first * self.dtype.itemsize
        return Unread(descriptor, offset, shape, self.dtype, read=read, check=self._check_unchanged)

    def _slabs(self, layout: Layout, block_samples: int, first: int) -> Iterator[Chunk]:
        """Read the short runs of many classes for several blocks at once."""
        inner, n_classes = layout.inner, layout.n_classes
        width = block_samples * max(1, _SLAB_BYTES // (block_samples * n_classes * self.dtype.itemsize))
        runs = islice(layout.runs(block_samples), first, None)
        for _, group in groupby(runs, lambda run: (run[0] // inner, run[0] % inner // width)):
            blocks = list(group)
            begin = blocks[0][0]
            slab = _Slab(self, layout, begin, sum(n for _, n in blocks))
            for start, n in blocks:
                yield self._chunk(start, n, layout, partial(self._cut, start, n, slab))

    def _cut(self, start: int, n: int, slab: _Slab, scratch: Scratch) -> Block:
        values = slab.read(scratch)
        self._check_unchanged()
        return self._block(start, values[None, :, start - slab.start : start - slab.start + n])

    def _read_columns(self, layout: Layout, start: int, out: NDArray[Any]) -> None:
        """Fill ``out`` (n_classes, n) with samples from ``start`` on, one run of the file a class."""
        self.read_runs(layout, start, 0, out, Scratch())
        self._check_unchanged()

    def read_runs(self, layout: Layout, start: int, c: int, out: NDArray[Any], scratch: Scratch) -> None:
        """Fill ``out`` (m, n) with samples from ``start`` on of the classes from ``c`` on, one run of the file each."""
        outer, within = divmod(start, layout.inner)
        first = (outer * layout.n_classes + c) * layout.inner + within
        runs = out.view(np.uint8)
        position, step, width = self.offset + first * self.dtype.itemsize, self.step(layout), runs.shape[1]
        if step >= _LONG_STEP:
            for run in runs:
                self.file.read_into(memoryview(run.data), position, self.name)
                position += step
        else:
            with_gaps = scratch.array("runs", (len(runs), step), np.uint8)
            n_bytes = (len(runs) - 1) * step + width
            self.file.read_into(memoryview(with_gaps.reshape(-1).data)[:n_bytes], position, self.name)
            runs[:] = with_gaps[:, :width]

    def step(self, layout: Layout) -> int:
        """How many bytes of the file lie from a class of a sample to the next."""
        return layout.inner * self.dtype.itemsize

    def _check_unchanged(self) -> None:
        """Raise FaultError if the file was written to: after every read, since blocks are read at any time."""
        if self.file.version() != self._version:
            raise FaultError("changed while it was read", where=self.name)


class _Slab:
    """The samples of several blocks from ``start`` on, which the threads that load these read together.

    Each reads the pieces that none has begun, and then those that are not done yet. So nobody waits for another, and
    what is read twice at the end is the same.
    """

    def __init__(self, source: RawArray, layout: Layout, start: int, n: int) -> None:
        self.start = start
        self._source, self._layout = source, layout
        self._values = np.empty((layout.n_classes, n), source.dtype)
        self._at_once = max(1, _PIECE_BYTES // min(source.step(layout), _LONG_STEP))
        self._not_begun = deque(range(0, layout.n_classes, self._at_once))
        self._not_done = set(self._not_begun)

    def read(self, scratch: Scratch) -> NDArray[Any]:
        """All samples (n_classes, n)."""
        for c in iter(self._begun, None):
            self._read_piece(c, scratch)
        for c in self._not_done.copy():
            self._read_piece(c, scratch)
        return self._values

    def _begun(self) -> int | None:
        """The first class of a piece that none has begun."""
        try:
            return self._not_begun.popleft()
        except IndexError:
            return None

    def _read_piece(self, c: int, scratch: Scratch) -> None:
        self._source.read_runs(self._layout, self.start, c, self._values[c : c + self._at_once], scratch)
        self._not_done.discard(c)


@dataclass
class Values:
    """Values already in memory, in file order: a VectorSource.

    ``row`` says where one is in the words of its file, None where the samples' own places are those.
    """

    name: str
    values: NDArray[Any]
    row: Callable[[int], str] | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    def read(self, start: int, n: int) -> NDArray[Any]:
        return self.values[start : start + n]

    def place(self, sample: int, layout: Layout) -> str:
        return layout.place(sample) if self.row is None else self.row(sample)
