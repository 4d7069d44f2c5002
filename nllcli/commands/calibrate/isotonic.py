"""Isotonic regression: the rising values that are nearest to given ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where pooling all falling runs at once leaves more of the blocks than this, a stack takes less time.
_MOST_LEFT = 0.9


def pooled(weights: NDArray[np.float64], sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool adjacent violators: neighbours join until the mean of each block, ``sums / weights``, is above the last.

    ``weights`` (n,), n from 1 and each above 0, and ``sums`` (n,), weights times values, are in the order in which values should rise;
    those of the blocks are returned. Ayer et al., "An empirical distribution function for sampling with incomplete
    information", Ann. Math. Stat. 26 (1955). All of a run that does not rise ends up in one block, so it may join at
    once; of random outcomes that leaves few blocks in a few rounds.
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
    blocks: list[tuple[float, float]] = []
    for weight, total in zip(weights.tolist(), sums.tolist(), strict=True):
        while blocks and blocks[-1][1] / blocks[-1][0] >= total / weight:
            before = blocks.pop()
            weight, total = before[0] + weight, before[1] + total
        blocks.append((weight, total))
    columns = np.array(blocks, np.float64).reshape(-1, 2).T
    return columns[0], columns[1]
