"""The pass over the samples that every scoring command makes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from nllcli.engine.blocks import fold, map_blocks
from nllcli.numerics.evaluate import Outcome, Wanted, evaluate
from nllcli.numerics.targets import counted_targets
from nllcli.scoring.blocks import chunks, raw_targets
from nllcli.scoring.places import blaming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk, Progress, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.part import Part
    from nllcli.scoring.settled import Settled

    Sum = TypeVar("Sum", bound=Part)

Result = TypeVar("Result")


def outcomes(
    settled: Settled, wanted: Wanted, *, threads: int | None, progress: Progress | None = None
) -> Iterator[Outcome]:
    """Score every block, in file order; errors name file and place."""
    dataset = settled.dataset
    work = partial(_work, settled, wanted)
    with blaming(dataset):
        yield from map_dataset(work, dataset, threads=threads, progress=progress)


def fold_dataset(
    work: Callable[[Block, Scratch], Any],
    zero: Sum,
    dataset: Dataset,
    *,
    take: Callable[[Any], Sum] | None = None,
    only: Callable[[Chunk], Chunk | None] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sum:
    """``engine.fold`` over the dataset's blocks, its size told to ``progress``; errors name file and place.

    ``only`` is asked for every chunk: it returns the chunk to work on in its place, or None for none.
    """
    if progress is not None:
        progress.begin(dataset.logits.n_bytes)
    whole = chunks(dataset)
    asked = whole if only is None else (chunk for chunk in map(only, whole) if chunk is not None)
    with blaming(dataset):
        return fold(work, zero, asked, take=take, threads=threads, progress=progress)


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
