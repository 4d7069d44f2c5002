"""Every number of every sentence and table of a comparison's pictures, against an independent count of the samples."""

import math
from pathlib import Path

import numpy as np
import plain_pictures as plain
import pytest
from mpmath import mp
from paired_page import numbers_of, page_of, pictures_of
from predictions import sound

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).parents[2] / "samples"
TEMPERATURES = (0.25, 0.32, 0.4, 0.5, 0.63, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)


def near(value):
    return pytest.approx(float(value), rel=1e-12, abs=1e-300)


def _saved(folder, old, new, targets):
    for name, values in (("old", old), ("new", new), ("targets", targets)):
        np.save(folder / f"{name}.npy", values)
    words = [folder / "old.npy", folder / "new.npy", "-t", folder / "targets.npy"]
    return (old, new), targets, words, {}


def _models(seed, n, n_classes, spread=3.0):
    old, targets = sound(seed, n, n_classes, spread=spread)
    noise = np.random.default_rng(100 + seed).normal(size=old.shape).astype(old.dtype)
    return old, 1.5 * old + noise, targets


def digits(folder):
    return _saved(folder, *(np.load(SAMPLES / f"digits/{name}.npy")[:300] for name in ("mlp", "logistic", "targets")))


def many_classes(folder):
    return _saved(folder, *_models(1, 120, 40, spread=2.0))


def two_classes(folder):
    return _saved(folder, *_models(2, 60, 2, spread=6.0))


def ignored(folder):
    old, new, targets = _models(3, 90, 5)
    targets[::7] = -100
    return _saved(folder, old, new, targets)


def weighted(folder):
    weights = np.random.default_rng(4).integers(0, 9, 80) / 4
    np.savetxt(folder / "weights.txt", weights)
    models, targets, words, _ = _saved(folder, *_models(4, 80, 4))
    return models, targets, [*words, "--sample-weights", folder / "weights.txt"], {"weights": weights.tolist()}


def summed(folder):
    models, targets, words, _ = _saved(folder, *_models(5, 70, 3))
    return models, targets, [*words, "--reduction", "sum"], {}


CASES = (digits, many_classes, two_classes, ignored, weighted, summed)


class Pairs:
    """Both models' samples that count, and what the page says of them."""

    def __init__(self, case, folder):
        self.models, self.targets, self.words, self.options = case(folder)
        self.old, self.new = (self.at(model) for model in self.models)
        self.page = page_of(folder, *self.words)
        self.found = numbers_of(self.page)
        self.divisor = 1 if case is summed else sum(each.weight for each in self.old)

    def at(self, rows, temperature=1):
        options = {**self.options, "temperature": temperature} if temperature != 1 else self.options
        return plain.samples(rows.tolist(), self.targets.tolist(), **options)

    def both(self):
        return list(zip(self.old, self.new, strict=True))

    def picture(self, key):
        if key not in self.found["pictures"]:
            pytest.skip(f"no {key} here")
        return self.found["pictures"][key]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def pairs(request, tmp_path_factory):
    return Pairs(request.param, tmp_path_factory.mktemp("compare"))


def test_every_question_is_asked(pairs):
    keys = ["differences", "classes", "losses", "temperatures", "sure", "widest"]
    assert list(pairs.found["pictures"]) == keys


def _differs_within(row, a, b):
    """Whether the difference of two losses is in a row, whose end farther from 0 is not in it."""
    low, high = row["low"], row["high"]
    if a.loss == b.loss or low == high:
        return a.loss == b.loss and low == high
    if high <= 0:
        return -high <= a.loss - b.loss < -low
    return low <= b.loss - a.loss < high


def test_where_the_difference_comes_from(pairs):
    found, both = pairs.picture("differences"), pairs.both()
    better, worse = ([(a, b) for a, b in both if way * (b.loss - a.loss) > 0] for way in (-1, 1))
    assert (found["n_better"], found["n_worse"]) == (len(better), len(worse))
    assert found["n_equal"] == len(both) - len(better) - len(worse)
    assert found["gains"] == near(mp.fsum(a.term - b.term for a, b in better))
    assert found["gives_away"] == near(mp.fsum(b.term - a.term for a, b in worse))
    assert (found["n_infinite_below"], found["n_infinite_above"]) == (0, 0)
    for row in found["rows"]:
        some = [(a, b) for a, b in both if _differs_within(row, a, b)]
        assert row["count"] == len(some)
        assert row["share"] == near(len(some) / len(both))
        assert row["adds"] == near(mp.fsum(b.term - a.term for a, b in some) / pairs.divisor)
    assert sum(row["count"] for row in found["rows"]) == len(both)
    total = math.fsum(row["adds"] for row in found["rows"])
    assert total == pytest.approx(pairs.found["comparisons"][0]["loss_difference"], rel=1e-9)


def test_on_which_classes_they_differ(pairs):
    found, both = pairs.picture("classes"), pairs.both()
    every = {}
    for a, b in both:
        every.setdefault(a.target, []).append((a, b))
    adds = {c: float(mp.fsum(b.loss - a.loss for a, b in some) / len(both)) for c, some in every.items()}
    order = sorted(adds, key=lambda c: -abs(adds[c]))
    assert [int(row["class"]) for row in found["rows"]] == order[:20]
    for row in found["rows"]:
        some = every[int(row["class"])]
        assert row["count"] == len(some)
        assert row["adds"] == near(adds[int(row["class"])])
        losses = [mp.fsum(each.loss for each in side) / len(some) for side in zip(*some, strict=True)]
        assert [row["baseline_loss"], row["model_loss"]] == [near(loss) for loss in losses]
        assert row["loss_difference"] == pytest.approx(float(losses[1] - losses[0]), rel=1e-9)
        if len(some) > 1:
            error = plain.standard_error([b.loss - a.loss for a, b in some])
            assert row["standard_error"] == pytest.approx(error, rel=1e-9)
    assert found["n_lower"] == sum(value < 0 for value in adds.values())
    assert found["n_higher"] == sum(value > 0 for value in adds.values())
    assert found["adds"] == found["rows"][0]["adds"]
    assert [found[key] == found["rows"][0][key] for key in ("baseline_loss", "model_loss")] == [True, True]


def test_whether_they_stumble_over_the_same_samples(pairs):
    found, both = pairs.picture("losses"), pairs.both()
    for row in found["rows"]:
        highs = [math.inf if row[key] is None else row[key] for key in ("baseline_high", "model_high")]
        inside = [
            (row["baseline_low"] <= a.loss < highs[0]) and (row["model_low"] <= b.loss < highs[1]) for a, b in both
        ]
        assert row["count"] == sum(inside)
    assert sum(row["count"] for row in found["rows"]) == len(both)
    hard = [(a.loss >= found["hard_from"], b.loss >= found["hard_from"]) for a, b in both]
    counts = {key: hard.count(key) for key in ((True, True), (True, False), (False, True))}
    assert (found["n_both"], found["n_baseline_alone"], found["n_model_alone"]) == tuple(counts.values())
    assert found["n_hard"] == sum(counts.values()) >= max(5, len(both) / 100)
    harder = [max(a.loss, b.loss) >= 10 * found["hard_from"] * (1 - 1e-12) for a, b in both]
    assert sum(harder) < max(5, len(both) / 100)
    first, second = (sum(side) for side in zip(*hard, strict=True))
    assert found["n_by_chance"] == near(first * second / len(both))


def test_whether_it_is_only_their_temperature(pairs):
    found = pairs.picture("temperatures")
    assert [row["temperature"] for row in found["rows"]] == list(TEMPERATURES)
    for key, rows in zip(("baseline", "model"), pairs.models, strict=True):
        at = {row["temperature"]: row[f"{key}_loss"] for row in found["rows"]}
        best = min(at, key=at.get)
        assert (found[f"{key}_temperature"], found[f"{key}_loss"]) == (best, at[best])
        for temperature in {best, TEMPERATURES[3]}:
            every = pairs.at(rows, temperature)
            assert at[temperature] == near(mp.fsum(each.term for each in every) / pairs.divisor)
    assert found["less"] == near(abs(found["baseline_loss"] - found["model_loss"]))
    (own,) = pairs.found["comparisons"]
    would = found["model_loss"] - found["baseline_loss"]
    assert (" would still lose less" in found["answer"]) == (own["loss_difference"] * would > 0)
    assert f"{'new' if would < 0 else 'old'} would" in found["answer"].partition(": ")[2]


def _n_surest(pairs, edge):
    """How many answers either model claims to err in at most by so much, the fewer."""
    return min(sum(each.q < edge * (1 - 1e-13) for each in every) for every in (pairs.old, pairs.new))


def test_whose_sure_answers_are_wrong(pairs):
    found = pairs.picture("sure")
    enough = [edge for edge in (0.01, 1 / 15, 1 / 3) if _n_surest(pairs, edge) >= 10]
    assert found.get("certain_from") == (near(1 - enough[0]) if enough else None)
    bound = (1 - found["certain_from"]) * (1 - 1e-13) if "certain_from" in found else math.inf
    for key, name, every in (("baseline", "old", pairs.old), ("model", "new", pairs.new)):
        own = [row for row in found["rows"] if row["model"] == name]
        assert sum(row["count"] for row in own) == len(every)
        for row in own:
            low, high = row["low"] * (1 - 1e-15), row["high"] * (1 - 1e-15)
            some = [each for each in every if (low <= each.q or row["low"] < 1e-15) and each.q < high]
            assert row["count"] == len(some)
            assert row["n_wrong"] == sum(not each.is_right for each in some)
            assert row["n_wrong_claimed"] == near(math.fsum(float(each.q) for each in some))
            assert row["error"] == near(row["n_wrong"] / row["count"])
        sure = [each for each in every if each.q < bound]
        assert found[f"n_sure_{key}"] == len(sure)
        assert found[f"n_wrong_{key}"] == sum(not each.is_right for each in sure)
        assert found[f"n_wrong_claimed_{key}"] == near(math.fsum(float(each.q) for each in sure))


def test_which_samples_differ_most(pairs):
    found = pairs.picture("widest")
    order = sorted(pairs.both(), key=lambda pair: (-abs(pair[1].term - pair[0].term), pair[0].number))
    order = [pair for pair in order if pair[0].term != pair[1].term][:10]
    assert [row["sample"] for row in found["rows"]] == [f"row {a.number}" for a, _ in order]
    for row, (a, b) in zip(found["rows"], order, strict=True):
        assert (row["class"], row["baseline_taken_for"], row["model_taken_for"]) == (
            str(a.target),
            str(a.top),
            str(b.top),
        )
        assert [row["baseline_loss"], row["model_loss"]] == [near(a.term), near(b.term)]
        assert row["difference"] == pytest.approx(float(b.term - a.term), rel=1e-12)
    assert found["n_better"] == sum(b.term < a.term for a, b in order)
    assert (found["baseline_loss"], found["model_loss"]) == (near(order[0][0].term), near(order[0][1].term))


def test_models_that_differ_by_their_temperature_alone_would_lose_the_same(tmp_path):
    (old, _), targets, *_ = ignored(tmp_path)
    words = _saved(tmp_path, old, 2 * old, targets)[2]
    found = pictures_of(tmp_path, *words)["temperatures"]
    assert found["baseline_loss"] == found["model_loss"]
    assert found["model_temperature"] == 2 * found["baseline_temperature"]
    assert found["answer"].endswith("both would lose the same.")


@pytest.mark.parametrize("way", [["--threads", "2"], ["--threads", "7"], ["--processes", "2"]], ids=" ".join)
def test_whoever_does_the_work_says_the_same(way, tmp_path, monkeypatch):
    from nllcli import engine

    monkeypatch.setattr(engine, "BLOCK_ELEMENTS", 64)
    *_, words, _ = weighted(tmp_path)
    assert pictures_of(tmp_path, *words, *way) == pictures_of(tmp_path, *words, "--threads", "1")
