"""The interval of a share that is known by a count."""

from __future__ import annotations

import math

# A normal variable is farther than this many standard deviations from its mean once in 20 times.
QUANTILE_95 = 1.959963984540054


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of which ``count`` of ``n`` samples, at least one, are known.

    ``(p + z**2 / 2 n -+ z sqrt(p (1 - p) / n + z**2 / 4 n**2)) / (1 + z**2 / n)`` with p = count / n: Wilson, J. Am.
    Stat. Assoc. 22 (1927). It holds for few samples too (Brown, Cai and DasGupta, Stat. Sci. 16, 2001).

    Examples
    --------
    >>> wilson(0, 10)[0]
    0.0
    """
    zz = QUANTILE_95**2
    middle = count + zz / 2
    reach = QUANTILE_95 * math.sqrt(count * (n - count) / n + zz / 4)
    low, high = (middle - reach) / (n + zz), (middle + reach) / (n + zz)
    return (0.0 if count == 0 else low), (1.0 if count == n else high)
