"""Predictions as a sound model makes them, and the ways in which files of them go wrong."""

import numpy as np

SAMPLES = {
    "pets": ["pets/logits.csv", "pets/targets.txt"],
    "pets, one file": ["pets/pets.csv", "--target-column", "animal"],
    "digits, logistic": ["digits/logistic.npy", "digits/targets.npy"],
    "digits, network": ["digits/mlp.npy", "digits/targets.npy"],
    "imbalanced, plain": ["imbalanced/model_a.csv", "imbalanced/targets.txt"],
    "imbalanced, balanced": ["imbalanced/model_b.csv", "imbalanced/targets.txt"],
}


def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def drawn(rng, logits):
    """Targets drawn from the softmax of logits (..., C): what a calibrated model's targets look like."""
    below = softmax(logits.astype(np.float64)).cumsum(axis=-1) < rng.random((*logits.shape[:-1], 1))
    return np.minimum(below.sum(axis=-1), logits.shape[-1] - 1)


def sound(seed, *shape, spread=3.0, dtype=np.float32):
    """Gaussian logits of ``shape`` (..., C) and their drawn targets."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, shape).astype(dtype)
    return logits, drawn(rng, logits)


def _with(values, index, value):
    values = values.copy()
    values[index] = value
    return values


def _padded(targets, value, *, leading=False):
    """Sequences that end (or begin) with 5, 6, 7, ... places of padding, which occurs nowhere else."""
    targets = np.where(targets == value, value + 1, targets)
    for i, row in enumerate(targets):
        n = 5 + i % 7
        row[slice(None, n) if leading else slice(-n, None)] = value
    return targets


def _saved(folder, *arrays):
    paths = []
    for name, array in zip(("logits.npy", "targets.npy"), arrays, strict=False):
        np.save(folder / name, array)
        paths.append(str(folder / name))
    return paths


def _csv(folder, logits, header):
    path = folder / "logits.csv"
    rows = [",".join(header), *(",".join(map(repr, row)) for row in logits.astype(float).tolist())]
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def no_samples(folder):
    return _saved(folder, np.zeros((0, 3)), np.zeros(0, int))


def everything_ignored(folder):
    logits, targets = sound(1, 40, 4)
    return _saved(folder, logits, np.full_like(targets, -100))


def one_column(folder):
    logits, _ = sound(2, 40, 1)
    return _saved(folder, logits, np.zeros(40, int))


def upper_halves(logits):
    """The bits of bfloat16: float32 without the lower sixteen, as x.bfloat16().view(torch.int16) gives them."""
    return (np.asarray(logits, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def bfloat16_as(dtype):
    def build(folder):
        logits, targets = sound(47, 80, 6)
        return _saved(folder, _with(upper_halves(logits), (4, 2), 0xFF80).view(dtype), _with(targets, 4, 0))

    return build


def bfloat16_log_probs_as(dtype):
    def build(folder):
        logits, targets = sound(55, 80, 6)
        return _saved(folder, upper_halves(np.log(softmax(logits))).view(dtype), targets)

    return build


def decimal_commas(digits):
    def build(folder):
        logits, targets = sound(48, 40, 3, dtype=np.float64)
        rows = [",".join(f"{x:.{digits}f}".replace(".", ",") for x in row) for row in logits.tolist()]
        (folder / "logits.csv").write_text("\n".join(rows) + "\n")
        return [str(folder / "logits.csv"), *_saved(folder, logits, targets)[1:]]

    return build


def softmax_twice(folder):
    logits, targets = sound(3, 60, 5)
    return _saved(folder, softmax(logits).astype(np.float32), targets)


def sigmoid_twice(folder):
    scores, _ = sound(4, 60, 1)
    p = 1 / (1 + np.exp(-scores))
    return [*_saved(folder, p, (np.random.default_rng(4).random(60) < p[:, 0]).astype(int)), "--binary"]


def log_softmax_twice(folder):
    logits, targets = sound(5, 60, 5)
    return _saved(folder, np.log(softmax(logits)).astype(np.float32), targets)


def logits_as_probs(folder):
    return [*_saved(folder, *sound(6, 60, 5)), "--from", "probs"]


def probs_as_log_probs(folder):
    logits, targets = sound(7, 60, 5)
    return [*_saved(folder, softmax(logits), targets), "--from", "log-probs"]


def unnormalised_probs(folder):
    logits, targets = sound(8, 60, 5)
    return [*_saved(folder, softmax(logits) * 0.9, targets), "--from", "probs"]


def unnormalised_log_probs(folder):
    logits, targets = sound(9, 60, 5)
    return [*_saved(folder, np.log(softmax(logits)) - 0.1, targets), "--from", "log-probs"]


def soft_targets_negative(folder):
    logits, _ = sound(10, 40, 4)
    return _saved(folder, logits, _with(softmax(logits), (3, 2), -0.25))


def soft_targets_unnormalised(folder):
    logits, _ = sound(11, 40, 4)
    return _saved(folder, logits, _with(softmax(logits), 7, 0.2))


def nan_logit(folder):
    logits, targets = sound(12, 40, 4)
    return _saved(folder, _with(logits, (5, 2), np.nan), targets)


def infinite_logit(folder):
    logits, targets = sound(13, 40, 4)
    return _saved(folder, _with(logits, (6, 1), np.inf), targets)


def masked_sample(folder):
    logits, targets = sound(14, 40, 4)
    return _saved(folder, _with(logits, 9, -np.inf), targets)


def saturated(folder):
    logits, targets = sound(15, 40, 4, dtype=np.float16)
    return _saved(folder, _with(logits, (8, 3), 65504), _with(targets, 8, 3))


def tied_in_half_precision(folder):
    """Added to an offset of 3000, where half precision counts by twos, the top classes collapse."""
    logits, targets = sound(16, 400, 50, spread=2.0)
    return _saved(folder, (logits + 3000).astype(np.float16), targets)


def clamped(folder):
    logits, targets = sound(17, 400, 10, spread=4.0)
    return _saved(folder, np.clip(logits, -5, 5), targets)


def clamped_scores(folder):
    rng = np.random.default_rng(54)
    scores = rng.normal(0, 4, 300)
    targets = (rng.random(300) < 1 / (1 + np.exp(-scores))).astype(int)
    return [*_saved(folder, np.minimum(scores, 3.0), targets), "--binary"]


def constant_class(folder):
    logits, targets = sound(18, 60, 4)
    return _saved(folder, _with(logits, (slice(None), 2), 0.125), targets)


def dead_middle_class(folder):
    logits, targets = sound(19, 60, 4)
    return _saved(folder, _with(logits, (slice(None), 1), 0.0), targets)


def one_based(folder):
    logits, targets = sound(20, 60, 5)
    return _saved(folder, logits, targets + 1)


def one_based_without_the_last(folder):
    """The last class never occurs, so that targets from 1 on are all in range."""
    logits, _ = sound(21, 300, 6)
    return _saved(folder, logits, logits[:, :5].argmax(axis=1) + 1)


def out_of_range(folder):
    logits, targets = sound(22, 60, 5)
    return _saved(folder, logits, _with(targets, [3, 17], [7, -4]))


def mark_scored(mark):
    def build(folder):
        logits, targets = sound(23, 8, 6, 10, spread=3.0)
        options = ["--ignore-index", "-7"] if mark == -100 else []
        return [*_saved(folder, logits, _with(targets, (slice(None), slice(4, None)), mark)), *options]

    return build


def zeros_at_the_ends(folder):
    logits, targets = sound(24, 12, 40, 30)
    return _saved(folder, logits, _padded(targets, 0))


def zeros_at_the_beginnings(folder):
    logits, targets = sound(25, 12, 40, 30)
    return _saved(folder, logits, _padded(targets, 0, leading=True))


def zeros_under_a_shift(k, *, leading=False):
    """Language-model logits at t made for the token at t + k, padded at one end."""

    def build(folder):
        logits, following = sound(46, 12, 40, 30)
        tokens = _padded(np.roll(following, k, axis=1), 0, leading=leading)
        return [*_saved(folder, logits, tokens), "--shift", str(k)]

    return build


def zeros_in_a_flat_list(folder):
    logits, targets = sound(26, 20, 50, 150)
    targets = _padded(targets, 0)
    targets[:, -12:] = 0
    return _saved(folder, logits.reshape(-1, 150), targets.reshape(-1))


def weights_not_finite(value):
    def build(folder):
        logits, targets = sound(49, 60, 4)
        np.save(folder / "weights.npy", _with(np.ones(60), 7, value))
        return [*_saved(folder, logits, targets), "--sample-weights", str(folder / "weights.npy")]

    return build


def weights_too_few(folder):
    logits, targets = sound(50, 60, 4)
    np.save(folder / "weights.npy", np.ones(4))
    return [*_saved(folder, logits, targets), "--sample-weights", str(folder / "weights.npy")]


def counted_without_a_class(folder):
    """Too few targets for the absence to tell anything, and no weight from it."""
    logits, _ = sound(51, 6, 3)
    return [*_saved(folder, logits, np.array([0, 1, 1, 0, 0, 1])), "--counts", "targets"]


def log_probs_above_zero(folder):
    """Within the rounding of float32, but 1 - p is negative."""
    logits, targets = sound(52, 60, 5)
    values = _with(np.log(softmax(logits)).astype(np.float32), 4, [1e-5, *[-80.0] * 4])
    return [*_saved(folder, values, targets * (np.arange(60) != 4)), "--from", "log-probs", "--loss", "one-vs-rest"]


def names_reordered(folder):
    logits, targets = sound(27, 60, 3)
    np.save(folder / "targets.npy", targets)
    return [_csv(folder, logits, ["cat", "dog", "horse"]), str(folder / "targets.npy"), "--classes", "dog,cat,horse"]


def square_transposed(folder):
    logits, targets = sound(28, 30, 30, spread=8.0)
    return _saved(folder, np.ascontiguousarray(logits.T), targets)


def cube_swapped(folder):
    """(N, C, L) with C = L, read along axis 1 though axis 2 holds the classes."""
    logits, targets = sound(29, 5, 12, 12, spread=8.0)
    return [*_saved(folder, logits, targets), "--class-axis", "1"]


def not_shifted(folder):
    """Language-model logits against the tokens they were made from, not those that follow."""
    logits, following = sound(30, 6, 40, 50, spread=6.0)
    tokens = np.concatenate([np.random.default_rng(30).integers(0, 50, (6, 1)), following[:, :-1]], axis=1)
    return _saved(folder, logits, tokens)


def shifted_too_far(folder):
    logits, following = sound(31, 6, 40, 50, spread=6.0)
    return _saved(folder, logits, np.concatenate([following[:, 1:], following[:, :1]], axis=1))


def flat_and_shifted(folder):
    logits, targets = sound(32, 300, 20, spread=6.0)
    return _saved(folder, logits, np.roll(targets, 1))


def language_shifted(folder):
    """Words as frequent as in a text, of which the model knows every third before it comes."""
    rng = np.random.default_rng(53)
    words = np.minimum(rng.zipf(1.5, (8, 65)) - 1, 299)
    logits = rng.normal(0, 1, (8, 64, 300)) - 1.5 * np.log(np.arange(1, 301))
    known = rng.random((8, 64)) < 0.35
    logits += 8.0 * known[..., None] * np.eye(300)[words[:, 1:]]
    return _saved(folder, logits, words[:, :-1])


def permuted(folder):
    """Labels encoded in another order than the columns: three classes go round, two change places."""
    logits, targets = sound(33, 400, 8)
    return _saved(folder, logits, np.array([1, 2, 0, 3, 5, 4, 6, 7])[targets])


def absent(folder):
    logits, targets = sound(34, 400, 5)
    kept = targets != 3
    return _saved(folder, logits[kept], targets[kept])


def appended_twice(folder):
    logits, targets = sound(35, 30, 4)
    return _saved(folder, np.concatenate([logits, logits]), np.concatenate([targets, targets]))


def one_row_twice(folder):
    logits, targets = sound(36, 50, 4)
    return _saved(folder, _with(logits, 31, logits[7]), _with(targets, 31, targets[7]))


def masked_target(folder):
    logits, targets = sound(37, 40, 4)
    logits[5, targets[5]] = -np.inf
    return _saved(folder, logits, targets)


def random_targets(folder):
    logits, _ = sound(38, 200, 6)
    return _saved(folder, logits, np.random.default_rng(0).integers(0, 6, 200))


def worse_than_frequencies(folder):
    """Nearly uniform predictions for targets of which nine in ten are one class: below log C, above the entropy."""
    logits, _ = sound(39, 600, 4, spread=0.1)
    return _saved(folder, logits, np.random.default_rng(1).choice(4, 600, p=[0.9, 0.04, 0.03, 0.03]))


def ambiguous_axis(folder):
    return _saved(folder, *sound(40, 5, 12, 12))


def transposed(folder):
    logits, targets = sound(41, 50, 4)
    return _saved(folder, np.ascontiguousarray(logits.T), targets)


def transposed_csv(folder):
    logits, targets = sound(42, 50, 4)
    return [_csv(folder, logits.T, [f"c{i}" for i in range(50)]), *_saved(folder, logits, targets)[1:]]


def lengths_differ(folder):
    logits, targets = sound(43, 50, 4)
    return _saved(folder, logits, targets[:-1])


def lengths_differ_csv(folder):
    logits, targets = sound(44, 50, 4)
    return [_csv(folder, logits, list("abcd")), *_saved(folder, logits, targets[:-1])[1:]]


def one_hot_integers(folder):
    """Rows with a single 1, but for one."""
    logits, targets = sound(45, 50, 4)
    one_hot = np.eye(4, dtype=int)[targets]
    one_hot[7] = 1
    return _saved(folder, logits, one_hot)


def ages_beside_classes(folder):
    logits, targets = sound(46, 50, 3)
    table = _csv(folder, np.column_stack([np.arange(50) % 7 + 20, logits]), ["age", "cat", "dog", "horse"])
    np.save(folder / "targets.npy", targets)
    return [table, str(folder / "targets.npy")]


def _keyed(folder, keys, keys_of_targets):
    """Tables of logits and of targets with a column of keys each."""
    logits, targets = sound(47, 50, 3)
    rows = [f"{key},{','.join(map(repr, row))}" for key, row in zip(keys, logits.tolist(), strict=True)]
    (folder / "logits.csv").write_text("\n".join(["key,a,b,c", *rows, ""]))
    rows = [f"{key},{target}" for key, target in zip(keys_of_targets, targets, strict=True)]
    (folder / "targets.csv").write_text("\n".join(["key,label", *rows, ""]))
    return [str(folder / "logits.csv"), str(folder / "targets.csv")]


def keys_in_another_order(folder):
    return _keyed(folder, range(100, 150), range(149, 99, -1))


def keys_of_other_samples(folder):
    return [*_keyed(folder, range(100, 150), range(120, 170)), "--id", "key"]


def one_key_twice(folder):
    return [*_keyed(folder, range(100, 150), [100, *range(100, 149)]), "--id", "key"]


def one_key_twice_among_the_logits(folder):
    return [*_keyed(folder, [100, *range(100, 149)], range(100, 150)), "--id", "key"]


def _beside(logits, column, at):
    """The logits with one more column before (0), among or behind (-1) them."""
    return np.insert(logits.astype(float), at if at >= 0 else logits.shape[1], column, axis=1)


def with_column(make, at=0, n_classes=5, **options):
    """The logits of 60 samples with a column made of them and their targets."""

    def build(folder):
        logits, targets = sound(60, 60, n_classes, **options)
        return _saved(folder, _beside(logits, make(np.random.default_rng(60), logits, targets), at), targets)

    return build


def row_numbers(_, logits, __):
    return np.arange(len(logits))


def keys(rng, logits, _):
    return rng.permutation(9 * len(logits))[: len(logits)] + 20_000


def folds(rng, logits, _):
    return rng.integers(0, 5, len(logits))


def predictions(_, logits, __):
    return logits.argmax(axis=1)


def predictions_from_1(_, logits, __):
    return logits.argmax(axis=1) + 1


def confidences(_, logits, __):
    return logits.max(axis=1)


def own_targets(_, __, targets):
    return targets


def own_targets_from_1(_, __, targets):
    return targets + 1


def probs_with_predictions(folder):
    logits, targets = sound(61, 60, 4)
    p = softmax(logits.astype(float))
    return [*_saved(folder, _beside(p, p.argmax(axis=1), -1), targets), "--from", "probs"]


def a_score_and_its_prediction(threshold):
    def build(folder):
        scores, _ = sound(62, 60, 1)
        p = 1 / (1 + np.exp(-scores[:, 0].astype(float)))
        values = p if threshold else scores[:, 0]
        targets = (np.random.default_rng(62).random(60) < p).astype(int)
        return _saved(folder, np.column_stack([values, values > threshold]), targets)

    return build


def keys_of_votes(folder):
    """All numbers are whole, and one column counts the rows."""
    votes = np.random.default_rng(63).multinomial(9, [0.5, 0.3, 0.2], 40)
    return _saved(folder, np.insert(votes, 0, np.arange(40), axis=1), votes.argmax(axis=1))


def class_major_logits(folder):
    logits, targets = sound(64, 200, 4, spread=5.0)
    return _saved(folder, np.ascontiguousarray(logits.T).reshape(200, 4), targets)


def class_major_probs(folder):
    logits, targets = sound(65, 60, 5)
    return [*_saved(folder, np.ascontiguousarray(softmax(logits).T).reshape(60, 5), targets), "--from", "probs"]


def sample_major_as_class_major(folder):
    """(N, C) reshaped to (C, N), and read with the classes along axis 0."""
    logits, targets = sound(66, 200, 4, spread=5.0)
    return [*_saved(folder, logits.reshape(4, 200), targets), "--class-axis", "0"]


def in_another_order(change, n=240):
    def build(folder):
        logits, targets = sound(67, n, 6, spread=5.0)
        return _saved(folder, logits, change(targets))

    return build


def targets_in_order_of_class(folder):
    logits, targets = sound(68, 300, 5, spread=5.0)
    return _saved(folder, logits, np.sort(targets))


def logits_in_order_of_class(folder):
    logits, targets = sound(69, 300, 5, spread=5.0)
    return _saved(folder, logits[np.argsort(-logits.argmax(axis=1), kind="stable")], targets)


def labels_of_their_own(*labels):
    def build(folder):
        logits, targets = sound(70, 900, len(labels), spread=2.0)
        return _saved(folder, logits, np.array(labels)[targets])

    return build


def minus_and_plus_1(folder):
    scores, _ = sound(71, 60, 1)
    positive = np.random.default_rng(71).random(60) < 1 / (1 + np.exp(-scores[:, 0]))
    return [*_saved(folder, scores, np.where(positive, 1, -1)), "--binary"]


def one_score(folder):
    return [*_saved(folder, np.full(40, 0.3), np.arange(40) % 2), "--binary"]


def one_sided_scores(folder):
    """Two of three targets are class 1, which is never predicted."""
    scores = np.random.default_rng(72).normal(-0.3, 0.05, 600)
    return [*_saved(folder, scores, (np.arange(600) % 3 > 0).astype(int)), "--binary"]


def surely_one_sided_scores(folder):
    scores = np.random.default_rng(73).normal(-6.0, 1.0, 200)
    return [*_saved(folder, scores, np.arange(200) % 2), "--binary"]


# For each code, files that have the fault: what the command line is given.
FAULTS = {
    "no-samples": [no_samples],
    "everything-ignored": [everything_ignored],
    "one-column": [one_column],
    "bfloat16-bits": [
        bfloat16_as(np.int16),
        bfloat16_as(np.uint16),
        bfloat16_log_probs_as(np.int16),
        bfloat16_log_probs_as(np.uint16),
    ],
    "decimal-commas": [decimal_commas(6), decimal_commas(17)],
    "column-is-target": [with_column(own_targets, -1), with_column(own_targets_from_1), with_column(own_targets, 2, 2)],
    "column-is-prediction": [
        with_column(predictions, -1),
        with_column(predictions),
        with_column(predictions_from_1, 3),
        with_column(predictions, -1, 200),
        probs_with_predictions,
        a_score_and_its_prediction(0.0),
        a_score_and_its_prediction(0.5),
    ],
    "column-is-confidence": [
        with_column(confidences, -1),
        with_column(confidences, 2),
        with_column(confidences, -1, 2),
    ],
    "column-is-key": [
        with_column(row_numbers),
        with_column(keys),
        with_column(keys, -1, 300),
        with_column(row_numbers, 1, 2),
        keys_of_votes,
    ],
    "column-is-whole": [with_column(folds), with_column(folds, -1, 40)],
    "axes-reshaped": [class_major_logits, class_major_probs, sample_major_as_class_major],
    "softmax-twice": [softmax_twice, sigmoid_twice],
    "log-softmax-twice": [log_softmax_twice],
    "not-probabilities": [logits_as_probs, probs_as_log_probs],
    "not-normalised": [unnormalised_probs, unnormalised_log_probs],
    "soft-targets-invalid": [soft_targets_negative],
    "soft-targets-not-normalised": [soft_targets_unnormalised],
    "sample-weights-invalid": [weights_not_finite(np.nan), weights_not_finite(np.inf)],
    "nan-logits": [nan_logit],
    "infinite-logits": [infinite_logit],
    "masked-samples": [masked_sample],
    "half-precision-saturation": [saturated],
    "identical-maxima": [tied_in_half_precision, clamped, clamped_scores],
    "constant-class": [constant_class, dead_middle_class],
    "targets-one-based": [one_based, one_based_without_the_last],
    "targets-not-renumbered": [
        labels_of_their_own(2, 6, 17, 21),
        labels_of_their_own(-1, 1),
        labels_of_their_own(0, 255),
        labels_of_their_own(-1, 0, 1),
        labels_of_their_own(*range(100, 130)),
        minus_and_plus_1,
    ],
    "targets-out-of-range": [out_of_range],
    "padding-scored": [
        mark_scored(255),
        mark_scored(-1),
        mark_scored(-100),
        zeros_at_the_ends,
        zeros_at_the_beginnings,
        zeros_under_a_shift(1),
        zeros_under_a_shift(1, leading=True),
        zeros_under_a_shift(-1),
        zeros_under_a_shift(-1, leading=True),
        zeros_in_a_flat_list,
    ],
    "classes-reordered": [names_reordered],
    "class-axis-swapped": [square_transposed, cube_swapped],
    "shifted-targets": [not_shifted, shifted_too_far, flat_and_shifted, language_shifted],
    "order-differs": [
        in_another_order(lambda targets: np.roll(targets, 17)),
        in_another_order(lambda targets: targets[::-1]),
        in_another_order(lambda targets: targets.reshape(-1, 4).T.ravel()),
        in_another_order(lambda targets: targets.reshape(4, -1).T.ravel()),
    ],
    "targets-sorted": [targets_in_order_of_class, logits_in_order_of_class],
    "classes-permuted": [permuted],
    "constant-predictions": [one_score, one_sided_scores, surely_one_sided_scores],
    "absent-classes": [absent],
    "duplicated-rows": [appended_twice, one_row_twice],
    "infinite-loss": [masked_target],
    "worse-than-chance": [random_targets],
    "worse-than-frequencies": [worse_than_frequencies],
    "class-axis-ambiguous": [ambiguous_axis],
    "logits-transposed": [transposed, transposed_csv],
    "lengths-differ": [lengths_differ, lengths_differ_csv, weights_too_few],
    "doubtful-column": [ages_beside_classes],
    "keys-differ": [keys_in_another_order, keys_of_other_samples],
    "repeated-key": [one_key_twice, one_key_twice_among_the_logits],
    "one-hot-integers": [one_hot_integers],
    "loss-refused": [counted_without_a_class, log_probs_above_zero],
}
