"""Answers by how certain they are, the most certain first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nllcli.numerics.pictured.claim_sums import ClaimSums

# Fewer answers say nothing of how often such are right.
FEWEST = 10
# Edges of groups: the error that answers called sure claim at most, the first edge below which there are enough.
SURE = (0.01, 1 / 15, 1 / 3, 1.0)


class Group(NamedTuple):
    """Answers whose probability of an error, by their own claim, is nearly the same.

    It is from ``low`` to ``high``, ``claimed`` is the sum of it over these ``n`` answers, of which ``n_wrong`` are.
    """

    low: float
    high: float
    n: int
    claimed: float
    n_wrong: int

    def with_next(self, other: Group) -> Group:
        """These and those of the group that follows."""
        sums = (self.n + other.n, self.claimed + other.claimed, self.n_wrong + other.n_wrong)
        return Group(self.low, other.high, *sums)


def groups_of(claims: ClaimSums | None) -> list[Group]:
    """The groups that hold something, the most certain first; none where there are no classes to be certain of."""
    if claims is None or not claims.n_counted:
        return []
    return [group for group in map(Group._make, claims.groups()) if group.n]


def cumulated(groups: list[Group]) -> list[Group]:
    """Each with all that are more certain."""
    found: list[Group] = []
    for group in groups:
        found.append((found[-1] if found else Group(0.0, 0.0, 0, 0.0, 0)).with_next(group))
    return found


def up_to(groups: list[Group], most: float) -> Group | None:
    """The answers that claim an error of ``most`` and less, an edge of groups; None where there are none."""
    found = [group for group in cumulated(groups) if group.high <= most * (1 + 1e-9)]
    return found[-1]._replace(high=most) if found else None


def merged(groups: list[Group]) -> list[Group]:
    """Neighbours together: of few answers, and those of claims too small for so many answers to tell them apart."""
    found: list[Group] = []
    least = 10.0 ** math.floor(math.log10(0.1 / sum(group.n for group in groups)))
    for group in groups:
        last = found[-1] if found else None
        if last is not None and (group.high <= 1.01 * least or last.n < 2 * FEWEST):
            found[-1] = last.with_next(group)
        else:
            found.append(group)
    return found
