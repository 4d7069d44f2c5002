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

# How often people meet a departure, but for what the user suspects. What is met rarely is tried alone, or with what is
# met often or suspected.
MET = SUSPECTED, OFTEN, SOMETIMES, RARELY = 0, 1, 2, 3
MOST = 4

# What the departures of these dimensions combine with; those of others combine with all ...
_COMBINED_WITH = {
    **dict.fromkeys(("input rounding", "loss rounding", "result rounding"), ("reduction", "unit", "sign")),
    "factor": ("reduction",),
    "each": ("reduction", "ignore", "shift", "batches"),
    "layout": ("reduction", "unit", "ignore"),
    "part": ("ignore", "shift", "unit", "sample weights"),
    "z-loss": ("reduction", "unit", "ignore", "shift", "batches", "smoothing", "weights", "sample weights"),
}
# ... but for these pairs: both set the same thing, or the second changes nothing under the first, or costs passes
# over all classes.
_NOT_COMBINED_WITH = {
    "batches": ("clip", "reduction"),
    "clip": ("smoothing", "temperature"),
    "loss": ("smoothing", "clip", "shift"),
}


@dataclass(frozen=True)
class Departure:
    """One thing done differently: ``changes`` of the fields of a Convention, or of its term; ``met`` is how often.

    ``kind`` says it for all that differ in a number alone.
    """

    dimension: str
    text: str
    changes: Mapping[str, Any] = field(hash=False)
    met: int = SOMETIMES
    kind: str = ""

    def apply(self, convention: Convention) -> Convention:
        own = {name: value for name, value in self.changes.items() if hasattr(convention, name)}
        term = {name: value for name, value in self.changes.items() if name not in own}
        return replace(convention, **own, term=replace(convention.term, **term) if term else convention.term)

    def combines_with(self, other: Departure) -> bool:
        """Whether they are tried together, given that they are not met too rarely for that."""
        if self.dimension == other.dimension or SUSPECTED in (self.met, other.met):
            return self.dimension != other.dimension
        return all(
            b in _COMBINED_WITH.get(a, (b,)) and b not in _NOT_COMBINED_WITH.get(a, ())
            for a, b in ((self.dimension, other.dimension), (other.dimension, self.dimension))
        )


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
