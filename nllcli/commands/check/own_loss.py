"""The loss under the settings that the user chose, which nll check reports with what it finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.check.findings import Seen
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LossOptions, WeightOptions
from nllcli.errors import DataError, NllError, Notice, SampleError, UsageError
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.class_weights import class_weights_of
from nllcli.scoring.notices import all_notices
from nllcli.scoring.passes import placed
from nllcli.scoring.settled import Settled, check_options, check_weight_options, clip_of, settle, signature

if TYPE_CHECKING:
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest


@dataclass(frozen=True)
class Scored:
    """What blocks add up to as ``nll compute`` scores them; ``refused`` is the first sample that it refuses."""

    tally: Tally = Tally()
    refused: SampleError | None = None

    def __add__(self, other: Scored) -> Scored:
        return Scored(self.tally + other.tally, self.refused or other.refused)


@dataclass(frozen=True)
class OwnLoss:
    """The loss, None where there is none: ``refused`` says what the data make impossible.

    ``signature`` is empty where the settings do not fit the data at all.
    """

    loss: float | None = None
    signature: str = ""
    warnings: tuple[Notice, ...] = ()
    refused: Seen | None = None


def own_settings(request: ScoreRequest, dataset: Dataset) -> Settled | NllError | None:
    """The settings of the loss, without those that say what the file holds; None where they are the plain ones.

    Raises UsageError for settings that have no meaning; returns the error where there is no loss under them.
    """
    own = replace(request.loss, source="logits", ignore_index=DEFAULT_IGNORE_INDEX, binary=False)
    plain = own == LossOptions() and request.weights == WeightOptions() and request.clip is None
    if plain and request.inputs.sample_weights is None:
        return None
    if not dataset.has_targets and LOSSES[request.loss.loss].needs_targets:
        check_weight_options(request.weights)
        check_options(replace(request.loss, clip=clip_of(request.clip, dataset)), soft=False)
        if request.weights.counts != "targets":
            class_weights_of(request, dataset)
        return UsageError("there are no targets")
    try:
        return settle(request, dataset)
    except DataError as error:
        if request.weights.counts != "targets":
            raise
        return error


def score(settings: Settled, block: Block, scratch: Scratch) -> Scored:
    """One block."""
    try:
        return Scored(evaluate(block, settings.options, Wanted(), scratch).tally)
    except SampleError as error:
        return Scored(refused=error)


def own_loss(settings: Settled | NllError, scored: Scored) -> OwnLoss:
    """The loss that all blocks add up to."""
    if not isinstance(settings, Settled):
        notice = Notice("no-loss", f"there is no loss under these settings: {settings}")
        return OwnLoss(warnings=(notice,), refused=None if isinstance(settings, UsageError) else _seen(settings))
    if scored.refused is not None:
        refused = _seen(placed(scored.refused, settings.dataset))
        return OwnLoss(None, signature(settings), settings.notices, refused)
    warnings = all_notices(scored.tally, settings)
    return OwnLoss(scored.tally.loss(settings.options.reduction), signature(settings), warnings)


def _seen(error: NllError) -> Seen:
    return Seen(str(error), {}, error.hint or "fix the value, or choose other settings")
