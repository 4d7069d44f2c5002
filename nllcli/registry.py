"""Names that stand for code: looked up by name, imported only when used."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from importlib import import_module
from typing import Any

from nllcli.errors import Remedy, UsageError

_LEAST_PART = 4  # a part of a name that is shorter says little
_ALIKE = 0.7  # of 1
_CLEARLY = 0.08  # how much more alike the nearest name has to be than the next


def resolve(reference: str) -> Any:
    """What "module:attribute" names; the module is imported now."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def did_you_mean(name: str, known: Iterable[str], *, folded: Callable[[str], str] = str) -> str | None:
    """The hint that the nearest of the ``known`` names was meant, compared as ``folded``; None where none is near."""
    written = {folded(each): each for each in known}
    near = get_close_matches(folded(name), written, n=1)
    return f"did you mean {written[near[0]]!r}?" if near else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of the ``known`` names that ``name`` is beyond doubt a slip for; None where it could be another."""
    named = {each.lstrip("-"): each for each in known}  # dashes make options alike that are not
    typed = name.lstrip("-")
    longer = [each for each in named if len(typed) >= _LEAST_PART and typed in each]
    if len(longer) == 1:
        return named[longer[0]]
    near = get_close_matches(typed, named, n=2, cutoff=_ALIKE)
    ratios = [SequenceMatcher(None, typed, each).ratio() for each in near]
    return named[near[0]] if len(near) == 1 or (near and ratios[0] > ratios[1] + _CLEARLY) else None


def unknown(
    setting: str, value: str, known: Iterable[str], message: str, *, given: Sequence[str] | None = None
) -> UsageError:
    """The refusal of the ``value`` of a setting, or of one of those ``given``: the remedy has the nearest known one."""
    names = list(known)
    near = nearest(value, names)
    if near is None:
        return UsageError(message, hint=f"one of: {', '.join(names)}")
    meant = near if given is None else tuple(near if each == value else each for each in given)
    return UsageError(message, remedies=[Remedy({setting: meant})])


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
