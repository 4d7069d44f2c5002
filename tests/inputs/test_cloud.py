"""Objects in cloud storage: through obstore where that is installed, and through a stand-in that behaves as it does."""

import io
import json
import math
import re
import shlex
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from following import offered, run
from in_process import nll

from nllcli.errors import FaultError
from nllcli.inputs.bytes.files import open_stream

RNG = np.random.default_rng(32)
LOGITS = RNG.normal(0, 3, (20_000, 5))
TARGETS = RNG.integers(0, 5, 20_000)


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


OBJECTS = {"run 1/x.npy": npy(LOGITS), "y.npy": npy(TARGETS), "empty.csv": b""}


class PreconditionError(Exception):
    """As obstore raises it."""


class Store:
    """What stands in for obstore: the objects of one bucket, and what was asked."""

    def __init__(self):
        self.objects = dict(OBJECTS)
        self.opened = []
        self.asked = []
        self.tagged = True
        self.failure = None

    def from_url(self, url, retry_config):
        self.opened.append(url)
        assert retry_config["max_retries"] == 2
        return self

    def head(self, _, key):
        if key not in self.objects:
            address = f"http://host/{key}?X-Amz-Signature=KEPT"
            told = f"Object at location {key} not found: Error performing HEAD {address} in 3.1ms - "
            raise FileNotFoundError(f"{told}Server returned non-2xx status code: 404 Not Found: \n\nDebug source:\n...")
        return {"size": len(self.objects[key]), "e_tag": self.tag(key)}

    def tag(self, key):
        return f'"{hash(self.objects[key])}"' if self.tagged else None

    def get(self, _, key, options):
        if self.failure is not None:
            raise self.failure
        self.asked.append(options)
        if options.get("if_match", self.tag(key)) != self.tag(key):
            raise PreconditionError("Request precondition failure")
        first, end = options["range"]
        data = self.objects[key][first:end]
        return types.SimpleNamespace(bytes=lambda: data)


@pytest.fixture
def store(monkeypatch):
    """The stand-in in the place of obstore."""
    found = Store()
    package = types.ModuleType("obstore")
    package.head, package.get = found.head, found.get
    stores = types.ModuleType("obstore.store")
    stores.from_url = found.from_url
    monkeypatch.setitem(sys.modules, "obstore", package)
    monkeypatch.setitem(sys.modules, "obstore.store", stores)
    return found


def loss_of(*words):
    return nll("compute", *words, "-f", "json").json["loss"]


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "S3"])
def test_arrays(scheme, store):
    loss = loss_of(f"{scheme}://bucket/run 1/x.npy", f"{scheme}://bucket/y.npy")
    rows = zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)
    losses = [math.log(math.fsum(map(math.exp, row))) - row[t] for row, t in rows]
    assert loss == pytest.approx(math.fsum(losses) / len(losses), rel=1e-13)
    assert set(store.opened) == {f"{scheme.lower()}://bucket"}
    assert all("if_match" in options for options in store.asked)


def test_an_empty_object(store):
    done = nll("compute", "s3://bucket/empty.csv")
    assert (done.code, done.err) == (3, "nll: error: s3://bucket/empty.csv: is empty\n")
    assert store.asked == []


def test_an_object_that_is_missing(store):  # noqa: ARG001 - it stands in for the package
    done = nll("compute", "s3://bucket/none.npy")
    told = "s3://bucket/none.npy: cannot be opened: the server answers 404 Not Found"
    assert (done.code, done.err) == (4, f"nll: error: {told}\n")


@pytest.mark.parametrize("path", ["s3://", "s3://bucket", "gs://bucket/", "az:///x.npy"])
def test_no_object_is_named(path, store):  # noqa: ARG001 - it stands in for the package
    done = nll("compute", path)
    assert done.code == 2
    assert "is not followed by a bucket and the name of an object" in done.err


@pytest.mark.parametrize("tagged", [True, False])
def test_an_object_that_changes(tagged, store):
    store.tagged = tagged
    file = open_stream("s3://bucket/run 1/x.npy").file
    store.objects["run 1/x.npy"] = RNG.bytes(1 << 19) if tagged else b""
    message = "changed while it was read" if tagged else "became shorter while it was read"
    with pytest.raises(FaultError, match=f"x: {message}"):
        file.read_into(memoryview(bytearray(1 << 19)), 0, "x")


def test_a_failure_is_told_without_addresses(store):
    file = open_stream("s3://bucket/y.npy").file
    store.failure = RuntimeError("Generic S3 error in 2s, after 2 retries - HTTP error for http://h/?sig=KEPT: refused")
    with pytest.raises(FaultError) as caught:
        file.read_at(1, 0, "y.npy")
    assert str(caught.value) == "y.npy: cannot be read: HTTP error for it refused"


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.chdir(tmp_path)
    done = nll("compute", "s3://bucket/x.npy")
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "nll: error: s3://bucket/x.npy: s3:// needs the package obstore",
    )
    (line,) = offered(done)
    assert line == "pip install 'nllcli[cloud]' && nll compute s3://bucket/x.npy"
    # What pip would do, in a folder of its own.
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@" > asked\n')
    (tmp_path / "pip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert run(line).err.startswith("nll: error: s3://bucket/x.npy: ")
    assert (tmp_path / "asked").read_text() == "install nllcli[cloud]\n"


@pytest.fixture
def moto(monkeypatch):
    for package in ("obstore", "boto3", "flask"):
        pytest.importorskip(package)
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"ENDPOINT_URL": f"http://{host}:{port}", "ALLOW_HTTP": "true", "REGION": "us-east-1"}
    for name, value in {**settings, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "KEPT"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield server
    server.stop()


@pytest.mark.uncounted
def test_against_a_server(moto, tmp_path, monkeypatch):  # noqa: ARG001 - the environment names it
    import boto3

    monkeypatch.chdir(tmp_path)
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    for key, data in OBJECTS.items():
        client.put_object(Bucket="bucket", Key=key, Body=data)
        (tmp_path / key.rpartition("/")[2]).write_bytes(data)
    there = nll("compute", "s3://bucket/run 1/x.npy", "s3://bucket/y.npy", "-f", "json")
    here = nll("compute", "x.npy", "y.npy", "-f", "json")
    assert there.out.replace("s3://bucket/run 1/", "").replace("s3://bucket/", "") == here.out
    assert json.loads(here.out)["n_samples"] == len(TARGETS)
    assert nll("compute", "s3://bucket/empty.csv").err == "nll: error: s3://bucket/empty.csv: is empty\n"
    assert nll("compute", "s3://bucket/none.npy").err.endswith("cannot be opened: the server answers 404 Not Found\n")
    file = open_stream("s3://bucket/run 1/x.npy").file
    client.put_object(Bucket="bucket", Key="run 1/x.npy", Body=OBJECTS["run 1/x.npy"][::-1])
    with pytest.raises(FaultError, match="x: changed while it was read"):
        file.read_into(memoryview(bytearray(1 << 19)), 0, "x")


def test_the_line_of_the_readme_reads_a_bucket(store, tmp_path, monkeypatch):
    """README shows a bucket of shards; here it is the stand-in's."""
    monkeypatch.chdir(tmp_path)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(nll compute 's3://[^`]*)`", readme)
    for i, rows in enumerate(np.split(np.arange(len(TARGETS)), [5_000, 5_001])):
        store.objects |= {f"x-{i}.npy": npy(LOGITS[rows]), f"y-{i}.npy": npy(TARGETS[rows])}
    np.save("x.npy", LOGITS)
    np.save("y.npy", TARGETS)
    done = nll(*shlex.split(line)[1:], "-q")
    assert (done.code, done.err) == (0, "")
    assert done.out == nll("compute", "x.npy", "y.npy", "-q").out
