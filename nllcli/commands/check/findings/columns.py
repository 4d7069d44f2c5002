"""Findings in columns that are not classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.chance import agreement_is_chance
from nllcli.commands.check.evidence.columns import looked_at
from nllcli.commands.check.findings import Case, Seen
from nllcli.errors import setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.check.evidence.columns import Whole

# Whole numbers may well be one more each for a few rows.
_LEAST_COUNTED_ROWS = 20
# A column of two values may be an output that saturates, and one of one value a reference.
_LEAST_DIFFERENT = 3
# Where a score becomes a prediction: 0 of logits, 1/2 of probabilities.
_CUTS = (0.0, 0.5)


def holds_more_than_classes(case: Case) -> bool:
    """Whether a column is something else than a class, so that no other number can be trusted."""
    looks = (column_is_target, column_is_prediction, column_is_confidence, column_is_key, column_is_whole)
    return any(look(case) is not None for look in looks)


def column_is_target(case: Case) -> Seen | None:
    """A column equals the targets, or one more, in every row, as it would not once in a million files.

    Of two classes, it has to be whole beside fractions too: the second column of one-hot predictions is the target of
    a model that is always right.
    """
    counts = case.evidence.labels.counts
    if counts is None or not counts.sums.any():
        return None
    few = len(counts.occurring) < _LEAST_DIFFERENT
    for c, bases in case.evidence.columns.copies.items():
        if _agrees_by_chance(counts.sums, case) or (few and not _is_whole_alone(c, case)):
            continue
        return _seen(c, case, f"holds the targets{_from_1(bases)}, and not the logits of a class")
    return None


def column_is_prediction(case: Case) -> Seen | None:
    """A column is the class that the others predict, in every row, as it would not once in a million files.

    Only rows where one class alone is predicted say so. Beside one other column, it is 1 where that is above 0 or 1/2.
    """
    columns = case.evidence.columns
    if column_is_target(case) is not None:
        return None
    for c, choice in columns.choices.items():
        if not _agrees_by_chance(choice.counts, case):
            return _seen(c, case, f"holds the class that the others predict{_from_1(choice.bases)}, and not its logits")
    for c, cut in columns.cuts.items():
        at_a_threshold = any(cut.below <= at <= cut.above for at in _CUTS)
        counts = np.array([cut.n_zeros, cut.n_ones])
        if at_a_threshold and _is_whole_alone(c, case) and not _agrees_by_chance(counts, case):
            seen = _seen(c, case, "holds the class that the other column predicts, and not its logits")
            return Seen(seen.message, seen.evidence, f"{seen.fix}, with {setting('binary', True)}")
    return None


def column_is_confidence(case: Case) -> Seen | None:
    """A column is the largest of the others, in every row, and not one of them so often that this would be chance."""
    for c, largest in case.evidence.columns.largest.items():
        if not agreement_is_chance(largest.n, largest.counts.max() / largest.n, _choices(case)):
            return _seen(c, case, "holds the largest of the others: a confidence, and not the logits of a class")
    return None


def column_is_key(case: Case) -> Seen | None:
    """Whole numbers beside fractions that are all different; or, of 20 rows, a column that alone counts them."""
    if column_is_prediction(case) is not None or column_is_target(case) is not None:
        return None
    wholes = case.evidence.columns.wholes
    counting = [c for c, whole in wholes.items() if whole.counts_up or whole.counts_down]
    for c, whole in wholes.items():
        alone = _is_whole_alone(c, case)
        if c in counting and (alone or (len(counting) == 1 and whole.n >= _LEAST_COUNTED_ROWS)):
            return _seen(c, case, "counts the rows: a row number, and not the logits of a class")
        if alone and (whole.differ or whole.rises or whole.falls):
            return _seen(c, case, "holds whole numbers that all differ, beside fractions: a key, and not a class")
    return None


def column_is_whole(case: Case) -> Seen | None:
    """Whole numbers of three values or more beside columns whose fractions leave one chance in a million for that."""
    if any(look(case) is not None for look in (column_is_target, column_is_prediction, column_is_key)):
        return None
    for c, whole in case.evidence.columns.wholes.items():
        if len(whole.few) >= _LEAST_DIFFERENT and _is_whole_alone(c, case):
            return _seen(c, case, "holds whole numbers beside fractions: is it a class, or an age, a fold, a label?")
    return None


def _is_whole_alone(c: int, case: Case) -> bool:
    """Whether a column is whole though so few of the other numbers are that one column in a million would be."""
    columns = case.evidence.columns
    others = looked_at(case.dataset.layout.n_classes) != c
    n_cells, n_whole = int(columns.n_cells[others].sum()), int(columns.n_whole[others].sum())
    share = (n_whole + 1) / (n_cells + 1)
    return not agreement_is_chance(columns.wholes[c].n_telling, share, len(others))


def _agrees_by_chance(counts: NDArray[np.int64], case: Case) -> bool:
    """Whether guesses agree in all rows, of which ``counts`` (k,) show each answer, more often than in one file of a
    million."""
    n = int(counts.sum())
    return not n or agreement_is_chance(n, int(counts.max()) / n, _choices(case))


def _choices(case: Case) -> int:
    """The columns that may be something else, each in two ways."""
    return 2 * len(looked_at(case.dataset.layout.n_classes))


def _from_1(bases: frozenset[int]) -> str:
    return "" if 0 in bases else ", counted from 1"


def _seen(c: int, case: Case, what: str) -> Seen:
    """The finding that a column is ``what``, with its numbers, and the way to leave it out."""
    columns, layout, names = case.evidence.columns, case.dataset.layout, case.dataset.logits.class_names
    column = f"column {names[c]}" if names is not None else f"the column at index {c}"
    if names is not None:
        fix = setting("drop", names[c])
    elif layout.n_samples is None:
        fix = setting("drop", c + 1)
    else:
        fix = f"numpy.delete(logits, {c}, axis={layout.class_axis})"
    whole = columns.wholes.get(c)
    return Seen(f"{column} {what}", {"samples": columns.n_rows, **({} if whole is None else _ends(whole))}, fix)


def _ends(whole: Whole) -> dict[str, Any]:
    """The numbers in the first and the last row."""
    return {"in_the_first": int(whole.first), "in_the_last": int(whole.last)}
