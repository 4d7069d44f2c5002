"""nll explain: chosen samples, worked through step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from nllcli.commands.explain.hardest import Hardest, Ranked, largest
from nllcli.commands.explain.page import note, section
from nllcli.commands.explain.record import RECORD_COLUMNS, record
from nllcli.commands.explain.sample import Explanation, Setting
from nllcli.commands.explain.worked import work_through
from nllcli.data.blocks import Block
from nllcli.data.part import Part
from nllcli.engine.blocks import map_blocks
from nllcli.errors import UsageError
from nllcli.inputs.shapes import shown
from nllcli.inputs.targets import Shifted
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.exact import ExactSum
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.numerics.targets import weight_sum
from nllcli.report import Column, Metric, Report, Section, Table, Value
from nllcli.scoring.blocks import chunks
from nllcli.scoring.loss import class_names, loss_of
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.places import blaming
from nllcli.scoring.request import ScoreRequest
from nllcli.scoring.settled import Settled, settle
from nllcli.scoring.signature import signature
from nllcli.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Chunk, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.layout import Layout
    from nllcli.data.settings import LossOptions
    from nllcli.errors import Notice


@dataclass(frozen=True)
class Choice:
    """Which samples: ``rows`` and the ``hardest`` of all.

    A row is a number, counted from 0 in the order of the targets, or a position, one index a dimension of theirs.
    With neither, the input must hold a single sample.
    """

    rows: Sequence[int | tuple[int, ...]] = ()
    hardest: int | None = None


@dataclass(frozen=True)
class _Part(Part):
    """What a pass over the file gathers; parts add up."""

    hardest: Hardest
    tally: Tally = Tally()
    weight_sum: ExactSum = ExactSum()
    picked: dict[int, Block] = field(default_factory=dict)


def explain(request: ScoreRequest, choice: Choice) -> Report:
    """Find the chosen samples in one pass and work them through; reads no more logits than that takes."""
    settled = settle(request)
    dataset = settled.dataset
    rows = _rows(choice, dataset)
    _check_rows(dataset, choice, rows, dataset.layout.n_samples)
    search = _Search(settled, rows, choice.hardest)
    with blaming(dataset):
        found = search.run(request)
        _check_rows(dataset, choice, rows, search.n_samples)
        hardest = {ranked.number: ranked.block for ranked in found.hardest.ranked}
        blocks = {row: found.picked[row] for row in rows} | hardest
        setting = _setting(settled, found, whole=choice.hardest is not None)
        explanations = [_explanation(setting, dataset, number, block) for number, block in blocks.items()]
    return _report(settled, setting, explanations, found, search.n_samples)


def _rows(choice: Choice, dataset: Dataset) -> tuple[int, ...]:
    """The numbers of the rows asked for, each once; the first where nothing was asked for."""
    if not choice.rows and choice.hardest is None:
        return (0,)
    return tuple(dict.fromkeys(_number(row, dataset) for row in choice.rows))


def _number(row: int | tuple[int, ...], dataset: Dataset) -> int:
    """The number of a row, which may be given as a position."""
    if isinstance(row, int):
        return row
    shape = dataset.layout.sample_shape
    if len(row) != len(shape) or any(i >= (n or 0) for i, n in zip(row, shape, strict=True)):
        have = counted(len(shape), "dimension") if None in shape else f"the shape {shown(shape)}"
        raise UsageError(f"there is no position {row}: targets have {have}", where=dataset.logits.name)
    number = 0
    for i, n in zip(row, shape, strict=True):
        number = number * (n or 0) + i
    return number


class _Search:
    """One pass over a dataset for the blocks of single samples, and for what the reduction needs."""

    def __init__(self, settled: Settled, rows: Sequence[int], k: int | None) -> None:
        self.n_samples = 0
        self._settled = settled
        self._k = k
        layout = settled.dataset.layout
        known = layout.n_samples
        # A row that is out of range is told of once the number of samples is known.
        self._wanted = {_in_file_order(row, layout): row for row in rows if known is None or row < known}

    def run(self, request: ScoreRequest) -> _Part:
        progress = request.progress
        if progress is not None:
            progress.begin(self._settled.dataset.logits.n_bytes)
        whole = _Part(Hardest(self._k or 0))
        for part in map_blocks(self._work, self._chunks(), threads=request.threads, progress=progress):
            whole += part
        return whole

    def _chunks(self) -> Iterator[Chunk]:
        """The chunks that are needed, and of those whose logits are not, the targets and weights at most."""
        dataset, options = self._settled.dataset, self._settled.options
        for chunk in chunks(dataset):
            self.n_samples = chunk.start + chunk.n
            if self._k is not None or any(chunk.start <= at < self.n_samples for at in self._wanted):
                yield chunk
            elif options.reduction == "mean":
                yield chunk if dataset.logits.labels else replace(chunk, load=partial(_beside_logits, dataset, chunk))

    def _work(self, block: Block, scratch: Scratch) -> _Part:
        settled, options = self._settled, self._settled.options
        picked = {
            number: _single(block, at - block.start)
            for at, number in self._wanted.items()
            if block.start <= at < block.start + len(block.logits)
        }
        if self._k is None:
            n_classes = settled.dataset.n_classes
            weights = weight_sum(block, options, n_classes) if options.reduction == "mean" else ExactSum()
            return _Part(Hardest(0), weight_sum=weights, picked=picked)
        outcome = evaluate(block, options, Wanted(losses=True), scratch)
        assert outcome.losses is not None
        losses = outcome.losses
        if block.targets is not None and block.targets.ndim == 1:
            losses = _without_ignored(losses, block.targets, options)
        numbers = _numbers(settled.dataset.layout, block.start, len(losses))
        ranked = (
            Ranked(float(losses[i]), int(numbers[i]), _single(block, int(i))) for i in largest(losses, numbers, self._k)
        )
        return _Part(Hardest(self._k, tuple(ranked)), outcome.tally, outcome.tally.weight_sum, picked)


def _beside_logits(dataset: Dataset, chunk: Chunk, _: Scratch) -> Block:
    """The targets and weights of a chunk, whose logits stay unread; soft targets matter by their number alone."""
    import numpy as np

    nothing = np.empty((chunk.n, 0))
    targets = None if dataset.targets is None else dataset.targets.read(chunk.start, chunk.n)
    own = None if dataset.sample_weights is None else dataset.sample_weights.read(chunk.start, chunk.n)
    return Block(chunk.start, nothing, nothing if dataset.soft_targets is not None else targets, own)


def _single(block: Block, i: int) -> Block:
    """One sample of a block, as a block that outlives it."""
    return Block(
        block.start + i,
        block.logits[i : i + 1].copy(),
        None if block.targets is None else block.targets[i : i + 1].copy(),
        None if block.sample_weights is None else block.sample_weights[i : i + 1].copy(),
    )


def _without_ignored(
    losses: NDArray[np.float64], targets: NDArray[np.int64], options: LossOptions
) -> NDArray[np.float64]:
    """The losses with NaN, which no rank is given to, where the target is ignored."""
    import numpy as np

    ignored = targets == options.ignore_index
    return np.where(ignored, np.nan, losses) if ignored.any() else losses


# Samples are numbered in the order of the targets, the last axis fastest; a file in Fortran order has them otherwise.


def _numbers(layout: Layout, start: int, n: int) -> NDArray[np.int64]:
    """The numbers of samples ``start`` to ``start + n`` of the file."""
    import numpy as np

    in_file = np.arange(start, start + n)
    if not layout.fortran or len(layout.sample_shape) < 2:
        return in_file
    dims = tuple(n or 0 for n in layout.sample_shape)
    return np.ravel_multi_index(np.unravel_index(in_file, dims, order="F"), dims)


def _in_file_order(number: int, layout: Layout) -> int:
    import numpy as np

    if not layout.fortran or len(layout.sample_shape) < 2:
        return number
    dims = tuple(n or 0 for n in layout.sample_shape)
    return int(np.ravel_multi_index(np.unravel_index(number, dims), dims, order="F"))


def _check_rows(dataset: Dataset, choice: Choice, rows: Sequence[int], n_samples: int | None) -> None:
    """Refuse rows that are not there, as soon as the number of samples is known."""
    if n_samples is None:
        return
    name = dataset.logits.name
    if not choice.rows and choice.hardest is None and n_samples != 1:
        raise UsageError(
            f"has {n_samples} samples, and none was chosen",
            where=name,
            hint="--row 0 explains the first, --hardest 1 the one with the largest loss",
        )
    outside = [row for row in rows if row >= n_samples]
    if outside:
        known = f"rows are 0 to {n_samples - 1}" if n_samples else "there are no samples"
        raise UsageError(f"there is no row {outside[0]}: {known}", where=name)


def _setting(settled: Settled, found: _Part, *, whole: bool) -> Setting:
    reduction = settled.options.reduction
    return Setting(
        settled.options,
        class_names(settled),
        denominator=float(found.weight_sum) if reduction == "mean" else None,
        loss_sum=float(found.tally.loss_sum) if whole else None,
    )


def _explanation(setting: Setting, dataset: Dataset, number: int, block: Block) -> Explanation:
    worked, layout = work_through(block, setting.options), dataset.layout
    place, position = layout.place(block.start), layout.position(block.start)
    return Explanation(number, place, position, worked, setting, _is_shifted_out(dataset, block.start))


def _is_shifted_out(dataset: Dataset, sample: int) -> bool:
    import numpy as np

    targets = dataset.targets
    return isinstance(targets, Shifted) and not targets.has_target(np.array([sample]))[0]


def _report(
    settled: Settled, setting: Setting, explanations: Sequence[Explanation], found: _Part, n_samples: int
) -> Report:
    options, dataset = settled.options, settled.dataset
    whole = setting.loss_sum is not None
    metrics = {
        "loss_name": options.loss,
        "reduction": options.reduction,
        "unit": "nats",
        "loss": loss_of(found.tally, options.reduction) if whole else None,
        "loss_sum": setting.loss_sum,
        "denominator": setting.denominator,
        "n_samples": n_samples,
        "n_classes": len(setting.names),
    }
    notices: list[Notice] = tally_notices(found.tally, settled) if whole else []
    return Report(
        "explain",
        f"{LOSSES[options.loss].title} of {dataset.logits.name}, step by step",
        signature(settled),
        tuple(Metric(key, key, value, hidden=True) for key, value in metrics.items()),
        (
            Table(
                "explanations", "", RECORD_COLUMNS, [record(explanation) for explanation in explanations], hidden=True
            ),
        ),
        (*settled.notices, *notices),
        dataset.notes,
        quiet=[explanation.worked.weighted_loss for explanation in explanations],
        sections=tuple(_sections(explanations, n_samples)),
    )


def _sections(explanations: Sequence[Explanation], n_samples: int) -> Iterator[Section]:
    if len(explanations) > 1:
        yield Section("", (_overview(explanations, n_samples),))
    yield from map(section, explanations)
    if explanations:
        yield Section("", (), note(explanations))


def _overview(explanations: Sequence[Explanation], n_samples: int) -> Table:
    """The explained samples at a glance."""
    columns: tuple[Column, ...] = (
        Column("place", "row", "text"),
        Column("target", "target", "text"),
        Column("predicted", "predicted", "text"),
        Column("probability", "p(target)", "probability", optional=True),
        Column("loss", "loss", "number", "nats"),
        Column("margin", "margin", optional=True),
        Column("share", "share of loss", "share", optional=True),
    )
    rows = [_glance(explanation) for explanation in explanations]
    if explanations[0].share_of_loss is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table("overview", f"{len(explanations):,} of {n_samples:,} samples", columns, rows)


def _glance(explanation: Explanation) -> list[Value]:
    worked, target = explanation.worked, explanation.worked.target
    return [
        explanation.row,
        None if target is None else explanation.name(target),
        explanation.name(worked.top) if worked.usable else None,
        None if target is None else float(worked.probs[target]),
        worked.weighted_loss,
        explanation.margin,
        explanation.share_of_loss,
    ]
