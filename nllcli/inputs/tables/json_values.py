"""One value of JSON: text -> Python, and back where it has to be a line."""

from __future__ import annotations

import json
from math import isinf
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError
from nllcli.inputs.tables.cells import shown, text_of

if TYPE_CHECKING:
    from collections.abc import Callable


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The hook of ``json.loads`` that refuses an object in which a name occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _finite(number: str) -> float:
    """The hook that refuses numbers too large for a float64; JSON has a word for an infinity."""
    value = float(number)
    if isinf(value):
        raise ValueError(f"{shown(number)} is too large for a float64")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=unique_names)
DIGITS_FINITE = json.JSONDecoder(parse_float=_finite)  # a call a number: only for lines that hold an infinity
# A text between lines that are parsed together: none of them has it but in this way of writing.
_PARTED, _PART = b'"\\u0001"', "\1"
WHOLE = json.JSONDecoder(object_pairs_hook=unique_names, parse_float=_finite)


def parse_json(text: bytes, where: str | Callable[[], str], decoder: json.JSONDecoder = _DECODER) -> Any:
    """The value of JSON; raises DataError for what is not valid, and for names that occur twice."""
    try:
        return decoder.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        place = where if isinstance(where, str) else where()
        if isinstance(error, UnicodeDecodeError):
            text_of(text, place)
        if isinstance(error, json.JSONDecodeError):
            at = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
            raise DataError(f"is not valid JSON: {error.msg}, {at}", where=place) from error
        raise DataError(f"cannot be read: {str(error)[:80]}", where=place) from error


def parse_lines(body: bytes) -> list[Any] | None:
    """The values of lines of JSON; None where they have to be parsed one by one, which shows what is wrong."""
    if _PARTED in body:
        return None
    try:
        values = _DECODER.decode("[" + body[:-1].replace(b"\n", b"," + _PARTED + b",").decode("utf-8") + "]")
    except (ValueError, RecursionError):
        return None
    parted = values[1::2]
    return values[::2] if parted.count(_PART) == len(parted) == body.count(b"\n") - 1 else None


def is_json(text: bytes) -> bool:
    """Whether the text is one whole value of JSON, of which other things may be wrong."""
    try:
        _DECODER.decode(text.decode("utf-8"))
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return True


def written(value: Any) -> str:
    """A value as a message shows it."""
    return shown(json.dumps(value))
