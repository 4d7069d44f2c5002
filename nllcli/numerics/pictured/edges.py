"""Edges of bins at decimal numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.edge_table import EdgeTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST_DECADE, _LAST_DECADE = -20, 4
_TENTHS = tuple(f"{tenth / 10:g}" for tenth in range(10, 100))
_TEN_A_DECADE = ("1", "1.3", "1.6", "2", "2.5", "3.2", "4", "5", "6.3", "8")


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
