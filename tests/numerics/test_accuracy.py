"""How many digits are right, against 50-digit arithmetic, over rows on which losses lose them."""

from itertools import groupby

import numpy as np
import oracle
import pytest
from edge_cases import cases
from mpmath import mp
from one_block import relative_error, score, worst_error
from predictions import upper_halves

from nllcli.errors import SampleError
from nllcli.numerics.kernels.odds import _table

pytestmark = pytest.mark.usefixtures("kernel")

LIMIT = 1e-14

CASES = cases()
GROUPS = {name: list(group) for name, group in groupby(CASES, key=lambda case: case.group)}


def exceeding(errors):
    return {name: error for name, error in errors.items() if not error <= LIMIT}


def test_there_are_enough_cases():
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.uncounted
@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_losses(group):
    errors = {
        case.name: worst_error(score([case.row], [case.target]).losses, oracle.losses([case.row], [case.target]))
        for case in group
    }
    assert not exceeding(errors)


FEW = [case for case in CASES if "C3-" in case.name or "C10-" in case.name]


@pytest.mark.uncounted
@pytest.mark.parametrize("case", FEW[::7], ids=lambda case: case.name)
@pytest.mark.parametrize("temperature", [1.0, 0.7, 13.0])
def test_losses_probabilities_and_their_logarithms(case, temperature):
    got = score([case.row], [case.target], temperature=temperature)
    expected = oracle.losses([case.row], [case.target], temperature=temperature)
    assert relative_error(got.losses[0], expected[0]) <= LIMIT
    assert worst_error(got.probs[0], oracle.softmax(case.row, temperature=temperature)) <= LIMIT
    assert worst_error(-got.log_probs[0], [-x for x in oracle.log_softmax(case.row, temperature=temperature)]) <= LIMIT


@pytest.mark.uncounted
@pytest.mark.parametrize("case", FEW[::3], ids=lambda case: case.name)
def test_one_vs_rest(case):
    expected = oracle.losses([case.row], [case.target], loss="one-vs-rest")[0]
    assert relative_error(score([case.row], [case.target], loss="one-vs-rest").losses[0], expected) <= LIMIT


@pytest.mark.parametrize("case", FEW[::5], ids=lambda case: case.name)
def test_argmax(case):
    expected = oracle.losses([case.row], [case.target], loss="argmax")[0]
    assert relative_error(score([case.row], [case.target], loss="argmax").losses[0], expected) <= LIMIT


@pytest.mark.uncounted
@pytest.mark.parametrize("case", FEW[::5], ids=lambda case: case.name)
def test_gradient_by_the_formula(case):
    """p - 1 at the target, p elsewhere: exact in 60 digits, so that also the last digits of p - 1 can be judged."""
    with mp.workdps(60):
        expected = [p - (k == case.target) for k, p in enumerate(_probabilities(case.row))]
    assert worst_error(score([case.row], [case.target], divisor=1.0).gradient[0], expected) <= LIMIT


def _probabilities(row):
    """exp(x - max) over its sum; p - 1 needs more digits than there are zeros between p and 1."""
    with mp.workdps(400):
        powers = [mp.exp(oracle.number(x) - oracle.number(max(row))) for x in row]
        return [power / mp.fsum(powers) for power in powers]


@pytest.mark.parametrize("source", ["log-probs", "probs"])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
def test_sources_that_hold_the_answer(source, loss):
    rows = [[1.0 - 2.0**-50, 2.0**-50, 0.0], [1e-300, 0.25, 0.75], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]]
    if source == "log-probs":
        rows = [[float(oracle.log(oracle.number(p))) for p in row] for row in rows]
        rows.append([-1e-20, -46.0, -700.0])
    for target in range(3):
        targets = [target] * len(rows)
        got = score(np.array(rows), targets, source=source, loss=loss)
        assert worst_error(got.losses, oracle.losses(rows, targets, source=source, loss=loss)) <= LIMIT


@pytest.mark.parametrize("x", [0.0, 1e-9, -3.5, 40.0, -40.0, 333.3, -333.3, 745.0, -745.0])
@pytest.mark.parametrize("target", [0, 1])
def test_binary_is_exact_through_a_zero(x, target):
    expected = oracle.losses([[0.0, x]], [target])[0]
    assert relative_error(score([[x]], [target], binary=True).losses[0], expected) <= LIMIT
    ones = oracle.losses([[0.0, x]], [target], loss="one-vs-rest")[0]
    assert relative_error(score([[x]], [target], binary=True, loss="one-vs-rest").losses[0], ones) <= LIMIT


@pytest.mark.parametrize("p", [0.5, 1e-300, 1e-17, 0.999, 1.0 - 2.0**-53, 0.0, 1.0])
@pytest.mark.parametrize("target", [0, 1])
def test_binary_probabilities_take_the_log_of_one_minus_p_exactly(p, target):
    with mp.workdps(50):
        number = oracle.number(p)
        expected = -(oracle.log(number) if target else oracle.log_one_minus(number))
    assert relative_error(score([[p]], [target], binary=True, source="probs").losses[0], expected) <= LIMIT
    log_p = float(np.log(p)) if p else -np.inf
    if p < 1 - 2.0**-50:  # a log p so close to 0 has lost the digits of 1 - p before it comes here
        got = score([[log_p]], [target], binary=True, source="log-probs").losses[0]
        exact = oracle.log_probabilities([log_p], source="log-probs")
        assert relative_error(got, -(exact[0][0] if target else exact[1][0])) <= LIMIT


def test_many_classes_keep_the_small_probability_of_the_top_one():
    """With 3,000 nearly equal classes p is far from 1: 1 - (1 - p) would lose three digits of the gradient."""
    row = np.linspace(0.0, 1e-3, 3000)
    expected = [float(p) for p in oracle.softmax(row)]
    gradient = score([row], [0], divisor=1.0).gradient[0]
    assert np.abs(gradient[1:] / expected[1:] - 1).max() < LIMIT


@pytest.mark.parametrize("n_classes", [2, 3, 10, 71, 72, 200])
@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("order", ["small first", "large first"])
def test_each_row_is_judged_by_itself(n_classes, precision, order):
    """Rows of every size in one block: their exponentials overflow, underflow, or serve as they are."""
    rng = np.random.default_rng(n_classes)
    offsets = [0.0, 30.0, -30.0, 50.0, -50.0, 300.0, -300.0, 5000.0]
    rows = np.stack([rng.normal(offset, 5.0, n_classes) for offset in offsets])
    rows = (rows if order == "small first" else rows[::-1]).astype(np.float32)
    targets = rows.argmin(axis=1)
    losses = score(rows, targets, precision=precision).losses
    assert worst_error(losses, oracle.losses(rows, targets)) <= (LIMIT if precision == "exact" else 1e-6)
    alone = [
        score(row[None], [target], precision=precision).losses[0] for row, target in zip(rows, targets, strict=True)
    ]
    assert losses.tolist() == alone


@pytest.mark.parametrize("gap", [30.0, 60.0, 85.0, 90.0, 110.0, 700.0])
@pytest.mark.parametrize("n_classes", [2, 100])
def test_a_small_loss_does_not_underflow_in_single_precision(gap, n_classes):
    row = np.full(n_classes, -gap, np.float32)
    row[0] = 0.0
    expected = oracle.losses([row], [0])[0]
    assert relative_error(score([row], [0], precision="fast").losses[0], expected) <= 1e-5


@pytest.mark.uncounted
@pytest.mark.parametrize("n_classes", [2, 10, 72, 100])
@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_logits_on_either_side_of_every_range(n_classes, precision, dtype):
    """Where exponentials, or quotients of them, overflow or underflow in single or double precision, and below that."""
    bounds = [29, 30, 31, 43, 44, 56.9, 57, 57.1, 87, 88, 89, 103, 104, 344.9, 345, 345.1, 372, 373, 708, 709, 710, 746]
    rows = []
    for bound in bounds:
        rest = np.linspace(-1.0, 1.0, n_classes)
        rows += [rest + bound, rest - bound, rest * bound, np.where(np.arange(n_classes) == 1, bound, -bound)]
    rows = np.array(rows, dtype)
    limit = LIMIT if precision == "exact" or dtype == "f8" else 1e-5
    for target in (0, 1, n_classes - 1):
        targets = np.full(len(rows), target)
        found = score(rows, targets, precision=precision)
        assert worst_error(found.losses, oracle.losses(rows, targets)) <= limit
        assert found.tally.n_correct == sum(int(row.argmax()) == target for row in rows)


@pytest.mark.uncounted
@pytest.mark.parametrize("n_classes", [10, 100])
@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("far", [1000.0, -1000.0, 400.0])
def test_rows_beside_those_far_outside_keep_their_bits(n_classes, precision, far):
    rows = np.random.default_rng(0).normal(0.0, 3.0, (40, n_classes)).astype(np.float32)
    targets = rows.argmin(axis=1)
    among = rows.copy()
    among[:30] += np.float32(far)
    losses = score(among, targets, precision=precision).losses
    assert losses[30:].tolist() == score(rows, targets, precision=precision).losses[30:].tolist()
    assert worst_error(losses[:30], oracle.losses(among[:30], targets[:30])) <= (
        LIMIT if precision == "exact" else 1e-6
    )


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("n", "n_classes"),
    [(2, 40), (2, 71), (8191, 3), (8193, 10), (40001, 10), (19662, 40), (30000, 71), (263, 1000), (9, 32000)],
)
def test_equal_rows_have_equal_bits_wherever_a_block_is_cut(n, n_classes):
    for seed in range(50 if n == 2 else 1):
        row = np.random.default_rng(seed).normal(0.0, 3.0, n_classes)
        alone = score(row[None], [1])
        block = score(np.tile(row, (n, 1)), np.ones(n, np.int64))
        for name in ("losses", "probs", "log_probs"):
            assert (getattr(block, name) == getattr(alone, name)[0]).all()


@pytest.mark.parametrize("n_classes", [3, 100])
def test_the_loss_of_a_right_prediction_is_the_same_to_the_bit_by_either_name(n_classes):
    rows = np.random.default_rng(2).normal(0.0, 3.0, (50, n_classes))
    targets = rows.argmax(axis=1)
    assert score(rows, targets).losses.tolist() == score(rows, targets, loss="argmax").losses.tolist()


def bfloat16(rows):
    """``rows`` cut to bfloat16, as they lie in files."""
    return upper_halves(rows).view("V2")


def widened(rows):
    """float16 or bfloat16 ``rows`` as float32, value by value."""
    if rows.dtype.kind == "f":
        return rows.astype(np.float32)
    return (rows.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


@pytest.mark.uncounted
@pytest.mark.parametrize("n_classes", [3, 71, 72, 300])
@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("narrow", [np.float16, bfloat16])
@pytest.mark.parametrize("order", ["C", "F"])
def test_sixteen_bits_give_the_bits_of_the_same_numbers_in_float32(n_classes, precision, narrow, order):
    _table.cache_clear()  # which a test whose lines are not counted may have filled
    rng = np.random.default_rng(n_classes)
    rows = rng.normal(0.0, 3.0, (600, n_classes)).astype(np.float32)
    rows[::7] *= 30.0
    rows[3::50] = -np.inf
    rows[3::50, 1] = 2.0
    rows[5::60] += np.float32(60000.0)
    rows = np.asarray(bfloat16(rows) if narrow is bfloat16 else rows.astype(narrow), order=order)
    targets = rng.integers(0, n_classes, len(rows))
    targets[3::50] = 1
    got = score(rows, targets, precision=precision)
    expected = score(widened(np.ascontiguousarray(rows)), targets, precision=precision)
    assert got.losses.tolist() == expected.losses.tolist()
    assert got.probs.tolist() == expected.probs.tolist()
    assert got.tally.n_correct == expected.tally.n_correct
    some = slice(0, 12)
    exact = oracle.losses(widened(np.ascontiguousarray(rows))[some], targets[some])
    assert worst_error(got.losses[some], exact) <= (LIMIT if precision == "exact" else 1e-6)


@pytest.mark.parametrize("n_classes", [3, 100])
@pytest.mark.parametrize("narrow", [np.float64, np.float32, np.float16, bfloat16])
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_the_prediction_is_the_largest_logit_where_probabilities_are_equal(n_classes, narrow, precision):
    tiny, twice = (2.0**-24, 2.0**-23) if narrow is np.float16 else (2.0**-60, 2.0**-59)
    rows = np.full((4, n_classes), -1.0)
    rows[0, :2] = tiny, twice
    rows[1, :2] = twice, tiny
    rows[2, :2] = tiny, tiny
    rows[3, :2] = -tiny, tiny
    rows = narrow(rows) if narrow is bfloat16 else rows.astype(narrow)
    for target, right in ((0, [False, True, True, False]), (1, [True, False, False, True])):
        targets = np.full(4, target)
        for row, is_right in zip(range(4), right, strict=True):
            one = slice(row, row + 1)
            assert score(rows[one], targets[one], precision=precision).tally.n_correct == is_right
        assert score(rows, targets, precision=precision).tally.n_correct == sum(right)


@pytest.mark.parametrize("n_classes", [3, 100])
def test_the_prediction_is_the_larger_logit_where_single_precision_swaps_their_powers(n_classes):
    """Not every exponential of float32 grows from one number to the next; between these two, one of NumPy's falls."""
    every = np.arange(np.float32(0.1).view(np.int32), np.float32(0.2).view(np.int32), dtype=np.int32).view(np.float32)
    falls = np.flatnonzero(np.diff(np.exp(every)) < 0)[:50]
    low = np.array([float.fromhex("0x1.9e2e4cp-4"), *every[falls]], np.float32)
    rows = np.full((len(low), n_classes), -1.0, np.float32)
    rows[:, 0], rows[:, 1] = low, np.nextafter(low, np.float32(1.0))
    for target in (0, 1):
        got = score(rows, np.full(len(rows), target), precision="fast")
        assert got.tally.n_correct == target * len(rows)


@pytest.mark.parametrize("n_classes", [1, 3, 100])
@pytest.mark.parametrize("narrow", [np.float16, bfloat16])
@pytest.mark.parametrize(
    ("bad", "says"), [(np.nan, "class 0 is NaN"), (np.inf, r"class 0 is \+inf"), (-np.inf, "every class is -inf")]
)
def test_what_allows_no_number_is_told_of_sixteen_bits_too(n_classes, narrow, bad, says):
    rows = np.zeros((4, n_classes))
    rows[2] = bad
    rows = narrow(rows) if narrow is bfloat16 else rows.astype(narrow)
    with pytest.raises(SampleError, match=says) as caught:
        score(rows, np.zeros(4, int))
    assert caught.value.samples == (2,)


@pytest.mark.parametrize("narrow", [np.float16, bfloat16])
@pytest.mark.parametrize(("bad", "says"), [(np.nan, "class 1 is NaN"), (np.inf, r"class 1 is \+inf")])
def test_what_allows_no_number_is_told_of_one_logit_a_sample(narrow, bad, says):
    rows = np.array([[0.0], [bad]])
    with pytest.raises(SampleError, match=says) as caught:
        score(narrow(rows) if narrow is bfloat16 else rows.astype(narrow), np.zeros(2, int), binary=True)
    assert caught.value.samples == (1,)


@pytest.mark.uncounted
@pytest.mark.parametrize("n", [1, 8191, 8192, 8193, 16385, 70001])
@pytest.mark.parametrize("n_classes", [1, 2, 10])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_long_blocks_of_few_classes(n, n_classes, dtype):
    rng = np.random.default_rng(n)
    rows = rng.normal(0.0, 3.0, (n, n_classes)).astype(dtype)
    targets = rng.integers(0, n_classes, n)
    got = score(rows, targets)
    turned = score(np.asfortranarray(rows), targets)
    assert got.losses.tolist() == turned.losses.tolist()
    assert got.tally.n_correct == turned.tally.n_correct == np.count_nonzero(rows.argmax(axis=1) == targets)
    some = [*range(0, n, max(1, n // 20)), n - 1]
    assert worst_error(got.losses[some], oracle.losses(rows[some], targets[some])) <= LIMIT
