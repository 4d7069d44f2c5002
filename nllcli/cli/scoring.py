"""The options that every command which scores logits shares, and the request they make."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nllcli.cli.options import FILES, MEANING, SHOWN, WORK, WRITTEN, Beta, Classes, Normalize, Scheme, ZeroCount, choice
from nllcli.data.settings import PRECISIONS, REDUCTIONS, SOURCES
from nllcli.errors import UsageError
from nllcli.inputs.formats import FORMATS as INPUT_FORMATS
from nllcli.inputs.options import HEADERS
from nllcli.numerics.losses import LOSSES

if TYPE_CHECKING:
    from nllcli.data.blocks import Progress
    from nllcli.scoring.request import ScoreRequest

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
        LOSSES,
        "--loss",
        group=MEANING,
        help="; ".join(loss.about for loss in LOSSES.values()) + ".",
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


@dataclass(frozen=True)
class Scoring:
    """The options of every command that scores logits, in the order of --help."""

    logits: Logits
    targets: Targets = None
    target_column: TargetColumn = None
    source: From = "logits"
    loss: Loss = "nll"
    reduction: Reduction = "mean"
    weights: Weights = None
    counts: Counts = None
    scheme: Scheme = None
    normalize: Normalize = None
    beta: Beta = None
    zero_count: ZeroCount = "error"
    sample_weights: SampleWeights = None
    ignore_index: IgnoreIndex = None
    label_smoothing: LabelSmoothing = 0.0
    temperature: Temperature = 1.0
    clip: Clip = None
    class_axis: ClassAxis = None
    binary: Binary = False
    shift: Shift = 0
    classes: Classes = None
    on_nonfinite: OnNonfinite = "error"
    input_format: InputFormat = None
    input_dtype: InputDtype = None
    header: Header = "auto"
    precision: Precision = "exact"
    threads: Threads = None

    @property
    def files(self) -> list[str | None]:
        """What may name an input."""
        return [self.logits, self.targets, self.sample_weights, self.weights, self.counts, self.classes]

    def request(self, progress: "Progress") -> "ScoreRequest":
        """The request that these options make; raises UsageError where two inputs are standard input."""
        from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LossOptions
        from nllcli.inputs.dataset import InputOptions
        from nllcli.scoring.request import ScoreRequest, WeightOptions

        if self.files.count("-") > 1:
            raise UsageError("standard input (-) can be only one of the inputs", hint="give the others as files")
        inputs = InputOptions(
            self.logits,
            self.targets,
            target_column=self.target_column,
            classes=class_names(self.classes),
            class_axis=self.class_axis,
            sample_weights=self.sample_weights,
            ignore_index=self.ignore_index,
            shift=self.shift,
            binary=self.binary,
            input_format=self.input_format,
            input_dtype=self.input_dtype,
            header=self.header,
        )
        options = LossOptions(
            source=self.source,
            loss=self.loss,
            reduction=self.reduction,
            ignore_index=DEFAULT_IGNORE_INDEX if self.ignore_index is None else self.ignore_index,
            label_smoothing=self.label_smoothing,
            temperature=self.temperature,
            binary=self.binary,
            precision=self.precision,
            on_nonfinite=self.on_nonfinite,
        )
        weights = WeightOptions(self.weights, self.counts, self.scheme, self.normalize, self.beta, self.zero_count)
        return ScoreRequest(inputs, options, weights, self.clip, self.threads, progress)


def scores(**instead: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of Scoring, its first argument, before its own; ``instead`` declares some anew.

    typer learns of a command's options from its signature.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            command(Scoring(**{field.name: values.pop(field.name) for field in fields(Scoring)}), **values)

        shared = [
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if field.default is MISSING else field.default,
                annotation=instead.get(field.name, field.type),
            )
            for field in fields(Scoring)
        ]
        own = list(signature(command).parameters.values())[1:]
        run.__signature__ = Signature([*shared, *own])  # type: ignore[attr-defined]  # where inspect looks first
        return run

    return decorate
