"""nll grad."""

from typing import Annotated

import typer

from nllcli.cli import delivery, options

# Known, so that it is refused with the reason.
Clip = Annotated[str | None, typer.Option("--clip", hidden=True)]


@options.takes(*options.SCORING, clip=Clip)
def grad(
    given: options.Given,
    *,
    save_dtype: options.SaveDtype = "f8",
    format: delivery.MatrixFormat = None,
    quiet: options.Quiet = False,
    output: delivery.MatrixOutput = None,
    progress: options.ShowProgress = None,
) -> None:
    """The gradient of the loss with respect to the logits.

    A table on a terminal, CSV into a pipe, and into a file with -o what its extension stands for.
    """
    from nllcli.commands.grad import grad as task

    delivery.deliver_matrix(
        lambda target, bar: task(given.request(bar), target),
        progress=progress,
        format=format,
        output=output,
        dtype=save_dtype,
        inputs=given.files,
        quiet=quiet,
    )
