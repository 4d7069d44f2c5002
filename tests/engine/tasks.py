"""Tasks for other processes, which find them by their names."""

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nllcli.errors import DataError

WAIT = 30.0  # seconds, for what should come at once


@dataclass(frozen=True)
class Item:
    number: int
    name: str = "x.npy"


def items(n):
    return [Item(i) for i in range(n)]


class OddError(Exception):
    """An exception that does not pickle."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def square(item):
    return item.number**2


def environment(_):
    return os.environ["OPENBLAS_NUM_THREADS"], os.getpid()


def page_faults(_):
    """How many pages the system has to give for arrays of 1 MB that come and go."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        np.ones(1 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@dataclass(frozen=True)
class Fail:
    """Fails at some items, in one of several ways."""

    at: tuple[int, ...]
    how: str = "data"

    def __call__(self, item):
        if item.number not in self.at:
            return item.number
        if self.how == "data":
            raise DataError(f"item {item.number}", where="x.npy, row 3")
        if self.how == "memory":
            raise MemoryError
        if self.how == "odd":
            raise OddError(1, 2)
        return lambda: "what does not pickle"


def wait_for(path):
    end = time.monotonic() + WAIT
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.005)


@dataclass(frozen=True)
class LateFirst:
    """The first item ends after the second."""

    folder: Path

    def __call__(self, item):
        if item.number == 0:
            wait_for(self.folder / "1")
        (self.folder / str(item.number)).touch()
        return item.number


@dataclass(frozen=True)
class Die:
    """Kills its own process at an item, the first time alone if ``once`` names a file to remember it by."""

    at: int
    once: Path | None = None

    def __call__(self, item):
        if item.number == self.at and not (self.once and self.once.exists()):
            if self.once:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item.number
