"""Columns of numbers that may not be classes: what the first rows of a table show, and how it is told from chance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import Remedy, UsageError
from nllcli.inputs import names as class_names
from nllcli.inputs.tables.cells import is_number

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from nllcli.inputs.tables.columns import Preview

# The chance that a column of a table looks as it does though it is a class, below which it is asked about.
_CHANCE = 1e-5
_MOST_DECIMALS = 4
_SUM_TOLERANCE = 2e-3
_KEYS = frozenset(
    ("id", "idx", "index", "row", "row_id", "rowid", "sample", "sample_id", "image_id", "no", "nr", "key")
)
_TARGETS = frozenset(
    ("label", "labels", "target", "targets", "y", "y_true", "truth", "true", "actual", "gold", "answer")
)
_PREDICTIONS = frozenset(
    ("pred", "preds", "prediction", "predictions", "predicted", "predict", "y_pred", "yhat", "y_hat")
)
_FOLDS = frozenset(("fold", "fold_id", "split", "epoch", "step", "seed", "batch", "group"))
_SCORES = re.compile(
    r"(.*?\b|.*?_)?(probs?|proba|probability|p|pred|prediction|logits?|scores?|class|confidence|softmax)[ _.:=(-]", re.I
)


def doubtful(preview: Preview, columns: Sequence[int], labels: Collection[str]) -> dict[int, str]:
    """Which ``columns`` of numbers do not look like classes, each with what it does instead.

    A heading that is among the ``labels`` seen as targets is a class.
    """
    values = np.array([[_value(row[c]) for c in columns] for row in preview.rows]).reshape(-1, len(columns))
    values = values[np.isfinite(values).all(axis=1)]
    found: dict[int, str] = {}
    for judge in (_whole_among_fractions, _counting, _repeating, _beside_a_sum):
        left = [j for j in range(len(columns)) if j not in found]
        if len(left) > 1 and len(values):
            found |= {left[j]: reason for j, reason in judge(values[:, left]).items()}
    headings = [preview.heading(c) if preview.has_heading(c) else "" for c in columns]
    found = _by_name(headings, values) | found
    known = {class_names.normal(label) for label in labels}
    return {columns[j]: reason for j, reason in found.items() if class_names.normal(headings[j]) not in known}


def _value(cell: Any) -> float:
    if isinstance(cell, str):
        return float(cell) if is_number(cell) else float("nan")
    return float(cell) if isinstance(cell, int | float) else float("nan")


def _whole_among_fractions(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns of whole numbers where the others hold fractions.

    Zeros alone may be those of a reference class, or of a class that never has a chance.
    """
    whole = values == np.floor(values)
    all_whole = whole.all(axis=0)
    n_rows = len(set(map(tuple, values.tolist())))  # a row that comes again shows nothing new
    if all_whole.all() or not all_whole.any() or n_rows < 2:
        return {}
    fractions = values[:, ~all_whole]
    chance = max(float(whole[:, ~all_whole].mean()), 10.0 ** -_decimals(fractions))
    if values.shape[1] * chance**n_rows > _CHANCE:
        return {}
    suspects = np.flatnonzero(all_whole & (values != 0).any(axis=0))
    return dict.fromkeys(suspects.tolist(), "holds whole numbers where others hold fractions")


def _decimals(values: NDArray[np.float64]) -> float:
    """How many decimals the numbers are written with, as far as their values show it."""
    texts = [repr(float(value)) for value in values.ravel()[:200]]
    decimals = [_MOST_DECIMALS if "e" in text else len(text.partition(".")[2]) for text in texts]
    return min(_MOST_DECIMALS, float(np.median(decimals)))


def _counting(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns that count up by 1, row by row."""
    n = len(values)
    steps = (np.diff(values, axis=0) == 1).all(axis=0) & (values[0] == np.floor(values[0]))
    begins = np.isin(values[0], (0, 1))
    found = np.flatnonzero(steps & ((n > 5) | ((n > 4) & begins)))
    return {j: f"counts {int(values[0, j])}, {int(values[0, j]) + 1}, ..." for j in found.tolist()}


def _repeating(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns that repeat which of the others is the largest in each row, or how large that is."""
    found: dict[int, str] = {}
    n, n_columns = values.shape
    if n < 5 or n_columns < 3:
        return found
    for j in range(n_columns):
        others = np.delete(values, j, axis=1)
        places, largest, own = others.argmax(axis=1), others.max(axis=1), values[:, j]
        if (own != own[0]).any() and any(np.array_equal(own, places + k) for k in (0, 1)):
            found[j] = "repeats which of the others is the largest"
        elif (own != np.floor(own)).all() and np.array_equal(own, largest):
            found[j] = "repeats the largest of the others"
    # Where one column repeats another, both do: the class is the one that comes first.
    return found if len(found) < n_columns - 1 else {}


def _beside_a_sum(values: NDArray[np.float64]) -> dict[int, str]:
    """The one column without which each row consists of probabilities that sum to 1."""
    n, n_columns = values.shape
    if n < 3 or n_columns < 3 or (np.abs(values.sum(axis=1) - 1) < _SUM_TOLERANCE).all():
        return {}
    for j in range(n_columns):
        others = np.delete(values, j, axis=1)
        are_probabilities = ((others >= 0) & (others <= 1)).all() and (
            np.abs(others.sum(axis=1) - 1) < _SUM_TOLERANCE
        ).all()
        if are_probabilities and (others != np.floor(others)).any():
            return {j: "is not among those that sum to 1"}
    return {}


def _by_name(headings: Sequence[str], values: NDArray[np.float64]) -> dict[int, str]:
    """Columns of whole numbers with a name that says what they are; and those not named like the scores beside them."""
    found: dict[int, str] = {}
    for j, heading in enumerate(headings):
        if len(values) and (values[:, j] == np.floor(values[:, j])).all():
            for words, what in (
                (_KEYS, "a key"),
                (_TARGETS, "targets"),
                (_PREDICTIONS, "predictions"),
                (_FOLDS, "folds"),
            ):
                if heading.lower() in words:
                    found[j] = f"is named like {what}"
    stems = [match[0].lower() if (match := _SCORES.match(heading)) else "" for heading in headings]
    common = max(set(stems), key=stems.count)
    if common and stems.count(common) > 1 and 2 * stems.count(common) > len(stems):
        found |= {j: "is not named like the others" for j, stem in enumerate(stems) if stem != common}
    return found


def shared_key(preview: Preview, column: int, partner: Preview) -> str | None:
    """The heading of the partner's column that holds the same keys as ``column``; None where there is none."""
    own = _keys(preview, column)
    if own is None or not preview.has_heading(column):
        return None
    other = same_column(preview, column, partner)
    if other is not None:
        return partner.heading(other)
    best, overlap = None, 0
    for c in range(partner.n_columns):
        theirs = _keys(partner, c) if partner.has_heading(c) else None
        shared = len(own & theirs) if theirs is not None else 0
        if theirs is not None and 2 * shared > min(len(own), len(theirs)) and shared > overlap:
            best, overlap = partner.heading(c), shared
    return best


def same_column(preview: Preview, column: int, partner: Preview) -> int | None:
    """The partner's column of the same name, where both may hold keys; None where there is none."""
    wanted = preview.heading(column).lower()
    for other in range(partner.n_columns):
        if partner.has_heading(other) and partner.heading(other).lower() == wanted:
            both = _keys(preview, column) is not None and _keys(partner, other) is not None
            return other if both else None
    return None


def check_index_order(preview: Preview, partner: Preview) -> None:
    """Raise UsageError where both tables have an index, and the same row another one in each."""
    for own in preview.index:
        for theirs in partner.index:
            left, right = _keys(preview, own), _keys(partner, theirs)
            pairs = zip(preview.cells(own), partner.cells(theirs), strict=False)
            differing = next((pair for pair in pairs if str(pair[0]).strip() != str(pair[1]).strip()), None)
            if left is not None and right is not None and differing is not None and left & right:
                raise UsageError(
                    f"its row {differing[0]} is row {differing[1]} of {partner.name}",
                    where=preview.name,
                    remedies=[Remedy({"id": str(own + 1)}, "rows belong together by their names")],
                    finding="keys-differ",
                )


def _keys(preview: Preview, column: int) -> set[str] | None:
    """The first cells of a column that may be a key: each another one, text or whole numbers."""
    if column in preview.lists:
        return None
    cells = [str(cell).strip() for cell in preview.cells(column)]
    if not cells or len(set(cells)) < len(cells):
        return None
    if all(is_number(cell) and not float(cell).is_integer() for cell in cells):
        return None
    return set(cells)


def may_be_targets(preview: Preview, column: int, headings: Sequence[str]) -> bool:
    """Whether a column may hold targets: by its name, or as each of its cells names a class."""
    if preview.heading(column).lower() in _TARGETS:
        return True
    if preview.heading(column).lower() in _PREDICTIONS | _KEYS | _FOLDS:
        return False
    known = {class_names.normal(heading) for heading in headings} | set(class_names.bare(headings))
    cells = [str(cell) for cell in preview.cells(column)]
    return bool(cells) and all(class_names.normal(cell) in known for cell in cells)
