"""Exact sums of many groups in digits, against fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.commands.compare.digits import Digits

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SMALL = st.integers(-1000, 1000).map(lambda i: i * 5e-324)
VALUES = st.lists(st.tuples(st.one_of(FLOATS, SMALL, st.floats(-10, 10)), st.integers(0, 3)), max_size=20)
LARGEST = 1.7976931348623157e308


def rounded(value):
    """A fraction as the nearest float64, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def by_fractions(rows, k=4, times=1):
    return [rounded(times * sum((Fraction(v) for v, row in rows if row == i), Fraction(0))) for i in range(k)]


def exact(rows, k=4):
    return Digits.of(np.array([v for v, _ in rows], np.float64), np.array([i for _, i in rows], np.int64), k)


def together(*parts):
    total = Digits(parts[0].n)
    for part in parts:
        total.absorb(part)
    return total


@given(VALUES, st.integers(0, 20))
def test_each_sum_is_rounded_once_wherever_values_are_cut(rows, cut):
    expected = by_fractions(rows)
    assert exact(rows).floats().tolist() == expected
    assert together(exact(rows[:cut]), exact(rows[cut:])).floats().tolist() == expected


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.0, -0.0],
        [5e-324],
        [-5e-324, 5e-324],
        [2.2250738585072014e-308, -5e-324],
        [LARGEST, 5e-324, -LARGEST],
        [LARGEST, LARGEST],
        [-LARGEST, -LARGEST, LARGEST],
        [LARGEST, 2.0**969],  # half of the last place: to even
        [1.0, 2.0**-53, 5e-324],  # just above half of the last place
        [2.0**32, 2.0**-32, -(2.0**64)],
        [0.1] * 10,
    ],
    ids=str,
)
def test_sums_known_by_their_fractions(values):
    rows = [(value, 1) for value in values]
    assert exact(rows).floats().tolist() == by_fractions(rows)
    assert together(exact([]), *(exact([row]) for row in rows)).floats().tolist() == by_fractions(rows)


@pytest.mark.parametrize("doublings", [1, 20, 27, 28, 29, 60, 100])
def test_digits_are_carried_before_they_overflow(doublings):
    """All bits of the digits are set, and their sums as large as those of so many values."""
    rows = [(2.0**53 - 1, 0), (-(2.0**53 - 1), 1), (2.0**64 - 2.0**11, 2), (-(2.0**-20), 2), (1e300, 3), (-5e-324, 3)]
    total = exact(rows)
    for _ in range(doublings):
        total.absorb(together(total))
        assert max(np.abs(column).max() for j, column in total.columns.items() if j < max(total.columns)) < 2.0**62
    assert total.floats().tolist() == by_fractions(rows, times=2**doublings)


def test_the_most_values_of_one_block():
    """As many of the largest digits as float64 adds up."""
    values = np.full(1 << 21, 2.0**53 - 1)
    assert Digits.of(values, np.zeros(1 << 21, np.int64), 1).floats().tolist() == [float(2**21 * (2**53 - 1))]


def test_places():
    sums = exact([(0.5, 0), (1e-300, 1), (3.0, 2)], 3)
    assert sums.taken(np.array([2, 0])).floats().tolist() == [3.0, 0.5]
    assert sums.floats().tolist() == [0.5, 1e-300, 3.0]
