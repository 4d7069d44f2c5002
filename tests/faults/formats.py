"""One command over each input format, written small, for the tests that disturb its reading."""

import gzip
import importlib.util
import io
import os
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from faults.conftest import LOGITS, TARGETS

HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None
OUTPUT = "out.npy"


@dataclass(frozen=True)
class Reading:
    """A command that reads ``data`` from the file ``name``, or from ``stdin``: "pipe" or "file"."""

    name: str
    data: bytes
    words: str = "softmax {name} -o {output}"
    stdin: str | None = None

    @property
    def argv(self):
        name = "-" if self.stdin else self.name
        return self.words.format(name=name, output=OUTPUT).split()

    @contextmanager
    def standard_input(self, pause=0):
        """Standard input as the command wants it, anew each time; into a pipe the bytes go with pauses (seconds)."""
        if self.stdin is None:
            yield
            return
        with pytest.MonkeyPatch.context() as monkeypatch, self._opened(pause) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            yield

    @contextmanager
    def _opened(self, pause):
        if self.stdin == "file":
            with open(self.name, "rb") as file:  # noqa: PTH123 - beside os.fdopen
                yield file
            return
        reading, writing = os.pipe()
        if pause:
            writer = threading.Thread(target=self._feed, args=(writing, pause))
            writer.start()
        else:
            os.write(writing, self.data)  # less than a pipe holds
            os.close(writing)
        with os.fdopen(reading, "rb") as file:
            yield file
        if pause:
            writer.join()

    def _feed(self, writing, pause):
        step = len(self.data) // 4
        for at in range(0, len(self.data), step):
            time.sleep(pause)
            os.write(writing, self.data[at : at + step])
        os.close(writing)


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def npz(values, compression):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("logits.npy", npy(values))
    return out.getvalue()


def text(values, line="{}\n"):
    return "".join(line.format(",".join(map(str, row))) for row in values.tolist()).encode()


def safetensors(values):
    header = f'{{"a":{{"dtype":"F64","shape":{list(values.shape)},"data_offsets":[0,{values.nbytes}]}}}}'.encode()
    return len(header).to_bytes(8, "little") + header + values.tobytes()


def columnar(values, kind):
    import pyarrow
    from pyarrow import feather, parquet

    table = pyarrow.table({f"c{i}": column for i, column in enumerate(values.T)})
    out = io.BytesIO()
    parquet.write_table(table, out) if kind == "parquet" else feather.write_feather(table, out)
    return out.getvalue()


def readings():
    """Every format from a file, and from wherever else it is read in another way."""
    values = LOGITS[:8]
    stored, deflated = (npz(values, kind) for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    found = {
        "csv.gz": Reading("x.csv.gz", gzip.compress(text(values))),
        "csv-pipe": Reading("x.csv", text(values), stdin="pipe"),
        "csv-redirected": Reading("x.csv", text(values), stdin="file"),
        "csv-turned": Reading("x.csv", text(values), "softmax {name} --class-axis 0 -o {output}"),
        "npy-pipe": Reading("x.npy", npy(values), stdin="pipe"),
        "npy-redirected": Reading("x.npy", npy(values), stdin="file"),
        "npz-stored": Reading("x.npz", stored),
        "npz-deflated": Reading("x.npz", deflated),
        "npz-pipe": Reading("x.npz", stored, stdin="pipe"),
        "safetensors": Reading("x.safetensors", safetensors(values)),
        "safetensors.gz": Reading("x.safetensors.gz", gzip.compress(safetensors(values))),
        "jsonl": Reading("x.jsonl", text(values, "[{}]\n")),
        "jsonl-pipe": Reading("x.jsonl", text(values, "[{}]\n"), stdin="pipe"),
        "targets.npy.gz": Reading("y.npy.gz", gzip.compress(npy(TARGETS)), "grad logits.npy {name} -o {output}"),
    }
    if HAS_PYARROW:
        found["parquet"] = Reading("x.parquet", columnar(values, "parquet"))
        found["feather"] = Reading("x.feather", columnar(values, "feather"))
        found["parquet-pipe"] = Reading("x.parquet", columnar(values, "parquet"), stdin="pipe")
    return found
