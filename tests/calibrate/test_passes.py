"""The fit of more samples than are kept in memory, in passes over all of them, beside the fit in memory."""

import numpy as np
import pytest
from calibrated import calibrate, drawn, files, masked, soft, softmax
from in_process import nll
from plain_temperature import Samples

from nllcli.commands.calibrate import kept
from nllcli.commands.calibrate.passes import Passes

pytestmark = pytest.mark.uncounted

N, C = 2000, 3
ULP = 2.0**-52
X, Y = drawn(N, C)
FAR_X, FAR_Y = drawn(N, C, scale=3000.0, temperature=2000.0)
WEIGHTS = np.where(np.arange(N) % 7 == 0, 0.0, np.random.default_rng(1).random(N))


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def passes(monkeypatch):
    """The temperatures that each pass looks at."""
    found, run = [], Passes.run
    monkeypatch.setattr(Passes, "run", lambda self, look: found.append(look.temperatures) or run(self, look))
    return found


@pytest.fixture
def keeping(monkeypatch):
    """A call that has fewer rows kept from then on."""
    return lambda n: monkeypatch.setattr(kept, "_MOST_ROWS", n)


def assert_close(found, expected):
    """Two fits of the same samples."""
    assert found["temperature"] == pytest.approx(expected["temperature"], rel=1e-14)
    assert found["temperatures_of_folds"] == pytest.approx(expected["temperatures_of_folds"], rel=1e-9)
    for name in ("temperature_standard_error", "loss_held_out", "gain_held_out", "gain_held_out_standard_error"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
    for name in ("temperature", "loss", "brier", "ece", "spiegelhalter_z"):
        assert found["after"][name] == pytest.approx(expected["after"][name], rel=1e-11)
    assert found["before"] == expected["before"]


@pytest.mark.parametrize(
    ("x", "y", "settings"),
    [
        (X, Y, {}),
        (FAR_X.astype(np.float32), FAR_Y, {}),
        (X * 1e-6, Y, {}),
        (masked(X, Y), Y, {}),
        (X, np.where(np.arange(N) % 3 == 1, -100, Y), {"sample_weights": WEIGHTS}),
        (X, soft(X, Y), {"weights": [1.0, 0.25, 2.0], "sample_weights": WEIGHTS}),
        (np.diff(X[:, :2]), Y % 2, {}),
        (softmax(X), Y, {"source": "probs"}),
        (np.log(softmax(X)), Y, {"source": "log-probs", "weights": [1.0, 0.0, 2.0]}),
    ],
    ids=["plain", "large", "small", "masked", "weighted", "soft", "binary", "probs", "log-probs"],
)
def test_passes_find_what_is_found_in_memory(x, y, settings, keeping, passes):
    expected = calibrate(x, y, **settings)
    assert [len(each) for each in passes] == [1, 1]
    passes.clear()
    keeping(200)
    assert_close(calibrate(x, y, **settings), expected)
    assert 3 <= len(passes) <= 4 + 2 * 5  # folds that lie far from all have passes of their own


def test_usual_fits_take_three_passes(keeping, passes):
    x, y = drawn(9000, C)
    for n in (2000, 600):
        keeping(n)
        passes.clear()
        found = calibrate(x, y)
        assert len(passes) == 3
        (first,), *_, (last,) = passes
        assert (first, last) == (1.0, pytest.approx(found["temperature"], rel=1e-12))


@pytest.mark.parametrize("n_kept", [1, 3, 20])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_few_rows_that_mislead_still_lead_to_the_root(n_kept, scale, keeping, passes):
    keeping(n_kept)
    x, y = X[:300] * scale, Y[:300]
    temperature = calibrate(x, y, "--folds", "0")["temperature"]
    assert Samples.of(x, y).misses(temperature, 3 * ULP) is None
    assert len(passes) < 12


@pytest.mark.parametrize("n_rows", [1, 2, 4])
def test_repeated_rows_are_all_kept_or_none(n_rows, keeping):
    """The hashes of equal rows are equal: below the bound of what is kept, or not."""
    x = np.tile(([3.0, 1.0, 0.0], [0.5, 2.0, 1.0], [1.0, 1.5, 0.0], [4.0, 0.0, 3.9])[:n_rows], (300, 1))
    y = np.where(np.arange(len(x)) % 11 == 0, 1, x.argmax(axis=1))
    expected = calibrate(x, y)
    for n in (1, 16, 100):
        keeping(n)
        assert_close(calibrate(x, y), expected)


@pytest.mark.parametrize("seed", range(6))
def test_rows_of_all_scales(seed, keeping, passes):
    """What a part of them says is far off: steps are cut, and the root is found."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, C)) * np.exp(2 * rng.normal(size=(200, 1)))
    y = (rng.random((200, 1)) > np.cumsum(softmax(x / 3), axis=1)[:, :-1]).sum(axis=1)
    keeping(4)
    temperature = calibrate(x, y, "--folds", "0")["temperature"]
    assert Samples.of(x, y).misses(temperature, 3 * ULP) is None
    assert len(passes) < 15


def test_a_fold_far_from_all_others(keeping):
    x, y = X.copy(), Y.copy()
    x[7], y[7] = [0.0, 3e3, 0.0], 0
    expected = calibrate(x, y)
    keeping(200)
    assert_close(calibrate(x, y), expected)


def test_what_has_no_temperature_is_passed_once(keeping, passes):
    keeping(20)
    for y in (X.argmax(axis=1), X.argmin(axis=1)):
        passes.clear()
        assert calibrate(X, y)["temperature"] is None
        assert passes == [(1.0,)]


def test_a_fold_without_a_temperature_leaves_no_gain(keeping):
    y = np.where(np.arange(N) == 12, np.argsort(X, axis=1)[:, -2], X.argmax(axis=1))
    expected = calibrate(X, y)
    keeping(200)
    found = calibrate(X, y)
    assert [each is None for each in found["temperatures_of_folds"]] == [False, False, True, False, False]
    assert found["temperature"] == pytest.approx(expected["temperature"], rel=1e-14)
    assert found["gain_held_out"] is None


def test_infinite_losses_leave_a_temperature_without_a_gain(keeping):
    x = X.copy()
    x[[3, 17], Y[[3, 17]]] = -np.inf
    expected = calibrate(x, Y)
    keeping(200)
    found = calibrate(x, Y)
    assert found["temperature"] == pytest.approx(expected["temperature"], rel=1e-14)
    assert [found[f"{name}_held_out"] for name in ("gain", "loss")] == [None, None]
    assert found["warnings"] == expected["warnings"]


def test_no_gain_is_shown_where_losses_are_infinite(keeping):
    x = X.copy()
    x[3, Y[3]] = -np.inf
    words = files(x, Y)
    for most, more in ((1 << 14, []), (200, []), (200, ["--temperature", "2"])):
        keeping(most)
        assert "nan" not in nll("calibrate", *words, *more).out


def test_another_file_is_fitted_to_in_passes(keeping, passes):
    np.save("other.npy", X[:100])
    np.save("other_y.npy", Y[:100])
    keeping(200)
    found = calibrate(X, Y, "--folds", "0")
    passes.clear()
    np.save("a.npy", X)
    np.save("b.npy", Y)
    other = calibrate(X[:100], Y[:100], "--fit", "a.npy", "--fit-targets", "b.npy")
    assert (other["temperature"], other["after"]["temperature"]) == (found["temperature"],) * 2
    assert len(passes) == 4
