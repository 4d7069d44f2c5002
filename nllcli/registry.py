"""Names that stand for code: looked up by name, imported only when used."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from nllcli.errors import UsageError


def resolve(reference: str) -> Any:
    """What "module:attribute" names; the module is imported now."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Mapping[str, str]):
    """An ordered table ``name -> "module:attribute"``; ``kind`` names the rows in error messages."""

    def __init__(self, kind: str, rows: Mapping[str, str]) -> None:
        self.kind = kind
        self._rows = dict(rows)

    def __getitem__(self, name: str) -> str:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def load(self, name: str) -> Any:
        """Import and return what ``name`` stands for; raises UsageError with the nearest name."""
        if name not in self._rows:
            near = get_close_matches(name, self._rows, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(self._rows)}"
            raise UsageError(f"unknown {self.kind} {name!r}", hint=hint)
        return resolve(self._rows[name])
