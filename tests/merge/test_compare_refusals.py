"""What nll merge refuses of comparisons, by name, and what its lines to try lead to."""

import json

import numpy as np
import pytest
from following import meanings, offered, run
from in_process import nll
from tally_documents import refused

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(2)
LENGTHS = {1: 6, 2: 9}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Two parts, and their tallies."""
    monkeypatch.chdir(tmp_path)
    for i, n in LENGTHS.items():
        for model in "abc":
            np.save(f"{model}{i}.npy", RNG.normal(size=(n, 3)))
        np.save(f"t{i}.npy", RNG.integers(0, 3, n))
        tally(i)
    return tmp_path


def tally(i, *options, models="ab", to=None, targets=True):
    """Compare the models of a part, and write the tally."""
    words = [f"{model}{i}.npy" for model in models] + (["-t", f"t{i}.npy"] if targets else [])
    done = nll("compare", *words, *options, "-o", to or f"{i}.json", "-f", "tally")
    assert done.code == 0, done.err


def changed(name, **changes):
    """Write a tally anew with other values at the top."""
    with open(name) as file:  # noqa: PTH123 - relative to the folder of the test
        data = json.load(file)
    data |= {key: value(data[key]) if callable(value) else value for key, value in changes.items()}
    with open(name, "w") as file:  # noqa: PTH123
        json.dump(data, file)


def test_the_parts_fit():
    done = nll("merge", "1.json", "2.json", "-f", "json").json
    assert (done["n_samples"], done["baseline"], done["comparisons"][0]["model"]) == (15, "a*", "b*")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--temperature", "2"], "has temperature:2, but 1.json has temperature:1"),
        (["--temperature", "1,2"], "has temperature:1,2, but 1.json has temperature:1"),
        (["--loss", "one-vs-rest"], "has loss:one-vs-rest, but 1.json has loss:nll"),
        (["--reduction", "sum"], "has reduction:sum, but 1.json has reduction:mean"),
        (["--weights", "1,2,3"], "has weights:1,2,3, but 1.json has weights:none"),
        (["--confidence", "0.9"], "has confidence:0.9, but 1.json has confidence:0.95"),
        (["--margin", "0.1"], "has margin:0.1, but 1.json has margin:none"),
        (["--permutations", "9"], "has permutations:9, but 1.json has permutations:0"),
        (["--bootstrap", "9"], "has bootstrap:9, but 1.json has bootstrap:0"),
        (["--seed", "1"], "has seed:1, but 1.json has seed:12345"),
        (["--adjust", "none"], "has adjust:none, but 1.json has adjust:holm"),
        (["--largest", "1"], "has largest:1, but 1.json has largest:3"),
        (["--groups", "g.txt"], "has clusters:labels of a file, but 1.json has clusters:none"),
        (["--names", "a1,b1"], "has names:a1,b1, but 1.json has names:of the files"),
    ],
    ids=str,
)
def test_other_settings(options, told, folder):
    (folder / "g.txt").write_text("".join(f"{i // 2}\n" for i in range(9)))
    tally(2, *options)
    assert refused("1.json", "2.json")[0] == f"2.json: {told}: they are not comparable"


def test_other_groups(folder):
    (folder / "g1.txt").write_text("x\ny\nx\ny\nz\nz\n")
    (folder / "g2.txt").write_text("z\n" * 8 + "x\n")
    for i in (1, 2):
        tally(i, "--groups", f"g{i}.txt")
    assert nll("merge", "?.json", "-f", "json").json["n_clusters"] == 3
    tally(2, "--groups", "axis:0")
    told = "2.json: has clusters:axis:0, but 1.json has clusters:labels of a file: they are not comparable"
    assert refused("1.json", "2.json")[0] == told


def test_other_numbers_of_models():
    tally(2, models="abc")
    told = "2.json: has models:3, but 1.json has models:2: they are not comparable"
    assert refused("1.json", "2.json")[0] == told
    tally(1, "--all-pairs", models="abc")
    told = "2.json: has pairs:baseline, but 1.json has pairs:all: they are not comparable"
    assert refused("1.json", "2.json")[0] == told


def test_other_classes():
    for i, classes in ((1, "cat,dog,horse"), (2, "dog,cat,horse")):
        tally(i, "--classes", classes)
    told = "2.json: has its classes in another order than 1.json: dog, cat, horse"
    assert refused("1.json", "2.json")[0] == told


NAMES = "hint: where they are the same models, compare every part with --names NAME,NAME\n"


@pytest.mark.parametrize("models", ["ba", "ac", "ca"])
def test_other_models_and_another_baseline(models):
    tally(2, models=models)
    told, done = refused("1.json", "2.json")
    own = " and ".join(f"{model}2" for model in models)
    assert told == f"2.json: compares {own}, but 1.json a1 and b1: they are not comparable"
    assert done.err.endswith(NAMES)
    for i in (1, 2):
        tally(i, "--names", "x,y", models=("ab", models)[i - 1])
    assert nll("merge", "?.json", "-q").code == 0


def test_numbers_in_names_are_those_of_parts():
    """What tells the models of one part apart, or is in one name alone, is not the number of the part."""
    for name in ("m1-x", "m2-x", "m1-y", "m2-y"):
        np.save(f"{name}.npy", RNG.normal(size=(4, 3)))
    np.save("t.npy", [0, 1, 2, 0])
    for i, names in ((1, "m1-x m2-x"), (2, "m2-x m1-x"), (3, "m1-y m2-y")):
        words = [f"{name}.npy" for name in names.split()]
        assert nll("compare", *words, "-t", "t.npy", "-o", f"m{i}.tally.json").code == 0
    told = "m2.tally.json: compares m2-x and m1-x, but m1.tally.json m1-x and m2-x: they are not comparable"
    assert refused("m1.tally.json", "m2.tally.json", "--allow-duplicates")[0] == told
    told = "m3.tally.json: compares m1-y and m2-y, but m1.tally.json m1-x and m2-x: they are not comparable"
    assert refused("m1.tally.json", "m3.tally.json")[0] == told
    for i, model in ((1, "a1"), (2, "c2")):
        np.save("base.npy", RNG.normal(size=(LENGTHS[i], 3)))
        done = nll("compare", "base.npy", f"{model}.npy", "-t", f"t{i}.npy", "-f", "tally", "-o", f"{i}.json")
        assert done.code == 0
    assert refused("1.json", "2.json")[0].startswith("2.json: compares base and c2, but 1.json base and a1")
    for i, n in LENGTHS.items():
        np.save("base.npy", RNG.normal(size=(n, 3)))
        assert nll("compare", "base.npy", f"a{i}.npy", "-t", f"t{i}.npy", "-f", "tally", "-o", f"{i}.json").code == 0
    assert refused("1.json", "2.json")[0].startswith("2.json: compares base and a2, but 1.json base and a1")


def test_a_mix_of_commands():
    done = nll("compute", "a2.npy", "t2.npy", "-f", "tally", "-o", "2.json")
    assert done.code == 0
    assert refused("1.json", "2.json")[0] == "2.json: is a tally of nll compute, but 1.json of nll compare"
    assert refused("2.json", "1.json")[0] == "1.json: is a tally of nll compare, but 2.json of nll compute"


def test_samples_that_are_there_twice():
    for name in "abt":
        np.save(f"{name}3.npy", np.load(f"{name}1.npy")[::-1])
    tally(3)
    told, done = refused("1.json", "2.json", "3.json")
    assert told == "3.json: holds the samples of a3.npy, which 1.json holds too"
    assert meanings(done) == ["leaves out 3.json", "leaves out 1.json", "adds both"]
    both = run(f"{offered(done)[2].partition('  # ')[0]} -f json").json
    assert both["n_samples"] == 21


def test_a_divergence_on_one_side_only():
    tally(2, "--no-divergence")
    for words in (("1.json", "2.json"), ("2.json", "1.json")):
        assert refused(*words)[0] == "2.json: has no divergence, but 1.json has: they are not comparable"


def test_targets_on_one_side_only():
    for i in LENGTHS:
        tally(i, "--loss", "argmax", targets=i == 1)
    for words in (("1.json", "2.json"), ("2.json", "1.json")):
        told = "2.json: was compared without targets, but 1.json with: they are not comparable"
        assert refused(*words)[0] == told


def test_files_of_a_set_that_are_missing():
    for model in "ab":
        np.save(f"{model}-0-of-2.npy", RNG.normal(size=(4, 3)))
    np.save("t-0-of-2.npy", RNG.integers(0, 3, 4))
    tally("-0-of-2", to="x.json")
    told, done = refused("x.json")
    assert told == "a-*-of-2.npy: is a set of 2 files, of which 1 is missing: number 1"
    (line,) = offered(done)
    found = run(f"{line.partition('  # ')[0]} -f json")
    assert found.code == 3
    assert json.loads(found.out)["warnings"][0]["code"] == "partial"


def several():
    """Three files of each model, and of targets; the words that compare them."""
    for i in range(3):
        for model in "ab":
            np.save(f"{model}-{i}.npy", RNG.normal(size=(4, 3)))
        np.save(f"t-{i}.npy", RNG.integers(0, 3, 4))
    return ("compare", "a-?.npy", "b-?.npy", "-t", "t-?.npy", "--partial")


def test_files_that_cannot_be_opened_are_left_out(folder):
    words = several()
    for name in ("a-1", "b-1"):
        (folder / f"{name}.npy").write_bytes(b"")
    one = nll(*words, "-f", "json")
    assert nll(*words, "-f", "tally", "-o", "x.json").code == one.code == 3
    assert refused("x.json")[0].startswith("x.json: leaves out 1 of 3 files: ")
    merged = nll("merge", "x.json", "--partial", "-f", "json")
    reports = [json.loads(each.out)["comparisons"] for each in (one, merged)]
    assert reports[0] == reports[1]


def test_a_part_that_cannot_be_compared():
    """Without it there is a report, but no tally."""
    words = several()
    np.save("b-1.npy", np.full((4, 3), np.nan))
    one = nll(*words, "-f", "json")
    assert one.code == 3
    assert {each["sample"][:4] for each in json.loads(one.out)["comparisons"][0]["largest"]} == {"a-0.", "a-2."}
    done = nll(*words, "-f", "tally", "-o", "x.json")
    assert done.code == 3
    assert done.err.startswith("nll: error: b-1.npy, row 0: ")


def test_other_versions():
    from nllcli import __version__

    major, minor, patch = __version__.split(".")
    changed("2.json", version=f"{major}.{minor}.{int(patch) + 1}")
    notes = nll("merge", "1.json", "2.json", "-f", "json").json["notes"]
    assert "versions-differ" in [each["code"] for each in notes]
    changed("2.json", version=f"{major}.{int(minor) + 1}.0")
    assert refused("1.json", "2.json")[0].endswith("its losses may be other ones")


@pytest.mark.parametrize(("precision", "kind"), [("exact", "notes"), ("fast", "warnings")])
def test_other_machines(precision, kind):
    for i in LENGTHS:
        tally(i, "--precision", precision)
    changed("2.json", computed_with=[{"numpy": "9.8.7", "machine": "arm64", "simd": "SVE"}])
    report = nll("merge", "1.json", "2.json", "-f", "json").json
    assert "machines-differ" in [each["code"] for each in report[kind]]


# --- classes ----------------------------------------------------------------------------------------------------------


def test_a_table_of_classes_without_their_sums():
    for i, n in LENGTHS.items():
        for model in "ab":
            np.save(f"{model}{i}.npy", RNG.normal(size=(n, 1001)))
    tally(1)
    tally(2, "--per-class")
    told, done = refused("1.json", "2.json", "--per-class", code=2)
    assert told == "1.json: has no sums by class, which --per-class needs"
    assert offered(done) == ["nll merge 1.json 2.json  # without the classes"]
    report = run(f"{offered(done)[0].partition('  # ')[0]} -f json").json
    assert report["comparisons"][0]["per_class"] is None
    assert "Per class" in nll("merge", "2.json", "--per-class").out
    assert "Per class" not in nll("merge", "2.json").out
    assert nll("merge", "2.json", "--print", "comparisons[0].per_class[7].count").code == 0


# --- what no tally can hold -------------------------------------------------------------------------------------------


def test_what_no_tally_can_hold(monkeypatch, folder):
    from nllcli.commands.compare import tally as written

    words = ("compare", "a1.npy", "b1.npy", "-t", "t1.npy", "-o", "x.tally.json")
    done = nll(*words, "--counts", "targets")
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "nll: error: --counts targets would weigh every part differently",
    )
    (folder / "g.txt").write_text("x\ny\nx\ny\nz\nz\n")
    (folder / "h.txt").write_text("x\nz\n" + "w\n" * 7)
    monkeypatch.setattr(written, "MOST_LABELS", 3)
    assert nll(*words, "--groups", "g.txt").code == 0
    assert nll("compare", "a2.npy", "b2.npy", "-t", "t2.npy", "--groups", "h.txt", "-o", "y.tally.json").code == 0
    assert nll("merge", "x.tally.json", "y.tally.json", "-f", "json").json["n_clusters"] == 4
    told = "a tally holds at most 3 labels of groups, and here are 4"
    assert refused("x.tally.json", "y.tally.json", "-o", "z.tally.json", code=2)[0] == told
    monkeypatch.setattr(written, "MOST_LABELS", 2)
    done = nll(*words, "--groups", "g.txt")
    assert done.err == (
        "nll: error: a tally holds at most 2 labels of groups, and here are 3\n"
        "hint: compare all files in one run, which --processes or --scheduler share out\n"
    )
    assert nll(*words, "--groups", "axis:0").code == 0


def test_conditions_by_name_are_those_of_comparisons():
    assert nll("compute", "a1.npy", "t1.npy", "-f", "tally", "-o", "x.json").code == 0
    told, done = refused("x.json", "--require", "better", "--require", "loss<9", code=2)
    assert told == "--require better is about a comparison, and these are tallies of nll compute"
    (line,) = offered(done)
    assert line == "nll merge x.json --require 'loss<9'  # the report"
    assert run(line).code == 0
    assert offered(refused("x.json", "--require", "better", code=2)[1]) == ["nll merge x.json  # the report"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a-3", "a-14"], ("a-*", [("3",), ("14",)])),
        (["m1/x-3-of-9", "m1/x-4-of-9"], ("m1/x-*-of-9", [("3",), ("4",)])),
        (["a-*", "a-7", "a-[0-3]"], ("a-*", [("*",), ("7",), ("[0-3]",)])),
        (["a-3", "a-3"], ("a-3", [(), ()])),
        (["a-3", "b-3"], None),
        (["a-3", "a-3-b"], None),
        (["a", "a1"], None),
    ],
    ids=str,
)
def test_names_that_differ_in_their_numbers_alone(names, expected):
    from nllcli.commands.compare.names import starred

    assert starred(names) == expected


def test_several_files_of_text_have_no_tally_together(folder):
    """How many samples are in which of them is not known, and so neither whether a file counts double."""
    for name in ("a1", "a2", "b1", "b2"):
        np.savetxt(f"{name}.csv", np.load(f"{name}.npy"), delimiter=",", header="x,y,z", comments="")
    for name in ("t1", "t2"):
        np.savetxt(f"{name}.txt", np.load(f"{name}.npy"), "%d")
    done = nll("compare", "a?.csv", "b?.csv", "-t", "t?.txt", "-o", "x.tally.json")
    assert (done.code, (folder / "x.tally.json").exists()) == (2, False)
    assert done.err.startswith("nll: error: a?.csv: a tally says how many samples each file has")
    for i in "12":
        words = (
            "compare",
            f"a{i}.csv",
            f"b{i}.csv",
            "-t",
            f"t{i}.txt",
        )
        assert nll(*words, "-o", f"{i}.tally.json").code == 0
    assert nll("merge", "1.tally.json", "2.tally.json", "-q").code == 0


def test_clusters_that_are_integers_in_one_part_alone(folder):
    """In one run 1 and 01 would be two clusters."""
    (folder / "g1.txt").write_text("1\n01\n2\n2\n3\n3\n")
    (folder / "g2.txt").write_text("x\nz\n" + "01\n" * 7)
    for i in "12":
        words = ("compare", f"a{i}.npy", f"b{i}.npy", "-t", f"t{i}.npy", "--clusters", f"g{i}.txt")
        assert nll(*words, "-o", f"{i}.tally.json").code == 0
    told = "1.tally.json: has clusters that are all integers, but 2.tally.json has others: they do not add up"
    assert refused("1.tally.json", "2.tally.json")[0] == told
