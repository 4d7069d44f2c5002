"""nll compare: which of several models has the lower loss on the same samples, by how much, and whether by chance."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import add, and_
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare.groups import N_EXTREMES
from nllcli.commands.compare.inference import Question
from nllcli.commands.compare.notices import baseline_again, clusters_hint, notes, warnings
from nllcli.commands.compare.pairs import Comparing, Outcome
from nllcli.commands.compare.result import Comparison, adjusted, model_loss, pair_result
from nllcli.commands.compare.sums import PairSums, Sums
from nllcli.commands.compare.targets import check_models, explained, no_targets
from nllcli.commands.compare.units import level_for
from nllcli.data.settings import TOKENS
from nllcli.errors import NllError, UsageError, setting
from nllcli.inputs.models.opening import open_models
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.report import shortest
from nllcli.scoring.settled import Settled, settings_of, settle, signature_of
from nllcli.scoring.shares import check_workers, fold_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.errors import Notice
    from nllcli.report import Signature
    from nllcli.scoring.matrix import ArrayWriter


@dataclass(frozen=True)
class Request:
    """The models to compare, the baseline first, by one request each, with their names.

    ``again`` are paths that were named twice. The differences are written into ``save_differences``. Classes are
    listed where they are at most ``classes_up_to``, ``n_largest`` samples either way.
    """

    models: tuple[ScoreRequest, ...]
    names: tuple[str, ...]
    question: Question = Question()
    all_pairs: bool = False
    divergence: bool = True
    n_largest: int = 3
    classes_up_to: float = 0
    again: tuple[str, ...] = ()
    save_differences: str | None = None
    save_dtype: str = "f8"


def compare(request: Request) -> Comparison:
    """Compare the losses of all models on the same samples, in one pass over them."""
    first = request.models[0]
    check_workers(first.workers)
    if first.loss.reduction == "none":
        message = f"{setting('reduction', 'none')} leaves no number to compare"
        raise UsageError(message, hint=f"{setting('save_differences', 'FILE')} writes the differences of the samples")
    inputs = [each.inputs for each in request.models]
    check_models(inputs)
    try:
        dataset: Dataset = open_models(inputs)
    except NllError as error:
        raise explained(error, inputs) from error
    if not dataset.has_targets and first.loss.source != TOKENS and LOSSES[first.loss.loss].needs_targets:
        raise no_targets(dataset)
    settled = [settle(each, model) for each, model in zip(request.models, dataset.models, strict=True)]
    pairs = tuple(combinations(range(len(settled)), 2))
    if not request.all_pairs:
        pairs = tuple(pair for pair in pairs if pair[0] == 0)
    if request.save_differences is not None and len(pairs) > 1:
        raise UsageError(f"{setting('save_differences')} writes those of two models, and here are {len(settled)}")
    work = _work(request, settled, pairs, dataset)
    sums, dataset, more = _fold(request, work, dataset)
    settled[0] = replace(settled[0], dataset=replace(settled[0].dataset, left_out=dataset.left_out))
    names, question, first_settled = request.names, request.question, settled[0]
    results = [pair_result(pair, i, sums, settled, names, question, request.n_largest) for i, pair in enumerate(pairs)]
    results = list(adjusted(results, question.adjustment))
    groups = first.inputs.groups
    return Comparison(
        title=_title(settled[0], names),
        signature=_signature(request, settled),
        baseline=names[0],
        reduction=first.loss.reduction,
        confidence=question.confidence,
        seed=question.seed,
        is_weighted=first_settled.options.class_weights is not None or dataset.sample_weights is not None,
        n_samples=sums.models[0].n_samples,
        n_counted=sums.models[0].n_counted,
        n_clusters=None if groups is None else max(result.n_units for result in results),
        clusters=groups,
        models=tuple(map(model_loss, names, settled, sums.models)),
        comparisons=tuple(results),
        warnings=warnings(sums, results, settled),
        notes=(
            *map(baseline_again, request.again),
            *dataset.notes,
            *more,
            *notes(sums, settled),
            *clusters_hint(settled[0]),
        ),
    )


def _work(
    request: Request, settled: Sequence[Settled], pairs: tuple[tuple[int, int], ...], dataset: Dataset
) -> Comparing:
    groups = dataset.groups
    alike = [
        settled[a].has_classes
        and settled[b].has_classes
        and settled[a].dataset.n_classes == settled[b].dataset.n_classes
        for a, b in pairs
    ]
    soft = dataset.soft_targets is not None
    listed = [not soft and settled[a].dataset.n_classes <= request.classes_up_to for a, _ in pairs]
    return Comparing(
        options=tuple(replace(each.options, ignore_index=each.dataset.ignore_index) for each in settled),
        pairs=pairs,
        diverging=tuple(request.divergence and each for each in alike),
        by_class=tuple(map(and_, alike, listed)),
        n_largest=max(request.n_largest, N_EXTREMES),
        level=level_for(dataset.layout.n_samples if groups is None else groups.n_groups),
        n_groups=0 if groups is None else groups.n_groups,
        lie_together=groups is not None and groups.lie_together,
        keeps_all=request.save_differences is not None,
    )


def _fold(request: Request, work: Comparing, dataset: Dataset) -> tuple[Sums, Dataset, tuple[Notice, ...]]:
    """The sums over all parts, the dataset of those that could be read, and what is worth knowing about the workers."""
    found: dict[int, Sums] = {}
    with _writer(request, dataset) as writer:

        def prepare(outcome: Outcome) -> tuple[Sums, Any]:
            if writer is None:
                return outcome.sums, None
            return outcome.sums, writer.prepare(outcome.start, outcome.differences)

        def take(prepared: tuple[Sums, Any]) -> Sums:
            if writer is not None:
                writer.add(prepared[1])
            return prepared[0]

        failed, told = fold_parts(
            *(request.models[0].workers, work, Sums(), dataset),
            prepare=prepare,
            take=take,
            finish=found.__setitem__,
            progress=request.models[0].progress,
        )
        if failed:
            dataset = _without(dataset, found, failed, whole=writer is not None)
    sums: Sums = reduce(add, (found[part] for part in sorted(found)), Sums())
    if not sums.models:  # there are no samples
        sums = Sums((Tally(),) * len(work.options), (PairSums(),) * len(work.pairs))
    return sums, dataset, told


def _without(dataset: Dataset, found: Mapping[int, Sums], failed: Mapping[int, NllError], *, whole: bool) -> Dataset:
    """The dataset of the parts that have been compared; raises what is wrong with the others unless these may fail."""
    from nllcli.inputs.several import all_of, without_failed

    if whole or not (dataset.may_be_partial and found):
        raise all_of([failed[number] for number in sorted(failed)], len(dataset.parts), whole=whole)
    return without_failed(dataset, sorted(found), failed)


def _writer(request: Request, dataset: Dataset) -> AbstractContextManager[ArrayWriter | None]:
    """What takes the differences of the samples: a file that appears whole or not at all."""
    if request.save_differences is None:
        return nullcontext()
    from nllcli.outputs.arrays import open_array

    layout = dataset.layout
    plan: dict[str, Any] = {"shape": layout.sample_shape, "fortran": layout.fortran, "columns": ("difference",)}
    return open_array(request.save_differences, dtype=request.save_dtype, **plan)


def _title(settled: Settled, names: Sequence[str]) -> str:
    dataset = settled.dataset
    targets = dataset.targets or dataset.soft_targets
    where = dataset.logits.name if targets is None else targets.name
    return f"Comparison on {where}" + (f", with {names[0]}" if len(names) > 2 else "")


def _signature(request: Request, settled: Sequence[Settled]) -> Signature:
    """Every setting that changes a number; what differs between models in their order."""
    each = [settings_of(one) for one in settled]
    for settings in each[1:]:  # which have the weights of the first
        settings["sample-weights"] = each[0]["sample-weights"]
    settings = {
        name: value if len({one.get(name) for one in each}) == 1 else ",".join(one.get(name, "") for one in each)
        for name, value in each[0].items()
    }
    question = request.question
    own = {
        "clusters": request.models[0].inputs.groups or "none",
        "confidence": shortest(question.confidence),
        "margin": "none" if question.margin is None else shortest(question.margin),
        "permutations": str(question.n_permutations),
        "bootstrap": str(question.n_bootstrap),
        "seed": str(question.seed),
        "adjust": question.adjustment,
    }
    usual = {
        "clusters": "none",
        "confidence": "0.95",
        "margin": "none",
        "permutations": "0",
        "bootstrap": "0",
        "adjust": "holm",
    }
    if not (question.n_permutations or question.n_bootstrap):
        usual["seed"] = own["seed"]
    return signature_of({**settings, **own}, settled[0].dataset.left_out, what="difference", usual=usual)
