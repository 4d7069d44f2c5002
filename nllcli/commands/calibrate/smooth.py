"""The smooth calibration error: what is left of claims less outcomes where a Gaussian kernel blurs them.

Błasiok and Nakkiran, "Smooth ECE: principled reliability diagrams via kernel smoothing", ICLR 2024. The grids, the
kernel and the search for its width are those of their package ``relplot`` 1.0, so that the number is the same. Widths
are multiples of 1/1024 there, of which those from 11/1024 on have one grid: ten grids serve all that it can try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.calibrate.fixed import FixedSums
from nllcli.commands.calibrate.pieces import Pieces, as_one, fewer, size_of
from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.calibration.claims import Claims

# So many samples are put onto the grids at once.
_BATCH = 1 << 16
_WIDTHS = 1024
# A width below 0.001 is taken unseen, which is 1/1024: the search ends at 2/1024.
_LEAST_WIDTH = 2
_FINE_WIDTHS = 10  # widths up to this have a grid each
# What each density has more than its samples, so that no empty place divides by 0.
_FLOOR = 1e-4


def _size(width: int) -> int:
    """The points of the grid for a width in 1/1024."""
    return max(2000, round(20 * _WIDTHS / width)) // 2 + 1


_SIZES = tuple(_size(width) for width in range(_LEAST_WIDTH, _FINE_WIDTHS + 2))
_STARTS = tuple(sum(_SIZES[:i]) for i in range(len(_SIZES)))
_N_POINTS = sum(_SIZES)


@dataclass(frozen=True, eq=False)
class Smooth(Part):
    """Claims less outcomes, and samples, on every grid: each sample is shared by the two points next to its claim.

    ``pieces`` are claims and outcomes that are not on the grids yet, and ``is_weighted`` says that samples have
    weights, for which there is no such error.
    """

    pieces: Pieces = ()
    is_weighted: bool = False
    sums: FixedSums = FixedSums()

    @classmethod
    def of(cls, claims: Claims) -> Self:
        """Those of the claims of samples."""
        if claims.weights is not None:
            return cls(is_weighted=True)
        return cls((np.stack((claims.p, claims.outcomes)),))

    def __add__(self, other: Smooth) -> Smooth:
        pieces = self.pieces + other.pieces
        both = Smooth(fewer(pieces), self.is_weighted or other.is_weighted, self.sums + other.sums)
        return both if size_of(pieces) < _BATCH else Smooth((), both.is_weighted, both._all())

    def _all(self) -> FixedSums:
        """The sums with the samples that wait."""
        return self.sums + _on_grids(*as_one(self.pieces, 2))

    def smece(self) -> float | None:
        """The error, None of weighted samples, or of none."""
        gaps, densities = self._all().floats(2 * _N_POINTS).reshape(2, -1)
        if self.is_weighted or not densities.any():
            return None
        largest, least = _WIDTHS, 0  # the error is below the one, not below the other
        while largest - least > 1:
            width = (largest + least) // 2
            if width < _LEAST_WIDTH or width / _WIDTHS < _error(gaps, densities, width):
                least = width
            else:
                largest = width
        return _error(gaps, densities, largest)


def _on_grids(claims: NDArray[np.float64], outcomes: NDArray[np.float64]) -> FixedSums:
    """On each grid, gaps and then samples, shared between the points to the left and to the right of each claim."""
    gaps = claims - outcomes
    sums = FixedSums()
    for start, size in zip(_STARTS, _SIZES, strict=True):
        right = claims * (size - 1)
        left = np.minimum(right.astype(np.int64), size - 2)
        right -= left
        gaps_right = right * gaps
        values = np.concatenate((gaps - gaps_right, gaps_right, 1.0 - right, right))
        places = np.concatenate([left + (start + i) for i in (0, 1, _N_POINTS, _N_POINTS + 1)])
        sums += FixedSums.of(values, places, 2 * _N_POINTS)
    return sums


def _error(gaps: NDArray[np.float64], densities: NDArray[np.float64], width: int) -> float:
    """The error by a kernel of this width: the mean of the blurred gaps' sizes."""
    grid = min(width, _FINE_WIDTHS + 1) - _LEAST_WIDTH
    own = slice(_STARTS[grid], _STARTS[grid] + _SIZES[grid])
    seen = np.linspace(0.0, 1.0, max(200, round(10 * _WIDTHS / width)))
    gap, density = (_blurred(each[own], width / _WIDTHS, seen) for each in (gaps, densities))
    return float(np.abs(gap).sum() / (density + _FLOOR).sum())


def _blurred(values: NDArray[np.float64], width: float, seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a Gaussian makes of ``values`` on a grid over [0, 1], mirrored at both ends, where they are ``seen``."""
    n = len(values)
    grid = np.linspace(0.0, 1.0, n)
    kernel = np.exp(-((grid - 0.5) ** 2) / (2.0 * width**2)) / (np.sqrt(2.0 * np.pi) * width)
    mirrored = np.concatenate((values[:0:-1], values, values[-2::-1]))
    return np.interp(seen, grid, np.convolve(mirrored[n // 2 : n // 2 + 2 * n - 1], kernel, "valid"))
