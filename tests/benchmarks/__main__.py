"""Ratios measured side by side: ``python -m benchmarks`` from ``tests/``, or ``python tests/benchmarks``.

Needs about 20 GB of room in the folder for temporary files and 8 GB of memory; ``--only WORD`` runs the rows whose
name has it.
Peers that are not installed are skipped by name.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from measure import Pair, alternate, forget_pages, medians, process, usage_of

import nllcli
from nllcli.data.environment import KERNEL_VARIABLE
from nllcli.numerics.kernels import chosen

# Told to write no bytecode, each process would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

NLL = [sys.executable, "-m", "nllcli"]
PETS = [str(Path(__file__).parents[2] / "samples" / "pets" / name) for name in ("logits.csv", "targets.txt")]
TORCH_WHOLE = (
    "import numpy as np, torch; torch.set_num_threads({threads}); "
    "x, y = (torch.from_numpy(np.load(path)) for path in ({logits!r}, {targets!r})); "
    "print(torch.nn.functional.cross_entropy(x, y))"
)
TORCH_FIT = """
import numpy as np, torch
torch.set_num_threads({threads})
x, y = (torch.from_numpy(np.load(path)) for path in ({logits!r}, {targets!r}))
log_beta = torch.zeros((), requires_grad=True)
optimizer = torch.optim.LBFGS([log_beta], max_iter=50, line_search_fn="strong_wolfe")

def closure():
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(x * log_beta.exp(), y)
    loss.backward()
    return loss

optimizer.step(closure)
print(torch.exp(-log_beta.detach()))
"""
GB = 1 << 30

KERNELS = (*(("native",) if find_spec("nllcli.numerics.kernels.native") else ()), "numpy")

Row = tuple[str, str, str, str]


class Bench:
    """Where the files lie, how often each side runs, and which rows are wanted."""

    def __init__(self, folder: Path, runs: int, only: str) -> None:
        self.folder, self.runs, self.only = folder, runs, only
        self.threads = len(os.sched_getaffinity(0))
        self.rng = np.random.default_rng(0)

    def wanted(self, name: str) -> bool:
        return self.only in name

    def logits(self, shape: tuple[int, ...], dtype: str = "f4") -> np.ndarray:
        return self.rng.standard_normal(shape, dtype="f4").astype(dtype)

    def targets(self, shape: tuple[int, ...], n_classes: int) -> np.ndarray:
        return self.rng.integers(0, n_classes, shape)

    def save(self, name: str, array: np.ndarray) -> str:
        path = str(self.folder / name)
        np.save(path, array)
        return path

    def sparse(self, name: str, shape: tuple[int, ...]) -> str:
        """A file of zeros that takes no room on the disk."""
        path = self.folder / name
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            file.truncate(file.tell() + 4 * int(np.prod(shape)))
        return str(path)


def speed(pair: Pair) -> str:
    return f"{pair.theirs / pair.ours:.2f} times as fast"


def share(pair: Pair) -> str:
    return f"{pair.ours / pair.theirs:.2f} of its time"


@contextmanager
def using(kernel: str) -> Iterator[None]:
    """Compute with a kernel, in this process and in those that it starts."""
    os.environ[KERNEL_VARIABLE] = kernel
    chosen.native.cache_clear()
    try:
        yield
    finally:
        del os.environ[KERNEL_VARIABLE]
        chosen.native.cache_clear()


def by_kernel(show: Callable[[Pair], str], ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> str:
    """What each kernel takes against the peer."""
    found = []
    for kernel in KERNELS:
        with using(kernel):
            found.append(f"{kernel} {show(alternate(ours, theirs, runs))}")
    return "; ".join(found)


def in_process(bench: Bench) -> Iterator[Row]:
    """The arithmetic alone, on arrays in memory, against PyTorch in float32."""
    rows = [
        ((8192, 32000), "f4", 1, "exact", "5"),
        ((8192, 32000), "f4", 1, "fast", "5"),
        ((200_000, 1000), "f4", 1, "exact", "5"),
        ((200_000, 1000), "f4", 1, "fast", "5"),
        ((10_000_000, 10), "f4", 1, "exact", "14"),
        ((64, 21, 512, 512), "f4", 1, "exact", "5"),
        ((16384, 32000), "f2", 1, "exact", "8"),
    ]
    for shape, dtype, axis, precision, goal in rows:
        name = f"{'float16' if dtype == 'f2' else 'float32'} {shape} {precision}"
        if not bench.wanted(name):
            continue
        x = bench.logits(shape, dtype)
        y = bench.targets(shape[:axis] + shape[axis + 1 :], shape[axis])
        yield name, "PyTorch cross_entropy", against_torch(bench, x, y, precision), f"{goal} or more"


def against_torch(bench: Bench, x: np.ndarray, y: np.ndarray, precision: str) -> str:
    import torch

    torch.set_num_threads(bench.threads)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    return by_kernel(
        speed,
        lambda: nllcli.compute(x, y, precision=precision, threads=bench.threads),
        lambda: torch.nn.functional.cross_entropy(tx.float(), ty),
        bench.runs,
    )


def bfloat16(bench: Bench) -> Iterator[Row]:
    """From a file, which PyTorch has in memory already."""
    name = "bfloat16 (16384, 32000) exact, file"
    if not bench.wanted(name):
        return
    import torch

    torch.set_num_threads(bench.threads)
    x = bench.logits((16384, 32000))
    y = bench.targets((16384,), 32000)
    tx = torch.from_numpy(x).bfloat16()
    del x
    logits = bench.save("bfloat16.npy", tx.view(torch.int16).numpy().view("V2"))
    targets = bench.save("bfloat16-targets.npy", y)
    ours = in_this_process(["compute", logits, targets, "--input-dtype", "bfloat16", "-q"])
    ty = torch.from_numpy(y)
    measured = by_kernel(speed, ours, lambda: torch.nn.functional.cross_entropy(tx.float(), ty), bench.runs)
    yield name, "PyTorch cross_entropy of .float()", measured, "9 or more"


def in_this_process(words: list[str]) -> Callable[[], object]:
    """The command line without starting a process; its output goes nowhere."""
    from contextlib import redirect_stdout

    from nllcli.cli.main import main

    def run() -> None:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            code = main(words)
        if code:
            raise SystemExit(f"nll {' '.join(words)}: exit {code}")

    return run


def whole_process(bench: Bench) -> Iterator[Row]:
    """From the shell and back, the interpreter's start included."""
    if bench.wanted("1 GB whole process"):
        logits, targets = big(bench)
        code = TORCH_WHOLE.format(threads=bench.threads, logits=logits, targets=targets)
        ours = process([*NLL, "compute", logits, targets])
        measured = by_kernel(share, ours, process([sys.executable, "-c", code]), bench.runs)
        yield "1 GB whole process", "PyTorch, numpy.load", measured, "0.13 or less"
    if bench.wanted("pets whole process"):
        logits, targets = (
            bench.save("p.npy", np.array([[5, 4, 2], [4, 2, 8], [4, 4, 1]], "f4")),
            bench.save("t.npy", np.array([0, 2, 1])),
        )
        code = TORCH_WHOLE.format(threads=bench.threads, logits=logits, targets=targets)
        ours = process([*NLL, "compute", *PETS])
        pair = alternate(ours, process([sys.executable, "-c", code]), bench.runs * 2)
        yield "pets whole process", "PyTorch, numpy.load", share(pair), "0.15 or less"
    if bench.wanted("pets start-up"):
        ours = process([*NLL, "compute", *PETS])
        pair = alternate(ours, process([sys.executable, "-c", "import numpy, typer"]), bench.runs * 4)
        yield "pets start-up", "import numpy, typer", share(pair), "1.1 or less"


def big(bench: Bench, n: int = 8192) -> tuple[str, str]:
    """Float32 logits (n, 32000), about 1 GB unless said, and their targets; made once."""
    logits, targets = bench.folder / f"big{n}.npy", bench.folder / f"big{n}-targets.npy"
    if not logits.exists():
        out = np.lib.format.open_memmap(logits, "w+", "f4", (n, 32000))
        for i in range(0, n, 1024):
            out[i : i + 1024] = bench.logits((min(n, 1024), 32000))
        out.flush()
        np.save(targets, bench.targets((n,), 32000))
    return str(logits), str(targets)


def cold(bench: Bench) -> Iterator[Row]:
    name = "1 GB, cold page cache"
    if not bench.wanted(name):
        return
    logits, targets = big(bench)

    def chilled(command: list[str]) -> Callable[[], object]:
        run = process(command)

        def work() -> None:
            forget_pages(logits)
            run()

        return work

    pair = alternate(chilled([*NLL, "compute", logits, targets]), chilled(["cat", logits]), bench.runs)
    rate = Path(logits).stat().st_size / pair.theirs / 1e9
    yield name, f"cat FILE > /dev/null, at {rate:.1f} GB/s", share(pair), "1.2 or less"


def memory(bench: Bench) -> Iterator[Row]:
    """Peaks of whole processes."""

    def row(name: str, command: list[str]) -> Iterator[Row]:
        if bench.wanted(name):
            yield name, "-", f"{usage_of(command).peak / 1e6:.0f} MB", "200 MB or less"

    if not bench.wanted("memory"):
        return
    logits, targets = big(bench)
    yield from row("memory: 1 GB", [*NLL, "compute", logits, targets])
    saved = str(bench.folder / "probs.npy")
    yield from row("memory: 1 GB with --save-probs", [*NLL, "compute", logits, targets, "--save-probs", saved])
    Path(saved).unlink(missing_ok=True)
    sparse = bench.sparse("sparse.npy", (156_250, 32000))
    zeros = bench.save("zeros.npy", np.zeros(156_250, "i8"))
    yield from row("memory: 20 GB sparse", [*NLL, "compute", sparse, zeros])
    Path(sparse).unlink()
    wide = bench.sparse("wide.npy", (1000, 256_000))
    few = bench.save("few.npy", np.zeros(1000, "i8"))
    yield from row("memory: 256,000 classes", [*NLL, "compute", wide, few])
    if bench.wanted("memory: 1 GB of CSV"):
        table, _ = csv(bench, "%.17g")
        long, targets = bench.folder / "long.csv", bench.save("long.npy", bench.targets((1_000_000,), 50))
        with long.open("wb") as file:
            for _ in range(5):
                file.write(Path(table).read_bytes())
        yield from row("memory: 1 GB of CSV", [*NLL, "compute", str(long), targets])


def scaling(bench: Bench) -> Iterator[Row]:
    """What a byte takes once the program runs: the time and the bytes of a small file are taken off both sides."""
    name = "time per byte, 4 GB against 1 GB"
    if not bench.wanted(name):
        return
    tiny, small, large = big(bench, 256), big(bench), big(bench, 32768)
    for path in (small[0], large[0]):
        forget_pages(path)  # pages that were read lie together in memory, those that were written do not
    pair = alternate(process([*NLL, "compute", *large]), process([*NLL, "compute", *small]), bench.runs)
    start = alternate(process([*NLL, "compute", *tiny]), lambda: None, bench.runs).ours
    share = (pair.ours - start) / (pair.theirs - start) * (8192 - 256) / (32768 - 256)
    yield name, "itself", f"{share:.2f}, start-up apart ({pair.ours / pair.theirs / 4:.2f} with it)", "0.9 to 1.1"
    for path in large:
        Path(path).unlink()


def text(bench: Bench) -> Iterator[Row]:
    """CSV, parsed and scored, against parsing alone; whole processes."""
    for form in ("%.6f", "%.9g", "%.17g"):
        name = f"CSV (200000, 50) of {form}"
        if bench.wanted(name):
            path, targets = csv(bench, form)
            theirs = process([sys.executable, "-c", f"import numpy; numpy.loadtxt({path!r}, delimiter=',')"])
            pair = alternate(process([*NLL, "compute", path, targets]), theirs, bench.runs)
            yield name, "numpy.loadtxt", speed(pair), "1 or more"


def csv(bench: Bench, form: str) -> tuple[str, str]:
    """10,000,000 logits as text, and their targets."""
    path, line = bench.folder / "table.csv", ",".join([form] * 50) + "\n"
    with path.open("w") as file:
        file.writelines(line % tuple(row) for row in bench.logits((200_000, 50), "f8") / 3)
    return str(path), bench.save("table-targets.npy", bench.targets((200_000,), 50))


def libraries(bench: Bench) -> Iterator[Row]:
    """Peers in float64, as ours is."""
    x, y = bench.logits((20_000, 1000)), bench.targets((20_000,), 1000)
    each = np.arange(len(y))

    def ours() -> object:
        return nllcli.compute(x, y)

    if find_spec("scipy") and bench.wanted("float32 (20000, 1000)"):
        from scipy.special import log_softmax

        wide = x.astype("f8")
        pair = alternate(ours, lambda: -log_softmax(wide, axis=1)[each, y].mean(), bench.runs)
        yield "float32 (20000, 1000) exact", "scipy log_softmax, float64", speed(pair), ""
    if find_spec("sklearn") and bench.wanted("probabilities (20000, 1000)"):
        from sklearn.metrics import log_loss

        p = nllcli.softmax(x)
        labels = np.arange(1000)
        pair = alternate(
            lambda: nllcli.compute(p, y, source="probs"), lambda: log_loss(y, p, labels=labels), bench.runs
        )
        yield "probabilities (20000, 1000)", "scikit-learn log_loss", speed(pair), ""


def comparing(bench: Bench) -> Iterator[Row]:
    """Two models against the loss of each, whole processes; what only a page lists is left out of both."""
    for shape in ((200_000, 1000), (10_000_000, 10), (64, 21, 512, 512)):
        name = f"compare {shape}"
        if not bench.wanted(name):
            continue
        axis = 1 if len(shape) > 2 else len(shape) - 1
        old, new = (bench.save(f"{side}.npy", bench.logits(shape)) for side in ("old", "new"))
        targets = bench.save("compare-targets.npy", bench.targets(shape[:axis] + shape[axis + 1 :], shape[axis]))
        numbers = ["--print", "loss,standard_error"]
        single = [process([*NLL, "compute", path, targets, *numbers]) for path in (old, new)]

        def both(single: Sequence[Callable[[], object]] = single) -> None:
            for run in single:
                run()

        key = "comparisons[0].p_value,comparisons[0].n_better"
        command = [*NLL, "compare", old, new, "-t", targets, "--print", key]
        for more, goal in (("--no-divergence", "1.15"), ("--divergence", "1.9")):
            measured = by_kernel(share, process([*command, more]), both, bench.runs)
            yield f"{name} {more}", "nll compute of both", measured, f"{goal} or less"


def calibrating(bench: Bench) -> Iterator[Row]:
    """A temperature against the loss alone and, beside the first kernel, against PyTorch's; whole processes in turn."""
    name, temperature = "calibrate (200000, 1000)", 2.5
    if not bench.wanted(name):
        return
    x = bench.logits((200_000, 1000))
    x *= 3
    targets = [(part + bench.rng.gumbel(size=part.shape)).argmax(axis=1) for part in np.array_split(x, 100)]
    x *= temperature  # the targets are drawn at it
    files = bench.save("calibrate.npy", x), bench.save("calibrate-targets.npy", np.concatenate(targets))
    del x
    sides = [process([*NLL, command, *files]) for command in ("calibrate", "compute")]
    code = TORCH_FIT.format(threads=bench.threads, logits=files[0], targets=files[1])
    peers = [process([sys.executable, "-c", code])] if find_spec("torch") else []
    for kernel in KERNELS:
        with using(kernel):
            ours, loss, *theirs = medians([*sides, *peers], bench.runs)
        yield f"{name} {kernel}", "nll compute", share(Pair(ours, loss)), "6 or less" if kernel == "native" else ""
        for seconds in theirs:
            yield f"{name} {kernel}", "PyTorch LBFGS, numpy.load", speed(Pair(ours, seconds)), ""
        peers = []


def pictured(bench: Bench) -> Iterator[Row]:
    """What pictures are made of, but for the loss at other temperatures, against the loss alone; from files."""
    from nllcli.commands.compute import Sections, compute
    from nllcli.commands.compute.pictures import PictureChoice
    from nllcli.data.settings import InputOptions, ScoreRequest

    for shape, goal in (((2_000_000, 10), "100 ns or less"), ((100_000, 1000), ""), ((4000, 32000), "")):
        name = f"pictures of {shape}"
        if not bench.wanted(name):
            continue
        y = bench.targets(shape[:1], shape[1])
        x = 2 * bench.logits(shape)
        x[np.arange(len(y)), y] += 4  # so that most are predicted right, and some are not
        files = InputOptions(bench.save("pictured.npy", x), bench.save("pictured-targets.npy", y))
        request = ScoreRequest(files, threads=bench.threads)
        sides = [partial(compute, request, Sections(pictures=choice)) for choice in (PictureChoice(curve=False), None)]
        for kernel in KERNELS:
            with using(kernel):
                pair = alternate(*sides, bench.runs)
            extra = (pair.ours - pair.theirs) / len(y) * 1e9
            measured = f"{pair.ours / pair.theirs:.2f} times its time, {extra:.0f} ns a sample more"
            yield f"{name} {kernel}", "nll compute", measured, goal if kernel == "native" else ""


SECTIONS = {
    "torch": (in_process, bfloat16, whole_process),
    None: (cold, memory, scaling, text, libraries, comparing, calibrating, pictured),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name has this")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", help="where temporary files go")
    args = parser.parse_args()
    print("| work | against | measured | goal |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        bench = Bench(Path(folder), args.runs, args.only)
        for peer, sections in SECTIONS.items():
            if peer is not None and find_spec(peer) is None:
                print(f"| rows against {peer} | | skipped: {peer} is not installed | |")
                continue
            for section in sections:
                for row in section(bench):
                    print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
