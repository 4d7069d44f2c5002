"""Arrays of numbers that can be read only in order: compressed, or from standard input."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice
from nllcli.inputs.arrays.raw import FileArray, RawArray
from nllcli.inputs.bytes.files import Spool
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.bytes.files import ByteStream

_PIECE_BYTES = 1 << 20


@dataclass
class StreamedArray(FileArray):
    """An array whose bytes are what is left of ``stream``; a BlockSource."""

    stream: ByteStream = field(kw_only=True)
    _spooled: RawArray | None = field(default=None, init=False)

    @property
    def notes(self) -> tuple[Notice, ...]:
        return super().notes if self._spooled is None else self._spooled.notes

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        if layout.inner > block_samples:  # the values of a sample are far apart
            self._spooled = self.at_any_place()
            yield from self._spooled.chunks(layout, block_samples, first)
            return
        for i, (start, n) in enumerate(layout.runs(block_samples)):
            data = self._take(n * layout.n_classes)
            if i >= first:
                yield self._chunk(start, n, layout, partial(self._load, layout, start, data))
        self._check_end()

    def at_any_place(self) -> RawArray:
        """The array in a temporary file."""
        spool = Spool(self.name)
        left = self.n
        while left:
            n = min(left, _PIECE_BYTES)
            spool.write(self._take(n))
            left -= n
        self._check_end()
        return RawArray(self.name, self.shape, self.dtype, self.fortran, file=spool.file, offset=0)

    def _take(self, n_values: int) -> bytes:
        data = self.stream.read_up_to(n_values * self.dtype.itemsize)
        if len(data) < n_values * self.dtype.itemsize:
            raise DataError(f"is cut short: shape {self.shape} of {self.dtype} needs more bytes", where=self.name)
        return data

    def _check_end(self) -> None:
        if self.stream.read(1):
            raise DataError(f"has bytes after the array: shape {self.shape} of {self.dtype}", where=self.name)

    def _load(self, layout: Layout, start: int, data: bytes, _: Scratch) -> Block:
        return self._block(start, np.frombuffer(data, self.dtype).reshape(-1, layout.n_classes, layout.inner))
