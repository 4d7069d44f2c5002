"""The evidence itself, against loops."""

import functools
import itertools
import math
import operator
import statistics
import struct
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import nll
from predictions import softmax, sound

from nllcli.commands.check.evidence import Evidence, chance, gather, repeats
from nllcli.commands.check.evidence.chance import Moments
from nllcli.commands.check.evidence.extremes import count_rows_at_top, count_tops, read_extremes
from nllcli.commands.check.evidence.integers import Bits, Halves, read_bits, read_halves
from nllcli.commands.check.evidence.repeats import Repeats, read_repeats
from nllcli.commands.check.evidence.targets import Distinct, Padding, read_ends, read_streaks
from nllcli.commands.check.evidence.values import Constant, Peak
from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.by_class import ByClass

ONE_IN_A_MILLION = 1e-6


def awkward(seed, n, n_classes, dtype):
    """Logits and targets with everything that the evidence counts."""
    rng = np.random.default_rng(seed)
    logits = np.round(rng.normal(0, 2, (n, n_classes)), 1).astype(dtype)
    for value in (np.nan, np.inf, -np.inf, 65504):
        logits[rng.random((n, n_classes)) < 0.01] = value
    logits[rng.random(n) < 0.02] = -np.inf
    targets = rng.integers(-2, n_classes + 2, n)
    targets[rng.random(n) < 0.1] = -100
    return logits, targets


def gathered(logits, targets, cuts):
    total = Evidence()
    for start, stop in itertools.pairwise([0, *cuts, len(logits)]):
        total += gather(Block(start, logits[start:stop], targets[start:stop]), LossOptions(), 0, Scratch())
    return total


def flat(value):
    """Evidence as plain numbers."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: flat(each) for name, each in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: flat(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def same(a, b):
    """Whether plain numbers agree, sums up to rounding."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float):
        return a == pytest.approx(b, rel=1e-9, abs=1e-9, nan_ok=True)
    return a == b


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(0, 60),
    n_classes=st.sampled_from([2, 5, 90]),
    dtype=st.sampled_from(["f2", "f4", "f8"]),
    cuts=st.lists(st.integers(0, 60), max_size=3),
)
def test_blocks_add_up_to_the_whole(seed, n, n_classes, dtype, cuts):
    """Except for what the first rows of each block decide, and pairs of neighbours across a cut."""
    logits, targets = awkward(seed, n, n_classes, dtype)
    cuts = sorted(min(cut, n) for cut in cuts)
    parts, whole = gathered(logits, targets, cuts), gathered(logits, targets, [])
    left, right = flat(parts), flat(whole)
    for answer in (left, right):
        for field in ("n_fractional", "tied", "n_probs", "n_log_probs", "halves"):
            answer["values"].pop(field)
        for field in ("n_cells", "n_whole", "wholes", "choices", "largest", "cuts", "copies"):
            answer["columns"].pop(field)
    assert same(left, right)


def test_counts_of_awkward_data():
    logits, targets = awkward(1, 500, 6, "f8")
    found = gathered(logits, targets, [100, 333])
    counted = [i for i in range(500) if 0 <= targets[i] < 6]
    assert (found.n_samples, found.n_counted) == (500, len(counted))
    assert found.labels.n_ignored == sum(t == -100 for t in targets)
    outside = [i for i in range(500) if targets[i] != -100 and not 0 <= targets[i] < 6]
    assert (found.labels.outside.n, found.labels.outside.first) == (len(outside), tuple(outside[:5]))
    values = found.labels.outside_values
    assert dict(zip(values.values.tolist(), values.n.tolist(), strict=True)) == Counter(targets[outside].tolist())
    assert found.labels.counts.sums.tolist() == [sum(targets[i] == c for i in counted) for c in range(6)]
    values = found.values
    assert values.nan.n == sum(any(math.isnan(v) for v in logits[i]) for i in counted)
    assert values.inf.n == sum(any(v == math.inf for v in logits[i]) for i in counted)
    assert values.masked.n == sum(all(v == -math.inf for v in logits[i]) for i in counted)
    assert values.nan_classes.tolist() == [sum(math.isnan(logits[i, c]) for i in counted) for c in range(6)]
    assert values.saturated.n == sum(
        65504 in [abs(v) for v in (max(logits[i]), min(logits[i]))] and not any(map(math.isnan, logits[i]))
        for i in counted
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_classes", [1, 2, 71, 72, 300])
def test_extremes_and_common_maxima_against_loops(n_classes, order):
    rng = np.random.default_rng(n_classes)
    x = rng.integers(-2, 2 * n_classes, (700, n_classes)).astype("f4")
    x[rng.random(700) < 0.1] = 1.0
    x[5, -1], x[6, 0] = math.nan, -math.inf
    rows = [row for row in x.tolist() if not any(map(math.isnan, row))]
    x = np.asarray(x, order=order if n_classes < 72 else "C")
    found = read_extremes(x)
    kept = ~np.isnan(found.high)
    assert (np.flatnonzero(~kept).tolist(), math.isnan(found.low[5]), found.top[5]) == ([5], True, n_classes - 1)
    assert found.high[kept].tolist() == [max(row) for row in rows]
    assert found.low[kept].tolist() == [min(row) for row in rows]
    assert found.top[kept].tolist() == [row.index(max(row)) for row in rows]
    assert count_tops(x, found.high).tolist() == [
        0 if math.isnan(high) else row.count(high) for row, high in zip(x.tolist(), found.high.tolist(), strict=True)
    ]
    tops = [(row, max(row)) for row in rows]
    assert count_rows_at_top(x, found.high).tolist() == [
        sum(row[c] == top for row, top in tops) for c in range(n_classes)
    ]


@pytest.mark.parametrize("n_classes", [3, 71, 72, 300])
@pytest.mark.parametrize("n_changed", [0, 1, 2])
def test_constant_classes_against_loops(n_classes, n_changed):
    """The first and the last row agree; a class that changes between them is not constant, nor is one with a NaN."""
    rng = np.random.default_rng(n_changed)
    x = np.tile(rng.normal(0, 1, n_classes), (4000, 1))
    for c in range(n_changed):
        x[rng.integers(1, 3999), c * (n_classes - 1)] = (9.0, math.nan)[c]
    found = Constant.of(x)
    if n_changed:
        alone = [c for c, column in enumerate(x.T.tolist()) if len(set(column)) == 1]
        assert found.classes.tolist() == alone
        assert found.values.tolist() == x[0, alone].tolist()
    else:
        assert found.classes is None
        assert found.values.tolist() == x[0].tolist()
    for whole in (Constant.of(x[:1]), Constant.of(x[:1]) + Constant.of(x[-1:])):
        assert whole.classes is None
        assert whole.values.tolist() == x[0].tolist()


@pytest.mark.parametrize("cuts", [(1,), (3,), (1, 3), (2, 3), (1, 2, 3)])
def test_constant_classes_add_up(cuts):
    x = np.array([[1.0, 2, 3, 4], [1, 2, 0, 4], [1, 2, 3, 5], [1, 0, 3, 4]])
    parts = [Constant.of(part) for part in np.split(x, cuts)]
    whole = functools.reduce(operator.add, parts)
    assert (whole.classes.tolist(), whole.values.tolist()) == ([0], [1.0])


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (3,), (1, 2), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("first", [0.0, -0.0])
def test_constant_zeros_have_the_sign_of_the_first(first, cuts):
    x = np.array([[first, 1.0], [-first, 2], [-first, 3], [first, 4]])
    whole = functools.reduce(operator.add, map(Constant.of, np.split(x, cuts)))
    assert whole.classes.tolist() == [0]
    assert math.copysign(1.0, whole.values[0]) == math.copysign(1.0, first)


def test_fit_against_loops():
    logits, targets = sound(2, 12, 9, 7)
    flat_logits, flat_targets = logits.reshape(-1, 7).astype(float), targets.reshape(-1)
    fit = gather(Block(0, flat_logits, flat_targets), LossOptions(), 9, Scratch()).fit
    loss = -np.log(softmax(logits.astype(float)))
    own = [loss[b, t, targets[b, t]] for b in range(12) for t in range(9)]
    assert fit.loss.mean == pytest.approx(math.fsum(own) / 108)
    assert fit.loss.standard_error() == pytest.approx(np.std(own, ddof=1) / math.sqrt(108))
    later = [loss[b, t, targets[b, t]] - loss[b, t, targets[b, t + 1]] for b in range(12) for t in range(8)]
    earlier = [loss[b, t, targets[b, t]] - loss[b, t, targets[b, t - 1]] for b in range(12) for t in range(1, 9)]
    assert (fit.after.gain.n, fit.before.gain.n) == (96, 96)
    assert fit.after.gain.total == pytest.approx(math.fsum(later))
    assert fit.before.gain.total == pytest.approx(math.fsum(earlier))
    top = flat_logits.argmax(axis=1)
    assert fit.n_right == (top == flat_targets).sum()
    assert fit.n_right_below == (top == flat_targets - 1).sum()
    assert fit.confusion[2, 5] == ((flat_targets == 2) & (top == 5)).sum()
    tops = top.reshape(12, 9)
    for pairing, k in ((fit.after, 1), (fit.before, -1)):
        paired = [(b, t) for b in range(12) for t in range(9) if 0 <= t + k < 9]
        beyond = [(b, t) for b, t in paired if 0 <= t + 2 * k < 9]
        assert pairing.n_right_own == sum(tops[b, t] == targets[b, t] for b, t in paired)
        assert pairing.n_right_other == sum(tops[b, t] == targets[b, t + k] for b, t in paired)
        assert pairing.n_beyond == len(beyond) == 84
        assert pairing.n_right_beyond == sum(tops[b, t] == targets[b, t + 2 * k] for b, t in beyond)


def test_pairs_are_the_same_without_their_losses():
    """What is infinite, or not a number, makes no pair either way."""
    for n_classes in (2, 6, 90):
        logits, targets = awkward(4, 400, n_classes, "f4")
        block = Block(0, logits, targets)
        scored, hits = (gather(block, LossOptions(), 50, Scratch(), gains=gains).fit for gains in (True, False))
        for ours, theirs in ((hits.before, scored.before), (hits.after, scored.after)):
            assert (ours.gain.n, ours.own, theirs.n) == (0, 0.0, theirs.gain.n)
            assert replace(theirs, gain=Moments(), own=0.0) == ours


def test_neighbours_beyond_the_block_are_left_out():
    """Of two samples in a block each has one neighbour there, and none two places on."""
    logits, targets = sound(3, 2, 4)
    for first in (0, 5):
        fit = gather(Block(first, logits, targets), LossOptions(), 100, Scratch()).fit
        assert (fit.before.gain.n, fit.after.gain.n) == (1, 1)
        assert (fit.before.n_beyond, fit.after.n_beyond) == (0, 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 2), min_size=9, max_size=9), min_size=1, max_size=6))
def test_runs_against_loops(rows):
    found = read_ends(np.array(rows), 0)
    leading = [len(list(itertools.takewhile(lambda v: v == 0, row))) for row in rows]
    ending = [len(list(itertools.takewhile(lambda v: v == 0, row[::-1]))) for row in rows]
    n_long_ending, n_long_leading = (sum(k >= 4 for k in lengths) for lengths in (ending, leading))
    assert found == Padding(0, 0, 0, 0, sum(ending), sum(leading), n_long_ending, n_long_leading)


@pytest.mark.parametrize("dtype", ["i2", "u2", ">i2"])
def test_bits_of_bfloat16_against_struct(dtype):
    """Every pattern of two bytes: what is of ordinary size, 0, -inf or the lowest number."""
    patterns = range(1 << 16)
    values = [struct.unpack(">f", pattern.to_bytes(2, "big") + bytes(2))[0] for pattern in patterns]
    lowest = struct.unpack(">f", bytes.fromhex("ff7f0000"))[0]
    ordinary = [2.0**-30 <= abs(value) < 2.0**15 for value in values]
    masks = [value in (0.0, -math.inf, lowest) for value in values]
    given_ = np.array(patterns, np.uint16).view(dtype[-2:]).astype(dtype).reshape(-1, 4)
    found = read_bits(given_.astype(float), given_.dtype)
    negative = sum(map(lambda o, v: o and v < 0, ordinary, values))
    rows = [values[i : i + 4] for i in range(0, 1 << 16, 4)]
    log_probs = sum(max(row) <= 0 and abs(math.fsum(map(math.exp, row)) - 1) <= 0.05 for row in rows)
    assert found == Bits(1 << 16, sum(map(max, ordinary, masks)), negative, 1 << 14, log_probs)
    assert read_bits(given_.astype(float), np.dtype("i4")) == Bits()


@pytest.mark.parametrize("dtype", ["i2", "u2"])
def test_rows_of_log_probabilities_in_bits(dtype):
    """Rows of log p and log(1 - p): one is off, one has a number above 0, one has a probability of 0."""
    rows = [[math.log(p), math.log(1 - p)] for p in (0.5, 0.9, 0.001)] + [[-1.0, -1.0], [0.001, -8.0], [0.0, -math.inf]]
    bits = [[int.from_bytes(struct.pack(">f", value)[:2], "big") for value in row] for row in rows]
    x = np.array(bits, np.uint16).view(dtype)
    found = read_bits(x.astype(float), x.dtype)
    assert (found.n_rows, found.n_log_probs) == (6, 4)
    assert read_bits(x[:, :1].astype(float), x.dtype).n_log_probs == 0


def test_halves_of_decimal_fractions_against_text():
    """Digits after a comma, as text; the zeros in front of them are lost."""
    numbers = np.random.default_rng(6).normal(0, 3, (50, 3)).tolist()
    cells = [",".join(f"{number:.6f}".replace(".", ",") for number in row).split(",") for row in numbers]
    long = sum(len(cell.lstrip("0")) >= 6 for row in cells for cell in row[1::2])
    x = np.array(cells, float)
    assert read_halves(x) == Halves(150, long)
    assert read_halves(x[:, ::-1]).n_unlike
    assert read_halves(-x).n_unlike
    assert read_halves(x + 0.5).n_unlike
    assert read_halves(x[:, :5]) == read_halves(x[:, :2]) == Halves()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2), max_size=30))
def test_streaks_against_groupby(values):
    groups = [value for value, _ in itertools.groupby(values)]
    zeros, runs = values.count(0), groups.count(0)
    assert read_streaks(np.array(values, int), 0) == Padding(zeros, runs, len(values) - zeros, len(groups) - runs)


def repeats_of(x, targets=None, start=0):
    tops = x.max(axis=1)
    return read_repeats(x, targets, start, np.ones(len(x), bool), tops, (x == tops[:, None]).sum(axis=1) > 1)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_classes", [2, 30, 200])
def test_duplicates_against_a_dictionary(dtype, order, n_classes):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 3, (300, 2)).repeat(n_classes // 2, axis=1).astype(dtype)
    targets = rng.integers(0, 2, 300)
    seen, pairs = {}, []
    for i, key in enumerate((*row, target) for row, target in zip(x.tolist(), targets.tolist(), strict=True)):
        if key in seen:
            pairs.append((i, seen[key]))
        seen[key] = i
    total = repeats_of(np.asarray(x, order=order), targets)
    found = total.duplicates()
    assert (found.n, found.n_rows, found.pairs) == (len(pairs), 300, tuple(pairs[:5]))
    rows = Counter(map(tuple, x.tolist()))
    assert (found.n_logits, found.n_repeated) == (300 - len(rows), sum(times > 1 for times in rows.values()))
    maxima = total.maxima(2.0)
    assert (maxima.n, maxima.n_there) == (len(rows), sum(max(row) == 2.0 for row in rows))
    assert maxima.n_tied == sum(row.count(max(row)) > 1 for row in rows)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(12.0), True),  # ten between the ends
        (np.arange(11.0), False),
        (np.tile(np.arange(12.0), 10), True),
        (np.tile(np.arange(12.0), 11), False),
        (np.concatenate([np.full(90, -5.0), np.arange(10.0), np.full(90, 20.0)]), True),
        (np.ones(60), False),
    ],
)
def test_few_numbers_are_distinguished_from_many(values, expected):
    rows = values.reshape(-1, 2) if len(values) % 2 == 0 else values[:, None]
    assert repeats_of(rows).are_continuous() is expected


def test_equal_rows_with_equal_soft_targets():
    """Of three equal rows two have equal probabilities."""
    x, soft = np.array([[1.0, 2.0]] * 3), np.array([[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    found = repeats_of(x, soft).duplicates()
    assert (found.n, found.pairs, found.n_logits, found.n_repeated) == (1, ((2, 0),), 2, 1)


def test_nothing_added_to_the_evidence_of_rows_and_runs_changes_nothing():
    found = repeats_of(np.array([[1.0, 2.0], [1.0, 2.0]]))
    for total in (found + Repeats(), Repeats() + found):
        assert (total.n_rows, total.duplicates().pairs) == (2, ((1, 0),))
    assert Repeats().duplicates().n == Repeats().maxima(0.0).n == Repeats().are_continuous() == 0
    assert read_streaks(np.array([], int), 0) == Padding()


def test_small_differences_are_no_duplicates():
    """Whole numbers in float64 end in dozens of zero bits."""
    grid = np.array(list(itertools.product(range(12), repeat=4)), float)
    assert repeats_of(grid).duplicates().n == 0


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_with_runs_of_classes_exchanged_are_no_duplicates(order, monkeypatch):
    monkeypatch.setattr(repeats, "_HASHED_CLASSES", 2)
    x = np.array([[1.0, 2, 3, 4], [3, 4, 1, 2], [1, 2, 3, 4]], order=order)
    found = repeats_of(x).duplicates()
    assert (found.n, found.pairs, found.n_repeated) == (1, ((2, 0),), 1)


def test_many_rows_take_bounded_memory_and_keep_the_share():
    rng = np.random.default_rng(4)
    total = Repeats()
    for start in range(0, 400_000, 50_000):
        x = rng.normal(0, 1, (50_000, 3))
        x[25_000:30_000] = x[:5_000]
        total += repeats_of(x, None, start)
    assert len(total.kept) <= 1 << 16
    assert total.n_bits > 0
    assert total.duplicates().n == pytest.approx(40_000, rel=0.1)
    assert total.duplicates().n_repeated == pytest.approx(40_000, rel=0.1)
    assert total.maxima(0.0).n == pytest.approx(360_000, rel=0.1)
    assert all(later - earlier == 25_000 for later, earlier in total.duplicates().pairs)


@pytest.mark.parametrize(
    ("parts", "value", "n"),
    [([[1, 3], [3, 2, 3]], 3.0, 3), ([[1, 3], [2]], 3.0, 1), ([[1], [4, 4], [2, 4]], 4.0, 3)],
    ids=["of both", "of the first", "of later ones"],
)
def test_peaks_merge_into_the_largest_and_its_number(parts, value, n):
    first, *others = (Peak.of(np.array(part)) for part in parts)
    for other in others:
        first += other
    assert first == Peak(value, n)


def test_all_different_values_are_counted():
    parts = [[5, 5, -1], [], range(100, 140), [5], range(100_000)]
    total, expected = Distinct(), Counter()
    for part in parts[:-1]:
        total += Distinct.of(np.array(part, np.int64))
        expected.update(part)
    assert dict(zip(total.values.tolist(), total.n.tolist(), strict=True)) == expected
    assert (total.all, total.only, Distinct.of(np.array([3, 3])).only) == (True, None, 3)
    total += Distinct.of(np.array(parts[-1]))
    assert (total.all, len(total.values), total.values.tolist()[:3]) == (False, 1 << 16, [-1, 0, 1])


@pytest.mark.parametrize("n_outside", [1, 5, 40])
def test_targets_up_to_c_alone_count_from_1(n_outside, tmp_path):
    logits, targets = np.zeros((100, 4)), np.arange(100) % 4 + 1
    targets[:n_outside] = np.arange(4, 4 + n_outside)
    np.save(tmp_path / "x.npy", logits)
    np.save(tmp_path / "y.npy", targets)
    found = nll("check", tmp_path / "x.npy", tmp_path / "y.npy", "-q").out.split()
    assert ("targets-one-based" in found) == (n_outside == 1)
    assert ("targets-out-of-range" in found) == (n_outside > 1)


def binomial_tail(k, n, p):
    """The probability of k hits or more."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_missing_classes(n_classes):
    """The rule switches a little after C (1 - m/N)**N falls below one in a million, here for N = 100,000 draws."""
    rarest = next(m for m in itertools.count(1) if n_classes * (1 - m / 100_000) ** 100_000 < ONE_IN_A_MILLION)
    assert chance.missing_is_chance(rarest - 1, n_classes)
    assert not chance.missing_is_chance(rarest + 1, n_classes)


@pytest.mark.parametrize(("n", "n_classes"), [(10, 10), (50, 2), (1000, 5)])
def test_hits_beyond_chance_are_rarer_than_one_in_a_million(n, n_classes):
    first = next(k for k in range(n + 1) if not chance.hits_are_chance(k, n, n_classes))
    assert 1e-12 < binomial_tail(first, n, Fraction(1, n_classes)) < ONE_IN_A_MILLION


@pytest.mark.parametrize("n", [40, 500])
def test_exchanges_beyond_chance_are_rarer_than_one_in_a_million(n):
    first = next(k for k in range(n + 1) if not chance.exchange_is_chance(k, n - k, 1, 1))
    assert binomial_tail(first, n, Fraction(1, 2)) < ONE_IN_A_MILLION
    assert chance.exchange_is_chance(first, n - first, 8, 10)  # one of 1.8 million exchanges is not a surprise


def test_over_frequencies_against_loops():
    logits, targets = sound(5, 80, 4)
    loss = -np.log(softmax(logits.astype(float)))[np.arange(80), targets]
    counts = np.bincount(targets, minlength=5)
    sums = ByClass.of(targets, 5, loss)
    entropy, excess = chance.over_frequencies(Moments.of(loss), sums, ByClass.of(targets, 5))
    each = [loss[i] + math.log(counts[targets[i]] / 80) for i in range(80)]
    assert entropy == pytest.approx(math.fsum(-n / 80 * math.log(n / 80) for n in counts if n))
    assert excess.mean == pytest.approx(np.mean(each))
    assert excess.standard_error() == pytest.approx(np.std(each, ddof=1) / math.sqrt(80))


@pytest.mark.parametrize("values", [[], [2.5], [1.0, 4.0], [0.5, -3.0, 8.25]], ids=len)
def test_moments_are_those_of_the_statistics_module(values):
    moments = Moments.of(np.array(values)) + Moments()
    np.testing.assert_equal(moments.mean, statistics.fmean(values) if values else math.nan)
    expected = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    assert moments.standard_error() == pytest.approx(expected, rel=1e-14)


def test_means_that_do_not_vary_are_any_number_of_standard_errors_away():
    same = Moments.of(np.array([2.0, 2.0]))
    assert (chance.sigmas(same, 1.0), chance.sigmas(same, 3.0), chance.sigmas(same, 2.0)) == (math.inf, -math.inf, 0.0)


def test_predictions_that_are_all_right_are_chance_only_where_they_are_few():
    """n hits of n among C classes happen once in C**n times; once in a million is chance."""
    assert chance.hits_are_chance(8, 8, 5)
    assert not chance.hits_are_chance(9, 9, 5)
