"""The classes of a loss, kept in columns: there may be a million of them, of which few are looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from nllcli.numerics.exact import ExactSum, exact_count
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.commands.compute.subject import Subject
    from nllcli.numerics.exact import ExactSums
    from nllcli.numerics.tally import ClassSums, Tally


@dataclass(frozen=True)
class ClassLoss:
    """One class: its counted samples, how many of them are right, and their mean loss without weights, in nats.

    ``share`` is the class's part of the sum of the weighted losses. What has no value is None.
    """

    name: str
    count: int
    weight: float | None
    accuracy: float | None
    mean_loss: float | None
    share: float | None


@dataclass(frozen=True, eq=False)  # a sequence of many
class ClassLosses(Sequence[ClassLoss]):
    """All classes in order, each made when it is asked for; ``weights`` is None where there are none."""

    names: Sequence[str]
    counts: list[int]
    weights: Sequence[float] | None
    accuracies: list[float | None]
    mean_losses: list[float | None]
    shares: list[float | None]

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> ClassLoss: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ClassLoss, ...]: ...
    def __getitem__(self, index: int | slice) -> ClassLoss | tuple[ClassLoss, ...]:
        if isinstance(index, slice):
            return tuple(self[c] for c in range(len(self))[index])
        return ClassLoss(
            self.names[index],
            self.counts[index],
            None if self.weights is None else self.weights[index],
            self.accuracies[index],
            self.mean_losses[index],
            self.shares[index],
        )


def class_losses(subject: Subject, tally: Tally, sums: ClassSums) -> ClassLosses:
    """What the ``sums`` of the classes of a ``tally`` give; most of a million classes have no samples."""
    accuracy: list[float | None] = [None] * subject.n_classes
    mean_loss = accuracy.copy()
    for c in np.flatnonzero(sums.n).tolist():
        n = int(sums.n[c])
        accuracy[c] = int(sums.n_correct[c]) / n
        mean_loss[c] = sums.loss_sum[c].divided_by(exact_count(n))
    shares = _shares(sums.weighted_sum, tally.loss_sum, subject.n_classes)
    return ClassLosses(subject.named_classes, sums.n.tolist(), subject.class_weights, accuracy, mean_loss, shares)


def _shares(sums: ExactSums, total: ExactSum, n_classes: int) -> list[float | None]:
    """The part of each class in the total; None where that is infinite or 0."""
    if not (math.isfinite(float(total)) and float(total)):
        return [None] * n_classes
    shares: list[float | None] = [ExactSum().divided_by(total)] * n_classes
    for c in [] if sums.units is None else np.flatnonzero(sums.units).tolist():
        shares[c] = sums[c].divided_by(total)
    return shares
