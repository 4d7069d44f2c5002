"""nll reconcile."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver
from nllcli.cli.options import command_line
from nllcli.errors import ExitCode

if TYPE_CHECKING:
    from nllcli.commands.reconcile.reproduce import Reproduction

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


@options.takes(*options.SCORING, *options.REPORT, quiet=Commands)
def reconcile(
    given: options.Given,
    *,
    expect: Expect,
    tolerance: Tolerance = None,
    limit: Limit = 10,
) -> None:
    """Which convention gives a number.

    Exit code 0 if any does, else 5. Tries what people mix up, one or two departures at a time from the settings given
    here: reduction and batches, weights, label smoothing, clipping, units, ignored targets, shift, what LOGITS holds,
    rounding.
    """
    from nllcli.commands.reconcile.expectation import expectation
    from nllcli.commands.reconcile.reconcile import reconcile as task
    from nllcli.commands.reconcile.report import report

    result = deliver(
        given,
        lambda request: task(request, expectation(expect, tolerance)),
        lambda result: report(result, partial(_command, given["classes"]), limit=limit),
    )
    if not result.matches:
        raise typer.Exit(ExitCode.CONDITION)


def _command(classes: str | None, made: "Reproduction") -> str:
    """What computes a match, with the names of the classes as they were typed."""
    return " && ".join(
        command_line(command, {name: classes if name == "classes" else value for name, value in settings.items()})
        for command, settings in made.commands.items()
    )
