"""Sums over the samples of each class, kept for those that occur where the classes are many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Up to here every class has a place in arrays of classes: they are small.
_MOST_CLASSES = 1 << 16


@dataclass(frozen=True)
class ByClass:
    """The ``sums`` (k,), counts or float64, of the ``classes`` (k,), in ascending order: no other class occurs."""

    n_classes: int
    classes: NDArray[np.int64]
    sums: NDArray[Any]

    @classmethod
    def of(cls, targets: NDArray[np.int64], n_classes: int, values: NDArray[np.float64] | None = None) -> ByClass:
        """Those of ``targets`` (n,), all of them classes: of the ``values`` (n,), without which they are counted."""
        if n_classes <= _MOST_CLASSES:
            classes, places = np.arange(n_classes), targets
        else:
            classes, places = np.unique(targets, return_inverse=True)
        sums = np.bincount(places, weights=values, minlength=len(classes))
        return cls(n_classes, classes, sums if values is None else sums.astype(np.float64, copy=False))

    def __add__(self, other: ByClass) -> ByClass:
        if len(self.classes) == self.n_classes == len(other.classes):
            return ByClass(self.n_classes, self.classes, self.sums + other.sums)
        classes = np.union1d(self.classes, other.classes)
        return ByClass(self.n_classes, classes, self.among(classes) + other.among(classes))

    def among(self, classes: NDArray[np.int64]) -> NDArray[Any]:
        """The sums of ``classes``, in ascending order, which include all that occur."""
        sums = np.zeros(len(classes), self.sums.dtype)
        sums[np.searchsorted(classes, self.classes)] = self.sums
        return sums

    def __getitem__(self, index: int) -> Any:
        """The sum of one class, 0 where it does not occur."""
        return self.sums[self.classes == index].sum()

    @property
    def occurring(self) -> NDArray[np.int64]:
        """The classes that have a sum other than 0, in ascending order."""
        return self.classes[self.sums != 0]


def place_of(index: int, classes: NDArray[np.int64] | None, n_classes: int) -> int | None:
    """The place of a class among ``classes`` (k,), or among all; None where it has none."""
    if classes is None:
        return index if 0 <= index < n_classes else None
    places = np.flatnonzero(classes == index)
    return int(places[0]) if places.size else None
