"""Time by threads and processes: ``python tests/benchmarks/workers.py``, on the machine whose numbers are wanted.

Needs 2 GB of room in the folder for temporary files, or as many as ``--gigabytes`` says. The runs alternate; each
number is the median of the seconds of whole commands, start included. What they show stands in
``nllcli.engine.policy``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

NLL = [sys.executable, "-m", "nllcli", "compute", "-q"]
ROWS_AT_ONCE = 1 << 14


def doubled(most: int) -> list[int]:
    """1, 2, 4, ... up to ``most``, which is the last."""
    return sorted({min(1 << i, most) for i in range(most.bit_length() + 1)})


def arrays(folder: Path, n_bytes: int, n_classes: int) -> list[str]:
    """One array of float32 and its targets."""
    rng, n = np.random.default_rng(0), n_bytes // (4 * n_classes)
    logits = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (n, n_classes))
    for start in range(0, n, ROWS_AT_ONCE):
        part = logits[start : start + ROWS_AT_ONCE]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
    logits.flush()
    np.save(folder / "y.npy", rng.integers(0, n_classes, n))
    return [str(folder / "x.npy"), str(folder / "y.npy")]


def texts(folder: Path, n_bytes: int, n_classes: int, n_files: int) -> list[str]:
    """Files of text with their targets."""
    rng = np.random.default_rng(0)
    block = rng.standard_normal((1000, n_classes)).round(6)
    text = "".join(",".join(map(repr, row)) + "\n" for row in block.tolist())
    repeats = max(1, n_bytes // n_files // len(text))
    for i in range(n_files):
        (folder / f"x-{i}.csv").write_text(text * repeats)
        np.save(folder / f"y-{i}.npy", rng.integers(0, n_classes, 1000 * repeats))
    return [str(folder / "x-*.csv"), str(folder / "y-*.npy")]


def table(title: str, files: Sequence[str], workers: Sequence[tuple[int, int]], runs: int) -> None:
    """Print the seconds of each number of processes and threads: 0 processes are threads of the program itself."""
    seconds: dict[tuple[int, int], list[float]] = {each: [] for each in workers}
    for _ in range(runs):
        for processes, threads in workers:
            words = [*NLL, *files, "--threads", str(threads)]
            words += ["--processes", str(processes)] if processes else []
            begun = time.perf_counter()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            seconds[processes, threads].append(time.perf_counter() - begun)
    best = min(map(statistics.median, seconds.values()))
    print(f"\n{title}\nprocesses  threads  seconds  to the best")
    for (processes, threads), found in seconds.items():
        median = statistics.median(found)
        print(f"{processes or '-':>9}  {threads:>7}  {median:7.2f}  {median / best:11.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of the array of 1000 classes")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    processors = len(os.sched_getaffinity(0))
    alone = [(0, threads) for threads in doubled(processors)]
    shared = [(n, threads) for n in doubled(processors)[1:] for threads in doubled(max(1, processors // n))]
    print(f"{processors} processors")
    for n_classes in (10, 1000):
        with tempfile.TemporaryDirectory() as folder:
            n_bytes = int(given.gigabytes * (1 << 30) * (1 if n_classes == 1000 else 0.25))
            files = arrays(Path(folder), n_bytes, n_classes)
            table(f"{n_bytes / 1e9:.1f} GB of float32, {n_classes} classes", files, [*alone, *shared], given.runs)
    with tempfile.TemporaryDirectory() as folder:
        n_bytes = int(given.gigabytes * (1 << 30) / 8)
        files = texts(Path(folder), n_bytes, 100, processors)
        workers = [*alone, *((n, 1) for n in doubled(processors)[1:])]
        table(f"{n_bytes / 1e9:.1f} GB of text in {processors} files", files, workers, given.runs)


if __name__ == "__main__":
    main()
