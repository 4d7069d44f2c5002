"""Datasets, pieces and blocks that travel to another process: the same bits, from files of their own."""

import dataclasses
import gc
import gzip
import inspect
import io
import itertools
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from nllcli.data.blocks import Scratch
from nllcli.data.dataset import Piece
from nllcli.data.layout import Layout
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.arrays import raw
from nllcli.inputs.arrays.memory import dataset_of
from nllcli.inputs.bytes.files import Spool, open_stream
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.targets import Shifted

N, C, BLOCK = 103, 4, 10
RNG = np.random.default_rng(17)
LOGITS = RNG.normal(0, 3, (N, C))
CUBE = RNG.normal(0, 3, (3, C, 35))
TARGETS = RNG.integers(0, C, N)
WEIGHTS = RNG.random(N)
SOFT = RNG.dirichlet(np.ones(C), N)


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def npz(compression):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("a.npy", npy(LOGITS))
    return out.getvalue()


def text(values):
    return "".join(",".join(map(repr, row)) + "\n" for row in values.tolist()).encode()


def safetensors():
    header = json.dumps({"a": {"dtype": "F64", "shape": [N, C], "data_offsets": [0, LOGITS.nbytes]}}).encode()
    return len(header).to_bytes(8, "little") + header + LOGITS.tobytes()


def arrow(kind):
    columns = {f"c{c}": LOGITS[:, c] for c in range(C)} | {"y": TARGETS}
    out = io.BytesIO()
    if kind == "parquet":
        parquet.write_table(pyarrow.table(columns), out, row_group_size=17)
    else:
        feather.write_feather(pyarrow.table(columns), out, chunksize=17)
    return out.getvalue()


def labelled():
    rows = zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)
    return "".join(json.dumps({"logits": row, "target": y}) + "\n" for row, y in rows).encode()


# Of each kind of input the files, and the options that open them.
KINDS = {
    "npy": ({"x.npy": npy(LOGITS), "y.npy": npy(TARGETS), "w.npy": npy(WEIGHTS)}, {}),
    "npy-groups": (
        {"x.npy": npy(LOGITS), "y.npy": npy(TARGETS), "w.npy": npy(WEIGHTS), "g.npy": npy(RNG.integers(0, 9, N))},
        {},
    ),
    "npy-fortran": ({"x.npy": npy(np.asfortranarray(LOGITS)), "y.npy": npy(TARGETS)}, {}),
    "npy-columns": ({"x.npy": npy(np.ascontiguousarray(LOGITS.T)), "y.npy": npy(TARGETS)}, {"class_axis": 0}),
    "npy-cube": ({"x.npy": npy(np.asfortranarray(CUBE)), "y.npy": npy(RNG.integers(0, C, (3, 35)))}, {}),
    "npy-shifted": ({"x.npy": npy(CUBE), "y.npy": npy(RNG.integers(0, C, (3, 35)))}, {"shift": 1}),
    "npy-soft": ({"x.npy": npy(LOGITS), "y.npy": npy(np.asfortranarray(SOFT))}, {}),
    "npy-names": ({"x.npy": npy(LOGITS), "y.npy": npy(TARGETS.astype(str))}, {"classes": ("0", "1", "2", "3")}),
    "npy.gz": ({"x.npy": gzip.compress(npy(LOGITS)), "y.npy": npy(TARGETS)}, {}),
    "npz": ({"x.npz": npz(zipfile.ZIP_STORED), "y.npy": npy(TARGETS)}, {}),
    "npz-deflated": ({"x.npz": npz(zipfile.ZIP_DEFLATED), "y.npy": npy(TARGETS)}, {}),
    "safetensors": ({"x.safetensors": safetensors(), "y.npy": npy(TARGETS)}, {}),
    "csv": ({"x.csv": text(LOGITS), "y.txt": "".join(f"{y}\n" for y in TARGETS).encode()}, {}),
    "csv.gz": ({"x.csv.gz": gzip.compress(b"a,b,c,d\n" + text(LOGITS)), "y.npy": npy(TARGETS)}, {}),
    "csv-soft": ({"x.csv": text(LOGITS), "y.csv": text(SOFT)}, {}),
    "csv-groups": (
        {
            "x.csv": text(LOGITS),
            "y.npy": npy(TARGETS),
            "w.npy": npy(WEIGHTS),
            "g.txt": "".join(f"user {y}\n" for y in TARGETS).encode(),
        },
        {},
    ),
    "jsonl": ({"x.jsonl": labelled()}, {}),
    "parquet": ({"x.parquet": arrow("parquet")}, {"target_column": "y"}),
    "feather": ({"x.feather": arrow("feather")}, {"target_column": "y"}),
}


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """What opens a kind of dataset in the current folder."""
    monkeypatch.chdir(tmp_path)

    def dataset(kind, folder="."):
        if kind == "memory":
            return dataset_of(LOGITS.T, TARGETS, sample_weights=WEIGHTS, class_axis=0)
        files, options = KINDS[kind]
        Path(folder).mkdir(exist_ok=True)
        for name, data in files.items():
            if not Path(folder, name).exists():
                Path(folder, name).write_bytes(data)
        given = dict(zip(("logits", "targets", "sample_weights", "groups"), files, strict=False))
        paths = {what: str(Path(folder, name)) for what, name in given.items()}
        return open_dataset(InputOptions(**paths | options))

    return dataset


def blocks(source, n=BLOCK):
    """What the blocks hold: their first samples, and the bytes of every array."""
    found = []
    for chunk in source.chunks(n):
        block = chunk.load(Scratch())
        arrays = (block.logits, block.targets, block.sample_weights, block.groups)
        found.append((block.start, chunk.n, *(None if array is None else array.tobytes() for array in arrays)))
    return found


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", [*KINDS, "memory"])
def test_copy_of_a_dataset(kind, opened):
    dataset = opened(kind)
    copies = [pickle.loads(pickle.dumps(dataset)) for _ in range(2)]
    copies.append(pickle.loads(pickle.dumps(copies[0])))
    expected = blocks(dataset)
    assert len(expected) > 3
    for copy in copies:
        assert blocks(copy) == expected
        assert (copy.layout, copy.class_names, copy.notes) == (dataset.layout, dataset.class_names, dataset.notes)


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", [*KINDS, "memory"])
@pytest.mark.parametrize("bounds", [(0, 2, 5, None), (0, 1, 11, None), (0, 0, 4, 4, None)], ids=str)
def test_pieces_are_all_of_the_dataset(kind, bounds, opened):
    dataset = opened(kind)
    pieces = [Piece(dataset, first, stop) for first, stop in itertools.pairwise(bounds)]
    copies = [pickle.loads(pickle.dumps(piece)) for piece in pieces]
    assert [block for copy in copies for block in blocks(copy)] == blocks(dataset)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_comes_after_the_end(kind, opened):
    assert blocks(Piece(opened(kind), 50)) == []


@pytest.mark.uncounted
@pytest.mark.parametrize("first", [0, 3, 11, 50])
@pytest.mark.parametrize("n", [N - 1, N + 1])
@pytest.mark.parametrize("stop", [None, 60])
def test_piece_at_the_end_counts_the_samples(first, n, stop, opened):
    opened("csv")
    Path("y.txt").write_text("1\n" * n)
    dataset = open_dataset(InputOptions("x.csv", "y.txt"))
    with pytest.raises(DataError, match=f"y.txt: has {n} values, but x.csv has {N} samples"):
        blocks(Piece(dataset, first, stop))


def test_another_process_reads_its_pieces(opened):
    datasets = {kind: opened(kind, folder=kind) for kind in [*KINDS, "memory"]}
    pieces = {kind: Piece(dataset, 2, 5) for kind, dataset in datasets.items()}
    program = f"""
import pickle, sys
from nllcli.data.blocks import Scratch
BLOCK = {BLOCK}
{inspect.getsource(blocks)}
pieces = pickle.load(sys.stdin.buffer)
pickle.dump({{kind: blocks(piece) for kind, piece in pieces.items()}}, sys.stdout.buffer)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(pieces),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert pickle.loads(done.stdout) == {kind: blocks(dataset)[2:5] for kind, dataset in datasets.items()}


# --- files that are opened anew ---------------------------------------------------------------------------------------


def test_block_that_is_not_read_yet(opened):
    dataset = opened("npy-columns")
    expected = blocks(dataset)
    chunks = [pickle.loads(pickle.dumps(chunk)) for chunk in dataset.logits.chunks(dataset.layout, BLOCK)]
    assert [chunk.load(Scratch()).logits.tobytes() for chunk in chunks] == [block[2] for block in expected]


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", KINDS)
def test_copies_that_are_dropped_close_nothing_of_the_original(kind, opened):
    dataset = opened(kind)
    expected = blocks(opened(kind))
    copies = [pickle.loads(pickle.dumps(dataset)) for _ in range(3)]
    copies.append(pickle.loads(pickle.dumps(Piece(dataset))))
    blocks(copies[0])
    del copies
    gc.collect()
    assert blocks(dataset) == expected


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", KINDS)
def test_original_that_is_dropped_closes_nothing_of_its_copy(kind, opened):
    expected = blocks(opened(kind))
    dataset = opened(kind)
    copy = pickle.loads(pickle.dumps(dataset))
    del dataset
    gc.collect()
    assert blocks(copy) == expected


@pytest.mark.uncounted
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("change", ["size", "time", "file"])
@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "csv.gz", "npy-names", "csv-soft"])
def test_file_that_changes_on_the_way_is_refused(kind, change, which, opened):
    data = pickle.dumps(opened(kind))
    name = list(KINDS[kind][0])[which]
    before = Path(name).stat()
    if change == "size":
        Path(name).write_bytes(Path(name).read_bytes() + b"\n")
    elif change == "file":
        Path("new").write_bytes(Path(name).read_bytes())
        Path("new").rename(name)
    time = before.st_mtime_ns + 10**9 * (change == "time")
    os.utime(name, ns=(time, time))
    with pytest.raises(FaultError, match=f"{name}(:a)?: changed while it was read"):
        pickle.loads(data)


def test_block_of_a_file_that_changes_on_the_way_is_refused(opened):
    chunk, *_ = opened("npy").logits.chunks(Layout((N, C), 1), BLOCK)
    data = pickle.dumps(chunk)
    Path("new").write_bytes(Path("x.npy").read_bytes())
    Path("new").rename("x.npy")
    copy = pickle.loads(data)
    with pytest.raises(FaultError, match=r"x\.npy: changed while it was read"):
        _ = copy.load(Scratch()).logits


def test_file_that_is_gone_on_the_way(opened):
    data = pickle.dumps(opened("npy"))
    Path("y.npy").unlink()
    with pytest.raises(FaultError, match=r"y\.npy: cannot be opened: No such file"):
        pickle.loads(data)


# --- what cannot travel -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.npz"])
@pytest.mark.parametrize("piped", [False, True])
def test_standard_input_stays_here(name, piped, opened, monkeypatch):
    kind = Path(name).suffix[1:]
    opened(kind)
    with subprocess.Popen(["cat", name], stdout=subprocess.PIPE) as cat, Path(name).open("rb") as file:
        monkeypatch.setattr(sys, "stdin", cat.stdout if piped else file)
        dataset = open_dataset(InputOptions("-", "y.txt" if kind == "csv" else "y.npy"))
        for what in (dataset, Piece(dataset)):
            with pytest.raises(UsageError, match="standard input: cannot be handed to another process"):
                pickle.dumps(what)
        assert len(blocks(dataset)) > 3


def test_what_is_open_in_the_middle_of_its_bytes_stays_here(opened):
    opened("csv")
    for stream in (open_stream("x.csv"), open_input("x.csv").read(ReadOptions()), Spool("x.csv").file):
        with pytest.raises(UsageError, match=r"x\.csv: cannot be handed to another process"):
            pickle.dumps(stream)


def test_changed_copy_is_not_opened_as_the_original(opened):
    dataset = opened("npy")
    assert dataset.targets is not None
    changed = dataclasses.replace(dataset, targets=Shifted(dataset.targets, 1, N, -100))
    assert blocks(pickle.loads(pickle.dumps(changed))) == blocks(changed) != blocks(dataset)


def test_text_is_read_only_once(opened):
    dataset = opened("csv")
    next(iter(dataset.chunks(BLOCK)))
    with pytest.raises(UsageError, match=r"x\.csv: can be read only once"):
        blocks(dataset)


# --- what a piece reads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("short_run", [0, 1 << 15], ids=["by itself", "in slabs"])
@pytest.mark.parametrize("kind", ["npy", "npy-fortran", "npy-columns"])
def test_piece_reads_no_bytes_of_the_blocks_before_it(kind, short_run, opened, monkeypatch):
    dataset = opened(kind)
    monkeypatch.setattr(raw, "_SHORT_RUN", short_run)
    monkeypatch.setattr(raw, "_SLAB_BYTES", 2 * BLOCK * C * 8)
    monkeypatch.setattr(raw, "_LONG_STEP", 1)  # what lies between runs is read with them where that is little
    read, preadv = set(), os.preadv

    def watched(descriptor, views, position):
        read.update(range(position - 128, position - 128 + views[0].nbytes))  # 128 bytes of header
        return preadv(descriptor, views, position)

    piece = Piece(dataclasses.replace(dataset, targets=None, sample_weights=None), 5)
    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", watched)
        blocks(piece)
    place = np.arange(N * C).reshape(N, C) if kind == "npy" else np.arange(N * C).reshape(C, N).T
    assert {byte // 8 for byte in read} == set(place[5 * BLOCK :].ravel().tolist())


def test_piece_skips_groups_of_rows(opened, monkeypatch):
    dataset = opened("parquet")
    n_read, pread = [], os.pread

    def watched(descriptor, n, at):
        n_read.append(n)
        return pread(descriptor, n, at)

    monkeypatch.setattr(os, "pread", watched)
    last = blocks(Piece(dataset, 9))
    of_piece = sum(n_read)
    n_read.clear()
    assert blocks(dataset)[9:] == last
    assert 0 < of_piece < sum(n_read) / 3


def test_piece_of_text_parses_nothing_before_it(opened):
    """A word where a number should be is not met; the lines are counted all the same."""
    opened("csv")
    lines = Path("x.csv").read_bytes().splitlines(keepends=True)
    lines[20] = b"1,2,x,4\n"
    Path("x.csv").write_bytes(b"".join(lines))
    dataset = opened("csv")
    found = blocks(Piece(dataset, 4))
    Path("x.csv").unlink()
    assert found == blocks(opened("csv"))[4:]
    assert dataset.logits.place(50, dataset.layout) == "line 51"


@pytest.mark.parametrize("name", ["soft.csv", "soft.jsonl"])
def test_pieces_of_an_array_with_probabilities_in_text(name, tmp_path):
    soft = np.random.default_rng(3).dirichlet(np.ones(3), 40)
    rows = [row.tolist() for row in soft]
    lines = (",".join(map(repr, row)) for row in rows) if name.endswith("csv") else map(str, rows)
    np.save(tmp_path / "logits.npy", np.zeros((40, 3)))
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    options = InputOptions(str(tmp_path / "logits.npy"), str(tmp_path / name))
    whole, piece = blocks(open_dataset(options), 8), blocks(Piece(open_dataset(options), 2, 4), 8)
    assert piece == whole[2:4]


def test_lists_after_a_batch_without_rows(tmp_path):
    """Of which the first list says how many classes there are."""
    schema = pa.schema([("x", pa.list_(pa.float64()))])
    with pa.OSFile(str(tmp_path / "x.feather"), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for rows in ([], [[1.0, 2.0], [3.0, 5.0]]):
            writer.write_batch(pa.record_batch([pa.array(rows, pa.list_(pa.float64()))], schema=schema))
    ((_, n, logits, *_),) = blocks(open_dataset(InputOptions(str(tmp_path / "x.feather"))), 8)
    assert (n, logits) == (2, np.array([[1.0, 2.0], [3.0, 5.0]]).tobytes())
