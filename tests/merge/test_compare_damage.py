"""A tally of a comparison with anything wrong in it is refused in one line: no wrong number, and no defect."""

import json

import numpy as np
import pytest
from in_process import nll
from tally_documents import changed, paths_in, without_each_key

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(4)
WRONG = (None, -1, 3, "x", "0x1p+0", [], {}, 1.5, 10**30, ["x"], [3], {"finite": "0x1p+0", "inf": 1})
KINDS = ("samples", "sequences", "labels", "counts")


def written(folder, kind):
    """The tally of a comparison of few samples, with everything that one of this kind can have."""
    n = 9
    p, q = RNG.dirichlet(np.ones(3), (2, n))
    p[2], q[4] = [0.5, 0.5, 0.0], [0, 0, 1]
    y = np.array([0, 1, 0, 1, 2, -100, 1, 1, 0])
    words = ["--names", "old,new", "--permutations", "9", "--margin", "0.1"]
    if kind == "sequences":
        p, q, y = (x.reshape(3, 3, *x.shape[1:]) for x in (p, q, y))
        words += ["--groups", "axis:0", "--class-axis", "2"]
    elif kind == "labels":
        np.save(folder / "g.npy", [4, 4, 2, 2, 2, 7, 7, 1, 4])
        words += ["--groups", folder / "g.npy", "--weights", "1,2,3"]
    elif kind == "samples":
        np.save(folder / "w.npy", RNG.exponential(size=9))
        words += ["--sample-weights", folder / "w.npy", "--clip", "0.001", "--classes", "a,b,c"]
    for name, array in (("p", p), ("q", q), ("y", y)):
        np.save(folder / f"{name}.npy", array)
    models = [folder / "p.npy", folder / "q.npy", "-t", folder / "y.npy", "--from", "probs"]
    done = nll("compare", *models, *words, "-f", "tally")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def data(kind, tmp_path_factory):
    """The content of a tally; of some that of more values of the divergence than are kept."""
    from nllcli.commands.compare import sketch

    with pytest.MonkeyPatch.context() as monkeypatch:
        if kind == "counts":
            monkeypatch.setattr(sketch, "MOST_VALUES", 5)
        return written(tmp_path_factory.mktemp(kind), kind)


@pytest.fixture
def merged(kind, tmp_path, monkeypatch):
    """Merge a tally of this content."""
    from nllcli.commands.compare import reading_sums, sketch

    monkeypatch.chdir(tmp_path)
    if kind == "counts":
        for module in (sketch, reading_sums):
            monkeypatch.setattr(module, "MOST_VALUES", 5)

    def run(content):
        file = tmp_path / "a.json"
        file.unlink(missing_ok=True)  # to write over a file waits for the disk on some systems
        file.write_text(json.dumps(content))
        return nll("merge", "a.json", "-f", "json")

    return run


# What nothing else in a tally says again.
FREE = ("name", "notices", "text", "target", "key", "squares", "weight", "baseline", "model", "findings", "n_same_top")


def test_it_is_sound(data, merged):
    assert merged(data).code == 0


@pytest.mark.uncounted
def test_any_value_that_is_another(data, merged):
    """Of a value that is taken, the difference of the losses, its interval and its p stay what they are."""
    shown = ("loss_difference", "n_units", "n_better", "n_worse", "n_equal", "n_neither_correct", "kl_p50", "kl_max")
    right = merged(data).json["comparisons"][0]
    refused = 0
    for i, path in enumerate(paths_in(data, 2)):
        for value in WRONG[i % 6 :: 6]:  # two of each, all of each six
            done = merged(changed(data, path, value))
            assert done.code in (0, 3), (path, value, done.err)
            if done.code:
                assert done.err.startswith(("nll: error: a.json: ", "nll: error: p.npy: ")), (path, value, done.err)
                assert done.out == "" or json.loads(done.out)["warnings"][0]["code"] == "partial"
                refused += 1
            elif not {*path} & {*FREE} and path[-1] != "divergence":  # which need not be there
                found = done.json["comparisons"][0]
                assert [found[key] for key in shown] == [right[key] for key in shown], (path, value)
    assert refused > 120


@pytest.mark.uncounted
def test_any_key_that_is_missing(data, merged):
    for path, again in without_each_key(data, 2):
        done = merged(again)
        assert done.code in (0, 3), (path, done.err)


PAIR, UNITS = ("pairs", 0), ("jobs", 0, "units", 0)
DIVERGENCE = (*PAIR, "divergence")
NO_SUM = {"finite": "0x0p+0", "inf": 1}
# By the kind of the tally: where another value is put, or what gives one, and what is said of it.
TOLD = {
    "samples": [
        (("inputs",), [], "inputs names no file"),
        (("inputs", 0, "models"), [], "inputs[0].models names no file"),
        (("inputs", 0, "models"), ["p.npy"], "models are 2, which the inputs do not have"),
        (("inputs", 0, "n_samples"), 8, "inputs have not the 9 samples of the tallies"),
        (("tallies",), lambda old: old[:1], "tallies are of 1 models, and there are 2"),
        (("tallies", 0, "n_samples"), 10, "tallies have different n_samples"),
        (("tallies", 0, "weight_sum"), "0x1p+0", "tallies have different weights"),
        (("tallies", 0, "n_correct"), None, "pairs[0].counts.n_both_correct counts answers, and the models have none"),
        (("pairs",), lambda old: old * 2, "pairs are 2, and 1 in subject.pairs"),
        (("subject", "pairs"), [[1, 0]], "subject.pairs are not pairs of 2 models"),
        (("subject", "clip"), 0.5, "subject.clip is 0.5, which is not between 0 and 0.5"),
        (("signature", "confidence"), "1", "signature.confidence is 1, which is not between 0 and 1"),
        (("signature", "confidence"), "0.950", "signature.confidence is '0.950', which this nll does not write"),
        (("signature", "confidence"), "half", 'signature.confidence is "half", not a number as text'),
        (("signature", "margin"), "-1", "signature.margin is -1"),
        (("signature", "seed"), str(2**64), f"signature.seed is '{2**64}', not a count as text"),
        (("signature", "adjust"), "sidak", "signature.adjust is 'sidak', which this nll does not know"),
        (("models", 0, "n_classes"), 0, "models[0].n_classes is 0"),
        (("models", 0, "class_names"), ["a"], "models[0].class_names has 1 values for 3 classes"),
        (("samples", 0, "number"), 9, "samples[0].number is 9, and there are 9 samples"),
        (("samples",), [], "samples lack number "),
        ((*PAIR, "difference"), "0x1p-9", "pairs[0].difference is not that of the losses of the models"),
        ((*PAIR, "difference"), NO_SUM, "jobs have units that do not add up to the sums of pairs[0]"),
        (("tallies", 0, "loss_sum"), NO_SUM, "pairs[0].difference is not that of the losses of the models"),
        ((*PAIR, "counts", "n_equal"), 9, "pairs[0].counts.n_better does not add up with the others to the 8 samples"),
        (
            (*PAIR, "counts", "n_both_correct"),
            9,
            "pairs[0].counts.n_both_correct does not add up with the others to the answers of the models",
        ),
        ((*PAIR, "largest", 0, "sample"), 9, "pairs[0].largest[0].sample is 9, and there are 9 samples"),
        (
            (*PAIR, "largest", 0, "model"),
            "nan",
            "pairs[0].largest[0].model has no difference from that of the baseline",
        ),
        ((*DIVERGENCE, "n_same_top"), 9, "pairs[0].divergence.n_same_top does not fit 8 samples"),
        (
            (*DIVERGENCE, "p_squares"),
            "0x0p+0",
            "pairs[0].divergence.p_squares is less than these differences can have",
        ),
        ((*DIVERGENCE, "infinite", "n"), 7, "pairs[0].divergence.infinite.n is 7, and that does not fit the total"),
        (
            (*DIVERGENCE, "infinite", "worst"),
            1.5,
            "pairs[0].divergence.infinite.worst is 1.5, and the largest value is another",
        ),
        ((*DIVERGENCE, "values"), "AAAAAAAA8D8=", "pairs[0].divergence.values do not add up to the total"),
        ((*DIVERGENCE, "values"), "AAA", 'pairs[0].divergence.values is "AAA", not base64 of float64'),
        ((*PAIR, "classes", "class"), [0, 2, 1], "pairs[0].classes.class are not indices of 3 classes, in order"),
        ((*PAIR, "classes", "n"), [1, 1, 1], "pairs[0].classes.n does not add up to the sum of all samples"),
        (
            (*PAIR, "classes", "model"),
            ["0x1p+0"] * 3,
            "pairs[0].classes.model does not add up to the sum of all samples",
        ),
        ((*PAIR, "classes", "squares"), ["-0x1p+0"] * 3, "pairs[0].classes.squares are below 0"),
        (("jobs",), [], "jobs are none"),
        (("jobs", 0, "n_inputs"), 2, "jobs are not of as many files as inputs names"),
        (("jobs", 0, "n_units"), 10, "jobs have not the 9 samples of the tallies"),
        (("jobs", 0, "labels"), ["x"] * 9, "jobs[0].labels are not 9 different ones"),
        (("jobs", 0, "units"), [], "jobs[0].units are not of every pair, or of groups of another kind"),
        ((*UNITS, "level"), 1, "jobs[0].units[0].level is 1, which is more than 9 units need"),
        ((*UNITS, "weights"), "0x1p+0", 'jobs[0].units[0].weights is "0x1p+0", not a list of sums'),
        ((*UNITS, "first"), 9, "jobs[0].units[0].differences are not those of runs of 9 units"),
        ((*UNITS, "weights"), lambda old: [*old[:-1], "0x1p+0"], "jobs have units that do not add up"),
    ],
    "counts": [
        ((*DIVERGENCE, "infinite", "worst"), 1.5, "pairs[0].divergence.infinite.worst is 1.5, which no divergence is"),
        ((*PAIR, "difference"), "0x1p+9", "pairs[0].squares.loss is less than these differences can have"),
        ((*DIVERGENCE, "bins"), [3, 3], "pairs[0].divergence.counts is "),
        ((*DIVERGENCE, "bins"), lambda old: old[::-1], "pairs[0].divergence.bins are not bins in order"),
        (
            (*DIVERGENCE, "counts"),
            lambda old: [7, *old[1:]],
            "pairs[0].divergence.counts are not of 8 values up to inf",
        ),
    ],
    "sequences": [
        ((*UNITS, "squares", "n"), 4, "jobs[0].units[0].squares.n is 4, and that does not fit the 3 units"),
        ((*UNITS, "total"), "0x0p+0", "jobs[0].units[0].differences do not add up to the total"),
        ((*UNITS, "largest", 0, 0), 3, "jobs[0].units[0].largest is [["),
    ],
    "labels": [
        ((*UNITS, "numbers"), [0, 2, 1, 3], "jobs[0].units[0].numbers are not numbers of 4 groups, in order"),
        ((*UNITS, "differences"), ["0x1p+0"], "jobs[0].units[0].differences are not of 4 groups with samples"),
        ((*UNITS, "answers"), [9, 0, 0, 0], "jobs[0].units[0].answers are more than the samples"),
        ((*UNITS, "answers"), [True, 0, 0, 0], "jobs[0].units[0].answers is [true, 0, 0, 0], not a list of numbers"),
        ((*UNITS, "weights"), None, "jobs have units that do not add up to the sums of pairs[0]"),
    ],
}


def test_what_it_says(kind, data, merged):
    for path, value, told in TOLD[kind]:
        old = data
        for key in path:
            old = old[key]
        done = merged(changed(data, path, value(old) if callable(value) else value))
        assert done.code == 3, (path, done)
        line, hint, *_ = done.err.splitlines()
        text = line.removeprefix("nll: error: a.json: is a damaged tally: ")
        assert text.startswith(told), (path, text)
        assert hint == "hint: write it again"


def test_losses_whose_difference_overflows_are_no_damage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", [1.7e308, 1.0])
    np.save("b.npy", [-1.7e308, 2.0])
    words = ("compare", "a.npy", "b.npy", "--from", "losses")
    done = nll(*words, "-o", "x.tally.json")
    assert done.code == 0, done.err
    assert nll("merge", "x.tally.json", "-q").out == nll(*words, "-q").out
