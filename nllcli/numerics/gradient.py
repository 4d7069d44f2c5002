"""The gradient of each sample's loss with respect to its logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels.layout import sum_classes
from nllcli.numerics.losses import class_masses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.settings import LossOptions
    from nllcli.numerics.surprisal.surprisal import FromLogits, Surprisal


def gradient(scores: FromLogits, targets: NDArray[Any], options: LossOptions) -> NDArray[np.float64]:
    """d loss / d logit, (n, C) float64, per sample: no reduction is applied.

    ``targets`` are class indices (n,) or class probabilities (n, C). With v_c the factor of class c's surprisal in the
    loss and V their sum, the gradient is ``(V p_k - v_k) / T``; one-hot targets give the familiar ``w_y (p - 1)`` at
    the target and ``w_y p`` elsewhere.
    """
    if options.loss == "one-vs-rest":
        out = _one_vs_rest(scores, targets)
        if options.class_weights is not None:
            out *= options.class_weights[targets][:, None]
    else:
        out = _of_masses(scores, masses(scores, targets, options))
    if options.temperature != 1.0:
        out /= options.temperature
    if options.binary:
        return np.ascontiguousarray(out[:, 1:])
    return out


def masses(scores: Surprisal, targets: NDArray[Any], options: LossOptions) -> NDArray[np.float64]:
    """v_c, (n, C): the factor of each class's surprisal in the losses nll and argmax, class weights included."""
    weights = options.class_weights
    if targets.ndim == 2:
        return class_masses(targets, weights, options.label_smoothing)
    n, n_classes = len(targets), scores.probs().shape[1]
    each = np.arange(n)
    factors = np.zeros((n, n_classes))
    if options.label_smoothing:
        factors += options.label_smoothing / n_classes * (1.0 if weights is None else weights)
    hit = scores.top() if options.loss == "argmax" else targets
    factors[each, hit] += (1.0 - options.label_smoothing) * (1.0 if weights is None else weights[targets])
    return factors


def _of_masses(scores: FromLogits, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """``V p - v``; for a p above 1/2 as ``(V - v) - V (1 - p)``, which keeps the digits of 1 - p when p is near 1."""
    total = sum_classes(factors)
    out = scores.probs() * total[:, None] - factors
    left = scores.rest_prob()
    sure = np.flatnonzero(left < 0.5)
    top = scores.top()[sure]
    others = factors[sure]
    others[np.arange(len(sure)), top] = 0.0
    out[sure, top] = sum_classes(others) - total[sure] * left[sure]
    return out


def _one_vs_rest(scores: FromLogits, targets: NDArray[Any]) -> NDArray[np.float64]:
    """With odds o = p / (1 - p): ``p_j (2 - sum of o_k over k not in {y, j})``, and ``p_y - 1 - p_y sum of o_k``.

    The odds of a confident wrong class are huge, so p_j times them is taken as class j's share of what the top class
    leaves, over 1 + rest.
    """
    probs = scores.probs()
    each, top = np.arange(len(probs)), scores.top()
    with np.errstate(divide="ignore"):
        odds = probs / (1.0 - probs)  # p is at most 1/2 but for the top class, whose odds are treated apart
    odds[each, top] = 0.0
    odds[each, targets] = 0.0
    out = probs * (2.0 - (sum_classes(odds)[:, None] - odds))
    wrong = top != targets
    shared = np.where(wrong[:, None], scores.rest_share() * probs[each, top][:, None], 0.0)
    out -= shared
    left = np.where(wrong, 1.0 - probs[each, targets], scores.rest_prob())
    out[each, targets] = -left - (probs[each, targets] * sum_classes(odds) + shared[each, targets])
    return out
