"""Class probabilities as targets: which class is the largest, and whether they are one-hot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.engine import map_blocks
from nllcli.inputs.opening import open_dataset
from nllcli.scoring.passes import chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import InputOptions


def classes_of(inputs: InputOptions) -> tuple[NDArray[np.int64], bool]:
    """The class (n_samples,) of the largest probability, and whether each row is a 1 among zeros."""
    dataset = open_dataset(replace(inputs, shift=0))
    found = list(map_blocks(_largest, chunks(dataset)))
    classes = np.concatenate([classes for classes, _ in found]) if found else np.zeros(0, np.int64)
    return classes, all(one_hot for _, one_hot in found)


def _largest(block: Block, _: Scratch) -> tuple[NDArray[np.int64], bool]:
    targets = block.targets
    assert targets is not None
    is_one_hot = ((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all()
    return targets.argmax(axis=1).astype(np.int64), bool(is_one_hot)
