"""Evidence in the targets alone: their range and counts, and whether class probabilities are probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.sums import Extent, FewValues, distance_from_1
from nllcli.data.blocks import Part
from nllcli.numerics.evaluate import sum_tolerance
from nllcli.numerics.tally import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """Rows of soft targets that do not sum to 1, and rows with a value that is not a probability."""

    off: Rows = Rows()
    invalid: Rows = Rows()


def read_labels(
    targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int
) -> tuple[Labels, NDArray[np.bool_]]:
    """The evidence in ``targets`` (n,), and which of them are counted: neither ignored nor outside the classes."""
    ignored = targets == ignore_index
    outside = ~ignored & ((targets < 0) | (targets >= n_classes))
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
    off = distance_from_1(values)
    too_far = valid & (off > sum_tolerance(targets.dtype))
    return SoftLabels(Rows.where(too_far, start, off), Rows.where(~valid, start)), valid
