"""Inputs at addresses of the web: the numbers of local files, few requests, clear errors, and no secret anywhere."""

import copy
import gzip
import io
import json
import pickle
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import zipfile
from http import HTTPStatus

import numpy as np
import pytest
from following import offered, run
from in_process import nll
from range_server import serving

from nllcli.data.blocks import Chunk, Scratch
from nllcli.data.settings import InputOptions
from nllcli.engine import map_blocks
from nllcli.errors import FaultError, UsageError
from nllcli.inputs.bytes import http, hub, remote, sites
from nllcli.inputs.bytes.files import can_be_read_again, open_stream, split_member, version_of
from nllcli.inputs.bytes.remote import RemoteFile
from nllcli.inputs.bytes.urls import shown_url, with_member
from nllcli.inputs.dataset import open_dataset

RNG = np.random.default_rng(31)
N, C = 2500, 40  # of 8 bytes, several times what a first request brings
LOGITS = RNG.normal(0, 3, (N, C))
TARGETS = RNG.integers(0, C, N)
SECRETS = ("KEPT", "PASSED")


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def npz(compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, values in {"logits": LOGITS, "targets": TARGETS}.items():
            archive.writestr(f"{name}.npy", npy(values))
    return out.getvalue()


def safetensors():
    arrays = {"logits": (LOGITS, "F64"), "targets": (TARGETS, "I64")}
    header, at = {}, 0
    for name, (values, dtype) in arrays.items():
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for values, _ in arrays.values())


def csv():
    lines = [",".join(map(repr, row)) for row in LOGITS.tolist()]
    return "".join(f"{line}\n" for line in [",".join(f"c{c}" for c in range(C)), *lines]).encode()


def parquet():
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as written

    out = io.BytesIO()
    written.write_table(pa.table({f"c{c}": LOGITS[:, c] for c in range(C)}), out, row_group_size=700)
    return out.getvalue()


def feather():
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather as written

    out = io.BytesIO()
    written.write_feather(pa.table({f"c{c}": LOGITS[:, c] for c in range(C)}), out, chunksize=700)
    return out.getvalue()


def jsonl():
    rows = zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)
    return "".join(json.dumps({"logits": row, "target": t}) + "\n" for row, t in rows).encode()


# How each file is made, and how it is named: its logits, then its targets where those are not in targets.npy.
FILES = {
    "x.npy": (lambda: npy(LOGITS), "{}", None),
    "x.npy.gz": (lambda: gzip.compress(npy(LOGITS)), "{}", None),
    "stored.npz": (npz, "{}:logits", "{}:targets"),
    "deflated.npz": (lambda: npz(zipfile.ZIP_DEFLATED), "{}:logits", "{}:targets"),
    "a.safetensors": (safetensors, "{}:logits", "{}:targets"),
    "x.csv": (csv, "{}", None),
    "x.csv.gz": (lambda: gzip.compress(csv()), "{}", None),
    "x.jsonl": (jsonl, "{}", ""),
    "x.parquet": (parquet, "{}", None),
    "x.feather": (feather, "{}", None),
}


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.fixture(autouse=True)
def slept(tmp_path, monkeypatch):
    """How long was waited, in place of waiting; and nothing of whoever runs the tests is sent to anybody."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    waits = []
    monkeypatch.setattr(http.time, "sleep", waits.append)
    return waits


@pytest.fixture
def server():
    with serving() as running:
        running.files["/targets.npy"] = npy(TARGETS)
        yield running


def ranges_of(server):
    return [headers.get("Range") for _, headers in server.asked]


# --- the same numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranges", [True, False], ids=["by ranges", "front to back"])
@pytest.mark.parametrize("name", FILES)
def test_numbers_are_those_of_the_local_file(name, ranges, server, made, tmp_path, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 500 * C)
    data, logits, targets = FILES[name]
    made[name] = made.get(name) or data()
    server.files[f"/in/{name}"], server.ranges = made[name], ranges
    (tmp_path / name).write_bytes(made[name])
    (tmp_path / "targets.npy").write_bytes(npy(TARGETS))

    def reports(file, others):
        named = others if targets is None else targets.format(file)
        return nll("compute", logits.format(file), *([named] if named else []), "-f", "json", "--per-class").out

    there, here = reports(f"{server.url}/in/{name}", f"{server.url}/targets.npy"), reports(name, "targets.npy")
    assert json.loads(here)["n_samples"] == N
    assert there.replace(f"{server.url}/in/", "").replace(f"{server.url}/", "") == here


def test_an_array_takes_one_request_a_block_and_few_others(server, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1000 * C)
    server.files["/x.npy"] = npy(LOGITS)
    assert nll("compute", f"{server.url}/x.npy", f"{server.url}/targets.npy").code == 0
    begin, block = 128, 1000 * C * 8
    assert set(ranges_of(server)) == {
        "bytes=0-65535",
        f"bytes={begin}-{begin + block - 1}",
        f"bytes={begin + block}-{begin + 2 * block - 1}",
        f"bytes={begin + 2 * block}-{begin + N * C * 8 - 1}",
    }
    assert len(server.asked) == 5  # the targets fit into the first


def test_what_is_read_in_order_is_asked_for_in_longer_and_longer_pieces(server, monkeypatch):
    monkeypatch.setattr(remote, "_MOST_AHEAD", 1 << 20)
    server.files["/x"] = data = RNG.bytes(2_000_000)
    stream = open_stream(f"{server.url}/x")
    assert b"".join(iter(lambda: stream.read(1000), b"")) == data
    ends = [0, 1 << 16, 9 << 16, 25 << 16, len(data)]
    assert ranges_of(server) == [f"bytes={first}-{end - 1}" for first, end in zip(ends, ends[1:], strict=False)]


def test_short_reads_come_out_of_windows(server):
    data = RNG.bytes(1 << 20)
    server.files["/x"] = data
    file = open_stream(f"{server.url}/x").file
    for at, n in ((10, 5), (len(data) - 22, 22), (len(data) - 300, 100), (65_000, 2000), (600_000, 1), (400_000, 9)):
        assert file.read_at(n, at, "x") == data[at : at + n]
    assert file.read_at(5, len(data), "x") == b""
    assert ranges_of(server) == [
        "bytes=0-65535",
        f"bytes={len(data) - 65536}-{len(data) - 1}",
        "bytes=65000-589287",
        "bytes=589288-1048575",
    ]


def test_more_threads_wait_for_a_network_than_there_are_processors(monkeypatch):
    monkeypatch.setattr("nllcli.engine.available_threads", lambda: 2)
    asked = []

    def map_on_threads(work, chunks, threads):
        asked.append(threads)
        return ((chunk, None) for chunk in chunks)

    monkeypatch.setattr("nllcli.engine.threads.map_on_threads", map_on_threads)
    for remote_one, threads in ((False, None), (True, None), (True, 3)):
        chunks = [Chunk(i, 1, lambda _: None, remote=remote_one) for i in range(3)]
        assert len(list(map_blocks(lambda *_: None, chunks, threads=threads))) == 3
    assert asked == [2, 8, 3]


def test_an_empty_file(server):
    server.files["/x.csv"] = b""
    for server.ranges in (True, False):
        done = nll("compute", f"{server.url}/x.csv")
        assert (done.code, done.err) == (3, f"nll: error: {server.url}/x.csv: is empty\n")


def test_connections_stay_open_and_are_replaced_once_they_are_closed(server, slept):
    server.files["/x"] = data = RNG.bytes(1 << 20)
    for server.keeps_open in (True, False):
        file = open_stream(f"{server.url}/x").file
        view = memoryview(bytearray(len(data)))
        for _ in range(3):
            file.read_into(view, 0, "x")
        assert bytes(view) == data
        assert len(file.ranges._site.idle) == server.keeps_open
    server.keeps_open = True
    file = open_stream(f"{server.url}/x").file
    file.ranges._site.idle[0].sock.shutdown(socket.SHUT_RDWR)
    file.read_into(view, 0, "x")
    assert bytes(view) == data
    assert slept == []


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "file", "member"),
    [
        ("https://host/a.npz", "https://host/a.npz", None),
        ("https://host/a.npz:logits", "https://host/a.npz", "logits"),
        ("https://host:8080/x.npy", "https://host:8080/x.npy", None),
        ("https://host:8080/d/a.npz:model/logits", "https://host:8080/d/a.npz", "model/logits"),
        ("https://host/a.npz:logits?key=1:2", "https://host/a.npz?key=1:2", "logits"),
        ("https://host/a.npz?key=a:logits", "https://host/a.npz?key=a", "logits"),
        ("https://host/a.npz?until=2026-11-27T10:20:30Z", "https://host/a.npz?until=2026-11-27T10:20:30Z", None),
        ("https://host/run:3/x.npy", "https://host/run:3/x.npy", None),
        ("https://me:word@host/x.csv.gz:y", "https://me:word@host/x.csv.gz", "y"),
        ("s3://bucket/t.parquet:label", "s3://bucket/t.parquet", "label"),
        ("hf://datasets/o/n@v1/t.jsonl:a.b", "hf://datasets/o/n@v1/t.jsonl", "a.b"),
    ],
)
def test_members(path, file, member):
    assert split_member(path) == (file, member)
    if member is not None:
        assert split_member(with_member(file, member)) == (file, member)


def test_what_is_shown_of_an_address():
    assert shown_url("https://me:word@host:1/a.npz:x?key=1#y") == "https://host:1/a.npz:x"
    assert shown_url("https://host/a.npz?key=a:x") == "https://host/a.npz:x"
    assert shown_url("hf://o/n@v1/x.npy") == "hf://o/n@v1/x.npy"
    assert shown_url("a?b") == "a?b"
    assert with_member("https://host/get?file=a.npz", "x") == "https://host/get?file=a.npz:x"


def test_letters_that_are_escaped_on_the_way(server):
    server.files["/a%20b/%C3%BC.csv"] = b"1,2\n3,4\n"
    for path in ("/a b/ü.csv", "/a%20b/%C3%BC.csv"):
        assert nll("softmax", f"{server.url}{path}?q=x y").code == 0
    assert {path for path, _ in server.asked} == {"/a%20b/%C3%BC.csv?q=x%20y"}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("ftp://me:PASSED@host/x.npy", "ftp://host/x.npy: ftp:// is not read; http(s)://, hf://, s3://, gs:// and az://"),
        ("https://", "https://: is not followed by a host, and perhaps a port"),
        ("https://me:PAS/SED@host/x.npy", "https://: is not followed by a host, and perhaps a port"),
        ("http://[::1/x.npy", "http://: is not followed by a host, and perhaps a port"),
        ("hf://datasets/name/x.npy", "hf://datasets/name/x.npy: is not a file on the Hub"),
    ],
)
def test_what_is_not_an_address(path, told):
    done = nll("compute", path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"nll: error: {told}")
    assert "SED" not in done.err


# --- what servers answer ----------------------------------------------------------------------------------------------


def refused(*words):
    """The exit code and the one line of a command that is refused."""
    done = nll(*words)
    assert done.out == ""
    lines = done.err.splitlines()
    assert lines[0].startswith("nll: error: ")
    return done.code, lines[0].removeprefix("nll: error: "), lines[1:]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "404 Not Found"),
        (403, "403 Forbidden"),
        (418, "418 I'm a Teapot"),
        (599, "599"),
        (204, "204 No Content, not with the part of the file"),
        (416, f"416 {HTTPStatus(416).phrase}"),
        (304, "304 Not Modified"),
        (302, "302 Found"),  # to nowhere
    ],
)
def test_answers_that_are_final(status, words, server, slept):
    server.answers = [status]
    path = f"{server.url}/x.npy?key=KEPT"
    told = f"{server.url}/x.npy: cannot be opened: the server answers {words}"
    code, message, more = refused("compute", path)
    assert (code, message, more) == (4, told, [])
    assert (len(server.asked), slept) == (1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_answers_that_may_change(status, server, slept):
    server.files["/x.csv"] = b"1,2\n3,4\n"
    server.answers = [status, status]
    assert nll("softmax", f"{server.url}/x.csv").code == 0
    assert slept == [0.5, 2.0]
    server.answers = [status] * 3
    code, message, _ = refused("softmax", f"{server.url}/x.csv")
    assert (code, f"cannot be opened: the server answers {status} " in message) == (4, True)


def test_a_server_that_says_how_long_to_wait(server, slept):
    server.files["/x.csv"] = b"1,2\n3,4\n"
    server.answers = [(429, {"Retry-After": "3"}), (503, {"Retry-After": "86400"})]
    assert nll("softmax", f"{server.url}/x.csv").code == 0
    assert slept == [3.0, 10.0]


def test_answers_that_are_cut_short(server, slept):
    server.files["/x"] = data = RNG.bytes(1 << 20)
    server.cut = 2
    stream = open_stream(f"{server.url}/x")
    assert stream.read_up_to(len(data)) == data
    assert slept == [0.5, 2.0]
    server.cut = 3
    with pytest.raises(FaultError, match="x: cannot be read: the answer is cut short"):
        stream.file.read_into(memoryview(bytearray(len(data))), 0, "x")
    server.cut, server.ranges = 1, False
    stream = open_stream(f"{server.url}/x")
    with pytest.raises(FaultError, match="/x: cannot be read: the answer is cut short"):
        stream.read_up_to(len(data))


def test_a_server_that_stops_to_give_ranges(server):
    server.files["/x"] = data = RNG.bytes(1 << 20)
    file = open_stream(f"{server.url}/x").file
    server.ranges = False
    with pytest.raises(FaultError, match="x: cannot be read: the server answers 200 OK, not with the part of the file"):
        file.read_at(9, len(data) // 2, "x")


@pytest.mark.parametrize("tags", ["strong", "weak", "none", "times"])
def test_a_file_that_changes(tags, server, monkeypatch):
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 500 * C)
    server.files["/x.npy"], server.tags = npy(LOGITS), tags in ("strong", "weak")
    server.weak = "W/" if tags == "weak" else ""
    if tags == "times":
        server.headers = {"Last-Modified": "Wed, 25 Nov 2026 10:00:00 GMT"}
    dataset = open_dataset(InputOptions(f"{server.url}/x.npy"))
    chunks = list(dataset.chunks(500))
    server.files["/x.npy"] = npy(np.concatenate([LOGITS, LOGITS]) if tags == "none" else -LOGITS)
    if tags == "times":
        server.headers = {"Last-Modified": "Wed, 25 Nov 2026 11:00:00 GMT"}
    for chunk in chunks:
        with pytest.raises(FaultError, match="x.npy: changed while it was read"):
            chunk.load(Scratch())
    conditions = {"strong": "If-Match", "times": "If-Unmodified-Since"}.get(tags)
    sent = [{"If-Match", "If-Unmodified-Since"} & headers.keys() for _, headers in server.asked]
    assert sent == [set(), *[{conditions} if conditions else set()] * 5]


def test_that_nothing_changed_costs_no_request(server):
    server.files["/x.csv"] = b"1,2\n3,4\n"
    stream = open_stream(f"{server.url}/x.csv")
    for _ in range(3):
        stream.check_unchanged()
    assert len(server.asked) == 1


def test_nobody_is_there(slept):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x.npy"
        assert refused("compute", url) == (4, f"{url}: cannot be reached: connection refused", [])
    assert slept == [0.5, 2.0]


def test_a_host_that_is_not_found(monkeypatch, slept):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    url = "https://nowhere.invalid/x.npy"
    assert refused("compute", url) == (4, f"{url}: cannot be reached: name or service not known", [])


def test_a_server_that_does_not_answer(monkeypatch, slept):
    monkeypatch.setattr(sites, "_TIMEOUT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x.npy"
        assert refused("compute", url) == (4, f"{url}: cannot be reached: timed out", [])
    assert slept == [0.5, 2.0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        (b"", "remote end closed connection without response"),
    ],
)
def test_a_server_that_speaks_something_else(answer, told, slept):
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answering():
            for _ in range(3):
                connection, _ = other.accept()
                connection.recv(1 << 16)
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=answering)
        thread.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}/x.npy"
        assert refused("compute", url) == (4, f"{url}: cannot be reached: {told}", [])
        thread.join()


def test_a_host_that_cannot_be_a_name(slept):
    url = f"http://{'a' * 70}.example/x.npy"
    code, message, _ = refused("compute", url)
    assert (code, message.startswith(f"{url}: cannot be reached: ")) == (4, True)
    assert slept == []  # no second try changes it
