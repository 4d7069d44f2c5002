"""Class weights: given, or derived from counts by a scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.settings import DEFAULT_SCHEME
from nllcli.errors import UsageError, setting
from nllcli.inputs.counting import counts_of
from nllcli.inputs.vectors import read_vector
from nllcli.numerics.schemes import beta_of
from nllcli.numerics.weightings import class_weights
from nllcli.scoring.passes import open_again, targets_of
from nllcli.scoring.signature import listed, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_COUNTING = setting("counts", "targets")


def class_weights_of(request: ScoreRequest, dataset: Dataset) -> tuple[NDArray[np.float64] | None, str]:
    """The weights (n_classes,) and their name in the signature."""
    wanted = request.weights
    n_classes = dataset.n_classes
    if wanted.weights is not None:
        vector = read_vector(wanted.weights, what=setting("weights"))
        weights = vector.in_order_of(dataset.class_names, what=setting("weights"))
        _check_length(len(weights), n_classes, setting("weights"), "weights")
        return np.asarray(weights, np.float64), listed(weights)
    if wanted.counts is None:
        return None, "none"

    scheme = wanted.scheme or DEFAULT_SCHEME
    names = dataset.class_names
    counts = _count(request, dataset) if wanted.counts == "targets" else given_counts(wanted.counts, dataset, n_classes)
    weights = class_weights(
        counts,
        scheme=scheme,
        normalize=wanted.normalize,
        beta=wanted.beta,
        zero_count=wanted.zero_count,
        class_names=names,
    )
    beta = beta_of(scheme, wanted.beta)
    parts = [
        scheme,
        *([] if beta is None else [plain(beta)]),
        *([wanted.normalize] if wanted.normalize else []),
    ]
    of = "targets" if wanted.counts == "targets" else listed(np.asarray(counts, np.float64))
    return weights, f"{'-'.join(parts)}-of-{of}"


def given_counts(counts: str, dataset: Dataset, n_classes: int) -> Sequence[int]:
    """Counts as given, one a class, in the order of the classes."""
    vector = read_vector(counts, what=setting("counts"), integers=True)
    values: Sequence[int] = vector.in_order_of(dataset.class_names, what=setting("counts")).tolist()
    _check_length(len(values), n_classes, setting("counts"), "counts")
    return values


def _check_length(n: int, n_classes: int, what: str, noun: str) -> None:
    if n != n_classes:
        raise UsageError(f"{what} gives {n} {noun} for {n_classes} classes")


def _count(request: ScoreRequest, dataset: Dataset) -> Sequence[int]:
    """Count the classes among the targets; where they come with the logits, in a pass over inputs opened anew."""
    if dataset.soft_targets is not None:
        raise UsageError(f"{_COUNTING} needs class indices; the targets are class probabilities")
    if dataset.logits.labels:
        dataset = open_again(request.inputs, f"{_COUNTING} reads the targets among the logits first")
    elif dataset.targets is None:
        raise UsageError(f"{_COUNTING} counts the targets, and there are none")
    found = targets_of(dataset, request.loss.ignore_index, dataset.n_classes)
    counts: Sequence[int] = counts_of(found, dataset.n_classes).tolist()
    return counts
