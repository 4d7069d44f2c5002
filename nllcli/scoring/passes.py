"""The passes over a dataset, over its blocks or its targets alone; and samples they stop at, by their place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nllcli import engine
from nllcli.data.blocks import Block
from nllcli.data.dataset import Piece
from nllcli.engine import fold, map_blocks
from nllcli.errors import DataError, Remedy, SampleError, UsageError
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.words import input_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Chunk, Part, Progress, Scratch
    from nllcli.data.dataset import BlockSource, Dataset, VectorSource
    from nllcli.data.settings import InputOptions

    Sum = TypeVar("Sum", bound=Part)

# Blocks of text are read before their turn comes, and longer than their numbers; where arrays come of blocks, each
# thread holds several of them, 8 bytes a number.
_PARTS = 8
_MOST_RENUMBERED = 100
_LEAST_VOID = 250  # what is void in a mask of bytes is 255 or a little less
_MOST_DISTINCT = 1 << 16


def fold_dataset(
    work: Callable[[Block, Scratch], Any],
    zero: Sum,
    dataset: Dataset,
    *,
    take: Callable[[Any], Sum] | None = None,
    only: Callable[[Chunk], Chunk] | None = None,
    arrays: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sum:
    """``engine.fold`` over the dataset's blocks, its size told to ``progress``; errors name file and place.

    ``only`` makes of every chunk the one to work on in its place; without it, the dataset is told of the end.
    ``arrays`` says that ``work`` makes numbers of every class: then many threads get smaller blocks. Sums that are not
    exact depend on those, so the blocks of all other work are the same for any number of threads.
    """
    if progress is not None:
        progress.begin(dataset.n_bytes)
    whole = chunks(dataset, arrays=arrays, threads=threads if arrays else None)
    asked = whole if only is None else map(only, whole)
    with naming_places(dataset):
        total = fold(work, zero, asked, take=take, threads=threads, progress=progress)
    if only is None:
        dataset.completed()
    return total


def chunks(dataset: Dataset, *, arrays: bool = False, threads: int | None = None) -> Iterator[Chunk]:
    """The dataset's blocks, as ``samples_a_block`` has them."""
    return Piece(dataset).chunks(samples_a_block(dataset, arrays=arrays, threads=threads))


def samples_a_block(dataset: Dataset, *, arrays: bool = False, threads: int | None = None) -> int:
    """How many samples the blocks of a dataset have, of which ``arrays`` as large come where that is said."""
    is_text = any(layout.n_samples is None for layout in dataset.layouts)
    n_classes = max(layout.n_classes for layout in dataset.layouts)
    return engine.block_samples(n_classes, threads=threads, parts=_PARTS if arrays or is_text else 1)


def pieces(vector: VectorSource, step: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """The values of a vector, ``step`` at a time, each piece with its first sample."""
    for start in range(0, vector.n, step):
        yield start, vector.read(start, min(step, vector.n - start))


def without_logits(dataset: Dataset, start: int, n: int, _: Scratch) -> Block:
    """Samples with 0 for logits and for soft targets, for a sum of their weights, which depends on neither."""
    nothing = np.zeros((n, 1))
    targets = None if dataset.targets is None else dataset.targets.read(start, n)
    weights = None if dataset.sample_weights is None else dataset.sample_weights.read(start, n)
    return Block(start, nothing, targets if dataset.soft_targets is None else nothing, weights)


def raw_targets(dataset: Dataset) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The targets as they are, piece by piece, each with its first sample."""
    if dataset.targets is not None:
        yield from pieces(dataset.targets, engine.BLOCK_ELEMENTS)
    else:
        for block in map_blocks(lambda block, _: block, chunks(dataset), threads=1):
            assert block.targets is not None
            yield block.start, block.targets


def can_open_again(inputs: InputOptions) -> bool:
    """Whether the inputs can be opened for a second pass."""
    return all(map(can_be_read_again, input_words(inputs)))


def open_again(inputs: InputOptions, why: str) -> Dataset:
    """Open the inputs for a second pass; raises UsageError, which ``why`` begins, where one can be read only once."""
    for path in input_words(inputs):
        if not can_be_read_again(path):
            raise UsageError(f"{why}, and {name_of(path)} cannot be read twice", hint="save it to a file")
    return open_dataset(inputs)


@contextmanager
def naming_places(dataset: Dataset) -> Iterator[None]:
    """Turn samples that cannot be scored into an error that names file and place."""
    try:
        yield
    except SampleError as error:
        raise placed(error, dataset) from error


def placed(error: SampleError, dataset: Dataset) -> DataError:
    """The error with its file and place, and with the name of the class after its number."""
    dataset = dataset.models[error.model]
    vector = {"targets": dataset.targets, "sample_weights": dataset.sample_weights}.get(error.culprit)
    source = dataset.soft_targets if error.culprit == "targets" and dataset.soft_targets else dataset.logits

    def place(sample: int, column: int | None = None) -> str:
        layout = dataset.layout
        return source.place(sample, layout, column) if vector is None else vector.place(sample, layout)

    message = error.message
    if error.class_index is not None and dataset.class_names is not None:
        numbered = f"class {error.class_index}"
        message = message.replace(numbered, f"{numbered} ({dataset.class_names[error.class_index]!a})", 1)
    if len(error.values) > 1:
        more = zip(error.samples[1:], error.values[1:], strict=True)
        message += f" (also {', '.join(f'{value} in {place(sample)}' for sample, value in more)})"
    # Of two classes there may be only the column of class 1.
    column = 0 if dataset.binary and error.class_index is not None else error.class_index
    where = located(vector or source, place(error.samples[0], column))
    remedies = error.remedies or _other_numbers(error, dataset)
    return DataError(message, where=where, hint=error.hint, remedies=remedies)


def located(source: BlockSource | VectorSource, place: str) -> str:
    """The place of a sample after the name of its file, with which the places of several files begin."""
    return place if getattr(source, "names_files", False) else f"{source.name}, {place}"


def _other_numbers(error: SampleError, dataset: Dataset) -> list[Remedy]:
    """What targets that are out of range may be: the classes' own numbers, counted from 1 or not, or padding."""
    n_classes = dataset.n_classes
    if not error.values:
        return []
    seen = _distinct(dataset)
    if not seen:
        return []
    if 1 <= min(seen) <= max(seen) == n_classes:
        return [Remedy({"classes": f"1..{n_classes}"}, "the classes are counted from 1")]
    found = []
    outside = [value for value in seen if not 0 <= value < n_classes]
    # A single one among many is more likely wrong than the number of a class.
    if len(seen) == n_classes <= _MOST_RENUMBERED and (len(outside) > 1 or n_classes == 2):
        numbers = tuple(map(str, sorted(seen)))
        found.append(Remedy({"classes": numbers}, f"the classes are numbered {', '.join(numbers[:4])}"))
    if len(outside) == 1 and len(seen) > 1 and (outside[0] < 0 or outside[0] >= max(_LEAST_VOID, 2 * n_classes)):
        found.append(Remedy({"ignore_index": outside[0]}, f"{outside[0]} marks what does not count"))
    if n_classes > 2 and min(seen) == -1 and max(seen) < n_classes - 1:
        found.append(Remedy({"classes": f"-1..{n_classes - 2}"}, "the classes are counted from -1"))
    return found


def _distinct(dataset: Dataset) -> set[int]:
    """The different targets but the ignored one; none where they cannot be read a second time, or are very many."""
    again = dataset if dataset.targets is not None else dataset.opened_anew()
    seen: set[int] = set()
    for _, values in raw_targets(again) if again is not None else ():
        seen.update(np.unique(values).tolist())
        if len(seen) > _MOST_DISTINCT:
            return set()
    return seen - {dataset.ignore_index}
