"""nll check."""

from collections.abc import Collection
from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver
from nllcli.cli.options import in_flags
from nllcli.errors import ExitCode
from nllcli.registry import unknown


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


Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODE",
        autocompletion=lambda incomplete: [code for code in _codes() if code.startswith(incomplete)],
        help="Leave findings of this code out; may be given again, or as CODE,CODE.",
    ),
]
FailOn = Annotated[
    str,
    options.choice(
        ("error", "warning"),
        "--fail-on",
        group=options.SHOWN,
        help="The least severity that ends with exit code 5.",
    ),
]


@options.takes(*options.SCORING, *options.REPORT, quiet=Codes)
def check(given: options.Given, *, ignore: Ignore = None, fail_on: FailOn = "warning") -> None:
    """What is wrong or suspicious about logits and targets.

    Exit code 5 if there is an error or a warning (see --fail-on). Weights, reduction and the like decide the loss that
    is reported with the findings.
    """
    from nllcli.commands.check.check import check as task
    from nllcli.commands.check.check import report

    ignored = _known(options.each(ignore))
    checked = deliver(given, lambda request: task(request).ignoring(ignored), report)
    if checked.fails(fail_on):
        raise typer.Exit(ExitCode.CONDITION)


def _codes() -> Collection[str]:
    from nllcli.commands.check.findings import FINDINGS

    return FINDINGS


def _known(ignored: tuple[str, ...]) -> tuple[str, ...]:
    """The codes to ignore; raises UsageError for one that no finding has."""
    for code in ignored:
        if code not in _codes():
            raise unknown("ignore", code, _codes(), f"no finding has the code {code!r}", given=ignored)
    return ignored
