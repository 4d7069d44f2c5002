"""How many samples have which two losses: a map of the one against the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.pictured.edges import COARSE, EdgeTable
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Two bins a decade, and after the last of them one of infinite losses.
EDGES = COARSE[::5].copy()
_BINS = EdgeTable(EDGES)
INFINITE = _BINS.n_bins
N_BINS = INFINITE + 1


@dataclass(frozen=True)
class LossMap(Part):
    """The samples (``N_BINS``, ``N_BINS``) by their losses without weights: a row a bin of the baseline's, a column a
    bin of the model's.

    The first holds all that is below 1e-20, 0 and what is negative too; a sample without two losses is nowhere.
    """

    counts: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, baseline: NDArray[np.float64], model: NDArray[np.float64]) -> Self:
        """Those of losses (n,) each."""
        known = ~(np.isnan(baseline) | np.isnan(model))
        if not known.all():
            baseline, model = baseline[known], model[known]
        cells = np.bincount(_places(baseline) * N_BINS + _places(model), minlength=N_BINS**2)
        return cls(cells.reshape(N_BINS, N_BINS))


def _places(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    places = _BINS.place(losses)
    places += np.isposinf(losses)
    return places
