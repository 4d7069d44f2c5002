"""nll compare: which of several models has the lower loss on the same samples, by how much, and whether by chance."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import add, and_
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare.comparison import comparison_of, settings_of_question
from nllcli.commands.compare.groups import N_EXTREMES
from nllcli.commands.compare.inference import Question, coarser, shares_of_squares
from nllcli.commands.compare.jobs import job_of, with_units
from nllcli.commands.compare.notices import baseline_again
from nllcli.commands.compare.pairs import Comparing, Outcome
from nllcli.commands.compare.subject import (
    Compared,
    Subject,
    findings_of,
    input_of,
    model_of,
    samples_of,
    settings_together,
)
from nllcli.commands.compare.sums import PairSums, Sums
from nllcli.commands.compare.tally import check_labels
from nllcli.commands.compare.targets import check_models, explained, no_targets
from nllcli.commands.compare.units import Units, level_for
from nllcli.data.settings import TOKENS
from nllcli.errors import NllError, UsageError, setting
from nllcli.inputs.groups.numbering import end_with_files, texts_of
from nllcli.inputs.models.opening import open_models
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.parts import readable
from nllcli.scoring.settled import Settled, settle
from nllcli.scoring.shares import check_workers, fold_parts
from nllcli.scoring.tally_data import check_can_be_tallied, digest_of, this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from nllcli.commands.compare.result import Comparison
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.errors import Notice
    from nllcli.numerics.pictured import PicturesWanted
    from nllcli.scoring.matrix import ArrayWriter


@dataclass(frozen=True)
class Request:
    """The models to compare, the baseline first, by one request each, with their names.

    ``again`` are paths that were named twice. The differences are written into ``save_differences``. Classes are
    listed where they are at most ``classes_up_to``, ``n_largest`` samples either way. ``are_named`` says that the names
    are given, not those of files, ``tally`` asks for sums that add up with those of more samples, and ``pictures`` for
    what pictures of two models are made of.
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
    are_named: bool = False
    tally: bool = False
    pictures: bool = False


def compare(request: Request) -> Comparison:
    """Compare the losses of all models on the same samples, in one pass over them."""
    first = request.models[0]
    check_workers(first.workers)
    if first.loss.reduction == "none":
        message = f"{setting('reduction', 'none')} leaves no number to compare"
        raise UsageError(message, hint=f"{setting('save_differences', 'FILE')} writes the differences of the samples")
    if request.tally:
        for each in request.models:
            check_can_be_tallied(each)
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
    if request.tally:
        _check_parts(dataset)
    labels = _labels(request, dataset)
    work = _work(request, settled, pairs, dataset)
    if labels is not None:
        work = replace(work, lie_together=False)
    found, left, told = _fold(request, work, dataset)
    compared = _compared(request, settled, pairs, dataset, found)
    compared = replace(compared, left_out=left.left_out)
    if request.tally:
        compared = _with_job(compared, labels)
    return comparison_of(compared, (*map(baseline_again, request.again), *left.notes, *told))


def _check_parts(dataset: Dataset) -> None:
    """Raise UsageError where several files are one part: a tally says which samples are in which file."""
    joined = next((model for part in dataset.parts for model in part.models if len(model.parts) > 1), None)
    if joined is not None:
        message = "a tally says how many samples each file has, which is not known of several of text, or cut elsewhere"
        how = "compare each file by itself, and nll merge adds the tallies up"
        raise UsageError(message, where=joined.logits.name, hint=how)


def _labels(request: Request, dataset: Dataset) -> tuple[str, ...] | None:
    """The labels of groups of which other runs may have samples too, where what adds up with theirs is asked for."""
    groups = dataset.groups
    if not request.tally or groups is None or end_with_files(groups):
        return None
    check_labels(groups.n_groups)
    return texts_of(groups)


def _with_job(compared: Compared, labels: tuple[str, ...] | None) -> Compared:
    """The same, with what its units add up with."""
    subject, sums = compared.subject, compared.sums
    job = job_of(sums, len(compared.inputs), compared.n_units, labels, grouped=subject.groups is not None)
    sums = with_units(sums, subject.pairs, (job,))
    return replace(compared, sums=sums, jobs=(job,), computed_with=(this_machine(),))


def _compared(
    request: Request,
    settled: Sequence[Settled],
    pairs: tuple[tuple[int, int], ...],
    dataset: Dataset,
    found: Mapping[int, Sums],
) -> Compared:
    """The sums of all parts that could be read, and what they are of."""
    nothing = Sums((Tally(),) * len(settled), (PairSums(),) * len(pairs))
    sums = reduce(add, (found[part] for part in sorted(found)), Sums())
    groups = dataset.groups
    inputs = []
    for part in sorted(found):
        tallies = (found[part] if found[part].models else nothing).models
        digest = digest_of(tallies) if request.tally else None
        inputs.append(input_of(dataset.parts[part], tallies[0].n_samples, digest))
    sums = sums if sums.models else nothing
    return Compared(
        _subject(request, settled, pairs),
        sums,
        sums.models[0].n_samples if groups is None else groups.n_groups,
        tuple(inputs),
        samples_of(dataset, [*sums.named_samples, *_farthest(sums, request.question)]),
        findings_of(dataset, found),
        names_files=len(dataset.parts) > 1,
    )


def _farthest(sums: Sums, question: Question) -> Iterator[int]:
    """The sample of each pair that makes most of the squares, where samples are units."""
    for pair in sums.pairs:
        if isinstance(pair.units, Units) and pair.difference.is_finite:
            units = coarser(pair.units, sums.models[0].n_samples)
            yield from (number for _, number in shares_of_squares(units, pair, question.reduction)[:1])


def _subject(request: Request, settled: Sequence[Settled], pairs: tuple[tuple[int, int], ...]) -> Subject:
    first = settled[0]
    dataset, groups = first.dataset, request.models[0].inputs.groups
    return Subject(
        name=dataset.targets_name or dataset.logits.name,
        models=tuple(map(model_of, settled, request.names)),
        pairs=pairs,
        settings={**settings_together(settled), **settings_of_question(request.question, groups)},
        question=request.question,
        n_largest=request.n_largest,
        groups=groups,
        loss=first.options.loss,
        ignore_index=first.options.ignore_index,
        shift=first.shift,
        clip=first.options.clip,
        are_named=request.are_named,
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
        fingerprint=request.tally,
        keeps_all=request.save_differences is not None,
        pictures=_pictures(settled, dataset) if request.pictures and len(pairs) == 1 else None,
    )


def _pictures(settled: Sequence[Settled], dataset: Dataset) -> PicturesWanted:
    """What is collected for pictures: the losses at other temperatures where all have them, and few of them."""
    from nllcli.numerics.pictured import PicturesWanted, usual_temperatures
    from nllcli.numerics.pictured.curve import can_be_tempered

    n, n_classes = dataset.layout.n_samples, sum(each.dataset.n_classes for each in settled)
    has_curves = all(can_be_tempered(each.options.source) for each in settled)
    return PicturesWanted(usual_temperatures(n, n_classes) if has_curves else ())


def _fold(request: Request, work: Comparing, dataset: Dataset) -> tuple[dict[int, Sums], Dataset, tuple[Notice, ...]]:
    """The sums of each part, the dataset of those that could be read, and what is worth knowing about the workers."""
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
        # Numbers of samples and units have gaps where a part has failed, and a tally has none.
        dataset = readable(dataset, found, failed, whole=writer is not None or request.tally)
    return found, dataset, told


def _writer(request: Request, dataset: Dataset) -> AbstractContextManager[ArrayWriter | None]:
    """What takes the differences of the samples: a file that appears whole or not at all."""
    if request.save_differences is None:
        return nullcontext()
    from nllcli.outputs.arrays import open_array

    layout = dataset.layout
    plan: dict[str, Any] = {"shape": layout.sample_shape, "fortran": layout.fortran, "columns": ("difference",)}
    return open_array(request.save_differences, dtype=request.save_dtype, **plan)
