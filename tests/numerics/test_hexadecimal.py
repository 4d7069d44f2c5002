"""Exact sums as hexadecimal floats: nothing is lost either way, and every other language rounds them right."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nllcli.numerics.exact import ExactSum, ExactSums, exact_sum, exact_sums
from nllcli.numerics.hexadecimal import (
    MOST_CHARACTERS,
    from_hex,
    sum_from_data,
    sum_to_data,
    sums_from_data,
    sums_to_data,
    to_hex,
)

UNITS = st.integers(-(1 << 2200), 1 << 2200) | st.integers(-(1 << 60), 1 << 60)
ANY_FLOATS = st.lists(st.floats(), max_size=30)


def value_of(text):
    """What a hexadecimal float stands for, by its definition."""
    mantissa, _, exponent = text.removeprefix("-").removeprefix("0x").partition("p")
    whole, _, fraction = mantissa.partition(".")
    value = Fraction(int(whole + fraction, 16)) * Fraction(2) ** (int(exponent) - 4 * len(fraction))
    return -value if text.startswith("-") else value


@given(UNITS, st.sampled_from([1074, 2148]))
@example(0, 1074)
@example(1, 1074)
@example(-(1 << 1074), 1074)
def test_nothing_is_lost(units, unit_bits):
    text = to_hex(units, unit_bits)
    assert value_of(text) == Fraction(units, 1 << unit_bits)
    assert from_hex(text, unit_bits) == units
    assert len(text) <= MOST_CHARACTERS


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_as_python_reads_it(value):
    text = sum_to_data(exact_sum(np.array([value])))
    assert float.fromhex(text) == value


@given(st.lists(st.floats(-1e300, 1e300), max_size=30))
def test_python_rounds_a_sum_as_fsum_does(values):
    text = sum_to_data(exact_sum(np.array(values, np.float64)))
    assert float.fromhex(text) == math.fsum(values)


def test_the_form_is_known():
    assert to_hex(37 << 1074) == "0x1.28p+5"
    assert to_hex(-1 << 1073) == "-0x1p-1"
    assert to_hex(0) == "0x0p+0"
    assert from_hex("0x2.8p+1") == 5 << 1074  # as others may write it
    assert from_hex("-0x0p+0") == 0


@given(ANY_FLOATS)
def test_infinities_and_nan_are_counted(values):
    total = exact_sum(np.array(values, np.float64))
    data = sum_to_data(total)
    assert sum_from_data(data) == total
    assert isinstance(data, str) == all(map(math.isfinite, values))


@given(ANY_FLOATS, st.sets(st.integers(0, 5)))
def test_the_sums_of_groups(values, chosen):
    groups = np.arange(len(values)) % 6
    kept = np.isin(groups, list(chosen))
    found = exact_sums(np.array(values, np.float64)[kept], groups[kept], 6)
    present = np.array(sorted(chosen), np.int64)
    again = sums_from_data(sums_to_data(found, present.tolist()), present, 6)
    assert [again[k] for k in range(6)] == [found[k] for k in range(6)]
    assert again.total() == exact_sum(np.array(values, np.float64)[kept])


def test_the_sums_of_groups_with_infinities():
    found = exact_sums(np.array([np.inf, 1.5, np.nan, -np.inf]), np.array([0, 1, 2, 0]), 4)
    data = sums_to_data(found, [0, 1, 2])
    assert data == [
        {"finite": "0x0p+0", "inf": 1, "-inf": 1},
        "0x1.8p+0",
        {"finite": "0x0p+0", "nan": 1},
    ]
    again = sums_from_data(data, np.arange(3), 4)
    assert [again[k] for k in range(4)] == [found[k] for k in range(4)]
    finite = sums_from_data(["0x1p+0", "-0x1.8p-1073"], np.array([0, 2]), 3)
    assert [finite[k] for k in range(3)] == [ExactSum(1 << 1074), ExactSum(), ExactSum(-3)]


def test_what_is_written_is_read():
    for value in (0.0, 5e-324, -1.5, 1.7976931348623157e308):
        assert sum_from_data(sum_to_data(exact_sum(np.array([value])))) == exact_sum(np.array([value]))
    assert sum_from_data(sum_to_data(ExactSum(3, 1, 0, 2))) == ExactSum(3, 1, 0, 2)


def test_no_sums_are_zeros():
    assert sums_to_data(ExactSums(), [0, 1]) == ["0x0p+0", "0x0p+0"]
    assert ExactSums().total() == ExactSum()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.5",
        "0x",
        "0x1",
        "0x1p",
        "0x1p5",
        "0x1p+",
        "0x1.p+0",
        "0x.8p+0",
        "0x1_0p+0",
        " 0x1p+0",
        "0x1p+0\n",
        "+0x1p+0",
        "0x1p+99999",
        "0X1P+0",
        "inf",
        "0x1p-1075",  # half a unit
        "0x1.8p-1074",
        "0x1." + "0" * MOST_CHARACTERS + "p+0",
    ],
)
def test_what_is_not_a_sum(text):
    with pytest.raises(ValueError, match="not a sum"):
        from_hex(text)
    with pytest.raises(ValueError, match="not a sum"):
        sum_from_data(text)


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        1.5,
        [],
        {},
        {"inf": 1},
        {"finite": 3},
        {"finite": "0x1"},
        {"finite": "0x1p+0", "inf": -1},
        {"finite": "0x1p+0", "inf": 1 << 62},
        {"finite": "0x1p+0", "nan": 1.0},
        {"finite": "0x1p+0", "-inf": True},
    ],
    ids=str,
)
def test_what_is_not_the_data_of_a_sum(data):
    with pytest.raises(ValueError, match="not a sum"):
        sum_from_data(data)
    with pytest.raises(ValueError, match="not a sum"):
        sums_from_data(["0x1p+0", data], np.arange(2), 2)
