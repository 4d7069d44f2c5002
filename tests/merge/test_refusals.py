"""What nll merge refuses, by name, and what its lines to try lead to."""

import json

import numpy as np
import pytest
from following import meanings, offered, outcomes, run
from in_process import nll
from tally_documents import refused

RNG = np.random.default_rng(2)
LOGITS, TARGETS = RNG.normal(size=(12, 3)), RNG.integers(0, 3, 12)
HALVES = {"a": slice(0, 5), "b": slice(5, 12)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Two parts of twelve samples, and their tallies."""
    monkeypatch.chdir(tmp_path)
    for name, rows in HALVES.items():
        np.save(f"{name}.npy", LOGITS[rows])
        np.save(f"y{name}.npy", TARGETS[rows])
        tally(name)
    return tmp_path


def tally(name, *options, to=None):
    """Compute a part, and write its tally."""
    done = nll("compute", f"{name}.npy", f"y{name}.npy", *options, "-o", f"{to or name}.json", "-f", "tally")
    assert done.code == 0, done.err


def changed(name, to=None, **changes):
    """Write a tally anew with other values at the top."""
    with open(f"{name}.json") as file:  # noqa: PTH123 - relative to the folder of the test
        data = json.load(file)
    data |= {key: value(data[key]) if callable(value) else value for key, value in changes.items()}
    with open(f"{to or name}.json", "w") as file:  # noqa: PTH123
        json.dump(data, file)


def test_the_parts_fit():
    done = nll("merge", "a.json", "b.json", "-q")
    assert float(done.out) == pytest.approx(float(nll("merge", "b.json", "a.json", "-q").out), rel=0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--temperature", "2"], "has temperature:2, but a.json has temperature:1"),
        (["--loss", "one-vs-rest"], "has loss:one-vs-rest, but a.json has loss:nll"),
        (["--from", "log-probs", "--on-nonfinite", "nan"], "has from:log-probs, but a.json has from:logits"),
        (["--reduction", "sum"], "has reduction:sum, but a.json has reduction:mean"),
        (["--weights", "1,2,3"], "has weights:1,2,3, but a.json has weights:none"),
        (["--ignore-index", "7"], "has ignore:7, but a.json has ignore:-100"),
        (["--precision", "fast"], "has precision:fast, but a.json has precision:exact"),
        (["--label-smoothing", "0.5"], "has smoothing:0.5, but a.json has smoothing:0"),
        (["--clip", "0.001"], "has clip:0.001, but a.json has clip:off"),
        (["--sample-weights", "yb.npy"], "has sample-weights:multiset-"),
    ],
    ids=str,
)
def test_other_settings(options, told):
    np.save("b.npy", np.log(RNG.dirichlet(np.ones(3), 7)))
    tally("b", *options)
    message, _ = refused("a.json", "b.json")
    assert message.startswith(f"b.json: {told}")
    assert message.endswith(": they are not comparable")


def test_a_setting_that_the_first_does_not_have():
    changed("b", signature=lambda old: old | {"shift": "1"})
    told = "b.json: has shift:1, but a.json has no shift: they are not comparable"
    assert refused("a.json", "b.json")[0] == told
    told = "a.json: has no shift, but b.json has shift:1: they are not comparable"
    assert refused("b.json", "a.json")[0] == told


def test_other_classes():
    tally("a", "--classes", "cat,dog,horse")
    for classes, told in {
        "dog,cat,horse": "b.json: has its classes in another order than a.json: dog, cat, horse",
        "cat,dog,cow": "b.json: has a class 'cow', which a.json does not have",
    }.items():
        tally("b", "--classes", classes)
        assert refused("a.json", "b.json")[0] == told
    tally("b")
    assert refused("a.json", "b.json")[0] == "a.json: names its classes, but b.json does not"
    np.save("b.npy", RNG.normal(size=(7, 4)))
    tally("b")
    assert refused("a.json", "b.json")[0] == "b.json: has 4 classes, but a.json has 3"


def test_targets_on_one_side_only():
    for name in HALVES:
        tally(name, "--loss", "argmax")
    np.save("c.npy", RNG.normal(size=(3, 3)))
    assert nll("compute", "c.npy", "--loss", "argmax", "-f", "tally", "-o", "c.json").code == 0
    told = "c.json: was computed without targets, but a.json with: they are not comparable"
    assert refused("a.json", "b.json", "c.json")[0] == told
    assert (
        refused("c.json", "a.json")[0]
        == "c.json: was computed without targets, but a.json with: they are not comparable"
    )


def test_tallies_of_several_commands():
    changed("b", command="calibrate")
    assert refused("a.json", "b.json")[0] == "b.json: is a tally of nll calibrate, but a.json of nll compute"
    told, done = refused("b.json")
    assert told == "b.json: is a tally of nll calibrate, which this nll cannot merge"
    assert done.err.endswith("hint: those of compute and compare can be merged\n")


def test_other_versions():
    from nllcli import __version__

    major, minor, patch = __version__.split(".")
    later = f"{major}.{minor}.{int(patch) + 1}"
    changed("b", version=later)
    done = nll("merge", "a.json", "b.json", "-f", "json")
    assert done.code == 0
    assert done.err == f"nll: note: b.json is of nll {later}, and this is {__version__}\n"
    assert done.json["version"] == __version__
    changed("b", version=f"{major}.{int(minor) + 1}.0")
    told, done = refused("a.json", "b.json")
    assert told == (
        f"b.json: is of nll {major}.{int(minor) + 1}.0, and this is {__version__}: its losses may be other ones"
    )
    assert done.err.endswith("hint: write it again with this version\n")


@pytest.mark.parametrize(("precision", "kind"), [("exact", "note"), ("fast", "warning")])
def test_other_machines(precision, kind):
    for name in HALVES:
        tally(name, "--precision", precision)
    own = nll("merge", "a.json", "b.json", "-f", "json")
    assert own.err == ""
    other = {"numpy": "9.8.7", "machine": "arm64", "simd": "SVE"}
    digit = {"exact": "last", "fast": "seventh"}[precision]
    changed("b", computed_with=[other])
    for words in (("a.json", "b.json"), ("b.json", "a.json")):
        done = nll("merge", *words, "-f", "json")
        assert done.code == 0
        assert done.err.startswith(f"nll: {kind}: one machine may give another {digit} digit: computed with numpy ")
        assert "numpy 9.8.7 (arm64 SVE)" in done.err
        assert [each["code"] for each in done.json["warnings"]] == ["machines-differ"] * (kind == "warning")
        assert done.json["loss"] == own.json["loss"]


# --- samples that are there twice -------------------------------------------------------------------------------------


def test_samples_that_are_there_twice():
    np.save("c.npy", LOGITS[HALVES["a"]][::-1])
    np.save("yc.npy", TARGETS[HALVES["a"]][::-1])
    tally("c")
    told, done = refused("a.json", "b.json", "c.json")
    assert told == "c.json: holds the samples of c.npy, which a.json holds too"
    assert meanings(done) == ["leaves out c.json", "leaves out a.json", "adds both"]
    without = nll("merge", "a.json", "b.json", "-f", "json").json
    one, other, both = (run(f"{line.partition('  # ')[0]} -f json").json for line in offered(done))
    assert one["loss_sum"] == other["loss_sum"] == without["loss_sum"]
    assert both["n_samples"] == without["n_samples"] + 5


def test_a_merge_and_a_part_of_it():
    assert nll("merge", "a.json", "b.json", "-f", "tally", "-o", "all.json").code == 0
    told, _ = refused("all.json", "b.json")
    assert told == "b.json: holds the samples of b.npy, which all.json holds too"
    assert nll("merge", "all.json", "b.json", "--allow-duplicates", "-f", "tally", "-o", "more.json").code == 0
    assert nll("merge", "more.json", "--print", "n_samples").out == "19\n"


def test_of_many_files_none_is_left_out_in_a_line_to_try():
    for i in range(9):
        changed("b", to=f"c{i}", inputs=lambda old: [old[0] | {"digest": None}])
    changed("a", to="d")
    assert meanings(refused("a.json", "c*.json", "d.json")[1]) == ["adds both"]


def test_a_file_that_is_named_twice():
    told, done = refused("a.json", "b.json", "./a.json", code=2)
    assert told == "./a.json: is named twice (as a.json): its samples would count double"
    (line,) = offered(done)
    assert line == "nll merge a.json b.json"
    assert run(f"{line} -q").out == nll("merge", "a.json", "b.json", "-q").out


def test_parts_of_few_different_losses_are_told_apart():
    """Predictions of 0 and 1, clipped, have two losses, and many parts as many of each."""
    names = []
    for i in range(12):
        p = np.eye(10)[RNG.integers(0, 10, 1000)]
        np.save("p.npy", p)
        right = RNG.permutation(1000) < 700  # as many in each part
        np.save("y.npy", (p.argmax(axis=1) + ~right) % 10)
        words = ("p.npy", "y.npy", "--from", "probs", "--clip", "1e-7", "-f", "tally", "-o", f"p-{i}.json")
        assert nll("compute", *words).code == 0
        names.append(f"p-{i}.json")
    assert nll("merge", *names, "--print", "n_samples").out == "12000\n"
    assert (
        nll("compute", "p.npy", "y.npy", "--from", "probs", "--clip", "1e-7", "-f", "tally", "-o", "z.json").code == 0
    )
    assert refused(*names, "z.json")[0] == "z.json: holds the samples of p.npy, which p-11.json holds too"


# --- files that are missing -------------------------------------------------------------------------------------------


@pytest.fixture
def shards():
    """Parts 0, 2, 3 and 5 of six."""
    for i in (0, 2, 3, 5):
        np.save(f"x-{i:03}-of-006.npy", RNG.normal(size=(4, 3)))
        np.save(f"y-{i:03}-of-006.npy", RNG.integers(0, 3, 4))
        words = (f"x-{i:03}-of-006.npy", f"y-{i:03}-of-006.npy", "-o", f"s{i}.tally.json")
        assert nll("compute", *words).code == 0


@pytest.mark.usefixtures("shards")
def test_a_set_that_is_not_complete():
    told, done = refused("s*.tally.json")
    assert told == "x-*-of-006.npy: is a set of 6 files, of which 2 are missing: numbers 1, 4"
    (line,) = offered(done)
    assert line == "nll merge 's*.tally.json' --partial  # merges those that are there, and says so"
    partial = run(f"{line.partition('  # ')[0]} -f json")
    assert partial.code == 3
    report = json.loads(partial.out)
    assert report["n_samples"] == 16
    assert "|partial:4-of-6|" in report["signature"]
    (warning,) = report["warnings"]
    assert warning["code"] == "partial"
    assert warning["message"] == "2 of 6 files are not scored: x-*-of-006.npy: numbers 1, 4 missing"


@pytest.mark.usefixtures("shards")
def test_one_run_over_the_same_shards_says_the_same():
    words = ("compute", "x-*-of-006.npy", "y-*-of-006.npy", "--partial")
    one, merged = nll(*words, "-f", "json"), nll("merge", "s*.tally.json", "--partial", "-f", "json")
    assert one.code == merged.code == 3
    reports = [json.loads(done.out) for done in (one, merged)]
    for report in reports:
        report["warnings"][0].pop("message")
    assert reports[0] == reports[1]
    assert nll(*words, "-o", "one.tally.json").code == 3
    assert nll("merge", "one.tally.json", "--partial", "-f", "json").out == merged.out
    assert refused("one.tally.json")[0].endswith("of which 2 are missing: numbers 1, 4")


def test_files_left_out_that_no_name_tells_of():
    np.save("p0.npy", RNG.normal(size=(4, 3)))
    np.save("q0.npy", RNG.integers(0, 3, 4))
    with open("p1.npy", "w") as file:  # noqa: PTH123
        file.write("")
    np.save("q1.npy", RNG.integers(0, 3, 4))
    done = nll("compute", "p?.npy", "q?.npy", "--partial", "-f", "tally", "-o", "p.json")
    assert done.code == 3
    told, done = refused("p.json", "a.json")
    assert told == "p.json: leaves out 1 of 2 files: p1.npy: is empty"
    (line,) = offered(done)
    for words in (line.partition("  # ")[0], f"nll merge {'again.json'} --partial"):
        found = run(f"{words} -f tally -o again.json") if "again" not in words else run(f"{words} -f json")
        assert found.code == 3
    report = json.loads(found.out)
    assert "|partial:2-of-3|" in report["signature"]
    assert report["warnings"][0]["message"] == "1 of 3 files is not scored: p1.npy: is empty"


def scored(name, *, wrong=False):
    """Save a shard of four samples, a NaN among them where something is to be ``wrong`` with it."""
    x = RNG.normal(size=(4, 3))
    x[2, 1] = np.nan if wrong else x[2, 1]
    np.save(f"{name}.npy", x)
    np.save(f"y-{name}.npy", RNG.integers(0, 3, 4))


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["a-00000-of-00001", "b-00000-of-00001"], ["b-00000-of-00001"]),
        (["part-0-of-2", "part-1-of-2", "extra"], ["extra"]),
        (["part-0-of-2", "part-1-of-2", "extra"], ["part-1-of-2", "extra"]),
        (["a", "b", "c"], ["b", "c"]),
    ],
    ids=str,
)
def test_a_merge_is_whole_only_where_every_file_left_out_is_there(names, wrong, folder):
    for name in names:
        scored(name, wrong=name in wrong)
    (folder / "list.txt").write_text("".join(f"{name}.npy y-{name}.npy\n" for name in names))
    assert nll("compute", "@list.txt", "--partial", "-f", "tally", "-o", "all.json").code == 3
    told, _ = refused("all.json")
    assert told.startswith(f"all.json: leaves out {len(wrong)} of {len(names)} files: ")
    assert wrong[0] in told
    tallies = ["all.json"]
    for i, name in enumerate(wrong):
        n = len(names) - len(wrong) + i
        partial = nll("merge", *tallies, "--partial", "-f", "json")
        assert partial.code == 3
        assert f"|partial:{n}-of-{len(names)}|" in json.loads(partial.out)["signature"]
        # What is merged knows what it lacks.
        assert nll("merge", *tallies, "--partial", "-f", "tally", "-o", "some.json").code == 3
        assert nll("merge", "some.json", "--partial", "-f", "json").out == partial.out
        scored(name)
        tally_of(name)
        tallies.append(f"{name}.json")
    whole, other = (nll("merge", *order, "-f", "json") for order in (tallies, tallies[::-1]))
    assert (whole.code, whole.err, other.out) == (0, "", whole.out)
    assert whole.json["n_samples"] == 4 * len(names)


def tally_of(name):
    assert nll("compute", f"{name}.npy", f"y-{name}.npy", "-f", "tally", "-o", f"{name}.json").code == 0


def test_what_several_tallies_leave_out_is_left_out_once(folder):
    for name in "cde":
        scored(name, wrong=name == "e")
    for i, name in enumerate("cd"):
        (folder / "list.txt").write_text("".join(f"{each}.npy y-{each}.npy\n" for each in (name, "e")))
        assert nll("compute", "@list.txt", "--partial", "-f", "tally", "-o", f"{i}.json").code == 3
    done = nll("merge", "0.json", "1.json", "--partial", "-f", "json")
    assert "|partial:2-of-3|" in json.loads(done.out)["signature"]
    assert nll("merge", "1.json", "0.json", "--partial", "-f", "json").out == done.out


def test_a_file_of_one_name_in_another_folder_does_not_stand_for_the_one_left_out(folder):
    for where in ("one", "two"):
        (folder / where).mkdir()
        for i in range(2):
            scored("x", wrong=(where, i) == ("two", 1))
            (folder / "x.npy").rename(folder / where / f"part-{i}-of-2.npy")
            (folder / "y-x.npy").rename(folder / where / f"y-{i}.npy")
    rows = [f"{where}/part-{i}-of-2.npy {where}/y-{i}.npy\n" for where in ("one", "two") for i in range(2)]
    (folder / "list.txt").write_text("".join(rows))
    assert nll("compute", "@list.txt", "--partial", "-f", "tally", "-o", "all.json").code == 3
    refused("all.json")
    partial = nll("merge", "all.json", "--partial", "-f", "json")
    assert "|partial:3-of-4|" in json.loads(partial.out)["signature"]


def test_a_shard_of_a_set_may_be_done_again_in_another_folder(folder):
    for i in range(2):
        scored(f"part-{i}-of-2", wrong=i == 1)
    words = ("part-?-of-2.npy", "y-part-?-of-2.npy", "--partial", "-f", "tally", "-o", "all.json")
    assert nll("compute", *words).code == 3
    assert refused("all.json")[0].startswith("all.json: leaves out 1 of 2 files: part-1-of-2.npy, row 2: ")
    (folder / "again").mkdir()
    scored("again", wrong=False)
    (folder / "again.npy").rename(folder / "again" / "part-1-of-2.npy")
    assert nll("compute", "again/part-1-of-2.npy", "y-again.npy", "-f", "tally", "-o", "one.json").code == 0
    assert nll("merge", "all.json", "one.json", "-q").code == 0


# --- classes ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def many():
    """Two parts of 1001 classes, the second of which has sums of its classes."""
    for name in HALVES:
        np.save(f"{name}.npy", RNG.normal(size=(4, 1001)))
        np.save(f"y{name}.npy", RNG.integers(0, 1001, 4))
    tally("a")
    tally("b", "--per-class")


@pytest.mark.usefixtures("many")
def test_a_table_of_classes_without_their_sums():
    told, done = refused("b.json", "a.json", "--per-class", code=2)
    assert told == "a.json: has no sums by class, which --per-class needs"
    assert offered(done) == ["nll merge b.json a.json  # without the classes"]
    report = run("nll merge b.json a.json -f json").json
    assert report["per_class"] is None
    assert "Per class" in nll("merge", "b.json", "--per-class").out
    assert nll("merge", "b.json", "-f", "json").json["per_class"] is None
    assert next(outcomes(nll("merge", "a.json", "b.json", "--per-class", "-q")))[0] == 1


def test_tokens_have_no_classes():
    np.savetxt("t.txt", [-1.0, -2.0])
    assert nll("compute", "t.txt", "--from", "token-log-probs", "-f", "tally", "-o", "t.json").code == 0
    told, done = refused("t.json", "--per-class", code=2)
    assert told == "t.json: has no sums by class, which --per-class needs"
    assert run(offered(done)[0]).code == 0


def test_class_probabilities_have_no_classes_to_add_up():
    for name in HALVES:
        np.save(f"y{name}.npy", RNG.dirichlet(np.ones(3), len(LOGITS[HALVES[name]])))
        tally(name, "--per-class")
    told, done = refused("a.json", "b.json", "--per-class", code=2)
    assert told == "a.json: has no sums by class, which --per-class needs: its targets are class probabilities"
    assert offered(done) == ["nll merge a.json b.json  # without the classes"]
    assert run(offered(done)[0]).code == 0


# --- where it goes ----------------------------------------------------------------------------------------------------


def test_an_output_that_is_an_input():
    told, _ = refused("?.json", "-o", "b.json", code=2)
    assert told == "b.json: the output is also an input"


def test_standard_input():
    expected = nll("merge", "a.json", "b.json", "-q").out
    assert run("cat a.json | nll merge - b.json -q").out == expected


def test_nothing_to_merge():
    assert nll("merge").code == 2
    assert nll("merge", "none.json").code == 4
    assert nll("merge", "none*.json").code == 4


@pytest.mark.parametrize("command", ["softmax", "grad", "check", "explain", "reconcile", "weights"])
@pytest.mark.parametrize("words", [("-f", "tally"), ("-o", "x.tally.json")], ids=" ".join)
def test_other_commands_have_no_tally(command, words):
    own = {"softmax": (), "explain": ("--row", "0"), "reconcile": ("--expect", "1")}.get(command, ())
    inputs = (
        ("--counts", "1,2") if command == "weights" else ("a.npy",) if command == "softmax" else ("a.npy", "ya.npy")
    )
    done = nll(command, *inputs, *own, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("nll: error: only nll compute, report, compare and merge write a tally\ntry: nll ")
    (line,) = offered(done)
    found = run(line)
    assert found.code in (0, 5)
    with open("x.json") if "-o" in words else open("a.json") as file:  # noqa: PTH123
        assert json.load(file)
