import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.outputs.numbers import aligned, metric_text, metric_unit, texts
from nllcli.report import Metric, shortest

NAN, INF = math.nan, math.inf


@given(st.floats(allow_nan=False))
def test_shortest_reads_back_to_the_same_float(x):
    back = float(shortest(x))
    assert back == x
    assert math.copysign(1, back) == math.copysign(1, x)
    assert not shortest(x).endswith(".0")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (0.2, "0.2"),
        (-0.0, "-0"),
        (1e16, "1e+16"),
        (4.2e-18, "4.2e-18"),
        (123456789012.0, "123456789012"),
        (INF, "inf"),
        (-INF, "-inf"),
        (NAN, "nan"),
        (7, "7"),
        (None, ""),
        ("cat", "cat"),
        (True, "true"),
    ],
)
def test_shortest(value, expected):
    assert shortest(value) == expected


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", [0.36231287, 1.0986122], ["0.3623", "1.0986"]),
        ("number", [1.0, 0.2, 0.1], ["1.0", "0.2", "0.1"]),
        ("number", [10.0, 50.0], ["10", "50"]),
        ("number", [0.0], ["0"]),
        ("number", [-0.0, 0.25], ["0.00", "0.25"]),
        ("number", [0.00031427], ["0.0003143"]),
        ("number", [4.2132e-18], ["4.213e-18"]),
        ("number", [4.2132e-18, 0.0], ["4.213e-18", "0"]),
        ("number", [0.36231287, 4.2132e-18, 0.0], ["0.3623", "4.2e-18", "0.0000"]),
        ("number", [0.36231287, 1e300], ["0.3623", "1.0e+300"]),
        ("number", [1234567.8912], ["1,234,567.89"]),
        ("number", [-0.36231287, INF, -INF, NAN, None], ["-0.3623", "inf", "-inf", "nan", ""]),
        ("number", [3, 0.5], ["3.0", "0.5"]),
        ("number", [], []),
        ("count", [0, 1200, 1234567], ["0", "1,200", "1,234,567"]),
        ("count", [2.5, 1000], ["2.5", "1,000"]),
        ("share", [0.0, 0.0001, 2 / 3, 0.99999, 1.0, NAN], ["0.0 %", "<0.1 %", "66.7 %", ">99.9 %", "100.0 %", "nan"]),
        ("probability", [0.659, 4.2e-18, 0.0, 1.0, NAN], ["0.6590", "4.2e-18", "0.0000", "1.0000", "nan"]),
        ("text", ["cat", 3, None], ["cat", "3", ""]),
        ("number", ["ignored", 0.5], ["ignored", "0.5"]),
    ],
)
def test_texts(kind, values, expected):
    assert texts(kind, values) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_no_number_but_zero_is_shown_as_zero(values):
    for value, text in zip(values, texts("number", values), strict=True):
        assert (float(text.replace(",", "")) == 0) == (value == 0)


@given(st.floats(min_value=0, max_value=1))
def test_no_probability_but_zero_is_shown_as_zero(p):
    assert (float(texts("probability", [p])[0]) == 0) == (p == 0)


def test_aligned_puts_point_under_point():
    cells = ["0.3623", "4.2e-18", "1,234", "<0.1 %", "-", "inf", "1e+20"]
    assert [cell.rstrip() for cell in aligned(cells)] == [
        "    0.3623",
        "    4.2e-18",
        "1,234",
        "   <0.1 %",
        "    -",
        "  inf",
        "    1e+20",
    ]
    assert len({len(cell) for cell in aligned(cells)}) == 1


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.36231287, "nats", ("0.3623", "nats")),
        (2 / 3, "share", ("66.7 %", "")),
        (4.2e-18, "probability", ("4.2e-18", "")),
        (1234567, "", ("1,234,567", "")),
        ("mean", "", ("mean", "")),
        (None, "nats", ("", "")),
    ],
)
def test_metric(value, unit, expected):
    metric = Metric("key", "label", value, unit)
    assert (metric_text(metric), metric_unit(metric)) == expected
