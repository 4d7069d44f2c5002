"""How far bins of claims are off: the calibration errors that are made of their gaps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.numerics.calibration.bins import BinSums, bins_of, place
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.numerics.calibration.bins import Bin, Rule
    from nllcli.numerics.calibration.claims import Claims


@dataclass(frozen=True)
class Errors:
    """The calibration errors of bins, each None where nothing is counted.

    - ``ece``: the weighted mean of the sizes of the gaps (Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., ICML
      2017), ``ace`` their mean over the bins that have weight, ``mce`` the largest, ``rmsce`` their weighted root mean
      square;
    - ``ece_debiased``: ``rmsce`` less what chance adds to its square, bins of one sample left out (Kumar, Liang and Ma,
      NeurIPS 2019); None where samples have weights;
    - ``ece_chance``: what ``ece`` is on average if each probability is right: sqrt(2 / pi) times the standard deviation
      of each bin's gap (consistency resampling of Brocker and Smith, Weather Forecast. 22, 2007, in closed form).
    """

    ece: float | None = None
    mce: float | None = None
    rmsce: float | None = None
    ace: float | None = None
    ece_debiased: float | None = None
    ece_chance: float | None = None


def errors_of(bins: Sequence[Bin], *, weighted: bool) -> Errors:
    """The errors of ``bins``, whoever has cut them; ``weighted`` says that samples have weights."""
    present = [(each, abs(each.gap)) for each in bins if each.gap is not None]
    if not present:
        return Errors()
    total = math.fsum(each.weight for each, _ in present)
    return Errors(
        math.fsum(each.weight * gap for each, gap in present) / total,
        max(gap for _, gap in present),
        math.sqrt(math.fsum(each.weight * gap**2 for each, gap in present) / total),
        math.fsum(gap for _, gap in present) / len(present),
        None if weighted else _debiased(bins),
        math.sqrt(2.0 / math.pi) * math.fsum(math.sqrt(each.variance) for each, _ in present) / total,
    )


def _debiased(bins: Sequence[Bin]) -> float:
    n = sum(each.count for each in bins)
    squares = math.fsum(
        each.count * (each.gap**2 - each.accuracy * (1.0 - each.accuracy) / (each.count - 1))
        for each in bins
        if each.count > 1 and each.gap is not None and each.accuracy is not None
    )
    return math.sqrt(max(0.0, squares / n))


def class_sums(of_classes: Sequence[Claims], rule: Rule) -> BinSums:
    """The sums of the bins of every class, one class after another, from the claims of each."""
    return BinSums.side_by_side([BinSums.of(each, place(rule, each.p), rule.n_places) for each in of_classes])


def class_errors(sums: BinSums, rule: Rule) -> tuple[Errors, ...]:
    """The errors of each class, of sums of ``class_sums`` by the same rule."""
    n_groups = 0 if sums.n is None else len(sums.n)
    starts = range(0, n_groups, rule.n_places)
    return tuple(errors_of(bins_of(sums, rule, start), weighted=sums.weights is not None) for start in starts)


def mean_over(of_classes: Sequence[float | None]) -> float | None:
    """The mean of an error over all classes, 0 of one of which nothing is counted; None if nothing is of any."""
    found = [each for each in of_classes if each is not None]
    return math.fsum(found) / len(of_classes) if found else None
