"""The loss of calling all classes equally likely, to hold a loss against."""

from __future__ import annotations

import math


def uniform_loss(n_classes: int, *, loss: str, clip: float | None) -> float:
    """The mean loss where every p is 1/C, for class indices, or for class probabilities that sum to 1.

    ``-log p`` for the losses nll and argmax, ``-log p - (C-1) log(1-p)`` for one-vs-rest, with p = 1/C or, clipped,
    what is nearest to that in [eps, 1-eps]. The weights of samples and of their targets cancel in the mean.

    Parameters
    ----------
    n_classes : int
        C, at least 1.
    loss : {"nll", "argmax", "one-vs-rest"}
    clip : float or None
        eps.

    Returns
    -------
    float
        In nats.
    """
    low, high = (0.0, math.inf) if clip is None else (-math.log1p(-clip), -math.log(clip))
    surprisal = min(max(math.log(n_classes), low), high)
    if loss != "one-vs-rest" or n_classes == 1:
        return surprisal
    return surprisal + (n_classes - 1) * min(max(-math.log1p(-1.0 / n_classes), low), high)
