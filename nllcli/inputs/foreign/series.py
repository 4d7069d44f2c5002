"""Names that are the same but for a number which counts, as those of the parts of one array are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERED = re.compile(r"(.*\D|)(\d{1,9})(\D*)")


@dataclass(frozen=True)
class Series:
    """Keys in the order of their numbers, which count from 0 or 1; ``name`` is what they share.

    ``of_i`` is the Python that makes each of the number i.
    """

    keys: tuple[Any, ...]
    name: str
    of_i: str
    first: int

    def taken(self, code: str) -> str:
        """The Python that takes the values of the keys, in their order, out of what ``code`` is."""
        return f"[{code}[{self.of_i}] {self._for_i}]"

    @property
    def written(self) -> str:
        """The Python that makes the keys, in their order."""
        return f"[{self.of_i} {self._for_i}]"

    @property
    def _for_i(self) -> str:
        first = f"{self.first}, " if self.first else ""
        return f"for i in range({first}{self.first + len(self.keys)})"


def series(keys: Iterable[Any]) -> list[Series]:
    """Every series among the keys of a dict, whole numbers or text."""
    groups: dict[tuple[str, str] | None, dict[int, Any]] = {}
    for key in keys:
        match = _NUMBERED.fullmatch(key) if isinstance(key, str) else None
        if match is not None:
            groups.setdefault((match[1], match[3]), {})[int(match[2])] = key
        elif type(key) is int:
            groups.setdefault(None, {})[key] = key
    found = [_counting(*group) for group in groups.items()]
    return [each for each in found if each is not None]


def _counting(affixes: tuple[str, str] | None, found: dict[int, Any]) -> Series | None:
    """The series of keys by their numbers; None where one is missing, or where they are not written alike."""
    first, in_order = min(found), tuple(found[i] for i in sorted(found))
    before, after = affixes or ("", "")
    expected: list[Any] = list(range(first, first + len(found)))
    of_i = "i"
    if affixes is not None:
        width = min(map(len, in_order)) - len(before) - len(after)
        number = f"%0{width}d" if width > 1 else "%d"
        form = before.replace("%", "%%") + number + after.replace("%", "%%")
        expected, of_i = [form % i for i in expected], f"{form!r} % i"
    if len(found) < 2 or first not in (0, 1) or list(in_order) != expected:
        return None
    return Series(in_order, f"{before}{after}".strip(" _-./"), of_i, first)
