"""One thing done differently from the user's own settings, and which of them go together."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.survey import Survey
    from nllcli.data.dataset import Dataset

# How seldom people meet a departure, from what the user suspects on. What is rare is tried alone, or with what is
# common or suspected.
RARITIES = SUSPECTED, OFTEN, SOMETIMES, RARELY = 0, 1, 2, 3
MOST_RARITY = 4

# Pairs of dimensions that are tried together only where the user suspects one: both set the same thing, or the second
# changes nothing under the first, or costs passes over all classes.
_APART = (
    {"batches", "reduction"},
    {"batches", "part"},
    {"batches", "clip"},
    {"clip", "smoothing"},
    {"clip", "temperature"},
    {"loss", "smoothing"},
    {"loss", "clip"},
    {"loss", "shift"},
    {"part", "reduction"},
)


@dataclass(frozen=True)
class Departure:
    """One thing done differently: ``changes`` of the fields of a Convention, or of its term; ``rarity`` is how seldom.

    ``kind`` says it for all that differ in a number alone.
    """

    dimension: str
    text: str
    changes: Mapping[str, Any] = field(hash=False)
    rarity: int = SOMETIMES
    kind: str = ""

    def apply(self, convention: Convention) -> Convention:
        own = {name: value for name, value in self.changes.items() if hasattr(convention, name)}
        term = {name: value for name, value in self.changes.items() if name not in own}
        return replace(convention, **own, term=replace(convention.term, **term) if term else convention.term)

    def combines_with(self, other: Departure) -> bool:
        """Whether they are tried together, given that they are not too rare for that."""
        dimensions = {self.dimension, other.dimension}
        return len(dimensions) > 1 and (SUSPECTED in (self.rarity, other.rarity) or dimensions not in _APART)


@dataclass(frozen=True)
class Known:
    """What decides which departures there are: the user's own settings, and what was found of the inputs.

    ``sizes`` are those of batches that the user suspects.
    """

    base: Convention
    dataset: Dataset
    found: Survey
    has_counts: bool = False
    sizes: tuple[int, ...] = ()
