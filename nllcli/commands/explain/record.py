"""Tables of one row a sample: an explanation as a record for programs, and at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.explain.worked import total
from nllcli.report import Column, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.commands.explain.sample import Explanation

    Cells = dict[Column, Callable[[Explanation], Any]]  # what is in the cell of a column


def _logsumexp(explanation: Explanation) -> float | None:
    softmax, temperature = explanation.worked.softmax, explanation.setting.options.temperature
    return None if softmax is None else softmax.maximum / temperature + softmax.log_sum


def _class(explanation: Explanation, c: int) -> dict[str, Value]:
    worked, softmax = explanation.worked, explanation.worked.softmax
    slope = None if worked.gradient is None else float(worked.gradient[c])
    return {
        "class": explanation.name(c),
        "index": c,
        "logit": float(worked.given[c]) if explanation.setting.options.source == "logits" else None,
        "shifted": None if softmax is None else float(softmax.shifted[c]),
        "exponential": None if softmax is None else float(softmax.exponentials[c]),
        "probability": float(worked.probs[c]),
        "surprisal": float(worked.surprisals[c]),
        "share": None if worked.shares is None else float(worked.shares[c]),
        # NaN says that the class has no logit of its own, unless there is no number at all.
        "gradient": None if worked.usable and slope is not None and np.isnan(slope) else slope,
    }


def _others(explanation: Explanation) -> dict[str, Value] | None:
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


RECORD: Cells = {
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
    Column("classes", "classes", "objects"): lambda e: [_class(e, c) for c in e.listed],
    Column("others", "others", "objects"): _others,
}

GLANCE: Cells = {
    Column("place", "row", "text"): lambda e: e.row,
    Column("target", "target", "text"): lambda e: e.target_name,
    Column("predicted", "predicted", "text"): lambda e: e.predicted,
    Column("probability", "p(target)", "probability", optional=True): lambda e: e.target_prob,
    Column("loss", "loss", "number", "nats"): lambda e: e.worked.weighted_loss,
    Column("margin", "margin", optional=True): lambda e: e.margin,
    Column("share", "share of loss", "share", optional=True): lambda e: e.share_of_loss,
}
