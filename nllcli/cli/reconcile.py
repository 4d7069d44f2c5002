"""nll reconcile."""

from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.wording import emit
from nllcli.errors import ExitCode

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


@options.takes(*options.SCORING)
def reconcile(
    given: options.Given,
    *,
    expect: Expect,
    tolerance: Tolerance = None,
    limit: Limit = 10,
    format: options.Format = None,
    quiet: Commands = False,
    output: options.Output = None,
    progress: options.ShowProgress = None,
) -> None:
    """Which convention gives a number.

    Exit code 0 if any does, else 5. Tries what people mix up, one or two departures at a time from the settings given
    here: reduction and batches, weights, label smoothing, clipping, units, ignored targets, shift, what LOGITS holds,
    rounding.
    """
    from nllcli.commands.reconcile.reconcile import Asked
    from nllcli.commands.reconcile.reconcile import reconcile as task
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar

    check_outputs({"the report": output or "-"}, inputs=given.files)
    with ProgressBar(progress) as bar:
        report, found = task(given.request(bar), Asked(expect, tolerance, limit, given["classes"]))
    emit(report, fmt=format, quiet=quiet, path=output)
    if not found:
        raise typer.Exit(ExitCode.CONDITION)
