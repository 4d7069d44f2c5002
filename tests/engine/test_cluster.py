"""Pieces on the workers of a Dask scheduler: what its callers may count on, and what it says where that fails."""

import contextlib
import gc
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from engine.tasks import WAIT, Die, Fail, LateFirst, items, page_faults, square
from in_process import nll

import nllcli
from nllcli import engine as blocks
from nllcli.engine import cluster
from nllcli.engine.engines import open_engine
from nllcli.engine.travel import kept
from nllcli.errors import DataError, FaultError, UsageError

distributed = pytest.importorskip("distributed")


def cluster_of(n_workers, **options):
    """A scheduler that listens on this machine alone, with its workers."""
    own = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": "CRITICAL"}
    return distributed.LocalCluster(n_workers=n_workers, threads_per_worker=1, **own, **options)


@pytest.fixture(scope="module")
def own():
    """Two worker processes, a new one for each that dies."""
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), cluster_of(2) as found:
        yield found


@pytest.fixture
def address(own):
    """That of the scheduler, on which no task is left afterwards."""
    yield own.scheduler_address
    end = time.monotonic() + WAIT
    while own.scheduler.tasks:
        assert time.monotonic() < end
        time.sleep(0.01)


def mapped(address, task, things, done=lambda _: None):
    with open_engine("scheduler", address) as engine, contextlib.closing(engine.map(task, things, done)) as results:
        return [(item.number, result) for item, result in results]


def test_results_come_in_order(address):
    for n in (0, 1, 30):
        told = []
        assert mapped(address, square, items(n), told.append) == [(i, i * i) for i in range(n)]
        assert sorted(item.number for item in told) == list(range(n))


def test_an_item_that_ends_late_holds_back_those_behind_it(address, tmp_path):
    assert mapped(address, LateFirst(tmp_path), items(6)) == [(i, i) for i in range(6)]


def test_the_first_error_in_order_is_raised(address):
    with pytest.raises(DataError, match=r"x\.npy, row 3: item 3") as caught:
        mapped(address, Fail((3, 5)), items(12))
    assert "in __call__" in caught.value.__notes__[0]


def test_stopping_early_leaves_no_task(address, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mapped(address, LateFirst(tmp_path), items(100), stop)


@pytest.mark.skipif(sys.platform != "linux", reason="about the C library of Linux")
def test_memory_is_not_handed_back_between_arrays(address):
    """200 arrays of 256 pages each are made."""
    assert min(n for _, n in mapped(address, page_faults, items(4))) < 200 * 256 / 10


def test_a_worker_that_is_killed_costs_only_time(address, tmp_path):
    assert mapped(address, Die(3, tmp_path / "died"), items(12)) == [(i, i) for i in range(12)]
    assert (tmp_path / "died").exists()


def test_an_item_that_kills_every_worker_is_given_up(address):
    with pytest.raises(FaultError, match=r"x\.npy: several workers ended while working on it"):
        mapped(address, Die(3), items(12))


def test_no_worker(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.2)
    with cluster_of(0) as none, pytest.raises(FaultError, match=f"no worker is left at {none.scheduler_address}"):
        mapped(none.scheduler_address, square, items(3))


def test_no_worker_is_left(monkeypatch):
    """The last one goes while items wait for it."""
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "_LOOK_SECONDS", 0.05)
    with cluster_of(1) as one, pytest.raises(FaultError, match=f"no worker is left at {one.scheduler_address}"):
        mapped(one.scheduler_address, square, items(100), lambda _: one.scale(0))


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x", "tcp://"])
def test_a_scheduler_that_cannot_be_reached(address, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECTING_SECONDS", 0.2)
    with pytest.raises(FaultError, match="cannot be reached") as caught:
        mapped(address, square, items(3))
    assert caught.value.where == address
    caught = None
    gc.collect()  # a client that never was, collected while the next one starts, would wait for that


def test_the_file_of_a_scheduler(address, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    assert mapped(str(file), square, items(3)) == [(0, 0), (1, 1), (2, 4)]
    for text in ("{}", "[]", "nonsense"):
        file.write_text(text)
        with pytest.raises(FaultError, match="is not the file of a Dask scheduler"):
            mapped(str(file), square, items(3))
    with pytest.raises(FaultError, match=r"none\.json: cannot be opened: No such file"):
        mapped("none.json", square, items(3))


@pytest.mark.parametrize(
    ("theirs", "told"),
    [({"nllcli": "9.9"}, "tcp://x: has nllcli 9.9"), ({"nllcli": None}, "tcp://x: has no nllcli")],
)
def test_another_version_is_refused(theirs, told, address, monkeypatch):
    real = distributed.Client.get_versions

    def versions(*arguments, **options):
        found = real(*arguments, **options)
        one = next(iter(found["workers"].values()))
        return found | {"workers": {"tcp://x": one | {"packages": one["packages"] | theirs}}}

    monkeypatch.setattr(distributed.Client, "get_versions", versions)
    with pytest.raises(UsageError, match=told):
        mapped(address, square, items(3))


def test_a_worker_that_came_later_is_asked_too(address, monkeypatch):
    monkeypatch.setattr(nllcli, "__version__", "9.9")
    with pytest.raises(UsageError, match=r"has nllcli .*, not 9\.9"):
        mapped(address, square, items(3))


def test_another_numpy_is_worth_a_note(address, monkeypatch):
    real = distributed.Client.get_versions

    def versions(*arguments, **options):
        found = real(*arguments, **options)
        for one in found["workers"].values():
            one["packages"]["numpy"] = "1.0"
        return found

    monkeypatch.setattr(distributed.Client, "get_versions", versions)
    with open_engine("scheduler", address) as engine:
        (note,) = engine.notes
    assert re.fullmatch(r"NumPy is .* here and 1\.0 on workers: the last digits may differ", note.message)


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("tcp://127.0.0.1:1", False),
        ("tcp://localhost:1", False),
        ("tcp://[::1]:1", False),
        ("tls://10.0.0.5:1", False),
        ("tcp://10.0.0.5:1", True),
        ("tcp://127.example.org:1", True),
    ],
)
def test_connections_that_are_not_encrypted_are_worth_a_note(address, is_open):
    assert bool(list(cluster.unencrypted(address))) == is_open


# --- nll compute ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "_MOST_SAMPLES", 40)
    rng = np.random.default_rng(3)
    np.save("x.npy", rng.normal(size=(600, 5)))
    np.save("y.npy", rng.integers(0, 5, 600))
    np.savetxt("x.csv", rng.normal(size=(600, 5)), delimiter=",")
    return tmp_path


def n_kept():
    """How much a worker keeps for the next piece."""
    return kept.cache_info().currsize


def test_no_file_stays_open_on_a_worker(address, folder):
    assert nll("compute", folder / "x.npy", folder / "y.npy", "--scheduler", address).code == 0
    with distributed.Client(address, set_as_default=False) as client:
        assert set(client.run(n_kept).values()) == {0}


def test_same_bytes(address, folder):
    for logits in (folder / "x.npy", folder / "x.csv"):
        words = ["compute", logits, folder / "y.npy", "-f", "json"]
        alone = nll(*words, "--threads", 1)
        assert nll(*words, "--scheduler", address) == alone
        saved = [folder / "a.npy", folder / "b.npy"]
        assert nll(*words, "--save-probs", saved[0], "--scheduler", address) == alone
        assert nll(*words, "--save-probs", saved[1]) == alone
        assert saved[0].read_bytes() == saved[1].read_bytes()


def test_same_errors(address, folder):
    y = np.load("y.npy")
    y[[333, 400]] = 7
    np.save("bad.npy", y)
    words = ["compute", folder / "x.npy", folder / "bad.npy"]
    done = nll(*words, "--scheduler", address)
    assert done == nll(*words)
    assert f"{folder}/bad.npy, row 333: target 7 is outside 0..4" in done.err


def test_a_file_that_a_worker_does_not_find(address, folder):
    """Relative paths are those of the worker's folder."""
    done = nll("compute", "x.npy", "y.npy", "--scheduler", address)
    assert done.code == 4
    error, hint = done.err.splitlines()
    assert re.fullmatch(r"nll: error: x\.npy: cannot be opened: No such file or directory, on \S+", error)
    assert re.fullmatch(r"hint: workers run in \S+: name files by their whole paths", hint)
    assert str(folder) not in hint


@pytest.mark.usefixtures("folder")
def test_addresses_without_a_protocol():
    done = nll("compute", "x.npy", "y.npy", "--scheduler", "127.0.0.1:9")
    assert done.code == 2
    assert [line.partition("--scheduler ")[2] for line in done.err.splitlines()[1:]] == [
        "tcp://127.0.0.1:9  # it speaks tcp",
        "tls://127.0.0.1:9  # it speaks tls",
    ]


@pytest.mark.usefixtures("folder")
def test_standard_error_is_one_line():
    """Whatever the libraries would log."""
    words = ["compute", "x.npy", "y.npy", "--scheduler", "tcp://127.0.0.1:9"]
    code = "import sys; from nllcli.engine import cluster; cluster.CONNECTING_SECONDS = 0.5; sys.argv[0] = 'nll'; "
    code += "from nllcli.cli.main import run; run()"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, timeout=WAIT, env=env
    )
    assert done.returncode == 4
    assert re.fullmatch(r"nll: error: tcp://127\.0\.0\.1:9: cannot be reached: .*\n", done.stderr)


def test_the_line_of_the_readme_works(address, tmp_path, monkeypatch):
    """README shows a cluster that reads shards; here it is this machine's, and they are in another folder."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(nll compute [^`]* --scheduler [^`]*)`", readme)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    logits, targets = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    np.save("all.npy", logits)
    np.save("targets.npy", targets)
    for i, rows in enumerate(np.array_split(np.arange(50), 3)):
        np.save(f"x-{i}.npy", logits[rows])
        np.save(f"y-{i}.npy", targets[rows])
    line = line.replace("/data/", f"{tmp_path}/").replace("tcp://127.0.0.1:8786", address)
    done = nll(*shlex.split(line)[1:], "-q")
    assert done.out == nll("compute", "all.npy", "targets.npy", "-q").out
