"""nll merge: the numbers of one run over all samples, in whatever order the parts come."""

import json
import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from following import inside
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import nll

PLACES = (
    "infinite-loss",
    "not-normalised",
    "nonfinite-logits",
    "negative-sample-weights",
    "soft-targets-not-normalised",
)
# By name: what makes the inputs, and the options that go with them.
KINDS = {
    "plain": (),
    "ignored": ("--ignore-index", "1"),
    "sum": ("--reduction", "sum"),
    "weights": ("--weights", "1,0.25,3"),
    "weights-sum": ("--weights", "1,0.25,3", "--reduction", "sum"),
    "sample-weights": (),
    "both-weights": ("--weights", "0.1,0.2,0.7"),
    "smoothing": ("--label-smoothing", "0.1"),
    "smoothing-weights": ("--label-smoothing", "0.1", "--weights", "1,2,3"),
    "soft": (),
    "soft-weights": ("--weights", "1,2,3"),
    "probs": ("--from", "probs"),
    "clip": ("--from", "probs", "--clip", "0.01"),
    "log-probs": ("--from", "log-probs"),
    "nan": ("--on-nonfinite", "nan"),
    "one-vs-rest": ("--loss", "one-vs-rest"),
    "argmax": ("--loss", "argmax"),
    "temperature": ("--temperature", "2.5"),
    "binary": ("--binary",),
    "tokens": ("--from", "token-log-probs"),
    "names": ("--classes", "cat,dog,horse"),
    "fast": ("--precision", "fast"),
    "sequences": (),
}


def samples(kind, n, rng):
    """The arrays of the inputs by the option that takes them, "" for LOGITS, all with ``n`` samples."""
    x, y = rng.normal(scale=3.0, size=(n, 3)), rng.integers(0, 3, n)
    found = {"": x, "targets": y}
    if kind in ("probs", "clip", "log-probs"):
        p = rng.dirichlet(np.ones(3), n)
        p[rng.random(n) < 0.3] = [0.0, 0.5, 0.5]  # now and then an infinite loss
        p[rng.random(n) < 0.2] *= 1.5
        p = np.minimum(p, 1.0)
        with np.errstate(divide="ignore"):
            found[""] = np.log(p) if kind == "log-probs" else p
    elif kind == "nan":
        x[rng.random(n) < 0.3, 1] = np.nan
    elif kind.startswith("soft"):
        found["targets"] = rng.dirichlet(np.ones(3), n) * (1.0 + 0.1 * (rng.random((n, 1)) < 0.3))
    elif kind == "binary":
        found = {"": x[:, 0], "targets": y % 2}
    elif kind == "tokens":
        found = {"": -rng.exponential(size=n)}
    elif kind == "argmax":
        found = {"": x}
    elif kind == "sequences":
        found = {"": rng.normal(size=(n, 4, 3)), "targets": rng.integers(0, 3, (n, 4))}
    if "sample-weights" in kind or kind == "both-weights":
        found["sample-weights"] = rng.exponential(size=n) * rng.choice([1.0, -0.5, 0.0], n, p=[0.7, 0.1, 0.2])
    return found


def command(folder, name, arrays, kind):
    """Save the arrays of one part, and return the words that compute its loss."""
    for option, array in arrays.items():
        np.save(folder / f"{name}{option}.npy", array)
    words = ["compute", f"{name}.npy", *KINDS[kind]]
    if "targets" in arrays:
        words.insert(2, f"{name}targets.npy")
    return words + (["--sample-weights", f"{name}sample-weights.npy"] if "sample-weights" in arrays else [])


def comparable(text):
    """A report without what differs between one file and its parts: the files, and the places in them."""
    report = json.loads(text)
    assert sum(each["n_samples"] for each in report.pop("inputs")) == report["n_samples"]
    for warning in report["warnings"]:
        if warning["code"] in PLACES:
            warning["message"] = warning["message"].rpartition(" samples")[0]
    return json.dumps(report)


def in_parts(folder, arrays, cuts, kind):
    """The tallies of the parts between these cuts."""
    n, names = len(arrays[""]), []
    bounds = [0, *sorted(cuts), n]
    for i, (a, b) in enumerate(pairwise(bounds)):
        words = command(folder, f"p{i}-", {name: array[a:b] for name, array in arrays.items()}, kind)
        names.append(f"p{i}.tally.json")
        done = nll(*words, "-o", names[-1])
        assert done.code == 0, done.err
    return names


def nested(names, rng):
    """Merge some of the tallies first, and return what is left to merge."""
    if len(names) > 2 and rng.random() < 0.7:
        k = rng.randrange(2, len(names))
        assert nll("merge", *names[:k], "--allow-duplicates", "-o", "some.tally.json").code == 0
        return ["some.tally.json", *names[k:]]
    return names


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 2**32), st.integers(1, 30), st.data())
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_parts_give_the_report_of_all(kind, tmp_path, seed, n, data):
    """Down to the last byte of the JSON, whatever the cuts, the order and the nesting."""
    cuts = data.draw(st.lists(st.integers(0, n), max_size=5))
    rng = random.Random(seed)
    with inside(tmp_path):
        arrays = samples(kind, n, np.random.default_rng(seed))
        whole = nll(*command(tmp_path, "all", arrays, kind), "-f", "json")
        names = in_parts(tmp_path, arrays, cuts, kind)
        rng.shuffle(names)
        names = nested(names, rng)
        rng.shuffle(names)
        merged = nll("merge", *names, "--allow-duplicates", "-f", "json")
        assert merged.code == whole.code == 0, merged.err
        assert comparable(merged.out) == comparable(whole.out)
        if len(names) > 1:
            assert nll("merge", *reversed(names), "--allow-duplicates", "-f", "json").out == merged.out


def test_against_fractions(tmp_path):
    """The sums, by definition, from the losses that each part saves."""
    rng = np.random.default_rng(5)
    with inside(tmp_path):
        losses, names = [], []
        for i in range(4):
            words = command(tmp_path, f"p{i}", samples("plain", 7, rng), "plain")
            names.append(f"p{i}.tally.json")
            assert nll(*words, "-o", names[-1], "--save-losses", "losses.npy").code == 0
            losses += [Fraction(value) for value in np.load("losses.npy").tolist()]
        report = nll("merge", *names, "-f", "json").json
    n, total = len(losses), sum(losses)
    assert report["loss_sum"] == float(total)
    assert report["loss"] == float(total / n)
    variance = sum((each - total / n) ** 2 for each in losses) / (n - 1) / n
    assert report["standard_error"] == pytest.approx(float(variance) ** 0.5, rel=1e-15)
    assert (report["n_samples"], report["n_counted"], report["n_classes"]) == (28, 28, 3)


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Three parts of a set whose names are counted, and their tallies."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(11)
    for i, n in enumerate((5, 8, 13)):
        x = rng.dirichlet(np.ones(3), n)
        x[[1, 3]] = [[0, 0, 1]] * 2
        y = rng.integers(0, 3, n)
        y[[1, 3]] = 0
        np.save(f"x-{i}-of-3.npy", x)
        np.save(f"y-{i}-of-3.npy", y)
        assert (
            nll("compute", f"x-{i}-of-3.npy", f"y-{i}-of-3.npy", "--from", "probs", "-o", f"{i}.tally.json").code == 0
        )
    return tmp_path


@pytest.mark.usefixtures("parts")
def test_it_is_the_report_of_one_run_over_the_same_files():
    one = nll("compute", "x-*.npy", "y-*.npy", "--from", "probs", "-f", "json")
    assert one.code == 0
    for words in (["?.tally.json"], ["2.tally.json", "0.tally.json", "1.tally.json"]):
        assert nll("merge", *words, "-f", "json").out == one.out
    assert [each["logits"] for each in one.json["inputs"]] == [f"x-{i}-of-3.npy" for i in range(3)]


@pytest.mark.usefixtures("parts")
def test_the_tally_of_one_run_is_that_of_the_merged_parts():
    one = nll("compute", "x-*.npy", "y-*.npy", "--from", "probs", "-f", "tally")
    assert one.code == 0
    assert nll("merge", "2.tally.json", "0.tally.json", "1.tally.json", "-f", "tally").out == one.out


@pytest.mark.usefixtures("parts")
def test_places_name_the_files_in_natural_order():
    told = (
        "x-0-of-3.npy, row 1, x-0-of-3.npy, row 3, x-1-of-3.npy, row 1, x-1-of-3.npy, row 3, x-2-of-3.npy, row 1, ...;"
    )
    for words in (["?.tally.json"], ["2.tally.json", "1.tally.json", "0.tally.json"]):
        assert told in nll("merge", *words, "-f", "json").json["warnings"][0]["message"]


@pytest.mark.usefixtures("parts")
def test_pages():
    done = nll("merge", "?.tally.json")
    assert done.out.startswith("Negative log-likelihood of 3 files, x-0-of-3.npy to x-2-of-3.npy\n")
    assert "\nPer class\n" in done.out
    assert done.out.endswith("signature  mean nll of probs; version:0.1.0\n")
    assert nll("merge", "1.tally.json", "--partial").out.startswith("Negative log-likelihood of x-1-of-3.npy\n")
    one = nll("compute", "x-*.npy", "y-*.npy", "--from", "probs", "--print", "loss_sum,n_samples")
    assert nll("merge", "?.tally.json", "--print", "loss_sum,n_samples").out == one.out
    assert nll("merge", "?.tally.json", "-q").out == "inf\n"
    assert "class,count," in nll("merge", "?.tally.json", "--per-class", "-f", "csv").out


def test_files_of_one_name_in_several_folders(parts):
    for i in range(2):
        (parts / str(i)).mkdir()
        with inside(parts / str(i)):
            np.save("x.npy", np.eye(3) * i)
            assert nll("compute", "x.npy", "--loss", "argmax", "-o", "x.tally.json").code == 0
    done = nll("merge", "0/x.tally.json", "1/x.tally.json")
    assert done.out.startswith("Surprisal of the prediction of 2 files named x.npy\n")


@pytest.mark.usefixtures("parts")
def test_the_names_of_the_tallies_may_be_listed(parts):
    expected = nll("merge", "?.tally.json", "-f", "json").out
    (parts / "list.txt").write_text("2.tally.json\n0.tally.json\n1.tally.json\n")
    assert nll("merge", "@list.txt", "-f", "json").out == expected


@pytest.mark.usefixtures("parts")
def test_a_merge_is_a_tally_again():
    assert nll("merge", "0.tally.json", "2.tally.json", "--partial", "-o", "some.tally.json").code == 3
    assert nll("merge", "some.tally.json", "1.tally.json", "-o", "all.tally.json").code == 0
    expected = nll("merge", "?.tally.json", "-f", "json").out
    assert nll("merge", "all.tally.json", "-f", "json").out == expected
    assert nll("merge", "all.tally.json", "-f", "tally").out == (nll("merge", "?.tally.json", "-f", "tally").out)


def test_the_order_is_natural():
    from nllcli.scoring.notices import Found, Place

    found = [Found(1, i / 8, (Place(f"x{i}.npy", 7, "row 7"),)) for i in (10, 2, 1, 9, 3, 30, 4)]
    for order in (found, found[::-1]):
        total = sum(order, Found())
        assert [place.file for place in total.places] == ["x1.npy", "x2.npy", "x3.npy", "x4.npy", "x9.npy"]
        assert (total.n, total.worst) == (7, 30 / 8)


@pytest.mark.parametrize("per_class", [(), ("--per-class",)])
def test_many_classes(tmp_path, monkeypatch, per_class):
    """The sums of classes are in a tally of up to a thousand, and where asked for; only those present are written."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for n_classes, is_there in ((1000, True), (1001, bool(per_class))):
        for i in range(2):
            np.save(f"x{i}.npy", rng.normal(size=(40, n_classes)))
            np.save(f"y{i}.npy", rng.integers(0, n_classes, 40))
            assert nll("compute", f"x{i}.npy", f"y{i}.npy", *per_class, "-o", f"{i}.tally.json").code == 0
        classes = json.loads((tmp_path / "0.tally.json").read_text())["tally"]["classes"]
        assert (classes is not None) == is_there
        if is_there:
            assert classes["class"] == np.unique(np.load("y0.npy")).tolist()
        np.save("x.npy", np.concatenate([np.load("x0.npy"), np.load("x1.npy")]))
        np.save("y.npy", np.concatenate([np.load("y0.npy"), np.load("y1.npy")]))
        whole = nll("compute", "x.npy", "y.npy", "-f", "json", *per_class)
        assert comparable(nll("merge", "?.tally.json", "-f", "json", *per_class).out) == comparable(whole.out)
        assert "Per class" not in nll("merge", "?.tally.json").out


def test_a_part_without_samples_or_without_any_that_count_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 3)), np.array([0, 1, 2, 0, -100, -100])
    for name, rows in {"all": slice(None), "a": slice(4), "b": slice(4, 6), "c": slice(0, 0)}.items():
        np.save(f"x{name}.npy", x[rows])
        np.save(f"y{name}.npy", y[rows])
        assert nll("compute", f"x{name}.npy", f"y{name}.npy", "-o", f"{name}.tally.json").code == 0
    whole = comparable(nll("compute", "xall.npy", "yall.npy", "-f", "json").out)
    for order in ("abc", "cba", "bca"):
        assert comparable(nll("merge", *(f"{name}.tally.json" for name in order), "-f", "json").out) == whole
    nothing = nll("merge", "c.tally.json", "-f", "json").json
    assert (nothing["n_samples"], nothing["loss"], nothing["warnings"][0]["code"]) == (0, None, "no-samples")


def test_digests_are_of_the_samples_not_of_their_file(parts):
    def digest(name):
        return json.loads((parts / name).read_text())["inputs"][0]["digest"]

    x, y = np.load("x-1-of-3.npy"), np.load("y-1-of-3.npy")
    order = np.arange(len(x))[::-1]
    np.savetxt("other.csv", x[order], delimiter=",", fmt="%.17g")
    np.savetxt("other.txt", y[order], fmt="%d")
    assert nll("compute", "other.csv", "other.txt", "--from", "probs", "-o", "other.tally.json").code == 0
    assert digest("other.tally.json") == digest("1.tally.json") != digest("0.tally.json")


@pytest.mark.usefixtures("parts")
def test_conditions_and_numbers_by_class():
    whole = nll("compute", "x-*.npy", "y-*.npy", "--from", "probs", "--print", "per_class[1].mean_loss").out
    assert nll("merge", "?.tally.json", "--print", "per_class[1].mean_loss").out == whole
    done = nll(
        "merge", "?.tally.json", "-f", "csv", "--require", "per_class[1].mean_loss>0", "--require", "n_samples<20"
    )
    assert done.code == 5
    assert "n_samples" in done.err
    assert "class,count" not in done.out  # what is required is not shown
    assert nll("merge", "?.tally.json", "-q", "--require", "n_samples>=26").code == 0
