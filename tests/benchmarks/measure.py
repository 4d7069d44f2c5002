"""Timing side by side: alternating runs, medians, and the operating system's own peak of memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """Median seconds of both sides of a comparison."""

    ours: float
    theirs: float


def medians(sides: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Median seconds of each side: all run in turn, once to warm up and ``runs`` times for the medians."""
    times: list[list[float]] = [[] for _ in sides]
    for i in range(runs + 1):
        for side, work in zip(times, sides, strict=True):
            begun = time.perf_counter()
            work()
            if i:
                side.append(time.perf_counter() - begun)
    return [statistics.median(side) for side in times]


def alternate(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> Pair:
    """The medians of two sides."""
    return Pair(*medians((ours, theirs), runs))


def process(command: Sequence[str]) -> Callable[[], object]:
    """A whole process as a side of a comparison; its output goes nowhere, and it must succeed."""
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


# A child counts the pages of whoever forked it, so a process of our size must not be the one that does.
_LAUNCHER = """
import os, sys
nowhere = os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Usage:
    """The peak of a process's resident memory in bytes and its seconds of processors, as the system counted them."""

    peak: int
    seconds: float


def usage_of(command: Sequence[str]) -> Usage:
    """What a process takes, which must succeed."""
    done = subprocess.run([sys.executable, "-c", _LAUNCHER, *command], check=True, capture_output=True, text=True)
    peak, seconds = done.stdout.split()
    return Usage(int(peak) * (1 if sys.platform == "darwin" else 1024), float(seconds))


def forget_pages(path: str) -> None:
    """Ask the kernel to drop the file's pages, so that the next reader meets a cold cache."""
    with Path(path).open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
