"""Which row of one table belongs to which row of another: by the keys of both, or one by one with equal keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nllcli.errors import Notice, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.tables import doubts, rewriting
from nllcli.inputs.tables.columns import as_pattern, find_column, matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.data.dataset import BlockSource
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.formats import Input, ReadOptions
    from nllcli.inputs.tables.columns import Preview
    from nllcli.inputs.targets import Targets


class Keys(NamedTuple):
    """The columns of the keys in both tables; ``matched`` says that rows belong together by them, in any order.

    ``loose`` says that the keys are the same only without folders and endings of files, upper case and leading zeros.
    ``own_once`` and ``their_once`` leave one row of each key in either table.
    """

    own: str
    theirs: str
    matched: bool
    loose: bool = False
    own_once: tuple[Remedy, ...] = ()
    their_once: tuple[Remedy, ...] = ()

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


def keys_of(
    wanted: str | None, own: Preview | None, theirs: Preview, drop: str | None = None, *, any_name: bool = False
) -> Keys | None:
    """The keys as the setting names them, or else a column that both tables have; None where there is none.

    An index of the logits that ``drop`` names is not compared. Under ``any_name`` the column of the keys may have
    another name in each table.
    """
    if wanted is not None:
        if own is None:
            raise UsageError(f"{setting('id')} needs {setting('logits')} as a table with that column")
        left, equals, right = wanted.partition("=")
        both = (left, right) if equals and _unknown(wanted, own) else (wanted, wanted)
        places = find_column(both[0], own), find_column(both[1], theirs)
        loose = doubts.are_loose(own, places[0], theirs, places[1])
        once = ((), ()) if loose else (rewriting.once(own, places[0]), rewriting.once(theirs, places[1]))
        return Keys(*both, True, loose, *once)
    if own is None:
        return None
    if drop is None or own.index.isdisjoint(matching(drop, own)):
        doubts.check_index_order(own, theirs)
    if not has_several(theirs, None):
        return None
    classes = doubts.same_classes(own, theirs)
    for c in range(own.n_columns):
        if own.has_heading(c) and c not in classes:
            other = doubts.same_column(own, c, theirs)
            if other is not None:
                names = own.heading(c), theirs.heading(other)
                return Keys(*names, matched=False, loose=doubts.are_loose(own, c, theirs, other))
    left_out = frozenset() if drop is None else frozenset(matching(drop, own))
    named = doubts.key_of_another_name(own, theirs, left_out) if any_name else None
    if named is not None:
        places = find_column(named[0], own), find_column(named[1], theirs)
        return Keys(*named, matched=False, loose=doubts.are_loose(own, places[0], theirs, places[1]))
    return None


def check_several(own: Preview | None, theirs: Preview) -> None:
    """Raise UsageError where several columns are the key together, and the rows are in another order."""
    if own is None:
        return
    shared = doubts.shared_keys(own, theirs, doubts.same_classes(own, theirs))
    left = [tuple(str(row[c]).strip() for c in shared) for row in own.rows]
    right = [tuple(str(row[c]).strip() for c in shared.values()) for row in theirs.rows]
    are_keys = len(shared) > 1 and len(set(left)) == len(left) and len(set(right)) == len(right)
    are_keys = are_keys and 2 * len(set(left) & set(right)) > min(len(left), len(right))
    if not are_keys or all(one == other for one, other in zip(left, right, strict=False)):
        return
    names = [own.heading(c) for c in shared]
    come = Remedy({"drop": tuple(map(as_pattern, names))}, "rows belong together as they come")
    raise UsageError(
        f"has {', '.join(names)} in another order than {theirs.name}",
        where=own.name,
        remedies=[*rewriting.with_key(own, tuple(shared), theirs, tuple(shared.values()), names), come],
        finding="keys-differ",
    )


def keys_beside(
    name: str,
    wanted: str | None,
    own: Preview | None,
    theirs: Preview | None,
    targets: Keys | None,
    drop: str | None,
) -> Keys | None:
    """The keys of logits and the input ``name``: those of the ``targets`` too, where these have some.

    Raises UsageError where rows belong together by keys as ``wanted``, and the other input has none.
    """
    if wanted is not None:
        if theirs is None:
            message = f"{setting('id')} needs {setting(name)} as a table with that column"
            order = f"without keys nobody knows which order {name.removeprefix('sample_')} are in"
            raise UsageError(message, hint=order)
        if targets is None:
            return keys_of(wanted, own, theirs)
        name = targets.own if _unknown(targets.theirs, theirs) else targets.theirs
        return keys_of(f"{targets.own}={name}", own, theirs)
    found = None if own is None or theirs is None else keys_of(None, own, theirs, drop)
    return found if found is None or targets is None or targets.own == found.own else None


def _unknown(name: str, preview: Preview) -> bool:
    return name not in [heading.strip() for heading in preview.headings or ()]


def check_numbered(own: Preview | None, theirs: Preview | None, options: InputOptions) -> None:
    """Raise UsageError where the logits' index numbers their rows in another order, and the targets have no index."""
    if own is None or (theirs is not None and theirs.index):
        return
    if options.drop is None or own.index.isdisjoint(matching(options.drop, own)):
        doubts.check_numbered(own, name_of(str(options.targets)))


def loose_note(name: str, keys: Keys) -> tuple[Notice, ...]:
    """The note on keys that are the same only as ``loosened`` has them, if they are."""
    told = f"{name}: keys are compared without folders, endings of files, upper case and leading zeros"
    return (Notice("loose-keys", told),) * keys.loose


def match_rows(
    logits: BlockSource, opened: Input, preview: Preview, reading: ReadOptions, keys: Keys
) -> tuple[BlockSource, Targets, Callable[[], None] | None]:
    """Logits and targets whose rows belong together, and what is to be called at the end of a pass."""
    from nllcli.inputs.keys import KeyedLogits, KeyedValues, KeysInOrder
    from nllcli.inputs.target_columns import read_keyed, targets_among
    from nllcli.inputs.targets import Targets

    asked = reading
    if opened.format != "jsonl":
        asked = targets_among(preview, replace(reading, member=opened.member), logits)
    table = opened.read(asked)
    values, digests = read_keyed(table, loose=keys.loose)
    notes = loose_note(table.name, keys)
    if not keys.matched:
        ordered = KeysInOrder(logits, digests, table.name, keys.names, keys.loose)
        return ordered, Targets(values, shape=(values.n,), notes=(*table.notes, *notes)), None
    assert values.row is not None
    targets = KeyedValues(
        *(table.name, values.values, digests, values.row, reading.missing, reading.ignore_index, keys.loose),
        *(keys.own_once, keys.their_once),
    )
    return KeyedLogits(logits, targets), Targets(notes=notes), targets.finish
