"""Evidence of padding among the targets: runs of one value, along all of them and at the ends of sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A shorter run of one label may well be the labels' own; a longer minimum would miss short sequences.
_LEAST_RUN = 4


@dataclass(frozen=True)
class Runs(Part):
    """Where one candidate for padding is in sequences of one length.

    ``n`` occurrences in all; ``n_ending`` of them in unbroken runs at the ends of sequences, ``n_leading`` at the
    beginnings; ``n_long_ending`` and ``n_long_leading`` sequences whose run has at least four places.
    """

    n: int = 0
    n_ending: int = 0
    n_leading: int = 0
    n_long_ending: int = 0
    n_long_leading: int = 0


@dataclass(frozen=True)
class Streaks(Part):
    """Unbroken runs along a flat list of targets: of one candidate for padding, and of every other value."""

    n: int = 0
    n_runs: int = 0
    n_others: int = 0
    n_other_runs: int = 0


@dataclass(frozen=True)
class Padding(Part):
    """Where one candidate for padding is: along the targets, and in their sequences, if they form any."""

    streaks: Streaks = Streaks()
    runs: Runs = Runs()


def read_runs(targets: NDArray[np.int64], value: int) -> Runs:
    """The runs of ``value`` in ``targets`` (n_sequences, length)."""
    same = targets == value
    if not same.any():
        return Runs()
    ending, leading = _run_lengths(same[:, ::-1]), _run_lengths(same)
    return Runs(
        int(np.count_nonzero(same)),
        int(ending.sum()),
        int(leading.sum()),
        int(np.count_nonzero(ending >= _LEAST_RUN)),
        int(np.count_nonzero(leading >= _LEAST_RUN)),
    )


def _run_lengths(same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many places of each row hold from its beginning on."""
    return np.where(same.all(axis=1), same.shape[1], same.argmin(axis=1))


def read_streaks(targets: NDArray[np.int64], value: int) -> Streaks:
    """The runs in ``targets`` (n,)."""
    if not targets.size:
        return Streaks()
    begins = np.concatenate([[True], targets[1:] != targets[:-1]])
    same = targets == value
    n, n_runs = int(np.count_nonzero(same)), int(np.count_nonzero(same & begins))
    return Streaks(n, n_runs, len(targets) - n, int(np.count_nonzero(begins)) - n_runs)
