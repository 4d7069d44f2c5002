"""Where a number is needed before the first block: what can be read only once is read once, or refused."""

import os

import numpy as np
import oracle
import pytest
from in_process import nll

LOGITS = np.random.default_rng(4).normal(0, 2, (5, 3))
TARGETS = [0, 2, 1, 2, 2]
WEIGHTS = [0.5, 2.0, 1.0]
LABELLED = "".join(",".join(map(repr, row)) + f",{y}\n" for row, y in zip(LOGITS.tolist(), TARGETS, strict=True))


@pytest.fixture
def pipe():
    """Put text into a pipe, and name its other end."""
    ends = []

    def make(data):
        end, start = os.pipe()
        ends.append(end)
        os.write(start, data)
        os.close(start)
        return f"/dev/fd/{end}"

    yield make
    for end in ends:
        os.close(end)


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "x.npy", LOGITS)
    np.save(tmp_path / "y.npy", TARGETS)
    (tmp_path / "y.txt").write_text("0\n2\n1\n2\n2\n")
    (tmp_path / "x.csv").write_text("a,b,c,y\n" + LABELLED)
    return tmp_path


def gradient(path, **options):
    wanted = [[float(x) for x in row] for row in oracle.gradient(LOGITS, TARGETS, **options)]
    np.testing.assert_allclose(np.load(path), wanted, rtol=1e-13)


@pytest.mark.parametrize("option", ["--weights", "--counts"])
def test_weights_from_a_pipe(files, pipe, option):
    text, weights = {
        "--weights": (b"0.5,2,1", WEIGHTS),
        "--counts": (b"10,5,20", oracle.class_weights([10, 5, 20], "inverse", normalize="max")),
    }[option]
    run = nll("grad", files / "x.npy", files / "y.npy", option, pipe(text), "-o", files / "g.npy")
    assert run.code == 0, run.err
    gradient(files / "g.npy", class_weights=[float(w) for w in weights])


def test_targets_from_a_pipe(files, pipe):
    piped = pipe((files / "y.txt").read_bytes())
    run = nll("compute", files / "x.npy", piped, "--save-grad", files / "g.npy", "--counts", "targets")
    assert run.code == 0, run.err
    weights = oracle.class_weights([1, 1, 3], "inverse", normalize="max")
    gradient(files / "g.npy", class_weights=[float(w) for w in weights])


def test_logits_from_a_pipe(files, pipe):
    run = nll("grad", pipe((files / "x.npy").read_bytes()), files / "y.npy", "-o", files / "g.npy")
    assert run.code == 0, run.err
    gradient(files / "g.npy")


@pytest.mark.parametrize("words", [["grad"], ["compute", "--counts", "targets"]], ids=" ".join)
def test_targets_among_piped_logits_are_refused(files, pipe, words):
    run = nll(*words, pipe((files / "x.csv").read_bytes()), "--input-format", "csv", "--target-column", "y")
    assert run.code == 2
    assert "cannot be read twice" in run.err
    assert "save it to a file" in run.err
    assert nll(*words, files / "x.csv", "--target-column", "y").code == 0


@pytest.mark.parametrize("words", [["--counts", "targets"], ["--weights", "1,2,3"]], ids=" ".join)
def test_weights_by_target_need_targets(files, words):
    run = nll("compute", files / "x.npy", "--loss", "argmax", *words)
    assert (run.code, run.out) == (2, "")
    assert "targets" in run.err
    assert len(run.err.strip().splitlines()) == 1
