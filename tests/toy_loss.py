"""A loss of the simplest kind: twice the negative log-likelihood."""

from nllcli.numerics.losses import LOSSES


def value(surprisal, targets, class_weights=None, label_smoothing=0.0):  # noqa: ARG001 - this loss has none
    return 2.0 * surprisal.at(targets) * (1.0 if class_weights is None else class_weights[targets])


def gradient(surprisal, targets, class_weights=None, label_smoothing=0.0):
    return 2.0 * LOSSES["nll"].gradient(surprisal, targets, class_weights, label_smoothing)


def uniform(yes, no, n_classes):  # noqa: ARG001 - the same for every loss
    return 2.0 * yes
