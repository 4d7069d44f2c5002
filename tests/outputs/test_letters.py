"""How wide text is, how names are shortened, and how powers of ten are set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.outputs.drawing.letters import set_text, shortened, width_of, wrapped
from nllcli.outputs.drawing.tree import h, xml

TEXT = st.text(max_size=60)


@given(TEXT, TEXT)
def test_longer_text_is_wider(text, more):
    assert width_of(f"{text}|{more}") >= width_of(text)
    assert width_of(text, 24) == pytest.approx(2 * width_of(text, 12))
    assert width_of(text, strong=True) >= width_of(text)


def test_letters_have_widths_of_their_own():
    assert width_of("iiii") < width_of("aaaa") < width_of("wwww") < width_of("mmmm")
    assert width_of("猫") > width_of("a")
    assert width_of("e\u0301") == width_of("e")
    assert width_of("😀") > width_of("é") > 0


def test_an_exponent_is_smaller():
    assert width_of("10") < width_of("10^-12") < width_of("10-12")


@given(TEXT, st.floats(20, 300))
def test_what_is_shortened_has_room_and_keeps_its_ends(text, room):
    short = shortened(text, room)
    assert width_of(short) <= room
    assert short.isprintable()
    if "…" in short and "…" not in text:
        start, end = short.split("…")
        assert len(start) - len(end) in (0, 1)


@pytest.mark.parametrize(("text", "short"), [("short", "short"), ("a" * 40, "aaaa…aaa"), ("a\nb", "a\\nb")])
def test_shortened(text, short):
    assert shortened(text, 70) == short


def test_where_no_letter_has_room_it_says_that_there_is_a_name():
    assert shortened("mmmm", 1) == "…"


@given(st.lists(st.sampled_from(["a", "few", "words", "and-one-that-is-rather-long"]), max_size=12))
def test_lines_keep_every_word(words):
    lines = wrapped(" ".join(words), 120)
    assert " ".join(lines).split() == words
    assert all(width_of(line) <= 120 or " " not in line for line in lines)


def drawn(text):
    element = h("text")
    set_text(element, text)
    return xml(element)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "<text>plain</text>"),
        ("10^-12", '<text>10<tspan dy="-4.2" font-size="9">−12</tspan></text>'),
        (
            "1 − 10^-3 %",
            '<text>1 − 10<tspan dy="-4.2" font-size="9">−3</tspan><tspan dy="4.2"> %</tspan></text>',
        ),
        (
            "10^3 to 10^4",
            '<text>10<tspan dy="-4.2" font-size="9">3</tspan><tspan dy="4.2"> to 10</tspan>'
            '<tspan dy="-4.2" font-size="9">4</tspan></text>',
        ),
        ("x10^3", "<text>x10^3</text>"),
        ("<b>", "<text>&lt;b&gt;</text>"),
    ],
)
def test_powers_of_ten_are_raised_without_raised_letters(text, expected):
    assert drawn(text) == expected
