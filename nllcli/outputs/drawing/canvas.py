"""A drawing under way: its shapes, its words, and where each of them is, so that no word stands on another."""

from collections.abc import Iterable, Sequence
from math import hypot
from typing import NamedTuple
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.letters import SIZE, set_text, width_of
from nllcli.outputs.drawing.palette import COLOURS, fill
from nllcli.outputs.drawing.tree import h

_ABOVE, _BELOW = 0.92, 0.27  # how far letters reach from the line they stand on, as a share of their size
_APART = 2.0  # pixels between two words
_PLACES = 12  # that are tried, across and down
_HALO = 3.5  # the width of what keeps a word clear of the shapes under it


class Box(NamedTuple):
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box", apart: float = 0.0) -> bool:
        """Tell whether they overlap, or are nearer than so many pixels."""
        beside = self.left >= other.right + apart or other.left >= self.right + apart
        return not (beside or self.top >= other.bottom + apart or other.top >= self.bottom + apart)

    def is_within(self, other: "Box") -> bool:
        """Tell whether all of it lies in the other."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


class Spot(NamedTuple):
    """Where text may stand: a place on its line, which is its start, middle or end."""

    x: float
    y: float
    anchor: str = "middle"


class Wish(NamedTuple):
    """Text, and the places where it may stand, the best first, moved into the room where it would leave it.

    A ``fixed`` one stays where it is, or does not stand there.
    """

    text: str
    spots: Sequence[Spot]
    colour: str = "muted"
    strong: bool = False
    fixed: bool = False


def around(x: float, y: float, *, centred: bool = False) -> list[Spot]:
    """The places next to a point, those nearest first; ``centred`` text is on it if it can."""
    found = [Spot(x, y + 4)] if centred else []
    for far in (9.0, 15.0, 23.0, 34.0, 48.0, 66.0):
        high, low = y - far * 0.7, y + far * 0.7 + SIZE * 0.75
        found += [Spot(x + far, y + 4, "start"), Spot(x - far, y + 4, "end"), Spot(x, high), Spot(x, low)]
        found += [Spot(x + far, high, "start"), Spot(x - far, high, "end")]
        found += [Spot(x + far, low, "start"), Spot(x - far, low, "end")]
    return found


def anywhere(x: float, y: float, room: Box) -> list[Spot]:
    """Places all over the room, those nearest to a point first."""
    across = [room.left + (room.right - room.left) * i / _PLACES for i in range(_PLACES + 1)]
    down = [room.top + (room.bottom - room.top) * i / _PLACES for i in range(_PLACES + 1)]
    found = [Spot(at, low) for at in across for low in down]
    return sorted(found, key=lambda spot: hypot(spot.x - x, spot.y - y))


class Canvas:
    """A drawing so wide, which grows downwards."""

    def __init__(self, width: float) -> None:
        self.width = width
        self.height = 0.0
        self._shapes: list[Element] = []
        self._texts: list[Element] = []
        self._words: list[Box] = []  # which no other word may touch
        self._marks: list[Box] = []  # which a word had better not cover

    def add(self, shape: Element | None, marks: Iterable[Box] = ()) -> None:
        """Draw a shape; where its ``marks`` are, words stand only where there is no other room."""
        if shape is not None:
            self._shapes.append(shape)
            self._marks += marks

    def write(
        self,
        text: str,
        spot: Spot,
        *,
        colour: str = "muted",
        strong: bool = False,
        size: float = SIZE,
        turned: bool = False,
        halo: bool = False,
    ) -> None:
        """Write text at a place, moved as far as it would leave the drawing; ``turned`` text runs upwards."""
        at, box = self._placed(text, spot, strong=strong, size=size, turned=turned)
        self._words.append(box)
        element = h(
            "text",
            x=at.x,
            y=at.y,
            text_anchor=None if at.anchor == "start" else at.anchor,
            font_weight="bold" if strong else None,
            font_size=None if size == SIZE else size,
            transform=f"rotate(-90 {at.x:.1f} {at.y:.1f})" if turned else None,
            **fill(colour),
        )
        if halo:
            kept = element.attrib["class"]
            element.attrib |= {"class": f"{kept} s-paper", "stroke": COLOURS["paper"][0], "paint-order": "stroke"}
            element.attrib |= {"stroke-width": str(_HALO), "stroke-linejoin": "round"}
        set_text(element, text, size)
        self._texts.append(element)

    def _placed(self, text: str, spot: Spot, *, strong: bool, size: float, turned: bool) -> tuple[Spot, Box]:
        """The place of text that stays in the drawing, and what it covers there."""
        box = box_of(text, spot, strong=strong, size=size, turned=turned)
        moved = max(0.0, -box.left) - max(0.0, box.right - self.width)
        at = spot._replace(x=spot.x + moved)
        return at, box._replace(left=box.left + moved, right=box.right + moved)

    def fulfil(self, wishes: Sequence[Wish], room: Box) -> None:
        """Write what has a place in the room, first what is strong: beside all marks, or else on the fewest."""
        for wish in sorted(wishes, key=lambda wish: not wish.strong):
            self._fulfil(wish, room)

    def _fulfil(self, wish: Wish, room: Box) -> None:
        best, fewest = None, len(self._marks) + 1
        for spot in wish.spots if wish.fixed else [_inside(wish, spot, room) for spot in wish.spots]:
            box = box_of(wish.text, spot, strong=wish.strong)
            if box.is_within(room) and not any(box.meets(word, _APART) for word in self._words):
                n_covered = sum(box.meets(mark) for mark in self._marks)
                if n_covered < fewest:
                    best, fewest = spot, n_covered
                if not n_covered:
                    break
        if best is not None:
            self.write(wish.text, best, colour=wish.colour, strong=wish.strong, halo=True)

    def elements(self) -> list[Element]:
        """What is drawn, the words on top."""
        return [*self._shapes, *self._texts]


def box_of(text: str, spot: Spot, *, strong: bool = False, size: float = SIZE, turned: bool = False) -> Box:
    """What text covers at a place."""
    width = width_of(text, size, strong=strong)
    before = {"start": 0.0, "middle": width / 2, "end": width}[spot.anchor]
    if turned:
        low = spot.y + before
        return Box(spot.x - _ABOVE * size, low - width, spot.x + _BELOW * size, low)
    left = spot.x - before
    return Box(left, spot.y - _ABOVE * size, left + width, spot.y + _BELOW * size)


def _inside(wish: Wish, spot: Spot, room: Box) -> Spot:
    """A place moved into the room, as far as text at it would leave it."""
    box = box_of(wish.text, spot, strong=wish.strong)
    across = max(0.0, room.left - box.left) - max(0.0, box.right - room.right)
    down = max(0.0, room.top - box.top) - max(0.0, box.bottom - room.bottom)
    return spot._replace(x=spot.x + across, y=spot.y + down)
