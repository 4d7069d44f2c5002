"""Which columns of a table are classes: what the options name, and what is asked about."""

import math

import numpy as np
import oracle
import pytest
from following import answers, meanings, offered
from in_process import nll

from nllcli.errors import UsageError
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.tables import long
from nllcli.inputs.tables.columns import Preview, as_pattern, choose, find_column, kind_of, list_of, matching

RNG = np.random.default_rng(5)
NAMES = ("cat", "dog", "horse")
X = np.round(RNG.normal(0, 1.5, (12, 3)), 4)
Y = RNG.integers(0, 3, 12)
LOSS = pytest.approx(math.fsum(float(-oracle.log_softmax(row)[y]) for row, y in zip(X, Y, strict=True)) / 12, rel=1e-13)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("y.txt", Y, "%d")
    return tmp_path


def table(name, header, rows, delimiter=","):
    lines = [delimiter.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123 - relative to the test's folder
        file.write("\n".join(lines) + "\n")
    return name


def preview(*rows, headings=None, index=()):
    return Preview("t", headings, rows, frozenset(index))


# --- columns beside infinities ----------------------------------------------------------------------------------------


def masked(column=None):
    """Logits of which one in each row is impossible, with a column of other numbers before them."""
    values = [list(row) for row in X.tolist()]
    for i, row in enumerate(values):
        row[(Y[i] + 1) % 3] = "-inf"
    return [([column[i]] if column else []) + row for i, row in enumerate(values)]


def masked_loss():
    rows = [[-math.inf if v == "-inf" else v for v in row] for row in masked()]
    losses = []
    for row, y in zip(rows, Y, strict=True):
        losses.append(math.log(math.fsum(math.exp(v) for v in row)) - row[y])
    return pytest.approx(math.fsum(losses) / len(losses), rel=1e-13)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ([7 * i + 5 for i in range(12)], "holds whole numbers where others hold fractions"),
        (list(range(12)), "holds whole numbers where others hold fractions"),
    ],
)
def test_a_key_beside_infinite_logits_is_asked_about(column, reason):
    table("x.csv", ("k", *NAMES), masked(column))
    done = nll("compute", "x.csv", "y.txt", "-q")
    assert (done.code, reason in done.err) == (2, True)
    assert meanings(done) == ["k is not a class", "all columns are classes"]
    assert answers("compute", "x.csv", "y.txt", "-q")[0] == masked_loss()


def test_infinite_logits_alone_raise_no_doubt():
    table("x.csv", NAMES, masked())
    assert float(nll("compute", "x.csv", "y.txt", "-q").out) == masked_loss()
    rows = [["-inf", *row] for row in X.tolist()]
    table("x.csv", ("never", *NAMES), rows)
    np.savetxt("y.txt", Y + 1, "%d")
    assert float(nll("compute", "x.csv", "y.txt", "-q").out) == LOSS


def test_infinite_losses_beside_probabilities_are_asked_about():
    odds = np.exp(X)
    p = np.round(odds / odds.sum(axis=1, keepdims=True), 6)
    losses = ["inf" if i % 3 == 0 else round(0.37 * i + 0.113, 3) for i in range(12)]
    table("x.csv", (*NAMES, "l"), [[*row, loss] for row, loss in zip(p.tolist(), losses, strict=True)])
    done = nll("compute", "x.csv", "y.txt", "--from", "probs", "-q")
    assert (done.code, "column 'l' is not among those that sum to 1" in done.err) == (2, True)
    assert "l is not a class" in meanings(done)
    expected = math.fsum(-math.log(row[y]) for row, y in zip(p.tolist(), Y, strict=True)) / 12
    told = nll("compute", "x.csv", "y.txt", "--from", "probs", "-q", "--drop", "l")
    assert float(told.out) == pytest.approx(expected, rel=1e-13)


def test_rows_of_infinities_alone_show_nothing():
    rows = [["inf", 1, 2], ["inf", 4, 3], ["inf", 1, 1]]
    found = choose(preview(*rows, headings=NAMES), ReadOptions())
    assert found.classes == (0, 1, 2)


# --- names of classes that disagree -----------------------------------------------------------------------------------


def test_a_class_named_as_the_column_of_another_is_asked_about():
    table("x.csv", NAMES, X.tolist())
    done = nll("compute", "x.csv", "y.txt", "-q", "--classes", "dog,cow,horse")
    assert (done.code, "names class 0 'dog', which is the column of class 1" in done.err) == (2, True)
    assert answers("compute", "x.csv", "y.txt", "-q", "--classes", "dog,cow,horse") == [LOSS]


@pytest.mark.parametrize("classes", ["a,b,c", "cat,b,c", "2,0,x"])
def test_other_names_replace_those_of_the_columns(classes):
    table("x.csv", NAMES, X.tolist())
    assert float(nll("compute", "x.csv", "y.txt", "-q", "--classes", classes).out) == LOSS


# --- what the options name --------------------------------------------------------------------------------------------


def test_patterns():
    seen = preview((1, 2, 3, 4), headings=("a", "p 1", "p 2", "3-4"))
    assert matching("p*", seen) == [1, 2]
    assert matching("4, 1,4", seen) == [3, 0]
    assert matching("2-3", seen) == [1, 2]
    assert matching("3-4", seen) == [3]  # a name, before a range
    assert matching((2, 0), seen) == [2, 0]
    assert matching("*", preview((1, 2))) == [0, 1]
    for wrong in ("q", "0", "5", "3-2", "2-9"):
        with pytest.raises(UsageError, match="there is no column"):
            matching(wrong, seen)
    with pytest.raises(UsageError) as caught:
        matching("q", preview((1, 2)))
    assert caught.value.hint == "columns: 1 to 2"
    assert as_pattern('a,"b') == '"a,""b"'


def test_a_number_is_a_name_where_names_are_numbers():
    """A range between names is no range of places, and a number that is no name is refused."""
    seen = preview((7, 1.5, 2, 0.5), headings=("id", "0", "1", "2"))
    for patterns in ("0-2", "0,1,2", "0-1,2"):
        assert matching(patterns, seen) == [1, 2, 3]
    for patterns in ("2-4", "1-3", "1,2,3", "2-1"):
        with pytest.raises(UsageError, match="there is no column"):
            matching(patterns, seen)


def test_a_column_is_found_by_its_name_or_its_number():
    seen = preview((1, 2, 3), headings=(" e\u0301 ", "x", "x"))
    assert find_column("\u00e9", seen) == 0
    assert find_column("3", seen) == 2
    with pytest.raises(UsageError, match="has 2 columns 'x'"):
        find_column("x", seen)
    with pytest.raises(UsageError) as caught:
        find_column("4", preview((1, 2)))
    assert caught.value.hint == "columns: the numbers 1 to 2 (there is no header)"


def test_what_a_preview_calls_its_columns():
    seen = preview((1, 2, 3, None), headings=("Id", "x", "x", ""))
    assert [seen.heading(c) for c in range(4)] == ["Id", "2", "3", "4"]
    assert [seen.described(c) for c in range(2)] == ["'Id'", "number 2"]
    assert seen.place_of == {"id": 0}
    assert preview(headings=("a", "b")).n_columns == 2
    assert preview().n_columns == 0


def test_kinds_of_cells():
    seen = preview((1, "a", [1, None], None, "[1, 2]", True), (0.5, "b", [2.0], None, "(3 4)", False))
    kinds = [kind_of(seen, c) for c in range(6)]
    assert kinds == ["number", "text", "list", "missing", "list", "text"]
    assert list_of([1, "a"]) is None
    assert list_of(3) is None


def test_two_columns_of_lists_are_asked_about():
    rows = [(f'"{row}"', f'"{[v + 1 for v in row[::-1]]}"') for row in X.tolist()]
    table("x.csv", ("a", "b"), rows)
    done = nll("compute", "x.csv", "y.txt", "-q")
    assert (done.code, meanings(done)) == (2, ["the logits are a", "the logits are b"])
    assert answers("compute", "x.csv", "y.txt", "-q")[0] == LOSS


def test_a_long_name_of_a_dropped_column_stays_dropped():
    rows = [(i * 3 + 4, "t", *row) for i, row in enumerate(X.tolist())]
    table("x.csv", ("k", "text, long", *NAMES), [(a, f'"{b}"', *rest) for a, b, *rest in rows])
    with open("x.csv", encoding="utf-8") as file:  # noqa: PTH123 - relative to the test's folder
        text = file.read().replace("text, long", '"text, long"', 1)
    with open("x.csv", "w", encoding="utf-8") as file:  # noqa: PTH123 - relative to the test's folder
        file.write(text)
    words = ("compute", "x.csv", "y.txt", "-q", "--drop", '"text, long"')
    done = nll(*words)
    assert done.code == 2
    assert "text, long" in offered(done)[0]
    assert answers(*words)[0] == LOSS


def test_columns_of_the_same_name_are_told():
    table("x.csv", ("cat", "dog", "dog"), X.tolist())
    done = nll("compute", "x.csv", "y.txt", "-q")
    assert (float(done.out), "2 classes are named 'dog'" in done.err) == (LOSS, True)


def test_many_columns_are_looked_at_in_a_moment():
    n = 3000
    rows = [[f"{v:.3f}" for v in RNG.normal(0, 1, n)] for _ in range(4)]
    seen = preview(*rows, headings=tuple(f"c{i}_prob_x" for i in range(n)))
    assert choose(seen, ReadOptions()).classes == tuple(range(n))


def test_two_columns_of_scores_are_not_in_long_form():
    rows = [(str(i // 2), "ab"[i % 2], f"0.{i}", f"1.{i}") for i in range(8)]
    preview = Preview("t", ("id", "class", "p", "q"), rows, delimiter=",")
    assert long.check(preview, range(4)) is None
    with pytest.raises(UsageError, match="is in long form") as caught:
        long.check(preview, (0, 1, 3))
    assert not caught.value.remedies  # there is no such file


@pytest.mark.parametrize(
    ("text", "left"), [("id,label\n1,0\n2,1\n", ["all columns are classes"]), ("name,id\nx,0\ny,1\n", [])]
)
def test_the_only_columns_are_not_left_out(text, left, tmp_path):
    (tmp_path / "x.csv").write_text(text)
    done = nll("softmax", tmp_path / "x.csv")
    assert (done.code, meanings(done)) == (2, left), done.err
    assert left or "hint: --columns names the classes" in done.err
