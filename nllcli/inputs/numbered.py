"""Targets that are the numbers in the classes' names, not their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import SampleError
from nllcli.inputs import names as class_names
from nllcli.inputs.labels import by_name, numbering_of, renumber, unknown_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nllcli.data.dataset import VectorSource
    from nllcli.data.layout import Layout
    from nllcli.errors import Notice
    from nllcli.inputs.formats import ReadOptions

_PIECE_SAMPLES = 1 << 18


@dataclass
class Numbered:
    """Class indices of targets that are the classes' numbers: a VectorSource."""

    inner: VectorSource
    numbering: Mapping[int, int]
    ignore_index: int

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def n(self) -> int:
        return self.inner.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        values = self.inner.read(start, n)
        found, wrong = renumber(values, self.numbering, self.ignore_index)
        if wrong is not None:
            message = unknown_number(int(values[wrong]), self.numbering)
            raise SampleError(message, culprit="targets", samples=(start + wrong,))
        return found

    def place(self, sample: int, layout: Layout) -> str:
        return self.inner.place(sample, layout)


def by_number(
    vector: VectorSource, classes: tuple[str, ...] | None, reading: ReadOptions
) -> tuple[VectorSource, tuple[Notice, ...]]:
    """The targets as class indices where they are numbers of ``classes``; raises UsageError where they may be both."""
    found = class_names.numbers(classes)
    if (found is None or class_names.are_places(found)) and reading.targets_are != "names":
        return vector, ()
    seen: set[int] = set()
    for start in range(0, vector.n, _PIECE_SAMPLES):
        seen.update(np.unique(vector.read(start, min(_PIECE_SAMPLES, vector.n - start))).tolist())
    numbering = numbering_of(seen, classes, vector.name, reading, whole=True)
    if numbering is None:
        return vector, ()
    return Numbered(vector, numbering, reading.ignore_index), (by_name(vector.name),)
