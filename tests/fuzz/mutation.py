"""Damaged files: seeds of every format, edits that damage them, and the check that nothing but NllError comes of it."""

import random
import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

from corpus.awkward import cases

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.errors import NllError
from nllcli.inputs.counting import count_targets
from nllcli.inputs.dataset import open_dataset

FORMATS = ("npy", "npz", "csv", "jsonl", "safetensors")
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
