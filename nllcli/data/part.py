"""What one block adds: sums that merge over blocks, files and machines."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class Part:
    """A record of sums whose ``+`` adds its fields, one by one.

    None is the zero of a field, and a subclass without arguments the zero of the whole; dicts add key by key.
    """

    def __add__(self, other: Self) -> Self:
        return type(self)(*(_sum(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)))


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, dict):
        return a | {key: _sum(a.get(key), value) for key, value in b.items()}
    return a + b
