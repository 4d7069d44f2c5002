"""What every caller of an engine of other processes may count on, whatever becomes of these."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine.tasks import WAIT, Die, Fail, LateFirst, environment, items, square

from nllcli.data.settings import Workers
from nllcli.engine import policy, processes
from nllcli.engine.engines import open_engine
from nllcli.errors import DataError, FaultError

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")


def children(process="self"):
    """The processes that a process has started, by any thread that has not ended."""
    found = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):
            found.update(map(int, (task / "children").read_text().split()))
    return found


def is_alive(process):
    """Whether a process runs: one that has ended may wait for somebody to ask how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = children()
    yield
    assert children() <= before


def mapped(task, things, n=2, done=lambda _: None):
    with open_engine("processes", n) as engine, contextlib.closing(engine.map(task, things, done)) as results:
        return [(item.number, result) for item, result in results]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("n_items", [0, 1, 2, 30])
def test_results_come_in_order(n_items, n):
    told = []
    assert mapped(square, items(n_items), n, told.append) == [(i, i * i) for i in range(n_items)]
    assert sorted(item.number for item in told) == list(range(n_items))


def test_an_item_that_ends_late_holds_back_those_behind_it(tmp_path):
    assert mapped(LateFirst(tmp_path), items(6)) == [(i, i) for i in range(6)]


def test_no_more_items_are_taken_than_a_window_holds():
    taken = []

    def things():
        for item in items(100):
            taken.append(item)
            yield item

    with open_engine("processes", 2) as engine:
        results = engine.map(square, things(), lambda _: None)
        next(results)
        assert len(taken) <= 8
        results.close()


def test_each_process_works_with_one_thread_of_openblas():
    found = mapped(environment, items(8))
    assert {threads for _, (threads, _) in found} == {"1"}
    assert os.getpid() not in {process for _, (_, process) in found}


def test_the_first_error_in_order_is_raised():
    with pytest.raises(DataError, match=r"x\.npy, row 3: item 3") as caught:
        mapped(Fail((3, 5)), items(12), 3)
    assert "in __call__" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("how", "kind", "told"), [("memory", "MemoryError", ""), ("odd", "OddError", "1 and 2"), ("result", None, "")]
)
def test_unexpected_errors_travel_too(how, kind, told):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of a kind that is checked
        mapped(Fail((1,), how), items(3))
    assert kind in (None, type(caught.value).__name__)
    assert told in str(caught.value)
    assert "Traceback" in caught.value.__notes__[0]


def test_a_process_that_is_killed_costs_only_time(tmp_path):
    assert mapped(Die(3, tmp_path / "died"), items(12)) == [(i, i) for i in range(12)]
    assert (tmp_path / "died").exists()


def test_an_item_that_kills_every_process_is_given_up():
    with pytest.raises(FaultError, match=r"x\.npy: 3 processes ended while working on it"):
        mapped(Die(3), items(12))


def test_stopping_early_ends_all_processes():
    for stop in ("close", "throw"):
        with open_engine("processes", 2) as engine:
            results = engine.map(square, items(1000), lambda _: None)
            next(results)
            assert len(children()) >= 2
            with contextlib.suppress(KeyboardInterrupt):
                results.close() if stop == "close" else results.throw(KeyboardInterrupt)


def test_a_process_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(processes.sys, "executable", "/nowhere/python")
    with pytest.raises(FaultError, match="cannot start a process: No such file"):
        mapped(square, items(3))


def test_no_process_outlives_its_parent():
    """The parent is killed while both have work that would never end."""
    code = """
import os, pathlib, signal, sys, time
from engine.tasks import LateFirst, items
from nllcli.engine.engines import open_engine

def end(_):
    print(*pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

with open_engine("processes", 2) as engine:
    list(engine.map(LateFirst(pathlib.Path(sys.argv[1])), [*items(1), *items(4)[2:]], end))
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code, "/nowhere"], check=False, capture_output=True, text=True, timeout=WAIT, env=env
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    workers = done.stdout.split()
    assert workers
    end = time.monotonic() + WAIT
    while any(map(is_alive, workers)):
        assert time.monotonic() < end
        time.sleep(0.01)


# --- who works where nobody says it -----------------------------------------------------------------------------------

GB = 1 << 30


@pytest.mark.parametrize(
    ("n_bytes", "n_texts", "processors", "expected"),
    [
        (1, 0, 2, Workers()),
        (100 * GB, 0, 2, Workers()),
        (100 * GB, 0, 8, Workers()),
        (100 * GB, 0, 16, Workers(2, 8)),
        (100 * GB, 0, 20, Workers(2, 10)),
        (1 * GB, 0, 64, Workers()),
        (1 * GB, 1, 64, Workers()),
        (1 * GB, 10, 8, Workers()),
        (1 * GB, 10, 16, Workers(2, 8)),
        (1 * GB, 3, 64, Workers(8, 3)),
        (1, 10, 16, Workers()),
    ],
)
def test_who_works_where_nobody_says_it(n_bytes, n_texts, processors, expected):
    assert policy.usual_workers(n_bytes, n_texts, processors) == expected


def test_one_process_has_no_more_threads_than_are_fast(monkeypatch):
    for processors, expected in ((1, 1), (8, 8), (64, 8)):
        monkeypatch.setattr(policy, "available_processors", lambda n=processors: n)
        assert policy.usual_threads() == expected


def test_no_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(policy, "available_processors", lambda: 4)
    assert [policy.threads_for(n, remote=False) for n in (None, 1, 2, 4, 16)] == [4, 1, 2, 4, 4]
    assert [policy.threads_for(n, remote=True) for n in (None, 1, 16)] == [policy.REMOTE_READERS, 1, 16]
    monkeypatch.setattr(policy, "available_processors", lambda: 1)
    assert [policy.threads_for(n, remote=False) for n in (None, 1, 2, 16)] == [1, 1, 2, 2]
