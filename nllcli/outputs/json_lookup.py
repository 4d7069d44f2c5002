"""A value in the JSON of a report by its path: ``loss``, ``per_class[0].accuracy``, ``per_class[cat].accuracy``.

A row of a list is named by its place, counted from 0, by the text that stands first in it, or as ``[class=cat]``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from nllcli.errors import Remedy, UsageError, counted, first_few
from nllcli.registry import nearest
from nllcli.report import shortest

_ROW = re.compile(r"\[(.*?)\](?=[.\[]|$)", re.DOTALL)
_STEP = re.compile(rf"{_ROW.pattern}|\.[^.\[]*|.+", re.DOTALL)
_PLACE = re.compile(r"0|[1-9][0-9]{0,17}")
_MOST_LISTED = 20
_MOST_COMPARED = 10_000  # names among which the nearest one is sought

# The settings that ask for this path, where another one was asked for.
Asking = Callable[[str], Mapping[str, object]]


def top_key(path: str) -> str:
    """The key of the whole JSON at which a path begins."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def value_at(items: Mapping[str, Any], path: str, asking: Asking) -> Any:
    """The value under a path; raises UsageError where it leads nowhere, or to several rows."""
    value, done, rest = items, "", f".{path}"
    while rest:
        found = _following(value, rest)
        if not found:
            raise _missing(value, done, rest, asking)
        if len(found) > 1:
            raise _ambiguous(value, done, rest, asking)
        ((step, value),) = found
        done, rest = done + step, rest[len(step) :]
    return value


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_single(value: Any) -> bool:
    return isinstance(value, float | int | str)


def _leads_on(value: Any) -> bool:
    return value is None or isinstance(value, Mapping) or _is_list(value)


def _following(value: Any, rest: str) -> list[tuple[str, Any]]:
    """The first step of the rest of a path, with every value that it may lead to."""
    if isinstance(value, Mapping):
        keys = [key for key in value if rest.startswith(f".{key}") and rest[len(key) + 1 :][:1] in ("", ".", "[")]
        key = max(keys, key=len, default=None)  # names of classes, which hold anything, are keys too
        return [] if key is None else [(f".{key}", value[key])]
    row = _ROW.match(rest)
    if row is None or not _is_list(value):
        return []
    return [(row[0], value[place]) for place in _places(value, row[1])]


def _places(rows: Sequence[Any], name: str) -> list[int]:
    """Where the rows stand that a name between brackets may mean."""
    by_place = {int(name)} if _PLACE.fullmatch(name) and int(name) < len(rows) else set()
    return sorted(by_place | {place for place, row in enumerate(rows) if name in _names(row)})


def _names(row: Any) -> tuple[str, ...]:
    """The names of a row: a text that stands first, and the same as COLUMN=VALUE."""
    if not (row and isinstance(row, dict)):
        return ()
    column, first = next(iter(row.items()))
    named = f"{column}={shortest(first)}"
    return (first, named) if isinstance(first, str) else (named,)


def _missing(value: Any, done: str, rest: str, asking: Asking) -> UsageError:
    """The refusal of a path that leads nowhere after what is ``done`` of it, with the nearest one that leads on."""
    typed = _STEP.match(rest)
    step = typed[0] if typed else rest
    after = rest[len(step) :]
    known = _known(value, leads_on=bool(after))
    near = nearest(step.strip(".[]"), known)
    message = f"the JSON has no {(done + rest)[1:]!r}"
    inside = [] if done or after else _inside(value, step.strip("."))
    if inside:
        return UsageError(message, remedies=[Remedy(asking(path)) for path in inside])
    if near is not None:
        return UsageError(message, remedies=[Remedy(asking((done + known[near] + after)[1:]))])
    if known:
        hint = f"one of: {first_few([(done + each)[1:] for each in known.values()], _MOST_LISTED)}"
    elif _is_list(value):
        hint = f"{done[1:]} has {counted(len(value), 'row')}"
    else:
        hint = f"{done[1:]} {'has no value here' if value is None else 'is a single value'}"
    return UsageError(message, hint=hint)


def _inside(value: Any, key: str) -> list[str]:
    """The paths of a key in the rows of short lists, where it has a single value."""
    lists = {name: rows for name, rows in value.items() if _is_list(rows) and len(rows) <= _MOST_LISTED}
    return [
        f"{name}[{_names(row)[0]}].{key}"
        for name, rows in lists.items()
        for row in rows
        if isinstance(row, Mapping) and _is_single(row.get(key)) and _places(rows, _names(row)[0]) != []
    ][:_MOST_LISTED]


def _known(value: Any, *, leads_on: bool) -> dict[str, str]:
    """The names of what comes next, each with the step to it: what holds more, or may, where the path ``leads_on``."""
    if isinstance(value, Mapping):
        fits = _leads_on if leads_on else _is_single
        return {key: f".{key}" for key, item in value.items() if fits(item)}
    rows = value[:_MOST_COMPARED] if _is_list(value) else ()
    return {names[0]: f"[{names[0]}]" for names in map(_names, rows) if len(names) > 1}


def _ambiguous(rows: Any, done: str, rest: str, asking: Asking) -> UsageError:
    """The refusal of a name that several rows have, one of them perhaps by its place."""
    row = _ROW.match(rest)
    assert row is not None
    remedies = []
    for place in _places(rows, row[1]):
        *_, named = names = (str(place), *_names(rows[place]))
        only = next((name for name in reversed(names) if _places(rows, name) == [place]), None)
        if only is not None:
            path = f"{done}[{only}]{rest[row.end() :]}"[1:]
            remedies.append(Remedy(asking(path), f"row {place}: {named.replace('=', ' ', 1)}"))
    return UsageError(f"{(done + row[0])[1:]} in the JSON is more than one row", remedies=remedies)
