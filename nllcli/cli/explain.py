"""nll explain."""

import re
from dataclasses import replace
from typing import Annotated, Any

import typer

from nllcli.cli import options, scoring


def _row(text: str) -> int | tuple[int, ...]:
    """A sample's number, or its position as it is printed: in brackets, since 2,047 could be either."""
    if re.fullmatch(r"\d+", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"\(\s*\d+(\s*,\s*\d+)+\s*\)", text, re.ASCII):
        return tuple(map(int, text[1:-1].split(",")))
    raise typer.BadParameter(f"{text!r} is neither a number such as 7 nor a position such as '(14, 105)'")


Rows = Annotated[
    list[Any] | None,
    typer.Option(
        "--row",
        parser=_row,
        metavar="N|POSITION",
        help="Explain this sample, counted from 0, or at '(14, 105)'; may be given again.",
    ),
]
Hardest = Annotated[
    int | None, typer.Option("--hardest", min=1, metavar="K", help="Explain the K samples of the largest loss.")
]


def explain(
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
    rows: Rows = None,
    hardest: Hardest = None,
    format: options.Format = None,
    quiet: options.Quiet = False,
    output: options.Output = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """Chosen samples worked step by step: softmax, loss and gradient.

    Needs --row or --hardest unless LOGITS holds a single sample. Where targets have several dimensions, the number of
    a sample counts along the last one first.
    """
    from nllcli.outputs.emit import emit
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar
    from nllcli.tasks.explain import Choice
    from nllcli.tasks.explain import explain as task

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
        report = task(replace(request, progress=bar), Choice(tuple(rows or ()), hardest))
    emit(report, fmt=format, quiet=quiet, path=output)
