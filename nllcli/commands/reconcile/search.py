"""The conventions that can be tried on the inputs, each with its number, from one pass over the samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import ROUNDINGS, Convention, Term, Weighting
from nllcli.commands.reconcile.departures import Candidate, Data, candidates
from nllcli.commands.reconcile.sums import ConventionSums, Plan, collect
from nllcli.commands.reconcile.survey import Shifts, Survey, survey
from nllcli.commands.reconcile.values import Values, WeightTable
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, DEFAULT_SCHEME
from nllcli.errors import DataError, Notice, UsageError, setting
from nllcli.inputs.dataset import open_dataset
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.kernels import is_bfloat16
from nllcli.numerics.schemes import ABOUT, beta_of
from nllcli.scoring.class_weights import given_counts
from nllcli.scoring.passes import all_notices, fold_dataset
from nllcli.scoring.settled import Settled, settle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

_BATCH_SIZES = sorted({*(2**k for k in range(11)), 10, 20, 50, 100, 200, 500, 1000})


@dataclass(frozen=True)
class Search:
    """The conventions tried with the (finite) number of each, and what these follow from.

    ``others`` says that some targets are not a class, which every convention ignores.
    """

    request: ScoreRequest
    settled: Settled
    tried: list[tuple[Candidate, float]]
    values: Values
    weights: WeightTable
    notices: tuple[Notice, ...]
    others: bool


def search(request: ScoreRequest) -> Search:
    """Try every convention on the inputs."""
    dataset = _open(request)
    shifts = Shifts.of(dataset, request.inputs.shift)
    found = survey(request, dataset, shifts)
    if not found.n_samples:
        raise DataError("has no samples, so no convention gives any number", where=dataset.logits.name)
    request, notices = _ignoring_the_outside(request, dataset, found)
    own_targets = shifts.under(request.inputs.shift, request.loss.ignore_index)
    settled = settle(request, replace(dataset, targets=own_targets))

    base = _own_convention(request, settled)
    given = _given_counts(request, dataset)
    weights = WeightTable(found.counts, given, settled.options.class_weights)
    data = _data(dataset, found, base, has_counts=given is not None)
    tried = [candidate for candidate in candidates(base, data) if weights.exist(candidate.convention)]
    batch_sizes = tuple(size * data.item_samples for size in data.batch_sizes)
    plan = Plan(data.n_classes, request.loss.binary, request.loss.precision == "fast", batch_sizes)
    plan.add([candidate.convention for candidate in tried], weights)
    work = partial(_work, settled, plan, shifts)
    sums = fold_dataset(work, ConventionSums(), settled.dataset, threads=request.threads, progress=request.progress)
    values = Values(sums, weights, n_classes=data.n_classes, n_items=found.n_samples // data.item_samples)
    # The user's own number is the one that nll compute prints, to the last bit.
    own = sums.own.loss(settled.options.reduction)
    numbers = ((c, values.of(c.convention) if c.departures or own is None else own) for c in tried)
    return Search(
        request,
        settled,
        [(candidate, value) for candidate, value in numbers if isfinite(value)],
        values,
        weights,
        (*notices, *all_notices(sums.own, settled)),
        others=bool(found.outside),
    )


def _work(settled: Settled, plan: Plan, shifts: Shifts, block: Block, scratch: Scratch) -> ConventionSums:
    own = evaluate(block, settled.options, Wanted(), scratch.sub("own")).tally
    return collect(block, own, shifts.read(block), plan, scratch)


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
    if dataset.targets is None and not dataset.logits.labels:
        column = f"{setting('target_column')} for a column of {setting('logits')}"
        raise UsageError("there are no targets", hint=f"name a second file, or {column}")
    return dataset


def _ignoring_the_outside(request: ScoreRequest, dataset: Dataset, found: Survey) -> tuple[ScoreRequest, list[Notice]]:
    """Ignore the one value among the targets that is not a class, which no convention can score."""
    others = sorted(found.outside)
    if not others or others == [request.loss.ignore_index]:
        return request, []
    name, last = (dataset.targets or dataset.logits).name, dataset.n_classes - 1
    if len(others) > 1:
        listed = ", ".join(map(str, others[:5])) + (", ..." if len(others) > 5 else "")
        raise DataError(
            f"{len(others)} values are outside 0..{last}: {listed}",
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


def _given_counts(request: ScoreRequest, dataset: Dataset) -> NDArray[np.int64] | None:
    counts = request.weights.counts
    return None if counts in (None, "targets") else given_counts(counts, dataset)


def _data(dataset: Dataset, found: Survey, base: Convention, *, has_counts: bool) -> Data:
    shape = dataset.layout.sample_shape
    n_items = (shape[0] if shape else 1) or found.n_samples
    in_order = dataset.layout.in_target_order
    return Data(
        n_classes=dataset.n_classes,
        batch_sizes=[size for size in _BATCH_SIZES if size < n_items] if in_order else [],
        item_samples=max(1, found.n_samples // max(1, n_items)),
        shifts=tuple(found.counts),
        ignore=_ignored_candidates(found, base),
        input_roundings=_input_roundings(dataset.logits.dtype),
        count_sources=["targets", *(["given"] if has_counts else [])],
        several_axes=len(shape) > 1,
    )


def _ignored_candidates(found: Survey, base: Convention) -> dict[int, str]:
    """Classes that others may take for padding: the first, the most frequent, and 255; and none of them."""
    counts = found.counts[base.term.shift]
    out: dict[int, str] = {}
    if found.outside:  # the one index to ignore is taken
        return out
    if 0 <= base.ignore_index < len(counts):
        out[DEFAULT_IGNORE_INDEX] = "no target ignored"
    most = int(counts.argmax())
    for index, why in ((0, ""), (most, " (the most frequent)"), (255, "")):
        if index < len(counts) and counts[index] and index not in out:
            out[index] = f"target {index} ignored{why}"
    return out


def _input_roundings(dtype: np.dtype[Any]) -> list[str]:
    """The types that change what a file of ``dtype`` holds."""
    if is_bfloat16(dtype):
        return ["float16"]
    size = dtype.itemsize if dtype.kind == "f" else 8
    return [name for name, least in zip(ROUNDINGS, (8, 4, 2), strict=True) if size >= least]
