"""The temperature of least loss, its error and what it gains held out, against 50 digits; and where there is none."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from calibrated import calibrate, codes, drawn, masked, soft, softmax
from plain_temperature import Samples

pytestmark = pytest.mark.uncounted

N, C = 40, 4
ULP = 2.0**-52


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


X, Y = drawn()
ZERO_WEIGHTS = np.where(np.arange(N) % 7 == 0, 0.0, np.random.default_rng(1).random(N))
CLASS_WEIGHTS = [1.0, 0.25, 3.0, 0.5]
UNSURE_X, UNSURE_Y = drawn(200, temperature=60.0, seed=11)
FAINT_X, FAINT_Y = drawn(200, temperature=60.0, seed=5)
SURE_X, SURE_Y = drawn(60, scale=20.0, temperature=2.0, seed=4)
ZEROS = np.where(np.isin(np.arange(C), 2) & (Y[:, None] != 2), 0.0, softmax(X))
PAIRS, ANSWERS = drawn(60, 2, seed=6)

CASES = {
    "plain": (X, Y, {}),
    "tiny": (X * 1e-6, Y, {}),
    "huge": (X * 1e6, Y, {}),
    "far from 0": (X + 1000.0 * np.arange(N)[:, None], Y, {}),
    "hardly informative": (UNSURE_X, UNSURE_Y, {}),
    "hardly informative float32": (UNSURE_X.astype(np.float32), UNSURE_Y, {}),
    "nearly separable": (SURE_X, SURE_Y, {}),
    "many classes": (*drawn(10, 100, seed=5), {}),
    "masked": (masked(X, Y), Y, {}),
    "float32": (X.astype(np.float32), Y, {}),
    "float16": (X.astype(np.float16), Y, {}),
    "ignored": (X, np.where(np.arange(N) % 4 == 1, -100, Y), {}),
    "weighted": (X, Y, {"sample_weights": ZERO_WEIGHTS}),
    "class weights": (X, Y, {"weights": CLASS_WEIGHTS}),
    "both weights": (X, Y, {"weights": [1.0, 0.0, 3.0, 0.5], "sample_weights": ZERO_WEIGHTS}),
    "soft": (X, soft(X, Y), {}),
    "soft, weighted": (X, soft(X, Y), {"weights": CLASS_WEIGHTS, "sample_weights": ZERO_WEIGHTS}),
    "soft, masked": (masked(X, Y), np.eye(C)[Y], {}),
    "binary": (np.diff(PAIRS), ANSWERS, {}),
    "probs": (softmax(X), Y, {"source": "probs"}),
    "probs with zeros": (ZEROS / ZEROS.sum(axis=1, keepdims=True), Y, {"source": "probs"}),
    "log-probs": (np.log(softmax(X)), Y, {"source": "log-probs"}),
}


@pytest.mark.parametrize("case", CASES)
def test_temperature_and_its_error(case):
    x, y, settings = CASES[case]
    found, samples = calibrate(x, y, **settings), Samples.of(x, y, **settings)
    temperature = found["temperature"]
    assert found["temperature_status"] == "fitted"
    assert samples.misses(temperature, 3 * ULP) is None
    error = float(samples.standard_error(temperature))
    assert found["temperature_standard_error"] == pytest.approx(error, rel=1e-9)
    away = math.exp(NormalDist().inv_cdf(0.975) * error / temperature)
    ends = [found["temperature_ci_low"], found["temperature_ci_high"]]
    assert ends == pytest.approx([temperature / away, temperature * away], rel=1e-9)
    assert found["after"]["loss"] == pytest.approx(float(samples.loss([temperature])), rel=1e-13)


@pytest.mark.parametrize("n_folds", [5, 3])
@pytest.mark.parametrize("case", ["plain", "masked", "ignored", "both weights", "soft, weighted", "probs with zeros"])
def test_folds_are_held_out(case, n_folds):
    x, y, settings = CASES[case]
    found, samples = calibrate(x, y, "--folds", n_folds, **settings), Samples.of(x, y, **settings)
    temperatures = found["temperatures_of_folds"]
    assert len(temperatures) == n_folds
    for fold, temperature in enumerate(temperatures):
        assert samples.without(fold, n_folds).misses(temperature, 1e-13) is None
    assert found["loss_held_out"] == pytest.approx(float(samples.loss(temperatures)), rel=1e-12)
    gain, error = map(float, samples.gain(temperatures))
    assert found["gain_held_out"] == pytest.approx(gain, rel=1e-9, abs=1e-14)
    assert found["gain_held_out_standard_error"] == pytest.approx(error, rel=1e-9)


def test_the_interval_has_the_confidence_that_is_asked_for():
    found = calibrate(X, Y, "--confidence", "0.5")
    away = math.exp(NormalDist().inv_cdf(0.75) * found["temperature_standard_error"] / found["temperature"])
    assert found["temperature_ci_high"] == pytest.approx(found["temperature"] * away, rel=1e-12)
    assert found["confidence_level"] == 0.5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_targets_that_the_logits_hardly_tell(dtype):
    x = FAINT_X.astype(dtype)
    found, samples = calibrate(x, FAINT_Y, "--confidence", "0.01"), Samples.of(x, FAINT_Y)
    assert found["temperature"] > 1e4
    assert samples.misses(found["temperature"], 3 * ULP) is None
    assert found["temperature_standard_error"] == pytest.approx(
        float(samples.standard_error(found["temperature"])), rel=1e-9
    )


def test_soft_targets_that_the_logits_hardly_tell():
    y = soft(UNSURE_X, UNSURE_Y, 1.0)
    assert Samples.of(UNSURE_X, y).misses(calibrate(UNSURE_X, y)["temperature"], 64 * ULP) is None


def test_an_interval_without_an_end():
    found = calibrate(FAINT_X, FAINT_Y)
    assert found["temperature_ci_low"] in (0.0, None)
    assert found["temperature_ci_high"] is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_logits_of_any_size(scale):
    found = calibrate(scale * X, Y)
    assert found["temperature"] == pytest.approx(scale * calibrate(X, Y)["temperature"], rel=1e-14)


def test_a_soft_target_of_one_class_is_that_class():
    hard, soft_ones = (calibrate(X, y, weights=CLASS_WEIGHTS)["temperature"] for y in (Y, np.eye(C)[Y]))
    assert soft_ones == pytest.approx(hard, rel=1e-13)


# --- no temperature of least loss -------------------------------------------------------------------------------------


RIGHT = X.argmax(axis=1)
TIED = np.where(np.arange(C) == (RIGHT[:, None] + 1) % C, X.max(axis=1, keepdims=True), X)
DEAD = np.where(np.arange(C) == 0, -np.inf, X)
WORST = 1 + X[:, 1:].argmin(axis=1)


@pytest.mark.parametrize(
    ("x", "y", "settings", "status", "limit"),
    [
        (np.full((N, C), 2.5), Y, {}, "flat", None),
        (np.repeat(X[:, :1], C, axis=1), Y, {}, "flat", None),
        (np.where(np.arange(C) == 3, -np.inf, 1.0) + np.zeros((N, C)), RIGHT % 3, {}, "flat", None),
        (np.full((N, C), 0.25), Y, {"source": "probs"}, "flat", None),
        (X, soft(X, Y), {"weights": [0.0] * C}, "flat", None),
        (X, RIGHT, {}, "zero", 0.0),
        (TIED, RIGHT, {}, "zero", math.log(2)),
        (np.concatenate([X, TIED, np.zeros((N, C))]), np.tile(RIGHT, 3), {}, "zero", math.log(2 * 4) / 3),
        (TIED, soft(X, RIGHT, 1.0), {}, "zero", math.log(2)),
        (X, X.argmin(axis=1), {}, "infinite", math.log(C)),
        (DEAD, WORST, {}, "infinite", math.log(C - 1)),
        (np.concatenate([X, DEAD]), np.concatenate([X.argmin(axis=1), WORST]), {}, "infinite", math.log(12) / 2),
        (np.tile(X[:4], (C, 1)), np.repeat(np.arange(C), 4), {}, "infinite", math.log(C)),  # each target once
        (X, np.full((N, C), 0.25), {}, "infinite", math.log(C)),
        (X, np.where(np.arange(N) < 9, X.argmin(axis=1), RIGHT), {"sample_weights": np.arange(N) >= 9}, "zero", 0.0),
        (np.zeros((0, C)), np.zeros(0, int), {}, "empty", None),
        (X, np.full(N, -100), {}, "empty", None),
        (X, Y, {"sample_weights": np.zeros(N)}, "empty", None),
    ],
)
def test_no_temperature_has_the_least_loss(x, y, settings, status, limit):
    found = calibrate(x, y, **settings)
    assert (found["temperature_status"], found["temperature"], found["after"]) == (status, None, None)
    assert found["loss_limit"] == (None if limit is None else pytest.approx(limit, rel=1e-14))
    assert found["temperatures_of_folds"] == []
    assert [found[f"{name}_held_out"] for name in ("loss", "gain")] == [None, None]


def test_limits_are_weighted():
    y = np.where(np.arange(N) % 2 == 0, RIGHT, (RIGHT + 1) % C)  # which TIED has, too
    w = np.random.default_rng(2).random(N)
    expected = (w[::2].sum() * math.log(2) + w[1::2].sum() * 0.0) / w.sum()
    x = np.where((np.arange(N) % 2 == 0)[:, None], TIED, np.where(np.arange(C) == y[:, None], X.max() + 1, X))
    found = calibrate(x, y, sample_weights=w)
    assert (found["temperature_status"], found["loss_limit"]) == ("zero", pytest.approx(expected, rel=1e-13))


def test_the_loss_falls_to_its_limit():
    for y, temperature in ((RIGHT, 1e-4), (X.argmin(axis=1), 1e9)):
        found = calibrate(TIED, y)
        after = calibrate(TIED, y, "--temperature", temperature)["after"]
        assert after["loss"] == pytest.approx(found["loss_limit"], rel=1e-6)


def test_a_fold_whose_others_are_all_right_has_no_temperature():
    y = np.where(np.arange(N) == 12, np.argsort(X, axis=1)[:, -2], RIGHT)
    found = calibrate(X, y)
    assert found["temperature_status"] == "fitted"
    assert [each is None for each in found["temperatures_of_folds"]] == [False, False, True, False, False]
    assert (found["loss_held_out"], found["gain_held_out"]) == (None, None)
    assert "fold-without-temperature" in codes(found)


def test_one_sample_has_a_temperature_without_an_error():
    x = np.array([[3.0, 1.0, 0.0, -9.0]])
    found = calibrate(x, np.array([1]))
    assert Samples.of(x, [1]).misses(found["temperature"], 3 * ULP) is None
    assert [found[f"temperature_{name}"] for name in ("standard_error", "ci_low", "ci_high")] == [None] * 3
    assert found["temperatures_of_folds"] == []


def test_infinite_losses_have_no_part_in_the_fit():
    x = X.copy()
    x[[3, 17], Y[[3, 17]]] = -np.inf
    found, samples = calibrate(x, Y), Samples.of(x, Y)
    assert found["before"]["loss"] is None  # JSON has no infinity
    assert samples.misses(found["temperature"], 3 * ULP) is None
    error = float(samples.standard_error(found["temperature"]))
    assert found["temperature_standard_error"] == pytest.approx(error, rel=1e-9)
    assert [samples.without(k, 5).misses(each, 1e-13) for k, each in enumerate(found["temperatures_of_folds"])] == [
        None
    ] * 5
    assert found["gain_held_out"] is None
    assert "infinite-loss" in codes(found)
