"""Opening files, pipes and standard input; peeking, spooling, and what fails."""

import gc
import gzip
import os
import pickle
import shlex
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import oracle
import pytest
from following import offered
from in_process import nll

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import DataError, FaultError, NllError, UsageError
from nllcli.inputs.bytes import files
from nllcli.inputs.bytes.files import ByteStream, Spool, can_be_read_again, on_disk, open_stream, split_member
from nllcli.inputs.bytes.libraries import refusing
from nllcli.inputs.formats import ReadOptions, detect, is_raw, open_input
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.tables import lines


def stream_of(data, step):
    """A stream that gives ``step`` bytes at a time."""
    pieces = iter([data[i : i + step] for i in range(0, len(data), step)])
    return ByteStream("x", lambda _: next(pieces, b""))


@pytest.mark.parametrize("step", [1, 3, 100])
def test_peeking_consumes_nothing(step):
    stream = stream_of(b"abcdefgh", step)
    assert stream.peek(2) == b"ab"
    assert stream.peek(4) == b"abcd"
    assert stream.read_up_to(3) == b"abc"
    assert stream.peek(100) == b"defgh"
    assert stream.read(2) == b"de"
    assert stream.read_up_to(100) == b"fgh"
    assert stream.read(5) == b""


def test_files_are_closed_once_nobody_holds_them(tmp_path):
    (tmp_path / "x").write_bytes(b"1,2\n")
    gc.collect()  # what other tests left in circles is not to be closed in between
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        open_dataset(InputOptions(str(tmp_path / "x")))
        with pytest.raises(NllError):
            open_stream(str(tmp_path))
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize("path", ["missing", "miss\0ing", "x" * 5000, "", "folder"])
def test_paths_that_cannot_be_opened(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(FaultError) as caught:
        open_input(path)
    assert caught.value.where == path


def test_members(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.npz", "c:d.npz"):
        (tmp_path / name).write_bytes(b"")
    assert split_member("a.npz") == ("a.npz", None)
    assert split_member("a.npz:x") == ("a.npz", "x")
    assert split_member("a.npz:x:y") == ("a.npz", "x:y")
    assert split_member("c:d.npz:x") == ("c:d.npz", "x")
    assert split_member("b.npz:x") == ("b.npz:x", None)
    (tmp_path / "a.npz:x").write_bytes(b"")
    assert split_member("a.npz:x") == ("a.npz:x", None)


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_no_standard_input(stdin, monkeypatch, tmp_path):
    if stdin is not None:
        (tmp_path / "x").touch()
        stdin = (tmp_path / "x").open()
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(FaultError, match="standard input: is closed"):
        open_stream("-")


def test_standard_input_in_the_middle_of_a_file_is_read_from_there(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"skipped\n1,2\n")
    with (tmp_path / "x").open("rb", buffering=0) as stdin:
        stdin.read(8)
        monkeypatch.setattr(sys, "stdin", stdin)
        stream = open_stream("-")
        assert stream.file is None
        assert stream.read_up_to(100) == b"1,2\n"
        monkeypatch.undo()


def failing(*_, **__):
    raise OSError(5, "Input/output error")


def test_reading_that_fails(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"1,2\n")
    stream = open_stream(str(tmp_path / "x"))
    monkeypatch.setattr(os, "read", failing)
    with pytest.raises(FaultError, match="x: cannot be read: Input/output error"):
        stream.read(1)


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
def test_archives_whose_reading_fails(name, tmp_path, monkeypatch):
    from corpus.awkward import array, npz, safetensors, tensor

    data = {"a.npz": npz(a=array()), "a.safetensors": safetensors({"a": tensor(array(), "F64")}, array().tobytes())}
    (tmp_path / name).write_bytes(data[name])
    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(FaultError, match="cannot be read: Input/output error"):
        open_dataset(InputOptions(str(tmp_path / name)))


def test_archive_that_shrinks_while_its_checksum_is_worked_out(tmp_path, monkeypatch):
    from corpus.awkward import npz

    (tmp_path / "a.npz").write_bytes(npz(a=np.zeros((50_000, 3))))
    pread = os.pread
    # zipfile's own reads are shorter than those of the check
    monkeypatch.setattr(os, "pread", lambda fd, n, at: b"" if n > 500_000 else pread(fd, n, at))
    with pytest.raises(FaultError, match="became shorter"):
        open_dataset(InputOptions(str(tmp_path / "a.npz")))


def test_spool():
    spool = Spool("x")
    spool.write(b"abc")
    spool.write(b"def")
    assert os.pread(spool.file.fd, 10, 0) == b"abcdef"
    assert on_disk(ByteStream("x", lambda _: b"", spool.file)) is spool.file


def test_spool_without_room(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", failing)
    with pytest.raises(FaultError, match="needs room on disk"):
        Spool("x")
    monkeypatch.undo()
    spool = Spool("x")
    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(FaultError, match="x: needs room on disk to be read: Input/output error") as caught:
        spool.write(b"abc")
    assert "TMPDIR" in caught.value.hint


def test_formats_by_extension():
    for name, expected in (
        ("a.tsv", "tsv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.csv", "csv"),
        ("a", "csv"),
    ):
        stream = stream_of(b"1\n", 1)
        stream.name = name
        assert detect(stream) == expected


def test_only_tables_have_a_target_column(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    with pytest.raises(UsageError, match="⟦target_column⟧ needs ⟦logits⟧ with columns"):
        open_dataset(InputOptions(str(tmp_path / "x.npy"), target_column="y"))
    (tmp_path / "y.txt").write_text("0\n1\n")
    with pytest.raises(UsageError, match="both name the targets"):
        open_dataset(InputOptions(str(tmp_path / "x.npy"), targets=str(tmp_path / "y.txt"), target_column="y"))


def test_classes_as_rows_go_without_a_target_column(tmp_path):
    (tmp_path / "x.csv").write_text("1,2,0\n3,4,1\n")
    with pytest.raises(UsageError, match="⟦class_axis=0⟧"):
        open_dataset(InputOptions(str(tmp_path / "x.csv"), target_column="3", class_axis=0))


def test_table_with_nothing_but_targets(tmp_path):
    (tmp_path / "x.csv").write_text("y\n1\n")
    with pytest.raises(DataError, match="no classes"):
        open_dataset(InputOptions(str(tmp_path / "x.csv"), target_column="y"))


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_lines_are_the_same_however_they_arrive(end, step, monkeypatch):
    monkeypatch.setattr(lines, "_PIECE_BYTES", 8)
    text = end.join(["# c", "1,2", "", "  ", "3,4", " # d", "5,6", "7,8"])
    numbers = lines.LineNumbers()
    pieces = list(lines.clean_lines(stream_of(text.encode(), step), numbers))
    assert b"".join(piece.text for piece in pieces) == b"1,2\n3,4\n5,6\n7,8\n"
    assert sum(piece.n for piece in pieces) == 4
    assert [numbers.of(i) for i in range(4)] == [2, 5, 7, 8]


@pytest.mark.parametrize("seed", range(40))
def test_lines_are_numbered(seed, monkeypatch):
    """Against a count line by line, of text whose lines are blank now and then, or every so often."""
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(lines, "_PIECE_BYTES", int(rng.integers(1, 20)))
    patterns = ["x" * 5, ".x" * 3, "x.." * 3, "x.x..xx", "x", "."]
    pattern = "".join(patterns[i] for i in rng.integers(0, len(patterns), 12))
    numbers = lines.LineNumbers()
    text = "".join("7\n" if kept == "x" else "\n" for kept in pattern)
    list(lines.clean_lines(stream_of(text.encode(), 1000), numbers))
    expected = [line for line, kept in enumerate(pattern, 1) if kept == "x"]
    assert [numbers.of(i) for i in range(len(expected))] == expected


@pytest.mark.parametrize("odd", ["\f", "\v", " \f", "\x1c", "\f# c"], ids=repr)
@pytest.mark.parametrize("beside", ["", "# c\n", '"3","4"\n', "\n"], ids=["alone", "comment", "quotes", "blank line"])
@pytest.mark.parametrize("table", [True, False], ids=["csv", "jsonl"])
def test_only_blanks_and_tabs_make_a_blank_line(odd, beside, table):
    """Whatever else stands in the piece, of which a comment or a quote has every line looked at."""
    text = f"1,2\n{odd}\n \t\n{beside}"
    pieces = lines.clean_lines(stream_of(text.encode(), 1000), lines.LineNumbers(), table=table)
    kept = b"".join(piece.text for piece in pieces).decode().split("\n")
    assert kept[:2] == ["1,2", odd]
    assert kept[2:-1] == ([] if not beside.strip() or (table and "#" in beside) else [beside.strip()])


@pytest.mark.parametrize("beside", ["", "# c\n"])
@pytest.mark.parametrize(("first", "says"), [("1,2", "has 1 cell, the first row has 2"), ("1", "the cell is empty")])
def test_a_line_of_a_form_feed_is_no_row(first, says, beside, tmp_path):
    (tmp_path / "x.csv").write_text(f"{first}\n\f\n{beside}{first}\n")
    with pytest.raises(DataError, match=f"x.csv, line 2.*: {says}"):
        [chunk.load(Scratch()) for chunk in open_dataset(InputOptions(str(tmp_path / "x.csv"))).chunks(10)]


def test_blank_lines_at_even_distances_take_no_room():
    numbers = lines.LineNumbers()
    text = b"1,2\r\r\n" * 50_000
    list(lines.clean_lines(stream_of(text, 1000), numbers))
    assert numbers.of(49_999) == 99_999
    assert len(numbers._runs) < 20


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_lines_are_regrouped(n):
    pieces = [lines.Lines(2, b"a\nb\n"), lines.Lines(1, b"c\n"), lines.Lines(4, b"d\ne\nf\ng\n")]
    cut = list(lines.cut_lines(iter(pieces), n))
    assert b"".join(body for _, body in cut) == b"a\nb\nc\nd\ne\nf\ng\n"
    assert [count for count, _ in cut[:-1]] == [n] * (len(cut) - 1)
    assert all(count == body.count(b"\n") for count, body in cut)


def test_first_lines_are_left_out():
    def rest(n, *texts):
        pieces = (lines.Lines(text.count(b"\n"), text) for text in texts)
        return b"".join(piece.text for piece in lines.without_first_lines(pieces, n))

    assert rest(1, b"h\n1\n", b"2\n") == b"1\n2\n"
    assert rest(1, b"h\n", b"2\n") == b"2\n"
    assert rest(2, b"h\n", b"2\n3\n", b"4\n") == b"3\n4\n"
    assert rest(1) == b""


def test_line_without_end(monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    with pytest.raises(DataError, match="longer than"):
        list(lines.clean_lines(stream_of(b"1" * 1000, 10), lines.LineNumbers()))


@pytest.mark.uncounted
def test_few_long_lines(tmp_path):
    """A header and one row, both longer than what is peeked at first, and a row longer than any can be."""
    row = ",".join(["1.5"] * 100_000)
    (tmp_path / "x.csv").write_text(f"{row}\n{row}\n")
    (block,) = (c.load(Scratch()) for c in open_dataset(InputOptions(str(tmp_path / "x.csv"))).chunks(5))
    assert block.logits.shape == (2, 100_000)


@pytest.mark.uncounted
def test_peeked_text_with_long_lines(monkeypatch, tmp_path):
    from nllcli.inputs.tables import dialect

    monkeypatch.setattr(dialect, "LONGEST_LINE", 1 << 16)
    row = ",".join(["1.5"] * 30_000)
    (tmp_path / "x.csv").write_text(f"{row}\n{row}\n{row}\n")
    assert open_input(str(tmp_path / "x.csv")).read(ReadOptions()).shape == (None, 30_000)
    (tmp_path / "y.csv").write_text(",".join(["1.5"] * 200_000))
    with pytest.raises(DataError, match="longer than"):
        open_input(str(tmp_path / "y.csv")).read(ReadOptions())


def test_version_tells_of_changes(tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    stream = files.open_stream(str(tmp_path / "x"))
    stream.check_unchanged()
    (tmp_path / "x").write_bytes(b"12")
    with pytest.raises(FaultError, match="changed"):
        stream.check_unchanged()


def test_only_regular_files_can_be_read_again(tmp_path, monkeypatch):
    """One that is missing counts as one: opening it says so better."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npz").touch()
    (tmp_path / "b.npz").touch()
    os.mkfifo(tmp_path / "pipe")
    again = {"a.npz": True, "a.npz:x": True, "missing": True, "miss\0ing": True, "-": False, "pipe": False, ".": False}
    assert {path: can_be_read_again(path) for path in again} == again


# --- what no reader reads, and members --------------------------------------------------------------------------------


def refusal(path, input_format=None):
    with pytest.raises(NllError) as caught:
        open_input(str(path), input_format).read(ReadOptions())
    return caught.value


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "loads"),
    [("a.pt", "torch.load"), ("a.PTH", "torch.load"), ("a.pkl", "pickle.load"), ("a.pickle", "pickle")],
)
def test_files_that_can_run_code_are_told_by_their_extension(name, end, loads, tmp_path):
    """With the command that converts them, which opens what is compressed as such and writes beside it."""
    data = pickle.dumps(([1.5, 2.5], [1.0, 0.0]), 0)  # the oldest protocol, which begins as text may
    path = tmp_path / (name + end)
    path.write_bytes(gzip.compress(data) if end else data)
    error = refusal(path)
    assert (type(error), error.where) == (DataError, str(path))
    remedy = error.remedies[0]
    assert loads in remedy.python
    assert f"gzip.open({str(path)!r})" in remedy.python if end else repr(str(path)) in remedy.python
    assert repr(str(tmp_path / "a.npy")) in remedy.python
    assert remedy.files == {str(path): str(tmp_path / "a.npy")}


def test_a_file_to_convert_is_never_the_file_itself(tmp_path):
    (tmp_path / "a.npy").write_bytes(pickle.dumps([1.0, 2.0]))
    [remedy] = refusal(tmp_path / "a.npy").remedies
    assert repr(str(tmp_path / "a-2.npy")) in remedy.python


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (["model/data.pkl", "model/data/0"], "is a PyTorch file"),
        (["data.pkl"], "is a PyTorch file"),
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel workbook"),
        (["mimetype", "content.xml"], "is an OpenDocument spreadsheet"),
        (["[Content_Types].xml", "word/document.xml"], "is an office document"),
        (["readme.txt"], "is empty"),
        (["model/model.npy", "x.txt"], "not an NPY file"),
    ],
)
def test_archives_that_hold_no_arrays(members, says, tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        for name in members:
            archive.writestr(name, b"")
    assert says in refusal(tmp_path / "a").message


def test_arrays_of_an_archive_by_their_names(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([1.0]), y=np.array([2.0]))
    for member, value in (("x", 1.0), ("y", 2.0), ("y.npy", 2.0)):
        assert open_input(f"{tmp_path}/a.npz:{member}").read(ReadOptions()).read_all() == [value]
    error = refusal(f"{tmp_path}/a.npz:z")
    assert (type(error), error.message) == (UsageError, "has no array 'z'")
    assert error.hint == f"it has {tmp_path}/a.npz:x, {tmp_path}/a.npz:y"
    error = refusal(f"{tmp_path}/a.npz")
    assert (type(error), error.message) == (UsageError, "holds 2 arrays")
    assert error.hint == f"name one: {tmp_path}/a.npz:x, {tmp_path}/a.npz:y"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_two_members_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for _ in range(2):
            archive.writestr("x.npy", b"")
    assert refusal(f"{tmp_path}/a.npz:x").message == "has several members of the name 'x'"


def test_numbers_of_an_archive_that_were_damaged(tmp_path):
    """Far behind the header, where nothing else tells of a changed bit."""
    np.savez(tmp_path / "a.npz", x=np.arange(50_000.0))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[data.index(np.array([49_998.0, 49_999.0]).tobytes())] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    assert refusal(tmp_path / "a.npz").message == "is a damaged archive: the checksum does not match"


@pytest.mark.parametrize("encoding", ["utf-16-le", "UTF_16BE", "utf-32-le", "cp1252", "shift_jis"])
def test_one_encoding_for_two_files(encoding, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_bytes("a,b\n1,2\n3,1\n".encode(encoding))
    Path("y.txt").write_text("1\n0\n", encoding="utf-8")
    done = nll("compute", "x.csv", "y.txt", "--encoding", encoding, "-q")
    expected = float(oracle.reduce(np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1, 0])))
    assert float(done.out) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("encoding", ["utf-17", "hex", "rot13", "undefined", "a\0b"])
def test_an_encoding_that_is_not_known(encoding, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"1,2\n")
    with pytest.raises(UsageError, match="is not a known encoding"):
        open_input(str(tmp_path / "x.csv"), encoding=encoding)


def test_text_that_is_not_in_the_encoding_named(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\x81,2\n")
    with pytest.raises(DataError, match=r"x.csv: is not cp1252 text: .*0x81"):
        open_input(str(tmp_path / "x.csv"), encoding="cp1252").stream.read(10)


def test_lists_that_python_has_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.txt").write_text("{'logits': [1.0, 2.0], 'label': 1}\n{'logits': [3.0, 1.0], 'label': 0}\n", "utf-8")
    Path("x.txt.jsonl").write_text("", encoding="utf-8")
    [line] = offered(nll("compute", "x.txt", "-q"))
    assert "nll compute x.txt-2.jsonl -q" in line
    subprocess.run(["sh", "-c", line.partition(" && ")[0].replace("python", sys.executable, 1)], check=True)
    [line] = offered(nll("compute", "x.txt-2.jsonl", "-q"))
    expected = float(oracle.reduce(np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1, 0])))
    assert float(nll(*shlex.split(line, comments=True)[1:]).out) == pytest.approx(expected, rel=1e-14)
    Path("x.gz").write_bytes(gzip.compress(Path("x.txt").read_bytes()))
    assert "is written as Python prints it" in nll("compute", "x.gz").err
    assert len(offered(nll("compute", "x.gz"))) == 1


@pytest.mark.parametrize(("number", "json"), [("1", True), ('"cat"', True), ("x1", False)])
def test_lines_of_single_values_under_the_extension_of_json(number, json, tmp_path):
    (tmp_path / "y.json").write_text(f"{number}\n{number}\n", encoding="utf-8")
    assert (open_input(str(tmp_path / "y.json")).format == "jsonl") is json


def test_a_printed_array_is_read(tmp_path):
    (tmp_path / "x.txt").write_text("[[1. 2.]\n [3. 1.]]\n", encoding="utf-8")
    dataset = open_dataset(InputOptions(str(tmp_path / "x.txt")))
    assert np.concatenate([chunk.load(Scratch()).logits for chunk in dataset.chunks(8)]).tolist() == [[1, 2], [3, 1]]


@pytest.mark.parametrize("text", [b"ab", b"\x01\xe7" + b"x" * 20, b"\x01" + b"x" * 20 + b"\xe7\x8c"])
def test_a_file_without_an_extension_may_be_text(text, tmp_path):
    (tmp_path / "x").write_bytes(text)
    assert is_raw(open_stream(str(tmp_path / "x"))) is (text[-1:] == b"x")


def test_compression_in_compression_ends(tmp_path):
    data = b"1,2\n"
    for _ in range(6):
        data = gzip.compress(data)
    (tmp_path / "x.gz").write_bytes(data)
    with pytest.raises(NllError) as caught:
        open_dataset(InputOptions(str(tmp_path / "x.gz")))
    assert caught.value.where


def test_open_files_in_other_processes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    stream = open_stream(str(tmp_path / "x"))
    assert pickle.loads(pickle.dumps(stream.file)).read_at(3, 0, "x") == b"abc"
    for value in (stream, Spool("x").file):
        with pytest.raises(UsageError, match="cannot be handed to another process"):
            pickle.dumps(value)
    stream.read(1)
    with pytest.raises(UsageError, match="can be read only once"):
        stream.check_not_begun()


def test_paths_of_no_file_are_of_no_version():
    assert files.version_of("miss\0ing") is None
    assert can_be_read_again("missing")


def test_one_standard_input_alone():
    files.only_one_standard_input({"LOGITS": "-", "TARGETS": "y"})
    with pytest.raises(UsageError, match="standard input can be only one of: LOGITS, TARGETS"):
        files.only_one_standard_input({"LOGITS": "-", "TARGETS": "-"})


def test_what_a_library_does_not_support():
    with pytest.raises(DataError, match="x: is of an unusual kind: that"), refusing("x"):
        raise NotImplementedError("that")
    with pytest.raises(FaultError, match="x: is damaged, or there is not enough memory"), refusing("x"):
        raise MemoryError


def test_one_array_has_no_members(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(UsageError, match=f"^{tmp_path}/x.npy: is NPY, which has no members; there is no 'a' in it"):
        open_input(f"{tmp_path}/x.npy:a")


@pytest.mark.parametrize("header", [b"[]", b"1", b"null", b'"a"'])
def test_a_safetensors_header_that_is_no_object(header, tmp_path):
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header)
    assert refusal(tmp_path / "x", "safetensors").message == "its header is not a JSON object"


def test_lines_of_json_that_are_all_blank(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"\n \n")
    assert refusal(tmp_path / "x.jsonl").message == "is empty"


def test_an_array_in_a_stream_with_something_behind_it(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3)))
    (tmp_path / "x.npy.gz").write_bytes(gzip.compress((tmp_path / "x.npy").read_bytes() + b"1"))
    for axis in (0, 1):
        dataset = open_dataset(InputOptions(str(tmp_path / "x.npy.gz"), class_axis=axis))
        with pytest.raises(DataError, match=r"has bytes after the array: shape \(4, 3\) of float64"):
            list(dataset.chunks(2))


def test_a_member_of_an_archive_that_is_larger_than_the_file(tmp_path):
    """As its header and the directory at the end have it, at whose bytes 24 to 27 the size is."""
    np.savez(tmp_path / "a.npz", x=np.zeros((5000, 3)))
    data = bytearray((tmp_path / "a.npz").read_bytes().replace(b"(5000, 3)", b"(9000, 3)"))
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 128 + 9000 * 3 * 8)
    (tmp_path / "a.npz").write_bytes(data)
    done = nll("softmax", tmp_path / "a.npz")
    assert (done.code, "a member is larger than the file" in done.err) == (3, True), done.err
