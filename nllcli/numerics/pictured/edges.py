"""Edges of bins at decimal numbers, and which bin a number is in, found by its leading bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST_DECADE, _LAST_DECADE = -20, 4
_TENTHS = tuple(f"{tenth / 10:g}" for tenth in range(10, 100))
_TEN_A_DECADE = ("1", "1.3", "1.6", "2", "2.5", "3.2", "4", "5", "6.3", "8")

_FRACTION_BITS = 52


class EdgeTable:
    """Ascending ``edges`` (k,) above 0, between which there are k + 1 bins: ``[edges[i - 1], edges[i])`` is bin i.

    ``place`` is ``np.searchsorted(edges, x, "right")`` in a fifth of its time. The key of a number is its leading bits:
    sign, exponent and as much of the fraction as no two edges share, so that a number is compared with one edge alone.
    """

    def __init__(self, edges: NDArray[np.float64]) -> None:
        edges.flags.writeable = False
        self.edges = edges
        bits = edges.view(np.int64)
        self.shift = next(shift for shift in range(_FRACTION_BITS, -1, -1) if (np.diff(bits >> shift) > 0).all())
        keys = bits >> self.shift
        # One more key stands for all numbers below, and one for all above.
        self.first = int(keys[0]) - 1
        places = keys - self.first
        self.n_before = np.searchsorted(places, np.arange(places[-1] + 2)).astype(np.int64)
        self.edge = np.full(len(self.n_before), np.nan)
        self.edge[places] = edges

    @property
    def n_bins(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1

    def place(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bin (n,) of each number (n,); NaN is in the first or in the last."""
        keys = np.ascontiguousarray(x).view(np.int64) >> self.shift
        np.clip(keys, self.first, self.first + len(self.edge) - 1, out=keys)
        keys -= self.first
        places: NDArray[np.int64] = self.n_before.take(keys)
        places += x >= self.edge.take(keys)
        return places


def _decimals(digits: tuple[str, ...]) -> NDArray[np.float64]:
    """These ``digits`` times the powers of 10, each the float64 that is nearest, up to the first of the last decade."""
    texts = [f"{each}e{decade}" for decade in range(_FIRST_DECADE, _LAST_DECADE) for each in digits]
    return np.array([float(text) for text in (*texts, f"1e{_LAST_DECADE}")])


# Ninety edges a decade, from 1e-20 to 1e4, and ten a decade, each of which is one of the others.
FINE = _decimals(_TENTHS)
COARSE = _decimals(_TEN_A_DECADE)
FINE_BINS = EdgeTable(FINE)
COARSE_BINS = EdgeTable(COARSE)

# The coarse bin of each fine bin, and the first fine bin of each coarse one.
COARSE_OF_FINE = np.concatenate([[0], COARSE_BINS.place(FINE)])
FIRST_FINE = np.searchsorted(COARSE_OF_FINE, np.arange(COARSE_BINS.n_bins))
