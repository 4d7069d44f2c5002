"""nll softmax."""

from typing import Annotated

import typer

from nllcli.cli import delivery, options
from nllcli.data.settings import MEANING, LossOptions

Log = Annotated[bool, typer.Option("--log", rich_help_panel=MEANING, help="Log-probabilities.")]


@options.takes(
    "logits",
    "temperature",
    "class_axis",
    "binary",
    "classes",
    "on_nonfinite",
    "input_format",
    "input_dtype",
    "header",
    "precision",
    "threads",
)
def softmax(
    given: options.Given,
    *,
    log: Log = False,
    save_dtype: options.SaveDtype = "f8",
    format: delivery.MatrixFormat = None,
    output: delivery.MatrixOutput = None,
    progress: options.ShowProgress = None,
) -> None:
    """Probabilities, or log-probabilities with --log.

    A table on a terminal, CSV into a pipe, and into a file with -o what its extension stands for.
    """
    from nllcli.commands.softmax import SoftmaxRequest
    from nllcli.commands.softmax import softmax as task

    inputs, loss = given.inputs(), given.record(LossOptions)
    delivery.deliver_matrix(
        lambda target, bar: task(SoftmaxRequest(inputs, log, loss, given["threads"], bar), target),
        progress=progress,
        format=format,
        output=output,
        dtype=save_dtype,
        inputs=given.files,
    )
