"""Targets written as text -> class indices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import DataError, Notice, first_few, setting
from nllcli.inputs.integers import integers, is_index
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.targets import floats_as_indices
from nllcli.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SEVERAL = -1
_MOST_COMPARED = 1000
MARK = "__label__"  # before labels in text for fastText


@dataclass
class LabelReader:
    """Reads labels that are all integers (``numeric``) or all names of ``classes``; ``what`` says where they are.

    ``fractions`` says whether any integer read so far was written as a fraction, such as 2.0.
    """

    classes: tuple[str, ...] | None
    numeric: bool
    what: str
    fractions: bool = False

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

    def read(self, labels: Sequence[str], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of cells of text; raises DataError at the first that is not one."""
        one = self._index if self.numeric else self._named
        return np.array([one(label.strip(), where, i) for i, label in enumerate(labels)], np.int64)

    def of_numbers(self, values: NDArray[np.float64], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of floating-point numbers."""
        whole = integers(values)
        self.fractions = True
        if whole is None:
            i = int(np.flatnonzero(~is_index(values))[0])
            raise DataError(f"target {float(values[i])!r} is not a class index", where=where(i))
        return whole

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
            )
        index = self._indices.get(label, self._indices.get(label.removeprefix(MARK)))
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
