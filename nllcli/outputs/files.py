"""Writing a file whole or not at all."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nllcli.errors import FaultError, UsageError

StrPath = str | os.PathLike[str]

# Opening these by name would start at the beginning of whatever the descriptor stands for, or fail on a socket.
_DESCRIPTORS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED_DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)")


@contextmanager
def replace_file(path: StrPath, inputs: Iterable[StrPath] = ()) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` once it is whole, and is gone if anything fails.

    A symbolic link is written through. What is not a regular file (a device, a pipe) is written directly.
    """
    check_output(path, inputs)
    writing = _write_beside if is_replaceable(path) else _write_directly
    with writing(path) as file:
        yield file


def check_output(path: StrPath, inputs: Iterable[StrPath] = ()) -> None:
    """Raise UsageError if ``path`` is one of ``inputs`` and FaultError if it can be seen not to be writable."""
    if not is_replaceable(path):
        return
    target = Path(os.path.realpath(path))
    with faults(path):
        problem = _obstacle(target, os.fspath(path))
        same = target.exists() and any(_is_same(target, name) for name in inputs)
    if problem:
        raise FaultError(problem, where=str(path))
    if same:
        raise UsageError("the output is also an input", where=str(path), hint="choose another name for the output")


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
        raise FaultError(error.strerror or str(error), where=str(path)) from error


def _is_same(target: Path, name: StrPath) -> bool:
    """Tell whether the input ``name``, perhaps a member of an archive (``file:member``), lives in ``target``."""
    text = os.fspath(name)
    for path in (0 if text == "-" else text, text.rpartition(":")[0]):
        with suppress(OSError):
            if os.path.samestat(os.stat(path), target.stat()):  # noqa: PTH116 - standard input has no path
                return True
    return False


def _descriptor(path: StrPath) -> int | None:
    name = os.fspath(path)
    numbered = _NUMBERED_DESCRIPTOR.fullmatch(name)
    return int(numbered[1] or numbered[2]) if numbered else _DESCRIPTORS.get(name)


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
    with faults(path):
        file = temporary.open("xb")
    try:
        yield file
        with faults(path):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            file.close()
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can do so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
