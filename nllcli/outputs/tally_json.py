"""A report's tally as a file of JSON: one line a key, two levels deep."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nllcli.report import Report

_LEVELS = 2


def render(report: Report) -> Iterator[str]:
    """Return the tally of ``report``, which has one, as a JSON object."""
    assert report.tally is not None
    return iter((_lines(report.tally, 1), "\n"))


def _lines(values: Mapping[str, Any], level: int) -> str:
    """An object with one line a key, those of its objects too, as far as two levels."""
    indent = "  " * level
    items = [f"{indent}{_dumps(key)}: {_value(value, level + 1)}" for key, value in values.items()]
    return "{\n" + ",\n".join(items) + f"\n{indent[2:]}}}"


def _value(value: Any, level: int) -> str:
    if isinstance(value, dict) and value and level <= _LEVELS:
        return _lines(value, level)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        indent = "  " * level
        return "[\n" + ",\n".join(f"{indent}{_dumps(item)}" for item in value) + f"\n{indent[2:]}]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
