"""How explained samples are shown: a record of each for programs, a page with a section of each for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.explain.steps import (
    closing_steps,
    one_vs_rest_step,
    shares_step,
    smoothing_steps,
    steps_of_one_class,
    sum_steps,
)
from nllcli.commands.explain.tables import gradient_table, one_vs_rest_table, shares_table, softmax_table
from nllcli.errors import setting
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.report import Calculation, Column, Metric, Report, Section, Step, Table, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.explain import Explained
    from nllcli.commands.explain.sample import Explanation

    Cells = dict[Column, Callable[[Explanation], Any]]  # what is in the cell of a column

_ROUNDED = "Numbers are rounded only for reading."
_DESCENT = "Gradient descent moves a logit against its gradient."


def report(explained: Explained) -> Report:
    """The explanations and the numbers of the whole input."""
    shared, explanations = explained.setting, explained.explanations
    metrics = {
        "loss_name": shared.options.loss,
        "reduction": shared.options.reduction,
        "unit": "nats",
        "loss": explained.loss,
        "loss_sum": shared.loss_sum,
        "denominator": shared.denominator,
        "n_samples": explained.n_samples,
        "n_classes": len(shared.names),
    }
    records = [[cell(explanation) for cell in _RECORD.values()] for explanation in explanations]
    return Report(
        "explain",
        explained.title,
        explained.signature,
        tuple(Metric(key, key, value, hidden=True) for key, value in metrics.items()),
        (Table("explanations", "", tuple(_RECORD), records, hidden=True),),
        explained.notices,
        explained.notes,
        kernel=kernel_name(),
        quiet=[explanation.worked.weighted_loss for explanation in explanations],
        sections=tuple(_sections(explained)),
    )


def _sections(explained: Explained) -> Iterator[Section]:
    explanations = explained.explanations
    if len(explanations) > 1:
        shared = explanations[0].share_of_loss is not None
        cells = {column: cell for column, cell in _GLANCE.items() if shared or column.key != "share"}
        rows = [[cell(explanation) for cell in cells.values()] for explanation in explanations]
        title = f"{len(rows):,} of {explained.n_samples:,} samples"
        yield Section("", (Table("overview", title, tuple(cells), rows),))
    yield from map(_section, explanations)
    if explanations:
        yield Section("", (), f"{_DESCENT} {_ROUNDED}" if any(map(_has_gradient, explanations)) else _ROUNDED)


def _has_gradient(explanation: Explanation) -> bool:
    return explanation.worked.usable and explanation.worked.counted and explanation.worked.has_gradient


def _section(explanation: Explanation) -> Section:
    """The softmax, the loss and the gradient of one sample, step by step."""
    reason = _why_no_loss(explanation)
    loss = [Calculation("Loss", (Step("this sample", (reason,)),))] if reason else _loss_parts(explanation)
    gradient = [gradient_table(explanation)] if _has_gradient(explanation) else []
    return Section(_title(explanation), (softmax_table(explanation), *loss, *gradient))


def _why_no_loss(explanation: Explanation) -> str:
    if explanation.shifted_out:
        return f"it has no target, as {setting('shift')} goes beyond its sequence: it does not count"
    if not explanation.worked.counted:
        return f"its target is {explanation.setting.options.ignore_index}, the ignored index: it does not count"
    nothing = "0" if explanation.setting.options.source == "probs" else "-inf"
    return "" if explanation.worked.usable else f"holds NaN, +inf or only {nothing}: its loss is NaN"


def _title(explanation: Explanation) -> str:
    row = f"Row {explanation.row}"
    if explanation.target_name is not None:
        return f"{row}, target {explanation.target_name}"
    return f"{row}, soft target" if explanation.worked.soft_target is not None else row


def _loss_parts(explanation: Explanation) -> list[Table | Calculation]:
    before, table = sum_steps(explanation), None
    if explanation.scored_class is not None:
        after = steps_of_one_class(explanation, explanation.scored_class)
    elif explanation.loss.asks_every_class:
        table, after = one_vs_rest_table(explanation), [one_vs_rest_step(explanation)]
    elif explanation.worked.shares is not None:
        before += smoothing_steps(explanation)
        table, after = shares_table(explanation), [shares_step(explanation)]
    else:
        after = [Step(f"loss, {explanation.loss.about}", (explanation.worked.loss, " nats"))]
    after += closing_steps(explanation)
    if table is None:
        return [Calculation("Loss", (*before, *after))]
    return [*([Calculation("Loss", tuple(before))] if before else []), table, Calculation("", tuple(after))]


def _logsumexp(explanation: Explanation) -> float | None:
    softmax, temperature = explanation.worked.softmax, explanation.setting.options.temperature
    return None if softmax is None else softmax.maximum / temperature + softmax.log_sum


def _classes(explanation: Explanation) -> list[dict[str, Value]]:
    """A record of each class that is shown."""
    worked, softmax, listed = explanation.worked, explanation.worked.softmax, explanation.listed

    def each(values: NDArray[np.float64] | None) -> list[float | None]:
        return [None] * len(listed) if values is None else values[listed].tolist()

    columns: dict[str, Sequence[Value]] = {
        "class": [explanation.name(c) for c in listed],
        "index": listed,
        "logit": each(worked.logits),
        "shifted": each(None if softmax is None else softmax.shifted),
        "exponential": each(None if softmax is None else softmax.exponentials),
        "probability": each(worked.probs),
        "surprisal": each(worked.surprisals),
        "share": each(worked.shares),
        # NaN says that the class has no logit of its own, or, where all are NaN, that the file gives no number.
        "gradient": [
            None if worked.usable and slope is not None and np.isnan(slope) else slope
            for slope in each(worked.gradient)
        ],
    }
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _others(explanation: Explanation) -> dict[str, Value] | None:
    if not explanation.n_others:
        return None
    worked, softmax = explanation.worked, explanation.worked.softmax

    def whole(values: NDArray[np.float64] | None) -> float | None:
        return None if values is None else explanation.total_of_others(values)

    return {
        "n": explanation.n_others,
        "exponential": whole(None if softmax is None else softmax.exponentials),
        "probability": whole(worked.probs),
        "share": whole(worked.shares),
        "gradient": whole(worked.gradient),
    }


_RECORD: Cells = {
    Column("sample", "sample", "count"): lambda e: e.number,
    Column("place", "place", "text"): lambda e: e.place,
    Column("target", "target", "count"): lambda e: e.worked.target,
    Column("target_name", "target", "text"): lambda e: e.target_name,
    Column("predicted", "predicted", "text"): lambda e: e.predicted,
    Column("maximum", "maximum"): lambda e: None if e.worked.softmax is None else e.worked.softmax.maximum,
    Column("sum_exponentials", "sum"): lambda e: None if e.worked.softmax is None else e.worked.softmax.total,
    Column("logsumexp", "logsumexp"): _logsumexp,
    Column("probability", "p", "probability"): lambda e: e.target_prob,
    Column("loss", "loss", "number", "nats"): lambda e: e.worked.loss,
    Column("weight", "weight"): lambda e: e.worked.weight,
    Column("weighted_loss", "weighted loss", "number", "nats"): lambda e: e.worked.weighted_loss,
    Column("contribution", "contribution", "number", "nats"): lambda e: e.contribution,
    Column("share_of_loss", "share of loss", "share"): lambda e: e.share_of_loss,
    Column("rival", "rival", "text"): lambda e: None if e.rival is None else e.name(e.rival),
    Column("margin", "margin"): lambda e: e.margin,
    Column("classes", "classes", "objects"): _classes,
    Column("others", "others", "objects"): _others,
}

_GLANCE: Cells = {
    Column("place", "row", "text"): lambda e: e.row,
    Column("target", "target", "text"): lambda e: e.target_name,
    Column("predicted", "predicted", "text"): lambda e: e.predicted,
    Column("probability", "p(target)", "probability", optional=True): lambda e: e.target_prob,
    Column("loss", "loss", "number", "nats"): lambda e: e.worked.weighted_loss,
    Column("margin", "margin", optional=True): lambda e: e.margin,
    Column("share", "share of loss", "share", optional=True): lambda e: e.share_of_loss,
}
