"""Targets and tables that nearly fit: what is wrong, where it stands in the file, and what to do."""

import math
import subprocess
from pathlib import Path

import numpy as np
import oracle
import pyarrow as pa
import pytest
from following import answers, offered
from in_process import nll
from pyarrow import parquet

RNG = np.random.default_rng(11)
LOGITS = RNG.normal(0, 2, (5, 3))
TARGETS = [0, 2, 1, 1, 0]
NAMES = [("ant", "bee", "cow")[y] for y in TARGETS]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Logits as x.npy and x.csv, in the current folder."""
    np.save(tmp_path / "x.npy", LOGITS)
    np.savetxt(tmp_path / "x.csv", LOGITS, delimiter=",")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loss(**options):
    return pytest.approx(float(oracle.reduce(LOGITS, TARGETS, **options)), rel=1e-14)


# --- lengths that differ by one ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
def test_a_first_line_may_be_a_header(logits, folder):
    """As pandas' Series.to_csv(index=False) writes it: the name of the series is 0."""
    (folder / "y.txt").write_text("0\n" + "".join(f"{y}\n" for y in TARGETS))
    done = nll("compute", logits, "y.txt")
    assert done.code == 3
    assert (
        done.err.splitlines()[1]
        == f"try: sed -E 1d y.txt > y.plain.txt && nll compute {logits} y.plain.txt  # the first line is a header"
    )
    (folder / "z.txt").write_bytes(
        subprocess.run(["tail", "-n", "+2", "y.txt"], capture_output=True, check=True).stdout
    )
    assert float(nll("compute", logits, "z.txt", "-q").out) == loss()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
@pytest.mark.parametrize("text", ["0\n1\n", "1\n" * 4, "1\n" * 7, "y\n" + "1\n" * 6])
def test_other_lengths_tell_of_no_header(logits, text, folder):
    (folder / "y.txt").write_text(text)
    done = nll("compute", logits, "y.txt")
    assert done.code == 3
    assert "header" not in done.err


# --- where a target stands --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("logits", ["x.npy", "x.csv"])
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("y.txt", "# of five\n0\n2\n\n1\n3\n0\n", "line 6"),
        ("y.txt", "label\n0\n2\n1\n3\n0\n", "line 5"),
        ("y.csv", ",label\n0,0\n1,2\n2,1\n3,3\n4,0\n", "line 5"),
        ("y.jsonl", "".join(f'{{"target": {y}}}\n\n' for y in (0, 2, 1, 3, 0)), "line 7"),
    ],
)
def test_a_target_out_of_range_is_named_by_its_line(logits, name, text, place, folder):
    (folder / name).write_text(text)
    assert nll("compute", logits, name).err.startswith(f"nll: error: {name}, {place}: target 3 is outside 0..2")


@pytest.mark.usefixtures("folder")
def test_a_weight_is_named_by_its_line(folder):
    np.save("y.npy", TARGETS)
    (folder / "w.txt").write_text("1\n# a comment\n1\nnan\n1\n1\n")
    done = nll("compute", "x.npy", "y.npy", "--sample-weights", "w.txt")
    assert done.err.startswith("nll: error: w.txt, line 4: the weight nan is not finite")


@pytest.mark.usefixtures("folder")
def test_a_shifted_target_is_named_by_its_own_place():
    np.save("x.npy", RNG.normal(0, 1, (2, 4, 3)))
    np.save("y.npy", np.array([[0, 1, 2, 0], [0, 1, 2, 7]]))
    done = nll("compute", "x.npy", "y.npy", "--shift", "1")
    assert done.err.startswith("nll: error: y.npy, position (1, 3): target 7 is outside 0..2")


# --- booleans and names in arrays -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("save", ["npy", "npz", "safetensors", "parquet", "feather"])
def test_booleans_are_weights(save):
    np.save("y.npy", TARGETS)
    mask = np.array([True, False, True, True, False])
    if save == "npy":
        np.save("w.npy", mask)
    elif save == "npz":
        np.savez_compressed("w.npz", mask)
    elif save == "safetensors":
        header = b'{"w": {"dtype": "BOOL", "shape": [5], "data_offsets": [0, 5]}}'
        Path("w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + mask.tobytes())
    else:
        save_columns = pytest.importorskip(f"pyarrow.{save}")
        write = save_columns.write_table if save == "parquet" else save_columns.write_feather
        write(pytest.importorskip("pyarrow").table({"w": mask}), f"w.{save}")
    done = nll("compute", "x.npy", "y.npy", "--sample-weights", f"w.{save}", "-q")
    assert float(done.out) == loss(sample_weights=mask.astype(float).tolist())


@pytest.mark.usefixtures("folder")
def test_booleans_are_no_targets():
    np.save("y.npy", np.array([True, False, True, True, False]))
    done = nll("compute", "x.npy", "y.npy")
    assert (done.code, "holds booleans" in done.err, "--sample-weights takes it" in done.err) == (3, True, True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", ["U", ">U7", "S"])
def test_names_in_an_array(kind):
    for shape, told in (((5,), ""), ((5, 1), "note: y.npy: shape (5, 1) is taken as (5,)")):
        np.save("y.npy", np.array(NAMES).astype(kind).reshape(shape))
        done = nll("compute", "x.npy", "y.npy", "--classes", "ant,bee,cow", "-q")
        assert float(done.out) == loss()
        assert told in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("array", "words", "told"),
    [
        (np.array(NAMES), (), "row 0: target 'ant' is a name, and the classes have none"),
        (np.array(NAMES), ("--classes", "ant,bee,cat"), "row 1: target 'cow' is none of the classes"),
        (np.array([NAMES] * 2), ("--classes", "ant,bee,cow"), "have one dimension, not the shape (2, 5)"),
        (np.array("ant"), ("--classes", "ant,bee,cow"), "have one dimension, not the shape ()"),
        (np.array([b"\xff"] * 5), ("--classes", "ant,bee,cow"), "its text is damaged"),
        (np.array(NAMES, object), ("--classes", "ant,bee,cow"), "holds pickled Python objects"),
        (np.array(NAMES[:4]), ("--classes", "ant,bee,cow"), "has shape (4,)"),
    ],
    ids=["no classes", "none of them", "two dimensions", "no dimension", "no text", "objects", "too few"],
)
def test_refuses_names_in_an_array(array, words, told):
    np.save("y.npy", array, allow_pickle=True)
    done = nll("compute", "x.npy", "y.npy", *words)
    assert (done.code, done.out) == (3, "")
    assert told in done.err


@pytest.mark.usefixtures("folder")
def test_names_in_an_array_are_not_counted_without_an_order():
    np.save("y.npy", np.array(NAMES))
    done = nll("weights", "--targets", "y.npy")
    assert (done.code, "holds text (<U3)" in done.err, "numpy.savetxt" in done.err) == (3, True, True)


# --- columns and keys of other names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "told", "tries"),
    [
        (
            "id,ant,bee,label\nimg_0.png,1,2,0\nimg_1.png,2,1,1\n",
            ("--target-column", "label"),
            "column 'id' holds no numbers",
            ["--target-column label --drop id"],
        ),
        (
            "ant;bee;which one\n1;2;ant\n2;1;bee\n",
            (),
            "column 'which one' holds no numbers",
            ["--target-column 'which one'", "--drop 'which one'"],
        ),
        ("# two\n1\tx\t2\n3\ty\t4\n", (), "column number 2 holds no numbers", ["--drop 2"]),
    ],
)
def test_a_column_of_words_can_be_taken_or_left_out(text, words, told, tries, folder):
    (folder / "t.csv").write_text(text)
    done = nll("compute", "t.csv", *words)
    assert done.code == 2
    first, *lines = done.err.splitlines()
    assert first.startswith(f"nll: error: t.csv: {told}")
    assert [line.partition("  #")[0] for line in lines] == [f"try: nll compute t.csv {wanted}" for wanted in tries]


@pytest.mark.parametrize("text", ["ant;bee;name\n1;2;ant\n2;1;bee\n", "ant,bee,name\n1,2,0\n2,1,1\n"])
def test_a_command_without_targets_offers_no_column_for_them(text, folder):
    (folder / "t.csv").write_text(text.replace("name", "label"))
    done = nll("softmax", "t.csv")
    assert done.err.splitlines()[1].startswith("try: nll softmax t.csv --drop label")
    assert "--target-column" not in done.err
    assert nll("softmax", "t.csv", "--drop", "label").code == 0


def test_the_key_of_targets_is_named(folder):
    (folder / "x.jsonl").write_text('{"logits": [1, 2], "label": 0}\n')
    done = nll("compute", "x.jsonl")
    assert done.code == 2
    assert done.err.splitlines()[1] == "try: nll compute x.jsonl --target-column label  # label has the targets"
    found = float(nll("compute", "x.jsonl", "--target-column", "label", "-q").out)
    assert found == pytest.approx(math.log1p(math.exp(1)), rel=1e-14)


@pytest.mark.parametrize(("label", "meant"), [("Antt", "ant"), ("Hors", "Horse"), ("cheetha", "cheetah")])
def test_the_nearest_name_is_offered(label, meant, folder):
    (folder / "y.txt").write_text(f"{label}\n" * 5)
    done = nll("compute", "x.npy", "y.txt", "--classes", "ant,Horse,cheetah")
    assert done.err.splitlines()[1] == f"hint: did you mean {meant!r}?"


@pytest.mark.parametrize("kind", ["npy", "int.npy", "txt", "parquet"])
def test_rows_of_nan_alone_are_left_out(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y = np.array([[1.5, 0.5], [np.nan, np.nan], [0.25, 2.0]]), [0, 1, 1]
    np.savetxt("y.txt", y, "%d")
    if kind == "parquet":
        parquet.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), "x.parquet")
    elif kind == "txt":
        np.savetxt("x.txt", x)
    else:
        np.save(f"x.{kind}", x if kind == "npy" else np.arange(6).reshape(3, 2))
    if kind == "int.npy":
        whole = nll("compute", "x.int.npy", "y.txt", "-q", "--missing", "ignore")
        assert float(whole.out) == pytest.approx(float(oracle.reduce(np.arange(6).reshape(3, 2), y)), rel=1e-14)
        return
    done = nll("compute", f"x.{kind}", "y.txt", "-q")
    assert [line.partition("  # ")[2] for line in offered(done)] == [
        "samples without logits are left out",
        "such samples count as NaN",
    ]
    expected = pytest.approx(float(oracle.reduce(x[[0, 2]], [0, 1])), rel=1e-14)
    assert answers("compute", f"x.{kind}", "y.txt", "-q")[0] == expected
    told = f"x.{kind}: 1 sample of NaN alone left out"
    assert told in nll("compute", f"x.{kind}", "y.txt", "-q", "--missing", "ignore").err
    np.savetxt("y.txt", [[0.5, 0.5], [1, 0], [0, 1]])
    assert "is NaN" in nll("compute", f"x.{kind}", "y.txt", "-q", "--missing", "ignore").err
