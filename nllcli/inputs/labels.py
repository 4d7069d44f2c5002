"""Targets written as text -> class indices."""

from __future__ import annotations

import math
import re
from dataclasses import field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, first_few, setting
from nllcli.inputs import names as class_names
from nllcli.inputs.integers import integers, is_index
from nllcli.inputs.tables.cells import is_missing, is_number, shown
from nllcli.inputs.tables.columns import as_pattern
from nllcli.inputs.targets import floats_as_indices
from nllcli.records import dataclass
from nllcli.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.inputs.formats import ReadOptions

_INT64 = range(-(2**63), 2**63)
_INTEGER = r"(?a)[+-]?\d+"
_NUMBERED = r"\d+ *[:=] *(.*\D.*)"  # "3:horse", as Weka and spreadsheets have it
_SEVERAL = -1
_MOST_COMPARED = 1000
_TRUTH = (("false", "true"), ("0", "1"), ("no", "yes"), ("f", "t"), ("n", "y"))


@dataclass
class LabelReader:
    """Reads labels that are all integers (``numeric``) or all names of ``classes``; ``what`` says where they are.

    ``numbering`` has the index of each class whose number is not its place. Names may have a ``prefix`` that those of
    the classes have not, and under ``booleans`` they are words for false and true, which are the classes ``truth``.
    Labels that are ``missing`` are an error, or become the ``ignore_index``. ``everything`` gives all labels of the
    file, for the orders in which names may stand for ``n_classes`` classes without names. ``fractions`` says whether
    any integer read so far was written as a fraction, such as 2.0. Where they may be
    probabilities (``soft``) other numbers are read as well, and all of them as floating point.
    """

    classes: tuple[str, ...] | None
    numeric: bool
    what: str
    numbering: Mapping[int, int] | None = None
    prefix: str = ""
    booleans: bool = False
    truth: tuple[int, int] = (0, 1)
    missing: str = "error"
    ignore_index: int = DEFAULT_IGNORE_INDEX
    n_classes: int | None = None
    everything: Callable[[], Iterable[str | None]] | None = None
    fractions: bool = False
    soft: bool = False
    _folds: dict[str, int] = field(default_factory=dict, init=False)
    _n_missing: list[int] = field(default_factory=list, init=False)  # a block each, appended by any thread

    def notes(self, name: str) -> tuple[Notice, ...]:
        """What is worth knowing about the labels read so far from the file ``name``."""
        found = [floats_as_indices(name, self.what)] if self.fractions else []
        if self.booleans:
            found.append(Notice("targets-as-booleans", f"{name}: false is class {self.truth[0]}, true {self.truth[1]}"))
        if self.numbering is not None:
            found.append(by_name(name))
        if n := sum(self._n_missing):
            found.append(Notice("missing-ignored", f"{name}: {counted(n, 'sample')} without a target left out"))
        return tuple(found)

    @cached_property
    def indices(self) -> dict[str, int]:
        """The index of each name, also of those without what all names share; or _SEVERAL."""
        found: dict[str, int] = {}
        for i, name in enumerate(map(class_names.normal, self.classes or ())):
            found[name] = _SEVERAL if name in found else i
        for i, name in enumerate(class_names.bare(self.classes or ())):
            found.setdefault(name, i)
        return found

    @cached_property
    def folded(self) -> dict[str, int]:
        """The index of each name without upper case and marks: empty where two would be the same."""
        for names in (self.classes or (), class_names.bare(self.classes or ())):
            found = {class_names.folded(name): i for i, name in enumerate(names)}
            if len(found) < len(names) or "" in found:
                return {}
            self._folds.update({name: i for name, i in found.items() if name not in self._folds})
        return self._folds

    def read(self, labels: Sequence[str | None], where: Callable[[int], str]) -> NDArray[Any]:
        """Class indices (n,) of cells of text; raises DataError at the first that is not one.

        A label that is None is ignored.
        """
        distinct = dict.fromkeys(labels)  # in the order in which they come first
        missing = [label for label in distinct if label is not None and self.is_missing(label)]
        if missing and self.missing == "error":
            raise missing_target(missing[0], where(labels.index(missing[0])))
        if missing:
            self._n_missing.append(sum(map(labels.count, missing)))
        one = self._truth if self.booleans else self._index if self.numeric else self._named
        found: dict[str | None, float] = dict.fromkeys((None, *missing), self.ignore_index)
        for label in distinct:
            if label is not None and label not in found:
                try:
                    found[label] = one(label.strip())
                except DataError as error:
                    error.where = error.where or where(labels.index(label))
                    raise
        return np.fromiter(map(found.__getitem__, labels), np.float64 if self.soft else np.int64, len(labels))

    def _alike(self, label: str) -> int | None:
        """The index of the class whose name differs in upper case or marks alone, or that a number comes before."""
        index = self.folded.get(class_names.folded(label))
        numbered = re.fullmatch(_NUMBERED, label)
        return self.folded.get(class_names.folded(numbered[1])) if index is None and numbered else index

    def of_booleans(self, values: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Class indices (n,) of truth values."""
        return np.where(values, self.truth[1], self.truth[0])

    def renumbered(self, values: NDArray[np.int64], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices of integers, which may be the classes' numbers and not their places."""
        if self.numbering is None:
            return values
        found, wrong = renumber(values, self.numbering, self.ignore_index)
        if wrong is not None:
            raise DataError(unknown_number(int(values[wrong]), self.numbering), where=where(wrong))
        return found

    def of_cells(
        self,
        values: NDArray[np.float64],
        marked: Callable[[], NDArray[np.bool_]] | None,
        where: Callable[[int], str],
    ) -> NDArray[Any] | None:
        """Class indices (n,) of cells of plain numbers; None where cells have to be read one by one.

        ``marked`` says which are written with a point or an exponent (None: none of them).
        """
        whole = integers(values)
        probable = self.soft and self.numbering is None
        if whole is None and not (probable and np.isfinite(values).all()):
            return None
        if marked is not None and not self.fractions and (marked() & is_index(values)).any():
            self.fractions = True
        return values if whole is None else self.renumbered(whole, where)

    def of_numbers(self, values: NDArray[np.float64], where: Callable[[int], str]) -> NDArray[Any]:
        """Class indices (n,) of floating-point numbers."""
        self.fractions = True
        if self.soft:
            return values
        whole = integers(values)
        if whole is None:
            i = int(np.flatnonzero(~is_index(values))[0])
            raise DataError(f"target {float(values[i])!r} is not a class index", where=where(i))
        return self.renumbered(whole, where)

    def is_missing(self, label: str | None) -> bool:
        """Whether there is no label, or a word for none that is not the name of a class."""
        return label is None or (is_missing(label) and class_names.normal(label) not in self.indices)

    def _truth(self, label: str) -> int:
        found = class_names.truth(label)
        if found is None:
            raise DataError(f"target {shown(label)} is neither true nor false, unlike the first")
        return self.truth[found]

    def _orders(self) -> list[Remedy]:
        """The orders in which the names of the file may stand for the classes."""
        if self.everything is None or self.n_classes is None:
            return []
        return class_orders((name for name in self.everything() if name and not self.is_missing(name)), self.n_classes)

    def _index(self, label: str) -> float:
        if not re.fullmatch(_INTEGER, label):
            number = float(label) if is_number(label) else math.nan
            if not _is_whole(number):
                if self.soft and is_number(label):
                    return number
                raise DataError(f"target {shown(label)} is not a class index")
            self.fractions = True
            value = int(number)
        elif len(label) > 20 or int(label) not in _INT64:
            raise DataError(f"target {shown(label)} does not fit 64 bits")
        else:
            value = int(label)
        if self.numbering is None or value == self.ignore_index:
            return value
        if value not in self.numbering:
            raise DataError(unknown_number(value, self.numbering))
        return self.numbering[value]

    def _named(self, label: str) -> int:
        if self.classes is None:
            raise DataError(
                f"target {shown(label)} is a name, and the classes have none",
                hint=f"name them with {setting('classes')}, or in the header of the logits",
                remedies=self._orders(),
            )
        index = self.indices.get(label)
        if index is None:
            normal = class_names.normal(label)
            index = self.indices.get(normal.removeprefix(self.prefix), self.indices.get(normal))
        if index is None:
            index = self._alike(label)
        if index is None:
            remedies = _sets_of_columns(self.classes, class_names.normal(label))
            raise DataError(
                f"target {shown(label)} is none of the classes",
                remedies=remedies,
                hint=None
                if remedies
                else did_you_mean(label, self.classes[:_MOST_COMPARED], folded=str.casefold)
                or f"classes: {first_few(self.classes, 10)}",
            )
        if index == _SEVERAL:
            raise DataError(f"target {shown(label)} is the name of several classes")
        return index


def _is_whole(value: float) -> bool:
    """Whether a number is whole, and no rounding can have changed it."""
    return value.is_integer() and abs(value) < 2**53


def _shared_beginning(classes: Sequence[str], labels: Sequence[str]) -> str:
    """What the names of all classes begin with, where the rest of one is each of the labels; else nothing."""
    beginnings = [{name.removesuffix(label) for name in classes if name.endswith(label)} for label in labels]
    found = set.intersection(*beginnings) if beginnings else set()
    return next((each for each in found if all(name.startswith(each) and name != each for name in classes)), "")


def _sets_of_columns(classes: Sequence[str], label: str) -> list[Remedy]:
    """The remedies where a table has the columns of several models: each adds something else to the labels."""
    beginnings = [f"{name.removesuffix(label)}*" for name in classes if name.endswith(label)]
    ends = [f"*{name.removeprefix(label)}" for name in classes if name.startswith(label)]
    patterns = next((found for found in (beginnings, ends) if label and len(found) > 1), [])
    sets = {pattern: [name for name in classes if fnmatchcase(name, pattern)] for pattern in patterns}
    if sum(map(len, sets.values())) != len(classes) or any(len(names) < 2 for names in sets.values()):
        return []
    return [
        Remedy({"columns": (as_pattern(pattern),)}, f"the classes are {first_few(sets[pattern], 5)}")
        for pattern in sets
    ]


def class_orders(names: Iterable[str], n_classes: int) -> list[Remedy]:
    """The orders in which ``names`` may stand for the classes: none, unless there are as many as classes.

    Two names are those of the classes of one logit a sample, too.
    """
    binary = {"binary": True} if n_classes == 1 else {}
    wanted = 2 if binary else n_classes
    found: dict[str, None] = {}
    for name in names:
        found.setdefault(name.strip())
        if len(found) > wanted:
            return []
    if len(found) < wanted or any("," in name for name in found):
        return []
    orders = {
        tuple(found): "the classes are in the order in which the targets name them",
        tuple(sorted(found)): "the classes are in alphabetical order",
    }
    return [Remedy({"classes": order, **binary}, meaning) for order, meaning in reversed(orders.items())]


def left_out(name: str, n: int) -> tuple[Notice, ...]:
    """The note on ``n`` samples of a file that are left out."""
    if n == 0:
        return ()
    message = f"{name}: {counted(n, 'sample')} without a target or without logits left out"
    return (Notice("missing-ignored", message),)


def truth_of(classes: Sequence[str] | None, what: str, name: str, n_classes: int | None) -> tuple[int, int]:
    """The classes that false and true are as targets, by their names where the classes have some."""
    names = classes or ()
    if (len(names) or n_classes or 2) > 2:
        raise DataError(f"{what} holds booleans, for {len(names) or n_classes} classes", where=name)
    folded = [each.casefold() for each in names]
    for pair in _TRUTH:
        if set(pair) == set(folded):
            return folded.index(pair[0]), folded.index(pair[1])
    if len(names) < 2:
        return 0, 1
    orders = (("False", "True"), ("True", "False"))
    raise UsageError(
        f"{what} holds booleans, and the classes are {names[0]} and {names[1]}",
        where=name,
        remedies=[Remedy({"classes": order}, f"true is {names[order.index('True')]}") for order in orders],
    )


def label_reader(
    seen: Sequence[Any], classes: tuple[str, ...] | None, what: str, name: str, options: ReadOptions
) -> LabelReader:
    """The reader of labels of which those ``seen`` are the first; raises UsageError where they can be read two ways."""
    if options.reader is not None:
        options.reader.what = what
        return options.reader
    texts = [class_names.normal(str(cell)) for cell in seen if not is_missing(cell)]
    reader = LabelReader(
        classes,
        numeric=True,
        what=what,
        missing=options.missing,
        ignore_index=options.ignore_index,
        n_classes=options.n_classes,
        soft=options.binary and options.holds == "targets" and options.key is None,
        everything=lambda: texts,
    )
    known = reader.indices
    n_numbers = sum(map(is_number, texts))
    # One among numbers that is none is damaged, unless all are names.
    damaged = n_numbers > 0 and (not known or 2 * n_numbers > len(texts)) and not set(texts) <= known.keys()
    reader.numeric = n_numbers == len(texts) or damaged
    if reader.numeric:
        values = [float(text) for text in texts if is_number(text)]
        whole = [int(value) for value in values if _is_whole(value)]
        reader.numbering = numbering_of(set(whole), classes, name, options)
        if options.as_given and reader.numbering is None:
            raise without_order(classes or (), options.as_given, name)
    elif all(class_names.truth(text) is not None for text in texts) and not set(texts) <= known.keys():
        reader.booleans = True
        reader.truth = truth_of(classes, what, name, options.n_classes)
    elif not set(texts) <= known.keys():
        distinct = sorted(set(texts))
        first, last = class_names.affixes(distinct)
        if first and not last and all(text[first:] in known for text in distinct):
            reader.prefix = distinct[0][:first]
        elif classes is not None and not set(distinct) & known.keys():
            shared = _shared_beginning(classes, distinct)
            reader.classes = tuple(name[len(shared) :] for name in classes)
            del reader.indices
    return reader


def without_order(classes: Sequence[str], as_given: Sequence[str], name: str) -> UsageError:
    """The question which class number belongs to which name, where scores are known by name and targets by number."""
    ways = {tuple(as_given): "as the first one has them", tuple(classes): "in the order of the alphabet"}
    remedies = []
    for names, meaning in reversed(ways.items()):
        told = ", ".join(f"{i} is {label}" for i, label in enumerate(names[:3])) + (", ..." if names[3:] else "")
        remedies.append(Remedy({"classes": names}, f"{meaning}: {told}"))
    return UsageError(
        "the targets are numbers, and the scores have names: which number is which class?",
        where=name,
        hint=f"{setting('classes')} has the names in the order of their numbers",
        remedies=[] if any("," in label for label in classes) else remedies,
    )


def missing_target(label: str, where: str) -> DataError:
    """The refusal of a sample without a target."""
    what = f"target {shown(label.strip())} is missing" if label.strip() else "the target is missing"
    return DataError(what, where=where, remedies=[Remedy({"missing": "ignore"})])


def numbering_of(
    seen: Collection[int], classes: Sequence[str] | None, name: str, options: ReadOptions, *, whole: bool = False
) -> dict[int, int] | None:
    """The index of each class by the number in its name, where targets are those numbers; None where they are places.

    ``seen`` are the first targets, or under ``whole`` all of them. Raises UsageError where they may be either.
    """
    found = class_names.numbers(classes)
    if found is None and options.targets_are == "names" and seen:
        raise UsageError(f"{setting('targets_are', 'names')}: the classes have no numbers for names", where=name)
    if found is None or class_names.are_places(found) or options.targets_are == "numbers":
        return None
    numbering = {number: i for i, number in enumerate(found)}
    counted_ones = set(seen) - {options.ignore_index}
    if options.targets_are == "names":
        return numbering
    if not counted_ones <= numbering.keys():
        return None
    if not counted_ones <= set(range(len(found))):
        return numbering
    differing = [number for number in sorted(counted_ones) if numbering[number] != number]
    if whole and not differing:
        return None
    others = [number for number in found if number in range(len(found)) and numbering[number] != number]
    if not (differing or others):
        return numbering  # no target can be a place
    raise _names_or_places((differing or others)[0], numbering, tuple(classes or ()), name)


def _names_or_places(number: int, numbering: dict[int, int], classes: tuple[str, ...], name: str) -> UsageError:
    named, placed = shown(classes[numbering[number]]), shown(classes[number])
    return UsageError(
        f"target {number} may be the class named {named}, or class {number} counted from 0, which is named {placed}",
        where=name,
        remedies=[
            Remedy({"targets_are": "names"}, f"target {number} is the class named {named}"),
            Remedy({"targets_are": "numbers"}, f"target {number} is class {number} counted from 0"),
        ],
    )


def renumber(
    values: NDArray[np.int64], numbering: Mapping[int, int], ignore_index: int
) -> tuple[NDArray[np.int64], int | None]:
    """The indices of classes given by their numbers, and the place of the first that is none (None: all are)."""
    known = np.array(sorted(numbering), np.int64)
    indices = np.array([numbering[int(number)] for number in known], np.int64)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    ignored = values == ignore_index
    wrong = np.flatnonzero((known[at] != values) & ~ignored)
    return np.where(ignored, values, indices[at]), int(wrong[0]) if wrong.size else None


def unknown_number(value: int, numbering: Mapping[int, int]) -> str:
    """The message on a target that is none of the classes' numbers."""
    return f"target {value} is none of the classes {first_few([str(number) for number in numbering], 10)}"


def by_name(name: str) -> Notice:
    """The note on targets that are the numbers in the classes' names."""
    return Notice("targets-by-name", f"{name}: the targets are the numbers in the classes' names, not their places")
