"""Sums of samples -> the numbers that calibration is judged by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.calibrate.result import ClassErrors, Measured
from nllcli.numerics.by_class import ByClass
from nllcli.numerics.calibration.bin_errors import Errors, class_errors, errors_of, mean_over
from nllcli.numerics.calibration.bins import bins_of
from nllcli.numerics.exact import ExactSum, exact_counts
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.calibrate.measures import MeasureOptions, Measures
    from nllcli.numerics.calibration.bins import Bin
    from nllcli.numerics.tally import Tally


@dataclass(frozen=True)
class Shown:
    """How sums are shown: by bins of equal ``mass`` or width, ``classwise`` or of one claim a sample.

    ``class_names`` are those of the classes that are listed, none where no list is asked for.
    """

    mass: bool = False
    classwise: bool = False
    class_names: Sequence[str] = ()


def measured_of(temperature: float, tally: Tally, sums: Measures, options: MeasureOptions, shown: Shown) -> Measured:
    """How good the probabilities are at a temperature, by the sums over the samples there."""
    weight, is_weighted = tally.weight_sum, sums.bins.weights is not None
    of_classes = () if sums.by_class is None else class_errors(sums.by_class, options.rule)
    of_masses = _masses(sums, options.rule.n_bins)
    ranked = sums.ranked
    by_mass = ranked.equal_mass(options.rule.n_bins)
    bins = (by_mass or ()) if shown.mass else bins_of(sums.bins, options.rule)
    errors = _over(of_classes) if shown.classwise else errors_of(bins, weighted=is_weighted)
    corp, sweep = (None, None) if shown.classwise else (ranked.corp(), ranked.sweep())
    z = None if shown.classwise else sums.spiegelhalter.z()
    return Measured(
        temperature=temperature,
        loss=tally.mean(),
        accuracy=tally.accuracy(),
        weighted_accuracy=_mean(sums.outcome, weight),
        confidence=_mean(sums.confidence, weight),
        overconfidence=_mean(sums.confidence - sums.outcome, weight),
        brier=_mean(sums.brier, weight),
        ece=errors.ece,
        mce=errors.mce,
        rmsce=errors.rmsce,
        ace=errors.ace,
        ece_debiased=errors.ece_debiased,
        ece_chance=errors.ece_chance,
        ece_equal_mass=mean_over(of_masses) if shown.classwise else _ece(by_mass),
        ece_sweep=None if sweep is None else sweep[0],
        ece_sweep_bins=None if sweep is None else sweep[1],
        ece_classwise=mean_over([each.ece for each in of_classes]),
        ece_classwise_equal_mass=mean_over(of_masses),
        smece=None if sums.smooth is None or shown.classwise else sums.smooth.smece(),
        spiegelhalter_z=z,
        spiegelhalter_p=None if z is None else math.erfc(abs(z) / math.sqrt(2.0)),
        corp_brier=None if corp is None else corp.brier,
        corp_log=None if corp is None else corp.log,
        bins=() if shown.classwise else tuple(bins),
        per_class=_per_class(sums, of_classes, of_masses, options, shown) if shown.class_names else None,
    )


def _mean(total: ExactSum, weight: ExactSum) -> float | None:
    return total.divided_by(weight) if weight.units else None


def _over(of_classes: Sequence[Errors]) -> Errors:
    """The errors of all classes as one: the means of theirs, and the largest gap; those of no class are left out."""
    there = [each for each in of_classes if each.ece is not None]
    if not there:
        return Errors()

    def mean(name: str) -> float:
        return math.fsum(getattr(each, name) for each in there) / len(of_classes)

    return Errors(
        ece=mean("ece"),
        mce=max(each.mce for each in there if each.mce is not None),
        rmsce=math.sqrt(math.fsum((each.rmsce or 0.0) ** 2 for each in there) / len(of_classes)),
        ace=mean("ace"),
        ece_chance=mean("ece_chance"),
    )


def _ece(bins: Sequence[Bin] | None) -> float | None:
    return None if bins is None else errors_of(bins, weighted=False).ece


def _masses(sums: Measures, n_bins: int) -> list[float | None]:
    """The errors of bins of equal mass of each class, where its claims are kept in order."""
    if sums.ranked_by_class is None:
        return []
    return [_ece(each.equal_mass(n_bins)) for each in sums.ranked_by_class.classes]


def _per_class(
    sums: Measures,
    of_classes: Sequence[Errors],
    of_masses: Sequence[float | None],
    options: MeasureOptions,
    shown: Shown,
) -> tuple[ClassErrors, ...]:
    bins, width = sums.by_class, options.rule.n_places
    if bins is None or bins.n is None:  # there are no samples
        return ()
    weights, rows = bins.weights or exact_counts(bins.n), []
    for k, (name, errors) in enumerate(zip(shown.class_names, of_classes, strict=True)):
        own = slice(k * width, (k + 1) * width)
        outcome, p, weight = (each.of_groups(own).total() for each in (bins.outcomes, bins.p, weights))
        rows.append(
            ClassErrors(
                name=name,
                count=float(outcome) if sums.counts is None else int(sums.counts[k]),
                confidence=_mean(p, weight),
                frequency=_mean(outcome, weight),
                ece=errors.ece,
                mce=errors.mce,
                ece_equal_mass=of_masses[k] if of_masses else None,
            )
        )
    return tuple(rows)


def d2_log_loss(tally: Tally, sums: Measures) -> float | None:
    """1 less the loss over that of always telling the shares of the classes, which is their entropy.

    None where that is 0: where there is one class.
    """
    shares = sums.shares
    if shares is None or not tally.weight_sum.units:
        return None
    if isinstance(shares, ByClass):
        weights = shares.sums[shares.sums > 0].tolist()
    else:
        units = shares.units if shares.units is not None else ()
        weights = [float(ExactSum(each)) for each in units if each > 0]
    total = math.fsum(weights)
    entropy = -math.fsum(each / total * math.log(each / total) for each in weights)
    return 1.0 - tally.mean() / entropy if entropy else None
