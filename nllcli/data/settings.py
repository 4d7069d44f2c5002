"""Every setting that changes the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_IGNORE_INDEX = -100
SOURCES = ("logits", "log-probs", "probs")
REDUCTIONS = ("mean", "sum", "none")
PRECISIONS = ("exact", "fast")


@dataclass(frozen=True)
class LossOptions:
    """Every setting that changes the loss; the names are those of the command line.

    ``class_weights`` is (n_classes,) float64; ``clip`` is eps or None; ``source`` says what the file holds.
    """

    source: str = "logits"
    loss: str = "nll"
    reduction: str = "mean"
    class_weights: NDArray[np.float64] | None = None
    ignore_index: int = DEFAULT_IGNORE_INDEX
    label_smoothing: float = 0.0
    temperature: float = 1.0
    clip: float | None = None
    binary: bool = False
    precision: str = "exact"
    on_nonfinite: str = "error"
