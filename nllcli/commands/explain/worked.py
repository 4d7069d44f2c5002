"""One sample's loss with every quantity on the way to it, to the bits that ``evaluate`` gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.numerics.evaluate import Wanted, evaluate, scores_of
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.kernels.convert import to_float
from nllcli.numerics.kernels.normaliser import normalise
from nllcli.numerics.losses import LOSSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.settings import LossOptions
    from nllcli.numerics.surprisal import Surprisal


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


@dataclass(frozen=True)
class Worked:
    """What a textbook writes down for one sample; arrays are (C,) float64.

    ``given`` is what the file holds, ``surprisals`` are -log p and ``complements`` -log(1 - p), in nats, after any
    clipping; ``unclipped`` are the surprisals before it. ``shares`` are the factors of the surprisals in the loss,
    class weights included; None where the loss is not a sum of them. ``target`` is None where there is none, or soft.
    ``gradient`` is that of ``weighted_loss`` by the logits, None where the file holds no logits or p is clipped; NaN
    where a class has no logit of its own.
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
    usable: bool

    @property
    def n_classes(self) -> int:
        return len(self.probs)


def work_through(block: Block, options: LossOptions) -> Worked:
    """Work through the one sample of ``block``; raises SampleError as ``evaluate`` does.

    A sample that is ignored has ``weight`` 0 and ``target`` None.
    """
    scratch = Scratch()
    with_gradient = options.source == "logits" and options.clip is None
    wanted = Wanted(losses=True, probs=True, log_probs=True, gradient=1.0 if with_gradient else None)
    outcome = evaluate(block, options, wanted, scratch)
    assert outcome.losses is not None
    assert outcome.probs is not None
    assert outcome.log_probs is not None
    x = to_float(block.logits, scratch)
    scores = scores_of(x, options, scratch)
    usable = scores.unusable() is None
    counted = outcome.tally.n_counted == 1
    indexed = block.targets is not None and block.targets.ndim == 1 and counted
    soft = block.targets is not None and block.targets.ndim == 2
    targets = block.targets if indexed or soft else np.zeros(1, np.int64)
    assert targets is not None
    return Worked(
        given=_given(x, options),
        softmax=_softmax(x, options) if options.source == "logits" and usable else None,
        probs=outcome.probs[0],
        surprisals=0.0 - outcome.log_probs[0],
        unclipped=scores_of(x, replace(options, clip=None), scratch).all()[0].copy(),
        complements=scores.complement()[0],
        shares=_shares(scores, targets, options) if counted else None,
        gradient=None if outcome.gradient is None else _by_class(outcome.gradient[0], options),
        target=int(targets[0]) if indexed else None,
        soft_target=targets[0].astype(np.float64) if soft else None,
        top=int(scores.top()[0]),
        loss=float(outcome.tally.unweighted_sum),
        sample_weight=None if block.sample_weights is None else float(block.sample_weights[0]),
        weight=float(outcome.tally.weight_sum),
        weighted_loss=float(outcome.losses[0]),
        usable=usable,
    )


def total(values: NDArray[np.float64]) -> float:
    """The sum of ``values`` (n,), rounded once."""
    return float(exact_sum(np.ascontiguousarray(values)))


def _shares(scores: Surprisal, targets: NDArray[Any], options: LossOptions) -> NDArray[np.float64] | None:
    masses = LOSSES[options.loss].masses
    if masses is None:
        return None
    shares: NDArray[np.float64] = masses(scores, targets, options.class_weights, options.label_smoothing)[0]
    return shares


def _given(x: NDArray[Any], options: LossOptions) -> NDArray[np.float64]:
    """What the file holds; a sigmoid's logit stands against one of 0."""
    if not options.binary:
        return x[0].astype(np.float64)
    own = float(x[0, 0])
    return np.array([{"logits": 0.0, "probs": 1.0 - own, "log-probs": np.nan}[options.source], own])


def _softmax(x: NDArray[Any], options: LossOptions) -> Softmax:
    if options.binary:
        x = np.concatenate([np.zeros_like(x), x], axis=1)
    single = options.precision == "fast"
    reduced = normalise(x, temperature=options.temperature, single=single, scratch=Scratch())
    maximum, rest = float(reduced.maximum[0]), float(reduced.rest[0])
    with np.errstate(all="ignore"):
        shifted = (x[0].astype(np.float64) - maximum) / options.temperature
        exponentials = np.exp(shifted)
    return Softmax(maximum, shifted, exponentials, rest, float(np.log1p(rest)))


def _by_class(gradient: NDArray[np.float64], options: LossOptions) -> NDArray[np.float64]:
    return np.concatenate([[np.nan], gradient]) if options.binary else gradient
