"""The conventions that can be tried on the inputs, each with its number, from one pass over the samples."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import Convention, Term, Weighting
from nllcli.commands.reconcile.departures import Candidate, candidates
from nllcli.commands.reconcile.plan import Plan
from nllcli.commands.reconcile.sums import ConventionSums, Values
from nllcli.commands.reconcile.survey import Shifts, Survey, WeightTable, survey
from nllcli.data.settings import DEFAULT_SCHEME
from nllcli.errors import DataError, Notice, UsageError, first_few, setting
from nllcli.inputs.dataset import no_targets
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.schemes import ABOUT, beta_of
from nllcli.records import dataclass
from nllcli.scoring.class_weights import given_counts
from nllcli.scoring.notices import all_notices
from nllcli.scoring.passes import fold_dataset
from nllcli.scoring.settled import Settled, settle

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest


@dataclass(frozen=True)
class Search:
    """The conventions tried with the (finite) number of each, and what these follow from.

    ``others`` says that some targets are not a class, which every convention ignores.
    """

    request: ScoreRequest
    settled: Settled
    tried: list[tuple[Candidate, float]]
    values: Values
    notices: tuple[Notice, ...]
    others: bool


def search(request: ScoreRequest) -> Search:
    """Try every convention on the inputs."""
    dataset = _open(request)
    shifts = Shifts.of(dataset, request.inputs.shift)
    found = survey(request, dataset, shifts)
    if not found.n_samples:
        raise DataError("has no samples, so no convention gives any number", where=dataset.logits.name)
    request, notices = _ignore_outside(request, dataset, found)
    own_targets = shifts.under(request.inputs.shift, request.loss.ignore_index)
    settled = settle(request, replace(dataset, targets=own_targets))

    base = _own_convention(request, settled)
    counts = request.weights.counts
    given = None if counts in (None, "targets") else given_counts(counts, dataset)
    weights = WeightTable.among(found.counts, given, settled.options.class_weights)
    every = candidates(base, dataset, found, has_counts=given is not None)
    tried = [candidate for candidate in every if weights.exist(candidate.convention)]
    plan = Plan([candidate.convention for candidate in tried], weights, shifts, settled.options)
    sums = fold_dataset(
        plan.collect, ConventionSums(), settled.dataset, threads=request.threads, progress=request.progress
    )
    values = Values(sums, weights, n_classes=dataset.n_classes, n_items=found.n_items)
    # The user's own number is the one that nll compute prints, to the last bit.
    own = sums.own.loss(settled.options.reduction)
    numbers = ((c, values.of(c.convention) if c.departures or own is None else own) for c in tried)
    return Search(
        request,
        settled,
        [(candidate, value) for candidate, value in numbers if isfinite(value)],
        values,
        (*notices, *all_notices(sums.own, settled)),
        others=bool(found.outside),
    )


def _open(request: ScoreRequest) -> Dataset:
    """The inputs without a shift; raises UsageError where reconcile cannot work on them."""
    if request.loss.reduction == "none":
        raise UsageError(f"reconcile explains one number, and {setting('reduction', 'none')} gives one a sample")
    if request.inputs.targets is None and request.inputs.logits == "-":
        raise UsageError(
            "reconcile reads the targets twice, which standard input does not allow",
            hint=f"save {setting('logits')} to a file, or name {setting('targets')}",
        )
    dataset = open_dataset(replace(request.inputs, shift=0))
    if dataset.soft_targets is not None:
        raise UsageError("reconcile needs class indices; the targets are class probabilities")
    if not dataset.has_targets:
        raise no_targets(dataset)
    return dataset


def _ignore_outside(request: ScoreRequest, dataset: Dataset, found: Survey) -> tuple[ScoreRequest, list[Notice]]:
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


def _own_convention(request: ScoreRequest, settled: Settled) -> Convention:
    options = settled.options
    return Convention(
        Term(
            reading=options.source,
            temperature=options.temperature,
            loss=options.loss,
            clip=options.clip,
            smoothing=options.label_smoothing,
            shift=settled.shift,
        ),
        weighting=_own_weighting(request),
        sample_weights=settled.dataset.sample_weights is not None,
        ignore_index=options.ignore_index,
        reduction=options.reduction,
    )


def _own_weighting(request: ScoreRequest) -> Weighting:
    wanted = request.weights
    if wanted.counts is None:
        return Weighting("none" if wanted.weights is None else "given")
    scheme = wanted.scheme or DEFAULT_SCHEME
    source = "targets" if wanted.counts == "targets" else "given"
    return Weighting(scheme, wanted.normalize or ABOUT[scheme].normalize, beta_of(scheme, wanted.beta), source)
