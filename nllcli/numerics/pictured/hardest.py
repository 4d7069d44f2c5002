"""The samples that lose the most, and what is shown of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.numerics.evaluate import scores_of
from nllcli.numerics.extremes import places_of_smallest
from nllcli.numerics.kernels import pick
from nllcli.numerics.kernels.normaliser import Normaliser
from nllcli.numerics.surprisal.given import FromProbs
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.pictured import PicturesWanted
    from nllcli.numerics.surprisal import Surprisal


@dataclass(frozen=True)
class Hard:
    """A sample by its ``number``, with its loss term; ``target`` and ``top``, the most likely class, are classes.

    ``p_target`` and ``p_top`` are their probabilities, and ``probabilities`` those of all classes. What has no meaning,
    or is not asked for, is None: the target where it is not one class, and everything else where the classes have no
    probabilities. ``key`` is the sample's own, where samples are matched by key.
    """

    number: int
    loss: float
    target: int | None = None
    top: int | None = None
    p_target: float | None = None
    p_top: float | None = None
    probabilities: tuple[float, ...] | None = None
    key: str | None = None


@dataclass(frozen=True)
class Hardest(Part):
    """At most ``most`` ``items``, those of the largest loss terms, the largest first; of equals the first."""

    most: int = 0
    items: tuple[Hard, ...] = ()

    @classmethod
    def of(cls, scored: Scored, wanted: PicturesWanted, scratch: Scratch) -> Self:
        """Those of the samples of a scored block that count and have a number."""
        losses, counted = scored.weighted, scored.scoring.targets.counted
        negative = np.negative(losses) if counted is None else np.where(counted, -losses, np.nan)
        places = places_of_smallest(negative, wanted.hardest)
        items = tuple(shown(scored, places, wanted.probs_up_to, scratch)) if len(places) else ()
        keys = scored.scoring.block.keys
        if keys is not None:
            items = tuple(replace(item, key=keys[i]) for item, i in zip(items, places.tolist(), strict=True))
        return cls(wanted.hardest, items)

    def __add__(self, other: Hardest) -> Hardest:
        most = min(self.most, other.most) or max(self.most, other.most)  # beyond the fewer, some may be missing
        items = sorted((*self.items, *other.items), key=lambda each: (-each.loss, each.number))
        return Hardest(most, tuple(items[:most]))

    def shifted(self, by: int) -> Hardest:
        """The same of samples whose numbers are so much higher."""
        return replace(self, items=tuple(replace(each, number=each.number + by) for each in self.items))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the samples."""
        return tuple(each.number for each in self.items)


def shown(scored: Scored, places: NDArray[np.intp], probs_up_to: int, scratch: Scratch) -> Iterable[Hard]:
    """The samples at these places of a block."""
    scoring = scored.scoring
    numbers, losses = (places + scoring.block.start).tolist(), scored.weighted[places].tolist()
    if scoring.options.source in (TOKENS, LOSSES_GIVEN):
        return map(Hard, numbers, losses)
    scores = _of_rows(scored, places, scratch)
    top, nothing = scores.top(), [None] * len(places)
    has_target = scoring.block.targets is not None and scoring.targets.are_classes
    targets = scoring.targets.values[places] if has_target else top
    probs: Any = nothing
    if scores.n_classes <= probs_up_to or isinstance(scores, FromProbs):
        every = scores.probs()
        p_target, p_top = pick(every, targets), pick(every, top)
        probs = map(tuple, every.tolist()) if scores.n_classes <= probs_up_to else nothing
    else:
        p_target, p_top = (np.exp(-scores.in_all(classes)) for classes in (targets, top))
    target = zip(targets.tolist(), p_target.tolist(), strict=True) if has_target else zip(nothing, nothing, strict=True)
    rows = zip(numbers, losses, target, top.tolist(), p_top.tolist(), probs, strict=True)
    return (Hard(number, loss, y, c, p_y, p_c, p) for number, loss, (y, p_y), c, p_c, p in rows)


def _of_rows(scored: Scored, places: NDArray[np.intp], scratch: Scratch) -> Surprisal:
    """The surprisals of a few samples, of which logits are not reduced once more."""
    scoring, reduce = scored.scoring, None
    if isinstance(scoring.scores, FromLogits):
        reduce = partial(_known, scoring.scores, places)
    return scores_of(scoring.x[places], scoring.options, scratch.sub("hardest"), reduce=reduce)


def _known(scores: FromLogits, places: NDArray[np.intp], _: NDArray[Any], **_settings: Any) -> Normaliser:
    found = scores.reduced
    return Normaliser(found.maximum[places], found.rest[places], top=scores.top()[places])
