"""Panels one above the other: the room that each gets, its axes and its marks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isnan

from nllcli.drawing import Axis, Panel, Rule
from nllcli.outputs.drawing.canvas import Box, Canvas, Spot
from nllcli.outputs.drawing.letters import LINE, shortened, width_of
from nllcli.outputs.drawing.marks import Frame, shape, wishes
from nllcli.outputs.drawing.palette import stroke
from nllcli.outputs.drawing.scales import Tick, choices, within
from nllcli.outputs.drawing.tree import h, place

_HEIGHT, _WIDE_HEIGHT, _WIDE = 220.0, 240.0, 900.0  # of a panel alone, and in a drawing from this width on
_EACH_MORE = 0.3  # of that height, for each further panel
_RIGHT = 14.0  # what is free beside the axes
_NAME = 0.34  # the most that names beside an axis take of the width
_MOST_LEVELS, _LEVEL = 6, 34.0  # of lines across a panel, and how far apart they are at least
_BETWEEN = 12.0  # pixels between texts along an axis
_TICK = 4.0


def draw_panels(canvas: Canvas, panels: Sequence[Panel]) -> None:
    """Draw panels below what is there, their y axes in one line."""
    total = (_WIDE_HEIGHT if canvas.width >= _WIDE else _HEIGHT) * (1 + _EACH_MORE * (len(panels) - 1))
    shares = [panel.height / (sum(each.height for each in panels) if len(panels) > 1 else 1) for panel in panels]
    heights = [total * share for share in shares]
    levels = [_levels(panel.y, height, canvas.width) for panel, height in zip(panels, heights, strict=True)]
    left = 10 + max([width_of(tick.text) for ticks in levels for tick in ticks], default=0)
    for i, (panel, height, ticks) in enumerate(zip(panels, heights, levels, strict=True)):
        frame = _framed(canvas, panel, left, height)
        _draw_levels(canvas, frame, ticks)
        for mark in panel.marks:
            canvas.add(*shape(frame, mark))
        _draw_ground(canvas, frame)
        is_last = i == len(panels) - 1 or not _is_same(panel.x, panels[i + 1].x)
        _draw_below(canvas, frame, labelled=is_last)
        canvas.fulfil([wish for mark in panel.marks for wish in wishes(frame, mark)], frame.room)


def _is_same(axis: Axis, other: Axis) -> bool:
    return (axis.low, axis.high, axis.scale, axis.ticks) == (other.low, other.high, other.scale, other.ticks)


def _framed(canvas: Canvas, panel: Panel, left: float, height: float) -> Frame:
    """A panel below what is there, with the label of its y axis and the axis above it."""
    top = canvas.height
    right = canvas.width - _RIGHT
    label_end = 0.0
    if panel.y.label:
        label = shortened(panel.y.label, canvas.width)
        canvas.write(label, Spot(0, top + 12, "start"))
        label_end = width_of(label) + _BETWEEN
        top += LINE
    if panel.above:
        above = shortened(panel.above.label, canvas.width)
        half = width_of(above) / 2
        middle = max((left + right) / 2, label_end + half)
        if panel.y.label and middle + half > canvas.width:
            top += LINE
            middle = (left + right) / 2
        canvas.write(above, Spot(middle, top - LINE + 12 if panel.y.label else top + 12))
        top += (0 if panel.y.label else LINE) + LINE + 4
    top += 6
    is_ruled = any(isinstance(mark, Rule) and mark.label and not mark.level for mark in panel.marks)
    spare = LINE if is_ruled else 0.0
    top += spare
    frame = Frame(panel, Box(left, top, right, top + height), spare)
    if panel.above:
        _draw_along(canvas, frame, panel.above, top - spare, -1)
    canvas.height = top + height
    return frame


# --- the y axis -------------------------------------------------------------------------------------------------------


def _levels(axis: Axis, height: float, width: float) -> Sequence[Tick]:
    """The numbers beside an axis so high."""
    most = max(2, min(_MOST_LEVELS, int(height / _LEVEL) + 1))

    def has_room(tick: Tick, other: Tick) -> bool:
        return abs(within(axis, tick.at) - within(axis, other.at)) * height >= LINE

    room = width * _NAME
    return [Tick(at, shortened(text, room)) for at, text in _fitting(axis, has_room, most)]


def _draw_levels(canvas: Canvas, frame: Frame, ticks: Sequence[Tick]) -> None:
    places = [(tick, frame.y(tick.at)) for tick in ticks]
    lines = "".join(f"M{place(frame.box.left)} {place(y)}H{place(frame.box.right)}" for _, y in places)
    canvas.add(h("path", d=lines, **stroke("grid")))
    for tick, y in places:
        canvas.write(tick.text, Spot(frame.box.left - 6, y + 4, "end"))


def _draw_ground(canvas: Canvas, frame: Frame) -> None:
    y = frame.ground
    canvas.add(h("path", d=f"M{place(frame.box.left)} {place(y)}H{place(frame.box.right)}", **stroke("axis")))


# --- the x axis -------------------------------------------------------------------------------------------------------


def _draw_below(canvas: Canvas, frame: Frame, *, labelled: bool) -> None:
    """The ticks of the x axis, and what is written under the last panel of those that share it."""
    axis, bottom = frame.panel.x, frame.box.bottom
    if not labelled:
        canvas.height += LINE
        return
    _draw_along(canvas, frame, axis, bottom, 1)
    canvas.height += LINE + 4
    if axis.label:
        label = shortened(axis.label, canvas.width)
        canvas.write(label, Spot((frame.box.left + frame.box.right) / 2, canvas.height + 12))
        canvas.height += LINE
    canvas.height += 6


def _draw_along(canvas: Canvas, frame: Frame, axis: Axis, y: float, way: int) -> None:
    """Write along an axis of the x direction, below it (1) or above it (-1)."""
    ticks = _along(axis, frame, canvas.width)
    places = [(tick, frame.across(within(axis, tick.at))) for tick in ticks]
    lines = "".join(f"M{place(x)} {place(y)}v{place(way * _TICK)}" for _, x in places)
    canvas.add(h("path", d=lines, **stroke("axis")))
    for tick, x in places:
        canvas.write(tick.text, Spot(x, y + 17 if way > 0 else y - 8))


def _along(axis: Axis, frame: Frame, width: float) -> Sequence[Tick]:
    def ends(tick: Tick) -> tuple[float, float]:
        half = width_of(tick.text) / 2
        middle = frame.across(within(axis, tick.at))
        moved = max(0.0, half - middle) - max(0.0, middle + half - width)
        return middle - half + moved, middle + half + moved

    def has_room(tick: Tick, other: Tick) -> bool:
        (left, right), (from_, to) = ends(tick), ends(other)
        return left >= to + _BETWEEN or from_ >= right + _BETWEEN

    if axis.ticks is not None:
        axis = replace(axis, ticks=tuple((at, shortened(text, width * _NAME)) for at, text in axis.ticks))
    return _fitting(axis, has_room, 30)


def _fitting(axis: Axis, has_room: Callable[[Tick, Tick], bool], most: int) -> Sequence[Tick]:
    """The most that may be written along an axis so that each has room beside the next."""
    found: Sequence[Tick] = ()
    for ticks in choices(axis):
        found = [tick for tick in ticks if not isnan(within(axis, tick.at))]
        is_few = axis.ticks is not None or len(found) <= most
        if is_few and all(has_room(*pair) for pair in pairwise(found)):
            return found
    return _thinned(found, has_room)


def _thinned(ticks: Sequence[Tick], has_room: Callable[[Tick, Tick], bool]) -> list[Tick]:
    """The first, the last, and of the others those that have room."""
    ends = [ticks[0], *(ticks[-1:] if has_room(ticks[0], ticks[-1]) else [])]
    between: list[Tick] = []
    for tick in ticks[1:-1]:
        if all(has_room(tick, other) for other in (*ends, *between[-1:])):
            between.append(tick)
    return [*ends[:1], *between, *ends[1:]]
