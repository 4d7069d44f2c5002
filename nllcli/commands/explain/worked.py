"""One sample's loss with every quantity on the way to it, to the bits that ``evaluate`` gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.numerics.evaluate import Wanted, evaluate, numbers, scores_of
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.kernels import both_classes, to_float
from nllcli.numerics.kernels.normaliser import normalise
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.targets import Targets
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.settings import LossOptions


@dataclass(frozen=True)
class Softmax:
    """From logits x (C,): ``maximum`` M, ``shifted`` (x - M) / T, their ``exponentials`` and the sum of those.

    ``rest`` is the sum without the exponential of the maximum, which is 1; ``log_sum`` is log(1 + rest).
    """

    maximum: float
    shifted: NDArray[np.float64]
    exponentials: NDArray[np.float64]
    rest: float
    log_sum: float

    @property
    def total(self) -> float:
        return 1.0 + self.rest


@dataclass(frozen=True)
class Worked:
    """What a textbook writes down for one sample; arrays are (C,) float64.

    ``given`` is what the file holds, ``surprisals`` are -log p and ``complements`` -log(1 - p), in nats, after any
    clipping; ``unclipped`` are the surprisals before it. ``shares`` are the factors of the surprisals in the loss,
    class weights included; None where the loss is not a sum of them. ``target`` is None where there is none, or soft.
    ``gradient`` is that of ``weighted_loss`` by the logits, None where the file holds no logits or p is clipped; NaN
    where a class has no logit of its own. ``counted`` is False where the target is ignored, ``usable`` where the file
    holds values that no probabilities follow from.
    """

    given: NDArray[np.float64]
    softmax: Softmax | None
    probs: NDArray[np.float64]
    surprisals: NDArray[np.float64]
    unclipped: NDArray[np.float64]
    complements: NDArray[np.float64]
    shares: NDArray[np.float64] | None
    gradient: NDArray[np.float64] | None
    target: int | None
    soft_target: NDArray[np.float64] | None
    top: int
    loss: float
    sample_weight: float | None
    weight: float
    weighted_loss: float
    counted: bool
    usable: bool

    @property
    def n_classes(self) -> int:
        return len(self.probs)


def work_through(block: Block, options: LossOptions) -> Worked:
    """Work through the one sample of ``block``; raises SampleError as ``evaluate`` does.

    An ignored sample has ``weight`` 0 and ``target`` None.
    """
    scratch = Scratch()
    with_gradient = options.source == "logits" and options.clip is None
    wanted = Wanted(losses=True, probs=True, log_probs=True, gradient=1.0 if with_gradient else None)
    outcome = evaluate(block, options, wanted, scratch)
    assert outcome.losses is not None
    assert outcome.probs is not None
    assert outcome.log_probs is not None
    raw, _ = numbers(block, options.source, scratch)
    x = to_float(raw, scratch)
    both = both_classes(x, options.source) if options.binary else x
    scores = scores_of(x, options, scratch)
    usable = scores.unusable() is None
    targets = Targets.of(block, options, scores.n_classes)
    counted = targets.counted is None or bool(targets.counted[0])
    has_class = counted and targets.are_classes and block.targets is not None
    masses, shares = LOSSES[options.loss].masses, None
    if counted and masses is not None:
        shares = masses(scores, targets.values, options.class_weights, options.label_smoothing)[0]
    gradient = None if outcome.gradient is None else outcome.gradient[0]
    if gradient is not None and options.binary:
        gradient = np.append(np.nan, gradient)
    return Worked(
        given=both[0].astype(np.float64),
        softmax=_softmax(both, options) if options.source == "logits" and usable else None,
        probs=outcome.probs[0],
        surprisals=0.0 - outcome.log_probs[0],
        unclipped=scores_of(x, replace(options, clip=None), scratch).all()[0].copy(),
        complements=scores.complement()[0],
        shares=shares,
        gradient=gradient,
        target=int(targets.values[0]) if has_class else None,
        soft_target=None if targets.are_classes else targets.values[0].astype(np.float64),
        top=int(scores.top()[0]),
        loss=float(outcome.tally.unweighted_sum),
        sample_weight=None if block.sample_weights is None else float(block.sample_weights[0]),
        weight=float(outcome.tally.weight_sum),
        weighted_loss=float(outcome.losses[0]),
        counted=counted,
        usable=usable,
    )


def total(values: NDArray[np.float64]) -> float:
    """The sum of ``values`` (n,), rounded once."""
    return float(exact_sum(np.ascontiguousarray(values)))


def _softmax(x: NDArray[Any], options: LossOptions) -> Softmax:
    single = options.precision == "fast"
    reduced = normalise(x, temperature=options.temperature, single=single, scratch=Scratch())
    maximum, rest = float(reduced.maximum[0]), float(reduced.rest[0])
    with np.errstate(all="ignore"):
        shifted = (x[0].astype(np.float64) - maximum) / options.temperature
        exponentials = np.exp(shifted)
    return Softmax(maximum, shifted, exponentials, rest, float(np.log1p(rest)))
