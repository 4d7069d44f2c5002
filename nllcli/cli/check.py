"""nll check."""

from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver
from nllcli.cli.options import in_flags
from nllcli.errors import ExitCode


def epilog() -> str:
    """List what the findings mean, from the table that nothing else here needs."""
    from nllcli.commands.check.findings import ERROR, FINDINGS, LEVEL, NOTE, WARNING

    width, blocks = max(map(len, FINDINGS)), []
    for severity, exit_code in ((ERROR, ExitCode.CONDITION), (WARNING, ExitCode.CONDITION), (NOTE, ExitCode.DONE)):
        meanings = [
            f"{code:{width}}  {in_flags(kind.meaning)}" for code, kind in FINDINGS.items() if kind.severity == severity
        ]
        if meanings:  # --help does not rewrap what follows a backspace
            blocks.append("\n".join([f"Findings, {severity}s (exit code {exit_code}):", "", "\b", *meanings]))
    return "\n\n".join([*blocks, "A note alone ends with exit code 0.", LEVEL])


Codes = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=options.SHOWN, help="Only the codes of what was found, one a line."),
]


@options.takes(*options.SCORING, *options.REPORT, quiet=Codes)
def check(given: options.Given) -> None:
    """What is wrong or suspicious about logits and targets.

    Exit code 5 if there is an error or a warning. Weights, reduction and the like decide the loss that is reported
    with the findings.
    """
    from nllcli.commands.check.check import check as task
    from nllcli.commands.check.check import report

    checked = deliver(given, task, report)
    if not checked.clean:
        raise typer.Exit(ExitCode.CONDITION)
