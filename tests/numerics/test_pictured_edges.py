"""Bins at decimal numbers: what is in which, at their edges and next to them."""

import numpy as np
import pytest

from nllcli.numerics.edge_table import EdgeTable
from nllcli.numerics.pictured.claim_sums import SURE
from nllcli.numerics.pictured.edges import COARSE, COARSE_BINS, COARSE_OF_FINE, FINE, FINE_BINS, FIRST_FINE

TABLES = {
    "fine": FINE,
    "coarse": COARSE,
    "sure": SURE,
    "one": np.array([0.3]),
    "near": np.array([1.0, 1.0 + 2**-52]),
    "too near for a table": np.array([0.5, 1.0, 1.0 + 2**-52]),
    "none": np.empty(0),
    "below 0": np.array([-1.0, 2.0]),
    "twice the same": np.array([1.0, 1.0, 3.0]),
}


@pytest.mark.parametrize("edges", TABLES.values(), ids=TABLES)
def test_it_is_searchsorted(edges):
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, -1.0, 5e-324, -5e-324, 2.0**-1022, 1.7e308, np.inf, -np.inf, np.nan, -np.nan]
    drawn = 10.0 ** rng.uniform(-23, 7, 4000)
    x = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, np.inf), special, drawn, -drawn])
    found = EdgeTable(edges.copy()).place(x)
    assert found.dtype == np.int64
    assert found.tolist() == np.searchsorted(edges, x, "right").tolist()


def test_numbers_that_are_apart_in_memory():
    x = np.linspace(0, 3, 50)[::7]
    assert FINE_BINS.place(x).tolist() == np.searchsorted(FINE, x, "right").tolist()


def test_edges_are_the_decimal_numbers():
    assert (FINE[0], FINE[-1], len(FINE)) == (1e-20, 1e4, 24 * 90 + 1)
    assert (COARSE[0], COARSE[-1], len(COARSE)) == (1e-20, 1e4, 24 * 10 + 1)
    assert {0.0013, 6.3e-17, 0.1, 2.5, 3200.0} <= set(COARSE.tolist()) <= set(FINE.tolist())
    assert {9.9e-20, 0.0047, 7.7, 9900.0} <= set(FINE.tolist())
    assert (SURE[0], SURE[1], SURE[-1], len(SURE)) == (1e-16, 2e-16, 0.05, 45)


def test_coarse_bins_are_runs_of_fine_ones():
    below = np.concatenate([[0.0], FINE])
    assert COARSE_OF_FINE.tolist() == COARSE_BINS.place(below).tolist()
    assert FIRST_FINE.tolist() == [COARSE_OF_FINE.tolist().index(i) for i in range(COARSE_BINS.n_bins)]


def test_few_numbers_are_looked_up_in_a_small_table():
    """Which stays in the cache of a processor."""
    assert FINE_BINS.n_entries < 11_000
    assert COARSE_BINS.n_entries < 350
