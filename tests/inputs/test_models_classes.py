"""Models whose tables have their classes in other orders, and tables that bring their targets."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from following import meanings, offered, run
from in_process import nll
from pyarrow import parquet

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError
from nllcli.inputs.models.opening import open_models

NAMES = ("cat", "dog", "fox")
N = 40
RNG = np.random.default_rng(31)
FIRST, OTHER = (RNG.normal(0, 3, (N, 3)).round(3) for _ in range(2))
TARGETS = RNG.integers(0, 3, N)
WORDS = [NAMES[y] for y in TARGETS]
ORDER = ("fox", "cat", "dog")


def csv(path, rows, names, **columns):
    """A table of logits, whose columns are put into the order of the names; and other columns."""
    places = [NAMES.index(name) for name in names]
    lines = [",".join([*names, *columns])]
    for i, row in enumerate(rows):
        lines.append(
            ",".join([*(repr(float(row[c])) for c in places), *(str(column[i]) for column in columns.values())])
        )
    Path(path).write_text("\n".join(lines) + "\n")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    csv("a.csv", FIRST, NAMES)
    csv("b.csv", OTHER, ORDER)
    Path("y.txt").write_text("\n".join(WORDS) + "\n")
    Path("n.txt").write_text("\n".join(map(str, TARGETS)) + "\n")
    np.save("y.npy", np.array(WORDS))
    np.save("n.npy", TARGETS)
    np.save("a.npy", FIRST)
    return tmp_path


def opened(*words, **settings):
    return open_models([InputOptions(word, **settings) for word in words])


def loaded(dataset, size=7):
    blocks = [chunk.load(Scratch()) for chunk in dataset.chunks(size)]
    dataset.completed()
    return blocks


def check(dataset, first=FIRST, other=OTHER, targets=TARGETS):
    blocks = loaded(dataset)
    np.testing.assert_array_equal(np.concatenate([block.logits for block in blocks]), first)
    np.testing.assert_array_equal(np.concatenate([block.others[0].logits for block in blocks]), other)
    for number in range(2):
        found = np.concatenate([(block, *block.others)[number].targets for block in blocks])
        np.testing.assert_array_equal(found, targets)


def difference(*words):
    done = nll("compare", *words, "-q")
    assert done.code == 0, done.err
    return float(done.out)


@pytest.mark.parametrize("targets", ["y.txt", "y.npy"])
def test_columns_are_put_into_the_order_of_the_first(targets):
    dataset = opened("a.csv", "b.csv", targets=targets)
    check(dataset)
    assert [note.message for note in dataset.notes if note.code == "classes-reordered"] == [
        "b.csv: its classes are put into the order of a.csv, by their names"
    ]
    assert [model.class_names for model in dataset.models] == [NAMES, NAMES]
    assert dataset.models[1].logits.place(4, dataset.layout, 1) == "line 6, column 3"


def test_columns_of_json_and_of_parquet():
    rows = [dict(zip(NAMES, map(float, row), strict=True)) for row in OTHER]
    Path("b.jsonl").write_text("".join(json.dumps({"logits": row}) + "\n" for row in rows))
    parquet.write_table(pa.table({name: OTHER[:, NAMES.index(name)] for name in ORDER}), "b.parquet")
    for name in ("b.jsonl", "b.parquet"):
        check(opened("a.csv", name, targets="y.txt"))


def test_columns_in_several_files():
    csv("b1.csv", OTHER[:11], ORDER)
    csv("b2.csv", OTHER[11:], ORDER)
    Path("y1.txt").write_text("\n".join(WORDS[:11]) + "\n")
    Path("y2.txt").write_text("\n".join(WORDS[11:]) + "\n")
    check(opened("a.csv", "b?.csv", targets="y.txt"))
    csv("a1.csv", FIRST[:11], NAMES)
    csv("a2.csv", FIRST[11:], NAMES)
    check(opened("a?.csv", "b?.csv", targets="y?.txt"))


def test_names_of_one_model_alone():
    check(opened("a.npy", "b.csv", targets="n.npy"), other=OTHER[:, [2, 0, 1]])
    check(opened("a.csv", "a.npy", targets="y.txt"), other=FIRST)


def test_class_probabilities_are_bound_by_name():
    soft = RNG.dirichlet(np.ones(3), N)
    csv("soft.csv", soft, ("dog", "cat", "fox"))
    blocks = loaded(opened("a.csv", "b.csv", targets="soft.csv"))
    np.testing.assert_array_equal(np.concatenate([block.others[0].logits for block in blocks]), OTHER)
    np.testing.assert_array_equal(np.concatenate([block.others[0].targets for block in blocks]), soft)
    np.save("soft.npy", soft)
    with pytest.raises(DataError, match=r"b\.csv: has its classes in another order than a\.csv"):
        opened("a.csv", "b.csv", targets="soft.npy")


# --- targets that are numbers -----------------------------------------------------------------------------------------


@pytest.mark.uncounted
@pytest.mark.parametrize("targets", ["n.txt", "n.npy"])
def test_numbers_of_classes_in_two_orders_are_asked_about(targets):
    words = ("a.csv", "b.csv", "-t", targets)
    done = nll("compare", *words, "-q")
    assert done.code == 3
    assert "b.csv: has its classes in another order than a.csv, fox, cat, dog, and the targets are numbers" in done.err
    assert meanings(done) == [f"the targets number the classes as {name} has them" for name in ("a.csv", "b.csv")]
    found = [float(run(line).out) for line in offered(done)]
    names = np.array([NAMES, ORDER])[:, TARGETS]
    expected = []
    for each in names:
        Path("each.txt").write_text("\n".join(each) + "\n")
        expected.append(difference("a.csv", "b.csv", "-t", "each.txt"))
    assert found == pytest.approx(expected, rel=1e-12)
    assert found[0] != found[1]


def test_numbers_of_classes_at_the_same_place_in_both():
    """Whichever order they number, they are the same classes."""
    csv("b.csv", OTHER, ("dog", "cat", "fox"))
    np.save("n.npy", np.full(N, 2))
    check(opened("a.csv", "b.csv", targets="n.npy"), targets=np.full(N, 2))


def test_columns_in_one_order_under_other_names():
    rows = [",".join(f"prob_{name}" for name in NAMES), *(",".join(map(repr, row)) for row in OTHER.tolist())]
    Path("b.csv").write_text("\n".join(rows) + "\n")
    check(opened("a.csv", "b.csv", targets="n.txt"))


def test_no_command_where_the_columns_have_other_names():
    places = [NAMES.index(name) for name in ORDER]
    rows = [
        ",".join(f"prob_{name}" for name in ORDER),
        *(",".join(map(repr, row)) for row in OTHER[:, places].tolist()),
    ]
    Path("b.csv").write_text("\n".join(rows) + "\n")
    check(opened("a.csv", "b.csv", targets="y.txt"))
    with pytest.raises(DataError, match="in another order") as raised:
        opened("a.csv", "b.csv", targets="n.txt")
    assert raised.value.remedies == ()
    assert raised.value.hint == "save both with the columns in the order that the targets number"


# --- other classes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", ["y.txt", "n.txt"])
def test_other_classes_are_named(targets):
    rows = OTHER[:, [0, 1]]
    csv("two.csv", rows, ("cat", "dog"))
    Path("cow.csv").write_text(Path("a.csv").read_text().replace("fox", "cow"))
    for other, told in (
        ("two.csv", "two.csv: has no class 'fox', which a.csv has"),
        ("cow.csv", "cow.csv: has a class 'cow', which a.csv does not have"),
    ):
        done = nll("compare", "a.csv", other, "-t", targets)
        assert (done.code, f"nll: error: {told}\n" in done.err) == (3, True), done.err
    with pytest.raises(DataError, match=r"a\.csv: has a class 'fox', which two\.csv does not have"):
        opened("two.csv", "a.csv", targets="n.txt")


def test_other_numbers_of_classes_without_names_are_allowed():
    np.save("wide.npy", np.zeros((N, 5)))
    blocks = loaded(opened("a.npy", "wide.npy", targets="n.npy"))
    assert {block.others[0].logits.shape[1] for block in blocks} == {5}


# --- tables with targets of their own ---------------------------------------------------------------------------------


def labelled(path, rows, names, labels):
    csv(path, rows, names, y=labels)


def test_labels_that_agree():
    labelled("a.csv", FIRST, NAMES, WORDS)
    labelled("b.csv", OTHER, ORDER, WORDS)
    check(opened("a.csv", "b.csv", target_column="y"))


@pytest.mark.parametrize("order", [NAMES, ORDER])
def test_labels_that_differ(order):
    labels = list(WORDS)
    labels[23] = next(name for name in NAMES if name != WORDS[23])
    labelled("a.csv", FIRST, NAMES, WORDS)
    labelled("b.csv", OTHER, order, labels)
    done = nll("compare", "a.csv", "b.csv", "--target-column", "y")
    told = f"b.csv, line 25: has the target '{labels[23]}', but a.csv, line 25 has '{WORDS[23]}'"
    assert (done.code, f"nll: error: {told}\n" in done.err) == (3, True), done.err


def test_labels_that_are_numbers():
    """Each table numbers its own columns, or both number the classes of one."""
    labelled("a.csv", FIRST, NAMES, TARGETS)
    labelled("b.csv", OTHER, ORDER, [ORDER.index(word) for word in WORDS])
    check(opened("a.csv", "b.csv", target_column="y"))
    labelled("b.csv", OTHER, ORDER, TARGETS)
    words = ("compare", "a.csv", "b.csv", "--target-column", "y", "-q")
    done = nll(*words)
    assert (done.code, "a.csv, fox, cat, dog, and the targets are numbers" in done.err) == (3, True), done.err
    found = [float(run(line).out) for line in offered(done)]
    labelled("a.csv", FIRST, NAMES, [str(y) for y in TARGETS])
    expected = [
        difference("a.csv", "b.csv", "--target-column", "y", "--columns", ",".join(each)) for each in (NAMES, ORDER)
    ]
    assert found == expected
    changed = [y if i != 30 else (y + 1) % 3 for i, y in enumerate(TARGETS)]
    labelled("a.csv", FIRST, NAMES, TARGETS)
    labelled("b.csv", OTHER, NAMES, changed)
    with pytest.raises(
        DataError, match=rf"b\.csv, line 32: has the target '\w+', but a\.csv, line 32 has '{WORDS[30]}'"
    ):
        loaded(opened("a.csv", "b.csv", target_column="y"))


def test_labels_of_classes_without_names():
    for name, labels in (("a.jsonl", [0, 1, -100]), ("b.jsonl", [0, 0, -100]), ("c.jsonl", [0, 1, 1])):
        rows = [json.dumps({"logits": [1.5, i], "target": y}) for i, y in enumerate(labels)]
        Path(name).write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"b\.jsonl, line 2: has the target 0, but a\.jsonl, line 2 has 1"):
        loaded(opened("a.jsonl", "b.jsonl"))
    with pytest.raises(DataError, match=r"c\.jsonl, line 3: has the target 1, but a\.jsonl, line 3 has -100"):
        loaded(opened("a.jsonl", "c.jsonl"))


def test_labels_in_several_files():
    labelled("a.csv", FIRST, NAMES, WORDS)
    labels = list(WORDS)
    labels[30] = next(name for name in NAMES if name != WORDS[30])
    for name, part in (("b1.csv", slice(0, 11)), ("b2.csv", slice(11, None))):
        labelled(name, OTHER[part], ORDER, labels[part])
    with pytest.raises(DataError, match=r"^b2\.csv, line 21: has the target '\w+', but a\.csv, line 32 has '"):
        loaded(opened("a.csv", "b?.csv", target_column="y"))


def test_labels_that_are_numbers_in_several_files():
    labelled("a.csv", FIRST, NAMES, TARGETS)
    for name, part in (("b1.csv", slice(0, 11)), ("b2.csv", slice(11, None))):
        labelled(name, OTHER[part], ORDER, TARGETS[part])
    with pytest.raises(DataError, match="in another order"):
        loaded(opened("a.csv", "b?.csv", target_column="y"))


# --- rows in another order --------------------------------------------------------------------------------------------


def keyed(path, rows, keys, **columns):
    lines = [",".join(["id", "cat", "dog", *columns])]
    lines += [",".join(map(str, each)) for each in zip(keys, rows[:, 0], rows[:, 1], *columns.values(), strict=True)]
    Path(path).write_text("\n".join(lines) + "\n")


def test_keys_in_another_order_are_seen_in_the_first_rows():
    rows, keys, labels = FIRST[:6], list("uvwxyz"), ["cat", "dog", "cat", "dog", "dog", "cat"]
    keyed("a.csv", rows, keys, y=labels)
    keyed("b.csv", rows[::-1] + 1, keys[::-1], y=labels[::-1])
    done = nll("compare", "a.csv", "b.csv", "--target-column", "y", "-q")
    assert "b.csv: has the key 'z', and the same row of a.csv another one" in done.err
    (line,) = offered(done)
    assert run(line).out.strip() == run("nll compare a.csv b.csv --target-column y --id id -q").out.strip() != ""


@pytest.mark.parametrize("keys", ["zyxwvu", "123456"])
@pytest.mark.parametrize("has_keys", [False, True])
def test_keys_in_another_order_beside_targets(keys, has_keys):
    rows, labels = FIRST[:6], ["cat", "dog", "cat", "dog", "dog", "cat"]
    keyed("a.csv", rows, "uvwxyz")
    keyed("b.csv", rows + 1, keys)
    Path("t.csv").write_text("id,y\n" + "".join(f"{key},{y}\n" for key, y in zip("uvwxyz", labels, strict=True)))
    Path("t.txt").write_text("\n".join(labels) + "\n")
    words = ("compare", "a.csv", "b.csv", "-t", "t.csv" if has_keys else "t.txt", "-q", "--drop", "id")
    done = nll(*words)
    assert done.code == 2
    assert f"b.csv: has the key '{keys[0]}', and the same row of a.csv another one" in done.err
    assert bool(offered(done)) == has_keys
    assert ("hint: targets with the column id say which row is whose" in done.err) != has_keys


def test_columns_that_are_no_keys():
    """Numbers of each model, and the keys in one order."""
    rows, labels = FIRST[:6], ["cat", "dog", "cat", "dog", "dog", "cat"]
    keyed("a.csv", rows, "uvwxyz", note=list("abcdef"), rank=list("123456"), y=labels)
    keyed("b.csv", rows + 1, "uvwxyz", note=list("ghijkl"), rank=list("653421"), y=labels)
    assert len(loaded(opened("a.csv", "b.csv", target_column="y", drop="id,note,rank"))) == 1
