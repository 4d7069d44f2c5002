"""The conditions of --require: what a user writes, such as ``loss<0.15``, and whether a report fulfils it."""

import operator
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from nllcli.errors import ConditionError, NllError, Remedy, UsageError, setting
from nllcli.records import dataclass
from nllcli.registry import nearest
from nllcli.report import shortest

if TYPE_CHECKING:
    from nllcli.report import Report

_SIGNS = {
    "<": (operator.lt, "below"),
    "<=": (operator.le, "at most"),
    ">": (operator.gt, "above"),
    ">=": (operator.ge, "at least"),
}
# The last sign counts: names of classes, which a path may hold, are any text.
_FORM = re.compile(r"\s*(.*?[^\s<>=!≤≥])\s*([<>=!≤≥]+)\s*([^<>=!≤≥]*?)\s*", re.DOTALL)
_MEANT = {"=<": "<=", "=>": ">=", "≤": "<=", "≥": ">="}
_EQUAL = ("=", "==")
_TURNED = str.maketrans("<>", "><")
_HINT = f"{setting('require', 'loss<0.15')}, in quotes: a key of the JSON, one of {' '.join(_SIGNS)}, and a number"


@dataclass(frozen=True)
class Condition:
    """What the number under a path of the JSON has to be, as it was written; or a word for what has to hold."""

    text: str
    path: str
    sign: str
    bound: float

    @property
    def is_word(self) -> bool:
        return not self.sign


def conditions(texts: Sequence[str], words: Collection[str] = ()) -> tuple[Condition, ...]:
    """The conditions that these texts are, among them ``words``; raises UsageError for text that is not a condition."""
    return tuple(Condition(text, "", "", 0.0) if text in words else _condition(text, texts, words) for text in texts)


def _condition(text: str, texts: Sequence[str], words: Collection[str]) -> Condition:
    parts = _FORM.fullmatch(text)
    path, sign, written = parts.groups() if parts else ("", "", "")
    bound = _number(written)
    if sign in _SIGNS and bound is not None:
        return Condition(text, path, sign, bound)
    remedies = [Remedy(_instead(texts, text, *meant), about) for meant, about in _readings(path, sign, written)]
    near = nearest(text, words) if words else None
    if near is not None:
        remedies = [Remedy(_instead(texts, text, near))]
    hint = f"{', '.join(words)}, or {_HINT}" if words else _HINT
    raise UsageError(f"{setting('require', text)} is not a condition", remedies=remedies, hint=hint)


def _number(text: str) -> float | None:
    """The finite number that a text is."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _instead(texts: Sequence[str], text: str, *meant: str) -> Mapping[str, object]:
    """The settings with other conditions for one of those given."""
    return {"require": [each for given in texts for each in (meant if given == text else (given,))]}


def _readings(path: str, sign: str, bound: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The conditions that may be meant, each with what that assumes."""
    sign = _MEANT.get(sign, sign)
    if bound.endswith("%") and (percent := _number(bound[:-1])) is not None:
        bound = shortest(percent / 100)
    if _number(bound) is None:  # 0.15>loss
        path, sign, bound = bound, sign.translate(_TURNED), path
    if not path or _number(bound) is None:
        return
    if sign in _SIGNS:
        yield (path + sign + bound,), ""
    elif sign in _EQUAL:
        yield (f"{path}<={bound}",), "at most"
        yield (f"{path}>={bound}",), "at least"
        yield (f"{path}<={bound}", f"{path}>={bound}"), "exactly"


def require(conditions: Sequence[Condition], report: "Report") -> None:
    """Raise ConditionError that names every one of the ``conditions`` that the numbers of a report do not fulfil."""
    if not conditions:
        return
    from nllcli.outputs.json_text import json_object

    items, texts = json_object(report), [condition.text for condition in conditions]
    failed = [failure for condition in conditions if (failure := _failure(condition, items, texts, report.words))]
    if failed:
        raise ConditionError(
            "; ".join(failure.message for failure in failed),
            remedies=[remedy for failure in failed for remedy in failure.remedies],
            hint=next((failure.hint for failure in failed if failure.hint), None),
        )


def _failure(
    condition: Condition, items: Mapping[str, Any], texts: Sequence[str], words: Mapping[str, str | None]
) -> NllError | None:
    """Why a condition does not hold; None where it does."""
    if condition.is_word:
        why = words[condition.text]
        return None if why is None else ConditionError(f"{why} ({setting('require', condition.text)})")
    from nllcli.outputs.json_lookup import value_at

    def asking(path: str) -> Mapping[str, object]:
        return _instead(texts, condition.text, f"{path}{condition.sign}{shortest(condition.bound)}")

    asked = setting("require", condition.text)
    try:
        value = value_at(items, condition.path, asking)
    except UsageError as error:
        return ConditionError(f"{error.message} ({asked})", remedies=error.remedies, hint=error.hint)
    compare, bounded = _SIGNS[condition.sign]
    if not isinstance(value, float | int):
        reason = "has no value here" if value is None else "is not a number"
    elif not isfinite(value):
        reason = f"is {shortest(value)}, not a finite number"
    elif not compare(value, condition.bound):
        reason = f"is {shortest(value)}, not {bounded} {shortest(condition.bound)}"
    else:
        return None
    return ConditionError(f"{condition.path} {reason} ({asked})")
