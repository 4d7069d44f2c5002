"""Warnings about columns that are read as classes but do not look like classes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nllcli.errors import Notice
from nllcli.inputs.tables.dialect import are_counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TARGETS = frozenset(("label", "labels", "target", "targets", "y_true"))
_ROW_NUMBERS = frozenset(("id", "idx", "index", "row", "row_id", "sample", "sample_id"))


def notes_on(name: str, headings: Sequence[str], whole: Sequence[bool]) -> Iterator[Notice]:
    """Warnings about the ``headings`` of the classes; ``whole`` says which columns hold whole numbers."""
    for heading, is_whole in zip(headings, whole, strict=True):
        taken = f"{name}: column {heading!r} is taken as a class"
        if is_whole and heading.lower() in _TARGETS:
            yield Notice("doubtful-class", f"{taken}; --target-column {heading} takes it as the targets")
        elif is_whole and heading.lower() in _ROW_NUMBERS:
            yield Notice("doubtful-class", f"{taken}, though its name is that of a row number")
    if all(map(str.isdecimal, headings)) and not are_counted(headings):
        shown = ", ".join(headings[:3]) + (", ..." if len(headings) > 3 else "")
        yield Notice("numbered-names", f"{name}: the classes are named {shown}; targets are their places, from 0")
    for heading, count in Counter(headings).items():
        if count > 1:
            yield Notice("repeated-name", f"{name}: {count} classes are named {heading!r}")
