"""Losses that ask all classes are worked out a tile at a time; here some tiles have no sample with a loss."""

import math

import numpy as np
import oracle
import pytest

from nllcli.commands.reconcile.asked import Asked, EveryClass
from nllcli.commands.reconcile.convention import Term
from nllcli.commands.reconcile.conventions.readings import SOFTMAX_TWICE
from nllcli.commands.reconcile.reading import Reading, read_tiles
from nllcli.data.blocks import Scratch
from nllcli.data.settings import LossOptions


def log_probs(n_classes, n, n_outside):
    """The first rows hold a number above 0, and so does the last one."""
    rng = np.random.default_rng(n_classes)
    x = rng.normal(0, 1, (n, n_classes))
    x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
    x[np.arange(n_outside), rng.integers(0, n_classes, n_outside)] = 0.5
    x[-1, 0] = 0.5
    return x, rng.integers(0, n_classes, n), rng.random(n) < 0.8


def read_of(x, term, y, counted):
    options, asked = LossOptions(source=term.reading), Asked(term, y)
    read = Reading(x, term.of_reading, options)
    read.ask([asked], {"sums": EveryClass(term.of_reading, counted, None)})
    with np.errstate(all="ignore"):
        read_tiles(x, [read], options, Scratch())
    return read, asked


@pytest.mark.parametrize(("n_classes", "n"), [(3, 50_000), (90, 1700)])
def test_losses_of_log_probabilities_against_loops(n_classes, n):
    n_outside = n // 2
    x, y, counted = log_probs(n_classes, n, n_outside)
    term = Term(reading="log-probs", loss="one-vs-rest")
    read, asked = read_of(x, term, y, counted)
    losses = read.losses(asked).tolist()
    assert all(map(math.isnan, losses[:n_outside]))
    assert math.isnan(losses[-1])
    for i in range(n_outside, n - 1, 97):
        row = x[i].tolist()
        others = [math.log(-math.expm1(a)) for k, a in enumerate(row) if k != y[i]]
        assert losses[i] == pytest.approx(-math.fsum([row[y[i]], *others]), rel=1e-12)
    sums = [-math.fsum(column[counted].tolist()) for column in x.T]
    assert read.every_class["sums"].tolist() == pytest.approx(sums, rel=1e-12)


def test_logits_have_no_sums_as_probabilities():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (1700, 90)), rng.integers(0, 90, 1700)
    term = Term(reading="probs", loss="one-vs-rest")
    read, asked = read_of(x, term, y, np.ones(1700, bool))
    with np.errstate(all="ignore"):
        assert np.isnan(read.losses(asked)).all()
    assert np.isnan(read.every_class["sums"]).all()
    assert read.refused(term).all()


def test_softmax_of_rounded_logits_twice():
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 3, (40, 5)), rng.integers(0, 5, 40)
    read, asked = read_of(x, Term(reading=SOFTMAX_TWICE, input_rounding="float16"), y, np.ones(40, bool))
    rows = [[float(p) for p in oracle.softmax(row)] for row in x.astype(np.float16).tolist()]
    expected = [float(loss) for loss in oracle.losses(rows, y.tolist())]
    assert read.losses(asked).tolist() == pytest.approx(expected, rel=1e-14)
