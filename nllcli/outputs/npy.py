"""Arrays in NumPy's own format, version 1.0, in the memory order of the input."""

from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

from nllcli.errors import UsageError, setting
from nllcli.outputs.array_writer import ArrayWriter
from nllcli.outputs.files import shown
from nllcli.outputs.windows import Window, Windows, bytes_of, write_at

_GATHERED_BYTES = 1 << 24  # up to here, samples wait until they fill one contiguous run of a pipe


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
        return rows

    def _add(self, waiting: NDArray[Any]) -> None:
        """Append the samples that fill whole runs, all classes of ``inner`` samples each; the others wait."""
        step = max(self.layout.inner, 1)
        joined = np.concatenate([self._waiting, waiting])
        n_whole = len(joined) // step * step
        self.file.write(_by_class(joined[:n_whole], step).data)
        self._waiting = joined[n_whole:].copy()

    def _end(self, n_entries: int) -> None:
        """Every number has been written."""


class PlacedNpy(_NpyWriter):
    """A file whose numbers are written at their places by whoever prepares them."""

    def check(self) -> None:
        """Such a file holds any array."""

    def begin(self, file: BinaryIO) -> None:
        super().begin(file)
        file.flush()
        self._data_start = file.tell()
        self._windows = Windows(self.layout.inner, self.layout.n_classes, self.dtype, self.path)

    def _prepare(self, start: int, rows: NDArray[Any]) -> None:
        """Write whole slices, all classes of ``inner`` samples, and put those of a part of one into windows."""
        inner, done = self.layout.inner, 0
        while done < len(rows):
            outer, offset = divmod(start + done, inner)
            rest = rows[done:]
            if not offset and len(rest) >= inner:
                rest = rest[: len(rest) // inner * inner]
                self._write(outer * inner * self.layout.n_classes, bytes_of(_by_class(rest, inner)))
            else:
                width = self._windows.width
                rest = rest[: min(width - offset % width, inner - offset)]
                window = self._windows.fill(outer, offset, rest)
                if window is not None:
                    self._write_window(outer, offset // width * width, window)
            done += len(rest)

    def _write_window(self, outer: int, first: int, window: Window) -> None:
        """Write one run a class, or a single one of several where the window is the whole slice."""
        inner, n_classes = self.layout.inner, self.layout.n_classes
        for c, values in window.runs():
            place, data = (outer * n_classes + c) * inner + first, bytes_of(values)
            n, size = len(values), values.shape[1] * self.dtype.itemsize
            if values.shape[1] == inner:
                n, size = 1, len(data)
            for i in range(n):
                self._write(place + i * inner, data[i * size : (i + 1) * size])

    def _write(self, place: int, data: memoryview) -> None:
        """Write values, the first of which is number ``place`` of the file."""
        descriptor = self.file.fileno()  # once the file is closed, its number may be that of another
        write_at(descriptor, self._data_start + place * self.dtype.itemsize, data)

    def _add(self, waiting: None) -> None:
        """Every number has its place."""

    def _end(self, n_entries: int) -> None:
        if None in self.shape:
            self.file.seek(0)
            self._write_header(n_entries)


def _by_class(rows: NDArray[Any], step: int) -> NDArray[Any]:
    """Samples (n, n_classes) as (n / step, n_classes, step), contiguous: all samples of a class before the next."""
    return np.ascontiguousarray(rows.reshape(len(rows) // step, step, rows.shape[1]).transpose(0, 2, 1))
