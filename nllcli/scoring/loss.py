"""The loss that a tally gives, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nllcli.numerics.tally import Tally
    from nllcli.scoring.settled import Settled


def loss_of(tally: Tally, reduction: str) -> float | None:
    """The reduced number; None under "none"."""
    if reduction == "mean":
        return tally.mean()
    return float(tally.loss_sum) if reduction == "sum" else None


def class_names(settled: Settled) -> tuple[str, ...]:
    """The classes' names, or their numbers."""
    return settled.dataset.class_names or tuple(str(c) for c in range(settled.dataset.n_classes))
