"""Standard output and standard error: what they can show, and how they fail."""

import os
import shutil
import sys
from contextlib import suppress
from typing import TypedDict

from nllcli.errors import FaultError
from nllcli.outputs.files import STANDARD_OUTPUT, faults
from nllcli.report import Value


class Screen(TypedDict):
    """What a stream can show; a width of None: as wide as the content."""

    width: int | None
    colour: bool
    unicode: bool


def standard_output() -> Screen:
    """Return what standard output can show."""
    stream = sys.stdout
    terminal = stream is not None and not stream.closed and stream.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    encoding = (stream and stream.encoding) or "utf-8"
    return {
        "width": shutil.get_terminal_size().columns if terminal else None,
        "colour": terminal and not plain,
        "unicode": encoding.lower().replace("_", "-").startswith("utf"),
    }


def write_result(text: str) -> None:
    """Write ``text`` to standard output, all of it, or raise FaultError; BrokenPipeError stays what it is."""
    stream = sys.stdout
    if stream is None or stream.closed:
        raise FaultError("is closed", where=STANDARD_OUTPUT)
    encoding = stream.encoding or "utf-8"
    with faults(STANDARD_OUTPUT):
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def write_notice(kind: str, message: str) -> None:
    """Write one line to standard error; there is nowhere to tell of a failure to do so."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.write(f"nll: {kind}: {printable(message)}\n")
            sys.stderr.flush()


def settle_standard_output() -> None:
    """Redirect standard output to the null device where flushing it fails, so that nothing fails on it later."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


def printable(text: str) -> str:
    """Return ``text`` with every character that moves a cursor or hides itself written as its escape."""
    return text if text.isprintable() else "".join(map(_character, text))


def _character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def shortest(value: Value) -> str:
    """Return the shortest text that reads back to the same value; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float.__repr__(value).removesuffix(".0")
    return str(value)
