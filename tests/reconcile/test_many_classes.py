"""Rows of so many classes that only those that occur have weights, and arrays are made of a part at a time."""

import functools
import json
import math
import re
import shlex

import numpy as np
import pytest
from in_process import nll
from reconcile import conventions as by_hand

from nllcli.numerics import by_class

N, N_CLASSES = 6, 70_000
SMOOTHED = ("--label-smoothing", "0.1", "--counts", "targets", "--zero-count", "zero")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 2, (N, N_CLASSES)).astype(np.float32), np.array([7, 69_999, 7, 12_345, 66_000, 12_345])
    x[np.arange(N), y] += 9
    return x, y


def weights(y):
    """Balanced over the classes that occur; 0 for all others."""
    occurring = sorted(set(y))
    return {c: len(y) / (len(occurring) * y.count(c)) for c in occurring}


def smoothed(rows, y, e):
    """The losses with weights, each class's term with its own, and the weights of the targets."""
    w = weights(y)
    spread = [math.fsum(-w[c] * log_p[c] for c in w) for log_p in map(by_hand.log_softmax, rows)]
    own = by_hand.nll(rows, y)
    terms = [(1 - e) * w[c] * loss + e / N_CLASSES * s for c, loss, s in zip(y, own, spread, strict=True)]
    return terms, [w[c] for c in y]


def means_of(terms, own, size):
    return [math.fsum(terms[i : i + size]) / math.fsum(own[i : i + size]) for i in range(0, N, size)]


def expected(name, rows, y):
    match name:
        case "softmax applied twice":
            return by_hand.mean(by_hand.softmax_twice(rows, y))
        case "softmax applied twice; label smoothing 0.1":
            return by_hand.mean(by_hand.smoothed([by_hand.softmax(row) for row in rows], y, 0.1))
        case "softmax applied twice; one-vs-rest: each class a yes-or-no question":
            return by_hand.mean(by_hand.one_vs_rest([by_hand.softmax(row) for row in rows], y))
        case "one-vs-rest: each class a yes-or-no question":
            return by_hand.mean(by_hand.one_vs_rest(rows, y))
        case "weights balanced of the targets' counts":
            w = weights(y)
            return math.fsum(w[c] * loss for c, loss in zip(y, by_hand.nll(rows, y), strict=True)) / N
        case "label smoothing 0.1; weights balanced of the targets' counts":
            terms, own = smoothed(rows, y, 0.1)
            return math.fsum(terms) / math.fsum(own)
    terms, own = smoothed(rows, y, 0.1)
    return by_hand.mean(means_of(terms, own, 4))


@pytest.fixture(scope="module")
def number(data):
    """What ``expected`` gives, worked out once."""
    x, y = data
    rows, targets = x.tolist(), y.tolist()
    return functools.cache(lambda name: expected(name, rows, targets))


@pytest.mark.uncounted
@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("softmax applied twice", ()),
        ("softmax applied twice; label smoothing 0.1", ()),
        ("softmax applied twice; one-vs-rest: each class a yes-or-no question", ()),
        ("one-vs-rest: each class a yes-or-no question", ()),
        ("weights balanced of the targets' counts", ()),
        ("label smoothing 0.1; weights balanced of the targets' counts", ()),
        ("mean of the means of batches of 4", SMOOTHED),
    ],
)
def test_conventions_by_hand(name, options, fortran, data, number, tmp_path):
    x, y = data
    np.save(tmp_path / "x.npy", np.asfortranarray(x) if fortran else x)
    np.save(tmp_path / "y.npy", y)
    wanted = number(name)
    files = [str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
    done = nll("reconcile", *files, *options, "--expect", f"{wanted:.12g}", "-f", "json")
    assert done.code == 0, done.out + done.err
    found = json.loads(done.out)["matches"]
    described = [text for match in found for text in (match["description"], *match["also"])]
    assert name in described


def match_of(name, x, y, number, folder):
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    found = nll("reconcile", folder / "x.npy", folder / "y.npy", "--expect", f"{number:.12g}", "-f", "json").json
    return next(match for match in found["matches"] if match["description"] == name)


def test_the_printed_command_leaves_out_classes_that_do_not_occur(data, number, tmp_path):
    x, y = data
    name = "weights balanced of the targets' counts"
    match = match_of(name, x, y, number(name), tmp_path)
    done = nll(*shlex.split(match["command"])[1:], "-q")
    assert done.code == 0, done.err
    assert match["formula"] is None
    assert float(done.out) == pytest.approx(number(name), rel=1e-9)


@pytest.mark.parametrize("most_classes", [0, 1 << 16])
def test_the_line_of_python_has_every_class_weight_at_its_place(most_classes, tmp_path, monkeypatch):
    """It lists those of few classes, 0 where one does not occur, though only those that occur are kept."""
    monkeypatch.setattr(by_class, "_MOST_CLASSES", most_classes)
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 2, (6, 9)), [7, 2, 7, 5, 7, 2]
    name, w = "weights balanced of the targets' counts", weights(y)
    number = math.fsum(w[c] * loss for c, loss in zip(y, by_hand.nll(x.tolist(), y), strict=True)) / 6
    line = match_of(name, x, y, number, tmp_path)["python"]
    listed = re.search(r"w = torch\.tensor\(\[(.*?)\]", line)[1]
    assert [float(weight) for weight in listed.split(", ")] == pytest.approx([w.get(c, 0.0) for c in range(9)])
