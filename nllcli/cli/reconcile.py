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
Try = Annotated[
    list[str] | None,
    typer.Option(
        "--try",
        metavar="NAME=VALUE",
        help="Try this too, such as label-smoothing=0.15; also temperature, clip, epsilon, z-loss, ignore-index, "
        "divisor, factor. Repeatable.",
    ),
]
BatchSize = Annotated[
    list[int] | None,
    typer.Option("--batch-size", min=1, metavar="N", help="Try batches of this size with everything. Repeatable."),
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
    tried: Try = None,
    batch_size: BatchSize = None,
    limit: Limit = 10,
) -> None:
    """Which convention gives a number.

    Exit code 0 if any does, else 5. Tries what people mix up, one or two departures at a time from the settings given
    here: divisors, batches of any size, folds, ranks and parts of the file; weights; smoothing, clipping, z-loss; units
    and whole factors; ignored targets, shifts, orders of classes; what LOGITS holds, softmax twice or along another
    axis, sigmoids; rounding. Where no single one gives the number, unknown values are solved for and listed apart. The
    JSON lists all under tries; nll help reconciling says more.
    """
    from nllcli.commands.reconcile.expectation import expectation
    from nllcli.commands.reconcile.reconcile import reconcile as task
    from nllcli.commands.reconcile.report import report
    from nllcli.commands.reconcile.suspects import Suspects

    suspects = Suspects.of(tried or (), batch_size or ())
    result = deliver(
        given,
        lambda request: task(request, expectation(expect, tolerance), suspects),
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
