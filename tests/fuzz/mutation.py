"""Damaged files: seeds of every format, edits that damage them, and the check that nothing but NllError comes of it."""

import bz2
import io
import json
import lzma
import pickle
import random
import sys
import tempfile
import time
import warnings
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from corpus.awkward import cases

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import NllError
from nllcli.inputs.counting import count_targets
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.token_logs.opening import open_tokens

_ROWS = [[1.5, -0.25, 2.0], [0.5, 0.125, -3.0], [1.0, 1.0, 7.0]]
_TARGETS = [0, 2, 1]


def _zipped():
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", kind) as archive:
            archive.writestr("logits.csv", _text())
            if kind == zipfile.ZIP_STORED:
                archive.writestr("labels.csv", "0\n2\n1\n")
        yield out.getvalue()


def _text():
    return "".join(f"{','.join(map(repr, row))}\n" for row in _ROWS)


def _pickles():
    pair = {"logits": np.array(_ROWS), "labels": np.array(_TARGETS)}
    for protocol in (2, 4):
        yield pickle.dumps(pair, protocol)
        yield pickle.dumps([(row, target) for row, target in zip(_ROWS, _TARGETS, strict=True)], protocol)


def _arrow_streams():
    import pyarrow

    table = pyarrow.table({"a": [0.5, 1.5, 2.5], "b": [1.0, 2.0, 3.0], "label": _TARGETS})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    yield sink.getvalue().to_pybytes()


def _json_arrays():
    yield json.dumps(_ROWS).encode()
    yield json.dumps([{"logits": row, "label": y} for row, y in zip(_ROWS, _TARGETS, strict=True)]).encode()


def _token_logs():
    content = [{"token": word, "logprob": -0.5, "top_logprobs": []} for word in ("a", "b")]
    yield json.dumps({"choices": [{"message": {"content": "ab"}, "logprobs": {"content": content}}]}).encode()
    yield b'data: {"choices": [{"logprobs": {"token_logprobs": [null, -0.5, -1.25]}}]}\n\ndata: [DONE]\n'
    yield b'{"prompt_logprobs": [null, {"5": {"logprob": -0.5, "rank": 1}}]}\n'


_MADE = {
    "zip": _zipped,
    "bz2": lambda: [bz2.compress(_text().encode())],
    "xz": lambda: [lzma.compress(_text().encode()), lzma.compress(_text().encode(), lzma.FORMAT_ALONE)],
    "pickle": _pickles,
    "json": _json_arrays,
    "tokens": _token_logs,
    **({"arrow": _arrow_streams} if find_spec("pyarrow") else {}),
}
FORMATS = ("npy", "npz", "csv", "jsonl", "safetensors", *_MADE)
_LONGEST_SEED = 5000
_TOKENS = (
    *(
        b"0",
        b"1",
        b"-1",
        b"1e400",
        b"nan",
        b"inf",
        b"1_000",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"9" * 30,
        b"",
        b"2",
    ),
    *(b",", b";", b"\t", b" ", b"\n", b"\r", b"\r\n", b'"', b"'", b"#", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"(", b")", b"[", b"]", b"{", b"}", b":", b"(3, 3)", b"<f4", b"|O", b"|V2", b"True", b"\\u0000", b"\x80\x04"),
    *(
        n.to_bytes(width, "little")
        for width in (2, 4, 8)
        for n in (0, 1, 2, 255, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
    ),
)


@cache
def seeds(format_name, whole=False):
    """Files of a format, awkward ones too unless all are to be ``whole``."""
    if format_name in _MADE:
        return sorted(_MADE[format_name]())
    endings = {"csv": (".csv", ".txt", ".gz"), "npy": (".npy",), "npz": (".npz",)}.get(
        format_name, (f".{format_name}",)
    )
    found = {
        data
        for case in cases()
        if not (whole and case.code)
        for name, data in case.files.items()
        if name.endswith(endings) and 0 < len(data) < _LONGEST_SEED
    }
    return sorted(found)


def edited(data, edits):
    """``data`` with each edit (position, length, replacement) made in turn; a position past the end wraps around."""
    for position, length, replacement in edits:
        at = position % (len(data) + 1)
        data = data[:at] + replacement + data[at + length :]
    return data


def random_edits(rng):
    """A few edits: tokens of the formats, bits, runs cut out or added."""
    edits = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        token = rng.choice(_TOKENS) if rng.random() < 0.7 else rng.randbytes(rng.choice((1, 1, 2, 4)))
        # Headers are at the beginning and directories at the end; both deserve more than their share.
        position = rng.choice((rng.randrange(256), rng.randrange(1 << 16), -rng.randrange(1, 100)))
        edits.append((position, rng.choice((len(token), len(token), 0, 1, rng.randrange(40))), token))
    return edits


def survive(data, path):
    """Read ``data`` as logits and as targets; raises whatever is not NllError. Returns the values, if there are any."""
    path.unlink(missing_ok=True)  # to write over a file waits for the disk on some systems
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning would be a line on standard error that nobody meant
        return _survive(path)


def _survive(path):
    values = None
    try:
        dataset = open_dataset(InputOptions(str(path)))
        values = [chunk.load(Scratch()).logits for chunk in dataset.chunks(1 << 10)]
    except NllError as error:
        _check_message(error)
    if b"logprob" in path.read_bytes():
        try:
            open_tokens(InputOptions(str(path)))
        except NllError as error:
            _check_message(error)
    try:
        count_targets(str(path))
    except NllError as error:
        _check_message(error)
    return values


def _check_message(error):
    assert error.message
    assert error.where
    assert len(error.message) < 1000


def run(n_inputs, seed=0):
    """Read ``n_inputs`` damaged files, as fast as can be; returns how many gave values."""
    rng = random.Random(seed)
    accepted, begun = 0, time.monotonic()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "x"
        for i in range(n_inputs):
            data = edited(rng.choice(seeds(FORMATS[i % len(FORMATS)], rng.random() < 0.7)), random_edits(rng))
            try:
                accepted += survive(data, path) is not None
            except BaseException:
                kept = Path(tempfile.gettempdir()) / "nll-fuzz-failure"
                kept.write_bytes(data)
                print(f"input {i} of seed {seed} is kept in {kept}", file=sys.stderr)
                raise
            if (i + 1) % 50_000 == 0:
                rate = (i + 1) / (time.monotonic() - begun)
                print(f"{i + 1} inputs, {accepted} accepted, {rate:.0f} a second", flush=True)
    return accepted
