"""nll check."""

from textwrap import wrap
from typing import Annotated

import typer

from nllcli.cli import options, scoring
from nllcli.errors import ExitCode
from nllcli.tasks.findings.table import FINDINGS, REFUSALS

# A block that --help does not rewrap, as the backspace says: it would break codes at their hyphens.
CODES_HELP = "\n".join(
    ["Findings:", "", "\b", *wrap(", ".join((*FINDINGS, *REFUSALS)), 76, break_on_hyphens=False)],
)

Codes = Annotated[bool, typer.Option("--quiet", "-q", help="Only the codes of what was found, one a line.")]


def check(
    logits: scoring.Logits,
    targets: scoring.Targets = None,
    *,
    target_column: scoring.TargetColumn = None,
    source: scoring.From = "logits",
    ignore_index: scoring.IgnoreIndex = None,
    class_axis: scoring.ClassAxis = None,
    binary: scoring.Binary = False,
    shift: scoring.Shift = 0,
    classes: options.Classes = None,
    input_format: scoring.InputFormat = None,
    input_dtype: scoring.InputDtype = None,
    threads: scoring.Threads = None,
    format: options.Format = "table",
    quiet: Codes = False,
    output: options.Output = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """What is wrong or suspicious about logits and targets.

    Exit code 5 if anything is.
    """
    from nllcli.inputs.dataset import InputOptions
    from nllcli.model import DEFAULT_IGNORE_INDEX, LossOptions
    from nllcli.outputs.emit import emit
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar
    from nllcli.tasks.check import check as task
    from nllcli.tasks.request import ScoreRequest

    check_outputs({"the report": output or "-"}, inputs=[logits, targets, classes])
    inputs = InputOptions(
        logits,
        targets,
        target_column=target_column,
        classes=scoring.class_names(classes),
        class_axis=class_axis,
        ignore_index=ignore_index,
        shift=shift,
        binary=binary,
        input_format=input_format,
        input_dtype=input_dtype,
    )
    loss = LossOptions(
        source=source,
        ignore_index=DEFAULT_IGNORE_INDEX if ignore_index is None else ignore_index,
        binary=binary,
    )
    with ProgressBar(progress) as bar:
        checked = task(ScoreRequest(inputs, loss, threads=threads, progress=bar))
    emit(checked.report, fmt=format, quiet=quiet, path=output)
    if not checked.clean:
        raise typer.Exit(ExitCode.CONDITION)
