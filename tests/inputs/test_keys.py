"""Rows of two tables that belong together by their keys."""

import gzip
import math

import numpy as np
import oracle
import pytest
from following import answers
from in_process import nll

from nllcli.errors import DataError
from nllcli.inputs import keys, matching
from nllcli.inputs.tables.columns import Preview


def targets(names, values=None, missing="error"):
    values = np.arange(len(names)) if values is None else np.array(values)
    return keys.KeyedTargets("y.csv", values, keys.digests(names), lambda i: f"line {i + 2}", missing, -100)


def test_whole_numbers_are_one_key_however_written():
    first, *rest = keys.digests(["12", " 12.0", "+12", "12.", "012", "-12", "1e1"])
    assert [other == first for other in rest] == [True, True, True, False, False, False]
    assert len(keys.digests([])) == 0
    keys.digests(["\ud800"])  # half a character, as damaged JSON has it


def test_targets_come_in_the_order_of_the_keys():
    found = targets(["a", "b", "c"], [5, 6, 7])
    assert found.of(["c", "a"], str).tolist() == [7, 5]
    with pytest.raises(DataError, match="has 1 key that the logits have not, the first in line 3"):
        found.finish()
    assert found.of(["b"], str).tolist() == [6]
    found.finish()
    assert found.notes == ()


def test_a_key_that_comes_again_is_named():
    found = targets(["a", "b", "c"])
    with pytest.raises(DataError, match="the key 'a' comes a second time"):
        found.of(["a", "b", "a"], str)
    found.restart()
    found.of(["a"], str)
    with pytest.raises(DataError, match="the key 'a' comes a second time"):
        found.of(["b", "a"], str)


def test_what_has_no_counterpart_is_told():
    found = targets(["a", "b", "c"], missing="ignore")
    assert found.of(["x", "b"], str).tolist() == [-100, 1]
    found.finish()
    (note,) = found.notes
    assert note.message == "y.csv: 1 sample without a target left out, 2 targets without logits left out"
    found.restart()
    assert found.of(["a", "b", "c"], str).tolist() == [0, 1, 2]
    assert found.notes == ()


def test_keys_met_at_once_are_counted():
    found = targets(["a"])
    found.of(["a"], str)
    found._matched.append(1)  # as another thread does that met it before this one had marked it
    with pytest.raises(DataError, match="one key comes a second time among the logits"):
        found.finish()


def test_the_columns_of_keys():
    own = Preview("x", ("id", "a=b", "cat"), [["1", "2", "3"]])
    theirs = Preview("y", ("key", "label"), [["1", "2"]])
    assert matching.keys_of("id=key", own, theirs)[:3] == ("id", "key", True)
    assert matching.keys_of("a=b", own, Preview("y", ("a=b", "label"), [["1", "2"]])).names == "a=b"
    assert matching.keys_of("id=key", own, theirs).names == "id=key"
    assert matching.keys_of(None, None, theirs) is None
    assert matching.keys_of(None, own, Preview("y", ("label",), [["1"]])) is None
    assert matching.first_labels(theirs, None) == ()
    assert matching.first_labels(theirs, "label") == ("2",)
    headless = Preview("x", None, [["1", "2"]])
    assert matching.keys_of(None, headless, theirs) is None


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("id,a,b\nu,0.5,1\nv,2,0\nw,1,1.5\n")
    return tmp_path


def loss(*pairs):
    losses = [math.log(math.fsum(map(math.exp, row))) - row[y] for row, y in pairs]
    return pytest.approx(math.fsum(losses) / len(losses), rel=1e-14)


ROWS = {"u": (0.5, 1), "v": (2, 0), "w": (1, 1.5)}


def test_keys_missing_on_either_side(tables):
    (tables / "y.csv").write_text("id,label\nw,1\nz,0\nv,1\n")
    words = ("compute", "x.csv", "y.csv", "-q", "--id", "id")
    assert "no target for the key 'u'" in nll(*words).err
    expected = loss((ROWS["v"], 1), (ROWS["w"], 1))
    assert answers(*words) == [expected]
    done = nll(*words, "--missing", "ignore")
    assert "1 sample without a target left out, 1 target without logits left out" in done.err


def test_rows_in_another_order_further_down(tables):
    rows = "".join(f"k{i},{i % 7 / 8},{i % 5 / 4}\n" for i in range(120))
    (tables / "x.csv").write_text("id,a,b\n" + rows)
    order = [*range(100), *range(119, 99, -1)]
    (tables / "y.csv").write_text("id,label\n" + "".join(f"k{i},{i % 2}\n" for i in order))
    done = nll("compute", "x.csv", "y.csv", "-q", "--drop", "id")
    assert (done.code, "has the key 'k100', and the same row of y.csv another one" in done.err) == (2, True), done.err
    expected = loss(*(((i % 7 / 8, i % 5 / 4), i % 2) for i in range(120)))
    assert answers("compute", "x.csv", "y.csv", "-q", "--drop", "id") == [expected]


@pytest.mark.parametrize("packed", [False, True])
def test_one_row_of_a_key_can_be_kept(packed, tables):
    name, data = "y.csv" + ".gz" * packed, b"# a model\n\nid,label\nw,1\nu,0\nv,1\nw,0\n"
    (tables / name).write_bytes(gzip.compress(data) if packed else data)
    first, last = (loss((ROWS["u"], 0), (ROWS["v"], 1), (ROWS["w"], y)) for y in (1, 0))
    assert answers("compute", "x.csv", name, "-q", "--id", "id") == [first, last]


@pytest.mark.parametrize("targets", [[(0, 1), (1, 0)], [(0, 1), (0.5, 0.5), (0.25, 0.75)]], ids=["one-hot", "soft"])
def test_probabilities_of_the_classes_are_not_keys(targets, tables):
    """Under the headings of the logits, whose numbers are all different."""
    logits = [(1, 3), (2, -1), (3.5, 0)][: len(targets)]
    for name, rows in (("x.csv", logits), ("y.csv", targets)):
        (tables / name).write_text("".join(f"{a},{b}\n" for a, b in [("a", "b"), *rows]))
    done = nll("compute", "x.csv", "y.csv", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == pytest.approx(float(oracle.reduce(logits, targets)), rel=1e-14)


@pytest.mark.parametrize("classes", ["a,b", "0,1", "1,2"])
def test_an_index_is_named_where_its_number_is_a_heading(classes, tables):
    (tables / "x.csv").write_text(f",{classes}\n0,0.5,1\n1,2,0\n2,1,1.5\n")
    first, second = classes.split(",")
    (tables / "y.csv").write_text(f",label\n2,{second}\n0,{first}\n1,{first}\n")
    expected = loss((ROWS["u"], 0), (ROWS["v"], 0), (ROWS["w"], 1))
    assert answers("compute", "x.csv", "y.csv", "-q", "--targets-are", "names") == [expected]


def test_a_table_of_keys_without_rows_is_refused(tables):
    (tables / "y.csv").write_text("id,label\n")
    done = nll("compute", "x.csv", "y.csv", "-q", "--id", "id")
    assert (done.code, done.out, "Traceback" in done.err) == (3, "", False), done.err


def test_the_key_needs_a_table(tables):
    (tables / "y.txt").write_text("0\n1\n0\n")
    assert "needs TARGETS as a table with that column" in nll("compute", "x.csv", "y.txt", "--id", "id").err


def test_logits_with_keys_are_as_they_are_without(tables):
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.dataset import open_dataset

    (tables / "y.csv").write_text("id,label\nw,1\nu,0\nv,1\n")
    own = open_dataset(InputOptions("x.csv", "y.csv", id="id")).logits
    assert (own.dtype, own.labels, own.n_bytes) == (own.logits.dtype, True, own.logits.n_bytes)
    (tables / "y.csv").write_text("id,label\nu,1\nv,0\nw,1\n")
    own = open_dataset(InputOptions("x.csv", "y.csv", drop="id")).logits
    assert own.labels == own.logits.labels


def test_probabilities_are_not_matched_by_keys(tables):
    (tables / "y.csv").write_text("id,a,b\nu,0.5,0.5\nv,0,1\nw,1,0\n")
    done = nll("compute", "x.csv", "y.csv", "--id", "id")
    assert (done.code, "have one class each, not probabilities" in done.err) == (3, True), done.err
