"""Columns of numbers that may not be classes: what the first rows of a table show, and how it is told from chance."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import Remedy, UsageError
from nllcli.inputs import names as class_names
from nllcli.inputs.tables import rewriting
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.tables.json_paths import names_targets
from nllcli.inputs.tables.notation import edited, leaving_out, without_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from nllcli.inputs.tables.columns import Preview

# The chance that a column of a table looks as it does though it is a class, below which it is asked about.
_CHANCE = 1e-5
_MOST_DECIMALS = 4
# What share of the keys is different at least where some come again, in columns of one name.
_FEWEST_KEYS = 0.8
_FEWEST_ROWS = 5
_SUM_TOLERANCE = 2e-3
# How many times larger or smaller numbers are that show something else than those of the classes.
_ANOTHER_SIZE = 20
_MOST_SUMMED = 64
_KEYS = frozenset(
    ("id", "idx", "index", "row", "row_id", "rowid", "sample", "sample_id", "image_id", "no", "nr", "key")
)
_PREDICTIONS = frozenset(
    (
        *("pred", "preds", "prediction", "predictions", "predicted", "predict", "y_pred", "yhat", "y_hat"),
        *("pred_label", "pred_class", "predicted_label", "predicted_class", "predicted_index", "predictedlabel"),
        *("pred_idx", "pred_id", "predicted_idx", "predicted_id", "label_pred", "argmax"),
    )
)
_FOLDS = frozenset(("fold", "fold_id", "split", "epoch", "step", "seed", "batch", "group"))
_OTHERS = frozenset(
    ("weight", "sample_weight", "loss", "nll", "entropy", "margin", "confidence", "conf", "max_prob", "timestamp")
)
# One number a sample, of whatever occurred: not a class.
_LOG_PROB = (
    r"(?:(?:avg|average|mean|sum|total|cum|cumulative|seq|sequence|token)[ _]?)*"
    r"(?:log[ _]?(?:prob|probability|likelihood)s?|logps?|ppl|perplexity)"
)
_ENDING = r"\.[A-Za-z][A-Za-z0-9]{1,4}$|\.0*$"
_SCORES = r"(.*?\b|.*?_)?(probs?|proba|probability|p|pred|prediction|logits?|scores?|class|confidence|softmax)[ _.:=(-]"


def doubtful(preview: Preview, columns: Sequence[int], labels: Collection[str]) -> dict[int, str]:
    """Which ``columns`` of numbers do not look like classes, each with what it does instead.

    A heading that is among the ``labels`` seen as targets is a class.
    """
    values = _values(preview, columns)
    found: dict[int, str] = {}
    for judge in (_whole_among_fractions, _counting, _repeating, _beside_a_sum):
        left = [j for j in range(len(columns)) if j not in found]
        if len(left) > 1 and len(values):
            found |= {left[j]: reason for j, reason in judge(values[:, left]).items()}
    headings = [preview.heading(c) if preview.has_heading(c) else "" for c in columns]
    found = _by_name(headings, values) | found
    known = {class_names.normal(label) for label in labels}
    found = _unnamed(headings, values, known) | found
    return {columns[j]: reason for j, reason in found.items() if class_names.normal(headings[j]) not in known}


def _values(preview: Preview, columns: Sequence[int]) -> NDArray[np.float64]:
    """The numbers in the first rows in which all of the columns have one."""
    values = np.array([[_value(row[c]) for c in columns] for row in preview.rows])
    values = values.reshape(len(preview.rows), len(columns))
    return values[~np.isnan(values).any(axis=1)]


def _unnamed(headings: Sequence[str], values: NDArray[np.float64], labels: Collection[str]) -> dict[int, str]:
    """The one column that no target names, where targets name all others, and whose numbers are of another size.

    The probability of a rare class is, and its logarithm.
    """
    others = [j for j, heading in enumerate(headings) if class_names.normal(heading) not in labels]
    if len(others) != 1 or len(headings) < 3 or not len(values):
        return {}
    if (values <= 0).all() or (np.abs(values.sum(axis=1) - 1) < _SUM_TOLERANCE).all():
        return {}
    sizes = np.abs(values).max(axis=0)
    own, rest = sizes[others[0]], np.delete(sizes, others[0])
    unlike = own * _ANOTHER_SIZE < rest.min() or own > _ANOTHER_SIZE * rest.max()
    return {others[0]: "is named by no target and holds numbers of another size"} if unlike and own else {}


def _value(cell: Any) -> float:
    if isinstance(cell, str):
        return float(cell) if is_number(cell) else float("nan")
    return float(cell) if isinstance(cell, int | float) else float("nan")


def _whole_among_fractions(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns of whole numbers where the others hold fractions.

    Zeros alone may be those of a reference class, or of a class that never has a chance.
    """
    finite = np.isfinite(values)
    whole = finite & (values == np.floor(values))
    all_whole = (whole == finite).all(axis=0) & whole.any(axis=0)
    n_rows = len(set(map(tuple, values.tolist())))  # a row that comes again shows nothing new
    if all_whole.all() or not all_whole.any() or n_rows < 2:
        return {}
    fractions = values[:, ~all_whole][finite[:, ~all_whole]]
    if not fractions.size:
        return {}
    chance = max(float((fractions == np.floor(fractions)).mean()), 10.0 ** -_decimals(fractions))
    if values.shape[1] * chance**n_rows > _CHANCE:
        return {}
    suspects = np.flatnonzero(all_whole & (finite & (values != 0)).any(axis=0))
    return dict.fromkeys(suspects.tolist(), "holds whole numbers where others hold fractions")


def _decimals(values: NDArray[np.float64]) -> float:
    """How many decimals the numbers are written with, as far as their values show it."""
    texts = [repr(float(value)) for value in values.ravel()[:200]]
    decimals = [_MOST_DECIMALS if "e" in text else len(text.partition(".")[2]) for text in texts]
    return min(_MOST_DECIMALS, float(np.median(decimals)))


def _counting(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns that count up by 1, row by row."""
    n = len(values)
    steps = (values[1:] == values[:-1] + 1).all(axis=0) & (values[0] == np.floor(values[0])) & np.isfinite(values[0])
    begins = (values[0] == 0) | (values[0] == 1)
    found = np.flatnonzero(steps & ((n > 5) | ((n > 4) & begins)))
    return {j: f"counts {int(values[0, j])}, {int(values[0, j]) + 1}, ..." for j in found.tolist()}


def _repeating(values: NDArray[np.float64]) -> dict[int, str]:
    """Columns that repeat which of the others is the largest in each row, or how large that is."""
    found: dict[int, str] = {}
    n, n_columns = values.shape
    if n < 5 or n_columns < 3:
        return found
    first, second = np.argsort(-values, axis=1, kind="stable")[:, :2].T[:, :, None]
    columns = np.arange(n_columns)
    places = np.where(first == columns, second, first)  # of the largest of the others
    largest = np.take_along_axis(values, places, axis=1)
    places = places - (places > columns)  # among the others
    vary = (values != values[0]).any(axis=0)
    repeat_place = vary & ((values == places).all(axis=0) | (values == places + 1).all(axis=0))
    repeat_largest = (values != np.floor(values)).all(axis=0) & (values == largest).all(axis=0)
    found |= dict.fromkeys(np.flatnonzero(repeat_largest).tolist(), "repeats the largest of the others")
    found |= dict.fromkeys(np.flatnonzero(repeat_place).tolist(), "repeats which of the others is the largest")
    # Where one column repeats another, both do: the class is the one that comes first.
    return found if len(found) < n_columns - 1 else {}


@np.errstate(over="ignore")  # of numbers that are not probabilities
def _beside_a_sum(values: NDArray[np.float64]) -> dict[int, str]:
    """The one column without which each row consists of probabilities that sum to 1."""
    n, n_columns = values.shape
    finite = np.isfinite(values)
    known = np.where(finite, values, 0)
    sums = known.sum(axis=1, keepdims=True)
    if n < 3 or n_columns < 3 or (finite.all() and (np.abs(sums - 1) < _SUM_TOLERANCE).all()):
        return {}
    others_finite = (~finite).sum(axis=1, keepdims=True) == ~finite
    for j in np.flatnonzero((others_finite & (np.abs(sums - known - 1) < 2 * _SUM_TOLERANCE)).all(axis=0)).tolist():
        others = np.delete(values, j, axis=1)
        are_probabilities = ((others >= 0) & (others <= 1)).all() and (
            np.abs(others.sum(axis=1) - 1) < _SUM_TOLERANCE
        ).all()
        if are_probabilities and (others != np.floor(others)).any():
            return {j: "is not among those that sum to 1"}
    return _beside_a_run(values)


def _beside_a_run(values: NDArray[np.float64]) -> dict[int, str]:
    """The columns beside the only ones next to each other that are probabilities and sum to 1 in each row."""
    runs, n_columns = _runs_of_probabilities(values), values.shape[1]
    if len(runs) != 1:
        return {}
    return {j: "is not among those that sum to 1" for j in range(n_columns) if not runs[0][0] <= j < runs[0][1]}


def _runs_of_probabilities(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Where columns next to each other, from one to before another, are probabilities and sum to 1 in each row."""
    n_columns = values.shape[1]
    shares = ((values >= 0) & (values <= 1)).all(axis=0) & (values != np.floor(values)).any(axis=0)
    if n_columns > _MOST_SUMMED or not shares.any():
        return []
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(np.where(shares, values, 2), axis=1)], axis=1)
    found = []
    for first in range(n_columns):
        ones = (np.abs(sums[:, first + 2 :] - sums[:, [first]] - 1) < _SUM_TOLERANCE).all(axis=0)
        found += [(first, first + 2 + i) for i in np.flatnonzero(ones).tolist()]
    return found


@np.errstate(over="ignore")
def sets_of_probabilities(preview: Preview, columns: Sequence[int]) -> list[list[int]]:
    """The columns of each of several sets, one behind the other, that sum to 1 in each row; none where they overlap."""
    if len(columns) > _MOST_SUMMED:
        return []
    values = _values(preview, columns)
    runs = _runs_of_probabilities(values) if len(values) > 2 else []
    apart = all(one[1] <= other[0] for one, other in pairwise(runs))
    return [list(columns[first:last]) for first, last in runs] if len(runs) > 1 and apart else []


def is_log_prob(heading: str) -> bool:
    """Whether a column is named as the log-probability of what occurred, and not of a class."""
    name = heading.lower()
    return any(part in name for part in ("log", "ppl", "perplexity")) and bool(re.fullmatch(_LOG_PROB, name))


def _stem(heading: str) -> str:
    """What the headings of scores begin with; empty where this is none of them."""
    found = None if heading.isalnum() else re.match(_SCORES, heading, re.IGNORECASE)
    return found[0].lower() if found else ""


def _by_name(headings: Sequence[str], values: NDArray[np.float64]) -> dict[int, str]:
    """Columns of whole numbers with a name that says what they are; and those not named like the scores beside them."""
    found: dict[int, str] = {}
    for j, heading in enumerate(headings):
        if len(values) and (values[:, j] == np.floor(values[:, j])).all():
            if names_targets(heading):
                found[j] = "is named like targets"
            for words, what in ((_KEYS, "a key"), (_PREDICTIONS, "predictions"), (_FOLDS, "folds")):
                if heading.lower() in words:
                    found[j] = f"is named like {what}"
        if is_log_prob(heading):
            found[j] = "is named like the log-probability of what occurred"
        if heading.lower() in _OTHERS and len(headings) > 2 and (values[:, j] >= 0).all():
            found[j] = f"is named {heading}"
    stems = [_stem(heading) for heading in headings]
    common, times = Counter(stems).most_common(1)[0]
    if common and times > 1 and 2 * times > len(stems):
        found |= {j: "is not named like the others" for j, stem in enumerate(stems) if stem != common}
    return found


def shared_key(preview: Preview, column: int, partner: Preview) -> str | None:
    """The heading of the partner's column that holds the same keys as ``column``; None where there is none."""
    own = _keys(preview, column)
    if own is None or not (preview.headings is None or preview.has_heading(column)):
        return None
    other = same_column(preview, column, partner)
    if other is not None:
        return partner.heading(other)
    best, overlap = None, 0
    for c in range(partner.n_columns):
        theirs = _keys(partner, c) if partner.headings is None or partner.has_heading(c) else None
        shared = 0 if theirs is None else len(own & theirs) or len(set(map(loosened, own)) & set(map(loosened, theirs)))
        if theirs is not None and 2 * shared > min(len(own), len(theirs)) and shared > overlap:
            best, overlap = partner.heading(c), shared
    return best


def key_of_another_name(preview: Preview, partner: Preview, left_out: Collection[int]) -> tuple[str, str] | None:
    """The headings of the columns that hold the same keys under two names: text, or numbers that are called keys.

    Columns ``left_out`` of the preview do not count, nor targets and predictions.
    """
    for c, heading in preview.own_headings.items():
        numbers = all(is_number(str(cell)) for cell in preview.cells(c))
        if c in left_out or not may_be_key(heading) or (numbers and not is_called_key(heading)):
            continue
        other = shared_key(preview, c, partner)
        if other is not None and may_be_key(other) and (not numbers or is_called_key(other)):
            return heading, other
    return None


def may_be_key(heading: str) -> bool:
    """Whether a column is not named as targets, predictions or folds are."""
    return not (names_targets(heading) or heading.lower() in _PREDICTIONS | _FOLDS)


def is_called_key(heading: str) -> bool:
    name = heading.lower().removesuffix("s")
    return name in _KEYS or name.endswith("_id")


def loosened(key: str) -> str:
    """A key without folders and the ending of a file, upper case and leading zeros: ``test/00A.jpg`` is ``a``."""
    name = re.split(r"[/\\]", key.strip())[-1]
    return re.sub(_ENDING, "", name).casefold().lstrip("0")


def are_loose(preview: Preview, column: int, partner: Preview, other: int) -> bool:
    """Whether most first keys of two columns are the same once they are loosened, and none of them before."""
    own, theirs = _keys(preview, column), _keys(partner, other)
    if own is None or theirs is None or own & theirs:
        return False
    loose, others = set(map(loosened, own)), set(map(loosened, theirs))
    are_keys = len(loose) == len(own) and len(others) == len(theirs)
    return are_keys and 2 * len(loose & others) > min(len(loose), len(others))


def same_column(preview: Preview, column: int, partner: Preview) -> int | None:
    """The partner's column of the same name, where both may hold keys; None where there is none."""
    other = partner.place_of.get(preview.heading(column).lower())
    if other is None or _keys(preview, column, _FEWEST_KEYS) is None or _keys(partner, other, _FEWEST_KEYS) is None:
        return None
    return other


def shared_keys(preview: Preview, partner: Preview, classes: Collection[int]) -> dict[int, int]:
    """The columns of both tables that may be parts of a key, by their names: of text, or of whole numbers."""
    found = {}
    for c, heading in preview.own_headings.items():
        other = partner.place_of.get(heading.lower())
        if other is None or c in classes or names_targets(heading) or heading.lower() in _PREDICTIONS:
            continue
        cells = [*map(str, preview.cells(c)), *map(str, partner.cells(other))]
        if not any(is_number(cell) and not float(cell).is_integer() for cell in cells):
            found[c] = other
    return found


def same_classes(preview: Preview, partner: Preview) -> frozenset[int]:
    """The columns of which the partner has the probabilities, each under the same name, which sum to 1 in each row."""
    shared = {c: partner.place_of.get(heading.lower()) for c, heading in preview.own_headings.items()}
    shares = {
        c: other
        for c, other in shared.items()
        if other is not None
        and not (c in preview.index or preview.heading(c).lower() in _KEYS)
        and all(0 <= _value(cell) <= 1 for cell in partner.cells(other))
    }
    values = _values(partner, [*shares.values()])
    return frozenset(shares) if len(values) and (np.abs(values.sum(axis=1) - 1) < _SUM_TOLERANCE).all() else frozenset()


def check_index_order(preview: Preview, partner: Preview) -> None:
    """Raise UsageError where an index holds the keys of the other table, its index or not, in another order."""
    pairs = [(own, theirs) for own in preview.index for theirs in partner.index]
    for own, theirs in pairs:
        _check_pair(preview, own, partner, theirs)
    if any(_keys(preview, own) == _keys(partner, theirs) for own, theirs in pairs):
        return  # rows belong together by these
    for own in preview.index:
        for theirs in _may_be_keys(partner):
            _check_pair(preview, own, partner, theirs)
    for theirs in partner.index:
        for own in _may_be_keys(preview):
            _check_pair(preview, own, partner, theirs)


def _may_be_keys(preview: Preview) -> list[int]:
    """The columns beside the index that may hold keys."""
    return [c for c, heading in preview.own_headings.items() if c not in preview.index and may_be_key(heading)]


def _check_pair(preview: Preview, own: int, partner: Preview, theirs: int) -> None:
    left, right = _keys(preview, own), _keys(partner, theirs)
    pairs = zip(preview.cells(own), partner.cells(theirs), strict=False)
    differing = next((pair for pair in pairs if str(pair[0]).strip() != str(pair[1]).strip()), None)
    if left is None or right is None or differing is None or not left & right:
        return
    both = own in preview.index and theirs in partner.index
    if not both and all(map(is_number, left)) and (left != right or len(left) < _FEWEST_ROWS):
        return  # numbers of rows, and any others
    left_name, right_name = _index_name(preview, own), _index_name(partner, theirs)
    as_they_come = Remedy({"drop": (left_name,)}, "rows belong together as they come")
    names = left_name if left_name == right_name else f"{left_name}={right_name}"
    raise UsageError(
        f"its row {differing[0]} is row {differing[1]} of {partner.name}",
        where=preview.name,
        remedies=[
            Remedy({"id": names}, "rows belong together by their names"),
            *([] if (left == right and (both or not all(map(is_number, left)))) or not left_name else [as_they_come]),
        ],
        finding="keys-differ",
    )


def check_numbered(preview: Preview, other: str) -> None:
    """Raise UsageError where the index numbers all rows in another order, and the file ``other`` has no index."""
    for column in preview.index:
        cells = [str(cell).strip() for cell in preview.cells(column)]
        numbers = [int(cell) for cell in cells if cell.isdecimal()]
        if numbers == sorted(numbers) or sorted(numbers) != [*range(len(cells))]:
            continue
        name = _index_name(preview, column)
        raise UsageError(
            f"has its rows in the order {', '.join(cells[:3])}, ...: is that the order of {other}?",
            where=preview.name,
            remedies=[
                *rewriting.in_order(preview, column),
                *([Remedy({"drop": (name,)}, "rows belong together as they come")] if name else []),
            ],
            finding="keys-differ",
        )


def _index_name(preview: Preview, column: int) -> str:
    """What a command names an index by: its name, or its number, or nothing where another column is named so."""
    name, headings = preview.heading(column), [heading.strip() for heading in preview.headings or ()]
    return headings[column] if name in headings else name


def _keys(preview: Preview, column: int, fewest: float = 1) -> set[str] | None:
    """The first cells of a column that may be a key: text or whole numbers, at least this share of them different."""
    if column in preview.lists:
        return None
    cells = [str(cell).strip() for cell in preview.cells(column)]
    if not cells or len(set(cells)) < fewest * len(cells):
        return None
    if all(is_number(cell) and not float(cell).is_integer() for cell in cells):
        return None
    return set(cells)


def named_below(wanted: str, preview: Preview) -> list[Remedy]:
    """The remedy that makes the line with a column's name the header, where a title or a mark comes before it."""
    for i, line in enumerate(preview.lines):
        cells = [cell.strip(" \t#\"'") for cell in re.split(r"[,;|\t]", line)]
        if wanted not in cells and wanted not in line.strip(" \t#").split():
            continue
        if line.lstrip().startswith("#"):
            edits = f"{leaving_out(i)}; " * (i > 0) + f"{i + 1}s/^[[:blank:]]*#[[:blank:]]*//"
            return edited(preview.name, edits, "the line that begins with # names the columns")
        if i:
            return without_lines(preview.name, i, f"line {i + 1} names the columns")
        return [] if preview.headings is not None else [Remedy({"header": "yes"}, "the first line names the columns")]
    return []


def may_be_targets(preview: Preview, column: int, headings: Sequence[str]) -> bool:
    """Whether a column may hold targets: by its name, or as each of its cells names a class."""
    if names_targets(preview.heading(column)):
        return True
    if preview.heading(column).lower() in _PREDICTIONS | _KEYS | _FOLDS:
        return False
    known = {class_names.normal(heading) for heading in headings} | set(class_names.bare(headings))
    cells = [str(cell) for cell in preview.cells(column)]
    return bool(cells) and all(class_names.normal(cell) in known for cell in cells)
