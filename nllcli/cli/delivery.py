"""Commands run, and their results sent where they belong: a file, a pipe or a screen."""

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from nllcli.cli.options import WRITTEN, Given, check_report_file, draws, each, in_flags, text_format
from nllcli.cli.typed import typed_line
from nllcli.errors import ConditionError, ExitCode, Remedy

if TYPE_CHECKING:
    from nllcli.data.blocks import Progress
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report
    from nllcli.scoring.matrix import ArrayTarget, MatrixResult

# What becomes of a matrix, where that differs from other results.
MATRIX: dict[str, Any] = {
    "format": Annotated[
        str | None,
        text_format("How the rows are written.  [default: by the extension of -o, else table, or csv into a pipe]"),
    ],
    "output": Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            rich_help_panel=WRITTEN,
            help="Write the array into FILE (.npy or .csv), or a report of it (.json, .tsv, .md or .txt).",
        ),
    ],
}
Result = TypeVar("Result")


def deliver(
    given: Given,
    task: "Callable[[ScoreRequest], Result]",
    report: "Callable[[Result], Report]",
    arrays: Mapping[str, str | None] | None = None,
    shown: "Callable[[Result], Result] | None" = None,
) -> Result:
    """Run a command that scores logits, and write the report of its result, or of what is ``shown`` of it.

    ``arrays`` are its other output files.
    """
    from nllcli.outputs.files import check_outputs

    check_report_file(given)
    check_outputs({"the report": given["output"] or "-", **(arrays or {})}, inputs=given.files)
    with progress_bar(given["progress"]) as bar:
        result = task(given.request(bar))
    emit(given, report(result), shown=report(shown(result)) if shown else None)
    return result


def deliver_matrix(given: Given, task: "Callable[[ArrayTarget | None, Progress | None], MatrixResult]") -> None:
    """Run a command whose result is a matrix, and send that where it belongs."""
    from nllcli.outputs.arrays import open_array
    from nllcli.outputs.files import STANDARD_OUTPUT, check_outputs
    from nllcli.outputs.formats import check_pair, check_text_file, emit_notices, format_of_extension
    from nllcli.scoring.matrix import matrix_report

    format, output = given["format"], given["output"]
    check_outputs({"the result": output or "-"}, given.files)
    if format and output:
        text = str(PurePath(output).with_suffix(".txt"))
        remedies = [Remedy({"format": None}, "the array"), Remedy({"output": text}, "the text")]
        check_text_file(output, f"what -f {format} writes", remedies=remedies)
        check_pair(format, output)
    format = format or format_of_extension(output)
    target: ArrayTarget | None = None
    if given.get("quiet") or given["print"]:
        pass  # what these print is of the report
    elif format == "csv" or (format is None and output is None and not sys.stdout.isatty()):
        target = partial(open_array, output or "-", format="csv", dtype=given["save_dtype"])
    elif format is None and output is not None:
        target = partial(open_array, output, dtype=given["save_dtype"])
    try:
        with progress_bar(given["progress"]) as bar:
            report = matrix_report(task(target, bar))
    except BrokenPipeError as error:
        if given["require"]:
            raise ConditionError("is closed before every number is known", where=STANDARD_OUTPUT) from error
        raise
    if target is None:
        emit(given, report, format or "table")
    else:
        emit_notices(in_flags(report))
        _end_as(given, report)


def emit(given: Given, report: "Report", format: str | None = None, *, shown: "Report | None" = None) -> None:
    """Write a report, or what is ``shown`` of it, as the options of the command ask for it, and require the conditions.

    ``format`` is the one to take where the options name none.
    """
    from nllcli.outputs.formats import emit as write

    page, paths = replace(shown or report, typed=typed_line() if draws(given) else ""), each(given["print"])
    if paths:
        from nllcli.outputs.json_text import named_values

        page = replace(page, quiet=named_values(report, paths), quiet_separator="\n")
    quiet = bool(paths) or given.get("quiet", False)
    try:
        write(in_flags(page), fmt=given["format"] or format, quiet=quiet, path=given["output"])
    except BrokenPipeError:  # that nobody reads on makes no number right
        _end_as(given, report)
        raise
    _end_as(given, report)


def _end_as(given: Given, report: "Report") -> None:
    """End with the code for wrong data where the report is about a part of it only, else as the conditions demand."""
    if any(warning.code == "partial" for warning in report.warnings):
        raise typer.Exit(ExitCode.DATA)
    if given["require"]:
        from nllcli.cli.conditions import require

        require(given["require"], report)


def progress_bar(wanted: bool | None) -> "AbstractContextManager[Progress | None]":
    """What shows the progress on standard error, if that is wanted (None: if it is a terminal)."""
    if wanted is None:
        wanted = sys.stderr is not None and sys.stderr.isatty()
    if not wanted:
        return nullcontext()
    from nllcli.outputs.progress import ProgressBar

    return ProgressBar()
