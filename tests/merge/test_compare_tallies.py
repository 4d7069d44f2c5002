"""nll merge of comparisons: the numbers of one run over all files, however these are cut into jobs, in any order."""

import json
import math
import random
import re
from itertools import pairwise, product

import numpy as np
import pytest
from following import inside
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from in_process import nll

from nllcli.commands.compare import units

# By name: the options that go with the inputs.
KINDS = {
    "plain": (),
    "resampled": ("--permutations", "99", "--bootstrap", "99"),
    "few": ("--margin", "0.1", "--confidence", "0.9", "--seed", str(2**64 - 1)),
    "ignored": ("--ignore-index", "1", "--permutations", "99"),
    "sum": ("--reduction", "sum", "--bootstrap", "99"),
    "weights": ("--weights", "1,0.25,3", "--bootstrap", "99"),
    "sample-weights": ("--permutations", "99", "--largest", "5"),
    "weights-sum": ("--weights", "1,-1,3", "--reduction", "sum"),
    "soft": (),
    "probs": ("--from", "probs"),
    "clip": ("--from", "probs", "--clip", "0.01"),
    "nan": ("--on-nonfinite", "nan"),
    "losses": ("--from", "losses"),
    "tokens": ("--from", "token-log-probs"),
    "mixed": ("--from", "logits,probs,logits", "--temperature", "2,1,1"),
    "all-pairs": ("--all-pairs", "--no-divergence", "--adjust", "none"),
    "sequences": ("--bootstrap", "99"),
    "axis:0": ("--groups", "axis:0", "--permutations", "99"),
    "axis:0 weights": ("--groups", "axis:0", "--bootstrap", "99"),
    "axis:1": ("--groups", "axis:1"),
    "labels": ("--permutations", "99", "--bootstrap", "99"),
    "texts": ("--permutations", "99", "--bootstrap", "99"),
    "labels weights": ("--permutations", "99", "--weights", "1,0.25,3"),
    "labels probs": ("--from", "probs"),
    "one-vs-rest": ("--loss", "one-vs-rest"),
}
MODELS = {"mixed": "abc", "all-pairs": "abc"}
# What the files of all parts, or of some, are called together.
FILES = re.compile(r"p(\*|\?|\[0-\d\])-")
LABELS = ("labels", "texts", "labels weights", "labels probs")


def samples(kind, n, rng):
    """The arrays of ``n`` samples by the letter of the model, or by the option that takes them."""
    shape = (n, 4) if kind in ("sequences", "axis:0", "axis:0 weights", "axis:1") else (n,)
    found = {}
    for place, model in enumerate(MODELS.get(kind, "ab")):
        x = rng.normal(scale=3.0, size=(*shape, 3))
        if kind in ("probs", "clip", "labels probs") or (kind == "mixed" and place == 1):
            x = rng.dirichlet(np.ones(3), shape)
            x[rng.random(shape) < 0.3] = [0.0, 0.5, 0.5]  # now and then an infinite loss, or divergence
        elif kind == "nan":
            x[rng.random(n) < 0.3, 1] = np.nan
        elif kind in ("losses", "tokens"):
            x = rng.exponential(size=n) * (1.0 if kind == "losses" else -1.0)
        found[model] = x
    if kind == "soft":
        found["targets"] = rng.dirichlet(np.ones(3), n)
    elif kind not in ("losses", "tokens"):
        found["targets"] = rng.integers(0, 3, shape)
    if kind in ("sample-weights", "axis:0 weights"):
        found["sample-weights"] = rng.exponential(size=shape) * rng.choice([1.0, -0.5, 0.0], shape, p=[0.7, 0.1, 0.2])
    if kind in LABELS:
        found["groups"] = rng.integers(0, 6, n)
        if kind == "texts":
            found["groups"] = np.array([f"document {i}" for i in found["groups"].tolist()], "U16")
    return found


def words(name, arrays, kind):
    """What compares the files of this name, or of all that it is a pattern for."""
    models = [option for option in arrays if len(option) == 1]
    found = ["compare", *(f"{name}{model}.npy" for model in models), "--names", ",".join(models), *KINDS[kind]]
    for option in arrays:
        if option not in models:
            found += [f"--{option}", f"{name}{option}.npy"]
    return found


def save(name, arrays):
    for option, array in arrays.items():
        np.save(f"{name}{option}.npy", array)


def comparable(text):
    """A report without what differs between one run and its parts: the names of files together, and the files."""
    report = json.loads(text)
    assert (
        sum(each["n_samples"] for each in report.pop("inputs", [{"n_samples": report["n_samples"]}]))
        == (report["n_samples"])
    )
    report["signature"] = FILES.sub("p-", report["signature"])
    for model in report["models"]:
        model.pop("path")
    for notice in (*report["warnings"], *report["notes"]):
        notice["message"] = FILES.sub("p-", notice["message"])
    return report


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 2**32), st.integers(1, 30), st.data())
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_parts_give_the_report_of_all(kind, tmp_path, seed, n, data):
    """Down to the last bit of every number, whatever the cuts, the jobs, the order and the nesting."""
    cuts = data.draw(st.lists(st.integers(1, n), min_size=1, max_size=5, unique=True))
    rng = random.Random(seed)
    with inside(tmp_path):
        for old in tmp_path.iterdir():
            old.unlink()
        arrays, names = samples(kind, n, np.random.default_rng(seed)), []
        bounds = sorted({0, *cuts, n})
        for i, (a, b) in enumerate(pairwise(bounds)):
            save(f"p{i}-", {name: array[a:b] for name, array in arrays.items()})
        whole = nll(*words("p?-", arrays, kind), "-f", "json")
        assume("count double" not in whole.err)  # samples of few different ones are easily the same
        split = rng.randrange(len(bounds) - 1)  # the parts before are one job
        jobs = [f"p[0-{split}]-"] * (split > 0) + [f"p{i}-" for i in range(split + (split > 0), len(bounds) - 1)]
        for i, name in enumerate(jobs):
            names.append(f"{i}.tally.json")
            done = nll(*words(name, arrays, kind), "-o", names[-1])
            assert done.code == 0, done.err
        rng.shuffle(names)
        if len(names) > 2:
            assert nll("merge", *names[:2], "--allow-duplicates", "-o", "some.tally.json").code == 0
            names = ["some.tally.json", *names[2:]]
        merged = nll("merge", *names, "--allow-duplicates", "-f", "json")
        assert merged.code == whole.code == 0, merged.err
        if len(bounds) > 2:
            assert comparable(merged.out) == comparable(whole.out)
        assert nll("merge", *reversed(names), "--allow-duplicates", "-f", "json").out == merged.out


@pytest.fixture
def few_bins(monkeypatch):
    """Runs of units from 16 of them on."""
    monkeypatch.setattr(units, "MOST_BINS", 16)


RESAMPLED = ("--permutations", "199", "--bootstrap", "199", "--names", "a,b")


def in_parts(lengths, *, shape=(), groups=(), labels=None, weighted=False):
    """Compare parts of these lengths, and all; return the report of the merged tallies and that of one run."""
    rng = np.random.default_rng(1)
    own = [*groups]
    if labels is not None:
        own += ["--groups", "p?-g.npy"]
    if weighted:
        own += ["--sample-weights", "p?-w.npy"]
    for i, n in enumerate(lengths):
        save(f"p{i}-", {model: rng.normal(size=(n, *shape, 3)) for model in "ab"})
        np.save(f"p{i}-t.npy", rng.integers(0, 3, (n, *shape)))
        if labels is not None:
            np.save(f"p{i}-g.npy", rng.integers(0, labels, n))
        if weighted:
            np.save(f"p{i}-w.npy", rng.exponential(size=(n, *shape)) ** 4)
        grouped = [word.replace("?", str(i)) for word in own]
        done = nll("compare", f"p{i}-a.npy", f"p{i}-b.npy", "-t", f"p{i}-t.npy", *RESAMPLED, *grouped, "-f", "tally")
        assert done.code == 0, done.err
        with open(f"{i}.tally.json", "w") as file:  # noqa: PTH123 - relative to the folder of the test
            file.write(done.out)
    whole = nll("compare", "p?-a.npy", "p?-b.npy", "-t", "p?-t.npy", *RESAMPLED, *own, "-f", "json")
    return nll("merge", *(f"{i}.tally.json" for i in range(len(lengths))), "-f", "json"), whole


@pytest.mark.usefixtures("few_bins")
@pytest.mark.parametrize(
    "given",
    [
        {"lengths": (64, 32, 20)},
        {"lengths": (64, 32, 20), "weighted": True},
        {"lengths": (64, 32, 20), "shape": (2,), "groups": ("--groups", "axis:0")},
        {"lengths": (64, 32, 20), "shape": (2,), "groups": ("--groups", "axis:0"), "weighted": True},
        {"lengths": (61, 30, 20), "labels": 200},
    ],
    ids=str,
)
def test_runs_of_units_are_those_of_one_run_where_parts_begin_with_one(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    merged, whole = in_parts(**given)
    assert merged.json["comparisons"][0]["unit_size"] >= 8
    assert comparable(merged.out) == comparable(whole.out)


RESAMPLING = ("p_value_permutation", "bootstrap_low", "bootstrap_high")


@pytest.mark.usefixtures("few_bins")
def test_runs_of_units_are_those_within_parts_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    merged, whole = in_parts((65, 31, 20))
    (note,) = [each for each in merged.json["notes"] if each["code"] == "runs-by-part"]
    assert note == {
        "code": "runs-by-part",
        "message": "parts do not begin where runs of 8 samples do, so that those at their ends are shorter: the flips "
        "and draws are as valid as, but other ones than, those of one run over all files",
    }
    found, expected = comparable(merged.out), comparable(whole.out)
    found["notes"] = [each for each in found["notes"] if each["code"] != "runs-by-part"]
    for key in RESAMPLING:
        own, known = (report["comparisons"][0].pop(key) for report in (found, expected))
        assert own == pytest.approx(known, abs=0.12)
    assert found == expected
    # Merged in two steps, the runs are the same.
    assert nll("merge", "2.tally.json", "0.tally.json", "-o", "some.tally.json").code == 0
    assert nll("merge", "1.tally.json", "some.tally.json", "-f", "json").out == merged.out


@pytest.mark.usefixtures("few_bins")
def test_the_p_of_runs_within_parts_by_their_definition(tmp_path, monkeypatch):
    """Each part's runs of eight, added up with math.fsum, have all their signs flipped."""
    monkeypatch.chdir(tmp_path)
    merged, _ = in_parts((25, 10, 11))
    losses = []
    sums = []
    for i, n in enumerate((25, 10, 11)):
        for model in "ab":
            words = ("compute", f"p{i}-{model}.npy", f"p{i}-t.npy", "--save-losses", f"{model}.npy", "-q")
            assert nll(*words).code == 0
        difference = np.load("b.npy") - np.load("a.npy")
        losses += difference.tolist()
        sums += [math.fsum(difference[start : start + 4]) for start in range(0, n, 4)]
    pair = merged.json["comparisons"][0]
    assert pair["unit_size"] == 4
    assert pair["n_permutations"] == 2 ** len(sums) == 8192
    every = np.array(list(product((-1.0, 1.0), repeat=len(sums))))
    share = np.mean(np.abs(every @ np.array(sums)) >= abs(math.fsum(losses)) - 1e-12)
    assert pair["p_value_permutation"] == share


def test_runs_are_lengthened_while_tallies_are_added(tmp_path, monkeypatch):
    from nllcli.commands.compare import merging

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(units, "MOST_BINS", 16)
    merged, _ = in_parts((64, 32, 20))
    monkeypatch.setattr(merging, "_MOST_KEPT", 20)
    assert nll("merge", "0.tally.json", "1.tally.json", "2.tally.json", "-f", "json").out == merged.out
    found = nll("merge", "0.tally.json", "1.tally.json", "2.tally.json", "-f", "tally").json
    assert sum(len(job["units"][0]["differences"]) for job in found["jobs"]) <= 16 + 3


def test_more_values_of_the_divergence_than_are_kept_are_counted(tmp_path, monkeypatch):
    from nllcli.commands.compare import reading_sums, sketch

    monkeypatch.chdir(tmp_path)
    for module in (sketch, reading_sums):
        monkeypatch.setattr(module, "MOST_VALUES", 50)
    merged, whole = in_parts((64, 32, 20))
    assert comparable(merged.out) == comparable(whole.out)
    assert nll("merge", "0.tally.json", "1.tally.json", "-o", "some.tally.json").code == 0
    assert nll("merge", "some.tally.json", "2.tally.json", "-f", "json").out == merged.out


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Three parts of a set whose names are counted, and their tallies."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(11)
    for i, n in enumerate((9, 8, 13)):
        for model in "ab":
            np.save(f"{model}-{i}-of-3.npy", rng.normal(size=(n, 3)))
        np.save(f"t-{i}-of-3.npy", rng.integers(0, 3, n))
        words = (f"a-{i}-of-3.npy", f"b-{i}-of-3.npy", "-t", f"t-{i}-of-3.npy", "--margin", "5")
        assert nll("compare", *words, "-o", f"{i}.tally.json").code == 0
    return tmp_path


WHOLE = ("compare", "a-*-of-3.npy", "b-*-of-3.npy", "-t", "t-*-of-3.npy", "--margin", "5")


@pytest.mark.usefixtures("parts")
def test_it_is_the_report_of_one_run_over_the_same_files():
    one, merged = nll(*WHOLE, "-f", "json").json, nll("merge", "?.tally.json", "-f", "json").json
    files = [{"models": [f"{m}-{i}-of-3.npy" for m in "ab"], "targets": f"t-{i}-of-3.npy"} for i in range(3)]
    assert merged.pop("inputs") == [{**each, "n_samples": n} for each, n in zip(files, (9, 8, 13), strict=True)]
    assert merged == one
    assert list(merged) == list(one)


@pytest.mark.uncounted
@pytest.mark.usefixtures("parts")
def test_pages():
    assert nll("merge", "?.tally.json").out == nll(*WHOLE).out
    assert nll("merge", "?.tally.json", "-f", "csv").out == nll(*WHOLE, "-f", "csv").out
    assert nll("merge", "?.tally.json", "-q").out == nll(*WHOLE, "-q").out
    for key in ("comparisons[0].p_value", "comparisons[0].per_class[2].p_value", "baseline"):
        assert nll("merge", "?.tally.json", "--print", key).out == nll(*WHOLE, "--print", key).out


@pytest.mark.usefixtures("parts")
def test_conditions():
    for word, code in (("better", 5), ("not-worse", 0), ("equivalent", 0)):
        done = nll("merge", "?.tally.json", "-q", "--require", word)
        assert (done.code, done.err.splitlines()[-1:]) == (
            code,
            nll(*WHOLE, "-q", "--require", word).err.splitlines()[-1:],
        )
    assert nll("merge", "?.tally.json", "-q", "--require", "n_samples<30").code == 5


@pytest.mark.usefixtures("parts")
def test_a_merge_is_a_tally_again():
    assert nll("merge", "0.tally.json", "2.tally.json", "--partial", "-o", "some.tally.json").code == 3
    expected = nll("merge", "?.tally.json", "-f", "json").out
    assert nll("merge", "1.tally.json", "some.tally.json", "-f", "json").out == expected
    assert (
        nll("merge", "1.tally.json", "some.tally.json", "-f", "tally").out
        == nll("merge", "?.tally.json", "-f", "tally").out
    )


@pytest.mark.usefixtures("parts")
def test_one_tally_is_the_report_of_its_run():
    """Those of one file, and of several."""
    for words in (("a-1-of-3.npy", "b-1-of-3.npy", "-t", "t-1-of-3.npy"), WHOLE[1:5]):
        one = nll("compare", *words, "-f", "json").json
        assert nll("compare", *words, "-o", "own.tally.json").code == 0
        merged = nll("merge", "own.tally.json", "--partial", "-f", "json")
        report = json.loads(merged.out)
        report.pop("inputs")
        assert (report["comparisons"], report["models"]) == (one["comparisons"], one["models"])


def test_it_is_small(tmp_path, monkeypatch):
    """Of as many samples as have all their divergences in it, and all their runs."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for model in "ab":
        np.save(f"{model}.npy", rng.normal(scale=3.0, size=(65536, 3)).astype("f4"))
    np.save("t.npy", rng.integers(0, 3, 65536))
    assert nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-o", "x.tally.json").code == 0
    assert (tmp_path / "x.tally.json").stat().st_size < 1e6
    found, one = (
        nll("merge", "x.tally.json", "-f", "json").json,
        nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json").json,
    )
    assert found["comparisons"] == one["comparisons"]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("workers", [("--threads", "1"), ("--threads", "3"), ("--processes", "2")], ids=str)
def test_tallies_do_not_depend_on_who_works(workers):
    expected = nll(*WHOLE, "-f", "tally").out
    assert nll(*WHOLE, "-f", "tally", *workers).out == expected


def test_samples_that_have_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    for i in range(2):
        for model in "ab":
            rows = [f"k{i}{j},{x!r},{y!r}\n" for j, (x, y) in enumerate(rng.normal(size=(6, 2)).tolist())]
            (tmp_path / f"{model}{i}.csv").write_text("id,x,y\n" + "".join(rows))
        (tmp_path / f"t{i}.csv").write_text("id,t\n" + "".join(f"k{i}{j},{'xy'[j % 2]}\n" for j in range(6)))
        words = (f"a{i}.csv", f"b{i}.csv", "-t", f"t{i}.csv", "--target-column", "t", "--id", "id", "--names", "a,b")
        assert nll("compare", *words, "-o", f"{i}.tally.json").code == 0
    found = nll("merge", "?.tally.json", "-f", "json").json["comparisons"][0]["largest"]
    words = ("a?.csv", "b?.csv", "-t", "t?.csv", "--target-column", "t", "--id", "id", "--names", "a,b")
    assert found == nll("compare", *words, "-f", "json").json["comparisons"][0]["largest"]
    assert {each["sample"][0] for each in found} == {"k"}


@pytest.mark.parametrize("groups", [None, "axis:0", "p?-g.npy"], ids=str)
def test_parts_without_samples(tmp_path, monkeypatch, groups):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    own = ("--names", "a,b", *(() if groups is None else ("--groups", groups)))
    for i, n in enumerate((5, 0, 4)):
        save(f"p{i}-", {model: rng.normal(size=(n, 3)) for model in "ab"})
        np.save(f"p{i}-t.npy", rng.integers(0, 3, n))
        np.save(f"p{i}-g.npy", rng.integers(0, 3, n))
        words = (f"p{i}-a.npy", f"p{i}-b.npy", "-t", f"p{i}-t.npy", *(word.replace("?", str(i)) for word in own))
        done = nll("compare", *words, "-o", f"{i}.tally.json")
        assert done.code == 0, done.err
    whole = nll("compare", "p?-a.npy", "p?-b.npy", "-t", "p?-t.npy", *own, "-f", "json").out
    for order in ("012", "210", "102"):
        done = nll("merge", *(f"{i}.tally.json" for i in order), "-f", "json")
        assert done.code == 0, done.err
        assert comparable(done.out) == comparable(whole), order
    nothing = nll("merge", "1.tally.json", "-f", "json").json
    assert (nothing["n_samples"], nothing["warnings"][0]["code"]) == (0, "no-samples")


@pytest.mark.usefixtures("few_bins")
def test_text_whose_samples_are_counted_at_its_end(tmp_path, monkeypatch):
    """Runs of units are those of arrays, whose samples are known before."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name in "ab":
        x = rng.normal(size=(25, 3))
        np.save(f"{name}.npy", x)
        np.savetxt(f"{name}.csv", x, delimiter=",", fmt="%.17g", header="x,y,z", comments="")
    np.save("t.npy", rng.integers(0, 3, 25))
    np.save("w.npy", rng.exponential(size=25))
    reports = []
    for ending in ("npy", "csv"):
        words = ("compare", f"a.{ending}", f"b.{ending}", "-t", "t.npy", "--sample-weights", "w.npy", *RESAMPLED)
        reports.append(nll(*words, "-f", "json").json["comparisons"])
        assert nll(*words, "-o", "x.tally.json").code == 0
        reports.append(nll("merge", "x.tally.json", "-f", "json").json["comparisons"])
    for pairs in reports:
        for each in pairs[0]["largest"]:
            each["target"] = None
        pairs[0]["per_class"] = None
    assert reports[0] == reports[1] == reports[2] == reports[3]


@pytest.mark.parametrize("kind", ["probs", "soft"])
def test_what_is_found_in_several_parts(kind, tmp_path, monkeypatch):
    """Infinite losses are told by their places; class probabilities have no target whose probability changes."""
    monkeypatch.chdir(tmp_path)
    arrays = samples(kind, 30, np.random.default_rng(8))
    for i in range(3):
        save(f"p{i}-", {name: array[10 * i : 10 * (i + 1)] for name, array in arrays.items()})
        assert nll(*words(f"p{i}-", arrays, kind), "-o", f"{i}.tally.json").code == 0
    whole = nll(*words("p?-", arrays, kind), "-f", "json")
    merged = nll("merge", "2.tally.json", "0.tally.json", "1.tally.json", "-f", "json")
    assert comparable(merged.out) == comparable(whole.out)
    assert ("infinite-loss" in merged.codes) == (kind == "probs")
