"""Text files of class names -> the names in the order of the logits: one a line, perhaps numbered, or YAML."""

from __future__ import annotations

import csv
import re
from itertools import takewhile
from typing import TYPE_CHECKING

from nllcli.errors import DataError, UsageError
from nllcli.inputs.tables.notation import fed

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDEX_FIRST = re.compile(r"\s*(\d{1,9})(?:\s*[,;:=]\s*|\s+)(\S.*)", re.ASCII)
_INDEX_LAST = re.compile(r"\s*(\S.*?)(?:\s*[,;:=]\s*|\s+)(\d{1,9})\s*", re.ASCII)
_HEADER = re.compile(r"\s*\"?([\w ]+)\"?\s*[,;\t]\s*\"?([\w ]+)\"?\s*")
_INDICES = frozenset(
    ("index", "id", "idx", "number", "no", "code", "class_id", "class_index", "class_idx", "label_id", "label_index")
)
_WORDNET = re.compile(r"(n\d{8})([ \t])\s*\S.*", re.ASCII)  # "n01440764 tench, Tinca tinca", as ImageNet has it
_YAML_NAMES = re.compile(r"names\s*:(?:\s+(.*))?")
_YAML_ITEM = re.compile(r"(?:-|(\d{1,9})\s*:)\s+(.*)", re.ASCII)
_YAML_COMMENT = re.compile(r"(?:^|\s)#.*")
# A value that YAML has without quotes or between them, where nothing in it means anything else.
_PLAIN = re.compile(r"""'([^']*)'|"([^"\\]*)"|([^\s'"\[\]{}&*!|>%@`,#?:~-](?:[^\[\]{}:]|:(?=\S))*)""")


def names_of_lines(lines: Sequence[str], name: str) -> Sequence[str]:
    """The names that lines hold; raises DataError or UsageError where these may be read in several ways."""
    yaml = [i for i, line in enumerate(lines) if _YAML_NAMES.fullmatch(line)]
    if yaml:
        return _in_yaml(lines, yaml[0], name)
    if len(lines) == 1:
        return lines[0].split(",")
    if all(map(_WORDNET.fullmatch, lines)):
        raise _which_name(lines, name)
    header = _HEADER.fullmatch(lines[0])
    if header is not None and _INDICES & {header[1].strip().casefold(), header[2].strip().casefold()}:
        numbered = _numbered(lines[1:], name)
        if numbered is not None:
            return numbered
    return _numbered(lines, name) or lines


def _numbered(lines: Sequence[str], name: str) -> list[str] | None:
    """The names of lines of which each has the index of its class before or behind it, in the order of these."""
    first, last = _by_index(lines, _INDEX_FIRST, 1, 2), _by_index(lines, _INDEX_LAST, 2, 1)
    if first is not None and last is not None:
        hint = "write the names alone, one a line, in the order of the logits"
        raise DataError("has lines of two numbers: which one is the index of the class?", where=name, hint=hint)
    return first or last


def _by_index(lines: Sequence[str], form: re.Pattern[str], index: int, label: int) -> list[str] | None:
    """The names in the order of their indices, which have to be all of those from 0; most names are different."""
    matches = [match for match in map(form.fullmatch, lines) if match is not None]
    found = {int(match[index]): _unquoted(match[label]) for match in matches}
    if len(matches) < len(lines) or sorted(found) != [*range(len(lines))] or 2 * len(set(found.values())) <= len(lines):
        return None
    return [found[i] for i in range(len(lines))]


def _unquoted(text: str) -> str:
    """A name without the quotes that CSV puts around one with commas."""
    text = text.strip()
    return next(csv.reader([text]))[0] if text.startswith('"') and text.endswith('"') else text


def _which_name(lines: Sequence[str], name: str) -> UsageError:
    """The question by which of two names a class is known: its id in WordNet, or its words."""
    marks = {match[2] for match in map(_WORDNET.fullmatch, lines) if match is not None}
    ways = {"1": "the classes are named by their ids", "2-": "the classes are named by their words"}
    remedies = []
    if len(marks) == 1:
        (mark,) = marks
        cut = ("cut",) if mark == "\t" else ("cut", "-d", mark)
        remedies = [each for fields, told in ways.items() for each in fed(name, (*cut, "-f", fields), told)]
    hint = None if remedies else "write the one or the other alone, one a line"
    return UsageError(
        "has an id and words for each class: which is its name?", where=name, hint=hint, remedies=remedies
    )


def _in_yaml(lines: Sequence[str], start: int, name: str) -> list[str]:
    """The names under the key of a file of YAML: a list in its line, or below it items of a list or with an index."""
    after, *below = (_YAML_COMMENT.sub("", line).rstrip() for line in lines[start:])
    after = after.partition(":")[2].strip()
    if after.startswith("[") and after.endswith("]"):
        return [_plain(item, name) for item in after[1:-1].split(",")]
    items = [line.strip() for line in takewhile(_is_within, below) if line]
    matches = [match for match in map(_YAML_ITEM.fullmatch, items) if match is not None]
    if all(match[1] is None for match in matches):
        found = {i: _plain(match[2], name) for i, match in enumerate(matches)}
    else:
        found = {int(match[1] or -1): _plain(match[2], name) for match in matches}
    if after or not found or len(matches) < len(items) or sorted(found) != [*range(len(items))]:
        raise _not_plain(name)
    return [found[i] for i in range(len(found))]


def _is_within(line: str) -> bool:
    """Whether a line of YAML belongs to the key above it."""
    return not line or line.startswith((" ", "\t", "-"))


def _plain(text: str, name: str) -> str:
    match = _PLAIN.fullmatch(text.strip())
    if match is None:
        raise _not_plain(name)
    return next(group for group in match.groups() if group is not None)


def _not_plain(name: str) -> DataError:
    hint = "write the names one a line, in the order of the logits"
    return DataError("is YAML, but its names are not a plain list, nor numbered from 0", where=name, hint=hint)
