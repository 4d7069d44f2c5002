"""The loss at several temperatures: what it is at each of them alone, to the bit."""

import numpy as np
import pytest
from collected import added, collect, tally_of

from nllcli.numerics.exact import ExactSum
from nllcli.numerics.pictured import TEMPERATURES
from nllcli.numerics.pictured.curve import Curve

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(5)
X = RNG.normal(0, 3, (120, 6))
Y = np.where(np.arange(120) % 8 == 1, -100, RNG.integers(0, 6, 120))
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("x", "settings"),
    [
        (X, {}),
        (X.astype("f4"), {"precision": "fast"}),
        (X, {"temperature": 2.0}),
        (X, {"class_weights": [1, 2, 0.5, 0, 3, 1]}),
        (X, {"sample_weights": RNG.random(120)}),
        (X, {"clip": 0.01}),
        (X, {"loss": "one-vs-rest"}),
        (X, {"loss": "argmax"}),
        (X, {"label_smoothing": 0.1}),
        (P, {"source": "probs"}),
        (np.log(P), {"source": "log-probs"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_it_is_the_loss_at_each_temperature(x, settings):
    curve = collect(x, Y, temperatures=TEMPERATURES, **settings).curve
    assert (curve.temperatures, curve.n) == (TEMPERATURES, 105)
    for temperature, total in zip(TEMPERATURES, curve.sums, strict=True):
        assert total == tally_of(x, Y, **settings | {"temperature": temperature}).loss_sum


def test_soft_targets_have_one():
    curve = collect(X, P, temperatures=[0.5, 1.0]).curve
    assert curve.sums[0] == tally_of(X, P, temperature=0.5).loss_sum


@pytest.mark.parametrize("source", ["token-log-probs", "losses"])
def test_one_number_has_none(source):
    x = np.array([[0.0], [-1.0]]) if source == "token-log-probs" else np.array([[1.0], [2.0]])
    assert collect(x, None, source=source, temperatures=TEMPERATURES).curve is None


def test_it_is_there_where_it_is_asked_for():
    assert collect(X, Y).curve is None


def test_what_has_no_number_at_other_temperatures_is_nan_there():
    """Probabilities that are all 0 have a loss as they are, and nothing that a temperature could normalise."""
    p = np.array([[0.5, 0.5], [0.0, 0.0]])
    tally = tally_of(p, [0, 1], source="probs", temperatures=[1.0, 2.0])
    first, second = tally.pictures.curve.sums
    assert first == tally.loss_sum == ExactSum(first.units, n_positive_inf=1)
    assert (second.n_nan, second.n_positive_inf) == (1, 0)


def test_blocks_add_up_at_the_temperatures_that_all_have():
    whole = collect(X, Y, temperatures=[0.5, 1.0, 2.0]).curve
    cut = [collect(X[i : i + 40], Y[i : i + 40], temperatures=[0.5, 1.0, 2.0]).curve for i in (0, 40, 80)]
    assert added(cut) == whole
    assert whole + Curve() == Curve() + whole == whole
    fewer = (
        collect(X[:40], Y[:40], temperatures=[2.0, 3.0]).curve + collect(X[40:], Y[40:], temperatures=[1.0, 2.0]).curve
    )
    assert (fewer.temperatures, fewer.sums, fewer.n) == ((2.0,), (whole.sums[2],), whole.n)
