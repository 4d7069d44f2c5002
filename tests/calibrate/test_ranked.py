"""Bins of equal mass, the sweep and isotonic regression, against loops over fractions."""

import math
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_pieces import every_way

from nllcli.commands.calibrate.isotonic import pooled
from nllcli.commands.calibrate.points import MOST_SWEPT
from nllcli.commands.calibrate.ranked import Ranked
from nllcli.numerics.calibration.claims import Claims

pytestmark = pytest.mark.uncounted

INF = math.inf
RNG = np.random.default_rng(16)
# Some claims tie, some are all but certain, and some are certain.
SURPRISALS = st.sampled_from([0.0, 1e-20, 1e-9, 0.1, 0.5, math.log(2), 1.0, 3.0, 50.0, 800.0])
SHARES = st.sampled_from([0.0, 1.0, 0.0, 1.0, 0.25, 0.9])
SAMPLES = st.lists(st.tuples(SURPRISALS, SHARES, st.sampled_from([0.5, 1.0, 3.25, 0.0])), min_size=1, max_size=12)


def claims_of(surprisals, outcomes, weights=None):
    u = np.array(surprisals, np.float64)
    weights = None if weights is None else np.array(weights, np.float64)
    return Claims(np.exp(-u), -np.expm1(-u), u, np.array(outcomes, np.float64), weights)


def part_of(claims, part):
    weights = None if claims.weights is None else claims.weights[part]
    return Claims(claims.p[part], claims.q[part], claims.surprisals[part], claims.outcomes[part], weights)


def many(n, seed=0, exponent=1.3, distinct=None):
    """Samples that claim too much; of so many ``distinct`` claims where that is given."""
    rng = np.random.default_rng(seed)
    u = rng.exponential(size=n) ** 3
    u = u if distinct is None else rng.choice(u[:distinct], n)
    return claims_of(u, rng.random(n) < np.exp(-exponent * u))


def by_loops(samples, n_bins):
    """The samples of each part: as numpy.array_split cuts them, but what ties goes with the part before."""
    ordered = sorted(samples, key=lambda sample: -sample[0])
    parts, begin = [], 0
    for cut in np.cumsum([len(each) for each in np.array_split(np.arange(len(ordered)), n_bins)]).tolist():
        end = cut
        while 0 < end < len(ordered) and ordered[end][0] == ordered[end - 1][0]:
            end += 1
        if end > begin:
            parts.append(ordered[begin:end])
            begin = end
    return parts


def mean(values):
    return sum(map(Fraction, values)) / len(values)


def sweep_by_loops(samples):
    """Of shares that are the decimals they are written as: what rounds in them as float64 makes no accuracy fall."""
    best = 1
    for n_bins in range(2, len(samples) + 1):
        accuracies = [mean([Fraction(str(a)) for _, a in part]) for part in by_loops(samples, n_bins)]
        if accuracies != sorted(accuracies):
            break
        best = n_bins
    parts = by_loops(samples, best)
    gaps = [abs(sum(Fraction(a) - Fraction(math.exp(-u)) for u, a in part)) for part in parts]
    return float(sum(gaps) / len(samples)), len(parts)


def isotonic_by_min_max(points):
    """At each point the largest, over where to begin, of the least mean up to an end: Barlow et al. (1972)."""
    n = len(points)

    def level(begin, end):
        return sum(w * a for w, a in points[begin:end]) / sum(w for w, _ in points[begin:end])

    return [max(min(level(begin, end) for end in range(i + 1, n + 1)) for begin in range(i + 1)) for i in range(n)]


def log_score(u, a, digits=40):
    with mpmath.workdps(digits):
        q = -mpmath.expm1(-mpmath.mpf(u))
        missed = INF if q == 0 else -mpmath.log(q)
        return (a * mpmath.mpf(u) if a > 0 else 0) + ((1 - a) * missed if a < 1 else 0)


def entropy(a, m):
    """The logarithmic score of outcomes with this mean, where m is claimed."""
    return -sum(x * mpmath.log(y) for x, y in ((a, m), (1 - a, 1 - m)) if x > 0)


def corp_by_fractions(samples):
    """(score, mcb, dsc, unc) of the squared error and of the logarithmic score, of (u, a, w)."""
    samples = sorted((-u, Fraction(a), Fraction(w)) for u, a, w in samples if w)
    tied = [[(a, w) for v, a, w in samples if v == u] for u in sorted({v for v, _, _ in samples})]
    points = [(sum(w for _, w in each), sum(a * w for a, w in each) / sum(w for _, w in each)) for each in tied]
    fitted = isotonic_by_min_max(points)
    of_samples = [(a, w, m) for each, m in zip(tied, fitted, strict=True) for a, w in each]
    total = sum(w for _, w, _ in of_samples)
    share = sum(w * a for a, w, _ in of_samples) / total
    squared = [
        sum(w * (Fraction(math.exp(u)) - a) ** 2 for u, a, w in samples),
        sum(w * (m - a) ** 2 for a, w, m in of_samples),
        sum(w * (share - a) ** 2 for a, w, _ in of_samples),
    ]
    logs = [
        mpmath.fsum(float(w) * log_score(-u, float(a)) for u, a, w in samples),
        mpmath.fsum(float(w) * entropy(float(a), float(m)) for a, w, m in of_samples),
        mpmath.fsum(float(w) * entropy(float(a), float(share)) for a, w, _ in of_samples),
    ]
    return [
        [float(each) / float(total) for each in (score, score - isotonic, marginal - isotonic, marginal)]
        for score, isotonic, marginal in (squared, logs)
    ]


def terms(corp):
    return [[each.score, each.mcb, each.dsc, each.unc] for each in (corp.brier, corp.log)]


def everything(ranked):
    return ranked.n, ranked.n_groups, ranked.equal_mass(7), ranked.sweep(), ranked.corp()


@given(SAMPLES, st.integers(1, 14))
def test_bins_of_equal_mass(samples, n_bins):
    rows = [(u, a) for u, a, _ in samples]
    found = Ranked.of(claims_of(*zip(*rows, strict=True))).equal_mass(n_bins)
    parts = by_loops(rows, n_bins)
    assert [mass.count for mass in found] == [len(part) for part in parts]
    for mass, part in zip(found, parts, strict=True):
        claims = [math.exp(-u) for u, _ in part]
        confidence, accuracy = float(mean(claims)), float(mean([a for _, a in part]))
        variance = math.fsum(math.exp(-u) * -math.expm1(-u) for u, _ in part)
        assert (mass.low, mass.high, mass.weight) == (claims[0], claims[-1], len(part))
        near = (mass.confidence, mass.accuracy, mass.gap, mass.variance)
        assert near == pytest.approx((confidence, accuracy, accuracy - confidence, variance), rel=1e-14, abs=1e-15)


@given(SAMPLES)
def test_the_sweep(samples):
    rows = [(u, a) for u, a, _ in samples]
    ece, n_bins = Ranked.of(claims_of(*zip(*rows, strict=True))).sweep()
    assert (ece, n_bins) == (pytest.approx(sweep_by_loops(rows)[0], rel=1e-13, abs=1e-15), sweep_by_loops(rows)[1])


@given(SAMPLES, st.booleans())
def test_isotonic_regression(samples, weighted):
    rows = samples if weighted else [(u, a, 1.0) for u, a, _ in samples]
    u, a, w = zip(*rows, strict=True)
    found = Ranked.of(claims_of(u, a, w if weighted else None)).corp()
    if not any(w):
        assert found is None
        return
    for own, expected in zip(terms(found), corp_by_fractions(rows), strict=True):
        assert own == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, 0.5]), st.integers(0, 6)), min_size=1, max_size=30))
def test_pooling(points):
    rows = [(Fraction(w), Fraction(a)) for w, a in points]
    weights, sums = pooled(*(np.array(each, np.float64) for each in zip(*((w, w * a) for w, a in points), strict=True)))
    means = [float(m) for m in isotonic_by_min_max(rows)]
    assert weights.sum() == sum(w for w, _ in points)
    assert (sums / weights).tolist() == pytest.approx(sorted(set(means)), rel=1e-13)


@pytest.mark.parametrize(("last", "n_kept"), [(-1e6, 0), (0.5, 969), (2.0, 1001)])
def test_pooling_where_one_value_takes_back_many_rises(last, n_kept):
    """Of 0, 0.001, ..., 0.999 the values above the mean of themselves and ``last`` join it, one by one."""
    values = np.append(np.arange(1000) / 1000, last)
    weights, sums = pooled(np.ones(1001), values)
    assert (sums / weights)[:n_kept].tolist() == values[:n_kept].tolist()
    if n_kept <= 1000:
        assert sums[n_kept:] / weights[n_kept:] == pytest.approx([values[n_kept:].mean()])
        assert values[n_kept:].mean() <= values[n_kept]
    assert len(sums) == min(n_kept + 1, 1001)


@pytest.mark.parametrize("limit", [1 << 20, 300])
@pytest.mark.parametrize("kind", ["whole", "shares", "ties"])
def test_cuts_and_order_change_nothing(kind, limit):
    claims = many(900, distinct=40 if kind == "ties" else None)
    if kind == "shares":
        claims = claims_of(claims.surprisals, RNG.random(900))
    expected = everything(Ranked.of(claims, limit))
    assert (expected[1] is None) == (limit > 900)
    for order in (np.arange(900), RNG.permutation(900)):
        shuffled = part_of(claims, order)
        ways = every_way(lambda part, shuffled=shuffled: Ranked.of(part_of(shuffled, part), limit), 900, (1, 7, 299))
        for whole in ways:
            assert everything(whole) == expected


def test_cuts_change_nothing_of_weighted_samples():
    claims = claims_of(many(500).surprisals, RNG.random(500), RNG.choice([0.0, 0.1, 7.0], 500))
    shuffled = part_of(claims, RNG.permutation(500))
    ways = [*every_way(lambda part: Ranked.of(part_of(shuffled, part)), 500)]
    assert {everything(way) for way in ways} == {everything(Ranked.of(claims))}


def test_many_pieces_after_the_limit_are_counted_in_batches():
    claims = many(150_000)
    ways = every_way(lambda part: Ranked.of(part_of(claims, part), 1000), 150_000, (70_000, 900))
    assert len({everything(way) for way in ways}) == 1


def test_counted_samples_are_near():
    claims = many(200_000)
    exact, counted = Ranked.of(claims), Ranked.of(claims, 1000)
    assert exact.n_groups is None
    assert 10_000 < counted.n_groups < 71_680
    for own, near in zip(exact.equal_mass(15), counted.equal_mass(15), strict=True):
        assert near.count == pytest.approx(own.count, rel=0.01)
        assert (near.low, near.high) == pytest.approx((own.low, own.high), rel=5e-3, abs=1e-3)
        assert (near.confidence, near.accuracy) == pytest.approx((own.confidence, own.accuracy), abs=2e-3)
        assert near.gap == pytest.approx(own.gap, abs=1e-3)
        assert near.variance / near.count == pytest.approx(own.variance / own.count, rel=0.02)
    np.testing.assert_allclose(terms(counted.corp()), terms(exact.corp()), atol=5e-5)
    assert [each.score for each in (counted.corp().brier, counted.corp().log)] == [
        each.score for each in (exact.corp().brier, exact.corp().log)
    ]


def test_counted_ties_are_exact():
    """Claims that are alike have a bucket of their own, even where float64 probabilities are all but 1."""
    u = np.repeat([INF, 2000.0, 1.0, 1e-9, 1e-12, 1e-300, 0.0], 10)
    a = np.tile([0.0] * 3 + [1.0] * 7, 7) * (u < 100)
    exact, counted = Ranked.of(claims_of(u, a)), Ranked.of(claims_of(u, a), 5)
    assert counted.n_groups == 5  # the two that claim next to nothing are together, and the two that claim all
    own, near = (each.equal_mass(7) for each in (exact, counted))
    assert [mass.count for mass in near] == [20, 10, 10, 10, 20]
    assert [mass.accuracy for mass in near] == [0.0, 0.7, 0.7, 0.7, 0.7]
    assert [mass.confidence for mass in near] == pytest.approx([0.0, math.exp(-1), 1 - 1e-9, 1.0, 1.0], abs=1e-12)
    assert near[0].low == own[0].low == 0.0
    assert near[-1].high == own[-1].high == 1.0
    np.testing.assert_allclose(terms(counted.corp()), terms(exact.corp()), rtol=1e-12)


@pytest.mark.parametrize("u", [[5e-18, 0.3, 20.0], [-math.log(0.999), -math.log(0.7), 30.0], [0.0, 1.0, INF]])
@pytest.mark.parametrize("rounding", [0.0, 2.0**-51])
def test_claims_that_differ_by_rounding_alone_are_one(u, rounding):
    """As those that 0.3 and 1 - 0.7 make are, of which one is the larger float."""
    apart = np.repeat(u, 20)
    apart[::2] += np.minimum(apart[::2], 1e9) * 2.0**-50 + rounding / 2
    a = np.tile([0.0] * 5 + [1.0] * 5, 6)
    claims = replace(claims_of(apart, a), rounding=rounding)
    found = Ranked.of(claims.only(np.arange(60) < 30)) + Ranked.of(claims.only(np.arange(60) >= 30))
    other = Ranked.of(claims_of(np.repeat(u, 20), a))
    assert [mass.count for mass in found.equal_mass(30)] == [20, 20, 20]
    np.testing.assert_allclose(terms(found.corp())[0], terms(other.corp())[0], rtol=1e-12)
    assert found.sweep() == pytest.approx(other.sweep(), rel=1e-12)
    near = Ranked.of(claims_of([u[1], u[1] * (1 + 1e-13)], [0, 1])).equal_mass(2)
    assert [mass.count for mass in near] == [1, 1]


def test_all_right():
    ranked = Ranked.of(claims_of([0.1, 0.2, 0.3, 0.3], [1, 1, 1, 1]))
    scores = [np.mean(np.expm1([-0.1, -0.2, -0.3, -0.3]) ** 2), 0.225]
    assert terms(ranked.corp()) == [[pytest.approx(each), pytest.approx(each), 0.0, 0.0] for each in scores]
    assert ranked.sweep() == (pytest.approx(1 - np.mean(np.exp([-0.1, -0.2, -0.3, -0.3]))), 3)


@pytest.mark.parametrize("share", [1.0, 0.9, 1 / 3])
def test_the_sweep_of_outcomes_that_never_fall_is_bounded(share):
    u = np.arange(1.0, 5002.0) / 5001
    assert Ranked.of(claims_of(u, np.full(5001, share))).sweep()[1] == MOST_SWEPT
    # Rounding does not tell the share of samples that tie from that of one.
    assert Ranked.of(claims_of(np.floor(u * 6.99), np.full(5001, share))).sweep()[1] == 7


def test_certain_and_wrong_is_infinitely_bad():
    log = Ranked.of(claims_of([0.0, 0.0, INF], [1, 0, 0])).corp().log
    assert (log.score, log.mcb) == (INF, INF)
    assert log.unc == pytest.approx(-math.log(1 / 3) / 3 - 2 * math.log(2 / 3) / 3)
    assert log.dsc == pytest.approx(log.unc - 2 * math.log(2) / 3)


def test_small_claims_keep_their_digits():
    """-log(1 - p) of a claim of 1e-20 is 1e-20, though 1 - p is 1."""
    assert Ranked.of(claims_of([-math.log(1e-20)], [0])).corp().log.score == pytest.approx(1e-20)
    assert Ranked.of(claims_of([1e-20], [0])).corp().log.score == pytest.approx(-math.log(1e-20))


def test_one_sample_and_none():
    one = Ranked.of(claims_of([math.log(2)], [1]))
    assert one.sweep() == (pytest.approx(0.5), 1)
    assert [mass.count for mass in one.equal_mass(15)] == [1]
    assert (one + Ranked()).corp() == (Ranked() + one).corp() == one.corp()
    assert terms(one.corp()) == [[pytest.approx(0.25)] * 2 + [0, 0], [pytest.approx(math.log(2))] * 2 + [0, 0]]
    for none in (Ranked(), Ranked.of(claims_of([], []))):
        assert everything(none) == (0, None, (), None, None)


def test_weighted_samples():
    claims = claims_of([0.1, 0.2, 0.3], [1, 0, 1], [1.0, 0.0, 2.0])
    ranked = Ranked.of(claims)
    assert (ranked.equal_mass(2), ranked.sweep()) == (None, None)
    # A weight of 0 leaves its sample out, and a weight of 2 is that of two samples.
    assert terms(ranked.corp()) == [
        pytest.approx(each) for each in terms(Ranked.of(claims_of([0.1, 0.3, 0.3], [1] * 3)).corp())
    ]
    assert everything(Ranked.of(claims, 1)) == everything(Ranked.of(claims, 1) + Ranked.of(claims_of([], [], []), 1))
    assert everything(Ranked.of(claims, 1)) == (2, None, None, None, None)
    assert Ranked.of(claims_of([0.1, 0.2], [1, 0], [1.0, -0.5])).corp() is None
    assert Ranked.of(claims_of([0.1], [1], [0.0])).corp() is None
