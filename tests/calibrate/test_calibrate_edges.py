"""What nll calibrate does at the edges: other samples' fits, files that change, masked classes, shares, no samples."""

import json
from pathlib import Path

import numpy as np
import pytest
from calibrated import calibrate, codes, drawn, files, soft
from in_process import nll

from nllcli.commands.calibrate import passes as passes_module

pytestmark = pytest.mark.uncounted

N, C = 60, 4
X, Y = drawn(N, C)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_what_is_wrong_with_the_samples_of_a_fit_is_told_with_their_file():
    x = X.copy()
    x[3, Y[3]] = -np.inf
    np.save("val.npy", x)
    np.save("val_y.npy", Y)
    found = calibrate(X, Y, "--fit", "val.npy", "--fit-targets", "val_y.npy")
    told = {each["code"]: each["message"] for each in found["warnings"]}
    assert told["infinite-loss"].startswith("val.npy: the loss is infinite for 1 of 60 samples")
    assert told["fitted-without"].startswith("val.npy: 1 sample of infinite loss has no part in the temperature")
    assert found["gain_held_out"] is not None


def test_a_fit_to_the_samples_themselves_by_their_name_is_told():
    found = calibrate(X, Y, "--fit", "x.npy", "--fit-targets", "y.npy")
    assert "fitted-here" in codes(found)


def test_no_temperature_of_other_samples_names_them():
    np.save("val.npy", X)
    np.save("val_y.npy", X.argmax(axis=1))
    page = nll("calibrate", *files(X, Y), "--fit", "val.npy", "--fit-targets", "val_y.npy")
    assert "none: of val.npy, every target has the largest logit of its row" in page.out
    assert "loss approaches" not in page.out
    assert "nll: warning: val.npy: no temperature has the lowest loss" in page.err


def test_files_of_a_fit_are_all_needed():
    for i in range(3):
        x = X[20 * i : 20 * i + 20].copy()
        x[0, 0] = np.nan if i == 1 else x[0, 0]
        np.save(f"v-{i}.npy", x)
        np.save(f"t-{i}.npy", Y[20 * i : 20 * i + 20])
    done = nll("calibrate", *files(X, Y), "--fit", "v-{0..2}.npy", "--fit-targets", "t-{0..2}.npy", "--partial")
    assert (done.code, "v-1.npy, row 0: class 0 is NaN" in done.err) == (3, True)


def test_no_way_out_changes_how_both_files_are_read():
    rows = [f"{','.join(map(repr, row))},{y}" for row, y in zip(X.tolist(), Y.tolist(), strict=True)]
    Path("test.csv").write_text("\n".join(["a,b,c,d,y", *rows]))
    Path("val.csv").write_text("\n".join(["n,a,b,c,d,y", *(f"{7 * i},{row}" for i, row in enumerate(rows))]))
    assert "try: nll calibrate val.csv" in nll("calibrate", "val.csv", "--target-column", "y").err
    done = nll("calibrate", "test.csv", "--target-column", "y", "--fit", "val.csv")
    assert (done.code, done.err.splitlines()[1:]) == (
        2,
        ["hint: --fit is read with the same settings as LOGITS: give both files one form"],
    )


def test_targets_of_a_fit_may_be_apart():
    np.save("val_y.npy", Y)
    rows = [f"{','.join(map(repr, row))},{y}" for row, y in zip(X.tolist(), Y.tolist(), strict=True)]
    Path("test.csv").write_text("\n".join(["a,b,c,d,y", *rows]))
    Path("val.csv").write_text("\n".join(["a,b,c,d", *(row.rpartition(",")[0] for row in rows)]))
    words = ["calibrate", "test.csv", "--target-column", "y", "--fit", "val.csv", "--fit-targets", "val_y.npy", "-q"]
    assert float(nll(*words).out) == calibrate(X, Y)["temperature"]


@pytest.mark.parametrize("change", ["broken", "longer"])
def test_files_that_change_between_passes_are_refused(change, monkeypatch):
    for i in range(2):
        np.save(f"x-{i}.npy", X[30 * i : 30 * i + 30])
        np.save(f"y-{i}.npy", Y[30 * i : 30 * i + 30])
    run, n_passes = passes_module.Passes.run, []

    def changing(self, work):
        n_passes.append(work)
        if len(n_passes) == 2:
            x = X[30:60].copy() if change == "broken" else X[:40]
            if change == "broken":
                x[4, 2] = np.nan
            np.save("x-1.npy", x)
            np.save("y-1.npy", Y[: len(x)])
        return run(self, work)

    monkeypatch.setattr(passes_module.Passes, "run", changing)
    done = nll("calibrate", "x-{0..1}.npy", "y-{0..1}.npy")
    assert (done.out, done.code) == ("", 3 if change == "broken" else 4)
    assert ("x-1.npy, row 4: class 2 is NaN" if change == "broken" else "x-1.npy") in done.err


def test_classes_masked_by_the_least_number_are_masked():
    least = np.finfo(np.float64).min
    x = X.copy()
    y = np.where(Y < 2, Y, 0)
    x[:, 2:] = least
    found, expected = calibrate(x, y), calibrate(np.where(x == least, -np.inf, x), y)
    assert found["temperature_status"] == expected["temperature_status"] == "fitted"
    assert found["temperature"] == expected["temperature"]


def test_class_weights_of_shares_have_no_best_shares():
    shares = soft(X, Y)
    assert calibrate(X, shares)["d2_log_loss"] is not None
    assert calibrate(X, shares, weights=[1.0, 2.0, 3.0, 4.0])["d2_log_loss"] is None


@pytest.mark.parametrize("weight", [1e-170, 1e200, -1.0])
def test_weights_whose_squares_lose_digits_are_refused(weight):
    done = nll("calibrate", *files(X, Y, sample_weights=np.full(N, weight)), "--no-fit")
    assert (done.code, f"w.npy, row 0: the weight is {weight:g}" in done.err) == (3, True)


def test_weights_of_any_usual_size_give_the_same():
    own = np.random.default_rng(2).exponential(size=N)
    found, expected = (calibrate(X, Y, sample_weights=own * 2.0**k)["before"] for k in (-300, 0))
    for name in ("ece", "ece_chance", "spiegelhalter_z", "brier"):
        assert found[name] == pytest.approx(expected[name], rel=1e-14)


@pytest.mark.parametrize(("x", "twice"), [([[3.0, -2.0], [-1.0, 2.0]], False), ([[0.7, 0.3], [0.1, 0.9]], True)])
def test_rows_with_negative_numbers_are_no_probabilities(x, twice):
    assert ("softmax-twice" in codes(calibrate(np.array(x), np.array([0, 0])))) is twice


def test_what_weights_and_shares_make_uncertain_is_told():
    assert {"class-weights", "weighted"} <= codes(calibrate(X, Y, weights=[1.0, 2.0, 3.0, 4.0]))
    assert "weighted" in codes(calibrate(X, Y, sample_weights=np.arange(1.0, N + 1)))
    assert "soft-targets" in codes(calibrate(X, soft(X, Y)))
    assert not {"class-weights", "weighted", "soft-targets"} & codes(calibrate(X, Y))


def test_the_groups_of_classes_are_told_too(monkeypatch):
    monkeypatch.setattr("nllcli.commands.calibrate.measures.MOST_SAMPLES", 4 * (N - 1))
    assert calibrate(X, Y)["n_groups"] > 1


@pytest.mark.parametrize("words", [["--no-fit"], ["--temperature", "2"]])
def test_no_temperature_to_print(words):
    done = nll("calibrate", *files(X, Y), *words, "-q")
    assert (done.code, done.out) == (5, "")
    assert f"{' '.join(words)} --print ece  # the calibration error" in done.err
    assert nll("calibrate", *files(X, Y), *words, "--print", "ece").code == 0


def test_bins_and_classes_are_two_tables():
    done = nll("calibrate", *files(X, Y), "--bins", "5", "--per-class", "-f", "csv")
    assert (done.code, "csv holds one table, and here are two" in done.err) == (2, True)
    both = nll("calibrate", *files(X, Y), "--bins", "5", "--per-class", "-f", "json").out
    assert (len(json.loads(both)["before"]["bins"]), len(json.loads(both)["per_class"])) == (5, C)


def test_a_folder_is_said_to_be_one(tmp_path):
    (tmp_path / "empty").mkdir()
    np.save("y.npy", Y)
    assert "is a folder" in nll("calibrate", "empty", "y.npy").err
