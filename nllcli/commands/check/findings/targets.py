"""Findings in the targets."""

from __future__ import annotations

import numpy as np

from nllcli.commands.check.evidence.chance import exchange_is_chance, missing_is_chance
from nllcli.commands.check.evidence.targets import Padding
from nllcli.commands.check.findings import Case, Seen
from nllcli.errors import counted, setting

# What frameworks and data sets write where there is no label.
_MARKS = (-100, -1, 255, -255, -999, 65535)
# This many sequences that end (or begin) with a run of a label that occurs nowhere else are not chance.
_LEAST_SEQUENCES = 3
# Where labels seldom change, every label is in long runs.
_MOST_REPEATING = 1.5
# Along a flat list the places of runs say nothing, so the runs have to be longer.
_LEAST_STREAK = 8.0
# Label sets as small as those of taggers have a class for "nothing", which is legitimately in long runs.
_LEAST_VOCABULARY = 100


def no_samples(case: Case) -> Seen | None:
    """An empty file."""
    if case.evidence.n_samples:
        return None
    return Seen("there are no samples", {"samples": 0}, "look at what wrote the file")


def everything_ignored(case: Case) -> Seen | None:
    """No target but the ignored one."""
    evidence = case.evidence
    if not evidence.n_samples or evidence.labels.n_ignored < evidence.n_samples:
        return None
    shift = case.request.inputs.shift
    in_reach = f" that {setting('shift', shift)} reaches" if shift else ""
    return Seen(
        f"every target{in_reach} is {case.request.loss.ignore_index}, the ignored index: "
        "nothing is counted and the mean is NaN",
        {"samples": evidence.n_samples, "ignored": evidence.labels.n_ignored},
        f"{setting('ignore_index')}, if another value marks what is to be ignored",
    )


def targets_one_based(case: Case) -> Seen | None:
    """All targets are in 1..C and C occurs; or 0 never does, and the class below fits beyond chance."""
    labels, fit, n_classes = case.evidence.labels, case.evidence.fit, case.n_classes
    if labels.counts is None:
        return None
    occurring = [*np.flatnonzero(labels.counts).tolist(), *(value for value, _ in labels.outside_values.counts)]
    lowest, highest = min(occurring, default=0), max(occurring, default=0)
    if lowest < 1 or highest > n_classes:
        return None
    below_is_chance = exchange_is_chance(fit.n_right_below, fit.n_right, 1, n_classes)
    if highest < n_classes and (fit.n_right_below < 2 * fit.n_right or below_is_chance):
        return None
    return Seen(
        f"the targets count from 1: they are in {lowest}..{highest}, "
        f"and the {n_classes} classes are 0..{n_classes - 1}",
        {"lowest": lowest, "highest": highest, "right_as_they_are": fit.n_right, "right_less_one": fit.n_right_below},
        "targets - 1",
    )


def _is_mark(case: Case) -> bool:
    """Whether all targets out of range are one value that marks missing labels."""
    outside = case.evidence.labels.outside_values
    return len(outside.counts) == 1 and outside.counts[0][0] in _MARKS


def _targets_are(n: int) -> str:
    return "1 target is" if n == 1 else f"{n} targets are"


def targets_out_of_range(case: Case) -> Seen | None:
    """Any target that is not a class, where neither counting from 1 nor padding explains it."""
    outside = case.evidence.labels.outside
    if not outside.n or _is_mark(case) or targets_one_based(case) is not None:
        return None
    values = case.evidence.labels.outside_values
    counts = [f"{value} ({counted(n, 'time')})" for value, n in values.counts[:5]]
    return Seen(
        f"{_targets_are(outside.n)} none of the classes 0..{case.n_classes - 1}",
        {**case.target_rows(outside), "values": counts},
        f"{setting('ignore_index')} for a value that means no label; else fix the targets or save all classes",
    )


def padding_scored(case: Case) -> Seen | None:
    """A usual mark out of range; or 0, 1, 255 or the last class in long runs among labels that run for 1.5 on average.

    In sequences: only at their ends (or beginnings), and in three of them four times or more. In a flat list, over 100
    classes or more: 0 in three runs or more of 8 on average.
    """
    if _is_mark(case):
        ((value, n),) = case.evidence.labels.outside_values.counts
        return Seen(
            f"{_targets_are(n)} {value}, a usual mark for no label, and not a class",
            {**case.target_rows(case.evidence.labels.outside), "value": value},
            _ignoring(value),
        )
    found = (_in_long_runs(value, padding, case) for value, padding in case.padding.items())
    return next((seen for seen in found if seen is not None), None)


def _ignoring(value: int) -> str:
    return f"{setting('ignore_index', value)}; in PyTorch cross_entropy(..., ignore_index={value})"


def _in_long_runs(value: int, padding: Padding, case: Case) -> Seen | None:
    if not padding.n or not padding.n_others or padding.n_others > _MOST_REPEATING * padding.n_other_runs:
        return None
    length = padding.n / padding.n_runs
    where, seen = "", {"runs": padding.n_runs, "mean_length": length}
    if not case.is_flat:
        ending = padding.n == padding.n_ending and padding.n_long_ending >= _LEAST_SEQUENCES
        leading = padding.n == padding.n_leading and padding.n_long_leading >= _LEAST_SEQUENCES
        if not ending and not leading:
            return None
        where = f" at the {'end' if ending else 'beginning'} of sequences"
        seen = {"sequences": padding.n_long_ending if ending else padding.n_long_leading}
    elif case.n_classes < _LEAST_VOCABULARY or padding.n_runs < _LEAST_SEQUENCES or length < _LEAST_STREAK:
        return None
    return Seen(
        f"{padding.n} targets are {value}, and only in long runs{where}: padding that is scored as if it were text",
        {"samples": padding.n, "value": value, **seen},
        _ignoring(value),
    )


def absent_classes(case: Case) -> Seen | None:
    """A class that would be left out once in a million times if it were as frequent as the rarest that occurs.

    So the rarest must occur 16 times among ten classes; the long tail of a vocabulary says nothing.
    """
    counts, n_classes = case.evidence.labels.counts, case.n_classes
    if counts is None or not counts.any() or counts.all():
        return None
    absent, rarest = np.flatnonzero(counts == 0).tolist(), int(counts[counts > 0].min())
    if missing_is_chance(rarest, n_classes):
        return None
    return Seen(
        f"{len(absent)} of {n_classes} classes never {'occurs' if len(absent) == 1 else 'occur'} among the targets: "
        f"{case.listed(absent)}",
        {"targets": int(counts.sum()), "absent": len(absent), "rarest_other": rarest},
        f"are the targets complete, and in the order of the columns? weights from counts need {setting('zero_count')}",
    )


def soft_invalid(case: Case) -> Seen | None:
    """A soft target that is NaN, negative or above 1."""
    invalid = case.evidence.soft.invalid
    if not invalid.n:
        return None
    return Seen(
        f"the soft targets of {counted(invalid.n, 'sample')} hold NaN or a value outside 0..1",
        case.target_rows(invalid),
        "save probabilities: softmax of scores, counts divided by their sum",
    )


def sample_weights_invalid(case: Case) -> Seen | None:
    """A NaN or infinite weight of a sample that counts."""
    invalid = case.evidence.bad_weights
    if not invalid.n:
        return None
    return Seen(
        f"the {'weight' if invalid.n == 1 else 'weights'} of {counted(invalid.n, 'sample')} "
        f"{'is' if invalid.n == 1 else 'are'} not finite, so the mean is undefined",
        case.vector_rows(invalid),
        "fix the weights; 0 leaves a sample out",
    )


def soft_not_normalised(case: Case) -> Seen | None:
    """A sum further from 1 than the square root of the dtype's machine epsilon, which rounding does not explain."""
    off = case.evidence.soft.off
    if not off.n:
        return None
    return Seen(
        f"the soft targets of {counted(off.n, 'sample')} do not sum to 1",
        {**case.target_rows(off), "largest_error": off.worst},
        f"q / q.sum(axis, keepdims=True); or another {setting('class_axis')}, if the sums are 1 along it",
    )
