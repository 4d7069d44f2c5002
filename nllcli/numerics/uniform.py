"""The loss of calling all classes equally likely, to hold a loss against."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nllcli.numerics.losses import Loss


def uniform_loss(n_classes: int, *, loss: Loss, clip: float | None) -> float:
    """The mean loss where every p is 1/C, for class indices, or for class probabilities that sum to 1.

    The weights of samples and of their targets cancel in the mean.

    Parameters
    ----------
    n_classes : int
        C, at least 1.
    loss : Loss
    clip : float or None
        eps: p is then what is nearest to 1/C in [eps, 1-eps].

    Returns
    -------
    float
        In nats.
    """
    low, high = (0.0, math.inf) if clip is None else (-math.log1p(-clip), -math.log(clip))

    def clipped(surprisal: float) -> float:
        return min(max(surprisal, low), high)

    no = math.inf if n_classes == 1 else -math.log1p(-1.0 / n_classes)
    return loss.uniform(clipped(math.log(n_classes)), clipped(no), n_classes)
