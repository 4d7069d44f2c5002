"""Targets that are the numbers in the classes' names, not their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import Remedy, SampleError, UsageError
from nllcli.inputs import names as class_names
from nllcli.inputs.labels import by_name, numbering_of, renumber, unknown_number
from nllcli.records import dataclass

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


def column_of_each_class(classes: tuple[str, ...] | None, targets_are: str | None, name: str) -> list[int] | None:
    """Which column of targets without names belongs to each class; None where they are in the order of the classes.

    Raises UsageError where the numbers of the classes are in another order, as names sorted as text are.
    """
    found = class_names.numbers(classes, opposites=False)
    if classes is None or found is None or list(found) == sorted(found) or targets_are == "numbers":
        return None
    place = {number: i for i, number in enumerate(sorted(found))}
    places = [place[number] for number in found]
    if targets_are == "names":
        return places
    odd = next(i for i, place in enumerate(places) if i != place)
    by_number = classes[places.index(odd)]
    raise UsageError(
        f"has a column for each class and no names: is column {odd + 1} the class in that place, or by number?",
        where=name,
        remedies=[
            Remedy({"targets_are": "names"}, f"by number: column {odd + 1} is {by_number}"),
            Remedy({"targets_are": "numbers"}, f"by place: column {odd + 1} is {classes[odd]}"),
        ],
    )


def not_by_number(name: str) -> UsageError:
    """The refusal to bind class probabilities to classes by the numbers in their names."""
    hint = "a first line with the names of the classes binds its columns to those"
    return UsageError("has class probabilities without names, which are taken by place", where=name, hint=hint)
