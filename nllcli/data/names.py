"""The names of classes that have numbers alone, and of several files together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import overload


class NumberNames(Sequence[str]):
    """The numbers of a range as text, each made when it is asked for: those of a million classes would take 60 MB."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberNames) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> NumberNames: ...
    def __getitem__(self, index: int | slice) -> str | NumberNames:
        return NumberNames(self._numbers[index]) if isinstance(index, slice) else str(self._numbers[index])


def names_of(class_names: tuple[str, ...] | None, n_classes: int) -> Sequence[str]:
    """The classes' names, or their numbers."""
    return class_names or NumberNames(range(n_classes))


def name_of_files(files: Sequence[str]) -> str:
    """What files are called together, at least one."""
    names = Counter(files)
    first, *others = names
    if not others:
        return first if names[first] == 1 else f"{names[first]} files named {first}"
    return f"{len(files)} files, {first} to {others[-1]}"
