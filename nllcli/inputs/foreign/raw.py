"""Numbers without a header, as numpy.tofile and memory maps write them: sizes and values tell what they may be."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, NllError, Remedy
from nllcli.inputs.arrays.raw import widened
from nllcli.inputs.bytes.files import open_stream
from nllcli.inputs.foreign.conversions import Conversion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream

_BFLOAT16 = "u2"  # NumPy has none: it is the upper half of a float32
_FLOATS = {"f4": "float32", "f8": "float64", "f2": "float16", _BFLOAT16: "bfloat16"}
_INTEGERS = {"i8": "int64", "i4": "int32", "i2": "int16", "u1": "uint8"}
_IGNORED = (-100, -1, 255)
_SEEN_BYTES = 1 << 16
_LARGEST, _SMALLEST = 1e5, 1e-7


def raw_refusal(conversion: Conversion, message: str) -> DataError:
    """The refusal of numbers without a header, with the readings that sizes and values allow."""
    read = {"logits": _logits, "targets": _targets}.get(conversion.use.role)
    remedies = list(read(conversion)) if read and not conversion.stream.opening else []
    hint = "numpy.fromfile(FILE, 'f4').reshape(-1, C) reads float32 of C classes, and numpy.save writes .npy"
    return DataError(message, where=conversion.path, hint=hint, remedies=remedies)


def _logits(conversion: Conversion) -> Iterator[Remedy]:
    use, path, to = conversion.use, conversion.path, conversion.new(".logits.npy")
    if use.targets is None:
        return
    size, head = conversion.stream.n_bytes or 0, conversion.stream.peek(_SEEN_BYTES)
    targets, known = _numbers_of(use.targets)
    for code, n in known:
        for kind, name in _FLOATS.items():
            n_classes, rest = divmod(size, n * np.dtype(kind).itemsize)
            if rest or n_classes < 2 or not _are_scores(head, kind):
                continue
            if targets is not None and not _are_labels(targets, code, n_classes):
                continue
            array = f"{_read(path, kind)}.reshape({n}, {n_classes})"
            python = f"import numpy; numpy.save({to!r}, {array})"
            files, meaning = {use.path: to}, f"{name} ({n}, {n_classes})"
            if targets is not None:
                labels = Conversion(conversion.kind, targets, None, use).new(".labels.npy")
                python += f"; numpy.save({labels!r}, numpy.fromfile({use.targets!r}, {code!r}))"
                files[use.targets] = labels
                meaning += f", targets {_INTEGERS[code]}"
            yield Remedy({}, meaning, files, python)


def _read(path: str, kind: str) -> str:
    """The Python that reads numbers of a kind."""
    numbers = f"numpy.fromfile({path!r}, {kind!r})"
    return f"({numbers}.astype('u4') << 16).view('f4')" if kind == _BFLOAT16 else numbers


def _targets(conversion: Conversion) -> Iterator[Remedy]:
    shape, size = conversion.use.shape or (None,), conversion.stream.n_bytes or 0
    known = [n for n in shape if n is not None]
    if len(known) < len(shape) or not all(known):
        return
    to, head = conversion.new(".labels.npy"), conversion.stream.peek(_SEEN_BYTES)
    axes = sorted({min(1, len(known) - 1), len(known) - 1})
    for axis in axes:
        n = prod(known) // known[axis]
        for kind, name in _INTEGERS.items():
            if size == n * np.dtype(kind).itemsize and _fits_labels(head, kind, known[axis]):
                rest = tuple(known[:axis] + known[axis + 1 :])
                code = f"numpy.fromfile({conversion.path!r}, {kind!r}).reshape({rest})"
                python = f"import numpy; numpy.save({to!r}, {code})"
                yield Remedy({}, f"{name} {rest}", {conversion.use.path: to}, python)


def _numbers_of(path: str) -> tuple[ByteStream | None, list[tuple[str, int]]]:
    """The stream of a file of raw targets (None: they are read otherwise), and each kind and number they can be of."""
    from nllcli.inputs.formats import ReadOptions, Use, is_raw, open_input

    try:
        stream = open_stream(path)
        if is_raw(stream):
            size = stream.n_bytes or 0
            widths = [(code, np.dtype(code).itemsize) for code in _INTEGERS]
            return stream, [(code, size // width) for code, width in widths if size and size % width == 0]
        opened = open_input(path, use=Use("targets"))
        if opened.is_text:
            lines = sum(1 for line in opened.stream.read_up_to(1 << 30).split(b"\n") if line.strip())
            return None, [("", n) for n in (lines, lines - 1) if n > 0]
        shape = opened.read(ReadOptions(holds="targets")).shape
    except NllError:
        return None, []
    n = prod(each or 0 for each in shape)
    return None, [("", n)] if n else []


def _are_scores(head: bytes, kind: str) -> bool:
    """Whether bytes look like numbers of a kind that models give."""
    with np.errstate(invalid="ignore"):  # of a signalling NaN
        values = np.abs(_values(head, "V2" if kind == _BFLOAT16 else kind).astype(np.float64))
    return bool(np.isfinite(values).all() and (values < _LARGEST).all() and np.mean(values < _SMALLEST) < 0.5)


def _are_labels(stream: ByteStream, kind: str, n_classes: int) -> bool:
    return _fits_labels(stream.peek(_SEEN_BYTES), kind, n_classes)


def _fits_labels(head: bytes, kind: str, n_classes: int) -> bool:
    values = _values(head, kind)
    return bool(((values >= 0) & (values <= n_classes) | np.isin(values, _IGNORED)).all())


def _values(head: bytes, kind: str) -> NDArray[Any]:
    dtype = np.dtype(kind)
    return widened(np.frombuffer(head[: len(head) // dtype.itemsize * dtype.itemsize], dtype))
