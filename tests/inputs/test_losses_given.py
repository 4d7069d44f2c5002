"""Losses that a file holds, one a sample: alone, and beside models of other kinds."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from in_process import nll
from pyarrow import parquet

from nllcli.data.blocks import Scratch
from nllcli.data.settings import LOSSES_GIVEN, TOKENS, InputOptions, LossOptions
from nllcli.errors import DataError, SampleError, UsageError
from nllcli.inputs.models.opening import open_models
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.tables import lines
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.surprisal.given import FromLosses

N = 30
RNG = np.random.default_rng(41)
LOSSES = np.where(np.arange(N) == 7, np.inf, RNG.normal(1, 2, N))
LOGITS = RNG.normal(0, 3, (N, 3))
TARGETS = np.where(np.arange(N) % 9 == 4, -100, RNG.integers(0, 3, N))
ALL = LossOptions(source=LOSSES_GIVEN)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("l.npy", LOSSES)
    np.save("l2.npy", LOSSES.reshape(5, 6).astype(np.float32))
    np.save("x.npy", LOGITS)
    np.save("t.npy", TARGETS)
    Path("l.csv").write_text("loss\n" + "".join(f"{value!r}\n" for value in LOSSES.tolist()))
    return tmp_path


def options(word, targets=None, **settings):
    return InputOptions(word, targets, source=LOSSES_GIVEN, **settings)


def blocks_of(dataset, size=7):
    found = [chunk.load(Scratch()) for chunk in dataset.chunks(size)]
    dataset.completed()
    return found


def losses(blocks, number=0, loss=ALL):
    wanted = Wanted(losses=True)
    each = [(block, *block.others)[number] for block in blocks]
    return np.concatenate([evaluate(block, loss, wanted, Scratch()).losses for block in each])


FILES = {
    "array": lambda: "l.npy",
    "text": lambda: "l.csv",
    "bare text": lambda: written("bare.txt", "".join(f"{value!r}\n" for value in LOSSES.tolist())),
    "member": lambda: written("m.csv", table("a,b", LOSSES, LOSSES + 1)) + ":a",
    "column by name": lambda: written("m.csv", table("accuracy,LOSS,n", LOSSES + 1, LOSSES, LOSSES)),
    "lines": lambda: written("l.jsonl", "".join(json.dumps({"loss": value}) + "\n" for value in LOSSES.tolist())),
    "parquet": lambda: parquet_of("l.parquet", loss=LOSSES),
}


def written(name, text):
    Path(name).write_text(text)
    return name


def table(header, *columns):
    return "\n".join([header, *(",".join(map(repr, map(float, row))) for row in zip(*columns, strict=True))]) + "\n"


def parquet_of(name, **columns):
    parquet.write_table(pa.table(columns), name)
    return name


@pytest.mark.parametrize("kind", FILES)
def test_losses_are_what_the_file_holds(kind):
    dataset = open_dataset(options(FILES[kind]()))
    assert (dataset.n_classes, dataset.has_targets) == (1, True)
    assert losses(blocks_of(dataset)).tolist() == LOSSES.tolist()


def test_arrays_of_any_shape():
    dataset = open_dataset(options("l2.npy"))
    assert dataset.layout.sample_shape == (5, 6)
    assert dataset.is_seekable
    np.testing.assert_array_equal(losses(blocks_of(dataset)), LOSSES.astype(np.float32))
    np.save("f.npy", np.asfortranarray(LOSSES.reshape(5, 6)))
    np.save("t2.npy", TARGETS.reshape(5, 6))
    dataset = open_dataset(options("f.npy", "t2.npy"))
    expected = np.where(TARGETS < 0, 0, LOSSES).reshape(5, 6).T.ravel()
    np.testing.assert_array_equal(losses(blocks_of(dataset)), expected)
    assert dataset.place(7) == "position (2, 1)"


def test_several_files():
    for i, part in enumerate(np.split(LOSSES, [4, 11])):
        np.save(f"p{i}.npy", part)
        np.save(f"y{i}.npy", np.split(TARGETS, [4, 11])[i])
    expected = np.where(TARGETS < 0, 0, LOSSES).tolist()
    assert losses(blocks_of(open_dataset(options("p?.npy")))).tolist() == LOSSES.tolist()
    assert losses(blocks_of(open_dataset(options("p?.npy", "t.npy")))).tolist() == expected
    assert losses(blocks_of(open_dataset(options("p?.npy", "y?.npy")))).tolist() == expected


def test_targets_say_what_counts():
    np.save("w.npy", np.ones(N))
    dataset = open_dataset(options("l.csv", "t.npy", sample_weights="w.npy"))
    blocks = blocks_of(dataset)
    assert np.concatenate([block.targets for block in blocks]).tolist() == np.where(TARGETS < 0, -100, 0).tolist()
    assert np.concatenate([block.sample_weights for block in blocks]).tolist() == [1.0] * N
    assert losses(blocks).tolist() == np.where(TARGETS < 0, 0, LOSSES).tolist()
    assert dataset.targets.place(3, dataset.layout) == "row 3"
    assert (dataset.targets.name, dataset.targets.n) == ("t.npy", N)


def test_targets_by_key():
    Path("k.csv").write_text("id,loss\n" + "".join(f"k{i},{value!r}\n" for i, value in enumerate(LOSSES.tolist())))
    Path("t.csv").write_text("id,y\n" + "".join(f"k{i},{y}\n" for i, y in reversed([*enumerate(TARGETS)])))
    dataset = open_dataset(options("k.csv", "t.csv", id="id"))
    assert losses(blocks_of(dataset)).tolist() == np.where(TARGETS < 0, 0, LOSSES).tolist()


def test_what_is_not_one_number_a_sample():
    Path("two.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UsageError, match=r"two\.csv: has the columns a, b: which has the losses\?") as raised:
        open_dataset(options("two.csv"))
    for remedy, name in zip(raised.value.remedies, "ab", strict=True):
        assert (dict(remedy.files), remedy.meaning) == ({"two.csv": f"two.csv:{name}"}, f"{name} has the losses")
        assert len(blocks_of(open_dataset(options(remedy.files["two.csv"])))) == 1
    Path("lists.jsonl").write_text("[1, 2]\n[3, 4]\n")
    with pytest.raises(DataError, match=r"lists\.jsonl: has 2 columns; losses have one"):
        open_dataset(options("lists.jsonl"))
    np.save("soft.npy", np.full((N, 1), 0.5))
    with pytest.raises(UsageError, match=r"soft\.npy: holds class probabilities, which say nothing of losses"):
        open_dataset(options("l.npy", "soft.npy", binary=True))


@pytest.mark.parametrize("piece", [8, 1 << 20])
@pytest.mark.parametrize(
    ("text", "line"),
    [("1\n2\n\n3\n", 3), ("0.25\n0.5\n\n\n0.75\n", 3), ("loss\n \n1\n", 2), ("1\n2.000000\n\n3.0\n4\n", 3)],
)
def test_a_blank_line_between_losses_may_be_one_without_a_number(text, line, piece, monkeypatch):
    """Two files with as many of them, in different places, would be paired wrongly."""
    monkeypatch.setattr(lines, "_PIECE_BYTES", piece)
    Path("gap.txt").write_text(text)
    with pytest.raises(DataError, match=rf"gap\.txt, line {line}: is blank") as raised:
        blocks_of(open_dataset(options("gap.txt")))
    assert "write NA there" in raised.value.hint


@pytest.mark.parametrize("text", ["\n\n1\n2\n\n \n", "# from a run\n1\n# and on\n2\n"])
def test_blank_lines_at_the_ends_of_losses_and_comments_are_none(text):
    Path("l.txt").write_text(text)
    assert losses(blocks_of(open_dataset(options("l.txt")))).tolist() == [1.0, 2.0]


def test_compute_does_not_take_losses():
    done = nll("compute", "l.npy", "--from", "losses")
    assert done.code == 2
    assert "losses" in done.err


# --- the numbers ------------------------------------------------------------------------------------------------------


def test_surprisals_are_the_losses():
    given = FromLosses(LOSSES[:, None])
    classes = np.zeros(N, np.int64)
    for found in (given.at(classes), given.all()[:, 0], given.in_all(classes)):
        assert found.tolist() == LOSSES.tolist()
    assert given.unusable() is None
    np.testing.assert_allclose(given.probs()[:, 0], [math.exp(-value) for value in LOSSES], rtol=1e-15)


def test_losses_that_are_nan():
    values = LOSSES.copy()
    values[[3, 9]] = np.nan
    np.save("l.npy", values)
    blocks = blocks_of(open_dataset(options("l.npy")), N)
    with pytest.raises(SampleError, match="the loss is NaN") as raised:
        losses(blocks)
    assert raised.value.samples == (3, 9)
    assert [remedy.settings for remedy in raised.value.remedies] == [{"missing": "ignore"}, {"on_nonfinite": "nan"}]
    found = losses(blocks, loss=LossOptions(source=LOSSES_GIVEN, on_nonfinite="nan"))
    np.testing.assert_array_equal(found, values)
    dataset = open_dataset(options("l.npy", missing="ignore"))
    assert losses(blocks_of(dataset, N)).tolist() == np.where(np.isnan(values), 0, values).tolist()


def test_losses_a_little_below_zero_are_what_they_are():
    """They are no logarithms that a rounding has put above 0, nor probabilities."""
    values = np.array([1e-17, -1e-17, 2.0, -1.0, 1.0 + 2.0**-52])
    np.save("l.npy", values)
    found = evaluate(blocks_of(open_dataset(options("l.npy")))[0], ALL, Wanted(losses=True), Scratch())
    assert found.losses.tolist() == values.tolist()
    assert found.tally.findings == {}


# --- beside other models ----------------------------------------------------------------------------------------------


def expected_losses():
    scaled = LOGITS - LOGITS.max(axis=1, keepdims=True)
    rows = [
        math.log(math.fsum(map(math.exp, row))) - row[max(y, 0)]
        for row, y in zip(scaled.tolist(), TARGETS, strict=True)
    ]
    return [0.0 if y < 0 else row for row, y in zip(rows, TARGETS, strict=True)]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["l.npy", "l.csv"])
def test_losses_beside_logits(name, place):
    """The targets are those of the logits, whatever comes first."""
    asked = [InputOptions("x.npy", "t.npy")]
    asked.insert(place, options(name, "t.npy", class_axis=1, columns="a,b", drop="c", target_column="y"))
    dataset = open_models(asked)
    assert dataset.leader == 1 - place
    blocks = blocks_of(dataset)
    assert losses(blocks, place).tolist() == np.where(TARGETS < 0, 0, LOSSES).tolist()
    assert losses(blocks, 1 - place, LossOptions()) == pytest.approx(expected_losses(), rel=1e-12)
    assert [model.n_classes for model in dataset.models] == ([1, 3] if place == 0 else [3, 1])
    assert dataset.models[place].targets.read(0, 5).tolist() == [0, 0, 0, 0, -100]


def test_losses_alone():
    blocks = blocks_of(open_models([options("l.npy", "t.npy"), options("l.csv", "t.npy")]))
    for number in range(2):
        assert losses(blocks, number).tolist() == np.where(TARGETS < 0, 0, LOSSES).tolist()
    blocks = blocks_of(open_models([options("l.npy"), options("l.csv")]))
    assert all(each.targets is None for block in blocks for each in (block, *block.others))


def test_losses_beside_class_probabilities():
    np.save("soft.npy", np.full((N, 3), 1 / 3))
    blocks = blocks_of(open_models([options("l.npy", "soft.npy"), InputOptions("x.npy", "soft.npy")]))
    assert losses(blocks).tolist() == LOSSES.tolist()


def test_losses_beside_a_table_with_targets():
    names = ["cat", "dog", "fox"]
    rows = [
        ",".join([*map(repr, row), "" if y < 0 else names[y]]) for row, y in zip(LOGITS.tolist(), TARGETS, strict=True)
    ]
    Path("x.csv").write_text("\n".join(["cat,dog,fox,y", *rows]) + "\n")
    settings = {"target_column": "y", "missing": "ignore"}
    for place in range(2):
        asked = [InputOptions("x.csv", **settings)]
        asked.insert(place, options("l.csv", **settings))
        blocks = blocks_of(open_models(asked))
        assert losses(blocks, place).tolist() == np.where(TARGETS < 0, 0, LOSSES).tolist()
        assert losses(blocks, 1 - place, LossOptions()) == pytest.approx(expected_losses(), rel=1e-12)


@pytest.mark.parametrize("place", [0, 1])
def test_losses_by_key(place):
    names, order = ["cat", "dog", "fox"], RNG.permutation(N)
    rows = [",".join([f"k{i}", *map(repr, LOGITS[i].tolist())]) for i in range(N)]
    Path("x.csv").write_text("\n".join(["id,cat,dog,fox", *rows]) + "\n")
    Path("l.csv").write_text("id,loss\n" + "".join(f"k{i},{float(LOSSES[i])!r}\n" for i in order))
    labels = ["" if y < 0 else names[y] for y in TARGETS]
    Path("t.csv").write_text("id,y\n" + "".join(f"k{i},{labels[i]}\n" for i in reversed(range(N))))
    asked = [InputOptions("x.csv", "t.csv", id="id", missing="ignore")]
    asked.insert(place, options("l.csv", "t.csv", id="id", missing="ignore"))
    dataset = open_models(asked)
    blocks = blocks_of(dataset)
    first = order if place == 0 else np.arange(N)
    assert losses(blocks, place).tolist() == np.where(TARGETS < 0, 0, LOSSES)[first].tolist()
    assert losses(blocks, 1 - place, LossOptions()) == pytest.approx([expected_losses()[i] for i in first], rel=1e-12)


def test_gaps_in_losses_are_left_out_of_all():
    values = np.where(np.arange(N) == 2, np.nan, LOSSES)
    np.save("l.npy", values)
    blocks = blocks_of(
        open_models([InputOptions("x.npy", "t.npy", missing="ignore"), options("l.npy", missing="ignore")])
    )
    expected = np.where(np.arange(N) == 2, -100, TARGETS)
    assert np.concatenate([block.targets for block in blocks]).tolist() == expected.tolist()


def test_gaps_in_losses_beside_class_probabilities():
    np.save("l.npy", np.where(np.arange(N) == 2, np.nan, LOSSES))
    np.save("soft.npy", np.full((N, 3), 1 / 3))
    asked = [InputOptions("x.npy", "soft.npy", missing="ignore"), options("l.npy", "soft.npy", missing="ignore")]
    with pytest.raises(UsageError, match="samples without logits are left out by their class index"):
        blocks_of(open_models(asked))


def test_log_probabilities_of_tokens():
    """What is dropped of one model is dropped of all."""
    np.save("a.npy", [-1.0, -2.0, -9999.0, -0.5])
    np.save("b.npy", [-1.5, np.nan, -1.0, -0.25])
    dataset = open_models([InputOptions(name, source=TOKENS, unknown="drop") for name in ("a.npy", "b.npy")])
    (block,) = blocks_of(dataset)
    assert [each.targets.tolist() for each in (block, *block.others)] == [[0, -100, -100, 0]] * 2
    np.save("b.npy", [-1.5, -1.0, -1.0])
    with pytest.raises(DataError, match=r"b\.npy: has 3 samples, but a\.npy has 4"):
        open_models([InputOptions(name, source=TOKENS) for name in ("a.npy", "b.npy")])
