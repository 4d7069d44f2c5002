"""Rows of so many classes that arrays are made of a part of them at a time."""

import math

import numpy as np
import pytest

from nllcli.data.blocks import Scratch
from nllcli.numerics.findings import distance_from_1
from nllcli.numerics.surprisal import MOST_CLASSES, surprisal

SIZES = (MOST_CLASSES + 1, 3 * MOST_CLASSES + 5)


def rows(n_classes, source):
    rng = np.random.default_rng(n_classes)
    x = rng.normal(0, 3, (3, n_classes)).astype(np.float32)
    if source == "logits":
        return x, rng.integers(0, n_classes, 3)
    p = np.exp(x.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    return (p if source == "probs" else np.log(p)), rng.integers(0, n_classes, 3)


@pytest.mark.parametrize("n_classes", SIZES)
@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
@pytest.mark.parametrize("clip", [None, 1e-6])
def test_sums_of_parts_are_those_of_whole_rows_to_the_bit(n_classes, source, clip):
    x, targets = rows(n_classes, source)
    scores = surprisal(x, source=source, clip=clip, scratch=Scratch())
    every, others = scores.all(), scores.complement()
    weights = np.linspace(0, 2, n_classes)
    others[np.arange(3), targets] = 0.0
    assert scores.spread().tolist() == np.add.reduce(every, axis=1).tolist()
    assert scores.spread(weights).tolist() == np.add.reduce(every * weights, axis=1).tolist()
    assert scores.others(targets).tolist() == np.add.reduce(others, axis=1).tolist()
    assert scores.in_all(targets).tolist() == every[np.arange(3), targets].tolist()
    some = np.array([0, 5, n_classes - 1])
    assert scores.all(some).tolist() == every[:, some].tolist()


def test_a_confident_row_of_many_classes():
    """All but the top one leave so little that it underflows; their share of it does not."""
    n_classes = SIZES[0]
    x = np.zeros((1, n_classes))
    x[0, MOST_CLASSES] = 800.0
    scores = surprisal(x, scratch=Scratch())
    expected = 800.0 - math.log(n_classes - 1)  # -log(1 - p) of the top class; p of all others is 0
    assert scores.others(np.array([3]))[0] == pytest.approx(expected, rel=1e-15)
    assert scores.others(np.array([MOST_CLASSES]))[0] == 0.0


@pytest.mark.parametrize("log", [False, True])
def test_the_sum_of_many_probabilities(log):
    p = np.full((2, SIZES[1]), 1.0 / SIZES[1])
    p[1] *= 1.25
    assert distance_from_1(np.log(p) if log else p, log=log).tolist() == pytest.approx([0.0, 0.25], abs=1e-12)
