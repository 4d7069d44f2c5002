"""nll explain: chosen samples, found in one pass and worked through step by step."""

from __future__ import annotations

import math
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.explain.sample import Explanation, Setting
from nllcli.commands.explain.worked import work_through
from nllcli.data.blocks import Block, Part
from nllcli.errors import Notice, Remedy, UsageError, counted
from nllcli.inputs.shapes import shown
from nllcli.inputs.targets import Shifted
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.exact import ExactSum
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Rows, Tally
from nllcli.numerics.targets import weight_sum
from nllcli.records import dataclass
from nllcli.scoring.notices import all_notes, all_notices, found_at, told
from nllcli.scoring.passes import fold_dataset, naming_places, without_logits
from nllcli.scoring.settled import check_has_classes, settle, signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Chunk, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.scoring.settled import Settled

_N_NAMED = 5


@dataclass(frozen=True)
class Explained:
    """The chosen samples, the rows before the hardest, and the numbers of the whole input.

    ``loss``, the reduced one in nats, is None where not all samples were scored, or where nothing is reduced.
    """

    title: str
    signature: str
    explanations: tuple[Explanation, ...]
    setting: Setting
    loss: float | None
    n_samples: int
    notices: tuple[Notice, ...]
    notes: tuple[Notice, ...]


@dataclass(frozen=True)
class Ranked:
    """One sample: its loss, its number, and a block of its own."""

    loss: float
    number: int
    block: Block


@dataclass(frozen=True)
class Hardest:
    """The ``k`` samples of the largest loss so far, hardest first; ``Hardest(k)`` is the zero of ``+``."""

    k: int
    ranked: tuple[Ranked, ...] = ()

    def __add__(self, other: Hardest) -> Hardest:
        both = sorted((*self.ranked, *other.ranked), key=lambda sample: (-sample.loss, sample.number))
        return Hardest(self.k, tuple(both[: self.k]))


@dataclass(frozen=True)
class Found(Part):
    """The ``picked`` rows and the ``hardest`` samples by number, each a block of its own.

    ``tally`` is that of all samples where the hardest of them were searched for; else it has no more than their number
    and, for the mean, the sum of their weights.
    """

    picked: dict[int, Block] = field(default_factory=dict)
    tally: Tally = Tally()
    hardest: Hardest = Hardest(0)


def explain(
    request: ScoreRequest, rows: Sequence[int | tuple[int, ...]] = (), *, hardest: int | None = None
) -> Explained:
    """Find ``rows`` and the ``hardest`` of all samples in one pass and work through them.

    A row is a number, counted from 0 in the order of the targets, or a position, one index for each of their
    dimensions. With neither, the input must hold a single sample.
    """
    check_has_classes(request.loss, "nll explain")
    settled = settle(request)
    options, dataset = settled.options, settled.dataset
    single, all_scored = not rows and hardest is None, hardest is not None
    numbers = [0] if single else list(dict.fromkeys(_number(row, dataset) for row in rows))
    if dataset.layout.n_samples is not None:
        _check(numbers, dataset, dataset.layout.n_samples, single=single)
    found = _search(request, settled, numbers, hardest)
    tally = found.tally
    _check(numbers, dataset, tally.n_samples, single=single)
    shared = Setting(
        options,
        settled.class_names,
        denominator=float(tally.weight_sum) if options.reduction == "mean" else None,
        loss_sum=float(tally.loss_sum) if all_scored else None,
    )
    blocks = {row: found.picked[row] for row in numbers}
    blocks |= {ranked.number: ranked.block for ranked in found.hardest.ranked}
    with naming_places(dataset):
        explanations = tuple(_explanation(shared, dataset, number, block) for number, block in blocks.items())
    return Explained(
        f"{LOSSES[options.loss].title} of {dataset.title}, step by step",
        signature(settled),
        explanations,
        shared,
        tally.loss(options.reduction) if all_scored else None,
        tally.n_samples,
        all_notices(tally, settled) if all_scored else (*settled.notices, *_infinite(explanations, blocks, dataset)),
        all_notes(tally, dataset),
    )


def _infinite(explanations: Sequence[Explanation], blocks: Mapping[int, Block], dataset: Dataset) -> Iterator[Notice]:
    """The warning of infinite losses among the samples explained, where those are all that was scored."""
    infinite = [blocks[one.number].start for one in explanations if math.isinf(one.worked.weighted_loss)]
    if infinite:
        rows = Rows(len(infinite), tuple(infinite[:_N_NAMED]))
        yield Notice("infinite-loss", told("infinite-loss", found_at(rows, dataset), len(explanations)))


def _number(row: int | tuple[int, ...], dataset: Dataset) -> int:
    """The number of a row, which may be given as a position."""
    if isinstance(row, int):
        return row
    shape = dataset.layout.sample_shape
    if len(row) != len(shape) or any(i >= (n or 0) for i, n in zip(row, shape, strict=True)):
        have = counted(len(shape), "dimension") if None in shape else f"the shape {shown(shape)}"
        raise UsageError(f"there is no position {row}: targets have {have}", where=dataset.logits.name)
    return int(np.ravel_multi_index(row, [n or 0 for n in shape]))


def _check(rows: list[int], dataset: Dataset, n_samples: int, *, single: bool) -> None:
    """Refuse rows that are not there; a ``single`` sample has to be the only one."""
    name = dataset.logits.name
    if single and n_samples != 1:
        raise UsageError(
            f"has {n_samples} samples, and none was chosen",
            where=name,
            remedies=[Remedy({"row": 0}, "the first"), Remedy({"hardest": 1}, "the one of the largest loss")],
        )
    outside = [row for row in rows if row >= n_samples]
    if outside:
        known = f"rows are 0 to {n_samples - 1}" if n_samples else "there are no samples"
        raise UsageError(f"there is no row {outside[0]}: {known}", where=name)


def _explanation(shared: Setting, dataset: Dataset, number: int, block: Block) -> Explanation:
    layout, targets = dataset.layout, dataset.targets
    shifted_out = isinstance(targets, Shifted) and not targets.has_target(np.array([block.start]))[0]
    place, position = layout.place(block.start), layout.position(block.start)
    return Explanation(number, place, position, work_through(block, shared.options), shared, shifted_out)


def _search(request: ScoreRequest, settled: Settled, rows: Sequence[int], k: int | None) -> Found:
    """Find ``rows`` and the ``k`` samples of the largest loss; read no more logits than that takes."""
    dataset, mean = settled.dataset, settled.options.reduction == "mean"
    wanted = {dataset.layout.file_number(row): row for row in rows}
    others = dataset if mean else replace(dataset, targets=None, soft_targets=None, sample_weights=None)

    def only_needed(chunk: Chunk) -> Chunk:
        """The chunk, without its logits where no row is in it; the mean needs the targets, which may be among them."""
        if (mean and dataset.logits.labels) or any(0 <= at - chunk.start < chunk.n for at in wanted):
            return chunk
        return replace(chunk, load=partial(without_logits, others, chunk.start, chunk.n))

    return fold_dataset(
        partial(_work, settled, wanted, k),
        Found(hardest=Hardest(k or 0)),
        dataset,
        only=only_needed if k is None else None,
        threads=request.threads,
        progress=request.progress,
    )


def _work(settled: Settled, wanted: dict[int, int], k: int | None, block: Block, scratch: Scratch) -> Found:
    options, n = settled.options, len(block.logits)
    places = {row: at - block.start for at, row in wanted.items() if 0 <= at - block.start < n}
    picked = {row: _single(block, i) for row, i in places.items()}
    if k is None:
        n_classes = settled.dataset.n_classes
        weights = weight_sum(block, options, n_classes) if options.reduction == "mean" else ExactSum()
        return Found(picked, Tally(n, weight_sum=weights))
    outcome = evaluate(block, options, Wanted(losses=True), scratch)
    losses = outcome.losses
    assert losses is not None
    if block.targets is not None and block.targets.ndim == 1:
        losses = np.where(block.targets == options.ignore_index, np.nan, losses)  # ignored samples have no rank
    numbers = settled.dataset.layout.number(np.arange(block.start, block.start + n))
    worst = largest(losses, numbers, k).tolist()
    ranked = (Ranked(float(losses[i]), int(numbers[i]), _single(block, i)) for i in worst)
    return Found(picked, outcome.tally, Hardest(k, tuple(ranked)))


def _single(block: Block, i: int) -> Block:
    """One sample of a block, as a block that outlives it."""
    return Block(
        block.start + i,
        block.logits[i : i + 1].copy(),
        None if block.targets is None else block.targets[i : i + 1].copy(),
        None if block.sample_weights is None else block.sample_weights[i : i + 1].copy(),
    )


def largest(values: NDArray[np.float64], numbers: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The indices of the ``k`` largest ``values`` (n,), largest first, equal ones by their ``numbers`` (n,).

    NaN values are skipped.
    """
    candidates = np.flatnonzero(~np.isnan(values))
    if len(candidates) > k:
        bound = np.partition(values[candidates], len(candidates) - k)[len(candidates) - k]
        candidates = candidates[values[candidates] >= bound]
    order = np.lexsort((numbers[candidates], -values[candidates]))
    return candidates[order[:k]]
