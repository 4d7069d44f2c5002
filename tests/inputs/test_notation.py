"""Tables written for people: where no edit can help, none is offered; and names that only nearly agree."""

import gzip
import math
from pathlib import Path

import oracle
import pytest
from following import answers, inside, meanings, offered
from in_process import nll

from nllcli.inputs import names
from nllcli.inputs.bytes.compressed import can_be_edited
from nllcli.inputs.tables.notation import edited


def test_what_is_packed_is_unpacked_first(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1%,2%\n"))
    assert can_be_edited(str(path))
    [remedy] = edited(str(path), "1d")
    assert remedy.shell == f"gzip -dc {path} | sed -E 1d > {tmp_path / 'x.plain.csv'}"
    (tmp_path / "x.plain.csv").touch()
    assert edited(str(path), "1d")[0].files == {str(path): str(tmp_path / "x.plain-2.csv")}
    assert not can_be_edited(str(tmp_path / "absent.csv"))


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
def test_a_line_behind_the_samples(kind, tmp_path, monkeypatch):
    """It is left out by a command, unless samples follow."""
    monkeypatch.chdir(tmp_path)
    Path("y.txt").write_text("0\n" * 30)
    text = "a,b\n" + "1.5,2\n" * 30 + "total,105\n"
    write = gzip.compress if kind.endswith("gz") else bytes
    Path(f"x.{kind}").write_bytes(write(text.encode()))
    assert answers("compute", f"x.{kind}", "y.txt", "-q") == [pytest.approx(math.log1p(math.exp(0.5)), rel=1e-14)]
    Path(f"x.{kind}").write_bytes(write((text + "1.5,2\n" * 30).encode()))
    done = nll("compute", f"x.{kind}", "y.txt", "-q")
    assert (done.code, "'total' is not a number" in done.err, offered(done)) == (3, True, [])


AGAIN = "# a model\n\nid,a,b,label\nu,1.5,2,a\nv,0.5,1,b\nid,a,b,label\nw,2.5,3.25,b\n"
LOSS = pytest.approx(float(oracle.reduce([(1.5, 2), (0.5, 1), (2.5, 3.25)], [0, 1, 1])), rel=1e-14)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "folder/x.csv"])
def test_a_header_that_comes_again_is_left_out(name, tmp_path):
    data = AGAIN.encode()
    (tmp_path / "folder").mkdir()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with inside(tmp_path):
        typed = "folder" if "/" in name else name
        assert answers("compute", typed, "--drop", "id", "--target-column", "label", "-q") == [LOSS]


def test_text_of_two_bytes_a_letter_is_not_edited(tmp_path):
    (tmp_path / "x.csv").write_text(AGAIN, encoding="utf-16")
    done = nll("compute", tmp_path / "x.csv", "--drop", "id", "--target-column", "label")
    assert (done.code, "line 6: is the header again" in done.err, offered(done)) == (3, True, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("y.csv", "some title\nid,label\nu,a\nv,b\nw,b\n"),
        ("y.csv", "# id,label\nu,a\nv,b\nw,b\n"),
        ("y.tsv", "#\tid\tlabel\n1\tu\ta\n2\tv\tb\n3\tw\tb\n"),
    ],
    ids=["a title", "a comment", "tabs"],
)
def test_the_column_that_was_named_stays_named(name, text, tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1.5,2\n0.5,1\n2.5,3.25\n")
    (tmp_path / name).write_text(text)
    with inside(tmp_path):
        assert LOSS in answers("compute", "x.csv", f"{name}:label", "-q")


def test_a_comment_among_the_rows_is_left_out(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,y\n1.5,2,0\n\t# and so on, 1, 2\n0.5,1,1\n2.5,3.25,1\n")
    with inside(tmp_path):
        assert answers("compute", "x.csv", "--target-column", "y", "-q") == [LOSS]


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
    assert names.match(("T-shirt", "bag"), ("Bag", "T.shirt")) == (1, 0)
    for own, others in (("c#", "java"), ("Java", "c++")), (("1", "0"), ("-1", "0")), (("1.5", "2"), ("1-5", "2")):
        assert names.match(own, others) is None
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


@pytest.mark.parametrize("behind", [0, 3000], ids=["at once", "further down"])
def test_points_between_thousands(behind, tmp_path):
    """Unambiguous where a decimal comma follows, and asked about where none does."""
    rows = ["0,5;1,25"] * behind
    (tmp_path / "x.csv").write_text("\n".join(["a;b;y", *(f"{row};0" for row in rows), "1.234,5;-1.230,25;1\n"]))
    logits, targets = [(0.5, 1.25)] * behind + [(1234.5, -1230.25)], [0] * behind + [1]
    words = ("compute", "x.csv", "--target-column", "y", "--decimal", "comma", "-q")
    with inside(tmp_path):
        done = nll(*words)
        assert done.code == 0, done.err
        assert float(done.out) == pytest.approx(float(oracle.reduce(logits, targets)), rel=1e-13)
        (tmp_path / "x.csv").write_text("\n".join(["a;b;y", *(f"{row};0" for row in rows), "1.234;-1,5;1\n"]))
        large, small = ([*logits[:-1], (first, -1.5)] for first in (1234, 1.234))
        expected = [pytest.approx(float(oracle.reduce(x, targets)), rel=1e-13) for x in (large, small)]
        assert answers(*words) == expected


def test_points_between_commas_part_thousands_at_most(tmp_path):
    (tmp_path / "x.csv").write_text('a,b,y\n"1,5","1.234",0\n')
    words = ("compute", "x.csv", "--target-column", "y", "--decimal", "comma", "-q")
    with inside(tmp_path):
        assert meanings(nll(*words)) == ["the point parts thousands"]
        assert answers(*words) == [1232.5]
