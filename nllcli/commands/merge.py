"""nll merge: one report from the tallies of parts."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Protocol

from nllcli.errors import DataError
from nllcli.inputs.tally_files import read_tally
from nllcli.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.inputs.tally_files import Fields
    from nllcli.report import Report

# What adds up the tallies of a command.
TALLIES = Registry(
    "tally",
    {"compute": "nllcli.commands.compute.merging:merge", "compare": "nllcli.commands.compare.merging:merge"},
)


class Merged(Protocol):
    """The sum of tallies of one command."""

    def report(
        self, *, per_class: bool = False, classes_up_to: float = 0, tallied: bool = False, pictured: bool = False
    ) -> Report:
        """What one run over all samples reports, as far as it is asked for."""
        ...


def merge(paths: Sequence[str], *, allow_duplicates: bool = False, partial: bool = False) -> Merged:
    """Add up the tallies in files; what is allowed is up to the command that they are of."""
    files = (read_tally(path) for path in paths)
    first = next(files)
    command = first.text("command")
    if command not in TALLIES:
        hint = f"those of {' and '.join(TALLIES)} can be merged"
        raise DataError(f"is a tally of nll {command}, which this nll cannot merge", where=first.name, hint=hint)
    every = chain([first], _of_the_same(files, first))
    merged: Merged = TALLIES.load(command)(every, paths, allow_duplicates=allow_duplicates, partial=partial)
    return merged


def _of_the_same(files: Iterator[Fields], first: Fields) -> Iterator[Fields]:
    """The files; raises DataError for a tally of another command."""
    command = first.text("command")
    for file in files:
        if file.text("command") != command:
            message = f"is a tally of nll {file.text('command')}, but {first.name} of nll {command}"
            raise DataError(message, where=file.name)
        yield file
