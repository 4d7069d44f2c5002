"""Quantiles against sorted values and fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.compare.sketch import MOST_VALUES, Sketch

pytestmark = pytest.mark.uncounted

INF, NAN = math.inf, math.nan
SHARES = (0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0)
RNG = np.random.default_rng(8)


def by_fractions(values, share):
    """The value at ``share * (n - 1)`` of the sorted ones, in proportion between neighbours."""
    ordered = sorted(values)
    place = Fraction(share) * (len(ordered) - 1)
    rank = math.floor(place)
    low, high = (Fraction(ordered[min(i, len(ordered) - 1)]) for i in (rank, rank + 1))
    return float(low + (place - rank) * (high - low))


def many(n):
    """Values of many sizes."""
    return 10.0 ** RNG.uniform(-12, 6, n)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1001, MOST_VALUES])
def test_few_values_have_exact_quantiles(n):
    values = many(n)
    expected = [by_fractions(values.tolist(), share) for share in SHARES]
    assert Sketch.of(values).quantiles(SHARES) == pytest.approx(expected, rel=1e-9)
    assert Sketch.of(values).quantiles((0.0, 1.0)) == [values.min(), values.max()]


@given(st.lists(st.floats(0.0, 1e300), min_size=1, max_size=12), st.floats(0.0, 1.0), st.integers(0, 12))
def test_any_values(values, share, cut):
    numbers = np.array(values)
    sketch = Sketch.of(numbers[:cut]) + Sketch.of(numbers[cut:])
    assert sketch.quantiles([share]) == pytest.approx([by_fractions(values, share)], rel=1e-12, abs=1e-12 * max(values))


@pytest.mark.parametrize("n", [MOST_VALUES + 1, 200_000])
@pytest.mark.parametrize("kind", ["many", "equal", "two"])
def test_quantiles_of_many_values_are_near(n, kind):
    values = {"many": many(n), "equal": np.full(n, 0.1), "two": np.repeat([1.0, 1024.0], [n - n // 3, n // 3])}[kind]
    found = Sketch.of(values).quantiles(SHARES)
    np.testing.assert_allclose(found, [by_fractions(values.tolist(), share) for share in SHARES], rtol=2.0**-11)


@pytest.mark.parametrize("n", [MOST_VALUES, MOST_VALUES + 1, 150_000])
def test_cuts_do_not_matter(n):
    values = many(n)
    ways = every_way(lambda part: Sketch.of(values[part]), n, sizes=(999, 40_000, 70_000))
    assert len({tuple(sketch.quantiles(SHARES)) for sketch in ways}) == 1


def test_no_values():
    assert Sketch().quantiles(SHARES) is None
    assert Sketch.of(np.full(3, NAN)).quantiles(SHARES) is None
    assert (Sketch() + Sketch.of(np.array([2.0]))).quantiles([0.5]) == [2.0]


@pytest.mark.parametrize(
    ("values", "share", "of_few", "of_many"),
    [
        ([NAN, 0.0, NAN], 0.5, 0.0, 0.0),
        ([-0.0, -0.0], 1.0, 0.0, 0.0),
        ([2.0**-65, 1.0], 0.0, 2.0**-65, 0.0),  # below the first bin of many values
        ([2.0**64, 1.0], 1.0, 2.0**64, INF),  # and beyond the last
        ([0.0, INF], 1.0, INF, INF),
        ([INF, INF, 0.0], 0.5, INF, INF),
        ([0.0, INF], 0.5, INF, INF),  # between the two
    ],
)
def test_ends(values, share, of_few, of_many):
    assert Sketch.of(np.array(values)).quantiles([share]) == [of_few]
    assert Sketch.of(np.repeat(values, 65_537)).quantiles([share]) == [of_many]


def test_the_ends_of_a_bin_count_apart():
    """Neighbours on both sides of a power of 2 have different bins, and values of one bin the same."""
    below, at = np.nextafter(4.0, 0.0), 4.0
    for low, high, same in ((below, at, False), (at, at * (1.0 + 2.0**-11), True)):
        ends = Sketch.of(np.repeat([low, high], 40_000)).quantiles((0.0, 1.0))
        assert (ends[0] == ends[1]) is same
