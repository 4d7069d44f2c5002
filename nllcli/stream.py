"""A Dataset's blocks, read and worked on by several threads, handed back in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from nllcli.errors import NllError
from nllcli.model import Block, Chunk, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nllcli.model import Progress

Result = TypeVar("Result")

# Elements of one block, and samples where the classes are few: NumPy's calls on it last long enough that threads
# seldom meet at the interpreter's lock, and it is short enough for the caches.
BLOCK_ELEMENTS = 1 << 20
_MOST_SAMPLES = 48 << 10

# The largest block of memory to which glibc raises its thresholds by itself (DEFAULT_MMAP_THRESHOLD_MAX), less a page.
_LARGEST_HEAP_BLOCK = (32 << 20) - 8192


def block_samples(n_classes: int) -> int:
    """Samples of one block; it rests on the number of classes alone, not on layout or threads."""
    return min(_MOST_SAMPLES, max(1, BLOCK_ELEMENTS // max(1, n_classes)))


def available_threads() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_blocks(
    work: Callable[[Block, Scratch], Result],
    chunks: Iterable[Chunk],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    batch: int = 1,
) -> Iterator[Result]:
    """Apply ``work`` to every block and yield the results in block order.

    Chunks are cut on the calling thread, read and worked on by ``threads`` others; at most ``2 * threads`` are under
    way, so memory stays flat. Where results are small, lazy chunks may go to a thread ``batch`` at a time: it then
    wakes the calling thread less often. The first exception in block order is raised. A single chunk is worked on in
    place.
    """
    chunks = _raising_in_turn(chunks)
    first, second = next(chunks, None), next(chunks, None)
    if first is None:
        return
    if second is not None:
        _reuse_freed_memory()
    threads = threads or available_threads()
    everything = chain([first], [] if second is None else [second], chunks)
    results = (
        _map_in_place(work, everything)
        if second is None or threads == 1
        else _map_on_threads(work, everything, threads, batch)
    )
    for chunk, result in results:
        if progress is not None:
            progress.advance(chunk.n_bytes)
        yield result


def _map_in_place(work: Callable[[Block, Scratch], Result], chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Result]]:
    scratch = Scratch()
    for chunk in chunks:
        yield chunk, work(chunk.load(scratch), scratch)


def _map_on_threads(
    work: Callable[[Block, Scratch], Result], chunks: Iterable[Chunk], threads: int, batch: int
) -> Iterator[tuple[Chunk, Result]]:
    from concurrent.futures import Future, ThreadPoolExecutor

    local = threading.local()

    def run(chunks: list[Chunk]) -> list[tuple[Chunk, Result]]:
        if not hasattr(local, "scratch"):
            local.scratch = Scratch()
        return [(chunk, work(chunk.load(local.scratch), local.scratch)) for chunk in chunks]

    pool = ThreadPoolExecutor(threads, thread_name_prefix="nll")
    pending: deque[Future[list[tuple[Chunk, Result]]]] = deque()
    try:
        for together in _batches(chunks, batch):
            pending.append(pool.submit(run, together))
            if len(pending) >= 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        # On an error or an interrupt only the blocks already under way are waited for.
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(chunks: Iterable[Chunk], size: int) -> Iterator[list[Chunk]]:
    together: list[Chunk] = []
    for chunk in chunks:
        together.append(chunk)
        if not chunk.lazy or len(together) >= size:
            yield together
            together = []
    if together:
        yield together


def _reuse_freed_memory() -> None:
    """Let the C library keep freed arrays: it hands them back to the kernel until it has seen a large one freed.

    Otherwise every temporary array of a block is mapped and its pages faulted in anew, which doubles the time of ten
    classes. The block is not touched, so it takes no memory.
    """
    import numpy as np

    np.empty(_LARGEST_HEAP_BLOCK, np.uint8)


def _raising_in_turn(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Let an error met while cutting wait for the blocks before it, so that which error shows is no race."""
    try:
        yield from chunks
    except NllError as error:
        caught = error

        def fail(_: Scratch) -> Block:
            raise caught

        yield Chunk(0, 0, fail)
