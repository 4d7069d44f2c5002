"""Targets that are probabilities, in a column of text."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.data.layout import Layout
    from nllcli.inputs.arrays.raw import Values


@dataclass
class ProbabilityColumn(MemoryArray):
    """The probabilities of class 1 of two, in a ``column`` of text, which says where one is."""

    column: Values = field(kw_only=True)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a row
        return self.column.place(sample, layout)
