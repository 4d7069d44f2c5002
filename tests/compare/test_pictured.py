"""What is collected of two models for pictures: the laws of its sums, and each of them against loops and fractions."""

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import oracle
import pytest
from collected import added, plain
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from in_pieces import every_way

from nllcli.commands.compare.pairs import Comparing
from nllcli.commands.compare.pictured import Paired
from nllcli.commands.compare.pictured.difference_bins import N_SIDE, DifferenceBins
from nllcli.commands.compare.pictured.loss_map import EDGES, INFINITE, N_BINS, LossMap
from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.exact import UNIT_BITS, ExactSum
from nllcli.numerics.pictured import PicturesWanted
from nllcli.numerics.pictured.edges import COARSE

pytestmark = pytest.mark.uncounted

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(21)
N = 300
LOSSES = st.one_of(
    st.floats(0, 1e6), st.sampled_from([0.0, 5e-324, 1e-20, 1e-21, 1.0, 1e4, INF, NAN]), st.integers(0, 9).map(float)
)


def losses_of(n, *special):
    """Losses of all sizes, some of them special."""
    losses = 10.0 ** RNG.uniform(-22, 5, n)
    places = RNG.random(n) < 0.1
    losses[places] = RNG.choice([0.0, 1.0, *special], places.sum())
    return losses


# --- the differences --------------------------------------------------------------------------------------------------


def bin_of(size):
    return sum(edge <= size for edge in COARSE.tolist())


def test_differences_are_in_bins_by_their_size_and_sign():
    a, b = losses_of(N, INF), losses_of(N, INF)
    b[::5] = a[::5]
    with np.errstate(invalid="ignore"):
        terms = np.where(np.isfinite(b - a), 0.5 * (b - a), 0.0)
    pairs = list(zip(a.tolist(), b.tolist(), terms.tolist(), strict=True))
    finite = [(y - x, term) for x, y, term in pairs if math.isfinite(x) and math.isfinite(y)]

    @np.errstate(invalid="ignore")  # as a pass has it
    def of(part):
        return DifferenceBins.of(a[part], b[part], terms[part])

    for found in every_way(of, N):
        assert found.n_zero == sum(d == 0 for d, _ in finite)
        assert found.n_infinite_below == sum(x == INF > y for x, y, _ in pairs)
        assert found.n_infinite_above == sum(y == INF > x for x, y, _ in pairs)
        for way in (-1, 1):
            counts, sums = found.side(way)
            own = [(bin_of(abs(d)), term) for d, term in finite if way * d > 0]
            assert counts == [sum(place == i for place, _ in own) for i in range(N_SIDE)]
            for i in {place for place, _ in own}:
                total = sum(Fraction(term) for place, term in own if place == i)
                assert Fraction(sums[i].units, 1 << UNIT_BITS) == total


@pytest.mark.parametrize(
    ("difference", "place"),
    [(5e-324, 0), (9.99e-21, 0), (1e-20, 1), (1.0, 201), (math.nextafter(1.0, 0), 200), (1e4, 241), (1e300, 241)],
)
def test_a_difference_at_an_edge_is_in_the_bin_above_it(difference, place):
    for way in (-1, 1):
        found = DifferenceBins.of(np.zeros(1), np.array([way * difference]), np.zeros(1))
        assert [sum(found.side(each)[0]) for each in (-way, way)] == [0, 1]
        assert found.side(way)[0][place] == 1


# --- the map ----------------------------------------------------------------------------------------------------------


def row_of(loss):
    return INFINITE if loss == INF else sum(edge <= loss for edge in EDGES.tolist())


def test_the_map_counts_every_sample_with_two_losses():
    a, b = losses_of(N, INF, NAN, -1.0), losses_of(N, INF, NAN, -1.0)
    known = [(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if not (math.isnan(x) or math.isnan(y))]
    expected = Counter((row_of(x), row_of(y)) for x, y in known)
    for found in every_way(lambda part: LossMap.of(a[part], b[part]), N):
        assert found.counts.shape == (N_BINS, N_BINS)
        assert {(i, j): found.counts[i, j] for i, j in np.argwhere(found.counts).tolist()} == expected


def test_rows_of_the_map_are_halves_of_decades():
    assert EDGES.tolist() == [float(f"{digits}e{k}") for k in range(-20, 4) for digits in ("1", "3.2")] + [1e4]


# --- blocks -----------------------------------------------------------------------------------------------------------


@st.composite
def samples(draw):
    """Logits of two models, targets of which some are ignored, sample weights or none, and where blocks begin."""
    n, c = draw(st.integers(0, 12)), draw(st.integers(1, 4))
    shape = (n, c)
    logits = st.one_of(st.integers(-9, 9).map(float), st.floats(-800, 800))
    a, b = (draw(hnp.arrays(np.float64, shape, elements=logits)) for _ in range(2))
    y = draw(hnp.arrays(np.int64, n, elements=st.sampled_from([-100, *range(c)])))
    weights = draw(st.none() | hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 0.5, 1.0, 3.0])))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    return a, b, y, weights, cuts


def compared(a, b, y, weights=None, start=0, *, most=3, pictured=True):
    """The sums of one block."""
    work = Comparing(
        (LossOptions(), LossOptions()),
        ((0, 1),),
        (False,),
        (False,),
        3,
        0,
        pictures=PicturesWanted((0.5, 1.0), most) if pictured else None,
    )
    other = Block(start, b, y, weights)
    return work(Block(start, a, y, weights, others=(other,)), Scratch()).sums


def paired(*drawn, **settings):
    return compared(*drawn, **settings).pairs[0].pictured


@given(samples(), st.integers(0, 5))
def test_blocks_add_up_to_the_whole(drawn, most):
    *whole, cuts = drawn
    runs = [slice(*run) for run in pairwise([0, *cuts, len(whole[0])])]
    parts = [
        paired(*(None if each is None else each[run] for each in whole), start=run.start, most=most) for run in runs
    ]
    assert plain(added(parts)) == plain(paired(*whole, most=most))
    shifted = [
        paired(*(None if each is None else each[run] for each in whole), most=most).shifted(run.start) for run in runs
    ]
    assert plain(added(shifted)) == plain(paired(*whole, most=most))


@given(st.lists(samples(), min_size=3, max_size=3))
def test_adding_is_associative_and_commutative_and_nothing_is_its_identity(drawn):
    first, second, third = (paired(*each[:4], start=20 * i) for i, each in enumerate(drawn))
    assert plain((first + second) + third) == plain(first + (second + third)) == plain((third + first) + second)
    assert plain(first + Paired()) == plain(Paired() + first) == plain(first)


@given(samples())
def test_counts_and_sums_are_those_of_the_comparison(drawn):
    sums = compared(*drawn[:4])
    (pair,), (baseline, model) = sums.pairs, sums.models
    bins = pair.pictured.differences
    assert [sum(bins.side(way)[0]) for way in (-1, 1)] == [pair.counts.n_better, pair.counts.n_worse]
    assert bins.n_zero == pair.counts.n_equal
    assert bins.total == pair.difference
    assert pair.pictured.losses.counts.sum() == baseline.n_counted
    assert baseline.pictures.claims.n_counted == model.pictures.claims.n_counted == baseline.n_counted
    assert baseline.pictures.hardest.items == ()


@given(st.lists(st.tuples(LOSSES, LOSSES), max_size=30))
def test_any_losses_are_counted_once(pairs):
    a, b = np.array(pairs, np.float64).reshape(-1, 2).T
    with np.errstate(invalid="ignore"):
        found, n_apart = DifferenceBins.of(a, b, b - a), np.isnan(b - a).sum()
    n = sum(found.side(-1)[0]) + sum(found.side(1)[0]) + found.n_zero
    assert n + found.n_infinite_below + found.n_infinite_above + n_apart == len(pairs)
    assert LossMap.of(a, b).counts.sum() == (~np.isnan(a + b)).sum()


def test_the_samples_that_differ_most_come_with_what_both_believe():
    a, b = RNG.normal(size=(2, 40, 3)) * 3
    y, weights = RNG.integers(0, 3, 40), RNG.integers(0, 4, 40) / 2
    y[::6] = -100
    terms = [
        [w * float(-oracle.log_softmax(row)[t]) if t >= 0 else None for row, t, w in zip(x, y, weights, strict=True)]
        for x in (a, b)
    ]
    sizes = {i: abs(q - p) for i, (p, q) in enumerate(zip(*terms, strict=True)) if p is not None}
    order = sorted((i for i in sizes if sizes[i]), key=lambda i: (-sizes[i], i))[:5]
    found = paired(a, b, y, weights, start=7, most=5).widest
    assert [each.number - 7 for each in found.items] == order
    for each in found.items:
        i = each.number - 7
        for own, x, term in ((each.baseline, a, terms[0]), (each.model, b, terms[1])):
            p = [float(share) for share in oracle.softmax(x[i])]
            assert own.probabilities == pytest.approx(p, rel=1e-12)
            assert (own.target, own.top, own.loss) == (y[i], int(np.argmax(p)), pytest.approx(term[i], rel=1e-12))
        assert each.difference == each.model.loss - each.baseline.loss


def test_samples_alike_are_not_among_those_that_differ():
    a = RNG.normal(size=(9, 3))
    b = a.copy()
    b[4] += [1.0, 0.0, 0.0]
    assert paired(a, b, np.zeros(9, np.int64)).widest.numbers == (4,)


def test_nothing_is_collected_where_no_picture_is_wanted():
    a, b = RNG.normal(size=(2, 9, 3))
    sums = compared(a, b, np.zeros(9, np.int64), pictured=False)
    assert sums.pairs[0].pictured is None
    assert [tally.pictures for tally in sums.models] == [None, None]
    assert DifferenceBins().total == ExactSum()
