"""One pass over a dataset for the samples to explain, and for what the reduction needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Block, Part
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.exact import ExactSum
from nllcli.numerics.tally import Tally
from nllcli.numerics.targets import weight_sum
from nllcli.scoring.passes import fold_dataset, without_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Chunk, Scratch
    from nllcli.data.settings import ScoreRequest
    from nllcli.scoring.settled import Settled


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


@dataclass(frozen=True)
class Found(Part):
    """The ``picked`` rows and the ``hardest`` samples by number, each a block of its own.

    ``tally`` is that of all samples where the hardest of them were searched for; else it has no more than their number
    and, for the mean, the sum of their weights.
    """

    picked: dict[int, Block] = field(default_factory=dict)
    tally: Tally = Tally()
    hardest: Hardest = Hardest(0)


def search(request: ScoreRequest, settled: Settled, rows: Sequence[int], k: int | None) -> Found:
    """Find ``rows`` and the ``k`` samples of the largest loss; read no more logits than that takes."""
    dataset, mean = settled.dataset, settled.options.reduction == "mean"
    wanted = {dataset.layout.file_number(row): row for row in rows}
    others = dataset if mean else replace(dataset, targets=None, soft_targets=None, sample_weights=None)

    def only_needed(chunk: Chunk) -> Chunk:
        """The chunk, without its logits where no row is in it; the mean needs the targets, which may be among them."""
        if (mean and dataset.logits.labels) or any(0 <= at - chunk.start < chunk.n for at in wanted):
            return chunk
        return replace(chunk, load=partial(without_logits, others, chunk.start, chunk.n))

    return fold_dataset(
        partial(_work, settled, wanted, k),
        Found(hardest=Hardest(k or 0)),
        dataset,
        only=only_needed if k is None else None,
        threads=request.threads,
        progress=request.progress,
    )


def _work(settled: Settled, wanted: dict[int, int], k: int | None, block: Block, scratch: Scratch) -> Found:
    options, n = settled.options, len(block.logits)
    places = {row: at - block.start for at, row in wanted.items() if 0 <= at - block.start < n}
    picked = {row: _single(block, i) for row, i in places.items()}
    if k is None:
        n_classes = settled.dataset.n_classes
        weights = weight_sum(block, options, n_classes) if options.reduction == "mean" else ExactSum()
        return Found(picked, Tally(n, weight_sum=weights))
    outcome = evaluate(block, options, Wanted(losses=True), scratch)
    losses = outcome.losses
    assert losses is not None
    if block.targets is not None and block.targets.ndim == 1:
        losses = np.where(block.targets == options.ignore_index, np.nan, losses)  # ignored samples have no rank
    numbers = settled.dataset.layout.number(np.arange(block.start, block.start + n))
    worst = largest(losses, numbers, k).tolist()
    ranked = (Ranked(float(losses[i]), int(numbers[i]), _single(block, i)) for i in worst)
    return Found(picked, outcome.tally, Hardest(k, tuple(ranked)))


def _single(block: Block, i: int) -> Block:
    """One sample of a block, as a block that outlives it."""
    return Block(
        block.start + i,
        block.logits[i : i + 1].copy(),
        None if block.targets is None else block.targets[i : i + 1].copy(),
        None if block.sample_weights is None else block.sample_weights[i : i + 1].copy(),
    )


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
