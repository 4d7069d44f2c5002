"""What follows from the sums of two models, against textbook formulas in 50 digits."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp, mpf

from nllcli.commands.compare import inference
from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.groups import Kind, Samples, Scattered, Together
from nllcli.commands.compare.inference import Difference, Question
from nllcli.commands.compare.resampling import bootstrap, flips
from nllcli.commands.compare.sums import Counts, PairSums
from nllcli.commands.compare.units import Bins, Units
from nllcli.numerics.exact import exact_count, exact_sum
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import tally_of

pytestmark = pytest.mark.uncounted

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(13)


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(50):
        yield


# --- the sums of two models -------------------------------------------------------------------------------------------


def tally(losses, weights, reduction):
    return tally_of(
        losses,
        unweighted=None,
        weights=weights,
        reduction=reduction,
        n_samples=len(losses),
        n_correct=None,
        spread=True,
        classes=None,
    )


def samples_of(numbers, differences, weights, spread):
    """The sums over samples as units, of which those that are not finite are left out of the bins."""
    finite = np.isfinite(differences)
    own = None if weights is None else weights[finite]
    weight_sum = exact_count(len(numbers)) if weights is None else exact_sum(weights)
    return Units(exact_sum(differences), weight_sum, spread, Bins.of(numbers[finite], differences[finite], own, 0))


def sums_of(a, b, weights=None, *, groups=None, reduction="mean"):
    """The sums of both models, whose losses have their weights in them, and of their differences."""
    a, b = np.array(a, np.float64), np.array(b, np.float64)
    weights = None if weights is None else np.array(weights, np.float64)
    n = len(a)
    with np.errstate(all="ignore"):
        differences = b - a
    spread = Spread.of(differences, None if reduction == "sum" else weights)
    if groups is None:
        units = samples_of(np.arange(n), differences, weights, spread)
    else:
        numbers = np.array(groups)
        finite = np.where(np.isfinite(differences), differences, 0.0)
        kind = Kind(max(groups) + 1, 0, has_answers=False)
        units = Scattered.of(kind, Samples(numbers, finite, weights, np.zeros(n, np.int64)))
    models = tally(a, weights, reduction), tally(b, weights, reduction)
    return *models, PairSums(exact_sum(differences), spread, Counts.of(a, b, None), units)


def compared(a, b, weights=None, *, groups=None, reduction="mean", confidence=0.95):
    old, new, pair = sums_of(a, b, weights, groups=groups, reduction=reduction)
    question = Question(confidence=confidence, reduction=reduction)
    return inference.difference(old, new, pair, inference.units_of(pair), question)


def student_tail(t, df):
    """P(T >= t) for t >= 0, by the incomplete beta function."""
    return mp.betainc(mpf(df) / 2, mpf(0.5), 0, df / (df + t * t), regularized=True) / 2


def density(df):
    """That of Student's t."""
    df = mpf(df)
    scale = mp.gamma((df + 1) / 2) / (mp.sqrt(mp.pi * df) * mp.gamma(df / 2))
    return lambda t: scale * (1 + t * t / df) ** (-(df + 1) / 2)


def error_of(values, weights, reduction):
    """The standard error of the ratio of two sums of units, or of the sum of the first, and their residuals."""
    n = len(values)
    whole = mpf(n) if reduction == "sum" else mp.fsum(weights)
    own = [1] * n if reduction == "sum" else weights
    residuals = [value - mp.fsum(values) / whole * weight for value, weight in zip(values, own, strict=True)]
    error = mp.sqrt(mpf(n) / (n - 1) * mp.fsum(e * e for e in residuals)) / abs(whole)
    return error * (n if reduction == "sum" else 1), residuals


class Textbook:
    """Difference, error and p of samples, or of groups of them."""

    def __init__(self, a, b, weights, groups, reduction):
        n = len(a)
        a, b, w = (list(map(mpf, each)) for each in (a, b, [1] * n if weights is None else weights))
        delta = [y - x for x, y in zip(a, b, strict=True)]

        def units(values):
            if groups is None:
                return values
            return [mp.fsum(v for v, own in zip(values, groups, strict=True) if own == g) for g in sorted(set(groups))]

        self.value = mp.fsum(delta) / (1 if reduction == "sum" else mp.fsum(w))
        self.error, residuals = error_of(units(delta), units(w), reduction)
        self.independent, _ = error_of(delta, w, reduction)
        (old, e), (new, f) = (error_of(losses, w, reduction) for losses in (a, b))
        self.unpaired = mp.hypot(old, new)
        product = mp.fsum(x * y for x, y in zip(e, f, strict=True))
        self.correlation = product / mp.sqrt(mp.fsum(x * x for x in e) * mp.fsum(y * y for y in f))
        self.df = len(residuals) - 1
        self.t = self.value / self.error
        self.p = 2 * student_tail(abs(self.t), self.df)

    def outside(self, end):
        """The share of Student's t about the difference that lies beyond an end of the interval, or its mirror."""
        return 2 * student_tail(abs(end - self.value) / self.error, self.df)


def losses(n, weighted=False):
    a = RNG.exponential(1, n)
    b = a + RNG.normal(0.2, 0.5, n)
    if not weighted:
        return a, b, None
    weights = np.append(RNG.choice([-0.5, 0.0, 0.3, 1.0, 4.0], n - 2), [1.5, 2.5])
    return a * weights, b * weights, weights


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "confidence"), [(2, 0.95), (3, 0.5), (17, 0.999), (60, 0.95)])
def test_a_difference_is_that_of_the_textbook(n, confidence, weighted, grouped, reduction):
    a, b, weights = losses(n, weighted)
    groups = [i * i % 7 if n > 2 else i for i in range(n)] if grouped else None
    found = compared(a, b, weights, groups=groups, reduction=reduction, confidence=confidence)
    expected = Textbook(a.tolist(), b.tolist(), weights, groups, reduction)
    exact = {"rel": 1e-9, "abs": 1e-12} if grouped else {"rel": 1e-12, "abs": 1e-14}  # whose sums are rounded

    def near(value):
        return pytest.approx(float(value), **exact)

    assert found.value == near(expected.value)
    assert found.standard_error == near(expected.error)
    assert found.standard_error_independent == near(expected.independent)
    assert found.standard_error_unpaired == near(expected.unpaired)
    assert found.correlation == near(expected.correlation)
    assert (found.df, found.n_units) == (expected.df, expected.df + 1)
    assert found.t == near(expected.t)
    assert found.p == near(expected.p)
    for end in (found.low, found.high):
        assert float(expected.outside(end)) == pytest.approx(1.0 - confidence, rel=1e-9 if grouped else 1e-11)
    assert found.low < found.value < found.high
    assert (found.has_spread, found.are_same, found.is_rounding) == (True, False, False)


def test_a_difference_of_means_is_rounded_once():
    a, b, weights = losses(50, weighted=True)
    total = sum(map(Fraction, b.tolist())) - sum(map(Fraction, a.tolist()))
    assert compared(a, b, weights).value == float(total / sum(map(Fraction, weights.tolist())))
    assert compared(a, b, weights, reduction="sum").value == float(total)


def test_one_sample_a_group_is_as_without_groups():
    a, b, weights = losses(30, weighted=True)
    alone = compared(a, b, weights, groups=range(30))
    assert alone == compared(a, b, weights)
    assert alone.standard_error == alone.standard_error_independent


@pytest.mark.parametrize("of", [Together, Scattered])
def test_the_units_of_groups_are_those_of_all(of):
    numbers, values = np.array([0, 0, 1]), np.array([1.0, 2.0, 4.0])
    summed = of.of(Kind(2, 0, has_answers=False), Samples(numbers, values, None, np.zeros(3, np.int64)))
    numbers, values, n = np.arange(2), np.array([3.0, 4.0]), np.array([2.0, 1.0])
    alone = samples_of(numbers, values, n, Spread.of(values, n))
    assert inference.units_of(PairSums(units=alone)) == alone
    extremes, heaviest = Extremes.of(5, values, numbers, n), Extremes.of(5, n, numbers, values)
    assert inference.units_of(PairSums(units=summed)) == replace(alone, extremes=extremes, heaviest=heaviest)


FLOATS = st.floats(-1e100, 1e100)


@given(
    st.lists(st.tuples(FLOATS, FLOATS, st.floats(-10, 10)), min_size=1, max_size=12),
    st.sampled_from(["mean", "sum"]),
    st.booleans(),
)
def test_a_swap_of_the_models_negates_to_the_bit(rows, reduction, grouped):
    a, b, weights = zip(*rows, strict=True)
    assume(sum(map(Fraction, weights)))
    groups = [i % 3 for i in range(len(a))] if grouped else None
    there, back = (compared(x, y, weights, groups=groups, reduction=reduction) for x, y in ((a, b), (b, a)))

    def negated(value):
        return None if value is None else -value

    assert back.value == -there.value
    assert (back.low, back.high, back.t) == (negated(there.high), negated(there.low), negated(there.t))
    for name in ("standard_error", "standard_error_unpaired", "p", "df", "correlation", "are_same", "is_rounding"):
        assert getattr(back, name) == getattr(there, name)
    opposite = {"lower": "higher", "higher": "lower"}
    for margin in (None, 0.0, 1.0):
        verdict = there.verdict(margin)
        assert back.verdict(margin) == opposite.get(verdict, verdict)


# --- what cannot be told ----------------------------------------------------------------------------------------------

UNTOLD = {"standard_error": None, "low": None, "high": None, "t": None, "df": None, "p": None, "has_spread": False}


@pytest.mark.parametrize(
    ("a", "b", "options", "expected"),
    [
        ([1.0], [0.5], {}, {**UNTOLD, "value": -0.5, "n_units": 1, "correlation": None}),
        ([1.0, 1.0], [0.5, 1.0], {"groups": [3, 3]}, {**UNTOLD, "value": -0.25, "n_units": 1}),
        ([1.0], [1.0], {}, {**UNTOLD, "value": 0.0, "are_same": True}),
        ([], [], {}, {**UNTOLD, "n_units": 0, "are_same": False}),
        ([1.0, 2.0], [INF, 1.0], {}, {**UNTOLD, "value": INF, "is_rounding": False, "correlation": None}),
        ([INF, 2.0], [1.0, 1.0], {}, {**UNTOLD, "value": -INF}),
        ([INF, 2.0], [1.0, 1.0], {"groups": [0, 1]}, {**UNTOLD, "value": -INF}),
        ([INF, 2.0, 3.0], [1.0, 1.0, 5.0], {"reduction": "sum"}, {**UNTOLD, "value": -INF}),
        ([NAN, 2.0], [1.0, 1.0], {}, {**UNTOLD, "value": NAN, "is_rounding": False}),
        ([INF, 1.0], [INF, 2.0], {}, {**UNTOLD, "value": NAN}),
        ([INF, 1.0], [INF, 1.0], {}, {**UNTOLD, "value": NAN, "are_same": False}),
        ([1.0, 2.0], [2.0, 5.0], {"weights": [1.0, -1.0]}, {**UNTOLD, "value": NAN, "correlation": None}),
    ],
    ids=str,
)
def test_what_cannot_be_told(a, b, options, expected):
    found = compared(a, b, **options)
    for name, value in expected.items():
        np.testing.assert_equal(getattr(found, name), value)
    if not found.are_same:
        assert found.verdict(None) == found.verdict(0.5) == "undecided"


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_equal_losses(reduction):
    found = compared([1.0, 2.0, 4.0], [1.0, 2.0, 4.0], reduction=reduction)
    assert (found.value, found.standard_error, found.low, found.high, found.p, found.t) == (0, 0, 0, 0, 1, None)
    assert (found.are_same, found.is_rounding, found.has_spread) == (True, False, False)
    assert found.correlation == 1.0
    assert found.verdict(None) == "same"


def test_equal_differences_have_no_spread():
    found = compared([1.0, 2.0, 4.0], [1.25, 2.25, 4.25])
    assert (found.value, found.standard_error, found.low, found.high, found.p, found.t) == (
        0.25,
        0,
        0.25,
        0.25,
        *[None] * 2,
    )
    assert (found.has_spread, found.verdict(None)) == (False, "higher")
    tenths = compared(
        [1.0, 2.0, 4.0], [1.1, 2.1, 4.1]
    )  # where the errors of rounding are a spread, but none that counts
    assert 0 < tenths.standard_error < 1e-15
    assert (tenths.has_spread, tenths.p) == (False, None)


@pytest.mark.parametrize(
    ("a", "b", "is_rounding"),
    [
        ([1.0, 1.0], [1.0, 1.0 + 2.0**-46], True),
        ([1.0, 1.0], [1.0, 1.0 + 2.0**-44], False),
        ([0.0, 1.0], [1e-300, 1.0], True),
        ([0.0, 0.0], [1e-300, 0.0], False),
        ([0.0, 1.0, 2.0], [1.0, 0.0, 2.0 + 2.0**-50], False),  # nearly 0, of differences that are not
        ([0.0, 1.0], [1.0, 0.0], False),  # 0 itself, of differences that are none of rounding
        ([1.0, 1.0], [1.0 + 2.0**-50, 1.0 - 2.0**-50], True),
    ],
    ids=str,
)
def test_differences_within_rounding(a, b, is_rounding):
    found = compared(a, b)
    assert found.is_rounding is is_rounding
    assert (found.verdict(None) == "same") is is_rounding
    assert not is_rounding or found.p is None


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0, 4.0], [1.0, 2.0, 4.0], 1.0),
        ([0.1, 0.2, 0.7], [0.4, 0.5, 1.0], 1.0),
        ([1.0, 2.0, 4.0], [4.0, 3.0, 1.0], -1.0),
        ([1.0, 2.0, 3.0], [2.0, 8.0, 2.0], 0.0),
        ([1.0, 1.0], [2.0, 3.0], None),
        ([2.0, 3.0], [1.0, 1.0], None),
    ],
    ids=str,
)
def test_correlation(a, b, expected):
    assert compared(a, b).correlation == (expected if expected in {None, 0.0} else pytest.approx(expected, abs=1e-15))


def test_a_correlation_is_at_most_1():
    """Differences are rounded: a little more than 1 may come of them."""
    for n in (2, 3, 5) * 30:
        a = RNG.exponential(1, n)
        assert compared(a, a + 0.3).correlation == pytest.approx(1.0, abs=1e-14)
        assert abs(compared(a, a + 0.3).correlation) <= 1.0
        assert abs(compared(a, 3.0 - a).correlation) <= 1.0


# --- verdicts ---------------------------------------------------------------------------------------------------------

ANY = Difference(0.0, 1.0, 1.0, 1.0, -1.0, 1.0, 0.0, 9, 1.0, 0.5, False, False, 10, True)


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (-2.0, -1.0, None, "lower"),
        (1.0, 2.0, None, "higher"),
        (-1.0, 1.0, None, "undecided"),
        (-1.0, 0.0, None, "undecided"),
        (0.0, 1.0, None, "undecided"),
        (0.0, 0.0, None, "undecided"),
        (-1.0, -5e-324, None, "lower"),
        (5e-324, 1.0, None, "higher"),
        (-2.0, -1.0, 0.0, "lower"),
        (0.0, 0.0, 0.0, "within-margin"),
        (-1.0, 0.0, 0.0, "undecided"),
        (-2.0, -1.5, 1.0, "lower"),
        (-2.0, -1.0, 1.0, "undecided"),
        (1.5, 2.0, 1.0, "higher"),
        (1.0, 2.0, 1.0, "undecided"),
        (-1.0, 1.0, 1.0, "within-margin"),
        (-1.0, -0.5, 1.0, "within-margin"),
        (0.25, 0.5, 1.0, "within-margin"),
        (-1.5, 0.5, 1.0, "undecided"),
        (-0.5, 1.5, 1.0, "undecided"),
        (None, None, 1.0, "undecided"),
        (None, None, None, "undecided"),
    ],
)
def test_verdicts(low, high, margin, verdict):
    found = replace(ANY, low=low, high=high)
    assert found.verdict(margin) == verdict
    assert replace(found, are_same=True).verdict(margin) == replace(found, is_rounding=True).verdict(margin) == "same"


# --- resampling -------------------------------------------------------------------------------------------------------


def units(differences, weights=None, numbers=None):
    numbers = np.arange(len(differences)) if numbers is None else numbers
    differences, weights = np.array(differences), None if weights is None else np.array(weights)
    return samples_of(numbers, differences, weights, Spread.of(differences, weights))


def test_three_equal_differences_have_the_p_of_two_flips_in_eight():
    assert inference.flipped(units([0.1] * 3), 3.0, Question()).p == 0.25


@pytest.mark.parametrize(("n", "asked", "is_there"), [(0, 99, False), (13, 0, True), (14, 0, False), (14, 99, True)])
def test_flips_are_tried_where_they_are_few_or_asked_for(n, asked, is_there):
    found = inference.flipped(units(np.ones(n)), 1.0, Question(n_permutations=asked))
    assert (found is not None) is is_there


@pytest.mark.parametrize("kept", [1.0, 0.1])
@pytest.mark.parametrize(("n", "size"), [(50, 1), (4096, 1), (4097, 2), (10_000, 4)])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_runs_of_neighbours_are_resampled(n, size, kept, reduction):
    """Those without a counted unit are left out."""
    numbers = np.flatnonzero(RNG.random(n) < kept)
    differences, weights = RNG.normal(0, 1, len(numbers)), RNG.uniform(1, 2, len(numbers))
    runs = [numbers // size == i for i in np.unique(numbers // size)]
    own, below = (np.array([math.fsum(values[run]) for run in runs]) for values in (differences, weights))
    question = Question(0.9, n_permutations=50, n_bootstrap=50, seed=0, reduction=reduction)
    summed = inference.coarser(units(differences, weights, numbers), n)
    assert inference.flipped(summed, 9.0, question) == flips(own, 50, 0, 9.0)
    expected = bootstrap(own, None if reduction == "sum" else below, 50, 0, 0.9)
    assert inference.drawn(summed, question) == expected


def test_nothing_is_drawn_where_it_is_not_asked_for_or_there_is_nothing():
    question = Question(n_bootstrap=9)
    assert inference.drawn(units([1.0, 2.0]), Question()) is None
    assert inference.drawn(units([]), question) is None
    without_weights = units([0.0, 0.0], [0.0, 0.0])
    assert inference.drawn(without_weights, replace(question, reduction="sum")) == (0.0, 0.0)
    assert inference.drawn(units([1.0, 1.0]), question) == (1.0, 1.0)


def test_samples_of_weight_0_are_drawn_like_others():
    differences, weights = np.array([1.0, 0.0, 2.0, 0.0] * 9), np.array([1.0, 0.0, 2.0, 1.0] * 9)
    found = inference.drawn(units(differences, weights), Question(n_bootstrap=99))
    assert found == bootstrap(differences, weights, 99, 12345, 0.95)


# --- the largest units ------------------------------------------------------------------------------------------------


def shares(differences, weights, *, reduction="mean", level=0):
    """Of the five largest units, or of those of the five largest differences and weights either way."""
    numbers, own = np.arange(len(differences)), np.array(np.ones(len(differences)) if weights is None else weights)
    extremes = Extremes.of(5, np.array(differences), numbers, own)
    heaviest = Extremes() if weights is None else Extremes.of(5, own, numbers, differences)
    summed = units(differences, weights)
    summed = replace(summed, bins=summed.bins.coarser(level))
    found = inference.shares_of_squares(summed, PairSums(largest=extremes, heaviest=heaviest), reduction)
    of_groups = replace(summed, extremes=extremes, heaviest=heaviest)
    assert inference.shares_of_squares(of_groups, PairSums(), reduction) == found
    assert [number for _, number in found] == list(dict.fromkeys(number for _, number in found))
    return [share for share, _ in found]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [2, 5, 40])
def test_shares_of_squares(n, weighted, level, reduction):
    differences = RNG.normal(0, 1, n)
    weights = RNG.uniform(0.5, 2, n) if weighted else None
    w = [Fraction(1)] * n if weights is None or reduction == "sum" else list(map(Fraction, weights))
    d = list(map(Fraction, differences))
    squares = [(x - sum(d) / sum(w) * y) ** 2 for x, y in zip(d, w, strict=True)]
    order = np.argsort(differences)
    if weights is not None:
        order = np.concatenate([order[:5], order[-5:], (by_weight := np.argsort(weights))[:5], by_weight[-5:]])
    listed = {*order[:5].tolist(), *order[5:].tolist()} if level else range(n)
    expected = sorted((float(squares[i] / sum(squares)) for i in listed), reverse=True)[:5]
    assert shares(differences, weights, reduction=reduction, level=level) == expected


@pytest.mark.parametrize("value", [5e-324, 1e-310, 1.0, 1e308])
def test_shares_of_squares_of_any_size(value):
    assert shares([value, 0.0], None) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("differences", "weights"), [([1.0], None), ([], None), ([0.5, 0.5], None), ([1.0, 2.0], [1.0, -1.0])], ids=str
)
def test_no_shares_of_squares(differences, weights):
    assert shares(differences, weights) == []


# --- answers ----------------------------------------------------------------------------------------------------------


def answered(old, new, groups=None):
    old, new = np.array(old, bool), np.array(new, bool)
    n = len(old)
    own = Units()
    if groups is not None:
        numbers = np.array(groups)
        samples = Samples(numbers, np.zeros(n), None, new.astype(np.int64) - old)
        own = Scattered.of(Kind(max(groups) + 1, 0, has_answers=True), samples).total()
    return Counts.of(np.zeros(n), np.zeros(n), (old, new)), own


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("n", [2, 3, 100])
def test_the_difference_of_accuracies_is_that_of_a_loss_of_0_and_1(n, grouped):
    old, new = RNG.random((2, n)) < [[0.5], [0.7]]
    groups = RNG.integers(0, 9, n) * np.array([0] + [1] * (n - 1)) if grouped else np.arange(n)
    d = [mpf(int(y) - int(x)) for x, y in zip(old, new, strict=True)]
    mean = mp.fsum(d) / n
    us = [mp.fsum(d[i] - mean for i in np.flatnonzero(groups == g)) for g in np.unique(groups)]
    g = len(us)
    expected = mp.sqrt(mpf(g) / (g - 1) * mp.fsum(u * u for u in us)) / n if g > 1 else None
    value, error = inference.accuracy_difference(*answered(old, new, groups if grouped else None))
    assert value == float(mean)
    assert error == (None if expected is None else pytest.approx(float(expected), rel=1e-15, abs=1e-30))


def test_accuracies_that_cannot_be_told():
    assert inference.accuracy_difference(*answered([True], [False])) == (-1.0, None)
    assert inference.accuracy_difference(*answered([True, False], [False, False], [4, 4])) == (-0.5, None)
    assert inference.accuracy_difference(*answered([], [])) is None
    assert inference.accuracy_difference(Counts(3), Units()) is None


def test_mcnemar():
    old, new = [True] * 5 + [False] * 4 + [True] * 9, [True] * 3 + [False] * 2 + [True] * 13
    counts, _ = answered(old, new)
    assert (counts.n_only_baseline_correct, counts.n_only_model_correct) == (2, 4)
    assert inference.mcnemar_p(counts) == 2 * sum(math.comb(6, k) for k in range(3)) / 2**6
    assert inference.mcnemar_p(answered([True], [True])[0]) == 1.0
    assert inference.mcnemar_p(Counts(3)) is None


# --- what it takes, and the margin ------------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_detectable(confidence):
    z = [mp.sqrt(2) * mp.erfinv(2 * p - 1) for p in ((1 + mpf(confidence)) / 2, mpf("0.8"))]
    assert inference.detectable(0.25, confidence) == pytest.approx(float(sum(z) / 4), rel=1e-14)
    assert inference.detectable(None, confidence) is None


@pytest.mark.parametrize(
    ("value", "detectable", "n", "expected"),
    [
        (0.5, 1.0, 10, 40),
        (-0.5, 1.0, 10, 40),
        (0.75, 1.0, 9, 16),
        (0.7, 1.0, 10, 21),  # 20.4
        (2.0, 1.0, 10, 3),  # 2.5
        (1.0, 0.0, 10, 0),
        (1.0, None, 10, None),
        (0.0, 1.0, 10, None),
        (INF, 1.0, 10, None),
        (NAN, 1.0, 10, None),
        (1e-300, 1.0, 10, None),  # more than float64 has a number for
        (5e-324, 1.0, 10, None),
    ],
)
def test_units_needed(value, detectable, n, expected):
    assert inference.units_needed(replace(ANY, value=value, n_units=n), detectable) == expected


@pytest.mark.parametrize("df", [1, 9, 898])
@pytest.mark.parametrize(
    ("value", "error", "margin"),
    [(-0.5, 0.25, 0.1), (0.02, 0.25, 0.1), (0.1, 0.25, 0.1), (2.0, 0.25, 0.01), (0.0, 1.0, 0.0), (-0.3, 0.1, 4.0)],
)
def test_beyond_the_margin(value, error, margin, df):
    """Student's t about the difference, integrated over each of the three parts."""
    d, e, m = mpf(value), mpf(error), mpf(margin)
    better, within, worse = inference.beyond_margin(replace(ANY, value=value, standard_error=error, df=df), margin)
    ends = [(-m - d) / e, (m - d) / e]

    def share(*edges):
        return float(mp.quad(density(df), sorted({*edges})) if len({*edges}) > 1 else 0)

    assert better == pytest.approx(share(-mp.inf, min(0, ends[0]), ends[0]), rel=1e-9)
    expected = share(ends[0], min(max(0, ends[0]), ends[1]), ends[1])
    assert within == pytest.approx(expected, rel=1e-9, abs=1e-15 if abs(d) <= m else 0.0)
    assert worse == pytest.approx(share(ends[1], max(0, ends[1]), mp.inf), rel=1e-9)
    assert better + within + worse == pytest.approx(1.0, abs=1e-15)
    mirrored = inference.beyond_margin(replace(ANY, value=-value, standard_error=error, df=df), margin)
    assert mirrored == (worse, within, better)


@pytest.mark.parametrize(
    ("changes", "margin"),
    [({}, None), ({"df": None}, 0.1), ({"standard_error": None}, 0.1), ({"has_spread": False}, 0.1)],
    ids=str,
)
def test_no_posterior(changes, margin):
    assert inference.beyond_margin(replace(ANY, **changes), margin) is None
