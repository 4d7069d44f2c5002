"""Findings in logits that are whole numbers, and should not be."""

from __future__ import annotations

from nllcli.commands.check.findings.case import Case, Seen
from nllcli.errors import setting

# One or two rows may be anything.
_LEAST_ROWS = 3
_FITTING_SHARE = 0.99
# Exponentials sum to 1 by chance in at most one of ten rows.
_LEAST_LOG_PROBS = 5
# Of six decimals one in ten begins with a zero, which is lost; of more, fewer.
_LONG_SHARE = 0.8


def bfloat16_bits(case: Case) -> Seen | None:
    """Two-byte integers that read as bfloat16 are log-probabilities, or logits of both signs and an ordinary size."""
    bits, dtype = case.evidence.values.bits, case.dataset.logits.dtype
    if case.evidence.n_counted < _LEAST_ROWS:
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
    if case.evidence.n_counted < _LEAST_ROWS:
        return None
    return Seen(
        "the columns are in turn small whole numbers and long ones: "
        "numbers with decimal commas, each cut in two where commas separate the columns",
        {"columns": case.n_classes, "numbers_a_sample": case.n_classes // 2},
        "write the numbers with decimal points",
    )


def hold_something_else(case: Case) -> bool:
    """Whether the numbers are not the logits themselves, so that their size says nothing."""
    return bfloat16_bits(case) is not None or decimal_commas(case) is not None
