"""One block -> its tally and, where asked, its losses, probabilities or gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import array_of
from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.numerics.bounds import within_bounds
from nllcli.numerics.exact import ExactSums, exact_sums
from nllcli.numerics.fingerprint import Fingerprint
from nllcli.numerics.kernels import product, to_float
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import Surprisal, surprisal
from nllcli.numerics.tally import ClassSums, Rows, Tally, tally_of
from nllcli.numerics.targets import Targets
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch, Unread
    from nllcli.data.settings import LossOptions
    from nllcli.numerics.pictured import PicturesWanted
    from nllcli.numerics.surprisal import Reduction

# Numbers of an array (n, C) that is worked on at a time, where there are several of them.
_PART_ELEMENTS = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """What to return next to the tally; ``gradient`` is what to divide it by, None where it is not wanted.

    ``spread``, ``classes``, ``fingerprint`` and ``pictures`` are parts of the tally that cost time.
    """

    losses: bool = False
    probs: bool = False
    log_probs: bool = False
    gradient: float | None = None
    spread: bool = False
    classes: bool = False
    fingerprint: bool = False
    pictures: PicturesWanted | None = None

    @property
    def every_class(self) -> bool:
        """Whether arrays (n, C) are wanted."""
        return self.probs or self.log_probs or self.gradient is not None


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
    keys: Sequence[str] | None = None

    def __add__(self, other: Outcome) -> Outcome:
        """The tally of both, without the arrays."""
        return Outcome(self.start, self.tally + other.tally)

    def shifted(self, by: int) -> Outcome:
        """The same of samples whose numbers are so much higher."""
        return replace(self, start=self.start + by, tally=self.tally.shifted(by))

    @property
    def named_samples(self) -> tuple[int, ...]:
        """The samples that findings and pictures name."""
        found = tuple(sample for rows in self.tally.findings.values() for sample in rows.first)
        return found if self.tally.pictures is None else (*found, *self.tally.pictures.named_samples)


@dataclass(frozen=True)
class Scoring:
    """A block being scored: what it holds, ``x`` (n, C), its targets, and the surprisals.

    ``one_class`` says that the loss of a sample is that of one class. ``unusable`` (n,) are the counted samples without
    a number, ``rounded`` (n,) those with a p a rounding above 1; None where there are none.
    """

    block: Block
    options: LossOptions
    held: NDArray[Any] | Unread
    targets: Targets
    scores: Surprisal
    scratch: Scratch
    one_class: bool = True
    unusable: NDArray[np.bool_] | None = None
    rounded: NDArray[np.bool_] | None = None

    @property
    def x(self) -> NDArray[Any]:
        return array_of(self.held)

    def parts(self, *, whole_rows: bool = False) -> Iterator[tuple[slice, NDArray[Any], Surprisal]]:
        """Runs of samples, their targets and surprisals: all, or few where the loss, or who asks, needs every class.

        What is computed of the samples of a run, (n, C), stays in the second-level cache.
        """
        targets = self.targets.values
        if not whole_rows and self.one_class:
            yield slice(None), targets, self.scores
            return
        step = max(1, _PART_ELEMENTS // self.scores.n_classes)
        for start in range(0, len(targets) or 1, step):
            part = slice(start, start + step)
            yield part, targets[part], scores_of(self.x[part], self.options, self.scratch.sub("part"))

    def filled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``values`` (n, ...) with NaN for samples without a number and 0 for ignored ones: a copy if there are any."""
        if self.unusable is None and self.targets.counted is None:
            return values
        values = values.copy()
        if self.unusable is not None:
            values[self.unusable] = np.nan
        if self.targets.counted is not None:
            values[~self.targets.counted] = 0.0
        return values


@dataclass(frozen=True)
class Scored:
    """A block's losses (n,): NaN where there is no number, 0 where the target is ignored.

    ``weighted`` are those with ``weights`` (n,), ``plain`` those without, None where there are none. ``right`` (n,)
    says which samples are predicted right, None where no class can be.
    """

    scoring: Scoring
    weighted: NDArray[np.float64]
    plain: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    right: NDArray[np.bool_] | None

    @property
    def n_samples(self) -> int:
        return len(self.weighted)

    def only(self, values: NDArray[Any]) -> NDArray[Any]:
        """Those of the samples' ``values`` (n,) that count."""
        return self.scoring.targets.only(values)


@np.errstate(all="ignore")  # numbers that are not finite are detected explicitly below
def evaluate(block: Block, options: LossOptions, wanted: Wanted, scratch: Scratch) -> Outcome:
    """Score the samples of one block; errors as in ``score``."""
    scored = score(block, options, scratch, read=wanted.every_class or wanted.pictures is not None)
    scoring = scored.scoring
    return Outcome(
        block.start,
        sums_of(scored, wanted, scratch),
        losses=scored.weighted if wanted.losses else None,
        probs=_with_nan(scoring.scores.probs(), scoring.unusable) if wanted.probs else None,
        log_probs=_with_nan(0.0 - scoring.scores.all(), scoring.unusable) if wanted.log_probs else None,
        gradient=None if wanted.gradient is None else _gradient(scoring, wanted.gradient),
        targets=block.targets,
        keys=block.keys,
    )


@np.errstate(all="ignore")
def score(
    block: Block, options: LossOptions, scratch: Scratch, *, read: bool = False, reduce: Reduction | None = None
) -> Scored:
    """The losses of the samples of one block; ``read`` says that what they hold is needed after that.

    ``reduce`` is what reduces the rows of logits, where more than their normaliser is asked for.

    Raises SampleError for targets out of range, for weights that are not finite and for logits that allow no number
    (unless ``on_nonfinite`` is "nan"); ignored samples are not looked at.
    """
    held, rounded = _held(block, options.source, scratch)
    if read:
        held = array_of(held)  # once, for the losses too
    targets = Targets.of(block, options, n_classes=2 if options.binary else held.shape[1])
    one_class = bool(LOSSES[options.loss].scores) and not options.label_smoothing and targets.are_classes
    asked = targets.values if one_class and LOSSES[options.loss].scores == "target" else None
    scores = scores_of(held, options, scratch, targets=asked, reduce=reduce)
    scoring = _checked(Scoring(block, options, held, targets, scores, scratch, one_class, rounded=rounded))
    weights = targets.weights(block, options)
    weighted, plain = _losses(scoring, weighted=weights is not None)
    return Scored(scoring, weighted, plain, weights, _right(scoring))


@np.errstate(all="ignore")
def sums_of(scored: Scored, wanted: Wanted, scratch: Scratch) -> Tally:
    """The sums over the samples of a block, those parts of them that are wanted."""
    scoring, right, weights, plain = scored.scoring, scored.right, scored.weights, scored.plain
    tally = tally_of(
        scored.only(scored.weighted),
        unweighted=None if plain is None else scored.only(plain),
        weights=None if weights is None else scored.only(weights),
        reduction=scoring.options.reduction,
        n_samples=scored.n_samples,
        n_correct=None if right is None else int(np.count_nonzero(right)),
        spread=wanted.spread,
        classes=_class_sums(scored, right) if wanted.classes and right is not None else None,
    )
    if wanted.fingerprint:
        tally = replace(tally, fingerprint=_fingerprint(scoring, scored.weighted, scratch.sub("fingerprint")))
    if wanted.pictures is not None:
        from nllcli.numerics.pictured.collecting import collect

        collected = collect(scored, wanted.pictures, scratch.sub("pictures"), classes=tally.classes is not None)
        tally = replace(tally, pictures=collected)
    found = _findings(scoring, None if tally.loss_sum.is_finite else ~np.isfinite(scored.weighted))
    return replace(tally, findings=found) if found else tally


@np.errstate(all="ignore")
def probabilities(block: Block, options: LossOptions, *, log: bool, scratch: Scratch) -> NDArray[np.float64]:
    """The probabilities (n, C) of one block, or their logarithms; errors as in ``evaluate``."""
    x, _ = numbers(block, options.source, scratch)
    targets = Targets(np.zeros(len(x), np.int64))
    scores = scores_of(x, options, scratch)
    scoring = _checked(Scoring(block, options, x, targets, scores, scratch))
    return _with_nan(0.0 - scores.all() if log else scores.probs(), scoring.unusable)


def numbers(block: Block, source: str, scratch: Scratch) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """What the file holds (n, C), and the rows (n,) with a p a rounding above 1, which is taken as 1.

    Logits are converted where they are needed as numbers, since some never are.
    """
    held, rounded = _held(block, source, scratch)
    return array_of(held), rounded


def _held(block: Block, source: str, scratch: Scratch) -> tuple[NDArray[Any] | Unread, NDArray[np.bool_] | None]:
    """The same, of which logits need not be read yet."""
    if source == "logits":
        return block.held, None
    return within_bounds(to_float(block.logits, scratch), block.logits.dtype, source)


def scores_of(
    x: NDArray[Any] | Unread,
    options: LossOptions,
    scratch: Scratch,
    targets: NDArray[np.int64] | None = None,
    reduce: Reduction | None = None,
) -> Surprisal:
    """The surprisals of a block (n, C) under these settings; ``targets`` and ``reduce`` as in ``surprisal``."""
    return surprisal(
        x,
        source=options.source,
        binary=options.binary,
        temperature=options.temperature,
        clip=options.clip,
        single=options.precision == "fast",
        targets=targets,
        reduce=reduce,
        scratch=scratch,
    )


def _checked(scoring: Scoring) -> Scoring:
    """With the counted samples that have no number, which are refused unless they are let through."""
    unusable = scoring.scores.unusable()
    if unusable is not None:
        unusable = scoring.targets.masked(unusable)
    if scoring.options.source != "logits":
        from nllcli.numerics.findings import check_given

        check_given(scoring, unusable)
    if unusable is None or not unusable.any():
        return scoring
    if scoring.options.on_nonfinite != "nan":
        from nllcli.numerics.findings import no_number

        raise no_number(scoring, unusable)
    return replace(scoring, unusable=unusable)


def _losses(scoring: Scoring, *, weighted: bool) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The losses (n,) with weights, and the plain ones where there are weights."""
    options, own = scoring.options, scoring.block.sample_weights
    value, smoothing = LOSSES[options.loss].value, options.label_smoothing
    found, plain = [], []
    for _, targets, scores in scoring.parts():
        found.append(value(scores, targets, options.class_weights, smoothing))
        if weighted or options.class_weights is not None:
            plain.append(value(scores, targets, None, smoothing))
    losses = _joined(found)
    if own is not None:
        losses = product(own, losses)
    return scoring.filled(losses), scoring.filled(_joined(plain)) if plain else None


def _joined(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _right(scoring: Scoring) -> NDArray[np.bool_] | None:
    """Which samples are predicted right; None without targets, or without one class to predict."""
    if scoring.block.targets is None or not scoring.targets.are_classes:
        return None
    if scoring.options.source in (TOKENS, LOSSES_GIVEN):
        return None
    right = scoring.targets.masked(scoring.scores.is_top(scoring.targets.values))
    return right if scoring.unusable is None else right & ~scoring.unusable


def _class_sums(scored: Scored, right: NDArray[np.bool_]) -> ClassSums:
    targets, n_classes = scored.scoring.targets, scored.scoring.scores.n_classes
    counted = targets.only(targets.values)

    def per_class(values: NDArray[np.float64]) -> ExactSums:
        return exact_sums(targets.only(values), counted, n_classes)

    weighted_sum = per_class(scored.weighted)
    return ClassSums(
        np.bincount(counted, minlength=n_classes),
        np.bincount(targets.values[right], minlength=n_classes),
        weighted_sum if scored.plain is None else per_class(scored.plain),
        weighted_sum,
    )


def _fingerprint(scoring: Scoring, losses: NDArray[np.float64], scratch: Scratch) -> Fingerprint:
    """That of the counted samples; of soft targets, the probability of the first class is in it."""
    targets, counted = scoring.targets.values, scoring.targets.only
    column = targets if scoring.targets.are_classes else targets[:, 0].astype(np.float64)
    return Fingerprint.of(counted(losses), counted(column), scratch)


def _findings(scoring: Scoring, infinite: NDArray[np.bool_] | None) -> dict[str, Rows]:
    """What deserves a warning; plain logits and class indices leave nothing else to look for."""
    block = scoring.block
    plain = scoring.options.source == "logits" and scoring.targets.are_classes and block.sample_weights is None
    if plain and scoring.unusable is None and infinite is None:
        return {}
    from nllcli.numerics.findings import findings

    return findings(scoring, infinite)


def _with_nan(values: NDArray[np.float64], unusable: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """``values`` (n, C), filled with NaN in the rows that have no number."""
    if unusable is not None:
        values[unusable] = np.nan
    return values


def _gradient(scoring: Scoring, divisor: float) -> NDArray[np.float64]:
    """The gradient (n, C) of each sample's loss by its logits, over ``divisor``."""
    options = scoring.options
    gradient, settings = LOSSES[options.loss].gradient, (options.class_weights, options.label_smoothing)
    out: NDArray[np.float64] | None = None
    n = len(scoring.targets.values)
    for part, targets, scores in scoring.parts(whole_rows=True):
        found = gradient(scores, targets, *settings)
        if len(found) == n:
            out = found  # not copied: it may be a single row of millions of classes
            break
        out = np.empty((n, found.shape[1])) if out is None else out
        out[part] = found
    assert out is not None
    if options.temperature != 1.0:
        out /= options.temperature
    if options.binary:
        out = np.ascontiguousarray(out[:, 1:])
    if scoring.block.sample_weights is not None:
        out *= scoring.block.sample_weights[:, None]
    out = scoring.filled(out)
    out /= divisor
    return out
