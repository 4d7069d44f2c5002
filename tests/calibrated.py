"""Samples to calibrate, and nll calibrate run on arrays."""

import numpy as np
from in_process import nll


def drawn(n=40, c=4, *, scale=3.0, temperature=2.0, seed=0):
    """Logits (n, c), and targets drawn from their softmax at a temperature."""
    rng = np.random.default_rng([seed, n, c])
    x = scale * rng.normal(size=(n, c))
    return x, draw(softmax(x / temperature), rng)


def draw(p, rng):
    """A class (n,) of each row of probabilities (n, C)."""
    return (rng.random((len(p), 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)


def softmax(x):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def soft(x, y, share=0.75):
    """Targets (n, C) of which a class has most."""
    rest = np.random.default_rng(len(x)).random(x.shape)
    return share * np.eye(x.shape[1])[y] + (1 - share) * rest / rest.sum(axis=1, keepdims=True)


def masked(x, y):
    """The logits, some of -inf, those of targets apart."""
    x, others = x.copy(), (y + 1) % x.shape[1]
    x[np.arange(0, len(x), 3), others[::3]] = -np.inf
    return x


def files(x, y, *, sample_weights=None, weights=None, source="logits"):
    """Arrays as files of the folder at hand -> the words that name them."""
    np.save("x.npy", x)
    np.save("y.npy", y)
    words = ["x.npy", "y.npy", "--from", source]
    if np.shape(x)[1] == 1:
        words += ["--binary"]
    if sample_weights is not None:
        np.save("w.npy", np.asarray(sample_weights, np.float64))
        words += ["--sample-weights", "w.npy"]
    if weights is not None:
        words += ["--weights", ",".join(map(repr, weights))]
    return words


def calibrate(x, y, *words, **settings):
    """The JSON of a calibration of arrays."""
    return nll("calibrate", *files(x, y, **settings), "-f", "json", *words).json


def codes(found):
    """The codes of the warnings and notes of a report."""
    return {each["code"] for each in (*found["warnings"], *found["notes"])}
