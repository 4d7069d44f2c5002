"""nll merge."""

import math
from typing import Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import emit

Tallies = Annotated[
    list[str],
    typer.Argument(
        metavar="TALLY...", help="Files that nll compute -o FILE.tally.json or nll merge wrote; 'a pattern'; @list."
    ),
]
AllowDuplicates = Annotated[
    bool, typer.Option("--allow-duplicates", help="Count samples twice that are in two tallies.")
]
Partial = Annotated[
    bool,
    typer.Option("--partial", help="Merge a set of which files are missing, and say so (exit code 3)."),
]


@options.takes("format", "quiet", "print", "require", "output", format=options.TALLY_FORMAT)
def merge(
    given: options.Given,
    *,
    tallies: Tallies,
    allow_duplicates: AllowDuplicates = False,
    partial: Partial = False,
    per_class: options.PerClass = False,
) -> None:
    """One report from the tallies of parts.

    The numbers are those of one run over all samples, to the last bit, in whatever order the parts come. The parts
    need the same settings and classes. Files named 00003-of-00016 have to be complete.
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
    shown = merged.report(per_class=per_class, classes_up_to=most, tallied=format == "tally")
    looked_up = "per_class" in given.json_keys
    emit(given, merged.report(per_class=per_class, classes_up_to=math.inf) if looked_up else shown, shown=shown)
