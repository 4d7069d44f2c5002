"""Second moments that merge without rounding, and standard errors against 400 digits."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp, mpf

from nllcli.numerics.exact import ExactSum, exact_count, exact_sum, root
from nllcli.numerics.spread import Spread

pytestmark = pytest.mark.usefixtures("kernel")

INF, NAN = math.inf, math.nan
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TERMS = st.lists(FLOATS, min_size=2, max_size=20)
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), min_size=2, max_size=20)


def exactly(number):
    """A float64 as a fraction; infinity is where the next one would be."""
    return Fraction(2**1024) if number == INF else Fraction(number)


def near(found, square):
    """Whether ``found`` is a float64 next to the root of ``square``: the root is half way to its neighbours at most."""
    below, above = ((exactly(math.nextafter(found, to)) + exactly(found)) / 2 for to in (0.0, INF))
    return below**2 <= square and (found == INF or square <= above**2)


def of_ratio(terms, weights):
    """The square of the standard error as a fraction, by residuals: None where there is none."""
    n, a, b = len(terms), list(map(Fraction, terms)), list(map(Fraction, weights))
    if n < 2 or not sum(b):
        return None
    ratio = sum(a) / sum(b)
    return Fraction(n, n - 1) * sum((x - ratio * w) ** 2 for x, w in zip(a, b, strict=True)) / sum(b) ** 2


def error_of_ratio(terms, weights=None):
    terms = np.array(terms, np.float64)
    weights = None if weights is None else np.array(weights, np.float64)
    weight_sum = exact_count(len(terms)) if weights is None else exact_sum(weights)
    return Spread.of(terms, weights).error_of_ratio(exact_sum(terms), weight_sum)


def error_of_sum(terms):
    terms = np.array(terms, np.float64)
    return Spread.of(terms, None).error_of_sum(exact_sum(terms))


@given(TERMS)
def test_without_weights_a_standard_error_is_rounded_once(terms):
    square = of_ratio(terms, [1] * len(terms))
    assert near(error_of_ratio(terms), square)
    assert near(error_of_sum(terms), square * len(terms) ** 2)


@given(PAIRS)
def test_with_weights_a_standard_error_is_rounded_once(pairs):
    terms, weights = zip(*pairs, strict=True)
    square = of_ratio(terms, weights)
    assume(square is not None)
    assert near(error_of_ratio(terms, weights), square)


@given(TERMS)
def test_weights_that_are_all_one_are_none(terms):
    assert error_of_ratio(terms, [1.0] * len(terms)) == error_of_ratio(terms)


@given(PAIRS, st.randoms(), st.lists(st.integers(0, 20), max_size=4), st.booleans())
def test_neither_order_nor_cuts_change_a_record(pairs, random, cuts, weighted):
    def moments(pairs):
        terms, weights = np.array(pairs).reshape(-1, 2).T
        return Spread.of(terms, weights if weighted else None)

    whole = moments(pairs)
    random.shuffle(pairs)
    edges = [0, *sorted(cuts), len(pairs)]
    parts = [moments(pairs[start:stop]) for start, stop in pairwise(edges)]
    random.shuffle(parts)
    merged = Spread()
    for part in parts:
        merged += part
    assert merged == whole
    assert whole + Spread() == Spread() + whole == whole


RNG = np.random.default_rng(31)
KINDS = {
    "losses": lambda n: RNG.exponential(1, n),
    "wide": lambda n: 10.0 ** RNG.uniform(-300, 300, n),
    "subnormal": lambda n: RNG.integers(0, 50, n) * 5e-324,
    "near-equal": lambda n: 1e6 + RNG.integers(0, 4, n) * np.spacing(1e6),
    "far-from-0": lambda n: 1e9 + RNG.normal(0, 1, n),
}
WEIGHTS = {
    "positive": lambda n: RNG.exponential(1, n),
    "negative-and-0": lambda n: RNG.choice([-0.3, 0.0, 0.1, 0.2, 5.0], n),
    "wide": lambda n: 10.0 ** RNG.uniform(-300, 300, n),
}


def reference(terms, weights):
    """The standard error by mpmath, in as many digits as every sum needs, rounded once by Python's own division."""
    n = len(terms)
    with mp.workprec(5000):
        a, b = [mpf(x) for x in terms.tolist()], [mpf(w) for w in weights.tolist()]
        ratio = mp.fsum(a) / mp.fsum(b)
        squares = mp.fsum((x - ratio * w) ** 2 for x, w in zip(a, b, strict=True))
        error = mp.sqrt(mpf(n) / (n - 1) * squares) / abs(mp.fsum(b))
        return int(mp.nint(error * mpf(2) ** 2000)) / 2**2000


@pytest.mark.uncounted
@pytest.mark.parametrize("weight", [None, *WEIGHTS])
@pytest.mark.parametrize("kind", KINDS)
def test_random_samples_are_rounded_once(kind, weight):
    for n in range(2, 260, 23):
        terms, weights = KINDS[kind](n), None if weight is None else WEIGHTS[weight](n)
        expected = reference(terms, np.ones(n) if weights is None else weights)
        assert error_of_ratio(terms, weights) == expected


@pytest.mark.parametrize(
    ("terms", "weights", "expected"),
    [
        ([1.0, 3.0], None, 1.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0], None, math.sqrt(0.5)),
        ([2.0, 2.0], None, 0.0),
        ([0.1, 0.1, 0.1], None, 0.0),
        ([0.0, 0.0], None, 0.0),
        ([5e-324, 0.0], None, 0.0),
        ([1e-323, 0.0], None, 5e-324),
        ([1.5e308, -1.5e308], None, 1.5e308),
        ([1.0, -1.0], [2.0**-996, 2.0**-996], 2.0**996),
        ([1.0, -1.0], [5e-324, 5e-324], INF),
        ([1.0], None, NAN),
        ([], None, NAN),
        ([1.0, 2.0], [1.0, -1.0], NAN),
        ([1.0, 2.0], [0.0, 0.0], NAN),
        ([1.0, INF], None, NAN),
        ([1.0, NAN], None, NAN),
        ([INF, -INF, 1.0], [1.0, 2.0, 3.0], NAN),
        ([1.0, 2.0, 3.0], [1.0, INF, 3.0], NAN),
    ],
    ids=str,
)
def test_standard_errors_known_by_hand(terms, weights, expected):
    np.testing.assert_equal(error_of_ratio(terms, weights), expected)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([1.0, 3.0], 2.0),
        ([1.5e308, -1.5e308], INF),
        ([5e-324, 0.0], 5e-324),
        ([1.0], NAN),
        ([1.0, INF], NAN),
    ],
    ids=str,
)
def test_standard_errors_of_sums_known_by_hand(terms, expected):
    np.testing.assert_equal(error_of_sum(terms), expected)


def test_terms_that_are_not_finite_leave_the_moments_of_the_others():
    terms = np.array([1.0, INF, 2.0, NAN, 3.0])
    unit = 2**2148
    assert Spread.of(terms, None) == Spread(5, 14 * unit)
    weights = np.array([1.0, 1.0, INF, 1.0, 2.0])
    assert Spread.of(terms, weights) == Spread(5, 10 * unit, 7 * unit, 5 * unit)


def test_a_weight_sum_that_is_not_finite_gives_no_standard_error():
    spread = Spread.of(np.array([1.0, 2.0]), None)
    assert math.isnan(spread.error_of_ratio(exact_sum(np.array([1.0, 2.0])), ExactSum(1, n_nan=1)))


@given(st.integers(0, 2**3000), st.integers(1, 2**3000))
def test_a_root_is_rounded_once(a, b):
    assert near(root(a, b), Fraction(a, b))


@given(st.floats(0, 1e308), st.sampled_from([-1, 0, 1]))
def test_a_root_at_a_boundary_of_rounding_is_rounded_once(value, step):
    """The square of the number half way between two neighbours, which goes to the even one, and next to it."""
    half = (Fraction(value) + Fraction(math.nextafter(value, INF))) / 2
    square = half**2
    a, b = (square.numerator << 4000) + step, square.denominator << 4000
    assert root(a, b) == {-1: value, 0: float(half), 1: math.nextafter(value, INF)}[step]
