"""Files that resemble a fault and have none."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictions import drawn, softmax, sound

from nllcli.commands.check.check import check, report
from nllcli.data.settings import InputOptions, LossOptions, ScoreRequest

pytestmark = pytest.mark.uncounted


def found(folder, logits, targets=None, *, source="logits", ignore_index=-100, **inputs):
    """The findings as (code, severity)."""
    paths = []
    for name, array in (("logits", logits), ("targets", targets)):
        if array is not None:
            path = folder / f"{name}.npy"
            path.unlink(missing_ok=True)  # to write over a file waits for the disk on some systems
            np.save(path, array)
            paths.append(str(path))
    options = LossOptions(
        source=source,
        ignore_index=ignore_index,
        binary=inputs.get("binary", False),
    )
    request = ScoreRequest(InputOptions(*paths, ignore_index=ignore_index, **inputs), options)
    return [(finding.code, finding.severity) for finding in check(request).findings]


SHAPES = [
    (3, 3),
    (5, 10),
    (20, 2),
    (50, 3),
    (200, 5),
    (1000, 10),
    (300, 300),
    (60, 2000),
    (6, 20, 30),
    (4, 9, 9),
    (1, 4, 5),
    (2, 3, 20),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_calibrated_models_are_clean(shape, spread, dtype, tmp_path):
    """Logits of any sharpness with targets drawn from their softmax, three files each."""
    for seed in range(3):
        logits, targets = sound(seed, *shape, spread=spread, dtype=dtype)
        if spread == 0.0:  # not a constant file, but one that knows next to nothing
            logits = (np.random.default_rng(seed).normal(0, 1e-3, shape)).astype(dtype)
            targets = drawn(np.random.default_rng(seed), logits)
        axis = {"class_axis": len(shape) - 1} if shape == (4, 9, 9) else {}
        assert found(tmp_path, logits, targets, **axis) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 400),
    n_classes=st.integers(2, 40),
    spread=st.floats(0.001, 20),
    source=st.sampled_from(["logits", "log-probs", "probs"]),
)
def test_calibrated_models_are_clean_law(seed, n, n_classes, spread, source, tmp_path_factory):
    logits, targets = sound(seed, n, n_classes, spread=spread, dtype=np.float64)
    values = {"logits": logits, "probs": softmax(logits), "log-probs": np.log(softmax(logits))}[source]
    assert found(tmp_path_factory.getbasetemp(), values, targets, source=source) == []


@pytest.mark.parametrize("seed", range(5))
def test_imbalanced_and_sorted_targets(seed, tmp_path):
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(4), [500, 200, 80, 40])
    logits = rng.normal(np.log([500, 200, 80, 40]), 0.3, (820, 4)) + 2.0 * np.eye(4)[targets]
    assert found(tmp_path, logits, targets) == []


def test_long_tail_of_a_vocabulary(tmp_path):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (500, 3000)) - 1.1 * np.log(np.arange(1, 3001))
    assert found(tmp_path, logits, drawn(rng, logits)) == []


def test_ignored_padding(tmp_path):
    logits, targets = sound(0, 12, 40, 30)
    targets[:, -9:] = -100
    logits[:, -9:] = 0.0  # what a model gives there does not matter
    logits[0, -1] = np.nan
    assert found(tmp_path, logits, targets) == []


def test_zeros_at_the_ends_and_elsewhere(tmp_path):
    """A tagger's class for nothing ends most sentences and occurs within them too."""
    rng = np.random.default_rng(0)
    targets = np.where(rng.random((12, 40)) < 0.9, 0, rng.integers(1, 9, (12, 40)))
    targets[:, -8:] = 0
    targets[:, 3] = 0
    logits = rng.normal(0, 1, (12, 40, 9)) + 4.0 * np.eye(9)[targets]
    assert found(tmp_path, logits, targets) == []


def test_labels_that_fill_whole_sequences(tmp_path):
    """A recording of one activity after the other: some sequences hold one label alone."""
    rng = np.random.default_rng(1)
    activities = [[0, 0], [1, 2], [0, 0], [3, 4], [0, 0], [5, 1], [0, 0], [2, 3], [4, 0]]
    targets = np.repeat(activities, 10, axis=1)
    logits = rng.normal(0, 1, (9, 20, 6)) + 4.0 * np.eye(6)[targets]
    assert found(tmp_path, logits, targets) == []


def test_masked_classes(tmp_path):
    """-inf takes a class out where it is not the target."""
    logits, targets = sound(1, 60, 5)
    masked = (targets + 1) % 5
    logits[np.arange(60), masked] = -np.inf
    assert found(tmp_path, logits, targets) == []


def test_half_a_file_of_probabilities(tmp_path):
    logits, targets = sound(2, 60, 5)
    logits[:30] = softmax(logits[:30])
    assert "softmax-twice" not in dict(found(tmp_path, logits, targets))


def test_a_single_row_of_zeros_and_a_one(tmp_path):
    assert found(tmp_path, np.array([[0.0, 1.0, 0.0]]), np.array([1])) == []


def test_votes_tie_and_repeat(tmp_path):
    """Whole numbers out of five, as a forest of five trees gives them."""
    rng = np.random.default_rng(3)
    votes = rng.multinomial(5, [0.5, 0.3, 0.2], 400)
    assert found(tmp_path, votes, drawn(rng, votes.astype(float))) == []


WHOLE = {
    "small": lambda rng: rng.integers(-9, 10, (300, 6)),
    "thousands": lambda rng: rng.normal(0, 3000, (300, 6)).round(),
    "ten thousands": lambda rng: rng.normal(0, 10_000, (300, 6)).round(),
    "the whole range": lambda rng: rng.integers(-(2**15), 2**15, (300, 6)),
    "around the middle of the positive range": lambda rng: rng.integers(13_000, 18_000, (300, 6)),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4"])
def test_whole_numbers_are_logits_too(kind, dtype, tmp_path):
    """Targets are what is largest, for at such sizes the softmax leaves no choice."""
    logits = WHOLE[kind](np.random.default_rng(19)).clip(-(2**15), 2**15 - 1).astype(dtype)
    codes = dict(found(tmp_path, logits, logits.argmax(axis=1)))
    assert not {"bfloat16-bits", "decimal-commas"} & set(codes)


@pytest.mark.parametrize("other", [5, 2000, 99_999])
def test_small_and_large_columns_in_turn(other, tmp_path):
    """Votes next to numbers of up to five digits: what follows a comma would be longer."""
    rng = np.random.default_rng(20)
    logits = np.where(np.arange(6) % 2, rng.integers(0, other, (200, 6)), rng.integers(0, 10, (200, 6)))
    codes = dict(found(tmp_path, logits.astype(float), logits.argmax(axis=1)))
    assert "decimal-commas" not in codes


@pytest.mark.parametrize("leaves", [2, 8, 60, 200])
@pytest.mark.parametrize("dtype", ["f2", "f8"])
def test_a_tree_has_few_outputs(leaves, dtype, tmp_path):
    """The largest logit is that of one leaf, and every leaf's logits occur with several targets."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 2, (leaves, 4)).astype(dtype)[rng.integers(0, leaves, 1000)]
        assert found(tmp_path, logits, drawn(rng, logits)) == []
        assert {severity for _, severity in found(tmp_path, logits)} <= {"note"}
        scores = logits[:, 0].astype(float)
        targets = (rng.random(1000) < 1 / (1 + np.exp(-scores))).astype(int)
        assert found(tmp_path, scores, targets, binary=True) == []


def test_a_tree_that_is_always_right(tmp_path):
    """Each of eight leaves has one target, so that logits and targets repeat alike: many times."""
    rng = np.random.default_rng(23)
    leaves = rng.normal(0, 1, (8, 4)) + 4.0 * np.eye(4)[np.arange(8) % 4]
    at = rng.integers(0, 8, 500)
    assert found(tmp_path, leaves[at], at % 4) == []


TEXT = (
    "the cat sat on the mat and the dog lay on the rug while the rain fell on the roof of the old house and nobody "
    "in it heard the small brown mouse that ran along the wall to the hole behind the stove where it lived"
)


@pytest.mark.parametrize("n_words", [6, 12, 30])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("shift", [0, 1])
def test_counted_pairs_of_letters(n_words, dtype, shift, tmp_path):
    """Every letter's logits are logarithms of small whole numbers, and those of its every other occurrence."""
    text = " ".join(TEXT.split()[:n_words])
    letters = sorted(set(text))
    tokens = np.array([[letters.index(letter) for letter in text]])
    pairs = np.ones((len(letters), len(letters)))
    np.add.at(pairs, (tokens[0, :-1], tokens[0, 1:]), 1)
    logits = np.log(pairs).astype(dtype)[tokens]
    if shift:
        assert found(tmp_path, logits, tokens, shift=1) == []
    else:
        assert found(tmp_path, logits[0, :-1], tokens[0, 1:]) == []


def test_two_decimals_repeat_by_chance(tmp_path):
    logits, targets = sound(4, 400, 2, spread=1.0, dtype=np.float64)
    assert found(tmp_path, logits.round(2), targets) == []


def test_few_duplicates_are_a_note(tmp_path):
    logits, targets = sound(5, 1000, 4)
    logits[900], targets[900] = logits[100], targets[100]
    assert found(tmp_path, logits, targets) == [("duplicated-rows", "note")]


def test_equal_rows_with_other_targets(tmp_path):
    """A model that sees the same input twice, with two answers."""
    logits, targets = sound(6, 200, 4)
    logits[101], targets[101] = logits[100], (targets[100] + 1) % 4
    assert found(tmp_path, logits, targets) == []


def test_reference_class_is_a_note(tmp_path):
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, (100, 4))
    logits[:, -1] = 0.0
    assert found(tmp_path, logits, drawn(rng, logits)) == [("constant-class", "note")]


def test_a_missing_class_in_a_long_tail(tmp_path):
    """Of 5000 targets the rarest class but one has 3: that the rarest has none is not a surprise."""
    rng = np.random.default_rng(17)
    targets = np.repeat(np.arange(6), [4000, 800, 180, 17, 3, 0])
    logits = rng.normal(np.log([4000, 800, 180, 17, 3, 1]), 0.1, (5000, 6)) + 2.0 * np.eye(6)[targets]
    assert found(tmp_path, logits, targets) == []


def test_a_missing_class_among_few_targets(tmp_path):
    logits, targets = sound(8, 12, 4)
    targets[targets == 2] = 1
    assert "absent-classes" not in dict(found(tmp_path, logits, targets))


def test_two_confused_classes(tmp_path):
    """Nearly as often wrong as right about two of five classes: no exchange."""
    rng = np.random.default_rng(9)
    targets = rng.integers(0, 5, 1000)
    seen = np.where((targets < 2) & (rng.random(1000) < 0.52), 1 - targets, targets)
    logits = rng.normal(0, 0.5, (1000, 5)) + 3.0 * np.eye(5)[seen]
    assert found(tmp_path, logits, targets) == []


def test_labels_that_seldom_change(tmp_path):
    """Neighbours mostly have the same label, so a neighbour's target fits nearly as well."""
    rng = np.random.default_rng(10)
    targets = np.repeat(rng.integers(0, 6, (5, 20)), 10, axis=1)
    logits = rng.normal(0, 1, (5, 200, 6)) + 2.0 * np.eye(6)[targets]
    assert found(tmp_path, logits, targets) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(500, 10), (5000, 3), (8, 60, 40), (600, 400)], ids=str)
def test_a_confidently_wrong_model_is_not_shifted(shape, seed, tmp_path):
    """Negated logits never hit their own targets, and their neighbours' by chance alone."""
    logits, targets = sound(seed, *shape)
    assert "shifted-targets" not in dict(found(tmp_path, -logits, targets))


def test_a_confidently_wrong_model_of_few_frequent_classes(tmp_path):
    """Nine in ten are one class of five, and the predictions are mostly another, as often as that occurs."""
    rng = np.random.default_rng(22)
    targets = rng.choice(5, 3000, p=[0.6, 0.3, 0.05, 0.03, 0.02])
    seen = np.where(targets == 0, 1, 0)
    logits = rng.normal(0, 1, (3000, 5)) + 6.0 * np.eye(5)[seen]
    assert "shifted-targets" not in dict(found(tmp_path, logits, targets))


@pytest.mark.parametrize("frames", [4, 10, 30])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.8, 0.9])
@pytest.mark.parametrize("flat", [False, True])
def test_a_model_that_lags_behind_labels_that_persist(frames, kept, flat, tmp_path):
    """Smoothed over the past, the scores fit the frames before better than their own, and those before these."""
    rng = np.random.default_rng(frames)
    targets = np.repeat(rng.integers(0, 6, (8, 240 // frames)), frames, axis=1)
    logits = rng.normal(0, 1, (8, 240, 6)) + 1.5 * np.eye(6)[targets]
    for t in range(1, 240):
        logits[:, t] = kept * logits[:, t - 1] + (1 - kept) * logits[:, t]
    if flat:
        logits, targets = logits.reshape(-1, 6), targets.reshape(-1)
    assert "shifted-targets" not in dict(found(tmp_path, 4 * logits, targets))


def test_binary_scores(tmp_path):
    rng = np.random.default_rng(11)
    for spread in (0.05, 1.0, 5.0):
        scores = rng.normal(0, spread, 300)
        targets = (rng.random(300) < 1 / (1 + np.exp(-scores))).astype(int)
        assert found(tmp_path, scores, targets, binary=True) == []


def test_binary_scores_that_happen_to_be_within_0_and_1(tmp_path):
    assert found(tmp_path, np.array([0.2, 0.9, 0.8]), np.array([1, 1, 0]), binary=True) == []
    rng = np.random.default_rng(18)
    barely_trained = rng.normal(0.3, 0.05, 200)
    assert found(tmp_path, barely_trained, (rng.random(200) < 0.57).astype(int), binary=True) == []


@pytest.mark.parametrize("n_classes", [2, 3, 7, 12, 40])
def test_knowing_nothing_at_all(n_classes, tmp_path):
    """All classes alike, and as often: the loss is log C and the entropy too, up to rounding."""
    rng = np.random.default_rng(n_classes)
    logits = np.repeat(rng.normal(0, 5, (n_classes * 60, 1)), n_classes, axis=1)
    targets = np.tile(np.arange(n_classes), 60)
    assert found(tmp_path, logits, targets) == []
    assert found(tmp_path, logits, rng.permutation(targets)) == []


@pytest.mark.parametrize("n_classes", [2, 5, 11, 12, 60])
def test_frequencies_fit_their_own_targets(n_classes, tmp_path):
    """Twenty samples a class and a model that knows nothing: frequencies of these very targets look better."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 0.01, (n_classes * 20, n_classes))
        assert found(tmp_path, logits, rng.integers(0, n_classes, n_classes * 20)) == []


def test_soft_targets(tmp_path):
    logits, _ = sound(12, 60, 5)
    assert found(tmp_path, logits, softmax(logits)) == []


def test_without_targets(tmp_path):
    logits, _ = sound(13, 60, 5)
    assert found(tmp_path, logits) == []
    assert found(tmp_path, softmax(logits)) == [("softmax-twice", "error")]
    logits[3, 2] = np.nan
    assert found(tmp_path, logits) == [("nan-logits", "error")]


def test_square_logits_as_they_are(tmp_path):
    logits, targets = sound(14, 40, 40, spread=6.0)
    assert found(tmp_path, logits, targets) == []


def test_class_numbers_from_one_that_are_right(tmp_path):
    """Class 0 never occurs and the predictions know it."""
    rng = np.random.default_rng(15)
    targets = rng.integers(1, 6, 30)
    logits = rng.normal(0, 1, (30, 6)) + 3.0 * np.eye(6)[targets]
    assert found(tmp_path, logits, targets) == []


def test_json_has_no_evidence_that_numpy_made(tmp_path):
    logits, targets = sound(16, 30, 4)
    logits[3, 2], targets[5] = np.nan, 9
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", targets)
    request = ScoreRequest(InputOptions(str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")))
    assert json.dumps(report(check(request)).extra)


NOT_A_CLASS = {f"column-is-{what}" for what in ("target", "prediction", "confidence", "key", "whole")}
ORDERS = {"order-differs", "targets-sorted", "axes-reshaped"}
OTHER_LABELS = {"targets-not-renumbered", "targets-one-based", "targets-out-of-range", "padding-scored"}
READINGS = NOT_A_CLASS | ORDERS | OTHER_LABELS | {"constant-predictions"}


def relu(_, x):
    return np.maximum(x, 0.0)


def relu_6_with_dead_units(rng, x):
    return np.minimum(np.maximum(x - 6.0 * (rng.random(x.shape[1]) < 0.4), 0.0), 6.0)


def one_hot(_, x):
    return np.eye(x.shape[1])[x.argmax(axis=1)]


def one_hot_of_two(_, x):
    """However many columns, two classes alone are ever predicted."""
    return np.eye(x.shape[1])[(x[:, 0] > x[:, -1]).astype(int)]


def votes(rng, x):
    return np.array([rng.multinomial(7, p) for p in softmax(x.astype(float))])


def few_votes(rng, x):
    return np.array([rng.multinomial(1, p) for p in softmax(x.astype(float))])


def reference_first(_, x):
    return np.where(np.arange(x.shape[1]) == 0, 0.0, x)


def reference_last(_, x):
    return np.where(np.arange(x.shape[1]) == x.shape[1] - 1, 0.0, x)


def whole_logits(_, x):
    return x.round()


def one_decimal(_, x):
    return x.round(1)


def large_in_half_precision(_, x):
    """The first class is beyond 1024, where half precision has whole numbers alone."""
    return (x + 1500.0 * (np.arange(x.shape[1]) == 0)).astype(np.float16)


def large_in_bfloat16(_, x):
    """The first class is between 128 and 256, where bfloat16 has whole numbers alone; saved as float32."""
    x = np.where(np.arange(x.shape[1]) == 0, 190.0 + 10 * x, x).astype(np.float32)
    return ((x.view(np.uint32) >> 16) << 16).view(np.float32)


def twins(_, x):
    """Two columns are always equal."""
    return np.where(np.arange(x.shape[1]) == 0, x[:, -1:], x)


def clamped(_, x):
    return np.clip(x, -1.0, 1.0)


def masks(rng, x):
    """Classes that are not offered are at -10000, one of them nearly always."""
    masked = rng.random(x.shape) < np.where(np.arange(x.shape[1]) == 0, 0.95, 0.2)
    return np.where(masked, -1e4, x)


LIKE_COLUMNS = [
    relu,
    relu_6_with_dead_units,
    one_hot,
    one_hot_of_two,
    votes,
    few_votes,
    reference_first,
    reference_last,
    whole_logits,
    one_decimal,
    large_in_half_precision,
    large_in_bfloat16,
    twins,
    clamped,
    masks,
]


@pytest.mark.parametrize("make", LIKE_COLUMNS)
@pytest.mark.parametrize(
    "shape", [(1, 2), (2, 3), (3, 3), (4, 2), (6, 4), (12, 3), (60, 2), (60, 5), (400, 3), (90, 200)]
)
def test_outputs_that_resemble_keys_and_predictions(make, shape, tmp_path):
    """With targets drawn from their softmax, and with a model that is always right; shuffled and sorted by target."""
    for seed in range(2):
        rng = np.random.default_rng(seed)
        logits = make(rng, rng.normal(0, 3, shape))
        for targets in (drawn(rng, logits), logits.argmax(axis=1)):
            assert not READINGS & dict(found(tmp_path, logits, targets)).keys()
            order = np.argsort(targets, kind="stable")
            assert not READINGS & dict(found(tmp_path, logits[order], targets[order])).keys()


@pytest.mark.parametrize("decimals", [0, 1, 2, 4])
@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_saturated_probabilities(decimals, n_classes, tmp_path):
    """Of 0 and 1 in places, and in one class alone where the others are confused."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        logits, targets = sound(seed, 200, n_classes, spread=6.0, dtype=np.float64)
        probs = softmax(logits).round(decimals)
        assert not READINGS & dict(found(tmp_path, probs, targets, source="probs")).keys()
        assert not READINGS & dict(found(tmp_path, probs, targets)).keys()
        easy = rng.random(200) < 0.4
        probs[:, 0] = easy
        probs[:, 1:] = np.where(easy[:, None], 0.0, softmax(rng.normal(0, 1, (200, n_classes - 1))))
        targets = np.where(easy, 0, 1 + probs[:, 1:].argmax(axis=1))
        assert not READINGS & dict(found(tmp_path, probs, targets, source="probs")).keys()


def test_consecutive_whole_numbers_in_every_column(tmp_path):
    """As numpy.arange fills a table to try things with."""
    logits = np.arange(90.0).reshape(30, 3)
    assert not NOT_A_CLASS & dict(found(tmp_path, logits, np.arange(30) % 3)).keys()
    logits = np.arange(30.0)[:, None] + np.zeros(3)
    assert not NOT_A_CLASS & dict(found(tmp_path, logits, np.arange(30) % 3)).keys()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(120, 2), (300, 5), (2000, 10), (600, 60)], ids=str)
@pytest.mark.parametrize("make", ["random", "negated", "confused", "one class"])
@pytest.mark.parametrize("arrange", ["shuffled", "periodic", "in runs"])
def test_models_that_are_wrong_are_not_said_to_be_in_another_order(arrange, make, shape, seed, tmp_path):
    """Sure of themselves and as good as guesses or worse, on targets that come in any order but a sorted one."""
    rng = np.random.default_rng(seed)
    n, n_classes = shape
    targets = {
        "shuffled": lambda: rng.integers(0, n_classes, n),
        "periodic": lambda: np.arange(n) % n_classes,
        "in runs": lambda: np.repeat(7 * np.arange(n // 20) % n_classes, 20),
    }[arrange]()
    logits = {
        "random": lambda: rng.normal(0, 6, shape),
        "negated": lambda: rng.normal(0, 1, shape) - 9.0 * np.eye(n_classes)[targets],
        "confused": lambda: rng.normal(0, 1, shape) + 9.0 * np.eye(n_classes)[rng.integers(0, n_classes, n)],
        "one class": lambda: rng.normal(0, 1, shape) + 9.0 * (np.arange(n_classes) == 1),
    }[make]()
    assert not ORDERS & dict(found(tmp_path, logits, targets)).keys()


@pytest.mark.parametrize("n_classes", [2, 5, 20])
def test_a_sorted_file_and_a_model_that_knows_little_or_one_class(n_classes, tmp_path):
    """Hardly any knowledge is not another order; nor is one predicted class, sure as it may be, or never the right."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        targets = np.sort(rng.integers(0, n_classes, 400))
        weak = rng.normal(0, 0.05, (400, n_classes)) + 0.02 * np.eye(n_classes)[targets]
        assert found(tmp_path, weak, targets) == []
        wrong = rng.normal(0, 1, (400, n_classes)) - 5.0 * np.eye(n_classes)[targets]
        assert not ORDERS & dict(found(tmp_path, wrong, targets)).keys()
        sure = rng.normal(0, 1, (400, n_classes)) + 8.0 * (np.arange(n_classes) == n_classes - 1)
        assert not ORDERS & dict(found(tmp_path, sure, targets)).keys()


@pytest.mark.parametrize("n_classes", [3, 5, 21])
def test_one_mark_beside_classes_of_which_one_never_occurs(n_classes, tmp_path):
    """As many different targets as classes: and yet the mark is padding, since the others fit as they are."""
    for mark in (-1, 255):
        for missing in (1, n_classes - 1):
            rng = np.random.default_rng(n_classes)
            targets = rng.permutation(np.repeat(np.delete(np.arange(n_classes), missing), 20))
            logits = rng.normal(0, 1, (len(targets), n_classes)) + 3.0 * np.eye(n_classes)[targets]
            targets[::9] = mark
            codes = dict(found(tmp_path, logits, targets)).keys()
            assert OTHER_LABELS & codes == {"padding-scored"}


def test_minus_one_beside_both_of_two_classes_is_padding(tmp_path):
    logits, targets = sound(30, 90, 2)
    targets[::7] = -1
    assert "padding-scored" in dict(found(tmp_path, logits, targets))
    assert found(tmp_path, logits, targets, ignore_index=-1) == []


@pytest.mark.parametrize("share", [0.002, 0.02, 0.2, 0.45])
@pytest.mark.parametrize("source", ["logits", "probs"])
def test_a_rare_class_that_is_never_predicted(share, source, tmp_path):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        p = share * rng.uniform(0.5, 1.1, 2000)
        targets = (rng.random(2000) < p).astype(int)
        values = p if source == "probs" else np.log(p / (1 - p))
        assert found(tmp_path, values, targets, binary=True, source=source) == []


def test_named_classes_are_never_said_to_count_from_1(tmp_path):
    """Each is predicted as the one before; by their names, no target can be off by one."""
    names = ["ash", "beech", "cedar", "elm", "fir"]
    rng = np.random.default_rng(31)
    targets = rng.integers(1, 5, 200)
    logits = rng.normal(0, 1, (200, 5)) + 5.0 * np.eye(5)[targets - 1]
    (tmp_path / "x.csv").write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in logits.tolist())]))
    (tmp_path / "y.txt").write_text("\n".join(names[t] for t in targets))
    request = ScoreRequest(InputOptions(str(tmp_path / "x.csv"), str(tmp_path / "y.txt")))
    codes = {finding.code for finding in check(request).findings}
    assert "worse-than-chance" in codes
    assert not OTHER_LABELS & codes


@pytest.mark.parametrize("n_classes", [3, 6])
def test_one_class_predicted_for_all_targets_does_not_count_from_1(n_classes, tmp_path):
    """Class 0, which never occurs, is below class 1, which occurs most."""
    rng = np.random.default_rng(32)
    targets = np.append(np.ones(150, int), rng.integers(1, n_classes, 100))
    logits = rng.normal(0, 1, (250, n_classes)) + 20.0 * (np.arange(n_classes) == 0)
    assert "targets-one-based" not in dict(found(tmp_path, logits, targets))
