"""The few of many values that are the largest, and the smallest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.extremes import places_of_smallest
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray


class Item(NamedTuple):
    """A value, the number of what has it, and what else is known of that."""

    value: float
    number: int
    beside: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Extremes(Part):
    """The ``most`` items of the smallest and of the largest values, the most extreme first; of equals the first."""

    most: int = 0
    smallest: tuple[Item, ...] = ()
    largest: tuple[Item, ...] = ()

    @classmethod
    def of(
        cls, most: int, values: NDArray[np.float64], numbers: NDArray[np.int64], *beside: Sequence[Any] | NDArray[Any]
    ) -> Self:
        """Those of ``values`` (n,) that are not NaN, with their ``numbers`` (n,) and what is ``beside`` each."""

        def items(places: NDArray[np.intp]) -> Iterable[Item]:
            return (Item(float(values[i]), int(numbers[i]), tuple(each[i] for each in beside)) for i in places.tolist())

        return cls(
            most,
            _smallest(most, items(places_of_smallest(values, most))),
            _largest(most, items(places_of_smallest(-values, most))),
        )

    def __add__(self, other: Extremes) -> Extremes:
        most = max(self.most, other.most)
        return Extremes(
            most,
            _smallest(most, (*self.smallest, *other.smallest)),
            _largest(most, (*self.largest, *other.largest)),
        )

    def shifted(self, by: int) -> Extremes:
        """The same of what has numbers so much higher."""
        return self.moved(lambda number: number + by)

    def moved(self, number_of: Callable[[int], int]) -> Extremes:
        """The same of what has the numbers that ``number_of`` gives."""
        return replace(
            self,
            smallest=tuple(item._replace(number=number_of(item.number)) for item in self.smallest),
            largest=tuple(item._replace(number=number_of(item.number)) for item in self.largest),
        )


def _smallest(most: int, items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.value, item.number))[:most])


def _largest(most: int, items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (-item.value, item.number))[:most])
