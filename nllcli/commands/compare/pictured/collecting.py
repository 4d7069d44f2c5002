"""Two scored blocks of the same samples as what pictures of both are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compare.pictured import Paired
from nllcli.commands.compare.pictured.difference_bins import DifferenceBins
from nllcli.commands.compare.pictured.loss_map import LossMap
from nllcli.commands.compare.pictured.widest import Widest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.evaluate import Scored
    from nllcli.numerics.pictured import PicturesWanted


def paired_of(
    scored: tuple[Scored, Scored],
    losses: tuple[NDArray[np.float64], NDArray[np.float64]],
    terms: NDArray[np.float64],
    wanted: PicturesWanted,
    scratch: Scratch,
) -> Paired:
    """Those of the baseline and the model: their ``losses`` (n,) without weights, and the terms of the difference."""
    return Paired(
        DifferenceBins.of(*losses, terms), LossMap.of(*losses), Widest.of(*scored, wanted, scratch.sub("widest"))
    )
