"""Arrays as people have them: axes of length 1, flat vectors, one logit a sample, booleans, soft labels."""

import gzip
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pyarrow as pa
import pytest
from following import answers, meanings, offered, pasted
from in_process import nll
from pyarrow import parquet

import nllcli
from nllcli.errors import NllError

RNG = np.random.default_rng(5)
N, C = 6, 3
X = RNG.normal(0, 2, (N, C))
Y = np.array([0, 1, 2, 1, 0, 2])
SQUARE = RNG.normal(0, 2, (3, 3))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def near(expected):
    return pytest.approx(float(expected), rel=1e-13)


def loss(x=X, y=Y, **options):
    return near(oracle.reduce(x, [int(t) for t in y], **options))


def binary_loss(x, y):
    """The mean of -(y log p + (1 - y) log(1 - p)), p the sigmoid of x."""
    pairs = list(zip(np.ravel(x).tolist(), np.ravel(y).tolist(), strict=True))
    terms = [b * math.log1p(math.exp(-a)) + (1 - b) * math.log1p(math.exp(a)) for a, b in pairs]
    return pytest.approx(math.fsum(terms) / len(terms), rel=1e-12)


def put(name, values, order="C"):
    values = np.asarray(values, order=order)
    if name.endswith(".npz"):
        np.savez(name, a=values)
    elif name.endswith(".gz"):
        with gzip.open(name, "wb") as file:
            np.save(file, values)
    elif name.endswith(".safetensors"):
        code = {"f": "F64", "i": "I64", "b": "BOOL"}[values.dtype.kind]
        about = {"a": {"dtype": code, "shape": values.shape, "data_offsets": [0, values.nbytes]}}
        header = json.dumps(about).encode()
        Path(name).write_bytes(len(header).to_bytes(8, "little") + header + np.ascontiguousarray(values).tobytes())
    elif name.endswith((".txt", ".csv")):
        np.savetxt(name, values, "%d" if values.dtype.kind == "i" else "%.17e", delimiter=",")
    elif name.endswith(".jsonl"):
        Path(name).write_text("".join(f"{row}\n" for row in values.tolist()))
    elif name.endswith(".parquet"):
        parquet.write_table(pa.table({f"c{k}": column for k, column in enumerate(values.T)}), name)
    else:
        np.save(name, values)
    return name


def codes(done):
    return [line.partition(": ")[2].partition(": ")[0] for line in done.err.splitlines()]


# --- axes of length 1 -------------------------------------------------------------------------------------------------

LOGIT_SHAPES = [(1, N, C), (N, C, 1, 1), (N, 1, C), (N, C, 1), (1, 1, N, C), (1, N, 1, C)]
TARGET_SHAPES = [(N,), (1, N), (N, 1), (N, 1, 1)]


@pytest.mark.uncounted
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("target_shape", TARGET_SHAPES, ids=str)
@pytest.mark.parametrize("shape", [(N, C), *LOGIT_SHAPES], ids=str)
def test_axes_of_length_1_are_left_out(shape, target_shape, order):
    x, y = np.asarray(X.reshape(shape), order=order), np.asarray(Y.reshape(target_shape), order=order)
    done = nll("compute", put("x.npy", x), put("y.npy", y), "-q")
    assert float(done.out) == loss()
    result = nllcli.compute(x, y)
    assert result.loss == float(done.out)
    exact = target_shape in [shape[:axis] + shape[axis + 1 :] for axis in (1, len(shape) - 1) if shape[axis] == C]
    told = {note.code for note in result.notes}
    assert told <= {"logits-squeezed", "targets-squeezed"}
    assert bool(told) != exact
    assert len(done.err.splitlines()) == len(told)


@pytest.mark.parametrize("kind", ["npz", "safetensors", "npy.gz"])
def test_axes_of_length_1_in_every_container(kind):
    done = nll("compute", put(f"x.{kind}", X[None]), put(f"y.{kind}", Y[:, None]), "-q")
    assert float(done.out) == loss()
    assert "shape (1, 6, 3) is taken as (6, 3)" in done.err
    assert "shape (6, 1) is taken as (6,)" in done.err


@pytest.mark.parametrize("shape", [(1, N), (N, 1), (N, 1, 1), (1, 1, N)], ids=str)
def test_targets_beside_text_are_squeezed(shape):
    done = nll("compute", put("x.csv", X), put("y.npy", Y.reshape(shape)), "-q")
    assert float(done.out) == loss()
    assert f"note: y.npy: shape {shape} is taken as (6,)" in done.err


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)], ids=str)
def test_one_sample(shape):
    done = nll("compute", put("x.npy", X[0]), put("y.npy", Y[:1].reshape(shape)), "-q")
    assert float(done.out) == loss(X[:1], Y[:1])
    assert float(nll("compute", put("x.npy", X[:1, None]), put("y.npy", np.array(Y[0])), "-q").out) == loss(
        X[:1], Y[:1]
    )
    done = nll("compute", put("x.csv", X[:1]), put("y.npy", Y[:1].reshape(shape)), "-q")
    assert float(done.out) == loss(X[:1], Y[:1])


@pytest.mark.parametrize("order", "CF")
def test_a_picture_in_a_batch_of_one(order):
    x, y = RNG.normal(0, 1, (1, 4, 2, 5)), RNG.integers(0, 4, (2, 5))
    rows = np.moveaxis(x[0], 0, -1).reshape(-1, 4)
    expected = loss(rows, y.ravel())
    for shape, told in (((2, 5), 1), ((1, 2, 5), 0), ((1, 1, 2, 5), 1)):
        done = nll("compute", put("x.npy", x, order), put("y.npy", y.reshape(shape)), "-q")
        assert float(done.out) == expected
        assert len(done.err.splitlines()) == told


def test_a_mask_with_an_axis_of_its_own():
    x, y = RNG.normal(0, 1, (2, 4, 3, 5)), RNG.integers(0, 4, (2, 1, 3, 5))
    rows = np.moveaxis(x, 1, -1).reshape(-1, 4)
    assert float(nll("compute", put("x.npy", x), put("y.npy", y), "-q").out) == loss(rows, y.ravel())


def test_where_two_readings_fit_it_asks():
    """(1, C, C): a batch of one with the classes last, or one sequence with the classes on axis 1."""
    y = np.array([0, 2, 1])
    found = answers("compute", put("x.npy", SQUARE[None]), put("y.npy", y), "-q")
    assert found == [loss(SQUARE.T, y), loss(SQUARE, y)]
    with pytest.raises(NllError) as caught:
        nllcli.compute(SQUARE[None], y)
    assert len(caught.value.__notes__) == 2
    assert nllcli.compute(SQUARE[None], y, class_axis=1).loss == found[0]


def test_axes_of_other_lengths_are_not_left_out():
    done = nll("compute", put("x.npy", X.reshape(2, 3, C)[:, None]), put("y.npy", Y), "-q")
    assert done.code == 3
    assert "needs targets of shape (2, 3, 3) or (2, 1, 3)" in done.err


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    ("shape", "soft_shape"),
    [((1, N, C), (N, C)), ((N, C, 1, 1), (N, C)), ((N, C), (1, N, C)), ((N, C), (N, C, 1)), ((1, N, C), (1, N, C))],
    ids=str,
)
def test_class_probabilities_with_axes_of_length_1(shape, soft_shape, order):
    soft = RNG.random((N, C))
    soft /= soft.sum(axis=1, keepdims=True)
    expected = near(oracle.reduce(X, soft.tolist()))
    words = ("--class-axis", "2") if shape == soft_shape else ()
    x, y = np.asarray(X.reshape(shape), order=order), np.asarray(soft.reshape(soft_shape), order=order)
    done = nll("compute", put("x.npy", x), put("y.npy", y), "-q", *words)
    assert float(done.out) == expected
    assert nllcli.compute(x, y, class_axis=2 if words else None).loss == expected
    assert len(done.err.splitlines()) == (shape != soft_shape)


def test_weights_of_samples_with_axes_of_length_1():
    weights = np.arange(1.0, N + 1)
    expected = loss(sample_weights=weights.tolist())
    for shape in ((N,), (1, N), (N, 1)):
        put("w.npy", weights.reshape(shape))
        done = nll("compute", put("x.npy", X[None]), put("y.npy", Y), "--sample-weights", "w.npy", "-q")
        assert float(done.out) == expected
        assert nllcli.compute(X[None], Y, sample_weights=weights.reshape(shape)).loss == expected


def test_a_shift_along_squeezed_sequences():
    expected = loss(X[:-1], Y[1:])
    for x, y in ((X[None], Y), (X, Y[:, None]), (X[None], Y[None])):
        assert float(nll("compute", put("x.npy", x), put("y.npy", y), "--shift", "1", "-q").out) == expected


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(("shape", "axis"), [((1, N, C), 2), ((N, C, 1, 1), 1), ((N, 1, C), 2)])
def test_saved_arrays_have_the_shape_of_the_input(shape, axis, order):
    put("x.npy", X.reshape(shape), order)
    saves = ("--save-probs", "p.npy", "--save-grad", "g.npy", "--save-losses", "l.npy")
    assert nll("compute", "x.npy", put("y.npy", Y), *saves).code == 0
    p = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
    one_hot = np.eye(C)[Y]
    np.testing.assert_allclose(np.load("p.npy"), p.reshape(shape), rtol=1e-12)
    np.testing.assert_allclose(np.load("g.npy"), ((p - one_hot) / N).reshape(shape), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(np.load("l.npy"), -np.log(p[np.arange(N), Y]), rtol=1e-12)
    assert "class-axis" not in nll("compute", "x.npy", "y.npy").out
    assert nll("softmax", "x.npy", "--class-axis", axis, "-o", "s.npy").code == 0
    np.testing.assert_allclose(np.load("s.npy"), p.reshape(shape), rtol=1e-12)


def test_the_signature_names_the_axis_of_the_file():
    x, y = RNG.normal(0, 1, (1, 4, 2, 5)), RNG.integers(0, 4, (2, 5))
    assert "; class-axis:1;" in nll("compute", put("x.npy", x), put("y.npy", y)).out


@pytest.mark.uncounted
def test_reconcile_names_the_axis_of_the_file():
    put("x.npy", X[None])
    put("y.npy", Y)
    wrong = float(oracle.reduce([[float(p) for p in row] for row in np.exp(X) / np.exp(X).sum(1)[:, None]], Y.tolist()))
    done = nll("reconcile", "x.npy", "y.npy", "--expect", f"{wrong:.6f}")
    assert "--class-axis 2" in done.out
    assert "x, y = logits.reshape(6, 3), targets" in done.out
    command = next(line.partition("nll ")[2] for line in done.out.splitlines() if line.strip().startswith("nll "))
    assert pasted(f"{command.strip()} -q") == pytest.approx(wrong, rel=1e-6)
    done = nll("reconcile", "x.npy", put("y.npy", Y[:, None]), "--expect", f"{wrong:.6f}")
    assert "targets.squeeze()" in done.out


@pytest.mark.parametrize("command", ["check", "explain", "grad"])
def test_every_command_takes_them(command):
    put("x.npy", X[None])
    put("y.npy", Y[:, None])
    words = {"check": (), "explain": ("--row", "2"), "grad": ()}[command]
    done = nll(command, "x.npy", "y.npy", *words, "-f", "json")
    assert done.code in (0, 5)
    assert "row" in done.out or "gradient" in done.out or "findings" in done.out


def test_check_tries_no_other_axis_of_length_1():
    done = nll("check", put("x.npy", SQUARE[None]), put("y.npy", Y[:3]), "-f", "json")
    found = json.loads(done.out)["findings"]
    assert [finding["code"] for finding in found] == ["class-axis-ambiguous"]
    assert found[0]["fix"] == "--class-axis 1 or --class-axis 2"
    assert set(found[0]["evidence"]) == {"loss_along_axis_1", "loss_along_axis_-1"}


# --- flat vectors, and other arrangements -----------------------------------------------------------------------------


@pytest.mark.parametrize("target_name", ["y.npy", "y.txt"])
@pytest.mark.parametrize("name", ["x.npy", "x.txt", "x.csv", "x.npz", "x.npy.gz", "column.npy", "row.npy"])
def test_flat_logits_ask_for_their_order(name, target_name):
    shape = {"column.npy": (-1, 1), "row.npy": (1, -1)}.get(name, (-1,))
    put(target_name, Y)
    for values, place in ((X, 0), (X.T, 1)):
        put(name, values.reshape(shape))
        found = answers("compute", name, target_name, "-q")
        assert len(found) == 2
        assert found[place] == loss()
    assert [meaning.partition(":")[0] for meaning in meanings(nll("compute", name, target_name))] == [
        "row by row",
        "class by class",
    ]


def test_flat_logits_below_a_header_and_in_a_member():
    Path("x.csv").write_text("score\n" + "".join(f"{value!r}\n" for value in X.ravel().tolist()))
    put("y.npy", Y)
    assert answers("compute", "x.csv", "y.npy", "-q")[0] == loss()
    np.savez("x.npz", other=Y, scores=X.ravel())
    assert answers("compute", "x.npz:scores", "y.npy", "-q")[0] == loss()


@pytest.mark.parametrize(
    ("name", "words"),
    [("x.safetensors", ()), ("x.npz.gz", ()), ("x.parquet", ())],
)
def test_flat_logits_that_numpy_does_not_load_are_explained(name, words):
    if name == "x.npz.gz":
        np.savez("x.npz", a=X.ravel())
        Path(name).write_bytes(gzip.compress(Path("x.npz").read_bytes()))
    elif name == "x.parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table({"x": X.ravel()}), name)
    else:
        put(name, X.ravel())
    done = nll("compute", name, put("y.npy", Y), *words)
    assert done.code == 3
    assert "logits.reshape(6, 3) where the classes of a sample follow each other" in done.err


def test_flat_logits_in_memory_are_explained():
    with pytest.raises(NllError) as caught:
        nllcli.compute(X.ravel(), Y)
    assert caught.value.__notes__[0].startswith("logits.reshape(6, 3) where")


def test_lengths_that_do_not_divide_have_no_order():
    done = nll("compute", put("x.npy", X.ravel()[:-1]), put("y.npy", Y))
    assert (done.code, offered(done)) == (3, [])
    assert "try:" not in nll("compute", put("x.npy", X), put("y.npy", Y[:4])).err


def test_transposed_logits():
    for y in (Y, Y[None]):
        done = nll("compute", put("x.npy", X.T), put("y.npy", y), "-q")
        assert meanings(done) == ["the 3 classes are on axis 0"]
        assert answers("compute", "x.npy", "y.npy", "-q") == [loss()]
    assert answers("compute", put("x.csv", X.T), put("y.txt", Y), "-q") == [loss()]


@pytest.mark.parametrize("name", ["y.npy", "y.txt"])
def test_flat_targets_of_sequences(name):
    x = X.reshape(3, 2, C)
    put("x.npy", x)
    for y, place in ((Y, 0), (Y.reshape(3, 2).T.ravel(), 1)):
        found = answers("compute", "x.npy", put(name, y), "-q")
        assert len(found) == 2
        assert found[place] == near(oracle.reduce(X, Y.tolist()))


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
def test_targets_of_sequences_beside_flat_logits(name):
    put(name, X)
    for y, place in ((Y.reshape(3, 2), 0), (np.array(Y).reshape(2, 3).T, 1)):
        found = answers("compute", name, put("y.npy", y), "-q")
        assert len(found) == 2
        assert found[place] == loss()


def test_targets_with_their_axes_exchanged():
    x = np.concatenate([X, X]).reshape(3, 4, C)
    y = np.concatenate([Y, Y]).reshape(3, 4)
    assert answers("compute", put("x.npy", x[:2]), put("y.npy", y[:2].T), "-q") == [
        loss(x[:2].reshape(-1, C), y[:2].ravel())
    ]
    found = answers("compute", put("x.npy", x), put("y.npy", y.T), "-q")
    assert found == [loss(np.moveaxis(x, 0, -1).reshape(-1, 3), y.T.ravel()), loss(x.reshape(-1, C), y.ravel())]


def test_targets_of_other_axes_are_not_guessed():
    done = nll("compute", put("x.npy", X.reshape(2, 3, C)), put("y.npy", Y.reshape(3, 1, 2)))
    assert (done.code, offered(done)) == (3, [])


def test_names_of_sequences_are_not_rearranged():
    put("x.npy", X.reshape(2, 3, C))
    Path("y.txt").write_text("".join(f"{'abc'[t]}\n" for t in Y))
    done = nll("compute", "x.npy", "y.txt", "--classes", "a,b,c")
    assert (done.code, offered(done)) == (3, [])
    assert "bring them into the shape of the samples with reshape" in done.err


@pytest.mark.parametrize("axis", [1, 2])
def test_one_position_more_or_less(axis):
    x, tokens = RNG.normal(0, 1, (2, 5, 7)), RNG.integers(0, 7, (2, 6))
    put("x.npy", x if axis == 2 else np.moveaxis(x, 2, 1))
    rows = x.reshape(-1, 7)
    found = answers("compute", "x.npy", put("y.npy", tokens), "-q")
    assert found == [loss(rows, tokens[:, 1:].ravel()), loss(rows, tokens[:, :-1].ravel())]
    found = answers("compute", "x.npy", put("y.npy", tokens[:, 1:5]), "-q")
    y = tokens[:, 1:5].ravel()
    assert found == [loss(x[:, :-1].reshape(-1, 7), y), loss(x[:, 1:].reshape(-1, 7), y)]


def test_files_in_the_wrong_order():
    put("x.npy", X)
    put("y.npy", Y)
    assert answers("compute", "y.npy", "x.npy", "-q") == [loss()]
    put("x.csv", X)
    put("y.txt", Y)
    assert answers("compute", "y.txt", "x.csv", "-q") == [loss()]
    assert answers("compute", "y.npy", "x.csv", "-q") == [loss()]
    with pytest.raises(NllError) as caught:
        nllcli.compute(Y, X)
    assert caught.value.__notes__ == ["the logits come first, then the targets"]


@pytest.mark.parametrize("twice", ["x.npy", "./x.npy"])
def test_the_same_file_twice(twice):
    put("x.npy", X)
    done = nll("compute", "x.npy", twice)
    assert done.code == 2
    assert f"{twice}: is named twice: the targets are the logits' own file" in done.err
    np.savez("z.npz", x=X, y=Y)
    assert float(nll("compute", "z.npz:x", "z.npz:y", "-q").out) == loss()
    assert "named twice" in nll("compute", "z.npz:x", "z.npz:x").err
    assert "No such file" in nll("compute", "x.npy", "missing.npy").err


def test_several_targets_of_one_row():
    """What is offered for an archive of one row of logits with several targets leads to a number."""
    np.savez("z.npz", x=X[:, :1].T, y=Y > 0)
    done = nll("compute", "z.npz:x", "z.npz:y", "-q")
    assert meanings(done) == ["one logit a sample, that of class 1 of two"]
    assert [pasted(command) for command in offered(done)] == [binary_loss(X[:, 0], Y > 0)]


# --- a first line that looks like all the others ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["y.txt", "y.txt.gz"])
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_a_first_line_that_may_be_a_header(name, logits):
    text = "0\n" + "".join(f"{t}\n" for t in Y)
    Path(name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    put(logits, X)
    assert answers("compute", logits, name, "-q") == [loss()]
    assert meanings(nll("compute", logits, name)) == ["the first line is a header"]


# --- one logit a sample -----------------------------------------------------------------------------------------------

ONE = RNG.normal(0, 2, (2, 3, 4))
MASK = RNG.integers(0, 2, (2, 3, 4))
WITH_AXIS = {"none": ONE, "axis 1": ONE[:, None], "last": ONE[..., None]}
MASKS = {"none": MASK, "axis 1": MASK[:, None], "last": MASK[..., None]}


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("target", MASKS)
@pytest.mark.parametrize("logits", WITH_AXIS)
def test_binary_logits_of_any_shape(logits, target, order):
    x, y = np.asarray(WITH_AXIS[logits], order=order), np.asarray(MASKS[target], order=order)
    for labels in (y, y.astype(bool), y.astype(float), y * 0.5 + 0.25):
        expected = binary_loss(x, labels.astype(float).reshape(MASK.shape))
        done = nll("compute", put("x.npy", x), put("y.npy", labels), "--binary", "-q")
        assert float(done.out) == expected, done.err
        assert nllcli.compute(x, labels, binary=True).loss == expected
    assert "class-axis" not in nll("compute", "x.npy", "y.npy", "--binary").out


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (ONE[:1, None], MASK[0]),
        (ONE[0], MASK[0]),
        (ONE[0, 0], MASK[0, 0]),
        (ONE[0, 0][:, None], MASK[0, 0]),
        (ONE[0, 0][None], MASK[0, 0]),
        (ONE[0, 0][:, None], MASK[0, 0][:, None]),
        (ONE[0, 0, :1], MASK[0, 0, 0]),
    ],
    ids=["batch of one", "two axes", "vector", "column", "row", "columns", "one"],
)
def test_binary_logits_of_fewer_axes(x, y):
    assert float(nll("compute", put("x.npy", x), put("y.npy", y), "--binary", "-q").out) == binary_loss(x, y)
    assert nllcli.compute(x, y, binary=True).loss == binary_loss(x, y)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    ("logits", "probs_shape"), [("none", (2, 3, 4, 2)), ("axis 1", (2, 2, 3, 4)), ("last", (2, 3, 4, 2))]
)
def test_saved_arrays_of_binary_logits(logits, probs_shape, order):
    x = WITH_AXIS[logits]
    saves = ("--save-probs", "p.npy", "--save-grad", "g.npy", "--save-losses", "l.npy")
    assert nll("compute", put("x.npy", x, order), put("y.npy", MASK, order), "--binary", *saves).code == 0
    p = 1 / (1 + np.exp(-ONE))
    saved = np.load("p.npy")
    assert saved.shape == probs_shape
    both = np.moveaxis(saved, 1, -1) if logits == "axis 1" else saved
    np.testing.assert_allclose(both, np.stack([1 - p, p], -1), rtol=1e-12)
    np.testing.assert_allclose(np.load("g.npy"), ((p - MASK) / MASK.size).reshape(x.shape), rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(np.load("l.npy"), -np.log(np.where(MASK, p, 1 - p)), rtol=1e-12)


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
@pytest.mark.parametrize("shape", [(12,), (12, 1)], ids=str)
def test_saved_arrays_of_a_column(name, shape):
    if name == "x.csv" and len(shape) == 1:
        return
    x, y = ONE[0].reshape(shape), MASK[0].ravel()
    saves = ("--save-probs", "p.csv", "--save-grad", "g.csv")
    assert nll("compute", put(name, x), put("y.txt", y), "--binary", *saves).code == 0
    p = 1 / (1 + np.exp(-x.ravel()))
    np.testing.assert_allclose(np.loadtxt("p.csv", delimiter=","), np.stack([1 - p, p], 1), rtol=1e-12)
    np.testing.assert_allclose(np.loadtxt("g.csv"), (p - y) / 12, rtol=1e-10)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (ONE[:, None], MASK),
        (ONE[:, None], MASK[:, None]),
        (ONE[:, None], MASK * 1.0),
        (ONE[:, None], MASK[:, None] * 1.0),
        (ONE[0, 0], MASK[0, 0]),
        (ONE[0, 0][:, None], MASK[0, 0]),
        (ONE[0, 0][:, None], MASK[0, 0][:, None] * 1.0),
        (ONE[0, 0][:, None], np.zeros(4, int)),
        (ONE[0, 0][None], MASK[0, 0]),
    ],
    ids=lambda a: f"{a.shape}{a.dtype.kind}",
)
def test_one_logit_a_sample_without_the_option(x, y):
    words = ("compute", put("x.npy", x), put("y.npy", y), "-q")
    assert answers(*words) == [binary_loss(x, y)]
    with pytest.raises(NllError) as caught:
        nllcli.compute(x, y)
    assert caught.value.__notes__ == ["try: binary=True  # one logit a sample, that of class 1 of two"]


@pytest.mark.parametrize("save", ["txt", "npy"])
def test_one_column_of_text_is_refused(save):
    x, y = ONE[0, 0], np.zeros(4, int)
    assert answers("compute", put("x.txt", x), put(f"y.{save}", y), "-q") == [binary_loss(x, y)]
    assert offered(nll("softmax", "x.txt")) == [
        "nll softmax x.txt --binary  # one logit a sample, that of class 1 of two"
    ]


def test_one_logit_a_sample_beside_text():
    x, y = ONE[0, 0], MASK[0, 0]
    assert answers("compute", put("x.npy", x), put("y.txt", y), "-q") == [binary_loss(x, y)]


def test_one_column_of_words_is_said_to_be_words():
    Path("x.txt").write_text("0.5\nhigh\n")
    assert "line 2, column 1: 'high' is not a number" in nll("compute", "x.txt", put("y.txt", Y[:2])).err


def test_inputs_that_come_through_a_pipe_are_not_read_again(folder):
    """What a shell has put in place of a command cannot be typed again, nor read twice."""
    program = f"{sys.executable} -m nllcli"
    put("x.npy", X.ravel())
    put("y.txt", Y)
    line = f"{program} compute <(cat x.npy) y.txt; {program} compute x.csv <(echo 0; cat y.txt)"
    put("x.csv", X)
    env = {**os.environ, "PYTHONPATH": str(Path(nllcli.__file__).parents[1])}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder, env=env)
    assert "logits.reshape(6, 3)" in done.stderr
    assert "has 7 values, but x.csv has 6 samples" in done.stderr
    assert "try:" not in done.stderr


def test_an_axis_of_length_1_that_is_named():
    done = nll("compute", put("x.npy", X[:, :1]), put("y.npy", Y > 0), "--class-axis", "1", "-q")
    assert [pasted(command) for command in offered(done)] == [binary_loss(X[:, 0], Y > 0)]
    done = nll("compute", put("x.npy", ONE), put("y.npy", MASK), "--class-axis", "1", "--binary", "-q")
    assert "axis 1 of shape (2, 3, 4) does not" in done.err
    assert [pasted(command) for command in offered(done)] == [binary_loss(ONE, MASK)]
    done = nll("compute", put("x.npy", ONE[:, None]), "y.npy", "--class-axis", "-3", "--binary", "-q")
    assert float(done.out) == binary_loss(ONE, MASK)


def test_one_class_on_axis_1_asks_for_the_last_as_well():
    soft = RNG.random((N, 1, C))
    soft /= soft.sum(axis=2, keepdims=True)
    found = answers("compute", put("x.npy", X[:, None]), put("y.npy", soft), "-q")
    assert found == [binary_loss(X, soft), near(oracle.reduce(X, soft[:, 0].tolist()))]
    done = nll("compute", "x.npy", put("y.npy", soft[:, 0]), "--class-axis", "2", "-q")
    assert float(done.out) == found[1]


def test_one_row_of_probabilities_or_many_labels():
    """Fractions that sum to 1 are those of one sample; anything else is asked about."""
    x, soft, labels = X[0], [0.5, 0.25, 0.25], [0.0, 1.0, 0.0]
    assert float(nll("compute", put("x.npy", x), put("y.npy", soft), "-q").out) == near(oracle.reduce([x], [soft]))
    assert nllcli.compute(x, soft).loss == near(oracle.reduce([x], [soft]))
    assert answers("compute", "x.npy", put("y.npy", labels), "-q") == [
        binary_loss(x, labels),
        near(oracle.reduce([x], [labels])),
    ]
    with pytest.raises(NllError) as caught:
        nllcli.compute(x, labels)
    assert [note.partition("  #")[0] for note in caught.value.__notes__] == ["try: binary=True", "try: class_axis=0"]
    assert nllcli.compute(x, labels, class_axis=0).loss == near(oracle.reduce([x], [labels]))


@pytest.mark.parametrize("order", "CF")
def test_class_probabilities_along_the_last_axis_alone(order, monkeypatch):
    """Axis 1 is taken where nothing shows that it is another: here the sums do."""
    x, soft = RNG.normal(0, 1, (2, 4, 3)), RNG.random((2, 4, 3))
    soft /= soft.sum(axis=2, keepdims=True)
    put("x.npy", x, order)
    expected = near(oracle.reduce(x.reshape(-1, 3), soft.reshape(-1, 3).tolist()))
    assert answers("compute", "x.npy", put("y.npy", soft, order), "-q") == [expected]
    with pytest.raises(NllError, match="sum to 1 along axis 2, not along axis 1"):
        nllcli.compute(x, soft)
    assert nllcli.compute(x, soft, class_axis=2).loss == expected
    monkeypatch.setattr("nllcli.inputs.targets._MOST_LOOKED_AT", 5)
    assert "not-normalised" in nll("compute", "x.npy", "y.npy", "-f", "json").out
    classes_first = np.moveaxis(soft, 2, 1)
    done = nll("compute", put("x.npy", np.moveaxis(x, 2, 1), order), put("y.npy", classes_first, order), "-q")
    assert float(done.out) == expected
    assert nllcli.compute(np.moveaxis(x, 2, 1), classes_first).loss == expected
    put("x.npy", np.zeros((0, 4, 3)))
    assert nll("compute", "x.npy", put("y.npy", np.zeros((0, 4, 3)))).code == 0
    assert nllcli.compute(np.zeros((0, 4, 3)), np.zeros((0, 4, 3))).n_samples == 0


@pytest.mark.parametrize("name", ["x.csv", "x.npy"])
def test_several_columns_are_not_binary(name):
    assert answers("compute", put(name, X), put("y.txt", Y), "--binary", "-q") == [loss()]
    with pytest.raises(NllError) as caught:
        nllcli.compute(X, Y, binary=True)
    assert caught.value.__notes__ == ["try: binary=False  # the logits have a number for each class"]


def test_binary_logits_and_targets_of_other_lengths():
    done = nll("compute", put("x.npy", ONE), put("y.npy", np.zeros((2, 5), int)), "--binary")
    assert (done.code, offered(done), "needs targets of shape (2, 3, 4)\n" in done.err) == (3, [], True)
    found = answers("compute", "x.npy", put("y.npy", MASK.ravel()), "--binary", "-q")
    assert found[0] == binary_loss(ONE, MASK)
    assert answers("compute", "x.npy", put("y.npy", MASK.T.ravel()), "--binary", "-q")[1] == found[0]
    found = answers("compute", put("x.npy", ONE[0]), put("y.npy", MASK[0].ravel()), "--binary", "-q")
    assert found[0] == binary_loss(ONE[0], MASK[0])


def test_check_reports_one_column():
    done = nll("check", put("x.npy", X[:, :1]), put("y.npy", Y * 0), "-f", "json")
    (finding,) = json.loads(done.out)["findings"]
    assert (finding["code"], finding["severity"], done.code) == ("one-column", "error", 5)
    assert "--binary" in finding["fix"]


def test_one_hot_integers_have_two_meanings():
    one_hot = np.eye(C, dtype=int)[Y]
    for y in (one_hot[None], one_hot[None] > 0):
        found = answers("compute", put("x.npy", X), put("y.npy", y), "-q")
        assert found == [loss(), binary_loss(X, one_hot)]
    assert "holds booleans in the shape of the logits" in nll("compute", "x.npy", "y.npy").err
    with pytest.raises(NllError, match="booleans"):
        nllcli.compute(X[None], one_hot[None] > 0)


def test_one_hot_rows_are_classes():
    one_hot = np.eye(C, dtype=int)[Y]
    for y in (one_hot, one_hot > 0):
        assert nllcli.compute(X, y).loss == loss()
        assert float(nll("compute", put("x.npy", X), put("y.npy", y), "-q").out) == loss()
    for several in (one_hot | one_hot[::-1], (one_hot | one_hot[::-1]) > 0):
        found = answers("compute", "x.npy", put("y.npy", several), "-q")
        assert found == [binary_loss(X, several)]


@pytest.mark.parametrize("name", ["y.npy", "y.csv", "y.jsonl", "y.parquet"])
def test_one_hot_columns_are_not_rows(name):
    """Where the samples are columns, a 1 in each row would be read as a class; as many samples as classes fit both."""
    square, one_hot = X[:C].T, np.eye(C)[[1, 0, 0]].T
    words = ("compute", put("x.npy", square), put(name, one_hot.astype(int)), "--class-axis", "0", "-q")
    done = nll(*words)
    assert (done.code, "holds integers in the shape of the logits" in done.err) == (3, True)
    if name == "y.npy":
        assert answers(*words)[0] == near(oracle.reduce(X[:C], [1, 0, 0]))
    assert float(nll(*words[:2], put(name, one_hot), *words[3:]).out) == near(oracle.reduce(X[:C], [1, 0, 0]))
    with pytest.raises(NllError, match="holds integers in the shape of the logits"):
        nllcli.compute(square, one_hot.astype(int), class_axis=0)


# --- labels that are booleans or probabilities ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "npy.gz"])
def test_booleans_are_classes_of_two(kind):
    y = Y > 0
    done = nll("compute", put("x.npy", X[:, :2]), put(f"y.{kind}", y), "-q")
    assert float(done.out) == loss(X[:, :2], y)
    assert "booleans are taken as classes: False is class 0, True is class 1" in done.err
    done = nll("compute", put("x.npy", X[:, 0]), f"y.{kind}", "--binary", "-q")
    assert float(done.out) == binary_loss(X[:, 0], y)
    assert [note.code for note in nllcli.compute(X[:, :2], y).notes] == ["targets-as-booleans"]
    done = nll("compute", put("x.npy", X), f"y.{kind}")
    assert (done.code, "holds booleans" in done.err, "--sample-weights takes it" in done.err) == (3, True, True)
    assert (nll("weights", "--targets", f"y.{kind}").code, nll("check", "x.npy", f"y.{kind}").code) == (3, 3)


SOFT = [0.3, 0.9, 0.0, 1.0, 1e-3, 0.5]


@pytest.mark.parametrize("name", ["y.txt", "y.csv", "series.csv", "y.jsonl", "y.parquet", "y.npy", "column.npy"])
@pytest.mark.parametrize("logits", ["x.npy", "x.csv", "column.npy"])
def test_labels_between_0_and_1_are_soft(name, logits):
    x = X[:, 0]
    put(logits, x[:, None] if logits == "column.npy" else x)
    if name == logits:
        return
    if name == "y.csv":
        Path(name).write_text("y_true\n" + "".join(f"{y}\n" for y in SOFT))
    elif name == "series.csv":
        Path(name).write_text(",y\n" + "".join(f"{i},{y}\n" for i, y in enumerate(SOFT)))
    elif name == "y.jsonl":
        Path(name).write_text("".join(f'{{"target": {y}}}\n' for y in SOFT))
    elif name == "y.parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table({"y": SOFT}), name)
    else:
        put(name, np.array(SOFT)[:, None] if name == "column.npy" else SOFT)
    done = nll("compute", logits, name, "--binary", "-q")
    assert float(done.out) == binary_loss(x, SOFT), done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.3\n0.9\n1.5\n0\n1\n0\n", "y.txt, line 3: target 1.5 is not a probability"),
        ("0.3\n0.9\n1\n0\n-0.25\n0\n", "y.txt, line 5: target -0.25 is not a probability"),
        ("0.3\n0.9\nnan\n0\n1\n0\n", "y.txt, line 3: target 'nan' is missing"),
        ("0.3\n0.9\nx\n0\n1\n0\n", "y.txt, line 3: target 'x' is not a class index"),
        ("0.3\n0.9\n1\n0\n", "has shape (4,)"),
        ("2\n0\n1\n0\n0\n0\n", "y.txt, line 1: target 2 is outside 0..1"),
    ],
)
def test_soft_labels_that_are_refused(text, told):
    Path("y.txt").write_text(text)
    done = nll("compute", put("x.npy", X[:, 0]), "y.txt", "--binary")
    assert (done.code, told in done.err) == (3, True), done.err


@pytest.mark.parametrize("text", ["0.0\n1.0\n1.0\n0.0\n1.0\n0.0\n", "0\n1\n1\n0\n1\n0\n"])
def test_whole_labels_are_classes(text):
    """They keep their accuracy, which soft labels do not have."""
    Path("y.txt").write_text(text)
    done = nll("compute", put("x.npy", X[:, 0]), "y.txt", "--binary", "-f", "json")
    assert done.json["accuracy"] is not None
    assert done.json["loss"] == binary_loss(X[:, 0], [float(line) for line in text.split()])


def test_soft_labels_are_as_many_as_the_logits():
    Path("y.txt").write_text("0.3\n0.9\n")
    done = nll("compute", put("x.csv", X[:, 0]), "y.txt", "--binary")
    assert (done.code, "has 2 samples, but x.csv has 6" in done.err) == (3, True)


def test_negative_soft_targets_are_refused_with_their_place():
    soft = np.tile([0.5, 0.25, 0.25], (N, 1))
    soft[4] = [1.5, -0.25, -0.25]
    done = nll("compute", put("x.npy", X), put("y.npy", soft))
    assert done.err.startswith("nll: error: y.npy, row 4: target -0.25 is not a probability, in class 1")
    with pytest.raises(NllError, match=r"target -0\.25 is not a probability"):
        nllcli.compute(X, soft)


def test_floats_of_one_column_mean_the_same_from_python_and_from_files():
    x, y = X[:, :1], (Y > 0)[:, None] * 1.0
    done, result = nll("compute", put("x.npy", x), put("y.npy", y), "--binary", "-f", "json"), None
    result = nllcli.compute(x, y, binary=True)
    assert (done.json["loss"], done.json["accuracy"]) == (result.loss, result.accuracy)
    assert result.loss == binary_loss(x, y)
    for kwargs, words in (({}, ()), ({"class_axis": 1}, ("--class-axis", "1"))):
        with pytest.raises(NllError, match="one class"):
            nllcli.compute(x, y, **kwargs)
        assert "one class" in nll("compute", "x.npy", "y.npy", *words).err
