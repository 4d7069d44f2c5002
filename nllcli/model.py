"""What the rooms hand to each other: frozen, plain, and free of numpy at import time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = float | int | str | None


# --- from files to blocks -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """How an array of logits lies in its file: ``(outer, n_classes, inner)``, samples counted in file order.

    ``shape`` is the array's own shape (a first entry of None: known only at the end of the stream), ``class_axis``
    is never negative, and ``fortran`` says that the first axis is the fastest in the file.
    """

    shape: tuple[int | None, ...]
    class_axis: int
    fortran: bool = False

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
        """Samples that lie side by side for one class; 1 where the class axis is the fastest."""
        after = self._file_shape[self._file_axis + 1 :]
        return prod(n for n in after if n is not None)

    @property
    def outer(self) -> int | None:
        before = self._file_shape[: self._file_axis]
        return None if None in before else prod(n for n in before if n is not None)


@dataclass(frozen=True)
class Block:
    """One run of samples in file order.

    ``logits`` is (n, n_classes) in the file's dtype, with strides that follow the file; ``targets`` is (n,) int64,
    or (n, n_classes) floating point for soft targets, or None; ``sample_weights`` is (n,) float64 or None.
    """

    start: int
    logits: NDArray[Any]
    targets: NDArray[Any] | None = None
    sample_weights: NDArray[np.float64] | None = None


class BlockSource(Protocol):
    """Something that can be read as blocks of samples."""

    name: str
    shape: tuple[int | None, ...]
    fortran: bool
    class_names: tuple[str, ...] | None

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Callable[[], Block]]:
        """Cut the data into blocks of ``block_samples`` samples, in file order.

        The cutting is done by one thread; each callable, run on any thread, reads and returns its block.
        """
        ...


# --- from tallies to text -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notice:
    """Something suspicious or worth knowing; ``code`` is stable, ``message`` is for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Metric:
    """One named number of a report.

    ``key`` is the JSON key, ``label`` is for people, ``unit`` is "nats", "bits", ... and ``note`` says in a few words
    how to read the number. ``headline`` marks the number the command is about. ``hidden`` metrics appear only in the
    formats that programs read.
    """

    key: str
    label: str
    value: Value
    unit: str = ""
    note: str = ""
    headline: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is "text", "count", "number", "share" or "probability".

    Numbers of one column are shown with the same number of decimals; programs get them in full.
    """

    key: str
    label: str
    kind: str = "number"
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What a command found: names, numbers and units; nothing about how it looks.

    ``quiet`` holds what ``-q`` prints. ``extra`` holds values that only JSON shows (nested lists, say).
    """

    command: str
    title: str
    signature: str
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()
    quiet: Sequence[Value] = ()
    quiet_separator: str = "\n"
    extra: dict[str, Any] = field(default_factory=dict)
