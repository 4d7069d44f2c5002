"""nll softmax: the probabilities of a file of logits, or their logarithms."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from nllcli.data.settings import InputOptions, LossOptions
from nllcli.inputs.dataset import open_dataset
from nllcli.numerics.evaluate import probabilities
from nllcli.report import Report
from nllcli.scoring.checks import check_temperature
from nllcli.scoring.matrix import ArrayTarget, MatrixTable, matrix
from nllcli.scoring.passes import map_dataset
from nllcli.scoring.places import blaming
from nllcli.scoring.signature import class_axis_part, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Progress, Scratch
    from nllcli.data.dataset import Dataset


@dataclass(frozen=True)
class SoftmaxRequest:
    """The logits, and whether their log-softmax is wanted."""

    inputs: InputOptions
    log: bool = False
    options: LossOptions = field(default_factory=LossOptions)
    threads: int | None = None
    progress: Progress | None = None


def softmax(request: SoftmaxRequest, target: ArrayTarget | None) -> Report:
    """Compute the probabilities; into ``target`` as they come, or, without one, into the report."""
    check_temperature(request.options)
    dataset = open_dataset(request.inputs)
    from nllcli.version import __version__

    name = "log-softmax" if request.log else "softmax"
    parts = {
        "from": request.options.source + ("-binary" if request.options.binary else ""),
        "temperature": plain(request.options.temperature),
        **class_axis_part(dataset.layout),
        "precision": request.options.precision,
        "version": __version__,
    }
    about = MatrixTable(
        command="softmax",
        title=f"{name.capitalize()} of {dataset.logits.name}",
        signature="|".join([name, *(f"{key}:{value}" for key, value in parts.items())]),
        key="log_probs" if request.log else "probs",
        kind="number" if request.log else "probability",
    )
    return matrix(_blocks(request, dataset), about, dataset, n_columns=dataset.n_classes, target=target)


def _blocks(request: SoftmaxRequest, dataset: Dataset) -> Iterator[tuple[int, NDArray[np.float64]]]:
    start = 0
    with blaming(dataset):
        for values in map_dataset(partial(_work, request), dataset, threads=request.threads, progress=request.progress):
            yield start, values
            start += len(values)


def _work(request: SoftmaxRequest, block: Block, scratch: Scratch) -> NDArray[np.float64]:
    return probabilities(block, request.options, log=request.log, scratch=scratch)
