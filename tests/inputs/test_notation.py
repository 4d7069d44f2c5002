"""Tables written for people: where no edit can help, none is offered; and names that only nearly agree."""

import gzip

import pytest
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
