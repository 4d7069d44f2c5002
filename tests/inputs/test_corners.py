"""Files at the limits of what the readers look at ahead, and beginnings that tell little."""

import json
import math
import pickle

import numpy as np
import oracle
import pytest
from in_process import nll

from nllcli.errors import DataError, UsageError
from nllcli.inputs.foreign import conversions
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.tables import json_paths, line_source
from nllcli.inputs.tables.columns import Preview, choose
from nllcli.inputs.vectors import read_names

RNG = np.random.default_rng(12)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_wide_table_is_not_looked_at_to_its_end():
    x, y = np.round(RNG.normal(0, 1, (60, 300)), 3), RNG.integers(0, 300, 60)
    np.savetxt("x.csv", x, "%.3f", delimiter=",")
    np.savetxt("y.txt", y, "%d")
    expected = float(oracle.reduce(x, y))
    assert float(nll("compute", "x.csv", "y.txt", "-q").out) == pytest.approx(expected, rel=1e-13)


def test_keys_that_are_in_no_other_table():
    """Neither column is in the targets' table, so nothing is offered as the key."""
    own = Preview(
        "x.csv", ("id", "fold", "a", "b"), [[str(8 * i), str(i % 3), f"0.{i + 1}", f"1.{7 - i}"] for i in range(7)]
    )
    theirs = Preview("y.csv", ("key", "label"), [[f"k{i}", "0"] for i in range(7)])
    with pytest.raises(UsageError, match="'id' holds whole numbers") as caught:
        choose(own, ReadOptions(partner=theirs, has_targets=True))
    assert [set(remedy.settings) for remedy in caught.value.remedies] == [{"drop"}, {"columns"}]


def test_a_quote_that_is_never_closed(folder):
    (folder / "x.csv").write_text('text,a,b\n"open,0.5,1.5\n' + "u,0.5,1.5\n" * 1500)
    done = nll("softmax", "x.csv", "--drop", "text")
    assert done.code == 3
    assert "a quote is opened and not closed in this line" in done.err


def test_names_far_into_a_file_are_not_read_ahead(folder, monkeypatch):
    """The orders that are offered are then those of the first rows."""
    rows = "0.5,1.5,dog\n" * 60
    (folder / "x.csv").write_text(f"{rows}0.25,0.75,cat\n")
    words = ("compute", "x.csv", "--target-column", "3")
    assert "--classes cat,dog" in nll(*words).err
    monkeypatch.setattr(line_source, "_MOST_AHEAD", 4)
    done = nll(*words)
    assert done.code == 3
    assert "is a name, and the classes have none" in done.err
    assert "try: " not in done.err


def test_places_in_lists():
    value = {"a": [{"b": 1}, 2]}
    assert json_paths.at(value, "a.0.b") == 1
    assert json_paths.at(value, "a.1") == 2
    for path in ("a.2", "a.x", "a.0.c", "a.1.b"):
        assert json_paths.at(value, path) is json_paths.ABSENT


@pytest.mark.parametrize(
    "document",
    [
        {"outputs": [{"shape": [2, 2], "data": [1.0, 2.0, 3.0]}]},
        {"outputs": [{"shape": [3, 1], "data": [1.0, 2.0, 3.0]}]},
    ],
)
def test_a_tensor_of_another_shape_is_none(document, folder):
    (folder / "x.json").write_text(json.dumps(document))
    np.savetxt("y.txt", [0, 1], "%d")
    assert nll("compute", "x.json", "y.txt").code in (2, 3)


def test_numbers_without_a_header_that_have_no_zero(folder):
    for name in ("x.bin", "y.bin"):
        (folder / name).write_bytes(b"\x01\xff\xc8\x02" * 8)
    done = nll("compute", "x.bin", "y.bin")
    assert done.code == 3
    assert "numbers without a header?" in done.err


def test_text_with_a_control_character_is_text(folder):
    (folder / "x.bin").write_bytes(b"0.5,1.5\n0.25,\x01\n")
    done = nll("softmax", "x.bin")
    assert done.code == 3
    assert "line 2, column 2: '\\x01' is not a number" in done.err


def test_names_in_an_array_are_refused_as_a_list_of_names():
    np.save("names.npy", np.array(["cat", "dog"]))
    with pytest.raises(DataError, match="is NPY; names are text, one a line"):
        read_names("names.npy", what="--classes")


def test_a_pickle_that_cannot_be_told_is_converted_by_what_is_found(folder, monkeypatch):
    def untold(_):
        raise TypeError

    monkeypatch.setattr(conversions, "arrays_in", untold)
    (folder / "x.pkl").write_bytes(pickle.dumps({"logits": [[0.5, 1.5]]}))
    done = nll("compute", "x.pkl")
    assert done.code == 3
    assert done.err.splitlines()[1].startswith("try: python -c ")


def test_log_probabilities_beside_their_tokens(folder):
    (folder / "x.jsonl").write_text(json.dumps({"tokens": ["a", "b"], "logprobs": [-0.5, -1.25]}) + "\n")
    done = nll("compute", "x.jsonl", "-q")
    assert "try: nll compute x.jsonl -q --from token-log-probs" in done.err
    found = float(nll("compute", "x.jsonl", "-q", "--from", "token-log-probs").out)
    assert found == pytest.approx(math.fsum((0.5, 1.25)) / 2, rel=1e-15)


def test_one_object_with_lists_is_one_sample(folder):
    """Three cells are too few to be a frame of rows with lists in them."""
    (folder / "x.json").write_text(json.dumps({"a": {"logits": [0.5, 1.5]}}))
    np.savetxt("y.txt", [1], "%d")
    done = nll("compute", "x.json", "y.txt", "-q")
    assert done.code == 0
    assert float(done.out) == pytest.approx(math.log1p(math.exp(-1)), rel=1e-14)
