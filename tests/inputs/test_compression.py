"""Compressed files and archives: read in place, with memory flat, or refused in a clear line with a way on."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import types
import zipfile
import zlib

import numpy as np
import oracle
import pytest
from following import answers, offered, run
from in_process import nll

from nllcli.errors import DataError, UsageError
from nllcli.inputs.bytes import compressed
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.formats import open_input

RNG = np.random.default_rng(2)
LOGITS = RNG.normal(0, 2, (30, 4))
TARGETS = RNG.integers(0, 4, 30)
CSV = "a,b,c,d,y\n" + "".join(
    f"{','.join(map(repr, row))},{t}\n" for row, t in zip(LOGITS.tolist(), TARGETS, strict=True)
)
LABELS = "".join(f"{t}\n" for t in TARGETS)
LOSS = pytest.approx(float(oracle.reduce(LOGITS, TARGETS)), rel=1e-13)
CODECS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files.items():
            written.writestr(name.replace("__", "/").replace("_", "."), data)
    return out.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "y.txt").write_text(LABELS)
    return tmp_path


@pytest.mark.parametrize("ending", CODECS)
def test_every_compression_around_text_and_arrays(ending, folder):
    (folder / f"x.csv.{ending}").write_bytes(CODECS[ending](CSV.encode()))
    assert float(nll("compute", f"x.csv.{ending}", "--target-column", "y", "-q").out) == LOSS
    (folder / f"x.npy.{ending}").write_bytes(CODECS[ending](npy(LOGITS)))
    assert float(nll("compute", f"x.npy.{ending}", "y.txt", "-q").out) == LOSS


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_members_one_after_another_are_one_file(ending, folder):
    """As pbzip2 and pixz write them; zeros may pad the end."""
    half = len(CSV) // 2
    data = CODECS[ending](CSV[:half].encode()) + CODECS[ending](CSV[half:].encode()) + bytes(8)
    (folder / "x").write_bytes(data)
    assert float(nll("compute", "x", "--target-column", "y", "-q").out) == LOSS


def read(path):
    stream = open_input(path).stream
    while stream.read(1 << 16):
        pass


@pytest.mark.parametrize("ending", CODECS)
@pytest.mark.parametrize("damage", ["cut short", "flipped", "trailing"])
def test_damage_is_refused(ending, damage, folder):
    data = bytearray(CODECS[ending](RNG.bytes(5000)))
    if damage == "cut short":
        del data[-20:]
    elif damage == "flipped":
        data[len(data) // 2] ^= 255
    else:
        data += b"hello"
    (folder / "x").write_bytes(data)
    if damage == "flipped" and ending == "lzma":  # which has no checksum
        return
    said = {"cut short": "is cut short", "flipped": "is a damaged", "trailing": "has bytes after"}[damage]
    with pytest.raises(DataError, match=f"x: {said}"):
        read("x")


def test_a_few_bytes_behind_a_member_are_no_member():
    stream = iter((gzip.compress(b"1,2\n") + b"\x1f",))
    opened = compressed.decompressed(ByteStream("x", lambda _: next(stream, b"")))
    with pytest.raises(DataError, match="has bytes after"):
        opened.read_up_to(100)


def test_compression_that_expands_a_thousandfold_stays_in_pieces(folder):
    (folder / "x").write_bytes(gzip.compress(bytes(10 << 20)))
    assert 0 < len(open_input("x", "npy").stream.pull(1000)) <= 1000


# --- Zstandard --------------------------------------------------------------------------------------------------------

MAGIC = b"\x28\xb5\x2f\xfd"


class Decompressor:
    """A stand-in for the readers of Zstandard: deflate behind its magic number."""

    def __init__(self):
        self.inner = zlib.decompressobj()
        self.begun = False

    def decompressobj(self):
        return self

    eof = property(lambda self: self.inner.eof)
    unused_data = property(lambda self: self.inner.unused_data)
    needs_input = property(lambda self: not self.inner.unconsumed_tail)

    def decompress(self, data, n=0):
        if not self.begun:
            self.begun, data = True, data[4:]
        return self.inner.decompress(self.inner.unconsumed_tail + data, n)


def zstandard(data):
    return MAGIC + zlib.compress(data)


def only(monkeypatch, *modules):
    """Let there be these readers alone."""
    monkeypatch.setattr(compressed, "_has", modules.__contains__)
    for name in modules:
        if name != "pyarrow":
            monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(ZstdDecompressor=Decompressor))


@pytest.mark.parametrize("module", ["compression.zstd", "zstandard"])
def test_zstandard_by_its_own_readers(module, monkeypatch, folder):
    only(monkeypatch, module)
    (folder / "x.csv.zst").write_bytes(zstandard(CSV[:100].encode()) + zstandard(CSV[100:].encode()))
    assert float(nll("compute", "x.csv.zst", "--target-column", "y", "-q").out) == LOSS
    (folder / "x").write_bytes(zstandard(bytes(1 << 20)))
    assert len(open_input("x", "npy").stream.read_up_to(1 << 21)) == 1 << 20


def test_zstandard_through_pyarrow(monkeypatch, folder):
    pyarrow = pytest.importorskip("pyarrow")
    only(monkeypatch, "pyarrow")
    data = pyarrow.compress(CSV.encode(), "zstd", asbytes=True)
    (folder / "x.csv.zst").write_bytes(data)
    assert float(nll("compute", "x.csv.zst", "--target-column", "y", "-q").out) == LOSS
    (folder / "x").write_bytes(data[:-9])
    with pytest.raises(DataError, match="is a damaged Zstandard file, or cut short"):
        read("x")


def test_zstandard_without_a_reader(monkeypatch, folder):
    only(monkeypatch)
    (folder / "x.zst").write_bytes(MAGIC)
    done = nll("compute", "x.zst", "y.txt", "-q")
    assert (done.code, "needs Python 3.14 or the package zstandard" in done.err) == (2, True)
    assert offered(done) == ["zstd -dc x.zst | nll compute - y.txt -q"]
    assert offered(nll("compute", "x.zst:a", "y.txt")) == ["zstd -dc x.zst | nll compute /dev/stdin:a y.txt"]
    stream = iter((MAGIC,))
    with pytest.raises(UsageError) as caught:
        compressed.decompressed(ByteStream("standard input", lambda _: next(stream, b"")))
    assert caught.value.remedies == ()


def test_which_readers_there_are():
    assert compressed._has("zlib")
    assert not compressed._has("nllcli.none")
    assert not compressed._has("no_such_package.zstd")


# --- ZIP and tar ------------------------------------------------------------------------------------------------------


def test_an_archive_of_one_file_is_that_file(folder):
    (folder / "x.csv.zip").write_bytes(archive(x_csv=CSV))
    assert float(nll("compute", "x.csv.zip", "--target-column", "y", "-q").out) == LOSS
    (folder / "x.zip").write_bytes(mac())
    assert float(nll("compute", "x.zip", "--target-column", "y", "-q").out) == LOSS


def mac():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        written.mkdir("p")
        for name, data in (("p/x.csv", CSV), ("__MACOSX/p/._x.csv", "1"), ("p/.DS_Store", "1")):
            written.writestr(name, data)
    return out.getvalue()


def test_archives_within_each_other(folder):
    (folder / "x.zip").write_bytes(archive(x_csv_gz=gzip.compress(CSV.encode())))
    assert float(nll("compute", "x.zip", "--target-column", "y", "-q").out) == LOSS
    (folder / "x.gz").write_bytes(gzip.compress(archive(x_zip=archive(x_csv=CSV))))
    assert float(nll("compute", "x.gz", "--target-column", "y", "-q").out) == LOSS
    (folder / "x.zip").write_bytes(archive(inner_npz=_npz()))
    assert float(nll("compute", "x.zip:inner.npz:x", "y.txt", "-q").out) == LOSS


def _npz():
    out = io.BytesIO()
    np.savez(out, x=LOGITS, z=LOGITS)
    return out.getvalue()


def test_an_archive_from_a_pipe(folder, monkeypatch):
    (folder / "x.zip").write_bytes(archive(x_csv=CSV))
    with (folder / "x.zip").open("rb") as file:
        file.read(0)
        monkeypatch.setattr(sys, "stdin", file)
        assert float(nll("compute", "-", "--target-column", "y", "-q").out) == LOSS


def test_which_file_of_an_archive(folder):
    (folder / "x.zip").write_bytes(archive(a_csv=CSV, b_csv=CSV))
    done = nll("compute", "x.zip", "--target-column", "y", "-q")
    assert done.code == 2
    assert offered(done) == [f"nll compute x.zip:{name} --target-column y -q  # {name}" for name in ("a.csv", "b.csv")]
    assert float(nll("compute", "x.zip:b.csv", "--target-column", "y", "-q").out) == LOSS
    assert "x.zip: has no file 'd/c.csv'" in nll("compute", "x.zip:d/c.csv", "y.txt").err


def test_two_files_of_an_archive_whose_names_tell(folder):
    header, *rows = CSV.splitlines()
    logits = "\n".join(line.rpartition(",")[0] for line in (header, *rows))
    (folder / "x.zip").write_bytes(archive(logits_csv=logits, labels_txt=LABELS))
    [line] = offered(nll("compute", "x.zip", "-q"))
    assert line == "nll compute x.zip:logits.csv x.zip:labels.txt -q"
    assert float(run(line).out) == LOSS


def test_arrays_and_other_files_in_an_archive(folder):
    (folder / "x.zip").write_bytes(archive(x_npy=npy(LOGITS), y_txt=LABELS))
    assert float(nll("compute", "x.zip:x.npy", "x.zip:y.txt", "-q").out) == LOSS
    assert float(nll("compute", "x.zip", "y.txt", "-q").out) == LOSS


def test_a_file_of_an_archive_that_is_encrypted(folder):
    data = bytearray(archive(x_csv=CSV))
    data[data.index(b"PK\1\2") + 8] |= 1
    (folder / "x.zip").write_bytes(data)
    assert "x.zip: is encrypted" in nll("compute", "x.zip", "y.txt").err


@pytest.mark.parametrize("names", [("x.csv",), ("logits.csv", "labels.txt"), ("a.csv", "b.csv")])
def test_tar_archives_are_unpacked_by_the_command(names):
    contents = {"x.csv": CSV, "a.csv": CSV, "b.csv": CSV, "labels.txt": LABELS}
    contents["logits.csv"] = "\n".join(line.rpartition(",")[0] for line in CSV.splitlines())
    with tarfile.open("x.tar.gz", "w:gz") as written:
        for name in names:
            data = contents[name].encode()
            about = tarfile.TarInfo(name)
            about.size = len(data)
            written.addfile(about, io.BytesIO(data))
    words = () if len(names) == 2 and names[0] == "logits.csv" else ("--target-column", "y")
    done = nll("compute", "x.tar.gz", *words, "-q")
    assert done.code == 3
    assert "x.tar.gz: is a tar archive" in done.err
    assert len(offered(done)) == (2 if names == ("a.csv", "b.csv") else 1)
    for line in offered(done):
        assert float(run(line).out) == LOSS


def test_text_about_the_data_is_not_offered(folder):
    files = {"README.md": b"# data\n", "x.npy": npy(LOGITS), "make.py": b"pass\n"}
    with tarfile.open("x.tar", "w") as written:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            written.addfile(about, io.BytesIO(data))
    assert answers("compute", "x.tar", "y.txt", "-q") == [LOSS]
    (folder / "x.zip").write_bytes(archive(README_md=b"# data\n", x_csv=CSV.encode()))
    assert float(nll("compute", "x.zip", "--target-column", "y", "-q").out) == LOSS
    (folder / "x.zip").write_bytes(archive(x_md=CSV.encode()))  # all there is
    assert float(nll("compute", "x.zip", "--target-column", "y", "-q").out) == LOSS
