"""One block -> its tally and, where asked, its losses, probabilities or gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.errors import SampleError
from nllcli.numerics.exact import ExactSum, ExactSums, exact_count, exact_sum, exact_sums
from nllcli.numerics.kernels.convert import both_classes, is_bfloat16, to_float
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.losses.masses import product
from nllcli.numerics.surprisal.surprisal import FromLogits, Surprisal, surprisal
from nllcli.numerics.tally import ClassSums, Rows, Tally, tally_of
from nllcli.numerics.targets import is_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.settings import LossOptions


@dataclass(frozen=True)
class Wanted:
    """What to hand back beside the tally; ``gradient`` is what to divide it by, None where it is not wanted."""

    losses: bool = False
    probs: bool = False
    log_probs: bool = False
    gradient: float | None = None
    classes: bool = False


@dataclass(frozen=True)
class Outcome:
    """A block's results: ``losses`` (n,), the others (n, C) float64; None where not wanted."""

    start: int
    tally: Tally
    losses: NDArray[np.float64] | None = None
    probs: NDArray[np.float64] | None = None
    log_probs: NDArray[np.float64] | None = None
    gradient: NDArray[np.float64] | None = None
    targets: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Scored:
    """The targets of a block made ready: ``counted`` is None where every sample counts."""

    targets: NDArray[Any]
    counted: NDArray[np.bool_] | None

    def only(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.counted is None else values[self.counted]

    def masked(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return mask if self.counted is None else mask & self.counted


@np.errstate(all="ignore")  # infinities and NaN are told by looking at the numbers
def evaluate(block: Block, options: LossOptions, wanted: Wanted, scratch: Scratch) -> Outcome:
    """Score the samples of one block.

    Raises SampleError for targets out of range, for weights that are no numbers and for logits that allow no number
    (unless ``on_nonfinite`` is "nan"); ignored samples are not looked at.
    """
    x = _numbers(block, options, scratch)
    n_classes = 2 if options.binary else x.shape[1]
    scored = _score_targets(block, options, n_classes)
    loss = LOSSES[options.loss]
    short = loss.scores == "target" and not options.label_smoothing and scored.targets.ndim == 1
    scores = scores_of(x, options, scratch, targets=scored.targets if short else None)
    unusable = _unusable(block, x, scores, scored, options)

    weights = _weights(block, scored, options)
    weighted, plain = _losses(scores, scored, weights, block, options)
    for values in (weighted, plain):
        if values is not None:
            _blank(values, scored, unusable)

    n_correct, right = (None, None) if block.targets is None else _correct(scores, scored, unusable)
    classes = _class_sums(scored, right, weighted, plain, n_classes) if wanted.classes and right is not None else None
    tally = tally_of(
        scored.only(weighted),
        unweighted=None if plain is None else scored.only(plain),
        weights=None if weights is None else scored.only(weights),
        reduction=options.reduction,
        n_samples=len(x),
        n_correct=n_correct,
        classes=classes,
    )
    infinite = None if tally.loss_sum.is_finite else ~np.isfinite(weighted)
    findings = _findings(block, x, scores, scored, infinite, options, unusable)
    return Outcome(
        block.start,
        replace(tally, findings=findings) if findings else tally,
        losses=weighted if wanted.losses else None,
        probs=_own(scores.probs(), unusable) if wanted.probs else None,
        log_probs=_own(0.0 - scores.all(), unusable) if wanted.log_probs else None,
        gradient=None
        if wanted.gradient is None
        else _gradient(scores, scored, block, options, unusable) / wanted.gradient,
        targets=block.targets,
    )


@np.errstate(all="ignore")
def probabilities(block: Block, options: LossOptions, *, log: bool, scratch: Scratch) -> NDArray[np.float64]:
    """The probabilities (n, C) of one block, or their logarithms; errors as in ``evaluate``."""
    x = _numbers(block, options, scratch)
    scores = scores_of(x, options, scratch)
    unusable = _unusable(block, x, scores, _Scored(np.zeros(len(x), np.int64), None), options)
    return _own(0.0 - scores.all() if log else scores.probs(), unusable)


def _numbers(block: Block, options: LossOptions, scratch: Scratch) -> NDArray[Any]:
    """What the file holds (n, C); logits are converted where they are needed as numbers, since some never are."""
    return block.logits if options.source == "logits" else to_float(block.logits, scratch)


def scores_of(
    x: NDArray[Any], options: LossOptions, scratch: Scratch, targets: NDArray[np.int64] | None = None
) -> Surprisal:
    """The surprisals of a block (n, C) under these settings; see there for ``targets``."""
    return surprisal(
        x,
        source=options.source,
        binary=options.binary,
        temperature=options.temperature,
        clip=options.clip,
        single=options.precision == "fast",
        targets=targets,
        scratch=scratch,
    )


def _score_targets(block: Block, options: LossOptions, n_classes: int) -> _Scored:
    """Find the counted samples, refuse targets out of range, and let ignored ones point at class 0 meanwhile."""
    targets = block.targets
    if targets is None:
        return _Scored(np.zeros(len(block.logits), np.int64), None)
    if targets.ndim == 2:
        targets = to_float(targets, Scratch())
        _refuse_bad_soft(block.start, targets, options)
        return _Scored(both_classes(targets, "probs") if options.binary else targets, None)
    ignored = _ignored(targets, options.ignore_index, n_classes, block.start)
    if ignored is None:
        return _Scored(targets, None)
    return _Scored(np.where(ignored, 0, targets), ~ignored)


def _refuse_bad_soft(start: int, targets: NDArray[Any], options: LossOptions) -> None:
    wrong = ~((targets >= 0) & (targets <= 1)) if options.binary else ~np.isfinite(targets)
    if wrong.any():
        sample, column = map(int, np.argwhere(wrong)[0])
        value = float(targets[sample, column])
        c = _class_of(column, binary=options.binary)
        raise SampleError(
            f"target {value!r} is no probability" + ("" if options.binary else f", in class {c}"),
            culprit="targets",
            samples=(sample + start,),
            class_index=c,
        )


def counted_targets(targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int) -> NDArray[np.int64]:
    """The targets (n,) that are not ignored; raises SampleError for those out of range."""
    ignored = _ignored(targets, ignore_index, n_classes, start)
    return targets if ignored is None else targets[~ignored]


@np.errstate(all="ignore")
def weight_sum(block: Block, options: LossOptions, n_classes: int) -> ExactSum:
    """What the samples of a block add to the denominator of the mean; looks at targets and weights alone."""
    scored = _score_targets(block, options, n_classes)
    weights = _weights(block, scored, options)
    if weights is not None:
        return exact_sum(scored.only(weights))
    return exact_count(len(scored.targets) if scored.counted is None else int(np.count_nonzero(scored.counted)))


def _ignored(targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int) -> NDArray[np.bool_] | None:
    """Which targets are ignored, None where none is; the others must be classes."""
    classes = is_class(targets, n_classes)
    if classes.all() and not 0 <= ignore_index < n_classes:
        return None
    ignored = targets == ignore_index
    outside = ~(classes | ignored)
    if outside.any():
        first = np.flatnonzero(outside)[:5]
        raise SampleError(
            f"target {targets[first[0]]} is outside 0..{n_classes - 1}",
            culprit="targets",
            samples=tuple(int(i) + start for i in first),
            values=tuple(int(v) for v in targets[first]),
        )
    return ignored if ignored.any() else None


def _unusable(
    block: Block, x: NDArray[Any], scores: Surprisal, scored: _Scored, options: LossOptions
) -> NDArray[np.bool_] | None:
    """Counted samples without a number: None where there are none, refused unless they are let through."""
    unusable = scores.unusable()
    if unusable is not None:
        unusable = scored.masked(unusable)
    if options.source == "probs":
        _refuse(np.less(x, 0) | np.greater(x, 1), "no probability", block, x, scored, unusable, options)
    elif (
        options.source == "log-probs"
        and options.clip is None
        and (options.binary or LOSSES[options.loss].asks_every_class)
    ):
        what = "no log-probability: 1 - p would be negative"
        _refuse(np.greater(x, 0), what, block, x, scored, unusable, options)
    if unusable is None or not unusable.any():
        return None
    if options.on_nonfinite == "nan":
        return unusable
    first = np.flatnonzero(unusable)[:5]
    message, c = _nonfinite(to_float(x[first[:1]], Scratch())[0], binary=options.binary)
    raise SampleError(
        message,
        culprit="logits",
        samples=tuple(int(i) + block.start for i in first),
        class_index=c,
        hint="--on-nonfinite nan lets such samples through as NaN",
    )


def _nonfinite(row: NDArray[Any], *, binary: bool) -> tuple[str, int | None]:
    """What is wrong with a row of logits, and the class at fault, where it is one."""
    bad = np.isnan(row) | np.isposinf(row)
    if not bad.any():
        return "every class is -inf, which leaves nothing to normalise", None
    column = int(np.flatnonzero(bad)[0])
    c = _class_of(column, binary=binary)
    return f"class {c} is {'NaN' if np.isnan(row[column]) else '+inf'}", c


def _class_of(column: int, *, binary: bool) -> int:
    """The class to which a column belongs: the only one of two classes, to class 1."""
    return 1 if binary else column


def _refuse(
    outside: NDArray[np.bool_],
    what: str,
    block: Block,
    x: NDArray[Any],
    scored: _Scored,
    unusable: NDArray[np.bool_] | None,
    options: LossOptions,
) -> None:
    rows = scored.masked(np.logical_or.reduce(outside, axis=1))
    if unusable is not None:
        rows &= ~unusable
    if rows.any():
        first = np.flatnonzero(rows)[:5]
        column = int(np.flatnonzero(outside[first[0]])[0])
        c = _class_of(column, binary=options.binary)
        raise SampleError(
            f"class {c} is {float(x[first[0], column])!r}, {what}",
            culprit="logits",
            samples=tuple(int(i) + block.start for i in first),
            class_index=c,
            hint="--from says what the file holds: logits, log-probs or probs",
        )


def _weights(block: Block, scored: _Scored, options: LossOptions) -> NDArray[np.float64] | None:
    """What each sample adds to the denominator of the mean, (n,); None where that is 1 for all."""
    own = None
    if options.class_weights is not None and scored.targets.ndim == 1:
        own = options.class_weights[scored.targets]
    if block.sample_weights is None:
        return own
    wrong = np.flatnonzero(scored.masked(~np.isfinite(block.sample_weights)))
    if wrong.size:
        raise SampleError(
            f"the weight {float(block.sample_weights[wrong[0]])!r} is not finite",
            culprit="sample_weights",
            samples=tuple(int(i) + block.start for i in wrong[:5]),
        )
    return block.sample_weights if own is None else own * block.sample_weights


def _losses(
    scores: Surprisal, scored: _Scored, weights: NDArray[np.float64] | None, block: Block, options: LossOptions
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The weighted losses (n,), and the plain ones where there are weights."""
    loss = LOSSES[options.loss].value
    weighted = loss(scores, scored.targets, options.class_weights, options.label_smoothing)
    if block.sample_weights is not None:
        weighted = product(block.sample_weights, weighted)
    if weights is None and options.class_weights is None:
        return weighted, None
    return weighted, loss(scores, scored.targets, None, options.label_smoothing)


def _blank(values: NDArray[np.float64], scored: _Scored, unusable: NDArray[np.bool_] | None) -> None:
    if unusable is not None:
        values[unusable] = np.nan
    if scored.counted is not None:
        values[~scored.counted] = 0.0


def _own(values: NDArray[np.float64], unusable: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """A copy that outlives the scratch arrays, NaN in the rows that have no number."""
    values = values.copy()
    if unusable is not None:
        values[unusable] = np.nan
    return values


def _correct(
    scores: Surprisal, scored: _Scored, unusable: NDArray[np.bool_] | None
) -> tuple[int | None, NDArray[np.bool_] | None]:
    """How many samples are predicted right, and which; class probabilities have no one class to predict."""
    if scored.targets.ndim == 2:
        return None, None
    right = scored.masked(scores.is_top(scored.targets))
    if unusable is not None:
        right &= ~unusable
    return int(np.count_nonzero(right)), right


def _class_sums(
    scored: _Scored,
    right: NDArray[np.bool_],
    weighted: NDArray[np.float64],
    plain: NDArray[np.float64] | None,
    n_classes: int,
) -> ClassSums:
    targets = scored.only(scored.targets)

    def per_class(values: NDArray[np.float64]) -> ExactSums:
        return exact_sums(scored.only(values), targets, n_classes)

    weighted_sum = per_class(weighted)
    return ClassSums(
        np.bincount(targets, minlength=n_classes),
        np.bincount(scored.targets[right], minlength=n_classes),
        weighted_sum if plain is None else per_class(plain),
        weighted_sum,
    )


def _findings(
    block: Block,
    x: NDArray[Any],
    scores: Surprisal,
    scored: _Scored,
    infinite: NDArray[np.bool_] | None,
    options: LossOptions,
    unusable: NDArray[np.bool_] | None,
) -> dict[str, Rows]:
    """What deserves a warning, by code; ``infinite`` are the losses that are, or NaN by weights of both signs."""
    found: dict[str, Rows] = {}

    def note(code: str, mask: NDArray[np.bool_], size: NDArray[np.float64] | None = None) -> None:
        mask = scored.masked(mask)
        if mask.any():
            found[code] = Rows.where(mask, block.start, size)

    if unusable is not None:
        note("nonfinite-logits", unusable)
    if infinite is not None:
        note("infinite-loss", infinite if unusable is None else infinite & ~unusable)
    if block.sample_weights is not None:
        note("negative-sample-weights", block.sample_weights < 0)
    if options.source != "logits" and not options.binary:
        tolerance = sum_tolerance(block.logits.dtype)
        total = np.add.reduce(scores.probs() if options.clip is None else _plain_probs(x, options), axis=1)
        off = np.abs(total - 1.0)
        note("not-normalised", ~(off <= tolerance) if unusable is None else ~((off <= tolerance) | unusable), off)
    if scored.targets.ndim == 2 and block.targets is not None:
        off = np.abs(np.add.reduce(scored.targets.astype(np.float64), axis=1) - 1.0)
        note("soft-targets-not-normalised", ~(off <= sum_tolerance(block.targets.dtype)), off)
    return found


def _plain_probs(x: NDArray[Any], options: LossOptions) -> NDArray[np.float64]:
    values = x.astype(np.float64)
    return np.exp(values) if options.source == "log-probs" else values


def sum_tolerance(dtype: np.dtype[Any]) -> float:
    """How far a row of probabilities may be from a sum of 1: the square root of the dtype's machine epsilon."""
    return math.sqrt(machine_epsilon(dtype))


def machine_epsilon(dtype: np.dtype[Any]) -> float:
    """The distance from 1 to the next number of ``dtype``; float64's for integers, which are converted to it."""
    if is_bfloat16(dtype):
        return 2.0**-7
    return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def _gradient(
    scores: Surprisal,
    scored: _Scored,
    block: Block,
    options: LossOptions,
    unusable: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    assert isinstance(scores, FromLogits)
    out = LOSSES[options.loss].gradient(scores, scored.targets, options.class_weights, options.label_smoothing)
    if options.temperature != 1.0:
        out /= options.temperature
    if options.binary:
        out = np.ascontiguousarray(out[:, 1:])
    if block.sample_weights is not None:
        out *= block.sample_weights[:, None]
    if unusable is not None:
        out[unusable] = np.nan
    if scored.counted is not None:
        out[~scored.counted] = 0.0
    return out
