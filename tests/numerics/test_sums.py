"""Exact sums against fractions, and tallies that merge."""

import math
from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_block import relative_error, score

from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.numerics.tally import Rows, Spread, Tally

INF, NAN = math.inf, math.nan
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LISTS = st.lists(FLOATS, max_size=30)


def rounded(value):
    """A fraction as the nearest float64: Fraction divides integers correctly rounded, but refuses to overflow."""
    try:
        return float(value)
    except OverflowError:
        return INF if value > 0 else -INF


@given(LISTS)
def test_a_sum_is_rounded_once(values):
    assert float(exact_sum(np.array(values))) == rounded(sum(map(Fraction, values), Fraction(0)))


@given(LISTS, st.randoms(), st.integers(0, 30))
def test_neither_order_nor_cuts_matter(values, random, cut):
    shuffled = values.copy()
    random.shuffle(shuffled)
    parts = exact_sum(np.array(shuffled[:cut])) + exact_sum(np.array(shuffled[cut:]))
    assert parts == exact_sum(np.array(values))


@given(LISTS, st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=5))
def test_a_quotient_is_rounded_once(values, weights):
    quotient = exact_sum(np.array(values)).divided_by(exact_sum(np.array(weights)))
    assert quotient == rounded(sum(map(Fraction, values), Fraction(0)) / sum(map(Fraction, weights)))


@pytest.mark.parametrize(
    "values",
    [
        [1e308, 1e308, -1e308],
        [5e-324] * 7,
        [2.0**-1074, 1.0, -1.0],
        [1e16, 1.0, -1e16],
        [2.0**1023, 2.0**970, -(2.0**1023)],
        [0.1] * 1000,
        [-0.0],
    ],
    ids=["overflow-on-the-way", "subnormals", "far-apart", "cancelling", "top-of-the-range", "tenths", "minus-zero"],
)
def test_hard_sums(values):
    assert float(exact_sum(np.array(values))) == rounded(sum(map(Fraction, values)))


@pytest.mark.parametrize("n", [100_000, (1 << 17) + 1])
def test_a_long_sum(n):
    values = np.random.default_rng(3).normal(0, 1, n) * 10.0 ** np.random.default_rng(4).integers(-200, 200, n)
    assert float(exact_sum(values)) == math.fsum(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, INF], INF), ([-INF, 2.0], -INF), ([INF, -INF], NAN), ([NAN, 1.0], NAN), ([NAN, INF], NAN), ([], 0.0)],
    ids=str,
)
def test_infinities_and_nan(values, expected):
    np.testing.assert_equal(float(exact_sum(np.array(values, np.float64))), expected)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [([INF], 2, INF), ([1.0], 0, INF), ([0.0], 0, NAN), ([NAN], 1, NAN), ([-3.0], 2, -1.5)],
    ids=str,
)
def test_quotients_that_are_no_numbers(numerator, denominator, expected):
    np.testing.assert_equal(exact_sum(np.array(numerator)).divided_by(exact_count(denominator)), expected)


def test_a_sum_of_1e308_and_as_much_again_overflows():
    assert float(exact_sum(np.array([1e308, 1e308]))) == INF
    assert (exact_sum(np.array([1e308, 1e308]))).divided_by(exact_count(2)) == 1e308


def test_the_empty_tally_changes_nothing():
    tally = score([[1.0, 2.0], [0.0, -np.inf]], [0, 1]).tally
    assert Tally() + tally == tally
    assert tally + Tally() == tally
    assert ExactSum() + exact_count(3) == exact_count(3)


def test_rows_keep_the_first_five_in_order():
    first = Rows.where(np.array([True, False, True, True]), 10, np.array([0.5, 9.0, 0.25, 0.125]))
    assert first == Rows(3, (10, 12, 13), 0.5)
    both = first + Rows.where(np.array([True] * 4), 20, np.array([1.0, 2.0, 7.0, 3.0]))
    assert both == Rows(7, (10, 12, 13, 20, 21), 7.0)


def test_findings_of_several_blocks_name_the_first_rows():
    rows = [[0.0, -np.inf]] * 4
    tally = score(rows, [1, 0, 1, 0]).tally + score(rows, [1, 1, 1, 1], start=4).tally
    assert tally.findings["infinite-loss"] == Rows(6, (0, 2, 4, 5, 6))


RNG = np.random.default_rng(11)
ROWS = RNG.normal(0, 4, (60, 3))
TARGETS = RNG.integers(0, 3, 60)
WEIGHTS = [0.1, 5.0, 1.0]


@pytest.mark.parametrize("offset", [0.0, 1e6], ids=["near-0", "far-from-0"])
@pytest.mark.parametrize("options", [{}, {"class_weights": WEIGHTS}], ids=["plain", "weights"])
@pytest.mark.parametrize("size", [60, 7, 1])
def test_the_standard_error_of_merged_blocks(options, size, offset):
    """Losses far from 0 must not cancel: here each is 1e6 larger, their spread the same."""
    rows = np.column_stack([ROWS, np.full(60, offset)]) if offset else ROWS
    options = {"class_weights": [*options["class_weights"], 1.0]} if offset and options else options
    tally = Tally()
    for start in range(0, 60, size):
        block = score(rows[start : start + size], TARGETS[start : start + size], start=start, **options)
        tally += block.tally
    assert relative_error(tally.standard_error(), oracle.standard_error(rows, TARGETS, **options)) <= 1e-9


def test_the_standard_error_of_a_sum():
    losses = [float(x) for x in oracle.losses(ROWS, TARGETS)]
    mean = math.fsum(losses) / 60
    expected = math.sqrt(60) * math.sqrt(math.fsum((x - mean) ** 2 for x in losses) / 59)
    assert score(ROWS, TARGETS, reduction="sum").tally.standard_error_of_sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [0, 1])
def test_one_sample_has_no_standard_error(n):
    tally = score(ROWS[:n], TARGETS[:n]).tally
    assert math.isnan(tally.standard_error())
    assert math.isnan(tally.standard_error_of_sum())


def test_spread_merges_onto_one_centre():
    values = RNG.normal(3.0, 1.0, 40)
    merged = Spread()
    for part in np.split(values, [1, 7, 30]):
        merged += Spread.of(part, None)
    mean = math.fsum(values) / 40
    assert merged.squares_about(mean) == pytest.approx(math.fsum((v - mean) ** 2 for v in values), rel=1e-12)


def test_class_sums():
    sums = score(ROWS, TARGETS, class_weights=WEIGHTS).tally.classes
    losses = oracle.losses(ROWS, TARGETS)
    for c in range(3):
        mine = [i for i in range(60) if TARGETS[i] == c]
        assert sums.n[c] == len(mine)
        assert sums.n_correct[c] == sum(ROWS[i].argmax() == c for i in mine)
        assert sums.loss_sum[c] == pytest.approx(math.fsum(float(losses[i]) for i in mine), rel=1e-13)
        assert sums.weighted_sum[c] == pytest.approx(WEIGHTS[c] * math.fsum(float(losses[i]) for i in mine), rel=1e-13)
