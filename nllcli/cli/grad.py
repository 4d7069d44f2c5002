"""nll grad."""

from dataclasses import replace
from typing import Annotated

import typer

from nllcli.cli import options, scoring

# Known, so that it is refused with the reason.
Clip = Annotated[str | None, typer.Option("--clip", hidden=True)]


def grad(
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
    clip: Clip = None,
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
    save_dtype: scoring.SaveDtype = "f8",
    format: scoring.MatrixFormat = None,
    quiet: options.Quiet = False,
    output: scoring.MatrixOutput = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """The gradient of the loss with respect to the logits.

    A table on a terminal, CSV into a pipe, and an array (.npy or .csv) into a file with -o.
    """
    from nllcli.tasks.grad import grad as task

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
    scoring.deliver(
        lambda target, bar: task(replace(request, progress=bar), target),
        progress=progress,
        format=format,
        output=output,
        dtype=save_dtype,
        inputs=[logits, targets, sample_weights, weights, counts, classes],
        quiet=quiet,
    )
