"""Sets of files whose names say how many there are: part-00003-of-00016."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF = r"(\d{1,9})-of-(\d{1,9})"
MOST_MEMBERS = 1_000_000


class Incomplete(NamedTuple):
    """A set that is not complete: the pattern of its names, its size, and the numbers that are missing."""

    name: str
    of: int
    missing: tuple[int, ...]


class Member(NamedTuple):
    """A file whose name says which of how many it is; ``pattern`` is the name with a star for the number."""

    pattern: str
    number: int
    of: int


def member_of(path: str) -> Member | None:
    """What the name of a file says of its set; None where it says nothing."""
    name = PurePath(path).name
    found = re.search(_OF, name) if "-of-" in name else None
    if found is None:
        return None
    return Member(f"{name[: found.start(1)]}*{name[found.end(1) :]}", int(found[1]), int(found[2]))


def incomplete(paths: Iterable[str]) -> list[Incomplete]:
    """The sets to which some of these files belong and others are missing, counted from 0 or 1.

    The files of one set may be in any folders; where a number is there several times, so is every other one.
    """
    sets: dict[tuple[str, int], Counter[int]] = {}
    for member in filter(None, map(member_of, paths)):
        if member.of <= MOST_MEMBERS:
            sets.setdefault((member.pattern, member.of), Counter())[member.number] += 1
    found_missing = []
    for (name, n), there in sets.items():
        expected = range(n) if 0 in there or n not in there else range(1, n + 1)
        most = max(there.values())
        missing = tuple(i for i in expected if there[i] < most)
        if missing:
            found_missing.append(Incomplete(name, n, missing))
    return found_missing
