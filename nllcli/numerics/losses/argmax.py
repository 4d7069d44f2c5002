"""The surprisal of the prediction: -log of the largest p, whatever the target; only its weight is the target's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.numerics.losses.masses import one_class, weigh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal


def value(
    surprisal: Surprisal,
    targets: NDArray[np.int64],
    class_weights: NDArray[np.float64] | None = None,
    label_smoothing: float = 0.0,  # noqa: ARG001 - this loss has none
) -> NDArray[np.float64]:
    """The loss of each sample (n,), in nats."""
    return weigh(surprisal.at(surprisal.top()), class_weights, targets)


def masses(
    surprisal: Surprisal,
    targets: NDArray[np.int64],
    class_weights: NDArray[np.float64] | None,
    label_smoothing: float,  # noqa: ARG001 - this loss has none
) -> NDArray[np.float64]:
    """The factor of each class's surprisal in the loss: (n, C)."""
    return one_class(surprisal.top(), targets, class_weights, surprisal.n_classes)
