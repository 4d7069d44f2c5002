"""Whatever is to be drawn, a drawing holds it."""

import re
from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from nllcli.drawing import Axis, Bar, Bars, Dot, Dots, Line, Panel, Ribbon, Rule, Words
from nllcli.outputs.drawing.canvas import Box, Spot, box_of
from nllcli.outputs.drawing.svg import draw_all, svg
from nllcli.outputs.drawing.tree import xml

VALUES = st.one_of(
    st.floats(-10, 110), st.floats(allow_nan=True), st.sampled_from([0.0, 1.0, 100.0, inf, -inf, nan, 1e-300, 1e300])
)
FINITE = st.one_of(st.floats(-10, 110), st.floats(-1e300, 1e300), st.sampled_from([0.0, 1e-300, 1e300]))
TONES = st.sampled_from(["samples", "loss", "first", "second", "third", "plain"])
TEXT = st.text(max_size=40)
SOME = {"max_size": 6}


@st.composite
def axes(draw):
    scale = draw(st.sampled_from(["linear", "log", "signed-log"]))
    numbers = st.floats(1e-300, 1e300) if scale == "log" else FINITE
    kind = draw(st.sampled_from(["number", "count", "share", "probability", "text"]))
    ticks = draw(st.one_of(st.none(), st.lists(st.tuples(FINITE, TEXT), **SOME).map(tuple)))
    near = draw(st.floats(1e-6, 1e3))
    return Axis(draw(numbers), draw(numbers), draw(TEXT), scale, kind, near, ticks)


def lists(*parts):
    return st.lists(st.tuples(*parts), **SOME).map(tuple)


def tuples_of(record, *parts):
    return st.lists(st.builds(record, *parts), **SOME).map(tuple)


FLAG = st.booleans()
MAYBE = st.one_of(st.none(), VALUES)
MARKS = st.one_of(
    st.builds(Bars, TONES, tuples_of(Bar, VALUES, VALUES, VALUES, TEXT)),
    st.builds(Line, TONES, lists(VALUES, VALUES), FLAG, FLAG, TEXT),
    st.builds(Ribbon, TONES, lists(VALUES, VALUES, VALUES)),
    st.builds(Dots, TONES, tuples_of(Dot, VALUES, VALUES, MAYBE, MAYBE, FLAG, TEXT, TEXT)),
    st.builds(Rule, VALUES, TEXT, FLAG, TONES),
    st.builds(Words, VALUES, VALUES, TEXT, TONES, FLAG),
)
PANELS = st.builds(
    Panel, axes(), axes(), st.lists(MARKS, **SOME).map(tuple), st.floats(0.3, 2), st.one_of(st.none(), axes())
)


def words(element):
    for text in element.iter("text"):
        spot = Spot(float(text.get("x")), float(text.get("y")), text.get("text-anchor", "start"))
        plain = "".join(text.itertext())
        if not len(text):  # no exponent
            yield plain, box_of(plain, spot, strong=text.get("font-weight") == "bold")


@given(st.lists(PANELS, min_size=1, max_size=3), st.sampled_from([350, 500, 1040]))
def test_everything_is_somewhere_and_in_the_drawing(panels, width):
    element = svg(width, lambda canvas: draw_all(canvas, panels))
    height = float(element.get("height"))
    assert 0 < height < 5000
    assert not re.search(r'(?:[ "MLHV])-?(?:nan|inf)', re.sub(r"<(text|title|tspan)[^>]*>[^<]*", "", xml(element)))
    for rect in element.iter("rect"):
        x, y, across, down = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        assert across >= 0
        assert down >= 0
        assert Box(x, y, x + across, y + down).is_within(Box(-0.2, -0.2, width + 0.2, height + 0.2))
    for path in element.iter("path"):
        for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", re.sub(r"[a-z].*", "", path.get("d"))):
            assert -1 <= float(x) <= width + 1
            assert -1 <= float(y) <= height + 1


@given(st.lists(PANELS, min_size=1, max_size=2))
def test_words_beside_axes_stay_in_the_drawing(panels):
    element = svg(500, lambda canvas: draw_all(canvas, panels))
    for plain, box in words(element):
        assert box.left >= -0.2, plain
        assert box.right <= 500.2, plain
