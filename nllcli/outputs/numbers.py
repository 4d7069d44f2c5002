"""How a number becomes text: in full for programs, in one form a column for people."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import floor, inf, isfinite, log10
from operator import sub
from typing import Any, TypeGuard, cast

from nllcli.outputs.pictures import PICTURES, drawn
from nllcli.report import Metric, Step, Value, runs, shortest

_TINY, _HUGE = 1e-4, 1e12  # beyond these, digits in a row are harder to read than an exponent
_LARGE_EXPONENT = 4  # from 10,000 on, two decimals are enough
_INTEGER_PART = re.compile(r"[<>]?-?[\d,]+")


def texts(kind: str, values: Sequence[Value]) -> list[str]:
    """Return the cells of a column of this ``kind`` as a person reads them; None is empty."""
    return writer(kind, values)(values)


def writer(kind: str, column: Sequence[Value]) -> Callable[[Sequence[Value]], list[str]]:
    """Return what writes some cells of a ``column`` of this ``kind`` in the one form that suits all of it."""
    if kind in PICTURES:
        return partial(drawn, kind)
    if kind == "quantities":
        return _each_of_its_kind
    write = _WRITERS[kind](lambda: _finite(column))

    def write_all(values: Sequence[Value]) -> list[str]:
        if are_finite(values):
            return list(map(write, values))
        return [write(value) if _is_finite(value) else shortest(value) for value in values]

    return write_all


def _each_of_its_kind(values: Sequence[Any]) -> list[str]:
    """Return quantities as text, those of one kind in one form; what is none of them is empty."""
    written = [""] * len(values)
    for kind in {cell.kind for cell in values if cell is not None}:
        places = [i for i, cell in enumerate(values) if cell is not None and cell.kind == kind]
        for i, text in zip(places, texts(kind, [values[i].value for i in places]), strict=True):
            written[i] = text
    return written


def are_finite(values: Sequence[Value]) -> TypeGuard[Sequence[float]]:
    """Tell whether all of them are floats, and finite."""
    return {*map(type, values)} == {float} and all(map(isfinite, cast("Sequence[float]", values)))


def _finite(column: Sequence[Value]) -> Iterator[float]:
    """The numbers of a column that are finite."""
    for run in runs(len(column)):
        values = column[run]
        yield from values if are_finite(values) else filter(_is_finite, values)


def _is_finite(value: Value) -> TypeGuard[float]:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < inf


def edge_text(edge: float) -> str:
    """Return the edge of a bin, a number of few digits, as it is read in running text."""
    return f"{edge:g}".replace("e-0", "e-")


def working_text(step: Step) -> str:
    """Return the working of ``step`` as a person reads it: whole numbers plain, others with at least four digits."""
    return "".join(working_texts(step))


def working_texts(step: Step) -> list[str]:
    """Return the parts of ``working_text``."""
    fractions = [part for part in step.working if isinstance(part, float) and not _is_whole(part)]
    groups = [fractions] if step.aligned else [[number] for number in fractions]
    written = iter([text for group in groups for text in texts("number", group)])
    return [_part(part, written) for part in step.working]


def _part(part: str | float, fractions: Iterator[str]) -> str:
    if isinstance(part, str):
        return part
    return f"{part + 0.0:,.0f}" if _is_whole(part) else next(fractions)


def _is_whole(number: float) -> bool:
    return abs(number) < _HUGE and number == round(number)


def metric_text(metric: Metric) -> str:
    """Return the value of ``metric`` as a person reads it."""
    kind = metric.unit if metric.unit in ("share", "probability") else "number"
    if kind == "number" and isinstance(metric.value, int):
        kind = "count"
    return texts(kind, [metric.value])[0]


def metric_texts(metrics: Sequence[Metric]) -> list[str]:
    """Return the values of all ``metrics``; those in nats that only people read have the same number of decimals."""
    alike = [metric.value for metric in metrics if _is_of_page(metric)]
    written = iter(texts("number", alike))
    return [next(written) if _is_of_page(metric) else metric_text(metric) for metric in metrics]


def _is_of_page(metric: Metric) -> bool:
    return metric.page_only and metric.unit == "nats" and isinstance(metric.value, float)


def metric_unit(metric: Metric) -> str:
    """Return the unit to show after the value: none where there is no value, nor for a share, whose text has a sign."""
    return "" if metric.value is None or metric.unit in ("share", "probability") else metric.unit


def aligned(cells: Sequence[str]) -> list[str]:
    """Pad the cells of a column of numbers to one width, decimal point under decimal point."""
    point = Point()
    point.take(cells)
    return point.align(cells)


class Point:
    """Where the decimal points of a column are to stand: how many characters there are before it, and from it on."""

    def __init__(self) -> None:
        self.before = self.after = 0

    def take(self, cells: Sequence[str], *, plain: bool = False) -> None:
        """Make room for some cells; ``plain`` ones are what a number is written as."""
        ends = _integer_ends(cells, plain=plain)
        self.before = max([self.before, *ends])
        self.after = max([self.after, *map(sub, map(len, cells), ends)])

    def align(self, cells: Sequence[str], *, plain: bool = False) -> list[str]:
        """Return the cells padded to one width, point under point."""
        width = self.before + self.after
        ends = _integer_ends(cells, plain=plain)
        return [(" " * (self.before - end) + cell).ljust(width) for cell, end in zip(cells, ends, strict=True)]


def _integer_ends(cells: Sequence[str], *, plain: bool) -> list[int]:
    """How many characters of each cell come before its decimal point."""
    if plain:
        return [end if (end := cell.find(".")) >= 0 else len(cell) for cell in cells]
    found = map(_INTEGER_PART.match, cells)
    return [whole.end() if whole else len(cell) for cell, whole in zip(cells, found, strict=True)]


# --- one writer a kind: how a finite number is written, given all of its column ------------------------------------

_Writer = Callable[[float], str]
_Numbers = Callable[[], Iterator[float]]  # the numbers of a column, as often as they are asked for


def _count(numbers: _Numbers) -> _Writer:
    others = _number(numbers) if any(not isinstance(x, int) for x in numbers()) else None
    return lambda x: f"{x:,}" if others is None or isinstance(x, int) else others(x)


def _number(numbers: _Numbers) -> _Writer:
    def ordinary() -> Iterator[float]:
        return (x for x in numbers() if _TINY <= abs(x) < _HUGE)

    largest = max(map(abs, ordinary()), default=None)
    decimals = 0 if largest is None else _decimals(largest, ordinary)
    exponent_decimals = 3 if largest is None else 1

    def write(x: float) -> str:
        if abs(x) >= _HUGE or (x and not round(x, decimals)):
            return f"{x:.{exponent_decimals}e}"
        return f"{x + 0.0:,.{decimals}f}"  # adding zero drops the sign of a negative zero

    return write


def _decimals(largest: float, numbers: _Numbers) -> int:
    """Return the fewest decimals that show all numbers exactly, or about four significant ones."""
    exponent = floor(log10(largest))
    most = 2 if exponent >= _LARGE_EXPONENT else max(4, 3 - exponent)
    return next((n for n in range(most) if all(round(x, n) == x for x in numbers())), most)


def _share(x: float) -> str:
    if 0 < abs(x) < 0.0005:
        return "<0.1 %" if x > 0 else ">-0.1 %"
    if 0.9995 <= x < 1:
        return ">99.9 %"
    return f"{100 * x:,.1f} %"


def _probability(x: float) -> str:
    return f"{x:.1e}" if 0 < x < 0.00005 else f"{x:.4f}"


_WRITERS: dict[str, Callable[[_Numbers], _Writer]] = {
    "text": lambda _: shortest,
    "count": _count,
    "number": _number,
    "share": lambda _: _share,
    "probability": lambda _: _probability,
}
