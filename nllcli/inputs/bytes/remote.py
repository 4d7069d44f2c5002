"""Remote inputs: the table of schemes, and a file at an address, read by ranges where they are needed."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from nllcli.errors import UsageError
from nllcli.inputs.bytes.files import ByteStream, read_only_here
from nllcli.inputs.bytes.urls import escaped, scheme_of, shown_url
from nllcli.records import dataclass
from nllcli.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.inputs.bytes.files import Version

# The function that opens an address as a ByteStream.
SCHEMES = Registry(
    "scheme of addresses",
    {
        "http": "nllcli.inputs.bytes.http:open_url",
        "https": "nllcli.inputs.bytes.http:open_url",
        "hf": "nllcli.inputs.bytes.http:open_hub",
        "s3": "nllcli.inputs.bytes.cloud:open_object",
        "gs": "nllcli.inputs.bytes.cloud:open_object",
        "az": "nllcli.inputs.bytes.cloud:open_object",
    },
)
# A first read asks for so much; the reads that follow it for more and more. An answer takes some 30 ms to begin, in
# which a connection of 60 MB/s brings 2 MB.
FIRST_BYTES = 1 << 16
_MOST_AHEAD = 1 << 23
_GROWTH = 8
_KEPT = 4
_DIRECT = 1 << 18  # what is longer is read into its place, without a window


class Ranges(Protocol):
    """The bytes at an address: how many, what tells one version from another, and any range of them."""

    @property
    def size(self) -> int: ...
    @property
    def tag(self) -> str: ...

    def fill(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``. Any thread may call it."""
        ...


def open_remote(path: str) -> ByteStream:
    """The bytes at an address; raises UsageError for a scheme that is not read, FaultError where opening fails."""
    scheme = scheme_of(path)
    if scheme not in SCHEMES:
        known = "http(s)://, hf://, s3://, gs:// and az:// are"
        raise UsageError(f"{scheme}:// is not read; {known}", where=shown_url(path))
    stream: ByteStream = SCHEMES.load(scheme)(path)
    return stream


def save(path: str, to: str) -> None:
    """Save what is at an address as a file."""
    stream = open_remote(path)
    with Path(to).open("xb") as file:
        while piece := stream.read(_MOST_AHEAD):
            file.write(piece)


def saving(path: str, to: str) -> str:
    """The Python that saves what is at an address as a file, without this package where an address is all it takes."""
    if scheme_of(path) in ("http", "https") and "@" not in urlsplit(path).netloc:
        return f"import urllib.request; urllib.request.urlretrieve({escaped(path)!r}, {to!r})"
    return f"from nllcli.inputs.bytes.remote import save; save({path!r}, {to!r})"


def stream_of(path: str, ranges: Ranges, start: bytes = b"") -> ByteStream:
    """The bytes at an address that gives ``ranges``; ``start`` are the first ones, where they are known."""
    file = RemoteFile(path, ranges, ((0, start),) if start else ())
    return ByteStream(file.name, file.read, file)


def _opened(path: str) -> RemoteFile:
    file = open_remote(path).file
    if not isinstance(file, RemoteFile):
        raise read_only_here(shown_url(path))
    return file


@dataclass
class RemoteFile:
    """A file at an address, as ``OpenFile`` is one on disk; it pickles as its address, and the copy opens it anew.

    Short reads are taken out of the last windows that were asked for, each a place and the bytes from there on.
    """

    path: str
    ranges: Ranges
    _windows: tuple[tuple[int, bytes | bytearray], ...] = field(default=(), repr=False)
    _at: int = field(default=0, init=False)
    remote: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        return shown_url(self.path)

    def __reduce__(self) -> tuple[Callable[[str], RemoteFile], tuple[str]]:
        return _opened, (self.path,)

    def size(self) -> int:
        """Its length in bytes."""
        return self.ranges.size

    def version(self) -> Version:
        """What every answer of the server is compared with."""
        return self.ranges.size, self.ranges.tag

    def read(self, n: int) -> bytes:
        """At most ``n`` bytes from where the last ones ended; raises FaultError."""
        ready = next((len(data) - self._at + at for at, data in self._windows if 0 <= self._at - at < len(data)), n)
        found = self.read_at(min(n, ready), self._at, self.name)
        self._at += len(found)
        return found

    def read_at(self, n: int, at: int, name: str) -> bytes:
        """At most ``n`` bytes from byte ``at`` on; raises FaultError about ``name``."""
        n = max(0, min(n, self.size() - at))
        if not n:
            return b""
        start, data = self._window(n, at, name)
        return bytes(memoryview(data)[at - start : at - start + n])

    def read_into(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``."""
        if view.nbytes >= _DIRECT:
            self.ranges.fill(view, at, name)
        else:
            view[:] = self.read_at(view.nbytes, at, name)

    def _window(self, n: int, at: int, name: str) -> tuple[int, bytes | bytearray]:
        """What holds ``n`` bytes from ``at`` on: a window that is kept, or a new one that goes on from it."""
        windows = self._windows  # other threads replace them
        for start, data in windows:
            if start <= at and at + n <= start + len(data):
                return start, data
        length = max(n, FIRST_BYTES)
        first = max(0, min(at, self.size() - length))  # at the end are directories, which are read backwards
        for start, data in windows:
            if start <= at <= start + 2 * len(data):
                first = min(at, start + len(data))
                length = max(at + n - first, min(_MOST_AHEAD, _GROWTH * len(data)))
                break
        length = min(length, self.size() - first)
        found = bytearray(length)
        self.ranges.fill(memoryview(found), first, name)
        self._windows = ((first, found), *windows[: _KEPT - 1])
        return first, found
