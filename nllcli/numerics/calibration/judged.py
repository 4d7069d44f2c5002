"""A block of scored samples as what its probabilities claim, and how far they are from the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.calibration.claims import Claims
from nllcli.numerics.findings import check_complements
from nllcli.numerics.kernels import pick, sum_classes
from nllcli.numerics.surprisal.given import FromProbs
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.surprisal import Surprisal


_SMALL = 0.25
# The surprisal of a probability that has been rounded, and rounded again where it is taken from 1, is this much off.
_ROUNDING = 2.0**-51


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class Judged:
    """The samples of a block that count: what is claimed of their top labels, and their Brier scores (n,).

    ``targets`` are classes (n,), or the shares of all classes (n, C).
    """

    claims: Claims
    brier: NDArray[np.float64]
    targets: NDArray[Any]

    @property
    def weights(self) -> NDArray[np.float64] | None:
        return self.claims.weights


@dataclass(frozen=True, eq=False)
class Top:
    """The ``classes`` (n,) of the largest probabilities ``p`` (n,), and ``q`` (n,), 1 - p with all its digits."""

    classes: NDArray[np.int64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]


@np.errstate(all="ignore")  # of infinite surprisals
def judge(scored: Scored) -> Judged:
    """What the probabilities of a scored block claim, and what is the case; raises SampleError for those above 1."""
    scores, targets = scored.scoring.scores, scored.scoring.targets
    check_complements(scored.scoring, None)
    top, surprisals, other_squares = _of_logits(scores) if isinstance(scores, FromLogits) else _of_given(scores)
    if targets.are_classes:
        outcomes = (top.classes == targets.values).astype(np.float64)
        brier = _brier(scores, targets.values, top, other_squares)
    else:
        outcomes = pick(targets.values, top.classes).astype(np.float64)
        brier = sum_classes((scores.probs() - targets.values) ** 2)
    claims = _claims(scored, top.p, top.q, surprisals, outcomes)
    return Judged(claims, targets.only(brier), targets.only(targets.values))


# Of the most likely classes, the surprisals (n,) too, and the sums (n,) of the squares of all other probabilities.
_TopAndOthers = tuple[Top, "NDArray[np.float64]", "NDArray[np.float64]"]


def top_of(scores: Surprisal) -> Top:
    """What is claimed of the most likely classes of a block, whose logits need not be reduced to more than a rest."""
    return _top_of_logits(scores) if isinstance(scores, FromLogits) else _top_of_given(scores, scores.probs())


def _top_of_logits(scores: FromLogits) -> Top:
    """By the powers of the other classes relative to the largest."""
    rest = scores.reduced.rest
    whole = 1.0 + rest
    q = rest / whole
    p = np.where(q < _SMALL, 1.0 - q, 1.0 / whole)  # which are 1 only where q has no part in 1 - q
    return Top(scores.top(), p, q)


def _top_of_given(scores: Surprisal, p: NDArray[np.float64]) -> Top:
    classes = scores.top()
    return Top(classes, pick(p, classes), 0.0 - np.expm1(-scores.at(classes)))


def _of_logits(scores: FromLogits) -> _TopAndOthers:
    found = scores.reduced
    return _top_of_logits(scores), np.log1p(found.rest), found.squares / (1.0 + found.rest) ** 2


def _of_given(scores: Surprisal) -> _TopAndOthers:
    p = scores.probs()
    top = _top_of_given(scores, p)
    p[np.arange(len(p)), top.classes] = 0.0
    return top, scores.at(top.classes), sum_classes(p * p)


def _brier(
    scores: Surprisal, targets: NDArray[np.int64], top: Top, other_squares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The squares (n,) of p but for the target's, and of what that lacks to 1."""
    p = np.exp(-scores.at(targets))
    others = np.where(top.classes == targets, other_squares, other_squares + top.p**2 - p**2)
    lacks = np.where(top.classes == targets, top.q, 1.0 - p)
    return lacks**2 + np.maximum(others, 0.0)


@np.errstate(all="ignore")
def claims_of_class(scored: Scored, index: int) -> Claims:
    """What is claimed of one class, of the samples that count."""
    scores, targets = scored.scoring.scores, scored.scoring.targets
    surprisals = scores.at(np.full(scored.n_samples, index))
    complement = scores.complement(slice(index, index + 1))[:, 0]
    return _claims(scored, np.exp(-surprisals), np.exp(-complement), surprisals, _is_of(targets.values, index))


@np.errstate(all="ignore")
def claims_of_classes(scored: Scored, threshold: float | None) -> list[Claims]:
    """What is claimed of each class, of the samples that count; of probabilities above a ``threshold`` alone."""
    scores, targets = scored.scoring.scores, scored.scoring.targets
    surprisals, p = scores.all(), scores.probs()
    q = np.exp(-scores.complement())
    found = (
        _claims(scored, p[:, index], q[:, index], surprisals[:, index], _is_of(targets.values, index))
        for index in range(scores.n_classes)
    )
    return [each if threshold is None else each.only(each.p > threshold) for each in found]


def _is_of(targets: NDArray[Any], index: int) -> NDArray[np.float64]:
    """Whether each sample is of a class, or its share of it."""
    return (targets == index if targets.ndim == 1 else targets[:, index]).astype(np.float64)


def _claims(
    scored: Scored,
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    surprisals: NDArray[np.float64],
    outcomes: NDArray[np.float64],
) -> Claims:
    only = scored.scoring.targets.only
    weights = None if scored.weights is None else only(scored.weights)
    rounding = _ROUNDING if isinstance(scored.scoring.scores, FromProbs) else 0.0
    return Claims(only(p), only(q), only(surprisals), only(outcomes), weights, rounding)
