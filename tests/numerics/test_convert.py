"""Every two-byte pattern, decoded here from its bits, and every other type of number."""

import math

import numpy as np
import pytest

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import both_classes, to_float

PATTERNS = np.arange(1 << 16, dtype=np.uint16)


def decode(bits, exponent_bits, fraction_bits):
    """The value of an IEEE 754 pattern by the definition of the format."""
    bias = (1 << (exponent_bits - 1)) - 1
    sign = -1 if bits >> (exponent_bits + fraction_bits) else 1
    exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1)
    fraction = bits & ((1 << fraction_bits) - 1)
    if exponent == (1 << exponent_bits) - 1:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        return sign * math.ldexp(fraction, 1 - bias - fraction_bits)
    return sign * math.ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits)


HALVES = np.array([decode(b, 5, 10) for b in range(1 << 16)])
BRAINS = np.array([decode(b, 8, 7) for b in range(1 << 16)])


def same(a, b):
    """Equal to the sign of zero; every NaN is as good as another."""
    numbers = ~np.isnan(b)
    return (
        np.array_equal(np.isnan(a), ~numbers)
        and np.array_equal(a[numbers], b[numbers])
        and np.array_equal(np.signbit(a[numbers]), np.signbit(b[numbers]))
    )


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("memory", ["C", "F"])
def test_every_half(order, memory):
    raw = np.asarray(PATTERNS.view(np.float16).astype(f"{order}f2").reshape(256, 256), order=memory)
    values = to_float(raw, Scratch())
    assert values.dtype == np.float32
    assert same(values, HALVES.reshape(256, 256))


@pytest.mark.parametrize("memory", ["C", "F"])
def test_every_bfloat16(memory):
    raw = np.asarray(PATTERNS.view("V2").reshape(256, 256), order=memory)
    values = to_float(raw, Scratch())
    assert values.dtype == np.float32
    assert same(values, BRAINS.reshape(256, 256))


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4"])
def test_other_types_keep_their_values(dtype):
    given = [[0, 1, 100], [127, 3, 64]]
    values = to_float(np.array(given, dtype), Scratch())
    assert values.dtype == (np.float32 if dtype.endswith("f4") else np.float64)
    assert values.dtype.isnative
    assert values.tolist() == given


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_native_floats_are_not_copied(dtype):
    raw = np.zeros((3, 2), dtype)
    assert to_float(raw, Scratch()) is raw


@pytest.mark.parametrize("special", [0x7C00, 0x7C01, 0x7FFF, 0xFC00, 0xFC01, 0xFFFF], ids=hex)
@pytest.mark.parametrize("other", [0x0000, 0x7BFF, 0x8000, 0xFBFF], ids=hex)
def test_a_single_infinity_or_nan_is_seen(special, other):
    bits = np.array([[other, special, other]], np.uint16)
    np.testing.assert_array_equal(to_float(bits.view(np.float16), Scratch()), HALVES[bits])


@pytest.mark.parametrize("source", ["logits", "probs", "log-probs"])
def test_both_classes(source):
    column = np.array([[0.25], [1.0], [0.0]], np.float32)
    first = {"logits": [0.0, 0.0, 0.0], "probs": [0.75, 0.0, 1.0], "log-probs": [math.nan] * 3}[source]
    both = both_classes(column, source)
    np.testing.assert_array_equal(both, np.column_stack([first, column[:, 0]]))
    assert both.dtype == (np.float32 if source == "logits" else np.float64)


def test_both_classes_of_bits_that_are_not_numbers_yet():
    raw = PATTERNS[:, None].view("V2")
    assert same(to_float(both_classes(raw, "logits"), Scratch()), np.column_stack([np.zeros(1 << 16), BRAINS]))
