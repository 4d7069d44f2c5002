"""nll calibrate of several files, by threads, blocks and processes: the same bits, however samples are kept."""

import json
from itertools import pairwise

import numpy as np
import pytest
from calibrated import drawn, softmax
from in_process import nll

from nllcli import engine
from nllcli.commands.calibrate import kept

pytestmark = pytest.mark.uncounted

N, C = 1501, 3
CUTS = [0, 600, 603, N]
X, Y = drawn(N, C)
Y[::50] = -100


@pytest.fixture(params=["memory", "passes"])
def folder(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if request.param == "passes":
        monkeypatch.setattr(kept, "_MOST_ROWS", 100)
    arrays = {"x": X.astype(np.float32), "y": Y, "w": np.random.default_rng(1).random(N)}
    for name, values in arrays.items():
        np.save(f"{name}.npy", values)
        for i, (start, stop) in enumerate(pairwise(CUTS)):
            np.save(f"{name}-{i}.npy", values[start:stop])
    return tmp_path


def numbers(*words):
    """All that a report says, but for the names of files and the workers."""
    found = nll("calibrate", *words, "-f", "json").json
    return {name: value for name, value in found.items() if name not in ("inputs", "signature", "notes", "warnings")}


WHOLE, PARTS = ["x.npy", "y.npy"], ["x-{0..2}.npy", "y.npy"]
WEIGHTS = {"alike": [], "weighted": ["--sample-weights", "w.npy", "--weights", "1,0.25,2"]}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_whoever_works_on_whatever_files_gives_the_same_bits(weights, monkeypatch):
    whole = numbers(*WHOLE, "--threads", "1", *weights)
    assert whole["gain_held_out"] is not None
    for threads in (2, 7):
        assert numbers(*WHOLE, "--threads", threads, *weights) == whole
    monkeypatch.setattr(engine, "BLOCK_ELEMENTS", 300 * C)
    for words in (WHOLE, PARTS):
        assert numbers(*words, "--threads", "3", *weights) == whole


@pytest.mark.usefixtures("folder")
def test_weights_may_be_in_files_of_their_own():
    words = ["x-{0..2}.npy", "y-{0..2}.npy", "--sample-weights", "w-{0..2}.npy"]
    assert numbers(*words) == numbers(*WHOLE, "--sample-weights", "w.npy")


@pytest.mark.parametrize("folder", ["passes"], indirect=True)
@pytest.mark.usefixtures("folder")
def test_text_of_several_files():
    for i in range(3):
        np.savetxt(f"x-{i}.csv", np.load(f"x-{i}.npy"), delimiter=",", fmt="%.17g")
        np.savetxt(f"y-{i}.txt", np.load(f"y-{i}.npy"), fmt="%d")
    np.save("x64.npy", np.load("x.npy").astype(np.float64))
    whole = numbers("x64.npy", "y.npy")
    assert numbers("x-{0..2}.csv", "y.npy") == whole
    assert numbers("x-{0..2}.csv", "y-{0..2}.txt", "--processes", "2") == whole


@pytest.mark.parametrize("folder", ["passes"], indirect=True)
@pytest.mark.usefixtures("folder")
def test_probabilities_and_a_temperature_of_other_files():
    for i in range(3):
        np.save(f"x-{i}.npy", softmax(np.load(f"x-{i}.npy").astype(np.float64)))
    np.save("x.npy", np.concatenate([np.load(f"x-{i}.npy") for i in range(3)]))
    source = [
        "--from",
        "probs",
        "--binning",
        "mass",
    ]
    given = ["--temperature", "2.5", *source]
    assert numbers(*PARTS, *given) == numbers(*WHOLE, *given)
    whole = numbers(*WHOLE, "--fit", "x.npy", "--fit-targets", "y.npy", *source)
    assert numbers(*PARTS, "--fit", "x-{0..2}.npy", "--fit-targets", "y.npy", *source) == whole


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_read_is_left_out_where_that_is_allowed():
    broken = np.load("x-1.npy")
    broken[1, 0] = np.nan
    np.save("x-1.npy", broken)
    words = ["calibrate", "x-{0..2}.npy", "y-{0..2}.npy"]
    refused = nll(*words)
    assert (refused.code, "x-1.npy, row 1: class 0 is NaN" in refused.err) == (3, True)
    rows = np.r_[0 : CUTS[1], CUTS[2] : N]
    for name in "xy":
        np.save(f"{name}.npy", np.load(f"{name}.npy")[rows])
    # Samples keep the folds that they had among all.
    names = ("temperature", "temperature_standard_error", "before", "after", "n_samples", "n_counted")
    whole = numbers(*WHOLE)
    partial = nll(*words, "--partial", "-f", "json")
    assert partial.code == 3
    found = json.loads(partial.out)
    assert "partial" in {each["code"] for each in found["warnings"]}
    assert [found[name] for name in names] == [whole[name] for name in names]


@pytest.mark.parametrize("folder", ["memory"], indirect=True)
@pytest.mark.usefixtures("folder")
def test_samples_are_named_by_their_file():
    impossible = np.load("x-2.npy")
    impossible[4, np.load("y-2.npy")[4]] = -np.inf
    np.save("x-2.npy", impossible)
    negative = np.load("w-2.npy")
    negative[7] = -1.0
    np.save("w-2.npy", negative)
    parts = ["calibrate", "x-{0..2}.npy", "y-{0..2}.npy"]
    assert "x-2.npy, row 4" in nll(*parts, "--processes", "2").err
    refused = nll(*parts, "--sample-weights", "w-{0..2}.npy")
    assert (refused.code, refused.out) == (3, "")
    assert "w-2.npy, row 7: the weight is -1" in refused.err
