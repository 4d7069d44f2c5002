"""One sample's loss with every quantity on the way to it, to the bits that ``evaluate`` gives."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.numerics.evaluate import Wanted, evaluate, numbers, scores_of
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.kernels import both_classes, to_float
from nllcli.numerics.kernels.normaliser import normalise
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.numerics.targets import Targets
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.settings import LossOptions
    from nllcli.numerics.evaluate import Outcome
    from nllcli.numerics.surprisal import Surprisal

Made = TypeVar("Made")

_KEPT_CLASSES = 1 << 18


class made(Generic[Made]):
    """An array of one number a class: kept if it is short, and else made whenever it is asked for.

    Of millions of classes, one array of all those of a sample is in memory at a time.
    """

    def __init__(self, work: Callable[[Any], Made]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, instance: Any, owner: type) -> Made:
        value: Any = self._work(instance)
        if value is None or len(value) <= _KEPT_CLASSES:
            instance.__dict__[self._work.__name__] = value
        made_now: Made = value
        return made_now


@dataclass(frozen=True, eq=False)
class Softmax:
    """From logits x (C,), or from log p as such: ``maximum`` M, and the sum of the exponentials of (x - M) / T.

    ``rest`` is the sum without the exponential of the maximum, which is 1; ``log_sum`` is log(1 + rest).
    """

    x: NDArray[Any]
    temperature: float
    maximum: float
    rest: float

    @made
    def shifted(self) -> NDArray[np.float64]:
        """(x - M) / T: (C,)."""
        with np.errstate(all="ignore"):
            gap = self.x.astype(np.float64)
            gap -= self.maximum
            gap /= self.temperature
        return gap

    @made
    def exponentials(self) -> NDArray[np.float64]:
        """The exponentials of ``shifted``: (C,)."""
        shifted = self.shifted
        with np.errstate(all="ignore"):
            return np.exp(shifted, out=None if len(shifted) <= _KEPT_CLASSES else shifted)

    @property
    def log_sum(self) -> float:
        return float(np.log1p(self.rest))

    @property
    def total(self) -> float:
        return 1.0 + self.rest


@dataclass(frozen=True, eq=False)
class Worked:
    """What a textbook writes down for the one sample of ``block``; arrays are (C,) float64.

    ``target`` is None where there is none, or soft. ``counted`` is False where the target is ignored, ``usable`` where
    the file holds values that no probabilities follow from. ``outcome`` has the gradient of few classes.
    """

    block: Block
    options: LossOptions
    softmax: Softmax | None
    target: int | None
    soft_target: NDArray[np.float64] | None
    top: int
    loss: float
    sample_weight: float | None
    weight: float
    weighted_loss: float
    counted: bool
    usable: bool
    outcome: Outcome | None = None
    kept: dict[float | None, Surprisal] = field(default_factory=dict)

    @property
    def n_classes(self) -> int:
        return 2 if self.options.binary else self.block.logits.shape[1]

    @property
    def has_gradient(self) -> bool:
        """Whether there is one: the file holds logits, and p is not clipped."""
        return _has_gradient(self.options)

    @made
    def given(self) -> NDArray[np.float64]:
        """What the file holds."""
        return _given(self.block, self.options, Scratch())[0].astype(np.float64)

    @property
    def logits(self) -> NDArray[Any] | None:
        """What the softmax is of: what the file holds, or under a temperature log p; None where there is none."""
        if self.options.source == "logits":
            return self.given
        return None if self.softmax is None else self.softmax.x

    @made
    def probs(self) -> NDArray[np.float64]:
        """P, after any clipping."""
        return self._with_nan(self._scores(self.options.clip).probs()[0])

    @made
    def surprisals(self) -> NDArray[np.float64]:
        """-log p in nats, after any clipping."""
        return self._with_nan(self._scores(self.options.clip).all()[0])

    @made
    def unclipped(self) -> NDArray[np.float64]:
        """-log p in nats, before any clipping."""
        return self._scores(None).all()[0]

    @made
    def complements(self) -> NDArray[np.float64]:
        """-log(1 - p) in nats, after any clipping."""
        return self._scores(self.options.clip).complement()[0]

    @made
    def shares(self) -> NDArray[np.float64] | None:
        """The factors of the surprisals in the loss, class weights included; None where it is not a sum of them."""
        options, masses = self.options, LOSSES[self.options.loss].masses
        if not self.counted or masses is None:
            return None
        scores = self._scores(options.clip)
        targets = Targets.of(self.block, options, scores.n_classes)
        found: NDArray[np.float64] = masses(scores, targets.values, options.class_weights, options.label_smoothing)[0]
        return found

    @made
    def gradient(self) -> NDArray[np.float64] | None:
        """That of ``weighted_loss`` by the logits, where there is one; NaN where a class has no logit of its own."""
        if not self.has_gradient:
            return None
        found = (self.outcome or evaluate(self.block, self.options, Wanted(gradient=1.0), Scratch())).gradient
        assert found is not None
        return np.append(np.nan, found[0]) if self.options.binary else found[0]

    def _with_nan(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``values``, or NaN where no probabilities follow from what counts."""
        return values if self.usable or not self.counted else np.full_like(values, np.nan)

    def _scores(self, clip: float | None) -> Surprisal:
        """The surprisals under this clipping, kept as the arrays are."""
        found = self.kept.get(clip)
        if found is None:
            found = _surprisal(self.block, replace(self.options, clip=clip))
            if self.n_classes <= _KEPT_CLASSES:
                self.kept[clip] = found
        return found


def _has_gradient(options: LossOptions) -> bool:
    return options.source == "logits" and options.clip is None


def _surprisal(block: Block, options: LossOptions) -> Surprisal:
    """The surprisals of the sample under these settings."""
    scratch = Scratch()
    return scores_of(to_float(numbers(block, options.source, scratch)[0], scratch), options, scratch)


def _given(block: Block, options: LossOptions, scratch: Scratch) -> NDArray[Any]:
    """What the file holds (1, C), as numbers."""
    x = to_float(numbers(block, options.source, scratch)[0], scratch)
    return both_classes(x, options.source) if options.binary else x


def work_through(block: Block, options: LossOptions) -> Worked:
    """Work through the one sample of ``block``; raises SampleError as ``evaluate`` does.

    An ignored sample has ``weight`` 0 and ``target`` None.
    """
    are_few = block.logits.shape[1] <= _KEPT_CLASSES
    with_gradient = are_few and _has_gradient(options)
    outcome = evaluate(block, options, Wanted(losses=True, gradient=1.0 if with_gradient else None), Scratch())
    assert outcome.losses is not None
    unclipped = _surprisal(block, replace(options, clip=None))
    scores = unclipped if options.clip is None else _surprisal(block, options)
    usable = scores.unusable() is None
    targets = Targets.of(block, options, scores.n_classes)
    counted = targets.counted is None or bool(targets.counted[0])
    has_class = counted and targets.are_classes and block.targets is not None
    return Worked(
        block,
        options,
        softmax=_softmax(unclipped.logits, options) if usable and isinstance(unclipped, FromLogits) else None,
        target=int(targets.values[0]) if has_class else None,
        soft_target=None if targets.are_classes else targets.values[0].astype(np.float64),
        top=int(scores.top()[0]),
        loss=float(outcome.tally.unweighted_sum),
        sample_weight=None if block.sample_weights is None else float(block.sample_weights[0]),
        weight=float(outcome.tally.weight_sum),
        weighted_loss=float(outcome.losses[0]),
        counted=counted,
        usable=usable,
        outcome=outcome if are_few else None,
        kept={None: unclipped, options.clip: scores} if are_few else {},
    )


def total(values: NDArray[np.float64]) -> float:
    """The sum of ``values`` (n,), rounded once."""
    return float(exact_sum(np.ascontiguousarray(values)))


def total_without(values: NDArray[np.float64], classes: list[int]) -> float:
    """The sum of the ``values`` (C,) of all other classes, rounded once."""
    is_left = np.ones(len(values), bool)
    is_left[classes] = False
    runs = (slice(start, start + _KEPT_CLASSES) for start in range(0, len(values), _KEPT_CLASSES))
    return float(sum((exact_sum(values[run][is_left[run]]) for run in runs), ExactSum()))


def _softmax(x: NDArray[Any], options: LossOptions) -> Softmax:
    single = options.precision == "fast"
    reduced = normalise(x, temperature=options.temperature, single=single, scratch=Scratch())
    return Softmax(x[0], options.temperature, float(reduced.maximum[0]), float(reduced.rest[0]))
