"""A convention as the command line that computes it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention, Term
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.schemes import ABOUT
from nllcli.scoring.signature import plain

if TYPE_CHECKING:
    from nllcli.data.settings import ScoreRequest


@dataclass(frozen=True)
class Reproduction:
    """``command`` computes x, and ``formula`` makes the convention's number of it (empty: x it is).

    Where ``nll compute`` has no option for the convention, ``command`` is None and ``formula`` its definition.
    """

    command: str | None
    formula: str = ""


def reproduction(
    convention: Convention,
    request: ScoreRequest,
    *,
    divisor: float,
    by_name: bool,
    classes: str | None,
    empty_classes: bool,
    class_axis: int | None,
) -> Reproduction:
    """How ``nll`` computes ``convention`` of the inputs of ``request``.

    ``divisor`` divides the sum where no option does, ``by_name`` says that a table's columns name the classes,
    ``classes`` is the user's own --classes, ``class_axis`` is named in every command
    (None: it goes without saying).
    """
    # Of the softmax, which knows no targets, the axis of the classes would be another than of the loss.
    request = replace(request, inputs=replace(request.inputs, class_axis=class_axis))
    term = convention.term
    beyond = _definition(convention)
    if term.reading == SOFTMAX_TWICE and request.inputs.target_column is not None:
        # The file of the probabilities has no column of targets.
        beyond = "the loss of the probabilities that --save-probs writes, as logits, with the targets in a file"
    if beyond:
        return Reproduction(None, beyond)
    inputs = request.inputs
    logits = inputs.logits
    first = ""
    if term.reading == SOFTMAX_TWICE:
        first, logits = _softmax(request, term, classes, by_name)
    words = ["nll", "compute", logits]
    words += [] if inputs.targets is None else [inputs.targets]
    words += _option("--target-column", inputs.target_column)
    words += _reading_options(request, convention, classes)
    words += _weight_options(request, convention, empty_classes)
    if convention.sample_weights:
        words += _option("--sample-weights", inputs.sample_weights)
    words += _loss_options(convention)
    words += _option("--precision", None if request.loss.precision == "exact" else request.loss.precision)
    words += _option("--on-nonfinite", None if request.loss.on_nonfinite == "error" else request.loss.on_nonfinite)
    return Reproduction(first + shlex.join(words), _formula(convention, divisor))


def _definition(convention: Convention) -> str:
    """What the convention does that ``nll compute`` does not; l is a sample's loss, w its weight."""
    term = convention.term
    if convention.batch:
        return _OF_BATCHES[convention.reduction].format(n=convention.batch)
    if term.input_rounding is not None:
        return f"round the inputs to {term.input_rounding} before the softmax"
    if term.loss_rounding is not None:
        return f"round each l to {term.loss_rounding} before the reduction"
    if term.added is not None:
        return f"l = -log(p + {plain(term.added)}), p the target's probability"
    if convention.own_weight_smoothing:
        return f"l = (1 - e) (-log p_y) + e / C sum of -log p_c, times the target's w; e = {plain(term.smoothing)}"
    return ""


_OF_BATCHES = {
    "batch-means": "mean of m_b = sum(w l) / sum(w) over each batch b of {n} samples in file order",
    "full-batch-means": "mean of m_b = sum(w l) / sum(w) over each whole batch b of {n} samples in file order",
    "batch-means-by-size": "sum(n_b m_b) / n, m_b = sum(w l) / sum(w) over each batch b of {n} samples in file order",
    "full-batches": "sum(w l) / sum(w) over the largest multiple of {n} samples, in file order",
}


def _softmax(request: ScoreRequest, term: Term, classes: str | None, by_name: bool) -> tuple[str, str]:
    """The command that applies softmax once, and where its result is: CSV keeps the names of the classes."""
    words = ["nll", "softmax", request.inputs.logits, *_file_options(request, classes)]
    words += _option("--temperature", None if term.temperature == 1.0 else plain(term.temperature))
    result = f"softmax-of-{Path(request.inputs.logits).stem}.{'csv' if by_name else 'npy'}"
    return f"{shlex.join([*words, '-o', result])} && ", result


def _file_options(request: ScoreRequest, classes: str | None) -> list[str]:
    inputs = request.inputs
    words = _option("--class-axis", None if inputs.class_axis is None else str(inputs.class_axis))
    words += ["--binary"] if inputs.binary else []
    words += _option("--classes", classes)
    words += _option("--input-format", inputs.input_format)
    words += _option("--input-dtype", inputs.input_dtype)
    words += _option("--header", None if inputs.header == "auto" else inputs.header)
    return words


def _reading_options(request: ScoreRequest, convention: Convention, classes: str | None) -> list[str]:
    term, inputs = convention.term, request.inputs
    if term.reading == SOFTMAX_TWICE:  # the probabilities lie in a file of their own, scored as logits
        words = _option("--class-axis", None if inputs.class_axis is None else str(inputs.class_axis))
        words += _option("--classes", classes)
    else:
        words = _file_options(request, classes)
        words += _option("--from", None if term.reading == "logits" else term.reading)
        words += _option("--temperature", None if term.temperature == 1.0 else plain(term.temperature))
    words += _option("--shift", str(term.shift) if term.shift else None)
    ignored = convention.ignore_index
    return words + _option("--ignore-index", None if ignored == DEFAULT_IGNORE_INDEX else str(ignored))


def _weight_options(request: ScoreRequest, convention: Convention, empty_classes: bool) -> list[str]:
    weighting, wanted = convention.weighting, request.weights
    if weighting.name == "none":
        return []
    if weighting.name == "given" and wanted.weights is not None:
        return _option("--weights", wanted.weights)
    counts = wanted.counts if weighting.counts == "given" else "targets"
    words = [*_option("--counts", counts), "--scheme", weighting.name]
    if weighting.normalize != ABOUT[weighting.name].normalize:
        words += _option("--normalize", weighting.normalize)
    words += _option("--beta", None if weighting.beta is None else plain(weighting.beta))
    return words + (["--zero-count", "zero"] if empty_classes else [])


def _loss_options(convention: Convention) -> list[str]:
    term = convention.term
    words = _option("--loss", None if term.loss == "nll" else term.loss)
    words += _option("--label-smoothing", plain(term.smoothing) if term.smoothing else None)
    words += _option("--clip", None if term.clip is None else plain(term.clip))
    return words + ([] if convention.reduction == "mean" else ["--reduction", "sum"])


def _option(name: str, value: str | None) -> list[str]:
    """An option with its value; in one word where the value could be taken for an option."""
    if value is None:
        return []
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _formula(convention: Convention, divisor: float) -> str:
    """What remains to be done with x, the loss that the command prints; empty where nothing does."""
    formula = "x"
    if convention.reduction not in ("mean", "sum"):
        formula += f" / {plain(divisor)}"
    if convention.unit == "perplexity":
        formula = f"exp({formula})"
    elif convention.unit != "nats":
        formula += f" / ln({'2' if convention.unit == 'bits' else '10'})"
    if convention.result_rounding is not None:
        formula = f"{convention.result_rounding}({formula})"
    if convention.negative:
        formula = f"-{formula}"
    return "" if formula == "x" else formula
