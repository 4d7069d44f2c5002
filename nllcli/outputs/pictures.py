"""Shares of 1 as pictures in a line of text: bars, and gauges that set one beside what is claimed of it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nllcli.report import Gauge

_PARTS = "▏▎▍▌▋▊▉█"  # a cell in eighths
_HALF_OR_MORE = _PARTS[3:]
_FULL, _FULL_IN_REACH, _IN_REACH, _CLAIM, _BEYOND = "█", "▓", "░", "│", " *"
WIDTH = 10

# What stands for the pictures where they cannot be shown: half a cell and more is a cell.
ASCII_PICTURES = {**dict(zip(_PARTS, "...#####", strict=True)), _FULL_IN_REACH: "=", _IN_REACH: ":", _CLAIM: "|"}


def bar(share: float, width: int = WIDTH) -> str:
    """Return a bar of ``share`` (0 to 1) of ``width`` cells, to an eighth of a cell; NaN is empty."""
    if not share > 0.0:
        return ""
    whole, eighths = divmod(round(min(share, 1.0) * width * 8), 8)
    return _FULL * whole + _PARTS[eighths - 1 : eighths]


def gauge(found: Gauge, width: int = WIDTH) -> str:
    """Return a bar of the share, a line where it is claimed to be, shaded as far from there as chance takes it.

    A star comes after the picture where the share is farther off. All of it is ``width`` cells.
    """
    room = width - len(_BEYOND)
    cells = list(bar(found.share, room).ljust(room))
    low, high = (round(min(max(found.claim + way * found.chance, 0.0), 1.0) * room) for way in (-1, 1))
    cells[low:high] = [_FULL_IN_REACH if cell in _HALF_OR_MORE else _IN_REACH for cell in cells[low:high]]
    cells[min(int(found.claim * room), room - 1)] = _CLAIM
    is_beyond = abs(found.share - found.claim) > found.chance
    return "".join(cells) + _BEYOND if is_beyond else "".join(cells).rstrip()


class Picture(NamedTuple):
    """How the cells of a kind of column are drawn: what draws those of one type, and the fewest and most columns."""

    cell: type
    draw: Callable[[Any, int], str]
    least: int
    most: int


PICTURES = {"bar": Picture(float, bar, 6, 24), "gauge": Picture(Gauge, gauge, 10, 26)}


def drawn(kind: str, values: Sequence[Any], width: int = WIDTH) -> list[str]:
    """Return the pictures of a column, whose other values are nothing."""
    picture = PICTURES[kind]
    return [picture.draw(value, width) if isinstance(value, picture.cell) else "" for value in values]
