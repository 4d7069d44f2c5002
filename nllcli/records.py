"""Records: dataclasses that are made quickly, since every start of the program makes some ninety of them.

For each class the standard library writes and compiles six methods, which is a fifth of a short run. Here ``__init__``
alone is written, when the first record is made; the others are the same few functions for all records. They all do what
those of the library would.
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
        cls.__init__ = _write_first(cls)
        return dataclasses.dataclass(cls, init=False, repr=False, eq=False, **options)


def _write_first(cls: type) -> Callable[..., None]:
    """The ``__init__`` of the first record of a class, which writes the one of the others: many classes have none."""

    def __init__(record: Any, *args: Any, **kwargs: Any) -> None:
        cls.__init__ = written = _written(cls)  # type: ignore[misc]
        written(record, *args, **kwargs)

    return __init__


def _written(cls: Any) -> Callable[..., None]:
    """The ``__init__`` of a class, with its fields as parameters."""
    scope: dict[str, Any] = {"_set": object.__setattr__}
    by_place, by_name, lines = ["self"], ["*"], []
    for each in dataclasses.fields(cls):
        name, value = each.name, each.name
        default, make = f"_default_{name}", f"_make_{name}"
        scope |= {default: each.default, make: each.default_factory}
        makes = each.default_factory is not dataclasses.MISSING
        if each.init:
            needed = each.default is dataclasses.MISSING and not makes
            (by_name if each.kw_only else by_place).append(name if needed else f"{name}={default}")
            if makes:
                value = f"{make}() if {name} is {default} else {name}"
        elif makes:
            value = f"{make}()"
        else:  # the class has its value
            continue
        lines.append(f"_set(self, {name!r}, {value})" if cls.__setattr__ is _set_once else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(by_place + by_name * (len(by_name) > 1))
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"]), scope)
    written: Callable[..., None] = scope["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


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
    """Set an attribute that has no value yet, as ``__post_init__`` does."""
    if name in record.__dict__ or name not in record.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(record, name, value)


def _keep(_: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
