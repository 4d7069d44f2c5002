"""The one list of options: what is asked of the commands that score logits, and what each option is for.

The command line and the Python signatures follow from these records; nothing else declares an option of theirs.
"""

from collections.abc import Collection, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nllcli.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Progress

TOKENS = "token-log-probs"
SOURCES = ("logits", "log-probs", "probs", TOKENS)
# One loss a sample, which only a comparison takes.
LOSSES_GIVEN = "losses"
PARTS = ("prompt", "completion", "all")
UNKNOWN = ("error", "drop", "keep")
REDUCTIONS = ("mean", "sum", "none")
PRECISIONS = ("exact", "fast")
ON_NONFINITE = ("error", "nan")
HEADERS = ("auto", "yes", "no")
TARGETS_ARE = ("names", "numbers")
MISSING = ("error", "ignore")
DECIMALS = ("point", "comma")
# What servers write for the log-probability of a token that they do not list, and what it becomes in 16 bits.
UNLISTED = (-10000.0, -9999.0)
# How the p of several comparisons are adjusted.
ADJUSTMENTS = ("holm", "none")
# What a comparison may be required to be.
VERDICT_WORDS = ("better", "not-worse", "equivalent")
# How probabilities are put into bins, which edge of a bin belongs to it, and whose rules can be had by name.
BINNINGS = ("width", "mass")
EDGES = ("right", "left", "left-extra")
PEERS = ("guo", "torchmetrics", "netcal", "sklearn", "p-lambda", "relplot", "mapie")
DEFAULT_SCHEME = "inverse"
DEFAULT_BETA = 0.999
DEFAULT_IGNORE_INDEX = -100
# The classes that programs are told unasked, and the most whose sums a tally holds unasked.
LISTED_CLASSES = 1000

# The groups of options in the shell's help.
FILES = "What the files hold"
MEANING = "What the numbers mean"
WORK = "How they are computed"


@dataclass(frozen=True)
class Option:
    """What an option is for, on the command line and in Python.

    ``choices`` are the values it takes, or the "module:attribute" where those are listed; ``example`` stands for a
    value where there are no choices; ``name`` is its name on a command line where that is not the field's;
    ``least`` is the smallest number it takes. An option of no ``group`` is an argument.
    """

    help: str
    group: str = ""
    example: str = ""
    choices: Collection[str] | str = ()
    name: str = ""
    least: int | None = None


def option(help: str, group: str = "", *, default: Any = None, **about: Any) -> Any:
    """A field that is an option; ``about`` are the fields of Option."""
    return field(default=default, metadata={"option": Option(help, group, **about)})


@dataclass(frozen=True)
class InputOptions:
    """How the inputs are to be read; ``takes_targets`` says that the command takes targets.

    ``pairs_by_id`` says that rows of several models are matched by ``id``, be there a file of targets or not.
    """

    logits: str = field(metadata={"option": Option("A file of logits, or - for standard input.")})
    targets: str | None = option("Class indices, class names, or class probabilities.")
    target_column: str | None = option(
        "The column of the targets, named or numbered from 1: in LOGITS, or in TARGETS if that is a table.",
        FILES,
        example="NAME|NUMBER",
    )
    columns: str | None = option(
        "The columns that are classes: names, 'prob_*', 3-12; between commas.", FILES, example="PATTERNS"
    )
    drop: str | None = option("Columns that are not.", FILES, example="PATTERNS")
    id: str | None = option(
        "Match the rows of LOGITS and TARGETS by this column of both (A=B where the names differ).",
        FILES,
        example="NAME",
    )
    targets_are: str | None = option(
        "What targets are that could be names of classes or their places, counted from 0.", FILES, choices=TARGETS_ARE
    )
    missing: str = option("What an empty target, NA or null does.", FILES, default="error", choices=MISSING)
    classes: Sequence[str] | None = option(
        "Class names: cat,dog,horse, 1..5, or a file of names.", FILES, example="NAMES|FILE"
    )
    class_axis: int | None = option("The axis of the classes.", FILES, example="AXIS")
    sample_weights: str | None = option("One weight a sample, multiplied in.", MEANING, example="FILE")
    groups: str | None = option(
        "The group of each sample, such as its document: a file of labels, one a sample, or axis:K of the targets.",
        MEANING,
        example="FILE|axis:K",
        name="clusters",
    )
    ignore_index: int = DEFAULT_IGNORE_INDEX
    shift: int = option(
        "Score position t against the target of t + K (language models: 1).", FILES, default=0, example="K"
    )
    binary: bool = option("One logit a sample: that of class 1 of two.", FILES, default=False)
    input_format: str | None = option(
        "What LOGITS is, if not as it looks.", FILES, choices="nllcli.inputs.formats:FORMATS"
    )
    input_dtype: str | None = option("Read items of two bytes as bfloat16.", FILES, choices=("bfloat16",))
    header: str = option(
        "Whether the first line of LOGITS names the columns (CSV).", FILES, default="auto", choices=HEADERS
    )
    decimal: str = option("The decimal mark of text.", FILES, default="point", choices=DECIMALS)
    encoding: str | None = option("The encoding of text, such as windows-1252, if not UTF-8.", FILES, example="NAME")
    partial: bool = option(
        "Of several files, score those that are there and whole, and say so (exit code 3).", FILES, default=False
    )
    takes_targets: bool = True
    pairs_by_id: bool = False
    source: str = "logits"
    part: str | None = None
    unknown: str = "error"


@dataclass(frozen=True)
class LossOptions:
    """Every setting that changes the loss.

    ``class_weights`` is (n_classes,) float64; ``clip`` is eps or None; ``source`` says what the file holds, ``part``
    and ``unknown`` which of its tokens count.
    """

    source: str = option("What LOGITS holds; never guessed.", FILES, default="logits", choices=SOURCES, name="from")
    part: str | None = option("Which tokens count of a prompt and its completion.", FILES, choices=PARTS)
    unknown: str = option(
        "What a token without a log-probability does, or out of the vocabulary.",
        FILES,
        default="error",
        choices=UNKNOWN,
    )
    loss: str = option("", MEANING, default="nll", choices="nllcli.numerics.losses:LOSSES")
    reduction: str = option(
        "How samples become one number; under none, ignored ones are 0.", MEANING, default="mean", choices=REDUCTIONS
    )
    class_weights: "NDArray[np.float64] | None" = None
    ignore_index: int = option("Targets that do not count.", MEANING, default=DEFAULT_IGNORE_INDEX, example="INDEX")
    label_smoothing: float = option("0 to 1.", MEANING, default=0.0, example="E")
    temperature: float = option("Divides the logits, or log p of probabilities.", MEANING, default=1.0, example="T")
    clip: float | None = None
    binary: bool = False
    precision: str = option(
        "float64, or with NumPy's kernel single-precision exponentials (about 1e-7).",
        WORK,
        default="exact",
        choices=PRECISIONS,
    )
    on_nonfinite: str = option("What a NaN, +inf or all -inf sample does.", WORK, default="error", choices=ON_NONFINITE)


@dataclass(frozen=True)
class WeightOptions:
    """Where class weights come from: given as ``weights``, or derived from ``counts`` by a scheme."""

    weights: str | None = option("Class weights: 1,0.2,0.1 or a file.", MEANING, example="NUMBERS|FILE")
    counts: str | None = option(
        "Class weights from class counts; targets counts the targets.", MEANING, example="NUMBERS|FILE|targets"
    )
    scheme: str | None = option(
        f"How weights follow from counts.  [default: {DEFAULT_SCHEME}]",
        MEANING,
        choices="nllcli.numerics.schemes:SCHEMES",
    )
    normalize: str | None = option(
        "What is scaled to 1.  [default: the scheme's own]", MEANING, choices="nllcli.numerics.schemes:NORMALIZATIONS"
    )
    beta: float | None = option(
        f"For the scheme effective: 0 to below 1.  [default: {DEFAULT_BETA}]", MEANING, example="NUMBER"
    )
    zero_count: str = option(
        "A class without samples: an error, or weight 0.",
        MEANING,
        default="error",
        choices="nllcli.numerics.schemes:ZERO_COUNTS",
    )


@dataclass(frozen=True)
class Workers:
    """Who works on the blocks: threads, in this process or in each of several ``processes``, or of a ``scheduler``."""

    threads: int | None = None
    processes: int | None = None
    scheduler: str | None = None


@dataclass(frozen=True)
class ScoreRequest:
    """What a command that scores logits is asked.

    ``clip`` is eps, or "auto" for the machine epsilon of the logits' dtype.
    """

    inputs: InputOptions
    loss: LossOptions = LossOptions()
    weights: WeightOptions = WeightOptions()
    clip: str | None = option("Clip p to [EPS, 1-EPS]; auto: the dtype's machine epsilon.", MEANING, example="EPS|auto")
    threads: int | None = option("Threads.  [default: processors, up to 8]", WORK, example="N", least=1)
    processes: int | None = option(
        "Processes, each of 1 thread unless said: nll help workers.", WORK, example="N", least=1
    )
    scheduler: str | None = option("Work on the cluster of a Dask scheduler.", WORK, example="ADDRESS|FILE")
    progress: "Progress | None" = None

    @property
    def workers(self) -> Workers:
        return Workers(self.threads, self.processes, self.scheduler)
