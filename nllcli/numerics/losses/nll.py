"""The negative log-likelihood, as ``torch.nn.functional.cross_entropy`` defines it.

Class indices y, smoothing e: ``(1 - e) w_y (-log p_y) + e / C * sum_c w_c (-log p_c)``. Class probabilities q:
``sum_c w_c q'_c (-log p_c)`` with ``q' = (1 - e) q + e / C``. A weight of 0 times an infinite surprisal is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import product, sum_classes, weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal


def value(
    surprisal: Surprisal,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,
) -> NDArray[np.float64]:
    """The loss of each sample (n,), in nats."""
    if targets.ndim == 2:
        return sum_classes(product(soft_masses(targets, class_weights, label_smoothing), surprisal.all()))
    if label_smoothing == 0.0:
        return weigh(surprisal.at(targets), class_weights, targets)
    own = weigh(surprisal.in_all(targets), class_weights, targets)
    everywhere = surprisal.spread(class_weights)
    # A weight of exactly 0 takes its term out, as everywhere: smoothing of 1 must not turn inf into NaN.
    with np.errstate(invalid="ignore"):
        return product(1.0 - label_smoothing, own) + label_smoothing / surprisal.n_classes * everywhere


def masses(
    surprisal: Surprisal, targets: NDArray[Any], class_weights: NDArray[np.float64] | None, label_smoothing: float
) -> NDArray[np.float64]:
    """The factor of each class's surprisal in the loss: (n, C)."""
    if targets.ndim == 2:
        return soft_masses(targets, class_weights, label_smoothing)
    n, n_classes = len(targets), surprisal.n_classes
    factors = np.zeros((n, n_classes))
    if label_smoothing:
        factors += label_smoothing / n_classes * (1.0 if class_weights is None else class_weights)
    own = 1.0 if class_weights is None else class_weights[targets]
    factors[np.arange(n), targets] += (1.0 - label_smoothing) * own
    return factors


def soft_masses(
    targets: NDArray[Any], class_weights: NDArray[np.float64] | None, label_smoothing: float
) -> NDArray[np.float64]:
    """The factor of each class's surprisal under soft ``targets`` (n, C): ``w_c ((1 - e) q_c + e / C)``."""
    factors = targets.astype(np.float64)
    if label_smoothing:
        factors = (1.0 - label_smoothing) * factors + label_smoothing / targets.shape[1]
    return factors if class_weights is None else factors * class_weights
