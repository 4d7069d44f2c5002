"""Targets written as text -> class indices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Notice, Remedy, counted, first_few, setting
from nllcli.inputs.integers import integers, is_index
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.targets import floats_as_indices
from nllcli.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SEVERAL = -1
_MOST_COMPARED = 1000
_MISSING = frozenset(("", "na", "<na>", "n/a", "nan", "null", "none"))


@dataclass
class LabelReader:
    """Reads labels that are all integers (``numeric``) or all names of ``classes``; ``what`` says where they are.

    ``fractions`` says whether any integer read so far was written as a fraction, such as 2.0. ``missing`` says what a
    missing label does: an "error", or "ignore" it as one that is the ``ignore_index``. ``everything`` gives all labels
    of the file, for the orders in which names may stand for ``n_classes`` classes without names. ``truth`` are the
    classes that false and true are.
    """

    classes: tuple[str, ...] | None
    numeric: bool
    what: str
    fractions: bool = False
    missing: str = "error"
    ignore_index: int = DEFAULT_IGNORE_INDEX
    n_classes: int | None = None
    everything: Callable[[], Iterable[str | None]] | None = None
    truth: tuple[int, int] = (0, 1)

    def notes(self, name: str) -> tuple[Notice, ...]:
        """What is worth knowing about the labels read so far from the file ``name``."""
        return (floats_as_indices(name, self.what),) if self.fractions else ()

    @cached_property
    def _indices(self) -> dict[str, int]:
        """The index of each name, or _SEVERAL."""
        found: dict[str, int] = {}
        for i, name in enumerate(self.classes or ()):
            found[name] = _SEVERAL if name in found else i
        return found

    def is_missing(self, label: str | None) -> bool:
        """Whether there is no label, or a word for none that is not the name of a class."""
        return label is None or ((word := label.strip()).lower() in _MISSING and word not in self._indices)

    def read(self, labels: Sequence[str | None], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of cells of text; raises DataError at the first that is not one.

        A label that is None is ignored.
        """
        one = self._index if self.numeric else self._named
        indices = (
            self.ignore_index if label is None else one(label.strip(), where, i) for i, label in enumerate(labels)
        )
        return np.fromiter(indices, np.int64, len(labels))

    def of_numbers(self, values: NDArray[np.float64], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of floating-point numbers."""
        whole = integers(values)
        self.fractions = True
        if whole is None:
            i = int(np.flatnonzero(~is_index(values))[0])
            raise DataError(f"target {float(values[i])!r} is not a class index", where=where(i))
        return whole

    def of_booleans(self, values: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Class indices (n,) of truth values."""
        return np.where(values, self.truth[1], self.truth[0])

    def _index(self, label: str, where: Callable[[int], str], i: int) -> int:
        if not _INTEGER.fullmatch(label):
            whole = integers(np.array([float(label)])) if is_number(label) else None
            if whole is None:
                raise DataError(f"target {shown(label)} is not a class index", where=where(i))
            self.fractions = True
            return int(whole[0])
        if len(label) > 20 or int(label) not in _INT64:
            raise DataError(f"target {shown(label)} does not fit 64 bits", where=where(i))
        return int(label)

    def _named(self, label: str, where: Callable[[int], str], i: int) -> int:
        if self.classes is None:
            raise DataError(
                f"target {shown(label)} is a name, and the classes have none",
                where=where(i),
                hint=f"name them with {setting('classes')}, or in the header of the logits",
                remedies=self._orders(),
            )
        index = self._indices.get(label)
        if index is None:
            raise DataError(
                f"target {shown(label)} is none of the classes",
                where=where(i),
                hint=did_you_mean(label, self.classes[:_MOST_COMPARED], folded=str.casefold)
                or f"classes: {first_few(self.classes, 10)}",
            )
        if index == _SEVERAL:
            raise DataError(f"target {shown(label)} is the name of several classes", where=where(i))
        return index

    def _orders(self) -> list[Remedy]:
        """The orders in which the names of the file may stand for the classes."""
        if self.everything is None or self.n_classes is None:
            return []
        return class_orders((name for name in self.everything() if name and not self.is_missing(name)), self.n_classes)


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


def empty_cell(where: str, *, can_be_left_out: bool) -> DataError:
    """The refusal of a missing value, with the option that leaves its sample out."""
    remedy = Remedy({"missing": "ignore"}, "samples without a target or without logits are left out")
    return DataError("the cell is empty", where=where, remedies=[remedy] * can_be_left_out)


def left_out(name: str, n: int) -> tuple[Notice, ...]:
    """The note on ``n`` samples of a file that are left out."""
    if n == 0:
        return ()
    verb = "is" if n == 1 else "are"
    message = f"{name}: {counted(n, 'sample')} without a target or without logits {verb} left out"
    return (Notice("missing-ignored", message),)


def are_numbers(label: str, classes: tuple[str, ...] | None) -> bool:
    """Whether text labels, of which this is one, are class numbers: not where it is the name of a class."""
    return is_number(label) and label.strip() not in (classes or ())
