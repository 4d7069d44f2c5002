"""Data frames and series: names bind, and rows in another order are refused."""

import numpy as np
import oracle
import pytest

import nllcli
from nllcli.errors import DataError, UsageError

X = np.array([[0.5, 1.2, 0.5], [-1.9, 1.3, 0.6], [1.0, 2.0, 3.0], [0.2, -0.4, 0.9]])
Y = [2, 1, 0, 2]
NAMES = ("cat", "dog", "horse")
LABELS = [NAMES[y] for y in Y]
TURNED = np.eye(3)[Y][:, [2, 0, 1]]


class Frame:
    """What pandas and polars have in common: an array with names, and of pandas the names of the rows."""

    def __init__(self, values, columns=None, index=None):
        self.values = np.asarray(values)
        if columns is not None:
            self.columns = columns
        if index is not None:
            self.index = index

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def loss(targets, columns=NAMES, **options):
    return nllcli.compute(Frame(X, columns), targets, **options).loss


def expected(labels=Y):
    return pytest.approx(float(oracle.reduce(X, labels)), rel=1e-14)


@pytest.mark.parametrize("make", [list, np.array, Frame, lambda labels: np.array(labels, object)])
def test_names_of_classes(make):
    assert loss(make(LABELS)) == expected()
    assert loss(make(LABELS), [f"prob_{name}" for name in NAMES]) == expected()


@pytest.mark.parametrize("dtype", [float, int, bool])
def test_columns_of_targets_are_bound_by_name(dtype):
    assert loss(Frame(TURNED.astype(dtype), ("horse", "cat", "dog"))) == expected()
    assert loss(np.eye(3)[Y].astype(dtype)) == expected()
    with pytest.raises(UsageError, match="names the classes p, q, r; those of the logits are cat, dog, horse"):
        loss(Frame(TURNED, ("p", "q", "r")))


def test_a_frame_of_one_column():
    assert loss(Frame(np.array(LABELS)[:, None], ("label",))) == expected()
    assert loss(Frame(np.array(Y)[:, None], ("label",))) == expected()


def test_numbers_of_columns_and_places():
    with pytest.raises(UsageError) as caught:
        loss([1, 2, 2, 1], (1, 2, 3))
    assert caught.value.__notes__[0] == "try: targets_are='names'  # target 1 is the class named '1'"
    assert loss([1, 2, 2, 1], (1, 2, 3), targets_are="names") == expected([0, 1, 1, 0])
    assert loss([1, 2, 2, 1], (1, 2, 3), targets_are="numbers") == expected([1, 2, 2, 1])
    assert loss([1, 2, 3, 1], (1, 2, 3)) == expected([0, 1, 2, 0])
    assert loss([0, 2, 1, 0], (1, 2, 3)) == expected([0, 2, 1, 0])
    with pytest.raises(DataError, match="row 1: target 7 is none of the classes 1, 2, 3"):
        loss([1, 7, 3, 1], (1, 2, 3), targets_are="names")


def test_rows_in_another_order():
    rows = ["a", "b", "c", "d"]
    logits = Frame(X, NAMES, rows)
    assert nllcli.compute(logits, Frame(Y, index=list(rows))).loss == expected()
    assert nllcli.compute(logits, Frame(Y, index=[0, 1, 2, 3])).loss == expected()
    with pytest.raises(UsageError, match="have the rows of the logits in another order"):
        nllcli.compute(logits, Frame(Y, index=rows[::-1]))


def test_columns_of_text():
    rows = np.array([[*row, name] for row, name in zip(X.tolist(), "abcd", strict=True)], object)
    with pytest.raises(UsageError, match="has columns of text: file") as caught:
        nllcli.compute(Frame(rows, (*NAMES, "file")), Y)
    assert caught.value.hint == "logits.drop(columns=['file']) leaves them out"
    with pytest.raises(DataError, match="holds pickled Python objects"):
        nllcli.compute(rows, Y)
    with pytest.raises(DataError, match="holds pickled Python objects"):
        nllcli.compute(Frame(X.astype(object), NAMES), Y)


def test_sample_weights_in_another_order():
    rows = ["a", "b", "c", "d"]
    logits, weights = Frame(X, NAMES, rows), [1.0, 2.0, 3.0, 4.0]
    weighted = pytest.approx(float(oracle.reduce(X, Y, sample_weights=weights)), rel=1e-14)
    assert nllcli.compute(logits, Y, sample_weights=Frame(weights, index=rows)).loss == weighted
    with pytest.raises(UsageError, match="have the rows of the logits in another order") as caught:
        nllcli.compute(logits, Y, sample_weights=Frame(weights, index=rows[::-1]))
    assert caught.value.hint == "sample_weights.loc[logits.index] puts them in order"


@pytest.mark.parametrize(
    "weights",
    [
        [1.0, 2.0, 5.0],
        {"horse": 5.0, "cat": 1.0, "dog": 2.0},
        {2: 5.0, 0: 1.0, 1: 2.0},
        Frame([5.0, 1.0, 2.0], index=["horse", "cat", "dog"]),
        Frame([1.0, 2.0, 5.0], index=[0, 1, 2]),
    ],
)
def test_class_weights_are_bound_by_name_or_number(weights):
    weighted = pytest.approx(float(oracle.reduce(X, Y, class_weights=[1.0, 2.0, 5.0])), rel=1e-14)
    assert loss(Y, class_weights=weights) == weighted


def test_class_weights_of_other_names():
    with pytest.raises(DataError, match="names the classes p, q, r; they are cat, dog, horse"):
        loss(Y, class_weights={"p": 1, "q": 2, "r": 3})


def test_text_that_is_no_names():
    with pytest.raises(DataError, match="not class indices"):
        loss(np.array([LABELS, LABELS]))
    with pytest.raises(DataError, match="row 1: the target is missing"):
        loss(np.array(["cat", None, "dog", "dog"], object))
    with pytest.raises(DataError, match="row 2: 1, 1, 0 is not one-hot"):
        loss(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]))
