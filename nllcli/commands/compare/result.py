"""What nll compare finds: each model, and each pair of them."""

from __future__ import annotations

import math
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare import inference
from nllcli.numerics.binomial import sign_test_p
from nllcli.numerics.exact import exact_count, root
from nllcli.numerics.holm import holm
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.spread import error_of_mean
from nllcli.numerics.student import two_sided_p
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.extremes import Item
    from nllcli.commands.compare.subject import Compared, Model, Subject
    from nllcli.commands.compare.sums import ClassSums, DivergenceSums, PairSums
    from nllcli.errors import Notice
    from nllcli.numerics.tally import Tally

QUANTILES = {"kl_p50": 0.5, "kl_p90": 0.9, "kl_p95": 0.95, "kl_p99": 0.99, "kl_p99_9": 0.999}


@dataclass(frozen=True)
class ModelLoss:
    """The loss of one model; ``perplexity`` is None where the loss is not a likelihood."""

    name: str
    path: str
    n_classes: int | None
    loss: float
    standard_error: float | None
    perplexity: float | None
    bits: float
    accuracy: float | None


@dataclass(frozen=True)
class Divergence:
    """How far the distributions of the model are from the baseline's; the keys of the JSON."""

    same_top: float
    kl_divergence: float
    kl_standard_error: float | None
    kl_p50: float
    kl_p90: float
    kl_p95: float
    kl_p99: float
    kl_p99_9: float
    kl_max: float
    target_p_difference_mean: float | None
    target_p_difference_rms: float | None


@dataclass(frozen=True)
class LargeDifference:
    """A sample on which the models differ much."""

    sample: int | str
    target: str | None
    baseline_loss: float
    model_loss: float


@dataclass(frozen=True)
class ClassDifference:
    """The losses of both on the samples of a class, without weights, and their difference."""

    name: str
    count: int
    baseline_loss: float | None
    model_loss: float | None
    loss_difference: float | None
    standard_error: float | None
    p_value: float | None
    p_value_adjusted: float | None


@dataclass(frozen=True)
class PairResult:
    """A model against the baseline; the keys of the JSON, None for what cannot be told or was not asked for.

    ``loss_difference`` is the model's loss less the baseline's, ``standard_error`` that of units: groups of samples
    where there are some, else samples. ``ci_low`` and ``ci_high`` are Student's t interval.
    """

    model: str
    baseline: str
    verdict: str
    loss_difference: float
    standard_error: float | None
    standard_error_independent: float | None
    standard_error_unpaired: float | None
    design_effect: float | None
    ci_low: float | None
    ci_high: float | None
    t: float | None
    df: int | None
    p_value: float | None
    p_value_adjusted: float | None
    adjustment: str | None
    p_value_permutation: float | None
    n_permutations: int | None
    permutation: str | None
    bootstrap_low: float | None
    bootstrap_high: float | None
    n_bootstrap: int | None
    n_units: int
    unit_size: int
    correlation: float | None
    perplexity_ratio: float | None
    perplexity_ratio_low: float | None
    perplexity_ratio_high: float | None
    n_better: int
    n_worse: int
    n_equal: int
    p_value_sign: float
    accuracy_difference: float | None
    accuracy_standard_error: float | None
    n_both_correct: int | None
    n_only_baseline_correct: int | None
    n_only_model_correct: int | None
    n_neither_correct: int | None
    p_value_mcnemar: float | None
    divergence: Divergence | None
    detectable_difference: float | None
    units_needed: int | None
    margin: float | None
    p_better: float | None
    p_equivalent: float | None
    p_worse: float | None
    largest_share_of_squares: float | None
    largest: tuple[LargeDifference, ...]
    per_class: tuple[ClassDifference, ...] | None
    shares_of_squares: tuple[float, ...]
    farthest: int | None
    has_spread: bool
    is_rounding: bool


@dataclass(frozen=True)
class Comparison:
    """The models, the baseline first, and the pairs of them; ``n_clusters`` is None where samples are not grouped.

    ``compared`` has the sums that all of this follows from, and the files they are of.
    """

    title: str
    signature: str
    baseline: str
    reduction: str
    confidence: float
    seed: int
    is_weighted: bool
    n_samples: int
    n_counted: int
    n_clusters: int | None
    clusters: str | None
    models: tuple[ModelLoss, ...]
    comparisons: tuple[PairResult, ...]
    compared: Compared = field(repr=False)
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()

    @property
    def n_ignored(self) -> int:
        return self.n_samples - self.n_counted


def model_loss(model: Model, tally: Tally, subject: Subject) -> ModelLoss:
    """The loss of a model by the sums over its samples."""
    reduction = subject.question.reduction
    error = tally.standard_error_of_sum() if reduction == "sum" else tally.standard_error()
    loss = tally.loss(reduction)
    return ModelLoss(
        name=model.name,
        path=model.path,
        n_classes=model.n_classes if model.has_classes else None,
        loss=math.nan if loss is None else loss,
        standard_error=inference.known(error),
        perplexity=tally.perplexity() if LOSSES[subject.loss].is_likelihood else None,
        bits=tally.bits(),
        accuracy=tally.accuracy(),
    )


def pair_result(place: int, compared: Compared) -> PairResult:
    """What the sums of pair number ``place`` say, with the samples to list."""
    subject, sums = compared.subject, compared.sums
    question, (a, b) = subject.question, subject.pairs[place]
    baseline, model, own = sums.models[a], sums.models[b], sums.pairs[place]
    grouped = subject.groups is not None
    units = inference.coarser(inference.units_of(own), compared.n_units)
    found = inference.difference(baseline, model, own, units, question)
    resampled = found.standard_error is not None or (math.isfinite(found.value) and found.n_units == 1)
    scale = inference.size_of(baseline) + inference.size_of(model)
    flips = inference.flipped(units, scale, question) if resampled else None
    drawn = inference.drawn(units, question) if resampled else None
    answers = inference.accuracy_difference(own.counts, units)
    detectable = inference.detectable(found.standard_error, question.confidence)
    verdict = found.verdict(question.margin)
    beyond = inference.beyond_margin(found, question.margin)
    named = subject.models[a] if subject.models[a].has_classes else subject.models[b]
    ratio = _ratios(found, baseline, question) if LOSSES[subject.loss].is_likelihood else (None,) * 3
    shares = inference.shares_of_squares(units, own, question.reduction) if found.standard_error else []
    return PairResult(
        model=subject.models[b].name,
        baseline=subject.models[a].name,
        verdict=verdict,
        loss_difference=found.value,
        standard_error=found.standard_error,
        standard_error_independent=found.standard_error_independent,
        standard_error_unpaired=found.standard_error_unpaired,
        design_effect=_design_effect(found) if grouped else None,
        ci_low=found.low,
        ci_high=found.high,
        t=found.t,
        df=found.df,
        p_value=found.p,
        p_value_adjusted=None,
        adjustment=None,
        p_value_permutation=None if flips is None else flips.p,
        n_permutations=None if flips is None else flips.n,
        permutation=None if flips is None else "all" if flips.all else "random",
        bootstrap_low=None if drawn is None else inference.known(drawn[0]),
        bootstrap_high=None if drawn is None else inference.known(drawn[1]),
        n_bootstrap=None if drawn is None else question.n_bootstrap,
        n_units=found.n_units,
        unit_size=1 << units.bins.level,
        correlation=found.correlation,
        perplexity_ratio=ratio[0],
        perplexity_ratio_low=ratio[1],
        perplexity_ratio_high=ratio[2],
        n_better=own.counts.n_better,
        n_worse=own.counts.n_worse,
        n_equal=own.counts.n_equal,
        p_value_sign=sign_test_p(own.counts.n_better, own.counts.n_worse),
        accuracy_difference=None if answers is None else answers[0],
        accuracy_standard_error=None if answers is None else answers[1],
        n_both_correct=own.counts.n_both_correct,
        n_only_baseline_correct=own.counts.n_only_baseline_correct,
        n_only_model_correct=own.counts.n_only_model_correct,
        n_neither_correct=own.counts.n_neither_correct,
        p_value_mcnemar=inference.mcnemar_p(own.counts),
        divergence=None if own.divergence is None else _divergence(own.divergence, baseline.n_counted),
        detectable_difference=detectable,
        units_needed=inference.units_needed(found, detectable),
        margin=question.margin,
        p_better=None if beyond is None else beyond[0],
        p_equivalent=None if beyond is None else beyond[1],
        p_worse=None if beyond is None else beyond[2],
        largest_share_of_squares=shares[0][0] if shares else None,
        largest=_largest(own, named, compared),
        per_class=None if own.classes is None else _classes(own.classes, named.named_classes, question.adjustment),
        shares_of_squares=tuple(share for share, _ in shares),
        farthest=shares[0][1] if shares else None,
        has_spread=found.has_spread,
        is_rounding=found.is_rounding,
    )


def _design_effect(found: inference.Difference) -> float | None:
    own, independent = found.standard_error, found.standard_error_independent
    return (own / independent) ** 2 if own is not None and independent else None


def _ratios(
    found: inference.Difference, baseline: Tally, question: inference.Question
) -> tuple[float | None, float | None, float | None]:
    """The ratio of the perplexities, and the ends of its interval: exp of those of the difference of the means."""
    divisor = float(baseline.weight_sum) if question.reduction == "sum" else 1.0

    def ratio(value: float | None) -> float | None:
        if value is None or math.isnan(value) or not divisor:
            return None
        try:
            return math.exp(value / divisor)
        except OverflowError:
            return math.inf

    return ratio(found.value), ratio(found.low), ratio(found.high)


def _divergence(sums: DivergenceSums, n: int) -> Divergence | None:
    quantiles = sums.quantiles.quantiles(tuple(QUANTILES.values()))
    if not n or quantiles is None:
        return None
    mean = sums.total.divided_by(exact_count(n))
    error = sums.spread.error_of_ratio(sums.total, exact_count(n))
    p_mean = p_rms = None
    if sums.p_difference is not None and sums.p_squares is not None:
        p_mean = sums.p_difference.divided_by(exact_count(n))
        p_rms = root(sums.p_squares, n << 2148) if sums.p_difference.is_finite else None
    ordered = dict(zip(QUANTILES, quantiles, strict=True))
    worst = sums.infinite.worst
    return Divergence(
        same_top=sums.n_same_top / n,
        kl_divergence=mean,
        kl_standard_error=inference.known(error),
        **ordered,
        kl_max=worst,
        target_p_difference_mean=p_mean,
        target_p_difference_rms=p_rms,
    )


def _largest(own: PairSums, model: Model, compared: Compared) -> tuple[LargeDifference, ...]:
    """The samples of the largest differences: those on which the model is better, and then worse."""
    n = compared.subject.n_largest
    items = [item for item in own.largest.smallest[:n] if item.value < 0]
    items += [item for item in own.largest.largest[:n] if item.value > 0]
    return tuple(_large(item, model, compared) for item in items)


def _large(item: Item, model: Model, compared: Compared) -> LargeDifference:
    _, baseline, other, target, key = item.beside
    has_name = model.has_classes and 0 <= target < model.n_classes
    sample: int | str = key if isinstance(key, str) else compared.name_of(item.number)
    return LargeDifference(
        sample, model.named_classes[int(target)] if has_name else None, float(baseline), float(other)
    )


def _classes(sums: ClassSums, names: Sequence[str], adjustment: str) -> tuple[ClassDifference, ...]:
    """Every class by itself, p adjusted for how many they are."""
    found = [_class(name, i, sums) for i, name in enumerate(names)]
    values = _adjusted([each.p_value for each in found], adjustment)
    return tuple(replace(each, p_value_adjusted=p) for each, p in zip(found, values, strict=True))


def _class(name: str, i: int, sums: ClassSums) -> ClassDifference:
    n = int(sums.n[i])
    if not n:
        return ClassDifference(name, 0, None, None, None, None, None, None)
    baseline, model, total, squares = sums.baseline[i], sums.model[i], sums.differences[i], sums.squares[i]
    count = exact_count(n)
    error = error_of_mean(n, total, squares)
    value = total.divided_by(count)
    losses = baseline.divided_by(count), model.divided_by(count)
    p = two_sided_p(value / error, n - 1) if error and inference.is_evidence(value, error, losses) else None
    return ClassDifference(name, n, *losses, value, error, p, None)


def adjusted(pairs: Sequence[PairResult], adjustment: str) -> tuple[PairResult, ...]:
    """The pairs with the p that says how often one of as many would be as small."""
    found = _adjusted([pair.p_value for pair in pairs], adjustment)
    return tuple(replace(pair, p_value_adjusted=p, adjustment=adjustment) for pair, p in zip(pairs, found, strict=True))


def _adjusted(values: Sequence[float | None], adjustment: str) -> Sequence[float | None]:
    return holm(values) if adjustment == "holm" else values


def values_of(record: Any) -> dict[str, Any]:
    """The fields of a record by name."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
