"""Text in other encodings, made UTF-8 as it is read."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from nllcli.errors import DataError, UsageError, setting
from nllcli.inputs.bytes.files import ByteStream

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_BYTES = 1 << 18
_WIDE = ("utf-16", "utf-32")


def in_utf8(stream: ByteStream, encoding: str) -> ByteStream:
    """The text of a stream in UTF-8; raises UsageError for an encoding that Python does not know."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        if not isinstance(decoder.decode(b""), str):
            raise LookupError
    except (LookupError, TypeError, ValueError):  # some decode text to text, others must not be used at all
        message = f"{setting('encoding')} {encoding!r} is not a known encoding"
        raise UsageError(message, hint="such as windows-1252, latin-1, utf-16 or shift_jis") from None
    if codecs.lookup(encoding).name.startswith(_WIDE) and b"\0" not in stream.peek():
        return stream  # text of one byte a letter, beside the input that the encoding was named for
    return ByteStream(stream.name, _puller(stream, decoder, encoding))


def _puller(stream: ByteStream, decoder: codecs.IncrementalDecoder, encoding: str) -> Callable[[int], bytes]:
    ready = b""

    def pull(n: int) -> bytes:
        nonlocal ready
        while not ready:
            data = stream.read(_PIECE_BYTES)
            try:
                ready = decoder.decode(data, final=not data).encode("utf-8")
            except UnicodeError as error:
                raise DataError(f"is not {encoding} text: {str(error)[:120]}", where=stream.name) from error
            if not data:
                stream.check_unchanged()
                break
        taken, ready = ready[:n], ready[n:]
        return taken

    return pull
