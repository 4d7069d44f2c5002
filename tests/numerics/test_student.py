"""Tails and quantiles of Student's t and the normal distribution, against power series in many digits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from nllcli.numerics.beta import stirling_error
from nllcli.numerics.student import normal_quantile, quantile, two_sided_p, upper_tail

INF, NAN = math.inf, math.nan
HALF = mpf(0.5)
LIMIT = 3e-13
DEGREES = [1, 2, 3, 9, 31, 32, 100, 899, 12345.5, 1e6, 1e9, 1e12, 1e16]
SHARES = [0.999, 0.7, 0.5, 0.32, 0.05, 1e-3, 1e-10, 1e-30, 1e-100, 1e-299]


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(40):
        yield


def density(t, df):
    """Gamma((df + 1) / 2) / (sqrt(pi df) Gamma(df / 2)) (1 + t**2 / df)**(-(df + 1) / 2); infinite df: the normal."""
    if df == INF:
        return mp.npdf(t)
    df = mpf(df)
    gammas = mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2))
    return gammas / mp.sqrt(mp.pi * df) * mp.exp(-(df + 1) / 2 * mp.log1p(t * t / df))


def tail(t, df):
    """P(T >= t) for t > 0, half of an incomplete beta function; infinite df: the normal distribution."""
    if df == INF:
        return mp.erfc(mpf(t) / mp.sqrt(2)) / 2
    df, square = mpf(df), mpf(t) ** 2
    with mp.workdps(mp.dps if df < square else 350):  # 1 - I_y is as small as 1e-300
        x, y = df / (df + square), square / (df + square)
        return (incomplete_beta(df / 2, HALF, x, y) if x < y else 1 - incomplete_beta(HALF, df / 2, y, x)) / 2


def incomplete_beta(a, b, x, y):
    """I_x(a, b) for x <= 1/2 by its power series, of positive terms: DLMF 8.17.8."""
    term = total = mpf(1)
    n = 0
    while term > total * mp.eps:
        term *= (a + b + n) * x / (a + 1 + n)
        total += term
        n += 1
    log_beta = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return mp.exp(a * mp.log(x) + b * mp.log(y) - log_beta) / a * total


def of_share(share, df):
    """A t whose two-sided p is around ``share``: the root of (1 + t**2 / df)**(-df / 2) = share."""
    log = math.log(share) / df
    return math.sqrt(-df * math.expm1(2 * log)) * math.exp(-log)


def relative_error(found, expected):
    return float(abs(found - expected) / abs(expected))


@pytest.mark.uncounted
@pytest.mark.parametrize("df", DEGREES)
def test_tails(df):
    for share in SHARES:
        t = of_share(share, df)
        expected = tail(t, df)
        limit = 3e-14 if expected > 1e-30 else LIMIT
        assert relative_error(two_sided_p(t, df), 2 * expected) <= limit, share
        assert two_sided_p(-t, df) == two_sided_p(t, df)
        assert relative_error(upper_tail(t, df), expected) <= limit, share
        assert relative_error(upper_tail(-t, df), 1 - expected) <= 4e-15, share


@pytest.mark.uncounted
@pytest.mark.parametrize("df", [1, 9, 898, 1e9])
@pytest.mark.parametrize("t", [0.01, 0.999, 1.001, 1.7, 3.0])
def test_tails_are_integrals_of_the_density(t, df):
    inside = mp.quad(lambda x: density(x, df), [-t, 0, t])
    assert relative_error(two_sided_p(t, df), 1 - inside) <= 1e-14


@pytest.mark.parametrize("t", [1e-5, 0.5, 1.0, 3.0, 1e8, 1e149, 1e151, 3e299])
def test_cauchy(t):
    """One degree of freedom: the arc tangent."""
    assert relative_error(two_sided_p(t, 1), 2 * mp.atan(1 / mpf(t)) / mp.pi) <= 1e-15


def test_ends():
    for df in (1, 30, 1e12, 1e300):
        assert two_sided_p(0.0, df) == two_sided_p(1e-320, df) == 1.0
        assert upper_tail(0.0, df) == 0.5
        assert two_sided_p(INF, df) == two_sided_p(-INF, df) == upper_tail(INF, df) == 0.0
        assert upper_tail(-INF, df) == 1.0
        assert math.isnan(two_sided_p(NAN, df))
    assert two_sided_p(1e10, 1e12) == 0.0


def test_many_degrees_of_freedom_are_the_normal_distribution():
    for z in (0.3, 1.5, 6.0, 37.0):
        assert relative_error(two_sided_p(z, 1e20), mp.erfc(mpf(z) / mp.sqrt(2))) <= LIMIT


@pytest.mark.uncounted
@pytest.mark.parametrize("df", [*DEGREES, INF])
def test_quantiles(df):
    """By what the tail is at the float64 that is found, over the density."""
    for p in (1e-300, 1e-100, 1e-9, 0.025, 0.2, 0.2500001, 0.4, 0.499, 0.5 - 2.0**-40):
        t = normal_quantile(p) if df == INF else quantile(p, df)
        assert t < 0.0
        missed = (tail(-t, df) - mpf(p)) / density(mpf(t), df)
        assert abs(missed / t) <= 1e-14, p


@pytest.mark.parametrize("df", [1, 9, 1e9, INF])
def test_quantiles_beside_the_middle(df):
    """The density is that of 0 there: digits of p beside 1/2 are digits of t."""
    for step in (2.0**-53, 3 * 2.0**-50, 2.0**-30):
        t = normal_quantile(0.5 + step) if df == INF else quantile(0.5 + step, df)
        assert relative_error(t, step / density(mpf(0), df)) <= 1e-14


@pytest.mark.parametrize(
    ("p", "df", "expected"),
    [
        (0.975, 1, "12.706204736174705"),  # tan(0.475 pi)
        (0.75, 1, "1"),
        (0.975, 2, "4.3026527297494640"),  # (2 p - 1) sqrt(2 / (1 - (2 p - 1)**2))
        (0.975, 1e300, "1.9599639845400543"),
    ],
)
def test_known_quantiles(p, df, expected):
    assert relative_error(quantile(p, df), mpf(expected)) <= 2e-15


def test_known_normal_quantiles():
    for p, expected in ((0.8, "0.84162123357291442"), (0.975, "1.9599639845400542"), (0.995, "2.5758293035489004")):
        assert relative_error(normal_quantile(p), mpf(expected)) <= 1e-15
    assert normal_quantile(0.5) == quantile(0.5, 3) == 0.0


@given(st.floats(1.0, 1e15), st.integers(1, 2**52 - 1))
def test_quantiles_are_odd(df, part):
    """Where 1 - p is a float64."""
    p = part * 2.0**-53
    assert quantile(1.0 - p, df) == -quantile(p, df)
    assert normal_quantile(1.0 - p) == -normal_quantile(p)


@given(st.floats(1.0, 1e15), st.floats(1e-299, 0.5))
def test_tails_of_quantiles(df, p):
    assert upper_tail(-quantile(p, df), df) == pytest.approx(p, rel=1e-12, abs=0.0)


@given(st.floats(1.0, 1e15), st.floats(0.0, 30.0), st.floats(1e-6, 1.0))
def test_tails_fall(df, t, more):
    assert two_sided_p(t + more, df) < two_sided_p(t, df)


@pytest.mark.parametrize("z", [0.5, 1.0, 2.0, 7.3, 15.99, 16.0, 17.5, 100.0, 1e6, 1e15])
def test_stirling_error(z):
    expected = mp.loggamma(z) - ((mpf(z) - 0.5) * mp.log(z) - z + mp.log(2 * mp.pi) / 2)
    assert abs(stirling_error(z) - expected) <= 3e-15
