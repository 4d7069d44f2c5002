"""nll grad: the gradient of the reduced loss with respect to the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.tally import Tally
from nllcli.report import Metric
from nllcli.scoring.matrix import MatrixResult, Rows, destination, settle_gradient
from nllcli.scoring.notices import all_notes, all_notices
from nllcli.scoring.passes import fold_dataset
from nllcli.scoring.settled import signature

if TYPE_CHECKING:
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import ScoreRequest
    from nllcli.scoring.matrix import ArrayTarget


def grad(request: ScoreRequest, target: ArrayTarget | None) -> MatrixResult:
    """Compute the gradient; into ``target`` as it comes, or, without one, into the result."""
    settled, divisor = settle_gradient(request)
    dataset, options = settled.dataset, settled.options
    with destination(dataset, dataset.layout.n_classes, target) as rows:

        def work(block: Block, scratch: Scratch) -> tuple[Tally, Any]:
            outcome = evaluate(block, options, Wanted(gradient=divisor), scratch)
            assert outcome.gradient is not None
            return outcome.tally, rows.prepare(outcome.start, outcome.gradient)

        def take(prepared: tuple[Tally, Any]) -> Tally:
            rows.add(prepared[1])
            return prepared[0]

        tally = fold_dataset(
            *(work, Tally(), dataset), take=take, arrays=True, threads=request.threads, progress=request.progress
        )
    mean = options.reduction == "mean"
    metrics = [Metric("reduction", "reduction", options.reduction, hidden=mean)]
    if mean:
        metrics.append(Metric("denominator", "denominator", divisor, note="divides every row"))
    return MatrixResult(
        "grad",
        f"Gradient of the loss by the logits of {dataset.title}",
        signature(settled),
        key="gradient",
        kind="number",
        rows=rows if isinstance(rows, Rows) else None,
        n_samples=tally.n_samples,
        n_classes=dataset.n_classes,
        metrics=tuple(metrics),
        warnings=all_notices(tally, settled, clips=False),
        notes=all_notes(tally, dataset),
    )
