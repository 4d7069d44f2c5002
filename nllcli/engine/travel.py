"""What is done to an item in another process, as bytes there and back; what goes wrong comes back as a value.

An engine that met an exception would try again, or report it in words of its own.
"""

from __future__ import annotations

import pickle
import traceback
from functools import lru_cache
from typing import Any

from nllcli.records import dataclass

_KEPT = 4  # tasks and datasets that a process keeps open, one or two of which are in use


@dataclass(frozen=True)
class Failure:
    """An exception, or the name of its kind and its text where it cannot travel; ``trace`` is where it was raised."""

    error: Exception | None
    kind: str
    text: str
    trace: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        trace = "".join(traceback.format_exception(error))
        travels: Exception | None = error
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001 - exceptions of any kind pickle as they like
            travels = None
        return cls(travels, type(error).__name__, str(error), trace)

    def again(self) -> Exception:
        """The exception as it was, with the traceback of the other process as a note."""
        error = self.error or type(self.kind, (Exception,), {})(self.text)
        error.add_note(f"In another process:\n{self.trace}")
        return error


def packed(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def unpacked(data: bytes) -> Any:
    return pickle.loads(data)


@lru_cache(_KEPT)
def kept(data: bytes) -> Any:
    """What was packed, the same object every time while it is in use."""
    return unpacked(data)


def attempt(task: bytes, item: bytes) -> bytes:
    """What a packed task makes of a packed item, or the exception it raises, packed."""
    try:
        return packed(kept(task)(unpacked(item)))
    except Exception as error:  # noqa: BLE001 - it is raised where the result is wanted
        return packed(Failure.of(error))


def result_of(data: bytes) -> Any:
    """What ``attempt`` returned; raises what the task raised."""
    found = unpacked(data)
    if isinstance(found, Failure):
        raise found.again()
    return found
