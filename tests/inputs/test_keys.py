"""Rows of two tables that belong together by their keys."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import oracle
import pyarrow as pa
import pytest
from following import answers, meanings, offered, outcomes, run
from in_process import nll
from pyarrow import feather, parquet

from nllcli.errors import DataError
from nllcli.inputs import keys, matching
from nllcli.inputs.tables.columns import Preview


def targets(names, values=None, missing="error"):
    values = np.arange(len(names)) if values is None else np.array(values)
    return keys.KeyedValues("y.csv", values, keys.digests(names), lambda i: f"line {i + 2}", missing, -100)


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


def test_an_index_with_other_names_too_may_be_left_out(tables):
    """One of the rows that were split off, beside one of row numbers."""
    (tables / "x.csv").write_text(",a,b\n0,0.5,1\n1,2,0\n2,1,1.5\n")
    (tables / "y.csv").write_text(",label\n17,a\n2,a\n0,b\n")
    words = ("compute", "x.csv", "y.csv", "-q")
    assert meanings(nll(*words)) == ["rows belong together by their names", "rows belong together as they come"]
    found = [number for _, number in outcomes(nll(*words))]
    assert found == [loss((ROWS["u"], 1), (ROWS["w"], 0)), loss((ROWS["u"], 0), (ROWS["v"], 0), (ROWS["w"], 1))]


def test_keys_of_which_some_are_numbers_do_not_name_columns(tables):
    (tables / "x.csv").write_text("id,a,b\n1,0.5,1\n02,2,0\na.jpg,1,1.5\nb.jpg,1,1.5\n")
    (tables / "y.csv").write_text("id,label\na.jpg,b\n02,a\n1,a\nb.jpg,b\n")
    expected = loss((ROWS["u"], 0), (ROWS["v"], 0), (ROWS["w"], 1), (ROWS["w"], 1))
    assert answers("compute", "x.csv", "y.csv", "-q") == [expected]


def test_a_table_of_keys_without_rows_is_refused(tables):
    (tables / "y.csv").write_text("id,label\n")
    done = nll("compute", "x.csv", "y.csv", "-q", "--id", "id")
    assert (done.code, done.out, "Traceback" in done.err) == (3, "", False), done.err


def test_the_key_needs_a_table(tables):
    (tables / "y.txt").write_text("0\n1\n0\n")
    assert "needs TARGETS as a table with that column" in nll("compute", "x.csv", "y.txt", "--id", "id").err


def test_logits_with_keys_are_as_they_are_without(tables):
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.opening import open_dataset

    (tables / "y.csv").write_text("id,label\nw,1\nu,0\nv,1\n")
    own = open_dataset(InputOptions("x.csv", "y.csv", id="id")).logits
    assert (own.dtype, own.labels, own.n_bytes) == (own.logits.dtype, True, own.logits.n_bytes)
    (tables / "y.csv").write_text("id,label\nu,1\nv,0\nw,1\n")
    own = open_dataset(InputOptions("x.csv", "y.csv", drop="id")).logits
    assert own.labels == own.logits.labels


# --- sample weights ---------------------------------------------------------------------------------------------------

WEIGHTS = {"u": 1.0, "v": 2.5, "w": 4.0}
LABELS = {"u": 0, "v": 1, "w": 1}


def weighted(keys="uvw"):
    weights = [WEIGHTS[key] for key in keys]
    found = oracle.reduce([ROWS[key] for key in keys], [LABELS[key] for key in keys], sample_weights=weights)
    return pytest.approx(float(found), rel=1e-14)


def put_keyed(name, heading, values, order="wuv", key="id"):
    Path(name).write_text(f"{key},{heading}\n" + "".join(f"{k},{values[k]}\n" for k in order))


@pytest.mark.parametrize("key", ["id", "name"])
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
@pytest.mark.usefixtures("tables")
def test_sample_weights_are_matched_by_the_key(kind, key):
    put_keyed("y.csv", "label", LABELS, "vwu", key)
    put_keyed("w.csv", "weight", WEIGHTS, key=key)
    if kind == "parquet":
        table = pa.table({key: list("wuv"), "weight": [WEIGHTS[k] for k in "wuv"]})
        parquet.write_table(table, "w.parquet")
    Path("w.jsonl").write_text("".join(json.dumps({key: k, "weight": WEIGHTS[k]}) + "\n" for k in "wuv"))
    names = "id" if key == "id" else "id=name"
    done = nll("compute", "x.csv", "y.csv", "--id", names, "--sample-weights", f"w.{kind}", "-q")
    assert float(done.out) == weighted(), done.err
    put_keyed("w.csv", "weight", WEIGHTS)  # the key may have the name that it has among the logits
    done = nll("compute", "x.csv", "y.csv", "--id", names, "--sample-weights", "w.csv:weight", "-q")
    assert float(done.out) == weighted(), done.err


def test_sample_weights_beside_the_targets(tables):
    rows = "".join(f"{k},{LABELS[k]},{WEIGHTS[k]},0.5\n" for k in "wvu")
    (tables / "y.csv").write_text("id,label,weight,other\n" + rows)
    words = ("compute", "x.csv", "y.csv:label", "--id", "id", "-q", "--sample-weights")
    assert float(nll(*words, "y.csv:weight").out) == weighted()
    assert weighted() in answers(*words, "y.csv")


def test_sample_weights_without_the_key_are_refused(tables):
    put_keyed("y.csv", "label", LABELS)
    (tables / "w.txt").write_text("1\n2\n3\n")
    done = nll("compute", "x.csv", "y.csv", "--id", "id", "--sample-weights", "w.txt", "-q")
    assert (done.code, "--id needs --sample-weights as a table with that column" in done.err) == (2, True)


@pytest.mark.usefixtures("tables")
def test_keys_of_sample_weights_on_one_side_alone():
    put_keyed("y.csv", "label", LABELS)
    put_keyed("w.csv", "weight", WEIGHTS, "uw")
    words = ("compute", "x.csv", "y.csv", "--id", "id", "--sample-weights", "w.csv", "-q")
    assert "w.csv has no weight for the key 'v'" in nll(*words).err
    assert answers(*words) == [weighted("uw")]
    assert "w.csv: 1 sample without a weight counted with weight 0" in nll(*words, "--missing", "ignore").err
    put_keyed("w.csv", "weight", WEIGHTS | {"z": 7.0}, "uzwv")
    assert "w.csv: has 1 key that the logits have not" in nll(*words).err
    assert answers(*words) == [weighted()]


@pytest.mark.parametrize("of_targets", ["id", None])
def test_sample_weights_whose_keys_are_in_another_order(of_targets, tables):
    if of_targets is None:
        (tables / "y.csv").write_text("0\n1\n1\n")
    else:
        put_keyed("y.csv", "label", LABELS, "uvw")
    put_keyed("w.csv", "weight", WEIGHTS, "uvw")
    words = ("compute", "x.csv", "y.csv", "--sample-weights", "w.csv", "-q")
    assert float(nll(*words).out) == weighted()
    put_keyed("w.csv", "weight", WEIGHTS)
    done = nll(*words)
    assert (done.code, "has the key 'u', and the same row of w.csv another one" in done.err) == (2, True), done.err
    if of_targets is not None:
        assert answers(*words) == [weighted()]


def test_sample_weights_whose_index_is_in_another_order(tables):
    (tables / "x.csv").write_text(",a,b\n0,0.5,1\n1,2,0\n2,1,1.5\n")
    (tables / "y.csv").write_text(",label\n0,0\n1,1\n2,1\n")
    (tables / "w.csv").write_text(",weight\n2,4\n0,1\n1,2.5\n")
    assert answers("compute", "x.csv", "y.csv", "--sample-weights", "w.csv", "-q") == [weighted()]


@pytest.mark.usefixtures("tables")
def test_logits_of_standard_input_are_not_read_twice():
    put_keyed("y.csv", "label", LABELS)
    put_keyed("w.csv", "weight", WEIGHTS)
    done = run("cat x.csv | nll compute - y.csv --id id --sample-weights w.csv -q")
    assert (done.code, "standard input: is read twice" in done.err) == (2, True), done.err


def test_probabilities_are_not_matched_by_keys(tables):
    (tables / "y.csv").write_text("id,a,b\nu,0.5,0.5\nv,0,1\nw,1,0\n")
    done = nll("compute", "x.csv", "y.csv", "--id", "id")
    assert (done.code, "have one class each, not probabilities" in done.err) == (3, True), done.err


def test_sample_weights_by_key_beside_targets_among_the_logits(tables):
    (tables / "x.csv").write_text("id,a,b,label\nu,0.5,1,0\nv,2,0,1\nw,1,1.5,1\n")
    put_keyed("w.csv", "weight", WEIGHTS)
    assert answers("compute", "x.csv", "--target-column", "label", "--sample-weights", "w.csv", "-q") == [weighted()]


def test_sample_weights_by_key_beside_targets_without(tables):
    (tables / "y.txt").write_text("0\n1\n1\n")
    put_keyed("w.csv", "weight", WEIGHTS)
    done = nll("compute", "x.csv", "y.txt", "--sample-weights", "w.csv", "-q")
    assert (done.code, "and the same row of w.csv another one" in done.err, offered(done)) == (2, True, [])


def test_loose_keys_of_sample_weights_are_told(tables):
    put_keyed("y.csv", "label", LABELS, "uvw")
    (tables / "w.csv").write_text("id,weight\n" + "".join(f"train/{k}.jpg,{WEIGHTS[k]}\n" for k in "wuv"))
    done = nll("compute", "x.csv", "y.csv", "--id", "id", "--sample-weights", "w.csv", "-q")
    assert (float(done.out), "w.csv: keys are compared without folders" in done.err) == (weighted(), True)


@pytest.mark.usefixtures("tables")
def test_an_empty_sample_weight_has_no_way_out():
    put_keyed("y.csv", "label", LABELS)
    put_keyed("w.csv", "weight", WEIGHTS | {"v": ""}, "wvu")
    for words in ((), ("--missing", "ignore")):
        done = nll("compute", "x.csv", "y.csv", "--id", "id", "--sample-weights", "w.csv", "-q", *words)
        assert (done.code, "the cell is empty" in done.err, offered(done)) == (3, True, []), done.err


# --- an index ---------------------------------------------------------------------------------------------------------

ORDER = [3, 1, 0, 2, 4]
SCORES = [[0.5, 1], [2, 0], [1, 1.5], [0.25, 3], [1.5, 0.75]]
TRUE = [0, 1, 1, 0, 1]


def numbered_logits(kind, name=str):
    if kind == "csv":
        rows = "".join(f"{name(i)},{SCORES[i][0]},{SCORES[i][1]}\n" for i in ORDER)
        Path("x.csv").write_text(",a,b\n" + rows)
    else:
        columns = {n: [SCORES[i][k] for i in ORDER] for k, n in enumerate("ab")}
        about = {"index_columns": ["__index_level_0__"], "columns": []}
        table = pa.table({**columns, "__index_level_0__": [name(i) for i in ORDER]})
        parquet.write_table(table.replace_schema_metadata({"pandas": json.dumps(about)}), "x.parquet")
    return f"x.{kind}"


def of_all(order=range(5)):
    return pytest.approx(float(oracle.reduce([SCORES[i] for i in order], TRUE)), rel=1e-14)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.usefixtures("tables")
def test_rows_numbered_in_another_order_are_asked_about(kind):
    """Beside targets without numbers, which may be in either order."""
    np.save("y.npy", TRUE)
    Path("y.csv").write_text("label\n" + "".join(f"{'ab'[y]}\n" for y in TRUE))
    for targets in ("y.npy", "y.csv"):
        words = ("compute", numbered_logits(kind, str if kind == "csv" else int), targets, "-q")
        assert answers(*words) == [of_all(), of_all(ORDER)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.usefixtures("tables")
def test_an_index_that_is_the_key_of_the_other_table(kind):
    Path("y.csv").write_text("file,label\n" + "".join(f"s{i},{'ab'[y]}\n" for i, y in enumerate(TRUE)))
    logits = numbered_logits(kind, "s{}".format)
    assert answers("compute", logits, "y.csv", "-q") == [of_all()]
    Path("y.csv").write_text(",label\n" + "".join(f"s{i},{'ab'[y]}\n" for i, y in enumerate(TRUE)))
    Path("x.csv").write_text("file,a,b\n" + "".join(f"s{i},{SCORES[i][0]},{SCORES[i][1]}\n" for i in ORDER))
    assert answers("compute", "x.csv", "y.csv", "-q") == [of_all()]


@pytest.mark.usefixtures("tables")
def test_numbers_beside_row_numbers_are_not_keys():
    Path("x.csv").write_text(",a,b\n" + "".join(f"{i},{a},{b}\n" for i, (a, b) in enumerate(SCORES)))
    Path("y.csv").write_text("label,age\n" + "".join(f"{'ab'[y]},{30 + y * i}\n" for i, y in enumerate(TRUE)))
    assert float(nll("compute", "x.csv", "y.csv:label", "-q").out) == of_all()


@pytest.mark.usefixtures("tables")
def test_arrow_from_a_pipe_is_looked_at_and_read():
    table = pa.table({"a": [row[0] for row in SCORES], "b": [row[1] for row in SCORES]})
    feather.write_feather(table, "x.feather")
    Path("y.csv").write_text("label,age\n" + "".join(f"{'ab'[y]},{30 + y}\n" for y in TRUE))
    done = run("cat x.feather | nll compute - y.csv:label -q")
    assert float(done.out) == of_all(), done.err


def test_keys_of_several_columns(tables):
    pairs = [(g, n) for g in "ab" for n in range(3)]
    scores = [(0.5, 1), (2, 0), (1, 1.5), (0.25, 3), (1.5, 0.75), (0, 1)]
    labels = [0, 1, 1, 0, 1, 0]
    rows = [f"{g},{n},{x},{y}\n" for (g, n), (x, y) in zip(pairs, scores, strict=True)]
    (tables / "x.csv").write_text("group,n,c,d\n" + "".join(rows))
    truth = [f"{g},{n},{'cd'[y]}\n" for (g, n), y in zip(pairs, labels, strict=True)]
    expected = pytest.approx(float(oracle.reduce(scores, labels)), rel=1e-14)
    (tables / "y.csv").write_text("group,n,label\n" + "".join(truth))
    assert float(nll("compute", "x.csv", "y.csv:label", "--drop", "group,n", "-q").out) == expected
    (tables / "y.csv").write_text("group,n,label\n" + "".join(reversed(truth)))
    found = [number for _, number in outcomes(nll("compute", "x.csv", "y.csv", "-q"))]
    assert found == [expected, pytest.approx(float(oracle.reduce(scores, labels[::-1])), rel=1e-14)]
    with gzip.open("y.csv.gz", "wt") as file:
        file.write("group,n,label\n" + "".join(reversed(truth)))
    assert [number for _, number in outcomes(nll("compute", "x.csv", "y.csv.gz", "-q"))] == found
    done = run("cat x.csv | nll compute - y.csv -q")
    assert meanings(done) == ["rows belong together as they come"]
