"""nll compare: every number against its definition in 50 digits, and what is refused, noted and warned of."""

import json
from dataclasses import replace
from math import isclose
from pathlib import Path

import numpy as np
import oracle
import plain_comparison as plain
import pytest
from in_process import nll
from mpmath import exp, mpf, sqrt

from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.pairs import Comparing, Outcome
from nllcli.commands.compare.sums import DivergenceSums, PairSums, Sums
from nllcli.numerics.tally import Rows, Tally

RNG = np.random.default_rng(15)
N, C = 60, 4


@pytest.fixture(autouse=True)
def same_numbers():
    """Whichever tests run before."""
    RNG.bit_generator.state = np.random.default_rng(15).bit_generator.state


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def models(n=N, c=C, *, alike=1.0):
    """The logits of two models, and targets."""
    a = RNG.normal(size=(n, c)) * 2
    return a, a + alike * RNG.normal(size=(n, c)), RNG.integers(0, c, n)


def save(**arrays):
    for name, values in arrays.items():
        np.save(f"{name}.npy", values)


def compare(*options, a="a.npy", b="b.npy", t="t.npy"):
    return nll("compare", a, b, "-t", t, "-f", "json", *options).json["comparisons"][0]


def near(found, expected, tolerance=1e-11):
    assert isclose(found, float(expected), rel_tol=tolerance, abs_tol=1e-15), (found, expected)


def check_all(found, truth, *, confidence=0.95):
    """Every number that follows from the losses and the answers."""
    units = truth.units(truth.differences)
    difference, error, df = truth.difference(), truth.error(), len(units) - 1
    near(found["loss_difference"], difference)
    near(found["standard_error"], error)
    near(found["standard_error_independent"], truth.error(grouped=False))
    old, new = (truth.error(losses, grouped=False) for losses in (truth.old, truth.new))
    near(found["standard_error_unpaired"], sqrt(old**2 + new**2))
    near(found["correlation"], truth.correlation(), 1e-9)
    assert (found["df"], found["n_units"]) == (df, len(units))
    near(found["t"], difference / error)
    near(found["p_value"], plain.two_sided_p(difference / error, df), 1e-9)
    half = plain.quantile((1 + mpf(confidence)) / 2, df) * error
    near(found["ci_low"], difference - half, 1e-9)
    near(found["ci_high"], difference + half, 1e-9)
    near(found["perplexity_ratio"], exp(difference))
    near(found["perplexity_ratio_low"], exp(difference - half), 1e-9)
    better = sum(d / w < 0 for d, w in zip(truth.differences, truth.weights, strict=True))
    worse = sum(d / w > 0 for d, w in zip(truth.differences, truth.weights, strict=True))
    assert (found["n_better"], found["n_worse"]) == (better, worse)
    near(found["p_value_sign"], plain.binomial_p(better, worse))
    both, only_old, only_new, neither = truth.answers()
    assert [found[f"n_{key}_correct"] for key in ("both", "only_baseline", "only_model", "neither")] == [
        *(both, only_old, only_new, neither)
    ]
    near(found["p_value_mcnemar"], plain.binomial_p(only_old, only_new))
    near(found["accuracy_difference"], mpf(only_new - only_old) / len(truth.right))
    near(found["accuracy_standard_error"], truth.accuracy_error())


CASES = {
    "plain": ([], {}),
    "temperature": (["--temperature", "2.5"], {"temperature": 2.5}),
    "smoothing": (["--label-smoothing", "0.1"], {"label_smoothing": 0.1}),
    "class-weights": (["--weights", "1,0.5,2,0.25"], {"class_weights": [1, 0.5, 2, 0.25]}),
    "one-vs-rest": (["--loss", "one-vs-rest"], {"loss": "one-vs-rest"}),
}


@pytest.mark.uncounted
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("options", "settings"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("grouped", [False, True])
def test_numbers_are_those_of_their_definitions(options, settings, grouped):
    a, b, t = models()
    t[::7] = -100
    groups = RNG.integers(0, 25, N) if grouped else None
    save(a=a, b=b, t=t, g=np.zeros(N) if groups is None else groups)
    truth = plain.Models.of(a, b, t, groups=groups, **settings)
    found = compare(*options, *(["--clusters", "g.npy"] if grouped else []))
    if "one-vs-rest" in options:
        assert found.pop("perplexity_ratio") is None
        found |= {"perplexity_ratio": float(exp(truth.difference())), "perplexity_ratio_low": None}
        half = plain.quantile(mpf("0.975"), found["df"]) * truth.error()
        found["perplexity_ratio_low"] = float(exp(truth.difference() - half))
    check_all(found, truth)


@pytest.mark.usefixtures("folder")
def test_sample_weights_count_in_numerator_and_denominator_and_groups_lie_anywhere():
    a, b, t = models()
    weights, groups = RNG.random(N), RNG.integers(0, 9, N)
    save(a=a, b=b, t=t, w=weights, g=groups)
    truth = plain.Models.of(a, b, t, groups=groups, sample_weights=weights)
    check_all(compare("--sample-weights", "w.npy", "--groups", "g.npy", "--confidence", "0.9"), truth, confidence=0.9)
    design = (truth.error() / truth.error(grouped=False)) ** 2
    near(compare("--sample-weights", "w.npy", "--groups", "g.npy")["design_effect"], design)


@pytest.mark.uncounted
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
@pytest.mark.parametrize("alike", [1.0, 1e-4])
def test_divergence_is_that_of_the_definition(source, alike):
    a, b, t = models(alike=alike)
    if source != "logits":
        a, b = (np.array([[float(p) for p in oracle.softmax(row)] for row in x]) for x in (a, b))
    if source == "log-probs":
        a, b = np.log(a), np.log(b)
    save(a=a, b=b, t=t)
    found = compare("--from", source)
    rows = [[oracle.log_probabilities(row, source=source)[0] for row in x] for x in (a, b)]
    each = [plain.divergence(p, q) for p, q in zip(*rows, strict=True)]
    mean = sum(each) / N
    tolerance = 1e-9 if alike == 1.0 else 1e-6  # what the last bits of float64 leave of such small differences
    near(found["kl_divergence"], mean, tolerance)
    near(found["kl_standard_error"], sqrt(sum((kl - mean) ** 2 for kl in each) / (N - 1) / N), tolerance)
    near(found["kl_max"], max(each), tolerance)
    keys = ("kl_p50", "kl_p90", "kl_p95", "kl_p99", "kl_p99_9")
    for key, value in zip(keys, plain.quantiles(each, ("0.5", "0.9", "0.95", "0.99", "0.999")), strict=True):
        near(found[key], value, tolerance)
    assert found["same_top"] == np.mean(a.argmax(axis=1) == b.argmax(axis=1))
    change = [exp(q[y]) - exp(p[y]) for p, q, y in zip(*rows, t, strict=True)]
    near(found["target_p_difference_mean"], sum(change) / N, 1e-9)
    near(found["target_p_difference_rms"], sqrt(sum(d**2 for d in change) / N), 1e-9)


@pytest.mark.usefixtures("folder")
def test_a_margin_tells_how_likely_a_difference_matters():
    a, b, t = models(alike=0.3)
    save(a=a, b=b, t=t)
    found = compare("--margin", "0.05")
    centre, scale, df = found["loss_difference"], found["standard_error"], found["df"]
    middle = plain.within(mpf("-0.05"), mpf("0.05"), mpf(centre), mpf(scale), df)
    low = plain.within(mpf(-60), mpf("-0.05"), mpf(centre), mpf(scale), df)
    near(found["p_equivalent"], middle, 1e-9)
    near(found["p_better"], low, 1e-6)
    near(found["p_better"] + found["p_equivalent"] + found["p_worse"], 1)


@pytest.mark.usefixtures("folder")
def test_swapped_models_negate_every_signed_number_to_the_bit():
    a, b, t = models()
    save(a=a, b=b, t=t)
    options = ("--permutations", "99", "--clusters", "axis:0")
    one, other = compare(*options), compare(*options, a="b.npy", b="a.npy")
    for key in ("loss_difference", "t", "accuracy_difference"):
        assert one[key] == -other[key]
    assert (one["ci_low"], one["ci_high"]) == (-other["ci_high"], -other["ci_low"])
    assert (one["n_better"], one["n_only_baseline_correct"]) == (other["n_worse"], other["n_only_model_correct"])
    for key in ("standard_error", "p_value", "p_value_permutation", "correlation", "same_top", "p_value_mcnemar"):
        assert one[key] == other[key]


@pytest.mark.usefixtures("folder")
def test_a_sum_has_the_error_of_a_sum():
    a, b, t = models()
    save(a=a, b=b, t=t)
    mean, total = compare(), compare("--reduction", "sum", "--bootstrap", "99")
    for key in ("loss_difference", "standard_error", "ci_low", "standard_error_unpaired"):
        near(total[key], mpf(mean[key]) * N)
    assert total["perplexity_ratio"] == pytest.approx(mean["perplexity_ratio"], rel=1e-13)
    assert total["p_value"] == pytest.approx(mean["p_value"], rel=1e-12)
    assert total["bootstrap_low"] < total["loss_difference"] < total["bootstrap_high"]


@pytest.mark.usefixtures("folder")
def test_losses_that_were_saved_give_the_same_comparison():
    a, b, t = models()
    t[5] = -100
    save(a=a, b=b, t=t)
    for name in "ab":
        nll("compute", f"{name}.npy", "t.npy", "--save-losses", f"{name}_losses.npy")
    direct = compare("--permutations", "99")
    given = compare("--permutations", "99", "--from", "losses", a="a_losses.npy", b="b_losses.npy")
    keys = ("loss_difference", "standard_error", "p_value", "p_value_permutation", "n_better", "correlation", "ci_low")
    assert [given[key] for key in keys] == [direct[key] for key in keys]
    assert (given["same_top"], given["accuracy_difference"], given["kl_divergence"]) == (None, None, None)
    mixed = compare("--from", "logits,losses", b="b_losses.npy")
    assert [mixed[key] for key in keys[:3]] == [direct[key] for key in keys[:3]]
    names = ["cat", "dog", "owl", "bee"]
    Path("t.txt").write_text("\n".join("NA" if i < 0 else names[i] for i in t.tolist()))
    named = ("--from", "losses", "--classes", ",".join(names), "--missing", "ignore")
    found = compare(*named, a="a_losses.npy", b="b_losses.npy", t="t.txt")
    assert [found[key] for key in keys[:3]] == [direct[key] for key in keys[:3]]


@pytest.mark.usefixtures("folder")
def test_three_models_are_the_pairs_one_by_one_with_holms_p():
    a, b, t = models()
    c = b + RNG.normal(size=b.shape) / 2
    save(a=a, b=b, c=c, t=t)
    whole = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "-f", "json").json
    pairs = [compare(b=name) for name in ("b.npy", "c.npy")]
    for found, alone in zip(whole["comparisons"], pairs, strict=True):
        assert found | {"p_value_adjusted": alone["p_value"]} == alone
    low, high = sorted(pair["p_value"] for pair in pairs)
    by_size = sorted(found["p_value_adjusted"] for found in whole["comparisons"])
    assert by_size == [min(1.0, 2 * low), min(1.0, max(2 * low, high))]
    every = nll(
        "compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "-f", "json", "--all-pairs", "--adjust", "none"
    ).json
    assert [(each["baseline"], each["model"]) for each in every["comparisons"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(each["p_value_adjusted"] == each["p_value"] for each in every["comparisons"])
    quiet = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "-q").out.split()
    assert [float(text) for text in quiet] == [pair["loss_difference"] for pair in pairs]


@pytest.mark.usefixtures("folder")
def test_classes_have_differences_of_their_own():
    a, b, t = models()
    t[t == 3] = 2
    save(a=a, b=b, t=t)
    rows = compare()["per_class"]
    assert [row["class"] for row in rows] == ["0", "1", "2", "3"]
    truth = plain.Models.of(a, b, t)
    for c, row in enumerate(rows[:3]):
        own = [i for i in range(N) if t[i] == c]
        d = [truth.differences[i] for i in own]
        mean = sum(d) / len(d)
        near(row["baseline_loss"], sum(truth.old[i] for i in own) / len(own))
        near(row["model_loss"], sum(truth.new[i] for i in own) / len(own))
        near(row["loss_difference"], mean)
        error = sqrt(sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d))
        near(row["standard_error"], error)
        near(row["p_value"], plain.two_sided_p(mean / error, len(d) - 1), 1e-9)
    assert rows[3] == {"class": "3", "count": 0, **dict.fromkeys(list(rows[3])[2:])}
    assert min(row["p_value_adjusted"] for row in rows[:3]) == 3 * min(row["p_value"] for row in rows[:3])


@pytest.mark.usefixtures("folder")
def test_the_samples_that_differ_most_are_listed():
    a, b, t = models()
    t[4] = -100
    save(a=a, b=b, t=t)
    truth = {}
    for i in range(N):
        if t[i] != -100:
            old, new = (float(oracle.losses([x[i]], [t[i]])[0]) for x in (a, b))
            truth[i] = old, new
    order = sorted(truth, key=lambda i: truth[i][1] - truth[i][0])
    found = compare("--largest", "2")["largest"]
    assert [each["sample"] for each in found] == [*order[:2], *order[:-3:-1]]
    for each in found:
        near(each["baseline_loss"], truth[each["sample"]][0])
        near(each["model_loss"], truth[each["sample"]][1])
        assert each["target"] == str(t[each["sample"]])
    assert compare("--largest", "0")["largest"] == []


@pytest.mark.usefixtures("folder")
def test_samples_of_several_axes_are_named_by_their_position():
    a = RNG.normal(size=(3, 5, C))
    save(a=a, b=a + RNG.normal(size=a.shape), t=RNG.integers(0, C, (3, 5)))
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json", "--class-axis", "2")
    assert {
        type(json.loads(each["sample"].replace("(", "[").replace(")", "]")))
        for each in done.json["comparisons"][0]["largest"]
    } == {list}
    assert "dependent-samples" in {note["code"] for note in done.json["notes"]}
    assert "--clusters axis:0 takes sequences as units" in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_differences_are_saved_with_0_for_ignored_samples(suffix):
    a, b, t = models()
    t[3] = -100
    save(a=a, b=b, t=t)
    assert nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-q", "--save-differences", f"d.{suffix}").code == 0
    saved = np.load("d.npy") if suffix == "npy" else np.loadtxt("d.csv", skiprows=1)
    for i in range(N):
        old, new = (0 if t[i] == -100 else oracle.losses([x[i]], [t[i]])[0] for x in (a, b))
        near(saved[i], new - old, 1e-12)


# --- warnings and verdicts ------------------------------------------------------------------------------------------


def two(old, new, targets=None):
    """Two models of two classes with these losses, and targets of class 0."""
    for name, losses in (("a", old), ("b", new)):
        p = np.exp(-np.asarray(losses, float))
        np.save(f"{name}.npy", np.stack([p, 1 - p], axis=1))
    np.save("t.npy", np.zeros(len(old), np.int64) if targets is None else targets)


def warned(*options):
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json", "--from", "probs", *options)
    assert done.code in (0, 5), done.err
    return {warning["code"] for warning in json.loads(done.out)["warnings"]}, json.loads(done.out)["comparisons"][0]


@pytest.mark.usefixtures("folder")
def test_equal_models_are_the_same():
    two([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    codes, found = warned()
    assert codes == {"same-losses"}
    assert (found["verdict"], found["p_value"], found["ci_low"], found["ci_high"]) == ("same", 1, 0, 0)
    assert (found["correlation"], found["p_value_permutation"], found["t"]) == (1, 1, None)


@pytest.mark.usefixtures("folder")
def test_differences_within_rounding_are_not_evidence():
    two([0.5] * 30, [0.5 + 1e-16 * (i % 2) for i in range(30)])
    p = np.load("b.npy")
    p[::2, 0] = np.nextafter(p[::2, 0], 1)
    np.save("b.npy", p)
    codes, found = warned()
    assert "difference-within-rounding" in codes
    assert (found["verdict"], found["p_value"]) == ("same", None)


@pytest.mark.usefixtures("folder")
def test_a_difference_without_spread_has_no_p_but_flips():
    two([0.25] * 3, [0.5] * 3)
    codes, found = warned()
    assert codes == {"difference-without-spread"}
    assert (found["t"], found["p_value"]) == (None, None)
    assert found["p_value_permutation"] == 2 / 8


@pytest.mark.usefixtures("folder")
def test_one_sample_has_a_difference_and_no_error():
    two([0.25], [0.5])
    codes, found = warned("--permutations", "9", "--bootstrap", "9")
    assert codes == set()
    assert found["loss_difference"] == pytest.approx(0.25, abs=1e-15)
    assert [found[key] for key in ("standard_error", "ci_low", "p_value", "correlation")] == [None] * 4


@pytest.mark.usefixtures("folder")
def test_an_infinite_loss_leaves_the_counts():
    two([0.25, np.inf, 0.5], [0.5, 0.25, 0.25])
    codes, found = warned()
    assert "infinite-loss" in codes
    assert (found["loss_difference"], found["standard_error"], found["verdict"]) == (None, None, "undecided")
    assert (found["n_better"], found["n_worse"], found["accuracy_difference"]) == (2, 1, 1 / 3)
    both = np.load("a.npy")
    np.save("b.npy", both)
    codes, found = warned()
    assert (found["n_equal"], found["verdict"]) == (3, "undecided")


@pytest.mark.usefixtures("folder")
def test_a_probability_of_0_makes_the_divergence_infinite():
    save(a=[[0.5, 0.25, 0.25]] * 4, b=[[0.75, 0.0, 0.25]] * 4, t=[0, 0, 0, 2])
    codes, found = warned("--clusters", "axis:0")
    assert codes >= {"infinite-divergence", "few-clusters"}
    assert (found["kl_divergence"], found["kl_max"]) == (None, None)


@pytest.mark.usefixtures("folder")
def test_a_difference_may_rest_on_few_samples_against_most():
    old = [0.01] * 200 + [3.0] * 3
    new = [0.02] * 200 + [0.1] * 3
    two(old, new)
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "probs")
    assert "5 of 203 samples make 99 % of the squares of the differences (the largest, row 200, 33 %)" in done.err
    assert "b has the lower mean loss and the higher loss on 200 of 203 samples" in done.err


@pytest.mark.usefixtures("folder")
def test_clusters_are_few_or_one():
    two(RNG.random(20), RNG.random(20))
    save(g=np.arange(20) // 5, one=np.zeros(20, int))
    assert "few-clusters" in warned("--clusters", "g.npy")[0]
    codes, found = warned("--clusters", "one.npy")
    assert codes >= {"one-cluster"}
    assert (found["standard_error"], found["p_value"], found["n_units"]) == (None, None, 1)


@pytest.mark.usefixtures("folder")
def test_models_of_other_settings_and_classes_are_told_apart():
    a, b, t = models()
    save(a=a, b=np.concatenate([b, b[:, :1]], axis=1), t=t)
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--temperature", "2,1", "-f", "json")
    assert done.codes == {"classes-differ", "not-comparable"}
    found = done.json["comparisons"][0]
    assert (found["kl_divergence"], found["per_class"]) == (None, None)
    assert found["n_both_correct"] is not None
    assert "temperature:2,1" in done.json["signature"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kinds", ["probs,probs", "logits,probs", "probs,log-probs"])
def test_probabilities_under_a_temperature_are_logits_of_log_p(kinds):
    probs = np.random.default_rng(8).dirichlet(np.ones(4), (2, 30))
    made = {"probs": lambda p: p, "logits": np.log, "log-probs": np.log}
    a, b = (made[kind](p) for kind, p in zip(kinds.split(","), probs, strict=True))
    save(a=a, b=b, x=np.log(probs[0]), y=np.log(probs[1]), t=np.arange(30) % 4)
    words = ["-t", "t.npy", "--temperature", "2", "-f", "json"]
    found = nll("compare", "a.npy", "b.npy", "--from", kinds, *words).json["comparisons"][0]
    of_logits = nll("compare", "x.npy", "y.npy", *words).json["comparisons"][0]
    for key in ("loss_difference", "standard_error", "kl_divergence", "same_top", "n_both_correct"):
        assert found[key] == of_logits[key], key


@pytest.mark.usefixtures("folder")
def test_a_model_named_twice_is_compared_once_unless_its_settings_differ():
    a, b, t = models()
    save(a=a, b=b, t=t)
    done = nll("compare", "a.npy", "b.npy", "a.npy", "-t", "t.npy", "-q")
    assert len(done.out.split()) == 1
    assert "note: a.npy: is named twice, and compared once" in done.err
    twice = nll("compare", "a.npy", "a.npy", "-t", "t.npy", "--temperature", "1,2", "-f", "json").json
    assert [model["name"] for model in twice["models"]] == ["a.npy (1)", "a.npy (2)"]
    once = nll("compare", "a.npy", "a.npy", "-t", "t.npy")
    assert (once.code, "two models or more: a.npy is named 2 times" in once.err) == (2, True)


# --- gates, names, and what is refused --------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("shift", "margin", "holds"),
    [
        (-0.3, None, {"better", "not-worse"}),
        (0.3, None, set()),
        (-0.3, "0.5", {"not-worse", "equivalent"}),
        (0.3, "0.5", {"not-worse", "equivalent"}),
        (0.0, "0.5", {"not-worse", "equivalent"}),
        (0.0, None, {"not-worse"}),
    ],
)
def test_words_are_conditions(shift, margin, holds):
    old = 0.5 + RNG.random(50)
    two(old, old if shift == 0.0 else old + shift + RNG.normal(size=50) / 50)
    options = [] if margin is None else ["--margin", margin]
    for word in ("better", "not-worse", "equivalent"):
        done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "probs", "-q", *options, "--require", word)
        assert done.code == (2 if word == "equivalent" and margin is None else 0 if word in holds else 5)
        if done.code == 5:
            assert f"(--require {word})" in done.err


@pytest.mark.usefixtures("folder")
def test_without_an_interval_nothing_is_known_to_hold():
    two([0.25], [0.2])
    for word in ("better", "not-worse"):
        done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "probs", "--require", word)
        assert done.code == 5


@pytest.mark.usefixtures("folder")
def test_numbers_of_the_json_are_printed_and_required_by_the_name_of_the_model():
    a, b, t = models()
    save(a=a, b=b, t=t)
    whole = compare()
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--print", "comparisons[b].p_value,comparisons[b].kl_max")
    assert [float(text) for text in done.out.split()] == [whole["p_value"], whole["kl_max"]]
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--print", "comparisons[0].per_class[2].p_value")
    assert float(done.out) == whole["per_class"][2]["p_value"]
    done = nll(
        "compare",
        "a.npy",
        "b.npy",
        "-t",
        "t.npy",
        "-q",
        "--require",
        "comparisons[b].p_value<0",
        "--require",
        "n_samples>1",
    )
    assert (done.code, "comparisons[b].p_value is" in done.err) == (5, True)


@pytest.mark.usefixtures("folder")
def test_the_baseline_is_named_or_numbered():
    a, b, t = models()
    save(a=a, b=b, t=t)
    first = compare()
    for baseline in ("new", "2"):
        other = compare("--names", "old,new", "--baseline", baseline)
        assert (other["baseline"], other["model"]) == ("new", "old")
        assert other["loss_difference"] == -first["loss_difference"]


REFUSED = {
    "one model": (["a.npy", "-t", "t.npy"], 2, "needs two models or more: one is named", []),
    "no targets": (["a.npy", "b.npy"], 2, "a.npy: there are no targets", []),
    "targets as a model": (
        ["a.npy", "b.npy", "t.npy"],
        2,
        "t.npy: looks like targets",
        ["a.npy b.npy --targets t.npy"],
    ),
    "targets as the second model": (["a.npy", "t.npy"], 2, "t.npy: looks like targets", []),
    "text as targets": (["a.npy", "b.npy", "t.txt"], 2, "t.txt: looks like targets", ["a.npy b.npy --targets t.txt"]),
    "a percentage": (["a.npy", "b.npy", "-t", "t.npy", "--confidence", "95"], 2, "95", ["--confidence 0.95"]),
    "no share": (["a.npy", "b.npy", "-t", "t.npy", "--confidence", "0"], 2, "--confidence 0 is not between", []),
    "a margin below 0": (["a.npy", "b.npy", "-t", "t.npy", "--margin", "-1"], 2, "--margin -1 is not", []),
    "a word": (["a.npy", "b.npy", "-t", "t.npy", "--require", "beter"], 2, "beter", ["--require better"]),
    "no word": (["a.npy", "b.npy", "-t", "t.npy", "--require", "nice"], 2, "nice is not a condition", []),
    "another baseline": (["a.npy", "b.npy", "-t", "t.npy", "--baseline", "c"], 2, "there is no model 'c'", []),
    "baseline 3": (["a.npy", "b.npy", "-t", "t.npy", "--baseline", "3"], 2, "there is no model '3'", []),
    "a baseline of two meanings": (
        ["a.npy", "b.npy", "-t", "t.npy", "--names", "2,b", "--baseline", "2"],
        2,
        "2 is the name of one model and the number of another",
        [],
    ),
    "no such file": (["a.npy", "b.npy", "c.npy"], 4, "c.npy: cannot be opened", []),
    "no such targets": (["a.npy", "b.npy", "-t", "c.npy"], 4, "c.npy: cannot be opened", []),
    "targets in a format that is named": (
        ["a.dat", "b.dat", "t.dat", "--input-format", "npy"],
        2,
        "t.dat: looks like targets",
        ["a.dat b.dat --input-format npy --targets t.dat"],
    ),
    "tokens and logits": (
        ["a.npy", "l.npy", "--from", "logits,token-log-probs"],
        2,
        "token-log-probs cannot be compared with the logits",
        [],
    ),
    "losses whose targets are names": (
        ["l.npy", "m.npy", "-t", "words.txt", "--from", "losses"],
        3,
        "words.txt, line 1: target 'cat' is a name, and the classes have none",
        [],
    ),
    "losses and logits whose targets are names": (
        ["a.npy", "b.npy", "-t", "words.txt", "--from", "logits,logits"],
        3,
        "words.txt, line 1: target 'cat' is a name, and the classes have none",
        ["--classes bee,cat,dog,owl", "--classes cat,dog,owl,bee"],
    ),
    "too few names": (["a.npy", "b.npy", "-t", "t.npy", "--names", "x"], 2, "gives 1 name for 2 models", []),
    "a name twice": (["a.npy", "b.npy", "-t", "t.npy", "--names", "x,x"], 2, "two models the name 'x'", []),
    "an empty name": (["a.npy", "b.npy", "-t", "t.npy", "--names", "x,"], 2, "is empty", []),
    "sources": (["a.npy", "b.npy", "-t", "t.npy", "--from", "probs,logits,probs"], 2, "3 values for 2 models", []),
    "a source": (["a.npy", "b.npy", "-t", "t.npy", "--from", "logits,lgits"], 2, "lgits", ["--from logits,logits"]),
    "no temperature": (["a.npy", "b.npy", "-t", "t.npy", "--temperature", "hot"], 2, "'hot' is not a number", []),
    "no reduction": (["a.npy", "b.npy", "-t", "t.npy", "--reduction", "none"], 2, "leaves no number", []),
    "lengths": (["a.npy", "short.npy", "-t", "t.npy"], 3, "short.npy: has 9 samples, but a.npy has 60", []),
    "NaN": (["a.npy", "nan.npy", "-t", "t.npy"], 3, "nan.npy, row 3: class 1 is NaN", ["--on-nonfinite nan"]),
    "losses with weights": (
        ["l.npy", "m.npy", "--from", "losses", "--weights", "1,2"],
        2,
        "--weights has no meaning for losses",
        ["l.npy m.npy --from losses"],
    ),
    "standard input twice": (["-", "b.npy", "-t", "-"], 2, "standard input", []),
}


@pytest.mark.uncounted
@pytest.mark.parametrize(("words", "code", "message", "remedies"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_is_wrong_and_end_in_commands_that_work(folder, words, code, message, remedies):
    a, b, t = models()
    broken = b.copy()
    broken[3, 1] = np.nan
    save(a=a, b=b, t=t, short=b[:9], nan=broken, l=np.ones(5), m=np.arange(5.0))
    np.savetxt(folder / "t.txt", t, "%d")
    Path("words.txt").write_text("\n".join(["cat", "dog", "owl", "bee"] * (N // 4)))
    for name, values in (("a", a), ("b", b), ("t", t)):
        with Path(f"{name}.dat").open("wb") as file:
            np.save(file, values)
    done = nll("compare", *words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
    lines = [line.removeprefix("try: nll ").partition("  #")[0] for line in done.err.splitlines() if line[:4] == "try:"]
    assert len(lines) == len(remedies)
    for line, wanted in zip(lines, remedies, strict=True):
        assert wanted in line
        again = nll(*line.split())
        assert again.code in (0, 5), again.err


@pytest.mark.usefixtures("folder")
def test_nonfinite_logits_may_count_as_nan():
    a, b, t = models()
    b[3, 1] = np.nan
    save(a=a, b=b, t=t)
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--on-nonfinite", "nan", "-f", "json")
    found = done.json["comparisons"][0]
    assert (found["loss_difference"], found["n_better"] + found["n_worse"]) == (None, N - 1)
    assert "nonfinite-logits" in done.codes


@pytest.mark.usefixtures("folder")
def test_soft_targets_have_losses_and_divergence_but_no_answers():
    a, b, _ = models()
    soft = np.array([[float(p) for p in oracle.softmax(row)] for row in RNG.normal(size=(N, C))])
    save(a=a, b=b, t=soft)
    found = compare()
    old, new = (sum(oracle.losses(x, soft)) / N for x in (a, b))
    near(found["loss_difference"], new - old)
    assert (found["accuracy_difference"], found["per_class"], found["target_p_difference_mean"]) == (None,) * 3
    assert found["kl_divergence"] > 0
    page = nll("compare", "a.npy", "b.npy", "-t", "t.npy").out
    assert "accuracy" not in page
    assert "the answers are the same" in page


@pytest.mark.usefixtures("folder")
def test_nothing_counted_is_said_so():
    a, b, _ = models()
    save(a=a, b=b, t=np.full(N, -100))
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json", "--permutations", "9", "--bootstrap", "9")
    assert "nothing-counted" in done.codes
    found = done.json["comparisons"][0]
    assert (found["loss_difference"], found["p_value"], found["kl_divergence"], found["accuracy_difference"]) == (
        None,
    ) * 4


@pytest.mark.usefixtures("folder")
def test_token_log_probs_are_compared_without_targets():
    save(a=-RNG.random(50), b=-RNG.random(50))
    found = nll("compare", "a.npy", "b.npy", "--from", "token-log-probs", "-f", "json").json["comparisons"][0]
    near(
        found["loss_difference"],
        sum(map(mpf, np.load("a.npy").tolist())) / 50 - sum(map(mpf, np.load("b.npy").tolist())) / 50,
    )
    assert (found["same_top"], found["n_both_correct"]) == (None, None)
    assert nll("compare", "a.npy", "b.npy", "--from", "token-log-probs", "--clusters", "axis:0").code == 2


@pytest.mark.usefixtures("folder")
def test_numbers_too_large_for_their_form_are_infinite_or_left_out():
    p = np.array([[1e-320, 1.0]] * 3 + [[0.5, 0.5]])
    save(a=[[0.5, 0.5]] * 4, b=p, t=np.zeros(4, np.int64))
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "probs", "-f", "json", "--reduction", "sum")
    found = done.json["comparisons"][0]
    near(found["perplexity_ratio"], exp(mpf(found["loss_difference"]) / 4))
    np.save("c.npy", np.full(4, 2000.0))
    np.save("d.npy", np.arange(4.0))
    found = nll("compare", "d.npy", "c.npy", "--from", "losses", "-f", "json").json
    assert found["comparisons"][0]["perplexity_ratio"] is None
    assert found["nonfinite"]["comparisons[0].perplexity_ratio"] == "inf"


@pytest.mark.usefixtures("folder")
def test_clusters_of_three_models_are_counted_on_the_page():
    a, b, t = models()
    save(a=a, b=b, c=a + b, t=t, g=np.arange(N) // 2)
    page = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "--clusters", "g.npy").out
    assert "units  30   clusters (g.npy) of 60 samples" in page


@pytest.mark.usefixtures("folder")
def test_a_file_that_holds_no_numbers_is_no_model(folder):
    a, b, t = models()
    save(a=a, b=b, t=t)
    (folder / "names.txt").write_text("".join(f"c{c}\n" for c in t))
    done = nll("compare", "a.npy", "b.npy", "names.txt")
    assert (done.code, "names.txt: looks like targets" in done.err) == (2, True)
    (folder / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    done = nll("compare", "broken.npy", "b.npy", "a.npy")
    assert (done.code, "broken.npy" in done.err) == (3, True)


def test_outcomes_add_up_and_are_numbered_anew():
    extremes = Extremes.of(1, np.array([3.0, 4.0]), np.array([5, 6]))
    divergence = DivergenceSums(infinite=Rows(1, (7,)))
    pair = PairSums(largest=extremes, divergence=divergence)
    tally = Tally(2, findings={"infinite-loss": Rows(1, (8,))})
    one = Outcome(0, Sums((tally,), (pair,)))
    assert sorted(one.named_samples) == [5, 6, 7, 8]
    assert sorted(one.shifted(10).named_samples) == [15, 16, 17, 18]
    both = one + one.shifted(10)
    assert (both.start, both.sums.models[0].n_samples, sorted(both.named_samples)) == (0, 4, [5, 6, 7, 8, 17, 18])
    kept = Comparing((), (), (), (), 1, level=0, keeps_all=True)
    assert kept.gather([one, both]) == [one, both]
    assert replace(kept, keeps_all=False).gather([one, both]) == [one + both]
    assert replace(kept, keeps_all=False).gather([]) == []
    assert not kept.makes_arrays


# --- what the files may be instead ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_a_misspelt_option_for_the_targets_is_that_for_the_targets():
    a, b, t = models()
    save(a=a, b=b, t=t)
    done = nll("compare", "a.npy", "b.npy", "--target", "t.npy")
    assert done.err.splitlines()[-1] == "try: nll compare a.npy b.npy --targets t.npy"


@pytest.mark.usefixtures("folder")
def test_logits_are_not_losses_and_losses_no_logits():
    a, b, t = models()
    save(a=a, b=b, t=t, l=np.arange(N, dtype=float), m=np.ones(N))
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "losses")
    assert done.err.splitlines()[-1] == "try: nll compare a.npy b.npy -t t.npy --from logits"
    done = nll("compare", "l.npy", "m.npy", "-t", "t.npy")
    assert done.err.startswith("nll: error: l.npy: has one number a sample\n")
    tries = [line.removeprefix("try: nll ").partition("  #")[0] for line in done.err.splitlines()[1:]]
    assert nll(*tries[0].split()).code == 0
    assert "--from token-log-probs" in tries[1]
    assert "--binary" in tries[2]
    assert "has one number a sample" not in nll("compare", "l.npy", "m.npy", "-t", "missing.npy").err


@pytest.mark.usefixtures("folder")
def test_a_key_of_the_comparisons_is_found_there():
    a, b, t = models()
    save(a=a, b=b, c=a + b, t=t)
    done = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "--print", "p_value")
    tries = [line.removeprefix("try: nll ") for line in done.err.splitlines() if line.startswith("try:")]
    assert [line.split()[-1] for line in tries] == ["'comparisons[b].p_value'", "'comparisons[c].p_value'"]
    assert all(nll(*line.replace("'", "").split()).code == 0 for line in tries)


@pytest.mark.usefixtures("folder")
def test_samples_that_are_0_in_all_losses_may_be_padding():
    save(a=np.array([0.0, 0.0, 1.0, 2.0]), b=np.array([0.0, 1.0, 2.0, 2.5]), t=np.array([-100, 0, 1, 0]))
    done = nll("compare", "a.npy", "b.npy", "--from", "losses", "-f", "json")
    assert done.codes == {"zero-losses"}
    assert "1 of 4 samples have a loss of exactly 0 in all models" in done.err
    told = nll("compare", "a.npy", "b.npy", "--from", "losses", "-t", "t.npy", "-f", "json").json
    assert (told["n_counted"], told["warnings"]) == (3, [])
    refused = nll("compare", "a.npy", "b.npy", "--from", "losses", "--per-class")
    assert (refused.code, refused.err.splitlines()[-1]) == (
        2,
        "try: nll compare a.npy b.npy --from losses  # the losses alone",
    )


@pytest.mark.usefixtures("folder")
def test_no_samples_have_no_mean():
    save(a=np.zeros((0, 3)), b=np.zeros((0, 3)), t=np.zeros(0, np.int64))
    done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json")
    assert done.codes == {"no-samples"}
    assert done.json["comparisons"][0]["loss_difference"] is None
    assert "nan" in nll("compare", "a.npy", "b.npy", "-t", "t.npy").out


@pytest.mark.usefixtures("folder")
def test_a_model_that_is_worse_than_chance_is_noted():
    a, _, t = models()
    a[:] = 0.0
    a[np.arange(N), (t + 1) % C] = 5.0
    save(a=a, b=np.zeros((N, C)), t=t)
    notes = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "-f", "json").json["notes"]
    assert [note["message"].partition(":")[0] for note in notes if note["code"] == "above-chance"] == ["a.npy"]


def test_names_of_one_model_alone_are_noted(folder):
    a, b, t = models(c=2)
    save(b=b, t=t)
    np.savetxt(folder / "a.csv", a, delimiter=",", header="cat,dog", comments="", fmt="%.17g")
    done = nll("compare", "a.csv", "b.npy", "-t", "t.npy")
    assert "a.csv names its classes, and b.npy does not: both are taken to have them in one order" in done.err


@pytest.mark.usefixtures("folder")
def test_every_pair_has_the_groups_of_all():
    a, b, t = models(4100)
    groups = np.arange(4100) // 2050
    save(a=a, b=b, c=a + b, t=t, g=groups)
    whole = nll("compare", "a.npy", "b.npy", "c.npy", "-t", "t.npy", "--clusters", "g.npy", "-f", "json", "--all-pairs")
    last = whole.json["comparisons"][2]
    alone = compare("--clusters", "g.npy", a="b.npy", b="c.npy")
    keys = ("unit_size", "n_permutations", "p_value_permutation", "design_effect", "standard_error", "n_units")
    assert [last[key] for key in keys] == [alone[key] for key in keys]
    assert last["unit_size"] == 1


@pytest.mark.usefixtures("folder")
def test_classes_that_differ_by_rounding_have_no_p():
    a, _, t = models()
    save(a=a, b=a + 100, t=t)
    found = compare()
    assert found["verdict"] == "same"
    assert {row["p_value"] for row in found["per_class"]} == {None}


@pytest.mark.usefixtures("folder")
def test_a_mean_of_nan_is_against_nothing():
    a, _, t = models(200)
    b = a.copy()
    b[np.arange(200), t] += 0.1
    b[3, 1] = np.nan
    save(a=a, b=b, t=t)
    done = nll(
        "compare", "a.npy", "b.npy", "-t", "t.npy", "--on-nonfinite", "nan", "-f", "json", "--require", "not-worse"
    )
    assert (done.code, "b minus a has no interval" in done.err) == (5, True)
    assert {warning["code"] for warning in json.loads(done.out)["warnings"]} == {"nonfinite-logits"}


@pytest.mark.usefixtures("folder")
def test_the_sample_that_is_farthest_from_the_mean_is_named_whatever_its_weight():
    old, new = np.full(100, 1.0), np.full(100, 1.0) + np.arange(100) / 1e4
    new[15] = 3.0
    save(a=old, b=new, w=np.full(100, 2.0), t=np.zeros(100, np.int64))
    for more in ([], ["--sample-weights", "w.npy"]):
        done = nll("compare", "a.npy", "b.npy", "-t", "t.npy", "--from", "losses", *more)
        assert "(the largest, row 15, 99 %)" in done.err


@pytest.mark.usefixtures("folder")
def test_the_largest_shares_are_sought_among_the_heaviest_too():
    """Of more samples than are kept one by one, however many are listed."""
    n = 9000
    old, weights = RNG.exponential(1, n), np.ones(n)
    new = old + RNG.normal(0, 0.1, n)
    weights[5000], new[5000] = 1000.0, old[5000] + 0.09
    save(a=old, b=new, w=weights, t=np.zeros(n, np.int64))
    truth = (new - old) * weights
    squares = (truth - truth.sum() / weights.sum() * weights) ** 2
    for k in (0, 3, 50):
        found = compare("--from", "losses", "--sample-weights", "w.npy", "--largest", str(k))
        near(found["largest_share_of_squares"], squares[5000] / squares.sum(), 1e-9)


@pytest.mark.usefixtures("folder")
def test_the_first_of_all_pairs_may_be_losses():
    """Which have no classes to list."""
    a, b, t = models()
    losses = np.array([float(each) for each in oracle.losses(a.tolist(), t.tolist())])
    save(a=a, b=b, t=t, l=losses)
    words = ["compare", "l.npy", "a.npy", "b.npy", "-t", "t.npy", "--from", "losses,logits,logits", "--all-pairs"]
    first, second, third = nll(*words, "-f", "json").json["comparisons"]
    assert (first["verdict"], first["per_class"], second["per_class"]) == ("same", None, None)
    assert third == {**compare(a="a.npy", b="b.npy"), "p_value_adjusted": third["p_value_adjusted"]}


@pytest.mark.usefixtures("folder")
def test_a_confidence_next_to_1_has_an_interval():
    a, b, t = models()
    save(a=a, b=b, t=t)
    found = compare("--confidence", "0.9999999999999999")
    half = mpf(found["ci_high"]) - mpf(found["loss_difference"])
    near(plain.two_sided_p(half / mpf(found["standard_error"]), N - 1), 1.0 - 0.9999999999999999, 1e-9)
