"""How many threads and processes work where nobody says it: the numbers that measurements gave, in one place."""

from __future__ import annotations

import os

from nllcli.data.settings import Workers

# More threads in one process are slower: they meet at the interpreter's lock between NumPy's calls.
MOST_THREADS = 8
# Threads that read over a network: one connection brings 50 MB/s, eight bring 350.
REMOTE_READERS = 8
# A block of a single sample cannot be cut smaller, and what is made of it may take seven times its bytes. So this many
# bytes of such blocks, or one of them, are worked on at once.
MOST_LONG_ROWS_BYTES = 1 << 25
# Of several processes, the threads of each meet less often.
THREADS_A_PROCESS = 2
# Work of fewer bytes is done before other processes have begun to pay for their start.
LEAST_ARRAY_BYTES = 4 << 30
LEAST_TEXT_BYTES = 1 << 30


def available_processors() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_threads() -> int:
    """The threads of one process."""
    return min(MOST_THREADS, available_processors())


def threads_for(asked: int | None, *, remote: bool) -> int:
    """The threads that work on blocks: as many as were asked for, if as many gain anything.

    Of arithmetic these are one a processor, or two, of which one may read: more of them fill the caches with blocks
    that nobody works on, and 16 threads on two processors take 18 % longer. For a network (``remote``) they wait.
    """
    if remote:
        return asked or max(REMOTE_READERS, usual_threads())
    return min(asked or usual_threads(), max(2, available_processors()))


def usual_workers(n_bytes: int, n_texts: int, processors: int) -> Workers:
    """Who works on files of ``n_bytes``, of which each of ``n_texts`` can be read by one process alone.

    On 16 processors, 8 threads take 4.1 s for 16 GiB of float32 (1000 classes), 16 threads 5.7 s, 2 processes of 8
    threads 3.7 s, 4 of 4 3.0 s and 8 of 2 2.7 s; for 4 GiB all of these take 1.5 s.
    """
    processes = min(processors // THREADS_A_PROCESS, n_texts or processors)
    few = processors <= MOST_THREADS or processes < 2
    if few or n_bytes < (LEAST_TEXT_BYTES if n_texts else LEAST_ARRAY_BYTES):
        return Workers()
    return Workers(min(MOST_THREADS, -(-processors // processes)), processes)
