"""The oracle itself, on cases that can be checked by hand."""

import math
from pathlib import Path

import oracle
import pytest
from mpmath import mp, mpf

PETS = [[5, 4, 2], [4, 2, 8], [4, 4, 1]]
PETS_TARGETS = [0, 2, 1]
PETS_LOSSES = [0.349012216768186, 0.020581138947329, 0.717735918666703]

inf = math.inf
nan = math.nan


def close(expected, rel=1e-12):
    return pytest.approx(expected, rel=rel, abs=1e-15)


def floats(numbers):
    return [float(x) for x in numbers]


def test_pets_losses():
    by_hand = [
        math.log(1 + math.exp(-1) + math.exp(-3)),
        math.log(1 + math.exp(-4) + math.exp(-6)),
        math.log(2 + math.exp(-3)),
    ]
    assert floats(oracle.losses(PETS, PETS_TARGETS)) == close(by_hand)
    assert by_hand == close(PETS_LOSSES)
    assert float(oracle.reduce(PETS, PETS_TARGETS)) == close(sum(by_hand) / 3)
    assert float(oracle.reduce(PETS, PETS_TARGETS, reduction="sum")) == close(sum(by_hand))


def test_pets_sample_holds_the_same_numbers():
    folder = Path(__file__).parents[1] / "samples" / "pets"
    header, *rows = (line.split(",") for line in (folder / "logits.csv").read_text().splitlines())
    names = (folder / "targets.txt").read_text().split()
    assert [[int(x) for x in row] for row in rows] == PETS
    assert [header.index(name) for name in names] == PETS_TARGETS
    assert (folder / "pets.csv").read_text().splitlines()[1:] == [
        ",".join([*row, name]) for row, name in zip(rows, names, strict=True)
    ]


@pytest.mark.parametrize("n_classes", [1, 2, 10])
def test_uniform_logits_give_log_c(n_classes):
    assert float(oracle.reduce([[7] * n_classes], [0])) == close(math.log(n_classes))


def test_softmax_adds_up_and_masks():
    assert floats(oracle.softmax([0, math.log(3)])) == close([0.25, 0.75])
    assert floats(oracle.softmax([1, -inf, 1])) == close([0.5, 0, 0.5])
    assert floats(oracle.log_softmax([1, -inf, 1])) == close([math.log(0.5), -inf, math.log(0.5)])
    assert floats(oracle.softmax([0, 4], temperature=2)) == floats(oracle.softmax([0, 2]))


@pytest.mark.parametrize("row", [[nan, 0], [inf, 0], [-inf, -inf]], ids=str)
def test_a_row_without_softmax_is_nan(row):
    assert all(math.isnan(x) for x in floats(oracle.softmax(row)))


def test_a_loss_close_to_zero_keeps_its_digits():
    assert float(oracle.losses([[0, 300]], [1])[0]) == close(math.exp(-300))
    assert float(oracle.losses([[0, 1e6]], [0])[0]) == 1e6


def test_class_and_sample_weights():
    options = {"class_weights": [1, 2, 0.5], "sample_weights": [1, 4, 1]}
    a, b, c = floats(oracle.losses(PETS, PETS_TARGETS))
    assert floats(oracle.losses(PETS, PETS_TARGETS, **options)) == close([a, 2 * b, 2 * c])
    assert float(oracle.reduce(PETS, PETS_TARGETS, **options)) == close((a + 2 * b + 2 * c) / 5)


def test_ignored_positions_do_not_count():
    a, _, c = floats(oracle.losses(PETS, PETS_TARGETS))
    rows = [PETS[0], [nan, nan, nan], PETS[2]]
    assert floats(oracle.losses(rows, [0, -100, 1])) == close([a, 0, c])
    assert float(oracle.reduce(rows, [0, -100, 1])) == close((a + c) / 2)
    assert float(oracle.reduce(PETS, [9, 9, 9], ignore_index=9, reduction="sum")) == 0
    assert math.isnan(oracle.reduce(PETS, [9, 9, 9], ignore_index=9))
    with pytest.raises(ValueError, match="target 9"):
        oracle.losses(PETS, [9, 9, 9])


def test_label_smoothing():
    row, weights = [math.log(1), math.log(3)], [1, 10]
    log_4, log_4_3 = math.log(4), math.log(4 / 3)
    assert float(oracle.losses([row], [0], label_smoothing=0.5)[0]) == close(0.75 * log_4 + 0.25 * log_4_3)
    weighted = oracle.losses([row], [0], label_smoothing=0.5, class_weights=weights)
    assert float(weighted[0]) == close(0.75 * log_4 + 0.25 * 10 * log_4_3)
    soft = oracle.losses([row], [[1, 0]], label_smoothing=0.5, class_weights=weights)
    assert float(soft[0]) == close(float(weighted[0]))


def test_soft_targets():
    one_hot = [[int(k == y) for k in range(3)] for y in PETS_TARGETS]
    options = {"class_weights": [1, 2, 0.5]}
    assert oracle.losses(PETS, one_hot, **options) == oracle.losses(PETS, PETS_TARGETS, **options)
    total = float(oracle.reduce(PETS, one_hot, reduction="sum", **options))
    assert float(oracle.reduce(PETS, one_hot, **options)) == close(total / 3)
    assert float(oracle.losses([[0, 0]], [[0.25, 0.75]])[0]) == close(math.log(2))


def test_zero_times_infinity_is_zero():
    masked = [[0, -inf]]
    assert float(oracle.losses(masked, [1])[0]) == inf
    assert float(oracle.losses(masked, [[1, 0]])[0]) == 0
    assert float(oracle.losses(masked, [1], class_weights=[1, 0])[0]) == 0
    assert float(oracle.losses(masked, [1], sample_weights=[0])[0]) == 0
    assert float(oracle.losses(masked, [0], label_smoothing=0.1)[0]) == inf


def test_sources_are_taken_as_given():
    probs = [[0.5, 0.25]]
    assert float(oracle.losses(probs, [1], source="probs")[0]) == close(math.log(4))
    assert float(oracle.losses([[-0.5, -3]], [1], source="log-probs")[0]) == 3
    tempered = [float(x) for x in oracle.losses(probs, [1], source="probs", temperature=2)]
    assert tempered == [close(math.log((math.sqrt(0.5) + 0.5) / 0.5))]


@pytest.mark.parametrize(
    ("row", "source"), [([0, 1], "probs"), ([-inf, 0], "log-probs"), ([-inf, 0], "logits"), ([-800, 800], "logits")]
)
def test_clip_bounds_the_loss(row, source):
    eps = 0.125
    options = {"source": source, "clip": eps}
    assert float(oracle.losses([row], [0], **options)[0]) == close(math.log(8))
    assert float(oracle.losses([row], [1], **options)[0]) == close(math.log(8 / 7))
    assert float(oracle.losses([row], [0], loss="one-vs-rest", **options)[0]) == close(2 * math.log(8))


def test_argmax():
    log_2 = math.log(2)
    rows = [[0, math.log(3)], [0, 0]]
    expected = [math.log(4 / 3), 5 * log_2]
    assert floats(oracle.losses(rows, [0, 1], loss="argmax", class_weights=[1, 5])) == close(expected)


@pytest.mark.parametrize(
    ("row", "source"),
    [
        ([0.5, 0.25, 0.25], "probs"),
        ([math.log(0.5), math.log(0.25), math.log(0.25)], "log-probs"),
        ([math.log(2), 0, 0], "logits"),
    ],
    ids=["probs", "log-probs", "logits"],
)
def test_one_vs_rest(row, source):
    expected = -math.log(0.5) - 2 * math.log(0.75)
    assert float(oracle.losses([row], [0], source=source, loss="one-vs-rest")[0]) == close(expected)


def test_one_vs_rest_far_from_the_middle():
    # 1 - p is exp(-300) for one class and p is exp(-300) for the other, to first order.
    assert float(oracle.losses([[0, 300]], [0], loss="one-vs-rest")[0]) == close(600)
    assert float(oracle.losses([[0, 300]], [1], loss="one-vs-rest")[0]) == close(2 * math.exp(-300))


def test_gradient_is_p_minus_y():
    gradient = oracle.gradient(PETS, PETS_TARGETS, reduction="sum")
    with mp.workdps(50):
        for row, target, slopes in zip(PETS, PETS_TARGETS, gradient, strict=True):
            expected = [p - (k == target) for k, p in enumerate(oracle.softmax(row))]
            assert all(abs(a - b) < mpf("1e-35") for a, b in zip(slopes, expected, strict=True))


def test_gradient_of_a_weighted_mean():
    slopes = oracle.gradient(
        [[0, 0, -inf], [3, 1, 4], [0, 0, 0]], [0, -100, 2], class_weights=[3, 1, 1], sample_weights=[1, 1, 2]
    )
    expected = [[-0.3, 0.3, 0], [0, 0, 0], [2 / 15, 2 / 15, -4 / 15]]
    assert [floats(row) for row in slopes] == [close(row) for row in expected]


def test_standard_error():
    # Losses log 4, log 4, log 4/3 with weight 1: the textbook standard deviation over the root of n.
    rows = [[0, math.log(3)]] * 3
    spread = math.log(4) - math.log(4 / 3)
    expected = math.sqrt(2 / 9 * spread**2 * 3 / 2 / 3)
    assert float(oracle.standard_error(rows, [0, 0, 1])) == close(expected)
    # Class weights 1 and 4: R = (2 log 4 + 4 log 4/3) / 6, residuals spread * (2/3, 2/3, -4/3).
    weighted = float(oracle.standard_error(rows, [0, 0, 1], class_weights=[1, 4]))
    assert weighted == close(math.sqrt(3 / 2 * (4 + 4 + 16) / 9) * spread / 6)
    assert math.isnan(oracle.standard_error(rows[:1], [0]))


@pytest.mark.parametrize(
    ("scheme", "normalize", "beta", "expected"),
    [
        ("inverse", "max", 0.999, [1, 0.2, 0.1]),
        ("inverse", "none", 0.999, [0.1, 0.02, 0.01]),
        ("inverse", "sum", 0.999, [10 / 13, 2 / 13, 1 / 13]),
        ("balanced", "none", 0.999, [16 / 3, 16 / 15, 8 / 15]),
        ("sqrt-inverse", "max", 0.999, [1, 0.4472135955, 0.316227766]),
        ("effective", "mean", 0.99, [2.1538, 0.5214, 0.3248]),
        ("effective", "none", 0.5, [0.5 / (1 - 2**-10), 0.5 / (1 - 2**-50), 0.5]),
        ("median-frequency", "none", 0.999, [5, 1, 0.5]),
        ("log", "none", 0.999, [12.6146, 3.4836, 2.0091]),
    ],
)
def test_class_weights(scheme, normalize, beta, expected):
    weights = floats(oracle.class_weights([10, 50, 100], scheme, beta=beta, normalize=normalize))
    assert weights == pytest.approx(expected, abs=6e-5)


def test_the_median_of_an_even_number_of_classes():
    assert floats(oracle.class_weights([1, 2, 4, 5], "median-frequency")) == close([3, 1.5, 0.75, 0.6])


def test_the_oracle_leaves_the_precision_alone():
    before = mp.dps
    oracle.gradient(PETS, PETS_TARGETS)
    assert mp.dps == before
