"""What a user does who is told ``try:``: pastes the lines, one after the other."""

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

from corpus.processes import piped
from in_process import nll

MOST_STEPS = 2


def tries(err):
    return [line.removeprefix("try: ") for line in err.splitlines() if line.startswith("try: ")]


def run(line):
    """What comes of a pasted line: nll in this process, what feeds it or comes before it in one of its own."""
    before, _, command = line.rpartition("nll ")
    words = shlex.split(command, comments=True)
    before = before.rstrip()
    data = b""
    if before.endswith("&&"):
        prepare = before.removesuffix("&&").replace("python -c", f"{shlex.quote(sys.executable)} -c", 1)
        subprocess.run(["bash", "-c", prepare], check=True, capture_output=True)
    elif before.endswith("|"):
        data = subprocess.run(["bash", "-c", before.removesuffix("|")], check=True, capture_output=True).stdout
    return fed(data, *words)


def fed(data, *words):
    """nll with these bytes as its standard input."""
    kept = sys.stdin
    try:
        with os.fdopen(piped(data)) as sys.stdin:
            return nll(*words)
    finally:
        sys.stdin = kept


def outcomes(done, steps=0):
    """The ends that can be reached from a run by following its lines: each with the number of steps and the number."""
    if done.code == 0:
        yield steps, float(done.out.split()[0])
    elif steps < MOST_STEPS:
        for line in tries(done.err):
            yield from outcomes(run(line), steps + 1)


@contextlib.contextmanager
def inside(folder):
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
