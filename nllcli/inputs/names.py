"""Names of classes, compared as people mean them: by Unicode's composed form, and without what all of them share."""

from __future__ import annotations

import re
from os.path import commonprefix
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MARK = "__label__"  # before labels in text for fastText
_INTEGER = r"(?a)[+-]?\d+"
_BETWEEN_WORDS = re.compile(r"(?:[\s_-]|\.(?!\d))+")
_FALSE_TRUE = {"false": 0, "true": 1}
_OPPOSITES = {**_FALSE_TRUE, "no": 0, "yes": 1, "negative": 0, "positive": 1, "neg": 0, "pos": 1}


def normal(name: str) -> str:
    """The name without blanks around it, each character composed (NFC)."""
    if name.isascii():
        return name.strip()
    from unicodedata import normalize

    return normalize("NFC", name.strip())


def bare(names: Sequence[str]) -> tuple[str, ...]:
    """The names without what all of them begin and end with: ``prob_cat, prob_dog`` are ``cat, dog``.

    What is shared is taken off up to a character that ends a word, or before a number; ``cat, car`` stay as they are.
    """
    normals = tuple(map(normal, names))
    first, last = affixes(normals)
    return tuple(name[first : len(name) - last] for name in normals)


def folded(name: str) -> str:
    """The name in lower case, blanks, ``_``, ``-`` and points one blank: ``Big_Cat``, ``big-cat`` and ``Big.Cat`` of R.

    Any other mark tells names apart (``c++``, ``c#``), as does one before or after all letters (``-1``, ``1``).
    """
    return _BETWEEN_WORDS.sub(" ", normal(name).casefold())


def affixes(names: Sequence[str]) -> tuple[int, int]:
    """How many characters can be taken off the beginning and off the end of all names, which leaves them different."""
    if len(names) < 2 or len(set(names)) < len(names):
        return 0, 0
    first = _shared(names)
    rests = [name[first:] for name in names]
    last = _shared([rest[::-1] for rest in rests])
    rests = [rest[: len(rest) - last] for rest in rests]
    return (first, last) if all(rests) and len(set(rests)) == len(rests) else (0, 0)


def _shared(names: Sequence[str]) -> int:
    """How many characters all names begin with that can be taken off."""
    shared = commonprefix(list(names))  # noqa: RUF071 - character by character is what is meant
    if all(name[len(shared) :].isdecimal() for name in names):
        return len(shared.rstrip("0123456789"))
    while shared and shared[-1].isalnum():
        shared = shared[:-1]
    return len(shared)


def numbers(names: Sequence[str] | None, *, opposites: bool = True) -> tuple[int, ...] | None:
    """The numbers that the names are, or end in after what they share (``prediction_10``); None where they are not.

    Two ``opposites``, such as no and yes, are 0 and 1.
    """
    if not names:
        return None
    for written in (tuple(map(normal, names)), bare(names)):
        if all(re.fullmatch(_INTEGER, name) for name in written):
            found = tuple(map(int, written))
            return found if len(set(found)) == len(found) else None
        words = tuple(_OPPOSITES.get(name.lower(), 2) for name in written)
        if opposites and sorted(words) == [0, 1]:
            return words
    return None


def are_places(found: Sequence[int]) -> bool:
    """Whether numbers of classes are their places, counted from 0."""
    return tuple(found) == tuple(range(len(found)))


def truth(text: str) -> int | None:
    """0 for a word for false, 1 for one for true."""
    return _FALSE_TRUE.get(text.strip().lower())


def _comparable(own: Sequence[str], others: Sequence[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Both lists of names, as they may be compared: the strictest way first."""
    yield tuple(map(normal, own)), tuple(map(normal, others))
    yield bare(own), bare(others)
    for mine, theirs in ((own, others), (bare(own), bare(others))):
        folds = tuple(map(folded, mine)), tuple(map(folded, theirs))
        if all(len(set(names)) == len(names) for names in folds):
            yield folds


def match(own: Sequence[str], others: Sequence[str]) -> tuple[int, ...] | None:
    """For each of the ``own`` names the place of the same one among ``others``, where all are there; else None."""
    for mine, theirs in _comparable(own, others):
        place = {name: i for i, name in enumerate(theirs)}
        if len(place) == len(theirs) and set(mine) <= place.keys():
            return tuple(place[name] for name in mine)
    return None
