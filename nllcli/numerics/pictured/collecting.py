"""A scored block as what pictures of it are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.calibration.judged import top_of
from nllcli.numerics.exact import exact_sums
from nllcli.numerics.pictured import Collected
from nllcli.numerics.pictured.claim_sums import ClaimSums
from nllcli.numerics.pictured.confusions import Confusions
from nllcli.numerics.pictured.curve import Curve, can_be_tempered
from nllcli.numerics.pictured.hardest import Hardest
from nllcli.numerics.pictured.loss_bins import LossBins
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.pictured import PicturesWanted


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class _TopClaims:
    """Of n samples, the probability ``p`` (n,) of the most likely class, 1 - p, and whether that is the target."""

    p: NDArray[np.float64]
    q: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    weights: NDArray[np.float64] | None


@np.errstate(all="ignore")  # of infinite losses
def collect(scored: Scored, wanted: PicturesWanted, scratch: Scratch, *, classes: bool) -> Collected:
    """What pictures of a scored block are made of; ``classes`` asks for the squares by class."""
    scoring = scored.scoring
    terms = scored.only(scored.weighted)
    losses = terms if scored.plain is None else scored.only(scored.plain)
    collected = Collected(LossBins.of(losses, terms), hardest=Hardest.of(scored, wanted, scratch))
    if wanted.temperatures and can_be_tempered(scoring.options.source):
        collected = replace(collected, curve=Curve.of(scored, wanted.temperatures, scratch))
    if scored.right is None:
        return collected
    if classes:
        n_classes = scoring.scores.n_classes
        squares = exact_sums(losses * losses, scored.only(scoring.targets.values), n_classes)
        collected = replace(collected, class_squares=squares)
    return _judged(scored, collected)


def _judged(scored: Scored, collected: Collected) -> Collected:
    """With what is known of the most likely classes."""
    scoring, top = scored.scoring, top_of(scored.scoring.scores)
    where = scoring.targets.counted
    if scoring.unusable is not None:
        where = scoring.targets.masked(~scoring.unusable)

    def only(values: Any) -> Any:
        return values if where is None else values[where]

    targets, predictions = only(scoring.targets.values), only(top.classes)
    weights = None if scored.weights is None else only(scored.weights)
    claims = _TopClaims(only(top.p), only(top.q), (targets == predictions).astype(np.float64), weights)
    return replace(
        collected,
        claims=ClaimSums.of(claims),
        confusions=Confusions.of(targets, predictions, scoring.scores.n_classes),
    )
