"""Columns and arrays cut out of text, judged by csv and json; and tables that are read so give what others give."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import nll

from nllcli.errors import DataError
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables import cells, cutting, json_arrays
from nllcli.inputs.tables.json_values import parse_lines
from nllcli.inputs.tables.lines import LineNumbers, clean_lines, in_memory, kept_lines

RNG = np.random.default_rng(11)
X = RNG.normal(0, 2, (60, 3)).round(4)
Y = RNG.integers(0, 3, 60)
CLASSES = ("cat", "dog", "horse")
NAMED = [CLASSES[y] for y in Y]
CELL = st.text('ab1.,;"# é', max_size=6)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", Y)
    return tmp_path


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(cutting, "_PIECE_BYTES", 40)


def write(name, rows, head=CLASSES, quoting=csv.QUOTE_MINIMAL, delimiter=","):
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=quoting, delimiter=delimiter, lineterminator="\n").writerows([head, *rows])


def expected():
    return nll("compute", "x.npy", "y.npy", "-q").out


def as_lines(rows, delimiter=","):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# --- columns of text --------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from(",;"))
def test_cut_columns_are_the_cells_that_csv_finds(rows, delimiter):
    body = as_lines(rows, delimiter)
    cut = cutting.cut_columns(body, 3, delimiter, [0, 2], [1])
    assert cut is not None
    both, one = cut
    assert cutting.texts(one) == [row[1].strip() for row in rows]
    assert list(csv.reader(io.StringIO(both.decode().removesuffix("\n") + "\n"), delimiter=delimiter)) == [
        [row[0], row[2]] for row in rows
    ]


@pytest.mark.parametrize(
    "body",
    [b"1,2\n3\n", b"1,2\n3,4,5\n", b"1\n2,3,4\n", b'1,2"\n', b'1,a"b"\n', b'1,"a"b\n', b'1,"a\n2,b"\n', b"1,\xff\n"],
)
def test_what_is_not_cut(body):
    assert cutting.cut_columns(body, 2, ",", [0]) is None


def test_blanks_as_delimiters():
    assert cutting.cut_columns(b" 1  2\ta \n3 4 b\n", 3, " ", [0, 1], [2]) == [b"1 2\n3 4\n", b"a\nb\n"]
    assert cutting.cut_columns(b'1 2 "a"\n', 3, " ", [2]) is None


def test_quotes_around_numbers():
    assert cutting.unquoted(b'"1","-2.5"\n') == b"1,-2.5\n"
    assert cutting.unquoted(b'"1""2",""\n') is None


@given(st.text(" \t\n1", max_size=12))
def test_single_blanks(text):
    body = (text + "\n").encode()
    rows = [re.sub("[ \t]+", " ", line).removesuffix(" ") for line in body.decode().split("\n")]
    wanted = "\n".join(row.removeprefix(" ") for row in rows)
    assert cells.single_blanks(body).decode() == wanted


def test_rows_whose_quotes_go_on_in_the_next_line():
    lines = ['a" ,"b', "c"]
    assert cells.split_all(lines, ",", str) == [['a" ', "b"], ["c"]]
    with pytest.raises(DataError, match="1: cannot be read as a table"):
        cells.split_all(["a", f'"{"x" * 200_000}"'], ",", str)


@given(st.text(' \t\n#a"', max_size=14))
def test_lines_that_go(text):
    found, numbers = kept_lines((text + "\na\n").encode(), "x")
    if text.count('"') == 0:
        wanted = [
            (i, line)
            for i, line in enumerate((text + "\na").split("\n"), 1)
            if line.strip(" \t") and not line.lstrip(" \t").startswith("#")
        ]
        assert [(numbers.of(i), line.decode()) for i, line in enumerate(found)] == wanted


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("label", ["names", "numbers", "fractions"])
def test_targets_and_other_columns_between_the_numbers(label, quoting):
    targets = {"names": NAMED, "numbers": Y.tolist(), "fractions": [f"{y}.0" for y in Y]}[label]
    rows = [[f'é, "{i}"', *row[:2], y, row[2]] for i, (row, y) in enumerate(zip(X.tolist(), targets, strict=True))]
    write("x.csv", rows, ("note", *CLASSES[:2], "target", CLASSES[2]), quoting)
    run = nll("compute", "x.csv", "--target-column", "target", "--drop", "note", "-q")
    assert run.out == expected()
    assert ("whole numbers in column 4" in run.err) == (label == "fractions")


@pytest.mark.parametrize("label", ["names", "numbers"])
def test_rows_by_key(label):
    order = RNG.permutation(60)
    write("x.csv", [[f"r{i}", *row] for i, row in enumerate(X.tolist())], ("id", *CLASSES))
    targets = NAMED if label == "names" else Y.tolist()
    write("y.csv", [[f"r{i}", targets[i]] for i in order], ("id", "label"))
    assert nll("compute", "x.csv", "y.csv", "--id", "id", "-q").out == expected()


def test_a_decimal_comma_beside_names():
    rows = [
        [*(f"{v!r}".replace(".", ",") for v in row), f"{name}. "] for row, name in zip(X.tolist(), NAMED, strict=True)
    ]
    write("x.csv", rows, (*(f"{name}." for name in CLASSES), "target"), delimiter=";")
    words = ("compute", "x.csv", "--target-column", "target", "--decimal", "comma", "-q")
    assert nll(*words).out == expected()


def test_quoted_names_between_blanks(folder):
    rows = (" ".join(map(repr, row)) + f' "{name}"\n' for row, name in zip(X.tolist(), NAMED, strict=True))
    (folder / "x.txt").write_text("".join(rows))
    words = ("--target-column", "4", "--classes", ",".join(CLASSES), "-q")
    assert nll("compute", "x.txt", *words).out == expected()


def test_a_cell_of_several_lines(folder):
    rows = [",".join(map(repr, row)) + f',{name},"a"\n' for row, name in zip(X.tolist(), NAMED, strict=True)]
    rows[50] = rows[50].replace('"a"', '"a\n\nb"')
    (folder / "x.csv").write_text("cat,dog,horse,target,note\n" + "".join(rows))
    assert nll("compute", "x.csv", "--target-column", "target", "--drop", "note", "-q").out == expected()
    rows[55] = rows[55].replace("0.", "0.x", 1)
    (folder / "x.csv").write_text("cat,dog,horse,target,note\n" + "".join(rows))
    assert "x.csv, line 59, column" in nll("compute", "x.csv", "--target-column", "target", "--drop", "note").err


def test_a_quote_that_is_never_closed():
    lines = clean_lines(in_memory(b'a,b\n1,"x\n2,3\n', "x"), LineNumbers(), delimiter=",")
    with pytest.raises(DataError, match="a quote is opened and not closed") as caught:
        list(lines)
    assert caught.value.where == "x, line 2, column 2"


def test_a_total_of_fewer_cells(folder):
    rows = "".join(",".join(map(repr, row)) + "\n" for row in X.tolist())
    (folder / "x.csv").write_text(f"cat,dog,horse\n{rows}total,1\n")
    run = nll("compute", "x.csv", "y.npy")
    assert "x.csv, line 62: has 2 cells, the first row has 3" in run.err
    assert "head -n 61 x.csv" in run.err


def test_rows_of_twice_as_many_cells():
    assert "decimal commas?" in str(cells.ragged(["1", "5", "2", "5"], 2, "x").hint)


def test_numbers_in_rows_of_another_length():
    assert cells.parse_plain(b"1, 2\n3, 4\n", 2, 3, ",") is None


@pytest.mark.parametrize(
    ("put", "message"),
    [
        ("0.5,1x,2,cat", "column 2: '1x' is not a number"),
        ('0.5,"1x",2,cat', "column 2: '1x' is not a number"),
        ('0.5,"1""2",2,cat', "column 2: '1\"2' is not a number"),
        ("0.5,1e999,2,cat", "column 2: '1e999' is too large for a float64"),
        ("0.5,1,2,bird", "column 4: target 'bird' is none of the classes"),
        ("0.5,1,2,", "column 4: the target is missing"),
        ("0.5,1,2", "has 3 cells, the first row has 4"),
        ("0.5,1,2,3,cat", "has 5 cells, the first row has 4"),
    ],
)
def test_errors_say_where(put, message, folder):
    rows = [",".join(map(repr, row)) + f",{name}" for row, name in zip(X.tolist(), NAMED, strict=True)]
    rows[40] = put
    (folder / "x.csv").write_text("cat,dog,horse,target\n" + "\n".join(rows) + "\n")
    run = nll("compute", "x.csv", "--target-column", "target")
    assert run.code == 3
    assert f"x.csv, line 42, {message}".replace("42, has", "42: has") in run.err.split("\n")[0]


def test_text_that_is_not_utf_8_is_told_in_any_column(folder):
    rows = [",".join(map(repr, row)).encode() + b",a" + b"b" * 4000 + b",cat\n" for row in X.tolist()]
    rows[50] = rows[50].replace(b",a", b",\xff")
    (folder / "x.csv").write_bytes(b"cat,dog,horse,note,target\n" + b"".join(rows))
    run = nll("compute", "x.csv", "--target-column", "target", "--drop", "note")
    assert "x.csv, line 52: byte 0xff is not UTF-8" in run.err


@pytest.mark.parametrize("form", ["{}", " {}", "array({})"])
def test_cells_that_list_numbers(form):
    lists = [str(row) for row in X.tolist()]
    lists[40:] = map(form.format, lists[40:])
    write("x.csv", [*zip(lists, NAMED, strict=True)], ("logits", "target"))
    run = nll("compute", "x.csv", "--target-column", "target", "--classes", ",".join(CLASSES), "-q")
    assert run.out == expected()


@pytest.mark.parametrize(
    ("put", "message"),
    [("id,label", "is the header again"), (",", "all cells are empty"), ("k,bird", "none of the classes")],
)
def test_rows_of_names_that_are_not_samples(put, message, folder):
    write("x.csv", [[f"r{i}", *row] for i, row in enumerate(X.tolist())], ("id", *CLASSES))
    rows = [f"r{i},{name}" for i, name in enumerate(NAMED)]
    (folder / "y.csv").write_text("\n".join(["id,label", *rows[:5], put, *rows[5:]]) + "\n")
    assert message in nll("compute", "x.csv", "y.csv", "--id", "id").err


def test_samples_without_logits_among_others(folder):
    rows = [",".join(map(repr, row)) for row in X.tolist()]
    rows[3], rows[7] = "NA,1,2", "1,,2"
    (folder / "x.csv").write_text("cat,dog,horse\n" + "\n".join(rows) + "\n")
    run = nll("compute", "x.csv", "y.npy", "--missing", "ignore", "-f", "json").json
    kept = np.delete(np.arange(60), [3, 7])
    np.save("x2.npy", X[kept])
    np.save("y2.npy", Y[kept])
    assert run["loss_sum"] == nll("compute", "x2.npy", "y2.npy", "-f", "json").json["loss_sum"]
    assert run["n_ignored"] == 2
    rows[9] = "1,2,x"
    (folder / "x.csv").write_text("cat,dog,horse\n" + "\n".join(rows) + "\n")
    assert "line 11, column 3: 'x' is not a number" in nll("compute", "x.csv", "y.npy", "--missing", "ignore").err


# --- columns of targets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["%.1f", "%.18e", " %d", "%d\r"])
def test_numbers_a_line(written):
    np.savetxt("y.txt", Y, written)
    assert nll("compute", "x.npy", "y.txt", "-q").out == expected()


def test_a_number_that_is_not_an_index_is_the_first_one(folder):
    (folder / "y.txt").write_text("".join(f"{y}.0\n" for y in Y[:50]) + "0.5\n1.5\n" + "1.0\n" * 8)
    assert "y.txt, line 51: target '0.5' is not a class index" in nll("compute", "x.npy", "y.txt").err


def test_the_first_number_that_no_class_has():
    reader = LabelReader(("10", "20"), numeric=True, what="text", numbering={10: 0, 20: 1})
    assert reader.read(["20", "10.0", "-100", None], str).tolist() == [1, 0, -100, -100]
    with pytest.raises(DataError, match=r"^2: target 30 is none of the classes 10, 20"):
        reader.read(["20", "10", "30", "40"], str)


@pytest.mark.parametrize("put", ["1.0", "1", "0.25"])
def test_probabilities_a_line(put, folder):
    z = X[:, 0]
    np.save("z.npy", z)
    p = [*RNG.random(58).tolist(), 0.5, float(put)]
    (folder / "p.txt").write_text("".join(f"{v!r}\n" for v in p[:-1]) + put + "\n")
    np.save("p.npy", np.array(p))
    run = nll("compute", "z.npy", "p.txt", "--binary", "-q")
    assert run.out == nll("compute", "z.npy", "p.npy", "--binary", "-q").out != ""


@pytest.mark.parametrize("form", ['"{}"', "{}\t", "  {} ", "{}"])
def test_names_a_line(form, folder):
    lines = [*NAMED[:40], *map(form.format, NAMED[40:])]  # the first ones show what the file is
    (folder / "y.txt").write_text("\n".join(lines) + "\n")
    words = ("--classes", ",".join(CLASSES), "-q")
    assert nll("compute", "x.npy", "y.txt", *words).out == expected()
    (folder / "y.txt").write_text("cat\n" * 50 + "bird\n" + "cow\n" + "cat\n" * 8)
    assert "y.txt, line 51: target 'bird' is none of the classes" in nll("compute", "x.npy", "y.txt", *words).err


def test_the_first_missing_name_is_told_and_all_are_counted(folder):
    lines = [*NAMED]
    lines[20] = lines[30] = "NA"
    lines[25] = ""
    (folder / "y.csv").write_text("i,label\n" + "".join(f"{i},{name}\n" for i, name in enumerate(lines)))
    words = ("compute", "x.npy", "y.csv:label", "--classes", ",".join(CLASSES))
    assert "y.csv, line 22, column 2: target 'NA' is missing" in nll(*words).err
    run = nll(*words, "--missing", "ignore", "-f", "json")
    assert run.json["n_ignored"] == 3
    assert "3 samples without a target" in run.err


# --- JSON -------------------------------------------------------------------------------------------------------------

NUMBER = st.one_of(
    st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-200).map(repr),
    st.integers(-(10**9), 10**9).map(str),
    st.sampled_from(["1e5", "-2E-3", "0", "-0.0"]),
)
BETWEEN = st.sampled_from([",", ", ", " , ", ",\t"])


@given(st.lists(st.lists(NUMBER, min_size=2, max_size=2), min_size=1, max_size=4), BETWEEN, st.sampled_from(["", " "]))
def test_arrays_are_what_json_reads(rows, between, end):
    lines = ['{"id": "a", "logits": [' + end + between.join(row) + end + '], "y": 1}' for row in rows]
    cut = json_arrays.cut_arrays("".join(line + "\n" for line in lines).encode(), 2)
    assert cut is not None
    wanted = np.array([json.loads(line)["logits"] for line in lines], np.float64)
    assert cut[0].tobytes() == wanted.tobytes()
    assert [json.loads(line) for line in cut[1].splitlines()] == [{"id": "a", "logits": [], "y": 1}] * len(rows)


ODD = (
    *("+1,2", "01,2", "-01,2", ".5,2", "-.5,2", "1.,2", "1.e5,2", "1 2,3", "1,2,3", "1", "1,", ",1", "", "-,2", "-0,2"),
    *("NaN,1", "Infinity,1", "1e999,2", "null,1", '"1",2', "[1,2]", "1e,2", "12345678901234567890123,1"),
)


@pytest.mark.parametrize("row", ODD)
def test_arrays_that_are_not_cut(row):
    assert json_arrays.cut_arrays(f"[1,2]\n[{row}]\n".encode(), 2) is None


@pytest.mark.parametrize("body", [b"]1,2[\n", b"[1,2]\n[1,2][1,2]\n1\n", b"1\n", b"[1,2\n]\n"])
def test_brackets_that_are_not_an_array_a_line(body):
    assert json_arrays.cut_arrays(body, 2) is None


def test_lines_are_parsed_together_as_each_alone():
    assert parse_lines(b'{"a": 1}\n 2 \n"\\u00e9"\n') == [{"a": 1}, 2, "é"]
    for body in (
        b"[1\n2]\n",
        b"1,2\n",
        b"[1,2\n3],4\n",
        b'{"a":1,"a":2}\n',
        b'"\\u0001"\n',
        b"\xff\n",
        b"[" * 9000 + b"\n",
    ):
        assert parse_lines(body) is None


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("form", ["lists", "records", "named", "objects", "text", "numbers in text"])
def test_lines_of_json(form, folder):
    rows = X.tolist()
    samples = {
        "lists": rows,
        "records": [{"logits": row, "target": int(y)} for row, y in zip(rows, Y, strict=True)],
        "named": [
            {"id": f"r[{i}", "logits": row, "label": y} for i, (row, y) in enumerate(zip(rows, NAMED, strict=True))
        ],
        "objects": [{**dict(zip(CLASSES, row, strict=True)), "target": y} for row, y in zip(rows, NAMED, strict=True)],
        "text": [{"logits": str(row), "target": int(y)} for row, y in zip(rows, Y, strict=True)],
        "numbers in text": [{"logits": list(map(str, row)), "target": int(y)} for row, y in zip(rows, Y, strict=True)],
    }[form]
    (folder / "x.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    words = {"lists": ["y.npy"], "named": ["--target-column", "label", "--classes", ",".join(CLASSES)]}.get(form, [])
    assert nll("compute", "x.jsonl", *words, "-q").out == expected()


def test_a_target_within_the_logits(folder):
    rows = [{"logits": [*row[:2], float(y)]} for row, y in zip(X.tolist(), Y, strict=True)]
    (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    np.save("x3.npy", np.array([row["logits"] for row in rows]))
    run = nll("compute", "x.jsonl", "--target-column", "logits.2", "-q")
    assert run.out == nll("compute", "x3.npy", "y.npy", "-q").out != ""


@pytest.mark.parametrize(
    ("put", "message"),
    [
        ('{"logits": [1, 2, +3], "target": 0}', "line 41: is not valid JSON"),
        ('{"logits": [1, 2], "target": 0}', "line 41: has 2 logits, the first line has 3"),
        ('{"logits": [1, 2, 1e999], "target": 0}', "line 41: cannot be read: '1e999' is too large"),
        ('{"logits": [1, 2, 3]}', "line 41: has no target"),
        ('{"logits": [1, 2, null], "target": 0}', "line 41, value 3: 'null' is not a number"),
        ('{"logits": [1, 2, 3], "target": [0, 1]}', "line 41: target '[0, 1]' is not a class index"),
        ('{"logits": [1, 2, 3], "target": 0.5}', "line 41: target '0.5' is not a class index"),
        ('{"logits": null, "target": 0}', "line 41: has no logits"),
        ('{"logits": [1, 2, 3], "target": 0, "target": 1}', "line 41: cannot be read: a name occurs twice"),
        (f'{{"logits": [1, 2, 1{"0" * 400}], "target": 0}}', "line 41: has an integer too large for a float64"),
    ],
)
def test_errors_in_lines_of_json_say_where(put, message, folder):
    lines = [json.dumps({"logits": row, "target": int(y)}) for row, y in zip(X.tolist(), Y, strict=True)]
    lines[40] = put
    (folder / "x.jsonl").write_text("\n".join(lines) + "\n")
    assert f"x.jsonl, {message}" in nll("compute", "x.jsonl").err


def test_a_target_in_lines_of_lists(folder):
    lines = [json.dumps(row) for row in X.tolist()]
    lines[40] = '{"logits": [1, 2, 3], "target": 0}'
    (folder / "x.jsonl").write_text("\n".join(lines) + "\n")
    assert "x.jsonl, line 41: has a target, unlike the first line" in nll("compute", "x.jsonl", "y.npy").err


def test_labels_of_a_table_in_their_order():
    write("x.csv", [[*row, f'{name}, "x"'] for row, name in zip(X.tolist(), NAMED, strict=True)], (*CLASSES, "target"))
    opened = open_input("x.csv")
    table = opened.read(ReadOptions(holds="logits", target_column="target"))
    assert [*table.texts()] == [f'{name}, "x"' for name in NAMED]
