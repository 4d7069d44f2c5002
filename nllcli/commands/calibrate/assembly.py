"""Sums of samples -> the numbers that calibration is judged by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.calibrate.bin_errors import Errors, class_errors, ece_classwise, errors_of
from nllcli.commands.calibrate.bins import bins_of
from nllcli.commands.calibrate.result import ClassErrors, Decomposition, Measured
from nllcli.numerics.by_class import ByClass
from nllcli.numerics.exact import exact_count
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.calibrate.bins import Bin
    from nllcli.commands.calibrate.corp import Scores
    from nllcli.commands.calibrate.measures import Asked, Measures, Spiegelhalter
    from nllcli.numerics.exact import ExactSum
    from nllcli.numerics.tally import Tally


@dataclass(frozen=True)
class Shown:
    """What is shown of the sums: bins of equal ``mass`` or not, the errors of all classes in place of the top labels',
    and a list of the classes, which have ``class_names``."""

    mass: bool
    classwise: bool
    per_class: bool
    class_names: Sequence[str]


def measured_of(temperature: float, tally: Tally, sums: Measures, asked: Asked, shown: Shown) -> Measured:
    """How good the probabilities are at a temperature."""
    weight, is_weighted = tally.weight_sum, sums.bins.weights is not None
    of_classes = () if sums.by_class is None else class_errors(sums.by_class, asked.rule)
    by_mass = sums.ranked.equal_mass(asked.rule.n_bins)
    bins: Sequence[Bin] = bins_of(sums.bins, asked.rule)
    if shown.mass:
        bins = by_mass or ()
    errors = _over_classes(of_classes) if shown.classwise else errors_of(bins, weighted=is_weighted)
    confidence, accuracy = (_mean(each, weight) for each in (sums.confidence, sums.outcome))
    test = None if shown.classwise else sums.spiegelhalter
    corp = None if shown.classwise else sums.ranked.corp()
    sweep = None if shown.classwise else sums.ranked.sweep()
    mass_of_classes = _masses(sums, asked.rule.n_bins)
    equal_mass = _ece(by_mass)
    return Measured(
        temperature=temperature,
        loss=tally.mean(),
        accuracy=tally.accuracy(),
        weighted_accuracy=accuracy,
        confidence=confidence,
        overconfidence=None if confidence is None or accuracy is None else _overconfidence(sums, weight),
        brier=_mean(sums.brier, weight),
        ece=errors.ece,
        mce=errors.mce,
        rmsce=errors.rmsce,
        ace=errors.ace,
        ece_debiased=errors.ece_debiased,
        ece_chance=errors.ece_chance,
        ece_equal_mass=_mean_of(mass_of_classes) if shown.classwise else equal_mass,
        ece_sweep=None if sweep is None else sweep[0],
        ece_sweep_bins=None if sweep is None else sweep[1],
        ece_classwise=ece_classwise(of_classes),
        ece_classwise_equal_mass=_mean_of(mass_of_classes),
        smece=None if sums.smooth is None else sums.smooth.smece(),
        spiegelhalter_z=_z(test),
        spiegelhalter_p=_p(test),
        corp_brier=None if corp is None else _parts(corp.brier),
        corp_log=None if corp is None else _parts(corp.log),
        bins=() if shown.classwise else tuple(bins),
        per_class=_per_class(sums, of_classes, mass_of_classes, shown) if shown.per_class else None,
    )
