"""Sums over samples that merge: blocks, files or machines add up to the same numbers."""

from __future__ import annotations

import math
from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, ExactSums, exact_count, exact_sum
from nllcli.numerics.fingerprint import Fingerprint
from nllcli.numerics.spread import Spread
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.pictured import Collected

N_FIRST = 5


@dataclass(frozen=True)
class Rows:
    """How many samples show something, the first few of them, and the largest value seen (0 where there is none)."""

    n: int = 0
    first: tuple[int, ...] = ()
    worst: float = 0.0

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.n + other.n, (self.first + other.first)[:N_FIRST], max(self.worst, other.worst))

    def shifted(self, by: int) -> Rows:
        """The same of samples whose numbers are so much higher."""
        return replace(self, first=tuple(sample + by for sample in self.first))

    @classmethod
    def where(cls, mask: NDArray[np.bool_], start: int, size: NDArray[np.float64] | None = None) -> Rows:
        """The samples of a block that begins at ``start`` where ``mask`` (n,) holds."""
        found = np.flatnonzero(mask)
        worst = float(size[found].max()) if size is not None and found.size else 0.0
        return cls(int(found.size), tuple(int(i) + start for i in found[:N_FIRST]), worst)


@dataclass(frozen=True)
class ClassSums(Part):
    """Per class, (C,) each: counted samples, correct ones, the sum of their loss terms, without and with weights."""

    n: NDArray[np.int64]
    n_correct: NDArray[np.int64]
    loss_sum: ExactSums
    weighted_sum: ExactSums


@dataclass(frozen=True)
class Tally(Part):
    """Sums only; ``Tally()`` is the identity of ``+``, and every mean is taken once, at the end.

    ``loss_sum`` adds the weighted losses, ``unweighted_sum`` the plain ones, ``weight_sum`` the denominators.
    ``fingerprint`` is that of the counted samples, and ``pictures`` what pictures are made of, where asked for.
    """

    n_samples: int = 0
    n_counted: int = 0
    n_correct: int | None = None
    loss_sum: ExactSum = ExactSum()
    weight_sum: ExactSum = ExactSum()
    unweighted_sum: ExactSum = ExactSum()
    spread: Spread = Spread()
    findings: dict[str, Rows] = field(default_factory=dict)
    classes: ClassSums | None = None
    fingerprint: Fingerprint | None = None
    pictures: Collected | None = None

    def shifted(self, by: int) -> Tally:
        """The sums of the same samples, their numbers so much higher."""
        pictures = None if self.pictures is None else self.pictures.shifted(by)
        findings = {code: rows.shifted(by) for code, rows in self.findings.items()}
        return replace(self, findings=findings, pictures=pictures)

    def mean(self) -> float:
        """The weighted mean; NaN where nothing was counted, or where the weights add up to 0."""
        return self.loss_sum.divided_by(self.weight_sum) if self.weight_sum.units else math.nan

    def unweighted_mean(self) -> float:
        return self.unweighted_sum.divided_by(exact_count(self.n_counted))

    def loss(self, reduction: str) -> float | None:
        """The reduced loss in nats: the mean, or the sum under "sum"; None under "none"."""
        if reduction == "mean":
            return self.mean()
        return float(self.loss_sum) if reduction == "sum" else None

    def bits(self) -> float:
        """The mean in bits."""
        return self.mean() / math.log(2)

    def perplexity(self) -> float:
        """``exp`` of the mean; inf where that overflows."""
        try:
            return math.exp(self.mean())
        except OverflowError:
            return math.inf

    def accuracy(self) -> float | None:
        """The share of counted samples predicted right; None where nothing is counted or targets are soft."""
        return None if self.n_correct is None or not self.n_counted else self.n_correct / self.n_counted

    def standard_error(self) -> float:
        """The standard error of the mean, as of a ratio of sums (Cochran, Sampling Techniques, 1977, chapter 6).

        ``sqrt(n / (n-1) * sum (a - R b)**2) / |sum b|``; with equal weights that is the sample's standard deviation
        (n - 1) over sqrt(n). NaN for fewer than two counted samples, and without ``spread``.
        """
        return self.spread.error_of_ratio(self.loss_sum, self.weight_sum)

    def standard_error_of_sum(self) -> float:
        """``sqrt(n)`` times the standard deviation (n - 1) of the loss terms, from a tally of ``reduction="sum"``."""
        return self.spread.error_of_sum(self.loss_sum)


def tally_of(
    losses: NDArray[np.float64],
    *,
    unweighted: NDArray[np.float64] | None,
    weights: NDArray[np.float64] | None,
    reduction: str,
    n_samples: int,
    n_correct: int | None,
    spread: bool,
    classes: ClassSums | None,
) -> Tally:
    """Add up one block: weighted ``losses`` (n,) of the counted samples, their plain losses and their ``weights``.

    ``unweighted`` and ``weights`` are None where there are no weights; ``spread`` says whether a standard error is
    wanted.
    """
    if not losses.size:
        return Tally(n_samples, n_correct=n_correct, classes=classes)
    loss_sum = exact_sum(losses)
    return Tally(
        n_samples,
        len(losses),
        n_correct,
        loss_sum,
        exact_count(len(losses)) if weights is None else exact_sum(weights),
        loss_sum if unweighted is None else exact_sum(unweighted),
        Spread.of(losses, None if reduction == "sum" else weights) if spread else Spread(),
        classes=classes,
    )
