"""The same array in every format: the same blocks, the same bits of the loss, whatever the number of threads."""

import datetime as dt
import errno
import gzip
import io
import json
import os
import struct
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from nllcli.cli.main import main
from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, FaultError, NllError, UsageError
from nllcli.inputs.opening import open_dataset

N, C = 1003, 7
RNG = np.random.default_rng(5)
LOGITS = RNG.normal(size=(N, C)) * 5
TARGETS = RNG.integers(0, C, N)
NAMES = tuple(f"class {c}" for c in range(C))


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def npz(values, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("a.npy", npy(values))
    return out.getvalue()


def text(delimiter, header=False, fmt="%.17g"):
    out = io.StringIO()
    np.savetxt(out, LOGITS, fmt=fmt, delimiter=delimiter, header=delimiter.join(NAMES) if header else "", comments="")
    return out.getvalue().encode()


def jsonl(labels=False):
    rows = (
        {"logits": row, "target": t} if labels else row
        for row, t in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def safetensors():
    header = json.dumps({"a": {"dtype": "F64", "shape": [N, C], "data_offsets": [0, LOGITS.nbytes]}}).encode()
    return struct.pack("<Q", len(header)) + header + LOGITS.tobytes()


def table(**columns):
    return pa.table({name: LOGITS[:, c] for c, name in enumerate(NAMES)} | columns)


def arrow(what, write=parquet.write_table, **options):
    out = io.BytesIO()
    write(what, out, **options)
    return out.getvalue()


FILES = {
    "npy": npy(LOGITS),
    "fortran": npy(np.asfortranarray(LOGITS)),
    "big endian": npy(LOGITS.astype(">f8")),
    "npy.gz": gzip.compress(npy(LOGITS)),
    "fortran.gz": gzip.compress(npy(np.asfortranarray(LOGITS))),
    "npz": npz(LOGITS),
    "npz deflated": npz(LOGITS, zipfile.ZIP_DEFLATED),
    "npz deflated fortran": npz(np.asfortranarray(LOGITS), zipfile.ZIP_DEFLATED),
    "csv": text(","),
    "csv.gz": gzip.compress(text(",", header=True)),
    "tsv": text("\t", header=True),
    "semicolons": text(";"),
    "blanks": text(" "),
    "aligned": text(" ", fmt="%30.17g"),
    "quoted": b"\n".join(b'"' + line.replace(b",", b'","') + b'"' for line in text(",").split()),
    "jsonl": jsonl(),
    "jsonl with targets": jsonl(labels=True),
    "safetensors": safetensors(),
    "parquet": arrow(table(), row_group_size=100),
    "parquet lists": arrow(pa.table({"x": pa.array(list(LOGITS))})),
    "parquet fixed lists": arrow(pa.table({"x": pa.FixedSizeListArray.from_arrays(LOGITS.ravel(), C)})),
    "feather": arrow(table(), feather.write_feather, chunksize=64),
    "feather lists": arrow(pa.table({"x": pa.array(list(LOGITS))}), feather.write_feather, chunksize=300),
}
BLOCKS = (1, 100, 256, 5000)


@pytest.fixture
def put(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write


@pytest.fixture(params=FILES)
def file(request, put):
    return put("logits", FILES[request.param])


def blocks(path, n, **options):
    return [chunk.load(Scratch()) for chunk in open_dataset(InputOptions(path, **options)).chunks(n)]


@pytest.mark.uncounted
@pytest.mark.parametrize("n", BLOCKS)
def test_blocks(file, n):
    found = blocks(file, n)
    runs = [(block.start, len(block.logits)) for block in found]
    assert runs == [(start, min(n, N - start)) for start in range(0, N, n)]
    np.testing.assert_array_equal(np.concatenate([block.logits for block in found]), LOGITS)


@pytest.mark.uncounted
def test_the_loss_has_the_same_bits(file, put, capsys, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1000)
    command = ["compute", "-q", "-", put("y.npy", npy(TARGETS))]
    losses = set()
    for threads in (1, 3):
        for name in (file, put("x.npy", FILES["npy"])):
            command[2] = name
            assert main([*command, "--threads", str(threads)]) == 0
            losses.add(capsys.readouterr().out)
    assert len(losses) == 1


def test_bytes_add_up_where_the_file_says_how_many(put):
    for name in ("npy", "csv", "jsonl"):
        source = open_dataset(InputOptions(put(name, FILES[name]))).logits
        total = sum(chunk.n_bytes for chunk in open_dataset(InputOptions(put(name, FILES[name]))).chunks(64))
        assert source.n_bytes == total


@pytest.mark.parametrize("infinite", [True, False], ids=["with infinities", "finite"])
def test_numbers_of_text_have_the_bits_of_float(infinite, put):
    """Decimals that round either way."""
    rng = np.random.default_rng(1)
    cells = [f"{rng.normal():.{d}g}e{e}" for d in range(1, 25) for e in (-300, -5, 0, 22, 307)] + [
        "+1.5",
        "-0",
        ".5",
        "5.",
    ]
    if infinite:
        cells += ["-inf", "-Infinity"]
    rows = [cells[i : i + 2] for i in range(0, len(cells), 2)]
    found = np.concatenate([b.logits for b in blocks(put("x.csv", "\n".join(map(",".join, rows)).encode()), 50)])
    assert found.tobytes() == np.array([[float(cell) for cell in row] for row in rows]).tobytes()


# --- targets ----------------------------------------------------------------------------------------------------------

TARGET_FILES = {
    "npy": npy(TARGETS),
    "npz": npz(TARGETS.astype("u1"), zipfile.ZIP_DEFLATED),
    "csv": "\n".join(map(str, TARGETS)).encode(),
    "series": (",y\n" + "".join(f"{i},{t}\n" for i, t in enumerate(TARGETS))).encode(),
    "floats": "\n".join(map(str, TARGETS.astype(float))).encode(),
    "jsonl": "".join(json.dumps({"target": t}) + "\n" for t in TARGETS.tolist()).encode(),
    "parquet": arrow(pa.table({"y": TARGETS})),
    "parquet floats": arrow(pa.table({"y": TARGETS.astype("f4")})),
    "parquet names": arrow(pa.table({"y": [NAMES[t] for t in TARGETS]})),
    "parquet categories": arrow(pa.table({"y": pa.array([NAMES[t] for t in TARGETS]).dictionary_encode()})),
    "feather": arrow(pa.table({"y": TARGETS}), feather.write_feather),
    "feather names": arrow(
        pa.table({"y": pa.array([NAMES[t] for t in TARGETS]).dictionary_encode()}), feather.write_feather
    ),
    "feather categories": arrow(pa.table({"y": pa.array(TARGETS).dictionary_encode()}), feather.write_feather),
}


@pytest.mark.uncounted
@pytest.mark.parametrize("name", TARGET_FILES)
@pytest.mark.parametrize("logits", ["npy", "fortran", "csv"])
def test_targets(name, logits, put):
    path = put("y", TARGET_FILES[name])
    found = blocks(put("x", FILES[logits]), 100, targets=path, classes=NAMES)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in found]), TARGETS)


@pytest.mark.parametrize("name", TARGET_FILES)
def test_counts_of_targets(name, put):
    from nllcli.inputs.counting import count_targets

    counts, names = count_targets(put("y", TARGET_FILES[name]), NAMES)
    assert counts == np.bincount(TARGETS).tolist()
    assert names == NAMES


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
@pytest.mark.parametrize("labels", [TARGETS, [NAMES[t] for t in TARGETS]], ids=["numbers", "names"])
@pytest.mark.parametrize("name", ["y", ""], ids=["named", "without a name"])
def test_target_column(write, labels, name, put):
    found = blocks(put("x", arrow(table(**{name: labels}), write)), 100, target_column=name)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in found]), TARGETS)
    np.testing.assert_array_equal(np.concatenate([block.logits for block in found]), LOGITS)


@pytest.mark.parametrize(
    ("wrong", "says"), [([0.0, 1.5], "target 1.5 is not a class index"), (["a", "c"], "'c' is none of")]
)
def test_target_column_that_is_wrong(wrong, says, put):
    path = put("x", arrow(pa.table({"a": [1.0, 2.0], "b": [1.0, 2.0], "y": wrong})))
    with pytest.raises(NllError, match=f"row 1: .*{says}"):
        blocks(path, 10, target_column="y")


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
@pytest.mark.parametrize(("value", "told"), [(2**53, False), (2**53 + 1, True), (-(2**53) - 1, True)])
@pytest.mark.parametrize("beside", [[0, 1, 2], [0.5, 1.0, 2.0], None], ids=["integers", "floats", "in lists"])
def test_integers_that_lose_digits_in_columns(write, value, told, beside, put):
    """Whatever the rows after them hold, and whether they become floats already beside other columns."""
    long = [1, value, 2]
    columns = {"a": [[x, 0] for x in long]} if beside is None else {"a": long, "b": beside}
    dataset = open_dataset(InputOptions(put("x", arrow(pa.table(columns), write))))
    chunks = list(dataset.chunks(1))
    assert not dataset.notes
    for chunk in chunks:
        chunk.load(Scratch())
    assert [note.code for note in dataset.notes] == ["rounded-integers"] * told


def test_targets_of_json_lines(put):
    found = blocks(put("x", FILES["jsonl with targets"]), 100)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in found]), TARGETS)


SOFT = RNG.dirichlet(np.ones(C), N)
SOFT_FILES = {
    "npy": npy(SOFT),
    "fortran": npy(np.asfortranarray(SOFT)),
    "npz": npz(SOFT, zipfile.ZIP_DEFLATED),
    "csv": "\n".join(",".join(map(repr, row)) for row in SOFT.tolist()).encode(),
    "jsonl": "".join(json.dumps(row) + "\n" for row in SOFT.tolist()).encode(),
    "parquet": arrow(pa.table({name: SOFT[:, c] for c, name in enumerate(NAMES)})),
}


@pytest.mark.uncounted
@pytest.mark.parametrize("name", SOFT_FILES)
@pytest.mark.parametrize("logits", ["npy", "fortran", "npy.gz", "csv", "parquet", "feather"])
def test_class_probabilities(name, logits, put):
    for n in (100, 5000):
        found = blocks(put("x", FILES[logits]), n, targets=put("y", SOFT_FILES[name]))
        np.testing.assert_array_equal(np.concatenate([block.targets for block in found]), SOFT)


@pytest.mark.parametrize("soft", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("change", [-1, 1, 200])
def test_class_probabilities_of_another_length(soft, change, put):
    longer = np.resize(SOFT, (N + change, C))
    data = {
        "csv": lambda: "\n".join(",".join(map(repr, row)) for row in longer.tolist()).encode(),
        "npy": lambda: npy(longer),
        "parquet": lambda: arrow(pa.table({name: longer[:, c] for c, name in enumerate(NAMES)})),
    }[soft]()
    with pytest.raises(NllError, match=rf"has {N + change} samples, but .* has {N}"):
        blocks(put("x", FILES["csv"]), 100, targets=put("y", data))


@pytest.mark.parametrize("order", ["CF", "FC", "CC", "FF"])
def test_class_probabilities_of_many_dimensions(order, put):
    logits, soft = RNG.normal(size=(2, 3, 4, 5)), RNG.normal(size=(2, 3, 4, 5))
    x, y = (put(n, npy(np.asarray(a, order=o))) for n, a, o in zip("xy", (logits, soft), order, strict=True))
    for block in blocks(x, 4, targets=y):
        for row, target in zip(block.logits, block.targets, strict=True):
            (at,) = np.argwhere((np.moveaxis(logits, 1, -1) == row).all(-1))
            np.testing.assert_array_equal(np.moveaxis(soft, 1, -1)[tuple(at)], target)


# --- sample weights ---------------------------------------------------------------------------------------------------

WEIGHTS = RNG.random(N)


@pytest.mark.parametrize(
    "data",
    [
        npy(WEIGHTS),
        npz(WEIGHTS, zipfile.ZIP_DEFLATED),
        "\n".join(map(repr, WEIGHTS.tolist())).encode(),
        gzip.compress("\n".join(map(repr, WEIGHTS.tolist())).encode()),
        arrow(pa.table({"w": WEIGHTS})),
    ],
    ids=["npy", "npz", "text", "gz", "parquet"],
)
def test_sample_weights(data, put):
    found = blocks(put("x", FILES["npy"]), 100, sample_weights=put("w", data))
    np.testing.assert_array_equal(np.concatenate([block.sample_weights for block in found]), WEIGHTS)


@pytest.mark.parametrize("data", [npy(WEIGHTS), "\n".join(map(repr, WEIGHTS.tolist())).encode()], ids=["npy", "text"])
def test_sample_weights_beside_text(data, put):
    found = blocks(put("x", FILES["csv"]), 100, sample_weights=put("w", data))
    np.testing.assert_array_equal(np.concatenate([block.sample_weights for block in found]), WEIGHTS)
    with pytest.raises(NllError, match=rf"has {N + 1} values, but .* has {N} samples"):
        blocks(put("x", FILES["csv"]), 100, sample_weights=put("w", npy(np.ones(N + 1))))


@pytest.mark.parametrize("orders", ["CC", "CF", "FC"])
def test_sample_weights_of_many_dimensions(orders, put):
    logits, weights = RNG.normal(size=(2, 3, 4)), RNG.random((2, 4))
    x, w = (put(n, npy(np.asarray(a, order=o))) for n, a, o in zip("xw", (logits, weights), orders, strict=True))
    found = np.concatenate([block.sample_weights for block in blocks(x, 3, sample_weights=w)])
    np.testing.assert_array_equal(found, weights.ravel(order=orders[0]))
    with pytest.raises(NllError, match="shape"):
        blocks(x, 3, sample_weights=put("v", npy(np.ones(8))))


# --- tables of pyarrow that cannot be read ----------------------------------------------------------------------------

HALF = pa.array(LOGITS[:3, 0].astype("f2"))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (pa.table({"a": ["x"], "b": [1.0]}), "column 'a' holds no numbers"),
        (pa.table({"a": [True], "b": [False]}), "column 'a' holds bool, not numbers"),
        (pa.table({"a": [1.0, None], "b": [1.0, 2.0]}), "row 1, column a: the cell is empty"),
        (pa.table({"x": [[1.0, 2.0], [1.0]]}), "row 1: its list has 1 value, the first list has 2"),
        (pa.table({"x": [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0]]}), "row 1: its list has 3 values, the first list has 2"),
        (pa.table({"x": [[1.0, 2.0], None]}), "row 1"),
        (pa.table({"x": [[1.0, 2.0], [1.0, None]]}), "row 1, in its list: the cell is empty"),
        (pa.table({"x": [[], [1.0]]}), "the first list is empty"),
        (pa.table({"x": pa.array([None, None], pa.list_(pa.float64()))}), "has no lists but missing ones"),
        (pa.table({"x": pa.array([], pa.list_(pa.float64()))}), "has no rows"),
        (pa.table({"x": [["a"]]}), "column 'x' holds list<.*string>, not numbers"),
        (pa.table({"x": [None, [1.0, 2.0]]}), "row 0, column x: the cell is empty"),
        (pa.table({}), "no columns"),
        (pa.Table.from_arrays([HALF, HALF], ["a", "a"]), "several columns of one name"),
    ],
    ids=str,
)
@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
def test_refuses_a_table(what, says, write, put):
    with pytest.raises(NllError, match=says):
        blocks(put("x", arrow(what, write)), 10)


LISTS = {"logits": [[1.0, 2.0], [3.0, 4.0]], "label": [0, 1]}


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_names_of_any_kind_of_text(kind, put):
    names = pa.array(["a", "b"], getattr(pa, kind)())
    (block,) = blocks(put("x", arrow(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": names}))), 10, target_column="y")
    assert block.targets.tolist() == [0, 1]


def test_lists_with_a_target_column(put):
    (block,) = blocks(put("x", arrow(pa.table(LISTS))), 10, target_column="label")
    assert block.logits.tolist() == LISTS["logits"]
    assert block.targets.tolist() == LISTS["label"]


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
def test_a_table_whose_reading_fails(write, put, monkeypatch):
    """The system's failure is none of the file's."""

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    path = put("x", arrow(table(), write))
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(FaultError, match="x: cannot be read: Input/output error"):
        blocks(path, 10)


def test_types_of_columns(put):
    categories = pa.table({"a": pa.array([0.5, 2.0, 0.5]).dictionary_encode()})
    (block,) = blocks(put("x", arrow(categories, feather.write_feather)), 10, binary=True)
    assert block.logits.tolist() == [[0.5], [2.0], [0.5]]
    for types, dtype in ((("f2", "f2"), "f2"), (("f4", "i2"), "f4"), (("i8", "f4"), "f8"), (("u1", "i1"), "i2")):
        given = pa.table({name: np.arange(3).astype(t) for name, t in zip("ab", types, strict=True)})
        (block,) = blocks(put("x", arrow(given)), 10)
        assert block.logits.dtype == np.dtype(dtype)
        assert block.logits.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_columns_that_are_not_logits(put):
    path = put("x", arrow(table(__index_level_0__=np.arange(N))))
    dataset = open_dataset(InputOptions(path))
    assert dataset.class_names == NAMES
    assert [note.code for note in dataset.notes] == ["index-column"]
    with pytest.raises(UsageError, match="no column 'z'") as caught:
        open_dataset(InputOptions(path, target_column="z"))
    assert "class 0" in caught.value.hint
    with pytest.raises(UsageError, match="no column 'z'"):
        open_dataset(InputOptions(f"{path}:z"))
    (first, *_) = blocks(f"{path}:class 1", 10, binary=True)
    np.testing.assert_array_equal(first.logits, LOGITS[:10, 1:2])


def test_integers_are_no_class_probabilities(put):
    path = put("y", arrow(pa.table({name: np.eye(N, C, dtype=int)[:, c] for c, name in enumerate(NAMES)})))
    with pytest.raises(NllError, match="integers") as caught:
        open_dataset(InputOptions(put("x", FILES["npy"]), targets=path))
    assert [remedy.settings for remedy in caught.value.remedies] == []


def test_checksums_of_pages(put):
    data = bytearray(arrow(table(), compression="none", use_dictionary=False, write_page_checksum=True))
    data[data.index(LOGITS[:5, 3].tobytes())] ^= 1
    with pytest.raises(NllError, match="checksum"):
        blocks(put("x", bytes(data)), 100)


@pytest.mark.parametrize("name", ["parquet", "feather"])
def test_damaged_tables(name, put):
    data = FILES[name]
    for damaged in (data[:20], data[:-20], data[:-20] + b"\xff" * 10 + data[-10:]):
        with pytest.raises(NllError, match="damaged"):
            blocks(put("x", damaged), 100)
    with pytest.raises(NllError, match="version 1"):
        blocks(put("x", b"FEA1" + bytes(100)), 100)


def test_tables_need_pyarrow(put, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name in ("parquet", "feather"):
        with pytest.raises(UsageError, match="pyarrow") as caught:
            open_dataset(InputOptions(put("x", FILES[name])))
        assert "pip install pyarrow" in caught.value.hint


def test_places_in_a_table(put):
    source = open_dataset(InputOptions(put("x", FILES["parquet"]))).logits
    assert source.place(3, None) == "row 3"


def test_batches_without_rows(put):
    batches = [pa.record_batch({"x": pa.array(rows, pa.list_(pa.float64()))}) for rows in ([], [[1.0, 2.0]], [])]
    (block,) = blocks(put("x", arrow(pa.Table.from_batches(batches), write_batches)), 10)
    assert block.logits.tolist() == [[1, 2]]


def write_batches(what, out):
    with pa.ipc.new_file(out, what.schema) as file:
        for batch in what.to_batches():
            file.write_batch(batch)


def test_table_that_changes_while_it_is_read(put):
    path = put("x", FILES["parquet"])
    chunks = open_dataset(InputOptions(path)).chunks(100)
    next(chunks)
    with open(path, "ab") as more:  # noqa: PTH123
        more.write(b"x")
    with pytest.raises(NllError, match="changed while"):
        list(chunks)


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
def test_a_table_that_claims_more_than_the_memory(write, put, monkeypatch):
    """Whether the file or the machine is at fault cannot be told, but which file it was about."""

    def fail(*_):
        raise MemoryError("of 1 EiB")

    path = put("x", arrow(table(), write))
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(FaultError, match="x: is damaged, or there is not enough memory to read it: of 1 EiB"):
        blocks(path, 10)


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather], ids=["parquet", "feather"])
@pytest.mark.parametrize(("targets", "kind"), [([[0], [1]], "list"), ([dt.date(2020, 1, 1)] * 2, "date")])
def test_a_target_column_of_neither_numbers_nor_names(targets, kind, write, put):
    path = put("x", arrow(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": targets}), write))
    with pytest.raises(DataError, match=f"column 'y' holds {kind}.*, neither class indices nor names"):
        blocks(path, 10, target_column="y")


@pytest.mark.parametrize(
    ("name", "data"), [("y.jsonl", b"[0.5, 0.5]\n"), ("y.parquet", arrow(pa.table({"a": [0.5], "b": [0.5]})))]
)
def test_probabilities_of_another_number_of_classes(name, data, put):
    """In a table they may be columns of anything, none of which can be class indices."""
    says = r"has 2 values a sample, for logits of shape \(1, 3\)|has 2 columns; which of them has the targets"
    with pytest.raises(NllError, match=says) as caught:
        blocks(put("x.npy", npy(np.zeros((1, 3)))), 10, targets=put(name, data))
    assert caught.value.remedies == ()


@pytest.mark.parametrize(
    ("name", "data"),
    [("w.csv", b"1,2\n3,4\n"), ("w.jsonl", b"[1, 2]\n[3, 4]\n"), ("w", arrow(pa.table({"a": [1.0], "b": [1.0]})))],
)
def test_sample_weights_in_several_columns(name, data, put):
    with pytest.raises(NllError, match="has 2 columns; sample weights have one"):
        blocks(put("x.npy", npy(np.zeros((2, 3)))), 10, sample_weights=put(name, data))
