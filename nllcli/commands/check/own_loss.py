"""The loss under settings of one's own, which nll check reports beside what it finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nllcli.commands.check.findings.case import ERROR, Finding
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LossOptions, WeightOptions
from nllcli.errors import DataError, NllError, Notice, SampleError, UsageError
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.report import Metric
from nllcli.scoring.class_weights import class_weights_of
from nllcli.scoring.loss import loss_of
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.passes import naming_places
from nllcli.scoring.settled import Settled, check_options, check_weight_options, clip_of, settle
from nllcli.scoring.signature import signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report


@dataclass(frozen=True)
class Scored:
    """What blocks add up to as ``nll compute`` scores them; ``refused`` is the first sample that it refuses."""

    tally: Tally | None = None
    refused: SampleError | None = None

    def __add__(self, other: Scored) -> Scored:
        if self.tally is None or other.tally is None:
            return Scored(self.tally or other.tally, self.refused or other.refused)
        return Scored(self.tally + other.tally, self.refused or other.refused)


@dataclass(frozen=True)
class OwnLoss:
    """The settings, None where there is no loss under them; ``refusal`` says why there is none."""

    settled: Settled | None
    refusal: NllError | None = None
    tally: Tally | None = None

    def score(self, block: Block, scratch: Scratch) -> Scored:
        """One block."""
        if self.settled is None:
            return Scored()
        try:
            return Scored(evaluate(block, self.settled.options, Wanted(), scratch).tally)
        except SampleError as error:
            return Scored(refused=error)

    def of(self, scored: Scored, dataset: Dataset) -> OwnLoss:
        """With what all blocks add up to."""
        if scored.refused is not None:
            return replace(self, refusal=_placed(scored.refused, dataset))
        return replace(self, tally=scored.tally or Tally())

    def finding(self, findings: Sequence[Finding]) -> Finding | None:
        """The refusal of data, where none of the ``findings`` is an error and so tells of it."""
        if self.refusal is None or isinstance(self.refusal, UsageError) or any(f.severity == ERROR for f in findings):
            return None
        hint = self.refusal.hint or "mend the value, or choose other settings"
        return Finding("loss-refused", ERROR, str(self.refusal), {}, hint)

    def shown(self, report: Report, findings: Sequence[Finding]) -> Report:
        """The report with this loss in place of the plain mean, and what is worth saying of it."""
        if self.settled is None:
            return replace(report, metrics=_with_loss(report, None, ""), warnings=tuple(self._reason(findings)))
        options = self.settled.options
        loss = None if self.refusal or self.tally is None else loss_of(self.tally, options.reduction)
        told = {finding.code for finding in findings}
        seen = [] if self.refusal or self.tally is None else tally_notices(self.tally, self.settled)
        return replace(
            report,
            signature=signature(self.settled),
            metrics=_with_loss(report, loss, f"{options.reduction}, under these settings"),
            warnings=(
                *self.settled.notices,
                *(notice for notice in seen if _TOLD.get(notice.code, notice.code) not in told),
            ),
        )

    def _reason(self, findings: Sequence[Finding]) -> list[Notice]:
        if any(finding.code == "loss-refused" for finding in findings):
            return []
        return [Notice("no-loss", f"there is no loss under these settings: {self.refusal}")]


# Notices of nll compute that a finding of another name tells.
_TOLD = {"nothing-counted": "everything-ignored", "nonfinite-logits": "nan-logits"}


def own_loss(request: ScoreRequest, dataset: Dataset) -> OwnLoss | None:
    """The settings of the loss beside what the file holds; None where they are the plain ones.

    Raises UsageError for settings that have no meaning; data that they do not fit leave the loss out.
    """
    own = replace(request.loss, source="logits", ignore_index=DEFAULT_IGNORE_INDEX, binary=False)
    plain = own == LossOptions() and request.weights == WeightOptions() and request.clip is None
    if plain and request.inputs.sample_weights is None:
        return None
    if not dataset.has_targets and LOSSES[request.loss.loss].needs_targets:
        _check_without_targets(request, dataset)
        return OwnLoss(None, UsageError("there are no targets"))
    try:
        return OwnLoss(settle(request, dataset))
    except DataError as error:
        if request.weights.counts != "targets":
            raise
        return OwnLoss(None, error)


def _check_without_targets(request: ScoreRequest, dataset: Dataset) -> None:
    check_weight_options(request.weights)
    check_options(replace(request.loss, clip=clip_of(request.clip, dataset)), soft=False)
    if request.weights.counts != "targets":
        class_weights_of(request, dataset)


def _placed(error: SampleError, dataset: Dataset) -> NllError:
    """The error with file and place."""
    try:
        with naming_places(dataset):
            raise error
    except DataError as placed:
        return placed


def _with_loss(report: Report, loss: float | None, note: str) -> tuple[Metric, ...]:
    own = Metric("loss", "loss", loss, "nats", note, hidden=loss is None)
    return tuple(own if metric.key == "loss" else metric for metric in report.metrics)
