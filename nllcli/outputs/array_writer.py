"""What formats of arrays have in common: any thread prepares blocks of samples, and they are added in order."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import field
from functools import cached_property
from math import prod
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nllcli.data.layout import Layout
from nllcli.outputs.files import StrPath, faults
from nllcli.records import dataclass


class Prepared(NamedTuple):
    """A run of ``n`` samples from ``start`` on, and what of it still waits for its turn, as its format has it."""

    start: int
    n: int
    waiting: Any


@dataclass
class ArrayWriter(ABC):
    """Takes blocks of samples; the formats differ in how rows of one value a class are put into the file."""

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

    def prepare(self, start: int, values: NDArray[Any]) -> Prepared:
        """Do for the samples from ``start`` on whatever needs no turn; any thread may call it, in any order.

        ``values`` is ``(m,)``, or ``(m, n_classes)`` with a class axis; nobody writes to it until it is added.
        """
        with np.errstate(over="ignore"):  # what is too large for the type becomes infinite, as in any cast
            rows = values.reshape(len(values), self.layout.n_classes).astype(self.dtype, copy=False)
        with faults(self.path):
            return Prepared(start, len(rows), self._prepare(start, rows))

    def add(self, prepared: Prepared) -> None:
        """Write what is left of samples that have been prepared; they come in order."""
        if prepared.start != self.n_written:
            raise ValueError(f"samples must come in order: {prepared.start} after {self.n_written}")
        with faults(self.path):
            self._add(prepared.waiting)
        self.n_written += prepared.n

    def finish(self) -> None:
        """Complete the file; fewer or more samples than the shape says are a defect of the caller."""
        per_entry = prod(n for n in self.layout.sample_shape[1:] if n is not None)
        expected = self.layout.n_samples
        is_whole = self.n_written == expected if expected is not None else self.n_written % max(per_entry, 1) == 0
        if not is_whole:
            raise ValueError(f"{self.n_written} samples do not fill an array of shape {self.shape}")
        self._end(self.n_written // max(per_entry, 1))

    @abstractmethod
    def _prepare(self, start: int, rows: NDArray[Any]) -> Any: ...

    @abstractmethod
    def _add(self, waiting: Any) -> None: ...

    @abstractmethod
    def _end(self, n_entries: int) -> None: ...
