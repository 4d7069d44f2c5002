"""What a sample of JSON holds: its logits, its target and its key, as the first few samples show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from operator import itemgetter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, first_few
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.inputs.tables import pairs
from nllcli.inputs.tables.columns import Preview, choose
from nllcli.inputs.tables.json_paths import (
    ABSENT,
    alone,
    are_labels,
    are_numbers,
    at,
    have_fractions,
    is_numeric,
    leaves,
    names_targets,
    naming,
    objects,
    opening,
    unnested,
)
from nllcli.inputs.tables.json_values import written
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.columns import Columns
    from nllcli.inputs.tables.json_documents import Samples

Where = Callable[[], str]
# The logits of a sample, None where it has none: row(value, where).
Row = Callable[[Any, Where], "list[Any] | None"]
Take = Callable[[Any], Any]

_PREVIEW_CELLS = 1 << 14
_LARGEST = 10**300


@dataclass(frozen=True)
class Reading:
    """How a sample is read; ``row`` is None where there are only targets, ``target`` where there are none.

    ``as_given`` are the classes as the first sample has them, where they have names and no order of their own.
    ``candidates`` are the keys that might be those of the targets. Under ``without_targets`` no sample may have one.
    """

    row: Row | None
    n_classes: int
    names: tuple[str, ...] | None = None
    target: Take | None = None
    target_name: str = ""
    key: Take | None = None
    as_given: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    without_targets: bool = False
    notes: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Value:
    """The value of a sample at a key; it may be ABSENT."""

    path: str

    def __call__(self, value: Any) -> Any:
        return at(value, self.path)


@dataclass(frozen=True)
class Target(Value):
    """The target of a sample at a key, where it may be alone in a list."""

    def __call__(self, value: Any) -> Any:
        return alone(at(value, self.path))


def whole(value: Any, where: Where) -> Any:
    """A sample that is a list of logits, or an object that has them under that key, as the program's own lines do."""
    logits = value.get("logits", ABSENT) if isinstance(value, dict) else value
    if type(logits) is list:
        return unnested(logits) if len(logits) == 1 else logits
    if isinstance(listed := unnested(logits), list):  # in text
        return listed
    if logits is not None:
        raise DataError('is neither a list of logits nor an object with the key "logits"', where=where())
    return None


@dataclass(frozen=True)
class _List:
    """The list at a key."""

    path: str

    def __call__(self, value: Any, where: Where) -> list[Any] | None:
        found = unnested(at(value, self.path))
        if found is None or isinstance(found, list):
            return found
        what = "nothing" if found is ABSENT else written(found)
        raise DataError(f"has {what} at {self.path!r}, where the first one has a list", where=where())


@dataclass(frozen=True)
class _Object:
    """The values of the object at ``path`` (empty: the whole) in the order of its ``keys``; others are refused.

    ``without`` are keys that may be there and are none of the classes.
    """

    path: str
    keys: tuple[str, ...]
    without: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, value: Any, where: Where) -> list[Any] | None:
        found = at(value, self.path) if self.path else value
        if found is None:
            return None
        if not isinstance(found, dict):
            raise DataError(f"has no object {self.path!r}".removesuffix(" ''"), where=where())
        try:
            row = [found[key] for key in self.keys]
        except KeyError:
            row = [at(found, key) for key in self.keys]
            if ABSENT in row:
                message = f"has no {self.keys[row.index(ABSENT)]!r}, unlike the first one"
                raise DataError(message, where=where()) from None
        if len(found) != len(row) + len(self.without):
            more = [key for key in leaves(found) if key not in self.keys and key not in self.without]
            if more:
                raise DataError(f"has {more[0]!r}, unlike the first one", where=where())
        return row


@dataclass(frozen=True)
class _Pairs:
    """Scores with labels, in the order of the classes."""

    form: pairs.PairForm
    binding: pairs.Binding

    def __call__(self, value: Any, where: Where) -> list[Any]:
        return self.binding.bind(*self.form.of(value, where), where)


@dataclass(frozen=True)
class _Cells:
    """Some of the values of a list of ``width``."""

    take: Callable[[Sequence[Any]], Any]
    width: int

    def __call__(self, value: Any, where: Where) -> Any:
        value = unnested(value)
        if not isinstance(value, list):
            raise DataError("is not a list, unlike the first one", where=where())
        if len(value) != self.width:
            raise DataError(f"has {counted(len(value), 'value')}, the first one has {self.width} values", where=where())
        return self.take(value)


@dataclass(frozen=True)
class _Cell:
    """One of the values of a list."""

    place: int

    def __call__(self, value: Any) -> Any:
        value = unnested(value)
        return value[self.place] if isinstance(value, list) and self.place < len(value) else ABSENT


def read_of(samples: Samples, name: str, options: ReadOptions) -> Reading:
    """How the samples are read; raises DataError or UsageError where that is not clear, or they cannot be scored."""
    if not samples.first:
        raise DataError("has no logits", where=name)
    first = next((value for value in samples.first if value is not None), None)
    where = f"{name}, {samples.place(0)}"
    if options.holds == "targets":
        return _targets(samples, first, where, name, options)
    if options.holds == "sample weights" and not isinstance(first, list):
        return _weights(samples, first, where, name, options)
    if isinstance(first, dict):
        return _record(samples, where, name, options)
    form = pairs.pairs_of_list(first)
    if form is not None:
        return _in_pairs(form, samples, where, options)
    if isinstance(first, list):
        return _list(samples, first, where, name, options)
    raise DataError(f'{written(first)} is neither a list of logits nor an object with the key "logits"', where=where)


def preview_of(samples: Samples, name: str, options: ReadOptions) -> Preview | None:
    """The values of the first records but lists and objects; None where samples are not records.

    A key of targets or of weights that is named has to be among them, too.
    """
    records = [value for value in samples.first if isinstance(value, dict)]
    if not records or len(records) < len(samples.first):
        return None
    flat = [leaves(record) for record in records]
    scalars = [path for path, value in flat[0].items() if _is_cell(value)]
    if not scalars or (options.holds != "logits" and options.member is not None and options.member not in scalars):
        return None
    return _preview(samples, flat, scalars, name)


def _preview(samples: Samples, flat: list[dict[str, Any]], paths: list[str], name: str) -> Preview:
    rows = [[_shown(row.get(path)) for path in paths] for row in flat[: max(1, _PREVIEW_CELLS // len(paths))]]
    index = frozenset(i for i, path in enumerate(paths) if path in samples.index)
    return Preview(name, tuple(paths), _as_numbers(rows), index)


# --- lists ------------------------------------------------------------------------------------------------------------


def _list(samples: Samples, first: list[Any], where: str, name: str, options: ReadOptions) -> Reading:
    first = unnested(first)
    if not first:
        raise DataError("has no logits", where=where)
    if isinstance(first[0], list):
        raise _nested(samples, where, name, options)
    if options.member is not None:
        raise UsageError(f"has lists without keys; there is no {options.member!r} in them", where=name)
    reading = Reading(whole, len(first), without_targets=True)
    if options.holds != "logits" or (options.target_column is None and options.key is None and len(first) == 1):
        return reading
    rows = [row for row in map(unnested, samples.first) if isinstance(row, list) and len(row) == len(first)]
    if not all(map(_is_cell, rows[0])):
        return reading
    rows = [[*map(_shown, row)] for row in rows[: max(1, _PREVIEW_CELLS // len(first))] if all(map(_is_cell, row))]
    found = choose(Preview(name, None, rows), options)
    if found.target is None and found.key is None and found.classes == tuple(range(len(first))):
        return replace(reading, notes=found.notes)
    picked: Any = itemgetter(*found.classes)
    take = (lambda cells: [picked(cells)]) if len(found.classes) == 1 else lambda cells: list(picked(cells))
    target, key = (None if place is None else _Cell(place) for place in (found.target, found.key))
    return Reading(
        _Cells(take, len(first)),
        len(found.classes),
        found.names,
        target,
        "" if found.target is None else f"value {found.target + 1}",
        key,
        notes=found.notes,
    )


def _shown(value: Any) -> Any:
    """A value as a preview has it: an integer that no float64 holds is refused only when its row is read."""
    return float("inf") if type(value) is int and abs(value) > _LARGEST else value


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)


def _nested(samples: Samples, where: str, name: str, options: ReadOptions) -> DataError:
    """The refusal of lists of lists in the place of a sample."""
    remedies = []
    opened = opening(name)
    if options.member is None and opened is not None and not isinstance(samples.first[0], dict):
        to = not_there_yet(str(PurePath(name).with_suffix(".npy")))
        read = f"json.load({opened})"
        if samples.numbers is not None:
            read = f"[json.loads(line) for line in {opened} if line.strip()]"
        ways = {"concatenate": "each inner list is a sample"}
        if len({len(value) for value in samples.first if isinstance(value, list)}) == 1:
            ways["array"] = "each is a part of an array of more than two dimensions"
        for function, meaning in ways.items():
            source = f"import json, numpy; numpy.save({to!r}, numpy.{function}({read}))"
            remedies.append(Remedy(python=source, files={name: to}, meaning=meaning))
    return DataError("is a list of lists, not one sample", where=where, remedies=remedies)


# --- pairs ------------------------------------------------------------------------------------------------------------


def _in_pairs(form: pairs.PairForm, samples: Samples, where: str, options: ReadOptions) -> Reading:
    first = next(value for value in samples.first if value is not None)
    labels, _ = form.of(first, lambda: where)
    if len(set(labels)) < 2:
        raise pairs.top_one(where)
    classes, known = pairs.class_order(labels, where, options)
    row = _Pairs(form, pairs.Binding(classes))
    reading = Reading(row, len(classes), classes, as_given=() if known else tuple(labels))
    if not isinstance(first, dict):
        if options.target_column is not None:
            raise UsageError(f"has no key {options.target_column!r}", where=where)
        return reading
    used = {f"{form.path}.{form.label}".strip("."), f"{form.path}.{form.score}".strip("."), form.path}
    return _with_target(reading, samples, used, where, options)


# --- records ----------------------------------------------------------------------------------------------------------


def _record(samples: Samples, where: str, name: str, options: ReadOptions) -> Reading:
    records = [value for value in samples.first if isinstance(value, dict)]
    if options.member is not None:
        return _named(records, samples, options.member, where, name, options)
    if options.columns is not None:
        return _flat(records, samples, where, name, options)
    lists = _lists(records)
    forms = _pair_forms(records)
    lists = [path for path in lists if not any(path == _joined(form.path, form.score) for form in forms)]
    if "logits" in lists and not _several_alike(records, lists):
        lists, forms = ["logits"], []
    tables = [] if lists or forms else _objects(records)
    found = len(lists) + len(forms) + len(tables)
    if found > 1:
        paths = [
            *lists,
            *(_joined(form.path, "") if not form.parallel else _joined(form.path, form.score) for form in forms),
            *tables,
        ]
        raise UsageError(
            f"has several lists that could be the logits: {first_few(paths, 10)}",
            where=where,
            hint=f"name one, such as {name}:{paths[0]}",
            remedies=naming(name, options, paths[:5], "the logits"),
        )
    if forms:
        return _in_pairs(forms[0], samples, where, options)
    if lists:
        return _of_scores(lists[0], records, samples, where, options)
    if tables:
        return _of_object(tables[0], records, samples, where, options)
    return _flat(records, samples, where, name, options)


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}".strip(".")


def _named(
    records: list[dict[str, Any]], samples: Samples, path: str, where: str, name: str, options: ReadOptions
) -> Reading:
    """The logits under a key that was named."""
    found = next((x for x in (at(record, path) for record in records) if x is not None), None)
    if found is ABSENT:
        message, known = f"has no key {path!r}", first_few(list(leaves(records[0])), 20)
        raise UsageError(message, where=where, hint=f"it has {known}")
    form = pairs.pairs_of_list(found)
    if form is not None:
        return _in_pairs(replace(form, path=path), samples, where, options)
    if isinstance(found, dict) and (within := pairs.pairs_of_object(found)) is not None:
        return _in_pairs(replace(within, path=path), samples, where, options)
    if isinstance(found, dict) and found:
        return _of_object(path, records, samples, where, options)
    found = unnested(found)
    if isinstance(found, list) and found and isinstance(found[0], list):
        raise _nested(samples, where, name, options)
    return _of_scores(path, records, samples, where, options)


def _lists(records: list[dict[str, Any]]) -> list[str]:
    """The keys of lists of numbers, of one length in all records, those with fractions where there are some."""
    rows = [leaves(record) for record in records]
    found = []
    for path in rows[0]:
        values = [value for value in (unnested(row.get(path)) for row in rows) if isinstance(value, list)]
        if values and all(map(are_numbers, values)) and len(set(map(len, values))) == 1:
            found.append(path)
    floating = [path for path in found if any(_has_fractions(row.get(path)) for row in rows)]
    if floating or "logits" not in found:
        return floating
    return ["logits"]


def _has_fractions(value: Any) -> bool:
    value = unnested(value)
    return isinstance(value, list) and have_fractions(value)


def _several_alike(records: list[dict[str, Any]], lists: list[str]) -> bool:
    """Whether another list is as long as the logits: it may be they that were meant."""
    lengths = [len(at(records[0], path) or ()) for path in lists]
    return lengths.count(lengths[lists.index("logits")]) > 1


def _pair_forms(records: list[dict[str, Any]]) -> list[pairs.PairForm]:
    """Every place at which the first record has labels with scores."""
    first = records[0]
    found = []
    for path, value in leaves(first).items():
        form = pairs.pairs_of_list(value) if isinstance(value, list) else None
        if form is not None:
            found.append(replace(form, path=path))
    for path, inner in {"": first, **objects(first)}.items():
        form = pairs.pairs_of_object(inner)
        if form is not None:
            found.append(replace(form, path=path))
    return found


def _objects(records: list[dict[str, Any]]) -> list[str]:
    """The keys of objects that hold two numbers or more and nothing else, with fractions where there are some."""
    found = {
        path: inner
        for path, inner in objects(records[0]).items()
        if len(inner) > 1 and any(map(is_numeric, inner.values())) and all(map(_is_score, inner.values()))
    }
    floating = [
        path
        for path in found
        if any(have_fractions(x.values()) for x in (at(r, path) for r in records) if isinstance(x, dict))
    ]
    return floating or list(found)


def _is_score(value: Any) -> bool:
    return value is None or is_numeric(value)


def _of_scores(path: str, records: list[dict[str, Any]], samples: Samples, where: str, options: ReadOptions) -> Reading:
    """The list at a key, whose values belong to the classes that a list beside it names."""
    parent, _, key = path.rpartition(".")
    around = at(records[0], parent) if parent else records[0]
    form = pairs.pairs_of_object(around, key) if isinstance(around, dict) else None
    if form is not None:
        return _in_pairs(replace(form, path=parent), samples, where, options)
    return _of_list(path, records, samples, where, options)


def _of_list(path: str, records: list[dict[str, Any]], samples: Samples, where: str, options: ReadOptions) -> Reading:
    row = whole if path == "logits" else _List(path)
    found = [unnested(at(record, path)) for record in records]
    logits = next((x for x in found if isinstance(x, list)), None)
    if logits is None:
        raise DataError(f"has no list of logits at {path!r}", where=where)
    if not logits:
        raise DataError("has no logits", where=where)
    return _with_target(Reading(row, len(logits)), samples, {path}, where, options)


def _of_object(path: str, records: list[dict[str, Any]], samples: Samples, where: str, options: ReadOptions) -> Reading:
    found = next(x for x in ((at(record, path) if path else record) for record in records) if isinstance(x, dict))
    keys = tuple(found)
    if options.classes is not None and set(options.classes) == set(keys):
        keys = options.classes
    elif options.classes is not None and options.holds == "targets":
        told = f"they are {first_few(options.classes, 10)}"
        raise DataError(f"has probabilities of the classes {first_few(keys, 10)}; {told}", where=where)
    reading = Reading(_Object(path, keys), len(keys), keys)
    return _with_target(reading, samples, {_joined(path, key) for key in keys}, where, options)


def _flat(records: list[dict[str, Any]], samples: Samples, where: str, name: str, options: ReadOptions) -> Reading:
    """Records with a key a class."""
    flat = [leaves(record) for record in records]
    lists = options.columns is not None
    scalars = [path for path, value in flat[0].items() if _is_cell(value) or (lists and are_numbers(value))]
    if pairs.is_top_one(records[0]) and options.target_column is None:
        raise pairs.top_one(where)
    if [] in (unnested(record.get("logits")) for record in records):
        raise DataError("has no logits", where=where)
    if not (lists or any(is_numeric(flat[0][path]) for path in scalars)):
        message = (
            'is neither a list of logits nor an object with the key "logits", a list of numbers or a number a class'
        )
        raise DataError(message, where=where)
    own = "target" if "target" in scalars else samples.target
    if options.target_column is None and not options.has_targets and own is not None:
        options = replace(options, target_column=own)
    found: Columns = choose(_preview(samples, flat, scalars, name), options)
    classes = [scalars[c] for c in found.classes]
    if found.lists:
        return _of_list(classes[0], records, samples, where, options)
    target, key = (None if c is None else scalars[c] for c in (found.target, found.key))
    reading = Reading(
        _Object("", tuple(classes), frozenset(flat[0]) - set(classes)),
        len(classes),
        found.names or tuple(classes),
        key=None if key is None else Value(key),
        candidates=tuple(_candidates(flat, set())),
        notes=found.notes,
    )
    return reading if target is None else replace(reading, target=Target(target), target_name=f'"{target}"')


def _as_numbers(rows: list[list[Any]]) -> list[list[Any]]:
    """The cells, with numbers for columns of text that are all numbers with fractions."""
    columns = []
    for column in zip(*rows, strict=True):
        texts = [x for x in column if x is not None]
        if texts and all(isinstance(x, str) and is_numeric(x) for x in texts) and have_fractions(texts):
            column = tuple(None if x is None else float(x) for x in column)  # noqa: PLW2901 - takes its place
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def _candidates(rows: list[dict[str, Any]], used: set[str]) -> list[str]:
    """The keys that might be those of the targets: those with such a name, or else all of whole numbers or text."""
    found = [path for path in rows[0] if path not in used and are_labels([row.get(path) for row in rows])]
    return [path for path in found if names_targets(path)] or found


def _with_target(reading: Reading, samples: Samples, used: set[str], where: str, options: ReadOptions) -> Reading:
    """The reading with the target and the key, found under the keys that name them."""
    flat = [leaves(record) for record in samples.first if isinstance(record, dict)]
    path = options.target_column
    for wanted in (path, options.key):
        if wanted is not None and all(at(record, wanted) is ABSENT for record in samples.first):
            known = [path for path in flat[0] if path not in used]
            hint = f"it has {first_few(known, 20)}" if known else None
            raise UsageError(f"has no key {wanted!r}", where=where, hint=hint)
    if path is None and not options.has_targets and options.holds == "logits":
        path = "target" if "target" in flat[0] and "target" not in used else samples.target
    return replace(
        reading,
        without_targets=path is None and "target" not in flat[0],
        target=None if path is None else Target(path),
        target_name=f'"{path}"',
        key=None if options.key is None else Value(options.key),
        candidates=tuple(_candidates(flat, used)),
    )


# --- one number a sample ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _One:
    """The one number of a sample, under a key where it has some."""

    path: str | None

    def __call__(self, value: Any, where: Where) -> list[Any]:
        found = value if self.path is None else at(value, self.path)
        if found is ABSENT:
            raise DataError(f"has no {self.path!r}", where=where())
        return [found]


def _weights(samples: Samples, first: Any, where: str, name: str, options: ReadOptions) -> Reading:
    if not isinstance(first, dict):
        return Reading(_One(None), 1)
    flat = leaves(first)
    numbers = [path for path, value in flat.items() if is_numeric(value) and path != options.key]
    found = [path for path in numbers if "weight" in path.casefold()] or numbers
    path = options.member or (found[0] if len(found) == 1 else None)
    if path is None:
        raise UsageError(
            f"has several keys of numbers: {first_few(found, 10)}" if found else "has no key of numbers",
            where=where,
            hint=f"name one, such as {name}:KEY",
            remedies=naming(name, options, found[:5], "the weights"),
        )
    if all(at(record, path) is ABSENT for record in samples.first):
        raise UsageError(f"has no key {path!r}", where=where, hint=f"it has {first_few(list(flat), 20)}")
    return Reading(_One(path), 1, key=None if options.key is None else Value(options.key))


# --- targets in a file of their own -----------------------------------------------------------------------------------


def _targets(samples: Samples, first: Any, where: str, name: str, options: ReadOptions) -> Reading:
    if isinstance(first, dict):
        return _target_records(samples, where, name, options)
    if isinstance(first, list) and not are_labels(samples.first):
        return _list(samples, first, where, name, options)
    wanted = options.member or options.target_column
    if wanted is not None:
        raise UsageError(f"has values without keys; there is no {wanted!r} in them", where=name)
    return Reading(None, 0, target=alone, target_name="JSON")


def _target_records(samples: Samples, where: str, name: str, options: ReadOptions) -> Reading:
    records = [value for value in samples.first if isinstance(value, dict)]
    flat = [leaves(record) for record in records]
    path = options.member or options.target_column or samples.target or _named_target(flat, where, name, options)
    options = replace(options, target_column=None)
    if path is None:
        lists, tables = _lists(records), _objects(records)
        if len(lists) == 1:
            return _of_list(lists[0], records, samples, where, options)
        if len(tables) == 1:
            return _of_object(tables[0], records, samples, where, options)
        if _are_scores(flat) or all(is_one_hot(list(row.values())) for row in flat):
            return _of_object("", records, samples, where, options)
        path = _only_target(flat, where, name, options)
    found = [unnested(at(record, path)) for record in records]
    if all(x is ABSENT for x in found):
        raise UsageError(f"has no key {path!r}", where=where, hint=f"it has {first_few(list(flat[0]), 20)}")
    if any(map(are_numbers, found)) and not are_labels(found):
        return _of_list(path, records, samples, where, options)
    if any(isinstance(x, dict) and x for x in found):
        return _of_object(path, records, samples, where, options)
    key = None if options.key is None else Value(options.key)
    return Reading(None, 0, target=Target(path), target_name=f'"{path}"', key=key)


def is_one_hot(row: list[Any] | None) -> bool:
    """Whether values are a single 1 among zeros, written as integers or as booleans."""
    if row is None or len(row) < 2 or not set(map(type, row)) <= {int, bool}:
        return False
    return set(row) <= {0, 1} and sum(row) == 1


def _are_scores(rows: list[dict[str, Any]]) -> bool:
    """Whether every value of the records is a number, some with fractions."""
    values = [value for row in rows for value in row.values()]
    return len(rows[0]) > 1 and all(map(is_numeric, values)) and have_fractions(values)


def _named_target(rows: list[dict[str, Any]], where: str, name: str, options: ReadOptions) -> str | None:
    """The key that is named as targets are; raises UsageError where several are."""
    if "target" in rows[0]:
        return "target"
    found = [path for path in rows[0] if names_targets(path)]
    if len(found) > 1:
        raise _which_key(found, where, name, options)
    return found[0] if found else None


def _only_target(rows: list[dict[str, Any]], where: str, name: str, options: ReadOptions) -> str:
    """The only key there is; raises DataError or UsageError where there are others that might have the targets."""
    found = _candidates(rows, set())
    if not found:
        message = 'is neither an object with the key "target" nor a list of probabilities'
        raise DataError(f"{written(rows[0])} {message}", where=where)
    if len(rows[0]) > 1:
        raise _which_key(found, where, name, options)
    return found[0]


def _which_key(found: list[str], where: str, name: str, options: ReadOptions) -> UsageError:
    return UsageError(
        f"has no key that is sure to have the targets; {first_few(found, 10)} might",
        where=where,
        hint=f"name one, such as {name}:{found[0]}",
        remedies=naming(name, options, found[:5], "the targets"),
    )
