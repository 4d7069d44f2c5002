"""An explanation for programs: a record for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.explain.worked import total
from nllcli.report import Column, Value

if TYPE_CHECKING:
    from nllcli.commands.explain.sample import Explanation
    from nllcli.commands.explain.worked import Worked

RECORD_COLUMNS = (
    Column("sample", "sample", "count"),
    Column("place", "place", "text"),
    Column("target", "target", "count"),
    Column("target_name", "target", "text"),
    Column("predicted", "predicted", "text"),
    Column("maximum", "maximum"),
    Column("sum_exponentials", "sum of exponentials"),
    Column("logsumexp", "logsumexp"),
    Column("probability", "p", "probability"),
    Column("loss", "loss", "number", "nats"),
    Column("weight", "weight"),
    Column("weighted_loss", "weighted loss", "number", "nats"),
    Column("contribution", "contribution", "number", "nats"),
    Column("share_of_loss", "share of loss", "share"),
    Column("rival", "rival", "text"),
    Column("margin", "margin"),
    Column("classes", "classes", "objects"),
    Column("others", "others", "objects"),
)


def record(explanation: Explanation) -> list[Any]:
    """One row under RECORD_COLUMNS."""
    worked, softmax = explanation.worked, explanation.worked.softmax
    target, rival = worked.target, explanation.rival
    temperature = explanation.setting.options.temperature
    return [
        explanation.number,
        explanation.place,
        target,
        None if target is None else explanation.name(target),
        explanation.name(worked.top) if worked.usable else None,
        None if softmax is None else softmax.maximum,
        None if softmax is None else 1.0 + softmax.rest,
        None if softmax is None else softmax.maximum / temperature + softmax.log_sum,
        None if target is None else float(worked.probs[target]),
        worked.loss,
        worked.weight,
        worked.weighted_loss,
        explanation.contribution,
        explanation.share_of_loss,
        None if rival is None else explanation.name(rival),
        explanation.margin,
        [_class_record(explanation, c) for c in explanation.listed],
        _others_record(explanation),
    ]


def _class_record(explanation: Explanation, c: int) -> dict[str, Value]:
    worked, softmax = explanation.worked, explanation.worked.softmax
    source = explanation.setting.options.source
    return {
        "class": explanation.name(c),
        "index": c,
        "logit": float(worked.given[c]) if source == "logits" else None,
        "shifted": None if softmax is None else float(softmax.shifted[c]),
        "exponential": None if softmax is None else float(softmax.exponentials[c]),
        "probability": float(worked.probs[c]),
        "surprisal": float(worked.surprisals[c]),
        "share": None if worked.shares is None else float(worked.shares[c]),
        "gradient": _gradient(worked, c),
    }


def _others_record(explanation: Explanation) -> dict[str, Value] | None:
    worked, softmax, others = explanation.worked, explanation.worked.softmax, explanation.others
    if not others.size:
        return None
    return {
        "n": int(others.size),
        "exponential": None if softmax is None else total(softmax.exponentials[others]),
        "probability": total(worked.probs[others]),
        "share": None if worked.shares is None else total(worked.shares[others]),
        "gradient": None if worked.gradient is None else total(worked.gradient[others]),
    }


def _gradient(worked: Worked, c: int) -> float | None:
    if worked.gradient is None or (worked.usable and np.isnan(worked.gradient[c])):
        return None
    return float(worked.gradient[c])
