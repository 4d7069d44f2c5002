"""The top-K: against a plain sort, whatever the blocks."""

from functools import reduce
from math import isnan
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.commands.explain import Hardest, Ranked, largest
from nllcli.data.blocks import Block

EMPTY = Block(0, np.empty((1, 1)))
# Few different values, so that there are ties.
LOSSES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, float("inf"), float("nan")]), max_size=30)


def by_sorting(losses, k):
    """Numbers of the ``k`` largest losses, the least number first among equals; NaN has no rank."""
    known = [(-loss, i) for i, loss in enumerate(losses) if not isnan(loss)]
    return [i for _, i in sorted(known)[:k]]


@given(LOSSES, st.integers(1, 40))
def test_largest_is_what_a_sort_gives(losses, k):
    numbers = np.arange(len(losses))
    assert largest(np.array(losses, float), numbers, k).tolist() == by_sorting(losses, k)


@given(LOSSES, st.integers(1, 10), st.integers(1, 7))
def test_blocks_do_not_change_what_is_found(losses, k, size):
    parts = []
    for start in range(0, len(losses), size):
        part = np.array(losses[start : start + size])
        numbers = np.arange(start, start + len(part))
        ranked = (Ranked(float(part[i]), int(numbers[i]), EMPTY) for i in largest(part, numbers, k))
        parts.append(Hardest(k, tuple(ranked)))
    for order in (parts, parts[::-1]):
        found = reduce(add, order, Hardest(k))
        assert [ranked.number for ranked in found.ranked] == by_sorting(losses, k)


def test_ties_follow_the_numbers_not_the_places():
    assert largest(np.array([1.0, 1.0, 1.0]), np.array([7, 2, 5]), 2).tolist() == [1, 2]


@pytest.mark.parametrize("n", [0, 3])
def test_fewer_than_asked_for(n):
    assert len(largest(np.ones(n), np.arange(n), 5)) == n
