"""One worked sample in words: steps and tables for people, a record for programs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.model import Calculation, Column, Section, Step, Table, Value
from nllcli.numerics.losses import class_masses, product
from nllcli.numerics.worked import total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.model import LossOptions
    from nllcli.numerics.worked import Softmax, Worked

FEW_CLASSES = 10  # so many are all shown, in their order; of more, the likeliest
N_LIKELIEST = 8
SPELT_OUT = 4  # a sum of more terms than this is not written out
# Below this, the sum is shown as 1 + rest: rounded as a whole it would have another logarithm.
SMALL_REST = 0.1
NOTE = "Gradient descent moves a logit against its gradient. Numbers are rounded only for reading."


@dataclass(frozen=True)
class Setting:
    """What all explained samples share; ``denominator`` is that of the mean, ``loss_sum`` is None where not known."""

    options: LossOptions
    names: tuple[str, ...]
    denominator: float | None
    loss_sum: float | None


@dataclass(frozen=True)
class Explanation:
    """One sample: its number in the targets, its place in words, and what was worked out."""

    number: int
    place: str
    worked: Worked
    setting: Setting

    def name(self, c: int) -> str:
        return self.setting.names[c]

    @property
    def spread(self) -> bool:
        """Whether several classes have a share in the loss: soft targets or smoothing."""
        return self.worked.soft_target is not None or (
            self.worked.target is not None and self.setting.options.label_smoothing != 0.0
        )

    @cached_property
    def scored_class(self) -> int | None:
        """The one class whose -log p is the loss, if it is one."""
        if self.spread or self.setting.options.loss == "one-vs-rest":
            return None
        return self.worked.top if self.setting.options.loss == "argmax" and self.counted else self.worked.target

    @property
    def counted(self) -> bool:
        return self.worked.shares is not None or self.worked.target is not None

    @cached_property
    def rival(self) -> int | None:
        """The likeliest class that is not the target."""
        target = self.worked.target
        if target is None or self.worked.n_classes == 1 or not self.worked.usable:
            return None
        surprisals = self.worked.unclipped.copy()
        surprisals[target] = np.inf
        return int(np.argmin(surprisals))

    @property
    def margin(self) -> float | None:
        """By how much the target leads its rival: in logits, or in log-probabilities where there are no logits."""
        target, rival, worked = self.worked.target, self.rival, self.worked
        if target is None or rival is None:
            return None
        with np.errstate(invalid="ignore"):
            if worked.softmax is not None:
                return float(worked.given[target] - worked.given[rival])
            return float(worked.unclipped[rival] - worked.unclipped[target])

    @property
    def contribution(self) -> float | None:
        """What the sample adds to the reduced loss; None where nothing is reduced."""
        if self.setting.options.reduction == "none":
            return None
        loss = self.worked.weighted_loss
        if self.setting.denominator is None:
            return loss
        return loss / self.setting.denominator if self.setting.denominator else float("nan")

    @property
    def share_of_loss(self) -> float | None:
        loss_sum = self.setting.loss_sum
        return self.worked.weighted_loss / loss_sum if loss_sum and np.isfinite(loss_sum) else None

    @cached_property
    def listed(self) -> list[int]:
        """The classes that are shown."""
        worked = self.worked
        if worked.n_classes <= FEW_CLASSES:
            return list(range(worked.n_classes))
        likeliest = np.argsort(worked.unclipped, kind="stable")[:N_LIKELIEST].tolist()
        wanted = worked.target if worked.soft_target is None else int(np.argmax(worked.soft_target))
        return likeliest if wanted is None or wanted in likeliest else [*likeliest, wanted]

    @cached_property
    def others(self) -> NDArray[np.int64]:
        """The classes that are summed up in one line."""
        left = np.ones(self.worked.n_classes, bool)
        left[self.listed] = False
        return np.flatnonzero(left)


# --- for programs --------------------------------------------------------------------------------------------------

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


# --- for people ----------------------------------------------------------------------------------------------------


def section(explanation: Explanation) -> Section:
    """The softmax, the loss and the gradient, each with what it takes to follow it."""
    parts: list[Table | Calculation] = [_softmax_table(explanation)]
    if not explanation.worked.usable:
        parts.append(Calculation("Loss", (Step("this sample", ("holds NaN, +inf or only -inf: its loss is NaN",)),)))
    elif not explanation.counted:
        ignored = f"its target is {explanation.setting.options.ignore_index}, the ignored index: it does not count"
        parts.append(Calculation("Loss", (Step("this sample", (ignored,)),)))
    else:
        parts += _loss_parts(explanation)
        if explanation.worked.gradient is not None:
            parts.append(_gradient_table(explanation))
    return Section(_title(explanation), tuple(parts))


def _title(explanation: Explanation) -> str:
    place = explanation.place[:1].upper() + explanation.place[1:]
    if explanation.worked.target is not None:
        return f"{place}, target {explanation.name(explanation.worked.target)}"
    return f"{place}, soft target" if explanation.worked.soft_target is not None else place


def _table(key: str, title: str, columns: list[tuple[Column, list[Any]]]) -> Table:
    rows = list(zip(*(values for _, values in columns), strict=True))
    return Table(key, title, tuple(column for column, _ in columns), rows)


def _labels(explanation: Explanation) -> list[str]:
    """The first column: the classes, the others in one line, the sum."""
    names = []
    for c in explanation.listed:
        names.append(explanation.name(c) + (" (target)" if c == explanation.worked.target else ""))
    n_others = explanation.others.size
    return [*names, *([f"{n_others:,} other{'s' if n_others > 1 else ''}"] if n_others else []), "sum"]


def _each(explanation: Explanation, values: NDArray[np.float64]) -> list[Any]:
    """A column that is not added up."""
    return [*(float(values[c]) for c in explanation.listed), *([""] if explanation.others.size else []), ""]


def _summed(explanation: Explanation, values: NDArray[np.float64], whole: float | None = None) -> list[Any]:
    """A column that adds up, the others in one line."""
    rest = [total(values[explanation.others])] if explanation.others.size else []
    return [*(float(values[c]) for c in explanation.listed), *rest, total(values) if whole is None else whole]


def _softmax_table(explanation: Explanation) -> Table:
    worked, options = explanation.worked, explanation.setting.options
    columns: list[tuple[Column, list[Any]]] = [(Column("class", "class", "text"), _labels(explanation))]
    if options.source == "logits":
        columns.append((Column("logit", "logit"), _each(explanation, worked.given)))
    if worked.softmax is not None:
        shifted = "- max" if options.temperature == 1.0 else "(- max) / T"
        columns.append((Column("shifted", shifted, optional=True), _each(explanation, worked.softmax.shifted)))
        powers = _summed(explanation, worked.softmax.exponentials, 1.0 + worked.softmax.rest)
        columns.append((Column("exponential", "exp"), powers))
    if options.source == "log-probs":
        columns.append((Column("log_prob", "log p"), _each(explanation, 0.0 - worked.unclipped)))
    label = "p" if options.clip is None else "p, clipped"
    columns.append((Column("probability", label, "probability"), _summed(explanation, worked.probs)))
    columns.append((Column("bar", "", "bar", optional=True), _each(explanation, worked.probs)))
    return _table("softmax", "Softmax" if options.source == "logits" else "Probabilities", columns)


def _loss_parts(explanation: Explanation) -> list[Table | Calculation]:
    steps = _sum_steps(explanation)
    if explanation.scored_class is not None:
        steps += _steps_of_one_class(explanation, explanation.scored_class)
        return [Calculation("Loss", (*steps, *_closing_steps(explanation)))]
    if explanation.setting.options.loss == "one-vs-rest":
        table, last = _one_vs_rest_table(explanation), _one_vs_rest_step(explanation)
    else:
        steps += _smoothing_steps(explanation)
        table, last = _shares_table(explanation), _shares_step(explanation)
    after = Calculation("", (last, *_closing_steps(explanation)))
    return [Calculation("Loss", tuple(steps)), table, after] if steps else [table, after]


def _sum_steps(explanation: Explanation) -> list[Step]:
    """The largest logit, the sum of the exponentials and its logarithm."""
    softmax, worked = explanation.worked.softmax, explanation.worked
    if softmax is None:
        return []
    steps = [Step("largest logit", (softmax.maximum, f" ({explanation.name(worked.top)})"))]
    if worked.n_classes <= SPELT_OUT:
        terms = _joined([(float(power),) for power in softmax.exponentials], " + ")
        steps.append(Step("sum of the exponentials", (*terms, " = ", 1.0 + softmax.rest), aligned=True))
    else:
        steps.append(Step("sum of the exponentials", (1.0 + softmax.rest,)))
    steps.append(Step("log of the sum", ("log(", *_sum(softmax), ") = ", softmax.log_sum)))
    return steps


def _sum(softmax: Softmax) -> tuple[str | float, ...]:
    """The sum inside a logarithm."""
    return ("1 + ", softmax.rest) if 0.0 < softmax.rest < SMALL_REST else (1.0 + softmax.rest,)


def _joined(terms: list[tuple[str | float, ...]], between: str) -> tuple[str | float, ...]:
    return tuple(part for i, term in enumerate(terms) for part in ((between, *term) if i else term))


def _bracketed(number: float) -> tuple[str | float, ...]:
    return (number,) if number >= 0 else ("(", number, ")")


def _steps_of_one_class(explanation: Explanation, c: int) -> list[Step]:
    """p and -log p of class ``c``, from what the file holds."""
    worked, options = explanation.worked, explanation.setting.options
    role = "target" if c == worked.target and options.loss != "argmax" else "prediction"
    name, surprisal = explanation.name(c), float(worked.unclipped[c])
    if worked.softmax is not None:
        power, p = float(worked.softmax.exponentials[c]), float(np.exp(-surprisal))
        gap: tuple[str | float, ...] = (" - (", float(worked.given[c]), " - ", *_bracketed(worked.softmax.maximum), ")")
        if options.temperature != 1.0:
            gap += (" / ", options.temperature)
        steps = [
            Step(f"p of the {role}, {name}", (power, " / ", 1.0 + worked.softmax.rest, " = ", p)),
            Step("loss, -log p", ("log(", *_sum(worked.softmax), ")", *gap, " = ", surprisal, " nats")),
        ]
    elif options.source == "log-probs":
        steps = [Step(f"loss, -log p of the {role}, {name}", ("-(", 0.0 - surprisal, ") = ", surprisal, " nats"))]
    else:
        p = float(worked.given[c])
        steps = [Step(f"loss, -log p of the {role}, {name}", ("-log(", p, ") = ", surprisal, " nats"))]
    if worked.surprisals[c] != worked.unclipped[c]:
        assert options.clip is not None
        clipped = (options.clip,) if worked.surprisals[c] < surprisal else ("1 - ", options.clip)
        steps.append(Step("p clipped", ("-log(", *clipped, ") = ", float(worked.surprisals[c]), " nats")))
    return steps


def _smoothing_steps(explanation: Explanation) -> list[Step]:
    e, n_classes = explanation.setting.options.label_smoothing, explanation.worked.n_classes
    if not e:
        return []
    even = Step("smoothing gives each class", (e, " / ", float(n_classes), " = ", e / n_classes))
    if explanation.worked.soft_target is None:
        return [even, Step("the target has", ("1 - ", e, " + ", e / n_classes, " = ", 1.0 - e + e / n_classes))]
    return [even, Step("a target q becomes", ("(1 - ", e, ") × q + ", e / n_classes))]


def _shares_table(explanation: Explanation) -> Table:
    """-log p of every class times its share in the loss."""
    worked, weights = explanation.worked, explanation.setting.options.class_weights
    targets = _smoothed_targets(explanation)
    columns: list[tuple[Column, list[Any]]] = [(Column("class", "class", "text"), _labels(explanation))]
    if weights is None:
        columns.append((Column("target", "target"), _summed(explanation, targets)))
    else:
        assert worked.shares is not None
        columns += [
            (Column("target", "target", optional=True), _summed(explanation, targets)),
            (Column("weight", "weight", optional=True), _each(explanation, weights)),
            (Column("share", "share"), _summed(explanation, worked.shares)),
        ]
    columns += [
        (Column("surprisal", "-log p"), _each(explanation, worked.surprisals)),
        (Column("term", "product"), _summed(explanation, _terms(explanation))),
    ]
    title = "Each class: target × -log p" if weights is None else "Each class: share × -log p, share = weight × target"
    return _table("terms", title, columns)


def _smoothed_targets(explanation: Explanation) -> NDArray[np.float64]:
    worked = explanation.worked
    targets = worked.soft_target
    if targets is None:
        targets = (np.arange(worked.n_classes) == worked.target).astype(np.float64)
    return class_masses(targets[None, :], None, explanation.setting.options.label_smoothing)[0]


def _terms(explanation: Explanation) -> NDArray[np.float64]:
    """Each class's part of the loss; no share, no part, however unlikely the class."""
    worked = explanation.worked
    assert worked.shares is not None
    return product(worked.shares, worked.surprisals)


def _shares_step(explanation: Explanation) -> Step:
    loss = _before_sample_weight(explanation)
    if explanation.worked.n_classes > SPELT_OUT:
        return Step("loss, the sum of the products", (loss,))
    terms = _joined([_bracketed(float(term)) for term in _terms(explanation)], " + ")
    return Step("loss, the sum of the products", (*terms, " = ", loss), aligned=True)


def _before_sample_weight(explanation: Explanation) -> float:
    """The loss with class weights alone: the sum that the table of shares shows."""
    worked = explanation.worked
    if worked.sample_weight is None:
        return worked.weighted_loss
    return total(_terms(explanation))


def _one_vs_rest_table(explanation: Explanation) -> Table:
    """Every class as a yes-or-no question."""
    worked = explanation.worked
    mine = np.arange(worked.n_classes) == worked.target
    surprisals = np.where(mine, worked.surprisals, worked.complements)
    answers: list[Any] = ["yes" if mine[c] else "no" for c in explanation.listed]
    return _table(
        "questions",
        "Every class is a yes-or-no question",
        [
            (Column("class", "class", "text"), _labels(explanation)),
            (Column("answer", "is it?", "text"), [*answers, *(["no"] if explanation.others.size else []), ""]),
            (Column("right", "p(right)", "probability"), _each(explanation, np.exp(-surprisals))),
            (Column("term", "-log"), _summed(explanation, surprisals)),
        ],
    )


def _one_vs_rest_step(explanation: Explanation) -> Step:
    target = explanation.worked.target
    assert target is not None
    own, loss = float(explanation.worked.surprisals[target]), explanation.worked.loss
    return Step("loss, the sum: yes + no", (own, " + ", loss - own, " = ", loss), aligned=True)


def _closing_steps(explanation: Explanation) -> list[Step]:
    """Weights, the reduction, the rival."""
    return [*_weight_steps(explanation), *_reduction_steps(explanation), *_rival_steps(explanation)]


def _weight_steps(explanation: Explanation) -> list[Step]:
    worked, options = explanation.worked, explanation.setting.options
    own, weights = worked.sample_weight, options.class_weights
    factors: list[tuple[str | float, ...]] = []
    names = []
    if weights is not None and not explanation.spread and worked.target is not None:
        names.append("class")
        factors.append((float(weights[worked.target]),))
    if own is not None:
        names.append("sample")
        factors.append((own,))
    if not factors:
        return []
    loss = _before_sample_weight(explanation) if explanation.spread else worked.loss
    working = (*_joined([*factors, (loss,)], " × "), " = ", worked.weighted_loss)
    return [Step(f"times the {' and the '.join(names)} weight", working)]


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
    """What the denominator of the mean adds up."""
    if explanation.worked.sample_weight is not None:
        return "(sum of the weights)"
    if explanation.setting.options.class_weights is not None and explanation.worked.soft_target is None:
        return "(sum of the weights)"
    return "sample" if explanation.setting.denominator == 1.0 else "samples"


def _rival_steps(explanation: Explanation) -> list[Step]:
    worked, rival, target, margin = explanation.worked, explanation.rival, explanation.worked.target, explanation.margin
    if rival is None or target is None or margin is None:
        return []
    if worked.softmax is not None:
        pair = (float(worked.given[target]), " - ", *_bracketed(float(worked.given[rival])))
    else:
        pair = (0.0 - float(worked.unclipped[target]), " - ", *_bracketed(0.0 - float(worked.unclipped[rival])))
    wrong = "" if worked.top == target else f"; predicted is {explanation.name(worked.top)}"
    return [Step(f"margin over the rival, {explanation.name(rival)}", (*pair, " = ", margin, wrong))]


def _gradient_table(explanation: Explanation) -> Table:
    """How the loss changes with each logit: p minus what the target asks for, times the weight, over T."""
    worked, options = explanation.worked, explanation.setting.options
    gradient, shares = worked.gradient, worked.shares
    assert gradient is not None
    columns: list[tuple[Column, list[Any]]] = [
        (Column("class", "class", "text"), _labels(explanation)),
        (Column("probability", "p", "probability"), _summed(explanation, worked.probs)),
    ]
    if shares is not None:
        asked = _asked(explanation)
        whole = 1.0 if asked == "share" else total(shares) or 1.0
        columns.append((Column(asked, asked), _summed(explanation, shares / whole)))
    # A constant added to all logits changes no p, so the slopes cancel; a sigmoid has one logit, and one slope.
    slopes = _summed(explanation, gradient, np.nan if options.binary else 0.0)
    columns.append((Column("gradient", "gradient"), ["" if np.isnan(slope) else slope for slope in slopes]))
    columns.append((Column("push", "", "text", optional=True), _pushes(explanation)))
    return _table("gradient", _gradient_title(explanation), columns)


def _asked(explanation: Explanation) -> str:
    """What p is compared with."""
    if explanation.spread and explanation.setting.options.class_weights is not None:
        return "share"
    return "predicted" if explanation.setting.options.loss == "argmax" else "target"


def _pushes(explanation: Explanation) -> list[Any]:
    gradient = explanation.worked.gradient
    assert gradient is not None
    after = ["", ""] if explanation.others.size else [""]
    return [*(_push(float(gradient[c])) for c in explanation.listed), *after]


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
    formula = "p × sum of shares - share" if asked == "share" else f"p - {asked}"
    factors = [] if worked.sample_weight is None else ["sample weight"]
    if options.class_weights is not None and asked != "share":
        factors.append("class weight")
    if factors or options.temperature != 1.0:
        formula = " × ".join([*factors, f"({formula})"])
    return f"Gradient: {formula}" + (" / T" if options.temperature != 1.0 else "")
