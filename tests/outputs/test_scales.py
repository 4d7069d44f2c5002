"""Where numbers stand on an axis, and which are written along it."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nllcli.drawing import Axis
from nllcli.outputs.drawing.scales import choices, share_of, within

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9)
POSITIVE = st.floats(1e-18, 1e15)
KINDS = st.sampled_from(["number", "count", "share", "probability"])


@st.composite
def axes(draw, scales=("linear", "log", "signed-log")):
    scale = draw(st.sampled_from(scales))
    numbers = POSITIVE if scale == "log" else NUMBERS
    low, high = draw(numbers), draw(numbers)
    assume(abs(high - low) > 1e-6 * max(abs(low), abs(high)))
    near = draw(st.floats(1e-8, 1e3)) if scale == "signed-log" else 0.0
    return Axis(low, high, scale=scale, kind=draw(KINDS), near=near)


def value_of(text):
    """The number that a tick says, written as people write it."""
    share = text.endswith(" %")
    text = text.removesuffix(" %").replace("−", "-").replace(",", "")
    times, _, power = re.sub(r"(?:(?<![\d.])|×)10\^(-?\d+)$", r"|\1", text).partition("|")
    factor = {"": 1.0, "-": -1.0}.get(times)
    value = float(times) if factor is None else factor
    return value * (10.0 ** int(power) if power else 1.0) / (100 if share else 1)


@given(axes())
def test_ends_stand_at_the_ends(axis):
    assert share_of(axis, axis.low) == 0
    assert share_of(axis, axis.high) == pytest.approx(1)


@given(axes(), st.lists(NUMBERS, min_size=2, max_size=6))
def test_what_is_farther_along_stands_farther_along(axis, values):
    ordered = sorted(values, reverse=axis.high < axis.low)
    shares = [share_of(axis, value) for value in ordered]
    assert shares == sorted(shares)


@given(axes(), st.one_of(NUMBERS, st.sampled_from([math.inf, -math.inf])))
def test_nothing_stands_beyond_an_end(axis, value):
    share = share_of(axis, value)
    assert within(axis, value) == min(max(share, 0), 1)


@pytest.mark.parametrize("scale", ["linear", "log", "signed-log"])
def test_nan_stands_nowhere(scale):
    axis = Axis(1, 10, scale=scale, near=1)
    assert math.isnan(share_of(axis, math.nan))
    assert math.isnan(within(axis, math.nan))


def test_each_step_of_a_logarithmic_axis_is_as_long():
    axis = Axis(0.01, 100, scale="log")
    assert [share_of(axis, 10.0**e) for e in range(-2, 3)] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert share_of(axis, 0) == share_of(axis, -1) == -math.inf


def test_a_signed_axis_is_straight_near_zero_and_the_same_to_both_sides():
    axis = Axis(-100, 100, scale="signed-log", near=0.1)
    assert share_of(axis, 0) == 0.5
    steps = [share_of(axis, x) - 0.5 for x in (0.05, 0.1, 1, 10, 100)]
    assert steps == pytest.approx([0.0625, 0.125, 0.25, 0.375, 0.5])
    assert [0.5 - share_of(axis, -x) for x in (0.05, 0.1, 1, 10, 100)] == pytest.approx(steps)


def test_an_axis_of_one_number_has_it_in_the_middle():
    axis = Axis(3, 3)
    assert share_of(axis, 3) == 0.5
    assert [list(ticks) for ticks in choices(axis)] == [[(3, "3")]]


@given(axes())
def test_ticks_say_where_they_stand(axis):
    for ticks in choices(axis):
        for at, text in ticks:
            assert value_of(text) == pytest.approx(at, rel=1e-3, abs=1e-12), text


@given(axes())
def test_ticks_stand_on_the_axis_in_its_order_and_differ(axis):
    for ticks in choices(axis):
        shares = [share_of(axis, at) for at, _ in ticks]
        assert shares == sorted(shares)
        assert all(-1e-6 <= share <= 1 + 1e-6 for share in shares)
        assert len({text for _, text in ticks}) == len(ticks)


@given(axes(scales=["linear"]))
def test_ticks_are_as_far_from_each_other(axis):
    assume(axis.kind != "count")
    for ticks in choices(axis):
        gaps = [after[0] - before[0] for before, after in pairwise(ticks)]
        assert gaps == pytest.approx(gaps[:1] * len(gaps), rel=1e-6)


@given(axes(scales=["linear"]))
def test_there_are_fewer_and_fewer(axis):
    lengths = [len(ticks) for ticks in choices(axis)]
    assert all(after <= before + 1 for before, after in pairwise(lengths))
    assert lengths[-1] <= 3
    assert axis.kind == "count" or lengths[0] > 30


def test_counts_are_whole():
    assert all(at == round(at) for ticks in choices(Axis(0, 3, kind="count")) for at, _ in ticks)


def texts(axis, which=0):
    return [text for _, text in list(choices(axis))[which]]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (Axis(0, 1, kind="share"), ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        (Axis(0, 0.002, kind="share"), ["0 %", "0.05 %", "0.10 %", "0.15 %", "0.20 %"]),
        (Axis(-0.5, 0.5), ["−0.50", "−0.25", "0", "0.25", "0.50"]),
        (Axis(0, 40_000, kind="count"), ["0", "10,000", "20,000", "30,000", "40,000"]),
        (Axis(0, 4e9), ["0", "1×10^9", "2×10^9", "3×10^9", "4×10^9"]),
        (Axis(0, 4e-8), ["0", "1×10^-8".replace("-", "−"), "2×10^−8", "3×10^−8", "4×10^−8"]),
    ],
    ids=str,
)
def test_texts(axis, expected):
    assert expected in [texts(axis, i) for i in range(len(list(choices(axis))))]


def test_few_powers_of_ten_have_numbers_between_them():
    assert texts(Axis(0.01, 2, scale="log")) == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
    assert texts(Axis(0.02, 0.06, scale="log")) == ["0.02", "0.05"]
    assert texts(Axis(0.02, 0.06, scale="log"), -1) == ["0.02"]
    assert texts(Axis(0.021, 0.022, scale="log"), -1) == []


def test_many_powers_of_ten_are_raised_and_thinned():
    axis = Axis(1e-8, 1e8, scale="log")
    assert texts(axis)[3:6] == ["10^-5", "10^-4", "0.001"]
    assert texts(axis)[-4:] == ["100,000", "10^6", "10^7", "10^8"]
    assert texts(axis, 3) == ["10^-8", "10^-4", "1", "10,000", "10^8"]


def test_shares_on_a_logarithmic_axis():
    assert texts(Axis(1e-6, 1, scale="log", kind="share")) == [
        *("10^-4 %", "0.001 %", "0.01 %", "0.1 %"),
        *("1 %", "10 %", "100 %"),
    ]


def test_a_signed_axis_is_written_to_both_sides():
    axis = Axis(-100, 100, scale="signed-log", near=0.1)
    assert texts(axis) == ["−100", "−10", "−1", "−0.1", "0", "0.1", "1", "10", "100"]
    assert texts(axis, 1) == ["−100", "−1", "0", "1", "100"]


def test_an_axis_that_runs_down_is_written_from_its_low_end():
    assert texts(Axis(1000, 1, scale="log"), 1) == ["1,000", "100", "10", "1"]
    assert texts(Axis(2, 0), -1)[-1] == "0"


def test_own_ticks_stand_in_place_of_round_numbers():
    axis = Axis(0, 1, ticks=((-1, "before"), (0, "low"), (1, "high"), (2, "after")))
    assert [list(ticks) for ticks in choices(axis)] == [[(0, "low"), (1, "high")]]
