"""One object of JSON around all samples -> the samples: arrays side by side, or a data frame in one of its forms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, Remedy, UsageError, first_few
from nllcli.inputs.tables.columns import as_pattern
from nllcli.inputs.tables.doubts import may_be_key
from nllcli.inputs.tables.json_paths import (
    are_labels,
    are_numbers,
    at,
    have_fractions,
    leaves,
    names_by_index,
    names_targets,
    naming,
    objects,
    rewriting,
)
from nllcli.inputs.tables.pairs import pairs_of_list
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nllcli.inputs.formats import ReadOptions

_SPLIT = {"columns", "data", "index", "index_names", "column_names", "name"}
_SPLIT_ROWS = ("r in d['data']", "_, r in sorted(zip(d['index'], d['data']), key=lambda p: int(p[0]))")
_VALUES_BY_NUMBER = "[d[k] for k in sorted(d, key=int)]"
_CLASS_NAMES = frozenset(
    ("classes", "classes_", "class_names", "classnames", "names", "label_names", "labels", "categories", "columns")
)
_CLASS_MAPS = frozenset(("id2label", "label2id", "class_to_idx", "idx_to_class"))
_LEAST_CELLS = 4  # of a frame of which some cells are lists


@dataclass(frozen=True)
class Unwrapped:
    """Samples, as records, lists or single values; ``index``, ``target`` and ``within`` are as in Samples."""

    samples: list[Any]
    index: frozenset[str] = frozenset()
    target: str | None = None
    within: str | None = None


def unwrapped(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped:
    """The samples that an object holds; raises UsageError that asks where several of its arrays could be they."""
    if options.member is not None:
        inner = at(document, options.member)
        if isinstance(inner, dict) and not _is_one_sample(inner):
            part = unwrapped(inner, f"{name}:{options.member}", replace(options, member=None))
            return replace(part, within=options.member)
    document = _by_number(document)
    for read in (
        _tensor,
        _split_frame,
        _table_schema,
        _frame_by_keys,
        _within,
        _targets_alone,
        _weights_alone,
        _arrays,
    ):
        found = read(document, name, options)
        if found is not None:
            return found
    return Unwrapped([document])


def _by_number(rows: dict[str, Any]) -> dict[str, Any]:
    """An object in the order of its keys where these are the numbers of rows sorted as text: 0, 1, 10, 2."""
    keys = list(rows)
    if _are_counted(keys) and keys == sorted(keys) and _are_row_numbers(map(int, keys)):
        return {key: rows[key] for key in sorted(keys, key=int)}
    return rows


def _are_row_numbers(numbers: Iterable[int]) -> bool:
    """Whether numbers are those of all rows, counted from 0 or from 1, in any order."""
    found = sorted(numbers)
    return found in ([*range(len(found))], [*range(1, len(found) + 1)])


def _is_one_sample(value: dict[str, Any]) -> bool:
    return not any(isinstance(inner, list | dict) for inner in value.values())


def _split_frame(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:
    """Names of columns, perhaps those of the rows, and the rows."""
    columns, rows = document.get("columns"), document.get("data")
    lists = {key for key, value in document.items() if isinstance(value, list)}
    if not (isinstance(columns, list) and isinstance(rows, list) and lists <= _SPLIT):
        return None
    headings = [".".join(map(str, column)) if isinstance(column, list) else str(column) for column in columns]
    if len(set(headings)) < len(headings):
        raise DataError("has several columns of one name", where=name)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(headings):
            raise DataError(f"does not have the {len(headings)} values of the columns", where=f"{name}, item {i}")
    records = [dict(zip(headings, row, strict=True)) for row in rows]
    index = document.get("index")
    if not isinstance(index, list) or len(index) != len(rows):
        return Unwrapped(records)
    _check_order(index, name, options, *(f"[dict(zip(d['columns'], r)) for {each}]" for each in _SPLIT_ROWS))
    return _keyed(index, records)


def _keyed(keys: Sequence[Any], records: list[dict[str, Any]]) -> Unwrapped:
    """Records with the keys of their rows, by which they are matched; row numbers in order say nothing more."""
    if list(map(str, keys)) == list(map(str, range(len(keys)))) or "index" in records[0]:
        return Unwrapped(records)
    keyed = [{"index": key, **record} for key, record in zip(keys, records, strict=True)]
    return Unwrapped(keyed, frozenset(("index",)))


def _check_order(
    keys: Sequence[Any], name: str, options: ReadOptions, as_written: str, by_number: str, key: str | None = None
) -> None:
    """Raise UsageError where rows are numbered in another order than they stand, and others are to be put beside them.

    The ways of ``rewriting`` them leave them as they are ``as_written``, or put them in order ``by_number``.
    """
    apart = (options.has_targets or options.holds != "logits") and options.key is None
    numbers = [int(row) for row in map(str, keys) if row.isdecimal()]
    if not apart or len(numbers) < len(keys) or numbers == sorted(numbers) or not _are_row_numbers(numbers):
        return
    ways = {as_written: "rows are in the order of the file", by_number: "rows are in the order of their numbers"}
    raise UsageError(
        f"has its rows in the order {first_few(list(map(str, keys)), 3)}: which of the samples is the first?",
        where=name,
        hint="a list of records has one order",
        remedies=rewriting(name, options, ways, key),
    )


def _tensor(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:  # noqa: ARG001
    """The flat data of the one tensor of two dimensions that a server answers with, and its shape."""
    tensors = document.get("outputs")
    only = tensors[0] if isinstance(tensors, list) and len(tensors) == 1 else document
    shape, data = (only.get("shape"), only.get("data")) if isinstance(only, dict) else (None, None)
    if not (isinstance(data, list) and are_numbers(data) and isinstance(shape, list) and len(shape) == 2):
        return None
    n, width = shape
    if not (isinstance(n, int) and isinstance(width, int) and n * width == len(data) and width > 1):
        return None
    return Unwrapped([data[i : i + width] for i in range(0, len(data), width)])


def _table_schema(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:  # noqa: ARG001
    """Records, and a schema that says which keys are the index."""
    schema, rows = document.get("schema"), document.get("data")
    if not (isinstance(schema, dict) and isinstance(rows, list) and "fields" in schema):
        return None
    key = schema.get("primaryKey") or []
    levels = key if isinstance(key, list) else [key]
    return Unwrapped(rows, frozenset(map(str, levels)))


def _within(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:
    """Objects or lists, one a key of the only object in another one, beside values that are no lists."""
    inner = [key for key, value in document.items() if isinstance(value, dict)]
    if len(inner) != 1 or any(isinstance(value, list) for value in document.values()):
        return None
    rows = _by_number(document[inner[0]])
    return _frame_by_keys(rows, name, options, inner[0]) or _lists_by_keys(rows, name, options, inner[0])


def _frame_by_keys(
    document: dict[str, Any], name: str, options: ReadOptions, key: str | None = None
) -> Unwrapped | None:
    """An object a column with a value a row, or an object a row with a value a column; ``key`` is where they are."""
    outer, inner = list(document), document.values()
    if not outer or not all(isinstance(part, dict) and part for part in inner):
        return None
    first = next(iter(inner))
    if any(part.keys() != first.keys() or any(isinstance(x, dict) for x in part.values()) for part in inner):
        return None
    few = len(first) * len(outer) < _LEAST_CELLS and not _are_counted(outer)
    if few and any(isinstance(x, list) for part in inner for x in part.values()):
        return None
    if len(outer) == 1 and not (_are_counted(first) and options.holds == "targets"):
        return None
    columns_outside = _columns_are_outside(document, list(first), options)
    if columns_outside is None:
        columns = first_few(outer, 3)
        index = "" if options.partner is None else "'index': r, "  # which a table of targets may have too
        raise UsageError(
            f"has an object for each of {columns}: are these the columns or the rows?",
            where=name,
            remedies=rewriting(
                name,
                options,
                {
                    f"[{{{index}**{{c: d[c][r] for c in d}}}} for r in next(iter(d.values()))]": f"columns: {columns}",
                    f"[{{{index}**d[r]}} for r in d]": f"columns: {first_few(list(first), 3)}",
                },
                key,
            ),
        )
    if columns_outside:
        rows = "[{c: d[c][r] for c in d} for r in ROWS]"
        keys = list(_by_number(first))
        by_number = rows.replace("ROWS", "sorted(next(iter(d.values())), key=int)")
        _check_order(keys, name, options, rows.replace("ROWS", "next(iter(d.values()))"), by_number, key)
        return _keyed(keys, [{column: document[column][row] for column in outer} for row in keys])
    _check_order(outer, name, options, "list(d.values())", _VALUES_BY_NUMBER, key)
    return _keyed(outer, list(inner))


def _columns_are_outside(document: dict[str, Any], inner: list[str], options: ReadOptions) -> bool | None:
    """Whether the outer keys are those of the columns; None where that is in doubt."""
    outer, parts = list(document), list(document.values())
    for wanted in (options.target_column, *(options.classes or ())):
        if wanted is not None and (wanted in document) != (wanted in inner):
            return wanted in document
    if _are_counted(outer) != _are_counted(inner):
        return _are_counted(inner)
    kinds = [{(isinstance(x, str), isinstance(x, list)) for x in part.values() if x is not None} for part in parts]
    if all(len(kind) > 1 for kind in kinds):
        return False
    if all(len(kind) <= 1 for kind in kinds) and len(set(map(frozenset, kinds))) > 1:
        return True
    return None


def _are_counted(keys: Any) -> bool:
    return all(key.isdecimal() for key in keys)


def _targets_alone(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:
    """Targets: the values of an object whose keys are row numbers or keys, or one of its arrays."""
    if options.holds != "targets":
        return None
    values = list(document.values())
    if options.member is None and are_labels(values) and (_are_counted(document) or len(values) > 1):
        _check_order(list(document), name, options, "list(d.values())", _VALUES_BY_NUMBER)
        if _are_counted(document) and _are_row_numbers(map(int, document)):
            return Unwrapped(values)
        if not any(map(names_targets, document)):
            raise UsageError(
                f"has a target for each of {first_few(list(document), 3)}: which samples are these?",
                where=name,
                hint="a list in the order of the logits, or a table in which both have the key",
            )
    flat = leaves(document)
    arrays = {path: x for path, x in flat.items() if isinstance(x, list) and x and are_labels(x)}
    if any(map(_are_rows, flat.values())):  # of which these are the columns
        arrays = {path: x for path, x in arrays.items() if names_targets(path) or _last(path) not in _CLASS_NAMES}
    if options.member is not None:
        found = at(document, options.member)
        if options.member in arrays and _keys_beside(flat, options.member):
            return _with_keys(flat, options.member)
        return Unwrapped(found, within=options.member) if isinstance(found, list) else None
    if _are_counted(document) and len(arrays) > 1:
        return None
    named = [path for path in arrays if names_targets(path)] or list(arrays)
    if len(named) == 1:
        return _with_keys(flat, named[0])
    if named and not any(_are_rows(x) for x in flat.values()):
        raise _which(named, "the targets", name, options)
    return None


def _weights_alone(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:  # noqa: ARG001
    """Sample weights: the array that is named, the only one that is called so, or the only one with fractions."""
    if options.holds != "sample weights":
        return None
    flat = leaves(document)
    arrays = [path for path, x in flat.items() if are_numbers(x)]
    found = [path for path in arrays if "weight" in path.casefold()] or [x for x in arrays if have_fractions(flat[x])]
    if options.member is not None:
        found = [path for path in arrays if path == options.member]
    return Unwrapped(_side_by_side(flat, [*found, *_keys_beside(flat, found[0])])) if len(found) == 1 else None


def _side_by_side(flat: dict[str, Any], paths: Sequence[str]) -> list[dict[str, Any]]:
    """Records of the values in the same place of some arrays."""
    return [dict(zip(paths, row, strict=True)) for row in zip(*(flat[path] for path in paths), strict=True)]


def _keys_beside(flat: dict[str, Any], path: str) -> list[str]:
    """The arrays that may hold the keys of the samples of another one: text or whole numbers, all of them different."""
    return [
        other
        for other, x in flat.items()
        if other != path and isinstance(x, list) and len(x) == len(flat[path]) and _are_keys(x)
        if may_be_key(other.rpartition(".")[2])
    ]


def _are_keys(values: list[Any]) -> bool:
    return all(type(value) in (int, str) for value in values) and 1 < len(values) == len(set(values))


def _with_keys(flat: dict[str, Any], path: str) -> Unwrapped:
    """The targets of an array with the keys of their samples, where the arrays beside it may hold some."""
    keys = _keys_beside(flat, path)
    return Unwrapped(_side_by_side(flat, [path, *keys]), target=path) if keys else Unwrapped(flat[path])


def _arrays(document: dict[str, Any], name: str, options: ReadOptions) -> Unwrapped | None:
    """Arrays of one value a sample, side by side."""
    flat = {path: x for path, x in leaves(document).items() if isinstance(x, list) and x}
    main = _main(flat, name, options)
    if main is None:
        return _lists_side_by_side(document, flat, name, options)
    names = _class_names(document, flat, main, name, options)
    if names is not None:
        named = {main: [dict(zip(map(_as_name, names), row, strict=True)) for row in flat[main]]}
        flat = {path: x for path, x in flat.items() if x is not names} | named
    rows = flat[main]
    n = len(rows)
    beside = {path: x for path, x in flat.items() if path != main and len(x) == n}
    if n == 1:
        beside |= {path: [x] for path, x in leaves(document).items() if not isinstance(x, list)}
    targets = [path for path, x in beside.items() if names_targets(path) and are_labels(x)]
    target = targets[0] if len(targets) == 1 and options.target_column is None else None
    if not beside and options.member is None and names is None:
        return Unwrapped(rows)
    if all(isinstance(row, dict) for row in rows) and options.member is None and names is None:
        # Beside records only what is asked for, and keys: their own keys are the table.
        keys = _keys_beside(flat, main)
        taken = {target, options.target_column, options.key, *keys}
        wanted = {path: x for path, x in beside.items() if path in taken}
        merged = [
            {**row, **{path: x[i] for path, x in wanted.items() if path not in row}} for i, row in enumerate(rows)
        ]
        return Unwrapped(merged, frozenset(keys) - rows[0].keys(), target)
    return Unwrapped(_side_by_side({main: rows, **beside}, [main, *beside]), target=target)


def _class_names(
    document: dict[str, Any], flat: dict[str, list[Any]], main: str, name: str, options: ReadOptions
) -> list[Any] | None:
    """The array with the names of the classes, in the order of the values of each row; None where there is none.

    Objects that number the names have them, too. Raises UsageError where several may be they; one that only counts the
    classes says nothing more.
    """
    rows = flat[main]
    width, n = len(rows[0]), len(rows)
    targets = [path for path, x in flat.items() if names_targets(path) and len(x) == n and are_labels(x)]

    def is_of_samples(path: str) -> bool:
        """Whether an array of as many values as classes is one value a sample."""
        if options.target_column is not None or len(flat[path]) != n:
            return path == options.target_column
        known = targets or options.has_targets or options.holds == "targets"
        return path in targets or not known or _last(path) == "names"

    arrays = {path: x for path, x in flat.items() if _last(path) in _CLASS_NAMES and not is_of_samples(path)}
    maps = {path: x for path, x in objects(document).items() if _last(path) in _CLASS_MAPS}
    arrays |= {path: names for path, x in maps.items() if (names := names_by_index(x)) is not None}
    found = {path: x for path, x in arrays.items() if len(x) == width and _are_names(x)}
    if not found or not are_numbers(rows[0]):
        return None
    for i, row in enumerate(rows):
        if len(row) != width:
            raise DataError(f"has {len(row)} logits, the first item has {width}", where=f"{name}, item {i}")
    lists = {tuple(map(_as_name, x)): x for x in found.values()}
    if len(lists) > 1:
        lists.pop(tuple(map(str, range(width))), None)
    if options.classes is not None and len(lists) > 1:
        return next((x for names, x in lists.items() if set(names) == set(options.classes)), None)
    if len(lists) > 1:
        raise UsageError(
            f"has several arrays with a name for each class: {first_few(list(found), 10)}",
            where=name,
            remedies=[
                Remedy({"classes": tuple(map(as_pattern, names))}, f"the classes are {first_few(names, 3)}")
                for names in lists
            ],
        )
    return next(iter(lists.values()))


def _last(path: str) -> str:
    return path.rpartition(".")[2].casefold()


def _are_names(values: list[Any]) -> bool:
    """Whether values may be the names of classes: text, truth values or whole numbers, each a different one."""
    known = all(isinstance(value, str | int) or (type(value) is float and value.is_integer()) for value in values)
    return known and 1 < len(values) == len(set(values))


def _as_name(value: Any) -> str:
    return str(int(value)) if type(value) is float else str(value)


def _are_rows(value: Any) -> bool:
    """Whether a value is an array of one list or object a sample."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(row, list) and row for row in value) or (
        all(isinstance(row, dict) and row for row in value) and not _is_one_list_of_pairs(value)
    )


def _is_one_list_of_pairs(value: list[Any]) -> bool:
    """Whether a list has the labels and the scores of one sample."""
    form = pairs_of_list(value)
    return form is not None and len(value) > 1 and len({pair[form.label] for pair in value}) == len(value)


def _main(flat: dict[str, list[Any]], name: str, options: ReadOptions) -> str | None:
    """The array that has the logits."""
    if options.member is not None:
        if options.member not in flat:
            return None
        return options.member if _are_rows(flat[options.member]) else None
    targets = {path for path, value in flat.items() if names_targets(path) and are_labels(value)}
    rows = [path for path, value in flat.items() if _are_rows(value) and path not in targets]
    floating = [path for path in rows if not _are_whole(flat[path])] or rows
    if len(floating) > 1:
        raise _which(floating, "the samples", name, options)
    return floating[0] if floating else None


def _are_whole(rows: list[Any]) -> bool:
    """Whether rows are lists of whole numbers or of text, such as those of tokens."""
    return all(isinstance(row, list) for row in rows) and not any(
        have_fractions(row) or any(isinstance(x, list | dict) for x in row) for row in rows
    )


def _lists_side_by_side(
    document: dict[str, Any], flat: dict[str, list[Any]], name: str, options: ReadOptions
) -> Unwrapped | None:
    """A list a column, or a list a sample; None where the object is one sample."""
    wanted = flat.get(options.target_column or "")
    columns = {path: x for path, x in flat.items() if are_numbers(x) and (have_fractions(x) or wanted is not None)}
    lengths = set(map(len, (columns if wanted is None else {"": wanted}).values()))
    if len(columns) < 2 - options.binary or len(lengths) > 1 or options.member is not None:
        return _lists_by_keys(document, name, options)
    (n,) = lengths
    beside = {path: x for path, x in flat.items() if len(x) == n}
    if wanted is not None or any(path not in columns and are_labels(beside[path]) for path in beside):
        return Unwrapped(_side_by_side(beside, list(beside)))
    return _lists_by_keys(document, name, options)


def _lists_by_keys(
    document: dict[str, Any], name: str, options: ReadOptions, key: str | None = None
) -> Unwrapped | None:
    """A list of numbers a sample, or one a class, each under a key; ``key`` is where they are.

    Whole numbers beside fractions may be something else, such as tokens, unless the keys are numbers.
    """
    lists = list(document.values())
    if options.member is not None or not lists or not all(map(are_numbers, lists)) or len(set(map(len, lists))) > 1:
        return None
    if _are_counted(document) and len(lists) > 1:
        _check_order(list(document), name, options, "list(d.values())", _VALUES_BY_NUMBER, key)
        return Unwrapped(lists)
    n_fractions = sum(map(have_fractions, lists))
    named = options.holds != "logits" or "logits" in document or any(map(names_targets, document))
    if len(lists) < 2 - options.binary or (n_fractions < len(lists) and (n_fractions or named)):
        return None
    keys = first_few(list(document), 3)
    # A table of targets may have the keys, too.
    samples = "list(d.values())" if options.partner is None else "[{'index': k, 'logits': d[k]} for k in d]"
    ways = {
        "[dict(zip(d, row)) for row in zip(*d.values())]": f"the classes are {keys}",
        samples: f"the samples are {keys}",
    }
    raise UsageError(
        f"has a list for each of {keys}: are these the classes or the samples?",
        where=name,
        remedies=rewriting(name, options, ways, key),
    )


def _which(paths: Sequence[str], what: str, name: str, options: ReadOptions) -> UsageError:
    return UsageError(
        f"has several arrays that could be {what}: {first_few(paths, 10)}",
        where=name,
        hint=f"name one, such as {name}:{paths[0]}",
        remedies=naming(name, options, paths[:5], what),
    )
