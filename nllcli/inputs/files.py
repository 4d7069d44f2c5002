"""Opening inputs: a path, or "-" for standard input, as one stream of bytes that can be peeked at."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, field

from nllcli.errors import FaultError, UsageError

_PEEK_BYTES = 1 << 16


@dataclass
class ByteStream:
    """An open input: read in order, or, where ``seekable``, at any place through ``fd``."""

    name: str
    fd: int
    seekable: bool
    _ahead: bytes = field(default=b"", repr=False)

    def peek(self, n: int = _PEEK_BYTES) -> bytes:
        """The next ``n`` bytes (fewer at the end), not consumed."""
        while len(self._ahead) < n:
            more = self._read_some(n - len(self._ahead))
            if not more:
                break
            self._ahead += more
        return self._ahead[:n]

    def read(self, n: int) -> bytes:
        """The next bytes, at most ``n``; empty only at the end."""
        if self._ahead:
            taken, self._ahead = self._ahead[:n], self._ahead[n:]
            return taken
        return self._read_some(n)

    def size(self) -> int:
        """The file's length in bytes; only where ``seekable``."""
        return os.fstat(self.fd).st_size

    def version(self) -> tuple[int, int]:
        """What changes when somebody writes to the file."""
        status = os.fstat(self.fd)
        return status.st_size, status.st_mtime_ns

    def _read_some(self, n: int) -> bytes:
        try:
            return os.read(self.fd, n)
        except OSError as error:
            raise FaultError(f"cannot be read: {error.strerror}", where=self.name) from error


def open_stream(path: str) -> ByteStream:
    """Open ``path`` ("-" is standard input) for reading; raises FaultError where that fails."""
    if path == "-":
        try:
            fd = sys.stdin.fileno()
            return ByteStream("standard input", fd, stat.S_ISREG(os.fstat(fd).st_mode) and os.lseek(fd, 0, 1) == 0)
        except (AttributeError, ValueError, OSError) as error:
            raise FaultError("is closed", where="standard input") from error
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise FaultError(f"cannot be opened: {error.strerror}", where=path) from error
    mode = os.fstat(fd).st_mode
    if stat.S_ISDIR(mode):
        os.close(fd)
        raise FaultError("is a folder, not a file", where=path)
    return ByteStream(path, fd, stat.S_ISREG(mode))


def only_one_standard_input(paths: dict[str, str | None]) -> None:
    """Refuse "-" for more than one of the named inputs."""
    users = [what for what, path in paths.items() if path == "-"]
    if len(users) > 1:
        raise UsageError(f"standard input can be only one of: {', '.join(users)}", hint="give the others as files")
