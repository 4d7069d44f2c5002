"""Isotonic regression: the rising values that are nearest to given ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where pooling all falling runs at once leaves more of the blocks than this, a stack takes less time.
_MOST_LEFT = 0.9


def pooled(weights: NDArray[np.float64], sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool adjacent violators: neighbours join until the mean of each block, ``sums / weights``, is above the last.

    ``weights`` (n,), n from 1 and each above 0, and ``sums`` (n,), weights times values, are in the order in which
    values should rise; those of the blocks are returned. Ayer et al., "An empirical distribution function for sampling
    with incomplete information", Ann. Math. Stat. 26 (1955). All of a run that does not rise ends up in one block, so
    it may join at once; of random outcomes that leaves few blocks in a few rounds.
    """
    while True:
        means = sums / weights
        starts = np.flatnonzero(np.diff(means, prepend=-np.inf) > 0)
        if len(starts) == len(means):
            return weights, sums
        is_slow = len(starts) > _MOST_LEFT * len(means)
        weights, sums = np.add.reduceat(weights, starts), np.add.reduceat(sums, starts)
        if is_slow:
            return _stacked(weights, sums)


def _stacked(
    weights: NDArray[np.float64], sums: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same, one by one."""
    kept_weights, kept_sums, kept_means = [0.0], [0.0], [-math.inf]
    for each in zip(weights.tolist(), sums.tolist(), (sums / weights).tolist(), strict=True):
        weight, total, mean = each
        while kept_means[-1] >= mean:
            kept_means.pop()
            weight += kept_weights.pop()
            total += kept_sums.pop()
            mean = total / weight
        kept_weights.append(weight)
        kept_sums.append(total)
        kept_means.append(mean)
    return np.array(kept_weights[1:]), np.array(kept_sums[1:])
