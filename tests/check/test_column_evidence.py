"""The evidence in columns and in the order of samples, against loops."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nllcli.commands.check.evidence import chance, gather, order
from nllcli.commands.check.evidence.columns import (
    Choice,
    Columns,
    Cut,
    Largest,
    TopRows,
    Whole,
    looked_at,
    read_columns,
)
from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.by_class import ByClass

F8 = np.dtype("f8")


def top_rows(x):
    return TopRows(x, x.max(axis=1))


def whole(values, dtype=F8):
    with np.errstate(over="ignore"):
        return Whole.of(np.array(values, dtype), np.dtype(dtype))


def in_parts(values, cuts):
    """The sum of the evidence in a column cut in pieces, and that of the whole."""
    parts = [whole(values[a:b]) for a, b in itertools.pairwise([0, *cuts, len(values)]) if a < b]
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total, whole(values)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    values=st.one_of(
        st.lists(st.integers(-5, 300), min_size=1, max_size=30),
        st.builds(
            lambda a, n, step: [a + step * i for i in range(n)],
            st.integers(-9, 9),
            st.integers(1, 20),
            st.integers(-2, 2),
        ),
    ),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)
def test_a_column_of_whole_numbers_in_pieces(values, cuts):
    total, one = in_parts(values, sorted(min(cut, len(values)) for cut in cuts))
    steps = [b - a for a, b in itertools.pairwise(values)]
    for found in (total, one):
        assert (found.n, found.first, found.last) == (len(values), values[0], values[-1])
        assert (found.counts_up, found.counts_down) == (set(steps) <= {1}, set(steps) <= {-1})
        assert (found.rises, found.falls) == (all(step > 0 for step in steps), all(step < 0 for step in steps))
        assert len(found.few) == min(3, len(set(values)))
        assert found.few <= set(values)
    assert one.differ == (len(set(values)) == len(values))
    assert total.differ or not one.differ


@pytest.mark.parametrize(("dtype", "n_bits"), [("f2", 11), ("f4", 24), ("f8", 53)])
def test_whole_numbers_that_tell_are_those_that_could_be_fractions(dtype, n_bits):
    """In bfloat16 (8 significant bits), half precision (11) and the file's own, whichever of them has the number."""
    values = [0, 1, 127, 128, 129, 255, 256, 258, 1000, 1023, 1024, 1025, 1500, 2047, 2048, 2050, 4096, 60000]
    values += [] if dtype == "f2" else [100_001, 2**23 - 1, 2**23 + 1]
    for value in values:
        coarse = [bits for bits in (8, 11, n_bits) if fits(value, bits) and value >= 2 ** (bits - 1)]
        assert whole([value], dtype).n_telling == (0 if coarse else 1), value
        assert whole([-value], dtype).n_telling == (0 if coarse else 1), value


def fits(value, n_bits):
    """Whether a whole number has that many significant bits."""
    return value == 0 or value >> max(0, value.bit_length() - n_bits) << max(0, value.bit_length() - n_bits) == value


def test_integers_of_a_file_tell_as_those_of_float64():
    assert Whole.of(np.array([5.0, 1025.0]), np.dtype("i8")).n_telling == 1
    assert Whole.of(np.array([5.0, 2049.0]), np.dtype("i8")).n_telling == 2


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf])
def test_a_column_with_a_fraction_is_not_whole(value):
    assert whole([1.0, value, 3.0]) is None


def test_choices_and_confidences_against_loops():
    rng = np.random.default_rng(0)
    others = rng.integers(0, 4, (200, 3)).astype(float)
    places = [row.index(max(row)) for row in others.tolist()]
    alone = [p for p, row in zip(places, others.tolist(), strict=True) if row.count(max(row)) == 1]
    counts = [alone.count(k) for k in range(3)]
    for at, base in itertools.product(range(4), (0, 1)):
        found = Choice.of(top_rows(np.insert(others, at, np.array(places) + base, axis=1)), at)
        assert (found.bases, found.counts.tolist()) == ({base}, counts)
    wrong = np.insert(others, 0, np.array(places) + 3, axis=1)
    assert Choice.of(top_rows(wrong), 0) is None
    assert Choice.of(top_rows(np.insert(others, 0, others.argmin(axis=1), axis=1)), 0) is None
    largest = Largest.of(top_rows(np.insert(others, 1, others.max(axis=1), axis=1)), 1)
    equal = [sum(row[k] == max(row) for row in others.tolist()) for k in range(3)]
    assert (largest.n, largest.counts.tolist()) == (200, equal)
    assert Largest.of(top_rows(others), 0) is None


def test_cuts_against_loops():
    rng = np.random.default_rng(1)
    scores, ones = rng.normal(0, 1, 50), rng.integers(0, 2, 50)
    total = Cut.of(ones[:20], scores[:20]) + Cut.of(ones[20:], scores[20:])
    at = [[x for x, one in zip(scores, ones, strict=True) if one == k] for k in (0, 1)]
    assert total == Cut(len(at[0]), len(at[1]), max(at[0]), min(at[1]))
    assert Cut.of(np.ones(2), np.array([3.0, 4.0])) == Cut(0, 2, -math.inf, 3.0)


@pytest.mark.parametrize("n_classes", [2, 5, 64, 65, 500])
def test_added_columns_are_looked_for_at_both_ends(n_classes):
    looked = looked_at(n_classes).tolist()
    assert {0, n_classes - 1} <= set(looked) <= set(range(n_classes))
    assert len(looked) == (n_classes if n_classes <= 64 else 16)


def columns_of(x, targets=None):
    return read_columns(x, targets, x.max(axis=1), x.dtype)


def test_a_column_is_kept_while_every_block_has_it():
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (90, 4))
    targets = rng.integers(0, 3, 90)
    x = np.column_stack([np.arange(90), x, x.argmax(axis=1), x.max(axis=1), targets, targets + 1.0])
    parts = [columns_of(x[i : i + 30], targets[i : i + 30]) for i in (0, 30, 60)]
    total = Columns() + parts[0] + parts[1] + Columns() + parts[2]
    one = columns_of(x, targets)
    for found in (total, one):
        assert found.n_rows == 90
        assert set(found.wholes) == {0, 5, 7, 8}
        assert found.wholes[0].counts_up
        assert found.copies == {7: {0}, 8: {1}}
    x[89, 0] += 0.5
    targets[89] += 1
    total = parts[0] + parts[1] + columns_of(x[60:], targets[60:])
    assert (set(total.wholes), total.copies) == ({5, 7, 8}, {})


def test_predictions_from_0_and_from_1_in_two_blocks_are_neither():
    others = np.random.default_rng(3).normal(0, 1, (60, 3))
    first, second = (np.column_stack([others, others.argmax(axis=1) + base]) for base in (0, 1))
    assert set(columns_of(first).choices) == set(columns_of(second).choices) == {3}
    assert (columns_of(first) + columns_of(second)).choices == {}


def test_nothing_is_looked_for_in_one_column_or_no_row():
    assert columns_of(np.zeros((5, 1))).n_rows == 0
    assert read_columns(np.zeros((0, 3)), None, np.zeros(0), F8).n_rows == 0


def test_soft_targets_are_not_in_a_column():
    x = np.arange(12.0).reshape(4, 3)
    assert gather(Block(0, x, np.eye(4)[:, :3]), LossOptions(), 0, Scratch()).columns.copies == {}


@pytest.mark.parametrize("share", [0.5, 0.9, 0.01])
@pytest.mark.parametrize("choices", [1, 40])
def test_agreement_beyond_chance_is_rarer_than_one_in_a_million(share, choices):
    first = next(n for n in itertools.count() if not chance.agreement_is_chance(n, share, choices))
    tail = choices * Fraction(share) ** first
    assert Fraction(share) * Fraction(10) ** -6 <= tail < Fraction(10) ** -6 * Fraction(1 + 1e-9)
    assert chance.agreement_is_chance(10**9, 1.0, 1)


def test_choices_make_hits_more_likely_by_chance():
    first = next(k for k in range(101) if not chance.hits_are_chance(k, 100, 5))
    assert chance.hits_are_chance(first, 100, 5, choices=1000)
    assert not chance.hits_are_chance(100, 100, 5, choices=1000)


@pytest.mark.parametrize("counts", [[3, 0, 5], [7], [1] * 20])
def test_entropy_against_loops(counts):
    n = sum(counts)
    expected = -math.fsum(k / n * math.log(k / n) for k in counts if k)
    assert chance.entropy(ByClass(len(counts), np.arange(len(counts)), np.array(counts))) == pytest.approx(
        expected, abs=1e-15
    )


def test_there_is_no_entropy_without_targets():
    assert chance.entropy(None) is chance.entropy(ByClass.of(np.zeros(0, int), 3)) is None


def others(targets):
    """Every other order of a list that is tried, by loops, with its name."""
    n = len(targets)
    yield order.REVERSED, 0, targets[::-1]
    for by in range(1, n):
        yield order.ROTATED, by, targets[by:] + targets[:by]
    for by in (by for by in range(2, min(n, 65)) if n % by == 0):
        yield order.DEALT, by, [targets[i] for part in range(by) for i in range(part, n, by)]
        yield order.COLLECTED, by, [targets[part * (n // by) + i] for i in range(n // by) for part in range(by)]


@pytest.mark.parametrize("n", [2, 12, 30, 49])
def test_orders_against_loops(n):
    targets = np.arange(n)
    for kind, by, expected in others(list(range(n))):
        assert order.reordered(targets, kind, by).tolist() == expected
        if kind == order.ROTATED:
            assert order.reordered(targets, kind, by - n).tolist() == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(20, 90), n_classes=st.integers(2, 9), data=st.data())
def test_the_order_in_which_all_predictions_are_right_is_found(seed, n, n_classes, data):
    rng = np.random.default_rng(seed)
    predictions = rng.integers(0, n_classes, n)
    kind, by, _ = data.draw(st.sampled_from(list(others(list(range(n))))))
    place = order.reordered(np.arange(n), kind, by)
    targets = np.empty(n, int)
    targets[place] = predictions
    targets[data.draw(st.integers(0, n - 1))] = -1
    found = order.compare_orders(predictions, targets, n_classes)
    assert found.best.n_right == n - 1
    assert found.best.n_right == (order.reordered(targets, found.best.kind, found.best.by) == predictions).sum()
    assert found.choices >= len(list(others(list(range(n)))))


@pytest.mark.parametrize(
    ("predictions", "targets", "n_runs", "shared", "is_sorted"),
    [
        ([0, 1, 2, 0, 1, 2], [0, 0, 1, 1, 2, 2], 3, 1.0, (True, False)),
        ([2, 2, 1, 0, 0, 0], [0, 1, 2, 2, 2, 0], 3, 5 / 6, (False, True)),
        ([1, 1, 1, 1, 1, 1], [0, 1, -1, 1, 0, 1], 1, 3 / 5, (False, False)),
    ],
)
def test_what_two_orders_share(predictions, targets, n_runs, shared, is_sorted):
    found = order.compare_orders(np.array(predictions), np.array(targets), 3)
    assert found.shared == pytest.approx(shared)
    assert (found.n, found.n_runs, (found.sorted_targets, found.sorted_predictions)) == (6, n_runs, is_sorted)
