"""Labels of groups that are integers in an array: read once for those that are distinct, then block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice
from nllcli.inputs.integers import integers, is_index
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.dataset import VectorSource
    from nllcli.data.layout import Layout

_PIECE_SAMPLES = 1 << 18
_MOST_WAITING = 1 << 18


@dataclass(frozen=True)
class IntegerLabels:
    """Integers, or floating-point numbers that are whole, in file order of the logits, as ``Labels``.

    ``distinct`` are all of them, in ascending order.
    """

    values: VectorSource
    distinct: NDArray[Any]
    n_runs: int
    notes: tuple[Notice, ...] = ()
    counts_on: bool = False

    @property
    def name(self) -> str:
        return self.values.name

    @property
    def n(self) -> int:
        return self.values.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        values = whole_numbers(self.values.read(start, n), lambda _: self.name)
        if not n:
            return np.empty(0, np.int64)
        first, last = int(self.distinct[0]), int(self.distinct[-1])
        if last - first < len(self.distinct):  # they count on from the first
            return (values - self.distinct[0]).astype(np.int64, copy=False)
        begins = _begins(values)
        here, inverse = np.unique(values[begins], return_inverse=True)  # in order they are found several times faster
        places = np.searchsorted(self.distinct, here).astype(np.int64, copy=False)
        return np.repeat(places[inverse], np.diff(begins, append=n))

    def place(self, sample: int, layout: Layout) -> str:
        return self.values.place(sample, layout)


def integer_labels(values: VectorSource, layout: Layout) -> IntegerLabels:
    """The labels, which are read piece by piece; raises DataError for numbers that are not whole."""
    distinct = _Distinct()
    n_runs, is_float, last = 0, False, None
    for start in range(0, values.n, _PIECE_SAMPLES):
        read = values.read(start, min(_PIECE_SAMPLES, values.n - start))
        piece = whole_numbers(read, lambda i, at=start: f"{values.name}, {values.place(at + i, layout)}")  # type: ignore[misc]
        begins = _begins(piece)
        n_runs += len(begins) - (last is not None and bool(piece[0] == last))
        distinct.add(piece[begins])
        is_float, last = read.dtype.kind == "f", piece[-1]
    told = f"{values.name}: whole numbers in floating point are taken as labels of groups"
    return IntegerLabels(values, distinct.all(), n_runs, (Notice("groups-as-floats", told),) * is_float)


class _Distinct:
    """The different values among those that are added, in ascending order: 8 bytes each, and a quarter more."""

    def __init__(self) -> None:
        self._known: NDArray[Any] | None = None
        self._waiting: list[NDArray[Any]] = []

    def add(self, values: NDArray[Any]) -> None:
        """Take note of the values, which are sorted in place."""
        fresh, known = _sorted_once(values), self._known
        if known is not None:
            fresh = fresh[known[np.minimum(np.searchsorted(known, fresh), len(known) - 1)] != fresh]
        self._waiting.append(fresh)
        if sum(map(len, self._waiting)) > max(_MOST_WAITING, 0 if known is None else len(known) // 4):
            self._known = self.all()

    def all(self) -> NDArray[Any]:
        """All values that were added."""
        known, waiting = self._known, self._waiting
        fresh = _sorted_once(np.concatenate(waiting)) if waiting else np.empty(0, np.int64)
        self._waiting = []
        if known is None:
            return fresh
        if not len(fresh) or fresh[0] > known[-1]:
            return np.concatenate([known, fresh])
        return np.insert(known, np.searchsorted(known, fresh), fresh)


def _sorted_once(values: NDArray[Any]) -> NDArray[Any]:
    """Each of the values once, in ascending order, which sorting them in place is the fastest way to."""
    values.sort()
    return values[_begins(values)]


def _begins(values: NDArray[Any]) -> NDArray[np.intp]:
    """Where runs of one value begin."""
    differs = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return np.flatnonzero(differs)


def whole_numbers(values: NDArray[Any], where: Callable[[int], str]) -> NDArray[Any]:
    """Numbers as int64, those of uint64 as they are; raises DataError for what is not a whole number."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind != "f":
        return values.astype(np.uint64 if (kind, size) == ("u", 8) else np.int64, copy=False)
    with np.errstate(invalid="ignore"):  # of a signalling NaN
        wide = values.astype(np.float64)
    found = integers(wide)
    if found is None:
        i = int(np.flatnonzero(~is_index(wide))[0])
        if np.isnan(wide[i]):
            raise DataError("the label is empty (NaN)", where=where(i))
        raise DataError(f"label {values[i]!s} is not a whole number below 2^53", where=where(i))
    return found
