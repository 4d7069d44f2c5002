"""Arrays scored as one block, past every file and every thread; and how far a number is from the oracle's."""

import numpy as np
from mpmath import mp, mpf

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.evaluate import Wanted, evaluate

SMALLEST_NORMAL = mpf(2) ** -1022


def score(rows, targets=None, *, start=0, sample_weights=None, divisor=None, **options):
    """The outcome of one block, with losses, probabilities and, over ``divisor``, the gradient."""
    if options.get("class_weights") is not None:
        options["class_weights"] = np.asarray(options["class_weights"], np.float64)
    block = Block(
        start,
        np.asarray(rows),
        None if targets is None else np.asarray(targets),
        None if sample_weights is None else np.asarray(sample_weights, np.float64),
    )
    wanted = Wanted(losses=True, probs=True, log_probs=True, gradient=divisor, spread=True, classes=True)
    return evaluate(block, LossOptions(**options), wanted, Scratch())


def relative_error(got, expected):
    """|got - expected| / |expected|; 0 where both are the same infinity or NaN, inf where only one of them is.

    Numbers too small for a normal float64 are measured against the smallest one: float64 has fewer digits there.
    """
    got = float(got)
    if mp.isnan(expected) or mp.isinf(expected) or not np.isfinite(got):
        same = got == float(expected) or (np.isnan(got) and mp.isnan(expected))
        return 0.0 if same else float("inf")
    with mp.workdps(50):
        return float(abs(mpf(got) - expected) / max(abs(expected), SMALLEST_NORMAL))


def worst_error(got, expected):
    """The largest relative error between two equally nested lists or arrays of numbers."""
    if hasattr(expected, "__len__"):
        assert len(got) == len(expected)
        return max((worst_error(a, b) for a, b in zip(got, expected, strict=True)), default=0.0)
    return relative_error(got, expected)
