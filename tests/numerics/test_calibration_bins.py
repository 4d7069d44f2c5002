"""Bins of equal width, their sums and the errors they give, against fractions and loops."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.numerics.calibration.bin_errors import Errors, class_errors, class_sums, errors_of, mean_over
from nllcli.numerics.calibration.bins import Bin, BinSums, Rule, bins_of, edges, most_bytes, place
from nllcli.numerics.calibration.claims import Claims

RNG = np.random.default_rng(16)
N = 300
USUAL = Rule()


def claims_of(p, outcomes, weights=None):
    p = np.array(p, np.float64)
    weights = None if weights is None else np.array(weights, np.float64)
    return Claims(p, 1.0 - p, np.zeros(len(p)), np.array(outcomes, np.float64), weights)


def taken(claims, part):
    weights = None if claims.weights is None else claims.weights[part]
    return Claims(claims.p[part], claims.q[part], claims.surprisals[part], claims.outcomes[part], weights)


def binned(claims, rule=USUAL):
    return bins_of(BinSums.of(claims, place(rule, claims.p), rule.n_places), rule)


def some(weights=None):
    p = RNG.choice([0.0, 0.2, 1 / 3, 0.5, 0.6, 0.999, 1.0], N) * RNG.choice([1.0, 0.9, 1e-9], N)
    given = {None: None, "some": RNG.exponential(1, N) * (RNG.random(N) < 0.8)}[weights]
    return claims_of(p, RNG.random(N) < 0.4, given)


# --- edges ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("n_bins", [1, 2, 3, 7, 10, 15, 49, 1000])
def test_fractions_are_rounded_once(n_bins, dtype):
    found = edges(Rule(n_bins, dtype=dtype)).tolist()
    assert len(found) == n_bins + 1
    for k, edge in enumerate(found):
        value = np.dtype(dtype).type(edge)
        assert float(value) == edge
        off = abs(Fraction(edge) - Fraction(k, n_bins))
        for neighbour in (np.nextafter(value, value.dtype.type(-1)), np.nextafter(value, value.dtype.type(2))):
            assert off <= abs(Fraction(float(neighbour)) - Fraction(k, n_bins))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spacing", ["linspace", "steps", "quotients"])
def test_other_edges_are_nearly_fractions(spacing, dtype):
    for n_bins in (1, 2, 3, 10, 15, 16, 49, 1000):
        found = edges(Rule(n_bins, spacing=spacing, dtype=dtype))
        np.testing.assert_allclose(found, np.arange(n_bins + 1) / n_bins, rtol=4 * np.finfo(dtype).eps)
        assert (np.diff(found) > 0).all()
        assert found[0] == 0.0


def test_steps_from_both_ends():
    step = Fraction(float(np.float32(1) / np.float32(15)))
    exact = [k * step if k < 8 else 1 - (15 - k) * step for k in range(16)]
    assert edges(Rule(spacing="steps", dtype="float32")).tolist() == [float(np.float32(float(edge))) for edge in exact]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_bins", [1, 3, 10, 15, 49, 100])
def test_quotients_are_the_whole_parts(n_bins, dtype):
    rule = Rule(n_bins, "left-extra", "quotients", np.dtype(dtype).name)
    near = (np.arange(n_bins + 1) / n_bins).astype(dtype)
    p = np.concatenate([near, np.nextafter(near, dtype(0)), np.nextafter(near, dtype(1)), RNG.random(50).astype(dtype)])
    p = p[p <= 1]
    whole = [int(each / dtype(1.0 / n_bins)) for each in p]
    assert place(rule, p.astype(np.float64)).tolist() == whole


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "p", "expected"),
    [
        ("right", [0.0, 5e-324, 0.2, np.nextafter(0.2, 1), 0.6, 0.8, 1.0], [0, 0, 0, 1, 2, 3, 4]),
        ("left", [0.0, np.nextafter(0.2, 0), 0.2, 0.6, 0.8, np.nextafter(1, 0), 1.0], [0, 0, 1, 3, 4, 4, 4]),
        ("left-extra", [0.0, np.nextafter(0.2, 0), 0.2, 0.6, 0.8, np.nextafter(1, 0), 1.0], [0, 0, 1, 3, 4, 4, 5]),
    ],
)
def test_values_on_edges(side, p, expected):
    assert place(Rule(5, side), np.array(p)).tolist() == expected
    assert Rule(5, side).n_places == max(expected) + 1


@pytest.mark.parametrize("side", ["right", "left", "left-extra"])
def test_one_bin_takes_all(side):
    assert place(Rule(1, side), np.array([0.0, 0.5, 1.0])).tolist() == [0, 0, int(side == "left-extra")]


def test_an_edge_is_that_of_the_files_dtype():
    p = np.array([0.6, 0.2, 2 / 3, 0.7], np.float32).astype(np.float64)
    assert place(Rule(dtype="float32"), p).tolist() == [8, 2, 9, 10]
    assert place(Rule(dtype="float64"), p).tolist() == [9, 3, 10, 10]


@given(st.floats(0.0, 1.0), st.integers(1, 1000), st.sampled_from(["right", "left", "left-extra"]))
def test_a_value_is_between_the_edges_of_its_bin(p, n_bins, side):
    rule = Rule(n_bins, side)
    bounds = [*edges(rule).tolist(), 1.0]
    i = int(place(rule, np.array([p]))[0])
    low, high = bounds[i : i + 2]
    if side == "right":
        assert low < p <= high or p == 0.0 == low
    else:
        assert low <= p < high or p == 1.0 == high


# --- sums -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, "some"])
@pytest.mark.parametrize("side", ["right", "left-extra"])
def test_bins_wherever_samples_are_cut(side, weights):
    claims, rule = some(weights), Rule(7, side)
    places = place(rule, claims.p)
    w = np.ones(N) if weights is None else claims.weights
    rows = list(zip(places.tolist(), w.tolist(), claims.p.tolist(), claims.q.tolist(), claims.outcomes, strict=True))
    ways = every_way(lambda part: BinSums.of(taken(claims, part), places[part], rule.n_places), N)
    found = {bins_of(BinSums() + sums, rule) for sums in ways}
    assert len(found) == 1
    for i, each in enumerate(found.pop()):
        own = [row[1:] for row in rows if row[0] == i]
        total = sum(Fraction(w) for w, *_ in own)
        p = sum(Fraction(w * p) for w, p, _, _ in own)
        right = sum(Fraction(w * a) for w, _, _, a in own)
        assert (each.count, each.weight) == (len(own), float(total))
        if total:
            assert (each.confidence, each.accuracy) == (float(p / total), float(right / total))
            assert each.gap == float((right - p) / total)
            assert each.variance == float(sum(Fraction(w * w * (p * q)) for w, p, q, _ in own))
            assert each.chance == pytest.approx(1.96 * math.sqrt(each.variance) / float(total), rel=1e-4)
        else:
            assert (each.confidence, each.accuracy, each.gap, each.variance, each.chance) == (None, None, None, 0, None)


def test_a_bin_of_ones_has_no_width():
    last = binned(claims_of([1.0, 0.95], [1, 0]), Rule(2, "left-extra"))[-1]
    assert (last.low, last.high, last.count, last.gap) == (1.0, 1.0, 1, 0.0)


def test_a_small_gap_keeps_its_digits():
    p = [1.0 - 2.0**-53, 1.0 - 2.0**-52]
    assert binned(claims_of(p, [1, 1]))[-1].gap == 1.5 * 2.0**-53


def test_no_claims():
    assert bins_of(BinSums(), Rule()) == ()
    empty = binned(claims_of([], []))
    assert [each.count for each in empty] == [0] * 15
    for bins in ((), empty, binned(claims_of([0.4], [1], [0.0]))):
        assert errors_of(bins, weighted=False) == Errors()
    assert class_errors(BinSums(), Rule()) == ()
    assert mean_over(()) is None


def test_memory_is_bounded():
    """The integers of sums up to 2**62, each with its place in an array."""
    claims = claims_of(RNG.uniform(0.5, 1, 5000), np.ones(5000), RNG.uniform(0.5, 1, 5000))
    sums = BinSums.of(claims, np.zeros(5000, np.int64), 1)
    integers = [each.units[0] << 50 for each in (sums.p, sums.outcomes, sums.variances, sums.weights)]
    assert most_bytes(1, weighted=True) >= 8 + sum(each.__sizeof__() + 8 for each in integers)
    assert most_bytes(15, weighted=False) < 15 * 600


# --- errors -----------------------------------------------------------------------------------------------------------


def by_loops(claims, rule):
    """The errors from the samples of each bin."""
    places = place(rule, claims.p).tolist()
    w = [1.0] * len(claims) if claims.weights is None else claims.weights.tolist()
    rows = list(zip(places, w, claims.p.tolist(), claims.q.tolist(), claims.outcomes.tolist(), strict=True))
    total, n = math.fsum(w), len(claims)
    gaps, squares, debiased, chance = [], [], [], []
    for i in range(rule.n_places):
        own = [row[1:] for row in rows if row[0] == i]
        weight = math.fsum(w for w, *_ in own)
        if not weight:
            continue
        accuracy = math.fsum(w * a for w, _, _, a in own) / weight
        gap = abs(accuracy - math.fsum(w * p for w, p, _, _ in own) / weight)
        gaps.append((gap, weight / total))
        squares.append(gap**2 * weight / total)
        if len(own) > 1:
            debiased.append(len(own) / n * (gap**2 - accuracy * (1 - accuracy) / (len(own) - 1)))
        chance.append(math.sqrt(2 / math.pi * math.fsum(w * w * p * q for w, p, q, _ in own)) / total)
    return Errors(
        math.fsum(gap * share for gap, share in gaps),
        max(gap for gap, _ in gaps),
        math.sqrt(math.fsum(squares)),
        math.fsum(gap for gap, _ in gaps) / len(gaps),
        math.sqrt(max(0.0, math.fsum(debiased))) if claims.weights is None else None,
        math.fsum(chance),
    )


def assert_near(found, expected):
    for name in ("ece", "mce", "rmsce", "ace", "ece_debiased", "ece_chance"):
        value = getattr(expected, name)
        assert getattr(found, name) == (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-15)), name


@pytest.mark.parametrize("weights", [None, "some"])
@pytest.mark.parametrize("n_bins", [1, 4, 15, 1000])
def test_errors_against_loops(n_bins, weights):
    claims, rule = some(weights), Rule(n_bins)
    assert_near(errors_of(binned(claims, rule), weighted=weights is not None), by_loops(claims, rule))


@pytest.mark.parametrize(
    ("p", "outcomes", "ece", "debiased"),
    [
        ([0.75], [1], 0.25, 0.0),  # a bin of one is left out of the latter
        ([0.75, 0.75], [0, 0], 0.75, 0.75),
        ([0.5, 0.5], [0, 1], 0.0, 0.0),  # chance takes more off than there is
        ([0.75, 0.75, 0.25], [0, 0, 1], 0.75, math.sqrt(2 / 3) * 0.75),
    ],
)
def test_errors_known_by_hand(p, outcomes, ece, debiased):
    found = errors_of(binned(claims_of(p, outcomes), Rule(2)), weighted=False)
    assert (found.ece, found.ece_debiased) == pytest.approx((ece, debiased))


def test_chance_is_the_mean_error_of_right_probabilities():
    p = np.repeat([0.3, 0.7, 0.9], 400)
    trials = [errors_of(binned(claims_of(p, RNG.random(1200) < p)), weighted=False) for _ in range(200)]
    assert np.mean([each.ece for each in trials]) == pytest.approx(trials[0].ece_chance, rel=0.15)


def test_bins_that_others_have_cut():
    bins = [Bin(0.1, 0.4, 3, 3.0, 0.3, 0.5, 0.2, 0.6), Bin(0.4, 0.4, 1, 1.0, 0.4, 0.0, -0.4, 0.24)]
    found = errors_of(bins, weighted=True)
    assert (found.ece, found.mce, found.ace) == pytest.approx((0.25, 0.4, 0.3))
    assert found.ece_debiased is None


# --- classes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, "some"])
def test_classes_wherever_samples_are_cut(weights):
    p = RNG.dirichlet([0.5] * 4, N)
    p[:9, 2], p[9:12, 2] = 0.0, 0.25
    targets, w = RNG.integers(0, 3, N), None if weights is None else RNG.exponential(1, N)
    of_classes = [claims_of(p[:, k], targets == k, w) for k in range(4)]
    rule = Rule(5)
    ways = every_way(lambda part: class_sums([taken(each, part) for each in of_classes], rule), N)
    found = {class_errors(sums, rule) for sums in ways}
    assert len(found) == 1
    errors = found.pop()
    expected = [by_loops(each, rule) for each in of_classes]
    for own, each in zip(errors, expected, strict=True):
        assert_near(own, each)
    assert mean_over([each.ece for each in errors]) == pytest.approx(math.fsum(each.ece for each in expected) / 4)


def test_a_class_without_claims_counts_as_right():
    rule = Rule(5)
    errors = class_errors(class_sums([claims_of([0.9, 0.8], [1, 0]), claims_of([], [])], rule), rule)
    assert errors[1] == Errors()
    assert mean_over([each.ece for each in errors]) == errors[0].ece / 2
    assert mean_over([each.ece for each in errors[1:]]) is None
