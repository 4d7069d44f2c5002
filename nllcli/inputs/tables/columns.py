"""Which column of a table is which class, and which are none: the targets, a key, an index, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.errors import Notice
    from nllcli.inputs.formats import ReadOptions


@dataclass(frozen=True)
class Preview:
    """What the beginning of a table shows.

    ``headings`` are the names of the columns, None where the file gives none. The cells of the first ``rows`` are text
    where the file is, and else what they hold: numbers, text, lists of numbers, None where one is missing. ``index``
    are the columns that the file itself says are no data, such as the index of a data frame.
    """

    name: str
    headings: tuple[str, ...] | None
    rows: Sequence[Sequence[Any]]
    index: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they are; ``classes`` in the order of the classes, ``names`` theirs if known.

    ``lists`` says that the one column of ``classes`` holds a list of all classes.
    """

    classes: tuple[int, ...]
    names: tuple[str, ...] | None
    target: int | None = None
    key: int | None = None
    lists: bool = False
    notes: tuple[Notice, ...] = ()


def choose(preview: Preview, options: ReadOptions) -> Columns:
    """Tell the columns apart, as the options say or as what they hold leaves no doubt; raises UsageError that asks."""
    raise NotImplementedError
