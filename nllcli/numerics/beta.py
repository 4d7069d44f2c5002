"""The incomplete beta function's continued fraction and the error of Stirling's formula, for tails of distributions."""

from __future__ import annotations

import math


def tail_fraction(a: float, b: float, x: float, y: float) -> float:
    """The fraction F of the regularised incomplete beta function, ``I_x(a, b) = x**a y**b / B(a, b) * F``.

    It is the even part of the continued fraction DLMF 8.17.22, which takes half as many steps, as Didonato and Morris
    write it (1992, ACM TOMS 18, Algorithm 708): ``a y - b x`` is one number there, so that nothing cancels where a
    and b are large. Its value is found forwards, by the method of Lentz (1976, Applied Optics 15).

    Parameters
    ----------
    a, b : float
        Above 0.
    x, y : float
        x is at most the mean ``a / (a + b)``, and y = 1 - x; each has all its digits.

    Returns
    -------
    float
        F, right to about 1e-14. It takes at most 200 steps a standard deviation below the mean, for a and b of any
        size; at the mean they grow with the roots of a and b where both are large.
    """
    excess = a * y - b * x + 1.0
    value = numerator = a / (a + 1.0) * excess
    denominator = 0.0
    n, factor = 0, math.inf
    while abs(factor - 1.0) > 4e-16:
        n += 1
        low, high = a + 2.0 * n - 1.0, a + 2.0 * n + 1.0
        backward, forward = (b - n) * x / low, (a + b + n - 1.0) * x / low
        alpha = n * (a + n - 1.0) * backward * forward
        beta = n + n * backward + (a + n) / high * (excess + n * (1.0 + y))
        denominator = 1.0 / (beta + alpha * denominator)
        numerator = beta + alpha / numerator
        factor = numerator * denominator
        value *= factor
    return 1.0 / value


def stirling_error(z: float) -> float:
    """``log Gamma(z) - ((z - 1/2) log z - z + log(2 pi) / 2)`` for z > 0: DLMF 5.11.1, from z = 16 on downwards."""
    if z < 16.0:
        return stirling_error(z + 1.0) + ((z + 0.5) * math.log1p(1.0 / z) - 1.0)
    square = z * z
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / z
