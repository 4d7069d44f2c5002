"""Files of tallies: what is none is refused by name, and every value has to be what it is taken for."""

import gzip
import json

import numpy as np
import pytest
from in_process import nll

from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs.tally_files import FORMAT_VERSION, Fields, read_tally, tally_paths

PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")
HOW = "nll compute LOGITS TARGETS -o FILE.tally.json writes a tally"
AGAIN = "write it again"


@pytest.fixture
def file(tmp_path):
    """A tally."""
    path = tmp_path / "a.tally.json"
    assert nll("compute", *PETS, "-o", path).code == 0
    return path


def refused(path):
    with pytest.raises(DataError) as caught:
        read_tally(str(path))
    assert caught.value.where == str(path)
    return caught.value.message, caught.value.hint


def test_it_is_read(file):
    found = read_tally(str(file))
    assert found.name == str(file)
    assert found.values == json.loads(file.read_text())


def test_a_compressed_one_is_read(file, tmp_path):
    packed = tmp_path / "a.tally.json.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read_tally(str(packed)).values == read_tally(str(file)).values


def test_keys_that_are_not_known_do_no_harm(file):
    data = json.loads(file.read_text())
    data["tally"]["later"] = data["later"] = [1]
    file.write_text(json.dumps(data))
    assert nll("merge", file, "-q").code == 0


def test_what_is_not_json(tmp_path):
    for data in (b"x", b"\x93NUMPY\x01\x00", b"\xff\xfe", b"1,2\n3,4\n", b"{'a': 1}", b"[" * 100_000, b"NaN"):
        (tmp_path / "a.json").write_bytes(data)
        assert refused(tmp_path / "a.json") == ("is not a tally: it is not JSON", HOW)


def test_an_empty_file(tmp_path):
    (tmp_path / "a.json").write_bytes(b" \n")
    assert refused(tmp_path / "a.json") == ("is empty: it holds no tally", HOW)


def test_one_that_is_cut_off(file):
    text = file.read_text()
    for n in (50, len(text) // 2, len(text) - 3):
        file.write_text(text[:n])
        message, hint = refused(file)
        assert message.startswith("is a damaged tally: its JSON is wrong at line ")
        assert hint == AGAIN


def test_one_with_numbers_that_json_lacks(file):
    file.write_text(file.read_text().replace('"loss": 0.', '"loss": NaN, "x": 0.'))
    assert refused(file) == ("is a damaged tally: its JSON is wrong", AGAIN)


def test_a_report_in_json(tmp_path):
    for words in (("compute", *PETS), ("weights", "--counts", "1,2")):
        path = tmp_path / "a.json"
        assert nll(*words, "-o", path).code == 0
        told = f"is a report of nll {words[0]}: its numbers are rounded, and do not add up"
        assert refused(path) == (told, HOW)


def test_a_report_of_a_comparison(tmp_path):
    path = tmp_path / "a.json"
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("0.5\n0.25\n")
    assert nll("compare", tmp_path / "a.txt", tmp_path / "b.txt", "--from", "losses", "-o", path).code == 0
    told = "is a report of nll compare: its numbers are rounded, and do not add up"
    assert refused(path) == (told, "nll compare MODEL MODEL --targets TARGETS -o FILE.tally.json writes a tally")


@pytest.mark.parametrize("text", ["[]", "{}", "1", '"nll-tally"', '{"format": "other"}', '{"command": "x"}'])
def test_the_json_of_another_program(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert refused(tmp_path / "a.json") == ("is not a tally: it is other JSON", HOW)


def test_a_newer_format(file):
    file.write_text(file.read_text().replace('"format_version": 1', f'"format_version": {FORMAT_VERSION + 1}'))
    told = f"is of version {FORMAT_VERSION + 1} of the format, which this nll does not know"
    assert refused(file) == (told, "a newer nll reads it")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FaultError, match="cannot be opened"):
        read_tally(str(tmp_path / "a.json"))


# --- values -----------------------------------------------------------------------------------------------------------

FIELDS = Fields("a.json", {"x": None}, "tally.")
RIGHT = {
    "count": [0, 5, 1 << 61],
    "whole": [-100, 0, 7],
    "number": [0, -1.5, 3],
    "flag": [True, False],
    "text": ["", "é"],
    "texts": [[], ["a", "b"]],
    "numbers": [[], [1, 2.5]],
    "fields": [{}, {"a": 1}],
    "each": [[], [{"a": 1}]],
    "texts_by_key": [{}, {"a": "b"}],
}
WRONG = {
    "count": [None, -1, 1.0, True, "1", 1 << 62, []],
    "whole": [None, 1.5, "1", 10**400, False],
    "number": [None, "1", True, [], 10**400],
    "flag": [None, 0, "true"],
    "text": [None, 1, ["a"], "a" * 5000],
    "texts": [None, "a", [1], {"a": "b"}],
    "numbers": [None, 1, ["1"], [True]],
    "fields": [None, [], "a"],
    "each": [None, {}, [1], [{}, None]],
    "texts_by_key": [None, [], {"a": 1}],
}


def values(fields):
    """What fields hold, as plain data."""
    return fields.values if isinstance(fields, Fields) else fields


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in RIGHT for value in RIGHT[kind]])
def test_the_right_kind(kind, value):
    found = getattr(Fields("a.json", {"x": value}), kind)("x")
    found = [values(each) for each in found] if kind in ("texts", "numbers", "each") else values(found)
    assert found == value


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in WRONG for value in WRONG[kind]])
def test_the_wrong_kind(kind, value):
    with pytest.raises(DataError) as caught:
        getattr(Fields("a.json", {"x": value}, "tally."), kind)("x")
    assert str(caught.value).startswith("a.json: is a damaged tally: tally.x")
    assert len(str(caught.value)) < 120
    assert caught.value.hint == AGAIN


def test_what_is_missing():
    with pytest.raises(DataError, match=r"tally\.y is missing"):
        FIELDS.count("y")
    assert not FIELDS.has("y")
    assert not FIELDS.has("x")
    assert FIELDS.optional_text("y") is None
    assert Fields("a.json", {"x": "a"}).optional_text("x") == "a"


def test_columns():
    fields = Fields("a.json", {"x": [1, 2, 3], "y": [1, -2], "z": [], "f": [1.0]})
    np.testing.assert_array_equal(fields.counts("x", 3), [1, 2, 3])
    assert fields.counts("z", 0).tolist() == []
    assert fields.column("x", 3, "sums") == [1, 2, 3]
    for key, n in (("x", 2), ("y", 2), ("f", 1)):
        with pytest.raises(DataError, match="counts"):
            fields.counts(key, n)


def test_what_is_made_of_a_value():
    fields = Fields("a.json", {"x": "12", "y": "a", "z": [1], "n": None})
    assert fields.converted("x", int, "a number in text") == 12
    for key in ("y", "z", "n"):
        with pytest.raises(DataError, match=f"{key} is .*, not a number in text"):
            fields.converted(key, int, "a number in text")


# --- names of files ---------------------------------------------------------------------------------------------------


P_ALL = ("p2.tally.json", "p1.tally.json", "p10.tally.json")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in (1, 2, 10):
        (tmp_path / f"p{i}.tally.json").touch()
    return tmp_path


def test_patterns_and_lists(folder):
    expected = ["p1.tally.json", "p2.tally.json", "p10.tally.json"]
    (folder / "list.txt").write_text("p10.tally.json\np1.tally.json\n")
    assert tally_paths(["p*.tally.json"]) == expected
    assert tally_paths(["p{1,2,10}.tally.json"]) == expected
    assert tally_paths(["@list.txt", "p2.tally.json"]) == ["p10.tally.json", "p1.tally.json", "p2.tally.json"]
    assert tally_paths(["-", "b.json"]) == ["-", "b.json"]


@pytest.mark.usefixtures("folder")
def test_a_pattern_of_nothing():
    with pytest.raises(FaultError, match="no file"):
        tally_paths(["q*.tally.json"])


@pytest.mark.parametrize(
    ("words", "told", "once"),
    [
        (["p1.tally.json", "p1.tally.json"], "p1.tally.json: is named twice: ", ("p1.tally.json",)),
        (["p2.tally.json", "p*.tally.json"], "p2.tally.json: is named twice: ", P_ALL),
        (
            ["p1.tally.json", "./p1.tally.json"],
            "./p1.tally.json: is named twice (as p1.tally.json): ",
            ("p1.tally.json",),
        ),
        (["-", "-"], "standard input: is named twice: ", ("-",)),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_is_named_twice(words, told, once):
    with pytest.raises(UsageError) as caught:
        tally_paths(words)
    assert str(caught.value) == f"{told}its samples would count double"
    assert caught.value.remedies[0].settings == {"tallies": once}


@pytest.mark.usefixtures("folder")
def test_of_many_files_the_hint_stands_alone():
    with pytest.raises(UsageError, match="is named twice") as caught:
        tally_paths([*(f"{i}.json" for i in range(20)), "3.json"])
    assert (caught.value.remedies, caught.value.hint) == ((), "name it once")
