"""nll report."""

from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver
from nllcli.errors import Remedy, UsageError
from nllcli.outputs.formats import format_for
from nllcli.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Report

Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        rich_help_panel=options.SHOWN,
        help="Only this picture: losses, lorenz, hardest, ...; may be given again, or as NAME,NAME.",
    ),
]
Hardest = Annotated[
    int,
    typer.Option(
        "--hardest", metavar="K", min=1, rich_help_panel=options.SHOWN, help="How many of the hardest samples."
    ),
]
TemperatureCurve = Annotated[
    bool | None,
    typer.Option(
        "--temperature-curve/--no-temperature-curve",
        rich_help_panel=options.SHOWN,
        help="The loss at 16 temperatures.  [default: up to 50 million logits]",
    ),
]


def epilog() -> str:
    """List the pictures in a block that --help does not rewrap, as the backspace says."""
    from nllcli.commands.compute.pictures import PICTURES

    return "\n".join(["Pictures, for --only:", "", "\b", *wrap(", ".join(PICTURES), 76)])


@options.takes(*options.SCORING, *options.ELSEWHERE, *options.REPORT, format=options.REPORT_FORMAT)
def report(
    given: options.Given,
    *,
    only: Only = None,
    hardest: Hardest = 10,
    temperature_curve: TemperatureCurve = None,
) -> None:
    """The loss, and pictures of where it comes from.

    Each picture is a question, a sentence that answers it, a drawing and the table of its numbers: as a page with
    -o report.html, a single one with --only NAME -o NAME.svg (.png and .pdf need the extra nllcli[plot]). On a screen
    and in Markdown there are the sentences, and tables with bars; JSON has every number.
    """
    from nllcli.commands.compute import Sections, compute
    from nllcli.commands.compute.pictures import PICTURES, PictureChoice
    from nllcli.commands.compute.result import report as whole

    names = options.each(only)
    _check_names(names, PICTURES)
    options.check_report_file(given)
    bare = given["quiet"] or given["print"]
    format = "table" if bare else given["format"] or format_for(given["output"])
    if format in ("csv", "tsv") and len(names) != 1:
        raise _one_table(format)
    if format in options.ONE_PICTURE and len(names) > 1:
        remedies = [Remedy({"only": name}, name) for name in names]
        raise UsageError(f"{format} holds one picture, and here are {len(names)}", remedies=remedies)
    choice = PictureChoice(names, hardest, temperature_curve)
    most = options.CLASSES_UP_TO.get("json", 0)
    sections = Sections(small=True, classes_up_to=most, tally=format == "tally", pictures=choice)
    made: Callable[[LossResult], Report] = partial(whole, command="report", only=names)
    if format == "tally":
        from nllcli.commands.compute.tally import with_tally as made
    deliver(given, lambda request: compute(request, sections), made)


def _check_names(names: "Collection[str]", known: "Collection[str]") -> None:
    """Raise UsageError for a picture that there is not."""
    for name in names:
        if name in known:
            continue
        near = nearest(name, known)
        if near is None:
            raise UsageError(f"there is no picture {name!r}", hint=f"one of: {', '.join(known)}")
        meant = [near if each == name else each for each in names]
        raise UsageError(
            f"there is no picture {name!r}; did you mean {near}?", remedies=[Remedy({"only": ",".join(meant)})]
        )


def _one_table(format: str) -> UsageError:
    """The refusal of several pictures in a format of one table, before any work."""
    meanings = {"losses": "how many lose how much", "hardest": "the samples that lose most"}
    remedies = [Remedy({"only": name}, meaning) for name, meaning in meanings.items()]
    message = f"{format} holds one table, and every picture has one"
    return UsageError(message, remedies=[*remedies, Remedy({"format": "json", "output": None}, "all, as JSON")])
