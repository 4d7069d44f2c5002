"""What nll calibrate warns of, notes and refuses, once it has looked at the samples."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calibrated import calibrate, codes, draw, drawn, files, softmax
from in_process import nll

from nllcli.commands.calibrate import plan

N, C = 60, 4
X, Y = drawn(N, C)
RIGHT = X.argmax(axis=1)
ONE_WRONG = np.where(np.arange(N) == 12, np.argsort(X, axis=1)[:, -2], RIGHT)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def infinite():
    x = X.copy()
    x[3, Y[3]] = -np.inf
    return x


CASES = {
    "temperature-at-zero": (X, RIGHT, [], {}),
    "temperature-at-infinity": (X, X.argmin(axis=1), [], {}),
    "temperature-undefined": (np.ones((N, C)), Y, [], {}),
    "fold-without-temperature": (X, ONE_WRONG, [], {}),
    "fitted-here": (X, Y, ["--folds", "0"], {}),
    "few-samples": (X, ONE_WRONG, ["--no-fit"], {}),
    "softmax-twice": (softmax(X), Y, [], {}),
    "infinite-loss": (infinite(), Y, [], {}),
    "no-folds": (X[:4], Y[:4], [], {}),
    "ece-within-chance": (X, draw(softmax(X), np.random.default_rng(0)), [], {}),
}


@pytest.mark.parametrize("code", CASES)
def test_each_notice_has_its_case(code):
    x, y, words, settings = CASES[code]
    found = calibrate(x, y, *words, **settings)
    assert code in codes(found)
    kinds = {each["code"] for each in found["notes"]}
    assert (code in kinds) == (code in ("no-folds", "ece-within-chance"))


def test_nothing_is_said_where_all_is_well():
    x, y = drawn(400, C)
    assert codes(calibrate(x, y)) == set()


@pytest.mark.parametrize(
    ("x", "y", "words", "settings", "absent"),
    [
        (softmax(X), Y, [], {"source": "probs"}, "softmax-twice"),
        (np.where(np.arange(N)[:, None] == 5, 1.0, softmax(X)), Y, [], {}, "softmax-twice"),
        (X, Y, ["--temperature", "2"], {}, "fitted-here"),
        (X, RIGHT, ["--folds", "0"], {}, "fitted-here"),
        (X, Y, ["--folds", "2"], {}, "fitted-here"),
        (X, Y, [], {}, "few-samples"),
    ],
)
def test_what_is_not_said(x, y, words, settings, absent):
    assert absent not in codes(calibrate(x, y, *words, **settings))


def test_a_temperature_of_another_file_is_not_praised_for_its_own():
    np.save("a.npy", X)
    np.save("b.npy", Y)
    found = calibrate(X, Y, "--fit", "a.npy", "--fit-targets", "b.npy")
    assert found["temperature_status"] == "fitted"
    assert not codes(found) & {"fitted-here", "no-folds"}


@pytest.mark.parametrize("n", [1, 4])
def test_folds_of_few_samples(n):
    found = calibrate(X[:n], Y[:n])
    assert "no-folds" in codes(found)
    assert found["temperatures_of_folds"] == []
    code, told = refused(X[:n], Y[:n], "--folds", "5")
    assert (code, f"--folds 5 needs as many samples that count, and here {'is' if n == 1 else 'are'} {n}" in told) == (
        2,
        True,
    )
    assert "try: nll calibrate x.npy y.npy --from logits --folds 0" in told


def test_ignored_samples_do_not_count_for_folds():
    y = np.where(np.arange(N) < 4, Y, -100)
    assert "no-folds" in codes(calibrate(X, y))


def refused(x, y, *words, **settings):
    """The exit code of a calibration that fails, and all it says; what it says to try succeeds."""
    done = nll("calibrate", *files(x, y, **settings), *words)
    assert done.out == ""
    for line in done.err.splitlines():
        if line.startswith("try: nll "):
            assert nll(*shlex.split(line.removeprefix("try: nll "), comments=True)).code == 0
    return done.code, done.err


@pytest.mark.parametrize("words", [[], ["--no-fit"], ["--temperature", "2"]])
def test_weights_below_0(words):
    weights = np.where(np.arange(N) == 12, -0.5, 1.0)
    code, told = refused(X, Y, *words, sample_weights=weights)
    assert (code, "w.npy, row 12: the weight is -0.5" in told) == (3, True)
    code, told = refused(X, Y, *words, weights=[1.0, -0.25, 1.0, 1.0])
    assert (code, "needs class weights from 1e-100 to 1e+100, or 0" in told) == (2, True)


def test_values_that_are_no_probabilities():
    for x, source in ((np.log(softmax(X)) + 1, "log-probs"), (X, "probs"), (np.full((N, C), np.nan), "logits")):
        code, told = refused(x, Y, source=source)
        assert code == 3
        assert "x.npy, row 0" in told


def test_no_targets_and_no_classes():
    files(X, Y)
    assert nll("calibrate", "x.npy").code == 2
    done = nll("calibrate", "x.npy", "--from", "token-log-probs")
    assert done.code == 2


def test_a_class_that_is_not_there():
    names = ["--classes", "cat,dog,horse,mouse"]
    code, told = refused(X, Y, *names, "--of", "class:hrose")
    assert code == 2
    assert "there is no class 'hrose'" in told
    assert "try: nll calibrate x.npy y.npy --from logits --classes cat,dog,horse,mouse --of class:horse" in told
    assert calibrate(X, Y, *names, "--of", "class:horse")["before"]["bins"]
    assert refused(X, Y, "--of", "class:9")[0] == 2


@pytest.mark.parametrize(
    ("of", "meant"),
    [
        ("classwize", "classwise"),
        ("horse", "class:horse"),
        ("hrose", "class:horse"),
        ("clases", None),
        ("class:", None),
        ("", None),
    ],
)
def test_claims_that_there_are_not(of, meant):
    line = ["--classes", "cat,dog,horse,mouse", "--of"]
    code, told = refused(X, Y, *line, of)
    first, *others = told.splitlines()
    assert (code, "is not top, classwise or class:NAME" in first) == (2, True)
    assert [each.rpartition(" ")[2] for each in others if each.startswith("try: ")] == ([meant] if meant else [])
    if meant:
        assert calibrate(X, Y, *line, meant)["before"]["ece"] is not None


def test_what_is_asked_is_settled_before_a_fit_to_other_samples():
    code, told = refused(X, Y, "--fit", "none.npy", "--fit-targets", "y.npy", "--of", "clases")
    assert (code, "--of clases is not top" in told) == (2, True)


def test_bins_of_too_many_classes(monkeypatch):
    monkeypatch.setattr(plan, "_MOST_CLASS_BINS", 4 * C)
    for words in (["--of", "classwise"], ["--per-class"], ["--threshold", "0.01"]):
        code, told = refused(X, Y, *words)
        assert (code, f"15 bins of each of {C} classes would take" in told) == (4, True)
        assert f"{' '.join(words)} --bins 4" in told
    found = calibrate(X, Y)["before"]
    assert (found["ece_classwise"], found["ece"] is None) == (None, False)


def test_rules_of_libraries_that_have_no_meaning_here():
    code, told = refused(X, Y, "--like", "sklearn")
    assert (code, "sklearn measures two classes, and here are 4" in told) == (2, True)
    assert "try: nll calibrate x.npy y.npy --from logits" in told
    assert refused(X, Y, "--like", "mapie", "--bins", "1")[0] == 2
    assert calibrate(X[:, :2], Y % 2, "--like", "sklearn")["before"]["ece"] is not None


@pytest.mark.parametrize("temperature", ["0", "-1", "inf", "nan"])
def test_temperatures_that_are_none(temperature):
    code, told = refused(X, Y, "--temperature", temperature)
    assert (code, "temperature" in told) == (2, True)


def test_other_files_have_the_same_classes():
    np.save("a.npy", X[:, :3])
    np.save("b.npy", Y % 3)
    code, told = refused(X, Y, "--fit", "a.npy", "--fit-targets", "b.npy")
    assert code in (2, 3)
    assert "a.npy" in told


def test_standard_input_is_read_once(monkeypatch):
    files(X, Y)

    def run(*words):
        with Path("x.npy").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            return nll("calibrate", *words)

    done = run("-", "y.npy")
    assert (done.code, done.out) == (2, "")
    assert "a temperature is fitted in several passes, and standard input cannot be read twice" in done.err
    assert "try: cat > saved-input && nll calibrate saved-input y.npy  # saved first" in done.err
    with Path("x.npy").open() as file:
        subprocess.run("cat > saved-input", shell=True, stdin=file, check=True)
    assert nll("calibrate", "saved-input", "y.npy", "-q").out == nll("calibrate", "x.npy", "y.npy", "-q").out
    assert run("x.npy", "y.npy", "--fit", "-", "--fit-targets", "y.npy").code == 2
    for words in (["--no-fit"], ["--temperature", "2"], ["--fit", "x.npy", "--fit-targets", "y.npy"]):
        found = run("-", "y.npy", *words, "-f", "json").json
        assert found["before"] == run("x.npy", "y.npy", *words, "-f", "json").json["before"]


@pytest.mark.parametrize(
    "words", ["--bins 3", "--per-class", "--of classwise", "--of class:1", "--smooth", "--like guo"]
)
@pytest.mark.parametrize("n", [0, 3])
def test_what_holds_nothing_is_listed_without_rows(n, words):
    """Samples that are all ignored, or none at all."""
    given = files(X[:n], np.full(n, -100))
    for form in ("table", "csv", "json"):
        done = nll("calibrate", *given, *words.split(), "-f", form)
        assert (done.code, bool(done.out)) == (0, True)
    listed = nll("calibrate", *given, "--bins", "3", "--binning", "mass", "-f", "csv").out
    assert listed == "probabilities,temperature,low,high,count,weight,confidence,accuracy,gap,chance\n"


def test_classwise_errors_have_no_one_list_of_bins():
    for words in (["--of", "classwise"], ["--of", "classwise", "--bins", "15"]):
        assert nll("calibrate", *files(X, Y), *words, "-f", "csv").out.startswith("metric,value\ntemperature,")
    code, told = refused(X, Y, "--binning", "mass", "--bins", "3", sample_weights=np.arange(1.0, N + 1))
    assert (code, "--binning mass has no meaning for samples that weigh differently" in told) == (2, True)
