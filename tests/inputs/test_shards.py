"""Several files as one: patterns, braces, lists of files, sets that must be complete, and what they are paired by."""

import json
import pickle
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest
from following import offered, run
from in_process import nll

from nllcli.data.blocks import Scratch
from nllcli.data.dataset import Piece
from nllcli.data.settings import InputOptions
from nllcli.errors import FaultError, UsageError
from nllcli.inputs import words as naming
from nllcli.inputs.opening import open_dataset

RNG = np.random.default_rng(13)
N, C = 60, 4
LOGITS = RNG.normal(0, 3, (N, C))
TARGETS = RNG.integers(0, C, N)
WEIGHTS = RNG.random(N)
CUTS = [0, 7, 7, 30, 31]
LOSS = repr(float(oracle.reduce(LOGITS, TARGETS)))


def cut(values):
    return np.split(values, CUTS[1:])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", TARGETS)
    np.save("w.npy", WEIGHTS)
    (tmp_path / "p").mkdir()
    for i, (x, y, w) in enumerate(zip(cut(LOGITS), cut(TARGETS), cut(WEIGHTS), strict=True)):
        np.save(f"p/logits-{i:05}-of-00005.npy", x)
        np.save(f"p/targets-{i:05}-of-00005.npy", y)
        np.save(f"p/weights-{i:05}-of-00005.npy", w)
        np.savez(f"p/rank{i}.npz", logits=x, targets=y)
        rows = [",".join(map(repr, (*row, int(label)))) for row, label in zip(x.tolist(), y, strict=True)]
        (tmp_path / f"p/table{i}.csv").write_text("\n".join(["a,b,c,d,y", *rows]) + "\n")
        (tmp_path / f"p/lines{i}.txt").write_text("".join(f"{label}\n" for label in y))
    return tmp_path


def loss(*words):
    done = nll("compute", *words, "-q")
    assert done.code == 0, done.err
    return done.out.strip()


def close(text):
    return float(text) == pytest.approx(float(LOSS), rel=1e-15)


X, Y = "p/logits-*.npy", "p/targets-*.npy"


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "words",
    [
        (X, Y),
        (X, "y.npy"),
        ("p/logits-{00000..00004}-of-00005.npy", Y),
        ("p/logits-0000[0-4]-of-00005.npy", "p/targets-0000?-of-00005.npy"),
        ("p/rank*.npz:logits", "p/rank*.npz:targets"),
        ("p/rank{0..4}.npz:logits", "y.npy"),
        ("p/rank{4,3,2,1,0}.npz:logits", "p/rank{0..4}.npz:targets"),
        ("p/table*.csv", "--target-column", "y"),
        ("p/table*.csv", "--target-column", "5"),
        ("p/table*.csv", "y.npy", "--drop", "y"),
        (X, "p/lines*.txt"),
    ],
    ids=" ".join,
)
def test_a_word_stands_for_several_files(words):
    assert close(loss(*words))
    whole = json.loads(nll("compute", *words, "-f", "json").out)
    assert whole["n_samples"] == N


def test_natural_order_puts_2_before_10():
    for i in range(12):
        np.save(f"x{i}.npy", LOGITS[5 * i : 5 * i + 5])
    assert close(loss("x*.npy", "y.npy"))


def test_every_sample_comes_as_from_one_file():
    np.save("x.npy", LOGITS)
    one = nll("compute", "x.npy", "y.npy", "--per-sample", "--sample-weights", "w.npy", "-f", "json")
    several = nll("compute", X, Y, "--per-sample", "--sample-weights", "p/weights-*.npy", "-f", "json")
    assert json.loads(one.out)["samples"] == json.loads(several.out)["samples"]
    assert json.loads(one.out)["losses"] == json.loads(several.out)["losses"]
    for words in (["softmax", "--log"], ["grad"]):
        others = [["y.npy"], [Y]] if words[0] == "grad" else [[], []]
        assert nll(words[0], "x.npy", *others[0], *words[1:], "-o", "one.npy").code == 0
        assert nll(words[0], X, *others[1], *words[1:], "-o", "several.npy").code == 0
        assert Path("one.npy").read_bytes() == Path("several.npy").read_bytes()


@pytest.mark.parametrize("axis", [1, 3])
def test_arrays_of_four_axes(axis):
    logits = np.moveaxis(RNG.normal(0, 2, (6, 2, 5, C)), -1, axis)
    targets = RNG.integers(0, C, (6, 2, 5))
    np.save("x.npy", logits)
    np.save("t.npy", targets)
    for i, (x, t) in enumerate(zip(np.split(logits, [1, 4]), np.split(targets, [1, 4]), strict=True)):
        np.save(f"x{i}.npy", x)
        np.save(f"t{i}.npy", t)
    one = nll("compute", "x.npy", "t.npy", "--save-losses", "one.npy", "-f", "json")
    several = nll("compute", "x{0..2}.npy", "t{0..2}.npy", "--save-losses", "several.npy", "-f", "json")
    shared = nll("compute", "x{0..2}.npy", "t.npy", "--save-losses", "shared.npy", "-f", "json")
    assert json.loads(one.out)["signature"] == json.loads(several.out)["signature"]
    assert several.out.partition('"loss_name"')[2] == shared.out.partition('"loss_name"')[2]
    assert Path("one.npy").read_bytes() == Path("several.npy").read_bytes() == Path("shared.npy").read_bytes()


def test_sequences_of_different_lengths_are_samples_all_the_same():
    parts = [RNG.normal(0, 2, (3, t, C)) for t in (5, 7)]
    targets = [RNG.integers(0, C, x.shape[:2]) for x in parts]
    for i, (x, t) in enumerate(zip(parts, targets, strict=True)):
        np.save(f"s{i}.npy", x)
        np.save(f"t{i}.npy", t)
    expected = oracle.reduce(
        np.concatenate([x.reshape(-1, C) for x in parts]), np.concatenate([t.ravel() for t in targets])
    )
    assert float(loss("s*.npy", "t?.npy")) == pytest.approx(float(expected), rel=1e-14)


def test_soft_targets_a_file_each():
    soft = RNG.dirichlet(np.ones(C), N)
    np.save("x.npy", LOGITS)
    np.save("soft.npy", soft)
    for i, part in enumerate(cut(soft)):
        np.save(f"soft-{i}.npy", part)
    assert loss(X, "soft-*.npy") == loss(X, "soft.npy") == loss("x.npy", "soft.npy")
    bad = soft.copy()
    bad[40, 1] = np.nan
    np.save("soft-4.npy", bad[31:])
    assert nll("compute", X, "soft-*.npy").err.startswith("nll: error: soft-4.npy, row 9")


def test_a_list_of_files(folder):
    names = [f"logits-{i:05}-of-00005.npy targets-{i:05}-of-00005.npy" for i in range(5)]
    (folder / "p/list.txt").write_text("# logits, targets\n" + "\n".join(names) + "\n\n")
    assert close(loss("@p/list.txt"))
    (folder / "p/list.txt").write_text("\n".join(name.split()[0] for name in names))
    assert close(loss("@p/list.txt", Y))
    assert close(loss("@p/list.txt", "y.npy"))
    (folder / "p/logits of all.npy").write_bytes(b"")
    np.save("p/logits of all.npy", LOGITS)
    (folder / "list").write_text("'p/logits of all.npy' y.npy")
    assert close(loss("@list"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list: lists no files"),
        ("a b c", "list: has 3 names in one line"),
        ("a b\nc", "list: names targets in some lines only; c has none"),
        ("'a", "list, line 1: is not a list of files: no closing quotation"),
        ("a b", "list: names the targets, and TARGETS does too"),
    ],
)
def test_a_list_that_is_not_one(text, message, folder):
    (folder / "list").write_text(text)
    done = nll("compute", "@list", *(["y.npy"] if "too" in message else []))
    assert done.err.startswith(f"nll: error: {message}")
    assert done.code in (2, 3)


def test_a_name_that_is_a_pattern_is_the_file_of_that_name():
    np.save("x[1].npy", LOGITS)
    assert close(loss("x[1].npy", "y.npy"))
    np.save("{a,b}.npy", LOGITS)
    assert close(loss("{a,b}.npy", "y.npy"))
    shutil.copy("x[1].npy", "@x")
    assert close(loss("@x", "y.npy"))


def test_names_that_begin_with_a_dot_or_underscore_are_left_out(folder):
    (folder / "p/_SUCCESS").touch()
    (folder / "p/.logits-9.npy").touch()
    (folder / "p/sub-9.npy").mkdir()
    assert close(loss("p/[!rtw]*.npy", "y.npy"))


# --- what does not make one set --------------------------------------------------------------------------------------


def said(*words):
    done = nll(*words)
    assert done.out == ""
    return done.code, done.err.splitlines()[0].removeprefix("nll: error: ")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["p/no*.npy", "y.npy"], 4, "p/no*.npy: matches no file"),
        (["no/x*.npy", "y.npy"], 4, "no/x*.npy: matches no file"),
        (["empty/x*.npy", "y.npy"], 4, "empty/x*.npy: matches no file"),
        (["x{0..9999999}.npy", "y.npy"], 2, "x{0..9999999}.npy: stands for more than 1,000,000 files"),
        (["x[0-9].npy", "y.npy"], 4, "x[0-9].npy: cannot be opened: No such file or directory"),
        (["x{a}.npy", "y.npy"], 4, "x{a}.npy: cannot be opened: No such file or directory"),
        (["https://host/x-*.npy", "y.npy"], 2, "https://host/x-*.npy: is a pattern, and the files of a server"),
        (["{y.npy,./y.npy}", "y.npy"], 2, "./y.npy: is named twice (as y.npy): its samples would count double"),
        (["{w.npy,w.npy}", "y.npy"], 2, "w.npy: is named twice: its samples would count double"),
        (["w.npy", Y], 2, "p/targets-*.npy: LOGITS is one file, and TARGETS stands for 5 files"),
        ([X, "p/lines{0..3}.txt"], 3, "p/logits-00004-of-00005.npy: has no file of TARGETS: none is numbered 4"),
        (["p/rank{0..3}.npz:logits", Y], 3, "p/targets-00004-of-00005.npy: belongs to no file of LOGITS"),
        ([X, "{y,w}.npy"], 3, "there are 5 files of LOGITS and 2 of TARGETS"),
        ([X, Y, "--sample-weights", "w.npy"], 2, "of TARGETS and --sample-weights, one is one file and the other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_words_that_stand_for_no_set(words, code, message, folder):
    (folder / "empty").mkdir()
    found = said("compute", *words)
    assert found[0] == code
    assert found[1].startswith(message)


def test_braces_beside_braces_may_be_too_many(monkeypatch):
    monkeypatch.setattr(naming, "_MOST_FILES", 30)
    assert said("compute", "x{0..9}{0..9}.npy", "y.npy") == (2, "x{0..9}{0..9}.npy: stands for more than 30 files")


def test_a_set_must_be_complete(folder):
    (folder / "p/logits-00003-of-00005.npy").unlink()
    done = nll("compute", X, Y, "-q")
    assert done.code == 3
    assert "p/logits-00000-of-00005.npy: is of a set of 5, of which 1 is missing: number 3" in done.err
    (line,) = offered(done)
    partial = run(line)
    keep = np.r_[0:30, 31:60]
    assert partial.code == 3
    assert float(partial.out) == pytest.approx(float(oracle.reduce(LOGITS[keep], TARGETS[keep])), rel=1e-14)
    assert partial.err == "nll: warning: 1 of 5 files is not scored: number 3 is missing\n"
    report = json.loads(nll("compute", X, Y, "--partial", "-f", "json").out)
    assert "|partial:4-of-5|" in report["signature"]
    (folder / "p/targets-00002-of-00005.npy").unlink()
    assert (
        "p/logits-00002-of-00005.npy: has no file of TARGETS: none is numbered 2"
        in nll("compute", X, Y, "--partial").err
    )
    (folder / "p/logits-00001-of-00005.npy").rename(folder / "p/logits-00001-of-00006.npy")
    assert "is of a set of 5, but logits-00001-of-00006.npy of one of 6" in nll("compute", X, Y).err


def test_a_set_of_targets_must_be_complete(folder):
    (folder / "p/targets-00002-of-00005.npy").unlink()
    found = said("compute", X, Y)
    assert found[1] == "p/targets-00000-of-00005.npy: is of a set of 5, of which 1 is missing: number 2"


def test_a_set_counted_from_1(folder):
    for i, part in enumerate(cut(LOGITS), 1):
        np.save(f"x-{i}-of-5.npy", part)
    assert close(loss("x-*.npy", "y.npy"))
    (folder / "x-2-of-5.npy").unlink()
    assert "number 2" in said("compute", "x-*.npy", "y.npy")[1]


def test_damaged_files_are_all_named(folder):
    for i in (1, 3):
        with (folder / f"p/logits-0000{i}-of-00005.npy").open("r+b") as file:
            file.truncate(100)
    done = nll("compute", X, Y, "-q")
    assert done.code == 3
    first, *_ = done.err.splitlines()
    assert first.startswith("nll: error: 2 of 5 files cannot be scored: p/logits-00001-of-00005.npy: ends within")
    assert "; p/logits-00003-of-00005.npy: ends within" in first
    (line,) = offered(done)
    partial = run(line)
    keep = np.r_[0:7, 7:30, 31:60]
    assert float(partial.out) == pytest.approx(float(oracle.reduce(LOGITS[keep], TARGETS[keep])), rel=1e-14)
    assert partial.code == 3
    assert partial.err.startswith("nll: warning: 2 of 5 files are not scored: p/logits-00001")
    for i in range(5):
        (folder / f"p/logits-0000{i}-of-00005.npy").write_bytes(b"")
    assert "p/logits-00000-of-00005.npy: is empty" in nll("compute", X, Y, "--partial").err


@pytest.mark.parametrize("targets", ["--target-column=y", "t.txt"])
@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("a,b,c", "t1.csv: has 3 classes, but t0.csv has 4"),
        ("b,a,c,d", "t1.csv: has its classes in another order than t0.csv: b, a, c, d"),
        ("a,b,c,e", "t1.csv: has a class 'e', which t0.csv does not have"),
    ],
)
def test_classes_must_be_the_same(head, message, targets, folder):
    for i, names in enumerate(("a,b,c,d", head)):
        n = names.count(",") + 1
        rows = "\n".join(["0.5," * n + "0", "1.5," * n + "1"])
        (folder / f"t{i}.csv").write_text(f"{names},y\n{rows}\n")
    (folder / "t.txt").write_text("0\n1\n0\n1\n")
    words = [targets] if targets.startswith("--") else [targets, "--drop", "y"]
    assert said("compute", "t?.csv", *words) == (3, message)


def test_names_in_some_files_only(folder):
    (folder / "t0.csv").write_text("a,b\n1.5,2.5\n")
    (folder / "t1.csv").write_text("1.5,2.5\n")
    (folder / "t.txt").write_text("0\n1\n")
    (folder / "t0.txt").write_text("0\n")
    (folder / "t1.txt").write_text("1\n")
    assert said("compute", "t?.csv", "t.txt")[1] == "t0.csv: names its classes, but t1.csv does not"
    assert said("compute", "t?.csv", "t{0,1}.txt")[1] == "t0.csv: names its classes, but t1.csv does not"
    assert said("compute", "{t1,t0}.csv", "t{0,1}.txt")[1] == "t0.csv: names its classes, but t1.csv does not"


def test_kinds_of_targets_must_be_the_same():
    np.save("p/targets-00004-of-00005.npy", RNG.dirichlet(np.ones(C), 29))
    found = said("compute", X, Y)
    assert found[1] == (
        "p/logits-00004-of-00005.npy: its targets are class probabilities, and those of p/logits-00000-of-00005.npy "
        "are class indices"
    )
    np.save("p/logits-00001-of-00005.npy", LOGITS[:, :3][:0])
    assert "; " not in said("compute", X, "y.npy")[1]
    np.save("p/logits-00001-of-00005.npy", np.zeros((2, C, 3)))
    assert "these differ after the first axis" in said("compute", X, "y.npy")[1]


def test_columns_first_arrays_of_three_axes_are_refused():
    for i in range(2):
        np.save(f"x{i}.npy", np.asfortranarray(RNG.normal(size=(3, C, 5))))
        np.save(f"t{i}.npy", RNG.integers(0, C, (3, 5)))
    assert "x0.npy: is in Fortran order; of several files" in nll("compute", "x{0,1}.npy", "t{0,1}.npy").err


def test_another_type_of_numbers_is_noted():
    np.save("p/logits-00002-of-00005.npy", LOGITS[7:30].astype("f4"))
    done = nll("compute", X, Y, "-q")
    assert (
        done.err == "nll: note: p/logits-00002-of-00005.npy: holds float32, and p/logits-00000-of-00005.npy float64\n"
    )


# --- places name the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [Y, "y.npy"])
def test_a_wrong_logit_is_in_its_file(targets):
    bad = LOGITS[31:].copy()
    bad[3, 2] = np.nan
    np.save("p/logits-00004-of-00005.npy", bad)
    assert said("compute", X, targets)[1] == "p/logits-00004-of-00005.npy, row 3: class 2 is NaN"
    done = nll("compute", X, targets, "--on-nonfinite", "nan", "-q")
    assert "p/logits-00004-of-00005.npy, row 3" in done.err


def test_a_wrong_target_is_in_its_file():
    bad = TARGETS[7:30].copy()
    bad[5] = 9
    np.save("p/targets-00002-of-00005.npy", bad)
    assert said("compute", X, Y)[1] == "p/targets-00002-of-00005.npy, row 5: target 9 is outside 0..3"
    assert said("grad", X, Y)[1] == "p/targets-00002-of-00005.npy, row 5: target 9 is outside 0..3"
    whole = TARGETS.copy()
    whole[12] = 9
    np.save("y.npy", whole)
    assert said("compute", X, "y.npy")[1] == "y.npy, row 12: target 9 is outside 0..3"


def test_a_file_with_other_targets_than_samples(folder):
    np.save("p/targets-00002-of-00005.npy", TARGETS[7:29])
    assert said("compute", X, Y)[1].startswith("p/targets-00002-of-00005.npy: has shape (22,), but p/logits-00002")
    (folder / "p/lines4.txt").write_text("0\n")
    assert said("compute", "p/table*.csv", "p/lines*.txt", "--drop", "y")[1].startswith(
        "p/lines4.txt: has 1 value, but p/table4.csv has 29 samples"
    )


# --- empty ones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["a,b,c,d,y\n", "", "\n"])
def test_a_table_without_rows_is_an_empty_shard(empty, folder):
    (folder / "p/table5.csv").write_text(empty)
    assert close(loss("p/table*.csv", "--target-column", "y"))
    for i in range(5):
        (folder / f"p/table{i}.csv").write_text(empty)
    done = nll("compute", "p/table*.csv", "--target-column", "y", "-q")
    told = "warning: there are no samples" if "," in empty else "error: p/table0.csv: is empty"
    assert told in done.err


# --- counting, and what comes out ------------------------------------------------------------------------------------


def test_targets_of_all_files_are_counted(folder):
    np.save("x.npy", LOGITS)
    expected = nll("compute", "x.npy", "y.npy", "--counts", "targets", "-q").out
    assert nll("compute", X, Y, "--counts", "targets", "-q").out == expected
    assert nll("compute", X, "y.npy", "--counts", "targets", "-q").out == expected
    assert nll("weights", "--targets", Y, "-q").out == nll("weights", "--targets", "y.npy", "-q").out
    (folder / "a.txt").write_text("cat\ndog\ncat\n")
    (folder / "b.txt").write_text("cow\ndog\n")
    (folder / "ab.txt").write_text("cat\ndog\ncat\ncow\ndog\n")
    several = nll("weights", "--targets", "{a,b}.txt", "-f", "json")
    assert several.out == nll("weights", "--targets", "ab.txt", "-f", "json").out
    assert (
        "has names of classes in some files, and numbers in others" in nll("weights", "--targets", "{a.txt,y.npy}").err
    )
    (folder / "e.npy").write_bytes((folder / "p/targets-00001-of-00005.npy").read_bytes())
    assert "has no targets to count" in nll("weights", "--targets", "e.npy").err


def test_an_output_that_is_one_of_the_inputs():
    done = nll("compute", X, Y, "--save-losses", "p/targets-00002-of-00005.npy")
    assert done.code == 2
    assert done.err.startswith("nll: error: p/targets-00002-of-00005.npy: the output is also an input")


# --- sets of safetensors files, and their index -----------------------------------------------------------------------


def write_safetensors(path, arrays):
    header, at = {}, 0
    for name, array in arrays.items():
        kind = {"f8": "F64", "i8": "I64"}[array.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    head = json.dumps(header).encode()
    data = b"".join(array.tobytes() for array in arrays.values())
    Path(path).write_bytes(len(head).to_bytes(8, "little") + head + data)


@pytest.fixture
def index(folder):
    """Three files: the first two with two shards of logits and targets each, the last with one."""
    arrays = [
        {f"logits.{i}": x, f"targets.{i}": y} for i, (x, y) in enumerate(zip(cut(LOGITS), cut(TARGETS), strict=True))
    ]
    files = [arrays[0] | arrays[1], arrays[2] | arrays[3], arrays[4]]
    names = [f"set-{i:05}-of-00003.safetensors" for i in (1, 2, 3)]
    for name, content in zip(names, files, strict=True):
        write_safetensors(folder / name, content)
    weight_map = {key: name for name, content in zip(names, files, strict=True) for key in content}
    (folder / "set.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return "set.safetensors.index.json"


def test_an_index_of_safetensors_files(index):
    assert close(loss(f"{index}:logits.*", f"{index}:targets.*"))
    done = nll("compute", index, f"{index}:targets.*", "-q")
    assert "set.safetensors.index.json: has 10 arrays" in done.err
    assert offered(done) == [
        f"nll compute '{index}:logits.*' '{index}:targets.*' -q  # logits.*",
        f"nll compute '{index}:targets.*' '{index}:targets.*' -q  # targets.*",
    ]
    assert close(run(offered(done)[0]).out)
    assert "has 10 arrays, none of the name x*" in nll("compute", f"{index}:x*", "y.npy").err


@pytest.mark.parametrize("text", ["[]", "{}", '{"weight_map": 3}', "{"])
def test_an_index_that_is_none(text, folder):
    (folder / "set.safetensors.index.json").write_text(text)
    done = nll("compute", "set.safetensors.index.json", "y.npy")
    assert (
        done.err
        == "nll: error: set.safetensors.index.json: is not the index of safetensors files: it has no weight_map\n"
    )


# --- one file for all -------------------------------------------------------------------------------------------------


def test_tables_with_their_targets_by_key_in_one_file(folder):
    order = RNG.permutation(N)
    rows = [",".join(map(repr, (int(i), *LOGITS[i].tolist()))) for i in range(N)]
    for i, part in enumerate(np.split(np.array(rows, object), CUTS[1:])):
        (folder / f"k{i}.csv").write_text("\n".join(["id,a,b,c,d", *part]) + "\n")
    (folder / "truth.csv").write_text("id,label\n" + "".join(f"{i},{'abcd'[TARGETS[i]]}\n" for i in order))
    assert close(loss("k{0,2,3,4}.csv", "truth.csv", "--id", "id"))
    (folder / "truth.csv").write_text("id,label\n" + "".join(f"{i},{'abcd'[TARGETS[i]]}\n" for i in order[1:]))
    assert f"has no target for the key '{order[0]}'" in nll("compute", "k{0,2,3,4}.csv", "truth.csv", "--id", "id").err


def test_soft_targets_in_one_file_of_text(folder):
    np.savetxt("soft.csv", RNG.dirichlet(np.ones(C), N), delimiter=",")
    found = said("compute", X, "soft.csv")
    assert found == (
        2,
        "soft.csv: holds class probabilities for several files, which are read from an array in C order alone",
    )
    (folder / "t0.csv").write_text("0.5,1.5,2.5,1\n")
    (folder / "t1.csv").write_text("0.5,1.25,2.5,1\n")
    np.save("soft.npy", RNG.dirichlet(np.ones(C), 2))
    assert said("compute", "t?.csv", "soft.npy")[1].startswith("soft.npy: holds class probabilities")


def test_text_with_its_targets_in_one_file(folder):
    (folder / "p/table1.csv").unlink()
    assert close(loss("p/table*.csv", "y.npy", "--drop", "y"))
    np.save("y.npy", TARGETS[:-1])
    assert said("compute", "p/table*.csv", "y.npy", "--drop", "y")[1] == (
        "y.npy: has 59 values, but p/table*.csv has 60 samples"
    )


def test_log_probabilities_of_tokens_in_several_files():
    for i, part in enumerate(np.split(-RNG.random(20), [7])):
        np.savetxt(f"l{i}.txt", part)
    both = np.concatenate([np.loadtxt(f"l{i}.txt") for i in range(2)])
    assert float(loss("l?.txt", "--from", "token-log-probs")) == float(sum(map(Fraction, -both)) / 20)


# --- travelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [Y, "y.npy"])
def test_a_dataset_and_its_parts_travel(targets):
    dataset = open_dataset(
        InputOptions(X, targets, sample_weights="w.npy" if targets == "y.npy" else "p/weights-*.npy")
    )
    again = pickle.loads(pickle.dumps(dataset))
    parts = [pickle.loads(pickle.dumps(part)) for part in dataset.parts]
    blocks = [chunk.load(Scratch()) for chunk in Piece(again).chunks(5)]
    assert [block.start for block in blocks] == [0, 5, 7, 12, 17, 22, 27, 30, 31, 36, 41, 46, 51, 56]
    np.testing.assert_array_equal(np.concatenate([block.logits for block in blocks]), LOGITS)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in blocks]), TARGETS)
    np.testing.assert_array_equal(np.concatenate([block.sample_weights for block in blocks]), WEIGHTS)
    assert [part.layout.n_samples for part in parts] == [7, 0, 23, 1, 29]
    own = [chunk.load(Scratch()) for chunk in parts[2].chunks(100)]
    np.testing.assert_array_equal(own[0].logits, LOGITS[7:30])
    np.testing.assert_array_equal(own[0].targets, TARGETS[7:30])
    where = ("p/targets-00002-of-00005.npy", "row 3") if targets == Y else ("y.npy", "row 10")
    assert (parts[2].targets.name, parts[2].targets.place(3, parts[2].layout)) == where
    assert [chunk.start for chunk in Piece(dataset, 3, 5).chunks(5)] == [12, 17]
    np.testing.assert_array_equal(dataset.targets.read(5, 30), TARGETS[5:35])
    assert dataset.targets.read(60, 0).size == 0


def test_a_file_that_changes_under_way_is_told():
    dataset = open_dataset(InputOptions(X, Y))
    sent = pickle.dumps(dataset.parts[4])
    np.save("p/logits-00004-of-00005.npy", LOGITS[31:])
    with pytest.raises(FaultError, match=r"00004-of-00005\.npy: changed while it was read"):
        pickle.loads(sent)


def test_a_query_is_not_a_pattern():
    assert naming.files_of("https://host/x.npy?sig=[1]*") is None


def test_what_is_paired_by_order(folder):
    for name, part in zip("abcde", cut(LOGITS), strict=True):
        np.save(f"{name}.npy", part)
    assert close(loss("{a,b,c,d,e}.npy", Y))
    title = nll("compute", "{a,b,c,d,e}.npy", Y).out.splitlines()[0]
    assert title == "Negative log-likelihood of {a,b,c,d,e}.npy (5 files, paired by order)"
    (folder / "1").mkdir()
    np.save("1/x2.npy", LOGITS[:3])
    np.save("x1.npy", LOGITS[3:])
    assert close(loss("{1/x2,x1}.npy", "y.npy"))


def test_numbers_that_do_not_pair_are_asked_about(folder):
    for names in (("x1-1", "x2"), ("x1-2", "x2-1")):
        for name, part in zip(names, (LOGITS[:3], LOGITS[3:]), strict=True):
            np.save(f"{name}.npy", part)
    np.save("t1.npy", TARGETS[:3])
    np.save("t2.npy", TARGETS[3:])
    expected = "x1-1.npy: the numbers in the names do not pair it with a file of TARGETS, such as t1.npy"
    assert said("compute", "{x1-1,x2}.npy", "t?.npy") == (3, expected)
    assert said("compute", "{x1-2,x2-1}.npy", "t?.npy")[0] == 3  # the first number pairs them, and the second
    (folder / "list").write_text("x1-1.npy t1.npy\nx2.npy t2.npy\n")
    assert close(loss("@list"))


def test_one_number_of_several_may_pair(folder):
    for i, part in enumerate((LOGITS[:3], LOGITS[3:])):
        (folder / f"e{i + 1}").mkdir()
        np.save(f"e{i + 1}/l-{10 - i}.npy", part)
        np.save(f"t-{10 - i}.npy", (TARGETS[:3], TARGETS[3:])[i])
    assert close(loss("e?/l-*.npy", "t-*.npy"))
    assert "paired by number" in nll("compute", "e?/l-*.npy", "t-*.npy").out.splitlines()[0]
    for i in range(2):
        Path(f"t-{10 - i}.npy").rename(f"e{i + 1}/t-{10 - i}.npy")
        Path(f"e{i + 1}/l-{10 - i}.npy").rename(f"l-{10 - i}.npy")
    assert close(loss("l-*.npy", "e?/t-*.npy"))


# --- what is said of all ----------------------------------------------------------------------------------------------


def test_a_note_on_several_files_is_told_once():
    for i, part in enumerate(cut(TARGETS)):
        np.save(f"t{i}.npy", part.astype(float))
    done = nll("compute", X, "t?.npy", "-q")
    assert done.err == (
        "nll: note: t0.npy: whole numbers in float64 are taken as class indices (and the like of 4 other files)\n"
    )
    shared = nll("compute", "p/table*.csv", "t0.npy", "--drop", "y", "-q")
    assert "t0.npy: has 7 values" in shared.err


def test_the_coarsest_type_decides_on_the_clip():
    probs = RNG.dirichlet(np.ones(C), N)
    for i, part in enumerate(cut(probs)):
        np.save(f"q{i}.npy", part.astype("f4" if i == 2 else "f8"))
    done = nll("compute", "q?.npy", "y.npy", "--from", "probs", "--clip", "auto", "--progress", "-f", "json")
    assert f"|clip:{float(np.finfo('f4').eps)!r}|" in json.loads(done.out)["signature"]


def test_more_files_may_be_open_than_usual(monkeypatch):
    import resource

    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    open_dataset(InputOptions(X, Y))
    assert asked == [(4096, 4096)]


def test_a_pipe_among_several_files_does_not_travel(folder):
    import os
    import threading

    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: (folder / "pipe").write_bytes((folder / "p/table4.csv").read_bytes()))
    writer.start()
    dataset = open_dataset(InputOptions("{p/table0.csv,pipe}", target_column="y"))
    writer.join()
    with pytest.raises(UsageError, match="cannot be handed to another process"):
        pickle.dumps(dataset)


# --- what must not be lost without a word -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a,b,c,d\n", ""])
@pytest.mark.parametrize("engine", [(), ("--processes", "2")])
def test_a_table_without_rows_has_no_targets(text, engine, folder):
    for i in range(3):
        (folder / f"l-{i}.csv").write_text("a,b,c,d\n" + f"1.5,2.5,0.{i},1.0\n" * 5)
        (folder / f"t-{i}.txt").write_text("1\n" * 5)
    (folder / "l-1.csv").write_text(text)
    found = said("compute", "l-*.csv", "t-*.txt", *engine)
    assert found[0] == 3
    assert "l-1.csv" in found[1]
    (folder / "t-1.txt").write_text("c1\n")
    assert said("compute", "l-*.csv", "t-*.txt", *engine)[0] in (2, 3)
    (folder / "t-1.txt").write_text("")
    assert nll("compute", "l-*.csv", "t-*.txt", "-q", *engine).code == 0


def test_a_table_without_rows_has_no_class_probabilities(folder):
    (folder / "l-0.csv").write_text("a,b\n1.5,2.5\n")
    (folder / "l-1.csv").write_text("a,b\n")
    np.save("s-0.npy", np.array([[0.5, 0.5]]))
    np.save("s-1.npy", np.array([[0.5, 0.5]] * 3))
    assert said("compute", "l-*.csv", "s-*.npy") == (3, "s-1.npy: has 3 samples, but l-1.csv has 0")
    np.save("s-1.npy", np.empty((0, 2)))
    assert nll("compute", "l-*.csv", "s-*.npy", "-q").code == 0


def test_what_is_missing_in_one_of_several_folders(folder):
    for k, language in enumerate(("de", "en")):
        (folder / language).mkdir()
        for i in range(2):
            np.save(f"{language}/x-{i}-of-2.npy", LOGITS[4 * k + 8 * i :][:4])
            np.save(f"{language}/y-{i}-of-2.npy", TARGETS[:4])
    assert nll("compute", "*/x-*.npy", "*/y-*.npy", "-q").code == 0
    (folder / "en/x-1-of-2.npy").unlink()
    assert "of which 1 is missing: number 1" in said("compute", "*/x-*.npy", "*/y-*.npy")[1]


@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_files_that_are_missing_beside_one_file_of_targets_are_told(ending, folder):
    for i in range(3):
        if ending == "npy":
            np.save(f"l-0000{i}-of-00004.npy", LOGITS[20 * i : 20 * i + 20])
        else:
            rows = "".join(",".join(map(repr, row)) + "\n" for row in LOGITS[20 * i : 20 * i + 20].tolist())
            (folder / f"l-0000{i}-of-00004.csv").write_text("a,b,c,d\n" + rows)
    done = nll("compute", f"l-*.{ending}", "y.npy", "--partial", "-q")
    assert done.code == 3
    assert done.err == "nll: warning: 1 of 4 files is not scored: number 3 is missing\n"
    assert close(done.out)


def test_a_shift_does_not_go_from_file_to_file():
    for i in range(2):
        np.save(f"f{i}.npy", LOGITS[12 * i : 12 * i + 12])
        np.save(f"g{i}.npy", TARGETS[:12])
    found = said("compute", "f?.npy", "g?.npy", "--shift", "1")
    assert found == (2, "f0.npy: --shift 1 would lose the targets at the ends of files: they have no sequences")
    np.save("x.npy", LOGITS)
    assert loss(X, "y.npy", "--shift", "1") == loss("x.npy", "y.npy", "--shift", "1")
    for i in range(2):
        np.save(f"s{i}.npy", LOGITS[24 * i : 24 * i + 24].reshape(2, 12, C))
        np.save(f"t{i}.npy", TARGETS[:24].reshape(2, 12))
    assert nll("compute", "s?.npy", "t?.npy", "--shift", "1", "-q").code == 0


def test_targets_that_are_counted_are_there_once(folder):
    (folder / "list").write_text("p/targets-00000-of-00005.npy\np/targets-00000-of-00005.npy\n")
    assert "is named twice" in said("weights", "--targets", "@list")[1]
    (folder / "p/targets-00003-of-00005.npy").unlink()
    assert "of which 1 is missing: number 3" in said("weights", "--targets", Y)[1]
    (folder / "a.txt").write_text("cat\ndog\n")
    (folder / "b.txt").write_text("")
    assert nll("weights", "--targets", "{a,b}.txt", "-q").out == nll("weights", "--targets", "a.txt", "-q").out
    assert said("weights", "--targets", "b.txt") == (3, "b.txt: is empty")


def test_transposed_logits_with_one_file_of_targets():
    for i in range(2):
        np.save(f"c{i}.npy", LOGITS[5 * i : 5 * i + 5].T)
        np.save(f"t{i}.npy", TARGETS[5 * i : 5 * i + 5])
    np.save("t.npy", TARGETS[:10])
    found = said("compute", "c?.npy", "t.npy", "--class-axis", "0")
    assert found == (2, "c0.npy: has no axis of samples along which another file could follow")
    expected = float(oracle.reduce(LOGITS[:10], TARGETS[:10]))
    assert float(loss("c?.npy", "t?.npy", "--class-axis", "0")) == pytest.approx(expected, rel=1e-14)


def test_weights_by_key_for_several_files(folder):
    for i in range(2):
        rows = "".join(f"k{j},{','.join(map(repr, LOGITS[j].tolist()))}\n" for j in range(5 * i, 5 * i + 5))
        (folder / f"k{i}.csv").write_text("id,a,b,c,d\n" + rows)
    (folder / "t.csv").write_text("id,label\n" + "".join(f"k{j},{'abcd'[TARGETS[j]]}\n" for j in range(10)))
    (folder / "w.csv").write_text("id,weight\n" + "".join(f"k{j},{float(WEIGHTS[j])!r}\n" for j in range(9, -1, -1)))
    expected = float(oracle.reduce(LOGITS[:10], TARGETS[:10], sample_weights=WEIGHTS[:10]))
    found = loss("k?.csv", "t.csv", "--id", "id", "--sample-weights", "w.csv")
    assert float(found) == pytest.approx(expected, rel=1e-14)


def test_another_class_axis_is_told():
    for i, shape in enumerate([(4, 6, 3), (4, 3, 6)]):
        np.save(f"x{i}.npy", RNG.normal(size=shape))
    np.save("t0.npy", RNG.integers(0, 3, (4, 6)))
    np.save("t1.npy", RNG.integers(0, 3, (4, 6)))
    found = said("compute", "x?.npy", "t?.npy")
    assert found == (3, "x1.npy: has its classes on axis 1, and x0.npy on axis 2")


def test_a_remedy_that_changes_nothing_is_not_offered(folder):
    (folder / "q0.csv").write_text("a,b\n1.5,2.5\n")
    import pickle as pickles

    for i in range(2):
        (folder / f"p{i}.pkl").write_bytes(pickles.dumps({"logits": LOGITS[:3], "targets": TARGETS[:3]}))
    done = nll("compute", "p?.pkl", "-q")
    assert done.code in (2, 3)
    assert offered(done) == []


def test_a_copy_under_another_name_is_not_counted_twice(folder):
    np.save("x.npy", LOGITS)
    shutil.copy("x.npy", "x9.npy")
    shutil.copy("y.npy", "y9.npy")
    (folder / "list").write_text("x.npy y.npy\nx9.npy y9.npy\n")
    message = "x9.npy: has the bytes of x.npy, and so have its targets: the samples would count double"
    assert said("compute", "@list") == (3, message)
    np.save("y9.npy", (TARGETS + 1) % C)  # the same logits, with other targets
    assert nll("compute", "@list", "-q").code == 0


def test_files_without_numbers_are_paired_by_what_differs(folder):
    parts = dict(zip(("de", "en", "fr"), (slice(0, 20), slice(20, 50), slice(50, 60)), strict=True))
    for language, rows in parts.items():
        np.save(f"L-{language}.npy", LOGITS[rows])
        np.save(f"T-{language}.npy", TARGETS[rows])
    assert close(loss("L-{fr,de,en}.npy", "T-*.npy"))
    assert "(3 files, paired by name)" in nll("compute", "L-{fr,de,en}.npy", "T-*.npy").out.splitlines()[0]
    (folder / "T-de.npy").rename("T-zh.npy")
    assert said("compute", "L-*.npy", "T-*.npy") == (3, "L-de.npy: has no file of TARGETS of a name like it")
    assert said("compute", "L-*.npy", "T-{fr,en}.npy")[1] == "there are 3 files of LOGITS and 2 of TARGETS"


def test_an_empty_file_of_an_array_is_damaged(folder):
    (folder / "p/logits-00001-of-00005.npy").write_bytes(b"")
    assert said("compute", X, Y)[1] == "p/logits-00001-of-00005.npy: is empty"
    for i in range(2):
        (folder / f"e{i}.csv").write_text("a,b,y\n1.5,2.5,1\n" if i else "")
    assert nll("compute", "e?.csv", "--target-column", "y", "-q").err == (
        "nll: note: e0.csv: is empty, and counts as a file without samples\n"
    )


def test_a_copy_beside_a_set_is_told():
    shutil.copy("p/logits-00004-of-00005.npy", "p/logits-00004-of-00005-copy.npy")
    code, message = said("compute", X, Y)
    assert code == 3
    assert message == (
        "p/logits-00000-of-00005.npy: is of one of several sets: of logits-*-of-00005-copy.npy, "
        "numbers 0, 1, 2, 3 of 5 are missing"
    )


def test_members_of_every_file(folder):
    assert offered(nll("compute", "p/rank*.npz", "-q")) == ["nll compute 'p/rank*.npz:logits' 'p/rank*.npz:targets' -q"]
    assert close(run(offered(nll("compute", "p/rank*.npz", "-q"))[0]).out)
    lines = offered(nll("compute", "p/rank*.npz:logit", "p/rank*.npz:targets", "-q"))
    assert lines == ["nll compute 'p/rank*.npz:logits' 'p/rank*.npz:targets' -q"]
    (folder / "rk").mkdir()
    for i, (x, y) in enumerate(zip(cut(LOGITS), cut(TARGETS), strict=True)):
        np.save(f"rk/logits-{i}.npy", x)
        np.save(f"rk/targets-{i}.npy", y)
    (line,) = offered(nll("compute", "rk", "-q"))
    assert line == "nll compute 'rk/logits-*.npy' 'rk/targets-*.npy' -q"
    assert close(run(line).out)
    (folder / "ab").mkdir()
    for i in range(2):
        np.save(f"ab/a{i}.npy", LOGITS)
        np.save(f"ab/b{i}.npy", LOGITS)
    assert "is a folder of 4 files" in said("compute", "ab", "y.npy")[1]


def test_targets_are_missed_before_classes_are_counted():
    for i, t in enumerate((5, 7)):
        np.save(f"s{i}.npy", RNG.normal(size=(3, t, C)))
    assert said("compute", "s?.npy") == (2, "there are no targets")


@pytest.mark.parametrize("page", ["<!DOCTYPE HTML>\n<html>", "<HTML lang='en'>"])
def test_a_web_page_is_not_data(page, folder):
    (folder / "page").write_text(page)
    assert said("compute", "page", "y.npy") == (3, "page: is a web page")


def test_a_tally_is_not_logits():
    assert nll("compute", "p/logits-00000-of-00005.npy", "p/targets-00000-of-00005.npy", "-o", "t.tally.json").code == 0
    assert said("compute", "t.tally.json") == (3, "t.tally.json: is a tally, the sums over samples")


def test_a_folder_without_a_name():
    assert said("compute", X, Y, "--resume", "") == (2, "--resume names no folder")


@pytest.mark.parametrize("more", [(), ("--partial",)])
def test_sets_of_different_sizes_do_not_mix_though_each_is_complete(more):
    for name, rows in (("0-of-1", slice(0, 30)), ("0-of-2", slice(30, 40)), ("1-of-2", slice(40, 60))):
        np.save(f"r-{name}.npy", LOGITS[rows])
    assert said("compute", "r-*.npy", "y.npy", *more) == (
        3,
        "r-0-of-1.npy: is of a set of 1, but r-0-of-2.npy of one of 2",
    )
