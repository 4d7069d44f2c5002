"""Inputs at addresses of the web: the numbers of local files, few requests, clear errors, and no secret anywhere."""

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
from itertools import pairwise

import numpy as np
import pytest
from following import offered, outcomes, run
from in_process import nll
from range_server import serving

from nllcli.data.blocks import Chunk, Scratch
from nllcli.data.settings import InputOptions
from nllcli.engine import map_blocks
from nllcli.errors import FaultError, UsageError
from nllcli.inputs.bytes import http, hub, remote, sites
from nllcli.inputs.bytes.files import can_be_read_again, open_stream, split_member, version_of
from nllcli.inputs.bytes.urls import shown_url, with_member
from nllcli.inputs.opening import open_dataset

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


@pytest.mark.uncounted
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
    assert ranges_of(server) == [f"bytes={first}-{end - 1}" for first, end in pairwise(ends)]


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
    monkeypatch.setattr("nllcli.engine.policy.available_processors", lambda: 2)
    asked = []

    def map_on_threads(_, chunks, threads):
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
        (
            "ftp://me:PASSED@host/x.npy",
            "ftp://host/x.npy: ftp:// is not read; http(s)://, hf://, s3://, gs:// and az://",
        ),
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
        with pytest.raises(FaultError, match="npy: changed while it was read"):
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


def test_a_host_that_is_not_found(monkeypatch):
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
def test_a_server_that_speaks_something_else(answer, told):
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


# --- redirections, tokens, proxies ------------------------------------------------------------------------------------


@pytest.fixture
def other():
    with serving() as running:
        yield running


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirections_are_followed_once_and_remembered(status, server, other):
    other.files["/there/x"] = data = RNG.bytes(1 << 19)
    server.answers = [(status, {"Location": "/moved"}), (status, {"Location": f"{other.url}/there/x?sign=KEPT"})]
    server.needs = "Basic bWU6UEFTU0VE"
    file = open_stream(f"{server.url}/x".replace("//", "//me:PASSED@")).file
    view = memoryview(bytearray(len(data)))
    file.read_into(view, 0, "x")
    assert bytes(view) == data
    assert [(path, headers.get("Authorization")) for path, headers in server.asked] == [
        ("/x", "Basic bWU6UEFTU0VE"),
        ("/moved", "Basic bWU6UEFTU0VE"),
    ]
    # Who asks is told to no other server; which version is wanted, to none that may know it by another name.
    assert [{"Authorization", "If-Match"} & headers.keys() for _, headers in other.asked] == [set(), set()]


def test_a_redirection_whose_time_is_over_is_asked_for_anew(server, other, slept):
    other.files["/one"] = other.files["/two"] = data = RNG.bytes(1 << 19)
    server.answers = [(302, {"Location": f"{other.url}/{name}"}) for name in ("one", "two")]
    file = open_stream(f"{server.url}/x").file
    other.answers = [403]
    view = memoryview(bytearray(len(data)))
    file.read_into(view, 0, "x")
    assert bytes(view) == data
    assert [path for path, _ in other.asked] == ["/one", "/one", "/two"]
    assert slept == [0.5]


def test_a_redirection_to_another_version(server, other):
    other.files["/one"], other.files["/two"] = RNG.bytes(1 << 19), RNG.bytes(1 << 19)
    server.answers = [(302, {"Location": f"{other.url}/{name}"}) for name in ("one", "two")]
    file = open_stream(f"{server.url}/x").file
    del other.files["/one"]
    with pytest.raises(FaultError, match="changed while it was read"):
        file.read_into(memoryview(bytearray(1 << 19)), 0, "x")


def test_redirections_without_end(server):
    server.answers = [(302, {"Location": "/x?sign=KEPT"})] * 9
    told = f"{server.url}/x: cannot be opened: more than 5 redirections"
    assert refused("compute", f"{server.url}/x") == (4, told, [])
    assert len(server.asked) == 6


def test_a_redirection_to_no_address_of_the_web(server):
    server.answers = [(302, {"Location": "file:///etc/passwd"})]
    assert refused("compute", f"{server.url}/x") == (
        2,
        "file://: is not followed by a host, and perhaps a port",
        [],
    )


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("hf://datasets/org/name/a b/x.npy", "/datasets/org/name/resolve/main/a%20b/x.npy"),
        ("hf://org/name@v1.0/x.npy", "/org/name/resolve/v1.0/x.npy"),
        ("hf://spaces/org/name@refs/pr/3/d/x.npy", "/spaces/org/name/resolve/refs%2Fpr%2F3/d/x.npy"),
    ],
)
def test_files_on_the_hub(path, asked, server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    server.files[asked] = npy(LOGITS)
    assert nll("compute", path, f"{server.url}/targets.npy", "-f", "json").json["n_samples"] == N
    assert server.asked[0][0] == asked


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_token_of_the_hub(where, server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.needs = "Bearer hf_KEPT"
    server.files["/org/name/resolve/main/x.csv"] = b"1,2\n3,4\n"
    told = "hf://org/name/x.csv: cannot be opened: the server answers 401 Unauthorized"
    hint = ["hint: HF_TOKEN holds the token of somebody who may read it"]
    assert refused("softmax", "hf://org/name/x.csv") == (4, told, hint)
    if where == "environment":
        monkeypatch.setenv("HF_TOKEN", " hf_KEPT\n")
    else:
        (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
        (tmp_path / ".cache" / "huggingface" / "token").write_text("hf_KEPT\n")
    assert nll("softmax", "hf://org/name/x.csv").code == 0


def test_nobody_but_the_hub_hears_the_token(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_KEPT")
    server.files["/x.csv"] = b"1,2\n3,4\n"
    assert nll("softmax", f"{server.url}/x.csv").code == 0
    assert all("Authorization" not in headers for _, headers in server.asked)
    assert hub.token_for("https://huggingface.co/org/name/resolve/main/x") == "hf_KEPT"
    for url in ("http://huggingface.co/x", "https://huggingface.co.example/x", "https://host/huggingface.co/x"):
        assert hub.token_for(url) is None
    monkeypatch.delenv("HF_TOKEN")
    assert hub.token() is None


def test_a_proxy(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//me:PASSED@"))
    server.files["/x.csv"] = b"1,2\n3,4\n"
    assert nll("softmax", "http://far.example:81/x.csv").code == 0
    path, headers = server.asked[0]
    assert (path, headers["Host"]) == ("http://far.example:81/x.csv", "far.example:81")
    assert headers["Proxy-Authorization"] == "Basic bWU6UEFTU0VE"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert nll("softmax", f"{server.url}/x.csv").code == 0
    assert server.asked[-1][0] == "/x.csv"


def test_a_proxy_without_a_port(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://host:port")
    done = nll("compute", f"{server.url}/x.npy", f"{server.url}/y.npy")
    assert (done.code, done.err) == (2, "nll: error: 127.0.0.1: the port of http_proxy is not a number\n")


def test_a_proxy_that_lets_nobody_through(server, monkeypatch):
    monkeypatch.setenv("https_proxy", server.url.removeprefix("http://"))
    told = "https://far.example/x.csv: cannot be reached: tunnel connection failed: 403 Forbidden"
    assert refused("softmax", "https://me:PASSED@far.example/x.csv?key=KEPT") == (4, told, [])
    assert server.asked[0][0] == "far.example:443"
    assert "Authorization" not in server.asked[0][1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, which makes a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "cert.pem", folder / "key.pem"
    made_by = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made_by, *about, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def test_encrypted(certificate, monkeypatch, slept):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serving(context) as server:
        server.files["/x.csv"] = b"1,2\n3,4\n"
        sites._certificates.cache_clear()
        url = f"{server.url}/x.csv"
        assert url.startswith("https://")
        told = f"{url}: cannot be reached: self-signed certificate"
        assert refused("softmax", url) == (4, told, [])
        assert slept == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        sites._certificates.cache_clear()
        assert nll("softmax", url).code == 0
    sites._certificates.cache_clear()


# --- other processes, second passes -----------------------------------------------------------------------------------


def test_a_file_pickles_as_its_address(server):
    server.files["/x"] = data = RNG.bytes(1 << 19)
    file = open_stream(f"{server.url}/x?key=KEPT").file
    again = pickle.loads(pickle.dumps(file))
    assert (again.version(), again.read_at(9, 1 << 18, "x")) == (file.version(), data[1 << 18 : (1 << 18) + 9])
    assert repr(again).count("KEPT") == repr(file).count("KEPT")
    server.ranges = False
    with pytest.raises(UsageError, match="/x: cannot be handed to another process"):
        pickle.loads(pickle.dumps(file))


def test_a_dataset_travels(server):
    server.files["/x.npy"] = npy(LOGITS)
    options = InputOptions(f"{server.url}/x.npy", f"{server.url}/targets.npy")
    dataset = open_dataset(options)
    n = len(server.asked)
    pieces = [pickle.dumps(dataset) for _ in range(3)]
    assert len(server.asked) == n + 2  # which versions they are is asked once
    found = pickle.loads(pieces[0])
    np.testing.assert_array_equal(next(iter(found.chunks(N))).load(Scratch()).logits, LOGITS)
    server.files["/x.npy"] = npy(-LOGITS)
    with pytest.raises(FaultError, match="npy: changed while it was read"):
        pickle.loads(pieces[1])
    server.ranges = False
    assert version_of(options.logits) is None
    assert open_dataset(options).opened_anew() is None


def test_an_address_can_be_read_again(server):
    assert can_be_read_again(f"{server.url}/x.csv")
    server.files["/x.csv"] = b"a,b,y\n1,2,0\n3,4,1\n2,2,0\n"
    done = nll("compute", f"{server.url}/x.csv", "--target-column", "y", "--counts", "targets", "-f", "json")
    assert done.json["n_samples"] == 3


def test_weights_matched_by_key(server, tmp_path):
    server.files["/x.csv"] = b"id,a,b,y\nu,1,2,0\nv,3,4,1\nw,2,2,0\n"
    server.files["/w.csv"] = b"id,w\nw,3\nu,1\nv,2\n"
    words = "x.csv", "--target-column", "y", "--id", "id", "-q", "--sample-weights"
    for name, data in server.files.items():
        if name.endswith(".csv"):
            (tmp_path / name[1:]).write_bytes(data)
    there = nll("compute", f"{server.url}/x.csv", *words[1:], f"{server.url}/w.csv")
    assert (there.code, there.out) == (0, nll("compute", *words, "w.csv").out)


# --- several files ----------------------------------------------------------------------------------------------------


def test_several_files(server, tmp_path):
    (tmp_path / "p").mkdir()
    for i in range(3):
        part = slice(i * N // 3, (i + 1) * N // 3)
        for name, values in (("x", LOGITS[part]), ("y", TARGETS[part])):
            server.files[f"/p/{name}-{i}.npy"] = npy(values)
            (tmp_path / "p" / f"{name}-{i}.npy").write_bytes(npy(values))
    server.files["/p/list.txt"] = b"".join(b"x-%d.npy y-%d.npy\n" % (i, i) for i in range(3))
    at, query = f"{server.url.replace('//', '//me:PASSED@')}/p/", "?key=KEPT"
    here = nll("compute", "p/x-{0..2}.npy", "p/y-{0..2}.npy")
    there = nll("compute", f"{at}x-{{0..2}}.npy{query}", f"{at}y-{{0..2}}.npy{query}")
    assert there.out.replace(f"{server.url}/", "") == here.out
    listed = nll("compute", f"@{at}list.txt", "-q")
    assert (listed.code, float(listed.out)) == (
        0,
        pytest.approx(nll("compute", "p/x-{0..2}.npy", "p/y-{0..2}.npy", "-f", "json").json["loss"]),
    )
    server.files["/p/y-1.npy"] = npy(TARGETS[:5])
    server.files["/p/x-2.npy"] = b"a,b\n51.8%,48.2%\n"
    runs = [(f"{at}x-{{0..2}}.npy{query}", f"{at}y-{{0..2}}.npy{query}"), (f"{at}x-*.npy{query}",)]
    runs += [(f"{at}x-{{0,0}}.npy{query}",), (f"{at}x-0-of-00003.npy{query}", f"{at}y-{{0..1}}.npy{query}")]
    for words in runs:
        done = nll("compute", *words)
        assert done.code in (2, 3)
        told = [line for line in done.err.splitlines() if not line.startswith("try: ")]
        assert not any(secret in line for secret in SECRETS for line in told), words


# --- what is told -----------------------------------------------------------------------------------------------------


def test_no_secret_is_told(server, tmp_path):
    """Names and passwords, and what comes after a question mark, are in no report, note or message."""
    address = server.url.replace("//", "//me:PASSED@")
    server.files |= {"/x.npy": npy(LOGITS), "/a.npz": npz(), "/w.npy": npy(np.ones(N)), "/short.npy": npy(TARGETS[1:])}
    server.files |= {"/x.csv": csv(), "/counts.txt": b"1\n" * C, "/bad.npy": npy(TARGETS + 1), "/odd.txt": b"\0\1"}

    def at(name):
        return f"{address}/{name}?key=KEPT"

    runs = [
        ("compute", at("x.npy"), at("targets.npy"), *more)
        for more in [
            (),
            ("-f", "json", "--per-sample"),
            ("-f", "markdown"),
            ("--sample-weights", at("w.npy"), "--shift", "1"),
            ("--weights", at("counts.txt")),
            ("--counts", at("counts.txt"), "-f", "json"),
            ("--sample-weights", at("short.npy")),
            ("-o", "report.json"),
        ]
    ]
    runs += [("compute", at("x.npy"), at(name)) for name in ("short.npy", "bad.npy", "none.npy", "x.npy", "odd.txt")]
    runs += [("check", at("x.npy"), at(name), "-f", "json") for name in ("targets.npy", "short.npy")]
    runs += [("check", at("x.npy"), at("targets.npy"), "--sample-weights", at("short.npy"))]
    runs += [("reconcile", at("x.npy"), at("targets.npy"), "--expect", "16.5", "-f", "json")]
    runs += [("explain", at("x.csv"), at("targets.npy")), ("weights", "--counts", at("counts.txt"))]
    runs += [("compute", at("x.npy"), "--id", "a"), ("softmax", at("x.npy:a")), ("grad", at("x.csv"), at("bad.npy"))]
    runs += [("compute", f"{address}/a.npz:nothing?key=KEPT", at("targets.npy"))]
    codes = set()
    for words in runs:
        done = nll(*words)
        codes.add(done.code)
        told = done.out + "".join(line for line in done.err.splitlines(keepends=True) if not line.startswith("try: "))
        assert [secret for secret in SECRETS if secret in told] == [], words
    assert codes == {0, 2, 3, 4, 5}
    assert not any(secret in (tmp_path / "report.json").read_text() for secret in SECRETS)


def test_remedies_name_addresses_as_they_were_typed(server):
    server.files["/a.npz"] = npz()
    done = nll("compute", f"{server.url}/a.npz?key=a", "-q")
    expected = nll("compute", f"{server.url}/a.npz:logits", f"{server.url}/a.npz:targets", "-q").out
    assert [run(line).out for line in offered(done)] == [expected]
    assert server.asked[-1][0] == "/a.npz?key=a"
    server.files["/t.csv"] = b"y,z,w\n0,1,1\n1,1,0\n"
    server.files["/x.csv"] = b"0.5,2.5\n3.5,4.5\n"
    done = nll("compute", f"{server.url}/x.csv", f"{server.url}/t.csv?key=a", "-q")
    assert offered(done)
    assert [run(line).code for line in offered(done)] == [0] * len(offered(done))


@pytest.mark.parametrize("url", ["{}", "me:PASSED@{}"])
def test_what_is_to_be_converted_is_saved_first(url, server, tmp_path):
    address = f"http://{url.format(server.url.removeprefix('http://'))}"
    table = b"a,b\n51.8%,48.2%\n10%,90%\n"
    server.files |= {"/d/x.csv": table, "/y.csv": b"0\n1\n"}
    done = nll("compute", f"{address}/d/x.csv?key=a&b=1", f"{address}/y.csv", "--from", "probs", "-q")
    (line,) = offered(done)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "x.csv").write_bytes(table)
    (tmp_path / "here" / "y.csv").write_bytes(b"0\n1\n")
    local = nll("compute", "here/x.csv", "here/y.csv", "--from", "probs", "-q")
    saved = run(line)
    assert (tmp_path / "x.csv").read_bytes() == table
    assert saved.err.splitlines()[0] == local.err.splitlines()[0].replace("here/", "")
    first = offered(saved)[0]
    assert run(first).out == run(offered(local)[0]).out != ""


TO_CONVERT = {
    "printed.jsonl": b"{'logits': [1, 2.5], 'target': 0}\n{'logits': [3, 1], 'target': 1}\n",
    "printed.jsonl.gz": gzip.compress(b"{'logits': [1, 2.5], 'target': 0}\n{'logits': [3, 1], 'target': 1}\n"),
    "pickled.pkl": pickle.dumps({"logits": LOGITS[:9].tolist(), "targets": TARGETS[:9].tolist()}),
    "total.csv": b"a,b,label\n" + b"1,2.5,a\n3,4.5,b\n" * 9 + b"total,7,\n",
}


@pytest.mark.parametrize("name", TO_CONVERT)
def test_one_step_more_leads_where_those_of_a_local_file_lead(name, server, tmp_path):
    server.files[f"/{name}"] = TO_CONVERT[name]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / name).write_bytes(TO_CONVERT[name])
    words = ("--target-column", "label") if name == "total.csv" else ()
    there = nll("compute", f"{server.url}/{name}?key=a", *words, "-q")
    here = nll("compute", f"here/{name}", *words, "-q")
    (line,) = offered(there)
    saved = run(line)
    assert (tmp_path / name).read_bytes() == TO_CONVERT[name]
    ends = {number for _, number in outcomes(saved)}
    assert ends == {number for _, number in outcomes(here)} != set()


def test_addresses_that_messages_call_the_same(server):
    server.files["/get"] = b"a,b\n51.8%,48.2%\n10%,90%\n"
    done = nll("compute", f"{server.url}/get?file=x", f"{server.url}/get?file=y", "--from", "probs")
    assert (done.code, offered(done)) == (2, [])
