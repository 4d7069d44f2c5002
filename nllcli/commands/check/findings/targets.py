"""Findings in the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.check.evidence.chance import exchange_is_chance, hits_are_chance, missing_is_chance
from nllcli.commands.check.evidence.targets import Padding
from nllcli.commands.check.findings import Case, Seen
from nllcli.errors import counted, setting

if TYPE_CHECKING:
    from collections.abc import Sequence

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
# How many labels an option lists, and a finding shows.
_MOST_LISTED, _N_SHOWN = 20, 5


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
    """All targets are in 1..C and C occurs; or 0 never does, and the class below fits better.

    In the second case all targets are classes, which may have been found by their names; so the classes have none.
    """
    labels, fit, n_classes = case.evidence.labels, case.evidence.fit, case.n_classes
    if labels.counts is None or labels.counts[0]:
        return None
    occurring = _occurring(case)
    lowest, highest = min(occurring, default=0), max(occurring, default=0)
    if lowest < 1 or highest > n_classes or not labels.outside_values.all:
        return None
    if highest < n_classes and (_has_names(case) or not _fits_below(case)):
        return None
    return Seen(
        f"the targets count from 1: they are in {lowest}..{highest}, "
        f"and the {n_classes} classes are 0..{n_classes - 1}",
        {"lowest": lowest, "highest": highest, "right_as_they_are": fit.n_right, "right_less_one": fit.n_right_below},
        f"{_naming(range(1, n_classes + 1))}; or targets - 1",
    )


def _fits_below(case: Case) -> bool:
    """Whether the class below the target is predicted twice as often as the target, and beyond chance.

    As often as guesses with the frequencies of the predictions would is chance, too.
    """
    fit = case.evidence.fit
    if fit.n_right_below < 2 * fit.n_right or exchange_is_chance(fit.n_right_below, fit.n_right, 1, case.n_classes):
        return False
    if fit.confusion is None:
        return True
    n, of_targets, of_predictions = int(fit.confusion.sum()), fit.confusion.sum(axis=1), fit.confusion.sum(axis=0)
    guessed = float(of_predictions[:-1] @ of_targets[1:]) / n**2
    return not hits_are_chance(fit.n_right_below, n, 1.0 / guessed)


def _occurring(case: Case) -> list[int]:
    """The different targets that count, in ascending order."""
    labels = case.evidence.labels
    assert labels.counts is not None
    return sorted([*labels.counts.occurring.tolist(), *labels.outside_values.values.tolist()])


def _has_names(case: Case) -> bool:
    """Whether the classes have names other than their numbers."""
    names = case.dataset.class_names
    return names is not None and names != tuple(map(str, range(case.n_classes)))


def _naming(labels: Sequence[int]) -> str:
    """The option that gives the classes, in the order of the columns, the numbers that the targets have for them."""
    if len(labels) <= _MOST_LISTED:
        listed = ",".join(map(str, labels))
        return f"{setting('classes')}={listed}" if listed.startswith("-") else setting("classes", listed)
    return f"{setting('classes', 'FILE')} with the labels {labels[0]} to {labels[-1]} in it, one a line"


def targets_not_renumbered(case: Case) -> Seen | None:
    """As many different targets as there are classes, and not 0..C-1: the labels' own numbers.

    One usual mark beside the classes 0..C-1 is padding, unless that would leave one class of two, or more predictions
    are right if it is a label.
    """
    labels, n_classes = case.evidence.labels, case.n_classes
    outside = labels.outside_values
    if not labels.outside.n or not outside.all or n_classes < 2:
        return None
    occurring = _occurring(case)
    if len(occurring) != n_classes:
        return None
    if targets_one_based(case) is not None:
        return None
    mark = outside.only if n_classes > 2 else None
    n_right, n_right_renumbered = _right_renumbered(occurring, case)
    if mark in _MARKS and n_right_renumbered <= n_right:
        return None
    shown = ", ".join(map(str, occurring[:_N_SHOWN])) + (", ..." if n_classes > _N_SHOWN else "")
    two = f": {occurring[0]} is class 0 of two, and {occurring[1]} is class 1" if n_classes == 2 else ""
    otherwise = "" if mark is None else f"; or {setting('ignore_index', mark)} (if {mark} means no label)"
    return Seen(
        f"the targets are {n_classes} different numbers, as many as there are classes, but not 0..{n_classes - 1}{two}",
        {"labels": shown, "out_of_range": labels.outside.n},
        f"{_naming(occurring)} (where the columns are in this order){otherwise}",
    )


def _right_renumbered(occurring: list[int], case: Case) -> tuple[int, int]:
    """Of targets in range, how many predictions are right as they are, and if the labels are renumbered in order."""
    confusion = case.evidence.fit.confusion
    if confusion is None:
        return 0, 0
    moved = [(label, rank) for rank, label in enumerate(occurring) if 0 <= label < len(confusion)]
    return int(confusion.trace()), sum(int(confusion[label, rank]) for label, rank in moved)


def _mark(case: Case) -> int | None:
    """The value of all targets out of range, where it is one alone that marks missing labels."""
    only = case.evidence.labels.outside_values.only
    return only if only in _MARKS and targets_not_renumbered(case) is None else None


def _targets_are(n: int) -> str:
    return "1 target is" if n == 1 else f"{n} targets are"


def targets_out_of_range(case: Case) -> Seen | None:
    """Any target that is not a class, where neither counting from 1, labels of their own nor padding explains it."""
    outside, found = case.evidence.labels.outside, case.evidence.labels.outside_values
    if not outside.n or _mark(case) is not None:
        return None
    if targets_one_based(case) is not None or targets_not_renumbered(case) is not None:
        return None
    first = zip(found.values[:_N_SHOWN].tolist(), found.n[:_N_SHOWN].tolist(), strict=True)
    n_different = len(found.values)
    different = (
        {"different": n_different if found.all else f"more than {n_different}"} if n_different > _N_SHOWN else {}
    )
    return Seen(
        f"{_targets_are(outside.n)} none of the classes 0..{case.n_classes - 1}",
        {**case.target_rows(outside), **different, "values": [f"{value} ({counted(n, 'time')})" for value, n in first]},
        f"{setting('ignore_index')} for a value that means no label; else fix the targets or save all classes",
    )


def padding_scored(case: Case) -> Seen | None:
    """A usual mark out of range; or 0, 1, 255 or the last class in long runs among labels that run for 1.5 on average.

    In sequences: only at their ends (or beginnings), and in three of them four times or more. In a flat list, over 100
    classes or more: 0 in three runs or more of 8 on average.
    """
    mark, outside = _mark(case), case.evidence.labels.outside
    if mark is not None:
        return Seen(
            f"{_targets_are(outside.n)} {mark}, a usual mark for no label, and not a class",
            {**case.target_rows(outside), "value": mark},
            _ignoring(mark),
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
    if counts is None or not 0 < len(counts.occurring) < n_classes or targets_not_renumbered(case) is not None:
        return None
    rarest = int(counts.sums[counts.sums > 0].min())
    if missing_is_chance(rarest, n_classes):
        return None
    occurs = np.zeros(n_classes, np.bool_)
    occurs[counts.occurring] = True
    absent = np.flatnonzero(~occurs)
    return Seen(
        f"{len(absent)} of {n_classes} classes never {'occurs' if len(absent) == 1 else 'occur'} among the targets: "
        f"{case.listed(absent)}",
        {"targets": int(counts.sums.sum()), "absent": len(absent), "rarest_other": rarest},
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
