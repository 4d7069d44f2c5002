"""Words that keep clear of each other, of marks and of the edge."""

from hypothesis import given
from hypothesis import strategies as st

from nllcli.outputs.drawing.canvas import Box, Canvas, Spot, Wish, anywhere, around, box_of
from nllcli.outputs.drawing.tree import h

ROOM = Box(20, 20, 380, 180)


def written(canvas):
    """The words of a drawing, each with what it covers."""
    found = []
    for text in canvas.elements():
        if text.tag == "text":
            spot = Spot(float(text.get("x")), float(text.get("y")), text.get("text-anchor", "start"))
            words = "".join(text.itertext())
            found.append((words, box_of(words, spot, strong=text.get("font-weight") == "bold")))
    return found


places = st.tuples(st.floats(-50, 450), st.floats(-50, 250))


@given(st.lists(st.tuples(places, st.text("abcdefg hijk", min_size=1, max_size=12), st.booleans()), max_size=12))
def test_no_word_stands_on_another_nor_outside(wanted):
    canvas = Canvas(400)
    wishes = [Wish(f"x{text}x", around(*at, centred=True), strong=strong) for at, text, strong in wanted]
    canvas.fulfil(wishes, ROOM)
    boxes = [box for _, box in written(canvas)]
    for i, box in enumerate(boxes):
        assert box.is_within(Box(19.9, 19.9, 380.1, 180.1))
        assert not any(box.meets(other) for other in boxes[:i])


def test_a_word_stands_beside_marks_if_it_can_and_on_them_if_it_must():
    mark = Box(0, 0, 200, 200)
    canvas = Canvas(400)
    canvas.add(h("rect"), [mark])
    canvas.fulfil([Wish("beside", around(190, 100, centred=True))], ROOM)
    canvas.fulfil([Wish("on it", [Spot(100, 100)])], ROOM)
    (_, beside), (_, on_it) = written(canvas)
    assert not beside.meets(mark)
    assert on_it.meets(mark)


def test_what_is_strong_has_its_place_first():
    canvas = Canvas(400)
    canvas.fulfil([Wish("one", [Spot(100, 100)]), Wish("two", [Spot(100, 100)], strong=True)], ROOM)
    assert [text for text, _ in written(canvas)] == ["two"]


def test_a_fixed_word_does_not_move_into_the_room():
    canvas = Canvas(400)
    canvas.fulfil([Wish("beyond", [Spot(370, 100, "start")], fixed=True)], ROOM)
    assert written(canvas) == []
    canvas.fulfil([Wish("beyond", [Spot(370, 100, "start")])], ROOM)
    ((_, box),) = written(canvas)
    assert box.right <= ROOM.right + 0.1


def test_text_never_leaves_the_drawing():
    canvas = Canvas(100)
    canvas.write("left", Spot(0, 20))
    canvas.write("right", Spot(100, 60))
    (_, left), (_, right) = written(canvas)
    assert left.left >= -0.1
    assert right.right <= 100.1


def test_turned_text_is_as_high_as_it_is_wide():
    flat = box_of("words", Spot(50, 50, "start"))
    turned = box_of("words", Spot(50, 50, "start"), turned=True)
    assert round(turned.bottom - turned.top, 6) == round(flat.right - flat.left, 6)
    assert turned.bottom == 50


def test_anywhere_is_everywhere():
    spots = anywhere(30, 30, ROOM)
    assert spots[0] == Spot(20, 33 + 1 / 3)
    assert {(spot.x, spot.y) for spot in spots} >= {(20, 20), (380, 20), (20, 180), (380, 180)}
