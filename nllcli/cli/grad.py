"""nll grad."""

from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import MATRIX, deliver_matrix

# Known, so that it is refused with the reason.
Clip = Annotated[str | None, typer.Option("--clip", hidden=True)]


@options.takes(*options.SCORING, "save_dtype", *options.REPORT, clip=Clip, **MATRIX)
def grad(given: options.Given) -> None:
    """The gradient of the loss with respect to the logits.

    A table on a terminal, CSV into a pipe, and into a file with -o what its extension stands for.
    """
    from nllcli.commands.grad import grad as task

    deliver_matrix(given, lambda target, bar: task(given.request(bar), target))
