"""The exact binomial test of two counts: the sign test, and McNemar's test of two models' right answers."""

from __future__ import annotations

import math

from nllcli.numerics.beta import stirling_error, tail_fraction


def sign_test_p(n_a: int, n_b: int) -> float:
    """The two-sided p of two counts that are equally likely to grow: ``min(1, 2 P(X <= min(n_a, n_b)))``.

    X is binomial, of ``n_a + n_b`` trials with probability 1/2 (McNemar 1947, Psychometrika 12, in its exact form).

    Parameters
    ----------
    n_a, n_b : int
        Counts, 0 or more, up to 1e15; the time that they take grows with neither.

    Returns
    -------
    float
        p, 1 where both counts are 0. Rounded once for fewer than 100 trials; otherwise right to 1e-12 of itself from
        1e-300 up.

    Examples
    --------
    >>> sign_test_p(6, 0)
    0.03125
    """
    n, fewer = n_a + n_b, min(n_a, n_b)
    n_between = n - 2 * fewer - 1
    if n < 100:
        return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)
    if n_between**2 < n:
        return min(1.0, 1.0 - _central(n_between, n))
    return 2.0 * _lower_tail(fewer, n)


def _lower_tail(k: int, n: int) -> float:
    """P(X <= k) = ``I_1/2(a, b)`` with a = n - k, b = k + 1, where k is a standard deviation or more below n / 2.

    ``x**a y**b / B(a, b)`` is taken apart as by Loader (2000, Fast and accurate computation of binomial
    probabilities): logarithms of large factorials differ too little for their digits. What remains is
    ``a log(2 a / (a + b)) + b log(2 b / (a + b))``, in two terms that keep their digits where a is near b.
    """
    a, b = n - k, k + 1
    deviance = 0.5 * (a - b) * math.log1p((a - b) / b) - 0.5 * (a + b) * math.log1p((a - b) ** 2 / (4 * a * b))
    errors = stirling_error(a + b) - stirling_error(a) - stirling_error(b)
    scale = math.sqrt(a * b / (2.0 * math.pi * (a + b)))
    return scale * math.exp(errors - deviance) * tail_fraction(a, b, 0.5, 0.5)


def _central(n_between: int, n: int) -> float:
    """P(k < X < n - k), of the ``n_between`` = n - 2 k - 1 numbers there, fewer than a standard deviation of 2 X.

    It is the mean of ``cos(s)**n sin(n_between s) / sin(s)`` over a period of s, by Fourier's inversion of the
    characteristic function of 2 X - n. A mean over N points takes numbers 2 N apart for one, and those that it
    takes for numbers between are nine standard deviations out; as far out, the terms that are left out vanish.
    """
    n_points = 2 * math.ceil(2.5 * math.sqrt(n)) + 1
    total = float(n_between)
    for j in range(1, 16):
        sine = math.sin(math.pi * j / n_points)
        power = math.exp(0.5 * n * math.log1p(-sine * sine))
        total += 2.0 * power * math.sin(math.pi * j / n_points * n_between) / sine
    return total / n_points
