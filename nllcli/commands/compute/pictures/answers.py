"""Answers by how certain they are, the most certain first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compute.pictures.spread import collected_of

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult

# Fewer answers say nothing of how often such are right.
FEWEST = 10


class Group(NamedTuple):
    """Answers whose probability of an error, by their own claim, is nearly the same.

    It is from ``low`` to ``high``, ``claimed`` is the sum of it over these ``n`` answers, of which ``n_wrong`` are.
    """

    low: float
    high: float
    n: int
    claimed: float
    n_wrong: int


def groups_of(result: LossResult) -> list[Group]:
    """The groups that hold something, the most certain first; none where there are no classes to be certain of."""
    claims = collected_of(result).claims
    if claims is None or not claims.n_counted:
        return []
    return [group for group in map(Group._make, claims.groups()) if group.n]


def cumulated(groups: list[Group]) -> list[Group]:
    """Each with all that are more certain."""
    found: list[Group] = []
    for group in groups:
        before = found[-1] if found else Group(0.0, 0.0, 0, 0.0, 0)
        sums = (before.n + group.n, before.claimed + group.claimed, before.n_wrong + group.n_wrong)
        found.append(Group(0.0, group.high, *sums))
    return found
