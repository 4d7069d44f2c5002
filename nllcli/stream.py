"""A Dataset's blocks, read and worked on by several threads, handed back in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from nllcli.errors import NllError
from nllcli.model import Block, Chunk, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Result = TypeVar("Result")

# Elements of one block: NumPy's calls on it last long enough (some 0.1 ms) that threads rarely meet at the
# interpreter's lock, and it is short enough for the caches.
BLOCK_ELEMENTS = 1 << 19


def block_samples(n_classes: int) -> int:
    """Samples of one block; it rests on the number of classes alone, so that no layout or thread changes a sum."""
    return max(1, BLOCK_ELEMENTS // max(1, n_classes))


def available_threads() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_blocks(
    work: Callable[[Block, Scratch], Result],
    chunks: Iterable[Chunk],
    *,
    threads: int | None = None,
) -> Iterator[Result]:
    """Apply ``work`` to every block and yield the results in block order.

    Chunks are cut on the calling thread, read and worked on by ``threads`` others; at most ``2 * threads`` are under
    way, so memory stays flat. The first exception in block order is raised. A single chunk is worked on in place.
    """
    chunks = iter(chunks)
    first = next(chunks, None)
    if first is None:
        return
    second = next(chunks, None)
    threads = threads or available_threads()
    if second is None or threads == 1:
        scratch = Scratch()
        for chunk in _chain(first, second, chunks):
            yield work(chunk.load(scratch), scratch)
        return
    yield from _map_on_threads(work, _chain(first, second, chunks), threads)


def _map_on_threads(
    work: Callable[[Block, Scratch], Result], chunks: Iterator[Chunk], threads: int
) -> Iterator[Result]:
    from concurrent.futures import Future, ThreadPoolExecutor

    local = threading.local()

    def run(chunk: Chunk) -> Result:
        if not hasattr(local, "scratch"):
            local.scratch = Scratch()
        return work(chunk.load(local.scratch), local.scratch)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="nll")
    pending: deque[Future[Result]] = deque()
    try:
        for chunk in _raising_in_turn(chunks):
            pending.append(pool.submit(run, chunk))
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # On an error or an interrupt only the blocks already under way are waited for.
        pool.shutdown(wait=True, cancel_futures=True)


def _raising_in_turn(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Let an error met while cutting wait for the blocks before it, so that which error shows is no race."""
    try:
        yield from chunks
    except NllError as error:
        caught = error

        def fail(_: Scratch) -> Block:
            raise caught

        yield Chunk(0, 0, fail)


def _chain(
    first: Chunk,
    second: Chunk | None,
    rest: Iterator[Chunk],
) -> Iterator[Chunk]:
    yield first
    if second is not None:
        yield second
        yield from rest
