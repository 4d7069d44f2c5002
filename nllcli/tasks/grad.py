"""nll grad: the gradient of the reduced loss with respect to the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import UsageError
from nllcli.model import Metric, Report
from nllcli.numerics.evaluate import Wanted
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.tasks.matrix import ArrayTarget, MatrixTable, matrix_report, write_matrix
from nllcli.tasks.request import ScoreRequest, Settled, settle, signature
from nllcli.tasks.scoring import blaming, outcomes, raw_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


def grad(request: ScoreRequest, target: ArrayTarget | None) -> Report | None:
    """Compute the gradient; into ``target`` as it comes, or, without one, into a report."""
    divisor = gradient_divisor(request)
    settled = settle(request)
    dataset = settled.dataset
    n_columns = 1 if settled.options.binary else dataset.layout.n_classes
    blocks = _blocks(settled, divisor, request)
    if target is not None:
        write_matrix(blocks, target, dataset, n_columns=n_columns)
        return None
    about = MatrixTable(
        command="grad",
        title=f"Gradient of the loss by the logits of {dataset.logits.name}",
        signature=signature(settled),
        key="gradient",
        kind="number",
        metrics=(
            Metric("reduction", "reduction", settled.options.reduction, hidden=True),
            Metric("denominator", "denominator", divisor, note="divides every row"),
        )
        if settled.options.reduction == "mean"
        else (Metric("reduction", "reduction", settled.options.reduction),),
        warnings=settled.notices,
    )
    return matrix_report(blocks, about, dataset, n_columns=n_columns)


def _blocks(settled: Settled, divisor: float, request: ScoreRequest) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for outcome in outcomes(settled, Wanted(gradient=divisor), threads=request.threads, progress=request.progress):
        assert outcome.gradient is not None
        yield outcome.start, outcome.gradient


def gradient_divisor(request: ScoreRequest) -> float:
    """What the reduction divides by: 1, or for the mean the denominator, in a pass over the targets of its own."""
    _check(request)
    if request.loss.reduction != "mean":
        return 1.0
    inputs = request.inputs
    if "-" in (inputs.logits, inputs.targets, inputs.sample_weights):
        raise UsageError(
            "the gradient of a mean needs its denominator first, and standard input cannot be read twice",
            hint="save it to a file, or ask for --reduction sum",
        )
    settled = settle(request)
    return float(_denominator(settled))


def _check(request: ScoreRequest) -> None:
    if request.loss.source != "logits":
        raise UsageError(
            f"the gradient is by logits; the file holds {request.loss.source}",
            hint="log-probabilities are logits of the same softmax: --from logits"
            if request.loss.source == "log-probs"
            else None,
        )
    if request.clip is not None:
        raise UsageError("--clip makes the loss flat in places; the gradient is that of the loss without it")


def _denominator(settled: Settled) -> ExactSum:
    dataset, options = settled.dataset, settled.options
    weights = dataset.sample_weights
    if dataset.soft_targets is not None:
        if weights is None:
            return exact_count(dataset.layout.n_samples or 0)
        return exact_sum(weights.read(0, weights.n))
    total = ExactSum()
    with blaming(dataset):
        for start, targets in raw_targets(dataset):
            counted = targets != options.ignore_index
            if options.class_weights is None and weights is None:
                total += exact_count(int(counted.sum()))
                continue
            terms = counted.astype(float)
            if options.class_weights is not None:
                terms[counted] *= options.class_weights[targets[counted]]
            if weights is not None:
                terms[counted] *= weights.read(start, len(targets))[counted]
            total += exact_sum(terms)
    return total
