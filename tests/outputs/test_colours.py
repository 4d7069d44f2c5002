"""Colours that can be told from their ground, in light and in dark."""

import pytest

from nllcli.outputs.drawing.palette import COLOURS, by_scheme, by_variables
from nllcli.outputs.drawing.shades import strength, text_colour

SCHEMES = pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
DEPTHS = [i / 100 for i in range(101)]


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def luminance(colour):
    linear = [x / 255 / 12.92 if x / 255 <= 0.04045 else ((x / 255 + 0.055) / 1.055) ** 2.4 for x in colour]
    return sum(share * x for share, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@SCHEMES
@pytest.mark.parametrize("name", ["ink", "muted", "samples", "loss", "first", "second", "third", "plain"])
def test_text_can_be_read_on_the_ground(name, scheme):
    assert contrast(rgb(COLOURS[name][scheme]), rgb(COLOURS["paper"][scheme])) >= 4.5


@SCHEMES
@pytest.mark.parametrize("name", ["ink", "muted", "samples"])
def test_text_can_be_read_where_the_ground_is_grey(name, scheme):
    assert contrast(rgb(COLOURS[name][scheme]), rgb(COLOURS["faint"][scheme])) >= 4.5


@SCHEMES
@pytest.mark.parametrize("tone", ["samples", "loss", "first", "second", "third"])
def test_text_can_be_read_on_every_shade(tone, scheme):
    full, paper = rgb(COLOURS[tone][scheme]), rgb(COLOURS["paper"][scheme])
    for depth in DEPTHS:
        part = strength(depth)
        ground = [part * x + (1 - part) * y for x, y in zip(full, paper, strict=True)]
        assert contrast(rgb(COLOURS[text_colour(depth)][scheme]), ground) >= 4.5, depth


@SCHEMES
def test_shapes_can_be_told_from_the_ground(scheme):
    assert contrast(rgb(COLOURS["axis"][scheme]), rgb(COLOURS["paper"][scheme])) >= 3


def test_more_is_stronger():
    shades = [strength(depth) for depth in DEPTHS]
    assert shades == sorted(shades)
    assert shades[0] > 0
    assert shades[-1] == 1
    assert strength(-1) == shades[0]


@pytest.mark.parametrize("name", COLOURS)
def test_each_colour_follows_the_scheme(name):
    assert f".f-{name}{{fill:{COLOURS[name][1]}}}" in by_scheme()
    assert f".s-{name}{{stroke:{COLOURS[name][1]}}}" in by_scheme()
    assert f".f-{name}{{fill:var(--{name})}}" in by_variables()
    assert f".s-{name}{{stroke:var(--{name})}}" in by_variables()
