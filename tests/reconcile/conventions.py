"""The conventions of `nll reconcile`, worked out once more: one number at a time, in plain Python floats.

Nothing here comes from the program. Every function gives one float per sample, and the reductions add with math.fsum.
"""

import math

import numpy as np


def log_softmax(row, temperature=1.0):
    top = max(row)
    scaled = [(x - top) / temperature for x in row]
    log_sum = math.log(math.fsum(math.exp(x) for x in scaled))
    return [x - log_sum for x in scaled]


def softmax(row):
    return [math.exp(x) for x in log_softmax(row)]


def nll(rows, targets, temperature=1.0):
    return [-log_softmax(row, temperature)[y] for row, y in zip(rows, targets, strict=True)]


def softmax_twice(rows, targets):
    return nll([softmax(row) for row in rows], targets)


def as_log_probs(rows, targets):
    return [-row[y] for row, y in zip(rows, targets, strict=True)]


def as_probs(rows, targets):
    return [-math.log(row[y]) for row, y in zip(rows, targets, strict=True)]


def argmax(rows):
    return [-max(log_softmax(row)) for row in rows]


def one_vs_rest(rows, targets):
    out = []
    for row, y in zip(rows, targets, strict=True):
        p = softmax(row)
        out.append(math.fsum(-math.log(q if k == y else 1.0 - q) for k, q in enumerate(p)))
    return out


def clipped(losses, eps):
    return [-math.log(min(max(math.exp(-loss), eps), 1.0 - eps)) for loss in losses]


def epsilon_added(losses, eps):
    return [-math.log(math.exp(-loss) + eps) for loss in losses]


def smoothed(rows, targets, e, weights=None):
    """PyTorch's rule: every class's term has its own weight."""
    out = []
    for row, y in zip(rows, targets, strict=True):
        log_p = log_softmax(row)
        w = weights or [1.0] * len(row)
        spread = math.fsum(-w[k] * log_p[k] for k in range(len(row)))
        out.append((1 - e) * w[y] * -log_p[y] + e / len(row) * spread)
    return out


def smoothed_over_others(rows, targets, e):
    out = []
    for row, y in zip(rows, targets, strict=True):
        log_p = log_softmax(row)
        others = math.fsum(-log_p[k] for k in range(len(row)) if k != y)
        out.append((1 - e) * -log_p[y] + e / (len(row) - 1) * others)
    return out


def rounded(values, dtype):
    return [float(np.array(v, np.float64).astype(dtype)) for v in values]


def rounded_rows(rows, dtype):
    return [rounded(row, dtype) for row in rows]


def to_bfloat16(value):
    """The nearest number with eight significant bits, ties to even."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(fraction, 8)), exponent - 8)


def counts(targets, n_classes):
    return [sum(y == c for y in targets) for c in range(n_classes)]


def balanced(targets, n_classes):
    return [len(targets) / (n_classes * n) for n in counts(targets, n_classes)]


def sum_to_one(weights):
    return [w / math.fsum(weights) for w in weights]


def mean(losses):
    return math.fsum(losses) / len(losses)


def weighted_sum(losses, targets, weights):
    return math.fsum(weights[y] * loss for loss, y in zip(losses, targets, strict=True))


def weighted_mean(losses, targets, weights):
    return weighted_sum(losses, targets, weights) / math.fsum(weights[y] for y in targets)


def batch_means(losses, targets, weights, size):
    means = []
    for start in range(0, len(losses), size):
        part = slice(start, start + size)
        means.append(weighted_mean(losses[part], targets[part], weights))
    return means


def single_means(rows, targets, size):
    """Batch means as a framework makes them: every step in float32, each mean then a Python float."""
    means = []
    for start in range(0, len(rows), size):
        x = np.asarray(rows[start : start + size], np.float32)
        x -= x.max(axis=1, keepdims=True)
        losses = np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(x)), targets[start : start + size]]
        means.append(losses.mean().item())
    return means


def kept(losses, targets, wanted):
    """The losses of the samples whose target is wanted."""
    return [loss for loss, y in zip(losses, targets, strict=True) if wanted(y)]
