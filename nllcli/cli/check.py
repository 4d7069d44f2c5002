"""nll check."""

from typing import Annotated, Any

import typer

from nllcli.cli import options, scoring
from nllcli.cli.command import Command
from nllcli.errors import ExitCode, worded


class CheckCommand(Command):
    """A command whose --help ends with what the findings mean."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Load the table of the findings, which nothing else here needs, and write it."""
        from nllcli.commands.check.findings.table import FINDINGS

        flags = {parameter.name: parameter.opts[0] for parameter in self.params}
        width = max(map(len, FINDINGS))
        lines: dict[str, list[str]] = {}
        for code, kind in FINDINGS.items():
            meaning = worded(kind.meaning, lambda name, _: flags[name])
            lines.setdefault(kind.severity, []).append(f"{code:{width}}  {meaning}")
        # --help does not rewrap what follows a backspace.
        blocks = [
            "\n".join([f"Findings, {severity}s (exit code {ExitCode.CONDITION}):", "", "\b", *meanings])
            for severity, meanings in lines.items()
        ]
        self.epilog = "\n\n".join([*blocks, "A note alone ends with exit code 0."])
        super().format_epilog(ctx, formatter)


Codes = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=options.SHOWN, help="Only the codes of what was found, one a line."),
]


@scoring.scores()
def check(
    given: scoring.Scoring,
    *,
    format: options.Format = None,
    quiet: Codes = False,
    output: options.Output = None,
    progress: scoring.ShowProgress = None,
) -> None:
    """What is wrong or suspicious about logits and targets.

    Exit code 5 if there is an error or a warning. Weights, reduction and the like decide the loss that is reported
    beside the findings.
    """
    from nllcli.commands.check.check import check as task
    from nllcli.commands.check.report import report
    from nllcli.outputs.emit import emit
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.progress import ProgressBar

    check_outputs({"the report": output or "-"}, inputs=given.files)
    with ProgressBar(progress) as bar:
        checked = task(given.request(bar))
    emit(report(checked), fmt=format, quiet=quiet, path=output)
    if not checked.clean:
        raise typer.Exit(ExitCode.CONDITION)
