"""A convention: every setting, beyond those of ``nll compute``, that two numbers can differ by."""

from __future__ import annotations

from dataclasses import replace

from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.surprisal import once
from nllcli.records import dataclass


@dataclass(frozen=True)
class Pairing:
    """Which target each sample meets: the one ``shift`` places on, in its row or, if ``flat``, in all rows joined.

    ``change`` names what is done to the targets, of those in ``conventions.pairings``, with its ``index``.
    """

    shift: int = 0
    flat: bool = False
    change: str = ""
    index: int = 0


@dataclass(frozen=True)
class Weighting:
    """Where class weights come from: "none", "given", a scheme with its settings, or one of ``conventions.weights``.

    ``counts`` says whose counts are taken: those of the "targets", or those "given".
    """

    name: str = "none"
    normalize: str | None = None
    beta: float | None = None
    counts: str = "targets"


@dataclass(frozen=True)
class Term:
    """What decides one sample's loss, class weights aside.

    The loss of p clipped, or with epsilon ``added``, and of targets smoothed; of that ``less_entropy`` subtracts the
    entropy of the targets; ``z_loss`` times the squared log-normaliser is added; ``each`` is done to the result.
    """

    reading: str = "logits"
    temperature: float = 1.0
    input_rounding: str | None = None
    loss: str = "nll"
    clip: float | None = None
    added: float | None = None
    loss_rounding: str | None = None
    smoothing: float = 0.0
    pairing: Pairing = Pairing()
    less_entropy: bool = False
    z_loss: float = 0.0
    each: str = ""

    @once
    def of_reading(self) -> Term:
        """What decides how the numbers of the file are read."""
        return Term(self.reading, self.temperature, self.input_rounding)

    @once
    def of_surprisals(self) -> Term:
        """What decides the loss, before anything is done to it."""
        return replace(self, loss_rounding=None, less_entropy=False, z_loss=0.0, each="")


@dataclass(frozen=True)
class Convention:
    """One way to make one number of the samples.

    ``own_weight_smoothing`` says that smoothing multiplies every class's term by the target's weight, where PyTorch
    takes that class's own. ``reduction`` is a name in ``conventions.reductions`` or ``conventions.batches``, with its
    numbers ``n`` and ``at``; ``unit`` one in ``conventions.units``. The number is ``times`` over ``over`` the result.
    """

    term: Term = Term()
    own_weight_smoothing: bool = False
    weighting: Weighting = Weighting()
    sample_weights: bool = False
    ignore_index: int = DEFAULT_IGNORE_INDEX
    reduction: str = "mean"
    n: int = 0
    at: int = 0
    unit: str = "nats"
    times: float = 1
    over: float = 1
    negative: bool = False
    result_rounding: str | None = None

    @property
    def smooths_each_class(self) -> bool:
        """Whether smoothing gives every class's term that class's weight, which takes sums of their own."""
        return bool(self.term.smoothing) and self.weighting.name != "none" and not self.own_weight_smoothing

    # What a sum of one pass is kept under: a convention that has all which does not change the sum at its default.

    @once
    def of_losses(self) -> Convention:
        """What decides the sums of the losses of each class."""
        term = replace(self.term, smoothing=0.0) if self.smooths_each_class else self.term
        return Convention(term, sample_weights=self.sample_weights)

    @once
    def of_every_class(self) -> Convention:
        """What decides the sums, over the counted samples, of the surprisal of every class."""
        return replace(self.of_losses, ignore_index=self.ignore_index)

    @once
    def of_weights(self) -> Convention:
        """What decides the samples' weights."""
        paired = Term(pairing=self.term.pairing)
        return Convention(paired, False, self.weighting, self.sample_weights, self.ignore_index)

    @once
    def of_samples(self) -> Convention:
        """What decides the samples' losses and weights; the rest says how they become one number."""
        own = self.own_weight_smoothing
        return Convention(self.term, own, self.weighting, self.sample_weights, self.ignore_index)
