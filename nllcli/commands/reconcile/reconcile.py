"""nll reconcile: which convention turns these inputs into the number that somebody else got."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import ROUNDINGS, Convention, Term, Weighting
from nllcli.commands.reconcile.departures import Data, candidates
from nllcli.commands.reconcile.expectation import expectation
from nllcli.commands.reconcile.report import Search, reconcile_report
from nllcli.commands.reconcile.sums import BlockSums, ConventionSums, Plan, collect
from nllcli.commands.reconcile.values import Values, WeightTable
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, DEFAULT_SCHEME, ScoreRequest
from nllcli.errors import DataError, Notice, UsageError
from nllcli.inputs.dataset import open_dataset
from nllcli.inputs.targets import Shifted, check_shift
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.kernels.convert import is_bfloat16
from nllcli.numerics.schemes import ABOUT, beta_of
from nllcli.numerics.tally import Tally
from nllcli.scoring.class_weights import given_counts
from nllcli.scoring.loss import loss_of
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.passes import map_dataset, naming_places, raw_targets
from nllcli.scoring.settled import Settled, settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.expectation import Expectation
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset, VectorSource
    from nllcli.report import Report

_NO_TARGET = np.iinfo(np.int64).min
_BATCH_SIZES = sorted({*(2**k for k in range(11)), 10, 20, 50, 100, 200, 500, 1000})


@dataclass(frozen=True)
class Asked:
    """The number to explain as typed, an absolute tolerance, how many matches to show, and --classes as typed."""

    expect: str
    tolerance: float | None = None
    limit: int = 10
    classes: str | None = None


@dataclass(frozen=True)
class _Survey:
    """What the targets hold: per shift, the samples of each class (n_classes,), and the values that are no class."""

    counts: dict[int, NDArray[np.int64]]
    outside: Counter[int]
    n_samples: int


def reconcile(request: ScoreRequest, asked: Asked) -> tuple[Report, bool]:
    """Search the conventions; the second result says whether any gives the number."""
    expected = expectation(asked.expect, asked.tolerance)
    _check(request)
    dataset = open_dataset(replace(request.inputs, shift=0))
    if dataset.soft_targets is not None:
        raise UsageError("reconcile needs class indices; the targets are class probabilities")
    if dataset.targets is None and not dataset.logits.labels:
        raise UsageError("there are no targets", hint="name a second file, or --target-column for a column of LOGITS")
    n_classes = dataset.n_classes
    shifted = _shifted(dataset, request.inputs.shift)
    survey = _survey(request, dataset, shifted, n_classes)
    if not survey.n_samples:
        raise DataError("has no samples, so no convention gives any number", where=dataset.logits.name)
    request, notices = _ignoring_the_outside(request, dataset, survey, n_classes)
    settled = settle(request, _with_shift(dataset, request))

    base = _own_convention(request, settled)
    counts = request.weights.counts
    own_counts = None if counts in (None, "targets") else np.array(given_counts(counts, dataset, n_classes), np.int64)
    weights = WeightTable(survey.counts, given=settled.options.class_weights, given_counts=own_counts)
    data = _data(settled, survey, base, has_counts=own_counts is not None)
    tried = [c for c in candidates(base, data) if weights.has(c.convention)]
    plan = Plan.of(
        [c.convention for c in tried],
        weights.of,
        n_classes=n_classes,
        binary=request.loss.binary,
        single=request.loss.precision == "fast",
        batch_sizes=[size * data.item_samples for size in data.batch_sizes],
    )
    sums, tally = _pass(settled, plan, shifted, request)
    values = Values(sums, weights, n_items=survey.n_samples // data.item_samples)
    # One's own number is the one that nll compute prints, to the last bit.
    own = loss_of(tally, settled.options.reduction)
    numbers = ((c, values.of(c.convention) if c.departures or own is None else own) for c in tried)
    found = [(c, value) for c, value in numbers if isfinite(value)]
    meant = expected.among([value for _, value in found])
    warnings = (*notices, *settled.notices, *tally_notices(tally, settled), *_in_single_precision(expected, meant))
    search = Search(
        request,
        settled,
        meant,
        found,
        values,
        weights,
        warnings,
        ignoring=bool(survey.outside),
        limit=asked.limit,
        classes=asked.classes,
    )
    return reconcile_report(search)


def _in_single_precision(typed: Expectation, meant: Expectation) -> list[Notice]:
    if meant is typed:
        return []
    message = (
        f"no convention gives all digits of {typed.text}; what is listed matches within single precision, "
        "as a number made of float32 losses does"
    )
    return [Notice("single-precision", message)]


def _check(request: ScoreRequest) -> None:
    if request.loss.reduction == "none":
        raise UsageError("reconcile explains one number, and --reduction none gives one a sample")
    if request.inputs.targets is None and request.inputs.logits == "-":
        raise UsageError(
            "reconcile reads the targets twice, which standard input does not allow",
            hint="save LOGITS to a file, or name TARGETS",
        )


def _shifted(dataset: Dataset, own: int) -> dict[int, VectorSource] | None:
    """The targets under each shift to try, the user's own first; None where the blocks bring them."""
    if dataset.targets is None:
        if own:
            raise UsageError("--shift needs TARGETS as a file of class indices")
        return None
    raw = dataset.targets
    shape = dataset.layout.sample_shape
    if dataset.layout.fortran and len(shape) > 1:
        if own:
            raise UsageError("--shift needs logits in C order", hint="numpy.ascontiguousarray makes it")
        return {0: raw}
    length = (shape[-1] if shape else 1) or raw.n
    check_shift(own, length, raw.name)
    shifts = [own, *(k for k in (0, 1, -1) if k != own and abs(k) < length)]
    return {k: Shifted(raw, k, length, _NO_TARGET) if k else raw for k in shifts}


def _with_shift(dataset: Dataset, request: ScoreRequest) -> Dataset:
    """The dataset under the user's own shift, as ``nll compute`` scores it."""
    own = request.inputs.shift
    if not own or dataset.targets is None:
        return dataset
    length = (dataset.layout.sample_shape or (1,))[-1] or dataset.targets.n
    return replace(dataset, targets=Shifted(dataset.targets, own, length, request.loss.ignore_index))


def _survey(
    request: ScoreRequest, dataset: Dataset, shifted: Mapping[int, VectorSource] | None, n_classes: int
) -> _Survey:
    """Count the targets before the pass: weights and the indices to ignore follow from them."""
    if shifted is None:
        sources = {0: open_dataset(request.inputs)}
    else:
        sources = {shift: replace(dataset, targets=targets) for shift, targets in shifted.items()}
    counts, outside, n_samples = {}, Counter[int](), 0
    for shift, source in sources.items():
        counts[shift], n_samples = np.zeros(n_classes, np.int64), 0
        with naming_places(source):
            for _, values in raw_targets(source):
                inside = values.view(np.uint64) < n_classes
                counts[shift] += np.bincount(values[inside], minlength=n_classes)
                n_samples += len(values)
                found, times = np.unique(values[~inside], return_counts=True)
                outside.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
    del outside[_NO_TARGET]
    return _Survey(counts, outside, n_samples)


def _ignoring_the_outside(
    request: ScoreRequest, dataset: Dataset, survey: _Survey, n_classes: int
) -> tuple[ScoreRequest, list[Notice]]:
    """Ignore the one value among the targets that is no class, which no convention can score."""
    others = sorted(survey.outside)
    if not others or others == [request.loss.ignore_index]:
        return request, []
    name = (dataset.targets or dataset.logits).name
    if len(others) > 1:
        listed = ", ".join(map(str, others[:5])) + (", ..." if len(others) > 5 else "")
        raise DataError(
            f"{len(others)} values are outside 0..{n_classes - 1}: {listed}",
            where=name,
            hint="reconcile can ignore one; nll check says more about the targets",
        )
    [value] = others
    message = f"{name}: target {value} is outside 0..{n_classes - 1}, so every convention tried ignores it"
    changed = replace(
        request,
        inputs=replace(request.inputs, ignore_index=value),
        loss=replace(request.loss, ignore_index=value),
    )
    return changed, [Notice("outside-targets-ignored", message)]


def _own_convention(request: ScoreRequest, settled: Settled) -> Convention:
    options = settled.options
    return Convention(
        Term(
            reading=options.source,
            temperature=options.temperature,
            loss=options.loss,
            clip=options.clip,
            smoothing=options.label_smoothing,
            shift=request.inputs.shift,
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


def _data(settled: Settled, survey: _Survey, base: Convention, *, has_counts: bool) -> Data:
    dataset = settled.dataset
    shape = dataset.layout.sample_shape
    n_items = (shape[0] if shape else 1) or survey.n_samples
    in_order = not dataset.layout.fortran or len(shape) <= 1
    return Data(
        n_classes=len(survey.counts[base.term.shift]),
        batch_sizes=[size for size in _BATCH_SIZES if size < n_items] if in_order else [],
        item_samples=max(1, survey.n_samples // max(1, n_items)),
        shifts=tuple(survey.counts),
        ignore=_ignored_candidates(survey, base),
        input_roundings=_input_roundings(dataset.logits.dtype),
        count_sources=["targets", *(["given"] if has_counts else [])],
        several_axes=len(shape) > 1,
    )


def _ignored_candidates(survey: _Survey, base: Convention) -> dict[int, str]:
    """Classes that others may take for padding: the first, the most frequent, and 255; and none of them."""
    counts = survey.counts[base.term.shift]
    out = {}
    if 0 <= base.ignore_index < len(counts) and not survey.outside:
        out[DEFAULT_IGNORE_INDEX] = "no target ignored"
    if survey.outside:  # the one index to ignore is taken
        return out
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


def _pass(
    settled: Settled, plan: Plan, shifted: Mapping[int, VectorSource] | None, request: ScoreRequest
) -> tuple[ConventionSums, Tally]:
    """The one pass over the samples: as ``nll compute`` scores them, and under everything else."""
    sums, tally = ConventionSums(plan), Tally()
    work = partial(_work, settled, plan, shifted)
    with naming_places(settled.dataset):
        blocks = map_dataset(work, settled.dataset, threads=request.threads, progress=request.progress)
        for block, own in blocks:
            sums.add(block)
            tally += own
    return sums, tally


def _work(
    settled: Settled, plan: Plan, shifted: Mapping[int, VectorSource] | None, block: Block, scratch: Scratch
) -> tuple[BlockSums, Tally]:
    own = evaluate(block, settled.options, Wanted(), scratch.sub("own")).tally
    if shifted is None:
        assert block.targets is not None
        targets = {0: block.targets}
    else:
        targets = {k: source.read(block.start, len(block.logits)) for k, source in shifted.items()}
    return collect(block, targets, plan, scratch), own
