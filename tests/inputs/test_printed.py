"""Arrays as programs print them, and cells that list all logits of a row."""

import math

import numpy as np
import oracle
import pytest
from following import answers
from in_process import nll

from nllcli.inputs.tables import printed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "y.txt").write_text("0\n1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[1. 2.]\n [1. x]]\n", "'x' in a printed array is not a number"),
        ("[[[1. 2.]\n [1. 3.]]]\n", "is a printed array of 3 dimensions"),
        ("[[1. 2.]\n ...\n [1. 3.]]\n", "with its middle left out"),
    ],
)
def test_refuses_what_is_not_a_whole_array_of_two_dimensions(text, told, folder):
    (folder / "x.txt").write_text(text)
    done = nll("compute", "x.txt", "y.txt")
    assert (told in done.err, "hint: numpy.save writes it whole" in done.err, done.out) == (True, True, ""), done.err


def test_refuses_a_long_array(folder, monkeypatch):
    monkeypatch.setattr(printed, "_MOST_BYTES", 16)
    (folder / "x.txt").write_text("[[1. 2.]\n [1. 3.]\n [1. 4.]]\n")
    assert "is a printed array of more than 0 MiB" in nll("compute", "x.txt", "y.txt").err


X = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [0.25, 3.0, 1.0], [-2.0, 0.75, 0.5]]


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("[0 2 1 1]\n", [0, 2, 1, 1]),
        ("[0 2]\n[1 1]\n", [0, 2, 1, 1]),  # a batch a line
        ("tensor([0, 2, 1])\ntensor([1])\n", [0, 2, 1, 1]),
        ("[1 0 0]\n[0 0 1]\n[0 1 0]\n[0 1 0]\n", [0, 2, 1, 1]),
        ("[0.75 0.25 0.]\n[0. 0. 1.]\n[0. 1. 0.]\n[0. 1. 0.]\n", [[0.75, 0.25, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]),
    ],
)
def test_arrays_one_after_the_other(text, targets, folder):
    """None is left out: whole numbers are batches of classes, a single 1 among zeros and fractions are rows."""
    np.savetxt("x.csv", X, "%g", ",")
    (folder / "y.txt").write_text(text)
    done = nll("compute", "x.csv", "y.txt", "-q")
    assert float(done.out) == pytest.approx(float(oracle.reduce(X, targets)), rel=1e-13), done.err


@pytest.mark.parametrize(
    ("cell", "told"), [("", "'' is not a list of numbers"), ('"[1, 2, 3]"', "has 3 numbers, the first list has 2")]
)
def test_a_cell_further_down_that_is_not_such_a_list(cell, told, folder):
    (folder / "x.csv").write_text("name,logits\n" + 'a,"[0.5, 1]"\n' * 60 + f"a,{cell}\n")
    np.savetxt("y.txt", np.zeros(61), "%d")
    done = nll("compute", "x.csv", "y.txt")
    assert (done.code, f"line 62, column 2: {told}" in done.err) == (3, True), done.err


def test_a_comma_in_a_number_further_down(folder):
    (folder / "x.csv").write_text("1;2\n" * 60 + "1,5;2\n")
    np.savetxt("y.txt", np.zeros(61), "%d")
    one, last = math.log1p(math.exp(1)), math.log1p(math.exp(0.5))
    expected = pytest.approx(math.fsum([*[one] * 60, last]) / 61, rel=1e-13)
    assert answers("compute", "x.csv", "y.txt", "-q") == [expected]
