"""Sums in fixed point, which no order of their terms can change, at each of many places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A value is rounded to a whole number of units.
_UNIT_BITS = 40
_UNIT = 2.0**-_UNIT_BITS
# So many values are summed at once: int64 holds 2**22 times 2**40 units.
_MOST_AT_ONCE = 1 << 22
_LOW_BITS = 32
_LOW = (1 << _LOW_BITS) - 1


@dataclass(frozen=True, eq=False)
class FixedSums(Part):
    """The sums of values from -1 to 1, each rounded to 2**-40, at n places.

    ``words`` (2, n) int64 are the sum in units of 2**-8 and what has to be added to that in units of 2**-40: neither
    overflows for fewer than 2**31 terms of ``+``, nor for 2**54 values.
    """

    words: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, values: NDArray[np.float64], places: NDArray[np.int64], n_places: int) -> Self:
        """Those of ``values`` (m,) at ``places`` (m,) below ``n_places``."""
        words = np.zeros((2, n_places), np.int64)
        for start in range(0, len(values), _MOST_AT_ONCE):
            run = slice(start, start + _MOST_AT_ONCE)
            units = np.zeros(n_places, np.int64)
            np.add.at(units, places[run], np.rint(values[run] / _UNIT).astype(np.int64))
            words += units >> _LOW_BITS, units & _LOW
        return cls(words)

    def floats(self, n_places: int) -> NDArray[np.float64]:
        """The sums (n_places,), each rounded once."""
        if self.words is None:
            return np.zeros(n_places)
        high, low = self.words
        carried, rest = high + (low >> _LOW_BITS), low & _LOW
        return carried * (_UNIT * 2.0**_LOW_BITS) + rest * _UNIT
