"""The sums of groups as the native kernel gives them: digits that add up as whole numbers, without a carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels.chosen import native_group_sums
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DIGIT_BITS = 32

# Of so many values each digit is below 2**62.
MOST_ADDED = 1 << 30


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class GroupDigits:
    """The sums of n groups: ``digits`` (n, k) int64, of which column j counts ``2**(32 (first + j) - 1074)``.

    They are of either sign. ``n_added`` is how many values are in all sums together.
    """

    first: int
    digits: NDArray[np.int64]
    n_added: int

    @classmethod
    def of(cls, values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int) -> GroupDigits | None:
        """Those of ``values`` (n,) by their ``groups`` (n,); None where the kernel does not add them up."""
        found = native_group_sums(values, groups, n_groups)
        return None if found is None else cls(*found, len(values))

    def __add__(self, other: GroupDigits) -> GroupDigits:
        n_added = self.n_added + other.n_added
        if self.first == other.first and self.digits.shape == other.digits.shape:
            return GroupDigits(self.first, self.digits + other.digits, n_added)
        first, stop = _span((self, other))
        digits = np.zeros((len(self.digits), stop - first), np.int64)
        for each in (self, other):
            digits[:, each.first - first : each.stop - first] += each.digits
        return GroupDigits(first, digits, n_added)

    @property
    def stop(self) -> int:
        """The number of the digit after the last."""
        return self.first + self.digits.shape[1]

    def units(self) -> NDArray[np.object_]:
        """The sums (n,) as counts of 2**-1074."""
        units = np.full(len(self.digits), 0, object)
        present = np.flatnonzero(self.digits.any(axis=1))
        units[present] = [self._whole(row) for row in self.digits[present].tolist()]
        return units

    def unit(self, group: int) -> int:
        """The sum of one group."""
        return self._whole(self.digits[group].tolist())

    def total(self) -> int:
        """The sum of all groups."""
        return self._whole(self.digits.sum(axis=0).tolist())

    def _whole(self, digits: list[int]) -> int:
        return sum(digit << DIGIT_BITS * (self.first + j) for j, digit in enumerate(digits))

    def of_groups(self, groups: Any) -> GroupDigits:
        """The sums of some groups, in the order in which these are named."""
        return GroupDigits(self.first, self.digits[groups], self.n_added)

    def united(self, starts: NDArray[np.intp]) -> GroupDigits:
        """The sums of fewer groups, each of all groups from one of the ``starts``, ascending, to the next."""
        return GroupDigits(self.first, np.add.reduceat(self.digits, starts), self.n_added)

    def padded(self, n: int) -> GroupDigits:
        """The sums of ``n`` groups, of which those that are new have none."""
        missing = n - len(self.digits)
        return replace(self, digits=np.pad(self.digits, ((0, missing), (0, 0)))) if missing else self

    @classmethod
    def side_by_side(cls, parts: Sequence[GroupDigits]) -> GroupDigits:
        """The groups of several sums, at least one, one after another."""
        first, stop = _span(parts)
        digits = np.zeros((sum(len(each.digits) for each in parts), stop - first), np.int64)
        start = 0
        for each in parts:
            digits[start : start + len(each.digits), each.first - first : each.stop - first] = each.digits
            start += len(each.digits)
        return cls(first, digits, sum(each.n_added for each in parts))


def _span(parts: Sequence[GroupDigits]) -> tuple[int, int]:
    """The first digit of any, and the one after the last."""
    return min(each.first for each in parts), max(each.stop for each in parts)
