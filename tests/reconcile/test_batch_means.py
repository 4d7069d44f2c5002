import math
from functools import reduce
from operator import add

import numpy as np
import pytest

from nllcli.commands.reconcile.sums import BatchMeans

SIZES = (1, 2, 3, 5, 8, 13, 40)


def by_hand(terms, weights, size):
    """The four reductions, batch by batch."""
    starts = range(0, len(terms), size)
    batches = [(terms[s : s + size], weights[s : s + size]) for s in starts]
    means = [(math.fsum(a) / math.fsum(b), len(a)) for a, b in batches if math.fsum(b)]
    whole = [math.fsum(a) / math.fsum(b) for a, b in batches if math.fsum(b) and len(a) == size]
    n = len(terms) // size * size
    return {
        "batch-means": math.fsum(m for m, _ in means) / len(means),
        "full-batch-means": math.fsum(whole) / len(whole) if whole else math.nan,
        "batch-means-by-size": math.fsum(m * k for m, k in means) / len(terms),
        "full-batches": math.fsum(terms[:n]) / math.fsum(weights[:n]) if math.fsum(weights[:n]) else math.nan,
    }


@pytest.mark.parametrize("step", [1, 2, 4, 7, 37, 100])
@pytest.mark.parametrize("zeros", [False, True], ids=["all counted", "some left out"])
def test_means_of_batches_whatever_the_runs(step, zeros):
    rng = np.random.default_rng(3)
    weights = rng.integers(1, 5, 37).astype(float)
    if zeros:
        weights[5:17] = 0.0
    terms = weights * rng.random(37)
    runs = [
        BatchMeans.of(terms[start : start + step], weights[start : start + step], start=start, sizes=SIZES)
        for start in range(0, 37, step)
    ]
    later = [reduce(add, runs[1:])] if len(runs) > 1 else []
    for means in (reduce(add, runs), reduce(add, [runs[0], *later])):
        for size in SIZES:
            for reduction, expected in by_hand(terms.tolist(), weights.tolist(), size).items():
                value = means.value(reduction, size)
                assert value == pytest.approx(expected, rel=1e-12, nan_ok=True), (reduction, size)
