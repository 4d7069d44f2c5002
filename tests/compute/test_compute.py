"""What nll compute keeps and shows of the samples, in whatever order the file has them."""

import math
import re

import numpy as np
import oracle
import pytest
from in_process import nll

RNG = np.random.default_rng(21)
LOGITS = RNG.normal(0, 2, (2, 3, 2, 2))
TARGETS = RNG.integers(0, 3, (2, 2, 2))
ROWS = np.moveaxis(LOGITS, 1, -1).reshape(-1, 3)
LOSSES = [float(loss) for loss in oracle.losses(ROWS, TARGETS.ravel())]


@pytest.fixture(params=[np.ascontiguousarray, np.asfortranarray], ids=["C", "F"])
def files(request, tmp_path):
    """Logits of four dimensions, in either memory order, with their targets."""
    np.save(tmp_path / "x.npy", request.param(LOGITS))
    np.save(tmp_path / "y.npy", TARGETS)
    return tmp_path / "x.npy", tmp_path / "y.npy"


def test_samples_come_in_the_order_of_the_targets(files):
    quiet = nll("compute", *files, "--reduction", "none", "-q")
    np.testing.assert_allclose([float(line) for line in quiet.out.split()], LOSSES, rtol=1e-14)
    report = nll("compute", *files, "--per-sample", "-f", "json").json
    np.testing.assert_allclose(np.array(report["losses"]), np.reshape(LOSSES, TARGETS.shape), rtol=1e-14)
    samples = report["samples"]
    assert [row["sample"] for row in samples] == list(range(8))
    assert [int(row["target"]) for row in samples] == TARGETS.ravel().tolist()
    np.testing.assert_allclose([row["loss"] for row in samples], LOSSES, rtol=1e-14)
    wanted = [[float(p) for p in oracle.softmax(row)] for row in ROWS]
    np.testing.assert_allclose([[row[f"p_{c}"] for c in range(3)] for row in samples], wanted, rtol=1e-14)


def test_the_samples_of_many_blocks_keep_their_own_targets(files, tmp_path, monkeypatch):
    """Blocks are read over one another; arrays saved beside the table change nothing in it."""
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 6)
    saves = [word for name in ("probs", "grad") for word in (f"--save-{name}", tmp_path / f"{name}.npy")]
    report = nll("compute", *files, "--per-sample", "-f", "json", *saves).json
    assert [int(row["target"]) for row in report["samples"]] == TARGETS.ravel().tolist()
    np.testing.assert_allclose([row["loss"] for row in report["samples"]], LOSSES, rtol=1e-14)


def test_no_samples_have_no_losses(tmp_path):
    np.save(tmp_path / "x.npy", np.empty((0, 3)))
    np.save(tmp_path / "y.npy", np.empty(0, np.int64))
    words = ("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--reduction", "none")
    assert nll(*words, "-q").out == ""
    assert nll(*words, "-f", "json").json["losses"] == []
    assert nll(*words).code == 0
    assert nll(*words, "-f", "json", "--per-sample").json["samples"] == []


def test_one_sample_has_no_standard_error(tmp_path):
    """Undefined is a dash for people, as elsewhere in the table; JSON says what its null stands for."""
    np.save(tmp_path / "x.npy", ROWS[:2])
    (tmp_path / "y.txt").write_text("1\n-100\n")
    words = ("compute", tmp_path / "x.npy", tmp_path / "y.txt")
    assert re.search(r"\n  standard error +–  +of the mean\n", nll(*words).out)
    report = nll(*words, "-f", "json").json
    assert report["standard_error"] is None
    assert report["nonfinite"] == {"standard_error": "nan"}
    assert "\nstandard_error,\n" in nll(*words, "-f", "csv").out
    (tmp_path / "y.txt").write_text("-100\n-100\n")
    assert nll(*words, "-f", "json").json["nonfinite"].keys() == {
        "loss",
        "standard_error",
        "perplexity",
        "bits",
    }


def test_without_targets_there_is_no_accuracy(files):
    report = nll("compute", files[0], "--loss", "argmax", "-f", "json").json
    assert report["accuracy"] is None


# --- binary ---------------------------------------------------------------------------------------------------------

BINARY = np.array([0.5, -2.0, 3.0])
BINARY_TARGETS = np.array([1, 0, 0])
# d/dx of -log sigmoid(x) is p - 1, of -log(1 - sigmoid(x)) it is p: by the oracle's differences over rows (0, x).
SLOPES = [float(row[1]) for row in oracle.gradient([[0.0, x] for x in BINARY], BINARY_TARGETS, reduction="mean")]


@pytest.mark.parametrize("shape", [(3,), (3, 1)], ids=str)
@pytest.mark.parametrize("words", [[], ["--classes", "a,b"]], ids=["unnamed", "named"])
def test_the_gradient_of_binary_logits_has_their_shape(tmp_path, shape, words):
    np.save(tmp_path / "x.npy", BINARY.reshape(shape))
    np.save(tmp_path / "y.npy", BINARY_TARGETS)
    files = (tmp_path / "x.npy", tmp_path / "y.npy", "--binary", *words)
    assert nll("grad", *files, "-o", tmp_path / "g.npy").code == 0
    assert nll("compute", *files, "--save-grad", tmp_path / "s.npy", "--save-probs", tmp_path / "p.npy").code == 0
    for name in ("g.npy", "s.npy"):
        found = np.load(tmp_path / name)
        assert found.shape == shape
        np.testing.assert_allclose(found.ravel(), SLOPES, rtol=1e-14)
    wanted = [[float(p) for p in oracle.softmax([0.0, x])] for x in BINARY]
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), wanted, rtol=1e-14)
    assert nll("grad", *files, "-o", tmp_path / "g.csv").code == 0
    lines = (tmp_path / "g.csv").read_text().split()
    assert lines[:-3] == (["b"] if words else [])
    np.testing.assert_allclose([float(line) for line in lines[-3:]], SLOPES, rtol=1e-14)
    report = nll("grad", *files, "-f", "json").json
    assert report["n_classes"] == 2
    assert [set(row) for row in report["gradient"]] == [{"sample", "b" if words else "1"}] * 3
    assert nll("compute", *files, "--save-grad", tmp_path / "s.csv").code == 0
    lines = (tmp_path / "s.csv").read_text().split()
    assert lines[:-3] == (["b"] if words else [])


# --- what is refused, and what goes through -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "classes", "indices"),
    [
        ([1, 2, 3], "1..3", [0, 1, 2]),
        ([1, -100, 3], "1..3", [0, -100, 2]),
        ([0, 2, 3], None, None),
        ([2, 7, 4], "2,4,7", [0, 2, 1]),
        ([4, 9, 4], None, None),
    ],
    ids=["one-based", "padded", "zero", "subset", "two"],
)
def test_classes_of_other_numbers(tmp_path, targets, classes, indices):
    rows = LOGITS.reshape(-1, 3)[:3]
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", targets)
    files = (tmp_path / "x.npy", tmp_path / "y.npy", "-q")
    run = nll("compute", *files)
    assert run.code == 3
    tries = [line.partition("  #")[0] for line in run.err.splitlines()[1:]]
    assert tries == ([f"try: nll compute {' '.join(map(str, files))} --classes {classes}"] if classes else [])
    if classes:
        expected = float(oracle.reduce(rows, indices))
        assert float(nll("compute", *files, "--classes", classes).out) == pytest.approx(expected, rel=1e-14)


def test_binary_classes_counted_from_1(tmp_path):
    np.save(tmp_path / "x.npy", BINARY)
    np.save(tmp_path / "y.npy", BINARY_TARGETS + 1)
    run = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--binary")
    assert "--binary --classes 1..2  # the classes are counted from 1" in run.err


def test_a_column_of_classes_counted_from_1(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,y\n0.5,1.5,1\n2.5,0.25,2\n")
    run = nll("compute", tmp_path / "x.csv", "--target-column", "y")
    assert run.code == 3
    assert "--target-column y --classes 1..2  # the classes are counted from 1" in run.err


def test_soft_targets_in_bfloat16(tmp_path):
    soft = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32)
    rows = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], np.float32)
    for name, values in (("x", rows), ("q", soft)):
        np.save(tmp_path / f"{name}.npy", (values.view(np.uint32) >> 16).astype(np.uint16).view("V2"))
    words = ("compute", tmp_path / "x.npy", tmp_path / "q.npy", "--input-dtype", "bfloat16", "-f", "json")
    report = nll(*words).json
    assert report["loss"] == pytest.approx(float(oracle.reduce(rows, soft)), rel=1e-14)
    assert report["warnings"] == []


@pytest.mark.parametrize(("reduction", "factor"), [("mean", 1 / 8), ("sum", 1.0)])
def test_the_standard_error_is_the_same_number_wherever_it_is_shown(files, reduction, factor):
    words = ("compute", *files, "--reduction", reduction)
    expected = math.sqrt(8) * np.std(LOSSES, ddof=1) * factor
    found = nll(*words, "-f", "json").json["standard_error"]
    assert found == pytest.approx(expected, rel=1e-12)
    assert float(nll(*words, "--print", "loss,standard_error").out.split()[1]) == found
    assert f"\nstandard_error,{found!r}\n" in nll(*words, "-f", "csv").out


@pytest.mark.parametrize("words", [("-q",), ("--print", "loss"), ("--print", "loss,n_samples")], ids=" ".join)
def test_what_shows_no_standard_error_does_not_compute_it(files, words, monkeypatch):
    monkeypatch.setattr("nllcli.numerics.spread.exact_dot", None)
    assert float(nll("compute", *files, *words).out.split()[0]) == pytest.approx(np.mean(LOSSES), rel=1e-14)
