"""Arrays that go to a file block by block, in the shape and memory order of the input."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

from nllcli.data.layout import Layout
from nllcli.errors import Remedy, UsageError, setting
from nllcli.outputs.files import StrPath, faults, is_replaceable, replace_file, shown
from nllcli.records import dataclass

_GATHERED_BYTES = 1 << 24  # up to here, samples wait until they fill one contiguous run of the file


@contextmanager
def open_array(
    path: StrPath,
    *,
    shape: tuple[int | None, ...],
    class_axis: int | None = None,
    fortran: bool = False,
    dtype: str = "f8",
    columns: Sequence[str] | None = None,
    format: str | None = None,
) -> Iterator["ArrayWriter"]:
    """Yield a writer of an array of ``shape``, in ``format``, "npy" or "csv" (None: by the extension of ``path``).

    With a ``class_axis`` each sample brings one value a class, without it a single value. Samples come in file order,
    as ``fortran`` has it. A first entry of None in ``shape`` is counted. ``columns`` is the header of a .csv file.
    The file appears when the array is whole, and not at all otherwise.
    """
    kind = _kind(path) if format is None else _WRITERS[f".{format}"]
    writer = kind(path, shape, class_axis, fortran, np.dtype(dtype), columns)
    writer.check()
    with replace_file(path) as file:
        with faults(path):
            writer.begin(file)
        yield writer
        with faults(path):
            writer.finish()


@dataclass
class ArrayWriter(ABC):
    """Takes blocks of samples in order; the formats differ in how rows of one value a class are put into the file."""

    path: StrPath
    shape: tuple[int | None, ...]
    class_axis: int | None
    fortran: bool
    dtype: np.dtype[Any]
    columns: Sequence[str] | None
    file: BinaryIO = field(init=False)
    n_written: int = field(default=0, init=False)

    @cached_property
    def layout(self) -> Layout:
        """How the samples lie in the file; a single value a sample is one class on the fastest axis."""
        if self.class_axis is not None:
            return Layout(self.shape, self.class_axis, self.fortran)
        if self.fortran:
            return Layout((1, *self.shape), 0, fortran=True)
        return Layout((*self.shape, 1), len(self.shape))

    @abstractmethod
    def check(self) -> None:
        """Raise UsageError if the format cannot hold the array."""

    def begin(self, file: BinaryIO) -> None:
        self.file = file

    def write(self, start: int, values: NDArray[Any]) -> None:
        """Write the samples from ``start`` on: ``values`` is ``(m,)``, or ``(m, n_classes)`` with a class axis."""
        if start != self.n_written:
            raise ValueError(f"samples must come in order: {start} after {self.n_written}")
        with np.errstate(over="ignore"):  # what is too large for the type becomes infinite, as in any cast
            rows = values.reshape(len(values), self.layout.n_classes).astype(self.dtype, copy=False)
        with faults(self.path):
            self._put(rows)
        self.n_written += len(rows)

    def finish(self) -> None:
        """Complete the file; fewer or more samples than the shape says are a defect of the caller."""
        per_entry = prod(n for n in self.layout.sample_shape[1:] if n is not None)
        expected = self.layout.n_samples
        is_whole = self.n_written == expected if expected is not None else self.n_written % max(per_entry, 1) == 0
        if not is_whole:
            raise ValueError(f"{self.n_written} samples do not fill an array of shape {self.shape}")
        self._end(self.n_written // max(per_entry, 1))

    @abstractmethod
    def _put(self, rows: NDArray[Any]) -> None: ...

    @abstractmethod
    def _end(self, n_entries: int) -> None: ...


class _NpyWriter(ArrayWriter):
    """NumPy's own format, version 1.0, in the memory order of the input."""

    @property
    def _is_gathered(self) -> bool:
        """Whether all classes of the samples that belong together are written in one run."""
        layout = self.layout
        return layout.inner == 1 or layout.inner * layout.n_classes * self.dtype.itemsize <= _GATHERED_BYTES

    def check(self) -> None:
        if is_replaceable(self.path) or (self._is_gathered and None not in self.shape):
            return
        raise UsageError(
            "the .npy file of this input is not written from front to back, as a pipe needs it",
            where=shown(self.path),
            hint=f"name a file, or leave {setting('output')} out for lines of text ({setting('format', 'csv')})",
        )

    def begin(self, file: BinaryIO) -> None:
        super().begin(file)
        self._write_header(0)
        self._data_start = file.tell() if file.seekable() else 0
        self._waiting = np.empty((0, self.layout.n_classes), self.dtype)

    def _write_header(self, n_entries: int) -> None:
        """Write the header; NumPy leaves so much room in it that it is as long for any number of entries."""
        shape = tuple(n_entries if n is None else n for n in self.shape)
        fortran = self.fortran and len(shape) > 1
        header = {"descr": dtype_to_descr(self.dtype), "fortran_order": fortran, "shape": shape}
        write_array_header_1_0(self.file, header)

    def _put(self, rows: NDArray[Any]) -> None:
        if self._is_gathered:
            self._gather(rows)
        else:
            self._scatter(rows)

    def _gather(self, rows: NDArray[Any]) -> None:
        """Append the samples that fill whole runs, all classes of ``inner`` samples each; the others wait."""
        step = max(self.layout.inner, 1)
        joined = np.concatenate([self._waiting, rows]) if len(self._waiting) else rows
        n_runs = len(joined) // step
        n_whole = n_runs * step
        runs = joined[:n_whole].reshape(n_runs, step, self.layout.n_classes)
        self.file.write(np.ascontiguousarray(runs.transpose(0, 2, 1)).tobytes())
        self._waiting = joined[n_whole:].copy()

    def _scatter(self, rows: NDArray[Any]) -> None:
        """Write one run a class at its place in the file: the samples of one class lie far from the next class."""
        inner = self.layout.inner
        first = 0
        while first < len(rows):
            outer, offset = divmod(self.n_written + first, inner)
            last = min(len(rows), first + inner - offset)
            for c, run in enumerate(np.ascontiguousarray(rows[first:last].T)):
                place = (outer * self.layout.n_classes + c) * inner + offset
                self.file.seek(self._data_start + place * self.dtype.itemsize)
                self.file.write(run.tobytes())
            first = last

    def _end(self, n_entries: int) -> None:
        if None in self.shape:
            self.file.seek(0)
            self._write_header(n_entries)


class _CsvWriter(ArrayWriter):
    """One line a sample, each number as the shortest text that reads back to the same value of its type.

    The header comes with the first samples, so that nothing is written where there is an error instead of them.
    """

    def check(self) -> None:
        if len(self.layout.sample_shape) > 1 or self.class_axis not in (None, len(self.shape) - 1):
            raise UsageError(
                f"csv holds one sample a line, which an array of shape {self.shape} does not have",
                where=shown(self.path),
                hint="name the file .npy",
            )

    def _put(self, rows: NDArray[Any]) -> None:
        if not self.n_written:
            self._write_header()
        lines = [",".join(text.removesuffix(".0") for text in row) + "\n" for row in rows.astype(str).tolist()]
        self.file.write("".join(lines).encode("ascii"))

    def _end(self, n_entries: int) -> None:
        if not n_entries:
            self._write_header()

    def _write_header(self) -> None:
        if self.columns is not None:
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(self.columns)
            self.file.write(line.getvalue().encode("utf-8", "backslashreplace"))


_WRITERS: dict[str, type[ArrayWriter]] = {".npy": _NpyWriter, ".csv": _CsvWriter}


def _kind(path: StrPath) -> type[ArrayWriter]:
    suffix = Path(path).suffix.lower()
    if not suffix and not is_replaceable(path):
        return _NpyWriter  # a device or a pipe has no extension
    if suffix not in _WRITERS:
        meanings = {".npy": "for NumPy, every bit", ".csv": "as text"}
        raise UsageError(
            f"arrays are written as {' or '.join(_WRITERS)}, not as {suffix or 'a file without an extension'}",
            where=shown(path),
            remedies=[
                Remedy(files={str(path): str(Path(path).with_suffix(extension))}, meaning=meaning)
                for extension, meaning in meanings.items()
            ],
        )
    return _WRITERS[suffix]
