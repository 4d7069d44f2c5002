"""The samples on which two models differ most, and what is shown of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.extremes import places_of_smallest
from nllcli.numerics.pictured.hardest import Hard, shown
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.pictured import PicturesWanted


@dataclass(frozen=True)
class Wide:
    """A sample by what the baseline and the model make of it, and its ``key`` where rows are matched by key."""

    baseline: Hard
    model: Hard
    key: str | None = None

    @property
    def number(self) -> int:
        """The number of the sample."""
        return self.baseline.number

    @property
    def difference(self) -> float:
        """The model's loss term less the baseline's."""
        return self.model.loss - self.baseline.loss

    def shifted(self, by: int) -> Wide:
        """The same of a sample whose number is so much higher."""
        baseline, model = (replace(each, number=each.number + by) for each in (self.baseline, self.model))
        return replace(self, baseline=baseline, model=model)


@dataclass(frozen=True)
class Widest(Part):
    """At most ``most`` ``items``, those of the largest differences either way, the largest first; of equals the first.

    Where both lose the same, or there is no difference, the sample is none of them.
    """

    most: int = 0
    items: tuple[Wide, ...] = ()

    @classmethod
    def of(cls, baseline: Scored, model: Scored, wanted: PicturesWanted, scratch: Scratch) -> Self:
        """Those of the samples of a block that count."""
        sizes = np.abs(model.weighted - baseline.weighted)
        # Samples that do not count lose 0 under both.
        places = places_of_smallest(np.where(sizes > 0, -sizes, np.nan), wanted.hardest)
        if not len(places):
            return cls(wanted.hardest)
        both = (
            shown(each, places, wanted.probs_up_to, scratch.sub(name))
            for each, name in ((baseline, "baseline"), (model, "model"))
        )
        keys = baseline.scoring.block.keys
        named = [None if keys is None else keys[place] for place in places.tolist()]
        return cls(wanted.hardest, tuple(Wide(*each) for each in zip(*both, named, strict=True)))

    def __add__(self, other: Widest) -> Widest:
        items = sorted((*self.items, *other.items), key=lambda each: (-abs(each.difference), each.number))
        most = max(self.most, other.most)
        return Widest(most, tuple(items[:most]))

    def shifted(self, by: int) -> Widest:
        """The same of samples whose numbers are so much higher."""
        return replace(self, items=tuple(each.shifted(by) for each in self.items))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the samples."""
        return tuple(each.number for each in self.items)
