"""Drawings in the cells of a table."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.palette import fill, stroke
from nllcli.outputs.drawing.tree import h, place
from nllcli.outputs.numbers import texts
from nllcli.report import Belief, Column, Gauge, Interval

_WIDTH, _HEIGHT, _TALL = 132.0, 16.0, 24.0
_MIDDLE, _THICK = 8.0, 10.0
_LEAST = 1.0  # of what is there at all
_LEAST_SEEN = 0.004  # of the probabilities of one sample


def small(column: Column, value: Any) -> Element | None:
    """The drawing of one cell; None where there is nothing to draw."""
    kind, draw = _DRAWN[column.kind]
    if not isinstance(value, kind) or value != value:  # noqa: PLR0124 - which NaN alone is not
        return None
    return draw(value, column.tone)


def _svg(label: str, *children: Element | None, width: float = _WIDTH, height: float = _HEIGHT) -> Element:
    size = {"width": width, "height": height}
    return h("svg", *children, role="img", aria_label=label, class_="cell", **size)


def _share(x: float) -> str:
    return texts("share", [x])[0]


def _across(share: float) -> float:
    return 1 + min(max(share, 0.0), 1.0) * (_WIDTH - 2)


def _bar(value: float, tone: str) -> Element:
    return _svg(_share(value), _filled(value, tone))


def _filled(share: float, tone: str) -> Element | None:
    width = _across(share) - 1
    if not share > 0:
        return None
    return h("rect", x=1, y=_MIDDLE - _THICK / 2, width=max(width, _LEAST), height=_THICK, **fill(tone))


def _interval(found: Interval, tone: str) -> Element:
    if found.low == found.high:  # which is known of nothing
        return _bar(found.value, tone)
    label = f"{_share(found.value)}, {_share(found.low)} to {_share(found.high)}"
    low, high = _across(found.low), _across(found.high)
    line = h("path", d=f"M{place(low)} {place(_MIDDLE)}H{place(high)}", **stroke("ink", 1.5))
    ends = "".join(f"M{place(x)} {place(_MIDDLE - 3)}v6" for x in (low, high))
    return _svg(label, _filled(found.value, tone), line, h("path", d=ends, **stroke("ink", 1.5)))


def _gauge(found: Gauge, tone: str) -> Element:
    label = f"{_share(found.share)}, claimed {_share(found.claim)}"
    low, high = _across(found.claim - found.chance), _across(found.claim + found.chance)
    reach = h("rect", x=low, y=1, width=max(high - low, _LEAST), height=_HEIGHT - 2, **fill("grid"))
    claim = _across(found.claim)
    line = h("path", d=f"M{place(claim)} 0V{place(_HEIGHT)}", **stroke("ink", 1.5))
    is_beyond = abs(found.share - found.claim) > found.chance
    star = h("text", "*", x=_WIDTH + 2, y=_HEIGHT - 2, font_size=16.0, **fill("ink")) if is_beyond else None
    return _svg(label, reach, _filled(found.share, tone), line, star, width=_WIDTH + 12)


def _belief(found: Belief, _: str) -> Element:
    """A bar a class, that of the target in the colour of losses and that of the prediction in that of samples."""
    n = max(1, len(found.probabilities))
    step = min((_WIDTH - 2) / n, 11.0)
    shapes: list[Element | None] = [h("path", d=f"M0 {place(_TALL - 0.5)}h{place(n * step + 2)}", **stroke("axis"))]
    for i, p in enumerate(found.probabilities):
        is_named = i in (found.target, found.top)
        if p >= _LEAST_SEEN or is_named:
            tone = "loss" if i == found.target else "samples" if i == found.top else "axis"
            tall = max(_LEAST, (_TALL - 3) * min(max(p, 0.0), 1.0))
            width = max(1.0, step - 1.5)
            shapes.append(h("rect", x=1 + i * step, y=_TALL - 1 - tall, width=width, height=tall, **fill(tone)))
    named = [(name, i) for name, i in (("target", found.target), ("top", found.top)) if i is not None]
    said = (f"{name} {texts('probability', [found.probabilities[i]])[0]}" for name, i in named)
    return _svg(", ".join(said) or "probabilities", *shapes, height=_TALL)


_DRAWN: dict[str, tuple[type, Callable[[Any, str], Element]]] = {
    "bar": (float, _bar),
    "interval": (Interval, _interval),
    "gauge": (Gauge, _gauge),
    "belief": (Belief, _belief),
}
