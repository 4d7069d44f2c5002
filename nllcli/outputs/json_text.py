"""A report as one JSON object: strict JSON, round-trip exact, one line a key, a run of rows or numbers at a time."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import Any, overload

from nllcli import __version__
from nllcli.errors import UsageError
from nllcli.outputs.json_lookup import value_at
from nllcli.outputs.sentences import sentence_text
from nllcli.records import dataclass
from nllcli.report import RUN, Nested, Picture, Report, Table, Value, runs, shortest

SCHEMA_VERSION = 1


def render(report: Report) -> Iterator[str]:
    """Return ``report`` as a JSON object; numbers that JSON lacks become null and are named in ``nonfinite``."""
    nonfinite: dict[str, str] = {}
    before = "{"
    for key, value in json_object(report).items():
        yield f"{before}\n  {_dumps(key)}: "
        yield from _value(value, key, nonfinite)
        before = ","
    if nonfinite:
        yield f'{before}\n  "nonfinite": {_dumps(nonfinite)}'
    yield "\n}\n"


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
        **({"kernel": report.kernel} if report.kernel else {}),
        "signature": report.signature,
        **({"inputs": list(report.inputs)} if report.inputs else {}),
        **{metric.key: metric.value for metric in report.metrics if not metric.page_only},
        **{table.key: _Objects(table) for table in report.tables},
        **({"pictures": _Pictures({each.key: _picture(each) for each in report.pictures})} if report.pictures else {}),
        **report.extra,
        "warnings": [{"code": notice.code, "message": notice.message} for notice in report.warnings],
    }


class _Pictures(dict[str, Any]):
    """What pictures show, by their keys: each on a line of its own."""


def _picture(picture: Picture) -> dict[str, Any]:
    """What a picture shows: the sentence, the numbers in it, and the rows of its table."""
    facts = {fact.key: fact.value for fact in picture.facts}
    answer = sentence_text(picture.answer)
    return {"question": picture.question, "answer": answer, **facts, "rows": list(_Objects(picture.table.of_numbers))}


@dataclass(frozen=True, eq=False)
class _Objects(Sequence[dict[str, Any]]):
    """The rows of a table as objects, made as they are asked for."""

    table: Table

    def __len__(self) -> int:
        return len(self.table.rows)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        keys, found = [column.key for column in self.table.columns], self.table.rows[at]
        if isinstance(at, slice):
            return [dict(zip(keys, row, strict=True)) for row in found]
        return dict(zip(keys, found, strict=True))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return chain.from_iterable(self[run] for run in runs(len(self)))


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


def _value(value: Any, path: str, nonfinite: dict[str, str]) -> Iterator[str]:
    """Write a list of objects one object a line, anything else on one line."""
    if isinstance(value, _Objects):
        yield from _rows(value, path, nonfinite) if len(value) else ["[]"]
    elif isinstance(value, Nested):
        yield from _numbers(value, path, nonfinite)
    elif isinstance(value, _Pictures):
        found = {key: _finite(each, f"{path}.{key}", nonfinite) for key, each in value.items()}
        yield "{\n" + ",\n".join(f"    {_dumps(key)}: {_dumps(each)}" for key, each in found.items()) + "\n  }"
    else:
        value = _finite(value, path, nonfinite)
        is_rows = isinstance(value, list) and value and isinstance(value[0], dict)
        lines = ",\n".join(f"    {_dumps(item)}" for item in value) if is_rows else ""
        yield f"[\n{lines}\n  ]" if is_rows else _dumps(value)


def _rows(objects: _Objects, path: str, nonfinite: dict[str, str]) -> Iterator[str]:
    """Write the rows of a table, where there are many, those of which every cell is plain column by column."""
    is_long = len(objects) > len(objects.table.columns)
    before = "[\n"
    for run in runs(len(objects)):
        lines = _by_column(objects.table, run) if is_long else None
        if lines is None:
            rows = enumerate(objects[run], run.start)
            lines = [f"    {_dumps(_finite(row, f'{path}[{i}]', nonfinite))}" for i, row in rows]
        yield before + ",\n".join(lines)
        before = ",\n"
    yield "\n  ]"


def _by_column(table: Table, run: slice) -> list[str] | None:
    """Some rows as objects; None where a cell is not plain."""
    cells = [_plain(column) for column in table.cells_of(run)]
    if any(column is None for column in cells):
        return None
    keys = [_dumps(column.key).replace("%", "%%") for column in table.columns]
    form = f"    {{{', '.join(f'{key}: %s' for key in keys)}}}"
    return [form % row for row in zip(*cells, strict=True)]


def _plain(cells: Sequence[Any]) -> list[str] | None:
    """The cells of a column as JSON, where all are finite numbers, integers or nothing, or text; else None."""
    kinds = {*map(type, cells)}
    if kinds <= {float, int, type(None)}:
        numbers = [cell for cell in cells if cell is not None]
        written = ["null" if cell is None else repr(cell) for cell in cells]
        return written if all(map(isfinite, numbers)) else None
    if kinds == {str}:
        texts = {text: _dumps(text) for text in {*cells}}
        return [texts[text] for text in cells]
    return None


def _numbers(values: Nested, path: str, nonfinite: dict[str, str]) -> Iterator[str]:
    """Write lists in lists on one line, as many of them at a time as make a run of numbers."""
    yield "["
    before = ""
    if values.size > RUN:
        for i, value in enumerate(values):
            yield before
            yield from _numbers(value, f"{path}[{i}]", nonfinite)
            before = ", "
    else:
        for run in runs(len(values), RUN // max(1, values.size)):
            lists, cells = values.lists(run)
            if not all(map(isfinite, cells)):
                lists = [_finite(item, f"{path}[{i}]", nonfinite) for i, item in enumerate(lists, run.start)]
            yield f"{before}{_dumps(lists)[1:-1]}"
            before = ", "
    yield "]"


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
