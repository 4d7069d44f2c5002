"""Holm's adjustment, against what it means: the smallest level at which the procedure rejects."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.numerics.holm import holm


def rejected(p_values, level):
    """Holm's own steps: from the smallest p on, reject while it is at most the level over the tests that are left."""
    left = {place: p for place, p in enumerate(p_values) if p is not None}
    found = set()
    while left:
        place = min(left, key=left.__getitem__)
        if left[place] * len(left) > level:
            break
        found.add(place)
        del left[place]
    return found


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], []),
        ([None], [None]),
        ([0.25], [0.25]),
        ([0.25, None, 0.125], [0.25, None, 0.25]),
        ([0.5, 0.03125, 0.25], [0.5, 0.09375, 0.5]),
        ([0.75, 0.5, 1.0], [1.0, 1.0, 1.0]),
        ([0.125, 0.125, 0.125], [0.375, 0.375, 0.375]),
        ([0.0, 0.25], [0.0, 0.25]),
    ],
    ids=str,
)
def test_known(p_values, expected):
    assert holm(p_values) == expected


@given(st.lists(st.none() | st.integers(0, 64).map(lambda k: k / 64), max_size=8))
def test_adjusted_p_is_the_smallest_level_that_rejects(p_values):
    adjusted = holm(p_values)
    for place, (p, found) in enumerate(zip(p_values, adjusted, strict=True)):
        if p is None:
            assert found is None
            continue
        level = Fraction(found)
        assert level <= 1
        assert place in rejected(p_values, level) or level == 1
        assert place not in rejected(p_values, level - Fraction(1, 10**9))


@given(st.lists(st.none() | st.floats(0.0, 1.0), max_size=20))
def test_laws(p_values):
    pairs = [(p, found) for p, found in zip(p_values, holm(p_values), strict=True) if p is not None]
    assert all(p <= found <= 1.0 for p, found in pairs)
    assert [found for _, found in sorted(pairs)] == sorted(found for _, found in pairs)
