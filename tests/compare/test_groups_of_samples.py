"""Sums over groups of samples, together or scattered, against fractions and loops."""

import math
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.compare import groups as module
from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.groups import Kind, Samples, Scattered, Together
from nllcli.commands.compare.units import Bins, Units
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.spread import Spread

RNG = np.random.default_rng(10)
N = 200


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
    groups = np.unique(numbers)
    masks = [numbers == group for group in groups]
    n = np.array([np.count_nonzero(mask) for mask in masks], np.float64)

    def sums(values):
        return np.array([math.fsum(values[mask]) for mask in masks])

    own, values = n if weights is None else sums(weights), sums(differences)
    return Units(
        exact_sum(values),
        exact_sum(own),
        Spread.of(values, own),
        Bins.of(groups, values, own, kind.level),
        Extremes.of(5, values, groups, own),
        Spread.of(sums(answers.astype(np.float64)), n) if kind.has_answers else None,
    )


def summed(kind, columns, of):
    return of.of(kind, Samples(*columns))


GROUPS = {
    "alone": np.arange(N),
    "together": np.sort(RNG.integers(0, 60, N)),
    "long": np.repeat([3, 0, 7], [90, 9, 101]),
    "two": np.repeat([1, 0], [1, N - 1]),
    "one": np.full(N, 5),
    "falling": np.arange(N)[::-1] // 3,
}
KINDS = [Kind(N, 0, has_answers=True), Kind(N, 2, has_answers=False)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lie", GROUPS)
def test_groups_are_units_wherever_samples_are_cut(lie, weighted, kind):
    columns = samples(GROUPS[lie], weighted)
    expected = as_units(kind, columns)
    for of in (Together, Scattered):
        for whole in every_way(lambda part, of=of: summed(kind, taken(columns, part), of), N):
            assert whole.total() == expected


@pytest.mark.parametrize("weighted", [False, True])
def test_scattered_groups_are_those_that_lie_together_once_they_are_sorted(weighted):
    kind = KINDS[0]
    columns = samples(RNG.integers(0, 50, N), weighted)
    ordered = taken(columns, np.argsort(columns[0], kind="stable"))
    expected = summed(kind, ordered, Together).total()
    assert expected == as_units(kind, columns)
    for whole in every_way(lambda part: summed(kind, taken(columns, part), Scattered), N):
        assert whole.total() == expected


def test_blocks_without_samples():
    kind, columns = KINDS[0], samples(GROUPS["long"], weighted=True)
    for of in (Together, Scattered):
        none, whole = summed(kind, taken(columns, slice(0, 0)), of), summed(kind, columns, of)
        assert none.total() == (none + none).total() == of(kind).total() == Units()
        for total in (none + whole, summed(kind, columns, of) + none):
            assert total.total() == as_units(kind, columns)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 12), max_size=3), st.integers(0, 99)
)
def test_any_groups_and_cuts(lengths, cuts, seed):
    """Groups of as many samples as ``lengths`` say, numbered in any order."""
    rng = np.random.default_rng(seed)
    columns = samples(np.repeat(rng.permutation(len(lengths)), lengths), weighted=False, rng=rng)
    n = len(columns[0])
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    for of in (Together, Scattered):
        parts = [summed(KINDS[0], taken(columns, slice(i, j)), of) for i, j in pairwise(edges)]
        assert reduce(add, parts).total() == (as_units(KINDS[0], columns) if n else Units())


@pytest.mark.parametrize("weighted", [False, True])
def test_samples_wait_for_sums_of_all_groups(weighted, monkeypatch):
    """Few of them, so that sums are added to, and sums to sums."""
    monkeypatch.setattr(module, "_FEWEST_WAITING", 10)
    monkeypatch.setattr(module, "_MOST_WAITING", 30)
    columns = samples(RNG.integers(0, 50, N), weighted)
    expected = as_units(KINDS[0], columns)
    for whole in every_way(lambda part: summed(KINDS[0], taken(columns, part), Scattered), N):
        assert whole.total() == expected
