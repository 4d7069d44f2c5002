"""Losses that are sums over the classes of v_c (-log p_c): products with weights, and the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels.layout import sum_classes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.numerics.surprisal.logits import FromLogits


def weigh(
    losses: NDArray[np.float64], class_weights: NDArray[np.float64] | None, targets: NDArray[Any]
) -> NDArray[np.float64]:
    """Losses (n,) times the weight of each target's class."""
    return losses if class_weights is None else product(class_weights[targets], losses)


def product(weights: NDArray[np.float64] | float, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """``weights * losses`` where a weight of 0 gives 0, also for an infinite loss."""
    with np.errstate(invalid="ignore"):
        out = np.multiply(weights, losses)
    if not np.all(weights):
        out[np.broadcast_to(np.equal(weights, 0.0), out.shape)] = 0.0
    return out


def one_class(
    classes: NDArray[np.int64], targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None, n_classes: int
) -> NDArray[np.float64]:
    """v (n, C) of the loss that is -log p of one of the ``classes`` (n,) times the weight of the target."""
    factors = np.zeros((len(classes), n_classes))
    factors[np.arange(len(classes)), classes] += 1.0 if class_weights is None else class_weights[targets]
    return factors


def gradient_of(
    masses: Callable[..., NDArray[np.float64]],
    scores: FromLogits,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,
) -> NDArray[np.float64]:
    """The gradient by the logits (n, C): ``V p - v``, with v the ``masses`` (n, C) of the loss and V their sum.

    One-hot targets give the familiar ``w_y (p - 1)`` at the target and ``w_y p`` elsewhere. For a p above 1/2 it is
    taken as ``(V - v) - V (1 - p)``, which keeps the digits of 1 - p when p is near 1.
    """
    factors = masses(scores, targets, class_weights, label_smoothing)
    total = sum_classes(factors)
    out = scores.probs() * total[:, None] - factors
    left = scores.rest_prob()
    sure = np.flatnonzero(left < 0.5)
    top = scores.top()[sure]
    others = factors[sure]
    others[np.arange(len(sure)), top] = 0.0
    out[sure, top] = sum_classes(others) - total[sure] * left[sure]
    return out
