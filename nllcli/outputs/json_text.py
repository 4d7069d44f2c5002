"""A report as one JSON object: strict JSON, round-trip exact, one line a key."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from nllcli import __version__
from nllcli.errors import UsageError
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.outputs.json_lookup import value_at
from nllcli.report import Report, Table, Value, shortest

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """Return ``report`` as a JSON object; numbers that JSON lacks become null and are named in ``nonfinite``."""
    nonfinite: dict[str, str] = {}
    items = {key: _finite(value, key, nonfinite) for key, value in json_object(report).items()}
    if nonfinite:
        items["nonfinite"] = nonfinite
    lines = ",\n".join(f"  {_dumps(key)}: {_value(value)}" for key, value in items.items())
    return f"{{\n{lines}\n}}\n"


def named_values(report: Report, paths: Sequence[str]) -> list[Value]:
    """What the JSON has under these ``paths``: numbers, or text; raises UsageError for one that it does not have."""
    items = json_object(report)
    return [_single(items, path, paths) for path in paths]


def _single(items: dict[str, Any], path: str, paths: Sequence[str]) -> Value:
    value = value_at(items, path, lambda meant: {"print": tuple(meant if each == path else each for each in paths)})
    if isinstance(value, float | int | str):
        return value
    message = f"the JSON has no single number under {path!r} here"
    single = [key for key, item in items.items() if isinstance(item, float | int | str)]
    raise UsageError(message, hint=f"it has some under {', '.join(single)}")


def json_object(report: Report) -> dict[str, Any]:
    """Every value of ``report`` by its key, numbers that JSON lacks as they are."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": report.command,
        "version": __version__,
        "kernel": kernel_name(),
        "signature": report.signature,
        **({"inputs": list(report.inputs)} if report.inputs else {}),
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
