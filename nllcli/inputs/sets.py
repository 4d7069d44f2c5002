"""Sets of files whose names say how many there are: part-00003-of-00016."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF = re.compile(r"(\d{1,9})-of-(\d{1,9})")
MOST_MEMBERS = 1_000_000


class Incomplete(NamedTuple):
    """A set, by the pattern of its names, of so many files, and the numbers of those that are missing."""

    name: str
    of: int
    missing: tuple[int, ...]


def size_of(path: str) -> int | None:
    """How many there are of the set to which a file belongs by its name; None for one that says nothing of it."""
    found = _OF.search(PurePath(path).name)
    return None if found is None else int(found[2])


def set_names(paths: Iterable[str]) -> set[str]:
    """The patterns of the names of sets to which files belong."""
    names = (PurePath(path).name for path in paths)
    return {f"{name[: found.start(1)]}*{name[found.end(1) :]}" for name in names if (found := _OF.search(name))}


def incomplete(paths: Iterable[str]) -> list[Incomplete]:
    """The sets to which some of these files belong and others are missing, counted from 0 or 1.

    The files of one set may be in any folders; where a number is there several times, so is every other one.
    """
    sets: dict[tuple[str, int], Counter[int]] = {}
    for path in paths:
        name = PurePath(path).name
        found = _OF.search(name)
        if found is not None and int(found[2]) <= MOST_MEMBERS:
            pattern = f"{name[: found.start(1)]}*{name[found.end(1) :]}"
            sets.setdefault((pattern, int(found[2])), Counter())[int(found[1])] += 1
    found_missing = []
    for (name, n), there in sets.items():
        expected = range(n) if 0 in there or n not in there else range(1, n + 1)
        most = max(there.values())
        missing = tuple(i for i in expected if there[i] < most)
        if missing:
            found_missing.append(Incomplete(name, n, missing))
    return found_missing
