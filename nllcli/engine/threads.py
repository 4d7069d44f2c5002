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

    Chunks are cut on the calling thread, which is one of the ``threads`` and works too instead of waiting: as one more
    it would take processors from those at work, 8 % of the time of CSV. At most ``2 * threads`` blocks are under way,
    so memory stays flat. The first exception in block order is raised.
    """
    own = local()

    def run(chunk: Chunk) -> Result:
        if not hasattr(own, "scratch"):
            own.scratch = Scratch()
        return work(chunk.load(own.scratch), own.scratch)

    pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="nll")
    pending: deque[tuple[Chunk, Future[Result]]] = deque()
    try:
        for chunk in chunks:
            pending.append((chunk, pool.submit(run, chunk)))
            if len(pending) == 2 * threads:
                yield _first(run, pending)
        while pending:
            yield _first(run, pending)
    except BaseException as error:
        # Only the blocks already under way are waited for; on an interrupt not those that wait for a network.
        interrupted = not isinstance(error, Exception | GeneratorExit)
        pool.shutdown(wait=not (interrupted and any(chunk.remote for chunk, _ in pending)), cancel_futures=True)
        raise
    pool.shutdown()


def _help(run: Callable[[Chunk], Result], pending: deque[tuple[Chunk, Future[Result]]]) -> None:
    """Work on the chunks that no thread has taken, until the first is done."""
    for i, (chunk, future) in enumerate(pending):
        if pending[0][1].done():
            return
        if future.cancel():
            pending[i] = chunk, _worked_on(run, chunk)


def _worked_on(run: Callable[[Chunk], Result], chunk: Chunk) -> Future[Result]:
    """What became of a chunk on this thread; an error is raised in its turn."""
    future: Future[Result] = Future()
    try:
        future.set_result(run(chunk))
    except Exception as error:  # noqa: BLE001 - as a pool does
        trace = error.__traceback__
        future.set_exception(error.with_traceback(trace and trace.tb_next))  # without this frame: see ``_first``
    return future


def _first(run: Callable[[Chunk], Result], pending: deque[tuple[Chunk, Future[Result]]]) -> tuple[Chunk, Result]:
    """The first chunk and what became of it, worked for on this thread too."""
    _help(run, pending)
    chunk, future = pending.popleft()
    try:
        return chunk, future.result()
    finally:
        del future  # the traceback of its error refers to this frame; the cycle would keep the block alive
