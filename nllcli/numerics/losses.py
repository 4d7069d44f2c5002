"""The losses: one value a sample, in nats, from the surprisals -log p of a block.

A loss is a function ``(surprisal, targets, class_weights, label_smoothing) -> (n,) float64``; ``targets`` are class
indices (n,) or class probabilities (n, C), ``class_weights`` is (C,) or None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels.layout import pick, sum_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal.surprisal import Surprisal


def nll(
    surprisal: Surprisal,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,
) -> NDArray[np.float64]:
    """The negative log-likelihood, as ``torch.nn.functional.cross_entropy`` defines it.

    Class indices y, smoothing e: ``(1 - e) w_y (-log p_y) + e / C * sum_c w_c (-log p_c)``. Class probabilities q:
    ``sum_c w_c q'_c (-log p_c)`` with ``q' = (1 - e) q + e / C``. A weight of 0 times an infinite surprisal is 0.
    """
    if targets.ndim == 2:
        return _cross_entropy(surprisal, targets, class_weights, label_smoothing)
    if label_smoothing == 0.0:
        return weigh(surprisal.at(targets), class_weights, targets)
    spread = surprisal.all()
    own = weigh(pick(spread, targets), class_weights, targets)
    n_classes = spread.shape[1]
    everywhere = spread if class_weights is None else product(class_weights, spread)
    # A weight of exactly 0 takes its term out, as everywhere: smoothing of 1 must not turn inf into NaN.
    with np.errstate(invalid="ignore"):
        return product(1.0 - label_smoothing, own) + label_smoothing / n_classes * sum_classes(everywhere)


def argmax(
    surprisal: Surprisal,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,  # noqa: ARG001 - refused before it comes here
) -> NDArray[np.float64]:
    """The surprisal of the prediction: -log of the largest p, whatever the target; only its weight is the target's."""
    return weigh(surprisal.at(surprisal.top()), class_weights, targets)


def one_vs_rest(
    surprisal: Surprisal,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,  # noqa: ARG001 - refused before it comes here
) -> NDArray[np.float64]:
    """``w_y (-log p_y - sum over k != y of log(1 - p_k))``: each class scored as a yes-or-no question."""
    others = surprisal.complement()
    others[np.arange(len(targets)), targets] = 0.0
    return weigh(surprisal.at(targets) + sum_classes(others), class_weights, targets)


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


def _cross_entropy(
    surprisal: Surprisal,
    targets: NDArray[Any],
    class_weights: NDArray[np.float64] | None,
    label_smoothing: float,
) -> NDArray[np.float64]:
    return sum_classes(product(class_masses(targets, class_weights, label_smoothing), surprisal.all()))


def class_masses(
    targets: NDArray[Any], class_weights: NDArray[np.float64] | None, label_smoothing: float
) -> NDArray[np.float64]:
    """The factor of each class's surprisal under soft ``targets`` (n, C): ``w_c ((1 - e) q_c + e / C)``."""
    masses = targets.astype(np.float64)
    if label_smoothing:
        masses = (1.0 - label_smoothing) * masses + label_smoothing / targets.shape[1]
    return masses if class_weights is None else masses * class_weights
