"""Groups of samples by the axes of the targets: the index along one, or a label for each index along the first."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import Remedy, UsageError, setting
from nllcli.inputs.shapes import fits_loosely, shown
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.layout import Layout
    from nllcli.errors import Notice
    from nllcli.inputs.groups.numbering import Distinct, Labels

_WITHOUT = Remedy({"groups": None}, "each sample is a group of its own")


@dataclass(frozen=True)
class AxisLabels:
    """The index of each sample along an ``axis`` of the targets' shape, as ``Labels``."""

    name: str
    layout: Layout
    axis: int
    notes: tuple[Notice, ...] = ()

    @property
    def n(self) -> int:
        return prod(self._shape)

    @property
    def counts_on(self) -> bool:
        return self.axis == 0

    @property
    def distinct(self) -> NDArray[np.int64]:
        return np.arange(self._shape[self.axis] if self.n else 0)

    @property
    def n_runs(self) -> int:
        return self.n // self.step if self.n and self._shape[self.axis] > 1 else min(self.n, 1)

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        return np.arange(start, start + n) // self.step % self._shape[self.axis]

    def place(self, sample: int, layout: Layout) -> str:
        return layout.place(sample)

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(n or 0 for n in self.layout.sample_shape)

    @property
    def step(self) -> int:
        """How many samples of the file follow each other at one index."""
        return prod(self._shape[: self.axis] if self.layout.fortran else self._shape[self.axis + 1 :])


@dataclass(frozen=True)
class RowLabels:
    """One label for all samples of each index along the first axis of the targets, as ``Labels``; there are samples."""

    rows: Labels
    layout: Layout
    counts_on: bool = False

    @property
    def name(self) -> str:
        return self.rows.name

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.rows.notes

    @property
    def n(self) -> int:
        return self._axis.n

    @property
    def distinct(self) -> Distinct:
        return self.rows.distinct

    @property
    def n_runs(self) -> int:
        n_times, ends = self.n // (self._axis.step * self.rows.n), (0, self.rows.n - 1)
        first, last = (int(self.rows.read(end, 1)[0]) for end in ends)
        return n_times * self.rows.n_runs - (n_times - 1) * (first == last)

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        rows = self._axis.read(start, n)
        if not n:
            return rows
        first, last = int(rows.min()), int(rows.max())
        return self.rows.read(first, last - first + 1)[rows - first]

    def place(self, sample: int, layout: Layout) -> str:
        return layout.place(sample)

    @property
    def _axis(self) -> AxisLabels:
        return AxisLabels(self.name, self.layout, 0)


def has_rows(layout: Layout, shape: tuple[int | None, ...]) -> bool:
    """Whether labels of ``shape`` are one for each index along the first axis of targets that have several."""
    targets = layout.sample_shape
    return len(targets) > 1 and shape == targets[:1] and not fits_loosely(targets, shape) and bool(layout.n_samples)


def along(axis: int, layout: Layout, name: str) -> AxisLabels:
    """The labels ``axis:K`` for the logits ``name``; raises UsageError for an axis that the targets do not have."""
    shape, asked = layout.sample_shape, setting("groups", f"axis:{axis}")
    if None in shape:
        message = f"{asked}: there is a sample a row, and each would be a group of its own"
        raise UsageError(message, where=name, remedies=[_WITHOUT])
    if not -len(shape) <= axis < len(shape):
        ways = [
            Remedy({"groups": f"axis:{k}"}, f"the groups are the indices along axis {k}, {n} of them")
            for k, n in enumerate(shape)
        ]
        message = f"{asked} is not an axis of the targets' shape {shown(shape)}"
        raise UsageError(message, where=name, remedies=ways or [_WITHOUT])
    return AxisLabels(f"axis:{axis}", layout, axis % len(shape))
