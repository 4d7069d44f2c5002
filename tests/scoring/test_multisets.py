"""A digest of numbers adds up over any cut of them, and any order."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.scoring.multisets import digest_of, is_digest, sum_of

LISTS = st.lists(st.floats(allow_nan=False), max_size=20)
MASK = (1 << 64) - 1


def slow(values):
    """The same by definition, one value after another, in Python's integers."""
    total = 0
    for value in values:
        (z,) = struct.unpack("<Q", struct.pack("<d", 0.0 if value == 0 else value))
        z = (z + 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        total += z ^ z >> 31
    return f"multiset-{total & MASK:016x}"


def array(values):
    return np.array(values, np.float64)


@given(LISTS)
def test_it_is_the_sum_of_the_mixed_bits(values):
    assert digest_of([array(values)]) == slow(values)


@given(LISTS, st.integers(0, 20), st.randoms())
def test_parts_add_up_to_the_whole_in_any_order(values, cut, order):
    whole = digest_of([array(values)])
    assert digest_of([array(values[:cut]), array(values[cut:])]) == whole
    assert sum_of([digest_of([array(values[:cut])]), digest_of([array(values[cut:])])]) == whole
    order.shuffle(values)
    assert digest_of([array(values)]) == whole


def test_other_values_have_another_digest():
    digests = {digest_of([array(values)]) for values in ([], [0.0], [1.0], [2.0], [1.0, 1.0], [0.0, 1.0], [0.5, 1.5])}
    assert len(digests) == 7
    many = np.random.default_rng(7).random(1000)
    assert digest_of([many]) != digest_of([np.append(many[1:], np.nextafter(many[0], 2))])


@pytest.mark.parametrize(
    "text", ["none", "multiset-", "multiset-12", "multiset-0123456789ABCDEF", "sha256-0123456789ab"]
)
def test_what_is_not_a_digest(text):
    assert not is_digest(text)
    with pytest.raises(ValueError, match="is not a digest"):
        sum_of([text])
    assert is_digest(digest_of([]))
