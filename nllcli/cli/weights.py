"""nll weights."""

from collections.abc import Sequence
from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import emit
from nllcli.data.settings import DEFAULT_SCHEME, FILES
from nllcli.errors import UsageError


def epilog() -> str:
    """List the schemes in a block that --help does not rewrap, as the backspace says."""
    from nllcli.numerics.schemes import ABOUT

    name_width, formula_width = max(map(len, ABOUT)), max(len(about.formula) for about in ABOUT.values())
    rows = [f"{name:{name_width}}  {about.formula:{formula_width}}  {about.source}" for name, about in ABOUT.items()]
    defaults = [f"{name} {about.normalize}" for name, about in ABOUT.items() if about.normalize != "none"]
    return "\n".join(
        [
            "Schemes, for a class with n of the N samples, f = n/N, and C classes:",
            "",
            "\b",
            *rows,
            "",
            f"Normalized by default: {', '.join(defaults)}; the others none.",
        ]
    )


Targets = Annotated[
    str | None,
    typer.Option(
        "--targets",
        metavar="FILE",
        rich_help_panel=FILES,
        help="Count the classes in a file of targets instead.",
    ),
]
Counts = Annotated[
    str | None,
    typer.Option(
        "--counts",
        metavar="NUMBERS|FILE",
        rich_help_panel=FILES,
        help="Samples of each class: 10,50,100, a file, or - for stdin.",
    ),
]
AllSchemes = Annotated[bool, typer.Option("--all", rich_help_panel=options.SHOWN, help="Every scheme, side by side.")]


@options.takes(
    "counts",
    "classes",
    "scheme",
    "normalize",
    "beta",
    "zero_count",
    "format",
    "quiet",
    "print",
    "require",
    "output",
    counts=Counts,
    format=options.PICTURE_FORMAT,
)
def weights(given: options.Given, *, targets: Targets = None, all_schemes: AllSchemes = False) -> None:
    """Class weights from class counts.

    The counts are given with --counts, or counted in a file of targets with --targets. A file of counts is a .npy, or
    text: numbers between commas, blanks or line ends, lines of name,count, or what nll weights wrote.
    """
    from nllcli.commands.weights import report
    from nllcli.commands.weights import weights as task
    from nllcli.outputs.files import check_outputs

    counts, classes, scheme = given["counts"], given["classes"], given["scheme"]
    if all_schemes and scheme is not None:
        raise UsageError("--all and --scheme exclude each other")
    if all_schemes and given["quiet"]:
        raise UsageError("--quiet prints the weights of one scheme", hint="choose it with --scheme, not --all")
    options.check_report_file(given)
    check_outputs({"the report": given["output"] or "-"}, [counts, targets, classes])
    class_counts, class_names = _read(counts, targets, classes)
    found = task(
        class_counts,
        class_names=class_names,
        scheme=scheme or DEFAULT_SCHEME,
        normalize=given["normalize"],
        beta=given["beta"],
        zero_count=given["zero_count"],
        all_schemes=all_schemes,
        alphabetical=counts is None and classes is None and class_names is not None,
    )
    emit(given, report(found, pictured=options.draws(given)))


def _read(counts: str | None, targets: str | None, classes: str | None) -> tuple[Sequence[int], Sequence[str] | None]:
    """Find the counts and the class names among the inputs."""
    from nllcli.inputs.bytes.files import only_one_standard_input
    from nllcli.inputs.vectors import read_vector

    only_one_standard_input({"--counts": counts, "--targets": targets, "--classes": classes})
    names = options.class_names(classes)
    match counts, targets:
        case str(), None:
            vector = read_vector(counts, what="--counts", integers=True)
            same = names is not None and vector.names is not None and sorted(names) == sorted(vector.names)
            values = vector.in_order_of(names, what="--counts") if same else vector.values  # else they are renamed
            return values.tolist(), names or vector.names
        case None, str():
            from nllcli.inputs.counting import count_targets

            return count_targets(targets, class_names=names)
    raise UsageError(
        "weights are computed from either --counts or --targets", hint="try nll weights --counts 10,50,100"
    )
