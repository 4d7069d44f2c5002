"""nll explain from the command line: which samples, which numbers, which errors."""

import csv
import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
from in_process import nll

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).parents[2] / "samples"
PETS = [SAMPLES / "pets" / "logits.csv", SAMPLES / "pets" / "targets.txt"]
DIGITS = [SAMPLES / "digits" / "mlp.npy", SAMPLES / "digits" / "targets.npy"]
PET_ROWS, PET_TARGETS = [[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1]


def explanations(*words):
    return nll("explain", *words, "-f", "json").json["explanations"]


@pytest.fixture
def saved(tmp_path):
    """Save arrays and give their paths."""

    def save(*arrays):
        paths = [tmp_path / f"{i}.npy" for i in range(len(arrays))]
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
        return paths

    return save


# --- the keys, pinned ----------------------------------------------------------------------------------------------


def test_keys():
    report = nll("explain", *PETS, "--row", 0, "-f", "json").json
    assert list(report) == [
        "schema_version",
        "command",
        "version",
        "kernel",
        "signature",
        "loss_name",
        "reduction",
        "unit",
        "loss",
        "loss_sum",
        "denominator",
        "n_samples",
        "n_classes",
        "explanations",
        "warnings",
    ]
    (explained,) = report["explanations"]
    assert list(explained) == [
        "sample",
        "place",
        "target",
        "target_name",
        "predicted",
        "maximum",
        "sum_exponentials",
        "logsumexp",
        "probability",
        "loss",
        "weight",
        "weighted_loss",
        "contribution",
        "share_of_loss",
        "rival",
        "margin",
        "classes",
        "others",
    ]
    assert list(explained["classes"][0]) == [
        "class",
        "index",
        "logit",
        "shifted",
        "exponential",
        "probability",
        "surprisal",
        "share",
        "gradient",
    ]
    assert explained["others"] is None


# --- the numbers ---------------------------------------------------------------------------------------------------

SETTINGS = {
    "plain": ([], {}),
    "weights": (["--weights", "1,0.2,0.5"], {"class_weights": [1, 0.2, 0.5]}),
    "smoothing": (["--label-smoothing", "0.1"], {"label_smoothing": 0.1}),
    "smoothing and weights": (
        ["--label-smoothing", "0.1", "--weights", "1,0.2,0.5"],
        {"label_smoothing": 0.1, "class_weights": [1, 0.2, 0.5]},
    ),
    "temperature": (["--temperature", "3"], {"temperature": 3}),
    "one-vs-rest": (["--loss", "one-vs-rest"], {"loss": "one-vs-rest"}),
    "argmax": (["--loss", "argmax"], {"loss": "argmax"}),
    "clip": (["--clip", "0.1"], {"clip": 0.1}),
    "ignored": (["--ignore-index", "2"], {"ignore_index": 2}),
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_contributions_add_up_to_the_reduced_loss(setting, reduction):
    words, options = SETTINGS[setting]
    each = oracle.losses(PET_ROWS, PET_TARGETS, **options)
    reduced = oracle.reduce(PET_ROWS, PET_TARGETS, reduction=reduction, **options)
    slopes = oracle.gradient(PET_ROWS, PET_TARGETS, reduction="sum", **options)
    found = explanations(*PETS, "--row", 0, "--row", 1, "--row", 2, "--reduction", reduction, *words)
    assert [e["weighted_loss"] for e in found] == pytest.approx([float(loss) for loss in each], rel=1e-14)
    assert sum(e["contribution"] for e in found) == pytest.approx(float(reduced), rel=1e-14)
    for e, row, slope in zip(found, PET_ROWS, slopes, strict=True):
        probs = oracle.softmax(row, temperature=options.get("temperature", 1))
        if setting == "argmax" and row.count(max(row)) > 1:
            continue  # a tie is a kink: there is no gradient to compare with
        if "clip" not in options:
            assert [c["probability"] for c in e["classes"]] == pytest.approx([float(p) for p in probs], rel=1e-14)
            gradient = [c["gradient"] for c in e["classes"]]
            assert gradient == pytest.approx([float(s) for s in slope], rel=1e-12, abs=1e-15)
        else:
            assert [c["gradient"] for c in e["classes"]] == [None] * 3


def test_one_row_in_full():
    (e,) = explanations(*PETS, "--row", 2)
    assert (e["sample"], e["place"], e["target"], e["target_name"], e["predicted"]) == (2, "row 2", 1, "dog", "cat")
    assert (e["maximum"], e["rival"], e["margin"]) == (4, "cat", 0)
    assert e["sum_exponentials"] == pytest.approx(2 + np.exp(-3), rel=1e-15)
    assert e["logsumexp"] == pytest.approx(4 + np.log(2 + np.exp(-3)), rel=1e-15)
    assert [c["class"] for c in e["classes"]] == ["cat", "dog", "horse"]
    assert [c["logit"] for c in e["classes"]] == [4, 4, 1]
    assert [c["shifted"] for c in e["classes"]] == [0, 0, -3]
    assert [c["share"] for c in e["classes"]] == [0, 1, 0]
    assert e["share_of_loss"] is None


def test_logsumexp_is_that_of_logits_over_temperature():
    (e,) = explanations(*PETS, "--row", 0, "--temperature", 2)
    assert e["logsumexp"] == pytest.approx(np.log(np.exp([2.5, 2.0, 1.0]).sum()), rel=1e-15)
    assert [c["shifted"] for c in e["classes"]] == [0, -0.5, -1.5]


@pytest.mark.parametrize("row", [[1, 2, 3], [3, 1, 2], [2, 3, 1], [4, 1, 4], [1, 5, 5], [2, 2, 2]], ids=str)
def test_rivals_and_margins_against_loops(row, saved):
    """Of equal rivals it is the first."""
    paths = saved(np.array([row] * 3, "f8"), np.arange(3))
    found = explanations(*paths, *(word for target in range(3) for word in ("--row", target)))
    for target, e in enumerate(found):
        rival = None
        for c in range(3):
            if c != target and (rival is None or row[c] > row[rival]):
                rival = c
        margin = row[target] - row[rival]
        assert (e["rival"], e["margin"]) == (str(rival), margin)
        page = nll("explain", *paths, "--row", target).out
        assert re.search(rf"margin over the rival, {rival} +{row[target]} - {row[rival]} = {margin}\b", page)


@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_margins_without_logits_are_those_of_log_probabilities(saved, source):
    probs = np.array([[0.5, 0.3, 0.2]])
    paths = saved(probs if source == "probs" else np.log(probs), np.array([2]))
    (e,) = explanations(*paths, "--from", source)
    assert e["margin"] == pytest.approx(np.log(0.2 / 0.5), rel=1e-14)
    assert e["maximum"] is e["sum_exponentials"] is e["logsumexp"] is e["classes"][0]["logit"] is None
    assert e["loss"] == pytest.approx(-np.log(0.2), rel=1e-15)


def test_bits_are_those_of_compute_softmax_and_grad():
    whole = nll("compute", *DIGITS, "--per-sample", "-f", "json").json
    slopes = nll("grad", *DIGITS, "-f", "json").json["gradient"]
    probs = nll("softmax", DIGITS[0], "-f", "json").json["probs"]
    found = nll("explain", *DIGITS, "--hardest", 5, "--row", 0, "-f", "json").json
    assert found["loss"] == whole["loss"]
    assert found["loss_sum"] == whole["loss_sum"]
    for e in found["explanations"]:
        i = e["sample"]
        assert e["weighted_loss"] == whole["losses"][i]
        assert [c["probability"] for c in e["classes"]] == list(probs[i].values())[1:]
        divided = [c["gradient"] / found["denominator"] for c in e["classes"]]
        assert divided == list(slopes[i].values())[1:]
        assert e["share_of_loss"] == whole["losses"][i] / whole["loss_sum"]


def test_sample_weights_and_soft_targets(saved):
    soft = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    own = np.array([2.0, 0.0, 0.5])
    logits, targets, weights = saved(np.array(PET_ROWS, "f8"), soft, own)
    options = {"sample_weights": own, "label_smoothing": 0.1}
    words = [logits, targets, "--sample-weights", weights, "--label-smoothing", "0.1"]
    report = nll("explain", *words, *["--row", 0, "--row", 1, "--row", 2], "-f", "json").json
    each = oracle.losses(PET_ROWS, soft, **options)
    assert report["denominator"] == 2.5
    assert [e["weighted_loss"] for e in report["explanations"]] == pytest.approx([float(loss) for loss in each])
    contributions = sum(e["contribution"] for e in report["explanations"])
    assert contributions == pytest.approx(float(oracle.reduce(PET_ROWS, soft, **options)), rel=1e-14)
    assert {e["target"] for e in report["explanations"]} == {None}


def test_hundred_thousand_classes(saved):
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (3, 100_000)).astype("f4")
    targets = np.array([4, int(logits[1].argmin()), 9])
    (e,) = explanations(*saved(logits, targets), "--row", 1)
    row = logits[1].astype("f8")
    listed = [c["index"] for c in e["classes"]]
    assert listed == [*np.argsort(-row, kind="stable")[:8].tolist(), targets[1]]
    assert e["others"]["n"] == 99_991
    for key, whole in (("exponential", e["sum_exponentials"]), ("probability", 1.0), ("gradient", 0.0)):
        assert sum(c[key] for c in e["classes"]) + e["others"][key] == pytest.approx(whole, rel=1e-12, abs=1e-12)
    right = math.log(math.fsum(map(math.exp, row.tolist()))) - row[targets[1]]
    assert e["loss"] == pytest.approx(right, rel=1e-14)
    page = nll("explain", *saved(logits, targets), "--row", 1).out
    assert page.count("99,991 others") == 2


def test_exactly_ten_classes_are_all_listed_and_eleven_are_not(saved):
    for n, shown in ((10, 10), (11, 8)):
        (e,) = explanations(*saved(np.arange(n)[None].astype("f8"), np.array([n - 1])))
        assert len(e["classes"]) == shown
        assert (e["others"] or {"n": 0})["n"] == n - shown


# --- which samples -------------------------------------------------------------------------------------------------


def hardest(losses, k):
    return sorted(range(len(losses)), key=lambda i: (-losses[i], i))[:k]


@pytest.mark.parametrize("k", [1, 3, 20, 899, 2000])
def test_hardest_of_the_digits(k):
    losses = nll("compute", *DIGITS, "--per-sample", "-f", "json").json["losses"]
    if k <= 20:
        assert [e["sample"] for e in explanations(*DIGITS, "--hardest", k)] == hardest(losses, k)
    quiet = nll("explain", *DIGITS, "--hardest", k, "-q").out.split()
    assert [float(loss) for loss in quiet] == sorted(losses, reverse=True)[:k]


@pytest.mark.parametrize("threads", [1, 3])
def test_ties_across_blocks_go_by_sample_order(saved, threads):
    # Two thousand classes make blocks of 262 samples; the same few rows come again and again.
    kinds = np.zeros((4, 2000), "f4")
    kinds[:, 0] = [5, 5, 1, 3]
    order = np.random.default_rng(3).integers(0, 4, 900)
    paths = saved(kinds[order], np.where(order == 3, 0, 1))
    losses = nll("compute", *paths, "--per-sample", "-f", "json").json["losses"]
    found = explanations(*paths, "--hardest", 30, "--threads", threads)
    assert [e["sample"] for e in found] == hardest(losses, 30)
    assert len({e["weighted_loss"] for e in found}) == 1


def test_hardest_counts_weights_and_leaves_ignored_samples_out(saved):
    logits = np.array([[0.0, 9.0], [0.0, 1.0], [0.0, 2.0], [3.0, 0.0]])
    paths = saved(logits, np.array([-100, 0, 0, 1]), np.array([1.0, 5.0, 1.0, 1.0]))
    words = [*paths[:2], "--sample-weights", paths[2]]
    assert [e["sample"] for e in explanations(*words, "--hardest", 4)] == [1, 3, 2]


def test_nan_is_refused_as_in_compute_or_left_out(saved):
    logits = np.array([[0.0, 1.0], [np.nan, 1.0], [0.0, 2.0]])
    paths = saved(logits, np.zeros(3, int))
    refused = nll("explain", *paths, "--hardest", 1)
    assert (refused.code, refused.out) == (3, "")
    assert "row 1: class 0 is NaN" in refused.err
    assert refused.err == nll("compute", *paths).err.replace("compute", "explain").replace(" --on", " --hardest 1 --on")
    found = nll("explain", *paths, "--hardest", 3, "--on-nonfinite", "nan", "-f", "json")
    assert [e["sample"] for e in found.json["explanations"]] == [2, 0]
    assert found.codes == {"nonfinite-logits"}
    assert [e["sample"] for e in explanations(*paths, "--row", 0)] == [0]  # the others are nobody's business
    shown = nll("explain", *paths, "--row", 1, "--on-nonfinite", "nan").out
    assert "its loss is NaN" in shown


def test_infinite_losses_are_the_hardest(saved):
    logits = np.array([[0.0, 50.0], [-np.inf, 0.0]])
    report = nll("explain", *saved(logits, np.zeros(2, int)), "--hardest", 2, "-f", "json").json
    assert [e["sample"] for e in report["explanations"]] == [1, 0]
    assert report["explanations"][0]["loss"] is None
    assert report["nonfinite"]["explanations[0].loss"] == "inf"


def test_rows_come_as_asked_for_each_once_then_the_hardest():
    words = ["--row", 1, "--row", 0, "--row", 1, "--hardest", 2]
    assert [e["sample"] for e in explanations(*PETS, *words)] == [1, 0, 2]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [1, 2])
def test_rows_of_many_dimensions_follow_the_targets(saved, order, axis):
    random = np.random.default_rng(2)
    targets = random.integers(0, 4, (5, 3))
    logits = np.moveaxis(random.normal(size=(5, 3, 4)), 2, axis)
    paths = saved(np.asarray(logits, order=order), targets)
    losses = np.array(nll("compute", *paths, "--reduction", "none", "-f", "json").json["losses"])
    for row in (0, 1, 7, 14):
        (e,) = explanations(*paths, "--row", row)
        index = np.unravel_index(row, targets.shape)
        assert e["weighted_loss"] == losses[index]
        assert e["place"] == f"position ({index[0]}, {index[1]})"
        assert e["target"] == targets[index]
        assert explanations(*paths, "--row", f"({index[0]},{index[1]})") == [e]
    assert "there is no position (5, 0): targets have the shape (5, 3)" in nll("explain", *paths, "--row", "(5,0)").err
    found = explanations(*paths, "--hardest", 4)
    numbers = hardest(losses.ravel().tolist(), 4)
    assert [e["sample"] for e in found] == numbers
    assert [e["place"] for e in found] == [f"position ({i // 3}, {i % 3})" for i in numbers]


def test_only_the_blocks_of_the_rows_are_read(saved, monkeypatch):
    logits = np.random.default_rng(0).normal(size=(4000, 1000)).astype("f4")
    paths = saved(logits, np.zeros(4000, int))
    read = []
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1 << 19)
    positioned = __import__("os").preadv

    def counting(fd, buffers, position):
        n = positioned(fd, buffers, position)
        read.append(n)
        return n

    monkeypatch.setattr("os.preadv", counting)
    (e,) = explanations(*paths, "--row", 2500)
    assert 2_000_000 < sum(read) < 3_000_000  # one block of 524 samples, and the targets
    assert e["contribution"] == pytest.approx(float(oracle.sample_loss(logits[2500].tolist(), 0)) / 4000, rel=1e-12)


@pytest.mark.parametrize("words", [["--row", 2], ["--row", 0, "--hardest", 2]])
def test_standard_input_that_holds_everything_is_read_once(words):
    command = [sys.executable, "-m", "nllcli", "explain", "-", "--target-column", "animal", *map(str, words)]
    with (SAMPLES / "pets" / "pets.csv").open("rb") as pets:
        done = subprocess.run([*command, "-f", "json"], stdin=pets, capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["explanations"] == explanations(*PETS, *words)


@pytest.mark.parametrize("words", [[], ["--weights", "1,0.2,0.5"]], ids=["counts", "weights"])
def test_targets_among_the_logits_count_in_every_block(words, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 3)  # a block a sample
    pets = [SAMPLES / "pets" / "pets.csv", "--target-column", "animal", *words]
    report = nll("explain", *pets, "--row", 1, "-f", "json").json
    assert report["denominator"] == (1.7 if words else 3)
    assert report["n_samples"] == 3
    total = sum(
        nll("explain", *pets, "--row", i, "-f", "json").json["explanations"][0]["contribution"] for i in range(3)
    )
    assert total == pytest.approx(nll("compute", *pets, "-f", "json").json["loss"], rel=1e-15)


def test_blocks_without_a_row_count_soft_targets_of_a_binary_column(saved, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1)  # a block a sample
    paths = saved(np.array([[1.5], [0.5], [-2.0]]), np.array([[0.9], [0.2], [0.4]]))
    report = nll("explain", *paths, "--binary", "--row", 1, "-f", "json").json
    assert (report["denominator"], report["n_samples"]) == (3, 3)
    right = oracle.sample_loss([0.0, 0.5], [0.8, 0.2])
    assert report["explanations"][0]["contribution"] == pytest.approx(float(right) / 3, rel=1e-14)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_samples_in_blocks_without_a_row_are_counted(reduction, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 3)
    report = nll("explain", *PETS, "--row", 1, "--reduction", reduction, "-f", "json").json
    assert (report["n_samples"], report["denominator"]) == (3, None)


def test_argmax_needs_no_targets():
    (e,) = explanations(PETS[0], "--loss", "argmax", "--row", 1)
    assert e["target"] is None
    assert e["weighted_loss"] == pytest.approx(float(oracle.sample_loss([4, 2, 8], 2)), rel=1e-15)
    assert e["contribution"] == e["weighted_loss"] / 3


def test_a_single_sample_needs_no_choice(saved):
    (e,) = explanations(*saved(np.array([5.0, 4.0, 2.0]), np.array(0)))
    assert e["loss"] == pytest.approx(float(oracle.sample_loss([5, 4, 2], 0)), rel=1e-15)


# --- outputs -------------------------------------------------------------------------------------------------------


def test_quiet_gives_the_losses():
    losses = [e["weighted_loss"] for e in explanations(*PETS, "--row", 2, "--row", 0)]
    assert nll("explain", *PETS, "--row", 2, "--row", 0, "-q").out == "".join(f"{loss!r}\n" for loss in losses)


def test_csv_has_one_line_a_sample():
    lines = list(csv.DictReader(io.StringIO(nll("explain", *PETS, "--hardest", 2, "-f", "csv").out)))
    assert [line["sample"] for line in lines] == ["2", "0"]
    assert [line["target_name"] for line in lines] == ["dog", "cat"]
    assert "classes" not in lines[0]


def test_into_a_file(tmp_path):
    path = tmp_path / "out.json"
    done = nll("explain", *PETS, "--row", 0, "-f", "json", "-o", path)
    assert (done.code, done.out) == (0, "")
    assert json.loads(path.read_text())["explanations"][0]["sample"] == 0


# --- errors --------------------------------------------------------------------------------------------------------

NO_CHOICE = "nll: error: {}: has {} samples, and none was chosen\ntry: nll explain "


@pytest.mark.parametrize(("inputs", "n"), [(PETS, 3), (DIGITS, 899)], ids=["csv", "npy"])
def test_which_samples_is_not_guessed(inputs, n):
    done = nll("explain", *inputs)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(NO_CHOICE.format(inputs[0], n))


@pytest.mark.parametrize(("inputs", "n"), [(PETS, 3), (DIGITS, 899)], ids=["csv", "npy"])
def test_rows_out_of_range(inputs, n):
    done = nll("explain", *inputs, "--row", 0, "--row", n)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"nll: error: {inputs[0]}: there is no row {n}: rows are 0 to {n - 1}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--row", "-1"], "invalid value for '--row'"),
        (["--row", "x"], "invalid value for '--row'"),
        (["--row", "1,2"], "'1,2' is neither a number such as 7 nor a position such as '(14, 105)'"),
        (["--row", "(0, 1)"], "there is no position (0, 1): targets have 1 dimension"),
        (["--hardest", "0"], "invalid value for '--hardest'"),
        (["--row", "0", "--loss", "argmax", "--label-smoothing", "0.1"], "label smoothing is defined for the loss nll"),
    ],
)
def test_wrong_usage(words, told):
    done = nll("explain", *PETS, *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


@pytest.mark.parametrize("choice", [["--row", 0], ["--hardest", 1]])
def test_targets_out_of_range_are_refused_where_the_mean_needs_them(saved, choice):
    paths = saved(np.zeros((3, 2)), np.array([0, 5, 1]))
    done = nll("explain", *paths, *choice)
    assert (done.code, done.out) == (3, "")
    assert "1.npy, row 1: target 5 is outside 0..1" in done.err


def test_nothing_to_explain(saved):
    done = nll("explain", *saved(np.zeros((2, 3)), np.array([-100, -100])), "--hardest", 1, "-f", "json")
    assert done.json["explanations"] == []
    assert done.codes == {"nothing-counted"}
    assert nll("explain", *saved(np.zeros((2, 3)), np.array([-100, -100])), "--hardest", 1).code == 0


@pytest.mark.filterwarnings("error")
def test_a_margin_beyond_the_largest_number(saved):
    run = nll("explain", *saved(np.array([1e308, -1e308, 0.0]), np.array(1)), "-f", "json")
    assert run.err.startswith("nll: warning: the loss is infinite for 1 of 1 samples, ")
    assert run.err.count("\n") == 1
    assert run.json["explanations"][0]["margin"] is None


@pytest.mark.parametrize("target", [0, 1, 2])
def test_a_rival_is_another_class_though_all_others_have_no_probability(saved, target):
    logits = np.full(3, -np.inf)
    logits[target] = 5.0
    (e,) = explanations(*saved(logits, np.array(target)))
    assert e["rival"] == str(1 if target == 0 else 0)
    assert e["margin"] is None  # infinite
    assert "= inf\n" in nll("explain", *saved(logits, np.array(target))).out


def told_infinite(n, total, places):
    where = f"the loss is infinite for {n} of {total} samples, where it takes the log of a probability of 0: {places}"
    return f"nll: warning: {where}; --clip auto makes it finite\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--row", "0"), ""),
        (("--row", "1"), told_infinite(1, 1, "line 2")),
        (("--row", "3", "--row", "0", "--row", "1"), told_infinite(2, 3, "line 4, line 2")),
        (("--hardest", "1"), told_infinite(2, 4, "line 2, line 4")),
        (("--row", "1", "--clip", "auto"), "nll: warning: p is clipped"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_infinite_losses_are_warned_of(words, told, tmp_path):
    (tmp_path / "p.csv").write_text("0.5,0.5\n0.0,1.0\n1.0,0.0\n1.0,0.0\n")
    (tmp_path / "y.txt").write_text("0\n0\n0\n1\n")
    done = nll("explain", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs", *words)
    assert done.code == 0
    assert done.err == told or (told.endswith("clipped") and "infinite" not in done.err)


def test_many_infinite_losses_are_not_all_named(tmp_path):
    (tmp_path / "p.csv").write_text("0.0,1.0\n" * 8)
    (tmp_path / "y.txt").write_text("0\n" * 8)
    rows = [word for row in range(8) for word in ("--row", row)]
    done = nll("explain", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs", *rows)
    assert done.err == told_infinite(8, 8, "line 1, line 2, line 3, line 4, line 5, ...")


def test_a_gradient_is_not_told_to_clip(tmp_path):
    np.save(tmp_path / "x.npy", [[0.0, -np.inf, 1.0], [0.0, 1.0, 2.0]])
    np.save(tmp_path / "y.npy", [1, 1])
    done = nll("grad", tmp_path / "x.npy", tmp_path / "y.npy", "-q")
    assert "--clip" not in done.err
