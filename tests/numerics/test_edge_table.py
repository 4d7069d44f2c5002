"""Every row of the numbers table, through files and the command line; then the same in blocks too large for a file."""

import re

import numpy as np
import oracle
import pytest
from in_process import nll
from mpmath import mp, mpf
from one_block import relative_error, score, worst_error

from nllcli.numerics.exact import exact_count, exact_sum
from nllcli.numerics.tally import Tally, tally_of

pytestmark = pytest.mark.usefixtures("kernel")

LIMIT = 1e-14
INF, NAN = np.inf, np.nan


@pytest.fixture
def files(tmp_path):
    """Save logits and targets; the words of the command line that name them."""

    def save(rows, targets, dtype="f8"):
        np.save(tmp_path / "x.npy", np.array(rows, dtype))
        np.save(tmp_path / "y.npy", np.array(targets))
        return tmp_path / "x.npy", tmp_path / "y.npy"

    return save


FINITE = {
    "masked-class": ([[1.5, -INF, 0.25]], [2], "f8"),
    "gap-of-40": ([[40.0, 0.0, -1.0]], [0], "f4"),
    "gap-of-700": ([[700.0, 0.0, -1.0]], [0], "f4"),
    "gap-of-700-odd-numbers": ([[350.1, -349.9, -350.3]], [0], "f8"),
    "far-wrong": ([[700.0, 0.0, -1.0]], [2], "f8"),
    "float32-extremes": ([[3e38, -3e38]], [1], "f4"),
    "float32-extremes-right": ([[3e38, -3e38]], [0], "f4"),
    "float16-extremes": ([[65504, -65504]], [1], "f2"),
    "float64-extremes": ([[8e307, -8e307]], [1], "f8"),
    "subnormals": ([[5e-324, 0.0, -5e-324]], [0], "f8"),
    "all-equal": ([[7.0] * 10], [3], "f4"),
}


@pytest.mark.parametrize(("rows", "targets", "dtype"), FINITE.values(), ids=FINITE)
def test_a_true_number(files, rows, targets, dtype):
    run = nll("compute", *files(rows, targets, dtype), "-f", "json", "--per-sample")
    exact = [[float(x) for x in row] for row in np.array(rows, dtype)]
    assert worst_error(run.json["losses"], oracle.losses(exact, targets)) <= LIMIT
    assert run.codes == set()


def test_the_tiny_losses_are_what_they_are():
    """exp(-40) and exp(-700), to first order: known without an oracle."""
    assert score([[40.0, 0.0]], [0]).losses[0] == pytest.approx(4.248354255291589e-18, rel=1e-14)
    assert score([[700.0, 0.0]], [0]).losses[0] == pytest.approx(9.859676543759770e-305, rel=1e-14)


def test_differences_of_extremes_are_exact(files):
    run = nll("compute", *files([[3e38, -3e38]], [1], "f4"), "-q")
    assert float(run.out) == 2.0 * float(np.float32(3e38))
    run = nll("compute", *files([[65504, -65504]], [1], "f2"), "-q")
    assert float(run.out) == 131008.0


def test_a_masked_class_has_probability_0(files, tmp_path):
    paths = files([[1.5, -INF, 0.25]], [2])
    assert nll("compute", *paths, "--save-probs", tmp_path / "p.npy", "-q").code == 0
    p = np.load(tmp_path / "p.npy")[0]
    assert p[1] == 0.0
    assert worst_error(p, oracle.softmax([1.5, -INF, 0.25])) <= LIMIT


def test_the_targets_logit_is_minus_infinity(files):
    """An infinite loss is an answer: exit code 0, with the count and the first rows."""
    rows = [[0.0, 1.0], [-INF, 1.0], [0.0, -INF], [0.5, 0.5]]
    run = nll("compute", *files(rows, [0, 0, 1, 1]), "-f", "json", "--per-sample")
    report = run.json
    assert report["loss"] is None
    assert report["nonfinite"]["loss"] == "inf"
    assert report["losses"][1:3] == [None, None]
    (warning,) = report["warnings"]
    assert warning["code"] == "infinite-loss"
    assert re.search(r"\b2\b", warning["message"])
    assert "row 1, row 2" in warning["message"]


@pytest.mark.parametrize("weights", ["class", "sample"])
def test_weight_0_times_an_infinite_loss_is_0(files, tmp_path, weights):
    paths = files([[0.0, -INF], [0.0, 1.0]], [1, 0])
    np.save(tmp_path / "w.npy", [0.0, 1.0])
    words = ["--weights", "1,0"] if weights == "class" else ["--sample-weights", tmp_path / "w.npy"]
    run = nll("compute", *paths, *words, "-f", "json", "--per-sample")
    expected = oracle.losses([[0.0, 1.0]], [0])[0]
    assert run.json["losses"][0] == 0.0
    assert relative_error(run.json["loss"], expected) <= LIMIT
    assert run.codes == set()


def test_a_soft_target_of_0_silences_a_masked_class():
    assert score([[0.0, -INF]], [[1.0, 0.0]]).losses[0] == 0.0


def test_smoothing_with_a_masked_class_is_infinite(files):
    run = nll("compute", *files([[0.0, 1.0, -INF]], [0]), "--label-smoothing", 0.1, "-f", "json")
    assert run.json["nonfinite"]["loss"] == "inf"
    assert run.codes == {"infinite-loss"}


BAD = {
    "nan": ([0.0, NAN, 1.0], "class 1 is NaN"),
    "plus-infinity": ([0.0, 1.0, INF], "class 2 is +inf"),
    "minus-infinity-alone": ([-INF, -INF, -INF], "every class is -inf"),
}


@pytest.mark.parametrize("command", ["compute", "grad", "softmax"])
@pytest.mark.parametrize(("row", "words"), BAD.values(), ids=BAD)
def test_no_softmax_is_refused(files, row, words, command):
    x, y = files([[0.0, 1.0, 2.0], row], [0, 1])
    run = nll(command, x, *([y] if command != "softmax" else []))
    assert (run.code, run.out.strip()) == (3, "")
    assert f"{x}, row 1: {words}" in run.err
    assert "--on-nonfinite nan" in run.err


@pytest.mark.parametrize("row", [row for row, _ in BAD.values()], ids=BAD)
def test_or_let_through_as_nan(files, tmp_path, row):
    paths = files([[0.0, 1.0, 2.0], row], [0, 1])
    saves = ["--save-probs", tmp_path / "p.npy", "--save-grad", tmp_path / "g.npy"]
    run = nll("compute", *paths, "--on-nonfinite", "nan", "-f", "json", "--per-sample", *saves)
    report = run.json
    assert report["losses"][1] is None
    assert report["nonfinite"]["losses[1]"] == report["nonfinite"]["loss"] == "nan"
    assert relative_error(report["losses"][0], oracle.losses([[0.0, 1.0, 2.0]], [0])[0]) <= LIMIT
    assert run.codes == {"nonfinite-logits"}
    for name in ("p.npy", "g.npy"):
        assert np.isnan(np.load(tmp_path / name)).all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize("row", [row for row, _ in BAD.values()], ids=BAD)
def test_an_ignored_position_is_not_looked_at(files, tmp_path, row):
    paths = files([[0.0, 1.0, 2.0], row], [0, -100])
    run = nll("compute", *paths, "-f", "json", "--per-sample", "--save-grad", tmp_path / "g.npy")
    assert run.json["losses"][1] == 0.0
    assert relative_error(run.json["loss"], oracle.losses([[0.0, 1.0, 2.0]], [0])[0]) <= LIMIT
    assert run.codes == set()
    assert np.load(tmp_path / "g.npy")[1].tolist() == [0.0, 0.0, 0.0]


def test_a_hundred_thousand_equal_half_precision_logits(files):
    run = nll("compute", *files(np.full((1, 100_000), 3.140625), [7], "f2"), "-q")
    assert run.out == "11.512925464970229\n"
    assert relative_error(float(run.out), mp.log(mpf(100_000))) < 2e-16


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_2_to_the_25_losses_of_a_tenth(reduction):
    """Single precision stops adding at 2^24 or so; here not even the last digit goes."""
    block = tally_of(
        np.full(1 << 17, 0.1),
        unweighted=None,
        weights=None,
        reduction=reduction,
        n_samples=1 << 17,
        n_correct=0,
        spread=True,
        classes=None,
    )
    tally = Tally()
    for _ in range(1 << 8):
        tally += block
    assert tally.n_counted == 1 << 25
    assert tally.mean() == 0.1
    assert float(tally.loss_sum) == 0.1 * 2.0**25
    assert tally.standard_error() == 0.0


def test_2_to_the_25_losses_and_one_that_is_tiny_or_huge():
    """What a float64 sum in any order would lose or drown in."""
    many = exact_sum(np.full(1 << 12, 1.0))
    total = exact_count(0)
    for part in [exact_sum(np.array([1e17, 1e-30])), many, exact_sum(np.array([-1e17]))]:
        total += part
    assert float(total) == 4096.0
    assert float(total + exact_count(-4096)) == 1e-30


ONE_VS_REST = {"target-1": (1, 50 + 50), "target-2": (2, 50 + 60), "target-0": (0, 2e-22)}


@pytest.mark.parametrize(("target", "about"), ONE_VS_REST.values(), ids=ONE_VS_REST)
def test_one_vs_rest_of_a_confident_row(files, target, about):
    """log(1 - p) of the first class is -50, not the -inf of a p rounded to 1."""
    rows = [[50.0, 0.0, -10.0]]
    run = nll("compute", *files(rows, [target]), "--loss", "one-vs-rest", "-q")
    assert relative_error(float(run.out), oracle.losses(rows, [target], loss="one-vs-rest")[0]) <= LIMIT
    if about > 1:
        assert float(run.out) == pytest.approx(about, abs=1e-3)


def test_the_complement_of_the_confident_class_is_50():
    from nllcli.data.blocks import Scratch
    from nllcli.numerics.surprisal import surprisal

    complement = surprisal(np.array([[50.0, 0.0, -10.0]]), scratch=Scratch()).complement()[0]
    exact = oracle.log_probabilities([50.0, 0.0, -10.0])[1]
    assert worst_error(complement, [-x for x in exact]) <= LIMIT
    assert complement[0] == pytest.approx(50.0, abs=1e-4)
