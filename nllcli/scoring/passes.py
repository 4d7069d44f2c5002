"""The pass over the samples that every scoring command makes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from nllcli.engine.blocks import map_blocks
from nllcli.numerics.evaluate import Outcome, Wanted, counted_targets, evaluate
from nllcli.scoring.blocks import chunks, raw_targets
from nllcli.scoring.places import blaming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Progress, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.scoring.settled import Settled

Result = TypeVar("Result")


def outcomes(
    settled: Settled, wanted: Wanted, *, threads: int | None, progress: Progress | None = None
) -> Iterator[Outcome]:
    """Score every block, in file order; errors name file and place."""
    dataset = settled.dataset
    work = partial(_work, settled, wanted)
    with blaming(dataset):
        yield from map_dataset(work, dataset, threads=threads, progress=progress)


def map_dataset(
    work: Callable[[Block, Scratch], Result],
    dataset: Dataset,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """``map_blocks`` over the whole dataset, its size told to ``progress``."""
    if progress is not None:
        progress.begin(dataset.logits.n_bytes)
    return map_blocks(work, chunks(dataset), threads=threads, progress=progress)


def targets_of(dataset: Dataset, ignore_index: int, n_classes: int) -> Iterator[NDArray[np.int64]]:
    """The counted targets, piece by piece; reads the logits only where the targets are among them."""
    with blaming(dataset):
        for start, values in raw_targets(dataset):
            yield counted_targets(values, ignore_index, n_classes, start)


def _work(settled: Settled, wanted: Wanted, block: Block, scratch: Scratch) -> Outcome:
    return evaluate(block, settled.options, wanted, scratch)
