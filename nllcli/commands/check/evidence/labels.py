"""Evidence in the targets alone: their range, their counts, and runs of one value at the ends of sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.sums import Extent, FewValues
from nllcli.data.part import Part
from nllcli.numerics.findings import sum_tolerance
from nllcli.numerics.tally import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A shorter run of one label may well be the labels' own; a longer minimum would miss short sequences.
LEAST_RUN = 4


@dataclass(frozen=True)
class Labels(Part):
    """``counts`` (C,) of the targets in range, ``extent`` of all that are not ignored, and those ``outside``."""

    n_ignored: int = 0
    extent: Extent | None = None
    outside: Rows = Rows()
    outside_values: FewValues = FewValues()
    counts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class SoftLabels(Part):
    """Rows of soft targets whose sum is not 1, and rows that hold something that is no probability."""

    off: Rows = Rows()
    invalid: Rows = Rows()


def read_labels(
    targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int
) -> tuple[Labels, NDArray[np.bool_]]:
    """The evidence in ``targets`` (n,), and which of them are counted: neither ignored nor outside the classes."""
    ignored = targets == ignore_index
    outside = ~ignored & (targets.view(np.uint64) >= n_classes)
    counted = ~(ignored | outside)
    labels = Labels(
        int(np.count_nonzero(ignored)),
        Extent.of(targets[~ignored]),
        Rows.where(outside, start),
        FewValues.of(targets[outside]) if outside.any() else FewValues(),
        np.bincount(targets[counted], minlength=n_classes),
    )
    return labels, counted


def read_soft_labels(targets: NDArray[Any], start: int) -> tuple[SoftLabels, NDArray[np.bool_]]:
    """The evidence in soft ``targets`` (n, C), and which rows hold probabilities."""
    values = targets.astype(np.float64)
    valid = np.logical_and.reduce((values >= 0.0) & (values <= 1.0), axis=1)
    with np.errstate(invalid="ignore"):
        off = np.abs(values.sum(axis=1) - 1.0)
    soft = SoftLabels(
        Rows.where(valid & (off > sum_tolerance(targets.dtype)), start, off),
        Rows.where(~valid, start),
    )
    return soft, valid


@dataclass(frozen=True)
class Runs(Part):
    """Where one candidate for padding stands in sequences of one length.

    ``n`` occurrences in all; ``n_ending`` of them in unbroken runs at the ends of sequences, ``n_leading`` at the
    beginnings; ``n_long_ending`` and ``n_long_leading`` sequences whose run has at least ``LEAST_RUN`` places.
    """

    n: int = 0
    n_ending: int = 0
    n_leading: int = 0
    n_long_ending: int = 0
    n_long_leading: int = 0


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
        int(np.count_nonzero(ending >= LEAST_RUN)),
        int(np.count_nonzero(leading >= LEAST_RUN)),
    )


def _run_lengths(same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many places of each row hold from its beginning on."""
    return np.where(same.all(axis=1), same.shape[1], same.argmin(axis=1))


@dataclass(frozen=True)
class Streaks(Part):
    """Unbroken runs along a flat list of targets: of one candidate for padding, and of every other value."""

    n: int = 0
    n_runs: int = 0
    n_others: int = 0
    n_other_runs: int = 0


def read_streaks(targets: NDArray[np.int64], value: int) -> Streaks:
    """The runs in ``targets`` (n,)."""
    if not targets.size:
        return Streaks()
    begins = np.concatenate([[True], targets[1:] != targets[:-1]])
    same = targets == value
    n, n_runs = int(np.count_nonzero(same)), int(np.count_nonzero(same & begins))
    return Streaks(n, n_runs, len(targets) - n, int(np.count_nonzero(begins)) - n_runs)
