import math

import numpy as np
import pytest

from nllcli.commands.reconcile.expectation import expectation
from nllcli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [("1.0598", 5e-5), ("1.06", 5e-3), ("1.0600", 5e-5), ("3", 0.5), ("-0.25", 5e-3), ("1.5e-3", 5e-5), ("2e2", 50.0)],
)
def test_the_digits_typed_say_how_exactly_a_number_is_meant(text, tolerance):
    expected = expectation(text, None)
    assert expected.value == float(text)
    assert expected.tolerance == pytest.approx(tolerance, rel=1e-6)


def test_both_ends_of_the_rounding_match():
    expected = expectation("1.0598", None)
    assert expected.matches(1.05975)
    assert expected.matches(1.05985)
    assert not expected.matches(1.0598501)
    assert not expected.matches(1.0597499)


@pytest.mark.parametrize(
    ("value", "relative", "name"),
    [
        (float(np.float32(0.36235118)), 1e-6, "float32"),
        (float(np.float16(0.17788)), 2**-10, "float16"),
        (0.1767578125, 2**-7, "bfloat16"),
        (float(np.float32(1e-30)), 1e-6, "float32"),
    ],
)
def test_a_number_in_full_is_meant_as_one_of_its_type(value, relative, name):
    expected = expectation(repr(value), None)
    assert expected.tolerance == pytest.approx(relative * value)
    assert name in expected.why


def test_a_short_number_is_not_taken_for_one_of_a_short_type():
    assert expectation("0.3125", None).tolerance == pytest.approx(5e-5)


def test_the_last_digits_of_a_double_are_left_open():
    assert expectation(repr(math.pi), None).tolerance == pytest.approx(math.pi * 1e-12)


def test_a_tolerance_that_is_given_wins():
    assert expectation("1.0598", 0.25).tolerance == 0.25


@pytest.mark.parametrize("value", [0.1, 3.0, -7e300, 1e-200])
def test_no_tolerance_is_a_few_of_the_last_bits(value):
    expected = expectation(repr(value), 0.0)
    away = value
    for _ in range(4):
        away = math.nextafter(away, math.inf)
    assert expected.matches(away)
    assert expected.tolerance <= 2e-15 * abs(value)
    assert float(expected.shown(away)) == away


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "-inf", "1,5", "1_0", "1e400", "-9e308", "0e400", "1e99999999999999999999"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(UsageError):
        expectation(text, None)


@pytest.mark.parametrize("text", ["1e308", "-1.5e308", "1e-320", "0"])
def test_numbers_at_the_ends_of_the_range(text):
    expected = expectation(text, None)
    assert expected.matches(float(text))
    assert 0.0 <= expected.coverage([1.0, float(text)]) <= 1.0
    assert expected.shown(float(text))


@pytest.mark.parametrize("text", ["1.3999457018715995", "1.3999457", "-1.3999457018715995"])
def test_where_no_number_fits_all_digits_single_precision_may(text):
    expected = expectation(text, None)
    near = float(text) * (1 + 9e-7)
    looser = expected.among([near, 7.0])
    assert looser.matches(near)
    assert looser.tolerance == pytest.approx(1e-6 * abs(expected.value))
    assert not looser.matches(float(text) * (1 + 1.1e-6))


@pytest.mark.parametrize(
    ("text", "tolerance", "values"),
    [
        ("1.3999457018715995", None, [1.3999457018715995, 1.39994571]),  # one has all digits
        ("1.3999457018715995", None, [1.39995, 1.39994]),  # none is near enough
        ("1.3999457018715995", 1e-9, [1.39994571]),  # the tolerance is the user's
        ("1.3999", None, [1.39996]),  # short numbers are looser than that
    ],
)
def test_else_the_digits_decide(text, tolerance, values):
    expected = expectation(text, tolerance)
    assert expected.among(values) is expected


def test_coverage_counts_overlaps_once():
    expected = expectation("100", 1.0)  # of 90..110, [94, 97] and [109, 110] are within 1 of a value
    assert expected.coverage([95.0, 96.0, 110.0, 500.0]) == pytest.approx(4 / 20)


def test_coverage_of_nothing_is_nothing():
    assert expectation("100", 1.0).coverage([]) == 0.0
