"""Names that stand for code: looked up by name, imported only when used."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from nllcli.errors import UsageError


def resolve(reference: str) -> Any:
    """What "module:attribute" names; the module is imported now."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def did_you_mean(name: str, known: Iterable[str], *, folded: Callable[[str], str] = str) -> str | None:
    """The hint that the nearest of the ``known`` names was meant, compared as ``folded``; None where none is near."""
    written = {folded(each): each for each in known}
    near = get_close_matches(folded(name), written, n=1)
    return f"did you mean {written[near[0]]!r}?" if near else None


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
            hint = did_you_mean(name, self._rows) or f"one of: {', '.join(self._rows)}"
            raise UsageError(f"unknown {self.kind} {name!r}", hint=hint)
        return resolve(self._rows[name])
