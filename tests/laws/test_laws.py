"""What must hold for every input: each law is one test."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from in_process import nll
from one_block import score

import nllcli
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally

# Laws hold everywhere at once; single lines are reached, and judged, elsewhere.
pytestmark = pytest.mark.uncounted
# Multiples of 1/1024 up to 64: sums and differences of such numbers are exact, so that laws hold to the last bit.
NUMBERS = st.integers(-(1 << 16), 1 << 16).map(lambda n: n / 1024)
POSITIVE = st.floats(0.01, 100.0)
NAMES_OF_LOSSES = st.sampled_from(list(LOSSES))


@st.composite
def problems(draw, numbers=NUMBERS, max_classes=6):
    """(rows, targets, class weights): up to 12 samples of up to 6 classes."""
    n, c = draw(st.integers(1, 12)), draw(st.integers(2, max_classes))
    rows = draw(hnp.arrays(np.float64, (n, c), elements=numbers))
    targets = draw(hnp.arrays(np.int64, n, elements=st.integers(0, c - 1)))
    weights = draw(hnp.arrays(np.float64, c, elements=POSITIVE))
    return rows, targets, weights


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-300)


@given(problems(), st.integers(-1000, 1000), NAMES_OF_LOSSES)
def test_adding_a_constant_to_a_row_changes_nothing(problem, constant, loss):
    rows, targets, weights = problem
    before = score(rows, targets, class_weights=weights, loss=loss)
    after = score(rows + constant, targets, class_weights=weights, loss=loss)
    close(after.losses, before.losses)
    close(after.probs, before.probs)


@given(problems(), st.randoms(), NAMES_OF_LOSSES)
def test_permuting_classes_with_weights_and_targets_changes_nothing(problem, random, loss):
    rows, targets, weights = problem
    order = list(range(rows.shape[1]))
    random.shuffle(order)
    moved = np.argsort(order)[targets]
    before = score(rows, targets, class_weights=weights, loss=loss)
    after = score(rows[:, order], moved, class_weights=weights[order], loss=loss)
    close(after.losses, before.losses)
    assert after.tally.weight_sum == before.tally.weight_sum


@given(problems(), st.randoms(), st.sampled_from(["mean", "sum"]))
def test_permuting_samples_changes_no_bit_of_a_reduced_number(problem, random, reduction):
    rows, targets, weights = problem
    order = list(range(len(rows)))
    random.shuffle(order)
    before = nllcli.compute(rows, targets, class_weights=weights, reduction=reduction)
    after = nllcli.compute(rows[order], targets[order], class_weights=weights, reduction=reduction)
    assert (after.loss, after.loss_sum, after.weight_sum) == (before.loss, before.loss_sum, before.weight_sum)
    np.testing.assert_equal(after.standard_error, before.standard_error)


@given(problems(), st.sets(st.integers(1, 11)), NAMES_OF_LOSSES)
def test_splitting_and_merging_gives_the_same_bits(problem, cuts, loss):
    rows, targets, weights = problem
    whole = score(rows, targets, class_weights=weights, loss=loss).tally
    bounds = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    merged = Tally()
    for start, end in pairwise(bounds):
        block = score(rows[start:end], targets[start:end], start=start, class_weights=weights, loss=loss)
        merged += block.tally
    for name in (
        "loss_sum",
        "weight_sum",
        "unweighted_sum",
        "spread",
        "n_samples",
        "n_counted",
        "n_correct",
        "findings",
    ):
        assert getattr(merged, name) == getattr(whole, name)
    assert merged.mean() == whole.mean()
    for name in ("n", "n_correct", "loss_sum", "weighted_sum"):
        mine, all_ = getattr(merged.classes, name), getattr(whole.classes, name)
        assert [mine[c] for c in range(rows.shape[1])] == [all_[c] for c in range(rows.shape[1])]


@given(st.integers(1, 200), st.floats(-1e300, 1e300), st.floats(0.1, 10.0))
def test_uniform_logits_give_log_c(n_classes, value, temperature):
    loss = score([[value] * n_classes], [n_classes - 1], temperature=temperature).losses[0]
    assert loss == pytest.approx(math.log(n_classes), rel=1e-15)


@given(problems())
def test_one_hot_soft_targets_equal_index_targets(problem):
    rows, targets, _ = problem
    soft = nllcli.compute(rows, np.eye(rows.shape[1])[targets])
    assert soft.loss == pytest.approx(nllcli.compute(rows, targets).loss, rel=4e-15)


@given(problems(), st.booleans())
def test_no_smoothing_is_the_limit_of_little(problem, soft):
    """The path of smoothing, a share of 1e-300 of it, gives what the path without gives."""
    rows, targets, weights = problem
    labels = np.eye(rows.shape[1])[targets] if soft else targets
    without, little = (score(rows, labels, class_weights=weights, label_smoothing=e) for e in (0.0, 1e-300))
    np.testing.assert_allclose(little.losses, without.losses, rtol=1e-13, atol=1e-290)


@given(problems(), st.floats(0.0, 1.0))
def test_smoothing_lies_between_the_target_and_all_classes(problem, smoothing):
    """(1 - e) nll + e times the mean over the classes: linear in e."""
    rows, targets, _ = problem
    none, full = (score(rows, targets, label_smoothing=e).losses for e in (0.0, 1.0))
    close(score(rows, targets, label_smoothing=smoothing).losses, (1 - smoothing) * none + smoothing * full)


@given(problems(), st.integers(-20, 20))
def test_scaling_weights_cancels_in_the_mean_and_scales_the_sum(problem, exponent):
    rows, targets, weights = problem
    scale = 2.0**exponent
    before, after = (nllcli.compute(rows, targets, class_weights=w) for w in (weights, weights * scale))
    assert after.loss == before.loss
    assert after.loss_sum == before.loss_sum * scale


@given(problems(), st.floats(1e-3, 1e3))
def test_any_scale_cancels_up_to_rounding(problem, scale):
    rows, targets, weights = problem
    close(
        nllcli.compute(rows, targets, class_weights=weights * scale).loss,
        nllcli.compute(rows, targets, class_weights=weights).loss,
    )


@given(problems(), NAMES_OF_LOSSES, st.floats(0.1, 10.0))
def test_gradient_rows_sum_to_0(problem, loss, temperature):
    """No loss moves along (1, ..., 1), the direction that softmax does not see."""
    rows, targets, weights = problem
    got = score(rows, targets, class_weights=weights, loss=loss, temperature=temperature, divisor=1.0).gradient
    subnormal = 1e-320  # below the least normal number, each has few digits of its own
    assert (np.abs(got.sum(axis=1)) <= 1e-14 * np.abs(got).sum(axis=1) + subnormal).all()


@given(problems(), st.floats(0.1, 10.0))
def test_softmax_sums_to_1(problem, temperature):
    p = nllcli.softmax(problem[0], temperature=temperature)
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-15 * p.shape[1], atol=0)


@given(problems(), NAMES_OF_LOSSES)
def test_temperature_divides_the_logits(problem, loss):
    """Next to 1 it gives all but the number without one."""
    rows, targets, _ = problem
    near, without = (score(rows, targets, loss=loss, temperature=t).losses for t in (1.0 + 2.0**-52, 1.0))
    np.testing.assert_allclose(near, without, rtol=1e-12, atol=1e-12)
    close(score(rows, targets, loss=loss, temperature=4.0).losses, score(rows / 4.0, targets, loss=loss).losses)


@given(problems())
def test_probs_log_probs_and_logits_agree(problem):
    rows, targets, _ = problem
    losses = score(rows, targets).losses
    close(score(nllcli.log_softmax(rows), targets, source="log-probs").losses, losses)
    assume((losses < 700).all())  # below the smallest normal p its digits are gone
    np.testing.assert_allclose(
        score(nllcli.softmax(rows), targets, source="probs").losses, losses, rtol=1e-12, atol=1e-15
    )


@given(problems())
def test_two_classes_are_a_sigmoid_of_the_difference(problem):
    rows, targets, _ = problem
    x, y = rows[:, 1] - rows[:, 0], np.minimum(targets, 1)
    close(score(x[:, None], y, binary=True).losses, score(rows[:, :2], y).losses)


@given(problems())
def test_a_class_nobody_can_choose_changes_nothing(problem):
    rows, targets, _ = problem
    masked = np.column_stack([rows, np.full(len(rows), -np.inf)])
    close(score(masked, targets).losses, score(rows, targets).losses)


@given(problems(), st.integers(0, 5))
def test_ignored_samples_might_as_well_not_be_there(problem, which):
    rows, targets, weights = problem
    rows = rows.copy()
    ignored = targets == which
    rows[ignored] = np.nan
    got = nllcli.compute(rows, targets, class_weights=weights, ignore_index=which)
    kept = nllcli.compute(rows[~ignored], targets[~ignored], class_weights=weights)
    assert got.n_counted == kept.n_samples
    np.testing.assert_equal((got.loss, got.loss_sum), (kept.loss, kept.loss_sum))


@given(problems(), st.sampled_from(["f2", "f4"]))
def test_narrow_numbers_are_taken_for_what_they_are(problem, dtype):
    rows, targets, _ = problem
    narrow = rows.astype(dtype)
    close(nllcli.compute(narrow, targets).loss, nllcli.compute(narrow.astype(np.float64), targets).loss)


# --- the same numbers in other files and memory give the same bits ------------------------------------------------


def report(*words):
    """A JSON report without what names the inputs and the settings."""
    answer = nll("compute", *words, "--per-class", "--per-sample", "-f", "json").json
    return {key: value for key, value in answer.items() if key not in ("signature", "inputs", "notes")}


def kinds(rows):
    """The same numbers in either memory order and either byte order."""
    swapped = rows.astype(rows.dtype.newbyteorder())
    return [rows, np.asfortranarray(rows), swapped, np.asfortranarray(swapped)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("same bits")


@given(problems(max_classes=90), st.sampled_from(["f2", "f4", "f8"]), NAMES_OF_LOSSES, st.booleans())
@settings(max_examples=30)
def test_memory_order_and_byte_order_change_no_bit_of_a_report(folder, problem, dtype, loss, deep):
    rows, targets, weights = problem
    rows = rows.astype(dtype)
    if deep:  # (N, C) twice over: (2, C, N)
        rows, targets = np.stack([rows.T, rows[::-1].T]), np.stack([targets, targets[::-1]])
    np.save(folder / "y.npy", targets)
    np.save(folder / "w.npy", weights)
    reports = []
    for kind in kinds(rows):
        np.save(folder / "x.npy", kind)
        axis = ["--class-axis", "1"]
        reports.append(report(folder / "x.npy", folder / "y.npy", "--weights", folder / "w.npy", "--loss", loss, *axis))
    assert all(other == reports[0] for other in reports[1:])


@pytest.mark.parametrize("n_classes", [3, 100])
@pytest.mark.parametrize("shape", ["N,C", "N,C,d"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_threads_change_no_bit_of_a_report(n_classes, shape, order, tmp_path, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1 << 10)
    rng = np.random.default_rng(8)
    rows = rng.normal(0, 5, (6_000 // n_classes * 2, n_classes)).astype(np.float32)
    targets = rng.integers(0, n_classes, len(rows))
    if shape == "N,C,d":
        rows, targets = np.moveaxis(rows.reshape(2, -1, n_classes), -1, 1), targets.reshape(2, -1)
    np.save(tmp_path / "x.npy", np.asarray(rows, order=order))
    np.save(tmp_path / "y.npy", targets)
    np.save(tmp_path / "w.npy", rng.exponential(1.0, n_classes))
    words = [tmp_path / "x.npy", tmp_path / "y.npy", "--weights", tmp_path / "w.npy", "--class-axis", "1"]
    reports = [report(*words, "--threads", threads) for threads in (1, 2, 4, 8)]
    assert all(other == reports[0] for other in reports[1:])


@given(problems(), st.sampled_from(["mean", "sum", "none"]))
@settings(max_examples=15)
def test_csv_and_npy_of_the_same_numbers_give_the_same_report(folder, problem, reduction):
    rows, targets, _ = problem
    np.save(folder / "a.npy", rows)
    np.save(folder / "f.npy", np.asfortranarray(rows))
    np.save(folder / "t.npy", targets)
    (folder / "a.csv").write_text("".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()), encoding="utf-8")
    (folder / "t.txt").write_text("".join(f"{y}\n" for y in targets), encoding="utf-8")
    pairs = [("a.npy", "t.npy"), ("f.npy", "t.npy"), ("a.csv", "t.npy"), ("a.csv", "t.txt")]
    reports = [
        report(folder / x, folder / y, "--reduction", reduction, "--class-axis", "1", "--header", "no")
        for x, y in pairs
    ]
    assert all(other == reports[0] for other in reports[1:])
