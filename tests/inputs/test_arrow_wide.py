"""Parquet of many columns, read some at a time: the rows are those that all columns together have."""

import numpy as np
import pyarrow as pa
import pytest
from in_process import nll
from pyarrow import parquet

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.tables import arrow_wide
from nllcli.inputs.tables.arrow_wide import WaitingRows

RNG = np.random.default_rng(5)
X = RNG.normal(0, 2, (50, 9))
Y = RNG.integers(0, 9, 50)
NAMES = [f"class_{c}" for c in "abcdefghi"]
LABELS = pa.array([NAMES[y] for y in Y]).dictionary_encode()


@pytest.fixture(autouse=True)
def _few_columns_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(arrow_wide, "_MOST_AT_ONCE", 1)
    monkeypatch.setattr(arrow_wide, "_MOST_OF_RUN", 3 << 16)
    np.save("x.npy", X)
    np.save("y.npy", Y)


def save(name, x=X, row_group_size=20, **others):
    table = pa.table({**dict(zip(NAMES, x.T, strict=True)), **others})
    parquet.write_table(table, name, row_group_size=row_group_size)


@pytest.mark.parametrize("target", [pa.array(Y), LABELS])
def test_the_loss_is_that_of_the_array(target):
    save("x.parquet", target=target)
    run = nll("compute", "x.parquet", "--target-column", "target", "-q")
    assert run.out == nll("compute", "x.npy", "y.npy", "-q").out != ""


@pytest.mark.parametrize("block_samples", [1, 7, 20, 64])
@pytest.mark.parametrize("first", [0, 3])
def test_blocks_of_any_length_from_any_on(block_samples, first):
    save("x.parquet")
    table = open_input("x.parquet").read(ReadOptions(holds="logits"))
    blocks = [chunk.load(Scratch()) for chunk in table.chunks(Layout(table.shape, 1), block_samples, first)]
    rows = np.concatenate([X[:0], *(block.logits for block in blocks)])
    assert rows.tobytes() == X[first * block_samples :].tobytes()
    assert all(len(block.logits) == block_samples for block in blocks[:-1])


def test_rows_wait_on_disk_a_few_columns_a_part():
    save("x.parquet")
    table = open_input("x.parquet").read(ReadOptions(holds="logits"))
    found = [*table.batches(8, NAMES, 0)]
    assert {type(rows) for rows in found} == {WaitingRows}
    assert [rows.num_rows for rows in found] == [8, 8, 4, 8, 8, 4, 8, 2]
    assert {len(rows.parts) for rows in found} == {5}
    rows = found[1].slice(2, 3).read()
    assert np.array([column.to_numpy() for column in rows.columns]).T.tobytes() == X[10:13].tobytes()


def test_batches_of_any_length_and_dictionary():
    def read(run):
        for part in (slice(0, 7), slice(7, 30), slice(30, 50)):
            labels = pa.array([NAMES[y] for y in Y[part]]).dictionary_encode()
            columns = {"label": labels, **dict(zip(NAMES, X[part].T, strict=True))}
            yield pa.record_batch([columns[name] for name in run], names=run)

    found = [rows.read() for rows in arrow_wide.waiting_rows("x", 20, read, [["label"], NAMES[:4], NAMES[4:]])]
    assert [batch.num_rows for batch in found] == [20, 20, 10]
    assert [label for batch in found for label in batch["label"].to_pylist()] == [NAMES[y] for y in Y]
    assert [v for batch in found for v in batch["class_f"].to_pylist()] == X[:, 5].tolist()


def test_row_groups_without_rows():
    schema = pa.schema([(name, pa.float64()) for name in NAMES])
    with parquet.ParquetWriter("x.parquet", schema) as writer:
        for part in (X[:0], X[:30], X[:0], X[30:]):
            writer.write_table(pa.table(dict(zip(NAMES, part.T, strict=True)), schema=schema))
    assert nll("compute", "x.parquet", "y.npy", "-q").out == nll("compute", "x.npy", "y.npy", "-q").out
    parquet.write_table(schema.empty_table(), "none.parquet")
    assert "none.parquet" in nll("compute", "none.parquet", "y.npy").err


def test_missing_logits_are_told_where_they_are():
    columns = {
        name: [None if (i, j) == (33, 4) else v for i, v in enumerate(c)]
        for j, (name, c) in enumerate(zip(NAMES, X.T.tolist(), strict=True))
    }
    parquet.write_table(pa.table(columns), "x.parquet", row_group_size=20)
    assert "x.parquet, row 33, column class_e: the cell is empty" in nll("compute", "x.parquet", "y.npy").err
    run = nll("compute", "x.parquet", "y.npy", "--missing", "ignore", "-f", "json").json
    assert run["n_ignored"] == 1


def test_few_columns_are_read_together(monkeypatch):
    save("x.parquet")
    metadata = parquet.ParquetFile("x.parquet").metadata
    assert arrow_wide.runs_of(metadata, NAMES, 1 << 16) == [NAMES[:2], NAMES[2:4], NAMES[4:6], NAMES[6:8], NAMES[8:]]
    assert arrow_wide.runs_of(metadata, NAMES, 1 << 20) == [[name] for name in NAMES]
    monkeypatch.setattr(arrow_wide, "_MOST_AT_ONCE", 1 << 26)
    assert arrow_wide.runs_of(metadata, NAMES, 1 << 16) == [NAMES]
