"""Evidence in the targets alone: counts of classes, values that are not classes or probabilities, and padding."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli import engine
from nllcli.data.blocks import Part
from nllcli.inputs.targets import Shifted
from nllcli.numerics.by_class import ByClass
from nllcli.numerics.findings import distance_from_1, sum_tolerance
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass
from nllcli.scoring.passes import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset

# More values than any set of labels has; all are kept in memory.
_MOST_DISTINCT = 1 << 16
# A shorter run of one label may well be the labels' own; a longer minimum would miss short sequences.
_LEAST_RUN = 4
# Values that tokenizers and data sets pad with and that may be classes; the last class is added to them.
_PADDING = (0, 1, 255)
WHOLE_FILE = 1 << 62  # the length of a sequence that all samples form


@dataclass(frozen=True)
class Distinct:
    """The ``values`` (k,) that were seen, in ascending order, and how often, ``n`` (k,); of very many, the smallest.

    ``all`` says that none was left out.
    """

    values: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    all: bool = True

    def __add__(self, other: Distinct) -> Distinct:
        if not len(self.values) or not len(other.values):
            return self if len(self.values) else other
        values, places = np.unique(np.concatenate([self.values, other.values]), return_inverse=True)
        n = np.zeros(len(values), np.int64)
        np.add.at(n, places, np.concatenate([self.n, other.n]))
        return Distinct._kept(values, n, self.all and other.all)

    @classmethod
    def of(cls, values: NDArray[np.int64]) -> Distinct:
        return cls._kept(*np.unique(values, return_counts=True), True)

    @classmethod
    def _kept(cls, values: NDArray[np.int64], n: NDArray[np.int64], complete: bool) -> Distinct:
        return cls(values[:_MOST_DISTINCT], n[:_MOST_DISTINCT], complete and len(values) <= _MOST_DISTINCT)

    @property
    def only(self) -> int | None:
        """The value, where one alone was seen."""
        return int(self.values[0]) if len(self.values) == 1 else None


@dataclass(frozen=True)
class Labels(Part):
    """The ``counts`` of the targets in range, and those ``outside``, with their values."""

    n_ignored: int = 0
    outside: Rows = Rows()
    outside_values: Distinct = Distinct()
    counts: ByClass | None = None


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
        Rows.where(outside, start),
        Distinct.of(targets[outside]) if outside.any() else Distinct(),
        ByClass.of(targets[counted], n_classes),
    )
    return labels, counted


def read_soft_labels(targets: NDArray[Any], start: int) -> tuple[SoftLabels, NDArray[np.bool_]]:
    """The evidence in soft ``targets`` (n, C), and which rows hold probabilities."""
    values = targets.astype(np.float64)
    valid = np.logical_and.reduce((values >= 0.0) & (values <= 1.0), axis=1)
    off = distance_from_1(values)
    too_far = valid & (off > sum_tolerance(targets.dtype))
    return SoftLabels(Rows.where(too_far, start, off), Rows.where(~valid, start)), valid


@dataclass(frozen=True)
class Padding(Part):
    """Where one candidate for padding is: in unbroken runs along the targets, and at the ends of their sequences.

    Along the targets, ``n`` in ``n_runs``, and ``n_others`` of every other value in ``n_other_runs``. Where the targets
    form sequences of one length, ``n_ending`` in runs at the ends of sequences, ``n_leading`` at the beginnings;
    ``n_long_ending`` and ``n_long_leading`` sequences whose run has at least four places.
    """

    n: int = 0
    n_runs: int = 0
    n_others: int = 0
    n_other_runs: int = 0
    n_ending: int = 0
    n_leading: int = 0
    n_long_ending: int = 0
    n_long_leading: int = 0


def read_padding(dataset: Dataset, ignore_index: int, sequence: int) -> dict[int, Padding]:
    """The runs of each of the usual padding values, from a pass over the targets alone.

    ``sequence`` is the length of the sequences that the targets form, 0 where they form none.
    """
    targets, n_classes = dataset.targets, dataset.layout.n_classes
    if targets is None or not sequence:
        return {}
    flat = sequence == WHOLE_FILE
    values = [v for v in dict.fromkeys((*_PADDING, n_classes - 1)) if v < n_classes and v != ignore_index]
    found = dict.fromkeys(values[:1] if flat else values, Padding())
    step = engine.BLOCK_ELEMENTS if flat else max(1, engine.BLOCK_ELEMENTS // sequence) * sequence
    # The places at one end of a sequence to which a shift gives no target hold no padding.
    scored = targets.scored if isinstance(targets, Shifted) and not flat else slice(None)
    for _, piece in pieces(targets, step):
        rows = (piece[None] if flat else piece.reshape(-1, sequence))[:, scored]
        for value in found:
            found[value] += read_streaks(rows.ravel(), value)
            if not flat:
                found[value] += read_ends(rows, value)
    return found


def read_streaks(targets: NDArray[np.int64], value: int) -> Padding:
    """The runs along ``targets`` (n,)."""
    if not targets.size:
        return Padding()
    begins = np.concatenate([[True], targets[1:] != targets[:-1]])
    same = targets == value
    n, n_runs = int(np.count_nonzero(same)), int(np.count_nonzero(same & begins))
    return Padding(n, n_runs, len(targets) - n, int(np.count_nonzero(begins)) - n_runs)


def read_ends(targets: NDArray[np.int64], value: int) -> Padding:
    """The runs at the ends and beginnings of sequences, ``targets`` (n_sequences, length)."""
    same = targets == value
    if not same.any():
        return Padding()
    ending, leading = _run_lengths(same[:, ::-1]), _run_lengths(same)
    return Padding(
        n_ending=int(ending.sum()),
        n_leading=int(leading.sum()),
        n_long_ending=int(np.count_nonzero(ending >= _LEAST_RUN)),
        n_long_leading=int(np.count_nonzero(leading >= _LEAST_RUN)),
    )


def _run_lengths(same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many places of each row hold from its beginning on."""
    return np.where(same.all(axis=1), same.shape[1], same.argmin(axis=1))
