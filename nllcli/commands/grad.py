"""nll grad: the gradient of the reduced loss with respect to the logits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.data.settings import ScoreRequest
from nllcli.numerics.evaluate import Wanted
from nllcli.numerics.tally import Tally
from nllcli.report import Metric, Report
from nllcli.scoring.divisor import settle_gradient
from nllcli.scoring.matrix import ArrayTarget, MatrixTable, matrix
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.passes import outcomes
from nllcli.scoring.signature import signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


def grad(request: ScoreRequest, target: ArrayTarget | None) -> Report:
    """Compute the gradient; into ``target`` as it comes, or, without one, into the report."""
    settled, divisor = settle_gradient(request)
    options = settled.options
    about = MatrixTable(
        command="grad",
        title=f"Gradient of the loss by the logits of {settled.dataset.logits.name}",
        signature=signature(settled),
        key="gradient",
        kind="number",
        metrics=(
            Metric("reduction", "reduction", options.reduction, hidden=True),
            Metric("denominator", "denominator", divisor, note="divides every row"),
        )
        if options.reduction == "mean"
        else (Metric("reduction", "reduction", options.reduction),),
    )
    tally = Tally()

    def blocks() -> Iterator[tuple[int, NDArray[np.float64]]]:
        nonlocal tally
        wanted = Wanted(gradient=divisor)
        for outcome in outcomes(settled, wanted, threads=request.threads, progress=request.progress):
            tally += outcome.tally
            assert outcome.gradient is not None
            yield outcome.start, outcome.gradient

    report = matrix(blocks(), about, settled.dataset, n_columns=settled.dataset.layout.n_classes, target=target)
    return replace(report, warnings=(*settled.notices, *tally_notices(tally, settled)))
