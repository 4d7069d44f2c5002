"""Files of tallies: JSON of one format, whose values are checked as they are taken out."""

from __future__ import annotations

import json
import os
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.bytes.compressed import decompressed
from nllcli.inputs.bytes.files import name_of, open_stream
from nllcli.inputs.words import files_of
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import NoReturn

    from numpy.typing import NDArray

FORMAT = "nll-tally"
FORMAT_VERSION = 1
_MOST_COUNTED = 1 << 62
_MOST_CHARACTERS = 4096  # of a name
_MOST_TRIED = 8
_MOST_SHOWN = 40
_HOW = "nll compute LOGITS TARGETS -o FILE.tally.json writes a tally"
_HOW_COMPARED = "nll compare MODEL MODEL --targets TARGETS -o FILE.tally.json writes a tally"
Value = TypeVar("Value")


def tally_paths(words: Sequence[str]) -> list[str]:
    """The files that the words stand for, in their order; raises UsageError for one that is there twice."""
    paths = [path for word in words for path in files_of(word) or [word]]
    first: dict[str, str] = {}
    repeated: list[str] = []
    for path in paths:
        place = path if path == "-" else os.path.realpath(path)
        if place in first:
            repeated += [path, first[place]]
        first.setdefault(place, path)
    if repeated:
        again, known, *_ = repeated
        left = tuple(first.values())
        raise UsageError(
            f"is named twice{f' (as {known})' if known != again else ''}: its samples would count double",
            where=name_of(again),
            hint="name it once",
            remedies=[Remedy({"tallies": left})] if len(left) <= _MOST_TRIED else [],
        )
    return paths


def without(paths: Sequence[str], name: str) -> list[Remedy]:
    """The remedy that leaves one of a few files out; none where there are many, or no others."""
    left = tuple(path for path in paths if name_of(path) != name)
    return [Remedy({"tallies": left}, f"leaves out {name}")] if 0 < len(left) <= _MOST_TRIED else []


def read_tally(path: str) -> Fields:
    """What a file of a tally holds; raises DataError for one that holds anything else, FaultError without one."""
    data = decompressed(open_stream(path)).read_all()
    name = name_of(path)
    try:
        found = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _not_json(data, name, error) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _not_a_tally(found, name)
    tally = Fields(name, found)
    version = tally.count("format_version")
    if version > FORMAT_VERSION:
        message = f"is of version {version} of the format, which this nll does not know"
        raise DataError(message, where=name, hint="a newer nll reads it")
    return tally


def _refuse_constant(name: str) -> NoReturn:
    """Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(name)


def _not_json(data: bytes, name: str, error: Exception) -> DataError:
    if not data.strip():
        return DataError("is empty: it holds no tally", where=name, hint=_HOW)
    if f'"{FORMAT}"'.encode() in data[:200]:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        return DataError(f"is a damaged tally: its JSON is wrong{line}", where=name, hint="write it again")
    return DataError("is not a tally: it is not JSON", where=name, hint=_HOW)


def _not_a_tally(found: Any, name: str) -> DataError:
    if isinstance(found, dict) and {"schema_version", "command"} <= found.keys():
        message = f"is a report of nll {found['command']}: its numbers are rounded, and do not add up"
        return DataError(message, where=name, hint=_HOW_COMPARED if found["command"] == "compare" else _HOW)
    return DataError("is not a tally: it is other JSON", where=name, hint=_HOW)


@dataclass(frozen=True)
class Fields:
    """An object in the file ``name``; every value has to be of the kind that it is asked for, else DataError."""

    name: str
    values: Mapping[str, Any]
    path: str = ""

    def wrong(self, key: str, problem: str) -> DataError:
        """The error that says what is wrong with a value."""
        return DataError(f"is a damaged tally: {self.path}{key} {problem}", where=self.name, hint="write it again")

    def has(self, key: str) -> bool:
        """Whether there is a value, and not null."""
        return self.values.get(key) is not None

    def _value(self, key: str, is_right: Callable[[Any], bool], what: str) -> Any:
        if key not in self.values:
            raise self.wrong(key, "is missing")
        value = self.values[key]
        if not is_right(value):
            raise self.wrong(key, f"is {_shown(value)}, not {what}")
        return value

    def count(self, key: str) -> int:
        """A whole number from 0."""
        return self._value(key, _is_count, "a count")

    def number(self, key: str) -> float:
        """A finite number."""
        return float(self._value(key, _is_number, "a number"))

    def whole(self, key: str) -> int:
        """A whole number."""
        return self._value(key, _is_whole, "a whole number")

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._value(key, lambda value: isinstance(value, bool), "true or false")

    def text(self, key: str) -> str:
        """Text of at most the length of a path."""
        return self._value(key, _is_text, "text")

    def one_of(self, key: str, known: Collection[str]) -> str:
        """Text that is ``known``."""
        value = self.text(key)
        if value not in known:
            raise self.wrong(key, f"is {value!r}, which this nll does not know")
        return value

    def optional_text(self, key: str) -> str | None:
        """Text, or null."""
        return self.text(key) if self.has(key) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of text."""
        return tuple(self._value(key, _list_of(_is_text), "a list of text"))

    def texts_by_key(self, key: str) -> dict[str, str]:
        """An object whose values are text."""
        fields = self.fields(key)
        return {each: fields.text(each) for each in fields.values}

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(map(float, self._value(key, _list_of(_is_number), "a list of numbers")))

    def counts(self, key: str, n: int) -> NDArray[np.int64]:
        """``n`` counts (n,)."""
        values = self.column(key, n, "counts")
        if not _are_counts(values):
            raise self.wrong(key, "is not a list of counts")
        return np.array(values, np.int64)

    def column(self, key: str, n: int, what: str) -> list[Any]:
        """A list of ``n`` values."""
        return self._value(key, lambda value: isinstance(value, list) and len(value) == n, f"a list of {n} {what}")

    def fields(self, key: str) -> Fields:
        """An object."""
        value = self._value(key, lambda value: isinstance(value, dict), "an object")
        return Fields(self.name, value, f"{self.path}{key}.")

    def each(self, key: str) -> list[Fields]:
        """A list of objects."""
        values = self._value(key, _list_of(lambda value: isinstance(value, dict)), "a list of objects")
        return [Fields(self.name, value, f"{self.path}{key}[{i}].") for i, value in enumerate(values)]

    def converted(self, key: str, convert: Callable[[Any], Value], what: str) -> Value:
        """What ``convert`` makes of a value, which raises ValueError where it is not ``what`` it should be."""
        value = self._value(key, lambda value: value is not None, what)
        try:
            return convert(value)
        except (ValueError, TypeError):
            raise self.wrong(key, f"is {_shown(value)}, not {what}") from None


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < _MOST_COUNTED


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _are_counts(values: list[Any]) -> bool:
    """Whether all are counts: a million of them are looked at in a moment."""
    return not values or (set(map(type, values)) == {int} and min(values) >= 0 and max(values) < _MOST_COUNTED)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (type(value) is float and isfinite(value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_CHARACTERS


def _list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))
