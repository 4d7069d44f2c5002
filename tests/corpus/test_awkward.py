"""Every awkward file gets its verdict: the right number, or a clear line."""

import resource
import subprocess
import sys

import mpmath
import oracle
import pytest
from corpus.awkward import cases, write

from nllcli.cli.main import main

CASES = cases()
IN_A_PROCESS = CASES[::12]
MEMORY = 1_500_000_000


def loss_of(case):
    losses = [-oracle.log_softmax(row)[label] for row, label in zip(case.rows, case.labels, strict=True) if label >= 0]
    return float(mpmath.fsum(losses) / len(losses))


def judge(case, code, out, err):
    assert code == case.code, err
    assert "Traceback" not in err
    for text in case.says:
        assert text in err
    if case.code:
        assert out == ""
        assert err.startswith("nll: error: ")
        lines = err.splitlines()
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: "))
    else:
        assert float(out) == pytest.approx(loss_of(case), rel=1e-14)


def test_there_are_enough():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case, tmp_path, monkeypatch, capsys):
    write(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    if case.stdin is None:
        code = main(case.argv)
    else:
        with (tmp_path / case.stdin).open("rb") as stdin, monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            code = main(case.argv)
    judge(case, code, *capsys.readouterr())


@pytest.mark.parametrize("case", IN_A_PROCESS, ids=lambda case: case.name)
def test_verdict_in_little_memory(case, tmp_path):
    """The same in a process of at most 1.5 GB, and from a pipe where there is one."""
    write(case, tmp_path)
    data = None if case.stdin is None else (tmp_path / case.stdin).read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "nllcli", *case.argv],
        input=data or b"",
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    judge(case, done.returncode, done.stdout.decode(), done.stderr.decode())
