"""What is drawn: whole files kept byte for byte, and laws of single marks."""

import re
from dataclasses import replace
from math import inf, nan

import pytest
from kept import FOLDER, compare
from pictured import COMPARED, HOSTILE, PICTURES, REPORT

from nllcli.drawing import Axis, Bar, Bars, Cell, Dot, Dots, Heat, Line, Panel, Passage, Piece, Ribbon, Rule, Words
from nllcli.outputs.drawing.alone import alone
from nllcli.outputs.drawing.canvas import Canvas
from nllcli.outputs.drawing.palette import COLOURS
from nllcli.outputs.drawing.small import small
from nllcli.outputs.drawing.strip import draw_strip
from nllcli.outputs.drawing.svg import draw_all, svg
from nllcli.outputs.drawing.tree import xml
from nllcli.outputs.formats import printable
from nllcli.report import Belief, Column, Gauge, Interval, Strip

X, Y = Axis(0, 10), Axis(0, 100)
DRAWN = [picture for picture in PICTURES if picture.drawings]


@pytest.mark.parametrize("picture", DRAWN, ids=lambda picture: picture.key)
def test_a_file_of_its_own(picture, update_golden):
    compare(f"{picture.key}.svg", xml(alone(picture, follows_scheme=True)) + "\n", update_golden)


@pytest.mark.parametrize("report", [REPORT, COMPARED], ids=["filled", "signed"])
@pytest.mark.parametrize("width", [560, 320])
def test_a_strip(report, width, update_golden):
    drawn = xml(svg(width, lambda canvas: draw_strip(canvas, report.strip))) + "\n"
    compare(f"strip-{report.command}-{width}.svg", drawn, update_golden)


def test_nothing_kept_is_unused():
    strips = {f"strip-{report.command}-{width}.svg" for report in (REPORT, COMPARED) for width in (560, 320)}
    pages = {"page.html"}
    assert {path.name for path in FOLDER.iterdir()} == {f"{each.key}.svg" for each in DRAWN} | strips | pages


@pytest.mark.parametrize("picture", DRAWN, ids=lambda picture: picture.key)
def test_without_a_style_sheet_the_colours_are_the_light_ones(picture):
    plain = xml(alone(picture, follows_scheme=False))
    styled = re.sub(r"<style>.*?</style>\n?", "", xml(alone(picture, follows_scheme=True)), flags=re.DOTALL)
    assert "class=" not in plain
    assert re.sub(r' class="[^"]*"', "", styled).partition("font-family")[0] == plain.partition("font-family")[0]
    assert {*re.findall(r'(?:fill|stroke)="([^"]*)"', plain)} <= {"none", *(light for light, _ in COLOURS.values())}


# --- single marks -----------------------------------------------------------------------------------------------------


def drawn(*marks, x=X, y=Y, width=500, **options):
    return svg(width, lambda canvas: draw_all(canvas, [Panel(x, y, marks, **options)]))


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


def bars(*found, **options):
    element = drawn(Bars("samples", found), **options)
    (group,) = [each for each in element.iter("g") if each.get("class") == "f-samples"]
    return [numbers(rect, "x", "y", "width", "height") for rect in group.iter("rect")]


def paths(element, look):
    return [path.get("d") for path in element.iter("path") if look in path.get("class", "")]


def grid(element):
    """Where the lines of the y axis are, by what is written beside them."""
    (lines,) = paths(element, "s-grid")
    left = float(re.match(r"M([\d.]+)", lines)[1])
    beside = [text for text in element.iter("text") if text.get("text-anchor") == "end"]
    texts = {float(text.get("y")) - 4: "".join(text.itertext()) for text in beside if float(text.get("x")) == left - 6}
    return {texts[float(y)]: float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)H", lines)}


def test_bars_stand_side_by_side_on_the_axis_and_are_as_high_as_they_say():
    element = drawn(Bars("samples", (Bar(0, 5, 100), Bar(5, 10, 50))))
    bottom, top = grid(element)["0"], grid(element)["100"]
    (x1, y1, w1, h1), (x2, y2, w2, h2) = bars(Bar(0, 5, 100), Bar(5, 10, 50))
    assert (y1, y1 + h1) == pytest.approx((top, bottom), abs=0.11)
    assert (y2, y2 + h2) == pytest.approx(((top + bottom) / 2, bottom), abs=0.11)
    assert (x2 - (x1 + w1), w1) == pytest.approx((1, w2), abs=0.11)
    (axis,) = [path for path in paths(element, "s-axis") if "H" in path]
    assert re.findall(r"[\d.]+", axis) == [f"{x1 - 0.5:g}", f"{bottom:g}", f"{x2 + w2 + 0.5:g}"]


def test_bars_below_zero_hang_from_it():
    element = drawn(y=Axis(-100, 100))
    zero = grid(element)["0"]
    (_, y1, _, h1), (_, y2, _, h2) = bars(Bar(0, 5, 60), Bar(5, 10, -60), y=Axis(-100, 100))
    assert (y1 + h1, y2) == pytest.approx((zero, zero), abs=0.11)
    assert h1 == pytest.approx(h2, abs=0.11)


def test_a_bar_of_little_is_seen_and_one_of_nothing_is_not():
    found = bars(Bar(0, 1, 1e-9), Bar(1, 2, -1e-9), Bar(2, 3, 0), Bar(3, 4, nan), Bar(4, 4, 5), Bar(20, 30, 5))
    assert [height for _, _, _, height in found] == [1, 1]
    assert found[0][1] + 1 == found[1][1]


def test_bars_on_an_axis_that_runs_down_are_mirrored():
    up, down = bars(Bar(0, 2, 50)), bars(Bar(0, 2, 50), x=Axis(10, 0))
    (x, y, width, height), (mirrored, *same) = up[0], down[0]
    assert same == pytest.approx([y, width, height])
    assert mirrored > x


def test_many_bars_have_no_gaps():
    found = bars(*(Bar(i / 50, i / 50 + 0.02, 50) for i in range(500)))
    assert len(found) == 500
    assert found[1][0] == pytest.approx(found[0][0] + found[0][2], abs=0.11)


def points(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"([-\d.]+) ([-\d.]+)", path)]


def frame_of(element):
    (axis,) = [path for path in paths(element, "s-axis") if "H" in path]
    left, bottom, right = map(float, re.findall(r"[\d.]+", axis))
    return left, right, bottom, bottom - 220


def line(*found, **options):
    element = drawn(Line("loss", found, **options))
    return [points(part) for part in paths(element, "s-loss")[0].split("M") if part], frame_of(element)


def test_a_line_goes_through_its_points():
    (run,), (left, right, bottom, top) = line((0, 0), (5, 75), (10, 100))
    middle = (left + right) / 2
    assert run == [pytest.approx(at, abs=0.11) for at in ((left, bottom), (middle, bottom - 165), (right, top))]


def test_a_line_ends_at_the_edge_and_comes_back():
    runs, (left, right, bottom, top) = line((-5, 50), (5, 50), (5, 150), (7, 150), (7, 50), (8, nan), (9, 0), (15, 0))
    middle = (bottom + top) / 2
    width = right - left
    assert runs == [
        [pytest.approx(at, abs=0.11) for at in ((left, middle), (left + width / 2, middle), (left + width / 2, top))],
        [pytest.approx(at, abs=0.11) for at in ((left + 0.7 * width, top), (left + 0.7 * width, middle))],
        [pytest.approx(at, abs=0.11) for at in ((left + 0.9 * width, bottom), (right, bottom))],
    ]


def test_a_line_across_a_corner_leaves_nothing():
    runs, _ = line((-5, 90), (1, 190))
    assert runs == []


def test_a_line_to_infinity_is_drawn_as_far_as_the_axis():
    runs, (left, _, _, top) = line((0, 50), (0, inf))
    assert runs[0][-1] == pytest.approx((left, top), abs=0.11)


def test_a_line_of_one_point_and_one_of_none():
    assert len(line((5, 50))[0]) == 1
    assert line()[0] == []
    assert "label" not in xml(drawn(Line("loss", (), label="label")))


def test_an_area_ends_on_the_axis_or_at_zero():
    for low in (0, -100):
        element = drawn(Line("loss", ((0, 50), (10, 50)), fills=True), y=Axis(low, 100))
        ((start, *_, end),) = [points(path) for path in paths(element, "f-loss")]
        assert start[1] == end[1] == pytest.approx(grid(element)["0"])


def test_a_ribbon_lies_between_its_lines():
    element = drawn(Ribbon("samples", ((0, 20, 40), (5, nan, nan), (10, 30, 60))))
    found = points(paths(element, "f-samples")[0])
    left, right, bottom, _ = frame_of(element)
    expected = [(left, 40), (right, 60), (right, 30), (left, 20)]
    assert found == [pytest.approx((x, bottom - 2.2 * y), abs=0.11) for x, y in expected]
    assert paths(drawn(Ribbon("samples", ())), "f-samples") == [""]


def test_dots_have_their_intervals_and_shapes():
    dots = (Dot(5, 50, 20, 90), Dot(5, 50, hollow=True, title="told"), Dot(nan, 1), Dot(1, nan))
    element = drawn(Dots("samples", dots))
    first, second = [group for group in element.iter("g") if group.get("class") is None]
    left, right, bottom, _ = frame_of(element)
    x, low, high = (left + right) / 2, bottom - 44, bottom - 198
    assert first.find("path").get("d") == f"M{x:.1f} {high:.1f}V{low:.1f}".replace(".0", "")
    assert numbers(first.find("circle"), "cx", "cy") == pytest.approx([x, bottom - 110], abs=0.11)
    assert second.find("circle").get("fill") == COLOURS["paper"][0]
    assert second.find("title").text == "told"
    assert second.find("path") is None


@pytest.mark.parametrize(("tone", "shape"), [("first", "circle"), ("second", "rect"), ("third", "path")])
def test_models_differ_by_shape(tone, shape):
    element = drawn(Dots(tone, (Dot(5, 50),)))
    (group,) = [group for group in element.iter("g") if group.get("class") is None]
    assert [child.tag for child in group] == [shape]


def words(element):
    return {"".join(text.itertext()): numbers(text, "x", "y") for text in element.iter("text")}


def test_a_rule_stands_at_its_place_with_its_words_beside_it():
    element = drawn(Rule(5, "upright"), Rule(50, "level", level=True), Rule(11, "beyond"), Rule(-1))
    left, right, bottom, _ = frame_of(element)
    upright, level = [points(path.replace("H", " ").replace("V", " ")) for path in paths(element, "s-muted")]
    assert upright[0][0] == pytest.approx((left + right) / 2, abs=0.11)
    assert level[0] == pytest.approx((left, bottom - 110), abs=0.11)
    found = words(element)
    assert found["upright"][0] == pytest.approx((left + right) / 2 + 5, abs=0.11)
    assert found["level"][1] == pytest.approx(bottom - 115, abs=0.11)
    assert "beyond" not in found


def test_the_words_of_rules_leave_room_for_each_other():
    rules = (Rule(6, "the one before"), Rule(6.5, "the other"))
    element = drawn(*rules)
    (before, y), (after, other_y) = (words(element)[rule.label] for rule in rules)
    assert before < after
    assert y == other_y


def test_words_without_a_place_are_left_out():
    many = [Words(5, 50, f"many words {i}") for i in range(200)]
    assert 20 < sum(text.startswith("many") for text in words(drawn(*many))) < 200


def test_panels_share_their_left_side_and_say_once_what_they_share():
    panels = [Panel(X, Axis(0, 1e6, "high", kind="count"), ()), Panel(X, replace(Y, label="low"), (), height=0.5)]
    element = svg(500, lambda canvas: draw_all(canvas, panels))
    axes = [points(path.replace("H", " ")) for path in paths(element, "s-axis") if "H" in path]
    assert axes[0][0][0] == axes[1][0][0]
    texts = ["".join(text.itertext()) for text in element.iter("text")]
    assert texts.count("10") == 1
    apart = svg(500, lambda canvas: draw_all(canvas, [panels[0], replace(panels[1], x=Axis(0, 20))]))
    assert ["".join(text.itertext()) for text in apart.iter("text")].count("10") == 2


@pytest.mark.parametrize(("label", "lines"), [("", 0), ("samples", 0), ("samples of every class", 1)])
def test_the_axis_above_has_its_label_beside_that_of_the_other_or_below(label, lines):
    above = Axis(0, 10, "a label that is rather long, of the axis above", ticks=((5, "half"),))
    found = words(drawn(y=replace(Y, label=label), above=above, width=350))
    y = found[above.label][1]
    assert y - found.get(label, (0, y))[1] == 17 * lines
    assert found["half"][1] > y


def test_own_ticks_that_have_no_room_are_left_out_but_for_the_ends():
    ticks = tuple((float(i), f"a long name, {i}") for i in range(11))
    found = [text for text in words(drawn(x=replace(X, ticks=ticks))) if text.startswith("a long")]
    assert {"a long name, 0", "a long name, 10"} < {*found}
    assert len(found) < 7
    assert found == sorted(found, key=lambda text: int(text.split()[-1]))
    wide = tuple((float(i), f"{i}{'x' * 90}") for i in (4, 5))
    assert [text[0] for text in words(drawn(x=replace(X, ticks=wide))) if "xxx" in text] == ["4"]


def test_long_names_beside_an_axis_are_shortened():
    ticks = tuple((float(i), name) for i, name in enumerate(HOSTILE))
    element = drawn(y=Axis(0, 10, kind="text", ticks=ticks), width=350)
    assert frame_of(element)[0] < 0.4 * 350
    assert "<script>alert(1)</script>" not in xml(element)


# --- heat maps and passages -------------------------------------------------------------------------------------------


def heat(n, cells=(), width=500, name=str):
    names = tuple(map(name, range(n)))
    found = Heat("is", "taken for", names, names, tuple(cells))
    return svg(width, lambda canvas: draw_all(canvas, [found]))


def test_a_cell_is_where_its_row_meets_its_column():
    element = heat(4, [Cell(1, 2, 1.0, "7", "seven")])
    (cell,) = [rect for rect in element.iter("rect") if rect.get("class") == "f-samples"]
    x, y, width, height = numbers(cell, "x", "y", "width", "height")
    found = words(element)
    assert found["7"] == pytest.approx([x + (width + 1) / 2, y + (height + 1) / 2 + 4], abs=0.11)
    columns = [text for text in element.iter("text") if "".join(text.itertext()) == "2"]
    rows = [text for text in element.iter("text") if "".join(text.itertext()) == "1"]
    assert min(abs(float(text.get("x")) - found["7"][0]) for text in columns) < 0.11
    assert min(abs(float(text.get("y")) - found["7"][1]) for text in rows) < 0.11
    assert cell.find("title").text == "seven"


def test_what_counts_more_is_stronger():
    element = heat(5, [Cell(0, i, i / 4) for i in range(5)])
    found = [float(rect.get("fill-opacity")) for rect in element.iter("rect") if rect.get("class") == "f-samples"]
    assert found == sorted(found)
    assert found[0] > 0
    assert found[-1] == 1


def test_a_number_without_room_in_its_cell_is_left_to_the_pointer():
    assert "123456789" not in words(heat(20, [Cell(0, 0, 1, "123456789")]))


@pytest.mark.parametrize(("n", "name"), [(3, "name {}".format), (12, "a rather long name {}".format), (60, str)])
def test_names_of_columns_run_upwards_where_they_have_no_room(n, name):
    element = heat(n, name=name)
    turned = [text for text in element.iter("text") if text.get("transform")]
    assert bool(turned) == (n > 3)
    assert len(turned) <= 40


def test_a_heat_map_of_other_rows_than_columns_has_no_diagonal():
    found = Heat("one", "other", ("a", "b"), ("b", "c"), ())
    element = svg(500, lambda canvas: draw_all(canvas, [found, found]))
    assert not [group for group in element.iter("g") if group.get("class") == "f-grid"]


def passage(*pieces, **options):
    return svg(350, lambda canvas: draw_all(canvas, [Passage(pieces, **{"key": (), **options})]))


def test_a_passage_is_folded_at_its_pieces_and_keeps_its_lines():
    element = passage(*(Piece(f"{i:03} ", 0.5) for i in range(40)), Piece("\n", 0), Piece("x" * 200, 1, "told"))
    texts = list(element.iter("text"))
    assert "".join(text.text for text in texts).replace(" ", "") == "".join(f"{i:03}" for i in range(40)) + "x" * 200
    assert all(float(text.get("x")) + float(text.get("textLength")) <= 350 for text in texts)
    assert len({text.get("y") for text in texts}) == 9


def test_wide_letters_of_a_passage_take_two_places():
    element = passage(Piece("ab", 0), Piece("猫猫", 0), Piece("e\u0301" + "猫" * 60, 0))
    texts = list(element.iter("text"))
    assert [texts[i].get("textLength") for i in (0, 1)] == ["14.6", "29.3"]
    assert float(texts[2].get("textLength")) <= 350
    assert "".join(text.text for text in texts) == "ab猫猫" + printable("e\u0301") + "猫" * 60


def test_hostile_names_are_text_once():
    report = [Dots("first", tuple(Dot(i, 10 * i, label=name, title=name) for i, name in enumerate(HOSTILE)))]
    found = xml(drawn(*report))
    assert "<script" not in found
    assert "&amp;lt;" not in found
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found
    assert printable(HOSTILE[3]) in found


# --- cells of tables --------------------------------------------------------------------------------------------------


def cell(kind, value, tone="loss"):
    return small(Column("x", "x", kind, tone=tone), value)


def test_bars_in_a_cell():
    full, half, little, nothing = (cell("bar", share) for share in (1.0, 0.5, 1e-9, 0.0))
    widths = [[float(rect.get("width")) for rect in element.iter("rect")] for element in (full, half, little, nothing)]
    assert widths == [[130], [65], [1], []]
    assert [element.get("aria-label") for element in (full, half, little, nothing)] == [
        *("100.0 %", "50.0 %"),
        *("<0.1 %", "0.0 %"),
    ]
    assert cell("bar", nan) is cell("bar", None) is None


def test_an_interval_in_a_cell():
    element = cell("interval", Interval(0.5, 0.25, 1.0))
    assert element.get("aria-label") == "50.0 %, 25.0 % to 100.0 %"
    line, ends = [path.get("d") for path in element.iter("path")]
    assert (line, ends) == ("M33.5 8H131", "M33.5 5v6M131 5v6")
    assert [float(rect.get("width")) for rect in element.iter("rect")] == [65]


def test_a_gauge_in_a_cell():
    element = cell("gauge", Gauge(0.9, 0.5, 0.1), "samples")
    reach, share = element.iter("rect")
    assert numbers(reach, "x", "width") == [53, 26]
    assert float(share.get("width")) == 117
    assert element.find("path").get("d") == "M66 0V16"
    assert element.find("text").text == "*"
    assert cell("gauge", Gauge(0.55, 0.5, 0.1)).find("text") is None


def test_a_belief_in_a_cell():
    element = cell("belief", Belief((0.0, 0.9, 0.001, 0.099), 0, 1))
    found = [(rect.get("class"), float(rect.get("x")), float(rect.get("height"))) for rect in element.iter("rect")]
    assert found == [("f-loss", 1, 1), ("f-samples", 12, 18.9), ("f-axis", 34, 2.1)]
    assert element.get("aria-label") == "target 0.0000, top 0.9000"
    assert cell("belief", Belief((0.5, 0.5))).get("aria-label") == "probabilities"
    assert len(list(cell("belief", Belief((1e-3,) * 1000, 5, 6)).iter("rect"))) == 2


@pytest.mark.parametrize(("value", "share"), [(0.0, 0), (0.5, 0.25), (2.0, 1), (9.0, 1), (-1.0, 0)])
def test_a_strip_is_filled_as_far_as_its_value(value, share):
    strip = Strip(value, 0, 2, "low", "high", interval=(0.5, 1))
    element = svg(320, lambda canvas: draw_strip(canvas, strip))
    whole, filled = element.iter("rect")
    (start, width), (filled_from, filled_width) = (numbers(rect, "x", "width") for rect in (whole, filled))
    assert filled_from == start
    assert filled_width == pytest.approx(max(1, share * width), abs=0.11)
    interval = points(paths(element, "s-ink")[1].replace("H", " "))
    assert interval[0][0] == pytest.approx(start + width / 4)
    assert f"H{start + width / 2:g}" in paths(element, "s-ink")[1]


def test_a_strip_that_does_not_fill_has_a_point_and_zero():
    strip = Strip(-0.5, -1, 3, "low", "high", fills=False)
    element = svg(412, lambda canvas: draw_strip(canvas, strip))
    assert not list(element.iter("rect"))
    (point,) = element.iter("circle")
    assert float(point.get("cx")) == 6 + 400 / 8
    assert words(element)["0"][0] == 6 + 400 / 4


def test_a_strip_of_one_place():
    found = xml(svg(320, lambda canvas: draw_strip(canvas, Strip(1, 1, 1, "low", "high"))))
    assert "nan" not in found


def test_a_long_key_is_folded():
    keys = tuple(("samples", f"a rather long explanation, {i}") for i in range(9))
    found = xml(alone(replace(DRAWN[1], wide=False, key_of=keys), follows_scheme=True))
    assert len({*re.findall(r"translate\(0\.0 ([\d.]+)\)", found)}) == 3


def test_an_empty_canvas_has_no_height():
    assert Canvas(10).height == 0
