"""Records: dataclasses that are made quickly, since every start of the program makes some ninety of them.

For each class the standard library writes and compiles six methods, which is a fifth of a short run. Here they are the
same few functions for all records, which do what those would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

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
        if "__init__" not in own:
            cls.__init__, cls.__signature__ = _fill, _Signature()
        return dataclasses.dataclass(cls, init=False, repr=False, eq=False, **options)


def _fill(record: Any, /, *values: Any, **named: Any) -> None:
    """The ``__init__`` of every record."""
    plan = _plan(record.__class__)
    own = record.__dict__
    own.update(plan.defaults)
    own.update(zip(plan.places, values, strict=False))
    own.update(named)
    fits = own.keys() <= plan.given and len(values) <= len(plan.places)
    for name, make in plan.makers:
        if name not in own:
            own[name] = make()
    if not fits or own.keys() != plan.names or not named.keys().isdisjoint(plan.places[: len(values)]):
        _refuse(record.__class__, values, named)
    if plan.finish:
        plan.finish(record)


class _Plan(NamedTuple):
    """How a record is made: the fields given by ``places``, all that may be ``given``, and all that get a value."""

    places: tuple[str, ...]
    given: set[str]
    names: set[str]
    defaults: dict[str, Any]
    makers: list[tuple[str, Callable[[], Any]]]
    finish: Callable[[Any], None] | None


@cache
def _plan(kind: type) -> _Plan:
    fields = dataclasses.fields(kind)
    given = {each.name for each in fields if each.init}
    makers = [(each.name, each.default_factory) for each in fields if each.default_factory is not dataclasses.MISSING]
    return _Plan(
        tuple(each.name for each in fields if each.init and not each.kw_only),
        given,
        given | {name for name, _ in makers},
        {each.name: each.default for each in fields if each.init and each.default is not dataclasses.MISSING},
        makers,
        getattr(kind, "__post_init__", None),
    )


def _refuse(kind: type, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raise the library's TypeError for what does not fit the fields."""
    _plain(kind)(*values, **named)


def _plain(kind: type) -> type:
    """A class of the same fields, made by the standard library."""
    fields = [(each.name, each.type, each) for each in dataclasses.fields(kind)]
    return dataclasses.make_dataclass(kind.__qualname__, fields)


class _Signature:
    """How a record is made, for whoever asks ``inspect``."""

    def __get__(self, record: Any, kind: type) -> Any:
        import inspect

        return inspect.signature(_plain(kind))


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
