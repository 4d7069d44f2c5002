"""Options that several commands share, as annotated types; what they are for is decided where they are used."""

from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from nllcli.numerics.schemes import DEFAULT_SCHEME, NORMALIZATIONS, SCHEMES, ZERO_COUNTS
from nllcli.outputs.formats import FORMATS, check_text_file

# The groups of options in --help, and their order.
FILES = "What the files hold"
MEANING = "What the numbers mean"
WORK = "How they are computed"
SHOWN = "What to show"
WRITTEN = "Where to write"
GROUPS = (FILES, MEANING, WORK, SHOWN, WRITTEN)


def choice(names: Collection[str], *flags: str, group: str, help: str) -> Any:
    """An option whose value is one of ``names``: checked, completed and listed in --help."""
    return typer.Option(
        *flags,
        help=help,
        metavar="|".join(names),
        callback=_checker(names),
        autocompletion=_completer(names),
        rich_help_panel=group,
    )


def text_format(help: str) -> Any:
    """The option for the format of what a command writes."""
    return choice(FORMATS, "--format", "-f", group=SHOWN, help=help)


def _checker(names: Collection[str]) -> Callable[[str | None], str | None]:
    def check(value: str | None) -> str | None:
        if value is None or value in names:
            return value
        near = get_close_matches(value, names, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(names)}"
        raise typer.BadParameter(f"{value!r} is unknown; {remedy}")

    return check


def _completer(names: Collection[str]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def _report_file(path: str | None) -> str | None:
    """The file of a report, told before the work that its name is not one of text."""
    check_text_file(
        path,
        "a report",
        hint="name it .json, .csv, .tsv, .md or .txt; nll compute writes arrays with --save-losses FILE and its like",
    )
    return path


Format = Annotated[str | None, text_format("How the result is written.  [default: by the extension of -o, else table]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=SHOWN, help="Only the numbers, in full.")]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        callback=_report_file,
        rich_help_panel=WRITTEN,
        help="Write the result into FILE, as text.",
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
Classes = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="NAMES|FILE",
        rich_help_panel=FILES,
        help="Class names: cat,dog,horse or a file of names.",
    ),
]
Scheme = Annotated[
    str | None,
    choice(SCHEMES, "--scheme", group=MEANING, help=f"How weights follow from counts.  [default: {DEFAULT_SCHEME}]"),
]
Normalize = Annotated[
    str | None,
    choice(NORMALIZATIONS, "--normalize", group=MEANING, help="What is scaled to 1.  [default: the scheme's own]"),
]
Beta = Annotated[
    float | None,
    typer.Option(
        "--beta",
        metavar="NUMBER",
        rich_help_panel=MEANING,
        help="For the scheme effective: 0 to below 1.  [default: 0.999]",
    ),
]
ZeroCount = Annotated[
    str,
    choice(ZERO_COUNTS, "--zero-count", group=MEANING, help="A class without samples: an error, or weight 0."),
]
