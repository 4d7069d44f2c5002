"""What must hold of a calibration whatever the samples are."""

from unittest.mock import ANY

import numpy as np
import pytest
from calibrated import calibrate, codes, drawn, files, soft, softmax
from in_process import nll

from nllcli.commands.calibrate import kept

pytestmark = pytest.mark.uncounted

N, C = 300, 4
X, Y = drawn(N, C)
RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["memory", "passes"])
def fitted(request, monkeypatch):
    if request.param == "passes":
        monkeypatch.setattr(kept, "_MOST_ROWS", 40)


def without(found, *names):
    """A report without these keys, nor the names of files."""
    return {name: value for name, value in found.items() if name not in ("inputs", "signature", *names)}


def assert_alike(found, expected):
    """What is measured at one temperature, or within what rounding leaves of it: where passes stop."""
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value, rel=1e-11, abs=1e-15) if isinstance(value, float) else ANY)


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("k", [2.0**-20, 0.5, 8.0, 2.0**30])
def test_logits_times_a_power_of_two_have_a_temperature_times_it(k):
    found, other = calibrate(X, Y), calibrate(k * X, Y)
    assert other["temperature"] == k * found["temperature"]
    assert other["temperature_standard_error"] == pytest.approx(k * found["temperature_standard_error"], rel=1e-14)
    assert_alike(other["after"], {**found["after"], "temperature": other["temperature"]})


@pytest.mark.usefixtures("fitted")
def test_a_constant_added_to_a_row_changes_nothing():
    x = np.round(X * 2**20) / 2**20  # so that sums are exact
    shifted = x + RNG.integers(-9, 9, (N, 1)) * 2.0**10
    found, other = calibrate(x, Y), calibrate(shifted, Y)
    assert other["temperature"] == pytest.approx(found["temperature"], rel=1e-15)
    for name in ("before", "after"):
        assert_alike(other[name], found[name])


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("weighted", [False, True])
def test_the_order_of_samples_changes_folds_alone(weighted):
    order, w = RNG.permutation(N), RNG.random(N) if weighted else None
    found = calibrate(X, Y, sample_weights=w)
    other = calibrate(X[order], Y[order], sample_weights=w[order] if weighted else None)
    of_folds = ("temperatures_of_folds", "loss_held_out", "gain_held_out", "gain_held_out_standard_error")
    assert without(other, *of_folds) == without(found, *of_folds)


@pytest.mark.usefixtures("fitted")
def test_the_order_of_classes_changes_no_temperature():
    order = RNG.permutation(C)
    assert calibrate(X[:, order], np.argsort(order)[Y])["temperature"] == pytest.approx(
        calibrate(X, Y)["temperature"], rel=1e-15
    )


@pytest.mark.usefixtures("fitted")
def test_a_weight_of_two_is_a_sample_twice():
    twice = np.repeat(np.arange(N), 1 + np.arange(N) % 2)
    found = calibrate(X, Y, "--folds", "0", sample_weights=1 + np.arange(N) % 2)
    other = calibrate(X[twice], Y[twice], "--folds", "0")
    assert found["temperature"] == pytest.approx(other["temperature"], rel=1e-15)
    for name in ("loss", "confidence", "brier", "ece", "weighted_accuracy"):
        assert found["before"][name] == pytest.approx(other["before"][name], rel=1e-14)


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("settings", [{}, {"weights": [1.0, 0.5, 2.0, 0.0]}])
def test_the_temperature_of_the_same_file_or_given(settings):
    here = calibrate(X, Y, **settings)
    there = calibrate(X, Y, "--fit", "x.npy", "--fit-targets", "y.npy", **settings)
    given = calibrate(X, Y, "--temperature", here["temperature"], **settings)
    of_a_fit = [name for name in here if name.startswith("temperature_")]
    assert [there[name] for name in of_a_fit] == [here[name] for name in of_a_fit]
    for other in (there, given):
        assert other["temperature"] == here["temperature"]
        assert other["before"] == here["before"]
        assert_alike(other["after"], here["after"])
        assert other["loss_held_out"] == other["after"]["loss"]
        gain = here["before"]["loss"] - here["after"]["loss"]
        assert other["gain_held_out"] == pytest.approx(gain, rel=1e-12)


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("settings", [{}, {"sample_weights": RNG.random(N)}])
def test_the_gain_is_on_the_losses_that_the_file_has(settings):
    """Which are those of its probabilities as they are, though they do not sum to 1."""
    p = softmax(X) * np.where(np.arange(N) % 2, 1.0, 0.9)[:, None]
    found = calibrate(p, Y, source="probs", **settings)
    assert "not-normalised" in codes(found)
    assert found["gain_held_out"] == pytest.approx(found["before"]["loss"] - found["loss_held_out"], rel=1e-12)


@pytest.mark.parametrize("words", [(), ("--no-fit",)])
def test_one_column_is_the_same_as_two(words):
    p, y = np.array([0.3] * 10 + [0.7] * 10 + [1e-3, 0.999] * 10), np.array([0] * 5 + [1] * 32 + [0] * 3)
    found = calibrate(p[:, None], y, *words, source="probs")
    other = calibrate(np.stack((1 - p, p), axis=1), y, *words, source="probs")
    for name in ("ece_equal_mass", "ece_sweep", "corp_brier_mcb", "corp_brier_dsc", "corp_log_mcb"):
        assert found["before"][name] == pytest.approx(other["before"][name], abs=1e-12)
    right = (p > 0.5) == y
    gaps = [abs(right[part].mean() - claim) for part, claim in ((slice(20), 0.7), (slice(20, 40), 0.999))]
    assert found["before"]["ece_equal_mass"] == pytest.approx(np.mean(gaps))


def test_rows_that_are_alike_but_for_the_order_of_classes_are_one_point():
    rows = RNG.normal(size=(20, 5))
    x = np.concatenate([rows[:, RNG.permutation(5)] for _ in range(10)])
    found = calibrate(x, RNG.integers(0, 5, 200), "--no-fit", "--bins", "200", "--binning", "mass")
    assert [each["count"] for each in found["before"]["bins"]] == [10] * 20


def test_a_confidence_just_below_1_is_not_in_the_bin_of_1():
    """1 - 8.5e-17 rounds to the float below 1, and 1 - 4e-17 to 1."""
    words = ("--no-fit", "--bins", "2", "--edges", "left-extra")
    found = calibrate(np.array([[37.0, 0.0], [37.8, 0.0], [50.0, 0.0]]), np.zeros(3, int), *words)
    assert [each["count"] for each in found["before"]["bins"]] == [0, 1, 2]


def test_class_weights_of_shares_weigh_no_samples():
    found = calibrate(X, soft(X, Y), "--no-fit", "--binning", "mass", weights=[1.0, 0.5, 2.0, 0.0])
    assert found["before"]["ece_equal_mass"] == calibrate(X, soft(X, Y), "--no-fit")["before"]["ece_equal_mass"]
    assert "weighted" not in codes(found)


SOURCES = {
    "logits": (X, Y, {}),
    "float32": (X.astype(np.float32), Y, {}),
    "weighted": (X, Y, {"weights": [1.0, 0.5, 2.0, 0.0], "sample_weights": RNG.random(N)}),
    "soft": (X, soft(X, Y), {"weights": [1.0, 0.5, 2.0, 0.0]}),
    "probs": (softmax(X), Y, {"source": "probs"}),
    "log-probs": (np.log(softmax(X)), Y, {"source": "log-probs"}),
    "binary": (np.diff(X[:, :2]), Y % 2, {}),
}


@pytest.mark.parametrize("case", SOURCES)
def test_losses_are_those_of_compute(case, monkeypatch):
    x, y, settings = SOURCES[case]
    for most in (1 << 14, 40):
        monkeypatch.setattr(kept, "_MOST_ROWS", most)
        found = calibrate(x, y, **settings)
        words = ["compute", *files(x, y, **settings), "-f", "json"]
        assert found["before"]["loss"] == nll(*words).json["loss"]
        assert found["after"]["loss"] == nll(*words, "--temperature", found["temperature"]).json["loss"]
        assert found["after"]["loss"] <= found["before"]["loss"]


def test_what_the_temperature_makes_is_what_softmax_writes():
    found = calibrate(X, Y)
    nll("softmax", "x.npy", "--temperature", found["temperature"], "-o", "p.npy")
    there = nll("calibrate", "p.npy", "y.npy", "--from", "probs", "-f", "json").json
    assert there["temperature"] == pytest.approx(1.0, rel=1e-13)
    for name, value in found["after"].items():
        if isinstance(value, float) and name != "temperature":
            assert there["before"][name] == pytest.approx(value, rel=1e-10, abs=1e-15)
