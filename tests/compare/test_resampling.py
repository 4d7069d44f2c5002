"""Sign flips and the bootstrap against plain loops over exact sums, with random words of their own."""

import math
import operator
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.commands.compare import resampling
from nllcli.commands.compare.resampling import Flips, bootstrap, flips

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(11)
FLIPS, BOOTSTRAP = 1, 2
MASK = 2**64 - 1


@cache
def philox(counter, key):
    """Four words of Philox4x64-10 by its definition: ten rounds of two products each, and keys that go up."""
    a, b, c, d = ((counter >> 64 * i) & MASK for i in range(4))
    left, right = key
    for _ in range(10):
        first, second = a * 0xD2E7470EE14C6C93, c * 0xCA5A826395121157
        a, b, c, d = (second >> 64) ^ b ^ left, second & MASK, (first >> 64) ^ d ^ right, first & MASK
        left, right = (left + 0x9E3779B97F4A7C15) & MASK, (right + 0xBB67AE8584CAA73B) & MASK
    return a, b, c, d


def words_of(seed, purpose, replicate, n_words):
    """The words of one replicate alone; NumPy counts before it draws."""
    first = replicate * n_words // 4 + 1
    return [word for i in range(n_words // 4) for word in philox(first + i, (seed, purpose))]


def plain_p(differences, n, seed, scale):
    """The p of flips one by one, by fractions; and how many flips there were."""
    exact, g = list(map(Fraction, differences)), len(differences)
    least = abs(sum(exact)) - Fraction(scale) / 2**48
    if g <= 13:
        signs = product((1, -1), repeat=g)
        # In units that make whole numbers of all.
        one = math.lcm(*(each.denominator for each in (least, *exact)))
        whole = [int(each * one) for each in exact]
        hits = sum(abs(sum(map(operator.mul, each, whole))) >= least * one for each in signs)
        return Fraction(hits, 2**g)
    hits = 0
    for r in range(n):
        bits = sum(word << 64 * i for i, word in enumerate(words_of(seed, FLIPS, r, 4 * math.ceil(g / 256))))
        hits += abs(sum(d if bits >> i & 1 else -d for i, d in enumerate(exact))) >= least
    return Fraction(1 + hits, n + 1)


def plain_interval(differences, weights, n, seed, confidence):
    """The percentile interval of draws one by one, by fractions."""
    tops, g = list(map(Fraction, differences)), len(differences)
    bottoms = None if weights is None else list(map(Fraction, weights))
    found = []
    for r in range(n):
        drawn = [(word >> 11) * g >> 53 for word in words_of(seed, BOOTSTRAP, r, 4 * math.ceil(g / 4))[:g]]
        below = 1 if bottoms is None else sum(bottoms[i] for i in drawn)
        found.append(sum(tops[i] for i in drawn) / below)
    found.sort()
    ends = []
    for share in ((1 - Fraction(confidence)) / 2, (1 + Fraction(confidence)) / 2):
        place = share * (n - 1)
        low, high = found[math.floor(place)], found[math.ceil(place)]
        ends.append(float(low + (place - math.floor(place)) * (high - low)))
    return ends


def test_words_are_those_of_the_definition():
    """The first test vector that the authors of Philox give, and NumPy's words, which ours must be."""
    zero = (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B)
    assert philox(0, (0, 0)) == zero
    for seed in (0, 1, 12345, 2**53 + 1, 2**63 + 1, 2**64 - 1):
        (words,) = resampling._random_words(seed, BOOTSTRAP, 3, 10, 1)
        assert words.tolist() == [words_of(seed, BOOTSTRAP, r, 12) for r in range(3)]


def differences_of(g, shift=0.1):
    return RNG.normal(shift, 1, g) * 10.0 ** RNG.integers(-3, 1, g)


@pytest.mark.parametrize("g", [1, 2, 5, 13])
def test_all_flips(g):
    differences = differences_of(g, 0.5)
    expected = plain_p(differences.tolist(), 0, 0, 1.0)
    assert flips(differences, 99, 5, 1.0) == Flips(float(expected), 2**g, all=True)


@pytest.mark.parametrize("g", [14, 64, 255, 256, 257, 600])
@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_random_flips(g, seed):
    differences = differences_of(g)
    expected = plain_p(differences.tolist(), 60, seed, 1.0)
    assert flips(differences, 60, seed, 1.0) == Flips(float(expected), 60, all=False)


@pytest.mark.parametrize(
    ("differences", "scale", "p"),
    [
        ([0.25] * 3, 3.0, Fraction(2, 8)),
        ([0.1] * 3, 3.0, Fraction(2, 8)),
        ([-0.1] * 3, 3.0, Fraction(2, 8)),
        ([0.1], 1.0, 1),
        ([0.0] * 4, 1.0, 1),
        ([0.0] * 4, 0.0, 1),
        ([1.0, -1.0], 2.0, 1),
        ([1.0, 0.0, 0.0], 2.0, 1),
        ([0.1, 0.2, -0.3], 1.0, 1),  # whose sum is 3e-17, by rounding alone
        ([0.3, 0.2, 0.1], 1.0, Fraction(2, 8)),
        ([1.0, 2.0**-50], 1.0, 1),  # whose sums, with either sign, are nearer than 2**-48 of the losses
        ([1.0, 2.0**-45], 1.0, Fraction(2, 4)),
        ([1.0, 2.0**-45], 32.0, 1),
        ([0.0, 1e-322], 2.0, 1),  # nothing against the losses, beyond what float64 can scale
        ([5e-324, 5e-324, -5e-324], 0.0, 1),
        ([5e-324] * 3, 0.0, Fraction(2, 8)),
        ([1.7e308] * 4, 0.0, Fraction(2, 16)),  # whose sum overflows
        ([], 0.0, 1),
    ],
    ids=str,
)
def test_flips_known_by_hand(differences, scale, p):
    found = flips(np.array(differences, np.float64), 0, 1, scale)
    assert found == Flips(float(p), 2 ** len(differences), all=True)


def test_equal_statistics_are_as_extreme_in_random_flips():
    """Every flip of one unit among units without a difference has the same size."""
    assert flips(np.array([0.1] + [0.0] * 20), 50, 1, 1.0).p == 1.0
    assert flips(np.zeros(20), 50, 1, 0.0).p == 1.0


def test_ties_that_are_lost_where_differences_are_made_whole():
    """1 + 2**-48 is a whole number of no more digits than the sum of these may have; twice that is."""
    differences = [8.0, 2.0 + 2.0**-47, -1.0 - 2.0**-48, -1.0 - 2.0**-48]
    assert flips(np.array(differences), 0, 0, 0.0).p == float(plain_p(differences, 0, 0, 0.0))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_whole_numbers_add_up_without_rounding(values):
    """To 2**49 or more, and to less than 2**52."""
    numbers = np.array(values, np.float64)
    whole = resampling._whole(numbers, resampling._exponent(numbers))
    total = sum(abs(int(each)) for each in whole.tolist())
    assert total < 2**52
    assert total >= 2**49 or not any(values)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=7), st.sampled_from([0.1, 1.0, 1e-310, 1e300]))
def test_ties_of_small_numbers(counts, unit):
    """Sums of whole numbers tie often; those of as many tenths tie but for rounding."""
    differences = [count * unit for count in counts]
    expected = plain_p(counts, 0, 0, 0.0)
    assert flips(np.array(differences), 0, 0, math.fsum(map(abs, differences))).p == float(expected)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), st.integers(0, MASK))
def test_a_swap_of_the_models_keeps_p(differences, seed):
    """Negated, the differences have sums of the same sizes."""
    values = np.array(differences)
    assert flips(-values, 20, seed, 1.0) == flips(values, 20, seed, 1.0)


@pytest.mark.parametrize("seed", [0, 12345])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("g", [1, 3, 4, 5, 50])
def test_bootstrap(g, weighted, seed):
    differences, weights = differences_of(g), RNG.uniform(0.5, 2, g) if weighted else None
    for n, confidence in ((1, 0.95), (40, 0.95), (41, 0.5)):
        expected = plain_interval(differences, weights, n, seed, confidence)
        assert bootstrap(differences, weights, n, seed, confidence) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("at_once", [1, 100, 1000])
def test_replicates_depend_on_their_number_alone(monkeypatch, at_once):
    """Some at a time or all at once: the same bits."""
    differences, weights = differences_of(30), RNG.uniform(0.5, 2, 30)

    def found():
        return flips(differences, 99, 3, 1.0), bootstrap(differences, weights, 99, 3, 0.9)

    expected = found()
    monkeypatch.setattr(resampling, "_AT_ONCE", at_once)
    assert found() == expected


def test_seeds():
    """0 is a seed as any other, and neighbours of 64 bits are two."""
    differences = differences_of(40)
    for seed, other in ((0, 1), (0, 12345), (2**63, 2**63 + 1), (2**64 - 2, MASK)):
        ends = [bootstrap(differences, None, 50, each, 0.9) for each in (seed, seed, other)]
        assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize("weight", [None, 1e-7, 1.0, 1e300])
@pytest.mark.parametrize("value", [5e-324, 1e-310, 1e-160, 1.0, 1e300])
def test_equal_units_give_a_point(value, weight):
    """Of any size that float64 has, but for the rounding of 20 units to whole numbers."""
    expected = Fraction(20 * Fraction(value) if weight is None else Fraction(value) / Fraction(weight))
    found = bootstrap(np.full(20, value), None if weight is None else np.full(20, weight), 9, 1, 0.95)
    assert found == pytest.approx((float(expected), float(expected)), rel=20 * 2.0**-50, abs=5e-324)


@pytest.mark.parametrize(
    ("differences", "weights"),
    [
        ([1.0, 2.0, 3.0], [1.0, -1.0, 0.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1e300, 2e300], [1e-300, 1e-300]),  # of which no float64 is the ratio
    ],
)
def test_draws_without_a_ratio(differences, weights):
    low, high = bootstrap(np.array(differences), np.array(weights), 50, 1, 0.95)
    assert math.isnan(low)
    assert math.isnan(high)
