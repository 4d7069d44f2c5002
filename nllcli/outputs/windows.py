"""Windows: samples that follow each other in a slice of a file that has all samples of a class before the next class.

The samples come a few at a time with all their classes. They wait until the window is whole, so that a run of it, its
samples of one class, is long enough to be worth a write of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nllcli.inputs.bytes.files import Spool
from nllcli.outputs.files import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.outputs.files import StrPath

# A window in memory, and the bytes of a run from which on that is as fast as the way through a file.
_MEMORY_BYTES = 1 << 25
_LONG_RUN = 1 << 12
# A window in a file: its runs, which are shorter where it would take more bytes than are turned around in a second.
_FILE_RUN = 1 << 14
_FILE_BYTES = 1 << 30
_TILE_BYTES = 1 << 22  # are turned around at a time: twice as fast as 16 MiB


class Window(Protocol):
    """A window of samples, put in by any thread."""

    def put(self, at: int, rows: NDArray[Any]) -> None:
        """Take samples (m, n_classes), the first of which is number ``at`` of the window."""
        ...

    def runs(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The runs (k, width) of some classes at a time, valid until the next, with the first of these classes."""
        ...


class _InMemory:
    def __init__(self, width: int, n_classes: int, dtype: np.dtype[Any]) -> None:
        self._values = np.empty((n_classes, width), dtype)

    def put(self, at: int, rows: NDArray[Any]) -> None:
        self._values[:, at : at + len(rows)] = rows.T

    def runs(self) -> Iterator[tuple[int, NDArray[Any]]]:
        yield 0, self._values


class _InFile:
    """Samples that wait as rows in a file without a name, in the folder of the result."""

    def __init__(self, width: int, n_classes: int, dtype: np.dtype[Any], path: StrPath) -> None:
        self._shape, self._dtype, self._name = (width, n_classes), dtype, shown(path)
        self._spool = Spool(
            self._name, Path(os.path.realpath(path)).parent, need="up to 1 GiB more while it is written"
        )

    def put(self, at: int, rows: NDArray[Any]) -> None:
        place, data = at * self._shape[1] * self._dtype.itemsize, bytes_of(np.ascontiguousarray(rows))
        try:
            write_at(self._spool.file.fd, place, data)
        except OSError as error:
            raise self._spool.fault(error) from error

    def runs(self) -> Iterator[tuple[int, NDArray[Any]]]:
        (width, n_classes), size = self._shape, self._dtype.itemsize
        step = max(1, _TILE_BYTES // (width * size))
        room = np.empty((2, width * step), self._dtype)
        for c in range(0, n_classes, step):
            n = min(step, n_classes - c)
            part, turned = room[:, : width * n]
            for i, row in enumerate(part.reshape(width, n)):
                self._spool.file.read_into(bytes_of(row), (i * n_classes + c) * size, self._name)
            np.copyto(turned.reshape(n, width), part.reshape(width, n).T)
            yield c, turned.reshape(n, width)


class Windows:
    """The windows of an array whose slices have ``inner`` samples; the files of windows lie beside its ``path``."""

    def __init__(self, inner: int, n_classes: int, dtype: np.dtype[Any], path: StrPath) -> None:
        self._inner, self._path = inner, path
        self._n_classes, self._dtype = n_classes, dtype
        size = dtype.itemsize * max(1, n_classes)
        self.width = max(1, min(inner, _MEMORY_BYTES // size))
        self._in_files = self.width < inner and self.width * dtype.itemsize < _LONG_RUN
        if self._in_files:
            self.width = min(inner, max(self.width, min(_FILE_RUN // dtype.itemsize, _FILE_BYTES // size)))
        self._open: dict[tuple[int, int], Window] = {}
        self._n_missing: dict[tuple[int, int], int] = {}
        self._lock = Lock()

    def fill(self, outer: int, offset: int, rows: NDArray[Any]) -> Window | None:
        """Put samples of slice ``outer`` from its sample ``offset`` on into their window; return it if it is whole."""
        first = offset // self.width * self.width
        width, key = min(self.width, self._inner - first), (outer, first)
        with self._lock:
            if key not in self._open:
                self._open[key], self._n_missing[key] = self._new(width), width
            window = self._open[key]
        window.put(offset - first, rows)
        with self._lock:
            self._n_missing[key] -= len(rows)
            if self._n_missing[key]:
                return None
            del self._n_missing[key]
            return self._open.pop(key)

    def _new(self, width: int) -> Window:
        if self._in_files:
            return _InFile(width, self._n_classes, self._dtype, self._path)
        return _InMemory(width, self._n_classes, self._dtype)


def bytes_of(values: NDArray[Any]) -> memoryview:
    """The bytes of contiguous values."""
    return memoryview(values.reshape(-1).view(np.uint8).data)


def write_at(descriptor: int, at: int, data: memoryview) -> None:
    """Write bytes from place ``at`` of a file on."""
    while (n := os.pwrite(descriptor, data, at)) < len(data):
        data, at = data[n:], at + n
