"""-log p where a temperature is applied to probabilities, or to their logarithms: log p are the logits it divides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.surprisal import where_any
from nllcli.numerics.surprisal.logits import FromLogits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.surprisal import Reduction
    from nllcli.numerics.surprisal.given import FromLogProbs, FromProbs


class Tempered(FromLogits):
    """``p**(1/T) / sum of p**(1/T)`` of the p that are ``given``; a p of 0 stays 0.

    The most likely class stays so, to the bit: of two p that differ the logarithms may not.
    """

    def __init__(
        self,
        given: FromProbs | FromLogProbs,
        *,
        temperature: float,
        single: bool = False,
        reduce: Reduction | None = None,
        scratch: Scratch,
    ) -> None:
        super().__init__(given.log_probs(), temperature=temperature, single=single, reduce=reduce, scratch=scratch)
        self._given = given

    def top(self) -> NDArray[np.int64]:
        return self._given.top()

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self._given.is_top(classes)

    def unusable(self) -> NDArray[np.bool_] | None:
        """Those of what is given, and samples whose every p is 0, which leaves nothing to normalise."""
        without, empty = self._given.unusable(), np.isneginf(self._normaliser.maximum)
        return where_any(empty if without is None else without | empty)
