"""The interval of a share: against published figures, and against the equation that it solves."""

import math

import pytest

from nllcli.numerics.wilson import QUANTILE_95, wilson


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_it_is_the_published_one(count: int, n: int, low: float, high: float) -> None:
    assert wilson(count, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("count", "n"), [(1, 2), (3, 10), (877, 899), (1, 10**9), (10**9 - 1, 10**9)])
def test_each_end_is_as_far_from_the_share_as_chance_takes_it(count: int, n: int) -> None:
    for end in wilson(count, n):
        assert abs(count / n - end) == pytest.approx(QUANTILE_95 * math.sqrt(end * (1 - end) / n), rel=1e-6)


def test_none_and_all_reach_the_ends() -> None:
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
    assert wilson(0, 5)[1] == pytest.approx(1 - wilson(5, 5)[0])
