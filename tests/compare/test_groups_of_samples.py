"""Sums over groups of samples, together or scattered, against fractions and loops."""

import math
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.compare import groups
from nllcli.commands.compare.digits import Digits
from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.groups import Kind, Samples, Scattered, Together
from nllcli.commands.compare.units import Bins, Units
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.spread import Spread

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(10)
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
    sums = Digits(k)
    sums.add(np.array([v for v, _ in rows], np.float64), np.array([i for _, i in rows], np.int64))
    return sums


def absorbed(parts):
    total = Digits(4)
    for part in parts:
        total.absorb(part)
    return total


@given(VALUES, st.integers(0, 20))
def test_each_sum_is_rounded_once_wherever_values_are_cut(rows, cut):
    expected = by_fractions(rows)
    assert exact(rows).floats().tolist() == expected
    assert absorbed([exact(rows[:cut]), exact(rows[cut:])]).floats().tolist() == expected


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
        [LARGEST, 2.0**969],
        [LARGEST, 2.0**970],  # half of the last place: to even, which is infinite
        [1.0, 2.0**-53, 5e-324],  # just above half of the last place
        [2.0**32, 2.0**-32, -(2.0**64)],
        [0.1] * 10,
    ],
    ids=str,
)
def test_sums_known_by_their_fractions(values):
    rows = [(value, 1) for value in values]
    assert exact(rows).floats().tolist() == by_fractions(rows)
    assert absorbed(exact([row]) for row in rows).floats().tolist() == by_fractions(rows)


@pytest.mark.parametrize("doublings", [1, 20, 27, 28, 29, 60, 100])
def test_digits_are_carried_before_they_overflow(doublings):
    """All bits of the digits are set, and their sums as large as those of so many values."""
    rows = [(2.0**53 - 1, 0), (-(2.0**53 - 1), 1), (2.0**64 - 2.0**11, 2), (-(2.0**-20), 2), (1e300, 3), (-5e-324, 3)]
    total = exact(rows)
    for _ in range(doublings):
        total.absorb(total.taken(np.arange(4)))
        assert max(np.abs(column).max() for column in total.columns.values()) < 2.0**62
    assert total.floats().tolist() == by_fractions(rows, times=2**doublings)


def test_values_are_added_to_sums_that_float64_does_not_hold():
    """The most values of one block, of the largest digits, again and again; what the last are is then seen alone."""
    values, places = np.full(1 << 21, 2.0**32 - 1), np.zeros(1 << 21, np.int64)
    total = Digits(1)
    for _ in range(3):
        total.add(values, places)
    total.add(np.array([1.0]), places[:1])
    for _ in range(3):
        total.add(-values, places)
    assert total.floats().tolist() == [1.0]


def test_sums_of_some_groups():
    sums = exact([(0.5, 0), (1e-300, 1), (3.0, 3)])
    taken = sums.taken(np.array([3, 1, 2]))
    assert taken.floats().tolist() == [3.0, 1e-300, 0.0]
    taken.absorb(taken.taken(np.array([0, 1, 2])))
    assert sums.floats().tolist() == [0.5, 1e-300, 0.0, 3.0]


# --- groups -----------------------------------------------------------------------------------------------------------

N = 80


def samples(numbers, weighted, rng=RNG):
    """Differences of any size, perhaps weights, and differences of right answers, of samples in these groups."""
    n = len(numbers)
    differences = rng.normal(0, 1, n) * 10.0 ** rng.integers(-12, 12, n)
    weights = rng.choice([-0.3, 0.0, 0.1, 0.7, 5.0], n) if weighted else None
    return numbers, differences, weights, rng.integers(-1, 2, n)


def taken(columns, part):
    return [None if column is None else column[part] for column in columns]


def as_units(kind, columns):
    """Each group as one unit of the sums of its samples, which are rounded once."""
    numbers, differences, weights, answers = columns
    own_numbers = np.unique(numbers)
    masks = [numbers == number for number in own_numbers]
    n = np.array([np.count_nonzero(mask) for mask in masks], np.float64)

    def sums(values):
        return np.array([math.fsum(values[mask]) for mask in masks])

    own, values = n if weights is None else sums(weights), sums(differences)
    return Units(
        exact_sum(values),
        exact_sum(own),
        Spread.of(values, own),
        Bins.of(own_numbers, values, own, kind.level),
        Extremes.of(5, values, own_numbers, own),
        Extremes.of(5, own, own_numbers, values),
        Spread.of(sums(answers.astype(np.float64)), n) if kind.has_answers else None,
    )


def summed(kind, columns, of):
    return of.of(kind, Samples(*columns))


@pytest.fixture(params=[None, 20])
def waiting(request, monkeypatch):
    """How many samples wait for the sums of all groups: all of these, or few, as of many more."""
    if request.param is not None:
        monkeypatch.setattr(groups, "_MOST_WAITING", request.param)
        monkeypatch.setattr(groups, "_AT_ONCE", 16)


GROUPS = {
    "alone": np.arange(N),
    "together": np.sort(RNG.integers(0, 60, N)),
    "long": np.repeat([3, 0, 7], [50, 9, N - 59]),
    "two": np.repeat([1, 0], [1, N - 1]),
    "one": np.full(N, 5),
    "falling": np.arange(N)[::-1] // 3,
}
KINDS = [Kind(N, 0, has_answers=True), Kind(N, 2, has_answers=False)]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lie", GROUPS)
def test_groups_are_units_wherever_samples_are_cut(lie, weighted, kind):
    columns = samples(GROUPS[lie], weighted)
    expected = as_units(kind, columns)
    for of in (Together, Scattered):
        for whole in every_way(lambda part, of=of: summed(kind, taken(columns, part), of), N):
            assert whole.total() == expected


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("weighted", [False, True])
def test_scattered_groups_are_those_that_lie_together_once_they_are_sorted(weighted):
    kind = KINDS[0]
    columns = samples(RNG.integers(0, 50, N), weighted)
    ordered = taken(columns, np.argsort(columns[0], kind="stable"))
    expected = summed(kind, ordered, Together).total()
    assert expected == as_units(kind, columns)
    for whole in every_way(lambda part: summed(kind, taken(columns, part), Scattered), N):
        assert whole.total() == expected


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("of", [Together, Scattered])
def test_blocks_without_samples(of):
    kind, columns = KINDS[0], samples(GROUPS["long"], weighted=True)

    def block(stop):
        return summed(kind, taken(columns, slice(0, stop)), of)

    assert block(0).total() == (block(0) + block(0)).total() == of(kind).total() == Units()
    expected = as_units(kind, columns)
    assert (block(0) + block(N)).total() == (block(N) + block(0)).total() == (of(kind) + block(N)).total() == expected


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("of", [Together, Scattered])
def test_blocks_may_be_added_from_the_right(of):
    columns = samples(GROUPS["together"], weighted=True)
    first, second, third = (summed(KINDS[0], taken(columns, part), of) for part in (np.s_[:3], np.s_[3:90], np.s_[90:]))
    assert (first + (second + third)).total() == as_units(KINDS[0], columns)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.lists(st.integers(0, 9), max_size=3), st.integers(0, 99))
def test_any_groups_and_cuts(lengths, cuts, seed):
    """Groups of as many samples as ``lengths`` say, numbered in any order."""
    rng = np.random.default_rng(seed)
    columns = samples(np.repeat(rng.permutation(len(lengths)), lengths), weighted=False, rng=rng)
    n = len(columns[0])
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    for of in (Together, Scattered):
        parts = [summed(KINDS[0], taken(columns, slice(i, j)), of) for i, j in pairwise(edges)]
        assert reduce(add, parts).total() == (as_units(KINDS[0], columns) if n else Units())
