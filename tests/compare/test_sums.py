"""What is added up over the samples of two models, against loops and fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from in_pieces import every_way

from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.sums import ClassSums, Counts, DivergenceSums, PairSums, Sums
from nllcli.commands.compare.units import Bins, Units
from nllcli.numerics.exact import exact_count, exact_sum
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import Rows, Tally

pytestmark = pytest.mark.uncounted

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(12)
N = 300


def units_of(values):
    """The sum of float64 values in 2**-1074."""
    return sum(int(Fraction(value) * 2**1074) for value in values)


# --- counts -----------------------------------------------------------------------------------------------------------

LOSSES = np.array([0.0, 0.5, 0.5, 1.0, INF, NAN])


def test_counts_wherever_samples_are_cut():
    a, b = (RNG.choice(LOSSES, N, p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.1]) for _ in range(2))
    old, new = (RNG.random(N) < share for share in (0.5, 0.6))
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    lower, higher, same = sum(y < x for x, y in pairs), sum(y > x for x, y in pairs), sum(y == x for x, y in pairs)
    zero = sum(x == y == 0 for x, y in pairs)
    right = list(zip(old.tolist(), new.tolist(), strict=True))
    answers = [right.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))]
    for whole in every_way(lambda part: Counts.of(a[part], b[part], (old[part], new[part])), N):
        assert whole == Counts(lower, higher, same, *answers, n_zero=zero)
    for whole in every_way(lambda part: Counts.of(a[part], b[part], None), N):
        assert whole == Counts(lower, higher, same, n_zero=zero)


@pytest.mark.parametrize(
    ("baseline", "model", "expected"),
    [
        ([], [], (0, 0, 0)),
        ([1.0], [1.0], (0, 0, 1)),
        ([0.0], [-0.0], (0, 0, 1)),
        ([1.0], [math.nextafter(1.0, 0.0)], (1, 0, 0)),
        ([5e-324], [0.0], (1, 0, 0)),
        ([INF, INF, 1.0], [INF, 1.0, INF], (1, 1, 1)),
        ([NAN, NAN, 1.0], [NAN, 1.0, NAN], (0, 0, 0)),
    ],
    ids=str,
)
def test_counts_known_by_hand(baseline, model, expected):
    zero = sum(x == y == 0 for x, y in zip(baseline, model, strict=True))
    assert Counts.of(np.array(baseline), np.array(model), None) == Counts(*expected, n_zero=zero)


def test_a_swap_of_the_models_swaps_counts():
    a, b = RNG.choice(LOSSES, (2, 50))
    old, new = RNG.random((2, 50)) < 0.5
    there, back = Counts.of(a, b, (old, new)), Counts.of(b, a, (new, old))
    assert (there.n_better, there.n_worse, there.n_equal) == (back.n_worse, back.n_better, back.n_equal)
    assert (there.n_only_baseline_correct, there.n_only_model_correct) == (
        back.n_only_model_correct,
        back.n_only_baseline_correct,
    )
    assert (there.n_both_correct, there.n_neither_correct) == (back.n_both_correct, back.n_neither_correct)


# --- divergence -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [True, False])
def test_divergence_wherever_samples_are_cut(classes):
    kl = RNG.exponential(1, N)
    kl[[7, 60, 61, 62, 100, 101, 250]], kl[3] = INF, NAN
    same, p, samples = RNG.random(N) < 0.7, RNG.uniform(-1, 1, N), np.arange(1000, 1000 + N)
    finite = kl[np.isfinite(kl)].tolist()
    squares = sum(int(Fraction(value) ** 2 * 2**2148) for value in p.tolist())

    def of(part):
        return DivergenceSums.of(kl[part], same[part], p[part] if classes else None, samples[part])

    for whole in every_way(of, N):
        assert (whole.total.units, whole.total.n_positive_inf, whole.total.n_nan) == (units_of(finite), 7, 1)
        assert whole.spread == Spread(N, sum(int(Fraction(value) ** 2 * 2**2148) for value in finite))
        assert whole.infinite == Rows(7, (1007, 1060, 1061, 1062, 1100), INF)
        assert whole.n_same_top == sum(same.tolist())
        assert whole.quantiles.quantiles([0.0, 0.5]) == np.nanquantile(kl, [0.0, 0.5]).tolist()
        assert (whole.p_difference, whole.p_squares) == (None, None) or classes
        if classes:
            assert (whole.p_difference.units, whole.p_squares) == (units_of(p.tolist()), squares)


def test_the_largest_divergence():
    same, samples = np.ones(3, bool), np.arange(3)
    for kl, worst in (([0.5, 2.0, NAN], 2.0), ([NAN] * 3, 0.0), ([0.0] * 3, 0.0)):
        assert DivergenceSums.of(np.array(kl), same, None, samples).infinite == Rows(0, (), worst)


# --- classes ----------------------------------------------------------------------------------------------------------


def test_classes_wherever_samples_are_cut():
    """The squares are those of the differences as float64 has them, without another rounding."""
    classes = RNG.integers(0, 4, N)  # of 5
    a, b = RNG.exponential(1, (2, N)) * 10.0 ** RNG.integers(-6, 6, N)
    for whole in every_way(lambda part: ClassSums.of(classes[part], a[part], b[part], 5), N):
        for k in range(5):
            old, new = a[classes == k].tolist(), b[classes == k].tolist()
            differences = [y - x for x, y in zip(old, new, strict=True)]
            assert whole.n[k] == len(old)
            assert whole.baseline[k].units == units_of(old)
            assert whole.differences[k].units == units_of(differences)
            assert whole.squares[k].units == sum(Fraction(d) ** 2 for d in differences) * 2**1074


@pytest.mark.parametrize(
    ("difference", "square"),
    [(1e200, INF), (1e153, 1e306), (1e-200, 0.0), (INF, INF), (-INF, INF), (NAN, NAN)],
    ids=str,
)
def test_squares_at_the_ends(difference, square):
    with np.errstate(all="ignore"):
        sums = ClassSums.of(np.zeros(1, np.int64), np.zeros(1), np.array([difference]), 1)
    np.testing.assert_equal([float(sums.differences[0]), float(sums.squares[0])], [difference, square])


# --- together ---------------------------------------------------------------------------------------------------------


def pair_of(start, n):
    numbers = np.arange(start, start + n)
    values = numbers * 0.5
    divergence = DivergenceSums.of(np.full(n, INF), np.ones(n, bool), None, numbers)
    total, spread = exact_sum(values), Spread.of(values, None)
    units = Units(total, exact_count(n), spread, Bins.of(numbers, values, None, 0))
    heaviest = Extremes.of(2, -values, numbers)
    return PairSums(total, spread, Counts(n), units, Extremes.of(3, values, numbers), heaviest, divergence)


def sums_of(start, n):
    tally = Tally(n, n, findings={"odd": Rows(1, (start,))})
    return Sums((tally, tally), (pair_of(start, n),))


def test_sums_of_models_and_pairs():
    whole = sums_of(0, 4) + sums_of(4, 6)
    assert [each.n_samples for each in whole.models] == [10, 10]
    assert whole.models[0].findings["odd"].first == (0, 4)
    pair, expected = whole.pairs[0], pair_of(0, 10)
    assert (pair.difference, pair.counts, pair.units) == (expected.difference, Counts(10), expected.units)
    assert [item.number for item in pair.largest.largest] == [9, 8, 7]
    assert pair.divergence.infinite == expected.divergence.infinite
    some = sums_of(2, 2)
    assert Sums() + some is some is some + Sums()


def test_shifted():
    shifted = sums_of(0, 4).shifted(100)
    assert [each.findings["odd"].first for each in shifted.models] == [(100,), (100,)]
    pair = shifted.pairs[0]
    assert [item.number for item in pair.largest.smallest] == [100, 101, 102]
    assert pair.divergence.infinite.first == (100, 101, 102, 103)
    without = PairSums(largest=Extremes.of(1, np.ones(1), np.zeros(1, np.int64))).shifted(7)
    assert (without.divergence, without.largest.smallest[0].number) == (None, 7)
