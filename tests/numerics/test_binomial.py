"""The binomial test of two counts, against sums of binomial coefficients and integrals in 25 digits."""

import math
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from nllcli.numerics.binomial import sign_test_p

LIMIT = 1e-12


def coefficients(n):
    return accumulate(range(n), lambda value, k: value * (n - k) // (k + 1), initial=1)


def by_counting(n):
    """p for 0, 1, ... up to n / 2 of the fewer, of all 2**n outcomes."""
    return [min(Fraction(1), Fraction(2 * ways, 2**n)) for ways in accumulate(coefficients(n))][: n // 2 + 1]


def by_integral(k, n):
    """2 I_1/2(n - k, k + 1): the beta density, from 1/2 downwards in units of its standard deviation."""
    a, b, unit = n - k, k + 1, 1 / mp.sqrt(n)
    log_scale = mp.loggamma(n + 1) - mp.loggamma(a) - mp.loggamma(b) - (n - 1) * mp.log(2)
    slope = max(1, (n - 2 * k) * unit)

    def scaled(s):
        return mp.exp((a - 1) * mp.log1p(-2 * s * unit) + (b - 1) * mp.log1p(2 * s * unit))

    steps = [mpf(step) / slope for step in (0, 0.5, 1, 2, 4, 8, 16, 32)]
    return 2 * mp.exp(log_scale) * unit * mp.quad(scaled, steps, maxdegree=5, method="gauss-legendre")


def relative_error(found, expected):
    return float(abs(found - expected) / expected)


def test_few_trials_are_rounded_once():
    for n in range(100):
        for k, expected in enumerate(by_counting(n)):
            assert sign_test_p(k, n - k) == sign_test_p(n - k, k) == float(expected)


@pytest.mark.parametrize("n", [100, 101, 144, 899, 2000])
def test_every_count(n):
    for k, expected in enumerate(by_counting(n)):
        if expected > Fraction(1, 10**300):
            assert abs(Fraction(sign_test_p(k, n - k)) / expected - 1) <= LIMIT, k


@pytest.mark.uncounted
@pytest.mark.parametrize("n", [10**4, 10**6 + 1, 10**9, 2 * 10**12, 2 * 10**12 + 1])
def test_many_trials(n):
    with mp.workdps(25):
        for deviations in (1e-3, 0.99, 1.01, 2.0, 6.0, 36.0):
            k = (n - 1 - int(deviations * math.sqrt(n))) // 2
            assert relative_error(sign_test_p(n - k, k), min(mpf(1), by_integral(k, n))) <= LIMIT, deviations


def test_known():
    """Digits, where the model of the lower mean loss is worse on 869 of 899."""
    assert sign_test_p(0, 0) == sign_test_p(1, 0) == sign_test_p(10**12, 10**12) == 1.0
    assert sign_test_p(0, 6) == 2.0**-5
    assert sign_test_p(19, 6) == 2 * sum(math.comb(25, k) for k in range(7)) / 2**25
    assert f"{sign_test_p(30, 869):.0e}" == "5e-215"
    assert sign_test_p(0, 10**12) == sign_test_p(2000, 0) == 0.0


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_laws(n_a, n_b):
    p = sign_test_p(n_a, n_b)
    assert 0.0 <= p <= 1.0
    assert p == sign_test_p(n_b, n_a)
    if n_a < n_b:
        assert p <= sign_test_p(n_a + 1, n_b)


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_one_trial_more(k, more):
    """2 P(X <= k) of n + 1 trials is the mean of what it is for k and for k - 1 of n trials (Pascal's triangle)."""
    n = 2 * k + 1 + more
    found = sign_test_p(k, n + 1 - k)
    if k and found > 1e-300:
        assert found == pytest.approx((sign_test_p(k, n - k) + sign_test_p(k - 1, n + 1 - k)) / 2, rel=LIMIT, abs=0.0)
