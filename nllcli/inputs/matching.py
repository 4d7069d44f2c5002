"""Which row of one table belongs to which row of another: by the keys of both, or one by one with equal keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nllcli.errors import Notice, UsageError, setting
from nllcli.inputs.tables import doubts
from nllcli.inputs.tables.columns import find_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.formats import Input, ReadOptions
    from nllcli.inputs.tables.columns import Preview
    from nllcli.inputs.targets import Targets


class Keys(NamedTuple):
    """The columns of the keys in both tables; ``matched`` says that rows belong together by them, in any order.

    ``loose`` says that the keys are the same only without folders and endings of files, upper case and leading zeros.
    """

    own: str
    theirs: str
    matched: bool
    loose: bool = False

    @property
    def names(self) -> str:
        """Both, as the setting has them."""
        return self.own if self.own == self.theirs else f"{self.own}={self.theirs}"


def has_several(preview: Preview, key: str | None) -> bool:
    """Whether a table has several columns; the index of a data frame counts where it may be the ``key``."""
    return preview.n_columns - (0 if key is not None else len(preview.index)) > 1


def first_labels(preview: Preview, target_column: str | None) -> tuple[str, ...]:
    """The first targets, where it is plain which column has them."""
    columns = [c for c in range(preview.n_columns) if c not in preview.index]
    if target_column is not None:
        columns = [find_column(target_column, preview)]
    return tuple(str(cell) for cell in preview.cells(columns[0])) if len(columns) == 1 else ()


def keys_of(wanted: str | None, own: Preview | None, theirs: Preview) -> Keys | None:
    """The keys as the setting names them, or else a column that both tables have; None where there is none."""
    if wanted is not None:
        if own is None:
            raise UsageError(f"{setting('id')} needs {setting('logits')} as a table with that column")
        left, equals, right = wanted.partition("=")
        both = (left, right) if equals and _unknown(wanted, own) else (wanted, wanted)
        return Keys(*both, matched=True, loose=_are_loose(own, both[0], theirs, both[1]))
    if own is None:
        return None
    doubts.check_index_order(own, theirs)
    if not has_several(theirs, None):
        return None
    for c in range(own.n_columns):
        if own.has_heading(c):
            other = doubts.same_column(own, c, theirs)
            if other is not None:
                names = own.heading(c), theirs.heading(other)
                return Keys(*names, matched=False, loose=_are_loose(own, names[0], theirs, names[1]))
    return None


def _are_loose(own: Preview, key: str, theirs: Preview, other: str) -> bool:
    """Whether the first keys of both tables have some in common only once they are loosened."""
    return doubts.are_loose(own, find_column(key, own), theirs, find_column(other, theirs))


def _unknown(name: str, preview: Preview) -> bool:
    return name not in [heading.strip() for heading in preview.headings or ()]


def match_rows(
    logits: BlockSource, opened: Input, preview: Preview, reading: ReadOptions, keys: Keys
) -> tuple[BlockSource, Targets, Callable[[], None] | None]:
    """Logits and targets whose rows belong together, and what is to be called at the end of a pass."""
    from nllcli.inputs.keys import KeyedLogits, KeyedTargets, KeysInOrder
    from nllcli.inputs.target_columns import read_keyed, targets_among
    from nllcli.inputs.targets import Targets

    asked = reading
    if opened.format != "jsonl":
        asked = targets_among(preview, replace(reading, member=opened.member), logits)
    table = opened.read(asked)
    values, digests = read_keyed(table, loose=keys.loose)
    told = f"{table.name}: keys are compared without folders, endings of files, upper case and leading zeros"
    notes = (Notice("loose-keys", told),) * keys.loose
    if not keys.matched:
        ordered = KeysInOrder(logits, digests, table.name, keys.names, keys.loose)
        return ordered, Targets(values, shape=(values.n,), notes=(*table.notes, *notes)), None
    assert values.row is not None
    targets = KeyedTargets(
        table.name, values.values, digests, values.row, reading.missing, reading.ignore_index, keys.loose
    )
    return KeyedLogits(logits, targets), Targets(notes=notes), targets.finish
