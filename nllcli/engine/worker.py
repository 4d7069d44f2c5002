"""The other side of ``engine.processes``: a process that works on the items that come through its standard input."""

from __future__ import annotations

import os
import select
from multiprocessing.connection import Connection
from threading import Thread

from nllcli.engine.travel import attempt

# What a process runs, with the parent's search path as its arguments: no file of the current folder is imported.
START = "import sys; sys.path[:] = sys.argv[1:]; from nllcli.engine.worker import main; main()"


def main() -> None:
    """Receive a task and then items, one at a time, and send back what comes of each, until the parent has gone."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded: no product of matrices is taken here
    tasks, results = Connection(os.dup(0)), Connection(os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # whatever reads or prints must not get between
        os.dup2(nothing, descriptor)
    Thread(target=_end_with_the_parent, args=(tasks.fileno(),), daemon=True).start()
    task = tasks.recv_bytes()
    while True:
        results.send_bytes(attempt(task, tasks.recv_bytes()))


def _end_with_the_parent(tasks: int) -> None:
    """Wait until nobody can send any more; what is worked on then has no one to go to."""
    waiting = select.poll()
    waiting.register(tasks, 0)
    waiting.poll()
    os._exit(0)
