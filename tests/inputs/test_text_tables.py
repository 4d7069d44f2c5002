"""Tables and columns of text: decimal commas, tabs, further columns, and how targets in them are taken."""

import math
import os
import sys

import numpy as np
import oracle
import pytest
from corpus.processes import piped
from following import answers
from in_process import nll

X = np.array([[0.5, 1.25, -1.0], [2.0, 0.0, 0.5], [1.0, 1.5, 3.0]])
Y = (1, 0, 2)


def loss(labels=Y, x=X):
    losses = [float(-oracle.log_softmax(row)[label]) for row, label in zip(x, labels, strict=True)]
    return pytest.approx(math.fsum(losses) / len(losses), rel=1e-13)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    (tmp_path / "y.txt").write_text("1\n0\n2\n")
    return tmp_path


def rows(delimiter, *, comma=False):
    text = "".join(delimiter.join(map(str, row)) + "\n" for row in X.tolist())
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas(delimiter, folder):
    (folder / "x.txt").write_text(rows(delimiter, comma=True))
    assert float(nll("compute", "x.txt", "y.txt", "--decimal", "comma", "-q").out) == loss()


def test_decimal_commas_between_quotes(folder):
    quoted = "".join(",".join(f'"{v}"'.replace(".", ",") for v in row) + "\n" for row in X.tolist())
    (folder / "x.csv").write_text(quoted)
    assert float(nll("compute", "x.csv", "y.txt", "--decimal", "comma", "-q").out) == loss()


def test_a_table_with_tabs_beside_another(folder):
    ids = ("u", "v", "w")
    (folder / "x.tsv").write_text(
        "id\ta\tb\tc\n" + "".join(f"{i}\t{line}\n" for i, line in zip(ids, rows("\t").splitlines(), strict=True))
    )
    (folder / "y.tsv").write_text("id\tlabel\nw\t2\nu\t1\nv\t0\n")
    words = ("compute", "x.tsv", "y.tsv", "--input-format", "tsv", "-q")
    assert answers(*words)[0] == loss()


def test_names_are_counted(folder):
    (folder / "names.txt").write_text("dog\ncat\ndog\n")
    found = nll("weights", "--targets", "names.txt", "-f", "json").json
    assert [(each["class"], each["count"]) for each in found["classes"]] == [("cat", 1), ("dog", 2)]


def test_more_cells_than_one_further_down(folder):
    np.save("x.npy", X[[0] * 61])
    (folder / "y.txt").write_text("1\n" * 60 + "1\tx\n")
    done = nll("compute", "x.npy", "y.txt", "-q")
    assert (done.code, "line 61: has 2 cells between tabs; targets have one a line" in done.err) == (3, True)
    assert answers("compute", "x.npy", "y.txt", "-q") == [loss((1,) * 61, X[[0] * 61])]


def test_what_cannot_be_targets_on_standard_input(monkeypatch):
    with os.fdopen(piped(b"\x80\x04\x95binary\x00\x01")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        done = nll("compute", "x.npy", "-")
    assert (done.code, done.out) == (3, ""), done.err
    assert done.err.startswith("nll: error: ")


def test_numbers_of_classes_in_an_array(folder):
    (folder / "x.csv").write_text("c_10,c_11,c_12\n" + rows(","))
    np.save("y.npy", [11, 10, 12])
    assert float(nll("compute", "x.csv", "y.npy", "-q").out) == loss()
    np.save("y.npy", np.array([[11], [10], [12]]))
    assert float(nll("compute", "x.csv", "y.npy", "-q").out) == loss()
    (folder / "x.csv").write_text("c_0,c_1,c_3\n" + rows(","))
    np.save("y.npy", [1, 0, 1])
    assert float(nll("compute", "x.csv", "y.npy", "-q").out) == loss((1, 0, 1))


def test_soft_targets_in_the_other_order():
    x = np.stack([X, X[::-1]])
    soft = np.full((2, 3, 3), 0.25)
    soft[:, 0] = 0.5
    np.save("x.npy", x)
    np.save("y.npy", soft)
    columns = [(x[i, :, j], soft[i, :, j]) for i in range(2) for j in range(3)]
    losses = [float(-sum(p * v for p, v in zip(q, oracle.log_softmax(row), strict=True))) for row, q in columns]
    expected = pytest.approx(math.fsum(losses) / 6, rel=1e-13)
    np.save("f.npy", np.asfortranarray(soft))
    np.save("g.npy", np.asfortranarray(x))
    for logits, targets in (("x.npy", "y.npy"), ("x.npy", "f.npy"), ("g.npy", "y.npy")):
        assert float(nll("compute", logits, targets, "-q").out) == expected


def test_sample_weights_in_the_other_order():
    x = np.random.default_rng(3).normal(0, 1, (4, 3, 5))
    weights = np.random.default_rng(4).uniform(1, 2, (4, 5))
    np.save("x.npy", x)
    np.save("y.npy", np.zeros((4, 5), int))
    np.save("w.npy", weights)
    weighted = [float(-oracle.log_softmax(x[i, :, j])[0]) * weights[i, j] for i in range(4) for j in range(5)]
    expected = pytest.approx(math.fsum(weighted) / math.fsum(weights.ravel()), rel=1e-13)
    for array in (weights, np.asfortranarray(weights)):
        np.save("w.npy", array)
        assert float(nll("compute", "x.npy", "y.npy", "--sample-weights", "w.npy", "-q").out) == expected


def test_a_number_in_an_array_that_no_class_has(folder):
    (folder / "x.csv").write_text("c_10,c_11,c_12\n" + rows(","))
    np.save("y.npy", [11, 13, 12])
    done = nll("compute", "x.csv", "y.npy")
    assert (done.code, done.out) == (3, ""), done.err
    np.save("y.npy", [11, -1, 12])
    assert nll("compute", "x.csv", "y.npy", "--targets-are", "names").code == 3
    np.save("y.npy", [11, -100, 12])
    assert float(nll("compute", "x.csv", "y.npy", "-q").out) == loss((1, 2), X[[0, 2]])


def test_a_key_needs_logits_in_a_table(folder):
    (folder / "y.csv").write_text("id,label\nu,1\nv,0\nw,2\n")
    done = nll("compute", "x.npy", "y.csv", "--id", "id")
    assert (done.code, "--id needs LOGITS" in done.err) == (2, True), done.err


def test_a_class_whose_name_begins_with_a_number_sign(folder):
    (folder / "y.txt").write_text("b\n#a\nc\n")
    done = nll("compute", "x.npy", "y.txt", "-q", "--classes", "#a,b,c")
    assert float(done.out) == loss(), done.err


def test_a_table_of_targets_with_a_column_of_lists(folder):
    (folder / "y.csv").write_text('name,p\nu,"[0.0, 1.0, 0.0]"\nv,"[1.0, 0.0, 0.0]"\nw,"[0.0, 0.0, 1.0]"\n')
    done = nll("compute", "x.npy", "y.csv", "-q")
    assert float(done.out) == loss(), done.err


@pytest.mark.parametrize("cells", [("1", "2", "7"), ("0.5", "2", "7")])
def test_a_delimiter_behind_the_rows_alone(cells, folder):
    """It makes no column of row names of the first one."""
    x = [[float(cell) + i for cell in cells] for i in range(3)]
    rows = "".join(",".join(str(float(cell) + i).removesuffix(".0") for cell in cells) + ",\n" for i in range(3))
    (folder / "x.csv").write_text("a,b,c\n" + rows)
    assert answers("compute", "x.csv", "y.txt", "-q") == [loss(x=x)]
