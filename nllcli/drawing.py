"""A drawing as data: axes and marks in the units of what is drawn; no pixel, no colour."""

from __future__ import annotations

from typing import Literal, TypeAlias

from nllcli.records import dataclass

# What is told by a colour: how many samples there are, how much they lose, or one of two models.
Tone = Literal["samples", "loss", "first", "second", "third", "plain"]
Scale = Literal["linear", "log", "signed-log"]


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high``, with the ``kind`` in which its numbers are written, as that of a Column.

    A "signed-log" axis is logarithmic to both sides, and linear between ``-near`` and ``near``. ``ticks`` stand in the
    place of round numbers, each with its text; those nearest to others are left out where there is little room.
    """

    low: float
    high: float
    label: str = ""
    scale: Scale = "linear"
    kind: str = "number"
    near: float = 0.0
    ticks: tuple[tuple[float, str], ...] | None = None


@dataclass(frozen=True)
class Bar:
    """A bar that stands on the axis between two places; ``title`` is what a pointer on it shows."""

    start: float
    stop: float
    height: float
    title: str = ""


@dataclass(frozen=True)
class Bars:
    """Bars side by side."""

    tone: Tone
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Line:
    """A line through points (x, y); ``fills`` down to the axis."""

    tone: Tone
    points: tuple[tuple[float, float], ...]
    dashed: bool = False
    fills: bool = False
    label: str = ""


@dataclass(frozen=True)
class Ribbon:
    """What lies between two lines, of points (x, low, high)."""

    tone: Tone
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Dot:
    """A point, perhaps with an interval from ``low`` to ``high``; a ``hollow`` one counts for little."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hollow: bool = False
    label: str = ""
    title: str = ""


@dataclass(frozen=True)
class Dots:
    """Points that no line joins."""

    tone: Tone
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Rule:
    """A dotted line through the drawing at a place of the x axis, or of the y axis where it is ``level``."""

    at: float
    label: str = ""
    level: bool = False
    tone: Tone = "plain"


@dataclass(frozen=True)
class Words:
    """Text at a place of the drawing, which gives way to other text."""

    x: float
    y: float
    text: str
    tone: Tone = "plain"
    strong: bool = False


Mark: TypeAlias = Bars | Line | Ribbon | Dots | Rule | Words


@dataclass(frozen=True)
class Panel:
    """Marks between two axes, drawn in order; panels of one picture stand one above the other.

    ``height`` is relative to that of the others, 1 of a panel that stands alone. ``above`` is a second axis for x.
    """

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    height: float = 1.0
    above: Axis | None = None


@dataclass(frozen=True)
class Cell:
    """A coloured cell of a heat map, by its row and column; ``depth`` (0 to 1) says how strong its colour is."""

    row: int
    column: int
    depth: float
    text: str = ""
    title: str = ""


@dataclass(frozen=True)
class Heat:
    """A heat map of named rows and columns; cells that are not there are empty, those on the diagonal grey."""

    row_label: str
    column_label: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    tone: Tone = "samples"


@dataclass(frozen=True)
class Piece:
    """A piece of a passage: its text, what it costs, from 0 to 1 of the most that has a colour, and what a pointer
    shows."""

    text: str
    depth: float
    title: str = ""


@dataclass(frozen=True)
class Passage:
    """Running text whose pieces are coloured by what they cost; ``key`` explains the colours, each (text, depth)."""

    pieces: tuple[Piece, ...]
    key: tuple[tuple[str, float], ...]
    label: str = ""


Drawing: TypeAlias = Panel | Heat | Passage
