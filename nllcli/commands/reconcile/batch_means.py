"""Means of batch means for many batch sizes at once, from one pass over the samples in file order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchSums:
    """What one run of samples adds, for each of S batch sizes.

    ``head`` (2, S): sums of the loss terms and of the weights up to the first end of a batch; ``tail`` (2, S): after
    the last one. ``inner`` (2, S): the sum and the number of the means of the batches in between. ``ended`` (S,):
    whether a batch ends in this run; where none does, all of it is ``tail``. ``whole`` (2,): the sums over the run.
    """

    whole: NDArray[np.float64]
    head: NDArray[np.float64]
    inner: NDArray[np.float64]
    tail: NDArray[np.float64]
    ended: NDArray[np.bool_]


def batch_sums(
    terms: NDArray[np.float64], weights: NDArray[np.float64], *, start: int, sizes: Sequence[int]
) -> BatchSums:
    """Cut samples ``start``, ``start + 1``, ... with loss ``terms`` (n,) and ``weights`` (n,) into batches.

    A batch of B samples begins at every multiple of B; batches whose weights add up to 0 have no mean.
    """
    n = len(terms)
    with np.errstate(all="ignore"):
        running = np.cumsum(np.stack([terms, weights]), axis=1)
        head, inner, tail = (np.zeros((2, len(sizes))) for _ in range(3))
        out = BatchSums(running[:, -1].copy(), head, inner, tail, np.zeros(len(sizes), np.bool_))
        for s, size in enumerate(sizes):
            ends = running[:, size - 1 - start % size : n : size]
            if not ends.shape[1]:
                out.tail[:, s] = running[:, -1]
                continue
            out.ended[s] = True
            out.head[:, s] = ends[:, 0]
            out.tail[:, s] = running[:, -1] - ends[:, -1]
            means = _means(*np.diff(ends, axis=1))
            out.inner[:, s] = means.sum(), means.size
    return out


def _means(terms: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    there = weights != 0.0
    return terms[there] / weights[there]


class BatchMeans:
    """The state between runs, for S batch sizes; runs are added in file order."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._open = np.zeros((2, len(sizes)))  # sums of the batch that has not ended
        self._full = np.zeros((2, len(sizes)))  # sum and number of the means of whole batches
        self._whole = np.zeros(2)  # sums of the terms and weights of all samples

    def add(self, run: BatchSums) -> None:
        with np.errstate(all="ignore"):
            ending = self._open + run.head
            there = ending[1] != 0.0
            mean = np.where(there, ending[0] / np.where(there, ending[1], 1.0), 0.0)
            self._full += np.where(run.ended, np.stack([mean, there]) + run.inner, 0.0)
            self._open = np.where(run.ended, run.tail, self._open + run.tail)
            self._whole += run.whole

    def value(self, reduction: str, size: int, n_samples: int) -> float:
        """The reduced number, NaN where there is no batch to take it over.

        "batch-means" is the mean over all batches that have a mean, "full-batch-means" leaves the last short one out,
        "batch-means-by-size" weighs each by its number of samples; "full-batches" is one mean over the samples of the
        whole batches.
        """
        s = self._sizes.index(size)
        total, n = (float(v) for v in self._full[:, s])
        left = n_samples % size
        terms, weights = (float(v) for v in self._open[:, s])
        last = terms / weights if left and weights else 0.0
        if reduction == "full-batch-means":
            return _ratio(total, n)
        if reduction == "batch-means":
            return _ratio(total + last, n + bool(left and weights))
        if reduction == "batch-means-by-size":
            return _ratio(total * size + last * left, n_samples)
        return _ratio(float(self._whole[0]) - terms, float(self._whole[1]) - weights)


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")
