"""Blocks on several threads, handed back in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from typing import TYPE_CHECKING, TypeVar

from nllcli.data.blocks import Block, Chunk, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Result = TypeVar("Result")


def map_on_threads(
    work: Callable[[Block, Scratch], Result], chunks: Iterable[Chunk], threads: int
) -> Iterator[tuple[Chunk, Result]]:
    """Yield each chunk with what ``work`` makes of its block, in order.

    Chunks are cut on the calling thread; at most ``2 * threads`` are under way, so memory stays flat. The first
    exception in block order is raised.
    """
    own = local()

    def run(chunk: Chunk) -> Result:
        if not hasattr(own, "scratch"):
            own.scratch = Scratch()
        return work(chunk.load(own.scratch), own.scratch)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="nll")
    pending: deque[tuple[Chunk, Future[Result]]] = deque()
    try:
        for chunk in chunks:
            pending.append((chunk, pool.submit(run, chunk)))
            if len(pending) == 2 * threads:
                yield _first(pending)
        while pending:
            yield _first(pending)
    finally:
        # On an error or an interrupt only the blocks already under way are waited for.
        pool.shutdown(cancel_futures=True)


def _first(pending: deque[tuple[Chunk, Future[Result]]]) -> tuple[Chunk, Result]:
    chunk, future = pending.popleft()
    try:
        return chunk, future.result()
    finally:
        del future  # the traceback of its error refers to this frame; the cycle would keep the block alive
