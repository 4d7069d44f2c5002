"""A loss that the program does not have, the Brier score: ``w_y sum over k of (p_k - [k = y])**2``."""

import numpy as np

from nllcli.numerics.kernels import weigh


def value(surprisal, targets, class_weights, _smoothing):
    return weigh((_off(surprisal, targets) ** 2).sum(axis=1), class_weights, targets)


def gradient(surprisal, targets, class_weights, _smoothing):
    p, off = surprisal.probs(), _off(surprisal, targets)
    out = 2.0 * p * (off - (p * off).sum(axis=1, keepdims=True))
    return out if class_weights is None else out * class_weights[targets][:, None]


def uniform(yes, _no, n_classes):
    p = np.exp(-yes)
    return (1.0 - p) ** 2 + (n_classes - 1) * p**2


def _off(surprisal, targets):
    return surprisal.probs() - np.eye(surprisal.n_classes)[targets]
