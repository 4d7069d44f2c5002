"""nll compute: the loss of a file of logits, reduced, per class and per sample."""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from nllcli.commands.compute.by_part import ByPart
from nllcli.commands.compute.result import LossResult, result_of
from nllcli.commands.compute.samples import SMALL_SAMPLES, Kept
from nllcli.data.settings import LISTED_CLASSES, TOKENS, Workers
from nllcli.errors import UsageError, setting
from nllcli.numerics.evaluate import Outcome, Wanted, evaluate
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.settled import Settled, needs_classes, settle
from nllcli.scoring.shares import check_workers, fold_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from nllcli.commands.compute.pictures import PictureChoice
    from nllcli.data.blocks import Block, Progress, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import LossOptions, ScoreRequest
    from nllcli.errors import NllError, Notice
    from nllcli.scoring.matrix import ArrayWriter


@dataclass(frozen=True)
class Sections:
    """The sections asked for by name, and those added unasked.

    The latter are the samples of a ``small`` input, and the classes where there are at most ``classes_up_to``. The
    ``standard_error`` is left out where nobody sees it. ``tally`` asks for sums alone, that add up to those of more.
    ``pictures`` are those whose sums are wanted.
    """

    per_class: bool = False
    per_sample: bool = False
    small: bool = False
    classes_up_to: float = 0
    standard_error: bool = True
    tally: bool = False
    pictures: PictureChoice | None = None

    def holding(self, keys: Collection[str]) -> Sections:
        """These, and those in which the JSON has the ``keys``, where the inputs have such."""
        classes = math.inf if "per_class" in keys else self.classes_up_to
        samples = self.per_sample or not {"samples", "losses"}.isdisjoint(keys)
        error = self.standard_error or "standard_error" in keys
        return replace(self, per_sample=samples, classes_up_to=classes, standard_error=error)

    def hold_classes(self, n_classes: int) -> bool:
        """Whether there is a section of this number of classes."""
        return self.per_class or n_classes <= self.classes_up_to

    def hold_samples(self, n_samples: int | None) -> bool:
        """Whether there may be a section of this number of samples, None where it is not known yet."""
        return self.per_sample or (self.small and (n_samples is None or n_samples <= SMALL_SAMPLES))


@dataclass(frozen=True)
class Saves:
    """The ``dtype`` of the arrays to write while samples are scored, and their files, None where not wanted."""

    dtype: str
    losses: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    gradient: str | None = None


def compute(
    request: ScoreRequest, sections: Sections, saves: Saves | None = None, folder: str | None = None
) -> LossResult:
    """Compute the loss, and write the arrays that were asked for on the way.

    Files that are done are not scored again where their tallies are in the ``folder``.
    """
    if folder == "":
        raise UsageError(f"{setting('resume')} names no folder")
    if folder is not None:
        from nllcli.commands.compute.resume import check_resumable

        check_resumable(request, per_sample=sections.per_sample, saves=saves is not None)
    check_workers(request.workers)
    if sections.tally:
        from nllcli.scoring.tally_data import check_can_be_tallied

        check_can_be_tallied(request)
    if request.loss.source == TOKENS:
        _refuse_classes(sections, saves)
    if saves is None:
        return score(settle(request), sections, workers=request.workers, progress=request.progress, folder=folder)
    from nllcli.scoring.matrix import settle_gradient

    settled, divisor = (settle(request), None) if saves.gradient is None else settle_gradient(request)
    with _open_writers(saves, settled.dataset) as writers:
        return score(settled, sections, writers, divisor=divisor, workers=request.workers, progress=request.progress)


def _refuse_classes(sections: Sections, saves: Saves | None) -> None:
    """Raise UsageError for results that have numbers for several classes, where there is one number a token."""
    wanted = {
        "per_class": sections.per_class,
        "save_probs": saves is not None and saves.probs,
        "save_log_probs": saves is not None and saves.log_probs,
    }
    for name, value in wanted.items():
        if value:
            raise needs_classes(name)


@contextmanager
def _open_writers(saves: Saves, dataset: Dataset) -> Iterator[Mapping[str, ArrayWriter]]:
    """The writers of the arrays wanted, by the names of ``Saves``; a file appears whole or not at all."""
    from nllcli.outputs.arrays import open_array
    from nllcli.scoring.matrix import array_like_logits

    layout, paths, writers = dataset.layout, asdict(saves), {}
    dtype = paths.pop("dtype")
    with ExitStack() as stack:
        for name, path in paths.items():
            if path is None:
                continue
            if name == "losses":
                plan: dict[str, Any] = {"shape": layout.sample_shape, "fortran": layout.fortran, "columns": ("loss",)}
            else:
                plan = array_like_logits(dataset, layout.n_classes if name == "gradient" else dataset.n_classes)
            writers[name] = stack.enter_context(open_array(path, dtype=dtype, **plan))
        yield writers


def score(
    settled: Settled,
    sections: Sections,
    writers: Mapping[str, ArrayWriter] | None = None,
    *,
    divisor: float | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
    folder: str | None = None,
    in_memory: bool = False,
) -> LossResult:
    """The loss under settings whose inputs are open; ``divisor`` divides the gradient, where it is wanted.

    ``writers`` are given the arrays of their names. Tallies of the files that are done are kept in the ``folder``.
    ``in_memory`` says that losses are wanted there, however many.
    """
    kept, writers = Kept(settled, sections, in_memory=in_memory), writers or {}
    n_classes, resume = settled.dataset.n_classes, None
    pictures = None if sections.pictures is None else sections.pictures.wanted(settled)
    wanted_classes = settled.has_classes and sections.hold_classes(n_classes)
    tallied_classes = wanted_classes or (settled.has_classes and sections.pictures is not None)
    if folder is not None:
        from nllcli.commands.compute.resume import Resume

        tallied_classes = wanted_classes or (settled.has_classes and n_classes <= LISTED_CLASSES)
        resume = Resume(folder, with_classes=tallied_classes, pictures=pictures)
    wanted = Wanted(
        losses=kept.everything or kept.tabled or "losses" in writers,
        probs=kept.probs or "probs" in writers,
        log_probs="log_probs" in writers,
        gradient=divisor,
        spread=sections.standard_error or resume is not None,
        classes=tallied_classes,
        fingerprint=sections.tally or resume is not None,
        pictures=pictures,
    )

    work = _Scoring(settled.options, wanted, keeps_all=bool(writers) or kept.everything)

    by_part = ByPart(settled, digests=sections.tally or resume is not None, resume=resume)

    def prepare(outcome: Outcome) -> tuple[Outcome, Mapping[str, Any]]:
        arrays = {name: writer.prepare(outcome.start, getattr(outcome, name)) for name, writer in writers.items()}
        return kept.of(outcome), arrays

    def take(prepared: tuple[Outcome, Mapping[str, Any]]) -> Tally:
        outcome, arrays = prepared
        for name, array in arrays.items():
            writers[name].add(array)
        kept.add(outcome)
        return outcome.tally

    failed: dict[int, NllError] = {}
    notes: tuple[Notice, ...] = ()
    if not by_part.is_done:
        failed, notes = fold_parts(
            *(workers or Workers(), work, Tally(), by_part.dataset),
            prepare=prepare,
            take=take,
            finish=by_part.finish,
            progress=progress,
        )
    tally = by_part.total(failed, whole=bool(writers) or kept.everything)
    shown = tally if wanted_classes else replace(tally, sums=replace(tally.sums, classes=None))
    samples = None if failed or resume else kept.samples()
    result = result_of(shown, kept.losses(), samples, notes=(*by_part.notes, *notes))
    return result if sections.pictures is None else replace(result, tally=tally)


@dataclass(frozen=True)
class _Scoring:
    """The work on a block, which other processes may do; arrays of more than a few samples travel if all are kept."""

    options: LossOptions
    wanted: Wanted
    keeps_all: bool

    @property
    def makes_arrays(self) -> bool:
        """Whether numbers of every class come of a block."""
        return self.wanted.probs or self.wanted.log_probs or self.wanted.gradient is not None

    def __call__(self, block: Block, scratch: Scratch) -> Outcome:
        return evaluate(block, self.options, self.wanted, scratch)

    def gather(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """All of them, or of more samples than a table shows the sum of their tallies."""
        kept: list[Outcome] = []
        for outcome in outcomes:
            indices = None if outcome.targets is None or outcome.targets.ndim == 2 else outcome.targets.copy()
            kept.append(replace(outcome, targets=indices))  # the next block is read over it
            if not self.keeps_all and sum(each.tally.n_samples for each in kept) > SMALL_SAMPLES:
                kept = [reduce(add, kept, Outcome(kept[0].start, Tally()))]
        return kept


def within(result: LossResult, sections: Sections) -> LossResult:
    """A result without what is in none of the ``sections``."""
    classes = result.n_classes is not None and sections.hold_classes(result.n_classes)
    losses = sections.per_sample or result.reduction == "none"
    return replace(
        result,
        per_class=result.per_class if classes else None,
        samples=result.samples if sections.hold_samples(result.n_samples) else None,
        kept_losses=result.kept_losses if losses else None,
    )
