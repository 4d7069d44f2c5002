"""Opening inputs: a path, or "-" for standard input, as one stream of bytes that can be peeked at."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from nllcli.errors import FaultError, UsageError
from nllcli.inputs.bytes.urls import is_remote, shown_url, split_url
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PEEK_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20

STANDARD_INPUT = "standard input"

# What programs write beside the data; and what shows that a folder is more than a file or its parts.
_BESIDE = ("state.json", "dataset_info.json", "dataset_dict.json")
_NOT_DATA = (".md", ".py", ".ipynb", ".sh", ".log", ".yaml", ".yml", ".html", ".pdf")
_NOT_ONE_FILE = frozenset((".zarray", ".zgroup", "zarr.json", "dataset_dict.json"))

# Size, time of the last change, and which file it is; or size, and what a server calls this version.
Version = tuple[int | str, ...]


class InputFile(Protocol):
    """Bytes that can be read at any place, on disk or at a ``remote`` address."""

    @property
    def remote(self) -> bool: ...

    def size(self) -> int:
        """Its length in bytes."""
        ...

    def version(self) -> Version:
        """What changes when the bytes do."""
        ...

    def read_at(self, n: int, at: int, name: str) -> bytes:
        """At most ``n`` bytes from byte ``at`` on; raises FaultError about ``name``."""
        ...

    def read_into(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``."""
        ...


class OpenFile:
    """An open file, closed once it is no longer used; standard input stays open.

    Where ``name`` is its path (``reopens``), it pickles as that, and the copy opens it anew.
    """

    remote = False

    def __init__(self, fd: int, name: str, *, reopens: bool = False, owned: bool = True) -> None:
        self.fd = fd
        self._name = name
        self._reopens = reopens
        self._owned = owned

    def __del__(self) -> None:
        if self._owned:
            os.close(self.fd)

    def __reduce__(self) -> tuple[Callable[[str], OpenFile], tuple[str]]:
        if not self._reopens:
            raise read_only_here(self._name)
        return _opened, (self._name,)

    def size(self) -> int:
        """Its length in bytes."""
        return os.fstat(self.fd).st_size

    def read_at(self, n: int, at: int, name: str) -> bytes:
        """At most ``n`` bytes from byte ``at`` on; raises FaultError about ``name``."""
        try:
            return os.pread(self.fd, n, at)
        except OSError as error:
            raise FaultError(f"cannot be read: {error.strerror}", where=name) from error

    def read_into(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``."""
        while view.nbytes:
            try:
                n = os.preadv(self.fd, (view,), at)
            except OSError as error:
                raise FaultError(f"cannot be read: {error.strerror}", where=name) from error
            if n == 0:
                raise FaultError("became shorter while it was read", where=name)
            view, at = view[n:], at + n

    def read(self, n: int) -> bytes:
        """At most ``n`` bytes from where the last ones ended; raises FaultError."""
        try:
            return os.read(self.fd, n)
        except OSError as error:
            raise FaultError(f"cannot be read: {error.strerror}", where=self._name) from error

    def version(self) -> Version:
        """What changes when the file is written to.

        A write that leaves its size as it is does not show within one tick of the file system's clock.
        """
        return _version(os.fstat(self.fd))


@dataclass
class ByteStream:
    """Bytes that ``pull`` gives in order (empty at the end); ``file`` is where they can be read at any place, if so.

    Of what is compressed, ``opening`` is the Python expression that opens it, and ``inner_name`` the name of what is
    inside.
    """

    name: str
    pull: Callable[[int], bytes]
    file: InputFile | None = None
    opening: str = field(default="", kw_only=True)
    inner_name: str = field(default="", kw_only=True)
    _ahead: bytes = field(default=b"", repr=False)
    _begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._version = None if self.file is None else self.file.version()

    def is_in(self, file: InputFile) -> None:
        """From now on the bytes are in this file, and read from its beginning."""
        self.file, self._version = file, file.version()
        at = 0

        def pull(n: int) -> bytes:
            nonlocal at
            found = file.read_at(n, at, self.name)
            at += len(found)
            return found

        self.pull, self._ahead, self._begun = pull, b"", False

    @property
    def n_bytes(self) -> int | None:
        """How many bytes there are in all, where that is known."""
        return None if self.file is None else self.file.size()

    def peek(self, n: int = _PEEK_BYTES) -> bytes:
        """The next ``n`` bytes (fewer at the end), not consumed."""
        if len(self._ahead) < n:
            self._ahead += self._gather(n - len(self._ahead))
        return self._ahead[:n]

    def read(self, n: int) -> bytes:
        """The next bytes, at most ``n``; empty only at the end."""
        self._begun = True
        if self._ahead:
            taken, self._ahead = self._ahead[:n], self._ahead[n:]
            return taken
        return self.pull(n)

    def read_up_to(self, n: int) -> bytes:
        """The next ``n`` bytes, fewer only at the end; the length that a file claims is never allocated ahead."""
        if len(self._ahead) >= n:
            return self.read(n)
        taken, self._ahead = self._ahead, b""
        return taken + self._gather(n - len(taken))

    def read_all(self) -> bytes:
        """All that is left."""
        return b"".join(iter(lambda: self.read(_PIECE_BYTES), b""))

    def check_not_begun(self) -> None:
        """Raise UsageError if bytes have been consumed: what follows is not the beginning."""
        if self._begun:
            raise UsageError("can be read only once", where=self.name)

    def __reduce__(self) -> str:
        raise read_only_here(self.name)

    def check_unchanged(self) -> None:
        """Raise FaultError if the file was written to since it was opened."""
        if self.file is not None and self.file.version() != self._version:
            raise FaultError("changed while it was read", where=self.name)

    def _gather(self, n: int) -> bytes:
        parts = []
        while n and (more := self.pull(min(n, _PIECE_BYTES))):
            parts.append(more)
            n -= len(more)
        return b"".join(parts)


def name_of(path: str) -> str:
    """What messages and reports call an input."""
    return STANDARD_INPUT if path == "-" else shown_url(path)


def open_stream(path: str) -> ByteStream:
    """Open ``path`` ("-" is standard input) for reading, or an address; raises FaultError where that fails."""
    if is_remote(path):
        from nllcli.inputs.bytes.remote import open_remote

        return open_remote(path)
    if path == "-":
        name = name_of(path)
        try:
            fd = sys.stdin.fileno()
            at_start = stat.S_ISREG(os.fstat(fd).st_mode) and os.lseek(fd, 0, os.SEEK_CUR) == 0
        except (AttributeError, ValueError, OSError) as error:
            raise FaultError("is closed", where=name) from error
        file = OpenFile(fd, name, owned=False)
        return ByteStream(name, file.read, file if at_start else None)
    file = _opened(path)
    mode = os.fstat(file.fd).st_mode
    if stat.S_ISDIR(mode):
        raise FaultError("is a folder, not a file", where=path)
    return ByteStream(path, file.read, file if stat.S_ISREG(mode) else None)


def _opened(path: str) -> OpenFile:
    try:
        return OpenFile(os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)), path, reopens=True)
    except OSError as error:
        raise FaultError(f"cannot be opened: {error.strerror}", where=path) from error
    except ValueError as error:
        raise FaultError("is not a valid file name", where=path) from error


def read_only_here(name: str) -> UsageError:
    """The refusal to hand an input to another process."""
    return UsageError("cannot be handed to another process", where=name, hint="save it to a file")


def version_of(path: str) -> Version | None:
    """The version of the regular file at ``path``, that of a member's archive; None for what cannot be read twice.

    That of an address costs a request.
    """
    if is_remote(path):
        file = open_stream(split_member(path)[0]).file
        return None if file is None else file.version()
    status = _status(path)
    return _version(status) if path != "-" and status is not None and stat.S_ISREG(status.st_mode) else None


def _version(status: os.stat_result) -> Version:
    return status.st_size, status.st_mtime_ns, status.st_ino


def can_be_read_again(path: str) -> bool:
    """Whether ``path`` opens to the same bytes a second time: a regular file or an address, or one that is missing."""
    if is_remote(path):
        return True
    status = _status(path)
    return path != "-" and (status is None or stat.S_ISREG(status.st_mode))


def _status(path: str) -> os.stat_result | None:
    """That of the file at ``path``, or of a member's archive; None where there is none."""
    try:
        return os.stat(split_member(path)[0])  # noqa: PTH116 - may be no path
    except (OSError, ValueError):
        return None


def split_member(path: str) -> tuple[str, str | None]:
    """A file and the member named after a colon; a file whose own name has the colon comes first.

    A folder with one file of data stands for that file.
    """
    if is_remote(path):
        return split_url(path)
    if not os.path.lexists(path):
        for at in (i for i, character in enumerate(path) if character == ":"):
            if os.path.exists(path[:at]):  # noqa: PTH110 - a string that may be no path at all
                return _only_file(path[:at]), path[at + 1 :]
    return _only_file(path), None


def _only_file(path: str) -> str:
    """The one file of data in a folder; anything else is itself."""
    if not os.path.isdir(path):  # noqa: PTH112
        return path
    names = os.listdir(path)  # noqa: PTH208
    folders = any(os.path.isdir(os.path.join(path, name)) for name in names)  # noqa: PTH112, PTH118
    files = files_in(path)
    return files[0] if len(files) == 1 and not folders and _NOT_ONE_FILE.isdisjoint(names) else path


def is_beside_data(name: str) -> bool:
    """Whether a file is text about the data, or code, by its ending."""
    return name.lower().endswith(_NOT_DATA)


def files_in(folder: str) -> list[str]:
    """The files of data in a folder, in the order of the numbers in their names: 2 before 10."""
    names = [
        name
        for name in os.listdir(folder)  # noqa: PTH208
        if name[:1] not in "._" and name not in _BESIDE and not is_beside_data(name)
    ]
    paths = [os.path.join(folder, name) for name in names]  # noqa: PTH118
    return sorted(filter(os.path.isfile, paths), key=natural)


def natural(path: str) -> list[tuple[int, str]]:
    """What sorts paths by the numbers in them: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def pattern_of(path: str) -> str:
    """What is the same in the names of parts; programs add letters and digits that differ from part to part."""
    folder, name = os.path.split(path)
    return f"{folder}/{re.sub(r'-[0-9a-f-]{8,}', '', re.sub(r'[0-9]+', '0', name))}"


def not_there_yet(name: str) -> str:
    """``name``, with a number before its extension where there is a file of that name."""
    first, dot, last = name.rpartition(".")
    found, n = name, 2
    while os.path.lexists(found):
        found, n = f"{first}-{n}{dot}{last}", n + 1
    return found


def on_disk(stream: ByteStream) -> InputFile:
    """A file that can be read at any place; what comes out of a pipe is put on disk first."""
    if stream.file is not None:
        return stream.file
    spool = Spool(stream.name)
    while piece := stream.read(_PIECE_BYTES):
        spool.write(piece)
    stream.is_in(spool.file)
    return spool.file


class Spool:
    """A temporary file without a name, gone when the program ends, however it ends.

    It holds what ``name`` needs room for, and lies in ``folder``, or where temporary files do.
    """

    def __init__(self, name: str, folder: Path | None = None, *, need: str = "room on disk to be read") -> None:
        import tempfile

        self._name, self._folder, self._need = name, folder, need
        try:
            with tempfile.TemporaryFile(dir=folder) as temporary:
                self.file = OpenFile(os.dup(temporary.fileno()), name)
        except OSError as error:
            raise self.fault(error) from error

    def write(self, data: Any) -> None:
        """Append a buffer of bytes."""
        view = memoryview(data)
        try:
            while view.nbytes:
                view = view[os.write(self.file.fd, view) :]
        except OSError as error:
            raise self.fault(error) from error

    def fault(self, error: OSError) -> FaultError:
        """What to say of an error in writing it."""
        hint = None if self._folder else "TMPDIR names the folder for temporary files"
        return FaultError(f"needs {self._need}: {error.strerror}", where=self._name, hint=hint)


def only_one_standard_input(paths: dict[str, str | None]) -> None:
    """Refuse "-" for more than one of the named inputs."""
    users = [what for what, path in paths.items() if path == "-"]
    if len(users) > 1:
        raise UsageError(f"{STANDARD_INPUT} can be only one of: {', '.join(users)}", hint="give the others as files")
