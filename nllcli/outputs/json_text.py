"""A report as one JSON object: strict JSON, round-trip exact, one line a key."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from nllcli import __version__
from nllcli.errors import UsageError
from nllcli.registry import unknown
from nllcli.report import Report, Table, Value, shortest

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """Return ``report`` as a JSON object; numbers that JSON lacks become null and are named in ``nonfinite``."""
    nonfinite: dict[str, str] = {}
    items = {key: _finite(value, key, nonfinite) for key, value in _items(report).items()}
    if nonfinite:
        items["nonfinite"] = nonfinite
    lines = ",\n".join(f"  {_dumps(key)}: {_value(value)}" for key, value in items.items())
    return f"{{\n{lines}\n}}\n"


def named_values(report: Report, keys: Sequence[str]) -> list[Value]:
    """What the JSON has under these ``keys``: numbers, or text; raises UsageError for one that it does not have."""
    items = _items(report)
    single = {key: value for key, value in items.items() if isinstance(value, float | int | str)}
    for key in keys:
        if key in single:
            continue
        if key not in items:
            raise unknown("print", key, single, f"the JSON has no {key!r}", given=keys)
        message = f"the JSON has no single number under {key!r} here"
        raise UsageError(message, hint=f"it has some under {', '.join(single)}")
    return [single[key] for key in keys]


def _items(report: Report) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": report.command,
        "version": __version__,
        "signature": report.signature,
        **{metric.key: metric.value for metric in report.metrics},
        **{table.key: _objects(table) for table in report.tables},
        **report.extra,
        "warnings": [{"code": notice.code, "message": notice.message} for notice in report.warnings],
    }


def _objects(table: Table) -> list[dict[str, Any]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def _finite(value: Any, path: str, nonfinite: dict[str, str]) -> Any:
    """Copy ``value`` with null for every number that is not finite, and note the path of each."""
    if isinstance(value, float) and not isfinite(value):
        nonfinite[path] = shortest(value)
        return None
    if isinstance(value, dict):
        return {key: _finite(item, f"{path}.{key}", nonfinite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item, f"{path}[{i}]", nonfinite) for i, item in enumerate(value)]
    return value


def _value(value: Any) -> str:
    """Write a list of objects one object a line, anything else on one line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        lines = ",\n".join(f"    {_dumps(item)}" for item in value)
        return f"[\n{lines}\n  ]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
