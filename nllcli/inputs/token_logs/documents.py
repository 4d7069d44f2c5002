"""JSON as values in memory: one document over many lines, a value a line, or values one after the other."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, NoRows
from nllcli.inputs.tables.cells import text_of
from nllcli.inputs.tables.json_values import unique_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.bytes.files import ByteStream

_AHEAD = 1 << 16
_MOST_AHEAD = 1 << 26
_BLANKS = re.compile(r"[ \t\r\n]*")
_EVENT = re.compile(r"^(data:[ \t]*(\[DONE\])?|event:.*|:.*)", re.MULTILINE)
_DECODER = json.JSONDecoder(object_pairs_hook=unique_names)


def read_text(stream: ByteStream) -> str:
    """All of a file, as text."""
    stream.check_not_begun()
    data = stream.read_all()
    stream.check_unchanged()
    return text_of(data, stream.name).removeprefix("\ufeff")


def json_values(stream: ByteStream) -> list[tuple[str, Any]]:
    """Every value of a file with its place: the file alone where there is one, else the line it begins in."""
    text = _without_events(read_text(stream))
    found: list[tuple[str, Any]] = []
    at, line = 0, 1
    while True:
        start = _end_of_blanks(text, at)
        line += text.count("\n", at, start)
        if start == len(text):
            break
        where = f"{stream.name}, line {line}"
        try:
            value, at = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise DataError(f"is not valid JSON: {error.msg}", where=f"{stream.name}, line {error.lineno}") from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"cannot be read: {str(error)[:80]}", where=where) from error
        found.append((where, value))
        line += text.count("\n", start, at)
    if not found:
        raise NoRows("is empty", where=stream.name)
    return found if len(found) > 1 else [(stream.name, found[0][1])]


def first_value(stream: ByteStream) -> Any:
    """The first value of a file, not consumed; None where there is none, or a long one."""
    n = _AHEAD
    while True:
        head = stream.peek(n)
        text = _without_events(head.decode("utf-8", errors="replace").removeprefix("\ufeff"))
        try:
            return _DECODER.raw_decode(text, _end_of_blanks(text, 0))[0]
        except (ValueError, RecursionError):
            if len(head) < n or n >= _MOST_AHEAD:
                return None
        n *= 16


@contextmanager
def refusing_damage(name: str) -> Iterator[None]:
    """Refuse values that have the keys of a shape and something else under them, wherever they are met."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        message = f"has the keys of a file of log-probabilities, but not what belongs under them: {str(error)[:80]}"
        raise DataError(message, where=name) from error


def _without_events(text: str) -> str:
    """The JSON in what a server streams as events, its lines where they were; other text as it is."""
    return _EVENT.sub("", text) if text.startswith(("data:", "event:")) else text


def _end_of_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()
