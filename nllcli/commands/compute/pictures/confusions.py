"""Which classes are taken for which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.commands.compute.pictures.wording import between
from nllcli.drawing import Cell, Heat
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

_MOST_IN_A_MAP = 20  # classes
_MOST_PAIRS = 12


class _Pair(NamedTuple):
    """A class, the one that it was taken for, how often, and of how many samples of the class."""

    target: int
    top: int
    n: int
    n_class: int


def picture(result: LossResult) -> Picture | None:
    """A map of few classes, in which errors alone have a colour; of many, the pairs that occur most."""
    pairs, slack = _pairs(result)
    n_wrong = result.n_counted - (result.tally.sums.n_correct or 0)
    n_classes = result.n_classes or 0
    if not pairs or n_classes < 2:
        return None
    has_map = 2 < n_classes <= _MOST_IN_A_MAP
    reading = "Only errors have a colour: right answers would outshine them all." if has_map else ""
    if slack:
        reading = f"A count may be too low by up to {slack:,}: there are more pairs than were kept apart."
    return Picture(
        "confusions",
        "What is taken for what?",
        _answer(result, pairs, n_wrong, slack),
        _table(result, pairs if has_map else pairs[:_MOST_PAIRS]),
        (_map(result, pairs),) if has_map else (),
        brief=replace(_table(result, pairs[:_MOST_PAIRS]), note=reading if slack else ""),
        reading=reading,
        more=(Fact("slack", slack),),
    )


def _pairs(result: LossResult) -> tuple[list[_Pair], int]:
    """The pairs that occur, the most frequent first, and how much too low their counts may be."""
    found, sums = collected_of(result).confusions, result.tally.sums.classes
    if found is None or sums is None:
        return [], 0
    return [_Pair(*pair, int(sums.n[pair[0]])) for pair in found.pairs()], found.slack


def _answer(result: LossResult, pairs: list[_Pair], n_wrong: int, slack: int) -> Sentence:
    first, names = pairs[0], result.class_names
    takes = "takes" if first.n == 1 else "take"
    what, other = Name(names[first.target]), Name(names[first.top])
    count = between("count", first.n, first.n + slack, "count")
    which = Strong((*count, f" {takes} ", what, " for ", other))
    errors = "error" if n_wrong == 1 else "errors"
    ties = sum(pair.n == first.n for pair in pairs) - 1
    also = "" if not ties or slack else f", as many as of {'another pair' if ties == 1 else f'{ties} other pairs'}"
    return "Of ", Fact("n_wrong", n_wrong, "count"), f" {errors}, ", which, f"{also}."


def _table(result: LossResult, pairs: list[_Pair]) -> Table:
    names, most = result.class_names, pairs[0].n
    columns: Columns = [
        (Column("class", "is", "text"), [names[pair.target] for pair in pairs]),
        (Column("taken_for", "taken for", "text"), [names[pair.top] for pair in pairs]),
        (Column("count", "samples", "count"), [pair.n for pair in pairs]),
        (Column("bar", "", "bar", tone="samples"), [pair.n / most for pair in pairs]),
        (Column("share_of_class", "share of the class", "share"), [pair.n / pair.n_class for pair in pairs]),
    ]
    return Table.of("confusions", "", columns)


def _map(result: LossResult, pairs: list[_Pair]) -> Heat:
    names, most = tuple(result.class_names), pairs[0].n
    cells = tuple(
        Cell(
            pair.target,
            pair.top,
            pair.n / most,
            f"{pair.n:,}",
            f"{names[pair.target]} taken for {names[pair.top]}: {pair.n:,} of {pair.n_class:,}",
        )
        for pair in pairs
    )
    return Heat("is", "taken for", names, names, cells)
