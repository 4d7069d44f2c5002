"""Values that an object works out when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class once(Generic[Value]):
    """``functools.cached_property`` without its lock.

    Python 3.11 holds one lock for all instances while it works a value out, so that of several threads, each with a
    block of its own, one would work at a time.
    """

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, instance: Any, owner: type) -> Value:
        value = instance.__dict__[self._work.__name__] = self._work(instance)
        return value
