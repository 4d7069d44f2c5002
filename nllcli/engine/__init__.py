"""The one loop over blocks, and who works on them: in place, threads, processes, a cluster; no other room knows any."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.engine.policy import MOST_LONG_ROWS_BYTES, MOST_THREADS, threads_for
from nllcli.errors import NllError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from nllcli.data.blocks import Part, Progress

    Sum = TypeVar("Sum", bound=Part)
Result = TypeVar("Result")

# Elements of one block, and samples where the classes are few: NumPy's calls on it last long enough that threads
# seldom meet at the interpreter's lock, and it is short enough for the caches.
BLOCK_ELEMENTS = 1 << 21
_MOST_SAMPLES = 1 << 17

# The largest block of memory to which glibc raises its thresholds by itself (DEFAULT_MMAP_THRESHOLD_MAX), less a page.
LARGEST_HEAP_BLOCK = (32 << 20) - 8192


def block_samples(n_classes: int, *, threads: int | None = None, parts: int = 1) -> int:
    """Samples of one block, or of one of its ``parts`` where what is in memory of each is large.

    More ``threads`` than work where nobody says how many get smaller blocks: all of them together hold no more.
    """
    whole = min(_MOST_SAMPLES, max(1, BLOCK_ELEMENTS // max(1, n_classes)))
    return max(1, whole // (parts * -(-(threads or 1) // MOST_THREADS)))


def fold(
    work: Callable[[Block, Scratch], Any],
    zero: Sum,
    chunks: Iterable[Chunk],
    *,
    take: Callable[[Any], Sum] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sum:
    """Add up what ``work`` makes of every block to ``zero``, in block order.

    ``take`` is given each result on the calling thread, in order, and returns the part of it that adds up: it writes
    arrays, say, that need not be kept.
    """
    total = zero
    # Closed here, not once a traceback is gone: nobody goes on writing after an error of ``take``.
    with closing(map_blocks(work, chunks, threads=threads, progress=progress)) as results:
        for result in results:
            total += result if take is None else take(result)
            del result
    return total


def map_blocks(
    work: Callable[[Block, Scratch], Result],
    chunks: Iterable[Chunk],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Generator[Result, None, None]:
    """Apply ``work`` to every block and yield the results in block order; a single chunk is worked on in place."""
    chunks = _raising_in_turn(chunks)
    taken = list(islice(chunks, 2))
    if not taken:
        return
    is_alone = len(taken) == 1
    threads = 1 if is_alone else _threads_for(taken[0], threads)
    if not is_alone:
        _reuse_freed_memory()
    everything = _handed_on(taken, chunks)
    if threads == 1:
        results = _map_in_place(work, everything)
    else:
        from nllcli.engine.threads import map_on_threads

        results = map_on_threads(work, everything, threads)
    for chunk, result in results:
        if progress is not None:
            progress.advance(chunk.n_bytes)
        del chunk  # what it and the result hold may be large, and the next ones are made before they are bound anew
        yield result
        del result


def _threads_for(chunk: Chunk, asked: int | None) -> int:
    """The threads for chunks like this one, fewer where it is a single sample of very many classes."""
    threads = threads_for(asked, remote=chunk.remote)
    return threads if chunk.n > 1 else max(1, min(threads, MOST_LONG_ROWS_BYTES // max(1, chunk.n_bytes)))


def _handed_on(taken: list[Chunk], others: Iterable[Chunk]) -> Iterator[Chunk]:
    """The chunks that were taken to see whether there are several, of which none is kept alive, and the others."""
    while taken:
        yield taken.pop(0)
    yield from others


def _map_in_place(work: Callable[[Block, Scratch], Result], chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Result]]:
    scratch = Scratch()
    for chunk in chunks:
        yield chunk, work(chunk.load(scratch), scratch)


def _raising_in_turn(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Raise an error met while cutting after those of the blocks before it, so that timing decides nothing."""
    try:
        yield from chunks
    except NllError as error:
        caught = error

        def fail(_: Scratch) -> Block:
            raise caught

        yield Chunk(0, 0, fail)


def _reuse_freed_memory() -> None:
    """Let the C library keep freed arrays: it hands them back to the kernel until it has seen a large one freed.

    Otherwise every temporary array of a block is mapped and its pages faulted in anew, which doubles the time of ten
    classes. The block is not touched, so it takes no memory.
    """
    import numpy as np

    np.empty(LARGEST_HEAP_BLOCK, np.uint8)
