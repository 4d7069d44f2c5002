"""Exact sums against fractions, and tallies that merge."""

import math
from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_block import relative_error, score

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.exact import ExactSum, ExactSums, exact_count, exact_sum, exact_sums
from nllcli.numerics.tally import Rows, Tally

pytestmark = pytest.mark.usefixtures("kernel")

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


@given(LISTS, LISTS)
def test_a_difference_is_rounded_once(values, others):
    exact = sum(map(Fraction, values), Fraction(0)) - sum(map(Fraction, others), Fraction(0))
    assert float(exact_sum(np.array(values)) - exact_sum(np.array(others))) == rounded(exact)


@pytest.mark.parametrize("values", [[], [1.0], [INF], [-INF], [NAN], [INF, -INF]], ids=str)
@pytest.mark.parametrize("others", [[], [1.0], [INF], [-INF], [NAN]], ids=str)
def test_differences_of_what_is_not_finite(values, others):
    found = exact_sum(np.array(values)) - exact_sum(np.array(others))
    assert float(found) == pytest.approx(sum(values) - sum(others), nan_ok=True)


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=9), st.lists(st.integers(0, 4), max_size=5))
def test_the_sums_of_some_groups(values, chosen):
    sums = exact_sums(np.array(values), np.arange(len(values)) % 5, 5)
    some = sums.of_groups(np.array(chosen, np.intp))
    assert [some[i] for i in range(len(chosen))] == [sums[group] for group in chosen]
    assert sums.of_groups(slice(1, 3)).total() == sums[1] + sums[2]
    assert ExactSums().of_groups(slice(1, 3)).total() == ExactSum()


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
        [2.0**900, 1.0, 2.0**-1074],
        [0.1] * 1000,
        [-0.0],
    ],
    ids=[
        "overflow-on-the-way",
        "subnormals",
        "far-apart",
        "cancelling",
        "top-of-the-range",
        "edge-of-large",
        "tenths",
        "minus-zero",
    ],
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


@pytest.mark.parametrize("denominator", [[INF], [INF, 1.0], [-INF], [NAN], [INF, -INF]], ids=str)
@pytest.mark.parametrize("numerator", [[], [1.0], [-2.5, 1.0], [INF], [-INF], [NAN]], ids=str)
def test_quotients_by_what_is_not_finite(numerator, denominator):
    """As IEEE 754 divides; products of weights can overflow."""
    with np.errstate(invalid="ignore"):
        expected = float(np.float64(sum(numerator)) / np.float64(sum(denominator)))
    np.testing.assert_equal(exact_sum(np.array(numerator)).divided_by(exact_sum(np.array(denominator))), expected)


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


@pytest.mark.uncounted
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
    assert tally.spread == score(rows, TARGETS, **options).tally.spread
    assert relative_error(tally.standard_error(), oracle.standard_error(rows, TARGETS, **options)) <= 1e-9


def test_the_numbers_of_a_tally():
    """Three of four right; losses of log 2, 0, log 8 and log 2 by hand."""
    rows = [[0.0, 0.0], [800.0, 0.0], [np.log(7.0), 0.0], [0.0, 0.0]]
    tally = score(rows, [0, 0, 1, -100]).tally + score([[1.0, 1.0]], [0], start=4).tally
    assert tally.loss("mean") == tally.mean() == pytest.approx(5 * math.log(2) / 4, rel=1e-15)
    assert tally.loss("sum") == pytest.approx(5 * math.log(2), rel=1e-15)
    assert tally.loss("none") is None
    assert tally.bits() == pytest.approx(5 / 4, rel=1e-15)
    assert tally.perplexity() == pytest.approx(2 ** (5 / 4), rel=1e-15)
    assert tally.accuracy() == 3 / 4


def test_the_numbers_of_nothing():
    assert Tally(3, n_correct=0).accuracy() is None
    assert math.isnan(Tally(3).perplexity())
    assert math.isnan(Tally(3).bits())
    assert Tally(3).loss("sum") == 0.0


def test_soft_targets_have_no_accuracy():
    assert score(ROWS, np.eye(3)[TARGETS]).tally.accuracy() is None


@pytest.mark.parametrize("gap", [800.0, INF])
def test_a_perplexity_beyond_float64_is_infinite(gap):
    assert score([[0.0, -gap]], [1]).tally.perplexity() == INF


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


def test_a_spread_that_is_not_wanted_gives_no_standard_error():
    tally = evaluate(Block(0, ROWS, TARGETS), LossOptions(), Wanted(), Scratch()).tally
    assert math.isnan(tally.standard_error())
    assert math.isnan(tally.standard_error_of_sum())


@pytest.mark.parametrize("weights", [[0.1, 0.2, -0.3], [1.0, -1.0 + 2.0**-40, 0.0], [0.0, 0.0, 0.0]])
def test_weights_that_cancel_in_a_block_leave_the_standard_error_its_digits(weights):
    """0.1 + 0.2 - 0.3 is not 0 in binary: the mean of such a block lies far from every loss."""
    weights = np.concatenate([weights, np.ones(57)])
    tally = Tally()
    for first in range(0, 60, 3):
        block = slice(first, first + 3)
        tally += score(ROWS[block], TARGETS[block], sample_weights=weights[block]).tally
    expected = oracle.standard_error(ROWS, TARGETS, sample_weights=weights)
    assert relative_error(tally.standard_error(), expected) <= 1e-12


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-100, 1e100, 1e200, 1e300])
def test_a_common_weight_changes_no_standard_error(scale):
    got = score(ROWS, TARGETS, sample_weights=np.full(60, scale)).tally.standard_error()
    assert relative_error(got, oracle.standard_error(ROWS, TARGETS)) <= 1e-12


def test_class_sums():
    sums = score(ROWS, TARGETS, class_weights=WEIGHTS).tally.classes
    losses = oracle.losses(ROWS, TARGETS)
    for c in range(3):
        mine = [i for i in range(60) if TARGETS[i] == c]
        assert sums.n[c] == len(mine)
        assert sums.n_correct[c] == sum(ROWS[i].argmax() == c for i in mine)
        total = math.fsum(float(losses[i]) for i in mine)
        assert float(sums.loss_sum[c]) == pytest.approx(total, rel=1e-13)
        assert float(sums.weighted_sum[c]) == pytest.approx(WEIGHTS[c] * total, rel=1e-13)


@given(LISTS, st.randoms(), st.integers(0, 30))
def test_the_sum_of_every_group_is_rounded_once_wherever_it_is_cut(values, random, cut):
    groups = np.array([random.randrange(4) for _ in values], np.int64)
    numbers = np.array(values, np.float64)
    whole = exact_sums(numbers, groups, 4)
    parts = exact_sums(numbers[:cut], groups[:cut], 4) + exact_sums(numbers[cut:], groups[cut:], 4)
    for c in range(4):
        mine = [Fraction(v) for v, g in zip(values, groups, strict=True) if g == c]
        assert float(whole[c]) == rounded(sum(mine, Fraction(0)))
        assert parts[c] == whole[c]


@pytest.mark.uncounted
def test_the_sums_of_long_groups():
    """More values than one round takes, of every size a float64 has."""
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, 600_000) * 10.0 ** rng.integers(-12, 12, 600_000)
    values[:1000] = np.ldexp(rng.uniform(-1, 1, 1000), rng.integers(-1074, 1020, 1000))
    groups = rng.integers(0, 3, len(values))
    sums = exact_sums(values, groups, 3)
    for c in range(3):
        assert float(sums[c]) == math.fsum(values[groups == c])


def test_what_is_not_finite_stays_in_its_group():
    values = np.array([1.0, INF, 2.0, -INF, 0.5, NAN, 0.25, INF, -INF])
    sums = exact_sums(values, np.array([0, 1, 1, 2, 0, 3, 3, 4, 4]), 6)
    np.testing.assert_equal([float(sums[c]) for c in range(6)], [1.5, INF, -INF, NAN, NAN, 0.0])
    both = sums + exact_sums(np.array([-INF, 3.0]), np.array([1, 0]), 6)
    np.testing.assert_equal([float(both[c]) for c in range(6)], [4.5, NAN, -INF, NAN, NAN, 0.0])


def test_a_class_of_2_to_the_25_tenths_has_the_mean_of_one():
    block = exact_sums(np.full(1 << 17, 0.1), np.zeros(1 << 17, np.int64), 2)
    sums = ExactSums()
    for _ in range(1 << 8):
        sums += block
    assert sums[0].divided_by(exact_count(1 << 25)) == 0.1


def test_blocks_without_weight_count_in_the_standard_error():
    """Class weights of 0 and label smoothing: a block's terms are above 0 while its weights are 0."""
    targets = np.sort(TARGETS)
    options = {"class_weights": [0.0, 5.0, 1.0], "label_smoothing": 0.2}
    assert (targets[:14] == 0).all()
    tally = Tally()
    for start in range(0, 60, 7):
        tally += score(ROWS[start : start + 7], targets[start : start + 7], start=start, **options).tally
    assert relative_error(tally.standard_error(), oracle.standard_error(ROWS, targets, **options)) <= 1e-9


def test_without_targets_nothing_is_right_or_wrong():
    assert score(ROWS, loss="argmax").tally.n_correct is None


def test_a_sample_let_through_as_nan_is_not_right():
    """The largest logit of the second row is its target's, but +inf allows no probability."""
    found = score([[3.0, 1.0], [0.0, INF], [NAN, 0.0]], [0, 1, 0], on_nonfinite="nan").tally
    assert found.n_correct == 1
    assert found.classes.n_correct.tolist() == [1, 0]
