"""What nll calibrate is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.data.settings import InputOptions, ScoreRequest


@dataclass(frozen=True)
class Request:
    """Which samples to measure, by which bins, and where the temperature comes from.

    ``fit`` are other files to fit it to, None for the same; ``temperature`` is one that is given instead, and ``fits``
    says whether one is fitted at all. ``n_folds`` and ``n_bins`` are None where they are not said; ``like`` names whose
    rule of bins to take, beside which ``binning``, ``edges`` and ``of`` do not count. ``of`` is "top", "classwise" or
    "class:NAME". ``threshold`` leaves out smaller probabilities of a class. ``confidence`` is that of the interval.
    """

    score: ScoreRequest
    fit: InputOptions | None = None
    n_bins: int | None = None
    binning: str = "width"
    edges: str = "right"
    of: str = "top"
    like: str | None = None
    n_folds: int | None = None
    temperature: float | None = None
    fits: bool = True
    smooth: bool = False
    per_class: bool = False
    threshold: float | None = None
    confidence: float = 0.95
