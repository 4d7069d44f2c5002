"""One data set, cut in thirty ways and worked on by anyone: the same report, byte for byte, but for its ``inputs``."""

import json
import os
import re
import signal
from itertools import cycle, islice

import numpy as np
import oracle
import pytest
from in_process import nll

from nllcli import engine
from nllcli.engine import processes

pytestmark = pytest.mark.uncounted

N, C = 900, 6
RNG = np.random.default_rng(41)
LOGITS = RNG.normal(0, 4, (N, C)).astype("f4")
TARGETS = np.where(np.arange(N) % 13 == 5, -100, RNG.integers(0, C, N))
WEIGHTS = RNG.random(N)
SETTINGS = ["--weights", "1,2,0.5,3,1,0.25"]
WAYS = ["in place", "threads", "processes", "a killed process", "cluster", "tallies"]
INPUTS = re.compile(r'  "inputs": \[\n.*?\n  \],\n', re.DOTALL)


def cuts(n_parts, rng):
    """Where the parts begin and end: uneven, and among many some of them empty."""
    inner = sorted(rng.integers(0, N + 1, n_parts - 1).tolist())
    if n_parts > 3:
        inner[1] = inner[0]
    return np.split(np.arange(N), inner)


def written(folder, parts, weighted):
    for i, rows in enumerate(parts):
        np.save(folder / f"x-{i}.npy", LOGITS[rows])
        np.save(folder / f"y-{i}.npy", TARGETS[rows])
        np.save(folder / f"w-{i}.npy", WEIGHTS[rows])
    order = RNG.permutation(len(parts))
    (folder / "list").write_text("".join(f"x-{i}.npy y-{i}.npy\n" for i in order))
    (folder / "weights").write_text("".join(f"w-{i}.npy\n" for i in order))
    return ["@list", *SETTINGS, *(["--sample-weights", "@weights"] if weighted else [])]


def report(words, *more):
    done = nll("compute", *words, *more, "-f", "json")
    assert done.code == 0, done.err
    return done.out


def merged(folder, parts, weighted):
    """The report of tallies of the parts, made one by one and merged in any order, some of them in two steps."""
    names = []
    for i in RNG.permutation(len(parts)):
        own = ["--sample-weights", f"w-{i}.npy"] if weighted else []
        done = nll("compute", f"x-{i}.npy", f"y-{i}.npy", *SETTINGS, *own, "-o", f"{i}.tally.json")
        assert done.code == 0, done.err
        names.append(f"{i}.tally.json")
    if len(names) > 2:
        half = len(names) // 2
        assert nll("merge", *names[:half], "-o", str(folder / "half.tally.json")).code == 0
        names = [*names[half:], "half.tally.json"]
    done = nll("merge", *names, "-f", "json")
    assert done.code == 0, done.err
    return done.out


@pytest.fixture
def killing(monkeypatch):
    """The first process that gets work is killed with it."""
    killed, send = [], processes._Worker.send

    def then_kill(worker, data):
        send(worker, data)
        sent = worker.__dict__.setdefault("sent", [])
        sent.append(data)
        if len(sent) == 2 and not killed:  # the task, and then its first item
            killed.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)

    def use():
        monkeypatch.setattr(processes._Worker, "send", then_kill)
        return killed

    return use


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as found:
        yield found.scheduler_address


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The report of one file, by whether samples have weights."""
    folder = tmp_path_factory.mktemp("whole")
    np.save(folder / "x.npy", LOGITS)
    np.save(folder / "y.npy", TARGETS)
    np.save(folder / "w.npy", WEIGHTS)
    words = [str(folder / "x.npy"), str(folder / "y.npy"), *SETTINGS]
    return {False: report(words), True: report(words, "--sample-weights", str(folder / "w.npy"))}


CASES = list(islice(zip(range(1, 31), cycle(WAYS)), 30))


@pytest.mark.parametrize(("case", "way"), CASES, ids=[f"{case}-{way}".replace(" ", "-") for case, way in CASES])
def test_every_cut_gives_the_same_report(case, way, expected, tmp_path, monkeypatch, killing, request):
    rng, weighted = np.random.default_rng(case), case % 2 == 1
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 32)
    parts = cuts(1 + case % 16, rng)
    words = written(tmp_path, parts, weighted)
    killed = killing() if way == "a killed process" else []
    if way == "tallies":
        found = merged(tmp_path, parts, weighted)
    else:
        address = request.getfixturevalue("cluster") if way == "cluster" else ""
        more = {
            "in place": ["--threads", "1"],
            "threads": ["--threads", "3"],
            "cluster": ["--scheduler", address],
        }.get(way, ["--processes", "2"])
        if way == "cluster":
            words = [word.replace("@", f"@{tmp_path}/") for word in words]
        found = report(words, *more)
    assert INPUTS.sub("", found) == INPUTS.sub("", expected[weighted])
    assert len(json.loads(found)["inputs"]) == len(parts)
    assert len(killed) == (way == "a killed process")


def test_the_report_of_one_file_is_right(expected):
    weights = np.array([1, 2, 0.5, 3, 1, 0.25])
    found = json.loads(expected[False])
    loss = oracle.reduce(LOGITS.astype(float), TARGETS, class_weights=weights)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-15)
