"""Sums by group, however they are held: as Python's integers, as digits, or of the few groups that occur."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from collected import plain

from nllcli.numerics import exact
from nllcli.numerics.exact import UNIT_BITS, ExactSum, ExactSums, exact_counts, exact_sums
from nllcli.numerics.kernels import chosen

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(31)
N_GROUPS = 6
SPECIAL = np.array([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.7e308, -1.7e308, 1.0, -(2.0**-31), 2.0**32])
VALUES = {
    "none": np.empty(0),
    "zeros": np.zeros(9),
    "losses": -np.log(RNG.random(500)),
    "either sign": RNG.normal(size=500),
    "small and large": RNG.normal(size=500) * 10.0 ** RNG.integers(-300, 300, 500),
    "subnormal": RNG.integers(-99, 99, 200) * 5e-324,
    "special": np.resize(SPECIAL, 70),
    "digits": 2.0 ** np.arange(-70, 70),
    "all bits": (2.0 - 2.0**-52) * 2.0 ** np.arange(-70.0, 70.0),
}


def groups_of(values):
    return np.random.default_rng(len(values)).integers(0, N_GROUPS - 1, len(values))


def by_hand(values, groups):
    """The sums as counts of 2**-1074."""
    pairs = list(zip(values.tolist(), groups.tolist(), strict=True))
    sums = [sum((Fraction(v) for v, g in pairs if g == group), Fraction(0)) for group in range(N_GROUPS)]
    return [int(total * 2**UNIT_BITS) for total in sums]


def units(sums, n=N_GROUPS):
    return [sums[group].units for group in range(n)]


@pytest.mark.parametrize("name", VALUES)
def test_they_are_exact(name):
    values, groups = VALUES[name], groups_of(VALUES[name])
    sums, expected = exact_sums(values, groups, N_GROUPS), by_hand(values, groups)
    assert units(sums) == expected
    assert [0 if sums.units is None else sums.units[group] for group in range(N_GROUPS)] == expected
    assert sums.total() == ExactSum(sum(expected))


@pytest.mark.parametrize(("one", "other"), list(product(VALUES, repeat=2)))
def test_they_add_up_whatever_digits_they_have(one, other):
    a, b = (exact_sums(VALUES[name], groups_of(VALUES[name]), N_GROUPS) for name in (one, other))
    expected = [x + y for x, y in zip(units(a), units(b), strict=True)]
    assert units(a + b) == units(b + a) == expected
    assert units(a + ExactSums()) == units(ExactSums() + a) == units(a)


@pytest.mark.parametrize("name", VALUES)
def test_parts_of_them(name):
    sums = exact_sums(VALUES[name], groups_of(VALUES[name]), N_GROUPS)
    each = units(sums)
    assert units(sums.of_groups(np.array([4, 0, 4])), 3) == [each[4], each[0], each[4]]
    assert units(sums.united(np.array([0, 2, 3])), 3) == [sum(each[:2]), each[2], sum(each[3:])]
    twice = ExactSums.side_by_side([sums, exact_sums(SPECIAL, groups_of(SPECIAL), N_GROUPS), sums])
    assert units(twice, 18) == [*each, *by_hand(SPECIAL, groups_of(SPECIAL)), *each]


def test_counts_beside_sums():
    counts = exact_counts(np.array([3, 0, 5]))
    both = ExactSums.side_by_side([counts, exact_sums(np.array([0.5]), np.array([1]), 2)])
    assert [float(both[i]) for i in range(5)] == [3.0, 0.0, 5.0, 0.0, 0.5]
    assert [float((counts + counts).united(np.array([0, 2]))[i]) for i in range(2)] == [6.0, 10.0]


def test_what_is_not_finite():
    values, groups = np.array([1.0, np.inf, 2.0, -np.inf, np.nan]), np.array([0, 0, 1, 2, 3])
    sums = exact_sums(values, groups, 4)
    assert [sums[i] for i in range(4)] == [
        ExactSum(1 << UNIT_BITS, 1),
        ExactSum(2 << UNIT_BITS),
        ExactSum(0, 0, 1),
        ExactSum(0, 0, 0, 1),
    ]
    finite = exact_sums(values[[0, 2]], groups[[0, 2]], 4)
    for total in (sums + finite, finite + sums):
        assert (total[0], total[1]) == (ExactSum(2 << UNIT_BITS, 1), ExactSum(4 << UNIT_BITS))
    assert (sums + sums)[2] == ExactSum(0, 0, 2)
    united = sums.united(np.array([0, 2]))
    assert (united[0], united[1]) == (ExactSum(3 << UNIT_BITS, 1), ExactSum(0, 0, 1, 1))


def test_more_than_digits_hold(monkeypatch):
    monkeypatch.setattr(exact, "MOST_ADDED", 700)
    values, groups = VALUES["either sign"], groups_of(VALUES["either sign"])
    block, total = exact_sums(values, groups, N_GROUPS), ExactSums()
    for _ in range(5):
        total += block
    assert units(total) == [5 * each for each in by_hand(values, groups)]


@pytest.mark.parametrize("value", [1.5, np.inf])
def test_few_of_many_groups(value):
    values, groups = np.array([1.0, 2.0, value, -0.25]), np.array([70, 3, 99, 70])
    few = exact_sums(values, groups, 100)
    expected = [ExactSum()] * 100
    expected[70], expected[3] = (ExactSum(int(x * 4) << UNIT_BITS - 2) for x in (0.75, 2.0))
    expected[99] = ExactSum(0, 1) if value == np.inf else ExactSum(3 << UNIT_BITS - 1)
    assert [few[i] for i in range(100)] == expected
    many = exact_sums(np.ones(100), np.arange(100), 100)
    counts = exact_counts(np.ones(100, np.int64))
    for one in (many, counts):
        for total in (one + few, few + one, few + one + few, (one + few) + few, few + few + one):
            n = round((float(total[3]) - 1) / 2)
            assert float(total[70]) == 1 + 0.75 * n
            assert [float(total[i]) for i in (0, 50, 98)] == [1.0, 1.0, 1.0]
    assert plain(few + few) == plain(ExactSums() + few + few)


def test_groups_in_another_type_and_values_apart_in_memory():
    values, groups = np.arange(20.0)[::2], np.arange(20, dtype="i4")[::2] % 3
    assert [float(exact_sums(values, groups, 3)[i]) for i in range(3)] == [36.0, 30.0, 24.0]


def test_more_values_than_the_kernel_takes(monkeypatch):
    values, groups = VALUES["losses"], groups_of(VALUES["losses"])
    monkeypatch.setattr(chosen, "_MOST_TERMS", 7)
    assert units(exact_sums(values, groups, N_GROUPS)) == by_hand(values, groups)
