"""Records: dataclasses that are made quickly, since every start of the program makes some ninety of them.

For each class the standard library writes and compiles six methods, which is a fifth of a short run. Here it writes
``__init__`` alone; the others are the same few functions for all records, and do what those would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **options):
        """The decorator ``dataclasses.dataclass``."""
        if cls is None:
            return lambda decorated: dataclass(decorated, frozen=frozen, eq=eq, **options)
        own = vars(cls)
        if "__repr__" not in own:
            cls.__repr__ = _text
        if eq and "__eq__" not in own:
            cls.__eq__, cls.__hash__ = _are_equal, _hash if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__ = _set_once, _keep
        return dataclasses.dataclass(cls, repr=False, eq=False, **options)


def _text(record: Any) -> str:
    shown = (f"{each.name}={getattr(record, each.name)!r}" for each in dataclasses.fields(record) if each.repr)
    return f"{type(record).__qualname__}({', '.join(shown)})"


def _are_equal(record: Any, other: Any) -> bool:
    if other.__class__ is not record.__class__:
        return NotImplemented
    compared, _ = _getters(record.__class__)
    return bool(compared(record) == compared(other))


def _hash(record: Any) -> int:
    _, hashed = _getters(record.__class__)
    return hash(hashed(record))


@cache
def _getters(kind: type) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What gives the values of a record that are compared, and those that are hashed."""
    fields = dataclasses.fields(kind)
    compared = [each.name for each in fields if each.compare]
    hashed = [each.name for each in fields if (each.compare if each.hash is None else each.hash)]
    return _getter(compared), _getter(hashed)


def _getter(names: list[str]) -> Callable[[Any], Any]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _set_once(record: Any, name: str, value: object) -> None:
    """Set an attribute, as ``__init__`` does, that has no value yet."""
    if name in record.__dict__ or name not in record.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(record, name, value)


def _keep(_: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
