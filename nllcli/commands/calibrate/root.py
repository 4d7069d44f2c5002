"""The root of a derivative that is known by its Taylor series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A series is trusted up to this relative change: its radius is that of the nearest complex root of a sum of powers.
_TRUSTED = 0.5
# Beyond it, Newton's step in the logarithm is taken, by a factor of at most this.
_MOST_FACTOR = 16.0
_CONVERGED = 1e-15
_MOST_STEPS = 600
_LEAST = 1e-302


def step(series: Sequence[float]) -> float:
    """By how much, relative to it, the root lies above the place where a rising function has these derivatives.

    ``series`` are the function and its derivatives, that of order m times the m-th power of the place.
    """
    newton = -series[0] / series[1] if series[1] > 0.0 else math.copysign(math.inf, -series[0])
    if abs(newton) > _TRUSTED:
        return min(max(math.exp(min(newton, 10.0)), 1.0 / _MOST_FACTOR), _MOST_FACTOR) - 1.0
    found = _root_of([value / math.factorial(m) for m, value in enumerate(series)], newton)
    return newton if found is None else found


def _root_of(terms: Sequence[float], near: float) -> float | None:
    """The root of a polynomial near a number, None where Newton's steps leave what is trusted."""
    r = near
    for _ in range(50):
        value = slope = 0.0
        for term in reversed(terms):
            slope = slope * r + value
            value = value * r + term
        if slope <= 0.0:
            return None
        change = value / slope
        r -= change
        if abs(r) > 2 * _TRUSTED:
            return None
        if abs(change) <= 1e-17 * max(1.0, abs(r)) or abs(change) < 1e-3 * math.ulp(1.0):
            return r
    return r


def solve(series_at: Callable[[float], Sequence[float]], start: float, *, within: float = _CONVERGED) -> float:
    """The temperature at which the loss has its least value, from ``start``; its derivative changes sign there.

    ``series_at`` gives the derivatives by 1/T at a temperature, as ``step`` takes them. It is asked no more once a step
    is at most ``within`` of the temperature. Raises DataError for one that is too large or too small.
    """
    low, high, beta, last = 0.0, math.inf, 1.0 / start, math.inf
    for _ in range(_MOST_STEPS):
        series = series_at(1.0 / beta)
        if series[0] == 0.0:
            break
        low, high = (beta, high) if series[0] < 0.0 else (low, beta)
        change = step(series)
        following = beta * (1.0 + change)
        if not _LEAST < following < 1.0 / _LEAST:
            raise DataError(f"the logits are too large or too small: their temperature is beyond {1.0 / following:.0e}")
        if abs(change) <= within or abs(change) >= last <= 1e-12:
            return 1.0 / (following if abs(change) <= last else beta)
        last = abs(change)
        beta = following if low < following < high else _between(low, high, beta)
    return 1.0 / beta


def _between(low: float, high: float, beta: float) -> float:
    """A place between the bounds, far from both."""
    if low == 0.0:
        return beta / _MOST_FACTOR
    return beta * _MOST_FACTOR if math.isinf(high) else math.sqrt(low) * math.sqrt(high)
