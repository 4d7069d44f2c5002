"""Safetensors: a JSON header that says where the bytes of each array are, then the bytes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError
from nllcli.inputs.arrays.npy import number_dtype
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.bytes.files import on_disk
from nllcli.inputs.foreign.arrays import Found
from nllcli.inputs.foreign.kinds import SAFETENSORS
from nllcli.inputs.formats import choose_member
from nllcli.inputs.tables.json_values import unique_names

if TYPE_CHECKING:
    from nllcli.inputs.bytes.files import ByteStream, InputFile
    from nllcli.inputs.formats import ReadOptions

_MAX_HEADER = 100_000_000  # the format's own limit
_DTYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "BF16": "V2",
    "BOOL": "?",
}


def open_safetensors(stream: ByteStream, options: ReadOptions) -> RawArray:
    """The array ``options.member``, or the only one there is."""
    file = on_disk(stream)
    arrays, begin = _read_header(file, stream.name)
    names = list(arrays)
    found = [_found(name, arrays[name]) for name in names]
    member = names[choose_member(found, options.member, SAFETENSORS, stream, options.use)]
    name = f"{stream.name}:{member}"
    about = arrays[member]
    code, shape = about.get("dtype"), about.get("shape")
    if not isinstance(code, str) or code not in _DTYPES:
        raise DataError(f"holds {str(code)[:40]!r}, not floats of 16, 32 or 64 bits or integers", where=name)
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise DataError("its header gives an impossible shape", where=name)
    dtype = np.dtype(_DTYPES[code])
    first, last = _offsets(about, name)
    needed = math.prod(shape) * dtype.itemsize
    if needed != last - first:
        raise DataError(f"shape {tuple(shape)} of {code} needs {needed} bytes, it has {last - first}", where=name)
    if dtype.kind != "V":
        dtype = number_dtype(dtype, name, options)
    return RawArray(name, tuple(shape), dtype, file=file, offset=begin + first)


def _found(name: str, about: dict[str, Any]) -> Found:
    """What the header tells of an array."""
    code, shape = str(about.get("dtype")), about.get("shape")
    kinds = {"F": "f", "B": "f" if code == "BF16" else "b", "I": "i", "U": "u"}
    known = isinstance(shape, list) and all(type(n) is int for n in shape)
    return Found("", name, tuple(shape) if known and shape is not None else None, kinds.get(code[:1], "?"))


def _read_header(file: InputFile, name: str) -> tuple[dict[str, Any], int]:
    """The header's arrays and where the bytes begin; the arrays fill the file without gaps or overlap."""
    length = int.from_bytes(file.read_at(8, 0, name), "little")
    begin = 8 + length
    if length > _MAX_HEADER or begin > file.size():
        raise DataError(f"its header claims {length} bytes, more than there are or than is allowed", where=name)
    try:
        header = json.loads(file.read_at(length, 8, name).decode("utf-8"), object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise DataError(f"its header is damaged: {str(error)[:120]}", where=name) from error
    if not isinstance(header, dict):
        raise DataError("its header is not a JSON object", where=name)
    header.pop("__metadata__", None)
    end = 0
    for first, last in sorted(_offsets(about, f"{name}:{key}") for key, about in header.items()):
        if first != end:
            raise DataError("its arrays overlap or leave gaps", where=name)
        end = last
    if begin + end != file.size():
        raise DataError(f"needs {begin + end} bytes, it has {file.size()}", where=name)
    return header, begin


def _offsets(about: Any, name: str) -> tuple[int, int]:
    match about:
        case {"data_offsets": [int(first), int(last)]} if 0 <= first <= last:
            return first, last
    raise DataError("its header does not say where it is", where=name)
