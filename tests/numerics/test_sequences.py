"""Positions and sequences of tokens: by loops over whole arrays, however these are cut into blocks."""

from fractions import Fraction

import numpy as np
import pytest
from collected import added, plain, tally_of

from nllcli.numerics.exact import UNIT_BITS, ExactSum
from nllcli.numerics.pictured import positions as room
from nllcli.numerics.pictured.positions import Positions
from nllcli.numerics.pictured.sequences import Sequences

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(14)
C = 4


def drawn(n, length):
    """Logits and targets of the tokens of n sequences: some are padded, one has nothing else, two are alike."""
    x, y = RNG.normal(0, 3, (n * length, C)), RNG.integers(0, C, n * length)
    rows = y.reshape(n, length)
    rows[::3, length // 2 :] = -100
    if n > 5:
        rows[4] = -100
        x.reshape(n, length, C)[5], rows[5] = x.reshape(n, length, C)[1], rows[1]
    return x, y


def losses_of(x, y, **settings):
    """The losses by sequence, NaN for those that do not count."""
    from one_block import score

    losses = score(x, y, **settings).losses
    return np.where(y == -100, np.nan, losses)


def cut(x, y, size, **settings):
    """The tallies of blocks of a size."""
    starts = range(0, len(x), size)
    return [tally_of(x[i : i + size], y[i : i + size], start=i, **settings).pictures for i in starts]


def exactly(total):
    return Fraction(total.units, 1 << UNIT_BITS)


@pytest.mark.parametrize("length", [1, 7, 30])
@pytest.mark.parametrize("size", [7, 37, 10_000])
def test_positions_by_hand(length, size):
    x, y = drawn(9, length)
    found = added(cut(x, y, size, length=length)).positions
    columns = losses_of(x, y).reshape(9, length).T
    assert (found.width, len(found.n)) == (1, length)
    for t, column in enumerate(columns.tolist()):
        own = [loss for loss in column if not np.isnan(loss)]
        assert found.n[t] == len(own)
        assert exactly(found.loss_sum[t]) == sum(map(Fraction, own), Fraction(0))
        assert exactly(found.squares[t]) == sum((Fraction(loss * loss) for loss in own), Fraction(0))


@pytest.mark.parametrize(("length", "width"), [(8, 1), (9, 2), (16, 2), (17, 4), (100, 16)])
def test_many_positions_share_buckets(length, width, monkeypatch):
    monkeypatch.setattr(room, "MOST_BUCKETS", 8)
    losses, positions = RNG.exponential(size=500), RNG.integers(0, length, 500)
    found = Positions.of(losses, positions, length)
    assert (found.width, len(found.n)) == (width, -(-length // width))
    for i, n in enumerate(found.n.tolist()):
        own = losses[positions // width == i].tolist()
        assert (n, exactly(found.loss_sum[i])) == (len(own), sum(map(Fraction, own), Fraction(0)))


def test_any_two_add_up(monkeypatch):
    """Those of short sequences and of long ones, in buckets of either width."""
    monkeypatch.setattr(room, "MOST_BUCKETS", 8)
    found = {}
    for length in (5, 8, 9, 33, 64):
        losses, positions = RNG.exponential(size=90), RNG.integers(0, length, 90)
        losses[::30] = np.inf if length in (9, 33) else 1.0
        found[length] = losses, positions, Positions.of(losses, positions, length)
    for a, (losses, positions, one) in found.items():
        for b, (others, places, other) in found.items():
            width = max(one.width, other.width)
            both = Positions.of(np.concatenate([losses, others]), np.concatenate([positions, places]), max(a, b))
            assert both.width == width
            assert plain(one + other) == plain(both)
    nothing = Positions()
    assert plain(one + nothing) == plain(nothing + one) == plain(one)
    assert nothing._in_buckets_of(8) == nothing


def by_hand(rows, targets, most, n_shown):
    """Numbers, counts, sums and first tokens of the sequences, the largest mean first."""
    found = []
    for number, row in enumerate(rows.tolist()):
        own = [loss for loss in row if not np.isnan(loss)]
        if own:
            total = float("inf") if np.inf in own else sum(map(Fraction, own), Fraction(0))
            shown = [None if np.isnan(loss) else loss for loss in row[:n_shown]]
            classes = [None if y == -100 else y for y in targets[number].tolist()[:n_shown]]
            found.append((-float(total / len(own)), number, len(own), tuple(shown), tuple(classes)))
    return [(number, n, -mean, shown, classes) for mean, number, n, shown, classes in sorted(found)[:most]]


def as_rows(sequences):
    return [(each.number, each.n, each.mean, each.losses, each.targets) for each in sequences.items]


@pytest.mark.parametrize("settings", [{}, {"class_weights": [1, 2, 0.5, 3]}], ids=["plain", "weighted"])
@pytest.mark.parametrize("length", [1, 7, 30])
@pytest.mark.parametrize("size", [7, 37, 10_000])
@pytest.mark.parametrize("most", [0, 3])
def test_sequences_by_hand(length, size, most, settings):
    x, y = drawn(12, length)
    rows = losses_of(x, y).reshape(12, length)
    collected = cut(x, y, size, length=length, sequences=most, n_shown=5, **settings)
    found, back = added(collected).sequences, added(collected[::-1]).sequences
    assert as_rows(found) == by_hand(rows, y.reshape(12, length), most, 5)
    assert as_rows(back) == as_rows(found)
    assert found.pieces == back.pieces == {}


def test_infinite_losses_come_first_and_nan_has_no_mean():
    x, y = RNG.normal(0, 1, (60, C)), RNG.integers(0, C, 60)
    x[34, y[34]] = -np.inf
    x[12] = np.nan
    for size in (7, 60):
        found = added(cut(x, y, size, length=10, sequences=9, on_nonfinite="nan")).sequences
        assert found.items[0].number == 3
        assert found.items[0].losses[4] == np.inf
        # A token without a number does not count.
        (sequence,) = (each for each in found.items if each.number == 1)
        assert (sequence.n, sequence.losses[2], sequence.targets[2]) == (9, None, None)


def test_sums_that_float64_cannot_tell_apart():
    """Are told apart, whether they come in one block or in several."""
    losses = np.array([[1.0, 0.0, 0.0]] * 4)
    losses[2] = [1.0, 2.0**-53, 2.0**-53]
    assert np.unique(losses.cumsum(axis=1)[:, -1]).size == 1
    for size in (2, 12):
        settings = {"source": "losses", "length": 3, "sequences": 1}
        found = added(cut(losses.reshape(-1, 1), np.zeros(12, int), size, **settings)).sequences
        assert [(each.number, each.loss_sum.units) for each in found.items] == [(2, (1 << 52) + 1 << UNIT_BITS - 52)]


def test_one_number_a_token_has_no_targets():
    x = -np.abs(RNG.normal(size=(20, 1)))
    found = tally_of(x, None, source="token-log-probs", length=5, sequences=1).pictures
    number = int((-x).reshape(4, 5).sum(axis=1).argmax())
    (sequence,) = found.sequences.items
    assert (sequence.number, sequence.n, sequence.targets) == (number, 5, None)
    assert sequence.losses == tuple((-x).reshape(4, 5)[number].tolist())


def test_numbers_of_files_that_follow_each_other():
    x, y = drawn(12, 5)
    whole = tally_of(x, y, length=5).pictures
    first, second = tally_of(x[:25], y[:25], length=5), tally_of(x[25:], y[25:], length=5).shifted(25)
    assert as_rows((first + second).pictures.sequences) == as_rows(whole.sequences)
    assert Sequences() + whole.sequences == whole.sequences + Sequences() == whole.sequences
    part = tally_of(x[25:28], y[25:28], length=5).shifted(25).pictures.sequences
    assert list(part.pieces) == [5]


def test_of_fewer_no_more_are_known():
    x, y = drawn(12, 5)
    some = tally_of(x[:25], y[:25], length=5, sequences=2).pictures.sequences
    rest = tally_of(x[25:], y[25:], start=25, length=5, sequences=6).pictures.sequences
    assert as_rows(some + rest) == as_rows(tally_of(x, y, length=5, sequences=2).pictures.sequences)


def test_a_sum_of_nothing():
    x, _ = drawn(2, 4)
    found = tally_of(x, np.full(8, -100), length=4).pictures
    assert found.sequences.items == ()
    assert found.positions.n.tolist() == [0] * 4
    assert found.positions.loss_sum.total() == ExactSum()
    assert added(cut(x, np.full(8, -100), 3, length=4)).sequences.items == ()
