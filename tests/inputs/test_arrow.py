"""Parquet and Arrow as people have them: streams, lists beside other columns, odd types, missing values, questions."""

import bz2
import decimal
import gzip
import io
import itertools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pyarrow as pa
import pytest
from following import meanings, run
from in_process import nll
from pyarrow import feather, ipc, parquet

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, UsageError
from nllcli.inputs.counting import count_targets
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.tables.arrow_conversions import SAVE_IT

RNG = np.random.default_rng(8)
LOGITS = RNG.normal(0, 2, (8, 3)).round(4)
TARGETS = [2, 1, 0, 2, 1, 2, 1, 0]
NAMES = ("cat", "dog", "horse")
NAMED = [NAMES[y] for y in TARGETS]


def stream(table, out, max_chunksize=3, **options):
    """As Hugging Face datasets' save_to_disk writes it, and to_arrow_ipc of others."""
    with ipc.new_stream(out, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=max_chunksize)


WRITERS = {
    "parquet": parquet.write_table,
    "feather": lambda table, out: feather.write_feather(table, out, chunksize=3),
    "arrow": stream,
}
each_kind = pytest.mark.parametrize("kind", WRITERS)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(name, columns, metadata=None, kind=None):
    """Write columns to a file in the current folder; the kind is that of its extension, unless it is told."""
    arrays = {key: values if isinstance(values, pa.Array) else pa.array(values) for key, values in columns.items()}
    table = pa.table(arrays).replace_schema_metadata(metadata)
    with Path(name).open("wb") as out:
        WRITERS[kind or name.rsplit(".", 1)[1]](table, out)
    return name


def scalars():
    return {name: LOGITS[:, c] for c, name in enumerate(NAMES)}


def loss(rows=LOGITS, targets=TARGETS, **options):
    return pytest.approx(float(oracle.reduce(rows, targets, **options)), rel=1e-13)


def number(*words):
    """The one number that a command prints."""
    done = nll("compute", *words, "-q")
    assert done.code == 0, done.err
    return float(done.out)


def told(done):
    """The commands that an error tells, without their meanings."""
    assert done.code in (2, 3), done.err
    return [line[5:] for line in done.err.splitlines() if line.startswith("try: ")]


def answers(*words):
    """The numbers to which the commands that a refusal tells lead."""
    commands = told(nll("compute", *words, "-q"))
    done = [run(command) for command in commands]
    assert all(run.code == 0 for run in done), [run.err for run in done]
    return [float(run.out) for run in done]


# --- streams and files of Arrow ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.arrow", "x.feather", "x", "x.csv"])
@pytest.mark.parametrize("kind", ["arrow", "feather"])
def test_streams_and_files_are_told_apart_by_content(name, kind):
    save(name, scalars() | {"y": TARGETS}, kind=kind)
    assert number(name, "--target-column", "y") == loss()
    for said in ("arrow", "feather"):
        assert number(name, "--target-column", "y", "--input-format", said) == loss()


def test_a_stream_from_standard_input():
    save("x.arrow", {"text": ["?"] * 8, "logits": list(LOGITS), "label": TARGETS})
    with Path("x.arrow").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "nllcli", "compute", "-", "--target-column", "label", "-q"],
            stdin=file,
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert float(done.stdout) == loss()


@pytest.mark.parametrize("head", [b"\xff" * 8, b"\xff\xff\xff\xff\0\0\0\0", b"\xff\xff\xff\xff\0\0\0\x3f"])
def test_other_bytes_that_begin_like_a_stream(head):
    Path("x").write_bytes(head + bytes(range(256)))
    done = nll("compute", "x", "x")
    assert (done.code, "of no format that is known" in done.err) == (3, True)


def test_streams_joined_in_one_file():
    """As ``cat`` joins them: a reader of one stream would stop at the end of the first."""
    parts = []
    for rows in (slice(0, 5), slice(5, 8)):
        save("x.arrow", {name: column[rows] for name, column in scalars().items()} | {"y": TARGETS[rows]})
        parts.append(Path("x.arrow").read_bytes())
    Path("x.arrow").write_bytes(b"".join(parts))
    assert number("x.arrow", "--target-column", "y") == loss()
    save("z.arrow", {"a": [1.0], "b": [2.0]})
    Path("x.arrow").write_bytes(parts[0] + Path("z.arrow").read_bytes())
    assert "holds streams of different columns" in nll("compute", "x.arrow", "--target-column", "y").err
    Path("x.arrow").write_bytes(parts[0] + b"more")
    assert nll("compute", "x.arrow", "--target-column", "y").code == 3


def test_a_stream_without_its_end():
    """A writer that was killed leaves whole batches, and none of those that were to come."""
    save("x.arrow", scalars() | {"y": TARGETS})
    Path("x.arrow").write_bytes(Path("x.arrow").read_bytes()[:-8])
    done = nll("compute", "x.arrow", "--target-column", "y")
    assert (done.code, "has no mark at the end of the stream" in done.err) == (3, True)
    assert answers("x.arrow", "--target-column", "y") == [loss()]


def test_a_damaged_stream():
    save("x.arrow", scalars() | {"y": TARGETS})
    whole = Path("x.arrow").read_bytes()
    for data in (whole[:40], whole[: len(whole) // 2], whole[:100] + b"\xff" * 100 + whole[200:]):
        Path("x.arrow").write_bytes(data)
        done = nll("compute", "x.arrow", "--target-column", "y")
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("nll: error: x.arrow")


@pytest.mark.parametrize("kind", ["arrow", "feather"])
@pytest.mark.parametrize(
    ("part", "instead"),
    [(b"name of it", b"name \xff\xfe it"), (np.int32([0, 3, 6]).tobytes(), np.int32([0, 3, 1 << 30]).tobytes())],
    ids=["name", "offsets"],
)
def test_what_pyarrow_does_not_check(part, instead, kind):
    with Path("x").open("wb") as out:
        (stream if kind == "arrow" else write_plain)(pa.table({"name of it": list(LOGITS[:2]), "y": [0, 1]}), out)
    data = Path("x").read_bytes()
    assert part in data
    Path("x").write_bytes(data.replace(part, instead))
    done = nll("compute", "x", "--target-column", "2")
    assert (done.code, "x: is damaged: " in done.err) == (3, True)


def write_plain(table, out):
    feather.write_feather(table, out, compression="uncompressed")


@pytest.mark.parametrize("new", [ipc.new_stream, ipc.new_file], ids=["stream", "file"])
@pytest.mark.parametrize("values", ["string", "large_string", "string_view"])
def test_dictionaries_that_grow(new, values):
    kind = pa.dictionary(pa.int16(), getattr(pa, values)())
    schema = pa.schema([*((name, pa.float64()) for name in NAMES), ("y", kind)])
    words = pa.array(["cow", "horse", "dog", "cat"], getattr(pa, values)())
    with new("x.arrow", schema, options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as writer:
        for rows, known in ((slice(0, 2), 3), (slice(2, 8), 4)):
            indices = pa.array([words.to_pylist().index(name) for name in NAMED[rows]], pa.int16())
            labels = pa.DictionaryArray.from_arrays(indices, words.slice(0, known))
            writer.write_batch(pa.record_batch([*map(pa.array, LOGITS[rows].T), labels], schema=schema))
    assert number("x.arrow", "--target-column", "y") == loss()
    assert number("x.arrow", "--target-column", "y", "--threads", "2") == loss()


@pytest.mark.filterwarnings("ignore:Feather V1")
@pytest.mark.parametrize("zipped", [False, True])
def test_the_first_version_of_feather_is_converted(zipped):
    pytest.importorskip("pyarrow.feather")
    import gzip

    out = io.BytesIO()
    try:
        feather.write_feather(pa.table(scalars() | {"y": TARGETS}), out, version=1)
    except ValueError:
        pytest.skip("this pyarrow no longer writes it")
    name = "old one.feather" + ".gz" * zipped
    Path(name).write_bytes(gzip.compress(out.getvalue()) if zipped else out.getvalue())
    assert answers(name, "--target-column", "y") == [loss()]
    np.save("z.npy", LOGITS)
    assert answers("z.npy", f"{name}:y") == [loss()]


def test_the_first_version_of_feather_in_a_pipe():
    with pytest.raises(DataError, match="version 1") as caught:
        open_dataset(InputOptions(save_bytes("x", b"FEA1" + bytes(50))))
    assert caught.value.remedies
    Path("x").rename("standard input")
    with pytest.raises(DataError, match="version 1") as caught:
        open_dataset(InputOptions("standard input"))
    assert (caught.value.remedies, caught.value.hint) == ((), SAVE_IT)


def save_bytes(name, data):
    Path(name).write_bytes(data)
    return name


# --- one column of a file ---------------------------------------------------------------------------------------------


@each_kind
def test_a_column_of_lists_and_a_column_of_targets(kind):
    file = save(f"x.{kind}", {"text": ["?"] * 8, "logits": list(LOGITS), "label": TARGETS, "name": NAMED})
    assert number(f"{file}:logits", "--target-column", "label") == loss()
    assert number(f"{file}:logits", f"{file}:label") == loss()
    assert number(file, f"{file}:label") == loss()
    assert number(file, "--target-column", "3") == loss()
    assert number(f"{file}:logits", f"{file}:name", "--classes", "cat,dog,horse") == loss()
    counts, names = count_targets(f"{file}:name", NAMES)
    assert (counts, names) == ([2, 3, 3], NAMES)


@each_kind
def test_a_column_that_does_not_exist(kind):
    file = save(f"x.{kind}", scalars())
    for words in ((f"{file}:z",), (file, "--target-column", "4"), (file, "--target-column", "0")):
        done = nll("compute", *words)
        assert (done.code, "hint: columns: cat, dog, horse" in done.err) == (2, True)


def test_targets_in_one_of_several_columns():
    np.save("x.npy", LOGITS)
    file = save("y.parquet", {"id": [7] * 8, "y": TARGETS})
    assert answers("x.npy", file) == [loss()]
    file = save("y.parquet", {"text": ["?"] * 8, "what": TARGETS})
    found = told(nll("compute", "x.npy", file, "-q"))
    assert [command.split()[3] for command in found] == ["y.parquet:text", "y.parquet:what"]
    assert run(found[0]).code == 3
    assert float(run(found[1]).out) == loss()
    lists = save("y.parquet", {"y": [[1, 0]] * 8})
    done = nll("compute", "x.npy", lists)
    assert (done.code, "has 2 values a sample" in done.err, told(done)) == (3, True, [])


@pytest.mark.parametrize("names", [("id", "fold", "y"), ("cat", "id", "name")])
def test_as_many_columns_as_classes_that_are_not_probabilities(names):
    columns = {"id": range(8), "fold": [0, 1] * 4, "y": TARGETS, "name": NAMED, "cat": LOGITS[:, 0]}
    np.save("x.npy", LOGITS)
    file = save("y.parquet", {name: list(columns[name]) for name in names})
    done = nll("compute", "x.npy", file, "--classes", "cat,dog,horse", "-q")
    assert "has 3 columns; which of them has the targets?" in done.err
    assert float(run(told(done)[-1]).out) == loss()


# --- lists of logits --------------------------------------------------------------------------------------------------

FLAT = pa.array(LOGITS.astype("f2").ravel().astype("f8"))
KINDS_OF_LISTS = {
    "list": pa.array(list(LOGITS)),
    "large list": pa.array(list(LOGITS), pa.large_list(pa.float64())),
    "fixed": pa.FixedSizeListArray.from_arrays(pa.array(LOGITS.ravel()), 3),
    "f4": pa.array(list(LOGITS.astype("f4"))),
    "f2": pa.FixedSizeListArray.from_arrays(pa.array(LOGITS.astype("f2").ravel()), 3),
    "decimals": pa.array([[decimal.Decimal(repr(float(x))) for x in row] for row in LOGITS]),
    "tensors": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float64(), [3]), pa.FixedSizeListArray.from_arrays(pa.array(LOGITS.ravel()), 3)
    ),
}


@each_kind
@pytest.mark.parametrize("lists", KINDS_OF_LISTS)
def test_the_one_column_of_lists_of_fractions_is_the_logits(lists, kind):
    column = KINDS_OF_LISTS[lists]
    file = save(
        f"x.{kind}",
        {
            "text": ["a text"] * 8,
            "input_ids": [[1, 2, 3]] * 8,
            "day": pa.array([0] * 8, pa.date32()),
            "image": [{"bytes": b"\0", "path": "p"}] * 8,
            "scores": column,
            "id": list(range(8)),
            "label": TARGETS,
        },
    )
    rows = np.array([[float(x) for x in row] for row in (column.storage if lists == "tensors" else column).to_pylist()])
    assert number(file, "--target-column", "label") == loss(rows)


@each_kind
def test_integers_in_the_only_lists(kind):
    file = save(f"x.{kind}", {"x": [[5, 4, 2], [4, 2, 8]], "y": [0, 2]})
    assert number(file, "--target-column", "y") == loss([[5, 4, 2], [4, 2, 8]], [0, 2])
    file = save(f"x.{kind}", {"in, put": [[5, 4, 2], [4, 2, 8]], "text": ["a", "b"], "y": [0, 2]})
    assert "column 'in, put' holds lists of whole numbers: logits?" in nll("compute", file, "--target-column", "y").err
    assert answers(file, "--target-column", "y") == [loss([[5, 4, 2], [4, 2, 8]], [0, 2])]


@each_kind
def test_two_columns_of_lists_are_asked_about(kind):
    other = LOGITS[:, ::-1]
    file = save(f"x.{kind}", {"logits": list(LOGITS), "embedding": list(other), "y": TARGETS})
    assert answers(file, "--target-column", "y") == [loss(), loss(other)]
    save("standard input", {"a": list(LOGITS), "b": list(other)}, kind=kind)
    with pytest.raises(UsageError, match="has several columns of lists: 'a', 'b'") as caught:
        open_dataset(InputOptions("standard input"))
    assert [remedy.settings for remedy in caught.value.remedies] == [{"columns": ("a",)}, {"columns": ("b",)}]


@each_kind
def test_lists_of_samples_are_written_one_a_row(kind):
    """Token logits, as models of sequences have them: 3 texts of 3, 1 and 4 tokens."""
    cuts = (0, 3, 4, 8)
    nested = [[list(map(float, row)) for row in LOGITS[a:b]] for a, b in itertools.pairwise(cuts)]
    labels = [TARGETS[a:b] for a, b in itertools.pairwise(cuts)]
    file = save(f"x.{kind}", {"ids": [[1], [2], [3]], "logits": nested, "labels": labels, "text": ["?"] * 3})
    before = [i for i in range(8) if i + 1 not in cuts]
    shifted = loss(LOGITS[before], [TARGETS[i + 1] for i in before])
    assert answers(file, "--target-column", "labels") == [loss(), shifted]
    assert answers(f"{file}:logits", "--target-column", "labels") == [loss(), shifted]
    np.save("y.npy", TARGETS)
    first, second = told(nll("compute", file, "y.npy", "-q"))
    assert float(run(first).out) == loss()
    assert run(second).code == 3
    assert told(nll("compute", file, "--target-column", "text")) == []
    assert told(nll("compute", save(f"z.{kind}", {"x": [[[["a"]]]]}))) == []
    save("alone." + kind, {"logits": nested})
    assert answers("alone." + kind, "y.npy") == [loss()]
    save("standard input", {"logits": nested}, kind=kind)
    with pytest.raises(DataError, match="lists of samples") as caught:
        open_dataset(InputOptions("standard input"))
    assert (caught.value.remedies, caught.value.hint) == ((), SAVE_IT)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress])
def test_what_is_written_anew_may_be_compressed(packed):
    file = save("x.parquet", {"logits": [[list(map(float, row))] * 2 for row in LOGITS]})
    Path(file).write_bytes(packed(Path(file).read_bytes()))
    np.save("y.npy", np.repeat(TARGETS, 2))
    assert answers(file, "y.npy") == [loss(np.repeat(LOGITS, 2, axis=0), np.repeat(TARGETS, 2))]


@each_kind
def test_lists_of_one_sample_each(kind):
    file = save(f"x.{kind}", {"logits": [[list(map(float, row))] for row in LOGITS], "label": TARGETS, "name": NAMED})
    assert answers(file, "--target-column", "label") == [loss()]
    (command,) = told(nll("compute", file, "-q"))
    run(command)
    assert number("x.rows.parquet", "--target-column", "label") == loss()


def test_tensors_of_several_axes_are_not_logits():
    tensors = pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float64(), [2, 2]), pa.FixedSizeListArray.from_arrays(pa.array([1.0] * 8), 4)
    )
    done = nll("compute", save("x.feather", {"x": tensors, "y": [0, 1]}), "--target-column", "y")
    assert (done.code, "lists of samples" in done.err) == (3, True)


@each_kind
def test_records_are_made_columns(kind):
    records = [dict(zip(NAMES, map(float, row), strict=True)) for row in LOGITS]
    file = save(f"x.{kind}", {"scores": records, "label": NAMED, "text": ["?"] * 8})
    assert answers(file, "--target-column", "label") == [loss()]
    assert answers(f"{file}:scores", "--target-column", "label") == [loss()]
    np.save("y.npy", TARGETS)
    save(f"x.{kind}", {"scores": records})
    assert answers(f"x.{kind}", "y.npy") == [loss()]


def vectors(rows, sparse):
    """As Spark ML writes vectors."""
    dense = [{"type": 1, "size": None, "indices": None, "values": row} for row in rows]
    places = [[i for i, value in enumerate(row) if value] for row in rows]
    short = [
        {"type": 0, "size": len(row), "indices": at, "values": [row[i] for i in at]}
        for row, at in zip(rows, places, strict=True)
    ]
    return pa.array(short if sparse else dense)


@each_kind
@pytest.mark.parametrize("sparse", [False, True])
def test_vectors_of_spark_are_made_lists(kind, sparse):
    rows = np.where(RNG.random(LOGITS.shape) < 0.3, 0, LOGITS)
    probs = (np.exp(rows) / np.exp(rows).sum(1, keepdims=True)).tolist()
    scores, found = vectors(rows.tolist(), sparse), vectors(probs, sparse)
    columns = {"features": scores, "rawPrediction": scores, "probability": found, "prediction": pa.array([0.5] * 8)}
    file = save(f"x.{kind}", {"label": pa.array(TARGETS, pa.float64()), **columns})
    expected = pytest.approx(float(oracle.reduce(rows, TARGETS)), rel=1e-12)
    assert answers(file, "--target-column", "label") == [expected, expected]
    assert meanings(nll("compute", file, "--target-column", "label")) == [
        "probability holds probabilities",
        "rawPrediction holds logits",
    ]
    assert answers(f"{file}:rawPrediction", "--target-column", "label") == [expected]
    np.save("y.npy", TARGETS)
    save(f"x.{kind}", {"probability": found})
    assert answers(f"x.{kind}", "y.npy") == [expected]


@each_kind
def test_maps_are_made_columns(kind):
    rows = [list(zip(NAMES, map(float, row), strict=True)) for row in LOGITS]
    maps = pa.array([row[::-1] if i else row for i, row in enumerate(rows)], pa.map_(pa.string(), pa.float64()))
    file = save(f"x.{kind}", {"scores": maps, "label": NAMED, "text": ["?"] * 8})
    assert answers(file, "--target-column", "label") == [loss()]
    assert answers(f"{file}:scores", "--target-column", "label") == [loss()]
    np.save("y.npy", TARGETS)
    save(f"x.{kind}", {"scores": maps})
    assert answers(f"x.{kind}", "y.npy") == [loss()]
    save(f"x.{kind}", {"scores": maps, "n": TARGETS})
    assert "column 'scores' holds map<string, double" in nll("compute", f"x.{kind}").err


@each_kind
def test_lists_of_records_are_made_lines_of_json(kind):
    """The next step is that of the lines: what their keys mean."""
    records = [[{"label": name, "score": 0.5} for name in NAMES]] * 2
    file = save(f"x.{kind}", {"scores": records, "day": pa.array([0, 1], pa.date32())})
    (command,) = told(nll("compute", file))
    assert command.endswith("nll compute x.rows.jsonl")
    run(command)
    lines = Path("x.rows.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith('{"scores": [{"label": "cat", "score": 0.5}')


@each_kind
def test_columns_of_neither_are_told_all_at_once(kind):
    days = pa.array([0] * 8, pa.date32())
    file = save(f"x.{kind}", scalars() | {"day": days, "label": NAMED, "ok": [True] * 8})
    told_all = ", ".join(f"column '{name}' holds no numbers" for name in ("day", "label", "ok"))
    with pytest.raises(UsageError, match=told_all) as caught:
        open_dataset(InputOptions(file))
    settings = [remedy.settings for remedy in caught.value.remedies]
    assert settings == [{"target_column": "label", "drop": ("day", "ok")}, {"drop": ("day", "label", "ok")}]
    first, second = told(nll("compute", file, "-q"))
    assert float(run(first).out) == loss()
    assert "there are no targets" in run(second).err
    np.save("y.npy", TARGETS)
    assert answers(file, "y.npy") == [loss()]
    rows = scalars() | {"day": days, "is": [{"a": 1}] * 8, "y": TARGETS}
    assert answers(save(f"x.{kind}", rows), "--target-column", "y") == [loss()]
    file = save(f"x.{kind}", scalars() | {"label": NAMED})
    assert float(run(told(nll("compute", file, "-q"))[0]).out) == loss()


# --- types of numbers -------------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("bits", [128, 256])
def test_decimals_are_read_to_the_nearest_float(bits, kind):
    texts = [["0.1", "2.675", "-1.005"], ["123456789012345678.25", "1.1", "0.3"]]
    make = getattr(pa, f"decimal{bits}")(30, 5)
    columns = {n: pa.array([decimal.Decimal(row[c]) for row in texts], make) for c, n in enumerate(NAMES)}
    (block,) = blocks(save(f"x.{kind}", columns | {"y": pa.array([decimal.Decimal(1), decimal.Decimal(2)])}), "y")
    assert block.logits.tolist() == [[float(text) for text in row] for row in texts]
    assert block.targets.tolist() == [1, 2]


def blocks(file, target_column=None, n=100, **options):
    dataset = open_dataset(InputOptions(file, target_column=target_column, **options))
    return [chunk.load(Scratch()) for chunk in dataset.chunks(n)]


@each_kind
def test_columns_are_read_in_the_order_of_the_classes(kind):
    file = save(f"x.{kind}", {"y": TARGETS, **scalars()})
    (block,) = blocks(file, "y")
    assert block.logits.tolist() == LOGITS.tolist()
    assert block.targets.tolist() == TARGETS


INTEGERS = ["int8", "uint16", "int64", "uint64", "float16", "float32"]


@pytest.mark.uncounted
@each_kind
@pytest.mark.parametrize("type_of_labels", [*INTEGERS, "string", "large_string", "string_view", "binary"])
@pytest.mark.parametrize("encoded", [False, True])
def test_class_numbers_of_any_type(type_of_labels, encoded, kind):
    values = [str(y) for y in TARGETS] if "string" in type_of_labels or type_of_labels == "binary" else TARGETS
    column = pa.array(np.array(values, "f2") if type_of_labels == "float16" else values)
    column = column.cast(getattr(pa, type_of_labels)())
    if encoded:
        if type_of_labels in ("float16", "string_view"):
            pytest.skip("pyarrow cannot encode it")
        column = column.dictionary_encode()
    file = save(f"x.{kind}", scalars() | {"y": column})
    assert number(file, "--target-column", "y") == loss()
    np.save("x.npy", LOGITS)
    assert number("x.npy", f"{file}:y") == loss()


def test_a_class_number_beyond_64_bits():
    file = save("x.parquet", scalars() | {"y": pa.array([0] * 7 + [2**64 - 1], pa.uint64())})
    done = nll("compute", file, "--target-column", "y")
    assert (done.code, "row 7: target '18446744073709551615' does not fit 64 bits" in done.err) == (3, True)


def test_text_is_a_name_where_a_class_has_it():
    columns = {str(c + 1): LOGITS[:, c] for c in range(3)}
    file = save("x.parquet", columns | {"y": [str(y + 1) for y in TARGETS]})
    assert number(file, "--target-column", "y") == loss()


# --- truth values -----------------------------------------------------------------------------------------------------

TRUTH = [bool(y % 2) for y in TARGETS]
TWO = LOGITS[:, :2]


@pytest.mark.uncounted
@each_kind
@pytest.mark.parametrize(
    ("names", "true"),
    [(("False", "True"), 1), (("yes", "no"), 0), (("0", "1"), 1), (("1", "0"), 0), (None, 1)],
)
def test_truth_values_are_the_classes_of_their_names(names, true, kind):
    labels = [true if y else 1 - true for y in TRUTH]
    columns = {"x": list(TWO)} if names is None else {n: TWO[:, c] for c, n in enumerate(names)}
    file = save(f"x.{kind}", columns | {"y": TRUTH})
    assert number(file, "--target-column", "y") == loss(TWO, labels)
    np.save("x.npy", TWO)
    classes = () if names is None else ("--classes", ",".join(names))
    assert number("x.npy", f"{file}:y", *classes) == loss(TWO, labels)


def test_truth_values_of_classes_of_other_names_are_asked_about():
    file = save("x.parquet", {"pos": TWO[:, 0], "neg": TWO[:, 1], "y": TRUTH})
    both = [loss(TWO, [int(y) for y in TRUTH]), loss(TWO, [int(not y) for y in TRUTH])]
    assert answers(file, "--target-column", "y") == both
    file = save("x.parquet", scalars() | {"y": TRUTH})
    assert "column y holds booleans, for 3 classes" in nll("compute", file, "--target-column", "y").err
    file = save("x.parquet", {"x": list(LOGITS), "y": TRUTH})
    assert "column y holds booleans, for 3 classes" in nll("compute", file, "--target-column", "y").err


def test_truth_values_of_one_logit_a_sample():
    file = save("x.parquet", {"p": LOGITS[:, 0], "y": TRUTH})
    rows = [[0, x] for x in LOGITS[:, 0]]
    assert number(file, "--target-column", "y", "--binary") == loss(rows, [int(y) for y in TRUTH])


@each_kind
@pytest.mark.parametrize("in_lists", [False, True])
def test_truth_values_one_a_class_are_the_targets(in_lists, kind):
    np.save("x.npy", LOGITS)
    one_hot = np.eye(3, dtype=bool)[TARGETS]
    columns = {"y": one_hot.tolist()} if in_lists else {n: one_hot[:, c] for c, n in enumerate(NAMES)}
    assert number("x.npy", save(f"y.{kind}", columns)) == loss()


def test_a_list_of_probabilities_as_the_target_column():
    soft = RNG.dirichlet(np.ones(3), 8)
    file = save("x.parquet", {"logits": list(LOGITS), "p": list(soft)})
    (second,) = told(nll("compute", file, "--target-column", "p", "-q"))
    assert "x.parquet:p" in second
    first, _ = told(run(second))
    expected = -float(
        np.mean(
            [
                sum(p * x for p, x in zip(s, oracle.log_softmax(r), strict=True))
                for r, s in zip(LOGITS, soft, strict=True)
            ]
        )
    )
    assert float(run(first).out) == pytest.approx(expected, rel=1e-12)


# --- missing values ---------------------------------------------------------------------------------------------------

GAPS = (2, 5)
KEPT = [i for i in range(8) if i not in GAPS]


def gaps(values, at=GAPS, none=None):
    return [none if i in at else value for i, value in enumerate(values)]


MISSING_LABELS = {
    "integers": pa.array(gaps(TARGETS)),
    "floats": pa.array(gaps([float(y) for y in TARGETS])),
    "nan": pa.array(gaps([float(y) for y in TARGETS], none=float("nan"))),
    "names": pa.array(gaps(NAMED)),
    "categories": pa.array(gaps(NAMED)).dictionary_encode(),
    "empty": pa.array(gaps(NAMED, none="")),
    "words": pa.array(gaps([str(y) for y in TARGETS], none=" NA ")),
    "decimals": pa.array(gaps([decimal.Decimal(y) for y in TARGETS])),
}


@pytest.mark.uncounted
@each_kind
@pytest.mark.parametrize("labels", MISSING_LABELS)
def test_samples_without_a_target_are_left_out_when_it_is_told(labels, kind):
    file = save(f"x.{kind}", scalars() | {"y": MISSING_LABELS[labels]})
    done = nll("compute", file, "--target-column", "y", "-q")
    assert f"{file}, row 2, column y: the cell is empty" in done.err
    expected = loss(LOGITS[KEPT], [TARGETS[i] for i in KEPT])
    assert answers(file, "--target-column", "y") == [expected]
    done = nll("compute", file, "--target-column", "y", "--missing", "ignore", "--ignore-index", "7", "-f", "json")
    assert (done.json["loss"], done.json["n_ignored"]) == (expected, 2)
    assert f"note: {file}: 2 samples without a target or without logits left out" in done.err
    np.save("x.npy", LOGITS)
    words = ("x.npy", f"{file}:y", "--classes", "cat,dog,horse")
    assert answers(*words) == [expected]
    assert "2 samples without a target" in nll("compute", *words, "--missing", "ignore").err


@each_kind
@pytest.mark.parametrize("lists", [False, True])
def test_samples_without_logits_are_left_out_too(lists, kind):
    holes = [[None if (i, c) == (2, 1) else float(x) for c, x in enumerate(row)] for i, row in enumerate(LOGITS)]
    columns = {"x": gaps(holes, (0, 5))} if lists else {n: [row[c] for row in holes] for c, n in enumerate(NAMES)}
    if not lists:
        columns["horse"] = gaps(columns["horse"], (5,))
    labels = gaps(TARGETS, (5, 7))
    file = save(f"x.{kind}", columns | {"y": labels})
    kept = [i for i in range(8) if i not in ((0, 2, 5, 7) if lists else (2, 5, 7))]
    expected = loss(LOGITS[kept], [TARGETS[i] for i in kept])
    assert answers(file, "--target-column", "y") == [expected]
    for n in (1, 3, 100):
        dataset = open_dataset(InputOptions(file, target_column="y", missing="ignore"))
        for _ in range(2):  # a second pass counts them no second time
            found = [chunk.load(Scratch()) for chunk in dataset.chunks(n)]
        targets = np.concatenate([block.targets for block in found])
        rows = np.concatenate([block.logits for block in found])
        assert targets.tolist() == [TARGETS[i] if i in kept else -100 for i in range(8)]
        assert rows[kept].tolist() == LOGITS[kept].tolist()
        assert not rows[[i for i in range(8) if i not in (*kept, 7)]].any()
        (note,) = dataset.notes
        assert (note.code, f"{8 - len(kept)} samples without" in note.message) == ("missing-ignored", True)


def test_whole_numbers_that_are_missing():
    file = save("x.feather", {"a": [1, None], "b": [2**53 + 1, 3], "y": [1, 0]})
    (block,) = blocks(file, "y", missing="ignore")
    assert (block.logits.tolist(), block.targets.tolist()) == ([[1, 2**53 + 1], [0, 0]], [1, -100])


def test_logits_that_are_missing_beside_targets_of_their_own():
    np.save("y.npy", TARGETS)
    file = save("x.parquet", scalars() | {"cat": gaps(map(float, LOGITS[:, 0]))})
    assert "row 2, column cat: the cell is empty" in nll("compute", file, "y.npy").err
    assert answers(file, "y.npy") == [loss(LOGITS[KEPT], [TARGETS[i] for i in KEPT])]


def test_a_column_of_nothing_but_missing_names():
    file = save("x.parquet", scalars() | {"y": pa.array([None] * 8, pa.string())})
    done = nll("compute", file, "--target-column", "y", "--missing", "ignore", "-f", "json")
    assert done.json["n_ignored"] == 8


# --- the index of a data frame ----------------------------------------------------------------------------------------


def pandas(index):
    return {"pandas": f'{{"index_columns": {index}}}'}


@each_kind
@pytest.mark.parametrize(
    ("index", "columns"),
    [
        ('["__index_level_0__"]', ["__index_level_0__"]),
        ('["image"]', ["image"]),
        ('["image", "__index_level_1__"]', ["image", "__index_level_1__"]),
        ('[{"kind": "range", "start": 0}]', []),
        ("[]", ["__index_level_0__"]),
        ("3", []),
        ('"}', []),
    ],
)
def test_the_index_of_a_data_frame_is_left_out(index, columns, kind):
    extra = {name: [f"{i}.png" for i in range(8)] for name in columns}
    file = save(f"x.{kind}", scalars() | {"y": TARGETS} | extra, pandas(index))
    done = nll("compute", file, "--target-column", "y", "-f", "json")
    assert done.json["loss"] == loss()
    assert ("the row names are taken as an index and left out" in done.err) == bool(columns)


def test_an_index_is_taken_where_it_is_named():
    file = save("x.parquet", scalars() | {"y": TARGETS}, pandas('["y"]'))
    done = nll("compute", file, "--target-column", "y", "-q")
    assert (float(done.out), done.err) == (loss(), "")
    np.save("x.npy", LOGITS)
    np.save("y.npy", TARGETS)
    assert number("x.npy", f"{file}:y") == loss()
    only = save("z.parquet", {"y": TARGETS}, pandas('["y"]'))
    assert number("x.npy", only) == loss()
    done = nll("compute", save("x.parquet", scalars(), pandas('["dog"]')), "y.npy", "--columns", "cat,dog,horse", "-q")
    assert (float(done.out), done.err) == (loss(), "")


# --- names without an order -------------------------------------------------------------------------------------------


def orders(done):
    return [re.search(r"--classes (\S+)", command)[1] for command in told(done)]


@each_kind
def test_names_of_classes_without_names_may_be_in_two_orders(kind):
    file = save(f"x.{kind}", {"scores": list(LOGITS), "y": pa.array(NAMED).dictionary_encode()})
    done = nll("compute", file, "--target-column", "y", "-q")
    assert orders(done) == ["cat,dog,horse", "horse,dog,cat"]
    assert answers(file, "--target-column", "y") == [loss(), loss(targets=[2 - y for y in TARGETS])]
    np.save("x.npy", LOGITS)
    assert orders(nll("compute", "x.npy", f"{file}:y")) == ["cat,dog,horse", "horse,dog,cat"]
    np.save("y.npy", NAMED)
    assert orders(nll("compute", "x.npy", "y.npy")) == ["cat,dog,horse", "horse,dog,cat"]
    assert answers("x.npy", "y.npy")[0] == loss()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "b", "c"] * 2, ["a,b,c"]),
        (["b", "a", None, "c", " b"], ["a,b,c", "b,a,c"]),
        (["a", "b"], []),
        (["a", "b", "c", "d"], []),
        (["a,b", "c", "d"], []),
    ],
)
def test_orders_are_those_of_as_many_names_as_classes(names, found):
    file = save("x.parquet", {"x": [[1.0, 2.0, 3.0]] * len(names), "y": names})
    done = nll("compute", file, "--target-column", "y", "--missing", "ignore")
    assert orders(done) == found
    assert bool(found) != ("hint: name them with --classes" in done.err)


def test_two_names_of_one_logit_a_sample():
    names = [("yes", "no")[y] for y in TRUTH]
    file = save("x.parquet", {"p": LOGITS[:, 0], "y": names})
    rows = [[0, x] for x in LOGITS[:, 0]]
    expected = [loss(rows, [int(y == which) for y in TRUTH]) for which in (False, True)]
    (command,) = told(nll("compute", file, "--target-column", "y", "-q"))
    assert [float(run(each).out) for each in told(run(command))] == expected
    np.save("x.npy", LOGITS[:, 0])
    assert answers("x.npy", f"{file}:y", "--binary") == expected


def test_names_are_scanned_in_no_order_for_logits_of_many_axes():
    np.save("x.npy", np.zeros((2, 3, 2)))
    file = save("y.parquet", {"y": ["a", "b"]})
    assert told(nll("compute", "x.npy", file)) == []


# --- what the first rows show -----------------------------------------------------------------------------------------


def previewed(columns, kind="parquet"):
    name = save(f"x.{kind}", columns)
    return open_input(name).preview(ReadOptions())


def test_a_preview_has_the_first_rows_as_python_has_them():
    seen = previewed(
        {
            "y": ["a", None],
            "category": pa.array(["b", "a"]).dictionary_encode(),
            "x": [0.5, None],
            "n": [1, 2],
            "d": pa.array([decimal.Decimal("0.1"), None]),
            "d1": pa.array([decimal.Decimal("0.5"), decimal.Decimal("2.5")]),
            "ok": [True, None],
            "l": [[1.5, 2.5], None],
            "dl": [[decimal.Decimal("0.5"), None], None],
            "t": pa.array([0, 1], pa.date32()),
            "r": [{"b": b"x"}] * 2,
        }
    )
    assert seen.headings == ("y", "category", "x", "n", "d", "d1", "ok", "l", "dl", "t", "r")
    assert list(seen.rows) == [
        ("a", "b", 0.5, 1, 0.1, 0.5, True, [1.5, 2.5], [0.5, None], "date32[day]", "struct<b: binary>"),
        (None, "a", None, 2, None, 2.5, None, None, None, "date32[day]", "struct<b: binary>"),
    ]
    assert len(seen.rows) == 2
    assert seen.lists == {7, 8}


def test_a_preview_is_short():
    assert len(previewed({"y": list(range(1000))}).rows) == 100
    assert len(previewed({"y": list(range(1000)), "x": [[0.0] * 999] * 1000}).rows) == 20
    assert len(previewed({"y": [0] * 3, "x": [None, [[0.5] * 9] * 2, None]}).rows) == 1
    assert len(previewed({"y": pa.array([], pa.int64())}).rows) == 0


def test_refuses_records_and_lists_where_targets_and_weights_are_one_column():
    np.save("x.npy", LOGITS)
    file = save("y.parquet", {"y": [["a"]] * 8})
    with pytest.raises(DataError, match=r"holds list<.*string>, neither class indices nor names"):
        open_dataset(InputOptions("x.npy", file))
    file = save("w.parquet", {"w": [["a"]] * 8})
    np.save("y.npy", TARGETS)
    with pytest.raises(DataError, match=r"column 'w' holds list<.*string>, not numbers"):
        open_dataset(InputOptions("x.npy", "y.npy", sample_weights=file))


@each_kind
def test_sample_weights_are_one_column_of_numbers_or_truth_values(kind):
    np.save("x.npy", LOGITS)
    np.save("y.npy", TARGETS)
    weights = [1.5, 0.5, 2.0, 1.0, 0.0, 1.0, 1.0, 3.0]
    mask = [True, False] * 4
    expected = [oracle_weighted(weights), oracle_weighted(list(map(float, mask)))]
    columns = {"w": weights, "keep": mask, "text": ["a", "b"] * 4, "none": pa.array([None] * 8, pa.string())}
    file = save(f"w.{kind}", columns)
    assert answers("x.npy", "y.npy", "--sample-weights", file) == expected
    for name, result in zip(("w", "keep"), expected, strict=True):
        alone = save(f"alone.{kind}", {name: columns[name]})
        assert number("x.npy", "y.npy", "--sample-weights", alone) == result
        assert number("x.npy", "y.npy", "--sample-weights", f"{file}:{name}") == result


def oracle_weighted(weights):
    losses = [-oracle.log_softmax(row)[y] for row, y in zip(LOGITS, TARGETS, strict=True)]
    total = math.fsum(w * x for w, x in zip(weights, losses, strict=True))
    return pytest.approx(float(total / math.fsum(weights)), rel=1e-12)


def test_numbers_written_as_text_are_converted():
    columns = {name: [repr(float(x)) for x in LOGITS[:, c]] if c else LOGITS[:, c] for c, name in enumerate(NAMES)}
    file = save("x.parquet", columns | {"y": TARGETS})
    assert "column 'dog' holds string, not numbers" in nll("compute", file, "--target-column", "y").err
    assert answers(file, "--target-column", "y") == [loss()]


# --- counts of targets ------------------------------------------------------------------------------------------------


@each_kind
def test_targets_in_a_column_are_counted(kind):
    file = save(f"y.{kind}", {"id": range(8), "y": TARGETS, "name": NAMED, "gap": gaps(NAMED)})
    assert count_targets(f"{file}:y") == ([2, 3, 3], None)
    assert count_targets(f"{file}:name") == ([2, 3, 3], NAMES)
    with pytest.raises(DataError, match="has 2 samples without a target"):
        count_targets(f"{file}:gap")
    with pytest.raises(UsageError, match="has 4 columns; which of them has the targets") as caught:
        count_targets(file)
    assert {f"{file}:y"} in [set(remedy.files.values()) for remedy in caught.value.remedies]
    with pytest.raises(DataError, match="has no targets to count"):
        count_targets(save(f"z.{kind}", {"y": [[0, 1]] * 8}))


def test_one_logit_a_sample_has_probabilities_or_classes_in_one_of_several_columns():
    """Fractions may be the targets too, where those may be probabilities of one class."""
    np.save("x.npy", LOGITS[:, 0])
    soft = RNG.random(8)
    file = save("y.parquet", {"z": soft, "ok": TRUTH})
    rows = [[0, x] for x in LOGITS[:, 0]]
    losses = [oracle.log_softmax(row) for row in rows]
    expected = -math.fsum(float((1 - p) * a + p * b) for (a, b), p in zip(losses, soft, strict=True)) / 8
    first, second = answers("x.npy", file, "--binary")
    assert first == pytest.approx(expected, rel=1e-12)
    assert second == loss(rows, [int(y) for y in TRUTH])
