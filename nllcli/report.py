"""What a command found: names, numbers, units and pictures as data; nothing about how they look."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Any, Self

from nllcli import __version__
from nllcli.errors import Notice, setting
from nllcli.records import dataclass

Value = float | int | str | None


def shortest(value: Value) -> str:
    """The shortest text that reads back to the same value; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float.__repr__(value).removesuffix(".0")
    return str(value)


class Signature(str):
    """The one line of every setting that changes a number; ``shown`` has of these only what a reader has to know.

    Two of them are equal where the lines are, and then alone is what they show equal too.
    """

    shown: str

    @classmethod
    def of(
        cls,
        parts: Mapping[str, object],
        *,
        title: str,
        titled: Collection[str] = (),
        usual: Mapping[str, object] | None = None,
    ) -> Self:
        """The line of ``parts`` by name; one without a value says by its name which number it is.

        What is shown begins with ``title``, in which those of the names ``titled`` stand already, and leaves out those
        that have the ``usual`` value.
        """
        line = cls(_line({**parts, "version": __version__}, "|"))
        usual = usual or {}
        unusual = {name: value for name, value in parts.items() if name not in titled and value != usual.get(name)}
        line.shown = _line({title: "", **unusual, "version": __version__}, "; ")
        return line


def _line(parts: Mapping[str, object], between: str) -> str:
    return between.join(f"{name}:{value}" if value != "" else name for name, value in parts.items())


def shown_signature(signature: str) -> str:
    """What a page shows of a signature."""
    return signature.shown if isinstance(signature, Signature) else signature


@dataclass(frozen=True)
class Metric:
    """One named number of a report.

    ``key`` is the JSON key, ``label`` is for people, ``unit`` is "nats", "bits", ... and ``note`` says in a few words
    how to read the number. ``headline`` marks the number the command is about. ``hidden`` metrics appear only in the
    formats that programs read.
    """

    key: str
    label: str
    value: Value
    unit: str = ""
    note: str = ""
    headline: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is "text", "count", "number", "share", "probability", "bar" or "objects".

    Numbers of one column are shown with the same number of decimals; programs get them in full. A bar draws a share
    of 1. Objects are a list of dicts, for JSON alone. An ``optional`` column is left out where a page is too narrow.
    """

    key: str
    label: str
    kind: str = "number"
    unit: str = ""
    optional: bool = False


Columns = list[tuple[Column, Sequence[Any]]]  # each with its cells


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns; a ``hidden`` one appears only in the formats that programs read.

    Where a screen cannot show all rows, those with the most in the column ``worst`` come after the first ones;
    ``elsewhere`` says what has all rows and columns.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    hidden: bool = False
    worst: str | None = None
    elsewhere: str = f"a pipe and {setting('output', 'FILE')}"

    @classmethod
    def of(cls, key: str, title: str, columns: Columns, note: str = "", *, worst: str | None = None) -> Self:
        """A table of columns with their cells."""
        rows = list(zip(*(cells for _, cells in columns), strict=True))
        return cls(key, title, tuple(column for column, _ in columns), rows, note, worst=worst)


@dataclass(frozen=True)
class Step:
    """One line of a calculation: what is worked out, in words, and how: text and numbers in turn.

    The numbers of an ``aligned`` step, a sum, are shown with the same number of decimals. A ``verbatim`` one is there
    to be copied: it is kept in one piece.
    """

    label: str
    working: tuple[str | float, ...]
    aligned: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Calculation:
    """Steps that lead to a number."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report that only people read: tables and calculations under one title, a note underneath."""

    title: str
    parts: tuple[Table | Calculation, ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What a command found: names, numbers and units; nothing about how it looks.

    ``sections`` are for people, ``tables`` for programs too. ``quiet`` holds what ``-q`` prints. ``extra`` holds
    values that only JSON shows (nested lists, say), and ``inputs`` the files that the numbers are of. ``tally`` has the
    sums behind the numbers, for a file from which they add up with others.
    """

    command: str
    title: str
    signature: str
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()
    quiet: Sequence[Value] = ()
    quiet_separator: str = "\n"
    extra: dict[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    inputs: Sequence[Mapping[str, Value]] = ()
    tally: Mapping[str, Any] | None = None
