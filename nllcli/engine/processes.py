"""Pieces on several processes of this machine, started for the purpose and gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, deque
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from nllcli.engine.engines import MOST_DEATHS, WINDOW
from nllcli.engine.travel import packed, result_of
from nllcli.engine.worker import START
from nllcli.errors import FaultError, setting
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from nllcli.engine.engines import Item
    from nllcli.errors import Notice


@contextmanager
def open_processes(n: int) -> Iterator[Processes]:
    """Up to ``n`` processes, started when there is work for them."""
    yield Processes(n)


class Processes:
    """Worker processes; one that is killed costs only time."""

    notes: tuple[Notice, ...] = ()

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def map(
        self, task: Callable[[Any], Any], items: Iterable[Item], done: Callable[[Item], None]
    ) -> Generator[tuple[Item, Any], None, None]:
        """Yield each item with what comes of it, in order: see ``Engine``."""
        pool = _Pool(packed(task), self.n_workers)
        numbered, window = enumerate(items), dict[int, Any]()
        waiting, results, deaths, turn = deque[int](), dict[int, bytes](), Counter[int](), 0
        try:
            while True:
                while len(window) < WINDOW * self.n_workers and (following := next(numbered, None)) is not None:
                    window[following[0]] = following[1]
                    waiting.append(following[0])
                if not window:
                    return
                pool.hand_out(waiting, window)
                for number, result in pool.wait():
                    if result is not None:
                        results[number] = result
                        done(window[number])
                        continue
                    deaths[number] += 1
                    if deaths[number] == MOST_DEATHS:
                        raise _gave_up(window[number].name)
                    waiting.appendleft(number)
                while turn in results:
                    yield window.pop(turn), result_of(results.pop(turn))
                    turn += 1
        finally:
            pool.end()


class _Pool:
    """The processes of one pass, each of which has at most one item."""

    def __init__(self, task: bytes, n: int) -> None:
        self._task = task
        self._n = n
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[int, _Worker]] = {}

    def hand_out(self, waiting: deque[int], items: dict[int, Any]) -> None:
        """Give items to processes that have none, or are started for them: all at once, before any is waited for."""
        n_new = min(self._n - len(self._busy), len(waiting)) - len(self._idle)
        new = [_Worker.started() for _ in range(n_new)]
        self._idle += new
        for worker in new:
            worker.send(self._task)
        while waiting and self._idle:
            worker, number = self._idle.pop(), waiting.popleft()
            self._busy[worker.results] = number, worker
            worker.send(packed(items[number]))

    def wait(self) -> Iterator[tuple[int, bytes | None]]:
        """Wait for processes, and yield the number of each item with its result: None where its process died."""
        for results in wait([*self._busy]):
            number, worker = self._busy[results]  # type: ignore[index]  # a Connection, as all that was waited for
            result = worker.received()
            del self._busy[worker.results]
            if result is not None:
                self._idle.append(worker)
            yield number, result

    def end(self) -> None:
        """Let no process of these live on; they have nothing to put in order."""
        workers = [*self._idle, *(worker for _, worker in self._busy.values())]
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.wait()


@dataclass(frozen=True)
class _Worker:
    """A process and the two pipes between it and this one."""

    process: subprocess.Popen[bytes]
    tasks: Connection
    results: Connection

    @classmethod
    def started(cls) -> _Worker:
        """A new process, which waits for its task; raises FaultError where the system has no room for one."""
        (inner, to_worker), (from_worker, outer) = os.pipe(), os.pipe()
        tasks, results = Connection(to_worker, readable=False), Connection(from_worker, writable=False)
        try:
            # In a group of its own, since a terminal sends Ctrl-C to the whole group, and what follows is decided here.
            process = subprocess.Popen(
                [sys.executable, "-c", START, *sys.path],
                stdin=inner,
                stdout=outer,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:
            raise FaultError(f"cannot start a process: {error.strerror}") from error
        finally:
            os.close(inner)
            os.close(outer)
        return cls(process, tasks, results)

    def send(self, data: bytes) -> None:
        """Send what it waits for; of one that has died, the end of its results tells."""
        with suppress(OSError):
            self.tasks.send_bytes(data)

    def received(self) -> bytes | None:
        """Its result, or None, and its process is gone: it died."""
        try:
            return self.results.recv_bytes()
        except (EOFError, OSError):
            self.process.kill()
            self.process.wait()
            return None


def _gave_up(name: str) -> FaultError:
    """The end of a piece whose processes die; the system kills those that take too much memory."""
    hint = f"each process needs memory of its own: fewer of them ({setting('processes')}) need less"
    return FaultError(f"{MOST_DEATHS} processes ended while working on it", where=name, hint=hint)
