"""Every number of every sentence and table, against an independent count of the samples."""

import math
from pathlib import Path

import numpy as np
import plain_pictures as plain
import pytest
from in_process import nll
from predictions import sound

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).parents[2] / "samples"


def near(value):
    return pytest.approx(value, rel=1e-12, abs=1e-300)


def _saved(folder, logits, targets):
    np.save(folder / "logits.npy", logits)
    np.save(folder / "targets.npy", targets)
    return logits, targets, [folder / "logits.npy", folder / "targets.npy"], {}


def digits(folder):
    logits, targets = np.load(SAMPLES / "digits/mlp.npy"), np.load(SAMPLES / "digits/targets.npy")
    return _saved(folder, logits[:250], targets[:250])  # some of them: each takes a millisecond of 50 digits


def many_classes(folder):
    return _saved(folder, *sound(1, 150, 40, spread=2.0))


def two_classes(folder):
    return _saved(folder, *sound(2, 60, 2, spread=6.0, dtype=np.float64))


def ignored(folder):
    logits, targets = sound(3, 90, 5)
    targets[::7] = -100
    return _saved(folder, logits, targets)


def weighted(folder):
    logits, targets = sound(4, 80, 4)
    weights = np.random.default_rng(4).integers(0, 9, 80) / 4
    np.savetxt(folder / "weights.txt", weights)
    logits, targets, words, _ = _saved(folder, logits, targets)
    return logits, targets, [*words, "--sample-weights", folder / "weights.txt"], {"weights": weights.tolist()}


def probabilities(folder):
    logits, targets = sound(5, 70, 3)
    powers = np.exp(logits.astype(float))
    p = np.round(powers / powers.sum(axis=1, keepdims=True) * 64) / 64
    p[:, 2] = 1.0 - p[:, 0] - p[:, 1]
    targets = np.where(p[np.arange(70), targets] > 0, targets, p.argmax(axis=1))
    logits, targets, words, _ = _saved(folder, p, targets)
    return logits, targets, [*words, "--from", "probs"], {"source": "probs"}


CASES = (digits, many_classes, two_classes, ignored, weighted, probabilities)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def case(request, tmp_path_factory):
    """The samples that count, and what the report says of them."""
    logits, targets, words, options = request.param(tmp_path_factory.mktemp("report"))
    every = plain.samples(logits.tolist(), targets.tolist(), **options)
    return every, nll("report", *words, "-f", "json").json


def pictures(case, key):
    every, found = case
    if key not in found["pictures"]:
        pytest.skip(f"no {key} here")
    return every, found["pictures"][key]


def test_the_loss_is_that_of_compute(case):
    every, found = case
    assert found["command"] == "report"
    assert found["loss"] == near(plain.mean([each.loss for each in every], [each.weight for each in every]))


def test_how_the_losses_are_spread(case):
    every, found = pictures(case, "losses")
    assert found["median_below"] == plain.median_below(every)
    assert found["n_infinite"] == 0
    large, n_large, brought = plain.large(every)
    assert (found["large"], found["n_large"]) == (large, n_large)
    assert found["share_of_samples"] == n_large / len(every)
    assert found["share_of_loss"] == near(brought)
    for row in found["rows"]:
        some = [each for each in every if row["low"] <= each.loss < row["high"]]
        assert row["count"] == len(some)
        assert row["share_of_samples"] == near(len(some) / len(every))
        assert row["share_of_loss"] == near(plain.share(some, every))
    assert sum(row["count"] for row in found["rows"]) == len(every)


def test_how_few_make_the_loss(case):
    every, found = pictures(case, "lorenz")
    if len({each.weight for each in every}) > 1:
        order = sorted(every, key=lambda each: -each.loss)  # by what is drawn: losses without weights
    else:
        order = plain.hardest(every)
        assert found["half_n_low"] <= plain.half(every) <= found["half_n_high"]
        assert found["hardest_n"] == max(1, round(len(every) / 100))
        share = plain.share(order[: found["hardest_n"]], every)
        assert found["hardest_share_low"] <= share * (1 + 1e-12)
        assert found["hardest_share_high"] >= share * (1 - 1e-12)
    for row in found["rows"]:
        assert row["share_of_loss"] == near(plain.share(order[: row["hardest"]], every))
        assert row["share_of_samples"] == near(row["hardest"] / len(every))


def test_what_abstaining_gains(case):
    every, found = pictures(case, "risk")
    assert found["error"] == near(sum(not each.is_right for each in every) / len(every))
    for row in found["rows"]:
        answered = [each for each in every if each.q < row["claimed_up_to"] * (1 - 1e-15)]
        assert row["answered"] == len(answered)
        assert row["n_wrong"] == sum(not each.is_right for each in answered)
        assert row["error"] == near(row["n_wrong"] / row["answered"])
    chosen = min(found["rows"][:-1], key=lambda row: abs(row["share_answered"] - 0.95))
    assert found["share_passed"] == near(1 - chosen["share_answered"])
    assert found["error_of_rest"] == chosen["error"]


def test_which_classes_cost_most(case):
    every, found = pictures(case, "classes")
    total = {row["class"]: row for row in found["rows"]}
    for name, row in total.items():
        some = [each for each in every if each.target == int(name)]
        assert row["count"] == len(some)
        assert row["accuracy"] == near(sum(each.is_right for each in some) / len(some))
        assert row["mean_loss"] == near(plain.mean(each.loss for each in some))
        assert row["share"] == near(plain.share(some, every))
        if len(some) > 1:
            assert row["standard_error"] == pytest.approx(plain.standard_error([each.loss for each in some]), rel=1e-7)
        else:
            assert row["standard_error"] is None
    shares = [row["share"] for row in found["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert found["share"] == shares[0]
    if "n_half" in found:
        assert found["n_half"] > 1
        needed = found["n_half"]
        assert math.fsum(shares[:needed]) >= 0.5 > math.fsum(shares[: needed - 1])


def test_what_is_taken_for_what(case):
    every, found = pictures(case, "confusions")
    wrong = [(each.target, each.top) for each in every if not each.is_right]
    assert found["n_wrong"] == len(wrong)
    assert found["slack"] == 0
    assert found["count"] == max(map(wrong.count, wrong))
    for row in found["rows"]:
        pair = int(row["class"]), int(row["taken_for"])
        assert row["count"] == wrong.count(pair)
        assert row["share_of_class"] == near(row["count"] / sum(each.target == pair[0] for each in every))


def test_whether_it_means_its_probabilities(case):
    every, found = pictures(case, "reliability")
    weights = [each.weight for each in every]
    assert found["confidence"] == near(plain.mean([1 - each.q for each in every], weights))
    assert found["accuracy"] == near(plain.mean([float(each.is_right) for each in every], weights))
    assert found["points"] == round(100 * abs(found["confidence"] - found["accuracy"]), 1)
    assert found["ece"] == pytest.approx(plain.calibration_error(every), rel=1e-9)
    for row in found["rows"]:
        some = [each for each in every if row["low"] * (1 + 1e-15) < 1 - each.q <= row["high"] * (1 + 1e-15)]
        assert row["count"] == len(some)
        own = [each.weight for each in some]
        assert row["accuracy"] == near(plain.mean([float(each.is_right) for each in some], own))
        assert row["confidence"] == near(plain.mean([1 - each.q for each in some], own))


def test_how_often_sure_answers_are_wrong(case):
    every, found = pictures(case, "claimed")
    for row in found["rows"]:
        low, high = row["low"] * (1 - 1e-15), row["high"] * (1 - 1e-15)
        some = [each for each in every if (low <= each.q or row["low"] < 1e-15) and each.q < high]
        assert row["count"] == len(some)
        assert row["n_wrong"] == sum(not each.is_right for each in some)
        assert row["n_wrong_claimed"] == near(math.fsum(float(each.q) for each in some))
    bound = (1 - found["certain_from"]) * (1 - 1e-13)
    sure = [each for each in every if each.q < bound]
    assert found["n_sure"] == len(sure)
    assert found["n_wrong"] == sum(not each.is_right for each in sure)
    assert found["n_wrong_claimed"] == near(math.fsum(float(each.q) for each in sure))


def test_the_loss_at_other_temperatures(case):
    _, found = pictures(case, "temperature")
    at = {row["temperature"]: row["loss"] for row in found["rows"]}
    assert len(at) == 16
    least = min(at, key=at.get)
    if "temperature" in found:
        assert (found["temperature"], found["loss"]) == (least, at[least])
        assert found["less"] == near(1 - at[least] / found["loss_as_it_is"])


def test_which_samples_are_hardest(case):
    every, found = pictures(case, "hardest")
    order = plain.hardest(every)[:10]
    assert [row["sample"] for row in found["rows"]] == [f"row {each.number}" for each in order]
    for row, each in zip(found["rows"], order, strict=True):
        assert (row["class"], row["taken_for"]) == (str(each.target), str(each.top))
        assert row["p"] == pytest.approx(float(each.p[each.target]), rel=1e-12)
        assert row["p_taken_for"] == pytest.approx(float(each.p[each.top]), rel=1e-12)
        assert row["loss"] == near(float(each.term))
        assert row["share"] == near(plain.share([each], every))
    assert found["share"] == near(plain.share(order, every))


@pytest.mark.parametrize("temperature", [0.25, 0.63, 1, 2.5, 8])
@pytest.mark.parametrize(
    "more", [[], ["--label-smoothing", "0.1"], ["--reduction", "sum"]], ids=["plain", "smoothed", "sum"]
)
def test_a_temperature_is_to_the_bit_that_of_compute(temperature, more):
    words = [SAMPLES / "digits/mlp.npy", SAMPLES / "digits/targets.npy", *more]
    rows = nll("report", *words, "-f", "json", "--only", "temperature").json["pictures"]["temperature"]["rows"]
    own = nll("compute", *words, "-q", "--temperature", temperature).out
    assert [row["loss"] for row in rows if row["temperature"] == temperature] == [float(own)]


@pytest.mark.parametrize("case", [digits, weighted, probabilities], ids=lambda case: case.__name__)
def test_the_diagram_is_to_the_bit_that_of_calibrate(case, tmp_path):
    _, _, words, _ = case(tmp_path)
    found = nll("report", *words, "-f", "json").json["pictures"]["reliability"]
    known = nll("calibrate", *words, "--no-fit", "-f", "json").json["before"]
    for name in ("confidence", "ece", "ece_chance"):
        assert found[name] == known[name]
    assert found["accuracy"] == known["weighted_accuracy"]
    bins = [each for each in known["bins"] if each["count"]]
    for row, each in zip(found["rows"], bins, strict=True):
        assert [row[name] for name in ("count", "confidence", "accuracy", "gap")] == [
            each[name] for name in ("count", "confidence", "accuracy", "gap")
        ]
