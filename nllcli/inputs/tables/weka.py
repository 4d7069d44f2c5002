"""Tables as Weka writes them: ARFF, and predictions in which * marks the largest probability and 3:horse is class 3."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.errors import UsageError
from nllcli.inputs.tables import notation

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADING = r"\s*inst#[\s,]+actual[\s,]+predicted[\s,]+error[\s,]+distribution[\s,]*"
_CELLS = r"s/^ *([0-9]+) +([0-9]+):[^ ]* +([0-9]+):[^ ]* +([+] +)?/\1,\2,\3,\4,/; s/ +$//"
_CLASSES = r"s/\*//g; s/([0-9]+):[^,]*/\1/g"


def check(lines: Sequence[str], places: Sequence[str], name: str) -> None:
    """Raise UsageError where the first lines, each of which is at its place, are those of a file of Weka."""
    if lines[0].lower().startswith("@relation "):
        program = 'tolower($1) == "@attribute" {h = h s $2; s = ","} d; tolower($1) == "@data" {print h; d = 1}'
        raise UsageError("is an ARFF file of Weka", where=name, remedies=notation.fed(name, ("awk", program)))
    at = next((i for i, line in enumerate(lines[:-1]) if "inst#" in line and re.fullmatch(_HEADING, line)), None)
    if at is not None:
        raise _marked(lines[at], lines[at + 1], places[at], name)


def _marked(heading: str, first: str, place: str, name: str) -> UsageError:
    """The refusal of predictions, as CSV or as text."""
    line = int(place.rpartition(" ")[2])
    above = f"1,{line - 1}d; " if line > 1 else ""
    if "," in heading:
        n_classes = first.count(",") - heading.partition("distribution")[0].count(",") + 1
        edits = f"{above}{line}s/distribution.*/{_numbers(n_classes)}/; {_CLASSES}"
    else:
        n_classes = first.count(",") + 1
        edits = f"{line}s/.*/inst,actual,predicted,error,{_numbers(n_classes)}/; {above}/^ *$/d; {_CELLS}; {_CLASSES}"
    settings = {"columns": f"1-{n_classes}", "targets_are": "names"}
    return UsageError(
        "is a list of predictions in which * marks the largest probability",
        where=place,
        remedies=[replace(remedy, settings=settings) for remedy in notation.edited(name, edits)],
    )


def _numbers(n: int) -> str:
    return ",".join(map(str, range(1, n + 1)))
