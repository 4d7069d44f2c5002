"""How losses are spread: counted and added up by loops over the edges."""

from fractions import Fraction

import numpy as np
import pytest
from collected import collect, plain, tally_of

from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.pictured.edges import COARSE, FINE
from nllcli.numerics.pictured.loss_bins import LossBins

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(3)
LOSSES = np.concatenate(
    [10.0 ** RNG.uniform(-22, 5, 300), [0.0, -0.5, 5e-324, np.inf, np.nan], FINE[::170], np.nextafter(FINE[::170], 0)]
)
WEIGHTS = RNG.uniform(-1, 3, len(LOSSES))


def bin_of(edges, loss):
    return sum(edge <= loss for edge in edges.tolist())


def exactly(total):
    return Fraction(total.units, 1 << UNIT_BITS)


@pytest.mark.parametrize("weights", [np.ones(len(LOSSES)), WEIGHTS], ids=["plain", "weighted"])
def test_counts_and_sums(weights):
    terms = LOSSES * weights
    found = LossBins.of(LOSSES, terms)
    finite = [(loss, term) for loss, term in zip(LOSSES.tolist(), terms.tolist(), strict=True) if np.isfinite(loss)]
    counts, sums = [0] * (len(FINE) + 1), [Fraction(0)] * (len(COARSE) + 1)
    for loss, term in finite:
        counts[bin_of(FINE, loss)] += 1
        sums[bin_of(COARSE, loss)] += Fraction(term)
    assert found.counts.tolist() == counts
    assert [exactly(found.sums[i]) for i in range(len(sums))] == sums
    assert (found.n, found.n_infinite) == (len(finite), 1)
    coarse = [bin_of(COARSE, loss) for loss, _ in finite]
    assert found.coarse_counts().tolist() == [coarse.count(i) for i in range(len(sums))]


def test_of_nothing():
    nothing = LossBins()
    assert (nothing.n, nothing.coarse_counts().sum(), len(nothing.coarse_counts())) == (0, 0, 242)
    some = LossBins.of(LOSSES, LOSSES)
    assert plain(some + nothing) == plain(nothing + some) == plain(some)


X = RNG.normal(0, 4, (40, 5)).astype("f4")
Y = np.where(np.arange(40) % 9 == 4, -100, RNG.integers(0, 5, 40))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"class_weights": [1, 2, 0.5, 0, 3]},
        {"sample_weights": RNG.random(40)},
        {"label_smoothing": 0.1, "class_weights": [1, 2, 0.5, 0, 3]},
        {"loss": "one-vs-rest"},
        {"loss": "argmax"},
        {"temperature": 2.5, "clip": 0.01},
    ],
    ids=str,
)
def test_they_add_up_to_the_loss(settings):
    tally = tally_of(X, Y, **settings)
    losses = tally.pictures.losses
    assert losses.n == tally.n_counted == 36
    assert losses.sums.total() == tally.loss_sum


def test_infinite_losses_and_rows_without_a_number_are_in_no_bin():
    x, y = X.copy(), np.abs(Y) % 5
    x[3], x[5, y[5]] = np.nan, -np.inf
    losses = collect(x, y, on_nonfinite="nan").losses
    assert (losses.n, losses.n_infinite) == (38, 1)


def test_weights_do_not_move_a_loss_to_another_bin():
    plainly, weighted = collect(X, Y).losses, collect(X, Y, sample_weights=np.full(40, 1000.0)).losses
    assert plainly.counts.tolist() == weighted.counts.tolist()
