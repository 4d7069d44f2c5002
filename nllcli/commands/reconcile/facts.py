"""What of the inputs decides how a convention is computed by ``nll`` or in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest

# Weights and names that a command or a line lists.
MOST_LISTED = 20


@dataclass(frozen=True)
class Facts:
    """The inputs, and of one convention the ``divisor`` of its sum and its class ``weights`` (n_classes,), if any.

    ``others`` says that some targets are not a class, ``one_hot`` that their file has a 1 for each, which
    ``nll compute`` takes as ``probabilities`` where they are floats. Parts consist of ``n_items`` rows, 0 where these
    are samples. ``empty_classes`` says that the convention's scheme meets classes without samples.
    """

    request: ScoreRequest
    dataset: Dataset
    others: bool
    one_hot: bool
    probabilities: bool
    n_items: int
    divisor: float
    weights: NDArray[np.float64] | None
    empty_classes: bool
