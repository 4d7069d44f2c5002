"""Sums over samples that merge: blocks, files or machines add up to the same numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, ExactSums, exact_count, exact_multiple, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_FIRST = 5

# Of sums of squares below it, underflow may have lost a part that matters.
_LEAST_SQUARES = 1e-280


@dataclass(frozen=True)
class Rows:
    """How many samples show something, the first few of them, and the largest value seen (0 where there is none)."""

    n: int = 0
    first: tuple[int, ...] = ()
    worst: float = 0.0

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.n + other.n, (self.first + other.first)[:_N_FIRST], max(self.worst, other.worst))

    @classmethod
    def where(cls, mask: NDArray[np.bool_], start: int, size: NDArray[np.float64] | None = None) -> Rows:
        """The samples of a block that begins at ``start`` where ``mask`` (n,) holds."""
        found = np.flatnonzero(mask)
        worst = float(size[found].max()) if size is not None and found.size else 0.0
        return cls(int(found.size), tuple(int(i) + start for i in found[:_N_FIRST]), worst)


@dataclass(frozen=True)
class Spread:
    """Second moments of loss terms a and weights b, for the standard error of ``R = sum a / sum b``.

    Of the residuals ``u = a - centre * b`` it keeps ``uu = sum u**2`` and ``ub = sum u b``, with ``bb = sum b**2``.
    The moments about another centre follow, with d the step to it::

        sum (a - (centre + d) b)**2 = uu - 2 d ub + d**2 bb
        sum (a - (centre + d) b) b  = ub - d bb

    With a centre near R no digits cancel, so merging moves both onto one between theirs (Chan, Golub and LeVeque,
    "Algorithms for computing the sample variance", The American Statistician 37, 1983). ``n`` counts the terms.
    """

    n: int = 0
    centre: float = 0.0
    uu: float = 0.0
    ub: float = 0.0
    bb: float = 0.0

    @classmethod
    def of(
        cls, terms: NDArray[np.float64], weights: NDArray[np.float64] | None, total: ExactSum, weight_sum: ExactSum
    ) -> Spread:
        """The moments of ``terms`` (n,), which add up to ``total``, with ``weights`` (n,), or 1 each."""
        mean = total.divided_by(weight_sum) if weight_sum.units else 0.0
        if weights is None:
            u = terms - mean
            rest = float(total + exact_multiple(-mean, len(u))) if math.isfinite(mean) else math.nan
            return cls(len(u), mean, _sum_of_squares(u), rest, float(len(u)))
        bb = _sum_of_squares(weights)
        if bb and weights.min() < 0:
            # The mean of weights that cancel lies far from every term; the centre of least squares does not.
            mean = float(np.add.reduce(terms * weights)) / bb
        u = terms - mean * weights
        return cls(len(u), mean, _sum_of_squares(u), float(np.add.reduce(u * weights)), bb)

    def squares_about(self, centre: float) -> float:
        """Sum of ``(a - centre * b)**2``."""
        shift = centre - self.centre
        return self.uu - 2.0 * shift * self.ub + shift * shift * self.bb

    def __add__(self, other: Spread) -> Spread:
        if not self.n or not other.n:
            return self if self.n else other
        bb = self.bb + other.bb
        # Terms without weight are equally far from every centre.
        centre = self.centre + (other.centre - self.centre) * (other.bb / bb) if bb else 0.0
        return Spread(
            self.n + other.n,
            centre,
            self.squares_about(centre) + other.squares_about(centre),
            self.ub - (centre - self.centre) * self.bb + other.ub - (centre - other.centre) * other.bb,
            bb,
        )


def _sum_of_squares(values: NDArray[np.float64]) -> float:
    """NaN where squares of ``values`` (n,) are too small or too large to say anything."""
    total = float(np.einsum("i,i", values, values))
    return math.nan if math.isinf(total) or (total < _LEAST_SQUARES and values.any()) else total


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
        (n - 1) over sqrt(n). NaN for fewer than two counted samples.
        """
        return self._residual_norm(self.mean()) / abs(float(self.weight_sum)) if self.weight_sum.units else math.nan

    def standard_error_of_sum(self) -> float:
        """``sqrt(n)`` times the standard deviation (n - 1) of the loss terms, from a tally of ``reduction="sum"``."""
        return self._residual_norm(self.loss_sum.divided_by(exact_count(self.n_counted)))

    def _residual_norm(self, centre: float) -> float:
        """``sqrt(n / (n-1) * sum (a - centre * b)**2)``; NaN for fewer than two counted samples."""
        squares = self.spread.squares_about(centre)
        if self.n_counted < 2 or math.isnan(squares):
            return math.nan
        return math.sqrt(max(squares, 0.0) * self.n_counted / (self.n_counted - 1))


def tally_of(
    losses: NDArray[np.float64],
    *,
    unweighted: NDArray[np.float64] | None,
    weights: NDArray[np.float64] | None,
    reduction: str,
    n_samples: int,
    n_correct: int | None,
    classes: ClassSums | None,
) -> Tally:
    """Add up one block: weighted ``losses`` (n,) of the counted samples, their plain losses and their ``weights``.

    ``unweighted`` and ``weights`` are None where there are no weights.
    """
    if not losses.size:
        return Tally(n_samples, n_correct=n_correct, classes=classes)
    loss_sum = exact_sum(losses)
    weight_sum = exact_count(len(losses)) if weights is None else exact_sum(weights)
    if reduction == "sum":
        spread = Spread.of(losses, None, loss_sum, exact_count(len(losses)))
    else:
        spread = Spread.of(losses, weights, loss_sum, weight_sum)
    return Tally(
        n_samples,
        len(losses),
        n_correct,
        loss_sum,
        weight_sum,
        loss_sum if unweighted is None else exact_sum(unweighted),
        spread,
        classes=classes,
    )
