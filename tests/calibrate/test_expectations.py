"""Targets that are drawn as the probabilities say, again and again: what is measured has the mean that is claimed."""

import math

import numpy as np
import pytest
from calibrated import draw, softmax

from nllcli.commands.calibrate.assembly import Shown, measured_of
from nllcli.commands.calibrate.measures import MeasureOptions, Measures
from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.calibration.bins import Rule
from nllcli.numerics.evaluate import Wanted, score, sums_of
from nllcli.numerics.kernels.moments import survey

pytestmark = pytest.mark.uncounted

N, SETS = 120, 300
X = 1.5 * np.random.default_rng(0).normal(size=(N, 3))
ASKED = MeasureOptions(Rule(8, "right"))


def measured(y):
    scratch = Scratch()
    scored = score(Block(0, X, y), LossOptions(), scratch, read=True, reduce=survey)
    tally = sums_of(scored, Wanted(spread=True), scratch)
    return measured_of(1.0, tally, Measures.of(scored, ASKED), ASKED, Shown())


@pytest.fixture(scope="module")
def calibrated():
    rng = np.random.default_rng(1)
    return [measured(draw(softmax(X), rng)) for _ in range(SETS)]


def assert_mean_is_0(values):
    """Within three standard errors."""
    assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / math.sqrt(len(values))


def test_the_test_of_spiegelhalter_is_a_normal_variable(calibrated):
    z = np.array([each.spiegelhalter_z for each in calibrated])
    assert_mean_is_0(z)
    assert_mean_is_0(z**2 - 1)
    for share in (0.05, 0.5):
        assert_mean_is_0([(each.spiegelhalter_p < share) - share for each in calibrated])


def test_the_error_of_bins_is_what_chance_makes(calibrated):
    assert len({each.ece_chance for each in calibrated}) == 1
    assert_mean_is_0([each.ece - each.ece_chance for each in calibrated])


def test_gaps_are_as_large_as_chance_makes_them(calibrated):
    """1.96 standard deviations are ``chance``: but for it, the squares of gaps come to nothing."""
    assert_mean_is_0(
        [sum(b.count * (b.gap**2 - (b.variance / b.count**2)) for b in each.bins if b.count) for each in calibrated]
    )


def test_the_debiased_error_comes_to_nothing(calibrated):
    squares = []
    for each in calibrated:
        terms = [b.count * (b.gap**2 - b.accuracy * (1 - b.accuracy) / (b.count - 1)) for b in each.bins if b.count > 1]
        squares.append(math.fsum(terms) / N)
        assert each.ece_debiased == pytest.approx(math.sqrt(max(0.0, squares[-1])), abs=1e-8)
    assert_mean_is_0(squares)


def test_confidence_and_loss_are_those_expected(calibrated):
    p = softmax(X)
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    assert_mean_is_0([each.overconfidence for each in calibrated])
    assert_mean_is_0([each.loss - entropy for each in calibrated])
    assert_mean_is_0([each.brier - (1 - (p**2).sum(axis=1).mean()) for each in calibrated])


def test_overconfident_probabilities_are_told_so():
    y = draw(softmax(X / 3), np.random.default_rng(2))
    found = measured(y)
    assert found.overconfidence > 0.1
    assert found.ece > 2 * found.ece_chance
    assert found.spiegelhalter_p < 1e-6
