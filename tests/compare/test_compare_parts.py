"""nll compare of several files, by threads and processes: the same bits, resampling included."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from in_process import nll

from nllcli import engine

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(16)
N, C = 9001, 3
CUTS = {"a": [0, 1000, 1003, N], "b": [0, 4500, N], "even": [0, 1000, 1003, N]}
NEEDED = ["--permutations", "99", "--bootstrap", "99", "--names", "a,b", "-f", "json"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = RNG.normal(size=(N, C)).astype(np.float32)
    arrays = {"a": a, "b": a + RNG.normal(size=a.shape).astype(np.float32), "t": RNG.integers(0, C, N)}
    arrays["t"][::50] = -100
    arrays["g"], arrays["s"], arrays["w"] = np.arange(N) // 7, RNG.integers(0, 500, N), RNG.random(N)
    for name, values in arrays.items():
        np.save(f"{name}.npy", values)
    for name, cuts in (("a", CUTS["a"]), ("b", CUTS["b"]), ("even", CUTS["even"]), ("t", CUTS["a"])):
        source = arrays["b" if name == "even" else name]
        for i, (start, stop) in enumerate(pairwise(cuts)):
            np.save(f"{name}-{i}.npy", source[start:stop])
    return tmp_path


def numbers(*words):
    """The numbers of a comparison, without the names of files."""
    done = nll("compare", *words, *NEEDED).json
    for pair in done["comparisons"]:
        for each in pair["largest"]:
            each.pop("sample")
    return done["comparisons"], [{**model, "path": None} for model in done["models"]]


UNITS = {"samples": [], "together": ["--clusters", "g.npy"], "scattered": ["--clusters", "s.npy"]}
WAYS = {
    "threads": ["a.npy", "b.npy", "-t", "t.npy", "--threads", "3"],
    "files": ["a-{0..2}.npy", "even-{0..2}.npy", "-t", "t.npy"],
    "files and one": ["a-{0..2}.npy", "b.npy", "-t", "t.npy"],
    "files cut elsewhere": ["a-{0..2}.npy", "b-{0..1}.npy", "-t", "t.npy"],
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("weights", [[], ["--sample-weights", "w.npy"]], ids=["alike", "weighted"])
def test_whoever_works_on_whatever_files_gives_the_same_bits(units, weights, monkeypatch):
    whole = numbers("a.npy", "b.npy", "-t", "t.npy", "--threads", "1", *units, *weights)
    for way in WAYS.values():
        assert numbers(*way, *units, *weights) == whole
    monkeypatch.setattr(engine, "BLOCK_ELEMENTS", 500 * C)
    assert numbers("a.npy", "b.npy", "-t", "t.npy", *units, *weights) == whole
    assert numbers(*WAYS["files cut elsewhere"], *units, *weights) == whole


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_other_processes_give_the_same_bits(units):
    whole = numbers("a.npy", "b.npy", "-t", "t.npy", *units)
    assert numbers("a-{0..2}.npy", "even-{0..2}.npy", "-t", "t.npy", "--processes", "2", *units) == whole
    if not units:
        assert numbers("a-{0..2}.npy", "even-{0..2}.npy", "-t", "t-{0..2}.npy", "--processes", "2") == whole


@pytest.mark.usefixtures("folder")
def test_samples_of_several_files_are_named_by_their_file():
    found = nll("compare", "a-{0..2}.npy", "even-{0..2}.npy", "-t", "t.npy", "-f", "json", "--processes", "2").json
    for each in found["comparisons"][0]["largest"]:
        file, _, row = each["sample"].partition(", row ")
        sample = int(row) + CUTS["a"][int(file.removeprefix("a-").removesuffix(".npy"))]
        assert np.load(file)[int(row)].tolist() == np.load("a.npy")[sample].tolist()


@pytest.mark.usefixtures("folder")
def test_text_of_several_files_is_worked_on_here(folder):
    for name, cuts in (("a", CUTS["a"]), ("even", CUTS["even"])):
        for i in range(len(cuts) - 1):
            np.savetxt(folder / f"{name}-{i}.csv", np.load(f"{name}-{i}.npy"), delimiter=",", fmt="%.17g")
    texts = ["a-{0..2}.csv", "even-{0..2}.csv", "-t", "t.npy"]
    arrays = [each.astype(np.float64) for each in (np.load("a.npy"), np.load("b.npy"))]
    np.save("a64.npy", arrays[0])
    np.save("b64.npy", arrays[1])
    whole = numbers("a64.npy", "b64.npy", "-t", "t.npy")
    assert numbers(*texts) == numbers(*texts, "--processes", "2") == whole


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_compared_is_left_out_where_that_is_allowed():
    broken = np.load("even-1.npy")
    broken[1, 0] = np.nan
    np.save("even-1.npy", broken)
    words = ["compare", "a-{0..2}.npy", "even-{0..2}.npy", "-t", "t-{0..2}.npy"]
    refused = nll(*words)
    assert (refused.code, "even-1.npy, row 1: class 0 is NaN" in refused.err) == (3, True)
    assert refused.err.splitlines()[-1].startswith("try: nll compare")
    partial = nll(*words, "--partial", *NEEDED)
    assert partial.code == 3
    found = json.loads(partial.out)
    assert "partial" in {warning["code"] for warning in found["warnings"]}
    kept = np.r_[0:1000, 1003:N]
    for name in "abt":
        np.save(f"kept_{name}.npy", np.load(f"{name}.npy")[kept])
    whole = nll("compare", "kept_a.npy", "kept_b.npy", "-t", "kept_t.npy", *NEEDED).json
    keys = ("loss_difference", "standard_error", "p_value", "n_better", "kl_divergence", "unit_size")
    assert [found["comparisons"][0][key] for key in keys] == [whole["comparisons"][0][key] for key in keys]
    saving = nll(*words, "--partial", "--save-differences", "d.npy")
    assert (saving.code, "even-1.npy, row 1: class 0 is NaN" in saving.err) == (3, True)
    assert not Path("d.npy").exists()


@pytest.mark.usefixtures("folder")
def test_findings_name_the_model_and_the_place_whoever_works():
    for name in ("a", "even"):
        p = np.exp(np.load(f"{name}-2.npy"))
        np.save(f"{name}-2.npy", p / p.sum(axis=1, keepdims=True))
        for i in (0, 1):
            q = np.exp(np.load(f"{name}-{i}.npy"))
            np.save(f"{name}-{i}.npy", q / q.sum(axis=1, keepdims=True))
    zero, target = np.load("even-2.npy"), np.load("t-2.npy")
    zero[4] = 1.0 / (C - 1)
    zero[4, max(target[4], 0)] = 0.0
    np.save("even-2.npy", zero)
    for more in ([], ["--processes", "2"]):
        done = nll("compare", "a-{0..2}.npy", "even-{0..2}.npy", "-t", "t.npy", "--from", "probs", *more)
        assert "even-{0..2}.npy: the loss is infinite for 1 of 9001 samples" in done.err
        assert "even-2.npy, row 4" in done.err
        assert "to what a-{0..2}.npy does not" not in done.err


@pytest.mark.usefixtures("folder")
def test_differences_of_three_models_are_not_saved():
    np.save("c.npy", np.load("a.npy") * 2)
    done = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "--save-differences", "d.npy")
    assert (done.code, "writes those of two models, and here are 3" in done.err) == (2, True)


@pytest.mark.usefixtures("folder")
def test_differences_are_saved_by_threads_and_processes_alike():
    for i, more in enumerate((["--threads", "1"], ["--threads", "3"], ["--processes", "2"])):
        done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-q", "--save-differences", f"d{i}.npy", *more)
        assert done.code == 0
    first = np.load("d0.npy")
    assert all(np.array_equal(np.load(f"d{i}.npy"), first) for i in (1, 2))
    assert (first[::50] == 0).all()
