"""Writing a file whole or not at all."""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nllcli.errors import FaultError, UsageError

StrPath = str | os.PathLike[str]
STANDARD_OUTPUT = "standard output"

# Opening these by name would start at the beginning of whatever the descriptor stands for, or fail on a socket.
_DESCRIPTORS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED_DESCRIPTOR = r"/(?:dev|proc/self)/fd/(\d+)"

# Files under way. Noted before they exist and until they are gone, for the moments in which no frame knows of them.
_unfinished: set[Path] = set()


def replace_file(path: StrPath) -> AbstractContextManager[BinaryIO]:
    """Open a binary file that takes the place of ``path`` once it is whole, and is gone if anything fails.

    A symbolic link is written through. What is not a regular file (a device, a pipe) is written directly.
    """
    check_output(path)
    return _write_beside(path) if is_replaceable(path) else _write_directly(path)


def check_outputs(outputs: Mapping[str, StrPath | None], inputs: Iterable[StrPath | None]) -> None:
    """Raise UsageError or FaultError for outputs that cannot be written, before the work they are the result of.

    ``outputs`` maps an option to its file, None where not given; ``inputs`` are files or whatever else was given.
    """
    sources = [name for name in inputs if name is not None]
    taken: dict[object, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        check_output(path, sources)
        place = _place(path)
        if place in taken:
            raise UsageError(
                f"{taken[place]} and {option} go to the same file",
                where=shown(path),
                hint="give each a file of its own",
            )
        if place is not None:
            taken[place] = option


def check_output(path: StrPath, inputs: Iterable[StrPath] = ()) -> None:
    """Raise UsageError if ``path`` is one of ``inputs`` and FaultError if it can be seen not to be writable."""
    descriptor = _descriptor(path)
    with faults(path):
        if descriptor is not None:
            os.write(descriptor, b"")
            status = os.fstat(descriptor)
        else:
            problem = _obstacle(Path(os.path.realpath(path)), os.fspath(path)) if is_replaceable(path) else None
            if problem:
                raise FaultError(problem, where=shown(path))
            if not Path(path).exists():
                return
            status = Path(path).stat()
    # A device can be read and written; what a redirection made of a descriptor may well be an input.
    if stat.S_ISREG(status.st_mode) and any(_is_same(status, name) for name in inputs):
        raise UsageError("the output is also an input", where=shown(path), hint="choose another name for the output")


def remove_unfinished() -> None:
    """Remove what was begun and neither finished nor removed: an interruption can come where no clean-up stands."""
    for path in list(_unfinished):
        with suppress(OSError):
            _discard(path)


def _obstacle(target: Path, name: str) -> str | None:
    if target.is_dir() or name.endswith(os.sep):
        return "is a directory"
    if not target.parent.is_dir():
        return "the folder does not exist"
    if not os.access(target.parent, os.W_OK) or (target.exists() and not os.access(target, os.W_OK)):
        return "permission denied"
    return None


def is_replaceable(path: StrPath) -> bool:
    """Tell whether ``path`` is, or will be, a regular file (True) or something written from beginning to end."""
    if _descriptor(path) is not None:
        return False
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


@contextmanager
def faults(path: StrPath) -> Iterator[None]:
    """Turn a failure of the operating system into a FaultError about ``path``; a closed pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = "is closed" if error.errno == errno.EBADF else error.strerror or str(error)
        raise FaultError(reason, where=shown(path)) from error


def shown(path: StrPath) -> str:
    return STANDARD_OUTPUT if os.fspath(path) == "-" else str(path)


def _is_same(status: os.stat_result, name: StrPath) -> bool:
    """Tell whether the input ``name``, perhaps a member of an archive (``file:member``), is the file of ``status``.

    File and member may both have colons in their names: whatever stands before one of them is held to be the file.
    """
    text = os.fspath(name)
    for path in (0 if text == "-" else text, *(text[: at.start()] for at in re.finditer(":", text))):
        with suppress(OSError):
            if os.path.samestat(os.stat(path), status):  # noqa: PTH116 - standard input has no path
                return True
    return False


def _place(path: StrPath) -> object:
    """Return what two outputs must not have in common; None for a device, which takes any number of them."""
    if is_replaceable(path):
        return os.path.realpath(path)
    descriptor = _descriptor(path)
    if descriptor is not None:
        return descriptor
    status = Path(path).stat()
    return None if stat.S_ISCHR(status.st_mode) else (status.st_dev, status.st_ino)


def _descriptor(path: StrPath) -> int | None:
    name = os.fspath(path)
    numbered = re.fullmatch(_NUMBERED_DESCRIPTOR, name) if "/fd/" in name else None
    return int(numbered[1]) if numbered else _DESCRIPTORS.get(name)


@contextmanager
def _write_directly(path: StrPath) -> Iterator[BinaryIO]:
    with faults(path):
        file = _open_directly(path)
    try:
        yield file
        with faults(path):
            file.close()
    finally:
        with suppress(OSError):
            file.close()


def _open_directly(path: StrPath) -> BinaryIO:
    descriptor = _descriptor(path)
    return Path(path).open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


@contextmanager
def _write_beside(path: StrPath) -> Iterator[BinaryIO]:
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".nll-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    _unfinished.add(temporary)
    try:
        with faults(path):
            file = temporary.open("xb")
        try:
            yield file
            with faults(path):
                file.flush()
                os.fsync(file.fileno())
                file.close()
                temporary.replace(target)
        finally:
            with suppress(OSError):
                file.close()
    finally:
        with suppress(OSError):
            _discard(temporary)
    _sync_folder(target.parent)


def _discard(temporary: Path) -> None:
    temporary.unlink(missing_ok=True)
    _unfinished.discard(temporary)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can do so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
