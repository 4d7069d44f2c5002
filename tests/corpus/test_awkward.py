"""Every awkward file gets its verdict, in a process of little memory: the right number, or a clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mpmath
import oracle
import pytest
from corpus.awkward import cases, write
from corpus.processes import piped
from in_process import nll

CASES = cases()
MEMORY = 1_500_000_000
# Of the processor, whatever else the machine is doing.
MOST_SECONDS = 2


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each case."""
    folder = tmp_path_factory.mktemp("awkward")
    for number, case in enumerate(CASES):
        write(case, folder / str(number))
    listed = [{"number": i, "words": case.argv, "stdin": case.stdin} for i, case in enumerate(CASES)]
    (folder / "cases.json").write_text(json.dumps(listed))
    program = Path(__file__).with_name("processes.py")
    words = [sys.executable, str(program), str(folder), str(MEMORY)]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    found = (SimpleNamespace(**json.loads(line)) for line in lines)
    return dict(zip((case.name for case in CASES), found, strict=True))


def loss_of(case):
    losses = [-oracle.log_softmax(row)[label] for row, label in zip(case.rows, case.labels, strict=True) if label >= 0]
    return float(mpmath.fsum(losses) / len(losses))


def test_there_are_enough():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


def judge(case, code, out, err):
    told = f"{case.name}: {err}"
    assert code == case.code, told
    assert "Traceback" not in err
    assert all(text in err for text in case.says), told
    if case.code:
        assert out == ""
        assert err.startswith("nll: error: ")
        lines = err.splitlines()
        assert len(lines) == 1 or len(lines) == 2 or all(line.startswith("try: ") for line in lines[1:])
        assert all(line.startswith(("hint: ", "try: ")) for line in lines[1:])
    else:
        assert float(out) == pytest.approx(loss_of(case), rel=1e-14)


def told_to_try(lines):
    return all(line.startswith("try: ") for line in lines)


@pytest.mark.uncounted
def test_verdicts(outcomes):
    """One test, so that of several processes that share the tests one alone makes the outcomes."""
    for case in CASES:
        found = outcomes[case.name]
        judge(case, found.code, found.out, found.err)
        assert found.seconds < MOST_SECONDS, case.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict_among_other_work(case, tmp_path, monkeypatch):
    """In this process, whose memory is not its own, and where coverage is measured."""
    write(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    with os.fdopen(piped((tmp_path / case.stdin).read_bytes() if case.stdin else b"")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        found = nll(*case.argv)
    judge(case, found.code, found.out, found.err)
