"""The pass over the samples that every scoring command makes."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from nllcli import stream
from nllcli.errors import DataError, SampleError
from nllcli.inputs.shapes import ONE_LOGIT
from nllcli.numerics.evaluate import Outcome, Wanted, counted_targets, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.model import Block, Chunk, Dataset, Progress, Scratch
    from nllcli.numerics.tally import Rows
    from nllcli.tasks.request import Settled

Result = TypeVar("Result")
_TEXT_PARTS = 8


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
    """``stream.map_blocks`` over the whole dataset, its size told to ``progress``."""
    if progress is not None:
        progress.begin(dataset.logits.n_bytes)
    return stream.map_blocks(work, chunks(dataset), threads=threads, progress=progress)


def chunks(dataset: Dataset) -> Iterator[Chunk]:
    """The dataset's blocks: of text smaller ones, as it is read before its turn comes and longer than its numbers."""
    samples = stream.block_samples(dataset.layout.n_classes)
    return dataset.chunks(samples if dataset.layout.n_samples is not None else max(1, samples // _TEXT_PARTS))


def targets_of(dataset: Dataset, ignore_index: int, n_classes: int) -> Iterator[NDArray[np.int64]]:
    """The counted targets, piece by piece; reads the logits only where the targets are among them."""
    with blaming(dataset):
        for start, values in raw_targets(dataset):
            yield counted_targets(values, ignore_index, n_classes, start)


def raw_targets(dataset: Dataset) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The targets as they are, piece by piece, each with its first sample."""
    if dataset.targets is not None:
        step = stream.BLOCK_ELEMENTS
        for start in range(0, dataset.targets.n, step):
            yield start, dataset.targets.read(start, min(step, dataset.targets.n - start))
    else:
        for block in stream.map_blocks(lambda block, _: block, chunks(dataset), threads=1):
            assert block.targets is not None
            yield block.start, block.targets


@contextmanager
def blaming(dataset: Dataset) -> Iterator[None]:
    """Turn samples that cannot be scored into an error that names file and place."""
    try:
        yield
    except SampleError as error:
        vector = {"targets": dataset.targets, "sample_weights": dataset.sample_weights}.get(error.culprit)
        source = dataset.soft_targets if error.culprit == "targets" and dataset.soft_targets else dataset.logits

        def place(sample: int, column: int | None = None) -> str:
            layout = dataset.layout
            return source.place(sample, layout, column) if vector is None else vector.place(sample, layout)

        message = _with_name(error, dataset.class_names)
        if len(error.values) > 1:
            more = zip(error.samples[1:], error.values[1:], strict=True)
            message += f" (also {', '.join(f'{value} in {place(sample)}' for sample, value in more)})"
        # Of two classes there may be only the column of class 1.
        column = 0 if dataset.binary and error.class_index is not None else error.class_index
        where = f"{(vector or source).name}, {place(error.samples[0], column)}"
        raise DataError(message, where=where, hint=error.hint or _out_of_range_hint(error, dataset)) from error


def _with_name(error: SampleError, class_names: tuple[str, ...] | None) -> str:
    """The message with the name of the class beside its number."""
    if error.class_index is None or class_names is None:
        return error.message
    numbered = f"class {error.class_index}"
    return error.message.replace(numbered, f"{numbered} ({class_names[error.class_index]!a})", 1)


def _out_of_range_hint(error: SampleError, dataset: Dataset) -> str | None:
    """A hint where the classes seem to count from 1 (no target is 0, and the largest is C), or one class to be two."""
    n_classes = dataset.n_classes
    if not error.values or n_classes not in error.values:
        return None
    if n_classes == 1:
        return ONE_LOGIT
    if dataset.targets is None:  # among the logits, which may come but once
        return f"classes count from 0; if these are 1..{n_classes}, subtract 1"
    lowest, highest, negative = n_classes, 0, False
    for _, values in raw_targets(dataset):
        classes = values[values >= 0]
        negative |= len(classes) < len(values)
        if len(classes):
            lowest, highest = min(lowest, int(classes.min())), max(highest, int(classes.max()))
    if (lowest, highest) != (1, n_classes):
        return None
    which = "all targets but negative ones" if negative else "all targets"
    return f"{which} lie in 1..{n_classes}: classes count from 0, so subtract 1"


def places(rows: Rows, dataset: Dataset) -> str:
    """The first samples of a finding, in the words of the file."""
    listed = ", ".join(dataset.logits.place(sample, dataset.layout) for sample in rows.first)
    return listed + (", ..." if rows.n > len(rows.first) else "")


def _work(settled: Settled, wanted: Wanted, block: Block, scratch: Scratch) -> Outcome:
    return evaluate(block, settled.options, wanted, scratch)
