"""A dataset's blocks and its targets, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.engine import blocks
from nllcli.engine.blocks import map_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Chunk
    from nllcli.data.dataset import Dataset


_TEXT_PARTS = 8


def chunks(dataset: Dataset) -> Iterator[Chunk]:
    """The dataset's blocks: of text smaller ones, as it is read before its turn comes and longer than its numbers."""
    samples = blocks.block_samples(dataset.layout.n_classes)
    return dataset.chunks(samples if dataset.layout.n_samples is not None else max(1, samples // _TEXT_PARTS))


def raw_targets(dataset: Dataset) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The targets as they are, piece by piece, each with its first sample."""
    if dataset.targets is not None:
        step = blocks.BLOCK_ELEMENTS
        for start in range(0, dataset.targets.n, step):
            yield start, dataset.targets.read(start, min(step, dataset.targets.n - start))
    else:
        for block in map_blocks(lambda block, _: block, chunks(dataset), threads=1):
            assert block.targets is not None
            yield block.start, block.targets
