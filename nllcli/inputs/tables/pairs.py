"""Scores that come with the names of their classes, in any order: pairs of a label and a score."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, UsageError, first_few, setting
from nllcli.inputs.names import MARK
from nllcli.inputs.tables.cells import shown
from nllcli.inputs.tables.json_paths import at, have_fractions, is_numeric, leaves, names_targets, unnested
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nllcli.inputs.formats import ReadOptions

_LABELS = ("label", "class", "name", "category", "displayname", "classname", "tag", "labels", "class_name")
_SCORES = ("score", "probability", "prob", "confidence", "logit", "value", "scores", "confidences", "proba", "p")
_LISTED = ("classes", "class_names", "classnames", "displaynames", "names", "categories", "labels", "class_ids")
_NUMBERED = re.compile(r"(?:LABEL_|class_?|)(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class PairForm:
    """Where the pairs of a sample are: the keys of label and score, within each object of a list or of two lists."""

    path: str
    label: str
    score: str
    parallel: bool

    def of(self, value: Any, where: Callable[[], str]) -> tuple[list[str], list[Any]]:
        """The labels and the scores of a sample."""
        inner = at(value, self.path) if self.path else value
        if self.parallel:
            labels, scores = at(inner, self.label), at(inner, self.score)
        else:
            inner = unnested(inner)
            if not isinstance(inner, list) or not all(isinstance(pair, dict) for pair in inner):
                raise DataError("is not a list of labels with their scores", where=where())
            labels = [pair.get(self.label) for pair in inner]
            scores = [pair.get(self.score) for pair in inner]
        if not (isinstance(labels, list) and isinstance(scores, list) and len(labels) == len(scores)):
            raise DataError("does not have as many labels as scores", where=where())
        return [_name(label, where) for label in labels], scores


@dataclass(frozen=True)
class Binding:
    """Scores put in the order of the ``classes``."""

    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {name: i for i, name in enumerate(self.classes)})

    def bind(self, labels: Sequence[str], scores: Sequence[Any], where: Callable[[], str]) -> list[Any]:
        """The scores in the order of the classes; raises DataError where a label is not one of them, or is missing."""
        places: dict[str, int] = self._places  # type: ignore[attr-defined]
        out: list[Any] = [_UNSET] * len(places)
        for label, score in zip(labels, scores, strict=True):
            place = places.get(label)
            if place is None:
                message = f"label {shown(label)} is not a class of the first sample"
                raise DataError(message, where=where(), hint=f"classes: {first_few(self.classes, 10)}")
            if out[place] is not _UNSET:
                raise DataError(f"label {shown(label)} occurs twice", where=where())
            out[place] = score
        if _UNSET in out:
            absent = self.classes[out.index(_UNSET)]
            raise DataError(
                f"has no score of {shown(absent)}: a list of only the best classes cannot be scored",
                where=where(),
                hint="have the scores of all classes written, such as with top_k=None or k=-1",
            )
        return out


_UNSET: Any = object()


def _name(label: Any, where: Callable[[], str]) -> str:
    if isinstance(label, str):
        return label.removeprefix(MARK)
    if type(label) is int:
        return str(label)
    raise DataError("has a score without a label", where=where())


def pairs_of_list(value: Any) -> PairForm | None:
    """How a list of objects has its pairs, if it does."""
    value = unnested(value)
    if not isinstance(value, list) or not value or not all(isinstance(pair, dict) for pair in value):
        return None
    keys = [key for key in value[0] if all(key in pair for pair in value)]
    texts = [key for key in keys if all(isinstance(pair[key], str) and not is_numeric(pair[key]) for pair in value)]
    numbers = [key for key in keys if all(is_numeric(pair[key]) for pair in value)]
    score = _one([key for key in numbers if not names_targets(key)], _SCORES)
    rest = [key for key in numbers if key != score]
    own = any(map(names_targets, rest))  # targets, where texts are names of samples
    label = _one(texts, _LABELS, named=own) or (_one(rest, _LABELS, named=True) if not texts else None)
    return None if label is None or score is None else PairForm("", label, score, False)


def pairs_of_object(value: dict[str, Any], score: str | None = None) -> PairForm | None:
    """How an object has its pairs in a list of labels and one of as many numbers, if it does.

    Beside the ``score`` that was named, labels have a name that says so; those that are numbers always do.
    """
    lists = {key: inner for key, inner in value.items() if isinstance(inner, list) and len(inner) > 1}
    labels = [key for key, inner in lists.items() if _are_class_labels(key, inner, named=score is not None)]
    numbers = [
        key
        for key, inner in lists.items()
        if key == score
        or (score is None and all(map(is_numeric, inner)) and (have_fractions(inner) or key.casefold() in _SCORES))
    ]
    found = [(t, n) for t in labels for n in numbers if t != n and len(lists[t]) == len(lists[n])]
    return PairForm("", *found[0], True) if len(found) == 1 else None


def _are_class_labels(key: str, values: list[Any], *, named: bool) -> bool:
    """Whether a list beside scores has their labels: texts, or different whole numbers that are not one-hot."""
    if all(isinstance(x, str) and not is_numeric(x) for x in values):
        return not named or key.casefold() in _LISTED
    texts = list(map(str, values))
    whole = all(type(x) in (int, str) for x in values) and all(map(str.isdecimal, texts))
    one_hot = key.casefold() == "labels" and set(texts) <= {"0", "1"}
    return whole and key.casefold() in _LISTED and len(set(texts)) == len(texts) and not one_hot


def _one(keys: Sequence[str], names: Sequence[str], *, named: bool = False) -> str | None:
    """The only one of the keys, or the only one that is among the names."""
    if len(keys) == 1 and not named:
        return keys[0]
    found = [key for key in keys if key.casefold() in names]
    return found[0] if len(found) == 1 else None


def class_order(labels: Sequence[str], where: str, options: ReadOptions) -> tuple[tuple[str, ...], bool]:
    """The classes of which these are the labels, and whether their order is known: by a setting, or by numbers."""
    if options.classes is not None:
        if set(options.classes) != set(labels):
            message = f"{setting('classes')} names {first_few(options.classes, 10)}"
            raise UsageError(f"{message}; the labels are {first_few(sorted(labels), 10)}", where=where)
        return options.classes, True
    numbers = [found and int(found[1]) for found in map(_NUMBERED.fullmatch, labels)]
    if None not in numbers and sorted(numbers) == list(range(len(labels))):  # type: ignore[type-var]
        return tuple(label for _, label in sorted(zip(numbers, labels, strict=True))), True
    return tuple(sorted(labels)), False


def top_one(where: str) -> DataError:
    """The refusal of predictions that have the score of one class alone."""
    return DataError(
        "has the score of the best class alone, which cannot be scored against another",
        where=where,
        hint="have the scores of all classes written, such as with top_k=None or k=-1",
    )


def is_top_one(record: dict[str, Any]) -> bool:
    """Whether a record is one label with one score, and nothing else that could be scores."""
    flat = leaves(record)
    form = pairs_of_list([record])
    fractions = [key for key, value in flat.items() if is_numeric(value)]
    return form is not None and len(fractions) <= 1 + any(key.casefold() == "id" for key in fractions)
