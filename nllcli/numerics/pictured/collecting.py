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
from nllcli.numerics.pictured.positions import Positions
from nllcli.numerics.pictured.sequences import Sequences, Tokens
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored, Scoring
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
    if wanted.length:
        collected = _along(scored, wanted, collected, wanted.length)
    if scored.right is None:
        return collected
    if classes:
        n_classes = scoring.scores.n_classes
        squares = exact_sums(losses * losses, scored.only(scoring.targets.values), n_classes)
        collected = replace(collected, class_squares=squares)
    return _judged(scored, collected)


def _along(scored: Scored, wanted: PicturesWanted, collected: Collected, length: int) -> Collected:
    """With what is known of positions and sequences."""
    scoring, start = scored.scoring, scored.scoring.block.start
    losses = scored.weighted if scored.plain is None else scored.plain
    where = _with_a_number(scoring)
    positions = np.arange(start, start + len(losses)) % length
    has_targets = scoring.block.targets is not None and scoring.targets.are_classes
    targets = scoring.targets.values if has_targets else None
    counted = np.ones(len(losses), bool) if where is None else where
    how = {"length": length, "most": wanted.sequences, "n_shown": wanted.n_shown}
    return replace(
        collected,
        positions=Positions.of(*((losses, positions) if where is None else (losses[where], positions[where])), length),
        sequences=Sequences.of(Tokens(losses, counted, targets), start, **how),
    )


def _with_a_number(scoring: Scoring) -> NDArray[np.bool_] | None:
    """Which samples count and have a number; None where all do."""
    if scoring.unusable is None:
        return scoring.targets.counted
    return scoring.targets.masked(~scoring.unusable)


def _judged(scored: Scored, collected: Collected) -> Collected:
    """With what is known of the most likely classes."""
    scoring, top = scored.scoring, top_of(scored.scoring.scores)
    where = _with_a_number(scoring)

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
