"""nll check."""

from dataclasses import replace
from typing import Annotated

import typer

from nllcli.cli import options, scoring
from nllcli.errors import ExitCode
from nllcli.tasks.findings.table import MEANINGS

_WIDTH = max(len(code) for meanings in MEANINGS.values() for code in meanings)


def _block(severity: str, meanings: dict[str, str]) -> str:
    """One kind of findings, a line each; --help does not rewrap it, as the backspace says."""
    lines = (f"{code:{_WIDTH}}  {meaning}" for code, meaning in meanings.items())
    return "\n".join([f"Findings, {severity}s (exit code {ExitCode.CONDITION}):", "", "\b", *lines])


CODES_HELP = "\n\n".join(
    [
        *(_block(severity, meanings) for severity, meanings in MEANINGS.items()),
        "A note alone ends with exit code 0.",
    ]
)

Codes = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=options.SHOWN, help="Only the codes of what was found, one a line."),
]


def check(
    logits: scoring.Logits,
    targets: scoring.Targets = None,
    *,
    target_column: scoring.TargetColumn = None,
    source: scoring.From = "logits",
    loss: scoring.Loss = "nll",
    reduction: scoring.Reduction = "mean",
    weights: scoring.Weights = None,
    counts: scoring.Counts = None,
    scheme: options.Scheme = None,
    normalize: options.Normalize = None,
    beta: scoring.Beta = None,
    zero_count: options.ZeroCount = "error",
    sample_weights: scoring.SampleWeights = None,
    ignore_index: scoring.IgnoreIndex = None,
    label_smoothing: scoring.LabelSmoothing = 0.0,
    temperature: scoring.Temperature = 1.0,
    clip: scoring.Clip = None,
    class_axis: scoring.ClassAxis = None,
    binary: scoring.Binary = False,
    shift: scoring.Shift = 0,
    classes: options.Classes = None,
    on_nonfinite: scoring.OnNonfinite = "error",
    input_format: scoring.InputFormat = None,
    input_dtype: scoring.InputDtype = None,
    header: scoring.Header = "auto",
    precision: scoring.Precision = "exact",
    threads: scoring.Threads = None,
    format: options.Format = None,
    quiet: Codes = False,
    output: options.Output = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """What is wrong or suspicious about logits and targets.

    Exit code 5 if there is an error or a warning. Weights, reduction and the like decide the loss that is reported
    beside the findings.
    """
    from nllcli.outputs.emit import emit
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar
    from nllcli.tasks.check import check as task

    request = scoring.request(
        logits=logits,
        targets=targets,
        target_column=target_column,
        classes=classes,
        class_axis=class_axis,
        sample_weights=sample_weights,
        binary=binary,
        shift=shift,
        input_format=input_format,
        input_dtype=input_dtype,
        header=header,
        source=source,
        loss=loss,
        reduction=reduction,
        weights=weights,
        counts=counts,
        scheme=scheme,
        normalize=normalize,
        beta=beta,
        zero_count=zero_count,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        temperature=temperature,
        clip=clip,
        on_nonfinite=on_nonfinite,
        precision=precision,
        threads=threads,
    )
    check_outputs({"the report": output or "-"}, inputs=[logits, targets, sample_weights, weights, counts, classes])
    with ProgressBar(progress) as bar:
        checked = task(replace(request, progress=bar))
    emit(checked.report, fmt=format, quiet=quiet, path=output)
    if not checked.clean:
        raise typer.Exit(ExitCode.CONDITION)
