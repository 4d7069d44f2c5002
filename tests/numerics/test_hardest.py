"""The samples that lose the most, against a sort of all of them."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from collected import added, collect, tally_of
from one_block import score

from nllcli.numerics.evaluate import Outcome
from nllcli.numerics.extremes import places_of_smallest
from nllcli.numerics.pictured import Collected
from nllcli.numerics.pictured.hardest import Hard, Hardest

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(21)
N, C = 700, 5
X = RNG.normal(0, 3, (N, C))
Y = np.where(np.arange(N) % 8 == 1, -100, RNG.integers(0, C, N))


def by_hand(losses, counted, most):
    """Numbers and losses, the largest first, and of equals the first."""
    rows = [
        (-loss, i)
        for i, (loss, counts) in enumerate(zip(losses, counted, strict=True))
        if counts and not np.isnan(loss)
    ]
    return [(i, -loss) for loss, i in sorted(rows)[:most]]


SETTINGS = {
    "plain": {},
    "class weights": {"class_weights": [1, 9, 0.5, 0, 3]},
    "sample weights": {"sample_weights": RNG.uniform(-1, 2, N)},
    "clipped": {"clip": 0.01},
    "smoothed": {"label_smoothing": 0.2},
    "argmax": {"loss": "argmax"},
    "one-vs-rest": {"loss": "one-vs-rest"},
    "at a temperature": {"temperature": 3.0},
}


@pytest.mark.parametrize("most", [0, 1, 10, 2000])
@pytest.mark.parametrize("name", SETTINGS)
def test_they_are_those_of_a_sort(name, most):
    losses = score(X, Y, **SETTINGS[name]).losses
    found = collect(X, Y, hardest=most, **SETTINGS[name]).hardest
    assert [(each.number, each.loss) for each in found.items] == by_hand(losses.tolist(), Y >= 0, most)
    assert found.numbers == tuple(each.number for each in found.items)


def test_what_is_shown_of_a_sample():
    for each in collect(X, Y, hardest=700).hardest.items:
        p = oracle.softmax(X[each.number].tolist())
        top = max(range(C), key=p.__getitem__)
        assert (each.target, each.top) == (Y[each.number], top)
        assert each.probabilities == pytest.approx(list(map(float, p)), rel=1e-14)
        assert (each.p_target, each.p_top) == (each.probabilities[each.target], each.probabilities[top])


@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
@pytest.mark.parametrize("settings", [{}, {"clip": 0.01}, {"temperature": 2.0}, {"loss": "argmax"}], ids=str)
def test_probabilities_of_any_source(source, settings):
    p = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
    x = {"logits": X, "log-probs": np.log(p), "probs": p}[source]
    probs = score(x, Y, source=source, **settings).probs
    few, many = collect(x, Y, source=source, **settings), collect(np.tile(x, (1, 5)), Y, source=source, **settings)
    for each in few.hardest.items:
        row = probs[each.number]
        assert each.probabilities == pytest.approx(row.tolist(), rel=1e-14)
        assert (each.top, each.p_top) == (row.argmax(), pytest.approx(row.max(), rel=1e-14))
        assert each.p_target == pytest.approx(row[each.target], rel=1e-14)
    wide = score(np.tile(x, (1, 5)), Y, source=source, **settings).probs
    for each in many.hardest.items:
        row = wide[each.number]
        assert each.probabilities is None
        assert (each.p_top, each.p_target) == pytest.approx((row.max(), row[each.target]), rel=1e-13)


@pytest.mark.parametrize("n_classes", [3, 50])
def test_probabilities_are_shown_as_they_are_given(n_classes):
    p = RNG.dirichlet(np.ones(n_classes), 80)
    y = RNG.integers(0, n_classes, 80)
    for each in collect(p, y, source="probs").hardest.items:
        assert (each.p_target, each.p_top) == (p[each.number, each.target], p[each.number].max())


def test_of_two_classes_in_one_column():
    (first,) = collect(np.array([[0.5], [2.0]]), [1, 0], binary=True, hardest=1).hardest.items
    p = 1 / (1 + np.exp(-2.0))
    assert (first.number, first.target, first.top) == (1, 0, 1)
    assert first.probabilities == pytest.approx((1 - p, p), rel=1e-14)


def test_infinite_losses_come_first_and_nan_is_none():
    x, y = X.copy(), np.abs(Y) % C
    x[40], x[[600, 9], y[[600, 9]]] = np.nan, -np.inf
    found = collect(x, y, on_nonfinite="nan", hardest=N).hardest
    assert found.numbers[:2] == (9, 600)
    assert [each.p_target for each in found.items[:2]] == [0.0, 0.0]
    assert len(found.items) == N - 1
    assert 40 not in found.numbers


def test_equals_come_in_order():
    found = collect(np.zeros((1000, 2)), np.ones(1000, int), hardest=3).hardest
    assert found.numbers == (0, 1, 2)


@pytest.mark.parametrize(
    ("x", "targets", "settings"),
    [
        (-np.abs(X[:, :1]), np.zeros(N, int), {"source": "token-log-probs"}),
        (np.abs(X[:, :1]), None, {"source": "losses"}),
    ],
    ids=["one number a token", "losses"],
)
def test_one_number_is_shown_alone(x, targets, settings):
    first, *_ = collect(x, targets, **settings).hardest.items
    number = int(np.abs(x[:, 0]).argmax())
    assert first == Hard(number, float(np.abs(x[number, 0])))


@pytest.mark.parametrize(
    ("targets", "settings"),
    [(None, {"loss": "argmax"}), (np.full((N, C), 1 / C), {})],
    ids=["no targets", "soft targets"],
)
def test_there_may_be_no_target(targets, settings):
    first, *_ = collect(X, targets, **settings).hardest.items
    assert (first.target, first.p_target) == (None, None)
    assert first.top == X[first.number].argmax()
    assert first.p_top == first.probabilities[first.top]


def test_nothing_counts():
    assert collect(X, np.full(N, -100)).hardest == Hardest(10)
    assert collect(X[:0], Y[:0]).hardest == Hardest(10)


def test_blocks_add_up():
    whole = collect(X, Y).hardest
    cut = [tally_of(X[i : i + 70], Y[i : i + 70]).shifted(i).pictures.hardest for i in range(0, N, 70)]
    assert added(cut) == added(cut[::-1]) == whole
    assert whole + Hardest() == Hardest() + whole == whole


def test_they_are_named_among_the_samples():
    """Whose places are asked for at the end of a pass."""
    x, y = X.copy(), np.abs(Y) % C
    x[40] = np.nan
    tally = tally_of(x, y, on_nonfinite="nan", hardest=3)
    assert Outcome(0, tally).named_samples == (40, *tally.pictures.hardest.numbers)
    assert Outcome(0, replace(tally, pictures=Collected())).shifted(5).named_samples == (45,)


def test_of_fewer_no_more_are_known():
    few, many = collect(X[:300], Y[:300], hardest=3).hardest, collect(X[300:], Y[300:], hardest=9, start=300).hardest
    assert (few + many).numbers == collect(X, Y, hardest=3).hardest.numbers


@pytest.mark.parametrize("most", [0, 1, 3, 50])
@pytest.mark.parametrize("n_nan", [0, 5, 2000, 3000])
def test_places_of_the_smallest(most, n_nan):
    values = np.round(RNG.normal(size=3000), 2)
    values[RNG.permutation(3000)[:n_nan]] = np.nan
    expected = [i for i, _ in by_hand((-values).tolist(), np.ones(3000, bool), most)]
    assert places_of_smallest(values, most).tolist() == expected
