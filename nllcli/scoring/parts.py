"""The pass over a dataset part by part in this process, where what is wrong with one part does not end the others."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.data.blocks import Chunk
from nllcli.engine import map_blocks
from nllcli.errors import DataError, FaultError, NllError, NoRows, SampleError
from nllcli.records import dataclass
from nllcli.scoring.passes import naming_places, placed, samples_a_block

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from nllcli.data.blocks import Block, Progress, Scratch
    from nllcli.data.dataset import Dataset

# What comes after the results of a part.
END = object()


def readable(dataset: Dataset, found: Iterable[int], failed: Mapping[int, NllError], *, whole: bool = False) -> Dataset:
    """The dataset of the parts that were ``found`` fit; raises what is wrong with the others unless these may fail.

    They may not where the ``whole`` is needed.
    """
    if not failed:
        return dataset
    from nllcli.inputs.several import all_of, without_failed

    parts = sorted(found)
    if whole or not (dataset.may_be_partial and parts):
        raise all_of([failed[number] for number in sorted(failed)], len(dataset.parts), whole=whole)
    return without_failed(dataset, parts, failed)


@contextmanager
def told_of(part: int, dataset: Dataset, *, several: bool) -> Iterator[list[tuple[int, NllError]]]:
    """What is wrong with a part, told by its place in the list that is given; of the only part it is raised.

    One of ``several`` files may be empty.
    """
    wrong: list[tuple[int, NllError]] = []
    try:
        with naming_places(dataset):
            yield wrong
    except NoRows:
        if not several:
            raise
    except (DataError, FaultError) as error:
        if not several:
            raise
        wrong.append((part, error))


def here(
    work: Callable[[Block, Scratch], Any],
    dataset: Dataset,
    threads: int | None,
    progress: Progress | None,
    *,
    prepare: Callable[[Any], Any],
    arrays: bool,
) -> Generator[tuple[int, Any], None, None]:
    """Yield, part by part and in order, the results of its blocks with its number, what is wrong with it, and the end.

    What is wrong with the only part is raised. ``prepare`` is given each result by the thread that it comes from.
    """
    samples = samples_a_block(dataset, arrays=arrays, threads=threads)
    if len(dataset.parts) == 1:
        with naming_places(dataset):
            blocks = dataset.chunks(samples)
            for result in map_blocks(_Prepared(work, prepare), blocks, threads=threads, progress=progress):
                yield 0, result
        dataset.completed()
        yield 0, END
        return
    # Blocks of all parts at once, so that threads need not wait for the end of each.
    guarded = _Guarded(work, prepare)
    for part, result in map_blocks(guarded, _chunks(dataset, samples), threads=threads, progress=progress):
        if result is END:
            with told_of(part, dataset.parts[part], several=True) as wrong:
                dataset.parts[part].completed()
            yield from wrong
        yield part, _in_its_file(result, part, dataset) if isinstance(result, SampleError) else result


def _in_its_file(error: SampleError, part: int, dataset: Dataset) -> DataError:
    """What is wrong with samples of a part, which are numbered in the whole, with their place."""
    error.samples = tuple(sample - dataset.first_of(part) for sample in error.samples)
    return placed(error, dataset.parts[part])


@dataclass(frozen=True)
class _Prepared:
    """Work on a block, and what is done to its result by the same thread."""

    work: Callable[[Block, Scratch], Any]
    prepare: Callable[[Any], Any]

    def __call__(self, block: Block, scratch: Scratch) -> Any:
        return self.prepare(self.work(block, scratch))


@dataclass(frozen=True)
class _Guarded:
    """Work on a block of a part, whose number is with it; what cannot be worked on is handed on."""

    work: Callable[[Block, Scratch], Any]
    prepare: Callable[[Any], Any]

    def __call__(self, found: Any, scratch: Scratch) -> tuple[int, Any]:
        part, block = found
        if block is END or isinstance(block, NllError):
            return part, block
        try:
            result = self.work(block, scratch)
        except (DataError, FaultError) as error:
            return part, error
        return part, self.prepare(result)


def _chunks(dataset: Dataset, samples: int) -> Iterator[Chunk]:
    """The blocks of all parts, each with the number of its part; after those of a part what is wrong with it, if so."""
    for part in range(len(dataset.parts)):
        try:
            for chunk in dataset.chunks_of(part, samples):
                yield replace(chunk, load=partial(_load, part, chunk))
        except (DataError, FaultError) as error:
            yield _instead(part, error)
        yield _instead(part, END)


def _instead(part: int, found: Any) -> Chunk:
    """What comes in the place of a block, and is handed on."""

    def load(_: Scratch) -> Any:
        return part, found

    return Chunk(0, 0, load)


def _load(part: int, chunk: Chunk, scratch: Scratch) -> Any:
    """A block with the number of its part, or what is wrong with it."""
    try:
        return part, chunk.load(scratch)
    except (DataError, FaultError) as error:
        return part, error
