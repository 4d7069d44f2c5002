"""Exact dot products against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.numerics.dot import exact_dot

pytestmark = pytest.mark.usefixtures("kernel")

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), max_size=30)
UNITS_OF_1 = 2**1074
UNIT = Fraction(1, 2**2148)


def whole(number):
    """A float64 as the whole number of times that it holds 2**-1074."""
    numerator, denominator = number.as_integer_ratio()
    return numerator * (UNITS_OF_1 // denominator)


def dot(x, y):
    """The obvious form."""
    return sum(whole(a) * whole(b) for a, b in zip(x.tolist(), y.tolist(), strict=True))


def columns(pairs):
    return np.array(pairs, np.float64).reshape(-1, 2).T.copy()


@given(PAIRS)
def test_a_dot_product_is_exact(pairs):
    x, y = columns(pairs)
    assert exact_dot(x, y) == dot(x, y)
    assert exact_dot(x, x) == dot(x, x)


@given(PAIRS, st.randoms(), st.integers(0, 30))
def test_neither_order_nor_cuts_nor_sides_matter(pairs, random, cut):
    x, y = columns(pairs)
    whole = exact_dot(x, y)
    random.shuffle(pairs)
    x, y = columns(pairs)
    assert exact_dot(x[:cut], y[:cut]) + exact_dot(x[cut:], y[cut:]) == exact_dot(y, x) == whole


RNG = np.random.default_rng(21)
RANGES = {
    "any": lambda n: np.ldexp(RNG.uniform(-1, 1, n), RNG.integers(-1074, 1025, n)),
    "1e-300-to-1e300": lambda n: 10.0 ** RNG.uniform(-300, 300, n),
    "losses": lambda n: 10.0 ** RNG.uniform(-8, 1.3, n),
    "narrow": lambda n: RNG.uniform(1, 2, n),
    "signed": lambda n: RNG.normal(0, 1, n),
    "near-equal": lambda n: 1e6 + RNG.integers(0, 4, n) * np.spacing(1e6),
    "subnormal": lambda n: RNG.integers(-100, 100, n) * 5e-324,
    "largest": lambda n: RNG.choice([-1, 1], n) * RNG.uniform(1e308, 1.7e308, n),
    "powers-of-2": lambda n: 2.0 ** RNG.integers(-100, 100, n),
    "just-below-powers-of-2": lambda n: np.nextafter(2.0 ** RNG.integers(-80, 80, n), 0),
    "many-zeros": lambda n: np.where(RNG.random(n) < 0.5, 0.0, RNG.exponential(1, n)),
    "zeros": np.zeros,
    "one-tiny": lambda n: np.append(RNG.exponential(1, n - 1), 1e-200),
    "one-huge": lambda n: np.append(RNG.exponential(1, n - 1), -1e300),
}


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", RANGES)
def test_every_range_with_every_other(kind):
    for other in RANGES.values():
        for n in (1, 2, 50, 400):
            x, y = RANGES[kind](n), other(n)
            assert exact_dot(x, y) == dot(x, y)


@pytest.mark.uncounted
@pytest.mark.parametrize("n", [0, (1 << 13) - 1, 1 << 13, (1 << 13) + 1, 20_000])
@pytest.mark.parametrize("kind", ["losses", "any", "near-equal"])
def test_long_arrays(kind, n):
    x, y = RANGES[kind](n), RANGES["signed"](n)
    assert exact_dot(x, y) == dot(x, y)
    assert exact_dot(x, x) == dot(x, x)


@pytest.mark.parametrize("top", [-1074, -1000, -500, 0, 500, 1023])
@pytest.mark.parametrize("places", [1, 21, 42, 53, 63, 105, 114, 115, 116, 117, 147, 168, 600])
def test_the_largest_counts_that_layers_hold(places, top):
    """2**13 values whose bits are all set, next to one so many places lower: every sum of layers is the largest."""
    ones = np.nextafter(np.ldexp(1.0, top), np.inf if top < -1022 else 0.0)
    low = np.nextafter(np.ldexp(ones, -places), 0.0)
    x = np.full(1 << 13, ones)
    x[7] = low
    expected = ((1 << 13) - 1) * Fraction(ones) ** 2 + Fraction(low) ** 2
    assert exact_dot(x, x) == expected / UNIT
    assert exact_dot(x, -x) == -expected / UNIT


@pytest.mark.parametrize("bit", range(0, 160, 3))
def test_layers_that_are_half_a_grid_away(bit):
    """2**13 values whose layers all are 2**20 on their grid, or next to it."""
    halves = sum(2.0 ** -(21 * i) for i in range(3))
    x = np.full(1 << 13, halves)
    x[0] = 2.0**-bit
    expected = ((1 << 13) - 1) * Fraction(halves) ** 2 + Fraction(2.0**-bit) ** 2
    assert exact_dot(x, x) == expected / UNIT


def test_views_with_strides():
    pairs = RNG.normal(0, 1, (500, 2))
    assert exact_dot(pairs[:, 0], pairs[::-1, 1]) == dot(pairs[:, 0], pairs[::-1, 1])


def test_what_is_given_stays():
    x = RANGES["any"](100)
    before = x.copy()
    exact_dot(x, x)
    np.testing.assert_array_equal(x, before)
