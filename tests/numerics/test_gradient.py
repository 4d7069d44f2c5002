"""The gradient against finite differences in 60 digits, and against its formula where p - 1 is tiny."""

import numpy as np
import oracle
import pytest
from in_process import nll
from mpmath import mp
from one_block import score, worst_error

pytestmark = pytest.mark.usefixtures("kernel")

INF = np.inf
RNG = np.random.default_rng(77)
ROWS = np.concatenate([RNG.normal(0, 3, (5, 4)), [[30.0, 0.0, -1.0, -INF], [0.0, 0.0, 0.0, 0.0]]])
TARGETS = np.array([0, 1, 2, 3, 1, 1, 2])
FINITE = np.where(np.isinf(ROWS), -2.0, ROWS)
SOFT = RNG.dirichlet(np.ones(4), len(ROWS))
WEIGHTS = [0.5, 2.0, 0.0, 1.25]
SAMPLE_WEIGHTS = RNG.exponential(1.0, len(ROWS))

CASES = {
    "plain": (ROWS, TARGETS, {}),
    "ignored": (ROWS, np.where(TARGETS == 2, -100, TARGETS), {}),
    "weights": (ROWS, TARGETS, {"class_weights": WEIGHTS}),
    "sample-weights": (ROWS, TARGETS, {"class_weights": WEIGHTS, "sample_weights": SAMPLE_WEIGHTS}),
    "smoothing": (FINITE, TARGETS, {"label_smoothing": 0.2}),
    "smoothing-weights": (FINITE, TARGETS, {"label_smoothing": 0.2, "class_weights": WEIGHTS}),
    "soft": (FINITE, SOFT, {}),
    "soft-everything": (
        FINITE,
        SOFT,
        {"label_smoothing": 0.3, "class_weights": WEIGHTS, "sample_weights": SAMPLE_WEIGHTS, "temperature": 0.7},
    ),
    "soft-not-summing-to-1": (FINITE, 3.0 * SOFT, {}),
    "temperature": (ROWS, TARGETS, {"temperature": 2.5}),
    "argmax": (FINITE[:5], TARGETS[:5], {"loss": "argmax", "class_weights": WEIGHTS}),
    "one-vs-rest": (ROWS, TARGETS, {"loss": "one-vs-rest"}),
    "one-vs-rest-weights-temperature": (
        ROWS,
        TARGETS,
        {"loss": "one-vs-rest", "class_weights": WEIGHTS, "temperature": 0.5},
    ),
    "one-vs-rest-confident": (
        [[50.0, 0.0, -10.0]] * 3 + [[300.0, 300.0, -300.0], [0.0, 700.0, 1.0]],
        [0, 1, 2, 1, 0],
        {"loss": "one-vs-rest"},
    ),
}


def divisor_of(rows, targets, options):
    return float(oracle.sums(rows, targets, **options)[1])


@pytest.mark.uncounted
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("rows", "targets", "options"), CASES.values(), ids=CASES)
def test_against_finite_differences(rows, targets, options, reduction):
    expected = np.array(oracle.gradient(rows, targets, reduction=reduction, **options), np.float64)
    over = 1.0 if reduction == "sum" else divisor_of(rows, targets, options)
    got = score(rows, targets, divisor=over, **options).gradient
    finite = np.isfinite(expected)  # no derivative where the loss is infinite
    assert finite.any()
    np.testing.assert_allclose(got[finite], expected[finite], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("rows", "targets", "options"), CASES.values(), ids=CASES)
def test_rows_add_up_to_0(rows, targets, options):
    got = score(rows, targets, divisor=1.0, **options).gradient
    size = np.abs(got).sum(axis=1)
    assert (np.abs(got.sum(axis=1)) <= 1e-14 * np.maximum(size, 1e-300)).all()


@pytest.mark.parametrize("gap", [1.0, 20.0, 36.7, 40.0, 100.5, 333.3, 700.0])
@pytest.mark.parametrize("weight", [1.0, 2.5])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest"])
def test_p_minus_1_keeps_its_digits(gap, weight, loss):
    """For a confident right row 1 - p is exp(-gap) and smaller than any float64 p can tell."""
    row = [gap, 0.0, -0.5]
    with mp.workdps(700):
        x = [oracle.number(v) for v in row]
        powers = [mp.exp(v - x[0]) for v in x]
        p = [power / mp.fsum(powers) for power in powers]
        if loss == "nll":
            expected = [weight * (v - (k == 0)) for k, v in enumerate(p)]
        else:
            odds = [v / (1 - v) for v in p]
            expected = [weight * (p[0] - 1 - p[0] * (odds[1] + odds[2]))]
            expected += [weight * p[j] * (2 - odds[3 - j]) for j in (1, 2)]
    got = score([row], [0], divisor=1.0, loss=loss, class_weights=[weight, 1.0, 1.0]).gradient
    assert worst_error(got[0], expected) <= 1e-14


def test_a_target_that_cannot_be_still_pulls():
    """Where the target's logit is -inf the loss has no derivative; p - 1 is what the formula and PyTorch give."""
    assert score([[0.0, -INF]], [1], divisor=1.0).gradient.tolist() == [[1.0, -1.0]]


def test_binary():
    x = np.array([[-700.0], [-2.0], [0.0], [40.0], [700.0]])
    for target in (0, 1):
        got = score(x, [target] * len(x), divisor=1.0, binary=True).gradient
        with mp.workdps(700):
            p = [1 / (1 + mp.exp(-oracle.number(float(v)))) for v in x[:, 0]]
            expected = [[v - target] for v in p]
        assert got.shape == (5, 1)
        assert worst_error(got, expected) <= 1e-14


# --- through the command line -------------------------------------------------------------------------------------


@pytest.fixture
def inputs(tmp_path):
    def save(**arrays):
        for name, values in arrays.items():
            np.save(tmp_path / f"{name}.npy", values)
        return tmp_path

    return save


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("way", ["grad", "compute"])
def test_the_commands(inputs, way, reduction):
    folder = inputs(x=FINITE, y=TARGETS, s=SAMPLE_WEIGHTS)
    options = {"class_weights": [0.5, 2.0, 3.0, 1.25], "sample_weights": SAMPLE_WEIGHTS, "label_smoothing": 0.1}
    words = ["--weights", "0.5,2,3,1.25", "--sample-weights", folder / "s.npy", "--label-smoothing", 0.1]
    save = ["-o" if way == "grad" else "--save-grad", folder / "g.npy"]
    run = nll(way, folder / "x.npy", folder / "y.npy", *words, "--reduction", reduction, *save)
    assert run.code == 0, run.err
    expected = np.array(oracle.gradient(FINITE, TARGETS, reduction=reduction, **options), np.float64)
    np.testing.assert_allclose(np.load(folder / "g.npy"), expected, rtol=1e-13, atol=1e-15)


def test_soft_targets_beside_logits_in_csv(inputs):
    """How many rows there are is known only at the end of such a file, and the mean needs it first."""
    folder = inputs(y=SOFT)
    (folder / "x.csv").write_text("\n".join(",".join(repr(float(v)) for v in row) for row in FINITE) + "\n")
    run = nll("grad", folder / "x.csv", folder / "y.npy", "-o", folder / "g.npy")
    assert run.code == 0, run.err
    expected = np.array(oracle.gradient(FINITE, SOFT), np.float64)
    np.testing.assert_allclose(np.load(folder / "g.npy"), expected, rtol=1e-13, atol=1e-15)


def test_argmax_without_targets(inputs):
    folder = inputs(x=FINITE[:5])
    run = nll("grad", folder / "x.npy", "--loss", "argmax", "-o", folder / "g.npy")
    assert run.code == 0, run.err
    expected = np.array(oracle.gradient(FINITE[:5], [0] * 5, loss="argmax"), np.float64)
    np.testing.assert_allclose(np.load(folder / "g.npy"), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("targets", "words", "why"),
    [([-100, -100], [], "every target is -100"), ([0, 1], ["--weights", "1,-1,0,0"], "add up to 0")],
    ids=["ignored", "weights"],
)
def test_no_mean_has_no_gradient_and_says_why(inputs, targets, words, why):
    folder = inputs(x=FINITE[:2], y=targets)
    run = nll("grad", folder / "x.npy", folder / "y.npy", *words, "-o", folder / "g.npy")
    assert run.code == 0, run.err
    assert np.isnan(np.load(folder / "g.npy")).all()
    assert why in run.err


@pytest.mark.parametrize("where", [["-o", "g.npy"], ["-f", "csv"], ["-f", "json"]], ids=["npy", "csv", "json"])
def test_warnings_go_out_wherever_the_gradient_goes(inputs, where, monkeypatch):
    monkeypatch.chdir(inputs(x=FINITE, y=TARGETS))
    run = nll("grad", "x.npy", "y.npy", "--weights", "1,-2,1,1", *where)
    assert run.code == 0
    assert run.err.startswith("nll: warning: ")
    assert "negative" in run.err


@pytest.mark.parametrize("words", [[], ["--weights", "1,1,1,1"]], ids=["plain", "weights"])
def test_a_target_out_of_range_is_refused(inputs, words):
    folder = inputs(x=FINITE, y=[0, 1, 2, 3, 9, 1, 2])
    run = nll("grad", folder / "x.npy", folder / "y.npy", *words)
    assert run.code == 3
    assert "y.npy, row 4: target 9 is outside 0..3" in run.err


def test_sample_weights_of_another_length_are_refused(inputs):
    folder = inputs(x=FINITE, y=TARGETS, s=[1.0, 2.0])
    run = nll("grad", folder / "x.npy", folder / "y.npy", "--sample-weights", folder / "s.npy")
    assert run.code == 3
    assert "s.npy: has " in run.err


@pytest.mark.parametrize("words", [["--clip", "0.1"], ["--from", "probs"]], ids=["clip", "probs"])
def test_what_has_no_gradient_is_refused(inputs, words):
    folder = inputs(x=np.full((2, 4), 0.25), y=[0, 1])
    run = nll("compute", folder / "x.npy", folder / "y.npy", *words, "--save-grad", folder / "g.npy")
    assert run.code == 2
    assert not (folder / "g.npy").exists()
