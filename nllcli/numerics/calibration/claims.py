"""What a model claims of samples, which calibration holds it to: how likely something is, and whether it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


# Of others than these, the squares lose digits, or overflow.
_MOST_WEIGHT = 1e100
USABLE_WEIGHTS = f"from {1.0 / _MOST_WEIGHT:g} to {_MOST_WEIGHT:g}, or 0"


def are_usable(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which weights (n,) are ``USABLE_WEIGHTS``."""
    return (weights == 0.0) | ((weights >= 1.0 / _MOST_WEIGHT) & (weights <= _MOST_WEIGHT))


class Claimed(Protocol):
    """What bins need of claims: see ``Claims``."""

    @property
    def p(self) -> NDArray[np.float64]: ...
    @property
    def q(self) -> NDArray[np.float64]: ...
    @property
    def outcomes(self) -> NDArray[np.float64]: ...
    @property
    def weights(self) -> NDArray[np.float64] | None: ...


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class Claims:
    """Of n samples that count, the probability ``p`` (n,) that each is of a class, and whether it is.

    ``q`` (n,) is 1 - p and ``surprisals`` (n,) -log p, with all their digits. ``outcomes`` (n,) are 1 where the sample
    is of the class and 0 where it is not, or its share of the class where targets are shares. ``weights`` (n,) are None
    where every sample counts alike. All are float64. Surprisals may be off by ``rounding``, and by a small share
    of their size: those of given probabilities lose digits where these are near 1.
    """

    p: NDArray[np.float64]
    q: NDArray[np.float64]
    surprisals: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    rounding: float = 0.0

    def __len__(self) -> int:
        return len(self.p)

    def only(self, where: NDArray[np.bool_]) -> Claims:
        """Those of the samples ``where`` (n,)."""
        weights = None if self.weights is None else self.weights[where]
        p, q, surprisals, outcomes = (each[where] for each in (self.p, self.q, self.surprisals, self.outcomes))
        return Claims(p, q, surprisals, outcomes, weights, self.rounding)

    @classmethod
    def joined(cls, parts: Sequence[Claims]) -> Claims:
        """The claims of several parts, at least one, as one; all of them have weights, or none has."""
        if len(parts) == 1:
            return parts[0]
        names = ("p", "q", "surprisals", "outcomes")
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
        weights = [part.weights for part in parts if part.weights is not None]
        p, q, surprisals, outcomes = columns
        return cls(p, q, surprisals, outcomes, np.concatenate(weights) if weights else None, parts[0].rounding)
