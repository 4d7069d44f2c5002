"""Probabilities a rounding above 1, and their logarithms above 0: taken as 1, with a note; beyond that refused."""

import numpy as np
import oracle
import pytest
from following import answers, meanings
from in_process import nll
from one_block import relative_error, score

import nllcli
from nllcli.errors import NllError, SampleError
from nllcli.numerics.bounds import within_bounds

LIMIT = 1e-14
# The next numbers above 1 of each type, up to the largest that is taken as 1 and the one after it.
EPSILONS = {"f2": 2.0**-10, "f4": 2.0**-23, "f8": 2.0**-52}


def bfloat16(values):
    return (np.asarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16).view("V2")


@pytest.mark.parametrize("dtype", EPSILONS)
@pytest.mark.parametrize("steps", [1, 4])
def test_a_rounding_above_1_is_1(dtype, steps):
    p = np.array([[1 + steps * EPSILONS[dtype], 0.0], [0.25, 0.75], [1 + EPSILONS[dtype], 0.0]], dtype)
    assert p[0, 0] > 1
    targets = [0, 1, 0]
    clipped = np.minimum(p.astype(float), 1).tolist()
    for loss in ("nll", "one-vs-rest", "argmax"):
        outcome = score(p, targets, source="probs", loss=loss)
        expected = oracle.losses(clipped, targets, source="probs", loss=loss)
        assert max(map(relative_error, outcome.losses, expected)) <= LIMIT
        assert outcome.tally.findings["probs-rounded"].first == (0, 2)
        assert outcome.probs.max() == 1.0


@pytest.mark.parametrize("dtype", EPSILONS)
def test_more_than_a_few_roundings_are_refused(dtype):
    p = np.array([[0.5, 0.5], [1 + 5 * EPSILONS[dtype], 0.0]], dtype)
    with pytest.raises(SampleError, match="not a probability") as caught:
        score(p, [0, 0], source="probs")
    assert caught.value.samples == (1,)


def test_bfloat16():
    p = bfloat16([[1.03125, 0.0], [0.5, 0.5]])
    assert score(p, [0, 0], source="probs").losses.tolist()[0] == 0.0
    with pytest.raises(SampleError, match="not a probability"):
        score(bfloat16([[1.0390625, 0.0]]), [0], source="probs")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_logarithms_a_rounding_above_0_are_0(dtype):
    a = np.array([[3 * EPSILONS[dtype], -40.0], [-0.5, -1.0]], dtype)
    for options in ({}, {"loss": "one-vs-rest"}):
        outcome = score(a, [0, 1], source="log-probs", **options)
        expected = oracle.losses(np.minimum(a.astype(float), 0).tolist(), [0, 1], source="log-probs", **options)
        assert max(map(relative_error, outcome.losses, expected)) <= LIMIT
        assert outcome.tally.findings["probs-rounded"].n == 1
    column = np.array([[5 * EPSILONS[dtype]]], dtype) * 1.0000001
    with pytest.raises(SampleError, match="not a log-probability"):
        score(column.astype(dtype), [1], source="log-probs", binary=True)


@pytest.mark.parametrize("value", [1.0000001, 1.0000001192092896, 1.00000048, 1 + 2.0**-21])
def test_float64_that_float32_wrote_has_its_roundings(value):
    """The numbers of a text or of a data frame are float64, whatever computed them."""
    x, rows = within_bounds(np.array([[value], [0.5]]), np.dtype("f8"), "probs")
    assert (x.tolist(), rows.tolist()) == ([[1.0], [0.5]], [True, False])


@pytest.mark.parametrize("value", [1.00000012345678901, 1.000001, 1.001])
def test_other_float64_has_its_own(value):
    given = np.array([[value], [0.5]])
    x, rows = within_bounds(given, np.dtype("f8"), "probs")
    assert (x is given, rows) == (True, None)


def test_what_is_within_bounds_is_not_copied():
    for given in (np.array([[0.5, 0.5]]), np.empty((0, 2)), np.array([[np.nan, 0.5]])):
        x, rows = within_bounds(given, given.dtype, "probs")
        assert (x is given, rows) == (True, None)


def test_binary_probabilities():
    p = np.array([[1.0000001], [0.25], [1.0000001]], np.float32)
    outcome = score(p, [1, 0, 1], source="probs", binary=True)
    assert outcome.losses.tolist()[::2] == [0.0, 0.0]
    assert relative_error(outcome.losses[1], oracle.losses([[0.75, 0.25]], [0], source="probs")[0]) <= LIMIT
    assert score(p[:1], [0], source="probs", binary=True).losses.tolist() == [np.inf]


def test_ignored_samples_are_not_told_of():
    p = np.array([[1.0000001, 0.0], [0.25, 0.75]], np.float32)
    assert score(p, [-100, 1], source="probs").tally.findings == {}


@pytest.mark.uncounted
@pytest.mark.parametrize("name", ["p.npy", "p.csv"])
@pytest.mark.parametrize(
    ("command", "words"),
    [("compute", ()), ("explain", ("--row", "0")), ("check", ()), ("reconcile", ("--expect", "0.3269"))],
)
def test_every_command_takes_them_as_1(name, command, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    p = np.array([[1.0000001, 0.0], [0.25, 0.75], [0.5, 0.5]], np.float32)
    np.save("p.npy", p)
    np.savetxt("p.csv", p, "%.7f", delimiter=",")
    (tmp_path / "y.txt").write_text("0\n1\n0\n")
    done = nll(command, name, "y.txt", "--from", "probs", *words)
    assert done.code == 0, done
    assert "1.0000001" not in done.out
    assert "not what" not in done.out


@pytest.mark.parametrize("name", ["p.npy", "p.csv"])
def test_the_note_names_the_samples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    p = np.array([[0.25, 0.75], [1.0000001, 0.0], [0.5, 0.5]], np.float32)
    np.save("p.npy", p)
    np.savetxt("p.csv", p, "%.7f", delimiter=",")
    (tmp_path / "y.txt").write_text("1\n0\n0\n")
    done = nll("compute", name, "y.txt", "--from", "probs", "-q")
    expected = oracle.reduce([[0.25, 0.75], [1, 0], [0.5, 0.5]], [1, 0, 0], source="probs")
    assert float(done.out) == pytest.approx(float(expected), rel=1e-14)
    place = "row 1" if name == "p.npy" else "line 2"
    assert done.err == f"nll: note: p is a rounding above 1 in 1 of 3 samples, and taken as 1: {place}\n"


def test_the_note_in_python():
    result = nllcli.compute(np.array([[1.0000001, 0.0]], np.float32), [0], source="probs")
    assert [note.code for note in result.notes] == ["probs-rounded"]
    assert (result.loss, result.warnings) == (0.0, ())


# --- what else the values may be --------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save(x, y):
        np.save("x.npy", np.array(x))
        np.save("y.npy", np.array(y))
        return "x.npy", "y.npy"

    return save


LOGITS = [[1.5, -2.0], [-0.25, 3.0]]
LOG_PROBS = [[-0.25, -1.5], [-2.0, -0.125]]
PROBS = [[0.25, 0.75], [0.5, 0.5]]


def reduced(rows, source):
    return pytest.approx(float(oracle.reduce(rows, [0, 1], source=source)), rel=1e-13)


def test_logits_given_as_probabilities(saved):
    words = ("compute", *saved(LOGITS, [0, 1]), "--from", "probs", "-q")
    assert answers(*words) == [reduced(LOGITS, "logits")]


def test_log_probabilities_given_as_probabilities(saved):
    words = ("compute", *saved(LOG_PROBS, [0, 1]), "--from", "probs", "-q")
    assert answers(*words) == [reduced(LOG_PROBS, "log-probs"), reduced(LOG_PROBS, "logits")]
    assert [meaning.partition(",")[0] for meaning in meanings(nll(*words))] == ["log-probabilities", "logits"]


def test_probabilities_given_as_log_probabilities(saved):
    words = ("compute", *saved(PROBS, [0, 1]), "--from", "log-probs", "--loss", "one-vs-rest", "-q")
    found = answers(*words)
    expected = [
        oracle.reduce(PROBS, [0, 1], source="probs", loss="one-vs-rest"),
        oracle.reduce(PROBS, [0, 1], loss="one-vs-rest"),
    ]
    assert found == [pytest.approx(float(value), rel=1e-13) for value in expected]


@pytest.mark.parametrize("rows", [[[50.0, 50.0], [20.0, 80.0]], [[-1e-9, 1.0], [0.5, 0.5]], [[1.1, 0.0], [0.5, 0.5]]])
def test_what_may_be_something_else_is_not_guessed(rows, saved):
    """Percentages, and probabilities that were computed badly."""
    done = nll("compute", *saved(rows, [0, 1]), "--from", "probs")
    assert done.code == 3
    assert done.err.splitlines()[1] == "hint: --from says what the file holds: logits, log-probs or probs"


def test_the_others_decide_beside_a_nan(saved):
    rows = [[float("nan"), 0.5], *LOGITS[:1]]
    words = ("compute", *saved(rows, [0, 0]), "--from", "probs", "--on-nonfinite", "nan", "-q")
    assert meanings(nll(*words)) == ["logits, which the softmax makes probabilities of"]


def test_samples_without_a_number_can_be_let_through(saved):
    words = ("compute", *saved([[float("nan"), 1.0], [0.0, 1.0]], [0, 1]), "-q", "--reduction", "sum")
    (found,) = answers(*words)
    assert np.isnan(found)
    with pytest.raises(NllError) as caught:
        nllcli.compute([[np.nan, 1.0]], [0])
    assert caught.value.__notes__ == ["try: on_nonfinite='nan'  # such samples count as NaN"]
