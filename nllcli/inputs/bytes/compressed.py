"""Compression around any format, undone as it is read: gzip, bzip2, xz, LZMA, and Zstandard where a reader of it is."""

from __future__ import annotations

import codecs
import os
import re
import zlib
from dataclasses import field
from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.bytes.files import STANDARD_INPUT, ByteStream, open_stream, version_of
from nllcli.inputs.bytes.libraries import refusing
from nllcli.inputs.bytes.urls import is_remote
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_BYTES = 1 << 18
# A decompressor without a limit of its own is given this little at a time: what comes out may be thousands of times it.
_SMALL_PIECE = 1 << 12
_MAGIC_BYTES = 16
_FEW = 64
SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".zip")


@dataclass(frozen=True)
class Codec:
    """A kind of compression: how its files begin and go on, what undoes it, and what opens a file of it in Python."""

    name: str
    begins: bytes
    goes_on: bytes  # a pattern
    start: Callable[[], Any]
    opener: str

    def is_in(self, head: bytes) -> bool:
        """Whether what begins with these bytes is compressed so."""
        return head.startswith(self.begins) and re.match(self.goes_on, head[len(self.begins) :]) is not None


@dataclass
class _Deflate:
    """zlib's decompressor with the attributes that those of bz2, lzma and Zstandard have."""

    inner: Any = field(default_factory=lambda: zlib.decompressobj(16 + zlib.MAX_WBITS))  # 16: with a header of gzip

    @property
    def eof(self) -> bool:
        return bool(self.inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self.inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return bytes(self.inner.unused_data)

    def decompress(self, data: bytes, n: int) -> bytes:
        return bytes(self.inner.decompress(self.inner.unconsumed_tail + data, n))


@dataclass
class _Unlimited:
    """A decompressor that gives all that comes of what it is given, made to give at most so much."""

    inner: Any
    _waiting: bytes = b""
    _found: bytes = b""

    @property
    def eof(self) -> bool:
        return bool(self.inner.eof) and not self._found

    @property
    def needs_input(self) -> bool:
        return not (self._waiting or self._found)

    @property
    def unused_data(self) -> bytes:
        return bytes(self.inner.unused_data) + self._waiting

    def decompress(self, data: bytes, n: int) -> bytes:
        self._waiting += data
        while self._waiting and not self._found and not self.inner.eof:
            piece, self._waiting = self._waiting[:_SMALL_PIECE], self._waiting[_SMALL_PIECE:]
            self._found = self.inner.decompress(piece)
        found, self._found = self._found[:n], self._found[n:]
        return found


def _lzma(form: str) -> Callable[[], Any]:
    def start() -> Any:
        import lzma

        return lzma.LZMADecompressor(getattr(lzma, form))

    return start


def _bzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _zstandard() -> Any:
    """That of Python 3.14, or of the package zstandard."""
    if _has("compression.zstd"):
        return import_module("compression.zstd").ZstdDecompressor()
    return _Unlimited(import_module("zstandard").ZstdDecompressor().decompressobj())


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


_ZSTANDARD = "Zstandard"
_GZIP = Codec("gzip", b"\x1f\x8b", b"", _Deflate, "gzip.open")
CODECS = (
    _GZIP,
    Codec("bzip2", b"BZh", rb"[1-9](1AY&SY|\x17rE8P\x90)", _bzip2, "bz2.open"),
    Codec("xz", b"\xfd7zXZ\0", b"", _lzma("FORMAT_XZ"), "lzma.open"),
    Codec("LZMA", b"]\0\0", rb"[\0-\xff]{2}(\xff{8}|[\0-\xff]{5}\0{3})", _lzma("FORMAT_ALONE"), "lzma.open"),
    Codec(_ZSTANDARD, b"\x28\xb5\x2f\xfd", b"", _zstandard, "zstandard.open"),
)


def decompressed(stream: ByteStream) -> ByteStream:
    """What is inside a stream that is compressed; raises UsageError where a reader is missing."""
    codec = next((codec for codec in CODECS if codec.is_in(stream.peek(_MAGIC_BYTES))), None)
    return stream if codec is None else _inside(stream, codec)


def opener_of(name: str) -> str | None:
    """The Python function that opens a file, compressed or not; None for what it cannot open so, or cannot find.

    Of what is remote, a copy is opened that is on disk.
    """
    if is_remote(name):
        return "open"
    if name == STANDARD_INPUT or version_of(name) is None:
        return None
    head = open_stream(name).peek(_MAGIC_BYTES)
    codec = next((codec for codec in CODECS if codec.is_in(head)), None)
    if codec is None:
        return None if head.startswith(b"PK\3\4") else "open"
    module, _, function = codec.opener.partition(".")
    return None if codec.name == _ZSTANDARD else f"__import__({module!r}).{function}"


def is_gzip(name: str) -> bool:
    """Whether a file on disk is compressed with gzip."""
    return not is_remote(name) and _GZIP.is_in(open_stream(name).peek(_MAGIC_BYTES))


def can_be_edited(name: str) -> bool:
    """Whether a command of a shell finds by this name the text that was read: a file, compressed at most by gzip.

    Commands of a shell do not read letters of two bytes as text. Of what is remote, they find a copy.
    """
    if is_remote(name):
        return True
    if not os.path.isfile(name) or not (opener_of(name) == "open" or is_gzip(name)):  # noqa: PTH113 - may be no path
        return False
    return b"\0" not in decompressed(open_stream(name)).peek(_FEW)


def opening_text(name: str) -> str | None:
    """The Python that opens a file of text, without its byte order mark; None where there is none."""
    opener = opener_of(name)
    wide = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if opener is None or (not is_remote(name) and open_stream(name).peek(2) in wide):
        return None
    return f"{opener}({name!r}, 'rt', encoding='utf-8-sig')"


def _inside(stream: ByteStream, codec: Codec) -> ByteStream:
    if codec.name == _ZSTANDARD and not (_has("compression.zstd") or _has("zstandard")):
        if not _has("pyarrow"):
            raise _no_zstandard(stream.name)
        pull = _through_pyarrow(stream)
    else:
        pull = _Decompressor(stream, codec).read
    opening = "" if stream.opening else f"{codec.opener}({stream.name!r})"
    inner = PurePath(stream.inner_name or stream.name)
    inner_name = str(inner.with_suffix("")) if inner.suffix.lower() in SUFFIXES else str(inner)
    return ByteStream(stream.name, pull, opening=opening, inner_name=inner_name)


def _no_zstandard(name: str) -> UsageError:
    from shlex import quote

    feed = f"zstd -dc {quote(name)}"
    remedies = [] if name == STANDARD_INPUT else [Remedy(feed=feed, files={name: "-"})]
    return UsageError(
        "is compressed with Zstandard, which needs Python 3.14 or the package zstandard",
        where=name,
        hint="zstd -dc decompresses it",
        remedies=remedies,
    )


def _through_pyarrow(stream: ByteStream) -> Callable[[int], bytes]:
    import io

    import pyarrow

    class Compressed(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, n: int = -1) -> bytes:
            return stream.read(n)

    opened = pyarrow.CompressedInputStream(pyarrow.PythonFile(Compressed(), mode="r"), "zstd")

    def pull(n: int) -> bytes:
        with refusing(stream.name, "is a damaged Zstandard file, or cut short"):
            found: bytes = opened.read(n)
        if not found:
            stream.check_unchanged()
        return found

    return pull


class _Decompressor:
    """Decompresses the members of a file one after the other; the libraries compare the checksums."""

    def __init__(self, stream: ByteStream, codec: Codec) -> None:
        self._stream = stream
        self._codec = codec
        self._inner = codec.start()

    def read(self, n: int) -> bytes:
        """Some bytes, at most ``n``; none at the end. Raises DataError for what is damaged or cut short."""
        name, codec, data = self._stream.name, self._codec.name, b""
        while True:
            if self._inner.eof:
                data = self._next_member()
                if not data:
                    self._stream.check_unchanged()
                    return b""
            elif self._inner.needs_input:
                data = self._stream.read(_PIECE_BYTES)
                if not data:
                    raise DataError(f"is cut short: the {codec} data has no end", where=name)
            with refusing(name, f"is a damaged {codec} file"):
                found: bytes = self._inner.decompress(data, n)
            data = b""
            if found:
                return found

    def _next_member(self) -> bytes:
        """Start the member that follows, and its first bytes; none where there is no other.

        Zeros may pad the end, as on tapes.
        """
        data = self._inner.unused_data or self._stream.read(_PIECE_BYTES)
        while data and not data.strip(b"\0"):
            data = self._stream.read(_PIECE_BYTES)
        if not data:
            return b""
        if len(data) < _MAGIC_BYTES:
            data += self._stream.read_up_to(_MAGIC_BYTES - len(data))
        if not self._codec.is_in(data):
            raise DataError(f"has bytes after the {self._codec.name} data", where=self._stream.name)
        self._inner = self._codec.start()
        return data
