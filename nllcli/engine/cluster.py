"""Pieces on the workers of a Dask scheduler that runs already; nothing here listens for connections."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import platform
import re
import warnings
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import nllcli
from nllcli.engine import LARGEST_HEAP_BLOCK
from nllcli.engine.engines import WINDOW
from nllcli.engine.travel import Failure, attempt, kept, packed, result_of
from nllcli.errors import FaultError, Notice, Remedy, UsageError, setting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from distributed import Client, Future

    from nllcli.engine.engines import Item

CONNECTING_SECONDS = 10.0
# A cluster without workers may get some: of a queue, say, or in place of those that died.
PATIENCE_SECONDS = 45.0
_LOOK_SECONDS = 1.0  # between looks at whether workers are left
_CLOSING_SECONDS = 2.0

_LOOPBACK = re.compile(r"[a-z]+://(127(\.[0-9]+){3}|localhost|\[::1\])(:|$)")
_ENCRYPTED = ("tls://", "wss://")
# As <malloc.h> has them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_USUAL_MMAP_THRESHOLD = 128 << 10
_LOGGERS = ("distributed", "tornado", "asyncio")


@contextmanager
def open_cluster(scheduler: str) -> Iterator[Cluster]:
    """The workers of the ``scheduler``, an address or the file that it wrote.

    Raises UsageError where they cannot do this work, FaultError where they cannot be reached.
    """
    try:
        import distributed
    except ImportError:
        remedy = Remedy(shell=("pip", "install", "nllcli[dask]"))
        raise UsageError(f"{setting('scheduler')} needs dask.distributed", remedies=[remedy]) from None
    address = _address(scheduler)
    with _silence():
        try:
            client = distributed.Client(address, timeout=CONNECTING_SECONDS, set_as_default=False, name="nll")
        except (OSError, ValueError, TypeError) as error:
            raise FaultError(f"cannot be reached: {_first_line(error)}", where=address) from error
        try:
            yield Cluster(client, address)
        finally:
            client.close(timeout=_CLOSING_SECONDS)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _address(scheduler: str) -> str:
    """The address of a scheduler; raises FaultError about a file that has none."""
    if "://" in scheduler:
        return scheduler
    try:
        text = Path(scheduler).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        if re.fullmatch(r"[\w.-]+:[0-9]+", scheduler):
            remedies = [Remedy({"scheduler": f"{scheme}://{scheduler}"}, f"it speaks {scheme}") for scheme in _SCHEMES]
            raise UsageError(f"{setting('scheduler')} {scheduler} says no protocol", remedies=remedies) from error
        raise FaultError(f"cannot be opened: {error.strerror}", where=scheduler) from error
    try:
        return str(json.loads(text)["address"])
    except (ValueError, KeyError, TypeError) as error:
        raise FaultError("is not the file of a Dask scheduler", where=scheduler) from error


_SCHEMES = ("tcp", "tls")


@contextmanager
def _silence() -> Iterator[None]:
    """Let no library report what is reported here."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS]
    loggers = {logging.getLogger(name) for name in (*names, *_LOGGERS)}
    levels = {logger: logger.level for logger in loggers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL + 1)
            yield
        finally:
            for logger, level in levels.items():
                logger.setLevel(level)


class Cluster:
    """The workers of a scheduler, as many as their threads; one that dies costs only time."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._alone_since: float | None = None
        self.n_workers = self._wait_for_workers()
        self.notes = (*self._check_versions(), *unencrypted(address))

    def map(
        self, task: Callable[[Any], Any], items: Iterable[Item], done: Callable[[Item], None]
    ) -> Generator[tuple[Item, Any], None, None]:
        """Yield each item with what comes of it, in order: see ``Engine``."""
        sent, waiting = packed(task), iter(items)
        pending: deque[tuple[Item, Future]] = deque()
        ended: deque[Item] = deque()
        something = Event()

        def end(item: Item) -> None:
            ended.append(item)
            something.set()

        try:
            while True:
                while len(pending) < WINDOW * self.n_workers and (item := next(waiting, None)) is not None:
                    future = self._submit(sent, item)
                    pending.append((item, future))
                    future.add_done_callback(lambda _, item=item: end(item))
                if not pending:
                    break
                item, future = pending[0]
                if not (future.done() or something.wait(_LOOK_SECONDS)):
                    self._look_for_workers()
                something.clear()
                while ended:
                    done(ended.popleft())
                if future.done() and (data := self._data(item, future)) is not None:
                    pending.popleft()
                    yield item, result_of(data)
        finally:
            with suppress(OSError):  # what has ended the pass says more than a scheduler that has gone
                self._client.cancel([future for _, future in pending], force=True)
                self._client.run(kept.cache_clear, on_error="ignore")  # no file stays open there

    def _submit(self, task: bytes, item: Any) -> Future:
        return self._client.submit(
            _on_worker, nllcli.__version__, str(Path.cwd()), task, packed(item), pure=False, retries=0
        )

    def _data(self, item: Any, future: Future) -> bytes | None:
        """The packed result of a task; None where it has been lost with its worker, and is to come once more."""
        from distributed import CancelledError, KilledWorker

        try:
            data: bytes = future.result(timeout=_LOOK_SECONDS)
        except TimeoutError:
            self._look_for_workers()
            return None
        except KilledWorker as error:
            hint = "their memory may be too small for it, or their time over"
            raise FaultError("several workers ended while working on it", where=item.name, hint=hint) from error
        except (CancelledError, OSError) as error:
            raise FaultError("the scheduler has gone", where=self._address) from error
        return data

    def _look_for_workers(self) -> None:
        """Raise FaultError where there has been no worker for as long as patience lasts."""
        if self._workers():
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = monotonic()
        elif monotonic() - self._alone_since > PATIENCE_SECONDS:
            raise FaultError(f"no worker is left at {self._address}")

    def _workers(self) -> Mapping[str, int]:
        """The threads of each worker."""
        try:
            threads: Mapping[str, int] = self._client.nthreads()
        except (OSError, TimeoutError) as error:
            raise FaultError("the scheduler has gone", where=self._address) from error
        return threads

    def _wait_for_workers(self) -> int:
        """How many pieces can be worked on at a time."""
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        n = sum(self._workers().values())
        if not n:
            raise FaultError(f"no worker is left at {self._address}")
        return n

    def _check_versions(self) -> Iterator[Notice]:
        """Raise UsageError where another version of this program would work; yield what is worth knowing."""
        versions = self._client.get_versions(packages=["nllcli"])
        mine, numpy = versions["client"]["packages"]["nllcli"], versions["client"]["packages"]["numpy"]
        others = set()
        for name, theirs in ({"scheduler": versions["scheduler"]} | versions["workers"]).items():
            found = theirs["packages"]["nllcli"]
            if found != mine:
                told = "has no nllcli" if found is None else f"has nllcli {found}"
                hint = f"install nllcli {mine} there, the version that is here"
                raise UsageError(told, where=f"{name} of {self._address}" if name == "scheduler" else name, hint=hint)
            if theirs["packages"]["numpy"] != numpy:
                others.add(theirs["packages"]["numpy"])
        if others:
            told = f"NumPy is {numpy} here and {', '.join(map(str, sorted(others, key=str)))} on workers"
            yield Notice("other-numpy", f"{told}: the last digits may differ")


def unencrypted(address: str) -> Iterator[Notice]:
    """The note on connections that others can read, and take part in."""
    if not (address.startswith(_ENCRYPTED) or _LOOPBACK.match(address)):
        yield Notice("not-encrypted", f"{address}: neither encrypted nor authenticated, which tls:// is")


def _on_worker(version: str, folder: str, task: bytes, item: bytes) -> bytes:
    """``attempt`` on a worker of a cluster; what cannot be read there names its host."""
    if version != nllcli.__version__:
        return packed(Failure.of(UsageError(f"has nllcli {nllcli.__version__}, not {version}", where=_host())))
    with _freed_memory_kept():
        result = attempt(task, item)
    try:
        result_of(result)
    except FaultError as error:
        error.message = f"{error.message}, on {_host()}"
        if os.getcwd() != folder:  # noqa: PTH109 - as text
            error.hint = f"workers run in {Path.cwd()}: name files by their whole paths"
        return packed(Failure.of(error))
    except Exception:  # noqa: BLE001 - what else comes back is raised where it is wanted
        return result
    return result


@contextmanager
def _freed_memory_kept() -> Iterator[None]:
    """Let the C library keep freed arrays meanwhile, which Dask tells it to hand back: five times the time of text."""
    usual = os.environ.get("MALLOC_TRIM_THRESHOLD_", "")
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if usual.isdecimal() else None
    if set_option is None:
        yield
        return
    set_option(_M_MMAP_THRESHOLD, LARGEST_HEAP_BLOCK)
    set_option(_M_TRIM_THRESHOLD, 2 * LARGEST_HEAP_BLOCK)
    try:
        yield
    finally:
        set_option(_M_MMAP_THRESHOLD, _USUAL_MMAP_THRESHOLD)
        set_option(_M_TRIM_THRESHOLD, int(usual))


def _host() -> str:
    return platform.node()
