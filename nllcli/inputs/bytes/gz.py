"""Gzip around any format, inflated as it is read."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nllcli.errors import DataError
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.formats import GZIP_MAGIC

_PIECE_BYTES = 1 << 18
_new_inflater = partial(zlib.decompressobj, 16 + zlib.MAX_WBITS)  # 16: with a header of gzip


def gunzipped(stream: ByteStream) -> ByteStream:
    """What is inside a gzip file."""
    return ByteStream(stream.name, _Inflater(stream).read)


@dataclass
class _Inflater:
    """Inflates the members of a gzip file one after the other; checksums are checked by zlib."""

    stream: ByteStream
    _inflate: Any = field(default_factory=_new_inflater)
    _left: bytes = b""

    def read(self, n: int) -> bytes:
        """Some bytes, at most ``n``; none at the end. Raises DataError for what is damaged or cut short."""
        while True:
            if self._inflate.eof and not self._next_member():
                self.stream.check_unchanged()
                return b""
            data = self._left or self.stream.read(_PIECE_BYTES)
            try:
                found: bytes = self._inflate.decompress(data, n)
            except zlib.error as error:
                raise DataError(f"is a damaged gzip file: {error}", where=self.stream.name) from error
            self._left = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if found:
                return found
            if not data:
                raise DataError("is cut short: the gzip data has no end", where=self.stream.name)

    def _next_member(self) -> bool:
        """Go on to the member that follows, if there is one; zeros may pad the end, as on tapes."""
        data = self._left or self.stream.read(_PIECE_BYTES)
        while data and not data.strip(b"\0"):
            data = self.stream.read(_PIECE_BYTES)
        self._left = data
        if not data:
            return False
        if (data + self.stream.peek(1))[:2] != GZIP_MAGIC:
            raise DataError("has bytes after the gzip data", where=self.stream.name)
        self._inflate = _new_inflater()
        return True
