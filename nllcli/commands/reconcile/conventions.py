"""What people mean by "the loss": every setting, beyond those of ``nll compute``, that two numbers can differ by."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.kernels import to_float
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFTMAX_TWICE = "softmax-twice"
ROUNDINGS = ("float32", "float16", "bfloat16")
# Of bfloat16: what is cut off a NaN may be all that makes it one.
_NAN = 0x7FC0
_NATS = {"nats": 1.0, "bits": math.log(2.0), "base-10": math.log(10.0)}


@dataclass(frozen=True)
class Weighting:
    """Where class weights come from: "none", "given", or a scheme with its settings.

    ``counts`` says whose counts the scheme takes: those of the "targets", or those "given".
    """

    name: str = "none"
    normalize: str | None = None
    beta: float | None = None
    counts: str = "targets"


@dataclass(frozen=True)
class Term:
    """What decides one sample's loss, class weights aside."""

    reading: str = "logits"
    temperature: float = 1.0
    input_rounding: str | None = None
    loss: str = "nll"
    clip: float | None = None
    added: float | None = None
    loss_rounding: str | None = None
    smoothing: float = 0.0
    shift: int = 0

    @property
    def of_reading(self) -> Term:
        """What decides how the numbers of the file are read."""
        return Term(self.reading, self.temperature, self.input_rounding)


@dataclass(frozen=True)
class Convention:
    """One way to make one number of the samples.

    ``own_weight_smoothing`` says that smoothing multiplies every class's term by the target's weight, where PyTorch
    takes that class's own. ``reduction`` is "mean" (over the sum of the targets' weights), "sum", "counted" (the sum
    over the number of counted samples), "samples" (of all samples), "items" (of entries along the first axis),
    "elements" (of counted samples times classes), or one of those of ``BatchMeans`` over batches of ``batch`` samples.
    ``unit`` is "nats", "bits", "base-10" (logarithms), or "perplexity", the exponential of the loss.
    """

    term: Term = Term()
    own_weight_smoothing: bool = False
    weighting: Weighting = Weighting()
    sample_weights: bool = False
    ignore_index: int = DEFAULT_IGNORE_INDEX
    reduction: str = "mean"
    batch: int = 0
    unit: str = "nats"
    negative: bool = False
    result_rounding: str | None = None

    @property
    def smooths_each_class(self) -> bool:
        """Whether smoothing gives every class's term that class's weight, which takes sums of their own."""
        return bool(self.term.smoothing) and self.weighting.name != "none" and not self.own_weight_smoothing

    # What a sum of one pass is kept under: a convention that has all which does not change the sum at its default.

    @property
    def of_losses(self) -> Convention:
        """What decides the sums of the losses of each class."""
        term = replace(self.term, smoothing=0.0) if self.smooths_each_class else self.term
        return Convention(term, sample_weights=self.sample_weights)

    @property
    def of_every_class(self) -> Convention:
        """What decides the sums, over the counted samples, of the surprisal of every class."""
        return replace(self.of_losses, ignore_index=self.ignore_index)

    @property
    def of_weights(self) -> Convention:
        """What decides the sum of the samples' weights."""
        return Convention(Term(shift=self.term.shift), False, self.weighting, self.sample_weights, self.ignore_index)

    @property
    def of_samples(self) -> Convention:
        """What decides the samples' losses and weights; the rest says how they become one number."""
        own = self.own_weight_smoothing
        return Convention(self.term, own, self.weighting, self.sample_weights, self.ignore_index)

    def finished(self, reduced: float) -> float:
        """The number, given the reduced loss in nats."""
        value = _exp(reduced) if self.unit == "perplexity" else reduced / _NATS[self.unit]
        if self.result_rounding is not None:
            value = float(round_to(np.array([value]), self.result_rounding)[0])
        return -value if self.negative else value


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def round_to(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """``values`` rounded to the nearest ``name`` (one of ROUNDINGS), ties to even, as float64; NaN stays NaN."""
    return to_float(rounded(values, name), Scratch()).astype(np.float64)


def type_of(name: str) -> np.dtype[Any]:
    """The type of numbers rounded to ``name``."""
    return np.dtype("V2" if name == "bfloat16" else name)


def rounded(values: NDArray[Any], name: str) -> NDArray[Any]:
    """The same as numbers of that type.

    bfloat16 keeps the upper half of a float32: adding half of what is cut off, less one unless the kept part is odd,
    rounds to nearest even.
    """
    with np.errstate(over="ignore"):
        if name != "bfloat16":
            return values.astype(name)
        single = np.ascontiguousarray(values, np.float32)
    bits = single.view(np.uint32)
    out = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
    out[np.isnan(single)] = _NAN
    return out.view(type_of(name))
