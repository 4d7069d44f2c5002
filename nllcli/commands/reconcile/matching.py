"""Which of the numbers that were tried are near the expected one, and which are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.reconcile.departures import Candidate
    from nllcli.commands.reconcile.expectation import Expectation

    Tried = Sequence[tuple[Candidate, float]]

# Two conventions whose numbers are this close (relative) differ only in the order of summing.
_SAME = 1e-11


def groups_of(near: Tried, expected: Expectation) -> list[tuple[float, list[Candidate]]]:
    """The simplest conventions that match, best first; those of one number together.

    A convention that only adds departures to one that matches already explains nothing more.
    """
    simplest: list[tuple[Candidate, float]] = []
    for candidate, value in sorted(near, key=lambda one: len(one[0].departures)):
        departures = set(candidate.departures)
        if not any(set(kept.departures) <= departures for kept, _ in simplest):
            simplest.append((candidate, value))
    groups: list[tuple[float, list[Candidate]]] = []
    for candidate, value in simplest:
        same = next((members for known, members in groups if _is_same(value, known)), None)
        if same is None:
            groups.append((value, [candidate]))
        else:
            same.append(candidate)
    return sorted(groups, key=lambda group: (len(group[1][0].departures), abs(group[0] - expected.value)))


def others_of(tried: Tried, listed: Sequence[float], expected: Expectation) -> Tried:
    """The candidates whose number differs, beyond rounding, from every listed one."""
    shown = {expected.shown(value) for value in listed}
    return [
        (candidate, value)
        for candidate, value in tried
        if expected.shown(value) not in shown and not any(_is_same(value, known) for known in listed)
    ]


def _is_same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b))


def distinct(values: Sequence[float]) -> list[float]:
    """The numbers in ascending order, those that are the same but for rounding once."""
    out: list[float] = []
    for value in sorted(values):
        if not out or not _is_same(value, out[-1]):
            out.append(value)
    return out
