"""The samples of the largest loss: the largest of each block, merged into the largest of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block


def largest(values: NDArray[np.float64], numbers: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The indices of the ``k`` largest ``values`` (n,), largest first, equal ones by their ``numbers`` (n,).

    NaN values are skipped.
    """
    candidates = np.flatnonzero(~np.isnan(values))
    if len(candidates) > k:
        bound = np.partition(values[candidates], len(candidates) - k)[len(candidates) - k]
        candidates = candidates[values[candidates] >= bound]
    order = np.lexsort((numbers[candidates], -values[candidates]))
    return candidates[order[:k]]


@dataclass(frozen=True)
class Ranked:
    """One sample: its loss, its number, and a block of its own."""

    loss: float
    number: int
    block: Block


@dataclass(frozen=True)
class Hardest:
    """The ``k`` samples of the largest loss so far, hardest first; ``Hardest(k)`` is the zero of ``+``."""

    k: int
    ranked: tuple[Ranked, ...] = ()

    def __add__(self, other: Hardest) -> Hardest:
        both = sorted((*self.ranked, *other.ranked), key=lambda sample: (-sample.loss, sample.number))
        return Hardest(self.k, tuple(both[: self.k]))
