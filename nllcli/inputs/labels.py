"""Targets written as text -> class indices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nllcli.errors import DataError
from nllcli.inputs.cells import integers, is_index, is_number, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SEVERAL = -1


@dataclass
class LabelReader:
    """Reads labels that are all integers (``numeric``) or all names out of ``classes``."""

    classes: tuple[str, ...] | None
    numeric: bool

    def read(self, labels: Sequence[str], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of cells of text; raises DataError at the first that is none."""
        one = self._index if self.numeric else self._named
        return np.array([one(label.strip(), where, i) for i, label in enumerate(labels)], np.int64)

    def of_numbers(self, values: NDArray[np.float64], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Class indices (n,) of numbers already parsed."""
        whole = integers(values)
        if whole is None:
            i = int(np.flatnonzero(~is_index(values))[0])
            raise DataError(f"target {float(values[i])!r} is no class index", where=where(i))
        return whole

    def _index(self, label: str, where: Callable[[int], str], i: int) -> int:
        if not _INTEGER.fullmatch(label):
            whole = integers(np.array([float(label)])) if is_number(label) else None
            if whole is None:
                raise DataError(f"target {shown(label)} is no class index", where=where(i))
            return int(whole[0])
        if len(label) > 20 or int(label) not in _INT64:
            raise DataError(f"target {shown(label)} does not fit 64 bits", where=where(i))
        return int(label)

    def _named(self, label: str, where: Callable[[int], str], i: int) -> int:
        if self.classes is None:
            raise DataError(
                f"target {shown(label)} is a name, and the classes have none",
                where=where(i),
                hint="name them with --classes, or in the header of the logits",
            )
        index = self._lookup().get(label)
        if index is None:
            raise DataError(
                f"target {shown(label)} is none of the classes",
                where=where(i),
                hint=f"classes: {', '.join(self.classes[:10])}{', ...' if len(self.classes) > 10 else ''}",
            )
        if index == _SEVERAL:
            raise DataError(f"target {shown(label)} is the name of several classes", where=where(i))
        return index

    def _lookup(self) -> dict[str, int]:
        if not hasattr(self, "_indices"):
            found: dict[str, int] = {}
            for i, name in enumerate(self.classes or ()):
                found[name] = _SEVERAL if name in found else i
            self._indices = found
        return self._indices
