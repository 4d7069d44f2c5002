"""nll softmax."""

from dataclasses import replace
from typing import Annotated

import typer

from nllcli.cli import matrix, options, scoring

Log = Annotated[bool, typer.Option("--log", rich_help_panel=options.MEANING, help="Log-probabilities.")]


def softmax(
    logits: scoring.Logits,
    *,
    log: Log = False,
    temperature: scoring.Temperature = 1.0,
    class_axis: scoring.ClassAxis = None,
    binary: scoring.Binary = False,
    classes: options.Classes = None,
    on_nonfinite: scoring.OnNonfinite = "error",
    input_format: scoring.InputFormat = None,
    input_dtype: scoring.InputDtype = None,
    header: scoring.Header = "auto",
    precision: scoring.Precision = "exact",
    threads: scoring.Threads = None,
    save_dtype: scoring.SaveDtype = "f8",
    format: matrix.MatrixFormat = None,
    output: matrix.MatrixOutput = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """Probabilities, or log-probabilities with --log.

    A table on a terminal, CSV into a pipe, and into a file with -o what its extension stands for.
    """
    from nllcli.commands.softmax import SoftmaxRequest
    from nllcli.commands.softmax import softmax as task
    from nllcli.data.settings import LossOptions
    from nllcli.inputs.dataset import InputOptions

    request = SoftmaxRequest(
        InputOptions(
            logits,
            classes=scoring.class_names(classes),
            class_axis=class_axis,
            binary=binary,
            input_format=input_format,
            input_dtype=input_dtype,
            header=header,
        ),
        log,
        LossOptions(temperature=temperature, binary=binary, precision=precision, on_nonfinite=on_nonfinite),
        threads,
    )
    matrix.deliver(
        lambda target, bar: task(replace(request, progress=bar), target),
        progress=progress,
        format=format,
        output=output,
        dtype=save_dtype,
        inputs=[logits, classes],
    )
