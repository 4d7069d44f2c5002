"""Files for libraries that read by themselves, and what they raise."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nllcli.errors import DataError, FaultError, NllError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.bytes.files import InputFile


class SeekableFile(io.RawIOBase):
    """An open file with a position of its own, for libraries that read by themselves."""

    def __init__(self, file: InputFile, name: str) -> None:
        self._file = file
        self._name = name
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size()}[whence]
        if base + offset < 0:
            raise OSError("an offset points before the beginning of the file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, n: int = -1) -> bytes:
        # Libraries trust the sizes that a file claims, which are compared with the size of the file here.
        left = max(0, self._file.size() - self._at)
        data = self._file.read_at(left if n < 0 else min(n, left), self._at, self._name)
        self._at += len(data)
        return data


@contextmanager
def refusing(name: str, damaged: str = "is damaged") -> Iterator[None]:
    """Turn what a library raises for a file that it cannot read into an error about ``name``."""
    try:
        yield
    except (NllError, ImportError):
        raise
    except MemoryError as error:  # for as many bytes as the file claims
        raise FaultError(f"is damaged, or there is not enough memory to read it: {error}", where=name) from error
    except NotImplementedError as error:
        raise DataError(f"is of an unusual kind: {error}", where=name) from error
    except Exception as error:  # libraries raise their own kinds and those of Python, SystemError among them
        message = (str(error) or "it is cut short").splitlines()[0][:120]
        raise DataError(f"{damaged}: {message}", where=name) from error
