"""The smooth calibration error against a sum over all pairs of samples and places, and against its authors' numbers."""

import math

import numpy as np
import pytest
from in_pieces import every_way

from nllcli.commands.calibrate.smooth import Smooth
from nllcli.numerics.calibration.claims import Claims

pytestmark = pytest.mark.uncounted


def claims_of(p, outcomes, weights=None):
    p = np.array(p, np.float64)
    with np.errstate(divide="ignore"):
        return Claims(p, 1 - p, -np.log(p), np.array(outcomes, np.float64), weights)


def many(n, off=0.0, seed=3):
    rng = np.random.default_rng(seed)
    p = rng.random(n) ** 0.3
    return claims_of(p, rng.random(n) < p - off)


def error(p, a, sigma):
    """The error by one width: the kernel between each point and the two of each sample, with their mirror images."""
    m = max(2000, round(20 / sigma)) // 2 + 1
    left = np.minimum(np.floor(p * (m - 1)), m - 2)
    share = p * (m - 1) - left
    points = np.concatenate((left, left + 1))
    shares = np.concatenate((1 - share, share))
    grid = np.arange(m)[:, None]
    kernel = np.zeros((m, len(points)))
    # What lies on an end is its own image there.
    for image, counted in ((points, True), (-points, points > 0), (2 * (m - 1) - points, points < m - 1)):
        # The kernel has as many places as the grid: where they are even, its middle lies between two of them.
        steps = image - grid + (0.5 if m % 2 == 0 else 0.0)
        kernel += counted * np.exp(-((steps / (m - 1)) ** 2) / (2 * sigma**2)) * (np.abs(steps) <= (m - 1) / 2)
    kernel /= math.sqrt(2 * math.pi) * sigma
    seen = np.linspace(0, 1, max(round(10 / sigma), 200))
    at = np.linspace(0, 1, m)
    gaps = np.interp(seen, at, kernel @ (shares * np.tile(p - a, 2)))
    density = np.interp(seen, at, kernel @ shares) + 1e-4
    return np.abs(gaps).sum() / density.sum()


def smece_by_pairs(p, a):
    above, below = 1.0, 0.0
    for _ in range(10):
        middle = (above + below) / 2
        if middle < 0.001 or middle < error(p, a, middle):
            below = middle
        else:
            above = middle
    return error(p, a, above), above


@pytest.mark.parametrize(("n", "off"), [(1, 0.0), (7, 0.0), (60, 0.3)])
def test_every_pair(n, off):
    claims = many(n, off)
    expected, _ = smece_by_pairs(claims.p, claims.outcomes)
    assert Smooth.of(claims).smece() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", range(2, 12))
def test_each_grid(k):
    """Claims that are as far off as a width, so that the search ends near it."""
    p = np.linspace(0.2, 0.8, 40)
    a = p + (k + 0.5) / 1024
    expected, width = smece_by_pairs(p, a)
    assert round(width * 1024) in (k, k + 1)
    assert Smooth.of(claims_of(p, a)).smece() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("p", "outcomes", "expected"),
    [
        ([0.8, 0.6, 0.6, 0.8, 1.0, 1.0, 0.5, 2 / 3, 0.7, 0.7], [1, 1, 1, 0, 1, 1, 1, 1, 1, 1], 0.18191523532048348),
        ([1.0, 1.0, 0.95, 0.97, 1.0, 0.98], [1, 0, 1, 1, 0, 1], 0.20022085794434918),
    ],
)
def test_the_authors_numbers(p, outcomes, expected):
    """By relplot 1.0.3."""
    assert Smooth.of(claims_of(p, outcomes)).smece() == pytest.approx(expected, rel=1e-10)


def test_cuts_and_order_change_nothing():
    claims = many(70_000)
    order = np.random.default_rng(0).permutation(70_000)

    def part(rows):
        return Smooth.of(claims_of(claims.p[rows], claims.outcomes[rows]))

    ways = [*every_way(part, 70_000, sizes=(997, 66_000)), part(order), part(order[:5]) + part(order[5:])]
    assert len({way.smece() for way in ways}) == 1


def test_ends_and_shares():
    claims = claims_of([0.0, 1.0, 1.0, 0.5], [0.0, 1.0, 0.25, 0.75])
    assert Smooth.of(claims).smece() == pytest.approx(smece_by_pairs(claims.p, claims.outcomes)[0], rel=1e-9)


def test_none_of_nothing_and_of_weighted_samples():
    assert Smooth().smece() is None
    assert Smooth.of(claims_of([], [])).smece() is None
    weighted = Smooth.of(claims_of([0.5], [1], np.ones(1)))
    assert (weighted + Smooth()).smece() is (Smooth() + weighted).smece() is None
