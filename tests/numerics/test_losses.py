"""A loss is one record: a toy loss, added to the table, is scored, differentiated and held against chance."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from one_block import score, worst_error

from nllcli.numerics.losses import LOSSES, Loss, uniform_loss

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(17)
ROWS = RNG.normal(0, 2, (6, 4))
TARGETS = np.array([0, 3, 1, 2, 2, 0])
WEIGHTS = [0.5, 2.0, 1.0, 3.0]
SAMPLE_WEIGHTS = RNG.exponential(1.0, 6)
OPTIONS = {
    "plain": {},
    "weights": {"class_weights": WEIGHTS},
    "sample-weights": {"class_weights": WEIGHTS, "sample_weights": SAMPLE_WEIGHTS},
    "temperature": {"temperature": 2.5},
}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(LOSSES, "toy", Loss("Brier score", "the squared distance to the target", "brier_loss"))


def brier(row, target, *, weight=1, temperature=1):
    p = oracle.softmax(row, temperature=temperature)
    return weight * mp.fsum((v - (k == target)) ** 2 for k, v in enumerate(p))


def settings(i, class_weights=None, sample_weights=None, temperature=1):
    """What ``brier`` takes for sample ``i``."""
    weight = mpf(1 if class_weights is None else class_weights[TARGETS[i]])
    return {"weight": weight * mpf(1 if sample_weights is None else sample_weights[i]), "temperature": temperature}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_its_value(options):
    expected = [brier(row, y, **settings(i, **options)) for i, (row, y) in enumerate(zip(ROWS, TARGETS, strict=True))]
    outcome = score(ROWS, TARGETS, loss="toy", **options)
    assert worst_error(outcome.losses, expected) <= 1e-13
    assert float(outcome.tally.loss_sum) == pytest.approx(float(mp.fsum(expected)), rel=1e-13)
    assert outcome.tally.accuracy() == np.mean(ROWS.argmax(axis=1) == TARGETS)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_its_gradient_is_that_of_finite_differences(options):
    got = score(ROWS, TARGETS, loss="toy", divisor=1.0, **options).gradient
    with mp.workdps(60):
        step = mpf("1e-20")
        for i, (row, y) in enumerate(zip(ROWS, TARGETS, strict=True)):
            for k in range(len(row)):
                beyond, before = ([mpf(v) + d * (j == k) for j, v in enumerate(row)] for d in (step, -step))
                slope = brier(beyond, y, **settings(i, **options)) - brier(before, y, **settings(i, **options))
                assert got[i, k] == pytest.approx(float(slope / (2 * step)), rel=1e-12, abs=1e-15)


def test_ignored_samples_and_samples_without_a_number():
    outcome = score(
        [*ROWS[:2], [np.nan] * 4], [-100, 3, 1], loss="toy", divisor=1.0, on_nonfinite="nan", class_weights=WEIGHTS
    )
    expected = [0.0, float(brier(ROWS[1], 3, weight=WEIGHTS[3])), np.nan]
    np.testing.assert_allclose(outcome.losses, expected, rtol=1e-13)
    assert outcome.gradient[0].tolist() == [0.0] * 4
    assert np.isnan(outcome.gradient[2]).all()


@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_from_probabilities(source):
    probs = RNG.dirichlet(np.ones(4), 6)
    given = np.log(probs) if source == "log-probs" else probs
    expected = ((probs - np.eye(4)[TARGETS]) ** 2).sum(axis=1)
    np.testing.assert_allclose(score(given, TARGETS, loss="toy", source=source).losses, expected, rtol=1e-13)


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_its_loss_of_chance_is_that_of_equal_logits(n_classes, clip):
    alike = score(np.zeros((1, n_classes)), [1], loss="toy", clip=clip).losses[0]
    assert uniform_loss(n_classes, loss=LOSSES["toy"], clip=clip) == pytest.approx(alike, rel=1e-14)


def test_it_has_no_masses():
    assert LOSSES["toy"].masses is None
