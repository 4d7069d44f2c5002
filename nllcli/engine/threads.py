"""Blocks on several threads, handed back in order.

A signal may raise an exception between any two steps of the calling thread. So that it cannot leave a lock held that
others wait for, the threads meet in queues alone, each of whose calls is one step: futures and conditions are several.
"""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

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
    crew = _Crew(work, threads - 1)
    pending: deque[_Job[Result]] = deque()
    try:
        for chunk in chunks:
            pending.append(crew.take_on(chunk))
            if len(pending) == 2 * threads:
                yield crew.finish(pending.popleft())
        while pending:
            yield crew.finish(pending.popleft())
    except BaseException as error:
        # Only the blocks already under way are waited for; on an interrupt not those that wait for a network.
        interrupted = not isinstance(error, Exception | GeneratorExit)
        crew.dismiss(wait=not (interrupted and crew.is_remote))
        raise
    crew.dismiss(wait=True)


class _Job(Generic[Result]):
    """A chunk, and once it is ``done`` what became of it: a result or an error."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.done = False
        self._result: Result | None = None
        self._error: Exception | None = None

    def do(self, work: Callable[[Block, Scratch], Result], scratch: Scratch) -> None:
        """Work on the chunk; an error is raised in its turn, but for what interrupts this thread."""
        try:
            self._result = work(self.chunk.load(scratch), scratch)
        except Exception as error:  # noqa: BLE001 - as a pool does
            self._error = _without_a_frame(error)  # without this one: see ``outcome``
        self.done = True

    def outcome(self) -> tuple[Chunk, Result]:
        """The chunk and its result, which is forgotten here; raises the error."""
        error, result = self._error, self._result
        self._error = self._result = None
        try:
            if error is not None:
                raise error
            return self.chunk, result  # type: ignore[return-value]  # it is None where ``work`` gives that
        finally:
            del error  # its traceback refers to this frame; the cycle would keep the block alive


def _without_a_frame(error: Exception) -> Exception:
    trace = error.__traceback__
    return error.with_traceback(trace and trace.tb_next)


class _Crew(Generic[Result]):
    """At most ``n`` threads that help the calling one; each is started when a job comes."""

    def __init__(self, work: Callable[[Block, Scratch], Result], n: int) -> None:
        self._work, self._n = work, n
        self._todo: SimpleQueue[_Job[Result] | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._scratch = Scratch()
        self.is_remote = False

    def take_on(self, chunk: Chunk) -> _Job[Result]:
        """Put a chunk into the queue of whoever is free."""
        job = _Job[Result](chunk)
        self.is_remote |= chunk.remote
        self._todo.put(job)
        if len(self._threads) < self._n:
            thread = Thread(target=self._help, name=f"nll_{len(self._threads)}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return job

    def _help(self) -> None:
        scratch = Scratch()
        while (job := self._todo.get()) is not None:
            job.do(self._work, scratch)
            del job  # and with it the chunk, while this waits
            self._done.put(None)

    def finish(self, job: _Job[Result]) -> tuple[Chunk, Result]:
        """What became of a job, worked for on this thread too: on what nobody has begun, until it is done."""
        while not job.done:
            try:
                other = self._todo.get_nowait()
            except Empty:
                self._done.get()
            else:
                assert other is not None
                other.do(self._work, self._scratch)
        return job.outcome()

    def dismiss(self, *, wait: bool) -> None:
        """Let nobody begin anything more."""
        while True:
            try:
                self._todo.get_nowait()
            except Empty:
                break
        for _ in self._threads:
            self._todo.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
