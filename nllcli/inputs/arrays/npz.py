"""NPZ: NPY images as members of a ZIP archive; stored ones are read in place, deflated ones streamed."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from nllcli.errors import DataError, FaultError
from nllcli.inputs.arrays import npy
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.bytes.zipped import DAMAGED, open_archive, reader_of, seekable
from nllcli.inputs.foreign.arrays import Found
from nllcli.inputs.foreign.kinds import ARRAY
from nllcli.inputs.formats import ReadOptions, choose_member

if TYPE_CHECKING:
    from nllcli.inputs.arrays.streamed import StreamedArray
    from nllcli.inputs.bytes.files import InputFile

_LOCAL_HEADER = 30
_PIECE_BYTES = 1 << 20


def open_npz(stream: ByteStream, options: ReadOptions) -> RawArray | StreamedArray:
    """The array ``options.member`` of an archive, or the only one it has; never unpickles anything."""
    stream = seekable(stream)
    archive = open_archive(stream)
    entry = _choose(archive, options, stream)
    name = f"{stream.name}:{_array_name(entry)}"
    inflated = ByteStream(name, reader_of(archive, entry, name))
    header = npy.header_of(inflated, options, stream, _array_name(entry))
    npy.check_size(name, entry.file_size, header)
    if entry.compress_type != zipfile.ZIP_STORED:
        return npy.streamed_array(inflated, header)
    file = stream.file
    assert file is not None
    begin = _begin(file, entry, name)
    _check_sum(file, begin, entry, name)
    return RawArray(name, header.shape, header.dtype, header.fortran, file=file, offset=begin + header.length)


def _choose(archive: zipfile.ZipFile, options: ReadOptions, stream: ByteStream) -> zipfile.ZipInfo:
    entries = archive.infolist()
    arrays = [entry for entry in entries if entry.filename.endswith(".npy")]
    names, wanted = [_array_name(entry) for entry in arrays], options.member
    if wanted is not None and wanted not in names:
        wanted = wanted.removesuffix(".npy")
    if wanted in names and names.count(wanted) == 1:
        return arrays[names.index(wanted)]
    found = [_found(archive, entry, f"{stream.name}:{_array_name(entry)}") for entry in arrays]
    return arrays[choose_member(found, wanted, ARRAY, stream, options.use)]


def _found(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Found:
    """What the header of an array tells; nothing where it is not of numbers or text."""
    options = ReadOptions(holds="targets")
    try:
        header = npy.read_header(ByteStream(name, reader_of(archive, entry, name)).peek(), name, options)
    except DataError:
        return Found("", _array_name(entry), None, "?")
    return Found("", _array_name(entry), header.shape, header.dtype.kind)


def _array_name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".npy")


def _begin(file: InputFile, entry: zipfile.ZipInfo, name: str) -> int:
    """Where the bytes of a stored member begin; zipfile has checked the local header when it opened the member."""
    header = file.read_at(_LOCAL_HEADER, entry.header_offset, name)
    n_name, n_extra = struct.unpack_from("<HH", header, 26)
    begin: int = entry.header_offset + _LOCAL_HEADER + n_name + n_extra
    if entry.compress_size != entry.file_size or begin + entry.file_size > file.size():
        raise DataError(f"{DAMAGED}: a member is larger than the file", where=name)
    return begin


def _check_sum(file: InputFile, begin: int, entry: zipfile.ZipInfo, name: str) -> None:
    """Compare the archive's checksum: damage to numbers would show in nothing else."""
    crc, at, end = 0, begin, begin + entry.file_size
    while at < end:
        piece = file.read_at(min(_PIECE_BYTES, end - at), at, name)
        if not piece:
            raise FaultError("became shorter while it was read", where=name)
        crc, at = zlib.crc32(piece, crc), at + len(piece)
    if crc != entry.CRC:
        raise DataError(f"{DAMAGED}: the checksum does not match", where=name)
