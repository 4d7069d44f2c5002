"""A second pass over files whose samples are in doubt: in which other order would they fit?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence import Evidence, gather
from nllcli.commands.check.evidence.order import Orders, Pairs, compare_orders, read_pairs
from nllcli.commands.check.findings.order import fits_no_better_than_chance, mostly_not_normalised
from nllcli.data.blocks import Block, Part, Scratch
from nllcli.errors import NllError
from nllcli.inputs.bytes.files import can_be_read_again
from nllcli.records import dataclass
from nllcli.scoring.passes import fold_dataset, open_again

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.check.findings import Case
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions, ScoreRequest

# Numbers and samples that are held in memory at once.
_MOST_NUMBERS, _MOST_SAMPLES = 1 << 24, 1 << 22


@dataclass(frozen=True)
class _Whole(Part):
    """All logits and targets, in pieces."""

    logits: tuple[NDArray[Any], ...] = ()
    targets: tuple[NDArray[Any], ...] = ()


def can_look_again(inputs: InputOptions) -> bool:
    """Whether all inputs can be read a second time."""
    paths = (inputs.logits, inputs.targets, inputs.sample_weights)
    return all(can_be_read_again(path) for path in paths if path is not None)


def look_again(case: Case) -> Case:
    """The case with the orders in which the targets were tried, and the evidence if the logits were reshaped.

    It stays as it is where nothing is in doubt, where samples form sequences, and where a file is too large or can be
    read only once.
    """
    fits, sums = not fits_no_better_than_chance(case), not mostly_not_normalised(case)
    n, n_classes = case.evidence.n_samples, case.dataset.layout.n_classes
    if (fits and sums) or not case.is_flat or n > _MOST_SAMPLES:
        return case
    with suppress(NllError):
        dataset = open_again(case.request.inputs, "the order is looked for in a second pass")
        return replace(
            case,
            orders=None if fits else _orders(case.request, dataset),
            reshaped=_reshaped(case.request, dataset, n) if 2 <= n_classes != n <= _MOST_NUMBERS // n_classes else None,
        )
    return case


def _orders(request: ScoreRequest, dataset: Dataset) -> Orders:
    def work(block: Block, scratch: Scratch) -> Pairs:
        return read_pairs(block, request.loss, dataset.n_classes, scratch)

    pairs = fold_dataset(work, Pairs(), dataset, threads=request.threads)
    return compare_orders(np.concatenate(pairs.predictions), np.concatenate(pairs.targets), dataset.n_classes)


def _reshaped(request: ScoreRequest, dataset: Dataset, n: int) -> Evidence:
    def work(block: Block, _: Scratch) -> _Whole:
        return _Whole((block.logits.copy(),), () if block.targets is None else (block.targets.copy(),))

    whole = fold_dataset(work, _Whole(), dataset, threads=request.threads)
    logits, layout = np.concatenate(whole.logits), dataset.layout
    logits = logits.reshape(layout.n_classes, n).T if layout.class_axis else logits.T.reshape(n, layout.n_classes)
    targets = np.concatenate(whole.targets) if whole.targets else None
    return gather(Block(0, logits, targets), request.loss, 0, Scratch())
