"""Tables written for people: where no edit can help, none is offered; and names that only nearly agree."""

import gzip
from pathlib import Path

import oracle
import pytest
from following import answers
from in_process import nll

from nllcli.inputs import names
from nllcli.inputs.tables.notation import can_be_edited, edited


def test_what_is_packed_is_unpacked_first(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1%,2%\n"))
    assert can_be_edited(str(path))
    remedy = edited(str(path), "1d")
    assert remedy.shell == f"gzip -dc {path} | sed -E 1d > {tmp_path / 'x.plain.csv'}"
    (tmp_path / "x.plain.csv").touch()
    assert edited(str(path), "1d").files == {str(path): str(tmp_path / "x.plain-2.csv")}
    assert not can_be_edited(str(tmp_path / "absent.csv"))


@pytest.mark.parametrize("packed", [gzip.compress, lambda text: b"\xef\xbb\xbf" + text])
def test_commands_read_what_is_compressed_or_marked(packed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [[1.5, 0.25], [0.5, 2.5]]
    name = "x.csv.gz" if packed is gzip.compress else "x.csv"
    table = "".join(f"{i},\"{{'a': {a}, 'b': {b}}}\",{i}\n" for i, (a, b) in enumerate(rows))
    Path(name).write_bytes(packed(f"id,scores,y\n{table}".encode()))
    expected = pytest.approx(float(oracle.reduce(rows, [0, 1])), rel=1e-14)
    assert answers("compute", name, "--target-column", "y", "--drop", "id", "-q") == [expected]
    Path("y.csv").write_text("id,y\n0,0\n1,1\n")
    table = "".join(f"{i},{a},{b}\n" for i, (a, b) in enumerate(rows))
    Path(name).write_bytes(packed(f"id,a,b\n{table}0,7.5,7.5\n".encode()))
    first, last = answers("compute", name, "y.csv", "--id", "id", "-q")
    assert first == expected
    assert last == pytest.approx(float(oracle.reduce([[7.5, 7.5], rows[1]], [0, 1])), rel=1e-14)


def test_names_that_would_be_the_same_are_not_folded():
    assert names.match(("A", "a"), ("b", "a")) is None
    assert names.match(("Big_Cat", "dog"), ("DOG", "big cat")) == (1, 0)
    assert names.match(("+", "-"), ("x", "y")) is None


@pytest.mark.parametrize("table", ["A,a\n1.5,2\n0.5,1\n", "+,*\n1.5,2\n0.5,1\n"])
def test_a_label_is_not_guessed_where_names_differ_in_case_alone(table, tmp_path):
    (tmp_path / "x.csv").write_text(table)
    (tmp_path / "y.csv").write_text("other\nother\n")
    done = nll("compute", tmp_path / "x.csv", tmp_path / "y.csv")
    assert "'other' is none of the classes" in done.err


def test_samples_behind_a_damaged_line_are_not_cut_off(tmp_path):
    (tmp_path / "x.csv").write_text("id,a,b\nu0,1.5,2\nu1,0.5,1\nu2,2.5,3.25\ntotal\nu3,1.25,2.5\n")
    done = nll("softmax", tmp_path / "x.csv", "--drop", "id")
    assert "has 1 cell, the first row has 3" in done.err
    assert "try:" not in done.err


def test_a_row_that_is_none_and_not_the_last_is_named(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1.5,2\n0.5,1\ntotal,x\n1.25,2.5\n")
    done = nll("softmax", tmp_path / "x.csv")
    assert "'total' is not a number" in done.err


def test_a_table_without_a_column_by_any_name_says_what_it_has(tmp_path):
    (tmp_path / "x.csv").write_text("# label here\n1.5,2,0\n0.5,1,1\n")
    done = nll("compute", tmp_path / "x.csv", "--target-column", "nothing")
    assert "the numbers 1 to 3" in done.err
    assert "try:" not in done.err
