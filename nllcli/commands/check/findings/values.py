"""Findings in the logits themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.findings.case import ERROR, NOTE, WARNING, Case, Finding
from nllcli.commands.check.findings.integers import are_no_logits
from nllcli.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.check.evidence.repeats import Duplicates

# One row of 0s and a 1 may be anybody's logits; three in a file are predictions.
_LEAST_WHOLE_ROWS = 3
# Sigmoid logits stay within [0, 1] by chance, a third of the time each, in one of a thousand million files.
_LEAST_UNIT_ROWS = 20
_HIGH_PROBABILITY = 0.75
# Integer logits may well agree in a few rows; ten rows without any variation are no chance.
_LEAST_CONSTANT_ROWS = 10
# Half precision makes ties now and then; a tenth of the rows is more than its 11 bits explain.
_LEAST_TIED_ROWS = 10
_TIED_SHARE = 0.1
# Scores that a continuous output gives differ, save for what half precision makes equal.
_DIFFERENT_SHARE = 0.5
# From here on half precision counts by twos, so whole numbers may be what is left of others.
_LEAST_COARSE = 2048.0
# Fewer duplicates than one in a hundred rows hardly move a loss.
_DUPLICATED_SHARE = 0.01
# Of rows that were copied hardly any has another target; and nobody copies a file so many times.
_OTHERS_SHARE = 0.01
_MOST_COPIES = 8
# How many times more duplicates there must be than coarse numbers give by chance.
_BEYOND_CHANCE = 100


def softmax_twice(case: Case) -> Finding | None:
    """Every row of the logits is non-negative and sums to 1 (with --binary: lies within 0 and 1)."""
    values, fit = case.evidence.values, case.evidence.fit
    if case.options.source != "logits" or not values.n or values.whole is None or values.peak is None:
        return None
    if case.options.binary:
        if values.n_unit < values.n or values.n < _LEAST_UNIT_ROWS or values.peak.value < _HIGH_PROBABILITY:
            return None
        return Finding(
            "softmax-twice",
            ERROR,
            f"all {values.n} logits lie within 0 and 1: they look like a sigmoid's probabilities, "
            "and a sigmoid would be applied twice",
            {"samples": values.n, "largest": values.peak.value},
            "--from probs; in PyTorch binary_cross_entropy, or leave the sigmoid out",
        )
    too_few = values.whole.holds and values.n < _LEAST_WHOLE_ROWS
    if case.n_classes < 2 or values.n_probs < values.n or too_few:
        return None
    return Finding(
        "softmax-twice",
        ERROR,
        "every row of the logits is non-negative and sums to 1: these are probabilities, "
        "and the softmax would be applied twice",
        {"samples": values.n, **_two_losses(fit.loss.mean, fit.as_probs.mean, fit.as_probs.n)},
        "--from probs; in PyTorch leave softmax out before cross_entropy",
    )


def _two_losses(as_logits: float, as_probs: float, n: int) -> dict[str, Any]:
    return {"loss_as_logits": as_logits, "loss_as_probs": as_probs} if n else {}


def log_softmax_twice(case: Case) -> Finding | None:
    """Every row's exponentials sum to 1, which random logits' do not."""
    values = case.evidence.values
    if case.options.source != "logits" or case.n_classes < 2 or case.options.binary:
        return None
    if not values.n or values.n_log_probs < values.n:
        return None
    loss = {"loss_either_way": case.evidence.fit.loss.mean}
    return Finding(
        "log-softmax-twice",
        WARNING,
        "the exponentials of every row sum to 1: these are log-probabilities, not logits; "
        "the softmax of them changes nothing, but what made them should be known",
        {"samples": values.n, **(loss if case.evidence.fit.loss.n else {})},
        "--from log-probs; in PyTorch nll_loss takes them as they are",
    )


def not_probabilities(case: Case) -> Finding | None:
    """A value outside [0, 1], or a logarithm above 0, contradicts --from."""
    outside = case.evidence.values.outside
    if not outside.n:
        return None
    source = case.options.source
    what = "a value outside 0..1" if source == "probs" else "a value above 0"
    other = "--from logits, or --from log-probs" if source == "probs" else "--from logits, or --from probs"
    return Finding(
        "not-probabilities",
        ERROR,
        f"--from {source} says what the file holds, but {_hold(outside.n)} {what}",
        case.rows(outside),
        f"{other}, if that is what the file holds",
    )


def not_normalised(case: Case) -> Finding | None:
    """A sum further from 1 than the square root of the dtype's machine epsilon is no rounding."""
    off = case.evidence.values.off
    if not off.n or case.options.binary:
        return None
    return Finding(
        "not-normalised",
        WARNING,
        f"the probabilities of {counted(off.n, 'sample')} do not sum to 1",
        {**case.rows(off), "largest_error": off.worst},
        "p / p.sum(axis, keepdims=True); or another --class-axis, if the sums are 1 along it",
    )


def nan_logits(case: Case) -> Finding | None:
    """Any NaN in a sample that counts."""
    return _nonfinite(case, "nan-logits", "NaN", case.evidence.values.nan, case.evidence.values.nan_classes)


def infinite_logits(case: Case) -> Finding | None:
    """Any +inf in a sample that counts; -inf is a masked class."""
    values = case.evidence.values
    return _nonfinite(case, "infinite-logits", "+inf", values.inf, values.inf_classes)


def _nonfinite(case: Case, code: str, what: str, rows: Any, classes: NDArray[np.int64] | None) -> Finding | None:
    if not rows.n or classes is None:
        return None
    found = np.flatnonzero(classes)
    order = found[np.argsort(-classes[found], kind="stable")].tolist()
    half = case.dataset.logits.dtype.itemsize == 2 and what == "+inf"
    return Finding(
        code,
        ERROR,
        f"{_hold(rows.n)} {what}, in {len(found)} of {len(classes)} classes, and so no loss",
        {**case.rows(rows), "values": int(classes.sum()), "in_classes": case.listed(order)},
        "save float32: half precision ends at 65504"
        if half
        else "mend the model or its input; --on-nonfinite nan of nll compute lets them through",
    )


def masked_samples(case: Case) -> Finding | None:
    """Any counted sample whose every class is -inf."""
    masked = case.evidence.values.masked
    if not masked.n or case.options.source == "probs":
        return None
    return Finding(
        "masked-samples",
        ERROR,
        f"in {counted(masked.n, 'sample')} every class is -inf, which leaves nothing to normalise",
        case.rows(masked),
        "leave at least one class unmasked, or ignore these samples through their targets",
    )


def _hold(n: int) -> str:
    return f"{n} sample holds" if n == 1 else f"{n} samples hold"


def half_precision_saturation(case: Case) -> Finding | None:
    """Any value of exactly +-65504, float16's largest number, which no computation hits by chance."""
    saturated = case.evidence.values.saturated
    if not saturated.n:
        return None
    return Finding(
        "half-precision-saturation",
        WARNING,
        f"{_hold(saturated.n)} +-65504, the largest number of half precision: what was larger is lost",
        case.rows(saturated),
        "compute the logits in float32 or bfloat16; mask classes with -inf",
    )


def identical_maxima(case: Case) -> Finding | None:
    """A tenth of the rows, and ten at least, tie for the maximum in half precision, or end at one common ceiling.

    Equal rows count once, for a model with few outputs repeats their maxima; single scores are cut off if, below the
    ceiling, nearly all differ.
    """
    values = case.evidence.values
    if values.peak is None or values.whole is None or case.options.source != "logits" or case.n_classes < 2:
        return None
    if are_no_logits(case):
        return None
    if values.peak.value < _LEAST_COARSE and (values.whole.holds or not case.evidence.repeats.are_continuous()):
        return None  # counts and votes tie by nature, and so do logarithms of them
    maxima = case.evidence.repeats.maxima(values.peak.value)
    least = max(_LEAST_TIED_ROWS, _TIED_SHARE * maxima.n)
    if maxima.n_tied >= least:
        return Finding(
            "identical-maxima",
            WARNING,
            f"in {values.tied.n} of {values.n} samples two or more classes share the largest logit: "
            "half precision no longer tells them apart",
            case.rows(values.tied),
            "compute the last layer in float32",
        )
    if case.options.binary:
        cut_off = values.peak.n >= least and maxima.n - 1 >= _DIFFERENT_SHARE * (values.n - values.peak.n)
    else:
        cut_off = maxima.n_there >= least
    # Constant rows tell of another fault, and probabilities end at 1 by nature.
    if not cut_off or values.n in (values.n_probs, values.n_log_probs):
        return None
    if values.constant is not None and values.constant.same.any():
        return None
    return Finding(
        "identical-maxima",
        WARNING,
        f"in {values.peak.n} of {values.n} samples the largest logit is {values.peak.value:g}: the logits are cut off",
        {"samples": values.peak.n, "ceiling": values.peak.value},
        "save the logits before clamp, clip or a saturating conversion",
    )


def constant_class(case: Case) -> Finding | None:
    """One value of a class in all of ten rows or more; a first or last class of 0 alone may be a reference."""
    values = case.evidence.values
    if values.constant is None or case.n_classes < 2 or case.options.binary:
        return None
    if case.evidence.n_counted < _LEAST_CONSTANT_ROWS or are_no_logits(case):
        return None
    classes = np.flatnonzero(values.constant.same).tolist()
    if not classes:
        return None
    first = values.constant.first
    reference = classes in ([0], [case.n_classes - 1]) and first[classes[0]] == 0.0
    return Finding(
        "constant-class",
        NOTE if reference else WARNING,
        f"{'class' if len(classes) == 1 else 'classes'} {case.listed(classes)} "
        f"{'has' if len(classes) == 1 else 'have'} the same logit in every sample"
        + (": a reference class, or an output that is not connected" if reference else ""),
        {"samples": case.evidence.n_counted, "classes": len(classes), "value": float(first[classes[0]])},
        "look at the output layer: is the class masked, or its unit dead?",
    )


def one_column(case: Case) -> Finding | None:
    """A single class without --binary."""
    if case.n_classes != 1:
        return None
    return Finding(
        "one-column",
        ERROR,
        "the logits have one class: its probability is always 1 and the loss always 0",
        {"classes": 1, "samples": case.evidence.n_samples},
        "--binary, if the column belongs to class 1 of two; else save one column a class",
    )


def duplicated_rows(case: Case) -> Finding | None:
    """Equal logits and targets, a hundred times oftener than their coarseness explains.

    Below 1 % of the rows, and without targets, only a note; single scores are equal too easily to say anything.
    """
    duplicates = case.evidence.repeats.duplicates()
    if case.n_classes < 2 or case.options.binary or not duplicates.n or _has_few_outputs(duplicates):
        return None
    if duplicates.n < _BEYOND_CHANCE * duplicates.by_chance:
        return None
    first = [f"{case.place(a)} = {case.place(b)}" for a, b in duplicates.pairs]
    many = case.has_targets and duplicates.n >= _DUPLICATED_SHARE * duplicates.n_rows
    target = " and target" if case.has_targets else ""
    return Finding(
        "duplicated-rows",
        WARNING if many else NOTE,
        f"of {duplicates.n_rows} samples {duplicates.n} repeat the logits{target} of an earlier one",
        {"samples": duplicates.n, "first": first},
        "was a file appended twice, or a sample drawn with replacement? numpy.unique(logits, axis=0) drops repeats",
    )


def _has_few_outputs(duplicates: Duplicates) -> bool:
    """Whether logits repeat as those of a decision tree do: with other targets too, or many times each."""
    others = duplicates.n_logits - duplicates.n
    return others > _OTHERS_SHARE * duplicates.n_repeated or duplicates.n_logits > _MOST_COPIES * duplicates.n_repeated
