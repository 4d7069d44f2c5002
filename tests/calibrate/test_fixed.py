"""Sums in fixed point against fractions, and pieces that are joined seldom."""

from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import as_tree, every_way

from nllcli.commands.calibrate import fixed
from nllcli.commands.calibrate.fixed import FixedSums
from nllcli.commands.calibrate.pieces import as_one, fewer, size_of

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(40)


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.integers(0, 3)), max_size=20))
def test_sums_are_those_of_rounded_values(rows):
    values, places = np.array([v for v, _ in rows], np.float64), np.array([k for _, k in rows], np.int64)
    expected = [sum(Fraction(round(Fraction(v) * 2**40), 2**40) for v, k in rows if k == place) for place in range(4)]
    for whole in every_way(lambda part: FixedSums.of(values[part], places[part], 4), len(rows), sizes=(1, 3)):
        assert whole.floats(4).tolist() == [float(each) for each in expected]


def test_many_values_do_not_overflow(monkeypatch):
    monkeypatch.setattr(fixed, "_MOST_AT_ONCE", 1000)
    values = np.tile([1.0, 1.0, -1.0], 1001)
    sums = FixedSums.of(values, np.tile([0, 0, 1], 1001), 3)
    for _ in range(40):
        sums += sums
    assert sums.floats(3).tolist() == [2002.0 * 2**40, -1001.0 * 2**40, 0.0]
    assert FixedSums().floats(2).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("sizes", [[1] * 1000, [5, 0, 700, 1, 1, 699, 64] * 3, [0], []])
def test_pieces_are_few_and_have_all_samples(sizes):
    rows = RNG.random((2, sum(sizes)))
    ends = np.cumsum(sizes, dtype=int)
    pieces = [(rows[:, end - size : end],) for size, end in zip(sizes, ends, strict=True)]
    for joined in (
        reduce(lambda kept, more: fewer(kept + more), pieces, ()),
        fewer(as_tree([(), *pieces])),
        fewer(reduce(add, pieces, ())),
    ):
        assert as_one(joined, 2).tolist() == rows.tolist()
        assert size_of(joined) == sum(sizes)
        assert len(joined) <= sum(sizes).bit_length() + 1
