"""Arrays in NumPy's own format, version 1.0, in the memory order of the input."""

import os
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

from nllcli.errors import UsageError, setting
from nllcli.outputs.array_writer import ArrayWriter
from nllcli.outputs.files import shown
from nllcli.records import dataclass

_GATHERED_BYTES = 1 << 24  # up to here, samples wait until they fill one contiguous run of a pipe
# Samples of all classes that are written at once where the classes lie far apart: more of them are longer runs.
_WINDOW_BYTES = 1 << 25


class _NpyWriter(ArrayWriter):
    """The header, and where the numbers begin."""

    def begin(self, file: BinaryIO) -> None:
        super().begin(file)
        self._write_header(0)

    def _write_header(self, n_entries: int) -> None:
        """Write the header; NumPy leaves so much room in it that it is as long for any number of entries."""
        shape = tuple(n_entries if n is None else n for n in self.shape)
        fortran = self.fortran and len(shape) > 1
        header = {"descr": dtype_to_descr(self.dtype), "fortran_order": fortran, "shape": shape}
        write_array_header_1_0(self.file, header)


class PipedNpy(_NpyWriter):
    """A file that is written from front to back."""

    def check(self) -> None:
        layout = self.layout
        size = layout.inner * layout.n_classes * self.dtype.itemsize
        if (layout.inner == 1 or size <= _GATHERED_BYTES) and None not in self.shape:
            return
        raise UsageError(
            "the .npy file of this input is not written from front to back, as a pipe needs it",
            where=shown(self.path),
            hint=f"name a file, or leave {setting('output')} out for lines of text ({setting('format', 'csv')})",
        )

    def begin(self, file: BinaryIO) -> None:
        super().begin(file)
        self._waiting = np.empty((0, self.layout.n_classes), self.dtype)

    def _prepare(self, start: int, rows: NDArray[Any]) -> NDArray[Any]:  # noqa: ARG002 - a pipe has no places
        return rows.copy()

    def _add(self, waiting: NDArray[Any]) -> None:
        """Append the samples that fill whole runs, all classes of ``inner`` samples each; the others wait."""
        step = max(self.layout.inner, 1)
        joined = np.concatenate([self._waiting, waiting])
        n_whole = len(joined) // step * step
        self.file.write(_by_class(joined[:n_whole], step).data)
        self._waiting = joined[n_whole:].copy()

    def _end(self, n_entries: int) -> None:
        """Every number has been written."""


@dataclass
class _Window:
    """Values (n_classes, n) of samples that follow each other; ``n_missing`` of them are yet to come."""

    values: NDArray[Any]
    n_missing: int


class PlacedNpy(_NpyWriter):
    """A file whose numbers are written at their places by whoever prepares them."""

    def check(self) -> None:
        """Such a file holds any array."""

    def begin(self, file: BinaryIO) -> None:
        super().begin(file)
        file.flush()
        self._data_start = file.tell()
        self._width = max(1, _WINDOW_BYTES // max(1, self.layout.n_classes * self.dtype.itemsize))
        self._windows: dict[tuple[int, int], _Window] = {}
        self._lock = Lock()

    def _prepare(self, start: int, rows: NDArray[Any]) -> None:
        """Write whole slices, all classes of ``inner`` samples, and put those of a part of one into windows."""
        inner, done = self.layout.inner, 0
        while done < len(rows):
            outer, offset = divmod(start + done, inner)
            rest = rows[done:]
            if not offset and len(rest) >= inner:
                rest = rest[: len(rest) // inner * inner]
                self._write_at(outer * inner * self.layout.n_classes, _bytes_of(_by_class(rest, inner)))
            else:
                window, at = divmod(offset, self._width)
                rest = rest[: min(self._width - at, inner - offset)]
                self._fill(outer, window * self._width, at, rest)
            done += len(rest)

    def _fill(self, outer: int, first: int, at: int, rows: NDArray[Any]) -> None:
        """Put samples into the window of a slice that begins with its sample ``first``; whoever fills it writes it."""
        width = min(self._width, self.layout.inner - first)
        with self._lock:
            if (outer, first) not in self._windows:
                values = np.empty((self.layout.n_classes, width), self.dtype)
                self._windows[outer, first] = _Window(values, width)
            window = self._windows[outer, first]
        window.values[:, at : at + len(rows)] = rows.T
        with self._lock:
            window.n_missing -= len(rows)
            if window.n_missing:
                return
            del self._windows[outer, first]
        self._write_window(outer, first, window.values)

    def _write_window(self, outer: int, first: int, values: NDArray[Any]) -> None:
        """Write one run a class, or a single one of all where the window is the whole slice."""
        inner, size = self.layout.inner, values.shape[1] * self.dtype.itemsize
        place, data = outer * inner * self.layout.n_classes + first, _bytes_of(values)
        if values.shape[1] == inner:
            self._write_at(place, data)
            return
        for c in range(self.layout.n_classes):
            self._write_at(place + c * inner, data[c * size : (c + 1) * size])

    def _write_at(self, place: int, data: memoryview) -> None:
        """Write values, the first of which is number ``place`` of the file."""
        at = self._data_start + place * self.dtype.itemsize
        descriptor = self.file.fileno()  # once the file is closed, its number may be that of another
        while (n := os.pwrite(descriptor, data, at)) < len(data):
            data, at = data[n:], at + n

    def _add(self, waiting: None) -> None:
        """Every number has its place."""

    def _end(self, n_entries: int) -> None:
        if None in self.shape:
            self.file.seek(0)
            self._write_header(n_entries)


def _bytes_of(values: NDArray[Any]) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _by_class(rows: NDArray[Any], step: int) -> NDArray[Any]:
    """Samples (n, n_classes) as (n / step, n_classes, step), contiguous: all samples of a class before the next."""
    return np.ascontiguousarray(rows.reshape(len(rows) // step, step, rows.shape[1]).transpose(0, 2, 1))
