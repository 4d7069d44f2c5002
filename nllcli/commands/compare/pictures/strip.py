"""The difference of two models on a line, with its interval, between the side of the one and that of the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.report import Strip

if TYPE_CHECKING:
    from nllcli.commands.compare.result import Comparison

_MARGIN = 1.15  # the ends of the line are that much farther off than what is drawn
_SAYS = {
    "lower": "{model} has the lower loss",
    "higher": "{baseline} has the lower loss",
    "same": "both are the same",
    "within-margin": "within the margin",
    "undecided": "undecided",
}


def strip_of(result: Comparison) -> Strip | None:
    """The line of two models; none where the difference has no place on it."""
    pair = result.comparisons[0]
    if len(result.comparisons) > 1 or not math.isfinite(pair.loss_difference):
        return None
    interval = None if pair.ci_low is None or pair.ci_high is None else (pair.ci_low, pair.ci_high)
    reach = _MARGIN * max(map(abs, (pair.loss_difference, *(interval or ()))))
    if not 0.0 < reach < math.inf:
        return None
    says = _SAYS[pair.verdict].format(model=pair.model, baseline=pair.baseline)
    return Strip(
        pair.loss_difference,
        -reach,
        reach,
        f"← {pair.model} better",
        f"{pair.baseline} better →",
        f"{says}: it may be 0" if pair.verdict == "undecided" and interval and interval[0] < 0 < interval[1] else says,
        interval,
        fills=False,
    )
