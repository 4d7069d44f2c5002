"""Each class scored as a yes-or-no question: ``w_y (-log p_y - sum over k != y of log(1 - p_k))``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.kernels import sum_classes, weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal
    from nllcli.numerics.surprisal.logits import FromLogits


def value(
    surprisal: Surprisal, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None, _smoothing: float
) -> NDArray[np.float64]:
    """The loss of each sample (n,), in nats."""
    return weigh(surprisal.at(targets) + surprisal.others(targets), class_weights, targets)


def gradient(
    surprisal: FromLogits, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None, _smoothing: float
) -> NDArray[np.float64]:
    """The gradient by the logits (n, C); the weight of the target's class multiplies it."""
    out = _unweighted(surprisal, targets)
    if class_weights is not None:
        out *= class_weights[targets][:, None]
    return out


def _unweighted(surprisal: FromLogits, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """With odds o = p / (1 - p): ``p_j (2 - sum of o_k over k not in {y, j})``, and ``p_y - 1 - p_y sum of o_k``.

    The odds of a confident wrong class are huge, so p_j times them is taken as class j's share of what the top class
    leaves, over 1 + rest.
    """
    probs = surprisal.probs()
    each, top = np.arange(len(probs)), surprisal.top()
    with np.errstate(divide="ignore"):
        odds = probs / (1.0 - probs)  # p is at most 1/2 but for the top class, whose odds are treated apart
    odds[each, top] = 0.0
    odds[each, targets] = 0.0
    out = probs * (2.0 - (sum_classes(odds)[:, None] - odds))
    wrong = top != targets
    shared = np.where(wrong[:, None], surprisal.rest_share() * probs[each, top][:, None], 0.0)
    out -= shared
    left = np.where(wrong, 1.0 - probs[each, targets], surprisal.rest_prob())
    out[each, targets] = -left - (probs[each, targets] * sum_classes(odds) + shared[each, targets])
    return out


def uniform(yes: float, no: float, n_classes: int) -> float:
    """-log p - (C-1) log(1-p)."""
    return yes if n_classes == 1 else yes + (n_classes - 1) * no
