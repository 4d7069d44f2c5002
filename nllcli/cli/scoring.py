"""The options that every command which scores logits shares, and the request they make."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nllcli.cli.options import FILES, MEANING, SHOWN, WORK, WRITTEN, choice
from nllcli.errors import UsageError
from nllcli.inputs.formats import FORMATS as INPUT_FORMATS
from nllcli.inputs.options import HEADERS
from nllcli.model import PRECISIONS, REDUCTIONS, SOURCES
from nllcli.outputs.formats import FORMATS

if TYPE_CHECKING:
    from nllcli.model import Progress, Report
    from nllcli.tasks.matrix import ArrayTarget
    from nllcli.tasks.request import ScoreRequest

Logits = Annotated[str, typer.Argument(metavar="LOGITS", help="A file of logits, or - for standard input.")]
Targets = Annotated[
    str | None, typer.Argument(metavar="TARGETS", help="Class indices, class names, or class probabilities.")
]
TargetColumn = Annotated[
    str | None,
    typer.Option(
        "--target-column",
        metavar="NAME|NUMBER",
        rich_help_panel=FILES,
        help="Take the targets out of this column of LOGITS, named or numbered from 1.",
    ),
]
ClassAxis = Annotated[
    int | None,
    typer.Option("--class-axis", metavar="AXIS", rich_help_panel=FILES, help="The axis of the classes."),
]
SampleWeights = Annotated[
    str | None,
    typer.Option(
        "--sample-weights", metavar="FILE", rich_help_panel=MEANING, help="One weight a sample, multiplied in."
    ),
]
Binary = Annotated[
    bool, typer.Option("--binary", rich_help_panel=FILES, help="LOGITS (N,) or (N, 1) belong to class 1 of two.")
]
Shift = Annotated[
    int,
    typer.Option(
        "--shift",
        metavar="K",
        rich_help_panel=FILES,
        help="Score position t against the target of t + K (language models: 1).",
    ),
]
InputFormat = Annotated[
    str | None, choice(INPUT_FORMATS, "--input-format", group=FILES, help="What LOGITS is, if not as it looks.")
]
InputDtype = Annotated[
    str | None,
    choice(("bfloat16",), "--input-dtype", group=FILES, help="What two bytes are: NPY has no name for it."),
]
Header = Annotated[
    str, choice(HEADERS, "--header", group=FILES, help="Whether the first line of LOGITS names the columns (CSV).")
]
From = Annotated[str, choice(SOURCES, "--from", group=FILES, help="What LOGITS holds; never guessed.")]
Loss = Annotated[
    str,
    choice(
        ("nll", "one-vs-rest", "argmax"),
        "--loss",
        group=MEANING,
        help="-log p of the target; with -log(1-p) of every other class; or -log of the largest p.",
    ),
]
Reduction = Annotated[
    str,
    choice(
        REDUCTIONS, "--reduction", group=MEANING, help="How samples become one number; under none, ignored ones are 0."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights", metavar="NUMBERS|FILE", rich_help_panel=MEANING, help="Class weights: 1,0.2,0.1 or a file."
    ),
]
Counts = Annotated[
    str | None,
    typer.Option(
        "--counts",
        metavar="NUMBERS|FILE|targets",
        rich_help_panel=MEANING,
        help="Class weights from class counts; targets counts the targets.",
    ),
]
Beta = Annotated[
    float | None,
    typer.Option(
        "--beta", metavar="NUMBER", rich_help_panel=MEANING, help="For the scheme effective.  [default: 0.999]"
    ),
]
IgnoreIndex = Annotated[
    int | None,
    typer.Option(
        "--ignore-index", metavar="INDEX", rich_help_panel=MEANING, help="Targets that do not count.  [default: -100]"
    ),
]
LabelSmoothing = Annotated[
    float, typer.Option("--label-smoothing", metavar="E", rich_help_panel=MEANING, help="0 to 1.")
]
Temperature = Annotated[
    float, typer.Option("--temperature", metavar="T", rich_help_panel=MEANING, help="Divides the logits.")
]
Clip = Annotated[
    str | None,
    typer.Option(
        "--clip",
        metavar="EPS|auto",
        rich_help_panel=MEANING,
        help="Clip p to [EPS, 1-EPS]; auto: the dtype's machine epsilon.",
    ),
]
OnNonfinite = Annotated[
    str, choice(("error", "nan"), "--on-nonfinite", group=WORK, help="What a NaN, +inf or all -inf sample does.")
]
Precision = Annotated[
    str, choice(PRECISIONS, "--precision", group=WORK, help="float64, or single-precision exponentials (about 1e-7).")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", rich_help_panel=WORK, help="[default: the processors it may use]"),
]
ShowProgress = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        rich_help_panel=SHOWN,
        help="On standard error.  [default: long work at a terminal]",
    ),
]
SaveDtype = Annotated[str, choice(("f8", "f4", "f2"), "--save-dtype", group=WRITTEN, help="The type of saved arrays.")]


def saving(name: str, what: str) -> Any:
    """An option --save-NAME FILE."""
    return typer.Option(
        f"--save-{name}", metavar="FILE", rich_help_panel=WRITTEN, help=f"Write the {what} (.npy or .csv)."
    )


def class_names(classes: str | None) -> Sequence[str] | None:
    from nllcli.inputs.vectors import read_names

    return None if classes is None else read_names(classes, what="--classes")


def request(
    *,
    logits: str,
    targets: str | None,
    target_column: str | None,
    classes: str | None,
    class_axis: int | None,
    sample_weights: str | None,
    binary: bool,
    shift: int,
    input_format: str | None,
    input_dtype: str | None,
    header: str = "auto",
    source: str,
    loss: str,
    reduction: str,
    weights: str | None,
    counts: str | None,
    scheme: str | None,
    normalize: str | None,
    beta: float | None,
    zero_count: str,
    ignore_index: int | None,
    label_smoothing: float,
    temperature: float,
    clip: str | None,
    on_nonfinite: str,
    precision: str,
    threads: int | None,
) -> "ScoreRequest":
    """The request that these options make."""
    from nllcli.inputs.dataset import InputOptions
    from nllcli.model import DEFAULT_IGNORE_INDEX, LossOptions
    from nllcli.tasks.request import ScoreRequest, WeightOptions

    if [logits, targets, sample_weights, weights, counts, classes].count("-") > 1:
        raise UsageError("standard input (-) can be only one of the inputs", hint="give the others as files")
    inputs = InputOptions(
        logits,
        targets,
        target_column=target_column,
        classes=class_names(classes),
        class_axis=class_axis,
        sample_weights=sample_weights,
        ignore_index=ignore_index,
        shift=shift,
        binary=binary,
        input_format=input_format,
        input_dtype=input_dtype,
        header=header,
    )
    options = LossOptions(
        source=source,
        loss=loss,
        reduction=reduction,
        ignore_index=DEFAULT_IGNORE_INDEX if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
        temperature=temperature,
        binary=binary,
        precision=precision,
        on_nonfinite=on_nonfinite,
    )
    return ScoreRequest(
        inputs, options, WeightOptions(weights, counts, scheme, normalize, beta, zero_count), clip, threads
    )


MatrixFormat = Annotated[
    str | None,
    choice(
        FORMATS, "--format", "-f", group=SHOWN, help="How the rows are written.  [default: table, or csv into a pipe]"
    ),
]
MatrixOutput = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", rich_help_panel=WRITTEN, help="Write the array into FILE (.npy or .csv)."
    ),
]


def deliver(
    task: "Callable[[ArrayTarget | None, Progress], Report]",
    *,
    progress: bool | None,
    format: str | None,
    output: str | None,
    dtype: str,
    inputs: Sequence[str | None],
    quiet: bool = False,
) -> None:
    """Run a task whose result is a matrix, and send that where it belongs: a file, a pipe or a screen."""
    from nllcli.outputs.arrays import open_array
    from nllcli.outputs.emit import emit, emit_notices
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar
    from nllcli.tasks.matrix import ArrayTarget

    check_outputs({"the result": output or "-"}, inputs)
    target = None
    if quiet:
        pass  # what -q prints is of the report
    elif format == "csv" or (format is None and output is None and not sys.stdout.isatty()):
        target = ArrayTarget(open_array, output or "-", "csv", dtype)
    elif format is None and output is not None:
        target = ArrayTarget(open_array, output, dtype=dtype)
    with ProgressBar(progress) as bar:
        report = task(target, bar)
    if target is None:
        emit(report, fmt=format or "table", quiet=quiet, path=output)
    else:
        emit_notices(report)
