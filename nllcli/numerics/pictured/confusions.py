"""Which class is taken for which: the pairs of target and prediction of the samples that are predicted wrong."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# All pairs of 256 classes, and of more classes the most frequent ones.
MOST_PAIRS = 1 << 16


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Confusions(Part):
    """How often each pair is found: ``keys`` (k,), target times ``n_classes`` plus prediction, ascending, and their
    ``counts`` (k,).

    At most ``MOST_PAIRS`` are kept. Beyond these the least frequent are left out: each pair occurs at least as often as
    it is found, 0 times for one that is left out, and at most ``slack`` times more (Misra and Gries, "Finding repeated
    elements", Sci. Comput. Program. 2, 1982; merged as by Agarwal et al., "Mergeable summaries", TODS 38, 2013).
    """

    n_classes: int = 0
    keys: NDArray[np.int64] = field(default_factory=_none)
    counts: NDArray[np.int64] = field(default_factory=_none)
    slack: int = 0

    @classmethod
    def of(cls, targets: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> Self:
        """Those of samples (n,), the ones predicted right among them."""
        wrong = np.flatnonzero(targets != predictions)
        keys, counts = np.unique(targets[wrong] * n_classes + predictions[wrong], return_counts=True)
        return cls(n_classes, *_cut(keys, counts.astype(np.int64)))

    def __add__(self, other: Confusions) -> Confusions:
        few, many = sorted((self, other), key=lambda each: len(each.keys))
        places = np.searchsorted(many.keys, few.keys)
        known = np.zeros(len(places), bool)
        inside = places < len(many.keys)
        known[inside] = many.keys[places[inside]] == few.keys[inside]
        counts = many.counts.copy()
        counts[places[known]] += few.counts[known]
        keys = np.insert(many.keys, places[~known], few.keys[~known])
        keys, counts, slack = _cut(keys, np.insert(counts, places[~known], few.counts[~known]))
        return Confusions(max(self.n_classes, other.n_classes), keys, counts, self.slack + other.slack + slack)

    @property
    def n_found(self) -> int:
        """How many samples the pairs that are kept are known to have."""
        return int(self.counts.sum())

    def pairs(self) -> list[tuple[int, int, int]]:
        """The target, the prediction and the count of each pair, the most frequent first; of equals the first."""
        order = np.argsort(-self.counts, kind="stable")
        targets, predictions = np.divmod(self.keys[order], self.n_classes)
        return list(zip(targets.tolist(), predictions.tolist(), self.counts[order].tolist(), strict=True))


def _cut(keys: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """At most as many pairs as are kept, and by how much each was lowered to leave out the others."""
    if len(keys) <= MOST_PAIRS:
        return keys, counts, 0
    slack = int(np.partition(counts, -MOST_PAIRS - 1)[-MOST_PAIRS - 1])
    kept = counts > slack
    return keys[kept], counts[kept] - slack, slack
