"""The steps of an explanation: a short label and a line of numbers each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.explain.worked import total
from nllcli.report import Step

if TYPE_CHECKING:
    from nllcli.commands.explain.sample import Explanation
    from nllcli.commands.explain.worked import Softmax

Working = tuple[str | float, ...]

SPELT_OUT = 4  # a sum of at most this many terms is written out
# Below this, the sum is written as 1 + rest: the logarithm of the rounded sum would be another number.
SMALL_REST = 0.1


def sum_steps(explanation: Explanation) -> list[Step]:
    """The largest logit, the sum of the exponentials and its logarithm."""
    softmax, worked = explanation.worked.softmax, explanation.worked
    if softmax is None:
        return []
    of = "logit" if explanation.setting.options.source == "logits" else "log p"
    steps = [Step(f"largest {of}", (softmax.maximum, f" ({explanation.name(worked.top)})"))]
    if 1 < worked.n_classes <= SPELT_OUT:
        terms = _joined([(float(power),) for power in softmax.exponentials], " + ")
        steps.append(Step("sum of the exponentials", (*terms, " = ", softmax.total), aligned=True))
    else:
        steps.append(Step("sum of the exponentials", (softmax.total,)))
    steps.append(Step("log of the sum", ("log(", *_sum(softmax), ") = ", softmax.log_sum)))
    return steps


def steps_of_one_class(explanation: Explanation, c: int) -> list[Step]:
    """p and -log p of class ``c``, from what the file holds."""
    worked, options = explanation.worked, explanation.setting.options
    what, surprisal = f"p of the {explanation.loss.scores}, {explanation.name(c)}", float(worked.unclipped[c])
    if worked.softmax is not None:
        power, p = float(worked.softmax.exponentials[c]), float(np.exp(-surprisal))
        gap: Working = (" - (", float(worked.softmax.x[c]), " - ", *_bracketed(worked.softmax.maximum), ")")
        if options.temperature != 1.0:
            gap += (" / ", options.temperature)
        steps = [
            Step(what, (power, " / ", worked.softmax.total, " = ", p)),
            Step("loss, -log p", ("log(", *_sum(worked.softmax), ")", *gap, " = ", surprisal, " nats")),
        ]
    elif options.source == "log-probs":
        steps = [Step(f"loss, -log {what}", ("-(", 0.0 - surprisal, ") = ", surprisal, " nats"))]
    else:
        steps = [Step(f"loss, -log {what}", ("-log(", float(worked.given[c]), ") = ", surprisal, " nats"))]
    if worked.surprisals[c] != worked.unclipped[c]:
        assert options.clip is not None
        clipped = (options.clip,) if worked.surprisals[c] < surprisal else ("1 - ", options.clip)
        steps.append(Step("p clipped", ("-log(", *clipped, ") = ", float(worked.surprisals[c]), " nats")))
    return steps


def smoothing_steps(explanation: Explanation) -> list[Step]:
    """The targets after label smoothing."""
    e, n_classes = explanation.setting.options.label_smoothing, explanation.worked.n_classes
    if not e:
        return []
    even = Step("smoothing gives each class", (e, " / ", float(n_classes), " = ", e / n_classes))
    if explanation.worked.soft_target is None:
        return [even, Step("the target has", ("1 - ", e, " + ", e / n_classes, " = ", 1.0 - e + e / n_classes))]
    return [even, Step("a target q becomes", ("(1 - ", e, ") × q + ", e / n_classes))]


def shares_step(explanation: Explanation) -> Step:
    """The loss as the sum of every class's part."""
    loss = explanation.class_weighted_loss
    if explanation.worked.n_classes > SPELT_OUT:
        return Step("loss, the sum of the products", (loss,))
    terms = _joined([_bracketed(float(term)) for term in explanation.terms], " + ")
    return Step("loss, the sum of the products", (*terms, " = ", loss), aligned=True)


def one_vs_rest_step(explanation: Explanation) -> Step:
    """The loss as the sum of the target's yes and the others' no."""
    worked = explanation.worked
    assert worked.target is not None
    yes, no = float(worked.surprisals[worked.target]), total(np.delete(worked.complements, worked.target))
    return Step("loss, the sum: yes + no", (yes, " + ", no, " = ", worked.loss), aligned=True)


def closing_steps(explanation: Explanation) -> list[Step]:
    """The weights, the reduction and the rival."""
    return [*_weight_steps(explanation), *_reduction_steps(explanation), *_rival_steps(explanation)]


def _weight_steps(explanation: Explanation) -> list[Step]:
    worked, options = explanation.worked, explanation.setting.options
    own, weights = worked.sample_weight, options.class_weights
    factors = {}
    if weights is not None and not explanation.spread and worked.target is not None:
        factors["class"] = float(weights[worked.target])
    if own is not None:
        factors["sample"] = own
    if not factors:
        return []
    loss = explanation.class_weighted_loss if explanation.spread else worked.loss
    working = (*_joined([(factor,) for factor in (*factors.values(), loss)], " × "), " = ", worked.weighted_loss)
    return [Step(f"times the {' and the '.join(factors)} weight", working)]


def _reduction_steps(explanation: Explanation) -> list[Step]:
    setting, loss = explanation.setting, explanation.worked.weighted_loss
    steps = []
    if setting.denominator is not None and explanation.contribution is not None:
        working = (loss, " / ", setting.denominator, f" {_counted_in(explanation)} = ", explanation.contribution)
        steps.append(Step("part of the mean", working))
    if setting.loss_sum is not None and explanation.share_of_loss is not None:
        steps.append(Step("share of the sum", (loss, " / ", setting.loss_sum, " = ", explanation.share_of_loss)))
    return steps


def _counted_in(explanation: Explanation) -> str:
    """The unit of the denominator of the mean."""
    by_class = explanation.setting.options.class_weights is not None and explanation.worked.soft_target is None
    if by_class or explanation.worked.sample_weight is not None:
        return "(sum of the weights)"
    return "sample" if explanation.setting.denominator == 1.0 else "samples"


def _rival_steps(explanation: Explanation) -> list[Step]:
    worked, rival, compared, margin = explanation.worked, explanation.rival, explanation.compared, explanation.margin
    if rival is None or compared is None or margin is None:
        return []
    pair = (compared[0], " - ", *_bracketed(compared[1]))
    wrong = "" if worked.top == worked.target else f"; predicted is {explanation.name(worked.top)}"
    return [Step(f"margin over the rival, {explanation.name(rival)}", (*pair, " = ", margin, wrong))]


def _sum(softmax: Softmax) -> Working:
    """The sum inside a logarithm."""
    return ("1 + ", softmax.rest) if 0.0 < softmax.rest < SMALL_REST else (softmax.total,)


def _joined(terms: list[Working], between: str) -> Working:
    return tuple(part for i, term in enumerate(terms) for part in ((between, *term) if i else term))


def _bracketed(number: float) -> Working:
    return (number,) if number >= 0 else ("(", number, ")")
