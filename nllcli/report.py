"""What a command found: names, numbers, units and pictures as data; nothing about how they look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain
from math import prod
from typing import Any, Self, overload

from nllcli import __version__
from nllcli.drawing import Drawing, Tone
from nllcli.errors import Notice, setting
from nllcli.records import dataclass

Value = float | int | str | None

# Rows or numbers of which text is made at a time, so that it is small, however many there are.
RUN = 1 << 12


def shortest(value: Value) -> str:
    """The shortest text that reads back to the same value; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float.__repr__(value).removesuffix(".0")
    return str(value)


def shortest_of(values: Sequence[Value]) -> list[str]:
    """``shortest`` of each."""
    if {*map(type, values)} == {float}:
        return [text.removesuffix(".0") for text in map(repr, values)]
    return list(map(shortest, values))


def runs(n: int, length: int = RUN) -> Iterator[slice]:
    """So many things, a run of them at a time."""
    return (slice(start, min(start + length, n)) for start in range(0, n, length))


@dataclass(frozen=True, eq=False)
class Cells(Sequence[Any]):
    """The cells of a column of ``n``, which ``read`` makes as they are asked for: those from a place to before another.

    A slice of them, whose step is 1, is a list.
    """

    n: int
    read: Callable[[int, int], list[Any]]

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            start, stop, _ = at.indices(self.n)
            return self.read(start, max(start, stop))
        place = range(self.n)[at]
        return self.read(place, place + 1)[0]

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self[run] for run in runs(self.n))


@dataclass(frozen=True, eq=False)
class Nested(Sequence[Any]):
    """Cells as lists in lists of a ``shape``, the last axis the fastest; what is in it is made as it is asked for."""

    cells: Sequence[Any]
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """The cells of one of the outermost lists."""
        return prod(self.shape[1:])

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if len(self.shape) == 1:
            return self.cells[at]
        first = range(len(self))[at] * self.size
        return Nested(self.cells[first : first + self.size], self.shape[1:])

    def lists(self, run: slice) -> tuple[list[Any], Sequence[Any]]:
        """Some of the outermost lists as lists, and all cells that are in them."""
        cells = self.cells[run.start * self.size : run.stop * self.size]
        return _lists(cells, (run.stop - run.start, *self.shape[1:])), cells


def _lists(cells: Sequence[Any], shape: tuple[int, ...]) -> list[Any]:
    if len(shape) == 1:
        return list(cells)
    size = prod(shape[1:])
    return [_lists(cells[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


class _Rows(Sequence[tuple[Any, ...]]):
    """The rows of columns of cells, made as they are asked for."""

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    @overload
    def __getitem__(self, at: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, at: slice) -> list[tuple[Any, ...]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        found = [cells[at] for cells in self.columns]
        return list(zip(*found, strict=True)) if isinstance(at, slice) else tuple(found)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return chain.from_iterable(self[run] for run in runs(len(self)))


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
    formats that programs read, ``page_only`` ones only in those that people read.
    """

    key: str
    label: str
    value: Value
    unit: str = ""
    note: str = ""
    headline: bool = False
    hidden: bool = False
    page_only: bool = False


@dataclass(frozen=True)
class Quantity:
    """A number in a column of several kinds: how this one is written, as the ``kind`` of a column."""

    value: Value
    kind: str = "number"


@dataclass(frozen=True)
class Gauge:
    """A share of 1 beside the one that is claimed, and how far from that chance alone takes it."""

    share: float
    claim: float
    chance: float


@dataclass(frozen=True)
class Interval:
    """A value and the interval that it is known to, all of them shares of 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Belief:
    """The probabilities of one sample, the class that it is, and the one that it was taken for, by their places."""

    probabilities: tuple[float, ...]
    target: int | None = None
    top: int | None = None


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is "text", "count", "number", "share", "probability", or one of the following.

    Numbers of one column are shown with the same number of decimals; programs get them in full. A "bar" draws a share
    of 1 in a ``tone``, a "gauge" a Gauge. "quantities" are of several kinds, one below the other. "objects" are a list
    of dicts, for JSON alone. An ``optional`` column is left out where a page is too narrow; a ``legend`` says how to
    read a picture. Only an HTML page shows a ``page_only`` column: a bar, an "interval" of Interval, or a "belief" of
    Belief.
    """

    key: str
    label: str
    kind: str = "number"
    unit: str = ""
    optional: bool = False
    legend: str = ""
    tone: Tone = "plain"
    page_only: bool = False


# The kinds of columns that draw.
DRAWN = frozenset(("bar", "gauge", "interval", "belief"))

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
        rows = _Rows([cells for _, cells in columns])
        return cls(key, title, tuple(column for column, _ in columns), rows, note, worst=worst)

    def without(self, dropped: Callable[[Column], bool]) -> Table:
        """The table without some of its columns."""
        kept = [i for i, column in enumerate(self.columns) if not dropped(column)]
        if len(kept) == len(self.columns):
            return self
        rows = _Rows([self.cells(i) for i in kept])
        return replace(self, columns=tuple(self.columns[i] for i in kept), rows=rows)

    @property
    def of_text(self) -> Table:
        """What is shown of it where nothing but text is."""
        return self.without(lambda column: column.page_only)

    @property
    def of_numbers(self) -> Table:
        """What programs read of it: no column that only draws what another one says."""
        return self.without(lambda column: column.kind in DRAWN)

    def cells(self, column: int) -> Sequence[Any]:
        """The cells of a column."""
        return self.rows.columns[column] if isinstance(self.rows, _Rows) else [row[column] for row in self.rows]

    def cells_of(self, run: slice) -> list[Sequence[Any]]:
        """The cells of some rows, column by column."""
        if isinstance(self.rows, _Rows):
            return [cells[run] for cells in self.rows.columns]
        return list(zip(*self.rows[run], strict=True))


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
class Fact:
    """A number in a sentence: the JSON has it under ``key``; ``kind`` and ``unit`` are as those of a Column.

    A "round" number is shown with four digits at most.
    """

    key: str
    value: Value
    kind: str = "number"
    unit: str = ""


@dataclass(frozen=True)
class Name:
    """A name in a sentence that comes from outside: of a class, a sample, a file."""

    text: str


@dataclass(frozen=True)
class Strong:
    """What a sentence is about."""

    words: tuple[str | Fact | Name, ...]


Sentence = tuple[str | Fact | Name | Strong, ...]


@dataclass(frozen=True)
class Picture:
    """A question, the sentence that answers it, a drawing, and the table of its numbers.

    The ``drawings`` stand one above the other; without any, the table is the picture, whose columns draw. ``brief`` is
    the table that a screen shows in place of all numbers. ``key_of`` says what the tones stand for, ``reading`` how to
    read the picture. A ``wide`` one needs the width of a page. ``more`` are numbers that programs alone read.
    """

    key: str
    question: str
    answer: Sentence
    table: Table
    drawings: tuple[Drawing, ...] = ()
    brief: Table | None = None
    key_of: tuple[tuple[Tone, str], ...] = ()
    reading: str = ""
    wide: bool = False
    more: tuple[Fact, ...] = ()

    @property
    def facts(self) -> Iterator[Fact]:
        """The numbers of the answer, and those that it leaves out."""
        yield from self.more
        for part in self.answer:
            for each in part.words if isinstance(part, Strong) else (part,):
                if isinstance(each, Fact):
                    yield each


@dataclass(frozen=True)
class Strip:
    """The number of a report on a line from ``low`` to ``high``, with its interval and what stands at the ends.

    ``says`` is what the place on the line means. One that ``fills`` is a bar from ``low``.
    """

    value: float
    low: float
    high: float
    low_label: str
    high_label: str
    says: str = ""
    interval: tuple[float, float] | None = None
    fills: bool = True


@dataclass(frozen=True)
class Report:
    """What a command found: names, numbers and units; nothing about how it looks.

    ``sections`` are for people, ``tables`` for programs too. ``quiet`` holds what ``-q`` prints. ``extra`` holds
    values that only JSON shows (nested lists, say), and ``inputs`` the files that the numbers are of. ``tally`` has the
    sums behind the numbers, for a file from which they add up with others. ``kernel`` is what computed them. ``words``
    are the conditions that have a name, each with why it does not hold, None where it does. ``listing`` is what a
    format of one table holds, where that is neither a table nor the metrics. ``pictures`` show where the numbers come
    from, ``strip`` what the headline means; ``typed`` is the command line that asks for all of it.
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
    kernel: str = ""
    words: Mapping[str, str | None] = field(default_factory=dict)
    listing: Table | None = None
    pictures: tuple[Picture, ...] = ()
    strip: Strip | None = None
    typed: str = ""
