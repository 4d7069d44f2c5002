"""nll merge."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import emit
from nllcli.data.settings import VERDICT_WORDS
from nllcli.errors import Remedy, UsageError, setting

if TYPE_CHECKING:
    from nllcli.report import Report

Tallies = Annotated[
    list[str],
    typer.Argument(
        metavar="TALLY...",
        help="Files that nll compute or compare -o FILE.tally.json wrote, or nll merge; 'a pattern'; @list.",
    ),
]
AllowDuplicates = Annotated[
    bool, typer.Option("--allow-duplicates", help="Count samples twice that are in two tallies.")
]
Partial = Annotated[
    bool,
    typer.Option("--partial", help="Merge a set of which files are missing, and say so (exit code 3)."),
]


@options.takes("format", "quiet", "print", "require", "output", words=VERDICT_WORDS, format=options.TALLY_FORMAT)
def merge(
    given: options.Given,
    *,
    tallies: Tallies,
    allow_duplicates: AllowDuplicates = False,
    partial: Partial = False,
    per_class: options.PerClass = False,
) -> None:
    """One report from the tallies of parts.

    The tallies are those of nll compute, or of nll compare. The numbers are those of one run over all samples, to the
    last bit, in whatever order the parts come. The parts need the same settings and classes. Files named
    00003-of-00016 have to be complete.
    """
    from nllcli.commands.merge import merge as task
    from nllcli.inputs.tally_files import tally_paths
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.formats import format_for

    options.check_report_file(given)
    paths = tally_paths(tallies)
    check_outputs({"the report": given["output"] or "-"}, paths)
    format = "table" if given["quiet"] or given["print"] else given["format"] or format_for(given["output"])
    merged = task(paths, allow_duplicates=allow_duplicates, partial=partial)
    most = options.CLASSES_UP_TO.get(format, 0)
    drawn = options.draws(given)
    shown = merged.report(per_class=per_class, classes_up_to=most, tallied=format == "tally", pictured=drawn)
    _check_words(given, shown)
    looked_up = any("per_class" in path for path in given.paths)
    emit(given, merged.report(per_class=per_class, classes_up_to=math.inf) if looked_up else shown, shown=shown)


def _check_words(given: options.Given, report: "Report") -> None:
    """Raise UsageError for conditions by name that tallies of another command do not know."""
    unknown = [each.text for each in given["require"] if each.is_word and each.text not in report.words]
    if unknown:
        message = (
            f"{setting('require', unknown[0])} is about a comparison, and these are tallies of nll {report.command}"
        )
        rest = [each.text for each in given["require"] if each.text not in unknown]
        raise UsageError(message, remedies=[Remedy({"require": rest or None}, "the report")])
