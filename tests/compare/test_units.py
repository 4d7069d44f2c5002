"""Sums over runs of units, against loops over fractions."""

import math
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.compare.units import MOST_BINS, Bins, Units, floats, level_for
from nllcli.numerics.exact import exact_count, exact_sum
from nllcli.numerics.spread import Spread

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(9)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def units_of(value):
    """A float64 in 2**-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * (2**1074 // denominator)


def by_loops(units, differences, weights, level):
    """The least level by which there are at most 2 * MOST_BINS runs, and their sums in 2**-1074."""
    while units[-1] // 2**level - units[0] // 2**level + 1 > 2 * MOST_BINS:
        level += 1
    first = units[0] // 2**level
    sums = [[0, 0, 0] for _ in range(units[-1] // 2**level - first + 1)]
    for unit, difference, weight in zip(units, differences, weights, strict=True):
        own = sums[unit // 2**level - first]
        own[0] += units_of(difference)
        own[1] += units_of(weight)
        own[2] += 1
    return Bins(level, first, *zip(*sums, strict=True))


def samples(n, kept=1.0, start=0):
    """Unit numbers, not all of them, with differences and weights of any size."""
    units = np.flatnonzero(RNG.random(n) < kept) + start
    differences = RNG.normal(0, 1, len(units)) * 10.0 ** RNG.integers(-9, 9, len(units))
    return units, differences, RNG.choice([-1.5, 0.0, 0.1, 3.0], len(units))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("n", "kept", "start", "level"),
    [
        (1, 1.0, 5, 0),
        (300, 1.0, 0, 0),
        (300, 0.2, 77, 2),
        (700, 1.0, 3, 7),  # long runs
        (2 * MOST_BINS, 1.0, 0, 0),
        (2 * MOST_BINS, 1.0, 1, 0),
        (2 * MOST_BINS + 1, 1.0, 0, 0),
        (4 * MOST_BINS, 1.0, 1, 0),  # one run more than half of the units, as runs begin at even ones
        (20_000, 0.5, 12_345, 0),
    ],
)
def test_bins_are_the_sums_of_runs_wherever_units_are_cut(n, kept, start, level, weighted):
    units, differences, weights = samples(n, kept, start)
    ones = np.ones(len(units))
    expected = by_loops(*(each.tolist() for each in (units, differences, weights if weighted else ones)), level)

    def bins(part):
        return Bins.of(units[part], differences[part], weights[part] if weighted else None, level)

    sizes = (1, 7, 64) if n < 1000 else (2999,)
    for whole in every_way(bins, len(units), sizes):
        assert whole == expected
    parts = [bins(slice(i, i + 1001)) for i in range(0, len(units), 1001)]
    RNG.shuffle(parts)
    assert reduce(add, parts) == expected


@given(st.lists(st.tuples(st.integers(0, 40), FLOATS, FLOATS), min_size=1, max_size=20), st.randoms())
def test_units_may_come_in_any_order(rows, random):
    """As those of groups do."""
    expected = by_loops(*zip(*sorted(rows), strict=True), 0)
    random.shuffle(rows)
    parts = [Bins.of(np.array([unit]), np.array([d]), np.array([w]), 0) for unit, d, w in rows]
    assert reduce(add, parts, Bins()) == expected


def test_units_far_apart():
    left, right = (Bins.of(np.array([unit]), np.array([1.0]), None, 0) for unit in (5, 10**12))
    assert left + right == right + left == by_loops([5, 10**12], [1.0, 1.0], [1, 1], 0)


@pytest.mark.parametrize("start", [0, 1, 6])
def test_coarser_runs_are_those_of_a_higher_level(start):
    units, differences, weights = samples(200, 0.7, start)
    bins = Bins.of(units, differences, weights, 0)
    for level in range(5):
        assert bins.coarser(level) == Bins.of(units, differences, weights, level)


def test_bins_of_nothing():
    none, some = Bins.of(np.empty(0, np.int64), np.empty(0), None, 3), Bins.of(np.array([9]), np.ones(1), None, 3)
    assert none == Bins(3)
    assert none + some == some + none == some


@pytest.mark.parametrize("n", [0, 1, 4095, 4096, 4097, 8192, 8193, 10**6, 10**9, 10**12 + 1])
def test_levels_leave_at_most_the_bins_that_are_wanted(n):
    level = level_for(n)
    assert math.ceil(Fraction(n, 2**level)) <= MOST_BINS
    assert level == 0 or math.ceil(Fraction(n, 2 ** (level - 1))) > MOST_BINS


def test_the_level_of_an_unknown_number_of_units():
    assert level_for(None) == 0


@pytest.mark.parametrize("weighted", [False, True])
def test_units_wherever_they_are_cut(weighted):
    units, differences, weights = samples(500, 0.9)

    def of(part):
        own = weights[part] if weighted else None
        weight_sum = exact_sum(own) if weighted else exact_count(len(units[part]))
        spread = Spread.of(differences[part], own)
        return Units(exact_sum(differences[part]), weight_sum, spread, Bins.of(units[part], differences[part], own, 1))

    expected = of(slice(None))
    assert expected + Units() == Units() + expected == expected
    for whole in every_way(of, len(units)):
        assert whole == expected


@given(st.lists(st.floats(-1e300, 1e300), max_size=10))
def test_exact_sums_are_rounded_once(values):
    sums = [*map(Fraction, values), sum(map(Fraction, values), Fraction(0))]
    assert floats([int(each * 2**1074) for each in sums]).tolist() == [float(each) for each in sums]
