"""Whether the probabilities are what they claim, by the bins and errors of nll calibrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.numerics.calibration.bin_errors import errors_of
from nllcli.scoring.answers import FEWEST
from nllcli.scoring.reliability import reliability

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.numerics.calibration.bins import Bin
    from nllcli.report import Picture


def picture(result: LossResult) -> Picture | None:
    """The reliability diagram of the top classes."""
    claims = collected_of(result).claims
    if claims is None or claims.n_counted < FEWEST:
        return None
    bins, weighted = claims.bins(), claims.is_weighted
    if not all(map(_has_shares, bins)):
        return None
    errors = errors_of(bins, weighted=weighted)
    confidence, accuracy = claims.confidence(), claims.accuracy()
    if errors.ece is None or confidence is None or accuracy is None:
        return None
    return reliability(
        bins,
        confidence=confidence,
        accuracy=accuracy,
        ece=errors.ece,
        ece_chance=errors.ece_chance,
        binning=f"{len(bins)} bins of equal width",
        weighted=weighted,
    )


def _has_shares(found: Bin) -> bool:
    """Whether the means of a bin are shares, which those of negative weights need not be."""
    means = [each for each in (found.confidence, found.accuracy) if each is not None]
    return found.weight >= 0.0 and all(0.0 <= each <= 1.0 for each in means)
