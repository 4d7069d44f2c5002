"""nll softmax."""

from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import MATRIX, deliver_matrix
from nllcli.data.settings import MEANING, LossOptions, ScoreRequest

Log = Annotated[bool, typer.Option("--log", rich_help_panel=MEANING, help="Log-probabilities.")]


@options.takes(
    "logits",
    "source",
    "temperature",
    "class_axis",
    "binary",
    "classes",
    "columns",
    "drop",
    "on_nonfinite",
    "input_format",
    "input_dtype",
    "header",
    "decimal",
    "encoding",
    "precision",
    "threads",
    "save_dtype",
    "format",
    "print",
    "require",
    "output",
    "progress",
    source=options.OF_CLASSES,
    **MATRIX,
)
def softmax(given: options.Given, *, log: Log = False) -> None:
    """Probabilities, or log-probabilities with --log.

    A table on a terminal, CSV into a pipe, and into a file with -o what its extension stands for.
    """
    from nllcli.commands.softmax import softmax as task

    inputs, loss = given.inputs(), given.record(LossOptions)
    deliver_matrix(
        given,
        lambda target, bar: task(ScoreRequest(inputs, loss, threads=given["threads"], progress=bar), target, log=log),
    )
