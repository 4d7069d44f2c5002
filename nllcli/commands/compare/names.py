"""What models are called: by their files, less what all of these have in common."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli.errors import UsageError, counted, setting
from nllcli.inputs.bytes.files import name_of, split_member

if TYPE_CHECKING:
    from collections.abc import Sequence

# What differs between the files of a set, and what stands for it in a pattern.
_VARYING = re.compile(r"((?:[0-9*?]|\[[^\]]*\])+)")


_PACKED = frozenset((".gz", ".bz2", ".xz", ".zip"))
_ENDINGS = frozenset(
    (".npy", ".npz", ".safetensors", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".feather", ".arrow")
)


def names_of(paths: Sequence[str], given: Sequence[str] | None) -> tuple[str, ...]:
    """The names as ``given``, else those that tell the files apart; raises UsageError where names do not fit."""
    if given is None:
        return _told_apart(paths)
    names = tuple(given)
    if len(names) != len(paths):
        raise UsageError(f"{setting('names')} gives {counted(len(names), 'name')} for {len(paths)} models")
    twice = next((name for name, n in Counter(names).items() if n > 1), None)
    if twice is not None or "" in names:
        raise UsageError(f"{setting('names')} gives two models the name {twice!r}" if twice else "a name is empty")
    return names


def _told_apart(paths: Sequence[str]) -> tuple[str, ...]:
    """The last part of each path in which they differ, without the endings of files; whole paths where none does."""
    parts = [_parts(path) for path in paths]
    for place in range(1, max(map(len, parts)) + 1):
        names = [part[-place] if place <= len(part) else "" for part in parts]
        if len(set(names)) == len(names) and "" not in names:
            return tuple(names)
    whole = [name_of(path) for path in paths]
    return tuple(name if whole.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(whole, 1))


def _parts(path: str) -> tuple[str, ...]:
    """The folders, the name without its ending, and the member of a path."""
    file, member = split_member(path)
    if path == "-":
        return (name_of(path),)
    pure = PurePath(file)
    name = pure.name
    for endings in (_PACKED, _ENDINGS):
        ending = PurePath(name).suffix
        name = name.removesuffix(ending) if ending.lower() in endings else name
    own = (*pure.parts[:-1], name)
    return own if member is None else (*own, member)


def starred(names: Sequence[str]) -> tuple[str, list[tuple[str, ...]]] | None:
    """Names that differ in their numbers alone, as one with stars for these, and the numbers that each name has there.

    None for other names.
    """
    parts = [_VARYING.split(name) for name in names]
    if len({(len(part), *part[::2]) for part in parts}) > 1:
        return None
    several = [i for i in range(1, len(parts[0]), 2) if len({part[i] for part in parts}) > 1]
    pattern = "".join("*" if i in several else text for i, text in enumerate(parts[0]))
    return pattern, [tuple(part[i] for i in several) for part in parts]
