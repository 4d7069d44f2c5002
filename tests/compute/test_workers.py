"""nll compute by several processes: the same bytes as in place, from every kind of file, and the same errors."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from following import meanings, offered, run
from in_process import nll
from range_server import serving

from nllcli import engine
from nllcli.commands.compute.samples import Kept
from nllcli.engine import policy
from nllcli.engine.processes import Processes
from nllcli.engine.travel import attempt, kept, packed, result_of
from nllcli.errors import Notice
from nllcli.scoring import shares as sharing

N, C = 600, 5
RNG = np.random.default_rng(23)
LOGITS = RNG.normal(0, 3, (N, C))
TARGETS = np.where(np.arange(N) % 11 == 3, -1, RNG.integers(0, C, N))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    np.save(folder / "x.npy", LOGITS)
    np.save(folder / "cube.npy", LOGITS.reshape(20, 30, C).transpose(2, 0, 1)[None])
    np.save(folder / "cube_y.npy", TARGETS.reshape(1, 20, 30))
    np.save(folder / "y.npy", TARGETS)
    np.save(folder / "w.npy", RNG.random(N))
    np.save(folder / "soft.npy", RNG.dirichlet(np.ones(C), N))
    np.savez(folder / "x.npz", x=LOGITS.astype("f4"), y=TARGETS)
    np.savetxt(folder / "x.csv", LOGITS, delimiter=",")
    np.save(folder / "probs.npy", RNG.dirichlet(np.ones(C), N).astype("f4"))
    gaps = LOGITS.copy()
    gaps[[3, 300, 301, 599]] = np.nan
    np.save(folder / "gaps.npy", gaps)
    np.save(folder / "large.npy", np.full((N, 2), 2**53 + 1))
    return folder


@pytest.fixture(autouse=True)
def _in_small_blocks(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 40)


@pytest.fixture
def shares(monkeypatch):
    """How many shares each run hands to processes."""
    found, real = [], Processes.map

    def watched(self, task, items, done):
        items = list(items)
        found.append(len(items))
        return real(self, task, items, done)

    monkeypatch.setattr(Processes, "map", watched)
    return found


COMMANDS = {
    "npy": "x.npy y.npy --ignore-index -1 --per-class",
    "npz": "x.npz:x x.npz:y --ignore-index -1 --sample-weights w.npy",
    "class first": "cube.npy cube_y.npy --class-axis 1 --ignore-index -1 --weights 1,2,3,4,5",
    "soft": "x.npy soft.npy --label-smoothing 0.1 --reduction sum",
    "csv": "x.csv y.npy --ignore-index -1",
    "samples": "x.npy y.npy --ignore-index -1 --per-sample",
    "unreduced": "cube.npy cube_y.npy --class-axis 1 --ignore-index -1 --reduction none",
    "findings": "probs.npy y.npy --ignore-index -1 --from probs --clip auto",
    "missing": "gaps.npy y.npy --ignore-index -1 --missing ignore",
    "rounded": "large.npy y.npy --ignore-index -1 --from logits --on-nonfinite nan",
}


@pytest.mark.uncounted
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_same_bytes_whoever_works(words, shares):
    words = ["compute", *words.split(), "-f", "json"]
    if "large.npy" in words:
        words[2:5] = ["y2.npy"]
        np.save("y2.npy", np.arange(N) % 2)
    alone = nll(*words, "--threads", 1)
    assert alone.code == 0, alone.err
    assert nll(*words, "--processes", 2) == alone
    assert nll(*words, "--threads", 3) == alone
    assert shares == [] if "x.csv" in words else shares[0] >= 4


@pytest.mark.parametrize("workers", [("--processes", 1), ("--processes", 3, "--threads", 2)])
def test_same_bytes_of_any_number(workers):
    words = ["compute", "x.npy", "y.npy", "--ignore-index", -1, "-f", "json"]
    assert nll(*words, *workers) == nll(*words, "--threads", 1)


def test_same_bytes_from_an_address():
    with serving() as server:
        server.files = {f"/{name}": Path(name).read_bytes() for name in ("x.npy", "y.npy")}
        words = ["compute", f"{server.url}/x.npy", f"{server.url}/y.npy", "--ignore-index", -1, "-f", "json"]
        assert nll(*words, "--processes", 2) == nll(*words)


@pytest.mark.uncounted
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_same_arrays_whoever_works(logits, tmp_path):
    def saved(*workers):
        names = {what: tmp_path / f"{what}.npy" for what in ("losses", "probs", "log-probs", "grad")}
        words = [word for what, path in names.items() for word in (f"--save-{what}", path)]
        done = nll("compute", logits, "y.npy", "--ignore-index", -1, *words, "-q", *workers)
        assert done.code == 0, done.err
        return done.out, [path.read_bytes() for path in names.values()]

    assert saved("--processes", 2) == saved("--threads", 1)


SHARDS = {
    "arrays": "part-*.npy part_y-*.npy --ignore-index -1",
    "text": "part-*.csv part_y-*.npy --ignore-index -1 --counts targets",
    "both": "{part-0.npy,part-1.csv,part-2.npy} part_y-*.npy --ignore-index -1",
    "one file of targets": "part-*.npy y.npy --ignore-index -1 --sample-weights w.npy",
    "rows": "part-*.csv part_y-*.npy --ignore-index -1 --per-sample",
    "findings": "probs-*.csv part_y-*.npy --ignore-index -1 --from probs --clip 0.3",
}


@pytest.fixture(scope="module")
def shards(folder):
    """Parts of unlike lengths; the probabilities in text add up to 1 but for those of a few rows."""
    probs = np.load(folder / "probs.npy").astype(float)
    probs /= probs.sum(axis=1, keepdims=True)
    probs[[250, 420, 599]] *= 1.01
    for i, rows in enumerate((slice(0, 130), slice(130, 400), slice(400, N))):
        np.save(folder / f"part-{i}.npy", LOGITS[rows])
        np.save(folder / f"part_y-{i}.npy", TARGETS[rows])
        np.savetxt(folder / f"part-{i}.csv", LOGITS[rows], delimiter=",", header="a comment")
        np.savetxt(folder / f"probs-{i}.csv", probs[rows], delimiter=",")


@pytest.mark.uncounted
@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize("words", SHARDS.values(), ids=SHARDS)
def test_same_bytes_of_several_files(words):
    if "part-0.npy," in words:
        Path("mixed.txt").write_text("part-0.npy part_y-0.npy\npart-1.csv part_y-1.npy\npart-2.npy part_y-2.npy\n")
        words = "@mixed.txt --ignore-index -1"
    no_tally = "targets" in words or "--per-sample" in words
    for name in ("json", "table" if no_tally else "tally"):
        path = [*words.split(), "-f", name]
        alone = nll("compute", *path, "--threads", 1)
        assert alone.code == 0, alone.err
        assert nll("compute", *path, "--processes", 2) == alone


class Here:
    """An engine that works in this process, on what has travelled through bytes."""

    n_workers = 2
    notes = (Notice("here", "of the engine"),)

    def map(self, task, items, done):
        try:
            for item in items:
                found = result_of(attempt(packed(task), packed(item)))
                done(item)
                yield item, found
        finally:
            kept.cache_clear()


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize("words", [*SHARDS.values(), COMMANDS["npy"]], ids=[*SHARDS, "npy"])
def test_any_engine_gives_the_same_bytes_and_its_notes(words, monkeypatch):
    alone = nll("compute", *words.split(), "-f", "json", "--threads", 1)
    monkeypatch.setattr(sharing, "open_engine", lambda *_: contextlib.nullcontext(Here()))
    done = nll("compute", *words.split(), "-f", "json", "--scheduler", "here")
    assert (done.code, done.out) == (alone.code, alone.out)
    if done.code == 0:
        assert done.err == f"{alone.err}nll: note: of the engine\n"


@pytest.mark.uncounted
@pytest.mark.usefixtures("shards")
def test_same_errors_of_several_files():
    y = np.load("part_y-1.npy")
    y[[77, 90]] = 9
    np.save("spoilt_y-0.npy", np.load("part_y-0.npy"))
    np.save("spoilt_y-1.npy", y)
    np.save("spoilt_y-2.npy", np.load("part_y-2.npy"))
    for kind in ("npy", "csv"):
        words = ["compute", f"part-*.{kind}", "spoilt_y-*.npy", "--ignore-index", -1]
        alone = nll(*words)
        assert alone.err.startswith("nll: error: spoilt_y-1.npy, row 77: target 9 is outside 0..4")
        done = nll(*words, "--processes", 2)
        assert (done.code, done.err.replace(" --processes 2", "")) == (alone.code, alone.err)


def test_a_page_of_few_samples(tmp_path):
    np.save(tmp_path / "x.npy", LOGITS[:18])
    np.save(tmp_path / "y.npy", TARGETS[:18])
    words = ["compute", tmp_path / "x.npy", tmp_path / "y.npy", "--ignore-index", -1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_MOST_SAMPLES", 4)
        alone = nll(*words, "--threads", 1)
        assert "Per sample" in alone.out
        assert nll(*words, "--processes", 2) == alone


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("name", "rows", "value", "told"),
    [
        ("y", [333, 373, 413], 7, "bad_y.npy, row 333: target 7 is outside 0..4"),
        ("x", [500], np.nan, "bad_x.npy, row 500"),
        ("w", [77], np.inf, "bad_w.npy, row 77"),
    ],
    ids=["target", "logits", "weight"],
)
def test_same_errors_whoever_works(name, rows, value, told):
    arrays = {"x": LOGITS.copy(), "y": TARGETS.copy(), "w": np.ones(N)}
    arrays[name][rows] = value
    for each, array in arrays.items():
        np.save(f"bad_{each}.npy", array)
    words = ["compute", "bad_x.npy", "bad_y.npy", "--sample-weights", "bad_w.npy", "--ignore-index", -1]
    alone = nll(*words)
    assert (alone.code, told in alone.err) == (3, True), alone.err
    done = nll(*words, "--processes", 2)
    assert (done.code, done.out, done.err.replace(" --processes 2", "")) == (3, "", alone.err)


def test_the_traceback_of_another_process_is_shown(monkeypatch):
    np.save("bad_y.npy", np.full(N, 7))
    monkeypatch.setattr(engine, "BLOCK_ELEMENTS", 100)
    done = nll("--debug", "compute", "x.npy", "bad_y.npy", "--processes", 2)
    assert done.code == 3
    assert "In another process:" in done.err
    assert "in __call__" in done.err


def test_a_single_block_is_worked_on_in_place(monkeypatch, shares):
    monkeypatch.setattr(engine, "_MOST_SAMPLES", N)
    assert nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "--processes", 2).code == 0
    assert not shares


def test_what_cannot_be_opened_twice_is_refused():
    data = Path("x.npy").read_bytes()
    words = [sys.executable, "-m", "nllcli", "compute", "-", "y.npy", "--ignore-index", "-1", "--processes", "2"]
    done = subprocess.run(words, input=data, capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    first, remedy = done.stderr.decode().splitlines()
    assert first == "nll: error: standard input: cannot be handed to another process"
    line = remedy.removeprefix("try: ")
    assert line == "nll compute - y.npy --ignore-index -1  # this process alone"
    again = [sys.executable, "-m", "nllcli", *shlex.split(line, comments=True)[1:], "-q"]
    done = subprocess.run(again, input=data, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-q").out


def test_two_engines_are_refused():
    done = nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "--processes", 2, "--scheduler", "s.json", "-q")
    assert done.code == 2
    assert meanings(done) == ["processes of this machine", "the workers of the scheduler"]
    processes, scheduler = offered(done)
    assert run(processes).out == nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-q").out
    assert "s.json" in run(scheduler).err


@pytest.mark.parametrize("command", ["softmax", "grad", "check", "explain", "reconcile"])
def test_no_other_command_has_the_options(command):
    assert "--processes" not in nll(command, "--help").out
    assert nll(command, "x.npy", "y.npy", "--processes", 2).code == 2


def test_a_file_that_changes_meanwhile(monkeypatch):
    """What is opened by the processes is no longer what was opened here."""
    np.save("changing.npy", LOGITS)
    real = Processes.map

    def changed(self, task, items, done):
        np.save("changing.npy", LOGITS + 1)
        return real(self, task, items, done)

    monkeypatch.setattr(Processes, "map", changed)
    done = nll("compute", "changing.npy", "y.npy", "--ignore-index", -1, "--processes", 2)
    assert (done.code, done.err) == (4, "nll: error: changing.npy: changed while it was read\n")


SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")]


@pytest.mark.parametrize(("number", "code", "told"), SIGNALS, ids=["INT", "TERM", "HUP"])
def test_signals_end_all_processes(number, code, told, monkeypatch, tmp_path):
    real = Kept.add

    def signalled(self, outcome):
        os.kill(os.getpid(), number)
        real(self, outcome)

    monkeypatch.setattr(Kept, "add", signalled)
    words = ["compute", "x.npy", "y.npy", "--ignore-index", -1, "--save-losses", tmp_path / "losses.npy"]
    done = nll(*words, "--processes", 2)
    assert (done.code, done.out, done.err) == (code, "", f"nll: error: {told}\n")
    assert not list(tmp_path.iterdir())
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)


@pytest.mark.parametrize("redirected", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_descriptors_that_are_closed(redirected, tmp_path):
    """In a folder with a file whose name is that of a module, which no process takes for it."""
    for name in ("x.npy", "y.npy"):
        (tmp_path / name).write_bytes(Path(name).read_bytes())
    (tmp_path / "json.py").write_text("raise SystemExit('of the folder')\n")
    code = "import sys; sys.path.pop(0); from nllcli import engine; engine._MOST_SAMPLES = 40; "
    code += "from nllcli.cli.main import run; run()"
    options = ["--ignore-index", "-1", "--processes", "2", "-o", "r.json"]
    words = [sys.executable, "-c", code, "compute", "x.npy", "y.npy", *options]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = f"{shlex.join(words)} {redirected}"
    subprocess.run(["bash", "-c", line], check=True, timeout=60, cwd=tmp_path, env=env)
    alone = nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-f", "json")
    assert (tmp_path / "r.json").read_text() == alone.out


def test_large_work_is_shared_out_unasked(monkeypatch, shares):
    alone = nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-f", "json")
    monkeypatch.setattr(policy, "LEAST_ARRAY_BYTES", 1)
    monkeypatch.setattr(policy, "MOST_THREADS", 1)
    monkeypatch.setattr("nllcli.scoring.shares.available_processors", lambda: 4)
    assert nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-f", "json") == alone
    assert len(shares) == 1
    with Path("x.npy").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert nll("compute", "-", "y.npy", "--ignore-index", -1, "-q").code == 0
    assert nll("compute", "x.npy", "y.npy", "--ignore-index", -1, "-q", "--threads", 1).code == 0
    assert len(shares) == 1


def test_progress_is_told_every_byte():
    from nllcli.commands.compute import Sections, compute
    from nllcli.data.settings import InputOptions, LossOptions, ScoreRequest

    class Told:
        total = done = 0

        def begin(self, total):
            self.total = total

        def advance(self, n_bytes):
            self.done += n_bytes

    told = Told()
    inputs = InputOptions("x.npy", "y.npy", ignore_index=-1)
    compute(ScoreRequest(inputs, LossOptions(ignore_index=-1), processes=2, progress=told), Sections())
    assert told.done == told.total == LOGITS.nbytes
