"""The smallest and largest of many values, against a sort of all of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.compare.extremes import Extremes, Item

pytestmark = pytest.mark.uncounted

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(7)

KINDS = {
    "numbers": lambda n: RNG.normal(0, 1, n),
    "ties": lambda n: RNG.integers(-2, 3, n) * 1.0,
    "zeros": lambda n: RNG.choice([-0.0, 0.0], n),
    "infinite": lambda n: RNG.choice([-INF, -1.0, 1.0, INF], n),
    "few-nan": lambda n: np.where(RNG.random(n) < 0.1, NAN, RNG.normal(0, 1, n)),
    "most-nan": lambda n: np.where(RNG.random(n) < 0.999, NAN, RNG.normal(0, 1, n)),
    "nan": lambda n: np.full(n, NAN),
}


def by_sorting(most, values, numbers):
    pairs = zip(values.tolist(), numbers.tolist(), strict=True)
    known = [Item(value, i, (10 * i, str(i))) for value, i in pairs if not math.isnan(value)]
    smallest = sorted(known, key=lambda item: (item.value, item.number))
    largest = sorted(known, key=lambda item: (-item.value, item.number))
    return Extremes(most, tuple(smallest[:most]), tuple(largest[:most]))


def found(most, values, numbers):
    return Extremes.of(most, values, numbers, 10 * numbers, [str(i) for i in numbers.tolist()])


@pytest.mark.parametrize("n", [0, 1, 6, 127, 641, 1300])
@pytest.mark.parametrize("kind", KINDS)
def test_extremes_are_those_of_a_sort_wherever_values_are_cut(kind, n):
    values, numbers = KINDS[kind](n), np.arange(100, 100 + n)
    for most in (0, 1, 5):
        expected = by_sorting(most, values, numbers)
        for whole in every_way(lambda part, most=most: found(most, values[part], numbers[part]), n):
            assert whole == expected


@given(st.lists(st.floats(), max_size=20), st.integers(0, 5), st.integers(0, 20))
def test_any_values(values, most, cut):
    values, numbers = np.array(values, np.float64), np.arange(len(values))
    expected = by_sorting(most, values, numbers)
    parts = [found(most, values[part], numbers[part]) for part in (slice(cut), slice(cut, None))]
    assert parts[0] + parts[1] == parts[1] + parts[0] == expected


def test_few_values_among_many_that_are_nan():
    """No more runs of values have a number than items are wanted."""
    values = np.full(12_800, NAN)
    values[[3, 500, 501]] = 1.0, 2.0, -1.0
    assert [item.number for item in Extremes.of(5, values, np.arange(12_800)).smallest] == [501, 3, 500]


def test_shifted():
    values, numbers = RNG.normal(0, 1, 50), np.arange(50)
    shifted = Extremes.of(3, values, numbers).shifted(1000)
    assert shifted == Extremes.of(3, values, numbers + 1000)


def test_the_zero_of_sums():
    some = found(2, np.array([3.0, 1.0, 2.0]), np.arange(3))
    assert Extremes() + some == some + Extremes() == some
