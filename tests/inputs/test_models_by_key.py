"""Models whose tables have their rows in other orders, bound to each other by a key."""

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from following import offered, run
from in_process import nll
from pyarrow import parquet

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, UsageError
from nllcli.inputs.models import by_key
from nllcli.inputs.models.opening import open_models

N = 60
RNG = np.random.default_rng(37)
KEYS = [f"k{i}" for i in range(N)]
NAMES = ("cat", "dog", "fox")
LOGITS = RNG.normal(0, 3, (3, N, 3)).round(3)
TARGETS = RNG.integers(0, 3, N)
ORDERS = [np.arange(N), RNG.permutation(N), RNG.permutation(N)]


def table(path, rows, order, names=NAMES, labels=None):
    """The rows of these numbers, each with its key, the columns in the order of the names."""
    lines = [",".join(["id", *names, *(["y"] if labels is not None else [])])]
    for i in order:
        cells = [repr(float(rows[i, NAMES.index(name)])) for name in names]
        lines.append(",".join([KEYS[i], *cells, *([NAMES[labels[i]]] if labels is not None else [])]))
    Path(path).write_text("\n".join(lines) + "\n")


def targets(path, order, labels=TARGETS):
    Path(path).write_text("id,y\n" + "".join(f"{KEYS[i]},{NAMES[labels[i]]}\n" for i in order))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, rows, order in zip("abc", LOGITS, ORDERS, strict=True):
        table(f"{name}.csv", rows, order)
        table(f"{name}y.csv", rows, order, labels=TARGETS)
    targets("t.csv", RNG.permutation(N))
    return tmp_path


def opened(*words, **settings):
    return open_models([InputOptions(word, id="id", **settings) for word in words])


def loaded(dataset, size=7):
    blocks = [chunk.load(Scratch()) for chunk in dataset.chunks(size)]
    dataset.completed()
    return blocks


def check(dataset, models, order, size=7, labels=TARGETS):
    blocks = loaded(dataset, size)
    for number, model in enumerate(models):
        found = [(block, *block.others)[number] for block in blocks]
        np.testing.assert_array_equal(np.concatenate([each.logits for each in found]), LOGITS[model][order])
        np.testing.assert_array_equal(np.concatenate([each.targets for each in found]), labels[order])
        assert [key for each in found for key in each.keys] == [KEYS[i] for i in order]


@pytest.mark.uncounted
@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("models", ["ab", "bac", "cab", "aa"])
def test_rows_belong_together_whatever_their_order(models, size):
    places = ["abc".index(name) for name in models]
    order = ORDERS[places[0]]
    check(opened(*(f"{name}.csv" for name in models), targets="t.csv"), places, order, size)
    check(opened(*(f"{name}y.csv" for name in models), target_column="y"), places, order, size)


def test_classes_in_another_order_too():
    table("b.csv", LOGITS[1], ORDERS[1], names=("fox", "cat", "dog"))
    dataset = opened("a.csv", "b.csv", targets="t.csv")
    check(dataset, [0, 1], ORDERS[0])
    assert [note.code for note in dataset.notes] == ["classes-reordered"]
    table("by.csv", LOGITS[1], ORDERS[1], names=("fox", "cat", "dog"), labels=TARGETS)
    check(opened("ay.csv", "by.csv", target_column="y"), [0, 1], ORDERS[0])


def test_numbers_of_classes_in_two_orders():
    Path("t.csv").write_text("id,y\n" + "".join(f"{key},{y}\n" for key, y in zip(KEYS, TARGETS, strict=True)))
    check(opened("a.csv", "b.csv", targets="t.csv"), [0, 1], ORDERS[0])
    table("b.csv", LOGITS[1], ORDERS[1], names=("fox", "cat", "dog"))
    with pytest.raises(DataError, match="in another order than"):
        opened("a.csv", "b.csv", targets="t.csv")
    for name, order, names in (("a", ORDERS[0], NAMES), ("b", ORDERS[1], ("fox", "cat", "dog"))):
        rows = LOGITS["ab".index(name)]
        lines = [
            ",".join(map(str, (KEYS[i], *(rows[i, NAMES.index(each)] for each in names), TARGETS[i]))) for i in order
        ]
        Path(f"{name}y.csv").write_text("\n".join([",".join(["id", *names, "y"]), *lines]) + "\n")
    with pytest.raises(DataError, match=r"by\.csv: has its classes in another order than ay\.csv, fox, cat, dog, and"):
        loaded(opened("ay.csv", "by.csv", target_column="y"))


def test_tables_of_other_formats():
    rows, order = LOGITS[1], ORDERS[1]
    columns = {name: rows[order, i].astype(np.float32) for i, name in enumerate(NAMES)}
    parquet.write_table(pa.table({"id": [KEYS[i] for i in order], **columns}), "b.parquet", row_group_size=17)
    lines = [{"id": KEYS[i], "logits": dict(zip(NAMES, map(float, LOGITS[2][i]), strict=True))} for i in ORDERS[2]]
    Path("c.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    blocks = loaded(opened("b.parquet", "a.csv", "c.jsonl", targets="t.csv"))
    for number, expected in ((1, LOGITS[0]), (2, LOGITS[2])):
        found = np.concatenate([(block, *block.others)[number].logits for block in blocks])
        np.testing.assert_array_equal(found, expected[order])
    blocks = loaded(opened("a.csv", "b.parquet", targets="t.csv"))
    assert {block.others[0].logits.dtype for block in blocks} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(np.concatenate([block.others[0].logits for block in blocks]), rows.astype(np.float32))


def test_rows_in_several_files():
    for i, part in enumerate(np.split(ORDERS[1], [13, 14])):
        table(f"part{i}.csv", LOGITS[1], part)
    check(opened("a.csv", "part*.csv", targets="t.csv"), [0, 1], ORDERS[0])
    check(opened("part*.csv", "a.csv", targets="t.csv"), [1, 0], ORDERS[1])


def test_places_are_those_of_each_file():
    dataset = opened("a.csv", "b.csv", targets="t.csv")
    loaded(dataset)
    first, other = dataset.models
    for sample in (0, 13, 59):
        assert first.place(sample) == f"line {sample + 2}"
        assert other.place(sample) == f"line {[*ORDERS[1]].index(sample) + 2}"
    assert other.logits.place(13, other.layout, 2) == f"{other.place(13)}, column 4"
    text = Path("b.csv").read_text().splitlines()
    row = [*ORDERS[1]].index(31) + 1
    text[row] = "k31,1,nan,2"
    Path("b.csv").write_text("\n".join(text) + "\n")
    done = nll("compare", "a.csv", "b.csv", "-t", "t.csv", "--id", "id")
    assert (done.code, f"b.csv, line {row + 1}, column 3: class 1 ('dog') is NaN" in done.err) == (3, True), done.err


def test_another_pass_and_another_process():
    dataset = opened("a.csv", "b.csv", targets="t.csv")
    assert not dataset.is_seekable
    assert dataset.n_blocks(7) is None
    assert [len(dataset.parts), dataset.n_bytes] == [1, Path("a.csv").stat().st_size]
    for copy in (dataset.opened_anew(), pickle.loads(pickle.dumps(dataset))):
        check(copy, [0, 1], ORDERS[0])
    words = ("compare", "a.csv", "b.csv", "c.csv", "-t", "t.csv", "--id", "id", "-f", "json")
    assert nll(*words, "--threads", "3").out == nll(*words, "--processes", "2").out


@pytest.mark.uncounted
@pytest.mark.parametrize(("gap", "piece"), [(1, 1), (1, 1 << 20), (100, 200), (1 << 20, 1 << 20)])
def test_rows_are_read_in_runs(gap, piece, monkeypatch):
    monkeypatch.setattr(by_key, "_LONG_GAP", gap)
    monkeypatch.setattr(by_key, "_PIECE_BYTES", piece)
    monkeypatch.setattr(by_key, "_PIECE_NUMBERS", 12)
    check(opened("a.csv", "b.csv", targets="t.csv"), [0, 1], ORDERS[0], 25)
    check(opened("a.csv", "a.csv", targets="t.csv"), [0, 0], ORDERS[0], 25)


# --- keys of one model alone ------------------------------------------------------------------------------------------


def without(path, key, order=ORDERS[1], rows=LOGITS[1]):
    table(path, rows, [i for i in order if KEYS[i] != key])


def test_key_that_the_other_model_does_not_have():
    without("b.csv", "k5")
    words = ("compare", "a.csv", "b.csv", "-t", "t.csv", "--id", "id", "-q")
    done = nll(*words)
    assert (done.code, "a.csv, line 7: b.csv has no row for the key 'k5'" in done.err) == (3, True), done.err
    (line,) = offered(done)
    found = run(line)
    assert found.code == 0, found.err
    kept = [i for i in range(N) if i != 5]
    table("a5.csv", LOGITS[0], kept)
    targets("t5.csv", kept)
    expected = nll("compare", "a5.csv", "b.csv", "-t", "t5.csv", "--id", "id", "-q")
    assert found.out == expected.out != ""
    assert "b.csv: 1 sample without a row left out" in found.err


def test_key_that_the_first_model_does_not_have():
    targets("t5.csv", [i for i in range(N) if i != 5])
    without("a.csv", "k5", ORDERS[0], LOGITS[0])
    dataset = opened("ay.csv", "by.csv", target_column="y")
    check(dataset, [0, 1], ORDERS[0])
    table("a5.csv", LOGITS[0], [i for i in range(N) if i != 5], labels=TARGETS)
    place = [*ORDERS[1]].index(5) + 2
    with pytest.raises(DataError) as raised:
        loaded(opened("a5.csv", "by.csv", target_column="y"))
    assert str(raised.value) == f"by.csv: has 1 key that a5.csv does not have, the first in line {place}"
    assert [remedy.meaning for remedy in raised.value.remedies] == ["rows without a sample in a5.csv are left out"]
    dataset = opened("a5.csv", "by.csv", target_column="y", missing="ignore")
    blocks = loaded(dataset)
    kept = [i for i in range(N) if i != 5]
    np.testing.assert_array_equal(np.concatenate([block.others[0].logits for block in blocks]), LOGITS[1][kept])
    assert [note.message for note in dataset.notes] == ["by.csv: 1 row without a sample in a5.csv left out"]


def test_missing_keys_are_left_out_of_all():
    without("b.csv", "k5")
    without("c.csv", "k7", ORDERS[2], LOGITS[2])
    dataset = opened("a.csv", "b.csv", "c.csv", targets="t.csv", missing="ignore")
    expected = TARGETS.copy()
    expected[[5, 7]] = -100
    blocks = loaded(dataset)
    for number in range(3):
        found = [(block, *block.others)[number].targets for block in blocks]
        assert np.concatenate(found).tolist() == expected.tolist()


def test_no_key_in_common():
    text = Path("by.csv").read_text().replace("k", "z")
    Path("by.csv").write_text(text)
    with pytest.raises(DataError, match=r"by\.csv: has none of the keys of ay\.csv"):
        loaded(opened("ay.csv", "by.csv", target_column="y", missing="ignore"))


@pytest.mark.parametrize("models", [("ay.csv", "by.csv"), ("by.csv", "ay.csv")])
def test_key_that_comes_twice(models):
    lines = Path("by.csv").read_text().splitlines()
    Path("by.csv").write_text("\n".join([*lines, lines[9]]) + "\n")
    words = ("compare", *models, "--target-column", "y", "--id", "id", "-q")
    done = nll(*words)
    told = "line 62: the key" if models[0] == "by.csv" else "has one key twice, in line 10 and line 62"
    assert (done.code, told in done.err) == (3, True), done.err
    found = [run(line) for line in offered(done)]
    table("by.csv", LOGITS[1], ORDERS[1], labels=TARGETS)
    expected = float(nll(*words).out)
    assert [float(each.out) for each in found] == pytest.approx([expected, expected], rel=1e-12)


def test_labels_that_differ():
    labels = TARGETS.copy()
    labels[31] = (labels[31] + 1) % 3
    table("by.csv", LOGITS[1], ORDERS[1], labels=labels)
    place = [*ORDERS[1]].index(31) + 2
    told = f"by.csv, line {place}: has the target '{NAMES[labels[31]]}', but ay.csv, line 33 has '{NAMES[TARGETS[31]]}'"
    with pytest.raises(DataError) as raised:
        loaded(opened("ay.csv", "by.csv", target_column="y"))
    assert str(raised.value) == told


def test_gaps_in_a_table_of_keys():
    lines = Path("b.csv").read_text().splitlines()
    place = [*ORDERS[1]].index(31) + 1
    lines[place] = "k31,,1,2"
    Path("b.csv").write_text("\n".join(lines) + "\n")
    dataset = opened("a.csv", "b.csv", targets="t.csv", missing="ignore")
    expected = TARGETS.copy()
    expected[31] = -100
    assert np.concatenate([block.targets for block in loaded(dataset)]).tolist() == expected.tolist()
    assert "b.csv: 1 sample without logits left out" in [note.message for note in dataset.notes]


# --- what has no keys -------------------------------------------------------------------------------------------------


def test_files_without_keys():
    np.save("b.npy", LOGITS[1])
    with pytest.raises(UsageError, match=r"id.* needs .*logits.* as a table with that column"):
        opened("a.csv", "b.npy", targets="t.csv")
    Path("b.csv").write_text("cat,dog,fox\n1,2,3\n")
    with pytest.raises(UsageError, match=r"b\.csv: there is no column 'id'"):
        opened("a.csv", "b.csv", targets="t.csv")
    np.save("tokens.npy", [-1.5, -2.0])
    words = [InputOptions(name, source="token-log-probs", id="id") for name in ("tokens.npy", "tokens.npy")]
    with pytest.raises(UsageError, match=r"tokens\.npy: .*id.* needs .*logits.* as tables with that column"):
        open_models(words)
    np.save("t.npy", TARGETS)
    with pytest.raises(UsageError, match=r"needs .* as a table with that column"):
        opened("a.csv", "c.csv", targets="t.npy")
