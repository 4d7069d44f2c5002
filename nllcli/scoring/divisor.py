"""What the gradient is divided by: known before the first block, so in a pass of its own."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from nllcli.data.blocks import Block, Chunk
from nllcli.data.settings import ScoreRequest
from nllcli.engine.blocks import fold
from nllcli.errors import UsageError, setting
from nllcli.numerics.exact import ExactSum
from nllcli.numerics.targets import weight_sum
from nllcli.scoring.passes import chunks, naming_places, open_again, raw_targets
from nllcli.scoring.settled import Settled, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.data.dataset import Dataset, VectorSource


def settle_gradient(request: ScoreRequest) -> tuple[Settled, float]:
    """The request settled, and what its reduction divides by: 1, or for the mean the denominator.

    That takes a pass over the targets of its own, and, where these come with the logits, over inputs opened anew.
    """
    _check(request)
    settled = settle(request)
    if request.loss.reduction != "mean":
        return settled, 1.0
    dataset, options = settled.dataset, settled.options
    if dataset.targets is None:
        dataset = open_again(request.inputs, "the gradient of a mean needs its denominator first")

    def work(block: Block, _: Scratch) -> ExactSum:
        return weight_sum(block, options, dataset.n_classes)

    with naming_places(dataset):
        denominator = fold(work, ExactSum(), _chunks(dataset), threads=1)
    # Where the weights add up to 0 there is no mean, and no gradient of it.
    return settled, float(denominator) or math.nan


_AS_LOGITS = {
    "log-probs": f"log-probabilities are logits of the same softmax: {setting('source', 'logits')}",
    "probs": "log-probabilities are logits of the same softmax: "
    f"nll compute {setting('source', 'probs')} {setting('save_log_probs', 'FILE.npy')}",
}


def _check(request: ScoreRequest) -> None:
    source = request.loss.source
    if source != "logits":
        raise UsageError(f"the gradient is by logits; the file holds {source}", hint=_AS_LOGITS.get(source))
    if request.clip is not None:
        raise UsageError(
            f"{setting('clip')} makes the loss flat in places; the gradient is that of the loss without it"
        )


def _chunks(dataset: Dataset) -> Iterator[Chunk]:
    """The targets and weights alone where these do without the logits; else the dataset's own chunks."""
    weights = dataset.sample_weights
    if dataset.targets is None or (weights is not None and weights.n != dataset.targets.n):
        yield from chunks(dataset)
        return
    for start, targets in raw_targets(dataset):
        yield Chunk(start, len(targets), partial(_targets_alone, start, targets, weights))


def _targets_alone(start: int, targets: NDArray[np.int64], weights: VectorSource | None, _: Scratch) -> Block:
    own = None if weights is None else weights.read(start, len(targets))
    return Block(start, targets[:, None], targets, own)
