"""How many samples have which two losses: a map of the one against the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.pictured.edges import COARSE, COARSE_BINS
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Every so many of the coarse edges, which makes two bins a decade; and after the last of them one of infinite losses.
_EVERY = 5
EDGES = COARSE[::_EVERY]
INFINITE = len(EDGES) + 1
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
    places = (COARSE_BINS.place(losses) + (_EVERY - 1)) // _EVERY
    return places + np.isposinf(losses)
