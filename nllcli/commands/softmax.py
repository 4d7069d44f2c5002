"""nll softmax: the probabilities of a file of logits, or their logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nllcli.data.blocks import Part
from nllcli.data.settings import InputOptions, LossOptions
from nllcli.inputs.dataset import open_dataset
from nllcli.numerics.evaluate import probabilities
from nllcli.report import Signature
from nllcli.scoring.matrix import MatrixResult, Rows, destination
from nllcli.scoring.passes import fold_dataset
from nllcli.scoring.settled import check_temperature, class_axis_part, plain, source_part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Progress, Scratch
    from nllcli.scoring.matrix import ArrayTarget


@dataclass(frozen=True)
class SoftmaxRequest:
    """The logits, and whether their log-softmax is wanted."""

    inputs: InputOptions
    log: bool = False
    options: LossOptions = LossOptions()
    threads: int | None = None
    progress: Progress | None = None


def softmax(request: SoftmaxRequest, target: ArrayTarget | None) -> MatrixResult:
    """Compute the probabilities; into ``target`` as they come, or, without one, into the result."""
    options = request.options
    check_temperature(options)
    dataset = open_dataset(request.inputs)
    with destination(dataset, dataset.n_classes, target) as rows:

        def work(block: Block, scratch: Scratch) -> tuple[int, NDArray[np.float64]]:
            return block.start, probabilities(block, options, log=request.log, scratch=scratch)

        def take(values: tuple[int, NDArray[np.float64]]) -> Part:
            rows.write(*values)
            return Part()

        fold_dataset(work, Part(), dataset, take=take, threads=request.threads, progress=request.progress)
    name = "log-softmax" if request.log else "softmax"
    parts = {
        name: "",
        "from": source_part(options),
        "temperature": plain(options.temperature),
        **class_axis_part(dataset.layout),
        "precision": options.precision,
    }
    return MatrixResult(
        "softmax",
        f"{name.capitalize()} of {dataset.logits.name}",
        str(Signature(parts)),
        key="log_probs" if request.log else "probs",
        kind="number" if request.log else "probability",
        rows=rows if isinstance(rows, Rows) else None,
        n_classes=dataset.n_classes,
        notes=dataset.notes,
    )
