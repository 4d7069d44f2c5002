"""nll explain: chosen samples, worked through step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.explain.sample import Explanation, Setting
from nllcli.commands.explain.search import search
from nllcli.commands.explain.worked import work_through
from nllcli.errors import UsageError, counted, setting
from nllcli.inputs.shapes import shown
from nllcli.inputs.targets import Shifted
from nllcli.numerics.losses import LOSSES
from nllcli.scoring.passes import all_notices, naming_places
from nllcli.scoring.settled import settle, signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.blocks import Block
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.errors import Notice


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


def explain(
    request: ScoreRequest, rows: Sequence[int | tuple[int, ...]] = (), *, hardest: int | None = None
) -> Explained:
    """Find ``rows`` and the ``hardest`` of all samples in one pass and work through them.

    A row is a number, counted from 0 in the order of the targets, or a position, one index for each of their
    dimensions. With neither, the input must hold a single sample.
    """
    settled = settle(request)
    options, dataset = settled.options, settled.dataset
    single, all_scored = not rows and hardest is None, hardest is not None
    numbers = [0] if single else list(dict.fromkeys(_number(row, dataset) for row in rows))
    if dataset.layout.n_samples is not None:
        _check(numbers, dataset, dataset.layout.n_samples, single=single)
    found = search(request, settled, numbers, hardest)
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
        f"{LOSSES[options.loss].title} of {dataset.logits.name}, step by step",
        signature(settled),
        explanations,
        shared,
        tally.loss(options.reduction) if all_scored else None,
        tally.n_samples,
        all_notices(tally, settled) if all_scored else settled.notices,
        dataset.notes,
    )


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
            hint=f"{setting('row', 0)} explains the first, {setting('hardest', 1)} the one with the largest loss",
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
