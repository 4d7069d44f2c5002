"""Class weights: given, or derived from counts by a scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.settings import DEFAULT_SCHEME
from nllcli.errors import UsageError, setting
from nllcli.inputs.counting import counts_of
from nllcli.inputs.vectors import read_vector
from nllcli.numerics.schemes import beta_of
from nllcli.numerics.targets import counted_targets
from nllcli.numerics.weightings import class_weights
from nllcli.report import shortest
from nllcli.scoring.passes import naming_places, open_again, raw_targets
from nllcli.scoring.settled import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_COUNTING = setting("counts", "targets")


def class_weights_of(request: ScoreRequest, dataset: Dataset) -> tuple[NDArray[np.float64] | None, str]:
    """The weights (n_classes,) and their name in the signature."""
    wanted = request.weights
    if wanted.weights is not None:
        weights = _one_a_class(wanted.weights, "weights", dataset)
        return weights, listed(weights)
    if wanted.counts is None:
        return None, "none"
    if wanted.counts == "targets":
        counts, source = _count(request, dataset), "targets"
    else:
        counts = given_counts(wanted.counts, dataset)
        source = listed(counts.astype(np.float64))
    scheme = wanted.scheme or DEFAULT_SCHEME
    weights = class_weights(
        counts,
        scheme=scheme,
        normalize=wanted.normalize,
        beta=wanted.beta,
        zero_count=wanted.zero_count,
        class_names=dataset.class_names,
    )
    beta = beta_of(scheme, wanted.beta)
    parts = [scheme, None if beta is None else shortest(beta), wanted.normalize, "of", source]
    return weights, "-".join(part for part in parts if part)


def given_counts(counts: str, dataset: Dataset) -> NDArray[np.int64]:
    """Counts as given, one a class, in the order of the classes."""
    return _one_a_class(counts, "counts", dataset, integers=True)


def _one_a_class(given: str, name: str, dataset: Dataset, *, integers: bool = False) -> NDArray[Any]:
    """The numbers given for the setting ``name`` in the order of the classes (n_classes,), float64 or int64."""
    what = setting(name)
    values = read_vector(given, what=what, integers=integers).in_order_of(dataset.class_names, what=what)
    if len(values) != dataset.n_classes:
        raise UsageError(f"{what} gives {len(values)} {name} for {dataset.n_classes} classes")
    return values


def _count(request: ScoreRequest, dataset: Dataset) -> NDArray[np.int64]:
    """Count the classes among the targets; where they come with the logits, in a pass over inputs opened anew."""
    if dataset.soft_targets is not None:
        raise UsageError(f"{_COUNTING} needs class indices; the targets are class probabilities")
    if dataset.logits.labels:
        dataset = open_again(request.inputs, f"{_COUNTING} reads the targets among the logits first")
    elif dataset.targets is None:
        raise UsageError(f"{_COUNTING} counts the targets, and there are none")
    ignore_index, n_classes = request.loss.ignore_index, dataset.n_classes
    with naming_places(dataset):
        targets = (counted_targets(values, ignore_index, n_classes, at) for at, values in raw_targets(dataset))
        return counts_of(targets, n_classes)
