"""Which of the arrays in a file are the logits and their targets, as far as names, shapes and types tell."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from math import prod
from typing import TYPE_CHECKING

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.formats import Use

SCORES = re.compile(r"logit|prob|score|pred|out|softmax|conf", re.IGNORECASE)
PROBS = re.compile(r"prob|softmax", re.IGNORECASE)
_LOG_PROBS = re.compile(r"log_?-?(prob|softmax)", re.IGNORECASE)
_LABELS = re.compile(r"label|targ|true|truth|gt\b|class|(\b|_)y(\b|_)", re.IGNORECASE)
# What has one value a class, in the order of the classes.
_ORDERED = "((class|label|category|target)_?)?names|class(es_?|_?(labels|list|order))|categories"
ORDER = f"{_ORDERED}|labels"
NAMES_CLASSES = re.compile(rf"(?<![a-z_])({_ORDERED})(?![a-z_])".encode())  # within the bytes of a file
# Predictions in whole numbers are classes that a model chose.
_CHOSEN = re.compile(r"pred|argmax|hat", re.IGNORECASE)
_JOINED = re.compile(r"numpy\.(stack|concatenate)\(|.* for b in ")
_STEP = re.compile(r"\[.*?\]|\.\w+")
_PLACE = re.compile(r"\[[^\]]*\]|\.\w+(?![\w(])")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """An array in a file: the ``code`` that takes it out, its ``name`` if it has one, and NumPy's letter of its kind.

    ``shape`` is None where it is not known.
    """

    code: str
    name: str
    shape: Shape | None
    kind: str = "f"

    @property
    def says_targets(self) -> bool:
        """Whether its name says that it holds targets, and not what a model chose."""
        return bool(_LABELS.search(self.name)) and not _CHOSEN.search(self.name)

    @property
    def joined(self) -> bool:
        """Whether it is in parts."""
        return bool(_JOINED.match(self.code))

    @property
    def source(self) -> str | None:
        """What its name says that it holds, where that is not logits."""
        if _LOG_PROBS.search(self.name):
            return "log-probs"
        return "probs" if PROBS.search(self.name) and "logit" not in self.name.lower() else None

    def shown(self) -> str:
        """Where it is and its shape, as the meaning of a command has them."""
        steps = "".join(_PLACE.findall(self.code))
        if self.joined:
            steps = f"{self.name} of all parts, joined" if self.name else "all parts, joined"
        return f"{steps or self.name} {self.shape or ''}".strip()


@dataclass(frozen=True)
class Pair:
    """Logits, and the targets that belong to them, either of which may not be in the file.

    ``order`` has the name of each class, or its number, in the order of the logits.
    """

    logits: Found | None = None
    targets: Found | None = None
    order: Found | None = None

    @property
    def source(self) -> str | None:
        """What the name of the logits says that they are, where that is something else."""
        return self.logits.source if self.logits else None

    @property
    def found(self) -> list[Found]:
        """All that are in the file."""
        return [found for found in (self.logits, self.targets, self.order) if found]

    def shown(self) -> str:
        """Both, as the meaning of a command has them."""
        return " and ".join(found.shown() for found in (self.logits, self.targets) if found)


def readings(arrays: list[Found], use: Use) -> list[Pair]:
    """Every reading of the arrays in a file that its use allows."""
    if use.role == "targets":
        return labels(arrays, use.shape)
    if use.role != "logits":
        return [Pair(logits=each) for each in arrays if each.kind in "iufb" and each.shape]
    found = scores(arrays) if use.other_targets else pairs(arrays)
    return found if use.names_classes else [_ordered(each, arrays) for each in found]


def _ordered(pair: Pair, arrays: list[Found]) -> Pair:
    """The pair with the array of the classes, in their order; the nearest where there are several."""
    logits = pair.logits
    assert logits is not None
    found = [each for each in arrays if each is not pair.targets and _is_order(each, logits, arrays)]
    return replace(pair, order=max(found, key=lambda each: _nearness(each.code, logits.code), default=None))


def _is_order(array: Found, logits: Found, arrays: list[Found]) -> bool:
    """Whether an array has one value for each class of the logits, and its name says that.

    Numbers, and what is called labels, may be the targets of any logits that have as many samples.
    """
    n = array.shape[0] if array.shape and len(array.shape) == 1 else 0
    if array.kind not in "iuUS" or not re.fullmatch(ORDER, _last(array.name).lower()):
        return False
    may_be_targets = array.kind in "iu" or _last(array.name).lower() == "labels"
    if may_be_targets and any(n == (each.shape or (0,))[0] for each in _scores(arrays)):
        return False
    return n > 1 and n in (logits.shape or ())[1:]


def pairs(arrays: list[Found]) -> list[Pair]:
    """Every reading of the arrays as logits and targets; names that say what is what decide."""
    found = [(logits, _labels_of(arrays, logits)) for logits in _scores(arrays)]
    fitting = [logits for logits, labels in found if labels]
    told = _named(fitting, SCORES)
    return [Pair(logits, targets) for logits, labels in found if logits in told for targets in labels]


def by_names(names: Sequence[str]) -> tuple[str, str] | None:
    """The one name that says logits, or scores, and the one that says targets; None where they are not told."""
    targets = [name for name in names if _LABELS.search(_last(name)) and not SCORES.search(_last(name))]
    logits = [name for name in names if SCORES.search(_last(name)) and name not in targets]
    if len(names) == 2 and len(targets) == 1:
        logits = [name for name in names if name not in targets]
    return (logits[0], targets[0]) if len(logits) == len(targets) == 1 else None


def _last(name: str) -> str:
    """The name of a file without its folder."""
    return name.rpartition("/")[2]


def scores(arrays: list[Found]) -> list[Pair]:
    """Every array that may be logits."""
    return [Pair(logits=each) for each in _named(_scores(arrays), SCORES)]


def labels(arrays: list[Found], shape: tuple[int | None, ...] | None) -> list[Pair]:
    """Every array that may be targets of logits of a ``shape``, where that is known."""
    known = None if shape is None or None in shape else tuple(n or 0 for n in shape)
    return [Pair(targets=each) for each in _told(_fitting(arrays, known))]


def _fitting(arrays: list[Found], shape: Shape | None) -> list[Found]:
    """The arrays that may be targets of logits of a shape: whole numbers or names, else floating-point numbers."""
    found = [each for each in arrays if each.kind in "iufUS" and each.shape != () and fits(each.shape, shape)]
    if shape is not None and len(shape) == 2:  # one value a class is not a target where another array has one a sample
        found = [each for each in found if each.shape is None or prod(each.shape) == shape[0]] or found
    return [each for each in found if each.kind != "f"] or found


def fits(targets: Shape | None, logits: Shape | None) -> bool:
    """Whether there is one target a sample, on whichever axis the classes are."""
    if targets is None or logits is None or len(logits) < 2:
        return targets is None or logits is None or targets in (logits, (*logits, 1))
    if len(logits) == 2:
        return prod(targets) in logits and sum(n != 1 for n in targets) <= 1
    return targets in (logits[:1] + logits[2:], logits[:-1])


def _scores(arrays: list[Found]) -> list[Found]:
    """Floating-point numbers of two dimensions or more; of one where there are no others."""
    floats = [each for each in arrays if each.kind == "f" and each.shape != ()]
    wide = [each for each in floats if each.shape is None or len(each.shape) > 1]
    return wide or floats


def _named(arrays: list[Found], names: re.Pattern[str]) -> list[Found]:
    """The arrays whose names say what they are; all where none does."""
    return [each for each in arrays if names.search(each.name)] or arrays


def _told(candidates: list[Found]) -> list[Found]:
    """The arrays whose names say targets; all where none does."""
    return [each for each in candidates if each.says_targets] or candidates


def _labels_of(arrays: list[Found], logits: Found) -> list[Found]:
    """The arrays that fit the logits and are named as targets, and of these the ones that lie nearest to the logits."""
    found = [each for each in _fitting(arrays, logits.shape) if each is not logits]
    told = _told([each for each in found if not _is_order(each, logits, arrays)] or found)
    near = [_nearness(each.code, logits.code) for each in told]
    return [each for each, n in zip(told, near, strict=True) if n == max(near)]


def _nearness(code: str, other: str) -> tuple[int, int]:
    """How many steps to two arrays are the same, and how many letters, as in ``val_logits`` and ``val_labels``."""
    steps = zip(_STEP.findall(code), _STEP.findall(other), strict=False)
    letters = takewhile(lambda pair: pair[0] == pair[1], zip(code, other, strict=False))
    return sum(a == b for a, b in steps), sum(1 for _ in letters)
