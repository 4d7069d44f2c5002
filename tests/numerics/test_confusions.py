"""Which class is taken for which: by counting, and by the bounds of what is left out."""

from collections import Counter

import numpy as np
import pytest
from collected import added, collect, plain, tally_of

from nllcli.numerics.pictured import confusions
from nllcli.numerics.pictured.confusions import Confusions

RNG = np.random.default_rng(12)


def test_pairs_are_counted():
    x, y = RNG.normal(0, 1, (500, 6)), RNG.integers(0, 6, 500)
    x[::9] = np.round(x[::9])  # some have no single largest logit: the first is taken
    tally = tally_of(x, y)
    expected = Counter((int(t), int(p)) for t, p in zip(y, x.argmax(axis=1), strict=True) if t != p)
    found = tally.pictures.confusions
    assert {(t, p): n for t, p, n in found.pairs()} == expected
    assert (found.n_found, found.slack, found.n_classes) == (500 - tally.n_correct, 0, 6)
    counts = [n for _, _, n in found.pairs()]
    assert counts == sorted(counts, reverse=True)


def test_nothing_wrong():
    found = collect(5 * np.eye(4), np.arange(4)).confusions
    assert (found.pairs(), found.n_found, found.slack) == ([], 0, 0)
    some = Confusions.of(np.array([0, 1]), np.array([1, 1]), 4)
    assert plain(some + Confusions()) == plain(Confusions() + some) == plain(some + found) == plain(some)


def test_equals_come_in_order():
    found = Confusions.of(np.array([2, 1, 0, 2]), np.array([0, 0, 2, 0]), 3)
    assert found.pairs() == [(2, 0, 2), (0, 2, 1), (1, 0, 1)]


def skewed(n, n_classes):
    """Pairs of which some occur often."""
    draw = lambda: np.minimum(RNG.geometric(0.05, n) - 1, n_classes - 1)  # noqa: E731
    return draw(), draw()


@pytest.mark.parametrize("seed", range(8))
def test_the_bounds_of_what_is_left_out(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    most, n_classes = int(rng.integers(1, 40)), 100
    monkeypatch.setattr(confusions, "MOST_PAIRS", most)
    targets, predictions = skewed(3000, n_classes)
    cuts = np.sort(rng.integers(0, 3000, 5))
    parts = zip(np.split(targets, cuts), np.split(predictions, cuts), strict=True)
    found = added([Confusions.of(t, p, n_classes) for t, p in parts])
    true = Counter((int(t), int(p)) for t, p in zip(targets, predictions, strict=True) if t != p)
    assert len(found.keys) <= most
    assert found.slack > 0
    known = {(t, p): n for t, p, n in found.pairs()}
    for pair, n in true.items():
        assert known.get(pair, 0) <= n <= known.get(pair, 0) + found.slack
    assert found.n_found + found.slack * (most + 1) <= true.total()


def test_many_classes():
    n_classes = 1 << 24
    found = Confusions.of(np.array([n_classes - 1, 0]), np.array([n_classes - 2, 5]), n_classes)
    assert found.pairs() == [(0, 5, 1), (n_classes - 1, n_classes - 2, 1)]
