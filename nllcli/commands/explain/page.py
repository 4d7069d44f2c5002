"""An explanation for people: a section for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.explain.steps import (
    closing_steps,
    loss_step,
    one_vs_rest_step,
    shares_step,
    smoothing_steps,
    steps_of_one_class,
    sum_steps,
)
from nllcli.commands.explain.tables import gradient_table, one_vs_rest_table, shares_table, softmax_table
from nllcli.errors import setting
from nllcli.report import Calculation, Section, Step, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.explain.sample import Explanation

ROUNDED = "Numbers are rounded only for reading."
DESCENT = "Gradient descent moves a logit against its gradient."


def note(explanations: Sequence[Explanation]) -> str:
    """What holds for all sections."""
    return f"{DESCENT} {ROUNDED}" if any(map(_has_gradient, explanations)) else ROUNDED


def _has_gradient(explanation: Explanation) -> bool:
    return explanation.worked.usable and explanation.worked.counted and explanation.worked.gradient is not None


def section(explanation: Explanation) -> Section:
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
    return "" if explanation.worked.usable else "holds NaN, +inf or only -inf: its loss is NaN"


def _title(explanation: Explanation) -> str:
    row = f"Row {explanation.row}"
    if explanation.target_name is not None:
        return f"{row}, target {explanation.target_name}"
    return f"{row}, soft target" if explanation.worked.soft_target is not None else row


def _loss_parts(explanation: Explanation) -> list[Table | Calculation]:
    steps = sum_steps(explanation)
    if explanation.scored_class is not None:
        steps += steps_of_one_class(explanation, explanation.scored_class)
        return [Calculation("Loss", (*steps, *closing_steps(explanation)))]
    if explanation.loss.asks_every_class:
        table, last = one_vs_rest_table(explanation), one_vs_rest_step(explanation)
    elif explanation.worked.shares is not None:
        steps += smoothing_steps(explanation)
        table, last = shares_table(explanation), shares_step(explanation)
    else:
        return [Calculation("Loss", (*steps, loss_step(explanation), *closing_steps(explanation)))]
    after = Calculation("", (last, *closing_steps(explanation)))
    return [Calculation("Loss", tuple(steps)), table, after] if steps else [table, after]
