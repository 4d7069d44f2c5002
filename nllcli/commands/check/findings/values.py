"""Findings in the logits themselves: what the numbers are, if not logits, and which of them cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.check.findings import Case, Seen
from nllcli.commands.check.findings.columns import holds_more_than_classes
from nllcli.errors import counted, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.tally import Rows

# A single one-hot row may be genuine logits; three in a file are predictions.
_LEAST_ONE_HOT_ROWS = 3
# A logit is within [0, 1] a third of the time: all of 20 are by chance in one of a thousand million files.
_LEAST_UNIT_ROWS = 20
_HIGH_PROBABILITY = 0.75
# One or two rows of whole numbers may be anything.
_LEAST_INTEGER_ROWS = 3
_FITTING_SHARE = 0.99
# Exponentials sum to 1 by chance in at most one of ten rows.
_LEAST_LOG_PROBS = 5
# Of six decimals one in ten begins with a zero, which is lost; of more, fewer.
_LONG_SHARE = 0.8


def bfloat16_bits(case: Case) -> Seen | None:
    """Two-byte integers that read as bfloat16 are log-probabilities, or logits of both signs and an ordinary size."""
    bits, dtype = case.evidence.values.bits, case.dataset.logits.dtype
    if case.evidence.n_counted < _LEAST_INTEGER_ROWS:
        return None
    as_bfloat16 = setting("input_dtype", "bfloat16")
    if bits.n_rows >= _LEAST_LOG_PROBS and bits.n_log_probs >= _FITTING_SHARE * bits.n_rows:
        return Seen(
            f"the logits are {dtype.name} numbers, and log-probabilities if read as the bits of bfloat16",
            {"samples": bits.n_rows, "sum_to_1_as_bfloat16": bits.n_log_probs},
            f"{as_bfloat16} {setting('source', 'log-probs')}; or save log_probs.float().numpy()",
        )
    if not 0 < bits.n_negative < bits.n or bits.n_fitting < _FITTING_SHARE * bits.n:
        return None
    return Seen(
        f"the logits are {dtype.name} numbers beyond 10,000, and ordinary ones if read as the bits of bfloat16",
        {"values": bits.n, "ordinary_as_bfloat16": bits.n_fitting},
        f"{as_bfloat16}; or save logits.float().numpy()",
    )


def decimal_commas(case: Case) -> Seen | None:
    """Columns that are in turn small whole numbers and, four times in five, whole numbers of six digits or more."""
    halves = case.evidence.values.halves
    if not halves.n or halves.n_unlike or halves.n_long < _LONG_SHARE * halves.n:
        return None
    if case.evidence.n_counted < _LEAST_INTEGER_ROWS:
        return None
    return Seen(
        "the columns are in turn small whole numbers and long ones: "
        "numbers with decimal commas, each cut in two where commas separate the columns",
        {"columns": case.n_classes, "numbers_a_sample": case.n_classes // 2},
        "write the numbers with decimal points",
    )


def are_not_logits(case: Case) -> bool:
    """Whether the numbers are not the logits themselves, so that their size says nothing."""
    return bfloat16_bits(case) is not None or decimal_commas(case) is not None or holds_more_than_classes(case)


def softmax_twice(case: Case) -> Seen | None:
    """Every row of the logits is non-negative and sums to 1 (of binary logits: is within 0 and 1)."""
    values, fit = case.evidence.values, case.evidence.fit
    if case.request.loss.source != "logits" or values.peak is None:
        return None
    if case.request.loss.binary:
        if values.n_unit < values.n or values.n < _LEAST_UNIT_ROWS or values.peak.value < _HIGH_PROBABILITY:
            return None
        return Seen(
            f"all {values.n} logits are within 0..1: they look like a sigmoid's probabilities, "
            "and a sigmoid would be applied twice",
            {"samples": values.n, "largest": values.peak.value},
            f"{setting('source', 'probs')}; in PyTorch binary_cross_entropy, or leave the sigmoid out",
        )
    too_few = not values.n_fractional and values.n < _LEAST_ONE_HOT_ROWS
    if case.n_classes < 2 or values.n_probs < values.n or too_few:
        return None
    losses = {"loss_as_logits": fit.loss.mean, "loss_as_probs": fit.as_probs.mean} if fit.as_probs.n else {}
    return Seen(
        "every row of the logits is non-negative and sums to 1: these are probabilities, "
        "and the softmax would be applied twice",
        {"samples": values.n, **losses},
        f"{setting('source', 'probs')}; in PyTorch leave softmax out before cross_entropy",
    )


def log_softmax_twice(case: Case) -> Seen | None:
    """The exponentials of every row sum to 1, which those of random logits do not."""
    values, loss = case.evidence.values, case.evidence.fit.loss
    if case.request.loss.source != "logits" or case.n_classes < 2 or case.request.loss.binary:
        return None
    if not values.n or values.n_log_probs < values.n:
        return None
    return Seen(
        "the exponentials of every row sum to 1: these are log-probabilities, not logits; "
        "the softmax of them changes nothing, but what made them should be known",
        {"samples": values.n, **({"loss_either_way": loss.mean} if loss.n else {})},
        f"{setting('source', 'log-probs')}; in PyTorch nll_loss takes them as they are",
    )


def not_probabilities(case: Case) -> Seen | None:
    """A value outside [0, 1], or a logarithm above 0, contradicts the source that was given."""
    outside = case.evidence.values.outside
    if not outside.n or holds_more_than_classes(case):
        return None
    source = case.request.loss.source
    what, other = ("outside 0..1", "log-probs") if source == "probs" else ("above 0", "probs")
    return Seen(
        f"{setting('source', source)} says what the file holds, but {_samples_hold(outside.n)} a value {what}",
        case.rows(outside),
        f"{setting('source', 'logits')}, or {setting('source', other)}, if that is what the file holds",
    )


def not_normalised(case: Case) -> Seen | None:
    """A sum further from 1 than the square root of the dtype's machine epsilon, which rounding does not explain."""
    off = case.evidence.values.off
    if not off.n or case.request.loss.binary or holds_more_than_classes(case) or _sums_to_1_reshaped(case):
        return None
    return Seen(
        f"the probabilities of {counted(off.n, 'sample')} do not sum to 1",
        {**case.rows(off), "largest_error": off.worst},
        f"p / p.sum(axis, keepdims=True); or another {setting('class_axis')}, if the sums are 1 along it",
    )


def _sums_to_1_reshaped(case: Case) -> bool:
    return case.reshaped is not None and not case.reshaped.values.off.n


def nan_logits(case: Case) -> Seen | None:
    """Any NaN in a sample that counts."""
    return _nonfinite(case, "NaN", case.evidence.values.nan, case.evidence.values.nan_classes)


def infinite_logits(case: Case) -> Seen | None:
    """Any +inf in a sample that counts; -inf is a masked class."""
    values = case.evidence.values
    return _nonfinite(case, "+inf", values.inf, values.inf_classes)


def _nonfinite(case: Case, what: str, rows: Rows, classes: NDArray[np.int64] | None) -> Seen | None:
    if not rows.n or classes is None:
        return None
    found = np.flatnonzero(classes)
    order = found[np.argsort(-classes[found], kind="stable")].tolist()
    half = case.dataset.logits.dtype.itemsize == 2 and what == "+inf"
    return Seen(
        f"{_samples_hold(rows.n)} {what}, in {len(found)} of {len(classes)} classes, so the loss is undefined",
        {**case.rows(rows), "values": int(classes.sum()), "in_classes": case.listed(order)},
        "save float32: half precision ends at 65504"
        if half
        else f"fix the model or its input; {setting('on_nonfinite', 'nan')} of nll compute lets them through",
    )


def masked_samples(case: Case) -> Seen | None:
    """Any counted sample whose every class is -inf."""
    masked = case.evidence.values.masked
    if not masked.n or case.request.loss.source == "probs":
        return None
    return Seen(
        f"in {counted(masked.n, 'sample')} every class is -inf, which leaves nothing to normalise",
        case.rows(masked),
        "leave at least one class unmasked, or ignore these samples through their targets",
    )


def _samples_hold(n: int) -> str:
    return f"{n} sample holds" if n == 1 else f"{n} samples hold"


def saturation(case: Case) -> Seen | None:
    """Any value of exactly +-65504, the largest number of float16, which no computation gives by chance."""
    saturated = case.evidence.values.saturated
    if not saturated.n or are_not_logits(case):
        return None
    return Seen(
        f"{_samples_hold(saturated.n)} +-65504, the largest number of half precision: what was larger is lost",
        case.rows(saturated),
        "compute the logits in float32 or bfloat16; mask classes with -inf",
    )
