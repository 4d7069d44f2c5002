"""Commands run, and their results sent where they belong: a file, a pipe or a screen."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from nllcli.cli.options import WRITTEN, Given, text_format
from nllcli.cli.wording import emit, in_flags

if TYPE_CHECKING:
    from nllcli.data.blocks import Progress
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report
    from nllcli.scoring.matrix import ArrayTarget, MatrixResult

MatrixFormat = Annotated[
    str | None,
    text_format("How the rows are written.  [default: by the extension of -o, else table, or csv into a pipe]"),
]
MatrixOutput = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        rich_help_panel=WRITTEN,
        help="Write the array into FILE (.npy or .csv), or a report of it (.json, .tsv, .md or .txt).",
    ),
]
Result = TypeVar("Result")


def deliver(
    given: Given,
    task: "Callable[[ScoreRequest], Result]",
    report: "Callable[[Result], Report]",
    *,
    progress: bool | None,
    format: str | None,
    quiet: bool,
    output: str | None,
    arrays: Mapping[str, str | None] | None = None,
) -> Result:
    """Run a command that scores logits, and write the report of its result; ``arrays`` are its other output files."""
    from nllcli.outputs.files import check_outputs

    check_outputs({"the report": output or "-", **(arrays or {})}, inputs=given.files)
    with progress_bar(progress) as bar:
        result = task(given.request(bar))
    emit(report(result), fmt=format, quiet=quiet, path=output)
    return result


def deliver_matrix(
    task: "Callable[[ArrayTarget | None, Progress | None], MatrixResult]",
    *,
    progress: bool | None,
    format: str | None,
    output: str | None,
    dtype: str,
    inputs: Sequence[str | None],
    quiet: bool = False,
) -> None:
    """Run a command whose result is a matrix, and send that where it belongs."""
    from nllcli.outputs.arrays import open_array
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.formats import check_text_file, emit_notices, format_of_extension
    from nllcli.scoring.matrix import ArrayTarget, matrix_report

    check_outputs({"the result": output or "-"}, inputs)
    asked = "-q" if quiet else format and f"-f {format}"
    if asked:
        check_text_file(output, f"what {asked} writes", hint=f"leave {asked} out for the array, or name the file .txt")
    format = format or format_of_extension(output)
    target = None
    if quiet:
        pass  # what -q prints is of the report
    elif format == "csv" or (format is None and output is None and not sys.stdout.isatty()):
        target = ArrayTarget(open_array, output or "-", "csv", dtype)
    elif format is None and output is not None:
        target = ArrayTarget(open_array, output, dtype=dtype)
    with progress_bar(progress) as bar:
        report = matrix_report(task(target, bar))
    if target is None:
        emit(report, fmt=format or "table", quiet=quiet, path=output)
    else:
        emit_notices(in_flags(report))


def progress_bar(wanted: bool | None) -> "AbstractContextManager[Progress | None]":
    """What shows the progress on standard error, if that is wanted (None: if it is a terminal)."""
    if wanted is None:
        wanted = sys.stderr is not None and sys.stderr.isatty()
    if not wanted:
        return nullcontext()
    from nllcli.outputs.progress import ProgressBar

    return ProgressBar()
