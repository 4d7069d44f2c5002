"""How often the classes occur, kept for those that do where there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Up to here every class has a place in arrays of classes: they are small.
_MOST_CLASSES = 1 << 16


@dataclass(frozen=True)
class Counts:
    """How often each of the ``classes`` (k,), in ascending order, was seen, ``n`` (k,): no other class was."""

    n_classes: int
    classes: NDArray[np.int64]
    n: NDArray[np.int64]

    @classmethod
    def of(cls, targets: NDArray[np.int64], n_classes: int) -> Counts:
        """Those of ``targets`` (n,), all of them classes."""
        if n_classes <= _MOST_CLASSES:
            return cls(n_classes, np.arange(n_classes), np.bincount(targets, minlength=n_classes))
        return cls(n_classes, *np.unique(targets, return_counts=True))

    def __add__(self, other: Counts) -> Counts:
        classes = np.union1d(self.classes, other.classes)
        return Counts(self.n_classes, classes, self.among(classes) + other.among(classes))

    def among(self, classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The counts of ``classes``, in ascending order, which include all that occur."""
        n = np.zeros(len(classes), np.int64)
        n[np.searchsorted(classes, self.classes)] = self.n
        return n

    def __getitem__(self, index: int) -> int:
        return int(self.n[self.classes == index].sum())

    @property
    def most_frequent(self) -> int:
        """The first class of the largest count; 0 where none was seen."""
        return int(self.classes[self.n.argmax()]) if self.n.any() else 0


def place_of(index: int, classes: NDArray[np.int64] | None, n_classes: int) -> int | None:
    """The place of a class among ``classes`` (k,), or among all; None where it has none."""
    if classes is None:
        return index if 0 <= index < n_classes else None
    places = np.flatnonzero(classes == index)
    return int(places[0]) if places.size else None
