"""How far claims are from calibrated ones, and how much those tell: the parts of two scores, by isotonic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.commands.calibrate.isotonic import pooled
from nllcli.commands.calibrate.result import Decomposition
from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.calibrate.points import Points
    from nllcli.numerics.calibration.claims import Claims


@dataclass(frozen=True)
class Corp:
    """The parts of the squared error of claims, and of their logarithmic score.

    Dimitriadis, Gneiting and Jordan, "Stable reliability diagrams for probabilistic classifiers", PNAS 118 (2021).
    """

    brier: Decomposition
    log: Decomposition


@dataclass(frozen=True)
class Scores(Part):
    """The exact sums of weights and of weighted scores: the squared errors and the logarithmic scores.

    ``within`` is what outcomes that are shares add to the squared error of an outcome drawn by them: 0 of 0 and 1.
    """

    weight: ExactSum = ExactSum()
    brier: ExactSum = ExactSum()
    log: ExactSum = ExactSum()
    within: ExactSum = ExactSum()

    @classmethod
    def of(cls, claims: Claims) -> Self:
        """Those of claims whose weights are not 0."""
        p, q, a = claims.p, claims.q, claims.outcomes
        with np.errstate(divide="ignore"):
            otherwise = -np.where(p < 0.5, np.log1p(-p), np.log(q))
        # A claim of 0 loses nothing on what is not so, and a claim of 1 nothing on what is.
        log = np.multiply(a, claims.surprisals, out=np.zeros(len(a)), where=a > 0)
        log += np.multiply(1.0 - a, otherwise, out=np.zeros(len(a)), where=a < 1)
        error = a * q - (1.0 - a) * p
        terms = (error * error, log, a * (1.0 - a))
        if claims.weights is None:
            return cls(exact_count(len(a)), *map(exact_sum, terms))
        return cls(exact_sum(claims.weights), *(exact_sum(claims.weights * each) for each in terms))


def corp(scores: Scores, points: Points) -> Corp:
    """The parts of the ``scores`` of samples that are these ``points``, one or more."""
    blocks = pooled(points.weights, points.outcomes)
    whole = (points.weights.sum(keepdims=True), points.outcomes.sum(keepdims=True))
    within = scores.within.divided_by(scores.weight)
    return Corp(
        _terms(scores.brier.divided_by(scores.weight), _brier(*blocks) - within, _brier(*whole) - within),
        _terms(scores.log.divided_by(scores.weight), _log(*blocks), _log(*whole)),
    )


def _terms(score: float, of_blocks: float, of_all: float) -> Decomposition:
    """The parts, which only rounding or counting in buckets could make less than 0."""
    return Decomposition(score, max(0.0, score - of_blocks), max(0.0, of_all - of_blocks), max(0.0, of_all))


def _brier(weights: NDArray[np.float64], sums: NDArray[np.float64]) -> float:
    """The mean squared error of each block's mean, if its outcomes are all 0 or 1."""
    return exact_sum(sums / weights * (weights - sums)).divided_by(exact_sum(weights))


def _log(weights: NDArray[np.float64], sums: NDArray[np.float64]) -> float:
    """The mean logarithmic score of each block's mean."""
    lost = ExactSum()
    for part in (sums, weights - sums):
        some = part > 0
        lost += exact_sum(-part[some] * np.log(part[some] / weights[some]))
    return lost.divided_by(exact_sum(weights))
