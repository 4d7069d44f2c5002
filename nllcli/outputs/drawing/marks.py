"""Marks as shapes between the axes of a panel, and the words that come with them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot, isnan, nan
from typing import NamedTuple
from xml.etree.ElementTree import Element

from nllcli.drawing import Bar, Bars, Dot, Dots, Line, Mark, Panel, Ribbon, Rule, Words
from nllcli.outputs.drawing.canvas import Box, Spot, Wish, anywhere, around
from nllcli.outputs.drawing.letters import LINE
from nllcli.outputs.drawing.palette import both, fill, stroke
from nllcli.outputs.drawing.scales import share_of, within
from nllcli.outputs.drawing.tree import h, place

_FAINT = 0.16  # how strong a filled area is
_GAP, _WIDE_BAR = 1.0, 4.0  # between bars that are so wide
_LEAST = 1.0  # the height of a bar, however little it stands for
_RADIUS = 3.6
_STRIDE = 6.0  # pixels from one place of a line to the next that words stay clear of
_FAR = 9.0  # in lengths of an axis: nothing that is drawn ends beyond
_ROWS = 4  # of words at the top of a panel

_MODELS = ("first", "second", "third")

_Point = tuple[float, float]


class Frame(NamedTuple):
    """A panel, where in the drawing its axes enclose it, and how much is free above for the words of its rules."""

    panel: Panel
    box: Box
    spare: float = 0.0

    def x(self, value: float) -> float:
        """The place of a value of the x axis, at an end of it where the value is beyond."""
        return self.across(within(self.panel.x, value))

    def y(self, value: float) -> float:
        """The place of a value of the y axis, likewise."""
        return self.up(within(self.panel.y, value))

    def across(self, share: float) -> float:
        """The place so far along the x axis."""
        return self.box.left + share * (self.box.right - self.box.left)

    def up(self, share: float) -> float:
        """The place so far up the y axis."""
        return self.box.bottom - share * (self.box.bottom - self.box.top)

    @property
    def ground(self) -> float:
        """Where bars stand and areas end: at zero, or at the low end of an axis that has none."""
        axis = self.panel.y
        return self.y(0.0) if axis.scale != "log" and axis.low < 0 else self.box.bottom

    @property
    def room(self) -> Box:
        """Where words may stand."""
        return self.box._replace(top=self.box.top - self.spare)


def shape(frame: Frame, mark: Mark) -> tuple[Element | None, list[Box]]:
    """What is drawn for a mark, and where it is."""
    if isinstance(mark, Bars):
        return _bars(frame, mark)
    if isinstance(mark, Line):
        return _line(frame, mark)
    if isinstance(mark, Ribbon):
        return _ribbon(frame, mark), []
    if isinstance(mark, Dots):
        return _dots(frame, mark)
    return _rule(frame, mark) if isinstance(mark, Rule) else (None, [])


def wishes(frame: Frame, mark: Mark) -> list[Wish]:
    """The words that come with a mark."""
    if isinstance(mark, Words):
        x, y = frame.x(mark.x), frame.y(mark.y)
        spots = [] if isnan(x + y) else [*around(x, y, centred=True), *anywhere(x, y, frame.box)]
        return [Wish(mark.text, spots, _colour_of_text(mark.tone), mark.strong)]
    if isinstance(mark, Dots):
        return [
            Wish(dot.label, around(frame.x(dot.x), frame.y(dot.y)), _colour_of_text(mark.tone))
            for dot in mark.dots
            if dot.label and not isnan(frame.x(dot.x) + frame.y(dot.y))
        ]
    if isinstance(mark, Line) and mark.label:
        points = [point for run in _runs(frame, mark.points) for point in run]
        spots = [spot for i in (-1, 0, len(points) // 2) for spot in (around(*points[i]) if points else ())]
        return [Wish(mark.label, spots, _colour_of_text(mark.tone), strong=True)]
    if isinstance(mark, Rule) and mark.label and _is_seen(frame, mark):
        return [Wish(mark.label, _beside_rule(frame, mark), _colour_of_text(mark.tone), fixed=True)]
    return []


def _colour_of_text(tone: str) -> str:
    return "muted" if tone == "plain" else tone


def titled(element: Element, title: str) -> Element:
    """A shape that says what it is where a pointer rests on it."""
    if title:
        element.append(h("title", title))
    return element


# --- bars -------------------------------------------------------------------------------------------------------------


def _bars(frame: Frame, mark: Bars) -> tuple[Element, list[Box]]:
    group, boxes = h("g", **fill(mark.tone)), []
    for bar in mark.bars:
        box = _bar(frame, bar)
        if box is not None:
            size = {"width": box.right - box.left, "height": box.bottom - box.top}
            group.append(titled(h("rect", x=box.left, y=box.top, **size), bar.title))
            boxes.append(box)
    return group, boxes


def _bar(frame: Frame, bar: Bar) -> Box | None:
    """Where a bar is; None of one that cannot be seen."""
    left, right = sorted((frame.x(bar.start), frame.x(bar.stop)))
    end = frame.y(bar.height)
    if not left < right or isnan(end) or not bar.height:
        return None
    if right - left > _WIDE_BAR:
        left, right = left + _GAP / 2, right - _GAP / 2
    top, bottom = min(end, frame.ground), max(end, frame.ground)
    if bottom - top < _LEAST:
        top, bottom = (bottom - _LEAST, bottom) if bar.height > 0 else (top, top + _LEAST)
    return Box(left, top, right, bottom)


# --- lines and ribbons ------------------------------------------------------------------------------------------------


def _line(frame: Frame, mark: Line) -> tuple[Element, list[Box]]:
    runs = list(_runs(frame, mark.points))
    group = h("g")
    if mark.fills:
        ground = frame.ground
        closed = "".join(f"{_path([(run[0][0], ground), *run, (run[-1][0], ground)])}Z" for run in runs)
        group.append(h("path", d=closed, fill_opacity=str(_FAINT), **fill(mark.tone)))
    dashes = "6 4" if mark.dashed else None
    plain = mark.tone == "plain"
    look = stroke("axis" if plain else mark.tone, 1.2 if plain else 2)
    group.append(h("path", d="".join(map(_path, runs)), stroke_dasharray=dashes, stroke_linejoin="round", **look))
    return group, [box for run in runs for box in _along(run)]


def _runs(frame: Frame, points: Sequence[_Point]) -> Iterator[list[_Point]]:
    """The parts of a line that lie between the axes, as places of the drawing."""
    run: list[_Point] = []
    shares = [(_near(share_of(frame.panel.x, x)), _near(share_of(frame.panel.y, y))) for x, y in points]
    for start, end in zip(shares, shares[1:] or shares, strict=False):
        piece = _clipped(start, end)
        if piece is None:
            continue
        first, last = ((frame.across(x), frame.up(y)) for x, y in piece)
        if run and run[-1] != first:
            yield run
            run = []
        run += [last] if run else [first, last]
    if run:
        yield run


def _near(share: float) -> float:
    return min(max(share, -_FAR), _FAR) if not isnan(share) else share


def _clipped(start: _Point, end: _Point) -> tuple[_Point, _Point] | None:
    """What of a straight line lies between 0 and 1 on both axes."""
    if any(map(isnan, (*start, *end))):
        return None
    enters, leaves = 0.0, 1.0
    for from_, to in zip(start, end, strict=True):
        for before, after in ((from_, to), (1 - from_, 1 - to)):  # what lies inside is not below zero
            if before < 0 and after < 0:
                return None
            if before < 0 or after < 0:
                crossing = before / (before - after)
                enters, leaves = (max(enters, crossing), leaves) if before < 0 else (enters, min(leaves, crossing))
    if enters > leaves:
        return None
    return _between(start, end, enters), _between(start, end, leaves)


def _between(start: _Point, end: _Point, share: float) -> _Point:
    """The place so far on the way, and the ends themselves to the last bit."""
    if share in (0.0, 1.0):
        return end if share else start
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _path(points: Sequence[_Point]) -> str:
    """Straight lines from point to point; points that look like the one before are left out."""
    texts = [f"{place(x)} {place(y)}" for x, y in points]
    kept = [text for i, text in enumerate(texts) if i == 0 or text != texts[i - 1]]
    return f"M{'L'.join(kept)}"


def _along(run: Sequence[_Point]) -> Iterator[Box]:
    """Small boxes that cover a line."""
    for (left, top), (right, bottom) in pairwise(run):
        n = max(1, round(hypot(right - left, bottom - top) / _STRIDE))
        for i in range(n + 1):
            x, y = left + (right - left) * i / n, top + (bottom - top) * i / n
            yield Box(x - 2, y - 2, x + 2, y + 2)


def _ribbon(frame: Frame, mark: Ribbon) -> Element:
    known = [point for point in mark.points if not any(map(isnan, point))]
    above = [(frame.x(x), frame.y(high)) for x, _, high in known]
    below = [(frame.x(x), frame.y(low)) for x, low, _ in reversed(known)]
    outline = f"{_path([*above, *below])}Z" if known else ""
    return h("path", d=outline, fill_opacity=str(_FAINT), **fill(mark.tone))


# --- dots -------------------------------------------------------------------------------------------------------------


def _dots(frame: Frame, mark: Dots) -> tuple[Element, list[Box]]:
    group, boxes = h("g", **both(mark.tone, mark.tone, 1.5)), []
    for dot in mark.dots:
        x, y = frame.x(dot.x), frame.y(dot.y)
        if isnan(x) or isnan(y):
            continue
        whole = h("g")
        low, high = (nan if end is None else frame.y(end) for end in (dot.low, dot.high))
        if not isnan(low + high):
            whole.append(h("path", d=f"M{place(x)} {place(high)}V{place(low)}"))
            boxes.append(Box(x - 2, high, x + 2, low))
        whole.append(marker(mark.tone, x, y, hollow=dot.hollow))
        group.append(titled(whole, _title(dot)))
        boxes.append(Box(x - _RADIUS - 1, y - _RADIUS - 1, x + _RADIUS + 1, y + _RADIUS + 1))
    return group, boxes


def _title(dot: Dot) -> str:
    return dot.title or dot.label


def marker(tone: str, x: float, y: float, *, hollow: bool = False) -> Element:
    """A point of its tone: a disc, or another shape of the second and the third of what is compared."""
    look = fill("paper") if hollow else {}
    if tone == "second":
        side = 2 * _RADIUS - 0.6
        return h("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, **look)
    if tone == "third":
        return h("path", d=f"M{place(x)} {place(y - 5)}l5 5l-5 5l-5 -5Z", **look)
    return h("circle", cx=x, cy=y, r=_RADIUS, **look)


def swatch(tone: str) -> tuple[list[Element], float]:
    """What a tone looks like in a key, and how wide that is: a square, or a line and its point where models differ."""
    if tone not in _MODELS:
        return [h("rect", width=12.0, height=12.0, rx=2.0, **fill(tone))], 12.0
    line = h("path", d="M0 6H26", stroke_dasharray="6 4" if tone == "second" else None, **stroke(tone, 2))
    return [line, h("g", marker(tone, 13, 6), **both(tone, tone, 1.5))], 26.0


# --- rules ------------------------------------------------------------------------------------------------------------


def _is_seen(frame: Frame, mark: Rule) -> bool:
    return 0 <= share_of(frame.panel.y if mark.level else frame.panel.x, mark.at) <= 1


def _rule(frame: Frame, mark: Rule) -> tuple[Element | None, list[Box]]:
    if not _is_seen(frame, mark):
        return None, []
    box = frame.box
    if mark.level:
        y = frame.y(mark.at)
        line, covered = f"M{place(box.left)} {place(y)}H{place(box.right)}", box._replace(top=y - 1, bottom=y + 1)
    else:
        x = frame.x(mark.at)
        line, covered = (
            f"M{place(x)} {place(frame.room.top)}V{place(box.bottom)}",
            box._replace(left=x - 1, right=x + 1),
        )
    look = stroke("muted" if mark.tone == "plain" else mark.tone, 1.2)
    return h("path", d=line, stroke_dasharray="2 3", **look), [covered]


def _beside_rule(frame: Frame, mark: Rule) -> list[Spot]:
    """The places of the words of a rule: at its end, and row after row beside it."""
    box = frame.box
    if mark.level:
        y = frame.y(mark.at)
        ends = ((box.right, "end"), (box.left + 4, "start"))
        return [Spot(x, at, side) for at in (y - 5, y + 14) for x, side in ends]
    x = frame.x(mark.at)
    rows = [frame.room.top + 12 + LINE * i for i in range(_ROWS)]
    sides = [(1, "start"), (-1, "end")]
    rules = [each for each in frame.panel.marks if isinstance(each, Rule) and each.label and not each.level]
    if any(_is_seen(frame, each) and frame.x(each.at) > x for each in rules):
        sides.reverse()  # leave the room on the right to the next one
    return [Spot(x + 5 * way, y, side) for y in rows for way, side in sides]
