"""Numbers that people got from their logits and could not explain, each worked out in the slow obvious way.

Nothing here comes from the program. NumPy draws the inputs and saves them; every number is made by loops over lists of
Python floats.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from reconcile import conventions as by_hand

IGNORED = -100
LISTED = [1.0, 0.2, 0.1]


# --- inputs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """Files, the words that name them on the command line, and the same numbers as lists."""

    files: dict[str, np.ndarray]
    words: list[str]

    @property
    def x(self):
        return self.files[self.words[0]].tolist()

    @property
    def y(self):
        return self.files[self.words[1]].tolist()

    @property
    def w(self):
        """The weights of the samples."""
        [name] = [name for name in self.files if name.startswith("weights")]
        return self.files[name].tolist()

    def write(self, folder):
        for name, values in self.files.items():
            path = folder / name
            if path.suffix == ".npy":
                np.save(path, values)
            else:  # repr has all digits, so that the text is the same number
                rows = values.tolist() if values.ndim > 1 else [[value] for value in values.tolist()]
                path.write_text("".join(",".join(map(repr, row)) + "\n" for row in rows))


def files(x, y, *options, text=False, **others):
    """The options may name other files by their keyword."""
    names = {"x": "x.csv", "y": "y.txt" if np.ndim(y) == 1 else "y.csv"} if text else {"x": "x.npy", "y": "y.npy"}
    held = {names["x"]: np.asarray(x), names["y"]: np.asarray(y)}
    held |= {name + (".txt" if text else ".npy"): np.asarray(values) for name, values in others.items()}
    return Data(held, [*held][:2] + [word + (".txt" if text else ".npy") * (word in others) for word in options])


def labels(rng, n, c, ignored=0):
    """Every class occurs, the first ones more often; some targets are ignored."""
    share = 1.0 / (1.0 + np.arange(c))
    drawn = [*range(c), *rng.choice(c, n - ignored - c, p=share / share.sum()), *[IGNORED] * ignored]
    return rng.permutation(drawn)


def plain(seed, n, c, *options, spread=2.0, ignored=0, text=False):
    rng = np.random.default_rng(seed)
    return files(rng.normal(0, spread, (n, c)), labels(rng, n, c, ignored), *options, text=text)


def counted(seed, counts, *options, text=False):
    """Targets with so many of each class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation([k for k, n in enumerate(counts) for _ in range(n)])
    return files(rng.normal(0, 1.5, (len(y), len(counts))), y, *options, text=text)


def sample_weighted(seed, n, c, zeros=0, *, text=False):
    rng = np.random.default_rng(seed)
    w = rng.permutation([*rng.uniform(0.3, 2, n - zeros), *[0.0] * zeros])
    x, y = rng.normal(0, 2, (n, c)), labels(rng, n, c)
    return files(x, y, "--sample-weights", "weights", text=text, weights=w)


def sequences(seed, shape, *options, ignored=0):
    """Logits of shape (N, T, C), targets of shape (N, T)."""
    rng = np.random.default_rng(seed)
    n, t, c = shape
    return files(rng.normal(0, 2, shape), labels(rng, n * t, c, ignored).reshape(n, t), *options)


def sentences(seed, shape, *options):
    """Class 0 ends every sequence and fills the rest of its row."""
    rng = np.random.default_rng(seed)
    n, t, c = shape
    y = rng.permutation(labels(rng, n * t, c - 1) + 1).reshape(n, t)
    for i, row in enumerate(y):
        row[t - 1 - i % 4 :] = 0
    return files(rng.normal(0, 2, shape), y, *options)


def images(seed, n, h, w, c, *options, class_first=False, ignored=0):
    """Targets of shape (N, H, W)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (n, c, h, w) if class_first else (n, h, w, c))
    return files(x, labels(rng, n * h * w, c, ignored).reshape(n, h, w), *options)


def one_logit(seed, counts, *options, column=False, text=False):
    """The logit of class 1 of two, and so many targets of each."""
    rng = np.random.default_rng(seed)
    y = rng.permutation([0] * counts[0] + [1] * counts[1])
    x = rng.normal(0.3, 2, len(y))
    return files(x[:, None] if column else x, y, "--binary", *options, text=text)


def one_probability(seed, n, sure, *, text=False):
    """The probability of class 1 of two; some are exactly 0 or 1, right or wrong."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    p[:sure] = np.arange(sure) % 2
    order = rng.permutation(n)
    y = rng.integers(0, 2, n)
    y[:4] = [1, 0, 0, 1]
    return files(p[order], y[order], "--from", "probs", "--binary", text=text)


def scores(seed, n, c, low, high, *options, total=None, ignored=0, text=False):
    """Positive numbers, whose rows add up to about 1 where a total is given: to something within it."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, (n, c))
    if total:
        x *= rng.uniform(*total, (n, 1)) / x.sum(axis=1, keepdims=True)
    return files(x, labels(rng, n, c, ignored), *options, text=text)


def one_hot(seed, n, c, *options, spread=2.0, text=False):
    """Targets that are rows of one 1 and else 0, as floats."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, spread, (n, c)), labels(rng, n, c)
    return files(x, np.eye(c)[y], *options, text=text)


def soft(seed, n, c, *options, text=False):
    """Targets that are probabilities of the classes."""
    rng = np.random.default_rng(seed)
    q = rng.uniform(0.05, 1, (n, c)) ** 2
    return files(rng.normal(0, 1.5, (n, c)), q / q.sum(axis=1, keepdims=True), *options, text=text)


# --- losses: a float for every sample that counts ---------------------------------------------------------------------


def pairs(d):
    """The rows that have a target, and their targets, in the order of the file."""
    x, y = d.x, d.y
    if isinstance(y[0], list) and isinstance(y[0][0], list):  # images
        x, y = [row for image in x for row in image], [row for image in y for row in image]
    if isinstance(y[0], list):  # sequences, or the rows of images
        x, y = [row for rows in x for row in rows], [target for row in y for target in row]
    return [(row, target) for row, target in zip(x, y, strict=True) if target != IGNORED]


def scored(of):
    """The target's -log softmax."""
    return [-by_hand.log_softmax(row)[target] for row, target in of]


def own(d):
    return scored(pairs(d))


def sequence_losses(d):
    """One list a sequence."""
    out = []
    for rows, ys in zip(d.x, d.y, strict=True):
        out.append(scored((row, k) for row, k in zip(rows, ys, strict=True) if k != IGNORED))
    return out


def shifted(d, k):
    """Position t of a sequence against its target t + k."""
    out = []
    for rows, ys in zip(d.x, d.y, strict=True):
        for t, row in enumerate(rows):
            if t + k < len(ys) and ys[t + k] != IGNORED:
                out.append((row, ys[t + k]))
    return scored(out)


def softplus(x):
    return math.log1p(math.exp(x))


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def yes_or_no(x, answer):
    """-log of the sigmoid's probability of the answer."""
    return softplus(-x) if answer else softplus(x)


def binary_losses(d):
    return [yes_or_no(x, y) for x, y in zip(d.x, d.y, strict=True)]


def bernoulli(d):
    """For each sample, the list of its classes' own binary cross-entropies."""
    return [[yes_or_no(x, k == target) for k, x in enumerate(row)] for row, target in pairs(d)]


def clamped(p):
    """log p, at least -100."""
    return max(math.log(p), -100.0) if p > 0 else -100.0


def clamped_losses(d):
    return [-clamped(p if y else 1.0 - p) for p, y in zip(d.x, d.y, strict=True)]


def soft_losses(d):
    out = []
    for row, q in zip(d.x, d.y, strict=True):
        log_p = by_hand.log_softmax(row)
        out.append(-math.fsum(q[k] * log_p[k] for k in range(len(row))))
    return out


def clipped_one_hot(d, eps):
    out = []
    for row, q in zip(d.x, d.y, strict=True):
        p = by_hand.softmax(row)[q.index(1.0)]
        out.append(-math.log(min(max(p, eps), 1.0 - eps)))
    return out


def scored_at_the_largest(d):
    return scored((row, q.index(max(q))) for row, q in zip(d.x, d.y, strict=True))


def entropy(q):
    return -math.fsum(p * math.log(p) for p in q if p > 0)


def log_softmax_over_the_batch(rows):
    """Each column's values become log-probabilities of the rows."""
    columns = [by_hand.log_softmax([row[k] for row in rows]) for k in range(len(rows[0]))]
    return [[column[i] for column in columns] for i in range(len(rows))]


def softmax_over_the_batch(rows):
    return [[math.exp(value) for value in row] for row in log_softmax_over_the_batch(rows)]


def smoothed_targets(target, c, e):
    return [(1.0 - e if k == target else 0.0) + e / c for k in range(c)]


def smoothed_over_the_others(target, c, e):
    return [1.0 - e if k == target else e / (c - 1) for k in range(c)]


def divergences(d, e, smooth=smoothed_targets):
    """KL of the smoothed target and the softmax."""
    out = []
    for row, target in pairs(d):
        log_p = by_hand.log_softmax(row)
        q = smooth(target, len(row), e)
        out.append(math.fsum(q[k] * (math.log(q[k]) - log_p[k]) for k in range(len(row))))
    return out


def smoothed(d, e):
    return by_hand.smoothed([row for row, _ in pairs(d)], [target for _, target in pairs(d)], e)


def log_sum(row):
    return math.log(math.fsum(math.exp(x) for x in row))


# --- what becomes of them ---------------------------------------------------------------------------------------------


def mean(losses):
    losses = list(losses)
    return math.fsum(losses) / len(losses)


def parts(losses, size):
    return [losses[start : start + size] for start in range(0, len(losses), size)]


def batch_means(losses, size):
    return [mean(part) for part in parts(losses, size)]


def cut(losses, k):
    """k parts, of which the first are one longer where it does not come out even."""
    size, longer = divmod(len(losses), k)
    out, start = [], 0
    for i in range(k):
        stop = start + size + (i < longer)
        out.append(losses[start:stop])
        start = stop
    return out


def padded(losses, ranks):
    """The first samples once more, until every rank has as many."""
    return losses + losses[: -len(losses) % ranks]


def weighted_sum(losses, weights):
    return math.fsum(w * loss for w, loss in zip(weights, losses, strict=True))


def by_class(d, weights):
    """The weight of every sample that counts."""
    return [weights[target] for _, target in pairs(d)]


def by_count(d, weigh):
    """The weights of the classes, of their counts and the number of samples."""
    counts = by_hand.counts(d.y, len(d.x[0]))
    return [weigh(n, len(d.y)) for n in counts]


def weighted_mean(d, weights):
    return weighted_sum(own(d), by_class(d, weights)) / math.fsum(by_class(d, weights))


def over_n(d, weights):
    return weighted_sum(own(d), by_class(d, weights)) / len(d.y)


def largest_over(d):
    """n_max / n"""
    return by_count(d, lambda n, _: max(by_hand.counts(d.y, len(d.x[0]))) / n)


def pos_weighted(d):
    """The loss of a target 1 times n_0 / n_1."""
    ratio = d.y.count(0) / d.y.count(1)
    return [loss * (ratio if y == 1 else 1.0) for loss, y in zip(binary_losses(d), d.y, strict=True)]


def weighted_batch_means(d, weights, size):
    return by_hand.batch_means(own(d), d.y, weights, size)


def second_halves(d):
    """Of a sequence of T positions those from T // 2 on."""
    out = []
    for rows, ys in zip(d.x, d.y, strict=True):
        for t in range(len(rows) // 2, len(rows)):
            if ys[t] != IGNORED:
                out.append((rows[t], ys[t]))
    return scored(out)


def over_positions(d):
    """The log softmax over the positions of each sequence, and its value at the target."""
    out = []
    for rows, ys in zip(d.x, d.y, strict=True):
        log_p = log_softmax_over_the_batch(rows)
        out += [-log_p[t][k] for t, k in enumerate(ys) if k != IGNORED]
    return out


def across_sequences(d):
    """Each row against the next target of the flattened batch, be it another sequence's."""
    rows = [row for sequence in d.x for row in sequence]
    ys = [k for sequence in d.y for k in sequence]
    return scored((rows[i], ys[i + 1]) for i in range(len(rows) - 1))


def in_string_order(d):
    """Column j is the class whose name comes j-th among 0, 1, 10, 11, 2, ..."""
    names = sorted(str(k) for k in range(len(d.x[0])))
    return scored((row, names.index(str(target))) for row, target in pairs(d))


def viewed(d):
    """Logits of shape (N, C, H, W), cut into rows of C numbers as they lie in memory."""
    flat = [value for image in d.x for plane in image for line in plane for value in line]
    ys = [k for image in d.y for line in image for k in line]
    return scored(zip(parts(flat, len(d.x[0])), ys, strict=True))


def class_first(d):
    """The losses of logits of shape (N, C, H, W), by image, by line."""
    out = []
    for planes, ys in zip(d.x, d.y, strict=True):
        out.append([])
        for i, line in enumerate(ys):
            out[-1].append(scored(([plane[i][j] for plane in planes], k) for j, k in enumerate(line)))
    return out


def ended(d):
    """The first 0 of a row is the end of its sequence and counts; the others are padding."""
    out = []
    for rows, ys in zip(d.x, d.y, strict=True):
        stop = ys.index(0) + 1
        out += zip(rows[:stop], ys[:stop], strict=True)
    return scored(out)


# --- the numbers ------------------------------------------------------------------------------------------------------


class Typed:
    """A number as it is typed."""

    @property
    def expect(self):
        return f"--expect={self.value(self.data):.10g}"


@dataclass(frozen=True)
class Case(Typed):
    """A number that somebody got, and what a description of it must say."""

    id: str
    says: str
    data: Data
    value: Callable[[Data], float]


UNITS = [
    Case("2 to the loss in nats", r"2\^|2 to the", plain(101, 37, 5), lambda d: 2 ** mean(own(d))),
    Case("perplexity of each sample", "perplexit", plain(103, 29, 4, text=True), lambda d: mean(map(math.exp, own(d)))),
    Case(
        "perplexity of each sequence",
        "perplexit",
        sequences(105, (6, 8, 5)),
        lambda d: mean(math.exp(mean(losses)) for losses in sequence_losses(d)),
    ),
    Case(
        "perplexity of each batch",
        r"perplexit.*batches of 8\b|batches of 8\b.*perplexit",
        plain(107, 45, 5),
        lambda d: mean(map(math.exp, batch_means(own(d), 8))),
    ),
    Case("times 2", r"times 2\b", plain(109, 41, 5, text=True), lambda d: 2 * mean(own(d))),
    Case("over 8", r"(divided by|over|/) ?8\b", plain(113, 43, 4), lambda d: mean(own(d)) / 8),
    Case("deviance", r"times 2\b|deviance", plain(115, 41, 5), lambda d: 2 * math.fsum(own(d))),
]
BATCHES = [
    Case("batches of 24", r"batches of 24\b", plain(201, 60, 5, text=True), lambda d: mean(batch_means(own(d), 24))),
    Case(
        "batches of 24, weighted",
        r"batches of 24\b",
        counted(205, [27, 14, 17], "--weights", "1,0.2,0.1"),
        lambda d: mean(weighted_batch_means(d, LISTED, 24)),
    ),
    Case(
        "sum of the means of batches of 4",
        r"sum of the means of batches of 4\b",
        plain(207, 50, 5),
        lambda d: math.fsum(batch_means(own(d), 4)),
    ),
    Case(
        "running loss of batches of 4 over the number of samples",
        r"batches of 4\b",
        plain(209, 50, 3, text=True),
        lambda d: math.fsum(batch_means(own(d), 4)) / len(d.y),
    ),
    Case("5 folds of 52", r"(?<![\d.])5 ", plain(211, 52, 5), lambda d: mean(map(mean, cut(own(d), 5)))),
    Case("padded for 4 ranks", "twice|again|pad|repeat", plain(215, 42, 5), lambda d: mean(padded(own(d), 4))),
    Case(
        "over the weights that are not 0",
        "non-?zero",
        sample_weighted(217, 31, 4, 5, text=True),
        lambda d: weighted_sum(own(d), d.w) / sum(w != 0 for w in d.w),
    ),
    Case(
        "over all shifted positions",
        "every|all",
        sequences(219, (4, 9, 5), "--shift", "1", ignored=8),
        lambda d: math.fsum(shifted(d, 1)) / (4 * (9 - 1)),
    ),
    Case(
        "summed over the positions",
        "axis",
        sequences(221, (7, 6, 5)),
        lambda d: math.fsum(mean(losses[t] for losses in sequence_losses(d)) for t in range(6)),
    ),
    Case("summed over the lines", "axis", images(222, 3, 5, 4, 6), lambda d: math.fsum(own(d)) / (3 * 4)),
    Case(
        "over the number of batches",
        r"number of batches of 8\b",
        plain(225, 43, 5),
        lambda d: math.fsum(own(d)) / len(parts(own(d), 8)),
    ),
    Case("first quarter", "first", plain(226, 40, 5, text=True), lambda d: mean(own(d)[:10])),
    Case("rank 0 of 4", "every 4|rank", plain(229, 40, 5), lambda d: mean(own(d)[0::4])),
    Case("rank 2 of 4", "every 4|rank", plain(230, 42, 4, text=True), lambda d: mean(own(d)[2::4])),
    Case("second half of the positions", "second half", sequences(231, (5, 7, 6)), lambda d: mean(second_halves(d))),
]
READINGS = [
    Case(
        "minus the probability",
        "prob|softmax",
        plain(301, 33, 4, text=True),
        lambda d: mean(-math.exp(-loss) for loss in own(d)),
    ),
    Case(
        "log softmax over the batch",
        "axis 0|batch",
        plain(303, 21, 4, text=True),
        lambda d: mean(by_hand.as_log_probs(log_softmax_over_the_batch(d.x), d.y)),
    ),
    Case("log softmax over the positions", "axis 1", sequences(306, (5, 6, 4)), lambda d: mean(over_positions(d))),
    Case(
        "softmax over the batch, and then over the classes",
        "axis 0",
        plain(308, 23, 5),
        lambda d: mean(by_hand.nll(softmax_over_the_batch(d.x), d.y)),
    ),
    Case(
        "sigmoids as logits",
        "sigmoid",
        plain(309, 36, 6),
        lambda d: mean(scored(([sigmoid(x) for x in row], k) for row, k in pairs(d))),
    ),
    Case(
        "mean of all classes' sigmoid cross-entropies",
        "sigmoid",
        plain(311, 35, 4, text=True),
        lambda d: mean(loss for losses in bernoulli(d) for loss in losses),
    ),
    Case(
        "mean of the samples' sums of sigmoid cross-entropies",
        "sigmoid",
        plain(312, 37, 7),
        lambda d: mean(map(math.fsum, bernoulli(d))),
    ),
    Case(
        "the target's sigmoid alone",
        "sigmoid",
        plain(313, 38, 5),
        lambda d: mean(yes_or_no(row[k], True) for row, k in pairs(d)),
    ),
    Case(
        "scores over their sums",
        "sum",
        scores(314, 32, 4, 0.1, 3, text=True),
        lambda d: mean(-math.log(row[k] / math.fsum(row)) for row, k in pairs(d)),
    ),
    Case(
        "probabilities over their sums",
        "sum",
        scores(316, 36, 5, 0.1, 3, "--from", "probs", total=(0.9, 1.1)),
        lambda d: mean(-math.log(row[k] / math.fsum(row)) for row, k in pairs(d)),
    ),
    Case(
        "logarithms clamped at -100", "-100", one_probability(317, 30, 8, text=True), lambda d: mean(clamped_losses(d))
    ),
    Case(
        "KL of the smoothed targets",
        "KL",
        plain(319, 34, 5, "--label-smoothing", "0.1", text=True),
        lambda d: mean(divergences(d, 0.1)),
    ),
    Case("KL of targets smoothed without saying", "KL", plain(320, 39, 4), lambda d: mean(divergences(d, 0.1))),
    Case(
        "KL of targets smoothed over the other classes without saying",
        "KL.*other|other.*KL",
        plain(322, 37, 4, text=True),
        lambda d: mean(divergences(d, 0.1, smoothed_over_the_others)),
    ),
    Case(
        "z-loss",
        "z-loss",
        plain(323, 35, 8, text=True),
        lambda d: mean(own(d)) + 1e-4 * mean(log_sum(row) ** 2 for row, _ in pairs(d)),
    ),
]
WEIGHTS = [
    Case("n_max / n, over N", "smallest.*1|n_max", counted(401, [23, 6, 11]), lambda d: over_n(d, largest_over(d))),
    Case(
        "n / N",
        "n ?/ ?N|proportion",
        counted(403, [21, 7, 12], text=True),
        lambda d: weighted_mean(d, by_count(d, lambda n, total: n / total)),
    ),
    Case(
        "1 - n / N",
        "1 ?- ?n",
        counted(407, [20, 6, 15], text=True),
        lambda d: weighted_mean(d, by_count(d, lambda n, total: 1 - n / total)),
    ),
    Case(
        "weights squared",
        "squared",
        counted(411, [14, 9, 18], "--weights", "1,0.2,0.1"),
        lambda d: weighted_mean(d, [w**2 for w in LISTED]),
    ),
    Case(
        "weights inverted",
        "inverted|inverse",
        counted(412, [16, 8, 19], "--weights", "1,0.2,0.1", text=True),
        lambda d: weighted_mean(d, [1 / w for w in LISTED]),
    ),
    Case("pos_weight above 1", "pos_weight", one_logit(413, [29, 12]), lambda d: mean(pos_weighted(d))),
    Case("pos_weight below 1", "pos_weight", one_logit(414, [11, 25], text=True), lambda d: mean(pos_weighted(d))),
]
LAYOUT = [
    Case("shifted once more", r"t\+2", sequences(501, (4, 9, 6), "--shift", "1"), lambda d: mean(shifted(d, 2))),
    Case("shifted by 2", r"t\+2", sequences(503, (5, 8, 4)), lambda d: mean(shifted(d, 2))),
    Case("shifted after flattening", "flatten", sequences(504, (5, 7, 6)), lambda d: mean(across_sequences(d))),
    Case(
        "shifted after flattening instead of before",
        "flatten",
        sequences(505, (4, 8, 5), "--shift", "1"),
        lambda d: mean(across_sequences(d)),
    ),
    Case("12 classes in string order", "string|sorted", plain(506, 50, 12), lambda d: mean(in_string_order(d))),
    Case(
        "two classes exchanged",
        "exchang",
        counted(508, [13, 22], text=True),
        lambda d: mean(scored((row, 1 - k) for row, k in pairs(d))),
    ),
    Case(
        "every logit against every target",
        "broadcast|pair",
        one_logit(510, [9, 14], column=True),
        lambda d: mean(yes_or_no(row[0], y) for row in d.x for y in d.y),
    ),
    Case("class axis not moved", "view|without", images(511, 2, 3, 5, 4, class_first=True), lambda d: mean(viewed(d))),
    Case(
        "the end of a sequence counts, its padding does not",
        "first",
        sentences(513, (6, 8, 5), "--ignore-index", "0"),
        lambda d: mean(ended(d)),
    ),
]
TARGETS = [
    Case(
        "one-hot targets, clipped", "1e-0?7", one_hot(603, 26, 4, spread=14), lambda d: mean(clipped_one_hot(d, 1e-7))
    ),
    Case("one-hot targets, summed", "sum", one_hot(605, 34, 5), lambda d: math.fsum(soft_losses(d))),
    Case("soft targets", "own settings", soft(606, 28, 4), lambda d: mean(soft_losses(d))),
    Case("KL of soft targets", "KL", soft(609, 30, 5), lambda d: mean(soft_losses(d)) - mean(map(entropy, d.y))),
    Case("the largest of soft targets", "largest|argmax", soft(612, 29, 4), lambda d: mean(scored_at_the_largest(d))),
]
SUSPECTS = [
    Case(
        "a smoothing to try",
        r"smoothing 0\.15",
        plain(701, 40, 5, "--try", "label-smoothing=0.15"),
        lambda d: mean(smoothed(d, 0.15)),
    ),
    Case(
        "a smoothing to try beside one's own",
        r"smoothing 0\.15",
        plain(702, 37, 4, "--label-smoothing", "0.1", "--try", "label-smoothing=0.15", text=True),
        lambda d: mean(smoothed(d, 0.15)),
    ),
    Case(
        "a temperature to try",
        r"temperature 1\.7",
        plain(703, 38, 4, "--try", "temperature=1.7"),
        lambda d: mean(by_hand.nll(d.x, d.y, 1.7)),
    ),
    Case(
        "a clipping to try",
        r"0\.002",
        plain(704, 45, 3, "--try", "clip=0.002", spread=4, text=True),
        lambda d: mean(by_hand.clipped(own(d), 0.002)),
    ),
    Case(
        "smoothed batches of a size to try",
        r"(?=.*smoothing 0\.1\b)(?=.*batches of 46\b)",
        plain(706, 60, 5, "--batch-size", "46"),
        lambda d: mean(batch_means(smoothed(d, 0.1), 46)),
    ),
    Case(
        "batches of a size to try, one's own smoothing",
        r"batches of 46\b",
        plain(707, 59, 4, "--batch-size", "46", "--label-smoothing", "0.1", text=True),
        lambda d: mean(batch_means(smoothed(d, 0.1), 46)),
    ),
]
CASES = [*UNITS, *BATCHES, *READINGS, *WEIGHTS, *LAYOUT, *TARGETS, *SUSPECTS]


# --- numbers that hold an unknown -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unknown(Typed):
    """A number made with a value that nobody told."""

    name: str
    true: float
    data: Data
    value: Callable[[Data], float]


UNKNOWNS = [
    Unknown("label smoothing", 0.13, plain(801, 43, 5), lambda d: mean(smoothed(d, 0.13))),
    Unknown("temperature", 1.3, plain(802, 37, 4, text=True), lambda d: mean(by_hand.nll(d.x, d.y, 1.3))),
    Unknown("clip", 0.004, plain(803, 51, 4, spread=4), lambda d: mean(by_hand.clipped(own(d), 0.004))),
    Unknown(
        "z-loss",
        0.0025,
        plain(804, 46, 6),
        lambda d: mean(own(d)) + 0.0025 * mean(log_sum(row) ** 2 for row, _ in pairs(d)),
    ),
    Unknown("divisor", 137, plain(805, 52, 5), lambda d: math.fsum(own(d)) / 137),
]

# Inputs of all kinds, and the loss of their own settings.
KINDS = {
    "plain": (plain(901, 45, 5), lambda d: mean(own(d))),
    "text, some targets ignored": (plain(902, 40, 4, ignored=7, text=True), lambda d: mean(own(d))),
    "class weights": (counted(903, [18, 7, 12], "--weights", "1,0.2,0.1"), lambda d: weighted_mean(d, LISTED)),
    "sample weights": (sample_weighted(904, 38, 4, 4), lambda d: weighted_sum(own(d), d.w) / math.fsum(d.w)),
    "sequences": (sequences(905, (5, 8, 6), ignored=9), lambda d: mean(own(d))),
    "shifted sequences": (sequences(906, (4, 11, 5), "--shift", "1", ignored=6), lambda d: mean(shifted(d, 1))),
    "one logit": (one_logit(907, [21, 16]), lambda d: mean(binary_losses(d))),
    "probabilities": (
        scores(908, 36, 4, 0.1, 3, "--from", "probs", total=(1.0, 1.0)),
        lambda d: mean(-math.log(row[k]) for row, k in pairs(d)),
    ),
    "one-hot targets": (one_hot(909, 33, 4), lambda d: mean(soft_losses(d))),
    "class first": (
        images(910, 2, 4, 5, 3, class_first=True),
        lambda d: mean(loss for image in class_first(d) for line in image for loss in line),
    ),
}
