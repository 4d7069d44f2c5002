"""Sums by class, against a dict: of few classes, and of so many that only those that occur are kept."""

import numpy as np
import pytest

from nllcli.numerics.by_class import ByClass


def by_hand(targets, values):
    sums = {}
    for target, value in zip(targets, values, strict=True):
        sums[target] = sums.get(target, 0) + value
    return sums


@pytest.mark.parametrize("n_classes", [7, 100_000])
@pytest.mark.parametrize("weighed", [False, True])
def test_sums_of_blocks_against_a_dict(n_classes, weighed):
    rng = np.random.default_rng(n_classes)
    targets = np.append(rng.integers(0, n_classes - 1, 50), [3, 3])  # the last class never occurs
    values = rng.integers(1, 9, 52).astype(float) if weighed else None
    parts = [slice(0, 20), slice(20, 20), slice(20, 52)]
    found = [ByClass.of(targets[part], n_classes, None if values is None else values[part]) for part in parts]
    total = found[0] + found[1] + found[2]
    expected = by_hand(targets.tolist(), [1] * 52 if values is None else values.tolist())
    assert total.occurring.tolist() == sorted(expected)
    assert {c: total[c] for c in expected} == expected
    assert total[n_classes - 1] == 0
    every = np.arange(n_classes)
    assert total.among(every).tolist() == [expected.get(c, 0) for c in range(n_classes)]
