"""What a command that scores logits is asked to do, and the settings that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nllcli.data.settings import LossOptions
from nllcli.inputs.dataset import InputOptions

if TYPE_CHECKING:
    from nllcli.data.blocks import Progress


@dataclass(frozen=True)
class WeightOptions:
    """Where class weights come from: given as ``weights``, or derived from ``counts`` by a scheme."""

    weights: str | None = None
    counts: str | None = None
    scheme: str | None = None
    normalize: str | None = None
    beta: float | None = None
    zero_count: str = "error"


@dataclass(frozen=True)
class ScoreRequest:
    """The inputs, the loss and the weights of a command, as the command line gives them.

    ``clip`` is eps, or "auto" for the machine epsilon of the logits' dtype.
    """

    inputs: InputOptions
    loss: LossOptions = field(default_factory=LossOptions)
    weights: WeightOptions = field(default_factory=WeightOptions)
    clip: str | None = None
    threads: int | None = None
    progress: Progress | None = None
