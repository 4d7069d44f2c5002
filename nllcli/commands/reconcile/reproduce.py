"""A convention as settings of the commands that compute it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention
from nllcli.data.settings import InputOptions, LossOptions, WeightOptions
from nllcli.errors import setting
from nllcli.inputs.bytes.urls import shown_url
from nllcli.numerics.schemes import ABOUT
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_DEFAULTS = {f.name: f.default for record in (InputOptions, LossOptions, WeightOptions) for f in fields(record)}
# How the logits are read, and which target belongs to which sample.
_READING = ("columns", "drop", "input_format", "input_dtype", "header", "decimal", "encoding")
_PAIRING = ("target_column", "id", "targets_are", "missing")
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
    convention: Convention, request: ScoreRequest, dataset: Dataset, *, divisor: float, empty_classes: bool
) -> Reproduction:
    """How ``nll`` computes ``convention`` of the inputs of ``request``.

    ``divisor`` divides the sum where no setting does; ``empty_classes`` says that a class has no counted samples.
    """
    definition = _definition(convention, request)
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
        "shift": term.shift,
        "ignore_index": convention.ignore_index,
        **_weights(convention, request, empty_classes),
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


def _weights(convention: Convention, request: ScoreRequest, empty_classes: bool) -> dict[str, Any]:
    weighting, given = convention.weighting, request.weights
    if weighting.name == "none":
        return {}
    if weighting.name == "given":
        return {"weights": given.weights}
    return {
        "counts": given.counts if weighting.counts == "given" else "targets",
        "scheme": weighting.name,
        "normalize": None if weighting.normalize == ABOUT[weighting.name].normalize else weighting.normalize,
        "beta": weighting.beta,
        "zero_count": "zero" if empty_classes else "error",
    }


def _definition(convention: Convention, request: ScoreRequest) -> str:
    """What the convention does that ``nll compute`` does not; l is a sample's loss, w its weight."""
    term = convention.term
    own = any(getattr(request.inputs, name) != _DEFAULTS[name] for name in _OF_ITS_OWN)
    if term.reading == SOFTMAX_TWICE and own:
        written = setting("save_probs")
        return f"the loss of the probabilities that {written} writes, as logits, with the targets in a file"
    if convention.batch:
        return _OF_BATCHES[convention.reduction].format(n=convention.batch)
    if term.input_rounding is not None:
        return f"round the inputs to {term.input_rounding} before the softmax"
    if term.loss_rounding is not None:
        return f"round each l to {term.loss_rounding} before the reduction"
    if term.added is not None:
        return f"l = -log(p + {shortest(term.added)}), p the target's probability"
    if convention.own_weight_smoothing:
        return f"l = (1 - e) (-log p_y) + e / C sum of -log p_c, times the target's w; e = {shortest(term.smoothing)}"
    return ""


_OF_BATCHES = {
    "batch-means": "mean of m_b = sum(w l) / sum(w) over each batch b of {n} samples in file order",
    "full-batch-means": "mean of m_b = sum(w l) / sum(w) over each whole batch b of {n} samples in file order",
    "batch-means-by-size": "sum(n_b m_b) / n, m_b = sum(w l) / sum(w) over each batch b of {n} samples in file order",
    "full-batches": "sum(w l) / sum(w) over the largest multiple of {n} samples, in file order",
}


def _formula(convention: Convention, divisor: float) -> str:
    """What remains to be done with x, the loss that the command prints; empty where nothing does."""
    formula = "x"
    if convention.reduction not in ("mean", "sum"):
        formula += f" / {shortest(divisor)}"
    if convention.unit == "perplexity":
        formula = f"exp({formula})"
    elif convention.unit != "nats":
        formula += f" / ln({'2' if convention.unit == 'bits' else '10'})"
    if convention.result_rounding is not None:
        formula = f"{convention.result_rounding}({formula})"
    if convention.negative:
        formula = f"-{formula}"
    return "" if formula == "x" else formula
