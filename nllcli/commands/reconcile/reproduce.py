"""A convention as settings of the commands that compute it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.convention import Convention, Pairing
from nllcli.commands.reconcile.conventions import pairings, units
from nllcli.commands.reconcile.conventions.batches import PARTS
from nllcli.commands.reconcile.conventions.readings import SOFTMAX_TWICE, reading_of
from nllcli.commands.reconcile.conventions.reductions import PAIRS
from nllcli.commands.reconcile.conventions.samples import EACH
from nllcli.commands.reconcile.conventions.weights import FORMULAS, is_counted
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, InputOptions, LossOptions, WeightOptions
from nllcli.errors import setting
from nllcli.inputs.bytes.urls import shown_url
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.schemes import ABOUT
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_DEFAULTS = {f.name: f.default for record in (InputOptions, LossOptions, WeightOptions) for f in fields(record)}
# How the logits are read, and which target belongs to which sample.
_READING = ("columns", "drop", "input_format", "input_dtype", "header", "decimal", "encoding")
_PAIRING = ("target_column", "id", "targets_are", "missing")
_MOST_LISTED = 20
# What holds of a file, and not of that of its probabilities.
_OF_ITS_OWN = ("target_column", "id", "missing", "decimal", "encoding")


@dataclass(frozen=True)
class Reproduction:
    """``commands`` with their settings, the last of which gives x, and a ``formula`` that makes the number of x.

    An empty formula is x. Where ``compute`` has no setting for the convention, ``commands`` is empty, and the formula
    is its definition.
    """

    commands: Mapping[str, Mapping[str, Any]]
    formula: str


def reproduction(
    convention: Convention,
    request: ScoreRequest,
    dataset: Dataset,
    *,
    divisor: float,
    empty_classes: bool,
    weights: NDArray[np.float64] | None,
    one_hot: bool,
) -> Reproduction:
    """How ``nll`` computes ``convention`` of the inputs of ``request``.

    ``divisor`` divides the sum where no setting does; ``empty_classes`` says that a class has no counted samples;
    ``weights`` (n_classes,) are the convention's, which are listed where no scheme gives them; ``one_hot`` says that
    the targets in the file are.
    """
    definition = _definition(convention, request, dataset)
    if one_hot and _takes_classes(convention):
        definition = "; ".join(filter(None, ("the targets as class indices: targets.argmax(1)", definition)))
    if definition:
        return Reproduction({}, definition)
    inputs, loss, term, own_shape = request.inputs, request.loss, convention.term, dataset.logits.shape
    files: dict[str, Any] = {
        # Softmax, which knows no targets, may find another axis of classes than the loss: both commands name it.
        "class_axis": inputs.class_axis if dataset.binary or len(own_shape) <= 2 else dataset.layout.array_axis,
        "binary": inputs.binary,
        "classes": inputs.classes,
        **{name: getattr(inputs, name) for name in _READING},
    }
    logits = own = shown_url(inputs.logits)
    commands = {}
    if term.reading == SOFTMAX_TWICE:
        # CSV keeps the names of the classes.
        by_name = len(own_shape) == 2 and dataset.class_names is not None
        logits = f"softmax-of-{Path(own).stem}.{'csv' if by_name else 'npy'}"
        commands["softmax"] = {"logits": own, **files, "temperature": term.temperature, "output": logits}
        read = {"class_axis": files["class_axis"], "classes": inputs.classes}
        if by_name and inputs.header == "yes":  # of names that look like numbers
            read["header"] = "yes"
    else:
        read = {**files, "source": term.reading, "temperature": term.temperature}
    commands["compute"] = {
        "logits": logits,
        "targets": inputs.targets,
        **{name: getattr(inputs, name) for name in _PAIRING},
        **read,
        "shift": term.pairing.shift,
        "ignore_index": convention.ignore_index,
        **_weights(convention, request, empty_classes, weights),
        "sample_weights": inputs.sample_weights if convention.sample_weights else None,
        "loss": term.loss,
        "label_smoothing": term.smoothing,
        "clip": term.clip,
        "reduction": "mean" if convention.reduction == "mean" else "sum",
        "precision": loss.precision,
        "on_nonfinite": loss.on_nonfinite,
    }
    changed = {
        command: {name: _shown(value) for name, value in settings.items() if value not in (None, _DEFAULTS.get(name))}
        for command, settings in commands.items()
    }
    return Reproduction(changed, _formula(convention, divisor))


def _shown(value: Any) -> Any:
    """A setting as a report shows it: an address, without what may be a secret."""
    return shown_url(value) if isinstance(value, str) else value


def _weights(
    convention: Convention, request: ScoreRequest, empty_classes: bool, weights: NDArray[np.float64] | None
) -> dict[str, Any]:
    weighting, given = convention.weighting, request.weights
    if weighting.name == "none":
        return {}
    if weighting.name in FORMULAS and weights is not None:
        return {"weights": ",".join(map(shortest, weights.tolist()))}
    if weighting.name == "given":
        return {"weights": given.weights}
    return {
        "counts": given.counts if weighting.counts == "given" else "targets",
        "scheme": weighting.name,
        "normalize": None if weighting.normalize == ABOUT[weighting.name].normalize else weighting.normalize,
        "beta": weighting.beta,
        "zero_count": "zero" if empty_classes else "error",
    }


def _definition(convention: Convention, request: ScoreRequest, dataset: Dataset) -> str:
    """What the convention does that ``nll compute`` does not; l is a sample's loss, w its weight."""
    term = convention.term
    own = any(getattr(request.inputs, name) != _DEFAULTS[name] for name in _OF_ITS_OWN)
    if term.reading == SOFTMAX_TWICE and own:
        written = setting("save_probs")
        return f"the loss of the probabilities that {written} writes, as logits, with the targets in a file"
    parts = (
        reading_of(term.reading).definition.format(axis=term.reading.partition(":")[2]),
        pairings.definition(convention),
        _of_samples(convention),
        _of_listed(convention, dataset),
        _of_parts(convention),
    )
    return "; ".join(filter(None, parts))


def _takes_classes(convention: Convention) -> bool:
    """Whether ``nll compute`` would take one-hot targets otherwise than class indices, or refuse them."""
    is_weighted = convention.weighting.name != "none" and convention.reduction == "mean"
    is_ignoring = convention.ignore_index != DEFAULT_IGNORE_INDEX
    is_other = convention.term.pairing != Pairing() or not LOSSES[convention.term.loss].takes_soft
    return is_weighted or is_ignoring or is_other or is_counted(convention.weighting)


def _of_samples(convention: Convention) -> str:
    """What is done to each sample's loss."""
    term = convention.term
    if term.input_rounding is not None:
        return f"round the inputs to {term.input_rounding} before the softmax"
    if term.loss_rounding is not None:
        return f"round each l to {term.loss_rounding} before the reduction"
    if term.added is not None:
        return f"l = -log(p + {shortest(term.added)}), p the target's probability"
    if convention.own_weight_smoothing:
        return f"l = (1 - e) (-log p_y) + e / C sum of -log p_c, times the target's w; e = {shortest(term.smoothing)}"
    if term.less_entropy:
        return f"subtract the entropy of the targets from each l; label smoothing {shortest(term.smoothing)}"
    if term.z_loss:
        return f"add {shortest(term.z_loss)} times the square of the row's logsumexp to each l"
    return EACH[term.each].definition if term.each else ""


def _of_parts(convention: Convention) -> str:
    """What numbers that are made of parts of the samples are."""
    if convention.reduction == PAIRS:
        return "mean of -log p_i of y_j over all pairs of a sample i and a target y_j"
    part = PARTS.get(convention.reduction)
    return "" if part is None else part.definition.format(n=convention.n, at=convention.at)


def _of_listed(convention: Convention, dataset: Dataset) -> str:
    """Weights that are too many to list."""
    name = convention.weighting.name
    if name in FORMULAS and dataset.n_classes > _MOST_LISTED:
        return f"weights {FORMULAS[name].text}, from a file"
    return ""


def _formula(convention: Convention, divisor: float) -> str:
    """What remains to be done with x, the loss that the command prints; empty where nothing does."""
    x = "x" if convention.reduction in ("mean", "sum") else f"x / {shortest(divisor)}"
    formula = units.formula(convention, x)
    return "" if formula == "x" else formula
