"""What was collected for pictures as the data of a file; read from it, anything may be wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.compute.sequence_data import (
    INFINITE,
    positions_from_data,
    positions_to_data,
    sequences_from_data,
    sequences_to_data,
)
from nllcli.commands.compute.subject import HardSample, HardSequence
from nllcli.commands.compute.tally_columns import SUMS, indices, length_of, sums_of
from nllcli.numerics.calibration.bins import BinSums
from nllcli.numerics.exact import ExactSums, exact_counts
from nllcli.numerics.hexadecimal import sum_from_data, sum_to_data
from nllcli.numerics.hexadecimal import sums_to_data as columns_to_data
from nllcli.numerics.pictured import Collected
from nllcli.numerics.pictured.claim_sums import N_GROUPS, ClaimSums
from nllcli.numerics.pictured.confusions import MOST_PAIRS, Confusions
from nllcli.numerics.pictured.curve import Curve
from nllcli.numerics.pictured.edges import COARSE_BINS, FINE_BINS
from nllcli.numerics.pictured.hardest import Hardest
from nllcli.numerics.pictured.loss_bins import LossBins
from nllcli.numerics.pictured.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.tally import Tally


def collected_to_data(
    collected: Collected, hardest: Sequence[HardSample], sequences: Sequence[HardSequence]
) -> dict[str, Any]:
    """What was collected, each in columns of what occurs; null where it does not apply."""
    claims, confusions, squares = collected.claims, collected.confusions, collected.class_squares
    return {
        "losses": _losses_to_data(collected.losses),
        "claims": None if claims is None else _claims_to_data(claims),
        "confusions": None if confusions is None else _confusions_to_data(confusions),
        "class_squares": None if squares is None else _squares_to_data(squares),
        "hardest": {
            "most": 0 if collected.hardest is None else collected.hardest.most,
            "samples": [_hard_to_data(each) for each in hardest],
        },
        "curve": None if collected.curve is None else _curve_to_data(collected.curve),
        "positions": None if collected.positions is None else positions_to_data(collected.positions),
        "sequences": None if collected.sequences is None else sequences_to_data(collected.sequences, sequences),
    }


def collected_from_data(
    fields: Fields, sums: Tally, n_classes: int
) -> tuple[Collected, tuple[HardSample, ...], tuple[HardSequence, ...]]:
    """Read what ``collected_to_data`` gives; raises DataError where it cannot be that of these ``sums``."""
    collected = Collected(_losses_from_data(fields.fields("losses"), sums))
    if fields.has("claims"):
        collected = replace(collected, claims=_claims_from_data(fields.fields("claims"), sums))
    if fields.has("confusions"):
        found = _confusions_from_data(fields.fields("confusions"), sums, n_classes)
        collected = replace(collected, confusions=found)
    if fields.has("class_squares"):
        collected = replace(collected, class_squares=_squares_from_data(fields.fields("class_squares"), n_classes))
    if fields.has("curve"):
        collected = replace(collected, curve=_curve_from_data(fields.fields("curve"), sums))
    if fields.has("positions"):
        collected = replace(collected, positions=positions_from_data(fields.fields("positions"), sums))
    most, hardest = _hardest_from_data(fields.fields("hardest"), n_classes)
    collected = replace(collected, hardest=Hardest(most))
    sequences: tuple[HardSequence, ...] = ()
    if fields.has("sequences"):
        most, sequences = sequences_from_data(fields.fields("sequences"), n_classes)
        collected = replace(collected, sequences=Sequences(most=most))
    return collected, hardest, sequences


def _losses_to_data(losses: LossBins) -> dict[str, Any]:
    counts = np.zeros(FINE_BINS.n_bins, np.int64) if losses.counts is None else losses.counts
    present, coarse = np.flatnonzero(counts), np.flatnonzero(losses.coarse_counts())
    return {
        "bin": present.tolist(),
        "n": counts[present].tolist(),
        "coarse_bin": coarse.tolist(),
        "loss_sum": columns_to_data(losses.sums, coarse.tolist()),
        "n_infinite": losses.n_infinite,
    }


def _losses_from_data(fields: Fields, sums: Tally) -> LossBins:
    bins = indices(fields, "bin", FINE_BINS.n_bins)
    counts = np.zeros(FINE_BINS.n_bins, np.int64)
    counts[bins] = fields.counts("n", len(bins))
    coarse = indices(fields, "coarse_bin", COARSE_BINS.n_bins)
    found = LossBins(counts, sums_of(fields, "loss_sum", coarse, COARSE_BINS.n_bins), fields.count("n_infinite"))
    plain = sums.unweighted_sum
    if found.n_infinite != plain.n_positive_inf + plain.n_negative_inf:
        raise fields.wrong("n_infinite", f"is {found.n_infinite}, and that does not fit the sum of the losses")
    if found.n + found.n_infinite + plain.n_nan != sums.n_counted:
        raise fields.wrong("n", "does not add up to the number of all samples")
    if plain.is_finite and found.sums.total() != sums.loss_sum:
        raise fields.wrong("loss_sum", "does not add up to the sum of all samples")
    return found


def _claims_to_data(claims: ClaimSums) -> dict[str, Any]:
    sums = claims.sums
    n = np.zeros(N_GROUPS, np.int64) if sums.n is None else sums.n
    wrong = np.zeros(N_GROUPS, np.int64) if claims.n_wrong is None else claims.n_wrong
    groups = np.flatnonzero(n).tolist()
    return {
        "group": groups,
        "n": n[groups].tolist(),
        "n_wrong": wrong[groups].tolist(),
        "q": columns_to_data(claims.q, groups),
        "p": columns_to_data(sums.p, groups),
        "variance": columns_to_data(sums.variances, groups),
        "outcome": None if sums.weights is None else columns_to_data(sums.outcomes, groups),
        "weight": None if sums.weights is None else columns_to_data(sums.weights, groups),
    }


def _claims_from_data(fields: Fields, sums: Tally) -> ClaimSums:
    groups = indices(fields, "group", N_GROUPS)
    n, wrong = np.zeros(N_GROUPS, np.int64), np.zeros(N_GROUPS, np.int64)
    n[groups], wrong[groups] = fields.counts("n", len(groups)), fields.counts("n_wrong", len(groups))
    if int(n.sum(dtype=object)) > sums.n_counted:
        raise fields.wrong("n", "adds up to more than the number of all samples")
    if (wrong > n).any() or int((n - wrong).sum()) != sums.n_correct:
        raise fields.wrong("n_wrong", "does not fit the number of samples predicted right")
    q, p, variances = (sums_of(fields, key, groups, N_GROUPS) for key in ("q", "p", "variance"))
    outcomes, weights = exact_counts(n - wrong), None
    if fields.has("weight"):
        outcomes, weights = (sums_of(fields, key, groups, N_GROUPS) for key in ("outcome", "weight"))
    return ClaimSums(BinSums(n, p, outcomes, variances, weights), q, wrong)


def _confusions_to_data(found: Confusions) -> dict[str, Any]:
    targets, predictions = np.divmod(found.keys, max(1, found.n_classes))
    return {
        "target": targets.tolist(),
        "prediction": predictions.tolist(),
        "n": found.counts.tolist(),
        "slack": found.slack,
    }


def _confusions_from_data(fields: Fields, sums: Tally, n_classes: int) -> Confusions:
    n_pairs = length_of(fields, "n")
    if n_pairs > MOST_PAIRS:
        raise fields.wrong("n", f"has {n_pairs} values, and {MOST_PAIRS} are kept at most")
    counts, slack = fields.counts("n", n_pairs), fields.count("slack")
    targets, predictions = fields.counts("target", n_pairs), fields.counts("prediction", n_pairs)
    for key, classes in (("target", targets), ("prediction", predictions)):
        if (classes >= n_classes).any():
            raise fields.wrong(key, f"are not indices of {n_classes} classes")
    keys = targets * n_classes + predictions
    if (targets == predictions).any() or (np.diff(keys) <= 0).any():
        raise fields.wrong("prediction", "are not of wrong predictions, in order")
    n_wrong, total = sums.n_counted - (sums.n_correct or 0), int(counts.sum(dtype=object))
    if not counts.all() or total + (n_pairs + 1) * slack * (n_pairs == MOST_PAIRS) > n_wrong:
        raise fields.wrong("n", "does not fit the number of samples predicted wrong")
    return Confusions(n_classes, keys, counts, slack)


def _squares_to_data(squares: ExactSums) -> dict[str, Any]:
    units = [] if squares.units is None else squares.units.tolist()
    occur = np.array([each != 0 for each in units], bool)
    if squares.special is not None:
        occur |= squares.special.any(axis=0)
    groups = np.flatnonzero(occur).tolist()
    return {"class": groups, "sum": columns_to_data(squares, groups)}


def _squares_from_data(fields: Fields, n_classes: int) -> ExactSums:
    return sums_of(fields, "sum", indices(fields, "class", n_classes), n_classes)


def _curve_to_data(curve: Curve) -> dict[str, Any]:
    sums = [sum_to_data(each) for each in curve.sums]
    return {"temperature": list(curve.temperatures), "loss_sum": sums, "n": curve.n}


def _curve_from_data(fields: Fields, sums: Tally) -> Curve:
    temperatures = fields.numbers("temperature")
    if not all(temperature > 0.0 for temperature in temperatures):
        raise fields.wrong("temperature", "has one that is not above 0")
    fields.column("loss_sum", len(temperatures), "sums")
    totals = fields.converted("loss_sum", lambda values: tuple(map(sum_from_data, values)), SUMS)
    n = fields.count("n")
    if n > sums.n_counted:
        raise fields.wrong("n", "is more than the number of all samples")
    return Curve(temperatures, totals, n)


def _hard_to_data(sample: HardSample) -> dict[str, Any]:
    probabilities = sample.probabilities or ()
    return {
        "file": sample.file,
        "sample": sample.number,
        "text": sample.text,
        "loss": sample.loss if math.isfinite(sample.loss) else str(sample.loss),
        "target": sample.target,
        "top": sample.top,
        "p_target": _finite(sample.p_target),
        "p_top": _finite(sample.p_top),
        "probabilities": list(probabilities) if probabilities and all(map(math.isfinite, probabilities)) else None,
    }


def _finite(value: float | None) -> float | None:
    """The number, which JSON has only where it is finite: what is given as log p may be far above 0."""
    return None if value is None or not math.isfinite(value) else value


def _hardest_from_data(fields: Fields, n_classes: int) -> tuple[int, tuple[HardSample, ...]]:
    most, samples = fields.count("most"), tuple(_hard_from_data(each, n_classes) for each in fields.each("samples"))
    losses = [each.loss for each in samples]
    if len(samples) > most or losses != sorted(losses, reverse=True):
        raise fields.wrong("samples", f"are not the {most} hardest, in order")
    return most, samples


def _hard_from_data(fields: Fields, n_classes: int) -> HardSample:
    loss = INFINITE[fields.one_of("loss", INFINITE)] if isinstance(fields.values.get("loss"), str) else None
    probabilities = fields.numbers("probabilities") if fields.has("probabilities") else None
    if probabilities is not None and len(probabilities) != n_classes:
        raise fields.wrong("probabilities", f"has {len(probabilities)} values for {n_classes} classes")

    def a_class(key: str) -> int | None:
        if not fields.has(key):
            return None
        index = fields.count(key)
        if index >= n_classes:
            raise fields.wrong(key, f"is {index}, which is not an index of {n_classes} classes")
        return index

    def a_number(key: str) -> float | None:
        return fields.number(key) if fields.has(key) else None

    return HardSample(
        fields.text("file"),
        fields.count("sample"),
        fields.text("text"),
        fields.number("loss") if loss is None else loss,
        a_class("target"),
        a_class("top"),
        a_number("p_target"),
        a_number("p_top"),
        probabilities,
    )
