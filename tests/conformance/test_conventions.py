"""The conventions of PyTorch, scikit-learn and language models, through files and the command line."""

import re

import numpy as np
import oracle
import pytest
from in_process import nll
from one_block import relative_error, worst_error

pytestmark = pytest.mark.uncounted

LIMIT = 1e-14
RNG = np.random.default_rng(31)
LOGITS = RNG.normal(0, 3, (8, 3)).astype(np.float32)
TARGETS = RNG.integers(0, 3, 8)
PROBS = RNG.dirichlet(np.ones(3), 8)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Save arrays and texts under their names, then run a command in their folder."""
    monkeypatch.chdir(tmp_path)

    def go(*words, **files):
        for name, content in files.items():
            if isinstance(content, str):
                (tmp_path / f"{name}.csv").write_text(content)
            else:
                np.save(tmp_path / f"{name}.npy", content)
        return nll(*words)

    return go


def report(run, *words, **files):
    return run("compute", *words, "-f", "json", **files)


def wide(rows):
    return [[float(x) for x in row] for row in rows]


# --- shapes ---------------------------------------------------------------------------------------------------------


def test_a_batch_of_sequences_with_shift_and_padding(run):
    """(B, T, V) with the classes last; position t is scored against token t + 1, and padding does not count."""
    b, t, v = 3, 6, 7
    logits = RNG.normal(0, 2, (b, t, v)).astype(np.float32)
    tokens = RNG.integers(1, v, (b, t))
    tokens[1, 4:] = 0  # padding; 0 is a class of its own, ignored by name
    tokens[2, 2:] = 0
    got = report(run, "x.npy", "y.npy", "--shift", 1, "--ignore-index", 0, "--per-sample", x=logits, y=tokens).json
    expected = np.zeros((b, t))
    for i in range(b):
        for j in range(t - 1):
            expected[i, j] = oracle.losses([wide(logits[i])[j]], [tokens[i, j + 1]], ignore_index=0)[0]
    n = int((tokens[:, 1:] != 0).sum())
    assert worst_error(got["losses"], expected.tolist()) <= LIMIT
    assert (got["n_samples"], got["n_counted"], got["n_ignored"]) == (b * t, n, b * t - n)
    assert got["loss"] == pytest.approx(expected.sum() / n, rel=1e-13)


@pytest.mark.parametrize("shift", [2, -1])
def test_other_shifts(run, shift):
    rows, targets = LOGITS, TARGETS
    run_ = report(run, "x.npy", "y.npy", "--shift", shift, "--reduction", "sum", x=rows, y=targets)
    pairs = [(i, i + shift) for i in range(8) if 0 <= i + shift < 8]
    expected = oracle.reduce([wide(rows)[i] for i, _ in pairs], [targets[j] for _, j in pairs], reduction="sum")
    assert relative_error(run_.json["loss"], expected) <= LIMIT


def test_classes_on_axis_1_as_pytorch_has_them(run):
    logits, targets = RNG.normal(0, 2, (2, 3, 4, 5)), RNG.integers(0, 3, (2, 4, 5))
    got = report(run, "x.npy", "y.npy", "--reduction", "none", x=logits, y=targets).json
    expected = oracle.losses(np.moveaxis(logits, 1, -1).reshape(-1, 3), targets.ravel())
    assert np.shape(got["losses"]) == (2, 4, 5)
    assert worst_error(np.ravel(got["losses"]), expected) <= LIMIT


def test_two_readings_of_a_shape_are_an_error_that_names_the_option(run):
    files = {"x": np.zeros((2, 4, 4)), "y": np.zeros((2, 4), int)}
    refused = report(run, "x.npy", "y.npy", **files)
    assert refused.code == 2
    assert "--class-axis" in refused.err
    for axis in (1, 2, -1):
        assert report(run, "x.npy", "y.npy", "--class-axis", axis).code == 0


def test_transposed_logits_are_refused_with_the_axis_that_would_fit(run):
    refused = report(run, "x.npy", "y.npy", x=np.zeros((3, 5)), y=np.zeros(5, int))
    assert refused.code == 3
    assert "--class-axis 0" in refused.err


def test_a_column_of_targets_is_squeezed_with_a_note(run):
    got = report(run, "x.npy", "y.npy", x=LOGITS, y=TARGETS[:, None])
    assert relative_error(got.json["loss"], oracle.reduce(wide(LOGITS), TARGETS)) <= LIMIT
    assert "(8, 1)" in got.err


@pytest.mark.parametrize("shape", [(8,), (8, 1)], ids=str)
@pytest.mark.parametrize("kind", ["index", "soft"])
def test_binary(run, shape, kind):
    x = RNG.normal(0, 30, 8)
    y = RNG.integers(0, 2, 8) if kind == "index" else RNG.uniform(0, 1, 8)
    got = report(run, "x.npy", "y.npy", "--binary", "--per-sample", x=x.reshape(shape), y=y.reshape(shape))
    targets = y if kind == "index" else [[1 - oracle.number(q), oracle.number(q)] for q in y]
    assert worst_error(np.ravel(got.json["losses"]), oracle.losses([[0.0, v] for v in x], targets)) <= LIMIT
    assert got.json["n_classes"] == 2


# --- PyTorch --------------------------------------------------------------------------------------------------------


def test_integers_with_a_single_1_a_row_are_classes(run):
    """Whatever the weights, they divide as class indices do; other integers in the shape of the logits are refused."""
    one_hot = np.eye(3, dtype=int)[TARGETS]
    got = report(run, "x.npy", "y.npy", "--weights", "1,0.5,2", x=LOGITS, y=one_hot)
    expected = oracle.reduce(LOGITS, TARGETS, class_weights=[1, 0.5, 2])
    assert worst_error([got.json["loss"]], [expected]) <= LIMIT
    one_hot[0] = 1
    refused = report(run, "x.npy", "y.npy", x=LOGITS, y=one_hot)
    assert refused.code == 3
    assert "row 0: 1, 1, 1 is not one-hot" in refused.err


def test_negative_weights_and_smoothing_warn(run):
    got = report(run, "x.npy", "y.npy", "--weights", "1,-0.5,2", "--label-smoothing", 0.1, x=LOGITS, y=TARGETS)
    options = {"class_weights": [1, -0.5, 2], "label_smoothing": 0.1}
    assert relative_error(got.json["loss"], oracle.reduce(wide(LOGITS), TARGETS, **options)) <= LIMIT
    assert got.codes == {"negative-weights", "smoothing-with-weights"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--ignore-index", "0"], 2, "class probabilities"),
        (["--label-smoothing", "1.5"], 2, "1.5"),
        (["--weights", "1,2"], 2, "2 weights for 3 classes"),
        (["--weights", "1,nan,1"], 2, "nan"),
        (["--loss", "argmax"], 2, "class indices"),
        (["--shift", "1"], 2, "--shift"),
    ],
    ids=str,
)
def test_refused_beside_soft_targets(run, words, code, message):
    refused = report(run, "x.npy", "q.npy", *words, x=LOGITS, q=PROBS)
    assert (refused.code, refused.out) == (code, "")
    assert message in refused.err


def test_nothing_counted_says_why(run):
    got = report(run, "x.npy", "y.npy", x=LOGITS, y=np.full(8, -100))
    assert got.json["loss"] is None
    assert got.json["nonfinite"]["loss"] == "nan"
    assert got.json["loss_sum"] == 0
    (warning,) = got.json["warnings"]
    assert warning["code"] == "nothing-counted"
    assert "-100" in warning["message"]


def test_no_rows(run):
    got = report(run, "x.npy", "y.npy", x=np.zeros((0, 3)), y=np.zeros(0, int))
    assert got.json["nonfinite"]["loss"] == "nan"
    assert got.codes == {"no-samples"}
    empty = report(run, "x.npy", "y.npy", "--reduction", "sum")
    assert empty.json["loss"] == 0


def test_no_classes(run):
    refused = report(run, "x.npy", "y.npy", x=np.zeros((3, 0)), y=np.zeros(3, int))
    assert refused.code == 3
    assert "no classes" in refused.err


# --- scikit-learn ---------------------------------------------------------------------------------------------------


def test_log_loss_with_sample_weights_and_names(run):
    """Names as strings meet the columns by name, not by position."""
    names = ["horse", "cat", "dog"]
    text = "horse,cat,dog\n" + "".join(",".join(map(repr, row)) + "\n" for row in PROBS.tolist())
    labels = "".join(f"{names[y]}\n" for y in TARGETS)
    weights = RNG.exponential(1.0, 8)
    words = ["--from", "probs", "--sample-weights", "w.npy"]
    got = report(run, "p.csv", "t.csv", *words, p=text, t=labels, w=weights)
    expected = oracle.reduce(PROBS, TARGETS, source="probs", sample_weights=weights)
    assert relative_error(got.json["loss"], expected) <= LIMIT
    assert got.codes == set()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_clip_auto_is_the_machine_epsilon_of_the_files_type(run, dtype):
    p = np.array([[1.0, 0.0, 0.0], [0.25, 0.5, 0.25]], dtype)
    got = report(run, "p.npy", "y.npy", "--from", "probs", "--clip", "auto", "--per-sample", p=p, y=[1, 1])
    eps = {"f2": 2.0**-10, "f4": 2.0**-23, "f8": 2.0**-52}[dtype]
    assert worst_error(got.json["losses"], oracle.losses(wide(p), [1, 1], source="probs", clip=eps)) <= LIMIT
    (warning,) = got.json["warnings"]
    assert warning["code"] == "clipped"
    assert f"{-np.log(eps):.4f}" in warning["message"]  # the ceiling that this puts on the loss


def test_rows_that_do_not_sum_to_1_warn_and_are_used_as_they_are(run):
    p = PROBS.copy()
    p[2] *= 0.5
    got = report(run, "p.npy", "y.npy", "--from", "probs", p=p, y=TARGETS)
    assert relative_error(got.json["loss"], oracle.reduce(p, TARGETS, source="probs")) <= LIMIT
    (warning,) = got.json["warnings"]
    assert warning["code"] == "not-normalised"
    assert re.search(r"\b1\b", warning["message"])
    assert "row 2" in warning["message"]
    assert "0.5" in warning["message"]


@pytest.mark.parametrize("value", [1.5, -0.25, np.inf, np.nan])
def test_what_is_no_probability_is_refused(run, value):
    p = PROBS.copy()
    p[3, 1] = value
    refused = report(run, "p.npy", "y.npy", "--from", "probs", p=p, y=TARGETS)
    assert (refused.code, refused.out) == (3, "")
    assert "p.npy, row 3: class 1 is " in refused.err


# --- the textbook variants ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
def test_the_three_losses(run, loss, source):
    values = {"logits": LOGITS, "log-probs": np.log(PROBS), "probs": PROBS}[source]
    got = report(run, "x.npy", "y.npy", "--loss", loss, "--from", source, "--per-sample", x=values, y=TARGETS)
    assert worst_error(got.json["losses"], oracle.losses(wide(values), TARGETS, loss=loss, source=source)) <= LIMIT
    assert got.json["loss_name"] == loss


def test_argmax_is_called_what_it_is(run):
    """It ignores the target, and its report says so."""
    got = run("compute", "x.npy", "y.npy", "--loss", "argmax", x=LOGITS, y=TARGETS)
    assert "Surprisal of the prediction" in got.out
    alone = run("compute", "x.npy", "--loss", "argmax", "-q")
    assert alone.out == run("compute", "x.npy", "y.npy", "--loss", "argmax", "-q").out


# --- the signature --------------------------------------------------------------------------------------------------


SETTINGS = [
    [],
    ["--loss", "one-vs-rest"],
    ["--loss", "argmax"],
    ["--reduction", "sum"],
    ["--reduction", "none"],
    ["--weights", "1,2,3"],
    ["--weights", "1,2,4"],
    ["--counts", "1,2,3"],
    ["--counts", "1,2,4"],
    ["--counts", "targets"],
    ["--counts", "targets", "--scheme", "effective"],
    ["--counts", "targets", "--scheme", "effective", "--beta", "0.9"],
    ["--counts", "targets", "--normalize", "sum"],
    ["--ignore-index", "2"],
    ["--label-smoothing", "0.1"],
    ["--temperature", "2"],
    ["--clip", "auto"],
    ["--clip", "0.01"],
    ["--precision", "fast"],
    ["--from", "log-probs"],
    ["--sample-weights", "w.npy"],
    ["--shift", "1"],
]


def test_every_setting_that_changes_the_number_is_in_the_signature(run):
    files = {"x": LOGITS, "y": TARGETS, "w": np.arange(1.0, 9.0)}
    signatures = {report(run, "x.npy", "y.npy", *words, **files).json["signature"] for words in SETTINGS}
    assert len(signatures) == len(SETTINGS)


def test_the_class_axis_is_in_the_signature_of_more_dimensions(run):
    files = {"x": np.zeros((2, 4, 4)), "y": np.zeros((2, 4), int)}
    one, last = (report(run, "x.npy", "y.npy", "--class-axis", axis, **files).json["signature"] for axis in (1, -1))
    assert one != last
