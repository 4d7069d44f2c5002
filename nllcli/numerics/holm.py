"""p-values of several tests at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values: below alpha for any true null hypothesis with a probability of at most alpha.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none is below one that was smaller, nor above
    1 (Holm 1979, Scand. J. Statist. 6, 65-70).

    Parameters
    ----------
    p_values : sequence of float or None
        None is a test without a p; it stays None, and does not count among the m.

    Examples
    --------
    >>> holm([0.25, None, 0.125])
    [0.25, None, 0.25]
    """
    ordered = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p))
        adjusted[place] = largest
    return adjusted
