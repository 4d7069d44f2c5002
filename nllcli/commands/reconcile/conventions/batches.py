"""Numbers made of parts of the samples: batches, folds, ranks, the ends of a file; a reduction is one record.

A part consists of items: entries along the first axis of the targets, be they samples or whole rows of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.departure import RARELY, SOMETIMES, SUSPECTED, Departure
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.departure import Known

    Floats = NDArray[np.float64]
    # By kind, the sizes of batches and the number of each.
    BySize = dict[str, tuple[NDArray[np.int64], Floats]]

# The usual sizes of batches; others are rare.
_USUAL = sorted({*(2**k for k in range(11)), 10, 20, 50, 100, 200, 500, 1000})
_OTHERS = sorted(
    {*(3 * 2**k for k in range(1, 9)), 25, 40, 60, 80, 120, 160, 250, 300, 320, 400, 640, 2000, 2048, 4096}
)
_RANKS = (*range(2, 17), 24, 32, 48, 64)
_ALL_RANKS = 8  # up to this many ranks, each is tried as the one whose loss is logged
_PERCENT = (10, 20, 25, 30, 33, 40, 60, 66, 67, 70, 75, 80, 90, 95)
_FOLDS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20)


class Runs:
    """The sums (m,) of losses, times their weights, and of weights over runs of ``step`` of the ``n`` items."""

    def __init__(self, losses: Floats, weights: Floats, n: int, step: int = 1) -> None:
        self.losses, self.weights, self.n, self.step = losses, weights, n, step
        self.batches = cache(self._batches)

    def cut(self, starts: Any) -> tuple[Floats, Floats]:
        """The sums over the parts that begin at these items, each up to the next; NaN where a run lies across two."""
        starts = np.asarray(starts)
        if self.step > 1 and (starts % self.step).any():
            return np.full(len(starts), math.nan), np.full(len(starts), math.nan)
        places = starts // self.step
        return np.add.reduceat(self.losses, places), np.add.reduceat(self.weights, places)

    def _batches(self, size: int) -> Means:
        return Means.of(*self.cut(np.arange(0, self.n, size)))

    def mean(self, part: slice) -> float:
        """The mean over some of the runs, which are items."""
        return _mean_of(self.losses[part], self.weights[part])


@dataclass(frozen=True)
class Means:
    """The sums (k,) of losses and weights over parts, and which ``there`` (k,) have a loss or a weight."""

    losses: Floats
    weights: Floats
    means: Floats
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, losses: Floats, weights: Floats) -> Means:
        there = (weights != 0.0) | (losses != 0.0)
        with np.errstate(all="ignore"):  # smoothing gives samples without a weight a loss, which no weight divides
            means = np.divide(losses, weights, out=np.zeros(len(losses)), where=there)
        return cls(losses, weights, means, there)

    def first(self, k: int) -> Means:
        return Means(self.losses[:k], self.weights[:k], self.means[:k], self.there[:k])

    def sum(self, times: Floats | float = 1.0) -> float:
        """The sum of the means, each times some number; NaN where there is none."""
        return float((self.means * times)[self.there].sum()) if self.there.any() else math.nan

    def mean(self) -> float:
        return float(self.means[self.there].mean()) if self.there.any() else math.nan


def _mean_of(losses: Floats, weights: Floats) -> float:
    """One mean over all; NaN where the weights add up to 0."""
    total = float(weights.sum())
    return float(losses.sum()) / total if total else math.nan


def _batch_means(runs: Runs, n: int, _: int) -> float:
    return runs.batches(n).mean()


def _full_batch_means(runs: Runs, n: int, _: int) -> float:
    return runs.batches(n).first(runs.n // n).mean()


def _means_by_size(runs: Runs, n: int, _: int) -> float:
    lengths = np.diff(np.append(np.arange(0, runs.n, n), runs.n))
    return runs.batches(n).sum(lengths) / runs.n


def _full_batches(runs: Runs, n: int, _: int) -> float:
    whole = runs.batches(n).first(runs.n // n)
    return _mean_of(whole.losses, whole.weights)


def _sum_of_means(runs: Runs, n: int, _: int) -> float:
    return runs.batches(n).sum()


def _perplexities(runs: Runs, n: int, _: int) -> float:
    means = runs.batches(n)
    return replace(means, means=np.exp(means.means)).mean()


def _folds(runs: Runs, n: int, _: int) -> float:
    sizes = np.full(n, runs.n // n) + (np.arange(n) < runs.n % n)
    return Means.of(*runs.cut(np.cumsum(sizes) - sizes)).mean()


def _ranks(runs: Runs, n: int, _: int) -> float:
    sums = [(runs.losses[r::n].sum(), runs.weights[r::n].sum()) for r in range(n)]
    return Means.of(*np.array(sums).T).mean() if runs.step == 1 else math.nan


def _rank(runs: Runs, n: int, at: int) -> float:
    return runs.mean(slice(at, None, n)) if runs.step == 1 else math.nan


def _first(runs: Runs, n: int, _: int) -> float:
    losses, weights = runs.cut([0, n])
    return _mean_of(losses[:1], weights[:1])


def _last(runs: Runs, n: int, _: int) -> float:
    losses, weights = runs.cut([0, runs.n - n])
    return _mean_of(losses[1:], weights[1:])


def _padded(runs: Runs, n: int, _: int) -> float:
    losses, weights = runs.cut([0, n])
    return _mean_of(np.append(losses, losses[0]), np.append(weights, weights[0]))


@dataclass(frozen=True)
class OfParts:
    """A number made of parts: in words, of ``Runs`` and the convention's numbers n and at, and in Python.

    In Python l are the losses times their weights v, both (items, ...). ``scale_free``: a factor of weights cancels.
    """

    text: str
    value: Callable[[Runs, int, int], float]
    python: str
    dimension: str = "batches"
    rarity: int = SOMETIMES
    scale_free: bool = True


_MEANS = "[a.sum() / b.sum() for a, b in zip(l.split({n}), v.split({n}))]"
PARTS = {
    "batch-means": OfParts(
        "mean of the means of batches of {n}",
        _batch_means,
        f"torch.stack({_MEANS}).nanmean()",
    ),
    "full-batch-means": OfParts(
        "mean of the means of batches of {n}, the last short one left out",
        _full_batch_means,
        f"torch.stack({_MEANS})[:len(l) // {{n}}].nanmean()",
    ),
    "batch-means-by-size": OfParts(
        "means of batches of {n}, each times its number of samples, over all samples",
        _means_by_size,
        f"torch.stack({_MEANS.replace('[a.', '[len(a) * a.')}).nansum() / len(l)",
        rarity=RARELY,
    ),
    "full-batches": OfParts(
        "mean over whole batches of {n}: the samples of the last short one left out",
        _full_batches,
        "l[:len(l) // {n} * {n}].sum() / v[:len(l) // {n} * {n}].sum()",
        rarity=RARELY,
    ),
    "batch-mean-sum": OfParts(
        "sum of the means of batches of {n}",
        _sum_of_means,
        f"torch.stack({_MEANS}).nansum()",
        rarity=RARELY,
    ),
    "running-loss": OfParts(
        "sum of the means of batches of {n}, over the number of samples (running_loss / len(dataset))",
        lambda runs, n, at: _sum_of_means(runs, n, at) / runs.n,
        f"torch.stack({_MEANS}).nansum() / len(l)",
        rarity=RARELY,
    ),
    "nominal-size": OfParts(
        "means of batches of {n}, each times {n}, the short last one too, over the number of samples",
        lambda runs, n, at: n * _sum_of_means(runs, n, at) / runs.n,
        f"{{n}} * torch.stack({_MEANS}).nansum() / len(l)",
        rarity=RARELY,
    ),
    "over-whole-batches": OfParts(
        "sum of the means of batches of {n}, the short last one too, over the number of whole batches",
        lambda runs, n, at: _sum_of_means(runs, n, at) / (runs.n // n),
        f"torch.stack({_MEANS}).nansum() / (len(l) // {{n}})",
        rarity=RARELY,
    ),
    "batch-perplexities": OfParts(
        "mean of the perplexities of batches of {n}: exp before the mean",
        _perplexities,
        f"torch.stack({_MEANS}).exp().nanmean()",
        rarity=RARELY,
    ),
    "sum-over-batches": OfParts(
        "sum / number of batches of {n}",
        lambda runs, n, _: float(runs.losses.sum()) / math.ceil(runs.n / n),
        "l.sum() / len(l.split({n}))",
        rarity=RARELY,
        scale_free=False,
    ),
    "folds": OfParts(
        "mean of the means of {n} parts of nearly equal length (folds, devices)",
        _folds,
        "torch.stack([a.sum() / b.sum() for a, b in zip(l.tensor_split({n}), v.tensor_split({n}))]).nanmean()",
        "part",
        RARELY,
    ),
    "ranks": OfParts(
        "mean of the means of {n} ranks, each with one sample in every {n}",
        _ranks,
        "torch.stack([l[r::{n}].sum() / v[r::{n}].sum() for r in range({n})]).nanmean()",
        "part",
        RARELY,
    ),
    "rank": OfParts(
        "one sample in every {n}, from number {at} on (counted from 0): rank {at} of {n} alone",
        _rank,
        "l[{at}::{n}].sum() / v[{at}::{n}].sum()",
        "part",
        RARELY,
    ),
    "first": OfParts(
        "the first part alone: {n} of {at}, as in the first shard, or on rank 0",
        _first,
        "l[:{n}].sum() / v[:{n}].sum()",
        "part",
        RARELY,
    ),
    "last": OfParts(
        "the last part alone: {n} of {at}, as in the last shard",
        _last,
        "l[-{n}:].sum() / v[-{n}:].sum()",
        "part",
        RARELY,
    ),
    "padded": OfParts(
        "the first {n} counted twice: a sampler that repeats them to fill up the ranks, or the last batch",
        _padded,
        "(l.sum() + l[:{n}].sum()) / (v.sum() + v[:{n}].sum())",
        "part",
        RARELY,
    ),
}


def departures(known: Known) -> Iterator[Departure]:
    if not known.dataset.layout.in_target_order:
        return
    n, step = known.found.items.n, known.found.items.step
    sizes = dict.fromkeys((*known.sizes, *_USUAL, *_OTHERS))
    for name, part in PARTS.items():
        if part.dimension == "batches":
            # The mean of samples differs from that of their own means only with weights.
            least = 1 if known.found.items.length > 1 or name == "batch-means" else 2
            for size in (size for size in sizes if least <= size < n and size % step == 0):
                usual = part.rarity if size in _USUAL else RARELY
                yield departure(name, size, rarity=SUSPECTED if size in known.sizes else usual)
    for ranks in _RANKS if step == 1 else ():
        if ranks < n:
            yield departure("ranks", ranks)
            yield from (departure("rank", ranks, r) for r in range(ranks if ranks <= _ALL_RANKS else 1))
    yield from (departure("folds", k) for k in _FOLDS if k < n)
    shares = {k for ranks in _RANKS for k in (n // ranks, -(-n // ranks))} | {n * p // 100 for p in _PERCENT}
    for name, ends in {"first": sizes, "last": {n % size or size for size in sizes}}.items():
        yield from (departure(name, k, n) for k in sorted({*shares, *ends}) if 0 < k < n)
    repeats = sorted({-n % k for k in (*_RANKS, *sizes)})
    yield from (departure("padded", k) for k in repeats if 0 < k < n)


def departure(name: str, n: int, at: int = 0, *, rarity: int | None = None) -> Departure:
    part = PARTS[name]
    changes = {"reduction": name, "n": n, "at": at}
    kind = part.text.format(n="n", at="k")
    return Departure(
        part.dimension, part.text.format(n=n, at=at), changes, part.rarity if rarity is None else rarity, kind
    )


def by_size(runs: Runs) -> BySize:
    """The numbers of batches of every size, by the kinds that are solved for."""
    sizes = np.arange(runs.step, runs.n, runs.step)
    with np.errstate(all="ignore"):
        sums, counts = _sums_of_means(runs, sizes)
        values = {"batch-means": sums / counts, "batch-mean-sum": sums, "running-loss": sums / runs.n}
    return {name: (sizes, numbers) for name, numbers in values.items()}


def _sums_of_means(runs: Runs, sizes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """For each batch size the sum of the means of the batches that have one, and their number.

    Large sizes have few batches: a step adds the next batch of each of them. Small sizes are taken one by one.
    """
    sums, counts = np.zeros(len(sizes)), np.zeros(len(sizes))
    small = int(np.searchsorted(sizes, math.isqrt(runs.n), side="right"))
    for i, size in enumerate(sizes[:small].tolist()):
        means = runs.batches(size)
        sums[i], counts[i] = means.sum(), means.there.sum()
    losses = np.concatenate([[0.0], np.cumsum(runs.losses)])
    weights = np.concatenate([[0.0], np.cumsum(runs.weights)])
    rest, b = sizes[small:], 0
    while len(rest):
        low, high = b * rest // runs.step, np.minimum((b + 1) * rest // runs.step, len(runs.losses))
        means = Means.of(losses[high] - losses[low], weights[high] - weights[low])
        sums[small : small + len(rest)] += means.means
        counts[small : small + len(rest)] += means.there
        b += 1
        rest = rest[b * rest < runs.n]
    return sums, np.where(counts, counts, math.nan)
