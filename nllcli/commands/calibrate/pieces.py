"""Samples that come in pieces of any size, and are joined so seldom that a piece costs next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What is known of samples, one row for each thing and one column for each sample.
Pieces: TypeAlias = "tuple[NDArray[np.float64], ...]"


def fewer(pieces: Pieces) -> Pieces:
    """The same samples in pieces each of which is larger than the next: n samples are in at most log2(n) + 1."""
    kept: list[NDArray[np.float64]] = []
    for piece in pieces:
        kept.append(piece)
        while len(kept) > 1 and kept[-2].shape[1] <= kept[-1].shape[1]:
            last = kept.pop()
            kept[-1] = np.concatenate((kept[-1], last), axis=1)
    return tuple(kept)


def size_of(pieces: Pieces) -> int:
    """How many samples there are."""
    return sum(piece.shape[1] for piece in pieces)


def as_one(pieces: Pieces, n_rows: int) -> NDArray[np.float64]:
    """All samples as one piece (n_rows, n)."""
    return np.concatenate((np.empty((n_rows, 0)), *pieces), axis=1)
