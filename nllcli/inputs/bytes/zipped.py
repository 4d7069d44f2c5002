"""ZIP archives: which file of one is meant, and its bytes as they are inflated."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from nllcli.errors import DataError
from nllcli.inputs.bytes.files import ByteStream, is_beside_data, on_disk
from nllcli.inputs.bytes.libraries import SeekableFile, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

DAMAGED = "is a damaged archive"
_ENCRYPTED = 1
# What systems put beside the files that a user archives.
_BESIDE = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def open_archive(stream: ByteStream) -> zipfile.ZipFile:
    """The archive of a stream, which is put on disk where it is not there."""
    with refusing(stream.name, DAMAGED):
        return zipfile.ZipFile(SeekableFile(on_disk(stream), stream.name))


def seekable(stream: ByteStream) -> ByteStream:
    """The same bytes, put on disk where they are not there."""
    if stream.file is not None:
        return stream
    file = on_disk(stream)
    pull = SeekableFile(file, stream.name).read
    return ByteStream(stream.name, pull, file, opening=stream.opening, inner_name=stream.inner_name)


def data_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of data that the user archived."""
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    own = [entry for entry in entries if not (set(_BESIDE) & {entry.filename.rpartition("/")[2], _top(entry)})]
    return [entry for entry in own if not is_beside_data(entry.filename)] or own


def _top(entry: zipfile.ZipInfo) -> str:
    return entry.filename.partition("/")[0] + "/"


def reader_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Callable[[int], bytes]:
    """What gives the bytes of a member in order; its checksum is compared at the end."""
    if entry.flag_bits & _ENCRYPTED:
        raise DataError("is encrypted", where=name)
    with refusing(name, DAMAGED):
        member = archive.open(entry)

    def pull(n: int) -> bytes:
        with refusing(name, DAMAGED):
            return member.read(n)

    return pull
