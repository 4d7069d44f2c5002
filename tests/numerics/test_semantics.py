"""What each setting means, number by number, against the oracle; and what is refused or warned of."""

from itertools import product

import numpy as np
import oracle
import pytest
from one_block import relative_error, score, worst_error

import nllcli
from nllcli.errors import DataError, NllError, UsageError
from nllcli.numerics.kernels import pick

pytestmark = pytest.mark.usefixtures("kernel")

LIMIT = 1e-14
INF, NAN = np.inf, np.nan
RNG = np.random.default_rng(20240607)
N, C = 12, 4
LOGITS = RNG.normal(0, 4, (N, C))
PROBS = RNG.dirichlet(np.ones(C), N)
TARGETS = RNG.integers(0, C, N)
SOFT = RNG.dirichlet(np.ones(C), N)
WEIGHTS = [1.0, 0.2, 3.5, 0.0]
SAMPLE_WEIGHTS = RNG.exponential(1.0, N)
# What a file of each source holds.
VALUES = {"logits": LOGITS, "log-probs": np.log(PROBS), "probs": PROBS}


def codes(result):
    return {notice.code for notice in result.warnings}


def check(rows, targets, **options):
    """Compare all three reductions with the oracle's."""
    with_none = nllcli.compute(rows, targets, reduction="none", **options)
    with_sum = nllcli.compute(rows, targets, reduction="sum", **options)
    with_mean = nllcli.compute(rows, targets, **options)
    assert worst_error(with_none.losses, oracle.losses(rows, targets, **options)) <= LIMIT
    assert relative_error(with_sum.loss, oracle.reduce(rows, targets, reduction="sum", **options)) <= LIMIT
    assert relative_error(with_mean.loss, oracle.reduce(rows, targets, **options)) <= LIMIT
    error = oracle.standard_error(rows, targets, **options)
    assert relative_error(with_mean.standard_error, error) <= 1e-12
    return with_mean


@pytest.mark.uncounted
@pytest.mark.parametrize("source", VALUES)
@pytest.mark.parametrize("class_weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("sample_weights", [None, SAMPLE_WEIGHTS], ids=["", "sample-weights"])
@pytest.mark.parametrize("ignore_index", [-100, 1, 255], ids=["", "ignore-1", "ignore-255"])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
def test_index_targets(source, class_weights, sample_weights, ignore_index, loss):
    targets = TARGETS.copy()
    targets[3:5] = ignore_index
    check(
        VALUES[source],
        targets,
        source=source,
        class_weights=class_weights,
        sample_weights=sample_weights,
        ignore_index=ignore_index,
        loss=loss,
    )


@pytest.mark.uncounted
@pytest.mark.parametrize("source", VALUES)
@pytest.mark.parametrize("class_weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("sample_weights", [None, SAMPLE_WEIGHTS], ids=["", "sample-weights"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("targets", [TARGETS, SOFT], ids=["index", "soft"])
def test_label_smoothing(source, class_weights, sample_weights, smoothing, targets):
    check(
        VALUES[source],
        targets,
        source=source,
        class_weights=class_weights,
        sample_weights=sample_weights,
        label_smoothing=smoothing,
    )


@pytest.mark.uncounted
@pytest.mark.parametrize("temperature", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
def test_temperature(temperature, loss):
    check(LOGITS, TARGETS, temperature=temperature, loss=loss, class_weights=WEIGHTS)


@pytest.mark.uncounted
@pytest.mark.parametrize("source", VALUES)
@pytest.mark.parametrize("clip", [1e-9, 1e-3, 0.2])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
def test_clip(source, clip, loss):
    result = check(VALUES[source], TARGETS, source=source, clip=clip, loss=loss)
    assert "clipped" in codes(result)


@pytest.mark.parametrize("targets", [TARGETS, SOFT], ids=["index", "soft"])
def test_the_mean_divides_by_weights_of_index_targets_and_by_positions_of_soft_ones(targets):
    result = nllcli.compute(LOGITS, targets, class_weights=WEIGHTS)
    expected = N if targets.ndim == 2 else float(sum(oracle.number(WEIGHTS[y]) for y in TARGETS))
    assert result.weight_sum == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("binary_targets", [[1, 0, 1, 1, 0], [0.0, 1.0, 0.25, 0.9, 1e-9]], ids=["index", "soft"])
@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
def test_binary_is_two_classes_of_which_the_first_has_logit_0(binary_targets, source):
    column = {
        "logits": [3.5, -800.0, 0.0, 40.0, 1e-9],
        "log-probs": [-1e-20, -0.5, -3.0, -700.0, -0.1],
        "probs": [0.25, 1e-300, 1.0, 0.5, 1.0 - 2.0**-53],
    }[source]
    targets = np.array(binary_targets)
    two = [[1 - oracle.number(q), oracle.number(q)] for q in targets] if targets.dtype.kind == "f" else targets
    if source == "logits":
        expected = oracle.losses([[0.0, x] for x in column], two)
    else:
        pairs = [oracle.log_probabilities([x], source=source) for x in column]
        expected = oracle.losses([[q[0], p[0]] for p, q in pairs], two, source="log-probs")
    for shape in [(5,), (5, 1)]:
        given = targets.reshape(shape) if targets.dtype.kind == "f" else targets
        result = nllcli.compute(np.array(column).reshape(shape), given, source=source, binary=True, reduction="none")
        assert worst_error(result.losses, expected) <= LIMIT


@pytest.mark.parametrize("memory", ["C", "F"])
@pytest.mark.parametrize("source", ["logits", "probs"])
@pytest.mark.parametrize("axis", [1, -1], ids=["classes-first", "classes-last"])
@pytest.mark.parametrize("soft", [False, True], ids=["index", "soft"])
def test_more_dimensions_are_more_samples(axis, source, memory, soft):
    rng = np.random.default_rng(5)
    values = rng.dirichlet(np.ones(3), (2, 4, 5)) if source == "probs" else rng.normal(0, 3, (2, 4, 5, 3))
    targets = rng.dirichlet(np.ones(3), (2, 4, 5)) if soft else rng.integers(0, 3, (2, 4, 5))
    expected = oracle.losses(values.reshape(-1, 3), targets.reshape(-1, *targets.shape[3:]), source=source)
    given = np.asarray(np.moveaxis(values, -1, axis), order=memory)
    labels = np.moveaxis(targets, -1, axis) if soft else targets
    result = nllcli.compute(
        given, labels, source=source, reduction="none", class_axis=(axis % 4 if soft and axis == -1 else None)
    )
    assert result.losses.shape == (2, 4, 5)
    assert worst_error(result.losses.reshape(-1), expected) <= LIMIT


@pytest.mark.parametrize("targets", [2, [2]], ids=["scalar", "one"])
def test_one_sample(targets):
    assert relative_error(nllcli.compute(LOGITS[0], targets).loss, oracle.losses(LOGITS[:1], [2])[0]) <= LIMIT


def test_a_single_class_is_refused():
    """Its probability is 1 and the loss 0, whatever the logits; one logit a sample is binary."""
    logits, targets = [[3.0], [-7.0]], [0, 0]
    with pytest.raises(UsageError, match="one class, whose probability is always 1") as caught:
        nllcli.compute(logits, targets)
    assert caught.value.__notes__ == ["try: binary=True  # one logit a sample, that of class 1 of two"]
    both = [[0.0, 3.0], [0.0, -7.0]]
    expected = oracle.losses(both, targets)
    found = nllcli.compute(logits, targets, binary=True, reduction="none").losses
    assert max(map(relative_error, found, expected)) <= LIMIT


def test_smoothing_divides_by_the_targets_weights_under_index_targets_alone():
    """The two paths disagree by design, and each is PyTorch's."""
    one_hot = np.eye(C)[TARGETS]
    options = {"class_weights": WEIGHTS, "label_smoothing": 0.1}
    index, soft = nllcli.compute(LOGITS, TARGETS, **options), nllcli.compute(LOGITS, one_hot, **options)
    assert index.loss_sum == pytest.approx(soft.loss_sum, rel=1e-14)
    assert index.loss != pytest.approx(soft.loss, rel=1e-3)
    (a,) = [notice.message for notice in index.warnings if notice.code == "smoothing-with-weights"]
    (b,) = [notice.message for notice in soft.warnings if notice.code == "smoothing-with-weights"]
    assert "targets' weights" in a
    assert "number of positions" in b


def test_one_hot_soft_targets_with_weights_differ_in_the_denominator_alone():
    one_hot = np.eye(C)[TARGETS]
    index = nllcli.compute(LOGITS, TARGETS, class_weights=WEIGHTS)
    soft = nllcli.compute(LOGITS, one_hot, class_weights=WEIGHTS)
    assert index.loss_sum == soft.loss_sum
    assert soft.weight_sum == N


@pytest.mark.parametrize(
    ("targets", "reduction", "loss"),
    [([1, 1], "mean", NAN), ([1, 1], "sum", 0.0), ([], "mean", NAN), ([], "sum", 0.0)],
    ids=["ignored-mean", "ignored-sum", "no-rows-mean", "no-rows-sum"],
)
def test_nothing_to_count(targets, reduction, loss):
    result = nllcli.compute(
        np.zeros((len(targets), 3)), np.array(targets, np.int64), ignore_index=1, reduction=reduction
    )
    assert result.loss == loss or (np.isnan(loss) and np.isnan(result.loss))
    assert codes(result) == {"nothing-counted" if targets else "no-samples"}


def test_weights_that_add_up_to_nothing():
    rows = [[0.0, 1.0, 2.0], [5.0, 1.0, 2.0]]
    for weights in ([0.0, 0.0, 0.0], [1.0, -1.0, 0.0]):
        result = nllcli.compute(rows, [0, 1], class_weights=weights)
        assert np.isnan(result.loss)
        assert relative_error(result.loss, oracle.reduce(rows, [0, 1], class_weights=weights)) == 0
        assert "zero-weight-sum" in codes(result)


WARNED = {
    "negative-class-weight": (LOGITS, TARGETS, {"class_weights": [1.0, -1.0, 2.0, 1.0]}, "negative-weights"),
    "negative-sample-weight": (LOGITS[:2], [0, 1], {"sample_weights": [2.0, -1.0]}, "negative-sample-weights"),
    "soft-sum": (LOGITS, 2.0 * SOFT, {}, "soft-targets-not-normalised"),
    "probs-sum": (PROBS * 0.5, TARGETS, {"source": "probs"}, "not-normalised"),
    "log-probs-sum": (LOGITS, TARGETS, {"source": "log-probs"}, "not-normalised"),
    "clip": (PROBS, TARGETS, {"source": "probs", "clip": 1e-3}, "clipped"),
    "smoothing-and-weights": (
        LOGITS,
        TARGETS,
        {"class_weights": WEIGHTS, "label_smoothing": 0.1},
        "smoothing-with-weights",
    ),
}


@pytest.mark.parametrize(("rows", "targets", "options", "code"), WARNED.values(), ids=WARNED)
def test_computed_as_asked_with_a_warning(rows, targets, options, code):
    result = nllcli.compute(rows, targets, **options)
    assert relative_error(result.loss, oracle.reduce(rows, targets, **options)) <= LIMIT
    assert codes(result) == {code}


def test_good_numbers_give_no_warning():
    assert not codes(nllcli.compute(LOGITS, TARGETS, class_weights=WEIGHTS, sample_weights=SAMPLE_WEIGHTS))
    assert not codes(nllcli.compute(LOGITS, SOFT))
    assert not codes(nllcli.compute(PROBS.astype(np.float32), TARGETS, source="probs"))


REFUSED = {
    "target-too-large": (LOGITS, [*TARGETS[:-1], 4], {}, DataError, "row 11: target 4 is outside 0..3"),
    "target-negative": (LOGITS, [-1, *TARGETS[1:]], {}, DataError, "row 0: target -1 is outside 0..3"),
    "default-is-no-longer-ignored": (LOGITS, [-100, *TARGETS[1:]], {"ignore_index": -1}, DataError, "target -100"),
    "ignore-with-soft": (LOGITS, SOFT, {"ignore_index": 0}, UsageError, "index to ignore"),
    "smoothing-above-1": (LOGITS, TARGETS, {"label_smoothing": 1.01}, UsageError, "1.01"),
    "smoothing-below-0": (LOGITS, TARGETS, {"label_smoothing": -1e-9}, UsageError, "-1e-09"),
    "smoothing-nan": (LOGITS, TARGETS, {"label_smoothing": NAN}, UsageError, "nan"),
    "smoothing-one-vs-rest": (LOGITS, TARGETS, {"label_smoothing": 0.1, "loss": "one-vs-rest"}, UsageError, "nll"),
    "soft-one-vs-rest": (LOGITS, SOFT, {"loss": "one-vs-rest"}, UsageError, "class indices"),
    "soft-argmax": (LOGITS, SOFT, {"loss": "argmax"}, UsageError, "class indices"),
    "temperature-0": (LOGITS, TARGETS, {"temperature": 0.0}, UsageError, "temperature 0.0"),
    "clip-half": (LOGITS, TARGETS, {"clip": 0.5}, UsageError, "clip 0.5"),
    "clip-0": (LOGITS, TARGETS, {"clip": 0.0}, UsageError, "clip 0.0"),
    "no-classes": (np.zeros((3, 0)), [0, 0, 0], {}, DataError, "no classes"),
    "weights-too-short": (LOGITS, TARGETS, {"class_weights": [1.0, 2.0]}, UsageError, "4 classes"),
    "weights-nan": (LOGITS, TARGETS, {"class_weights": [1.0, 2.0, NAN, 1.0]}, UsageError, "finite"),
    "sample-weights-nan": (LOGITS[:2], [0, 1], {"sample_weights": [1.0, NAN]}, DataError, "sample_weights, row 1"),
    "sample-weights-length": (LOGITS, TARGETS, {"sample_weights": [1.0, 2.0]}, DataError, "sample_weights"),
    "soft-nan": (LOGITS[:1], [[0.0, NAN, 1.0, 0.0]], {}, DataError, "targets, row 0"),
    "p-above-1": ([[0.5, 1.5]], [0], {"source": "probs"}, DataError, "row 0: class 1 is 1.5"),
    "p-below-0": ([[0.5, 0.5], [1.1, -0.1]], [0, 0], {"source": "probs"}, DataError, "row 1: class 0 is 1.1"),
    "log-p-above-0": ([[0.5, -1.0]], [0], {"source": "log-probs", "loss": "one-vs-rest"}, DataError, "class 0 is 0.5"),
    "binary-log-p-above-0": ([0.5], [0], {"source": "log-probs", "binary": True}, DataError, "is 0.5"),
    "binary-soft-above-1": ([0.5], np.array([1.5]), {"binary": True}, DataError, "target 1.5"),
    "no-targets": (LOGITS, None, {}, UsageError, "targets"),
    "weights-without-targets": (LOGITS, None, {"loss": "argmax", "class_weights": WEIGHTS}, UsageError, "no targets"),
    "fractional-targets": (LOGITS[:2], [0.5, 1.0], {}, DataError, "0.5"),
}


@pytest.mark.parametrize(("rows", "targets", "options", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(rows, targets, options, error, words):
    with pytest.raises(NllError) as caught:
        nllcli.compute(rows, targets, **options)
    assert isinstance(caught.value, error)
    assert words in str(caught.value)


def test_an_ignored_target_is_no_reason_to_refuse_its_sample_weight():
    result = nllcli.compute(LOGITS[:2], [0, -100], sample_weights=[2.0, NAN])
    assert relative_error(result.loss, oracle.reduce(LOGITS[:1], [0])) <= LIMIT


def test_argmax_needs_no_targets():
    expected = oracle.reduce(LOGITS, [0] * N, loss="argmax")
    assert relative_error(nllcli.compute(LOGITS, loss="argmax").loss, expected) <= LIMIT


@pytest.mark.parametrize(("clip", "loss"), list(product([None, 0.01], ["nll", "one-vs-rest"])), ids=str)
def test_a_log_probability_above_0_counts_as_certain_where_it_is_clipped(clip, loss):
    rows, options = [[0.5, -1.0], [-2.0, 3.0], [-1.0, 0.25]], {"source": "log-probs", "loss": loss, "clip": clip}
    if clip is None and loss == "one-vs-rest":
        with pytest.raises(DataError, match="negative"):
            nllcli.compute(rows, [0, 1, 0], **options)
    else:
        assert (
            relative_error(nllcli.compute(rows, [0, 1, 0], **options).loss, oracle.reduce(rows, [0, 1, 0], **options))
            <= LIMIT
        )


def test_weights_are_not_folded_into_the_unweighted_loss():
    result = nllcli.compute(LOGITS, TARGETS, class_weights=WEIGHTS, sample_weights=SAMPLE_WEIGHTS)
    assert relative_error(result.loss_unweighted, oracle.reduce(LOGITS, TARGETS)) <= LIMIT
    assert result.accuracy == sum(row.argmax() == y for row, y in zip(LOGITS, TARGETS, strict=True)) / N


def test_infinite_probabilities_can_be_let_through_as_nan():
    options = {"source": "probs", "reduction": "none", "on_nonfinite": "nan"}
    result = nllcli.compute([[np.inf, 0.5], [0.25, 0.75]], [1, 1], **options)
    np.testing.assert_allclose(result.losses, [NAN, -np.log(0.75)])
    assert codes(result) == {"nonfinite-logits"}


@pytest.mark.parametrize("loss", ["nll", "one-vs-rest"])
def test_no_loss_changes_the_probabilities_beside_it(loss):
    outcome = score([[0.25], [0.5]], [1, 0], source="probs", binary=True, loss=loss, class_weights=[1.0, 2.0])
    np.testing.assert_allclose(outcome.log_probs, np.log([[0.75, 0.25], [0.5, 0.5]]))
    np.testing.assert_allclose(outcome.probs, [[0.75, 0.25], [0.5, 0.5]])


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x,
        np.asfortranarray,
        lambda x: x[::2],
        lambda x: x[:, ::2],
        lambda x: np.asfortranarray(x)[2:5],
        lambda x: np.asfortranarray(x)[:, ::-1],
        lambda x: x[::-1],
        lambda x: x[:1, :1],
        lambda x: np.broadcast_to(x[0], x.shape),
    ],
)
def test_one_value_of_every_row_whatever_its_strides(cut):
    rows = cut(np.arange(42.0).reshape(6, 7))
    classes = np.array([3, 0, 6, 1, 1, 5])[: len(rows)] % rows.shape[1]
    assert pick(rows, classes).tolist() == [row[c] for row, c in zip(rows.tolist(), classes.tolist(), strict=True)]
