"""Several models of the same samples as one dataset: blocks of all of them, however each file is cut."""

import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from following import offered, run
from in_process import nll
from products import Multiplying, Product

from nllcli import engine
from nllcli.data.blocks import Block, Chunk, Scratch, Unread
from nllcli.data.dataset import Piece
from nllcli.data.layout import Layout
from nllcli.data.settings import InputOptions, Workers
from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.models.cutting import Recut, are_cut_alike, size_for
from nllcli.inputs.models.opening import open_models
from nllcli.scoring.passes import fold_dataset, samples_a_block
from nllcli.scoring.shares import fold_parts

N, C, D = 5, 3, 7
RNG = np.random.default_rng(29)
CUBE = RNG.normal(0, 3, (N, C, D))
LAST = RNG.normal(0, 3, (N, D, C))
WIDE = RNG.normal(0, 3, (N * D, C + 2))
TARGETS = RNG.integers(0, C, (N, D))
WEIGHTS = RNG.random((N, D))
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 16, 21, 100)


def text(rows):
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("cube.npy", CUBE)
    np.save("last.npy", LAST)
    np.save("float.npy", LAST.astype(np.float32))
    np.save("targets.npy", TARGETS)
    np.save("flat.npy", TARGETS.ravel())
    np.save("weights.npy", WEIGHTS)
    np.save("wide.npy", WIDE)
    np.save("rows.npy", LAST.reshape(-1, C))
    Path("rows.csv").write_text(text(LAST.reshape(-1, C)))
    for i, part in enumerate(np.split(LAST, [2, 3])):
        np.save(f"p{i}.npy", part)
        np.save(f"q{i}.npy", -part)
        np.save(f"y{i}.npy", np.split(TARGETS, [2, 3])[i])
    for i, part in enumerate(np.split(CUBE, [1])):
        np.save(f"s{i}.npy", part)
    for i, part in enumerate(np.split(LAST.reshape(-1, C), [11, 12])):
        Path(f"c{i}.csv").write_text(text(part))
        np.save(f"m{i}.npy", part.astype(np.float32 if i == 1 else np.float64))
    return tmp_path


# The samples of each model one after another, as one array.
ALL = {
    "cube.npy": CUBE.transpose(0, 2, 1).reshape(-1, C),
    "s*.npy": CUBE.transpose(0, 2, 1).reshape(-1, C),
    "last.npy": LAST.reshape(-1, C),
    "p*.npy": LAST.reshape(-1, C),
    "q*.npy": -LAST.reshape(-1, C),
    "rows.npy": LAST.reshape(-1, C),
    "rows.csv": LAST.reshape(-1, C),
    "c*.csv": LAST.reshape(-1, C),
    "wide.npy": WIDE,
}


def options_of(*words, targets="targets.npy", **settings):
    return [InputOptions(word, targets, **settings) for word in words]


def opened(*words, targets="targets.npy", **settings):
    return open_models(options_of(*words, targets=targets, **settings))


def loaded(dataset, size):
    """The blocks, checked against the chunks that they came of."""
    found = []
    for chunk in dataset.chunks(size):
        block = chunk.load(Scratch())
        for each in (block, *block.others):
            assert each.start == chunk.start == sum(len(before.logits) for before in found)
            assert len(each.logits) == chunk.n
        found.append(block)
    dataset.completed()
    return found


def joined(blocks, number):
    """All logits of a model."""
    return np.concatenate([(block, *block.others)[number].logits for block in blocks])


def check(dataset, words, size, targets=TARGETS):
    blocks = loaded(dataset, size)
    for i, word in enumerate(words):
        np.testing.assert_array_equal(joined(blocks, i), ALL[word])
    for block in blocks:
        assert all(other.targets is block.targets for other in block.others)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in blocks]), targets.ravel())


GROUPS = [
    ("cube.npy", "last.npy"),
    ("last.npy", "cube.npy"),
    ("last.npy", "last.npy", "cube.npy"),
    ("p*.npy", "cube.npy"),
    ("cube.npy", "p*.npy"),
    ("p*.npy", "q*.npy"),
    ("p*.npy", "s*.npy", "last.npy"),
    ("s*.npy", "q*.npy"),
]
FLAT = [
    ("rows.npy", "rows.csv"),
    ("rows.csv", "rows.npy"),
    ("rows.csv", "c*.csv"),
    ("c*.csv", "rows.csv", "rows.npy"),
    ("rows.npy", "wide.npy"),
]


@pytest.mark.uncounted
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", GROUPS, ids="+".join)
def test_arrays_of_any_cut(words, size):
    dataset = opened(*words)
    check(dataset, words, size)
    check(pickle.loads(pickle.dumps(dataset)), words, size)


@pytest.mark.uncounted
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", FLAT, ids="+".join)
def test_text_beside_arrays(words, size):
    check(opened(*words, targets="flat.npy"), words, size)


@pytest.mark.parametrize("size", [4, 100])
def test_files_of_several_types_of_numbers(size):
    parts = [np.load(f"m{i}.npy").astype(np.float64) for i in range(3)]
    blocks = loaded(opened("rows.npy", "m*.npy", targets="flat.npy"), size)
    np.testing.assert_array_equal(joined(blocks, 1), np.concatenate(parts))


def test_blocks_that_are_alike_are_handed_on_unread():
    for block in loaded(opened("last.npy", "float.npy"), 14):
        (other,) = block.others
        assert isinstance(other.held, Unread)
        assert other.logits.dtype == np.float32


def test_the_first_model_is_the_baseline():
    dataset = opened("cube.npy", "last.npy", sample_weights="weights.npy")
    first, other = dataset.models
    assert (dataset.logits, dataset.layout, dataset.title) == (first.logits, first.layout, "cube.npy")
    assert other.targets is first.targets
    assert other.sample_weights is None
    assert dataset.n_bytes == first.n_bytes + other.n_bytes == CUBE.nbytes + LAST.nbytes
    assert dataset.place(8) == "position (1, 1)"
    for block in loaded(dataset, 7):
        assert block.others[0].sample_weights is block.sample_weights
    assert sum(chunk.n_bytes for chunk in dataset.chunks(14)) == dataset.n_bytes


def test_blocks_are_as_small_as_those_of_the_widest_model():
    narrow, wide = (opened(*words, targets="flat.npy") for words in (["rows.npy"], ["rows.npy", "wide.npy"]))
    huge = Layout((N, 1 << 12), 1)
    assert samples_a_block(narrow) == samples_a_block(wide)
    assert size_for((huge, Layout((N, 4), 1)), 512) == 512
    assert [layout.n_classes for layout in wide.layouts] == [C, C + 2]


def test_sizes_of_blocks():
    def layout(inner):
        return Layout((10, 3, inner), 1)

    assert size_for([layout(1), layout(7)], 20) == 14
    assert size_for([layout(4), layout(6)], 30) == 24
    assert size_for([layout(1), layout(100)], 60) == 50
    assert size_for([layout(1), layout(100)], 49) == 25
    assert size_for([layout(1), layout(101)], 50) == 50  # a prime
    assert size_for([layout(6), layout(4)], 10) == 10
    assert size_for([layout(0)], 10) == 10
    flat = Layout((1000, 3), 1)
    assert are_cut_alike([flat, layout(100)], 25)
    assert not are_cut_alike([flat, layout(100)], 49)
    assert not are_cut_alike([layout(1), Layout((None, 3), 1)], 10)


def test_cutting_anew_keeps_keys_and_what_is_left_out():
    """Pieces of 3, 0 and 4 samples, as runs of 2."""
    gone = [None, None, np.array([True, False, False, True])]
    blocks = [
        Block(start, np.arange(start, stop)[:, None], None, keys=[*map(str, range(start, stop))], left_out=mask)
        for (start, stop), mask in zip([(0, 3), (3, 3), (3, 7)], gone, strict=True)
    ]
    cut = Recut(Chunk(block.start, len(block.logits), lambda _, block=block: block, 5) for block in blocks)
    found = [cut.take(start, min(2, 7 - start)) for start in range(0, 7, 2)]
    assert sum(chunk.n_bytes for chunk in found) == 15
    loads = [chunk.load(Scratch()) for chunk in found]
    assert [block.logits.ravel().tolist() for block in loads] == [[0, 1], [2, 3], [4, 5], [6]]
    assert [block.keys for block in loads] == [["0", "1"], ["2", "3"], ["4", "5"], ["6"]]
    masks = [None if block.left_out is None else block.left_out.tolist() for block in loads]
    assert masks == [None, [False, True], [False, False], [True]]
    assert cut.take(7, 1) is None
    assert cut.n_samples() == 7


# --- passes -----------------------------------------------------------------------------------------------------------


def product(words):
    a, b = (np.rint(ALL[word][:, 0] * 1000).astype(np.int64) for word in words)
    return int((a * b).sum())


PASSES = [*GROUPS[:2], *GROUPS[3:6], GROUPS[7], *FLAT[:4]]


@pytest.mark.uncounted
@pytest.mark.parametrize("words", PASSES, ids="+".join)
def test_every_engine_makes_the_same_of_it(words):
    targets = "flat.npy" if words in FLAT else "targets.npy"
    expected = product(words[:2])
    assert fold_dataset(Multiplying(), Product(), opened(*words[:2], targets=targets), threads=2).total == expected
    for workers in (Workers(1), Workers(3), Workers(processes=2)):
        found = {}
        dataset = opened(*words[:2], targets=targets)
        failed, _ = fold_parts(
            *(workers, Multiplying(), Product(), dataset),
            prepare=lambda result: result,
            take=lambda result: result,
            finish=found.__setitem__,
        )
        assert not failed
        assert len(found) == len(dataset.parts)
        assert sum(part.total for part in found.values()) == expected
        assert {place for model in dataset.models for place in (model.place(0), model.place(33))}


@pytest.mark.parametrize("words", [GROUPS[1], ("p*.npy", "q*.npy")], ids="+".join)
def test_what_is_seen_elsewhere(words, monkeypatch):
    monkeypatch.setattr(engine, "BLOCK_ELEMENTS", 30)
    dataset = opened(*words)
    total = []
    failed, _ = fold_parts(
        *(Workers(processes=2), Multiplying(), Product(), dataset),
        prepare=lambda result: result,
        take=lambda result: result,
        finish=lambda _, product: total.append(product.total),
    )
    assert not failed
    assert sum(total) == product(words)
    assert [model.place(33) for model in dataset.models] == [model.place(33) for model in opened(*words).models]


def test_what_reading_shows():
    rows = LAST.reshape(-1, C).copy()
    rows[3] = np.nan
    np.save("gaps.npy", rows)
    dataset, there = (opened("rows.npy", "gaps.npy", targets="flat.npy", missing="ignore") for _ in range(2))
    loaded(there, 6)
    dataset.add_seen(0, there.seen(dict.fromkeys(range(0, 35, 6), 6), [3]))
    assert dataset.notes == there.notes != ()


def test_files_of_the_same_samples_are_parts():
    assert [len(opened(*words).parts) for words in GROUPS] == [1, 1, 1, 1, 1, 3, 1, 1]
    dataset = opened("p*.npy", "q*.npy")
    assert [dataset.first_of(i) for i in range(3)] == [0, 14, 21]
    blocks = [chunk.load(Scratch()) for chunk in dataset.chunks_of(1, 4)]
    assert [block.start for block in blocks] == [other.start for block in blocks for other in block.others] == [14, 18]
    np.testing.assert_array_equal(joined(blocks, 1), ALL["q*.npy"][14:21])
    only = dataset.only([0, 2])
    np.testing.assert_array_equal(joined(loaded(only, 5), 1), np.delete(ALL["q*.npy"], np.s_[14:21], axis=0))
    whole = opened("cube.npy", "last.npy")
    assert whole.only([0]) is whole
    assert whole.first_of(0) == 0
    part = pickle.loads(pickle.dumps(dataset.parts[2]))
    np.testing.assert_array_equal(joined(loaded(part, 5), 1), ALL["q*.npy"][21:])


def test_files_with_targets_of_their_own():
    check(opened("p*.npy", "q*.npy", targets="y*.npy"), ("p*.npy", "q*.npy"), 5)


@pytest.mark.parametrize(("first", "stop"), [(0, 2), (2, 5), (3, None), (50, None)])
@pytest.mark.parametrize("words", [GROUPS[0], GROUPS[1], GROUPS[3], FLAT[0]], ids="+".join)
def test_pieces(words, first, stop):
    targets = "flat.npy" if words in FLAT else "targets.npy"

    def held(source, size):
        found = [chunk.load(Scratch()) for chunk in source.chunks(size)]
        return [(block.start, block.logits.tolist(), block.others[0].logits.tolist()) for block in found]

    for size in (4, 7):
        whole = held(opened(*words, targets=targets), size)
        assert held(Piece(opened(*words, targets=targets), first, stop), size) == whole[first:stop]


def test_another_process_opens_all_files():
    data = pickle.dumps(Piece(opened("cube.npy", "last.npy"), 1, 3))
    program = """
import pickle, sys
from nllcli.data.blocks import Scratch
blocks = [chunk.load(Scratch()) for chunk in pickle.load(sys.stdin.buffer).chunks(7)]
pickle.dump([(block.start, block.others[0].logits.tolist()) for block in blocks], sys.stdout.buffer)
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True, env=env)
    rows = ALL["last.npy"]
    assert pickle.loads(done.stdout) == [(7, rows[7:14].tolist()), (14, rows[14:21].tolist())]


def test_file_of_another_model_that_changes_on_the_way_is_refused():
    data = pickle.dumps(opened("cube.npy", "last.npy"))
    np.save("last.npy", LAST + 1)
    os.utime("last.npy", ns=(1, 1))
    with pytest.raises(FaultError, match=r"last\.npy: changed while it was read"):
        pickle.loads(data)


def test_a_second_pass():
    dataset = opened("rows.csv", "rows.npy", targets="flat.npy")
    check(dataset, ("rows.csv", "rows.npy"), 4)
    check(dataset.opened_anew(), ("rows.csv", "rows.npy"), 4)


def test_one_model_may_be_standard_input(monkeypatch):
    for words in itertools.permutations(["-", "rows.npy"]):
        with subprocess.Popen(["cat", "rows.csv"], stdout=subprocess.PIPE) as cat:
            monkeypatch.setattr(sys, "stdin", cat.stdout)
            dataset = opened(*words, targets="flat.npy")
            with pytest.raises(UsageError, match="standard input: cannot be handed to another process"):
                pickle.dumps(dataset)
            check(dataset, ("rows.csv", "rows.npy"), 4)
    with pytest.raises(UsageError, match="standard input can be only one of"):
        opened("-", "-", targets="flat.npy")


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_targets_are_read_for_each_model(name):
    os.mkfifo("pipe")
    with pytest.raises(UsageError, match=r"is read for each model as .*, and can be read only once") as raised:
        opened("rows.npy", "rows.csv", targets=name)
    assert raised.value.hint == "save it to a file"


# --- class probabilities ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("rows.npy", "rows.csv"), ("rows.csv", "rows.npy", "c*.csv")], ids="+".join)
@pytest.mark.parametrize("name", ["soft.npy", "soft.csv"])
def test_class_probabilities_are_read_once(words, name):
    soft = np.random.default_rng(4).dirichlet(np.ones(C), N * D)
    np.save("soft.npy", soft)
    Path("soft.csv").write_text(text(soft))
    dataset = opened(*words, targets=name)
    assert all(model.has_targets for model in dataset.models)
    blocks = loaded(dataset, 6)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in blocks]), soft)
    assert all(other.targets is block.targets for block in blocks for other in block.others)


def test_class_probabilities_are_of_the_same_classes():
    np.save("soft.npy", np.full((N * D, C), 1 / C))
    with pytest.raises(DataError, match=r"wide\.npy: has 5 classes, but rows\.npy has 3, and the targets are one prob"):
        opened("rows.npy", "wide.npy", targets="soft.npy")


# --- what is left out -------------------------------------------------------------------------------------------------


def test_samples_without_logits_in_one_model_are_left_out_of_all():
    rows = LAST.reshape(-1, C).copy()
    rows[[3, 20]] = np.nan
    np.save("gaps.npy", rows)
    dataset = opened("rows.npy", "gaps.npy", targets="flat.npy", missing="ignore")
    blocks = loaded(dataset, 6)
    expected = TARGETS.ravel().copy()
    expected[[3, 20]] = -100
    for number in range(2):
        found = [(block, *block.others)[number].targets for block in blocks]
        assert np.concatenate(found).tolist() == expected.tolist()
    assert [note.message for note in dataset.notes] == ["gaps.npy: 2 samples of NaN alone left out"]


def test_samples_without_logits_need_targets_that_can_be_ignored():
    Path("x.csv").write_text("1,2\n,3\n4,5\n")
    np.save("x.npy", np.zeros((3, 2)))
    np.save("soft.npy", np.full((3, 2), 0.5))
    with pytest.raises(UsageError, match="samples without logits are left out by their class index"):
        loaded(opened("x.npy", "x.csv", targets="soft.npy", missing="ignore"), 5)


# --- what cannot be paired --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5])
def test_lengths_are_compared_first(n):
    for name, m in (("a.npy", 5), ("b.npy", 4)):
        np.save(name, np.zeros((m, 2)))
    np.save("t.npy", np.zeros(n, int))
    with pytest.raises(DataError) as raised:
        opened("a.npy", "b.npy", targets="t.npy")
    assert str(raised.value) == "b.npy: has 4 samples, but a.npy has 5"
    assert nll("compare", "a.npy", "b.npy", "-t", "t.npy").code == 3


def test_shapes_that_cannot_be_of_the_same_samples():
    np.save("other.npy", np.zeros((4, 6, 2)))
    np.save("long.npy", np.zeros((N + 1, D, C)))
    np.save("turned.npy", np.zeros((D, N, C)))
    np.save("wrong.npy", np.zeros((1, 9), int))
    with pytest.raises(DataError, match=r"other\.npy: has shape \(4, 6, 2\), but cube\.npy has \(5, 3, 7\)"):
        opened("cube.npy", "other.npy", targets="wrong.npy")
    with pytest.raises(DataError, match=r"long\.npy: has 42 samples, but last\.npy has 35"):
        opened("last.npy", "long.npy", targets="targets.npy", class_axis=-1)
    with pytest.raises(DataError, match=r"turned\.npy: has samples of shape \(7, 5\), but those of last\.npy are"):
        opened("last.npy", "turned.npy", targets="targets.npy", class_axis=2)
    with pytest.raises(UsageError, match=r"rows\.npy: is named twice"):  # which says nothing of lengths
        opened("rows.npy", "wide.npy", targets="rows.npy")
    with pytest.raises(FaultError, match=r"none\.npy: cannot be opened"):
        opened("cube.npy", "none.npy")
    for other in ("rows.csv", "p*.npy"):  # whose lengths are not known so far
        with pytest.raises(DataError, match=r"wrong\.npy: has shape"):
            opened("cube.npy", other, targets="wrong.npy")
    np.save("words.npy", np.array(["a", "b"]))
    with pytest.raises(DataError, match=r"words\.npy: holds strings"):
        opened("cube.npy", "words.npy")


@pytest.mark.parametrize("words", [*itertools.permutations(["rows.csv", "short.csv"])], ids="+".join)
@pytest.mark.parametrize("size", [4, 100])
def test_text_of_another_length(words, size):
    """Which is compared with the targets first, and where the tables bring them with each other."""
    rows = [f"{','.join(map(repr, row))},{y}" for row, y in zip(ALL["rows.csv"].tolist(), TARGETS.ravel(), strict=True)]
    for name, n in (("rows.csv", N * D), ("short.csv", 9)):
        Path(name).write_text("\n".join(["a,b,c,y", *rows[:n]]) + "\n")
    told = {"rows.csv": 35, "short.csv": 9}
    first, other = words
    with pytest.raises(DataError) as raised:
        loaded(opened(*words, targets=None, target_column="y"), size)
    assert str(raised.value) == f"{other}: has {told[other]} samples, but {first} has {told[first]}"
    with pytest.raises(DataError, match=r"flat\.npy: has 35 values, but short\.csv has 9 samples"):
        loaded(opened(*words, targets="flat.npy", columns="a,b,c"), size)


def test_arrays_in_another_memory_order():
    np.save("fortran.npy", np.asfortranarray(CUBE))
    for words in itertools.permutations(["fortran.npy", "last.npy"]):
        done = nll("compare", *words, "-t", "targets.npy", "-q")
        assert done.code == 2
        assert "fortran.npy: has its samples in Fortran order, and last.npy in C order" in done.err
        (line,) = offered(done)
        expected = nll(
            "compare", *("cube.npy" if word == "fortran.npy" else word for word in words), "-t", "targets.npy", "-q"
        )
        assert run(line).out == expected.out != ""
    both = opened("fortran.npy", "fortran.npy")
    order = CUBE.transpose(2, 0, 1).reshape(-1, C)
    np.testing.assert_array_equal(joined(loaded(both, 6), 1), order)


def test_arrays_in_another_memory_order_without_a_way_to_change_them(monkeypatch):
    data = np.asfortranarray(CUBE)
    np.save("fortran.npy", data)
    with Path("fortran.npy").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(UsageError, match="standard input: has its samples in Fortran order") as raised:
            opened("last.npy", "-")
    assert raised.value.hint == "numpy.ascontiguousarray makes it"


def test_answers_of_the_command_are_those_of_each_model():
    """The difference of the losses that compute gives."""
    (difference,) = answers_of("cube.npy", "last.npy")
    losses = [float(nll("compute", name, "targets.npy", "-q").out) for name in ("cube.npy", "last.npy")]
    assert difference == pytest.approx(losses[1] - losses[0], rel=1e-12)


def answers_of(*words):
    done = nll("compare", *words, "-t", "targets.npy", "-q")
    assert done.code == 0, done.err
    return [float(line) for line in done.out.split()]
