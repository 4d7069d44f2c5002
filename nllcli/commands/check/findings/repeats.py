"""Findings in logits that repeat: a common maximum, a constant class, equal rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.check.findings import NOTE, Case, Seen
from nllcli.commands.check.findings.values import are_not_logits

if TYPE_CHECKING:
    from nllcli.commands.check.evidence.repeats import Duplicates

# Integer logits may well agree in a few rows; ten rows without any variation are not chance.
_LEAST_CONSTANT_ROWS = 10
# Half precision makes some ties; a tenth of the rows is more than its 11 bits explain.
_LEAST_TIED_ROWS = 10
_TIED_SHARE = 0.1
# The scores of a continuous output differ, except where half precision makes them equal.
_DIFFERENT_SHARE = 0.5
# Above 2048 half precision represents only even integers, so whole numbers may be rounded ones.
_LEAST_COARSE = 2048.0
# Fewer duplicates than one in a hundred rows hardly change a loss.
_DUPLICATED_SHARE = 0.01
# Copied rows keep their targets, and nobody copies a file more often than this.
_OTHERS_SHARE = 0.01
_MOST_COPIES = 8
# How many times more duplicates there must be than coarse numbers give by chance.
_BEYOND_CHANCE = 100


def identical_maxima(case: Case) -> Seen | None:
    """A tenth of the rows, and ten at least, tie for the maximum in half precision, or end at one common ceiling.

    Equal rows count once, because a model with few outputs repeats their maxima; single scores are cut off if nearly
    all of those below the ceiling differ.
    """
    values = case.evidence.values
    if values.peak is None or case.request.loss.source != "logits" or case.n_classes < 2 or are_not_logits(case):
        return None
    if values.peak.value < _LEAST_COARSE and not (values.n_fractional and case.evidence.repeats.are_continuous()):
        return None  # counts and votes tie legitimately, and so do logarithms of them
    maxima = case.evidence.repeats.maxima(values.peak.value)
    least = max(_LEAST_TIED_ROWS, _TIED_SHARE * maxima.n)
    if maxima.n_tied >= least:
        return Seen(
            f"in {values.tied.n} of {values.n} samples two or more classes share the largest logit: "
            "half precision no longer distinguishes them",
            case.rows(values.tied),
            "compute the last layer in float32",
        )
    if case.request.loss.binary:
        cut_off = values.peak.n >= least and maxima.n - 1 >= _DIFFERENT_SHARE * (values.n - values.peak.n)
    else:
        cut_off = maxima.n_there >= least
    # Constant rows are another fault, and probabilities legitimately end at 1.
    if not cut_off or values.n in (values.n_probs, values.n_log_probs):
        return None
    if values.constant is not None and len(values.constant.values):
        return None
    return Seen(
        f"in {values.peak.n} of {values.n} samples the largest logit is {values.peak.value:g}: the logits are cut off",
        {"samples": values.peak.n, "ceiling": values.peak.value},
        "save the logits before clamp, clip or a saturating conversion",
    )


def constant_class(case: Case) -> Seen | None:
    """One value of a class in all of ten rows or more; a first or last class of 0 alone may be a reference."""
    values = case.evidence.values
    if values.constant is None or case.n_classes < 2 or case.request.loss.binary:
        return None
    if case.evidence.n_counted < _LEAST_CONSTANT_ROWS or are_not_logits(case):
        return None
    classes = values.constant.classes
    if classes is None:
        classes = np.arange(case.n_classes)
    if not len(classes):
        return None
    value = float(values.constant.values[0])
    reference = len(classes) == 1 and classes[0] in (0, case.n_classes - 1) and value == 0.0
    return Seen(
        f"{'class' if len(classes) == 1 else 'classes'} {case.listed(classes)} "
        f"{'has' if len(classes) == 1 else 'have'} the same logit in every sample"
        + (": a reference class, or an output that is not connected" if reference else ""),
        {"samples": case.evidence.n_counted, "classes": len(classes), "value": value},
        "look at the output layer: is the class masked, or its unit dead?",
        severity=NOTE if reference else None,
    )


def duplicated_rows(case: Case) -> Seen | None:
    """Equal logits and targets, a hundred times more often than their coarseness explains.

    Below 1 % of the rows, and without targets, only a note; equal single scores say nothing.
    """
    duplicates = case.evidence.repeats.duplicates()
    if case.n_classes < 2 or case.request.loss.binary or not duplicates.n or _has_few_outputs(duplicates):
        return None
    if duplicates.n < _BEYOND_CHANCE * duplicates.by_chance:
        return None
    first = [f"{case.place(a)} = {case.place(b)}" for a, b in duplicates.pairs]
    many = case.dataset.has_targets and duplicates.n >= _DUPLICATED_SHARE * duplicates.n_rows
    target = " and target" if case.dataset.has_targets else ""
    return Seen(
        f"of {duplicates.n_rows} samples {duplicates.n} repeat the logits{target} of an earlier one",
        {"samples": duplicates.n, "first": first},
        "was a file appended twice, or a sample drawn with replacement? numpy.unique(logits, axis=0) drops repeats",
        severity=None if many else NOTE,
    )


def _has_few_outputs(duplicates: Duplicates) -> bool:
    """Whether logits repeat as those of a decision tree do: with other targets too, or many times each."""
    others = duplicates.n_logits - duplicates.n
    return others > _OTHERS_SHARE * duplicates.n_repeated or duplicates.n_logits > _MOST_COPIES * duplicates.n_repeated
