"""Numbers made of parts of the samples, whatever the runs in which these were added up."""

import math

import numpy as np
import pytest

from nllcli.commands.reconcile.conventions.batches import PARTS, Runs, by_size

SIZES = (1, 2, 3, 4, 5, 8, 13, 36)


def case(zeros, n=37):
    rng = np.random.default_rng(3)
    weights = rng.integers(1, 5, n).astype(float)
    if zeros:
        weights[5:17] = 0.0
    return weights * rng.random(n), weights


def mean(pairs):
    weight = math.fsum(w for _, w in pairs)
    return math.fsum(loss for loss, _ in pairs) / weight if weight else math.nan


def means(parts):
    return [m for m in map(mean, parts) if not math.isnan(m)]


def by_hand(losses, weights, n):
    """Each number as a person would work it out, part by part."""
    pairs = list(zip(losses, weights, strict=True))
    batches = [pairs[s : s + n] for s in range(0, len(pairs), n)]
    whole = [batch for batch in batches if len(batch) == n]
    average = math.fsum(means(batches)) / len(means(batches))
    return {
        "batch-means": average,
        "full-batch-means": math.fsum(means(whole)) / len(means(whole)),
        "batch-means-by-size": math.fsum(mean(b) * len(b) for b in batches if not math.isnan(mean(b))) / len(pairs),
        "full-batches": mean([pair for batch in whole for pair in batch]),
        "batch-mean-sum": math.fsum(means(batches)),
        "running-loss": math.fsum(means(batches)) / len(pairs),
        "batch-perplexities": math.fsum(map(math.exp, means(batches))) / len(means(batches)),
        "sum-over-batches": math.fsum(losses) / len(batches),
        "first": mean(pairs[:n]),
        "last": mean(pairs[-n:]),
        "padded": mean([*pairs, *pairs[:n]]),
    }


@pytest.mark.parametrize("zeros", [False, True], ids=["all counted", "some left out"])
@pytest.mark.parametrize("n", SIZES)
def test_numbers_of_parts(n, zeros):
    losses, weights = case(zeros)
    runs = Runs(losses, weights, len(losses))
    for name, expected in by_hand(losses.tolist(), weights.tolist(), n).items():
        value = PARTS[name].value(runs, n, len(losses))
        assert value == pytest.approx(expected, rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize("n", [2, 5, 7])
def test_folds_and_ranks(n):
    losses, weights = case(zeros=True)
    pairs = list(zip(losses.tolist(), weights.tolist(), strict=True))
    runs = Runs(losses, weights, len(losses))
    folds = [part.tolist() for part in np.array_split(np.arange(len(pairs)), n)]
    ranks = [list(range(r, len(pairs), n)) for r in range(n)]
    for name, parts in {"folds": folds, "ranks": ranks}.items():
        found = means([[pairs[i] for i in part] for part in parts])
        assert PARTS[name].value(runs, n, 0) == pytest.approx(math.fsum(found) / len(found), rel=1e-12)
    for r in range(n):
        assert PARTS["rank"].value(runs, n, r) == pytest.approx(mean(pairs[r::n]), rel=1e-12)


@pytest.mark.parametrize("zeros", [False, True], ids=["all counted", "some left out"])
def test_numbers_of_every_batch_size(zeros):
    losses, weights = case(zeros)
    for name, (sizes, values) in by_size(Runs(losses, weights, len(losses))).items():
        assert sizes.tolist() == list(range(1, 37))
        expected = [by_hand(losses.tolist(), weights.tolist(), n)[name] for n in range(1, 37)]
        assert values.tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("step", [2, 4])
def test_runs_of_several_items_know_parts_that_consist_of_them(step):
    losses, weights = case(zeros=False)
    starts = range(0, 37, step)
    runs = Runs(*(np.array([math.fsum(v[s : s + step]) for s in starts]) for v in (losses, weights)), 37, step)
    expected = by_hand(losses.tolist(), weights.tolist(), 8)
    for name in expected:
        if name != "last":
            assert PARTS[name].value(runs, 8, 37) == pytest.approx(expected[name], rel=1e-12)
    assert math.isnan(PARTS["batch-means"].value(runs, 7, 0))
    assert math.isnan(PARTS["rank"].value(runs, 2, 0))
    sizes, values = by_size(runs)["batch-means"]
    assert sizes.tolist() == list(range(step, 37, step))
    by_one = dict(zip(*by_size(Runs(losses, weights, 37))["batch-means"], strict=True))
    assert values.tolist() == pytest.approx([by_one[n] for n in sizes], rel=1e-12)
