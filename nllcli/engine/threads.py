"""A Dataset's blocks, read and worked on by several threads, handed back in order."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from itertools import chain, islice
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.errors import NllError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nllcli.data.blocks import Progress

Result = TypeVar("Result")

# The largest block of memory to which glibc raises its thresholds by itself (DEFAULT_MMAP_THRESHOLD_MAX), less a page.
_LARGEST_HEAP_BLOCK = (32 << 20) - 8192


def available_threads() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_blocks(
    work: Callable[[Block, Scratch], Result],
    chunks: Iterable[Chunk],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Apply ``work`` to every block and yield the results in block order.

    Chunks are cut on the calling thread, read and worked on by ``threads``, of which it is one; at most
    ``2 * threads`` are under way, so memory stays flat. The first exception in block order is raised. A single chunk
    is worked on in place.
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
        else _map_on_threads(work, everything, threads)
    )
    for chunk, result in results:
        if progress is not None:
            progress.advance(chunk.n_bytes)
        yield result


def _map_in_place(work: Callable[[Block, Scratch], Result], chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Result]]:
    scratch = Scratch()
    for chunk in chunks:
        yield chunk, work(chunk.load(scratch), scratch)


class _Job(Generic[Result]):
    """A chunk to work on, and what became of it."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self._running = Lock()
        self._running.acquire()
        self._result: Result
        self._error: BaseException | None = None

    def run(self, work: Callable[[Block, Scratch], Result], scratch: Scratch) -> None:
        try:
            self._result = work(self.chunk.load(scratch), scratch)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._running.release()

    @property
    def done(self) -> bool:
        return not self._running.locked()

    def result(self) -> Result:
        """What ``work`` returned; waits for it, and raises what it raised."""
        self._running.acquire()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # whose traceback leads back here: a circle that would keep the block
        return self._result


def _map_on_threads(
    work: Callable[[Block, Scratch], Result], chunks: Iterator[Chunk], threads: int
) -> Iterator[tuple[Chunk, Result]]:
    """The calling thread works too while it waits: nobody has to wake it."""
    waiting: SimpleQueue[_Job[Result] | None] = SimpleQueue()
    # Daemons, so that an interpreter can end though somebody keeps an iterator that was never closed.
    helpers = [Thread(target=_help, args=(waiting, work), name=f"nll-{i}", daemon=True) for i in range(1, threads)]
    pending: deque[_Job[Result]] = deque()
    scratch = Scratch()
    try:
        for helper in helpers:
            helper.start()
        while True:
            for chunk in islice(chunks, 2 * threads - len(pending)):
                pending.append(_Job(chunk))
                waiting.put(pending[-1])
            if not pending:
                return
            while not (pending[0].done or waiting.empty()):
                with suppress(Empty, Exception):  # somebody else took the last one; an error is raised in its turn
                    job = waiting.get_nowait()
                    assert job is not None
                    job.run(work, scratch)
            job = pending.popleft()
            yield job.chunk, job.result()
    finally:
        # On an error or an interrupt only the blocks already under way are waited for.
        with suppress(Empty):
            while True:
                waiting.get_nowait()
        for _ in helpers:
            waiting.put(None)
        for helper in helpers:
            if helper.ident is not None:
                helper.join()


def _help(waiting: SimpleQueue[_Job[Result] | None], work: Callable[[Block, Scratch], Result]) -> None:
    scratch = Scratch()
    while (job := waiting.get()) is not None:
        with suppress(BaseException):  # raised where the result is asked for
            job.run(work, scratch)


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
