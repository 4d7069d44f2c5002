"""A request whose files are open and whose weights are numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nllcli.data.settings import LossOptions
from nllcli.errors import Notice, UsageError, setting
from nllcli.inputs.dataset import JSON_TARGET, open_dataset
from nllcli.inputs.tables.jsonl import JsonLines
from nllcli.numerics.losses import LOSSES
from nllcli.scoring.checks import check_options, check_weight_options, clip_of
from nllcli.scoring.class_weights import class_weights_of
from nllcli.words import counted

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest


@dataclass(frozen=True)
class Settled:
    """A request whose files are open and whose weights are numbers; ``weighting`` names them in the signature."""

    dataset: Dataset
    options: LossOptions
    weighting: str
    notices: tuple[Notice, ...] = ()
    shift: int = 0

    @property
    def is_weighted(self) -> bool:
        """Whether samples count differently, by class or one by one."""
        return self.options.class_weights is not None or self.dataset.sample_weights is not None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names, or their numbers."""
        return self.dataset.class_names or tuple(map(str, range(self.dataset.n_classes)))


def settle(request: ScoreRequest, dataset: Dataset | None = None) -> Settled:
    """Check the settings, open the inputs (unless they are: ``dataset``) and work out the class weights."""
    check_weight_options(request.weights)
    if dataset is None:
        dataset = open_dataset(request.inputs)
    if not dataset.has_targets and LOSSES[request.loss.loss].needs_targets:
        among = (
            JSON_TARGET
            if isinstance(dataset.logits, JsonLines)
            else f"{setting('target_column')} for a column of {setting('logits')}"
        )
        raise UsageError("there are no targets", hint=f"name a second file, or {among}")
    weights, weighting = class_weights_of(request, dataset)
    options = replace(request.loss, class_weights=weights, clip=clip_of(request.clip, dataset))
    return settle_options(options, dataset, weighting, shift=request.inputs.shift)


def settle_options(options: LossOptions, dataset: Dataset, weighting: str, *, shift: int = 0) -> Settled:
    """Settings for an open dataset; raises UsageError for those that have no meaning for it."""
    check_options(options, soft=dataset.soft_targets is not None, unlabelled=not dataset.has_targets)
    return Settled(dataset, options, weighting, notices(options, dataset), shift)


def notices(options: LossOptions, dataset: Dataset) -> tuple[Notice, ...]:
    """What the settings themselves make worth saying."""
    found = []
    weights = options.class_weights
    if weights is not None and (weights < 0).any():
        n = int((weights < 0).sum())
        found.append(Notice("negative-weights", f"{counted(n, 'class weight')} {'is' if n == 1 else 'are'} negative"))
    if weights is not None and options.label_smoothing:
        convention = (
            "soft targets: y becomes (1-e) y + e/C, and the mean divides by the number of positions"
            if dataset.soft_targets is not None
            else "class indices: every class's term has its own weight, and the mean divides by the targets' weights"
        )
        found.append(
            Notice(
                "smoothing-with-weights",
                f"label smoothing with class weights follows PyTorch's rule for {convention}",
            )
        )
    return tuple(found)
