"""Student's t and the normal distribution: tails and quantiles that keep their digits however small they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.numerics.beta import stirling_error, tail_fraction

if TYPE_CHECKING:
    from collections.abc import Callable


def two_sided_p(t: float, df: float) -> float:
    """P(|T| >= |t|) of Student's t distribution: ``I_x(df / 2, 1 / 2)`` at ``x = df / (df + t**2)``.

    Parameters
    ----------
    t : float
        Any number; infinity gives 0, NaN gives NaN.
    df : float
        Degrees of freedom, 1 or more, not infinite.

    Returns
    -------
    float
        Right to 3e-13 of itself from 1e-300 up, to 3e-14 from 1e-30 up.

    Examples
    --------
    >>> round(two_sided_p(-2.0, 9), 12)
    0.076552823771
    """
    return _student(abs(t), df).outside


def upper_tail(t: float, df: float) -> float:
    """P(T >= t) of Student's t distribution, with the digits of ``two_sided_p`` however small it is.

    P(T <= t) is ``upper_tail(-t, df)``.
    """
    shares = _student(abs(t), df)
    return 0.5 * shares.outside if t > 0.0 else 0.5 + 0.5 * shares.inside


def quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = p of Student's t distribution, right to 2e-14 of itself.

    Parameters
    ----------
    p : float
        At least 1e-300, below 1. ``quantile(1 - p)`` is ``-quantile(p)`` where floats hold 1 - p.
    df : float
        Degrees of freedom, 1 or more, not infinite.

    Examples
    --------
    >>> round(quantile(0.975, 9), 12)
    2.262157162798
    """

    def bound(outside: float) -> float:
        # P(|T| >= t) is at most (1 + t**2 / df)**(-df / 2).
        log = math.log(outside) / df
        return math.sqrt(-df * math.expm1(2.0 * log)) * math.exp(-log)

    return _quantile(p, lambda t: _student(t, df), bound)


def normal_quantile(p: float) -> float:
    """The z with P(Z <= z) = p of the standard normal distribution, for p as in ``quantile``; right to 1e-15."""
    return _quantile(p, _normal, lambda outside: math.sqrt(-2.0 * math.log(outside)))


class _Shares(NamedTuple):
    """P(|T| >= t), P(|T| < t), and t times the density at t: half of what each changes by with log t."""

    outside: float
    inside: float
    change: float


def _student(t: float, df: float) -> _Shares:
    """The shares of Student's t, the smaller of the first two from its own continued fraction."""
    a, ratio = 0.5 * df, min(t * t / df, 1e300)
    x, y = 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)
    # x**a: by logarithms near 1, and far from it without the square of t, which may overflow.
    power = math.exp(-a * math.log1p(ratio)) if ratio < 1e4 else (1.0 / math.hypot(1.0, t / math.sqrt(df))) ** df
    # Gamma(a + 1/2) / (Gamma(a) sqrt(a)), without the difference of two large logarithms.
    gammas = math.exp(a * math.log1p(0.5 / a) - 0.5 + stirling_error(a + 0.5) - stirling_error(a))
    change = gammas * math.sqrt(a * y / math.pi) * power
    if t > 1.0:
        outside = change * tail_fraction(a, 0.5, x, y)
        return _Shares(outside, 1.0 - outside, change)
    inside = change * tail_fraction(0.5, a, y, x)
    return _Shares(1.0 - inside, inside, change)


def _normal(z: float) -> _Shares:
    root = z * math.sqrt(0.5)
    return _Shares(math.erfc(root), math.erf(root), root * math.exp(-root * root) / math.sqrt(math.pi))


def _quantile(p: float, shares: Callable[[float], _Shares], bound: Callable[[float], float]) -> float:
    """The quantile of a distribution that is symmetric about 0, by Newton's method on log P as a function of log t.

    That function is concave for both shares, so that Newton's method comes down to the root from ``bound`` of the share
    outside, which is above it. The share that is solved for is the smaller one, which p gives without rounding.
    """
    outside = 2.0 * min(p, 1.0 - p)
    inside = 1.0 - outside
    if not inside:
        return 0.0
    t, step = bound(outside), math.inf
    while abs(step) > 1e-9:  # the error of the next t is about the square of the step
        now = shares(t)
        if outside < inside:
            step = math.log(now.outside / outside) * now.outside / (2.0 * now.change)
        else:
            step = math.log(inside / now.inside) * now.inside / (2.0 * now.change)
        t *= math.exp(step)
    return math.copysign(t, p - 0.5)
