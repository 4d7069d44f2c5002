"""A convention as settings of the commands that compute it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.convention import Convention, Pairing, Term
from nllcli.commands.reconcile.conventions import units
from nllcli.commands.reconcile.conventions.readings import SOFTMAX_TWICE, reading_of
from nllcli.commands.reconcile.conventions.reductions import DIVISORS
from nllcli.commands.reconcile.conventions.weights import FORMULAS, is_counted
from nllcli.commands.reconcile.facts import MOST_LISTED, Facts
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, InputOptions, LossOptions, WeightOptions
from nllcli.errors import setting
from nllcli.inputs.bytes.urls import shown_url
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.schemes import ABOUT
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.data.dataset import Dataset


_DEFAULTS = {f.name: f.default for record in (InputOptions, LossOptions, WeightOptions) for f in fields(record)}
# How the logits are read, and which target belongs to which sample.
_READING = ("columns", "drop", "input_format", "input_dtype", "header", "decimal", "encoding")
_PAIRING = ("target_column", "id", "targets_are", "missing")
# What holds of a file, and not of that of its probabilities.
_OF_ITS_OWN = ("target_column", "id", "missing", "decimal", "encoding")


@dataclass(frozen=True)
class Reproduction:
    """``commands`` with their settings, the last of which gives x, and a ``formula`` that makes the number of x.

    An empty formula is x. Where ``compute`` has no setting for the convention, ``commands`` is empty.
    """

    commands: Mapping[str, Mapping[str, Any]]
    formula: str


def reproduction(convention: Convention, facts: Facts) -> Reproduction:
    """How ``nll`` computes the convention."""
    request, dataset = facts.request, facts.dataset
    if not _is_computed(convention, facts):
        return Reproduction({}, "")
    if convention.term.reading == SOFTMAX_TWICE and not _has_one_file(facts):
        written = setting("save_probs")
        return Reproduction(
            {}, f"the loss of the probabilities that {written} writes, as logits, with the targets in a file"
        )
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
        made = {"temperature": term.temperature, "on_nonfinite": loss.on_nonfinite, "output": logits}
        commands["softmax"] = {"logits": own, **files, **made}
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
        **_weights(convention, facts),
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
    return Reproduction(changed, _formula(convention, facts.divisor))


def _shown(value: Any) -> Any:
    """A setting as a report shows it: an address, without what may be a secret."""
    return shown_url(value) if isinstance(value, str) else value


def _weights(convention: Convention, facts: Facts) -> dict[str, Any]:
    weighting, given = convention.weighting, facts.request.weights
    if weighting.name == "none":
        return {}
    if weighting.name in FORMULAS and facts.weights is not None:
        return {"weights": ",".join(map(shortest, facts.weights.tolist()))}
    if weighting.name == "given":
        return {"weights": given.weights}
    return {
        "counts": given.counts if weighting.counts == "given" else "targets",
        "scheme": weighting.name,
        "normalize": None if weighting.normalize == ABOUT[weighting.name].normalize else weighting.normalize,
        "beta": weighting.beta,
        "zero_count": "zero" if facts.empty_classes else "error",
    }


def _is_computed(convention: Convention, facts: Facts) -> bool:
    """Whether the settings of ``nll compute`` can say it."""
    term = convention.term
    plain = replace(term, less_entropy=False, z_loss=0.0, each="", added=None, input_rounding=None, loss_rounding=None)
    paired = Pairing(term.pairing.shift, change="soft" if term.pairing.change == "soft" else "")
    reading = reading_of(term.reading)
    return (
        term == plain
        and term.pairing == paired
        and (reading.made is None or term.reading == SOFTMAX_TWICE)
        and reading.whole is None
        and convention.reduction in DIVISORS
        and not convention.own_weight_smoothing
        and not (convention.weighting.name in FORMULAS and facts.dataset.n_classes > MOST_LISTED)
        and not (facts.probabilities and facts.one_hot and _takes_classes(convention))
        and not (len(facts.dataset.parts) > 1 and _crosses_files(term, facts.dataset))
    )


def _crosses_files(term: Term, dataset: Dataset) -> bool:
    """Whether several files would have to be one, to write probabilities or to shift samples across their ends."""
    return term.reading == SOFTMAX_TWICE or (term.pairing.shift != 0 and len(dataset.layout.sample_shape) == 1)


def _has_one_file(facts: Facts) -> bool:
    """Whether what is in a file of logits holds of one of its probabilities too."""
    is_two_columns = facts.dataset.binary and facts.probabilities
    return not is_two_columns and all(getattr(facts.request.inputs, name) == _DEFAULTS[name] for name in _OF_ITS_OWN)


def _takes_classes(convention: Convention) -> bool:
    """Whether ``nll compute`` would take one-hot targets otherwise than class indices, or refuse them."""
    is_weighted = convention.weighting.name != "none" and convention.reduction == "mean"
    is_ignoring = convention.ignore_index != DEFAULT_IGNORE_INDEX
    is_other = convention.term.pairing != Pairing() or not LOSSES[convention.term.loss].takes_soft
    return is_weighted or is_ignoring or is_other or is_counted(convention.weighting)


def _formula(convention: Convention, divisor: float) -> str:
    """What remains to be done with x, the loss that the command prints; empty where nothing does."""
    x = "x" if convention.reduction in ("mean", "sum") else f"x / {shortest(divisor)}"
    formula = units.formula(convention, x)
    return "" if formula == "x" else formula
