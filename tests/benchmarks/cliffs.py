"""Cost and memory over sizes, formats, orders, values and options: ``python tests/benchmarks/cliffs.py``.

Each row is a whole command: nanoseconds of processors a number, less what the smallest input takes, and the peak of
resident memory. Where a row costs far more than those beside it, there is a cliff. Needs 500 MB of room in the folder
for temporary files; ``--numbers`` says how many logits a file has, ``--only WORD`` runs the rows whose name has it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import usage_of

NLL = [sys.executable, "-m", "nllcli"]
RNG = np.random.default_rng(0)

CLASSES = (1, 2, 3, 10, 23, 24, 64, 71, 72, 100, 1000, 1023, 1025, 4096, 32_000, 65_536, 131_072, 524_288, 1_048_577)
VALUES = {
    "plain": lambda x: x,
    "times 200": lambda x: x * 200,
    "a third -inf": lambda x: np.where(RNG.random(x.shape) < 1 / 3, np.float32(-np.inf), x),
    "ties": lambda x: x.round(),
    "all alike": lambda x: x * 0,
}
TYPES = ("<f4", ">f4", "<f8", "<f2", "<i4", "<i1")
OPTIONS = {
    "": [],
    "json": ["-f", "json"],
    "per class": ["--per-class", "-f", "json"],
    "each loss": ["--reduction", "none", "-q"],
    "temperature": ["--temperature", "0.7", "-q"],
    "smoothing": ["--label-smoothing", "0.1", "-q"],
    "one-vs-rest": ["--loss", "one-vs-rest", "-q"],
    "argmax": ["--loss", "argmax", "-q"],
    "weights": ["--counts", "targets", "-q"],
    "threads": ["--threads", "1", "-q"],
}


class Files:
    """Logits and targets in a folder, written anew for every row."""

    def __init__(self, folder: Path, numbers: int) -> None:
        self.folder, self.numbers = folder, numbers

    def logits(self, n_classes: int, dtype: str = "<f4") -> np.ndarray:
        shape = (max(1, self.numbers // n_classes), n_classes)
        return RNG.standard_normal(shape, dtype="f4").astype(dtype)

    def saved(self, x: np.ndarray, ending: str = "npy") -> list[str]:
        names = [str(self.folder / f"x.{ending}"), str(self.folder / "y.npy")]
        if ending == "npy":
            np.save(names[0], x)
        elif ending == "csv":
            np.savetxt(names[0], x, "%.6f", ",")
        elif ending == "jsonl":
            Path(names[0]).write_text("".join(f'{{"logits": {row}}}\n' for row in x.tolist()))
        np.save(names[1], RNG.integers(0, x.shape[-1], x.shape[:-1]))
        return names


def rows(files: Files) -> Iterator[tuple[str, list[str], int]]:
    """The name of each row, its command, and how many numbers that reads."""
    for n_classes in CLASSES:
        x = files.logits(n_classes)
        kind = ["--binary"] if n_classes == 1 else []
        yield f"{n_classes:,} classes", ["compute", *files.saved(x), "-q", *kind], x.size
    for name, change in VALUES.items():
        x = files.logits(1000)
        yield f"values: {name}", ["compute", *files.saved(change(x)), "-q"], x.size
    for dtype in TYPES:
        x = files.logits(1000, dtype)
        yield f"type: {dtype}", ["compute", *files.saved(x), "-q"], x.size
    for n_classes in (10, 32_000):
        x = files.logits(n_classes)
        yield f"Fortran order, {n_classes:,} classes", ["compute", *files.saved(np.asfortranarray(x)), "-q"], x.size
    for n_classes in (2, 1000, 131_072, 1_048_577, 1 << 24):
        x = files.logits(n_classes)
        for order in "CF":
            paths = files.saved(np.asarray(x, order=order))
            for command in ("softmax", "grad"):
                words = [command, *paths[: 1 if command == "softmax" else 2], "-o", str(files.folder / "out.npy")]
                yield f"{command}, order {order}, {n_classes:,} classes", words, x.size
        yield f"explain, {n_classes:,} classes", ["explain", *paths, "--row", "0"], x.size
    for n_classes in (10, 1_048_577):
        x = files.logits(n_classes)[: files.numbers // 10 // n_classes or 1]
        yield f"softmax to csv, {n_classes:,} classes", ["softmax", *files.saved(x)[:1], "-f", "csv"], x.size
    x = np.asfortranarray(files.logits(3)[: files.numbers // 30 // 64 * 64].reshape(64, -1, 3))
    yield "listing of two axes, Fortran order", ["compute", *files.saved(x), "--per-sample", "-f", "csv"], x.size
    for n_classes in (10, 1000):
        x = files.logits(n_classes)
        for name, options in OPTIONS.items():
            yield f"compute {name}, {n_classes:,} classes", ["compute", *files.saved(x), *options], x.size
        yield f"check, {n_classes:,} classes", ["check", *files.saved(x)], x.size
    for ending in ("csv", "jsonl"):
        x = files.logits(10)[: files.numbers // 100]
        yield f"{ending}, 10 classes", ["compute", *files.saved(x, ending), "-q"], x.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=16_000_000)
    parser.add_argument("--only", default="", help="rows whose name has this")
    parser.add_argument("--folder", help="where temporary files go")
    args = parser.parse_args()
    print("| work | ns a number | MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        files = Files(Path(folder), args.numbers)
        start = usage_of([*NLL, "compute", *files.saved(files.logits(10)[:10]), "-q"]).seconds
        for name, words, n in rows(files):
            if args.only in name:
                used = usage_of([*NLL, *words])
                print(
                    f"| {name} | {max(0.0, used.seconds - start) / n * 1e9:.2f} | {used.peak / 1e6:.0f} |", flush=True
                )


if __name__ == "__main__":
    main()
