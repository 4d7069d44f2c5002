"""The passes over a dataset: over its blocks, and over its targets alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from nllcli.data.dataset import Piece
from nllcli.engine import blocks
from nllcli.engine.blocks import fold, map_blocks
from nllcli.errors import SampleError, UsageError
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.dataset import open_dataset
from nllcli.numerics.targets import counted_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk, Part, Progress, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions

    Sum = TypeVar("Sum", bound=Part)

_TEXT_PARTS = 8


def fold_dataset(
    work: Callable[[Block, Scratch], Any],
    zero: Sum,
    dataset: Dataset,
    *,
    take: Callable[[Any], Sum] | None = None,
    only: Callable[[Chunk], Chunk] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sum:
    """``engine.fold`` over the dataset's blocks, its size told to ``progress``; errors name file and place.

    ``only`` makes of every chunk the one to work on in its place.
    """
    if progress is not None:
        progress.begin(dataset.logits.n_bytes)
    whole = chunks(dataset)
    asked = whole if only is None else map(only, whole)
    with naming_places(dataset):
        return fold(work, zero, asked, take=take, threads=threads, progress=progress)


def chunks(dataset: Dataset) -> Iterator[Chunk]:
    """The dataset's blocks: of text smaller ones, as it is read before its turn comes and longer than its numbers."""
    samples = blocks.block_samples(dataset.layout.n_classes)
    is_text = dataset.layout.n_samples is None
    return Piece(dataset).chunks(max(1, samples // _TEXT_PARTS) if is_text else samples)


def targets_of(dataset: Dataset, ignore_index: int, n_classes: int) -> Iterator[NDArray[np.int64]]:
    """The counted targets, piece by piece; reads the logits only where the targets are among them."""
    with naming_places(dataset):
        for start, values in raw_targets(dataset):
            yield counted_targets(values, ignore_index, n_classes, start)


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


def open_again(inputs: InputOptions, why: str) -> Dataset:
    """Open the inputs for a second pass; raises UsageError, which ``why`` begins, where one can be read only once."""
    for path in (inputs.logits, inputs.targets, inputs.sample_weights):
        if path is not None and not can_be_read_again(path):
            raise UsageError(f"{why}, and {name_of(path)} cannot be read twice", hint="save it to a file")
    return open_dataset(inputs)


@contextmanager
def naming_places(dataset: Dataset) -> Iterator[None]:
    """Turn samples that cannot be scored into an error that names file and place."""
    try:
        yield
    except SampleError as error:
        from nllcli.scoring.places import placed

        raise placed(error, dataset) from error
