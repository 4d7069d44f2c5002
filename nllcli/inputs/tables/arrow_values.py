"""The types and arrays of Arrow: what a column holds, as numbers in numpy or as Python's text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Content = Literal["lists", "integers", "floats", "decimals", "booleans", "text", "bytes", "records", "anything else"]

NUMBERS = ("integers", "floats", "decimals")
_TEXT = ("string", "large_string", "string_view")
_BYTES = ("binary", "large_binary", "binary_view")


@lru_cache(maxsize=256)  # asked several times of each of many columns, most of one type
def content(kind: Any) -> Content:
    """What a column of a type holds."""
    from pyarrow import types

    kind = plain(kind)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "lists"
    if types.is_boolean(kind):
        return "booleans"
    if types.is_integer(kind):
        return "integers"
    if types.is_floating(kind):
        return "floats"
    if types.is_decimal(kind):
        return "decimals"
    if types.is_struct(kind):
        return "records"
    # The views have no test in older versions.
    if str(kind) in _TEXT:
        return "text"
    return "bytes" if str(kind) in _BYTES else "anything else"


def innermost(kind: Any) -> tuple[int, Any]:
    """How many levels of lists, or axes of a tensor, a type has, and the type of what they hold."""
    n_levels = 0
    while content(kind) == "lists":
        n_levels += max(1, len(getattr(kind, "shape", ())))
        kind = plain(kind).value_type
    return n_levels, kind


def is_vector(kind: Any) -> bool:
    """Whether a type is that of a vector of Spark: all its values, or those that are not 0 by their places."""
    return content(kind) == "records" and {"type", "size", "indices", "values"} == {field.name for field in plain(kind)}


def is_map_of_numbers(kind: Any) -> bool:
    """Whether a type has a number for each key."""
    from pyarrow import types

    return types.is_map(kind) and content(kind.item_type) in NUMBERS


def plain(kind: Any) -> Any:
    """The type of a column's values, which may be written once each and numbered (a pandas category), or extended."""
    import pyarrow

    while True:
        if isinstance(kind, pyarrow.BaseExtensionType):
            kind = kind.storage_type
        elif pyarrow.types.is_dictionary(kind):
            kind = kind.value_type
        else:
            return kind


def dtype_of(kind: Any, *, booleans: type = np.bool_) -> np.dtype[Any]:
    """The dtype that ``numbers`` gives a column of a type; that of truth values is told."""
    if content(kind) == "booleans":
        return np.dtype(booleans)
    return np.dtype(np.float64 if content(kind) == "decimals" else plain(kind).to_pandas_dtype())


def is_as_is(kind: Any) -> bool:
    """Whether numpy has the numbers of a column of a type as the file does."""
    return bool(plain(kind) == kind) and content(kind) in ("integers", "floats")


def values_of(column: Any) -> Any:
    """A column without extension and, unless it is text, without a dictionary."""
    import pyarrow

    while isinstance(column, pyarrow.ExtensionArray):
        column = column.storage
    if isinstance(column, pyarrow.DictionaryArray) and content(column.type) not in ("text", "bytes"):
        return column.dictionary_decode()
    return column


def numbers(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """The numbers or truth values of a column, 0 for a missing one, and which are missing (None: none)."""
    import pyarrow

    column = values_of(column)
    if content(column.type) == "decimals":  # the text of one is exact, its cast to a float need not be
        column = column.cast(pyarrow.string()).cast(pyarrow.float64())
    missing = None
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        column = column.fill_null(pyarrow.scalar(0).cast(column.type))
    return column.to_numpy(zero_copy_only=False), missing


def texts(column: Any) -> list[str | None]:
    """The text of a column of text or whole numbers, None for a missing one."""
    column = values_of(column)
    if hasattr(column, "dictionary"):  # of which some kinds cannot be decoded
        words = _python(column.dictionary)
        return [None if i is None else words[i] for i in column.indices.to_pylist()]
    return _python(column)


def _python(column: Any) -> list[str | None]:
    values = column.to_pylist()
    if content(column.type) == "bytes":
        return [None if value is None else value.decode("utf-8") for value in values]
    return [None if value is None else str(value) for value in values]


def is_previewed(kind: Any) -> bool:
    """Whether the values of a column of a type are shown in a preview, and not only their type."""
    return content(innermost(kind)[1]) in (*NUMBERS, "text", "booleans")


def n_in_first(column: Any) -> int:
    """How many values the first row of a column has."""
    if content(column.type) != "lists":
        return 1
    first = values_of(column)[0]
    return len(first) if first.is_valid else 1


def previewed(column: Any) -> list[Any]:
    """The values of a column as Python has them: numbers, text, truth values, lists; of lists in lists their number."""
    n_levels, kind = innermost(column.type)
    if n_levels > 1:
        return [None if n is None else [str(kind)] * n for n in lengths(values_of(column)).to_pylist()]
    if content(kind) == "text" and not n_levels:
        return texts(column)
    values = values_of(column).to_pylist()
    return [_as_float(cell) for cell in values] if content(kind) == "decimals" else values


def _as_float(cell: Any) -> Any:
    """A decimal, or each of a list of them, as a float."""
    if isinstance(cell, list):
        return [_as_float(each) for each in cell]
    return None if cell is None else float(cell)


def lengths(column: Any) -> Any:
    """How many values each list of a column has, None for a missing one."""
    from pyarrow import compute

    return compute.list_value_length(column)
