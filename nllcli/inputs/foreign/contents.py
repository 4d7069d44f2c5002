"""The arrays in what a pickle holds, each with the Python that takes it out."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from nllcli.inputs.foreign.arrays import Found
from nllcli.inputs.foreign.pickles import Name, Stub, dtype_of, size_of
from nllcli.inputs.foreign.series import Series, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FRAME = "frame"  # the kind of a data frame
KEYED = "keyed frame"  # that of one that is made of rows by their keys, in a column of this name
KEY = "id"
HERE = "\0"  # in the code of an array, the value that it is in; in its name, the name of that
# A list of no more parts may be splits or models; a longer one is batches or samples.
MOST_SPLITS = 4
_STORAGES = {
    "FloatStorage": ("f", 4),
    "DoubleStorage": ("f", 8),
    "HalfStorage": ("f", 2),
    "BFloat16Storage": ("f", 2),
    "LongStorage": ("i", 8),
    "IntStorage": ("i", 4),
    "ShortStorage": ("i", 2),
    "CharStorage": ("i", 1),
    "ByteStorage": ("u", 1),
    "BoolStorage": ("b", 1),
}


def arrays_in(node: Any, code: str = "d", name: str = "") -> list[Found]:
    """Every array in a value; lists of batches and of samples count as the arrays that joining them gives."""
    match node:
        case dict():
            return _of_dict(node, code, name)
        case tuple() if not all(isinstance(item, str) for item in node):
            return _each((f"{code}[{i}]", name, value) for i, value in enumerate(node))
        case list() | tuple():
            return _of_list(node, code, name)
        case Stub():
            return _of_stub(node, code, name)
        case bool() | None | bytes():
            return []
        case int() | float() | str():
            return [Found(code, name, (), {int: "i", float: "f", str: "U"}[type(node)])]
    return []


def _each(parts: Iterable[tuple[str, str, Any]]) -> list[Found]:
    return [found for code, name, value in parts for found in arrays_in(value, code, name)]


def _of_list(items: Sequence[Any], code: str, name: str) -> list[Found]:
    joined = _joined([arrays_in(item, "b", name) for item in items], code)
    if joined and len(items) > MOST_SPLITS:
        return joined
    alone = _each((f"{code}[{i}]", name, item) for i, item in enumerate(items))
    return joined + [each for each in alone if each.shape != ()]


def _of_dict(items: dict[Any, Any], code: str, name: str) -> list[Found]:
    rows = {key: arrays_in(item, HERE, HERE) for key, item in items.items()}
    numbered = next((each for each in series(items) if len(each.keys) == len(items)), None)
    if len(items) > MOST_SPLITS and numbered is None and all(isinstance(item, dict | tuple) for item in items.values()):
        joined = _joined([_put(row, "b", name) for row in rows.values()], f"list({code}.values())")
        if joined:  # samples by their names
            return joined
    keyed = _keyed(rows, code, name, numbered)
    if keyed and numbered is None:
        return keyed
    joined, left = in_series(rows, code, name)
    places = dict(zip(items, [_place(code, key, i) for i, key in enumerate(items)], strict=True))
    return joined + keyed + [each for key in left for each in _put(rows[key], places[key], str(key))]


def _keyed(rows: dict[Any, list[Found]], code: str, name: str, numbered: Series | None) -> list[Found]:
    """The table that rows of floats by their keys are, of which there are more than classes; none if they are not."""
    first, *others = list(rows.values()) or [[]]
    shape = first[0].shape if len(first) == 1 else None
    alike = all(row == first for row in others) and len(shape or ()) == 1 and first[0].kind == "f"
    if not alike or len(rows) <= max(MOST_SPLITS, prod(shape or ())):
        return []
    values, keys = (
        (f"{code}.values()", f"list({code})") if numbered is None else (numbered.taken(code), numbered.written)
    )
    part = first[0].code.replace(HERE, "b")
    frame = f"pandas.DataFrame({{{KEY!r}: {keys}, {name or 'logits'!r}: [{part} for b in {values}]}})"
    return [Found(frame, name, None, KEYED)]


def in_series(rows: dict[Any, list[Found]], code: str, name: str = "") -> tuple[list[Found], list[Any]]:
    """The arrays that joining the values of numbered keys gives, and the keys that are left.

    ``rows`` are the arrays in each value. Few values may be splits, and those that each fit another array, models.
    """
    found, left, all_series = list[Found](), list(rows), series(rows)
    counted = {key for each in all_series for key in each.keys}
    others = {(each.shape or (0,))[0] for key in left if key not in counted for each in rows[key]}
    for each in all_series:
        parts = [_put(rows[key], "b", each.name or name) for key in each.keys]
        joined = _joined(parts, each.taken(code))
        lengths = {(part.shape or (0,))[0] for row in parts for part in row}
        if joined and len(parts) > MOST_SPLITS and not (len(lengths) == 1 and lengths & others):
            left = [key for key in left if key not in each.keys]
        found += joined
    return found, left


def _put(row: list[Found], code: str, name: str) -> list[Found]:
    """The arrays in a value, which is ``code`` and has a name."""
    return [replace(each, code=each.code.replace(HERE, code), name=each.name.replace(HERE, name)) for each in row]


def _place(code: str, key: Any, i: int) -> str:
    """The Python for the value of a key: by its place where the key is not written as it is; long text is not kept."""
    parts = key if isinstance(key, tuple) else (key,)
    plain = all(isinstance(part, str | int) and part != "" for part in parts)
    return f"{code}[{key!r}]" if plain else f"list({code}.values())[{i}]"


def _joined(rows: list[list[Found]], code: str) -> list[Found]:
    """The arrays that joining the same array of every item gives; none where the items are not alike."""
    if len(rows) < 2 or any([each.code for each in row] != [each.code for each in rows[0]] for row in rows):
        return []
    found = [_column(list(column), code) for column in zip(*rows, strict=True)]
    return [each for each in found if each is not None]


def _column(parts: list[Found], code: str) -> Found | None:
    first, shapes, kinds = parts[0], [each.shape for each in parts], {each.kind for each in parts}
    if kinds & {FRAME, KEYED} or None in shapes or len({shape and len(shape) for shape in shapes}) > 1:
        return None
    kind = "f" if kinds == {"i", "f"} else first.kind
    if kind != "f" and len(kinds) > 1:
        return None
    tails, lengths = {shape[1:] for shape in shapes if shape}, {shape[0] for shape in shapes if shape}
    if not lengths:
        return replace(first, code=_all("numpy.array", first.code, code), shape=(len(parts),), kind=kind)
    if len(first.shape or ()) == 1 and kind == "f" and len(lengths) == 1:
        return replace(first, code=_all("numpy.stack", first.code, code), shape=(len(parts), *lengths), kind=kind)
    if len(tails) > 1:
        return None
    n = sum(shape[0] for shape in shapes if shape)
    return replace(first, code=_all("numpy.concatenate", first.code, code), shape=(n, *tails.pop()), kind=kind)


def _all(join: str, part: str, code: str) -> str:
    """The Python that joins a part of every item."""
    if part in ("b", "numpy.array(b)"):
        return f"{'numpy.array' if part != 'b' else join}({code})" if join != "numpy.concatenate" else f"{join}({code})"
    if join == "numpy.stack" and part.startswith("numpy.array("):
        join, part = "numpy.array", part.removeprefix("numpy.array(")[:-1]
    return f"{join}([{part} for b in {code}])"


def _of_stub(node: Stub, code: str, name: str) -> list[Found]:
    match node.name.name, node.arguments, node.state:
        case "_reconstruct", _, (_, tuple(shape), dtype, _, data) if size_of(shape) >= 0:
            return _of_array(shape, dtype_of(dtype)[0], data, code, name)
        case "_frombuffer", (_, dtype, tuple(shape), *_), _ if size_of(shape) >= 0:
            return [Found(code, name, shape, dtype_of(dtype)[0])]
        case "NumpyArrayWrapper", _, {"shape": tuple(shape), "dtype": dtype} if size_of(shape) >= 0:
            return [Found(code, name, shape, dtype_of(dtype)[0])]
        case "scalar", (dtype, *_), _:
            return [Found(code, name, (), dtype_of(dtype)[0])]
        case "_rebuild_tensor_v2" | "_rebuild_tensor", (Stub() as storage, _, tuple(shape), *_), _ if (
            size_of(shape) >= 0
        ):
            return _of_tensor(storage, shape, code, name)
        case "_rebuild_parameter", (value, *_), _:
            return arrays_in(value, code, name)
        case "DataFrame", _, _:
            return [Found(code, name, None, FRAME), *_within(node, f"{code}.to_numpy()", name, 2)]
        case "Series", _, _:
            frame = Found(f"{code}.to_frame({code}.name or 'target')", name, None, FRAME)
            return [frame, *_within(node, f"{code}.to_numpy()", name, 1)]
        case _, _, dict(state):
            return _each((f"{code}.{key}", str(key), value) for key, value in state.items() if str(key).isidentifier())
    return _each((f"{code}[{i}]", name, value) for i, value in enumerate(node.arguments)) + arrays_in(
        node.items, code, name
    )


def _of_array(shape: tuple[int, ...], kind: str, data: Any, code: str, name: str) -> list[Found]:
    if kind != "O":
        return [Found(code, name, shape, kind)]
    if not shape:
        return arrays_in(data[0], f"{code}.item()", name)
    kinds = {type(value) for value in data}
    if kinds == {str}:
        return [Found(f"{code}.astype(str)", name, shape, "U")]
    if kinds and kinds <= {int, float}:
        number = float if float in kinds else int
        return [Found(f"{code}.astype({number.__name__})", name, shape, number.__name__[0])]
    if len(shape) == 1:
        return _of_list(data, code, name)
    return _each((f"{code}.ravel()[{i}]", name, value) for i, value in enumerate(data))


def _of_tensor(storage: Stub, shape: tuple[int, ...], code: str, name: str) -> list[Found]:
    kind, width = _STORAGES.get(storage.arguments[0][1].name, ("?", 0))
    single = ".float()" if (kind, width) == ("f", 2) else ""
    return [Found(f"{code}.detach(){single}.numpy()", name, shape, kind)]


def _within(node: Stub, code: str, name: str, n_dims: int) -> list[Found]:
    """The largest block of values that a data frame or a series is made of; the last, as its index comes first."""
    blocks = [each for each in _blocks(node) if len(each.shape or ()) == n_dims]
    if not blocks:
        return []
    largest = max(reversed(blocks), key=lambda each: prod(each.shape or ()))
    return [Found(code, name, (largest.shape or ())[::-1], largest.kind)]


def _blocks(node: Any) -> Iterator[Found]:
    match node:
        case Stub(function=Name(name="_reconstruct" | "_frombuffer")):
            yield from _of_stub(node, "", "")
        case Stub():
            yield from _blocks((node.arguments, node.items, node.state))
        case dict():
            yield from _blocks(list(node.values()))
        case list() | tuple():
            for value in node:
                yield from _blocks(value)
