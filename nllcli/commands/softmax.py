"""nll softmax: the probabilities of a file of logits, or of one of probabilities at a temperature; their logarithms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nllcli.data.blocks import Part
from nllcli.data.settings import TOKENS
from nllcli.errors import NllError
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.evaluate import probabilities
from nllcli.records import dataclass
from nllcli.report import Signature, shortest
from nllcli.scoring.matrix import MatrixResult, Rows, destination
from nllcli.scoring.passes import fold_dataset
from nllcli.scoring.settled import check_temperature, class_axis_part, source_part

if TYPE_CHECKING:
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions, ScoreRequest
    from nllcli.scoring.matrix import ArrayTarget

_USUAL = {"temperature": "1", "precision": "exact"}


@dataclass(frozen=True)
class _Count(Part):
    n_samples: int = 0


def softmax(request: ScoreRequest, target: ArrayTarget | None, *, log: bool) -> MatrixResult:
    """Compute the probabilities, or with ``log`` their logarithms, into ``target`` or, without one, into the result."""
    options = request.loss
    check_temperature(options)
    dataset = _open(request.inputs)
    with destination(dataset, dataset.n_classes, target) as rows:

        def work(block: Block, scratch: Scratch) -> tuple[int, Any]:
            values = probabilities(block, options, log=log, scratch=scratch)
            return len(values), rows.prepare(block.start, values)

        def take(prepared: tuple[int, Any]) -> _Count:
            rows.add(prepared[1])
            return _Count(prepared[0])

        count = fold_dataset(
            *(work, _Count(), dataset), take=take, arrays=True, threads=request.threads, progress=request.progress
        )
    name = "log-softmax" if log else "softmax"
    parts = {
        name: "",
        "from": source_part(options),
        "temperature": shortest(options.temperature),
        **class_axis_part(dataset.layout),
        "precision": options.precision,
    }
    return MatrixResult(
        "softmax",
        f"{name.capitalize()} of {dataset.title}",
        Signature.of(parts, title=f"{name} of {parts['from']}", titled=(name, "from"), usual=_USUAL),
        key="log_probs" if log else "probs",
        kind="number" if log else "probability",
        rows=rows if isinstance(rows, Rows) else None,
        n_samples=count.n_samples,
        n_classes=dataset.n_classes,
        notes=dataset.notes,
    )


def _open(inputs: InputOptions) -> Dataset:
    """The file; of numbers that have no classes, no way out leads to a softmax."""
    try:
        return open_dataset(replace(inputs, takes_targets=False))
    except NllError as error:
        error.remedies = tuple(each for each in error.remedies if each.settings.get("source") != TOKENS)
        raise
