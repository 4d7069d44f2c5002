"""Digests of numbers in any order, which add up: that of a whole is the sum of those of its parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_PREFIX = "multiset-"
_DIGEST = f"{_PREFIX}([0-9a-f]{{16}})"
_MODULUS = 1 << 64


def digest_of(pieces: Iterable[NDArray[np.float64]]) -> str:
    """The digest of the float64 values of all ``pieces``: the sum of a 64-bit mix of each one's bits."""
    return _written(sum(int(_mixed(values).sum(dtype=np.uint64)) for values in pieces))


def sum_of(digests: Iterable[str]) -> str:
    """The digest of all values together; raises ValueError for what is not a digest."""
    return _written(sum(map(_value, digests)))


def is_digest(text: str) -> bool:
    """Whether ``text`` is what ``digest_of`` gives."""
    return re.fullmatch(_DIGEST, text) is not None


def _written(total: int) -> str:
    return f"{_PREFIX}{total % _MODULUS:016x}"


def _value(digest: str) -> int:
    found = re.fullmatch(_DIGEST, digest)
    if found is None:
        raise ValueError(f"{digest!r} is not a digest")
    return int(found[1], 16)


def _mixed(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The bits of each value, mixed as by splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014), so that sums of different values are different; 0 and -0 are the same value.
    """
    z = (values + 0.0).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
