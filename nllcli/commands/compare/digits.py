"""Exact sums of many groups at once, in digits: 8 bytes each, of which most numbers need 3 or 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.exact import UNIT_BITS, ExactSum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Whole numbers of this many bits: 2**21 of them add up without rounding in float64, and 2**31 in int64.
_BITS = 32
_MOST_ADDED = 1 << 30
_FRACTION_BITS = 53


class Digits:
    """The exact sums of ``n`` groups: column ``j`` (n,) int64 counts ``2**(32 j)``.

    They are added up in place: a copy of all would take as much memory again.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.columns: dict[int, NDArray[np.int64]] = {}
        self._n_added = 0

    def add(self, values: NDArray[np.float64], groups: NDArray[np.int64]) -> None:
        """Add finite ``values`` (m,), at most 2**21 of them, to the sums of their ``groups`` (m,), below ``n``."""
        sizes = np.abs(values[values != 0])
        if not sizes.size:
            return
        least = max(int(np.frexp(sizes.min())[1]) - _FRACTION_BITS, -UNIT_BITS)
        top = int(np.frexp(sizes.max())[1])
        rest = values
        for j in reversed(range(least // _BITS, -(-top // _BITS))):
            digit = np.trunc(np.ldexp(rest, -_BITS * j))
            rest = rest - np.ldexp(digit, _BITS * j)
            self._add_column(j, np.bincount(groups, digit, self.n))
        self._have_added(len(values))

    def absorb(self, other: Digits) -> None:
        """Add the sums of the same groups."""
        for j, column in other.columns.items():
            self._add_column(j, column)
        self._have_added(other._n_added)

    def _add_column(self, j: int, digits: NDArray[np.int64] | NDArray[np.float64]) -> None:
        if j not in self.columns:
            self.columns[j] = np.zeros(self.n, np.int64)
        # Whole numbers, in either type, which float64 would add up with rounding once the column is above 2**53.
        np.add(self.columns[j], digits, out=self.columns[j], dtype=np.int64, casting="unsafe")

    def _have_added(self, n: int) -> None:
        """Carry the digits, so that none overflows."""
        self._n_added += n
        if self._n_added <= _MOST_ADDED:
            return
        for j in range(min(self.columns), max(self.columns) + 1):
            column = self.columns.setdefault(j, np.zeros(self.n, np.int64))
            self._add_column(j + 1, column >> _BITS)
            column &= (1 << _BITS) - 1
        self._n_added = 1

    def taken(self, places: NDArray[np.intp]) -> Digits:
        """The sums of some groups, in columns of their own."""
        taken = Digits(len(places))
        taken.columns = {j: column[places] for j, column in self.columns.items()}
        taken._n_added = self._n_added
        return taken

    def floats(self) -> NDArray[np.float64]:
        """Each sum, rounded once: (n,)."""
        return np.array([float(ExactSum(units)) for units in self.units()], np.float64)

    def units(self) -> Iterator[int]:
        """Each sum, as a count of 2**-1074."""
        if not self.columns:
            yield from (0 for _ in range(self.n))
            return
        low = min(self.columns)
        place = _BITS * low + UNIT_BITS
        shifts = [_BITS * (j - low) for j in self.columns]
        for row in zip(*(column.tolist() for column in self.columns.values()), strict=True):
            whole = sum(digit << shift for digit, shift in zip(row, shifts, strict=True))
            yield whole << place if place >= 0 else whole >> -place
