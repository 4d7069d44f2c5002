"""Every awkward file gets its verdict, in a process of little memory: the right number, or a clear line."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mpmath
import oracle
import pytest
from corpus.awkward import cases, write

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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case, outcomes):
    found = outcomes[case.name]
    assert found.code == case.code, found.err
    assert "Traceback" not in found.err
    assert all(text in found.err for text in case.says), found.err
    assert found.seconds < MOST_SECONDS
    if case.code:
        assert found.out == ""
        assert found.err.startswith("nll: error: ")
        lines = found.err.splitlines()
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: "))
    else:
        assert float(found.out) == pytest.approx(loss_of(case), rel=1e-14)
