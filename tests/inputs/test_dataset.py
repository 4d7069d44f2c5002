"""What belongs to which sample: targets in any order of memory, shifted, of one class, beside arrays in memory."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from nllcli import compute
from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, NllError, SampleError, UsageError
from nllcli.inputs import target_columns
from nllcli.inputs.arrays import streamed
from nllcli.inputs.arrays.memory import dataset_of
from nllcli.inputs.arrays.raw import Values
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.tables import lines
from nllcli.inputs.targets import Indices, Shifted
from nllcli.inputs.vectors import read_vector

RNG = np.random.default_rng(0)


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, np.ndarray):
            np.save(path.open("wb"), content)
        else:
            path.write_text(content)
        return str(path)

    return write


def joined(dataset, what, n=4):
    return np.concatenate([getattr(chunk.load(Scratch()), what) for chunk in dataset.chunks(n)])


@pytest.mark.parametrize("orders", ["CC", "CF", "FC", "FF"])
def test_targets_of_many_dimensions(orders, put):
    """Each target is its own place's number, so that it can be found again beside its row."""
    logits = RNG.normal(size=(3, 5, 4, 2))
    targets = np.arange(24).reshape(3, 4, 2)
    x, y = (put(n, np.asarray(a, order=o)) for n, a, o in zip("xy", (logits, targets), orders, strict=True))
    dataset = open_dataset(InputOptions(x, targets=y))
    rows, found = joined(dataset, "logits"), joined(dataset, "targets")
    np.testing.assert_array_equal(rows, np.moveaxis(logits, 1, -1).reshape(24, 5)[found])
    assert sorted(found) == list(range(24))


@pytest.mark.parametrize("k", [-5, -2, -1, 0, 1, 2, 5])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("ignored", [-100, 9])
def test_shift(k, order, ignored, put):
    targets = RNG.integers(0, 5, (3, 6))
    logits = RNG.normal(size=(3, 6, 5))
    options = {"targets": put("y", np.asarray(targets, order=order)), "shift": k, "ignore_index": ignored}
    fill = ignored
    expected = [[row[t + k] if 0 <= t + k < 6 else fill for t in range(6)] for row in targets.tolist()]
    dataset = open_dataset(InputOptions(put("x", logits), class_axis=2, **options))
    np.testing.assert_array_equal(joined(dataset, "targets").reshape(3, 6), expected if k else targets)


def test_shift_of_one_sequence(put):
    dataset = open_dataset(InputOptions(put("x", RNG.normal(size=(4, 3))), targets=put("y", "0\n1\n2\n0\n"), shift=1))
    assert joined(dataset, "targets").tolist() == [1, 2, 0, -100]


@pytest.mark.parametrize(
    ("logits", "targets", "k", "told"),
    [
        ((4, 3), "0\n1\n2\n0\n", 4, "⟦shift=4⟧ leaves nothing to score: a sequence has 4 positions"),
        ((2, 6, 5), np.zeros((2, 6), int), -6, "⟦shift=-6⟧ leaves nothing to score: a sequence has 6 positions"),
        ((3,), np.array(1), 1, "⟦shift=1⟧ leaves nothing to score: a sequence has 1 position"),
    ],
    ids=["text", "sequences", "one sample"],
)
def test_shift_beyond_the_sequence(logits, targets, k, told, put):
    with pytest.raises(UsageError, match=f"{told}$"):
        open_dataset(InputOptions(put("x", np.zeros(logits)), targets=put("y", targets), shift=k))


def test_shift_that_cannot_be(put):
    logits = np.zeros((2, 3, 4))
    fortran, targets = put("x", np.asfortranarray(logits)), put("y", np.zeros((2, 3), int))
    with pytest.raises(UsageError, match="⟦shift⟧ needs logits in C order"):
        open_dataset(InputOptions(fortran, targets=targets, shift=1))
    with pytest.raises(UsageError, match="⟦shift⟧ needs ⟦targets⟧"):
        open_dataset(InputOptions(put("x", logits), targets=put("y", np.zeros((2, 3, 4))), shift=1))


@pytest.mark.parametrize("k", [1, -1])
def test_a_shifted_target_that_is_not_a_class_is_found_where_it_is(k, put):
    targets = np.ones((2, 4))
    targets[1, 2] = 0.5
    options = InputOptions(put("x", np.zeros((2, 4, 3))), targets=put("y", targets), shift=k, class_axis=2)
    dataset = open_dataset(options)
    assert dataset.targets is not None
    with pytest.raises(SampleError) as caught:
        dataset.targets.read(0, 8)
    assert dataset.targets.place(caught.value.samples[0], dataset.layout) == "position (1, 2)"


def test_indices_of_any_type():
    for dtype in ("i1", ">u8", "<f2", "i8"):
        assert Indices(Values("y", np.array([1, 2, 3], dtype))).read(1, 2).tolist() == [2, 3]
    for values in (np.array([0, 0, 1.5]), np.array([0, 0, 2**63], "u8")):
        with pytest.raises(SampleError) as caught:
            Indices(Values("y", values)).read(1, 2)
        assert caught.value.samples == (2,)
    shifted = Shifted(Values("y", np.arange(4)), 1, 4, -100)
    assert (shifted.name, shifted.n) == ("y", 4)


@pytest.mark.parametrize("dtype", ["f8", "i8"])
def test_one_number_a_sample_under_binary(dtype, put):
    logits, targets = np.zeros((4, 1)), np.array([[0], [1], [1], [0]], dtype)
    dataset = open_dataset(InputOptions(put("x", logits), targets=put("y", targets), binary=True))
    found = joined(dataset, "targets")
    assert found.ravel().tolist() == [0, 1, 1, 0]
    assert (dataset.soft_targets is not None) == (dtype == "f8")


def test_one_sample(put):
    dataset = open_dataset(InputOptions(put("x", np.array([1.0, 2.0])), targets=put("y", np.array([1]))))
    assert joined(dataset, "targets").tolist() == [1]


def test_names_of_classes(put):
    path = put("x.csv", "cat,dog\n1.5,2\n")
    assert open_dataset(InputOptions(path)).class_names == ("cat", "dog")
    assert open_dataset(InputOptions(path, classes=("a", "b"))).class_names == ("a", "b")
    assert open_dataset(InputOptions(put("x.csv", "cat\n1.5\n"), binary=True)).class_names is None
    path = put("x.csv", "cat,dog\n1.5,2\n")
    with pytest.raises(UsageError, match="names 3 classes"):
        open_dataset(InputOptions(path, classes=("a", "b", "c")))


def test_rows_that_are_all_too_short_further_down(put):
    dataset = open_dataset(InputOptions(put("x.csv", "1,2,3\n" * 4 + "1,2\n" * 4)))
    with pytest.raises(DataError, match="line 5: has 2 cells, the first row has 3"):
        joined(dataset, "logits")


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.jsonl"])
def test_places_are_in_the_words_of_the_file(name, put):
    content = {"x.npy": np.zeros((3, 2)), "x.csv": "# c\na,b\n1.5,2\n3,4\n5,6\n", "x.jsonl": "[1,2]\n\n[3,4]\n[5,6]\n"}
    dataset = open_dataset(InputOptions(put(name, content[name])))
    joined(dataset, "logits")
    expected = {"x.npy": "row 1", "x.csv": "line 4", "x.jsonl": "line 3"}
    assert dataset.logits.place(1, dataset.layout) == expected[name]


def test_class_probabilities_in_text_are_a_source_like_any_other(put):
    soft = open_dataset(InputOptions(put("x", np.zeros((2, 2))), targets=put("y.csv", "0.5,0.5\n1,0\n"))).soft_targets
    assert (soft.shape, soft.dtype, soft.fortran, soft.labels) == ((None, 2), np.float64, False, False)
    assert (soft.class_names, soft.notes, soft.n_bytes) == (None, (), 12)
    list(soft.chunks(Layout(soft.shape, 1), 5))
    assert soft.place(1, Layout(soft.shape, 1)) == "line 2"


def test_only_one_input_is_standard_input():
    for options in ({"targets": "-"}, {"sample_weights": "-"}):
        with pytest.raises(UsageError, match="standard input can be only one of"):
            open_dataset(InputOptions("-", **options))


def test_cells_too_long_for_the_csv_module(put):
    path = put("w", 'a,"' + "1" * 200_000 + '"\nb,2\n')
    with pytest.raises(DataError, match="line 1: cannot be read as a table: field larger"):
        read_vector(path, what="--weights")


# --- arrays in memory -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "CF")
def test_arrays_in_memory(order):
    logits, targets = np.asarray(RNG.normal(size=(3, 5, 4)), order=order), np.arange(12).reshape(3, 4)
    weights = targets / 7
    dataset = dataset_of(logits, targets, sample_weights=weights)
    found = joined(dataset, "targets", 2)
    np.testing.assert_array_equal(joined(dataset, "logits", 2), np.moveaxis(logits, 1, -1).reshape(12, 5)[found])
    np.testing.assert_array_equal(joined(dataset, "sample_weights", 2), found / 7)
    assert dataset.logits.place(1, dataset.layout).startswith("position ")


@pytest.mark.parametrize("order", "CF")
def test_class_probabilities_in_memory(order):
    logits, soft = np.asarray(RNG.normal(size=(6, 5)), order=order), RNG.random((6, 5))
    dataset = dataset_of(logits, soft)
    np.testing.assert_array_equal(joined(dataset, "targets"), soft)
    np.testing.assert_array_equal(joined(dataset, "logits"), logits)


def test_arrays_in_memory_that_do_not_fit():
    assert dataset_of(np.zeros((2, 3)), None).targets is None
    with pytest.raises(NllError, match="holds booleans"):
        dataset_of(np.zeros((2, 3)), [True, False])
    with pytest.raises(NllError, match="holds complex128, not class indices"):
        dataset_of(np.zeros((2, 3)), [1j, 0])
    with pytest.raises(NllError, match="shape"):
        dataset_of(np.zeros((2, 3)), [0, 1, 2])
    with pytest.raises(NllError, match=r"targets, row 1: 1, 1, 0 is not one-hot"):
        dataset_of(np.zeros((2, 3)), [[0, 1, 0], [1, 1, 0]])
    with pytest.raises(NllError, match="holds integers in the shape of the logits"):
        dataset_of(np.zeros((2, 3, 1)), [[[0], [1], [0]], [[1], [0], [0]]])
    with pytest.raises(NllError, match="shape"):
        dataset_of(np.zeros((2, 3)), [0, 1], sample_weights=[1.0])


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_])
def test_one_hot_rows_in_memory_are_classes(kind):
    dataset = dataset_of(np.zeros((2, 3)), np.array([[0, 1, 0], [1, 0, 0]], kind))
    assert joined(dataset, "targets").tolist() == [1, 0]
    assert [note.code for note in dataset.notes] == ["one-hot-targets"]


@pytest.mark.parametrize(("value", "told"), [(2**53, False), (2**53 + 1, True), (-(2**53) - 1, True)])
@pytest.mark.parametrize("in_memory", [True, False])
def test_long_integers_are_told_of(value, told, in_memory, put):
    """The finding stays, whatever the blocks after it hold."""
    logits = np.array([[0, value], [0, 0], [1, 0]])
    dataset = dataset_of(logits, [0, 1, 0]) if in_memory else open_dataset(InputOptions(put("x", logits)))
    joined(dataset, "logits", 1)
    assert [notice.code for notice in dataset.notes] == ["rounded-integers"] * told


def test_long_integers_are_told_of_in_python():
    result = compute(np.array([[0, 2**53 + 1]]), [0])
    assert [notice.code for notice in result.notes].count("rounded-integers") == 1


@pytest.mark.parametrize("what", ["targets", "sample_weights"])
def test_what_does_not_fit_is_not_put_on_disk(what, put, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "y.npz", y=np.zeros(5, int))
    monkeypatch.setattr(streamed, "Spool", None)
    with pytest.raises(DataError, match=r"has shape \(5,\), but .* of shape \(3, 2\)"):
        open_dataset(InputOptions(put("x", np.zeros((3, 2))), **{what: str(tmp_path / "y.npz")}))


@pytest.mark.parametrize("name", ["y.txt", "series.csv", "y.jsonl"])
def test_targets_far_beyond_the_logits_are_only_counted(name, put, monkeypatch):
    """What follows the piece in which there are too many is not even looked at."""
    monkeypatch.setattr(lines, "_PIECE_BYTES", 16)
    monkeypatch.setattr(target_columns, "_PIECE_SAMPLES", 4)
    rows = ["0"] * 20 + ["wrong"] + ["0"] * 19
    text = {
        "y.txt": "\n".join(rows),
        "series.csv": "\n".join([",y", *(f"{i},{row}" for i, row in enumerate(rows))]),
        "y.jsonl": "\n".join(f'{{"target": {row}}}' for row in rows),
    }
    logits = put("x", np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"has shape \(40,\), but"):
        open_dataset(InputOptions(logits, targets=put(name, text[name])))
    with pytest.raises(DataError, match=r"line 2[12]"):
        open_dataset(InputOptions(put("x", np.zeros((40, 2))), targets=put(name, text[name])))


# --- text -------------------------------------------------------------------------------------------------------------


def test_columns_are_found_by_name_and_by_number(put):
    """A name comes first; a number counts from 1; neither may be in doubt."""
    path = put("x.csv", "a,1,b,b\n0.5,1,2.5,3.5\n")

    def logits(column):
        return joined(open_dataset(InputOptions(path, target_column=column, header="yes")), "logits").tolist()

    assert logits("1") == [[0.5, 2.5, 3.5]]  # the name of the second
    assert logits("2") == [[0.5, 2.5, 3.5]]
    with pytest.raises(UsageError, match=r"has 2 columns 'b'") as caught:
        logits("b")
    assert caught.value.hint == "use its number"
    for missing in ("c", "0", "5", "-1", "\u00b2", "9" * 5000):
        with pytest.raises(UsageError, match="there is no column") as caught:
            logits(missing)
        assert caught.value.hint == "columns: a, 1, b, b"


@pytest.mark.parametrize(("cell", "expected"), [("2.0", 2), ("2e0", 2), ("+2", 2), ("02", 2), ("1.5", None)])
def test_targets_among_the_logits_that_are_written_as_fractions(cell, expected, put):
    path = put("x.csv", f"0.5,1,2.5,1\n0.5,1,2.5,{cell}\n")
    dataset = open_dataset(InputOptions(path, target_column="4"))
    if expected is None:
        with pytest.raises(DataError, match=r"line 2, column 4: target '1\.5' is not a class index"):
            joined(dataset, "targets")
        return
    assert joined(dataset, "targets").tolist() == [1, expected]
    assert joined(open_dataset(InputOptions(path, target_column="4")), "logits").tolist() == [[0.5, 1, 2.5]] * 2
    assert [note.code for note in dataset.notes] == ["targets-as-floats"] * any(c in cell for c in ".e")


@pytest.mark.parametrize("extension", [".tsv", ".TSV"])
def test_the_extension_tells_of_tabs(extension, put):
    """Commas that would cut the line into numbers are then text inside a cell."""
    path = put(f"x{extension}", "1\t2\n3\t4\n")
    assert joined(open_dataset(InputOptions(path)), "logits").tolist() == [[1, 2], [3, 4]]
    with pytest.raises(UsageError, match=r"line 1.*'1,2' is written with a comma"):
        joined(open_dataset(InputOptions(put(f"x{extension}", "1,2\n3,4\n"))), "logits")


def test_a_name_that_several_classes_have(put):
    x, y = put("x", np.zeros((2, 3))), put("y", "dog\ncat\n")
    with pytest.raises(DataError, match=r"line 2: target 'cat' is the name of several classes"):
        open_dataset(InputOptions(x, targets=y, classes=("cat", "dog", "cat")))


@pytest.mark.parametrize("header", ["y", "label"])
def test_the_header_of_targets_is_told_of(header, put):
    x = put("x", np.zeros((2, 3)))
    dataset = open_dataset(InputOptions(x, targets=put("y", f"{header}\n1\n2\n")))
    assert joined(dataset, "targets").tolist() == [1, 2]
    assert [note.message.partition(": ")[2] for note in dataset.notes] == [f"the first line, {header!r}, is a header"]
    assert not open_dataset(InputOptions(x, targets=put("y", "1\n2\n"))).notes


def test_whole_numbers_in_floating_point_are_told_of(put):
    x = put("x", np.zeros((2, 3)))
    dataset = open_dataset(InputOptions(x, targets=put("y", np.array([1.0, 2.0], np.float32))))
    assert joined(dataset, "targets").tolist() == [1, 2]
    assert [(n.code, n.message.partition(": ")[2]) for n in dataset.notes] == [
        ("targets-as-floats", "whole numbers in float32 are taken as class indices")
    ]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_missing_targets_of_an_array(dtype, put):
    x = put("x", np.zeros((3, 3)))
    y = put("y", np.array([1.0, np.nan, 2.0], dtype))
    with pytest.raises(DataError, match="target nan is not a class index") as caught:
        joined(open_dataset(InputOptions(x, targets=y)), "targets")
    assert [remedy.settings for remedy in caught.value.remedies] == [{"missing": "ignore"}]
    dataset = open_dataset(InputOptions(x, targets=y, missing="ignore", ignore_index=7))
    assert joined(dataset, "targets").tolist() == [1, 7, 2]
    whole = open_dataset(InputOptions(x, targets=put("z", np.array([0, 1, 2])), missing="ignore"))
    assert joined(whole, "targets").tolist() == [0, 1, 2]


@pytest.mark.parametrize(("name", "text"), [("y.csv", "1,0\n0,1\n"), ("y.jsonl", "[1,0]\n[0,1]\n")])
def test_one_hot_integers_are_class_indices(name, text, put):
    """Written as fractions they are class probabilities."""
    x = put("x", np.zeros((2, 2)))
    dataset = open_dataset(InputOptions(x, targets=put(name, text)))
    assert joined(dataset, "targets").tolist() == [0, 1]
    assert [note.code for note in dataset.notes] == ["one-hot-targets"]
    for fraction in ("1,0.0", "1e0,0", "1,0E-2"):
        soft = open_dataset(InputOptions(x, targets=put(name, text.replace("1,0", fraction))))
        assert joined(soft, "targets").tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_table_whose_columns_are_samples(name, put):
    """A number is where the file has it; a sample is a column, of which text and JSON lines have no word."""
    text = {"x.csv": "a,b\n1,2\n\n3,4\n5,6\n", "x.jsonl": "[1,2]\n\n[3,4]\n[5,6]\n"}[name]
    dataset = open_dataset(InputOptions(put(name, text), class_axis=0))
    assert joined(dataset, "logits", 1).tolist() == [[1, 3, 5], [2, 4, 6]]
    assert dataset.logits.place(1, dataset.layout) == dataset.layout.place(1)
    number = dataset.logits.place(1, dataset.layout, 2)
    assert number == ("line 5, column 2" if name == "x.csv" else dataset.layout.place(1))


@pytest.mark.parametrize("kind", ["npy", "fortran", "csv", "jsonl", "parquet", "feather"])
@pytest.mark.parametrize("soft", [False, True], ids=["logits", "class probabilities"])
def test_any_square_of_numbers_is_turned(kind, soft, put):
    """Of a square no length tells that its rows were taken for its columns."""
    rows = [[0.25, 0.5, 0.125], [0.5, 0.25, 0.75], [0.25, 0.25, 0.125]]
    columns = [list(column) for column in zip(*rows, strict=True)]
    path = put(f"square.{kind}", {"fortran": np.asfortranarray(rows), "npy": np.array(rows)}.get(kind, ""))
    if kind in ("csv", "jsonl"):
        lines = [",".join(map(repr, row)) if kind == "csv" else repr(row) for row in rows]
        put(f"square.{kind}", "".join(f"{line}\n" for line in lines))
    elif kind in ("parquet", "feather"):
        write = parquet.write_table if kind == "parquet" else feather.write_feather
        write(pa.table(dict(zip("abc", columns, strict=True))), path)
    for order in "CF" if soft else "C":
        logits = put("x.npy", np.zeros((3, 3), order=order)) if soft else path
        dataset = open_dataset(InputOptions(logits, targets=path if soft else None, class_axis=0))
        assert joined(dataset, "targets" if soft else "logits", 2).tolist() == columns


def test_what_is_left_out_of_a_table_is_told_where_its_columns_are_samples(put):
    dataset = open_dataset(InputOptions(put("x.csv", ",a,b\n0,1,2\n1,3,4\n"), class_axis=0))
    assert joined(dataset, "logits").tolist() == [[1, 3], [2, 4]]
    assert [note.code for note in dataset.notes] == ["index-column"]


def test_files_in_the_wrong_order_are_refused_with_the_right_one(put):
    y, x = put("y.npy", np.arange(3)), put("x.csv", "0,1.5,2,3\n1,3,4,5\n1,3,4,5\n")
    with pytest.raises(UsageError, match="has 4 columns; targets have one") as caught:
        open_dataset(InputOptions(y, targets=x))
    (remedy,) = caught.value.remedies
    assert remedy.files == {x: y, y: x}


@pytest.mark.parametrize(
    ("head", "rows", "codes", "says"),
    [
        ("1,2,3", "0,1.5,2\n1,3,4\n", [], ""),
        ("0,1,2", "0,1,2\n1,3,4\n", [], ""),
        ("a,b,a", "0,1.5,2\n1,3,4\n", ["repeated-name"], "2 classes are named 'a'"),
        ("id,a,b", "0.5,1.5,2\n1,3,4\n", [], ""),
        ("ideal,a,targeted", "0,1,2\n1,3,4\n", [], ""),
    ],
)
def test_columns_that_may_be_no_classes_are_told(put, head, rows, codes, says):
    dataset = open_dataset(InputOptions(put("x.csv", f"{head}\n{rows}"), header="yes"))
    assert dataset.layout.n_classes == 3
    assert [note.code for note in dataset.notes] == codes
    assert all(says in note.message for note in dataset.notes)


def test_what_may_be_meant_otherwise_is_told(put):
    x = put("x.csv", "a,b\n0.5,1.5\n1,3\n")
    assert not open_dataset(InputOptions(x, classes=["a", "b"])).notes
    with pytest.raises(UsageError, match="names of its columns in another order"):
        open_dataset(InputOptions(x, classes=["b", "a"]))
    for order in "<>":
        bits = put(f"u{order}.npy", np.ones((2, 3), f"{order}u2"))
        (note,) = open_dataset(InputOptions(bits)).notes
        assert note.code == "bfloat16-bits"
        assert not open_dataset(InputOptions(bits, input_dtype="bfloat16")).notes
    columns = put("u.parquet", "")
    parquet.write_table(pa.table({"a": np.ones(2, np.uint16), "b": np.ones(2, np.uint16)}), columns)
    assert not open_dataset(InputOptions(columns)).notes  # the option input_dtype is not about them
    told = {"targets": put("y.npy", np.zeros((1, 3), int)), "sample_weights": put("w.npy", np.ones((1, 3)))}
    lm = put("lm.npy", np.zeros((1, 3, 2)))
    assert not open_dataset(InputOptions(lm, **told)).notes
    (note,) = open_dataset(InputOptions(lm, **told, shift=1)).notes
    assert note.code == "shifted-weights"


def test_integers_that_lose_digits_are_told_once_where_columns_are_samples(put):
    path = put("x", "")
    parquet.write_table(pa.table({"a": [1, 2**53 + 1], "b": [0, 2]}), path)
    dataset = open_dataset(InputOptions(path, class_axis=0))
    assert joined(dataset, "logits").tolist() == [[1, 2**53 + 1], [0, 2]]
    assert [note.code for note in dataset.notes] == ["rounded-integers"]
