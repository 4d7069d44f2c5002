"""Targets written as text: names, numbers in names, words for false and true."""

import gzip
import math
import os
from functools import partial

import numpy as np
import oracle
import pytest
from following import answers, meanings
from in_process import nll

from nllcli.errors import DataError, UsageError
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.labels import LabelReader, class_orders, label_reader, numbering_of, truth_of

X = np.array([[0.5, 1.25, -1.0], [2.0, 0.0, 0.5], [1.0, 1.5, 3.0], [0.0, -0.5, 0.25]])


def loss(labels, x=X):
    losses = [-oracle.log_softmax(row)[label] for row, label in zip(x, labels, strict=True)]
    return pytest.approx(math.fsum(map(float, losses)) / len(losses), rel=1e-13)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(folder, names, x=X):
    rows = [",".join(names), *(",".join(map(str, row)) for row in x.tolist())]
    (folder / "x.csv").write_text("\n".join(rows) + "\n")


def lines(folder, *labels):
    (folder / "y.txt").write_text("".join(f"{label}\n" for label in labels))


def test_the_classes_that_false_and_true_are():
    assert truth_of(("Yes", "No"), "y", "f", None) == (1, 0)
    assert truth_of(None, "y", "f", 2) == (0, 1)
    with pytest.raises(DataError, match="holds booleans, for 3 classes"):
        truth_of(None, "y", "f", 3)


def test_booleans_for_classes_of_other_names(folder):
    table(folder, ("good", "bad"), X[:, :2])
    lines(folder, "true", "false", "true", "true")
    done = nll("compute", "x.csv", "y.txt", "-q")
    assert (done.code, meanings(done)) == (2, ["true is bad", "true is good"])
    assert answers("compute", "x.csv", "y.txt", "-q") == [loss([1, 0, 1, 1], X[:, :2]), loss([0, 1, 0, 0], X[:, :2])]
    lines(folder, "true", *["false"] * 60, "maybe")
    table(folder, ("no", "yes"), X[[0] * 62, :2])
    assert "target 'maybe' is neither true nor false, unlike the first" in nll("compute", "x.csv", "y.txt").err
    reader = LabelReader(("no", "yes"), numeric=False, what="y", booleans=True, truth=(1, 0))
    assert reader.of_booleans(np.array([True, False])).tolist() == [0, 1]


def test_a_prefix_of_the_targets_alone(folder):
    table(folder, ("cat", "dog", "horse"))
    for prefix in ("__label__", "class "):
        lines(folder, *(prefix + name for name in ("dog", "cat", "horse", "cat")))
        assert float(nll("compute", "x.csv", "y.txt", "-q").out) == loss([1, 0, 2, 0])
    options = ReadOptions()
    reader = label_reader(["l:cat", "l:dog"], ("cat", "dog"), "y", "f", options)
    assert (reader.prefix, reader.read(["l:dog", "cat"], str).tolist()) == ("l:", [1, 0])
    assert label_reader(["l:cat", "l:cow"], ("cat", "dog"), "y", "f", options).prefix == ""


def test_numbers_of_classes(folder):
    options = ReadOptions()
    assert numbering_of([11, 10], ("c_10", "c_11"), "y", options) == {10: 0, 11: 1}
    assert numbering_of([], ("10", "11"), "y", options) == {10: 0, 11: 1}  # no number is a place as well
    assert numbering_of([0, 1], ("10", "11"), "y", options) is None
    assert numbering_of([1], ("0", "1", "3", "2"), "y", options, whole=True) is None  # the same, either way
    with pytest.raises(UsageError, match="the classes have no numbers for names"):
        numbering_of([1], ("a", "b"), "y", ReadOptions(targets_are="names"))
    with pytest.raises(UsageError, match="target 3 may be the class named '3', or class 3 counted from 0"):
        numbering_of([1], ("0", "1", "3", "2"), "y", options)
    table(folder, ("c_10", "c_11", "c_12"))
    lines(folder, 10, 12, -100, 11)
    assert float(nll("compute", "x.csv", "y.txt", "-q").out) == loss([0, 2, 1], X[[0, 1, 3]])


@pytest.mark.parametrize("last", ["13", "13.0", '"13"'])
def test_a_number_that_no_class_has(last, folder):
    table(folder, ("c_10", "c_11", "c_12"), X[[0] * 61])
    lines(folder, *["11"] * 60, last)
    done = nll("compute", "x.csv", "y.txt")
    assert (done.code, "target 13 is none of the classes 10, 11, 12" in done.err) == (3, True), done.err


def test_the_orders_of_names():
    assert class_orders(["b", "a", "b"], 3) == []
    assert class_orders(["b", "a", "c"], 2) == []
    assert class_orders(["b,c", "a"], 2) == []
    first, second = class_orders(["b", "a"], 1)
    assert (first.settings["classes"], second.settings["classes"]) == (("a", "b"), ("b", "a"))
    assert first.settings["binary"]
    assert len(class_orders(["a", "b"], 2)) == 1


def test_names_of_classes_without_names(folder):
    np.save("x.npy", X)
    lines(folder, "dog", "cat", "horse", "cat")
    found = answers("compute", "x.npy", "y.txt", "-q")
    assert found == [loss([1, 0, 2, 0]), loss([0, 1, 2, 1])]
    with gzip.open("y.txt.gz", "wt") as file:
        file.write("animal\n" + "dog\ncat\nhorse\ncat\n")
    assert nll("compute", "x.npy", "y.txt.gz", "--classes", "cat,dog,horse", "-q").code == 0
    lines(folder, "dog", "cat", "cat", "cat")
    assert "try:" not in nll("compute", "x.npy", "y.txt").err
    reader = label_reader(["a"], None, "y", "f", ReadOptions())
    with pytest.raises(DataError, match="target 'a' is a name, and the classes have none"):
        reader.read(["a"], str)


def test_names_of_classes_in_another_encoding(folder):
    np.save("x.npy", X)
    (folder / "y.txt").write_text("née\nchat\nchien\nchat\n", encoding="latin-1")
    words = ("compute", "x.npy", "y.txt", "--encoding", "latin-1", "-q")
    assert answers(*words) == [loss([2, 0, 1, 0]), loss([0, 1, 2, 1])]


def test_names_of_classes_out_of_a_pipe(monkeypatch):
    np.save("x.npy", X)
    read, write = os.pipe()
    os.write(write, b"dog\ncat\nhorse\ncat\n")
    os.close(write)
    with os.fdopen(read) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        done = nll("compute", "x.npy", "-", "-q")
    assert "target 'dog' is a name, and the classes have none" in done.err
    assert meanings(done)[0] == "the classes are in alphabetical order"


def test_probabilities_without_names_are_not_bound_by_number(tmp_path):
    (tmp_path / "x.csv").write_text("p_0,p_2,p_1\n0.5,1,2\n1.5,0.5,1\n")
    for name, save in (("y.npy", np.save), ("y.csv", partial(np.savetxt, delimiter=","))):
        save(tmp_path / name, np.array([[0.5, 0.25, 0.25], [1, 0, 0]]))
        words = ("compute", tmp_path / "x.csv", tmp_path / name, "-q")
        done = nll(*words)
        assert (done.code, meanings(done)) == (2, ["by number: column 2 is p_1", "by place: column 2 is p_2"])
        assert "are taken by place" in nll(*words, "--targets-are", "names").err


@pytest.mark.parametrize("name", ["{model}_{label}", "{label} ({model})"])
def test_columns_of_several_models_are_offered(name, tmp_path):
    headings = [name.format(model=model, label=label) for model in ("A", "B") for label in ("cat", "dog")]
    rows = "".join(",".join(map(str, row)) + "\n" for row in X[:, [0, 1, 2, 0]].tolist())
    (tmp_path / "x.csv").write_text(",".join(headings) + "\n" + rows)
    (tmp_path / "y.csv").write_text("cat\ndog\ndog\ncat\n")
    labels = [0, 1, 1, 0]
    first, second = answers("compute", tmp_path / "x.csv", tmp_path / "y.csv", "-q")
    assert first == loss(labels, X[:, :2])
    assert second == loss(labels, X[:, [2, 0]])
    (tmp_path / "y.csv").write_text("bird\ndog\ndog\ncat\n")
    done = nll("compute", tmp_path / "x.csv", tmp_path / "y.csv", "-q")
    assert (done.code, meanings(done)) == (3, []), done.err
