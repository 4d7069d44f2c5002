"""Groups of samples: labels in files of every kind, or the index along an axis, in the order of the logits."""

import gzip
import io
import itertools
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import oracle
import pyarrow as pa
import pytest
from following import answers
from pyarrow import parquet

from nllcli.data.blocks import Scratch
from nllcli.data.dataset import Piece
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.groups import integers, texts
from nllcli.inputs.opening import open_dataset

RNG = np.random.default_rng(23)
N, C = 40, 3
DOCUMENTS = np.repeat([7, -2, 7, 30, 4], [9, 11, 5, 8, 7])
NAMES = [{7: "ann", -2: "bob", 30: "Ann", 4: "eve, b."}[label] for label in DOCUMENTS.tolist()]


def numbered_logits(*shape, axis=-1):
    """Logits: those of the first class are the number of each sample in the order of the targets, and a quarter."""
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) + 0.25
    return np.stack([values, *RNG.normal(size=(C - 1, *shape))], axis=axis)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", numbered_logits(N))
    np.save("y.npy", RNG.integers(0, C, N))
    np.savetxt("x.csv", np.load("x.npy"), delimiter=",")
    return tmp_path


def opened(groups, logits="x.npy", targets="y.npy", **options):
    return open_dataset(InputOptions(logits, targets, groups=groups, **options))


def read(source, n=7):
    """The number of each sample in the order of the targets, and that of its group."""
    found = []
    for chunk in source.chunks(n):
        block = chunk.load(Scratch())
        assert block.groups.dtype == np.int64
        found += zip(block.logits[:, 0].astype(int).tolist(), block.groups.tolist(), strict=True)
    return found


def check(dataset, labels, n=7):
    """Compare the groups with the labels of all samples, in the order of the targets; the number of each label."""
    found, numbers = read(dataset, n), {}
    assert sorted(i for i, _ in found) == list(range(len(labels)))
    for i, group in found:
        assert numbers.setdefault(labels[i], group) == group
    assert sorted(numbers.values()) == list(range(len(numbers)))
    assert dataset.groups.n_groups == len(numbers)
    n_runs = len(list(itertools.groupby(group for _, group in found)))
    assert dataset.groups.lie_together == (n_runs == len(numbers))
    assert dataset.groups.n == len(labels)
    return numbers


def refused(kind, *words, **options):
    with pytest.raises(kind) as caught:
        read(opened(*words, **options))
    return caught.value


# --- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i1", "i2", "<i4", ">i4", "i8", ">i8", "f2", "f4", "f8"])
def test_integers_of_any_width(dtype):
    np.save("g.npy", DOCUMENTS.astype(dtype))
    dataset = opened("g.npy")
    assert check(dataset, DOCUMENTS.tolist()) == {-2: 0, 4: 1, 7: 2, 30: 3}
    assert [note.code for note in dataset.notes] == ["groups-as-floats"] * (dtype[0] == "f")
    assert (dataset.groups.name, dataset.groups.place(3, dataset.layout)) == ("g.npy", "row 3")


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_unsigned_integers(dtype):
    labels = np.iinfo(dtype).max - np.array([0, 0, 5, 5, 2] * 8).astype(dtype)
    np.save("g.npy", labels)
    numbers = check(opened("g.npy"), labels.tolist())
    assert sorted(numbers, key=numbers.get) == sorted(numbers)


def test_booleans():
    np.save("g.npy", DOCUMENTS > 5)
    assert check(opened("g.npy"), (DOCUMENTS > 5).tolist()) == {False: 0, True: 1}


@pytest.mark.parametrize("sizes", [(1 << 18, 1 << 18), (3, 1), (8, 0)], ids=str)
@pytest.mark.parametrize("labels", ["few", "random", "sorted", "counted", "one"])
def test_integers_piece_by_piece(labels, sizes, monkeypatch):
    """Whatever the pieces in which they are read, and how many wait to be merged."""
    monkeypatch.setattr(integers, "_PIECE_SAMPLES", sizes[0])
    monkeypatch.setattr(integers, "_MOST_WAITING", sizes[1])
    values = {
        "few": RNG.integers(-3, 3, N) * 10,
        "random": RNG.integers(-(2**62), 2**62, N),
        "sorted": np.sort(RNG.integers(0, 2**50, 15).repeat(3)[:N]),
        "counted": np.arange(N) // 4 - 5,
        "one": np.full(N, 9),
    }[labels]
    np.save("g.npy", values)
    for n in (1, 7, 100):
        numbers = check(opened("g.npy"), values.tolist(), n)
        assert sorted(numbers, key=numbers.get) == sorted(set(values.tolist()))


@pytest.mark.parametrize("labels", [DOCUMENTS, np.array(NAMES), np.array([name.encode() for name in NAMES])])
def test_members_of_archives_and_compressed_arrays(labels):
    np.savez_compressed("g.npz", a=labels, b=labels[:3])
    check(opened("g.npz:a"), labels.tolist())
    Path("g.npy.gz").write_bytes(gzip.compress(npy(labels)))
    check(opened("g.npy.gz"), labels.tolist())


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


@pytest.mark.parametrize("value", ["é", b"\xc3\xa9", " ann "])
def test_strings_in_an_array(value):
    labels = np.array([value, value.strip(), value, "zoe" if isinstance(value, str) else b"zoe"] * 10)
    np.save("g.npy", labels)
    dataset = opened("g.npy")
    assert list(check(dataset, [label.strip() for label in labels.tolist()]).values()) == [0, 1]
    assert dataset.groups.place(3, dataset.layout) == "row 3"


@pytest.mark.parametrize("piece", [1, 3, 1 << 15])
def test_strings_piece_by_piece(piece, monkeypatch):
    monkeypatch.setattr(texts, "_PIECE_SAMPLES", piece)
    np.save("g.npy", np.array(NAMES))
    check(opened("g.npy"), NAMES)
    np.save("g.npy", np.array([*NAMES[:-1], ""]))
    assert str(refused(DataError, "g.npy")) == "g.npy, index 39: the label is empty"


# --- shapes and orders ------------------------------------------------------------------------------------------------

SHAPES = [(5,), (3, 4), (2, 3, 4), (1, 3), (3, 1), (2, 1, 3)]


def save(shape, axis, order):
    logits = numbered_logits(*shape, axis=axis)
    np.save("x.npy", np.asarray(logits, order=order))
    np.save("y.npy", RNG.integers(0, C, shape))


@pytest.mark.parametrize("n", [1, 4, 100])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("class_axis", [1, -1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_index_along_an_axis(shape, class_axis, order, n):
    save(shape, class_axis, order)
    for axis in range(-len(shape), len(shape)):
        dataset = opened(f"axis:{axis}", class_axis=class_axis % (len(shape) + 1))
        numbers = check(dataset, [index[axis] for index in np.ndindex(*shape)], n)
        assert all(label == number for label, number in numbers.items())
        assert (dataset.groups.name, dataset.groups.place(0, dataset.layout)) == (
            f"axis:{axis}",
            dataset.layout.place(0),
        )


@pytest.mark.parametrize("kind", ["integers", "text"])
@pytest.mark.parametrize("own", ["C", "F"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_labels_in_the_shape_of_the_targets(shape, order, own, kind):
    save(shape, 1, order)
    labels = RNG.integers(0, 4, shape)
    if kind == "text":
        labels = np.array(["a", "b", "c", "d"])[labels]
    np.save("g.npy", np.asarray(labels, order=own))
    check(opened("g.npy", class_axis=1), labels.ravel().tolist())


@pytest.mark.parametrize("labels", [[5, 5, 9], [5, 9, 5], [9, 7, 5], [4, 4, 4]], ids=str)
@pytest.mark.parametrize("kind", ["npy", "strings", "txt", "csv:doc"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2), (3, 5, 1)], ids=str)
def test_a_label_for_each_row(shape, order, kind, labels):
    save(shape, 1, order)
    if kind in ("npy", "strings"):
        np.save("g.npy", np.array(labels) if kind == "npy" else np.array(labels).astype(str))
    else:
        Path("g.txt").write_text("".join(f"{label}\n" for label in labels))
        Path("g.csv").write_text("doc,n\n" + "".join(f"{label},1\n" for label in labels))
    dataset = opened("g.npy" if kind == "strings" else f"g.{kind}", class_axis=1)
    for n in (1, 4, 100):
        check(dataset, [labels[index[0]] for index in np.ndindex(*shape)], n)
    assert dataset.groups.read(3, 0).size == 0
    assert dataset.groups.place(0, dataset.layout) == dataset.layout.place(0)


def test_one_sample():
    np.save("x.npy", np.zeros(C))
    np.save("y.npy", np.array(1))
    np.save("g.npy", np.array([12]))
    check(opened("g.npy"), [12])
    error = refused(UsageError, "axis:0")
    assert "is not an axis of the targets' shape ()" in str(error)
    assert [remedy.settings for remedy in error.remedies] == [{"groups": None}]


def test_no_samples():
    np.save("x.npy", np.zeros((0, C)))
    np.save("y.npy", np.zeros(0, int))
    np.save("g.npy", np.zeros(0, int))
    np.save("s.npy", np.zeros(0, "U3"))
    for word in ("g.npy", "s.npy", "axis:0"):
        groups = opened(word).groups
        assert (groups.n, groups.n_groups, groups.lie_together) == (0, 0, True)


def test_soft_targets_binary_logits_and_shifted_targets():
    np.save("g.npy", DOCUMENTS)
    np.save("y.npy", RNG.dirichlet(np.ones(C), N))
    check(opened("g.npy"), DOCUMENTS.tolist())
    np.save("y.npy", RNG.integers(0, 2, N))
    np.save("x.npy", np.arange(float(N)))
    check(opened("g.npy", binary=True), DOCUMENTS.tolist())
    save((2, 20), -1, "C")
    np.save("g.npy", DOCUMENTS.reshape(2, 20))
    check(opened("g.npy", shift=1, class_axis=2), DOCUMENTS.tolist())
    check(opened("axis:0", shift=1, class_axis=2), [0] * 20 + [1] * 20)


# --- text and tables --------------------------------------------------------------------------------------------------


def put(name, labels, heading=""):
    Path(name).write_text(heading + "".join(f'"{label}"\n' if "," in str(label) else f"{label}\n" for label in labels))


@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_a_label_a_line(logits):
    put("g.txt", DOCUMENTS)
    assert check(opened("g.txt", logits), DOCUMENTS.tolist()) == {-2: 0, 4: 1, 7: 2, 30: 3}
    put("g.txt", NAMES)
    dataset = opened("g.txt", logits)
    assert list(check(dataset, NAMES).values()) == [0, 1, 2, 3]
    assert dataset.groups.place(3, dataset.layout) == "line 4"


def test_integers_are_compared_as_such_where_all_are():
    labels = [["1", "01", "+1", "1.0", "2"][i % 5] for i in range(N)]
    put("g.txt", labels)
    dataset = opened("g.txt")
    assert dataset.groups.n_groups == 2
    assert {(label, group) for (_, group), label in zip(read(dataset), labels, strict=True)} == {
        *((label, 0) for label in ("1", "01", "+1", "1.0")),
        ("2", 1),
    }
    for other in ("2b", "9223372036854775808", "0.5"):
        labels[-1] = other
        put("g.txt", labels)
        check(opened("g.txt"), labels)


@pytest.mark.parametrize("name", ["user {}", "{} of 9", "a b c{}", "{} x"])
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_labels_of_several_words(name, logits):
    labels = [name.format(label) for label in DOCUMENTS]
    put("g.txt", labels)
    check(opened("g.txt", logits), labels)


@pytest.mark.parametrize(("heading", "names"), [("", ("1", "2")), ("doc user\n", ("doc", "user"))])
def test_a_table_of_numbers_between_blanks_is_asked_about(heading, names):
    put("g.txt", [f"{label} {i}" for i, label in enumerate(DOCUMENTS)], heading)
    words = [remedy.settings["groups"] for remedy in refused(UsageError, "g.txt").remedies]
    assert words == [f"g.txt:{name}" for name in names]
    for word, labels in zip(words, (DOCUMENTS.tolist(), range(N)), strict=True):
        check(opened(word), labels)


def test_a_header_above_numbers():
    put("g.csv", DOCUMENTS, "doc\n")
    dataset = opened("g.csv")
    check(dataset, DOCUMENTS.tolist())
    assert [note.message for note in dataset.notes] == ["g.csv: the first line, 'doc', is a header"]


def test_a_header_above_names_is_asked_about():
    put("g.txt", NAMES, "user\n")
    error = refused(DataError, "g.txt")
    assert str(error) == "g.txt: has shape (41,), but x.npy of shape (40, 3) needs groups of shape (40,)"
    assert [remedy.meaning for remedy in error.remedies] == ["the first line is a header"]
    error = refused(DataError, "g.txt", "x.csv")
    assert str(error) == "g.txt: has 41 values, but x.csv has 40 samples"
    assert [remedy.meaning for remedy in error.remedies] == ["the first line is a header"]
    put("g.txt", NAMES[2:], "user\n")
    assert refused(DataError, "g.txt").remedies == ()
    np.save("g.npy", [*NAMES, "x"])
    assert refused(DataError, "g.npy").remedies == ()


TABLE = {"n": list(range(N)), "doc": DOCUMENTS.tolist(), "user": NAMES, "share": [i + 0.5 for i in range(N)]}


def write_table(name, columns):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if name.endswith("parquet"):
        parquet.write_table(pa.table(columns), name, row_group_size=7)
    elif name.endswith("feather"):
        pa.feather.write_feather(pa.table(columns), name)
    elif name.endswith("jsonl"):
        Path(name).write_text("".join(json.dumps({"meta": row, **row}) + "\n" for row in rows))
    else:
        cut = "\t" if name.endswith("tsv") else ","
        quoted = [[f'"{cell}"' if cut in str(cell) else str(cell) for cell in row.values()] for row in rows]
        Path(name).write_text("".join(cut.join(row) + "\n" for row in [list(columns), *quoted]))


@pytest.mark.uncounted
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "jsonl"])
def test_a_column_of_a_table(kind, logits):
    write_table(f"g.{kind}", TABLE)
    numbers = check(opened(f"g.{kind}:doc", logits), DOCUMENTS.tolist())
    assert numbers == {-2: 0, 4: 1, 7: 2, 30: 3}
    dataset = opened(f"g.{kind}:user", logits)
    check(dataset, NAMES)
    assert dataset.groups.name == f"g.{kind}:user"
    assert dataset.groups.place(3, dataset.layout) == ("row 3" if kind == "parquet" else f"line {4 + ('sv' in kind)}")
    if kind == "jsonl":
        check(opened("g.jsonl:meta.user", logits), NAMES)
    write_table(f"g.{kind}", {"user": NAMES})
    check(opened(f"g.{kind}:user", logits), NAMES)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_the_only_column_of_a_table(kind):
    columns = {"user": NAMES}
    if kind == "parquet":
        write_table("g.parquet", columns)
    else:
        Path("g.jsonl").write_text("".join(json.dumps({"user": name}) + "\n" for name in NAMES))
    check(opened(f"g.{kind}"), NAMES)


def test_lists_in_json():
    Path("g.json").write_text(json.dumps(NAMES))
    check(opened("g.json"), NAMES)
    Path("g.jsonl").write_text("".join(f"{label}\n" for label in DOCUMENTS))
    check(opened("g.jsonl"), DOCUMENTS.tolist())
    Path("g.jsonl").write_text("[1, 2.5]\n" * N)
    assert str(refused(DataError, "g.jsonl")) == "g.jsonl: has several values a sample; a group has one label"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (pa.array(DOCUMENTS.tolist(), pa.int16()), DOCUMENTS.tolist()),
        (pa.array([float(x) for x in DOCUMENTS]), DOCUMENTS.tolist()),
        (pa.array([bool(x > 5) for x in DOCUMENTS]), (DOCUMENTS > 5).tolist()),
        (pa.array([2**64 - 1 - int(x > 5) for x in DOCUMENTS], pa.uint64()), (DOCUMENTS > 5).tolist()),
        (pa.array(NAMES).dictionary_encode(), NAMES),
        (pa.array([name.encode() for name in NAMES]), NAMES),
    ],
    ids=["int16", "double", "bool", "uint64", "dictionary", "binary"],
)
def test_types_of_arrow(values, labels):
    parquet.write_table(pa.table({"g": values, "n": range(N)}), "g.parquet", row_group_size=9)
    dataset = opened("g.parquet:g")
    check(dataset, labels)
    assert [note.code for note in dataset.notes] == ["groups-as-floats"] * (values.type == pa.float64())


def test_the_index_of_a_data_frame_is_not_asked_about():
    rows = zip(range(N), DOCUMENTS, strict=True)
    Path("g.csv").write_text(",doc\n" + "".join(f"{i},{label}\n" for i, label in rows))
    check(opened("g.csv"), DOCUMENTS.tolist())


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_table_of_several_columns(kind):
    write_table(f"g.{kind}", TABLE | {"empty": [None if kind != "csv" else ""] * N})
    error = refused(UsageError, f"g.{kind}")
    assert "columns; which of them has the groups?" in str(error)
    named = [remedy.settings["groups"].removeprefix(f"g.{kind}:") for remedy in error.remedies]
    assert [name for name in named if not name.startswith("meta.")] == ["doc", "user", "n"]  # a key comes last
    for remedy in error.remedies:
        read(opened(remedy.settings["groups"]))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("g.csv:doc", "n,doc\n1,7\n2,8\n3,\n4,9\n", "g.csv, line 4: the label is empty"),
        ("g.csv:doc", "n,doc\n1,a\n2,b\n3,\n4,c\n", "g.csv, line 4: the label is empty"),
        ("g.csv:doc", 'n,doc\n1,"a,b"\n2,b\n3," "\n4,c\n', "g.csv, line 4: the label is empty"),
        ("g.csv:doc", "n,doc\n1,a\n2,b\n3,NA\n", "g.csv, line 4, column 2: label 'NA' is a word for a missing one"),
        ("g.txt", 'a\n\n""\nb\n', "g.txt, line 3: the label is empty"),
        ("g.txt", "7\n8\nnan\n", "g.txt, line 3: label 'nan' is a word for a missing one"),
        ("g.jsonl:doc", '{"doc": 1}\n{"doc": null}\n', "g.jsonl, line 2: the label is empty"),
        ("g.jsonl:doc", '{"doc": "a"}\n{"id": 3}\n', "g.jsonl, line 2: the label is empty"),
        ("g.json", '["a", null, "b"]', "g.json, item 1: the label is empty"),
    ],
)
def test_empty_labels_in_text(name, text, told):
    Path(name.partition(":")[0]).write_text(text)
    error = refused(DataError, name)
    assert (str(error), error.remedies) == (told, ())


@pytest.mark.parametrize("values", [[1, None, 3], [0.0, None, 2.0], [True, None, False], ["a", None, "b"]], ids=str)
def test_empty_labels_in_arrow(values):
    parquet.write_table(pa.table({"g": values * 10, "n": range(30)}), "g.parquet")
    assert str(refused(DataError, "g.parquet:g")) == "g.parquet, row 1: the label is empty"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.nan, "the label is empty (NaN)"),
        (0.5, "label 0.5 is not a whole number below 2^53"),
        (2.0**60, f"label {2.0**60} is not a whole number below 2^53"),
    ],
)
def test_fractions_in_an_array(value, told):
    np.save("g.npy", np.where(np.arange(N) == 30, value, 2.0))
    assert str(refused(DataError, "g.npy")) == f"g.npy, row 30: {told}"
    save((2, 3, 4), 1, "C")
    labels = np.ones((2, 3, 4))
    labels[1, 0, 2] = value
    np.save("g.npy", labels)
    assert str(refused(DataError, "g.npy", class_axis=1)) == f"g.npy, position (1, 0, 2): {told}"


def test_fractions_in_arrow():
    parquet.write_table(pa.table({"g": [0.5] * N, "n": range(N)}), "g.parquet")
    assert str(refused(DataError, "g.parquet:g")) == "g.parquet, row 0: label 0.5 is not a whole number below 2^53"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.array([b"\xff"] * N), "its text is damaged: 'utf-8' codec"),
        (np.zeros(N, "V2"), "holds |V2, two bytes without a type"),
        (np.zeros(N, "M8[s]"), "holds dates"),
        (np.zeros(N, "c8"), "holds complex numbers"),
        (np.zeros(N - 1, int), "has shape (39,), but x.npy of shape (40, 3) needs groups of shape (40,)"),
        (np.zeros((N, 2), int), "has shape (40, 2), but x.npy of shape (40, 3) needs groups of shape (40,)"),
    ],
)
def test_arrays_that_are_refused(values, told):
    np.save("g.npy", values)
    error = refused(DataError, "g.npy")
    assert str(error).startswith(f"g.npy: {told}")
    assert error.code == 3


def test_bfloat16_in_safetensors():
    header = json.dumps({"g": {"dtype": "BF16", "shape": [N], "data_offsets": [0, 2 * N]}}).encode()
    Path("g.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(2 * N))
    assert "too coarse for labels" in str(refused(DataError, "g.safetensors"))


@pytest.mark.parametrize(("n", "has"), [(N - 1, "39 values"), (N + 1, "41 values")])
def test_another_length_beside_text(n, has):
    put("g.txt", ["a"] * n)
    assert str(refused(DataError, "g.txt", "x.csv")) == f"g.txt: has {has}, but x.csv has 40 samples"


@pytest.mark.parametrize(("shape", "axis"), [((N,), 1), ((N,), -2), ((4, 10), 2), ((4, 10), -3)])
def test_an_axis_out_of_range(shape, axis):
    save(shape, -1, "C")
    options = {"class_axis": len(shape)}
    error = refused(UsageError, f"axis:{axis}", **options)
    assert f"is not an axis of the targets' shape {shape}" in str(error)
    words = [remedy.settings["groups"] for remedy in error.remedies]
    assert words == [f"axis:{k}" for k in range(len(shape))]
    for k, word in enumerate(words):
        check(opened(word, **options), [index[k] for index in np.ndindex(*shape)])


def test_an_axis_beside_text():
    error = refused(UsageError, "axis:0", "x.csv")
    assert "each would be a group of its own" in str(error)
    assert [remedy.settings for remedy in error.remedies] == [{"groups": None}]


def test_a_word_that_is_no_axis_is_a_file():
    for word in ("axis:x", "axis:"):
        assert "cannot be opened" in str(refused(FaultError, word))


def test_standard_input_is_one_input(monkeypatch):
    assert "can be only one of" in str(refused(UsageError, "-", targets="-"))
    put("g.txt", NAMES)
    with Path("g.txt").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        check(opened("-"), NAMES)
    write_table("g.csv", TABLE)
    with Path("g.csv").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        error = refused(UsageError, "-")
    assert ("which of them has the groups?" in str(error), error.remedies) == (True, ())


# --- keys -------------------------------------------------------------------------------------------------------------

KEYS = [f"k{i}" for i in RNG.permutation(N)]


def keyed(name, order, **columns):
    """A table of the rows of these numbers."""
    rows = {"id": [KEYS[i] for i in order], **{head: [values[i] for i in order] for head, values in columns.items()}}
    write_table(name, rows)


@pytest.fixture
def tables():
    logits = np.load("x.npy")
    keyed("x.csv", range(N), a=logits[:, 0].tolist(), b=logits[:, 1].tolist())
    keyed("y.csv", RNG.permutation(N), label=[i % 2 for i in range(N)])


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_groups_are_matched_by_the_key(kind):
    keyed(f"g.{kind}", RNG.permutation(N), user=NAMES, doc=DOCUMENTS.tolist())
    dataset = opened(f"g.{kind}:user", "x.csv", "y.csv", id="id")
    check(dataset, NAMES)
    assert dataset.groups.place(3, dataset.layout) == "row 3"
    check(opened(f"g.{kind}:doc", "x.csv", "y.csv", id="id"), DOCUMENTS.tolist())
    keyed(f"g.{kind}", RNG.permutation(N), doc=DOCUMENTS.tolist())
    name = f"g.{kind}" if kind != "jsonl" else "g.jsonl:doc"
    check(opened(name, "x.csv", None, id="id"), DOCUMENTS.tolist())


@pytest.mark.usefixtures("tables")
def test_groups_and_weights_are_matched_by_the_key():
    keyed("g.csv", RNG.permutation(N), user=NAMES)
    keyed("w.csv", RNG.permutation(N), weight=[i + 0.5 for i in range(N)])
    for targets in ("y.csv", None):
        check(opened("g.csv", "x.csv", targets, id="id", sample_weights="w.csv"), NAMES)
        dataset = opened("g.csv", "x.csv", targets, id="id", sample_weights="w.csv")
        weights = [w for chunk in dataset.chunks(7) for w in chunk.load(Scratch()).sample_weights]
        assert weights == [i + 0.5 for i in range(N)]


@pytest.mark.usefixtures("tables")
def test_keys_of_groups_that_differ():
    keyed("g.csv", RNG.permutation(N)[1:], user=NAMES)
    for missing in ("error", "ignore"):
        error = refused(DataError, "g.csv", "x.csv", "y.csv", id="id", missing=missing)
        assert "g.csv has no group for the key" in str(error)
        assert error.remedies == ()
    keyed("g.csv", range(N), user=NAMES)
    with Path("g.csv").open("a") as file:
        file.write("other,zoe\n")
    error = refused(DataError, "g.csv", "x.csv", "y.csv", id="id")
    assert "g.csv: has 1 key that the logits have not, the first in line 42" in str(error)
    assert [remedy.settings for remedy in error.remedies] == [{"missing": "ignore"}]
    dataset = opened("g.csv", "x.csv", "y.csv", id="id", missing="ignore")
    check(dataset, NAMES)
    assert "g.csv: 1 group without logits left out" in [note.message for note in dataset.notes]


@pytest.mark.usefixtures("tables")
def test_groups_in_order_with_keys():
    keyed("y.csv", range(N), label=[i % 2 for i in range(N)])
    keyed("g.csv", range(N), user=NAMES)
    check(opened("g.csv", "x.csv", "y.csv"), NAMES)
    keyed("g.csv", range(N)[::-1], user=NAMES)
    error = refused(UsageError, "g.csv", "x.csv", "y.csv")
    assert "and the same row of g.csv another one" in str(error)
    assert [remedy.settings for remedy in error.remedies] == [{"id": "id"}]
    check(opened("g.csv", "x.csv", "y.csv", id="id"), NAMES)
    put("y.txt", [i % 2 for i in range(N)])
    assert refused(UsageError, "g.csv", "x.csv", "y.txt", drop="id").remedies == ()


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("groups", ["g.txt", "g.npy"])
def test_groups_without_the_key_are_refused(groups):
    put("g.txt", NAMES)
    np.save("g.npy", DOCUMENTS)
    error = refused(UsageError, groups, "x.csv", "y.csv", id="id")
    assert str(error) == "⟦id⟧ needs ⟦groups⟧ as a table with that column"
    assert error.hint == "without keys nobody knows which order groups are in"


@pytest.mark.usefixtures("tables")
def test_logits_that_are_read_twice(monkeypatch):
    keyed("g.csv", RNG.permutation(N), user=NAMES)
    with Path("x.csv").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        error = refused(UsageError, "g.csv", "-", "y.csv", id="id")
    assert "is read twice where ⟦groups⟧ are matched by ⟦id⟧" in str(error)


# --- several files ----------------------------------------------------------------------------------------------------

CUTS = [0, 7, 7, 30, 31]


@pytest.fixture
def shards():
    for i, (x, y) in enumerate(zip(cut(np.load("x.npy")), cut(np.load("y.npy")), strict=True)):
        np.save(f"x-{i}.npy", x)
        np.save(f"y-{i}.npy", y)


def cut(values):
    return np.split(np.asarray(values), CUTS[1:])


def travelled(source):
    return pickle.loads(pickle.dumps(source))


def check_shards(dataset, labels):
    numbers = check(dataset, labels)
    assert check(travelled(travelled(dataset)), labels) == numbers
    parts = [read(part) for part in dataset.parts]
    for source in (travelled, lambda part: travelled(travelled(part))):
        assert [read(source(part)) for part in dataset.parts] == parts
    assert [group for part in parts for _, group in part] == [group for _, group in read(dataset)]
    assert [part.groups.n_groups for part in dataset.parts] == [len(numbers)] * len(parts)
    for start, n in ((0, len(labels)), (2, 9), (7, 1), (6, 1), (3, 0)):
        assert dataset.groups.read(start, n).tolist() == [numbers[label] for label in labels[start : start + n]]
    pieces = [Piece(dataset, first, stop) for first, stop in itertools.pairwise((0, 2, 3, None))]
    assert [pair for piece in pieces for pair in read(piece)] == read(dataset)
    return numbers


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize("targets", ["y-*.npy", "y.npy"])
@pytest.mark.parametrize("kind", ["npy", "txt", "strings", "both"])
def test_labels_of_several_files(kind, targets):
    """Equal labels are the same group in whichever file they are."""
    labels = NAMES if kind in ("txt", "strings") else DOCUMENTS.tolist()
    np.save("g.npy", np.array(labels))
    for i, part in enumerate(cut(labels)):
        if kind == "txt" or (kind == "both" and i == 2):
            put(f"g-{i}.x", part)
        else:
            Path(f"g-{i}.x").write_bytes(npy(part))
    if targets == "y.npy":
        dataset = opened("g.npy", "x-*.npy", targets)
    else:
        dataset = opened("g-*.x", "x-*.npy", targets)
        assert dataset.groups.place(8, dataset.layout) == "g-2.x, " + ("line 2" if kind in ("txt", "both") else "row 1")
    numbers = check_shards(dataset, labels)
    if kind == "npy":
        assert numbers == {-2: 0, 4: 1, 7: 2, 30: 3}
    kept = dataset.only([len(dataset.parts) - 3, len(dataset.parts) - 1])
    found = [labels[i] for i, _ in read(kept)]
    assert (kept.groups.n_groups, len(found)) == (len(set(found)), 32)
    assert len({(labels[i], group) for i, group in read(kept)}) == kept.groups.n_groups


@pytest.mark.usefixtures("shards")
def test_integers_beside_names():
    labels = [*DOCUMENTS.tolist()[:31], *("a", "7", "30") * 3]
    for i, part in enumerate([labels[:7], [], labels[7:30], labels[30:31], labels[31:]]):
        if i == 4:
            put(f"g-{i}.x", part)
        else:
            Path(f"g-{i}.x").write_bytes(npy(np.array(part, int)))
    check_shards(opened("g-*.x", "x-*.npy", "y-*.npy"), list(map(str, labels)))


@pytest.mark.usefixtures("shards")
def test_large_integers_of_several_files():
    labels = [2**64 - 1 - i // 9 for i in range(N)]
    for i, (first, stop) in enumerate(itertools.pairwise([*CUTS, N])):
        Path(f"g-{i}.x").write_bytes(npy(np.array(labels[first:stop], np.uint64)))
    Path("g-3.x").write_bytes(npy(np.array([-1])))
    labels[30] = -1
    check_shards(opened("g-*.x", "x-*.npy", "y-*.npy"), labels)


@pytest.mark.usefixtures("shards")
def test_runs_that_go_on_in_the_next_file():
    labels = np.repeat([5, 9, 2], [20, 10, 10])
    for i, part in enumerate(cut(labels)):
        np.save(f"g-{i}.npy", part)
    dataset = opened("g-*.npy", "x-*.npy", "y-*.npy")
    check_shards(dataset, labels.tolist())
    assert dataset.groups.lie_together
    np.save("g-4.npy", np.full(9, 5))
    assert not opened("g-*.npy", "x-*.npy", "y-*.npy").groups.lie_together


@pytest.mark.parametrize("targets", ["y-*.npy", "y.npy"])
@pytest.mark.parametrize("widths", [(4, 4, 4), (4, 2, 6)], ids=str)
def test_an_axis_of_several_files(widths, targets):
    """The first axis goes on from file to file; sequences may have other lengths in each."""
    labels, start = {0: [], 1: []}, 0
    for i, (n, width) in enumerate(zip((3, 1, 2), widths, strict=True)):
        logits = numbered_logits(n, width)
        logits[..., 0] += start
        start += n * width
        np.save(f"x-{i}.npy", logits)
        np.save(f"y-{i}.npy", RNG.integers(0, C, (n, width)))
        labels[0] += [index[0] + (0, 3, 4)[i] for index in np.ndindex(n, width)]
        labels[1] += [index[1] for index in np.ndindex(n, width)]
    if targets == "y.npy":
        if len(set(widths)) > 1:
            pytest.skip("which have no targets in one array")
        np.save("y.npy", np.concatenate([np.load(f"y-{i}.npy") for i in range(3)]))
    for axis in (0, 1):
        numbers = check_shards(opened(f"axis:{axis}", "x-*.npy", targets, class_axis=2), labels[axis])
        assert all(label == number for label, number in numbers.items())


@pytest.mark.usefixtures("shards")
def test_numbers_of_files_that_do_not_fit():
    np.save("g.npy", DOCUMENTS)
    message = "of ⟦targets⟧ and ⟦groups⟧, one is one file and the other several"
    assert str(refused(UsageError, "g.npy", "x-*.npy", "y-*.npy")) == message
    for i, part in enumerate(cut(DOCUMENTS)):
        np.save(f"g-{i}.npy", part)
    assert str(refused(UsageError, "g-*.npy", "x-*.npy", "y.npy")) == message
    message = "⟦logits⟧ is one file, and ⟦groups⟧ stands for 5 files"
    assert message in str(refused(UsageError, "g-*.npy"))


def test_text_of_an_unknown_length_in_several_files():
    rows = Path("x.csv").read_text().splitlines(keepends=True)
    Path("x-0.csv").write_text("".join(rows[:15]))
    Path("x-1.csv").write_text("".join(rows[15:]))
    put("g.txt", NAMES)
    for source in (lambda dataset: dataset, travelled):
        check(source(opened("g.txt", "x-*.csv", "y.npy")), NAMES)
    put("y-0.txt", [0] * 15)
    put("y-1.txt", [1] * 25)
    put("g-0.txt", NAMES[:15])
    put("g-1.txt", NAMES[15:])
    numbers = check(opened("g-*.txt", "x-*.csv", "y-*.txt"), NAMES)
    parts = [travelled(part) for part in opened("g-*.txt", "x-*.csv", "y-*.txt").parts]
    assert [group for part in parts for _, group in read(part)] == [numbers[name] for name in NAMES]


def test_groups_by_key_for_several_files():
    keyed("t.csv", RNG.permutation(N), label=[i % 2 for i in range(N)])
    keyed("g.csv", RNG.permutation(N), user=NAMES)
    logits = np.load("x.npy")
    for i, rows in enumerate((range(15), range(15, N))):
        keyed(f"k{i}.csv", rows, a=logits[:, 0].tolist(), b=logits[:, 1].tolist())
    check(opened("g.csv", "k?.csv", "t.csv", id="id"), NAMES)


def test_an_empty_file_among_several():
    for i, part in enumerate((NAMES[:15], [], NAMES[15:])):
        put(f"g-{i}.txt", part)
        put(f"y-{i}.txt", [0] * len(part))
    rows = Path("x.csv").read_text().splitlines(keepends=True)
    for i, part in enumerate((rows[:15], [], rows[15:])):
        Path(f"x-{i}.csv").write_text("".join(part))
    check(opened("g-*.txt", "x-*.csv", "y-*.txt"), NAMES)
    put("g-1.txt", ["a"])
    assert "is empty" in str(refused(DataError, "g-*.txt", "x-*.csv", "y-*.txt"))


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_groups_of_tokens():
    logs = -np.arange(1.0, 13).reshape(3, 4)
    np.save("l.npy", logs)
    put("g.txt", ["a", "b", "a"])
    for word, numbers in (("axis:0", (0, 1, 2)), ("g.txt", (0, 1, 0))):
        (chunk,) = opened(word, "l.npy", None, source="token-log-probs").chunks(100)
        assert chunk.load(Scratch()).groups.tolist() == [number for number in numbers for _ in range(4)]
    np.savetxt("l.txt", logs.ravel())
    put("g.txt", ["1.0", "2.0"] * 6)
    dataset = opened("g.txt", "l.txt", None, source="token-log-probs")
    assert dataset.groups.n_groups == 2
    error = refused(UsageError, "axis:0", "l.txt", None, source="token-log-probs")
    assert "needs an array of several dimensions" in str(error)
    assert [remedy.settings for remedy in error.remedies] == [{"groups": None}]


# --- travelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["axis:0", "g.npy", "g.txt", "g.parquet:user"])
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_groups_travel_to_another_process(word, logits):
    if word == "axis:0" and logits == "x.csv":
        pytest.skip("which has no axes")
    np.save("g.npy", DOCUMENTS)
    put("g.txt", NAMES)
    write_table("g.parquet", TABLE)
    dataset = opened(word, logits)
    labels = {"axis:0": list(range(N)), "g.npy": DOCUMENTS.tolist()}.get(word, NAMES)
    assert check(travelled(travelled(dataset)), labels) == check(dataset, labels) if logits == "x.npy" else True
    assert check(travelled(opened(word, logits)), labels) == check(opened(word, logits), labels)
    if word in ("g.npy", "g.txt"):
        sent = pickle.dumps(opened(word, logits))
        put("g.txt", NAMES[::-1])
        np.save("g.npy", DOCUMENTS[::-1].astype("i2"))
        with pytest.raises(FaultError, match="changed while it was read"):
            pickle.loads(sent)


def test_groups_are_opened_for_a_second_pass():
    np.save("g.npy", DOCUMENTS)
    dataset = opened("g.npy")
    again = dataset.opened_anew()
    assert read(again) == read(dataset)


# --- the lines that are offered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("logits", ["x", "t", "v"])
def test_every_line_that_is_offered_works(logits):
    """Those for one file of each model, for text, and for several files."""
    other = np.load("x.npy") + RNG.normal(size=(N, C))
    difference = float(oracle.reduce(other, np.load("y.npy")) - oracle.reduce(np.load("x.npy"), np.load("y.npy")))
    found = pytest.approx(difference, rel=1e-9)
    np.save("z.npy", other)
    for name, values in (("t", np.load("x.npy")), ("u", other)):
        np.savetxt(f"{name}.csv", values, delimiter=",")
    for name, values in (("v", np.load("x.npy")), ("w", other), ("y", np.load("y.npy"))):
        for i, part in enumerate(np.split(values, [15])):
            np.save(f"{name}-{i}.npy", part)
    models = {"x": ("x.npy", "z.npy"), "t": ("t.csv", "u.csv"), "v": ("v-*.npy", "w-*.npy")}[logits]
    words = ("compare", *models, "-t", "y-*.npy" if logits == "v" else "y.npy", "-q", "--groups")
    if logits == "v":
        for i, rows in enumerate((slice(15), slice(15, N))):
            write_table(f"g-{i}.csv", {head: cells[rows] for head, cells in TABLE.items()})
        assert answers(*words, "g-*.csv") == [found] * 3
    else:
        write_table("g.csv", TABLE)
        assert answers(*words, "g.csv") == [found] * 3
        put("g.txt", NAMES, "user\n")
        assert answers(*words, "g.txt") == [found]
    assert answers(*words, "axis:3" if logits != "t" else "axis:0") == [found]
