"""nll reconcile."""

from dataclasses import replace
from typing import Annotated

import typer

from nllcli.cli import options, scoring
from nllcli.errors import ExitCode

Expect = Annotated[
    str, typer.Option("--expect", metavar="NUMBER", help="The number to explain, with the digits it was printed with.")
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        metavar="NUMBER",
        help="How far off still matches.  [default: half a unit of the last digit of --expect]",
    ),
]
Limit = Annotated[
    int,
    typer.Option("--limit", min=1, metavar="N", rich_help_panel=options.SHOWN, help="How many matches to show."),
]
Commands = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        rich_help_panel=options.SHOWN,
        help="Only the nll commands of the matches, best first, one a line; not every match has one.",
    ),
]


def reconcile(
    logits: scoring.Logits,
    targets: scoring.Targets = None,
    *,
    expect: Expect,
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
    tolerance: Tolerance = None,
    limit: Limit = 10,
    format: options.Format = None,
    quiet: Commands = False,
    output: options.Output = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """Which convention gives a number.

    Exit code 0 if any does, else 5. Tries what people mix up, one or two departures at a time from the settings given
    here: reduction and batches, weights, label smoothing, clipping, units, ignored targets, shift, what LOGITS holds,
    rounding.
    """
    from nllcli.outputs.emit import emit
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar
    from nllcli.tasks.reconcile import Asked
    from nllcli.tasks.reconcile import reconcile as task

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
        report, found = task(replace(request, progress=bar), Asked(expect, tolerance, limit, classes))
    emit(report, fmt=format, quiet=quiet, path=output)
    if not found:
        raise typer.Exit(ExitCode.CONDITION)
