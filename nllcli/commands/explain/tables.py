"""The tables of an explanation: softmax, what makes up the loss, gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.explain.sample import one_hot
from nllcli.commands.explain.worked import total
from nllcli.report import Column, Columns, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nllcli.commands.explain.sample import Explanation

NEARLY = 1e-6  # soft targets in single precision add up to 1 no better than this


def softmax_table(explanation: Explanation) -> Table:
    """The step from what the file holds to the probabilities."""
    worked, options = explanation.worked, explanation.setting.options
    columns: Columns = []
    title = "Softmax" if options.source == "logits" else "Probabilities"
    if worked.softmax is not None and options.source != "logits":
        title = "Softmax of log p / T"
        if options.source == "probs":
            columns.append((Column("given", "given p", "probability"), _summed(explanation, worked.given)))
    if worked.logits is not None:
        label = "logit" if options.source == "logits" else "log p"
        columns.append((Column("logit", label), _each(explanation, worked.logits)))
    if worked.softmax is not None:
        shifted = "- max" if options.temperature == 1.0 else "(- max) / T"
        columns.append((Column("shifted", shifted, optional=True), _each(explanation, worked.softmax.shifted)))
        powers = _summed(explanation, worked.softmax.exponentials, worked.softmax.total)
        columns.append((Column("exponential", "exp"), powers))
    if options.source == "log-probs" and worked.softmax is None:
        columns.append((Column("log_prob", "log p"), _each(explanation, 0.0 - worked.unclipped)))
    label = "p" if options.clip is None else "p, clipped"
    probs = worked.probs
    columns.append((Column("probability", label, "probability"), _summed(explanation, probs)))
    columns.append((Column("bar", "", "bar", optional=True), _each(explanation, probs)))
    return _table(explanation, "softmax", title, columns)


def shares_table(explanation: Explanation) -> Table:
    """-log p of every class times its share in the loss."""
    worked, weights = explanation.worked, explanation.setting.options.class_weights
    columns: Columns = [
        (Column("target", "target", optional=weights is not None), _summed(explanation, explanation.smoothed_targets))
    ]
    if weights is not None:
        assert worked.shares is not None
        columns.append((Column("weight", "weight", optional=True), _each(explanation, weights)))
        columns.append((Column("share", "share"), _summed(explanation, worked.shares)))
    columns.append((Column("surprisal", "-log p"), _each(explanation, worked.surprisals)))
    columns.append((Column("term", "product"), _summed(explanation, explanation.terms)))
    title = "Each class: target × -log p" if weights is None else "Each class: share × -log p, share = weight × target"
    return _table(explanation, "terms", title, columns)


def one_vs_rest_table(explanation: Explanation) -> Table:
    """Every class as a yes-or-no question."""
    worked = explanation.worked
    surprisals = np.where(np.arange(worked.n_classes) == worked.target, worked.surprisals, worked.complements)
    answers = ["yes" if c == worked.target else "no" for c in explanation.listed]
    columns: Columns = [
        (Column("answer", "is it?", "text"), _cells(explanation, answers, "no")),
        (Column("right", "p(right)", "probability"), _each(explanation, np.exp(-surprisals))),
        (Column("term", "-log"), _summed(explanation, surprisals)),
    ]
    return _table(explanation, "questions", "Every class is a yes-or-no question", columns)


def gradient_table(explanation: Explanation) -> Table:
    """The slope of the loss by each logit: p minus the target, times the weight, over T."""
    worked, options = explanation.worked, explanation.setting.options
    columns: Columns = [(Column("probability", "p", "probability"), _summed(explanation, worked.probs))]
    shares = worked.shares
    if shares is not None:
        asked, scored = _asked(explanation), explanation.scored_class
        if scored is not None:  # whatever its class weighs, 0 included
            shares = one_hot(worked.n_classes, scored)
        elif _balanced(explanation, shares):
            shares = shares / total(shares)
        columns.append((Column(asked, asked), _summed(explanation, shares)))
    gradient = worked.gradient
    assert gradient is not None
    # A constant added to all logits changes no p, so the slopes cancel; a sigmoid has one logit, and one slope.
    slopes = _summed(explanation, gradient, np.nan if options.binary else 0.0)
    columns.append((Column("gradient", "gradient"), ["" if np.isnan(slope) else slope for slope in slopes]))
    pushes = (_push(float(gradient[c])) for c in explanation.listed)
    columns.append((Column("push", "", "text", optional=True), _cells(explanation, pushes)))
    # The mean divides the loss, and nll grad the gradient with it.
    alone = explanation.setting.denominator in (None, 1.0)
    note = "" if alone else "of this sample's loss; nll grad divides it as the mean divides the loss"
    return _table(explanation, "gradient", _gradient_title(explanation), columns, note)


def _asked(explanation: Explanation) -> str:
    """The name of what is subtracted from p."""
    if explanation.spread and explanation.setting.options.class_weights is not None:
        return "share"
    return "predicted" if explanation.loss.scores == "prediction" else "target"


def _balanced(explanation: Explanation, shares: NDArray[np.float64]) -> bool:
    """Whether what is subtracted from p adds up to 1, as p does, apart from a weight that all classes share."""
    weights = explanation.setting.options.class_weights
    return not explanation.spread or (weights is None and abs(total(shares) - 1.0) < NEARLY)


def _push(slope: float) -> str:
    """Where gradient descent moves the logit: against its gradient."""
    if slope == 0.0 or np.isnan(slope):
        return ""
    return "push up" if slope < 0.0 else "push down"


def _gradient_title(explanation: Explanation) -> str:
    worked, options = explanation.worked, explanation.setting.options
    if worked.shares is None:
        return "Gradient"
    asked = _asked(explanation)
    formula = f"p - {asked}" if _balanced(explanation, worked.shares) else f"p × sum of {asked}s - {asked}"
    factors = [] if worked.sample_weight is None else ["sample weight"]
    if options.class_weights is not None and not explanation.spread:
        factors.append("class weight")
    if factors or options.temperature != 1.0:
        formula = " × ".join([*factors, f"({formula})"])
    return f"Gradient: {formula}" + (" / T" if options.temperature != 1.0 else "")


def _table(explanation: Explanation, key: str, title: str, columns: Columns, note: str = "") -> Table:
    """A table whose first column names the classes, the others in one line, and the sum."""
    target, n_others = explanation.worked.target, explanation.n_others
    names = (explanation.name(c) + (" (target)" if c == target else "") for c in explanation.listed)
    labels = _cells(explanation, names, f"{n_others:,} other{'s' if n_others > 1 else ''}", "sum")
    return Table.of(key, title, [(Column("class", "class", "text"), labels), *columns], note)


def _cells(explanation: Explanation, listed: Iterable[Any], others: Any = "", whole: Any = "") -> list[Any]:
    """A column: a cell for each listed class, one for the others where there are any, and one for all."""
    return [*listed, *([others] if explanation.n_others else []), whole]


def _each(explanation: Explanation, values: NDArray[np.float64]) -> list[Any]:
    """A column that is not added up."""
    return _cells(explanation, values[explanation.listed].tolist())


def _summed(explanation: Explanation, values: NDArray[np.float64], whole: float | None = None) -> list[Any]:
    """A column that adds up."""
    others, whole = explanation.total_of_others(values), total(values) if whole is None else whole
    return _cells(explanation, values[explanation.listed].tolist(), others, whole)
