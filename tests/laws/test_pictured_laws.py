"""What must hold of all that is collected for pictures, whatever the samples are."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from collected import added, collect, of_blocks, plain, tally_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nllcli.numerics.edge_table import EdgeTable
from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.pictured.claim_sums import SURE, ClaimSums
from nllcli.numerics.pictured.confusions import Confusions
from nllcli.numerics.pictured.edges import COARSE, FINE
from nllcli.numerics.pictured.hardest import Hardest
from nllcli.numerics.pictured.loss_bins import LossBins

pytestmark = pytest.mark.uncounted

EDGES = st.sampled_from([FINE, COARSE, SURE])
NEXT = st.sampled_from([0.0, math.inf])
FLOATS = st.floats(allow_nan=False)  # of edges
WHOLE = st.integers(-(1 << 16), 1 << 16).map(lambda n: n / 1024)
LOGITS = st.one_of(WHOLE, st.floats(-800, 800), st.just(-math.inf))


@given(EDGES, st.lists(FLOATS), st.lists(st.integers(0, len(FINE) - 1)), NEXT)
def test_places_are_those_of_searchsorted(edges, numbers, places, toward):
    at = edges[[place % len(edges) for place in places]] if places else np.empty(0)
    x = np.concatenate([np.array(numbers, np.float64), at, np.nextafter(at, toward)])
    assert EdgeTable(edges.copy()).place(x).tolist() == np.searchsorted(edges, x, "right").tolist()


@given(st.lists(FLOATS, max_size=30), st.lists(st.floats()))
def test_any_edges_can_be_looked_up(edges, numbers):
    edges = np.array(sorted(edges), np.float64)
    x = np.concatenate([np.array(numbers, np.float64), edges, np.nextafter(edges, 0)])
    assert EdgeTable(edges.copy()).place(x).tolist() == np.searchsorted(edges, x, "right").tolist()


@given(hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(width=64)), st.floats(-1e3, 1e3))
def test_every_loss_is_in_one_bin_or_infinite_or_nan(losses, weight):
    with np.errstate(all="ignore"):
        terms = losses * weight
    found = LossBins.of(losses, terms)
    assert found.n + found.n_infinite + np.isnan(losses).sum() == len(losses)
    if np.isfinite(terms[np.isfinite(losses)]).all():
        total = sum((Fraction(term) for term in terms[np.isfinite(losses)].tolist()), Fraction(0))
        assert Fraction(found.sums.total().units, 1 << UNIT_BITS) == total


@st.composite
def samples(draw, max_samples=14):
    """Logits, targets of which some are ignored, sample weights or none, and where blocks begin."""
    n, c = draw(st.integers(0, max_samples)), draw(st.integers(1, 5))
    x = draw(hnp.arrays(np.float64, (n, c), elements=LOGITS))
    x[:, 0] = np.where(np.isneginf(x).all(axis=1), 0.0, x[:, 0])
    y = draw(hnp.arrays(np.int64, n, elements=st.sampled_from([-100, *range(c)])))
    weights = draw(st.none() | hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 0.5, 1.0, 3.0])))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    return x, y, weights, cuts


@given(samples(), st.integers(0, 5))
def test_blocks_add_up_to_the_whole(drawn, hardest):
    x, y, weights, cuts = drawn
    settings = {"sample_weights": weights, "hardest": hardest, "temperatures": (0.5, 1.0, 2.0)}
    whole, summed = tally_of(x, y, **settings), of_blocks(cuts, x, y, **settings)
    assert plain(summed.pictures) == plain(whole.pictures)


@st.composite
def sequences(draw):
    """Losses (n, length) of a few sizes, which of them count, and where blocks begin."""
    n, length = draw(st.integers(0, 6)), draw(st.integers(1, 5))
    losses = draw(hnp.arrays(np.float64, (n, length), elements=st.sampled_from([0.0, 2.0**-53, 1.0, 3.0, math.inf])))
    y = np.where(draw(hnp.arrays(bool, n * length)), 0, -100)
    return losses, y, sorted(draw(st.lists(st.integers(0, n * length), max_size=5)))


@given(sequences(), st.integers(0, 4), st.integers(1, 6))
def test_sequences_are_found_wherever_they_are_cut(drawn, most, n_shown):
    losses, y, cuts = drawn
    length = losses.shape[1]
    along = {"source": "losses", "length": length, "sequences": most, "n_shown": n_shown}
    found = of_blocks(cuts, losses.reshape(-1, 1), y, **along).pictures
    counted = y.reshape(losses.shape) == 0
    means = {}
    for number, (row, counts) in enumerate(zip(losses, counted, strict=True)):
        own = row[counts].tolist()
        if own:
            means[number] = math.inf if math.inf in own else float(sum(map(Fraction, own)) / len(own))
    hardest = sorted(means, key=lambda number: (-means[number], number))[:most]
    assert [(each.number, each.mean) for each in found.sequences.items] == [(i, means[i]) for i in hardest]
    assert not found.sequences.pieces
    for each in found.sequences.items:
        shown = [
            loss if counts else None for loss, counts in zip(losses[each.number], counted[each.number], strict=True)
        ]
        assert each.losses == tuple(shown[:n_shown])
    assert found.positions.n.tolist() == counted.sum(axis=0).tolist()


@given(samples())
def test_counts_and_sums_are_those_of_the_tally(drawn):
    x, y, weights, _ = drawn
    tally = tally_of(x, y, sample_weights=weights)
    collected, n_wrong = tally.pictures, tally.n_counted - tally.n_correct
    assert collected.losses.n + collected.losses.n_infinite == tally.n_counted == collected.claims.n_counted
    assert collected.losses.sums.total().units == tally.loss_sum.units
    assert collected.claims.n_wrong.sum() == collected.confusions.n_found == n_wrong
    assert collected.confusions.slack == 0
    assert len(collected.hardest.items) == min(10, tally.n_counted)
    of_groups = sum(bin.count for bin in collected.claims.bins())
    assert of_groups == tally.n_counted


@given(samples(), st.randoms())
def test_the_order_of_samples_changes_nothing_but_numbers(drawn, random):
    x, y, weights, _ = drawn
    order = list(range(len(x)))
    random.shuffle(order)
    moved = None if weights is None else weights[order]
    before, after = collect(x, y, sample_weights=weights), collect(x[order], y[order], sample_weights=moved)
    for name in ("losses", "claims", "confusions", "class_squares"):
        assert plain(getattr(after, name)) == plain(getattr(before, name))
    assert [each.loss for each in after.hardest.items] == [each.loss for each in before.hardest.items]


@given(st.lists(samples(6), min_size=3, max_size=3))
def test_adding_is_associative_and_commutative(drawn):
    """Whatever the samples are, of the same number of classes."""
    found = [collect(np.pad(x, ((0, 0), (0, 5 - x.shape[1]))), y, start=20 * i) for i, (x, y, _, _) in enumerate(drawn)]
    a, b, c = found
    assert plain((a + b) + c) == plain(a + (b + c)) == plain((c + a) + b) == plain(added([c, b, a]))


@given(samples())
def test_nothing_is_the_identity(drawn):
    x, y, weights, _ = drawn
    found = collect(x, y, sample_weights=weights)
    zeros = {"losses": LossBins(), "claims": ClaimSums(), "confusions": Confusions(), "hardest": Hardest()}
    for name, zero in zeros.items():
        part = getattr(found, name)
        assert plain(part + zero) == plain(zero + part) == plain(part)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=200), st.integers(1, 6), st.data())
def test_confusions_are_found_up_to_their_slack(pairs, most, data):
    import nllcli.numerics.pictured.confusions as room

    cuts = sorted(data.draw(st.lists(st.integers(0, len(pairs)), max_size=4)))
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    kept = room.MOST_PAIRS
    room.MOST_PAIRS = most
    try:
        found = added([Confusions.of(part[:, 0], part[:, 1], 10) for part in np.split(columns, cuts)])
    finally:
        room.MOST_PAIRS = kept
    true = Counter((t, p) for t, p in pairs if t != p)
    known = {(t, p): n for t, p, n in found.pairs()}
    assert len(known) <= most
    assert known.keys() <= true.keys()
    assert all(known.get(pair, 0) <= n <= known.get(pair, 0) + found.slack for pair, n in true.items())
    assert found.n_found + found.slack * (most + 1) <= true.total()
    if len(true) <= most:
        assert (known, found.slack) == (true, 0)
