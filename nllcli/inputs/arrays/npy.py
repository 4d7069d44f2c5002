"""NPY, NumPy's own format: the header by NumPy's reader, the data by positioned reads."""

from __future__ import annotations

import io
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, setting
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.formats import NPY_MAGIC
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.inputs.arrays.streamed import StreamedArray
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions

_MAX_HEADER = 10_000
_BFLOAT16 = np.dtype("V2")
_SWAPPED_BFLOAT16 = np.dtype([("bfloat16", np.dtype(np.uint16).newbyteorder())])
_REFUSED_KINDS = {
    "b": "booleans",
    "c": "complex numbers",
    "m": "time differences",
    "M": "dates",
    "O": "pickled Python objects",
    "S": "byte strings",
    "U": "strings",
    "V": "records or untyped bytes",
}


@dataclass(frozen=True)
class Header:
    """What an NPY header says, and its length in bytes."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    length: int

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class _NotNumbers(DataError):
    """An array of values that a command can turn into numbers; its header has some ``length``."""

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], length: int) -> None:
        super().__init__(f"holds {_REFUSED_KINDS[dtype.kind]} ({dtype}), not numbers")
        self.dtype, self.shape, self.length = dtype, shape, length


def header_of(stream: ByteStream, options: ReadOptions, archive: ByteStream | None = None, member: str = "") -> Header:
    """Read the header at the beginning of a stream, that of a ``member`` where it is in an ``archive``.

    Raises DataError, with what converts an array of other values than numbers.
    """
    try:
        return read_header(stream.peek(), stream.name, options)
    except _NotNumbers as found:
        from nllcli.inputs.foreign.conversions import array_refusal

        stream.read_up_to(found.length)
        about = found.message, found.dtype, found.shape
        raise array_refusal(about, stream, archive or stream, member, options.use) from None


def read_header(start: bytes, name: str, options: ReadOptions) -> Header:
    """Read the header at the beginning of ``start``; raises DataError, and never unpickles anything.

    Its dtype is the one as which to read the numbers.
    """
    width = 2 if start[6:7] == b"\x01" else 4
    if not start.startswith(NPY_MAGIC) or start[6:7] not in (b"\x01", b"\x02", b"\x03"):
        raise DataError("is not an NPY file of version 1, 2 or 3", where=name)
    length = int.from_bytes(start[8 : 8 + width], "little")
    end = 8 + width + length
    if length > _MAX_HEADER:
        raise DataError(f"its header claims {length} bytes; {_MAX_HEADER} is the most a header needs", where=name)
    if len(start) < end:
        raise DataError("ends within its header", where=name)
    # Version 3 differs from 2 only in the names of record fields, which are refused anyway.
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header may be legal and old
            shape, fortran, dtype = read(io.BytesIO(start[8:end]), max_header_size=_MAX_HEADER)
    except Exception as error:  # the header is parsed as Python, which fails in any of its ways
        raise DataError(f"its header is damaged: {str(error)[:120]}", where=name) from error
    if any(type(n) is not int or n < 0 for n in shape):
        raise DataError(f"its header gives the impossible shape {shape}", where=name)
    if dtype.kind == "O" or dtype.names or (dtype.kind in "US" and options.holds == "logits"):
        raise _NotNumbers(dtype, tuple(shape), end)
    return Header(tuple(shape), bool(fortran) and len(shape) > 1, number_dtype(dtype, name, options), end)


def open_npy(stream: ByteStream, options: ReadOptions) -> RawArray | StreamedArray:
    """The array of an NPY file; its shape and the file's size must agree before anything is allocated."""
    header = header_of(stream, options)
    if stream.file is None:
        return streamed_array(stream, header)
    check_size(stream.name, stream.file.size(), header)
    return RawArray(stream.name, header.shape, header.dtype, header.fortran, file=stream.file, offset=header.length)


def streamed_array(stream: ByteStream, header: Header) -> StreamedArray:
    """The array of an NPY image that is read from its beginning to its end."""
    from nllcli.inputs.arrays.streamed import StreamedArray

    stream.read_up_to(header.length)
    return StreamedArray(stream.name, header.shape, header.dtype, header.fortran, stream=stream)


def check_size(name: str, n_bytes: int, header: Header) -> None:
    """Raise DataError unless an NPY image of ``n_bytes`` is what its header says."""
    expected = header.length + header.n_bytes
    if expected != n_bytes:
        what = "is cut short" if n_bytes < expected else "has bytes after the array"
        raise DataError(
            f"{what}: shape {header.shape} of {header.dtype} needs {expected} bytes, it has {n_bytes}", where=name
        )


def number_dtype(dtype: np.dtype[Any], name: str, options: ReadOptions) -> np.dtype[Any]:
    """The type as which to read: floats of any width and integers, and bfloat16 where it is named.

    Booleans are weights or targets, and text names targets; the rest is refused by name. A library without bfloat16
    keeps its bits in integers, or in bytes without a type.
    """
    untyped = dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None
    if options.input_dtype == "bfloat16" and (untyped or (_is_short(dtype) and options.holds != "targets")):
        return _BFLOAT16 if untyped or dtype.isnative else _SWAPPED_BFLOAT16
    if untyped:
        remedy = setting("input_dtype", "bfloat16") if options.holds == "logits" else "save it as float32"
        raise DataError(f"holds {dtype.str}, two bytes without a type", where=name, hint=f"bfloat16? {remedy}")
    if options.input_dtype is not None and options.holds != "targets":  # the option is about the logits
        raise DataError(
            f"holds {dtype}, not {options.input_dtype}", where=name, hint=f"leave {setting('input_dtype')} out"
        )
    if options.holds == "sample weights" and dtype.kind == "b":
        return np.dtype(np.uint8)  # a byte each, 0 or 1
    if options.holds == "targets" and dtype.kind in "USb" and dtype.itemsize:
        return dtype
    if dtype.kind in _REFUSED_KINDS:
        wanted = "real numbers" if dtype.kind == "c" else "numbers"
        raise DataError(f"holds {_REFUSED_KINDS[dtype.kind]} ({dtype}), not {wanted}", where=name)
    return dtype


def _is_short(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize == 2
