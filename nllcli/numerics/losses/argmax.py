"""The surprisal of the prediction: -log of the largest p, whatever the target; only its weight is the target's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.kernels import weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal


def value(
    surprisal: Surprisal, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None, _smoothing: float
) -> NDArray[np.float64]:
    """The loss of each sample (n,), in nats."""
    return weigh(surprisal.at(surprisal.top()), class_weights, targets)


def masses(
    surprisal: Surprisal, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None, _smoothing: float
) -> NDArray[np.float64]:
    """The factor of each class's surprisal in the loss: (n, C)."""
    factors = np.zeros((len(targets), surprisal.n_classes))
    factors[np.arange(len(targets)), surprisal.top()] += 1.0 if class_weights is None else class_weights[targets]
    return factors
