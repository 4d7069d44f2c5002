"""The inputs as reconcile takes them: their targets as classes or probabilities, and the pairings to try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.pairs import Pairs, largest_of
from nllcli.errors import DataError, Notice, UsageError, first_few, setting
from nllcli.inputs.arrays.raw import Values
from nllcli.inputs.dataset import no_targets
from nllcli.inputs.opening import open_dataset
from nllcli.records import dataclass
from nllcli.scoring.passes import open_again

if TYPE_CHECKING:
    from nllcli.commands.reconcile.survey import Survey
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_READS_TARGETS = "reconcile reads the targets twice"


@dataclass(frozen=True)
class Opened:
    """The inputs without a shift, the pairings to try on them, and whether their targets are one-hot."""

    dataset: Dataset
    pairs: Pairs
    one_hot: bool = False
    notices: tuple[Notice, ...] = ()


def opened(request: ScoreRequest) -> Opened:
    """Raises UsageError where reconcile cannot work on the inputs."""
    if request.loss.reduction == "none":
        raise UsageError(f"reconcile explains one number, and {setting('reduction', 'none')} gives one a sample")
    if request.inputs.targets is None and request.inputs.logits == "-":
        raise UsageError(
            f"{_READS_TARGETS}, which standard input does not allow",
            hint=f"save {setting('logits')} to a file, or name {setting('targets')}",
        )
    dataset = open_dataset(replace(request.inputs, shift=0))
    if dataset.soft_targets is not None:
        return _of_probabilities(request, dataset)
    if not dataset.has_targets:
        raise no_targets(dataset)
    return Opened(dataset, Pairs.of(dataset, request.inputs.shift, request.loss.ignore_index))


def _of_probabilities(request: ScoreRequest, dataset: Dataset) -> Opened:
    """Targets that are one-hot are turned into classes."""
    soft = dataset.soft_targets
    assert soft is not None
    largest, one_hot = largest_of(open_again(request.inputs, _READS_TARGETS))
    if one_hot:
        message = f"{soft.name}: the targets are one-hot and are taken as classes"
        dataset = replace(dataset, targets=Values(soft.name, largest), soft_targets=None)
        pairs = Pairs.of(dataset, request.inputs.shift, request.loss.ignore_index)
        return Opened(dataset, pairs, True, (Notice("one-hot-targets", message),))
    if (request.weights.weights, request.weights.counts) != (None, None):
        raise UsageError(
            "reconcile takes class weights with class indices; the targets are class probabilities",
            hint="without class weights it explains the rest",
        )
    return Opened(dataset, Pairs.of_soft(soft.name, largest))


def ignore_outside(request: ScoreRequest, dataset: Dataset, found: Survey) -> tuple[ScoreRequest, list[Notice]]:
    """Ignore the one value among the targets that is not a class, which no convention can score."""
    others = sorted(found.outside)
    if not others or others == [request.loss.ignore_index]:
        return request, []
    name, last = (dataset.targets or dataset.logits).name, dataset.n_classes - 1
    if len(others) > 1:
        raise DataError(
            f"{len(others)} values are outside 0..{last}: {first_few(list(map(str, others)), 5)}",
            where=name,
            hint="reconcile can ignore one; nll check says more about the targets",
        )
    [value] = others
    message = f"{name}: target {value} is outside 0..{last}, so every convention tried ignores it"
    inputs, loss = replace(request.inputs, ignore_index=value), replace(request.loss, ignore_index=value)
    return replace(request, inputs=inputs, loss=loss), [Notice("outside-targets-ignored", message)]
