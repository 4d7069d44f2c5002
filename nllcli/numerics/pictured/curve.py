"""How the loss changes with the temperature: its sums at several of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.numerics.evaluate import score
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored


@dataclass(frozen=True)
class Curve(Part):
    """The sums of the loss terms of ``n`` samples at each of the ``temperatures``."""

    temperatures: tuple[float, ...] = ()
    sums: tuple[ExactSum, ...] = ()
    n: int = 0

    @classmethod
    def of(cls, scored: Scored, temperatures: tuple[float, ...], scratch: Scratch) -> Self:
        """Those of the samples of a scored block that count."""
        losses = [_losses_at(scored, temperature, scratch.sub("tempered")) for temperature in temperatures]
        return cls(temperatures, tuple(map(exact_sum, losses)), len(scored.only(scored.weighted)))

    def __add__(self, other: Curve) -> Curve:
        """The sums at the temperatures that both have."""
        if not (self.n and other.n):
            return self if self.n else other
        ours, theirs = (
            dict(zip(self.temperatures, self.sums, strict=True)),
            dict(zip(other.temperatures, other.sums, strict=True)),
        )
        sums = {temperature: ours[temperature] + theirs[temperature] for temperature in ours if temperature in theirs}
        return Curve(tuple(sums), tuple(sums.values()), self.n + other.n)


def can_be_tempered(source: str) -> bool:
    """Whether there is more of each sample than one number."""
    return source not in (TOKENS, LOSSES_GIVEN)


def _losses_at(scored: Scored, temperature: float, scratch: Scratch) -> NDArray[np.float64]:
    """The loss terms of the samples that count; NaN where there is none at this temperature alone."""
    scoring = scored.scoring
    if temperature != scoring.options.temperature:
        options = replace(scoring.options, temperature=temperature, on_nonfinite="nan")
        scored = score(scoring.block, options, scratch, read=True)
    return scored.only(scored.weighted)
